"""Keeps Ubuntu's firewall on or off, its policies, and its rules.

Example::

    - name: SSH is let in, at a bearable rate
      community.general.ufw:
        rule: limit
        port: ssh
        proto: tcp

Whether a rule would change anything is what ``ufw --dry-run`` says. With several of ``default``, ``logging``, ``rule``
and ``state`` in one task the firewall is switched last, so that it comes up with its rules.
Returns ``commands`` (what was run, or would be), ``msg`` (``ufw status verbose``). Errors: ``no_ufw``, ``ufw_failed``.
"""

import re

from modules.api import Arg, Change, Failed, Same, exclusive, one_of

ARGS = {
    "state": Arg("str", "Switch it on or off (over reboots too), reload it, or reset it.",
                 choices=("disabled", "enabled", "reloaded", "reset")),
    "default": Arg("str", "The policy for a direction.", choices=("allow", "deny", "reject"), aliases=("policy",)),
    "direction": Arg("str", "Direction of a rule or of default.",
                     choices=("in", "incoming", "out", "outgoing", "routed")),
    "logging": Arg("str", "Log or not, and how much.", choices=("on", "off", "low", "medium", "high", "full")),
    "rule": Arg("str", "What the rule does.", choices=("allow", "deny", "limit", "reject")),
    "delete": Arg("bool", "The rule goes.", default=False),
    "insert": Arg("int", "Insert the rule under this number."),
    "insert_relative_to": Arg("str", "Where insert counts from.", default="zero",
                              choices=("first-ipv4", "first-ipv6", "last-ipv4", "last-ipv6", "zero")),
    "route": Arg("bool", "The rule is about routed packets.", default=False),
    "log": Arg("bool", "Log new connections that match.", default=False),
    "from_ip": Arg("str", "Source address.", default="any", aliases=("from", "src")),
    "from_port": Arg("str", "Source port."),
    "to_ip": Arg("str", "Destination address.", default="any", aliases=("dest", "to")),
    "to_port": Arg("str", "Destination port, range first:last, or name.", aliases=("port",)),
    "proto": Arg("str", "The protocol.", aliases=("protocol",),
                 choices=("any", "tcp", "udp", "ipv6", "esp", "ah", "gre", "igmp", "vrrp")),
    "name": Arg("str", "An application's profile.", aliases=("app",)),
    "interface": Arg("str", "The interface of the rule's direction.", aliases=("if",)),
    "interface_in": Arg("str", "Interface of arrival.", aliases=("if_in",)),
    "interface_out": Arg("str", "Interface of departure.", aliases=("if_out",)),
    "comment": Arg("str", "A comment on the rule."),
}
RULES = (one_of("state", "default", "rule", "logging"), exclusive("name", "proto"),
         exclusive("direction", "interface_in"), exclusive("direction", "interface_out"),
         exclusive("interface", "interface_in"), exclusive("interface", "interface_out"))
C_LOCALE = {"LC_ALL": "C", "LANGUAGE": "C"}
CONF, DEFAULTS = "/etc/ufw/ufw.conf", "/etc/default/ufw"
TUPLES = (("/etc/ufw/user.rules", "/lib/ufw/user.rules"), ("/etc/ufw/user6.rules", "/lib/ufw/user6.rules"))
DIRECTIONS = {"in": "incoming", "out": "outgoing", None: "incoming"}
POLICIES = {"incoming": "DEFAULT_INPUT_POLICY", "outgoing": "DEFAULT_OUTPUT_POLICY", "routed": "DEFAULT_FORWARD_POLICY"}
TARGETS = {"allow": "ACCEPT", "deny": "DROP", "reject": "REJECT"}
VERBS = {"enabled": "enable", "disabled": "disable", "reloaded": "reload", "reset": "reset"}


def check(args, host):
    if not host.which("ufw"):
        raise Failed("no_ufw", "There is no ufw on this host", "install the package ufw")
    _require(args)
    before = current(host)
    steps = steps_for(args, before, host)
    status = host.query(["ufw", "status", "verbose"], env=C_LOCALE).stdout.strip()
    values = {"commands": [" ".join(step) for step in steps], "msg": status}
    if not steps:
        return Same(**values)
    return Change("", "\n".join(values["commands"]) + "\n", after_header="commands", values=values, data=steps)


def apply(args, change, host):
    for argv in change.data:
        done = host.run(argv, env=C_LOCALE)
        if done.rc != 0:
            raise Failed("ufw_failed", "{}: {}".format(" ".join(argv), done.stderr.strip() or done.stdout.strip()),
                         rc=done.rc)
    return {"msg": host.query(["ufw", "status", "verbose"], env=C_LOCALE).stdout.strip()}


def current(host):
    """What ufw's files say: ``enabled``, ``loglevel``, ``policies``, ``rules`` (of each protocol, in order)."""
    conf, defaults = settings(_text(CONF, host)), settings(_text(DEFAULTS, host))
    rules = [tuples("".join(_text(path, host) for path in paths)) for paths in TUPLES]
    return {"enabled": conf.get("ENABLED") == "yes", "loglevel": conf.get("LOGLEVEL", "low"), "policies": defaults,
            "rules": rules}


def steps_for(args, now, host):
    """The commands that are needed, in order."""
    steps = [["ufw", "--force", "reset"]] if args["state"] == "reset" else []
    if args["default"]:
        direction = DIRECTIONS.get(args["direction"], args["direction"])
        if now["policies"].get(POLICIES[direction]) != TARGETS[args["default"]] or steps:
            steps.append(["ufw", "default", args["default"], direction])
    if args["logging"]:
        level = args["logging"]
        if now["loglevel"] == "off" if level == "on" else now["loglevel"] != level:
            steps.append(["ufw", "logging", level])
    if args["rule"]:
        words = rule_words(args, [len(each) for each in now["rules"]])
        if steps[:1] == [["ufw", "--force", "reset"]] or would_change(words, now["rules"], host):
            steps.append(["ufw"] + words)
    if args["state"] == "reloaded" or args["state"] in ("enabled", "disabled") and now["enabled"] != (
            args["state"] == "enabled"):
        steps.append(["ufw", "--force", VERBS[args["state"]]])
    return steps


def would_change(words, rules, host):
    """Whether ufw, asked to run dry, would write other rules than there are."""
    done = host.query(["ufw", "--dry-run"] + words, env=C_LOCALE)
    if done.rc != 0:
        raise Failed("ufw_failed", "ufw {}: {}".format(" ".join(words), done.stderr.strip() or done.stdout.strip()),
                     rc=done.rc)
    blocks = done.stdout.split("*filter\n")[1:]
    return any(tuples(block) != rules[1 if ":ufw6-" in block else 0] for block in blocks)


def rule_words(args, counts):
    """The rule as ufw's grammar has it; ``counts``: how many rules there are for IPv4 and IPv6."""
    words = ["route"] if args["route"] or args["direction"] == "routed" else []
    if args["delete"]:
        words.append("delete")
    else:
        place = place_of(args, counts)
        words += ["insert", str(place)] if place is not None else []
    words.append(args["rule"])
    for side, interface in (("in", args["interface_in"]), ("out", args["interface_out"])):
        words += [side, "on", interface] if interface else []
    if args["direction"] not in (None, "routed"):
        words.append("in" if args["direction"].startswith("in") else "out")
        words += ["on", args["interface"]] if args["interface"] else []
    words += ["log"] if args["log"] else []
    words += ["proto", args["proto"]] if args["proto"] and args["proto"] != "any" else []
    words += ["from", args["from_ip"]] + (["port", args["from_port"]] if args["from_port"] else [])
    words += ["to", args["to_ip"]] + (["port", args["to_port"]] if args["to_port"] else [])
    words += ["app", args["name"]] if args["name"] else []
    return words + (["comment", args["comment"]] if args["comment"] and not args["delete"] else [])


def place_of(args, counts):
    """The absolute number to insert at; None: at the end, where ufw cannot insert."""
    if args["insert"] is None:
        return None
    four, six = counts
    base = {"zero": 0, "first-ipv4": 1, "last-ipv4": four or 1, "first-ipv6": four + 1,
            "last-ipv6": four + (six or 1)}[args["insert_relative_to"]]
    place = args["insert"] + base
    if args["insert_relative_to"] == "zero":
        return place
    return None if place > four + six else max(1, place)


def settings(text):
    """NAME -> value of a file of shell assignments."""
    return {match.group(1): match.group(2).strip("\"'").strip()
            for match in re.finditer(r"^([A-Z_0-9]+)=(.*)$", text, re.MULTILINE)}


def tuples(text):
    """ufw's own notes of its rules, in order."""
    return [line for line in text.splitlines() if line.startswith("### tuple ###")]


def _text(path, host):
    return host.read_text(path) if host.exists(path) else ""


def _require(args):
    for name in ("from_ip", "from_port", "to_ip", "to_port", "name", "interface", "interface_in", "interface_out"):
        if args[name] is not None and (args[name].startswith("-") or not args[name].strip()):
            raise Failed("bad_arguments", "{} is {!r}".format(name, args[name]))
    if args["rule"] and args["interface"] and args["direction"] is None:
        raise Failed("bad_arguments", "Direction must be specified when creating a rule on an interface.")
