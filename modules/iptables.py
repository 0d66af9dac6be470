"""Keeps a rule, a chain or a chain's policy in the running kernel's tables (not over reboots).

Example::

    - name: SSH is let in
      ansible.builtin.iptables:
        chain: INPUT
        protocol: tcp
        destination_port: "22"
        ctstate: NEW
        jump: ACCEPT
        comment: Accept new SSH connections.

Returns ``rule``, ``table``, ``chain``, ``state``, ``ip_version``, ``flush``, ``chain_management``.
Errors: ``no_iptables``, ``iptables_failed``, ``bad_arguments``.
"""

from modules.api import Arg, Change, Failed, Same, exclusive

TCP_FLAGS = {
    "flags": Arg("list", "The flags to look at.", elements="str"),
    "flags_set": Arg("list", "Those of them that must be set.", elements="str"),
}
ARGS = {
    "table": Arg("str", "The table.", default="filter", choices=("filter", "nat", "mangle", "raw", "security")),
    "chain": Arg("str", "The chain, built in or one's own."),
    "state": Arg("str", "Whether the rule (or the chain) is there.", default="present", choices=("absent", "present")),
    "action": Arg("str", "Where a new rule goes.", default="append", choices=("append", "insert")),
    "rule_num": Arg("str", "With insert: the place, from 1."),
    "ip_version": Arg("str", "Which protocol's tables.", default="ipv4", choices=("ipv4", "ipv6", "both")),
    "protocol": Arg("str", "tcp, udp, icmp … or a number; ! before it negates."),
    "source": Arg("str", "Source address, network or name; ! before it negates."),
    "destination": Arg("str", "Destination address, network or name; ! before it negates."),
    "tcp_flags": Arg("dict", "TCP flags to match.", suboptions=TCP_FLAGS),
    "match": Arg("list", "Match extensions to load.", default=[], elements="str"),
    "jump": Arg("str", "The target: ACCEPT, DROP, a chain …"),
    "gateway": Arg("str", "With jump: TEE, the host that gets a copy."),
    "log_prefix": Arg("str", "Text before the log entry; the jump is LOG."),
    "log_level": Arg("str", "syslog's level; the jump is LOG.", choices=(
        "0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info",
        "debug")),
    "goto": Arg("str", "The chain to go on in, without coming back here."),
    "in_interface": Arg("str", "Interface of arrival; + at the end stands for any rest."),
    "out_interface": Arg("str", "Interface of departure."),
    "fragment": Arg("str", "Second and further fragments only."),
    "set_counters": Arg("str", "Packet and byte counters to begin with, as '0 0'."),
    "source_port": Arg("str", "Source port or range first:last."),
    "destination_port": Arg("str", "Destination port or range first:last."),
    "destination_ports": Arg("list", "Several destination ports, at most 15.", default=[], elements="str"),
    "to_ports": Arg("str", "Port or range to redirect to."),
    "to_destination": Arg("str", "With DNAT: the new destination."),
    "to_source": Arg("str", "With SNAT: the new source."),
    "syn": Arg("str", "Match packets that open a TCP connection, or all others.", default="ignore",
               choices=("ignore", "match", "negate")),
    "set_dscp_mark": Arg("str", "With DSCP: the mark."),
    "set_dscp_mark_class": Arg("str", "With DSCP: the class."),
    "comment": Arg("str", "A comment on the rule."),
    "ctstate": Arg("list", "Connection states, as NEW, ESTABLISHED.", default=[], elements="str"),
    "src_range": Arg("str", "Source range first-last."),
    "dst_range": Arg("str", "Destination range first-last."),
    "match_set": Arg("str", "Name of an ipset; ! before it negates."),
    "match_set_flags": Arg("str", "What to look up in the set.", choices=(
        "src", "dst", "src,dst", "dst,src", "dst,dst", "src,src")),
    "limit": Arg("str", "Average rate, as 5/minute."),
    "limit_burst": Arg("str", "Packets above the rate."),
    "uid_owner": Arg("str", "The sending process's user; ! before it negates."),
    "gid_owner": Arg("str", "The sending process's group."),
    "reject_with": Arg("str", "The answer to send; the jump is REJECT."),
    "icmp_type": Arg("str", "ICMP type, by name or number."),
    "flush": Arg("bool", "Remove all rules of the chain (of the table, without one).", default=False),
    "policy": Arg("str", "The chain's policy.", choices=("ACCEPT", "DROP", "QUEUE", "RETURN")),
    "wait": Arg("str", "Seconds to wait for the lock of another iptables."),
    "chain_management": Arg("bool", "Make the chain when it is missing; remove it with state=absent.", default=False),
    "numeric": Arg("bool", "Accepted: names are never looked up here.", default=False),
}
RULES = (exclusive("set_dscp_mark", "set_dscp_mark_class"), exclusive("flush", "policy"))
PROGRAMS = {"ipv4": ("iptables",), "ipv6": ("ip6tables",), "both": ("iptables", "ip6tables")}
NAMES = ("chain", "jump", "goto", "in_interface", "out_interface", "protocol", "source", "destination", "match_set")


def check(args, host):
    _require(args)
    steps = []
    for program in PROGRAMS[args["ip_version"]]:
        if not host.which(program):
            raise Failed("no_iptables", "There is no {} on this host".format(program), "install the package iptables")
        steps += steps_for(program, args, host)
    values = values_of(args)
    if not steps:
        return Same(**values)
    after = "\n".join(" ".join(step) for step in steps) + "\n"
    return Change("", after, after_header="commands", values=values, data=steps)


def apply(args, change, host):
    for argv in change.data:
        _must(host.run(argv, env={"LC_ALL": "C"}))


def steps_for(program, args, host):
    """The argument lists of what has to be done for one protocol."""
    base = [program] + (["-w", args["wait"]] if args["wait"] else []) + ["-t", args["table"]]
    chain = args["chain"]
    listed = rules_of(base, chain, host)
    if args["flush"]:
        has_rules = listed is None or any(line.startswith("-A ") for line in listed)
        return [base + ["-F"] + ([chain] if chain else [])] if has_rules else []
    if args["policy"]:
        same = listed is not None and "-P {} {}".format(chain, args["policy"]) in listed
        return [] if same else [base + ["-P", chain, args["policy"]]]
    rule = rule_words(args, program == "ip6tables")
    if args["state"] == "absent":
        if not rule and args["chain_management"]:
            return [base + ["-X", chain]] if listed is not None else []
        return [base + ["-D", chain] + rule] if listed is not None and _has(base, chain, rule, host) else []
    steps = [base + ["-N", chain]] if listed is None and args["chain_management"] else []
    if args["chain_management"] and not rule or (listed is not None and _has(base, chain, rule, host)):
        return steps
    place = ["-I", chain] + ([args["rule_num"]] if args["rule_num"] else []) if args["action"] == "insert" \
        else ["-A", chain]
    return steps + [base + place + rule]


def rules_of(base, chain, host):
    """What ``-S`` says of the chain (of the table, for None); None when there is no such chain.

    The whole table is listed: asked for a chain that is missing, versions of iptables say very different things.
    """
    done = host.query(base + ["-S"], env={"LC_ALL": "C"})
    _must(done)
    lines = done.stdout.splitlines()
    return [line for line in lines if chain in (None, line.split(" ", 2)[1])] or None


def rule_words(args, six=False):
    """The rule as words for iptables: matches before the target's own options."""
    words = []
    for name, flag in (("protocol", "-p"), ("source", "-s"), ("destination", "-d"), ("in_interface", "-i"),
                       ("out_interface", "-o"), ("fragment", "-f"), ("set_counters", "-c")):
        words += _option(args[name], flag)
    for name in args["match"]:
        words += ["-m", name]
    words += _matches(args, six)
    words += _target(args)
    return words + (["-m", "comment", "--comment", args["comment"]] if args["comment"] else [])


def values_of(args):
    """The return values."""
    values = {name: args[name] for name in ("table", "chain", "state", "ip_version", "flush", "chain_management")}
    values["rule"] = " ".join(rule_words(args))
    return values


def _matches(args, six):
    words = []
    flags = args["tcp_flags"]
    if flags and flags["flags"] and flags["flags_set"]:
        words += ["--tcp-flags", ",".join(flags["flags"]), ",".join(flags["flags_set"])]
    words += _option(args["source_port"], "--sport") + _option(args["destination_port"], "--dport")
    words += _extension(args, "multiport", (("--dports", ",".join(args["destination_ports"])),))
    words += {"ignore": [], "match": ["--syn"], "negate": ["!", "--syn"]}[args["syn"]]
    if args["ctstate"]:
        own = "state" in args["match"]
        words += _extension(args, "state" if own else "conntrack",
                            (("--state" if own else "--ctstate", ",".join(args["ctstate"])),))
    words += _extension(args, "iprange", (("--src-range", args["src_range"]), ("--dst-range", args["dst_range"])))
    if args["match_set"]:
        words += [] if "set" in args["match"] else ["-m", "set"]
        words += _option(args["match_set"], "--match-set") + [args["match_set_flags"] or "src"]
    words += _extension(args, "limit", (("--limit", args["limit"]), ("--limit-burst", args["limit_burst"])))
    words += _extension(args, "owner", (("--uid-owner", args["uid_owner"]), ("--gid-owner", args["gid_owner"])))
    return words + _option(args["icmp_type"], "--icmpv6-type" if six else "--icmp-type")


def _target(args):
    jump = args["jump"]
    if jump is None:
        jump = "LOG" if args["log_prefix"] or args["log_level"] else "REJECT" if args["reject_with"] else \
            "TEE" if args["gateway"] else None
    words = ["-j", jump] if jump else []
    for name, flag in (("gateway", "--gateway"), ("log_prefix", "--log-prefix"), ("log_level", "--log-level"),
                       ("to_destination", "--to-destination"), ("to_source", "--to-source"), ("goto", "-g"),
                       ("to_ports", "--to-ports"), ("set_dscp_mark", "--set-dscp"),
                       ("set_dscp_mark_class", "--set-dscp-class"), ("reject_with", "--reject-with")):
        words += [flag, args[name]] if args[name] else []
    return words


def _extension(args, name, options):
    """A match extension with those of its options that are given; nothing when none is."""
    words = [word for flag, value in options for word in _option(value, flag)]
    return (["-m", name] if words and name not in args["match"] else []) + words


def _option(value, flag):
    """``flag value``, or ``! flag value`` for a value that begins with an exclamation mark."""
    if not value:
        return []
    if flag == "-f":
        return ["!", flag] if value.startswith("!") else [flag]
    if flag == "-c":
        return [flag] + value.split()
    return ["!", flag, value[1:].strip()] if value.startswith("!") else [flag, value]


def _require(args):
    for name in NAMES:
        if args[name] and args[name].lstrip("! ").startswith("-"):
            raise Failed("bad_arguments", "{} {!r} would be taken for an option".format(name, args[name]))
    if args["chain"] is None and not args["flush"]:
        raise Failed("bad_arguments", "Either chain or flush parameter must be specified.")
    if args["rule_num"] and args["action"] != "insert":
        raise Failed("bad_arguments", "rule_num needs action: insert")


def _has(base, chain, rule, host):
    done = host.query(base + ["-C", chain] + rule, env={"LC_ALL": "C"})
    if done.rc not in (0, 1):
        _must(done)
    return done.rc == 0


def _must(done):
    if done.rc != 0:
        raise Failed("iptables_failed", "{}: {}".format(" ".join(done.argv), done.stderr.strip()), rc=done.rc)
