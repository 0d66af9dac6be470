"""Keeps one setting of a firewalld zone: a service, a port, a source, a rule …, or the zone itself.

Example::

    - name: HTTPS is let in, now and after a reboot
      ansible.posix.firewalld:
        service: https
        state: enabled
        permanent: true
        immediate: true

Uses firewall-cmd; where the daemon does not run and ``offline`` is set, firewall-offline-cmd.
Returns ``msg``. Errors: ``no_firewalld``, ``not_running``, ``firewalld_failed``, ``bad_arguments``.
"""

import re

from modules.api import Arg, Change, Failed, Same, exclusive

FORWARD = {
    "port": Arg("str", "The port that packets come for.", required=True),
    "proto": Arg("str", "The protocol.", required=True, choices=("udp", "tcp")),
    "toport": Arg("str", "The port they go to.", required=True),
    "toaddr": Arg("str", "The address they go to."),
}
ARGS = {
    "state": Arg("str", "Whether it is set; present and absent are for zones and targets.", required=True,
                 choices=("absent", "disabled", "enabled", "present")),
    "zone": Arg("str", "The zone; default: firewalld's default zone."),
    "permanent": Arg("bool", "Change what holds after a reload or a reboot.", default=False),
    "immediate": Arg("bool", "Change what holds now; implied unless permanent.", default=False),
    "offline": Arg("bool", "Change the files where firewalld does not run.", default=False),
    "timeout": Arg("int", "Seconds after which an immediate change ends; 0: never.", default=0),
    "service": Arg("str", "A service."),
    "port": Arg("str", "A port or range, as 8081/tcp."),
    "protocol": Arg("str", "A protocol."),
    "source": Arg("str", "A source address or network."),
    "interface": Arg("str", "An interface."),
    "icmp_block": Arg("str", "An ICMP type to block."),
    "rich_rule": Arg("str", "A rule in firewalld's rich language."),
    "port_forward": Arg("list", "One forwarded port.", elements="dict", suboptions=FORWARD),
    "masquerade": Arg("bool", "Masquerading; false turns the meaning of state around."),
    "forward": Arg("bool", "Forwarding within the zone; false turns the meaning of state around."),
    "icmp_block_inversion": Arg("bool", "Block all but the icmp_blocks; false turns the meaning of state around."),
    "target": Arg("str", "What happens to packets that nothing matched.",
                  choices=("default", "ACCEPT", "DROP", "%%REJECT%%")),
}
WITH_VALUE = ("service", "port", "protocol", "source", "interface", "icmp_block", "rich_rule", "port_forward")
SWITCHES = ("masquerade", "forward", "icmp_block_inversion")
RULES = (exclusive(*(WITH_VALUE + SWITCHES + ("target",))),)
NOT_RUNNING = "firewall is not currently running, unable to perform immediate actions without a running firewall daemon"


def check(args, host):
    _require(args)
    running = _running(host)
    steps, messages = [], []
    for permanent in _ways(args, running, host):
        step = step_for(args, _base(permanent, running), host)
        steps += [step] if step else []
        messages.append("Permanent operation" if permanent else "Non-permanent operation")
    message = "Permanent and Non-Permanent(immediate) operation" if len(messages) > 1 else messages[0]
    if not steps:
        return Same(msg=message)
    what = subject(args)
    done = "Changed {} to {}".format(" ".join(word for word in what if word), args["state"])
    return Change("", "\n".join(" ".join(step) for step in steps) + "\n", after_header="commands",
                  values={"msg": "{}, {}".format(message, done)}, data=steps)


def apply(args, change, host):
    for argv in change.data:
        done = host.run(argv, env={"LC_ALL": "C"})
        if done.rc != 0:
            raise Failed("firewalld_failed", "{}: {}".format(" ".join(argv), (done.stderr or done.stdout).strip()),
                         rc=done.rc)


def subject(args):
    """(firewall-cmd's word for what is set, its value or None)."""
    for name in WITH_VALUE:
        if args[name]:
            value = args[name]
            if name == "port_forward":
                first = value[0]
                value = "port={port}:proto={proto}:toport={toport}".format(**first) + (
                    ":toaddr={}".format(first["toaddr"]) if first["toaddr"] else "")
            return {"port_forward": "forward-port"}.get(name, name.replace("_", "-")), value
    for name in SWITCHES:
        if args[name] is not None:
            return name.replace("_", "-"), None
    return ("target", args["target"]) if args["target"] else ("zone", args["zone"])


def step_for(args, base, host):
    """The argument list that changes one configuration, or None when it is right."""
    word, value = subject(args)
    on = args["state"] in ("enabled", "present")
    if word == "zone":
        return _zone_step(args["zone"], on, base, host)
    zone = base + (["--zone={}".format(args["zone"])] if args["zone"] else [])
    if word == "target":
        wanted = value if on else "default"
        return None if _must(host.query(zone + ["--get-target"])).strip() == wanted else zone + [
            "--set-target={}".format(wanted)]
    on = on != (value is None and not args[word.replace("-", "_")])
    suffix = "{}={}".format(word, value) if value else word
    if _asked(zone + ["--query-" + suffix], host) == on:
        return None
    verb = "add" if on else "remove"
    if word == "interface" and on:
        verb = "change"
    if base[0] == "firewall-offline-cmd" and word == "service" and not on:
        return zone + ["--remove-service-from-zone={}".format(value)]  # its --remove-service is of an older grammar
    for_now = "--permanent" not in base and base[0] == "firewall-cmd" and on and args["timeout"]
    return zone + ["--{}-{}".format(verb, suffix)] + (["--timeout={}".format(args["timeout"])] if for_now else [])


def _zone_step(zone, on, base, host):
    there = zone in _must(host.query(base + ["--get-zones"])).split()
    return None if there == on else base + ["--{}-zone={}".format("new" if on else "delete", zone)]


def _ways(args, running, host):
    """Which configurations to look at: True for the permanent one, False for the running one."""
    immediate = args["immediate"] or not args["permanent"]
    if running:
        return ([True] if args["permanent"] else []) + ([False] if immediate else [])
    if args["permanent"] and (args["offline"] or not args["immediate"]) and host.which("firewall-offline-cmd"):
        return [True]
    if not host.which("firewall-cmd"):
        raise Failed("no_firewalld", "There is no firewalld on this host", "install the package firewalld")
    raise Failed("not_running", NOT_RUNNING, "start firewalld, or set permanent and offline")


def _base(permanent, running):
    if not running:
        return ["firewall-offline-cmd"]
    return ["firewall-cmd"] + (["--permanent"] if permanent else [])


def _running(host):
    return bool(host.which("firewall-cmd")) and host.query(["firewall-cmd", "--state"]).rc == 0


def _asked(argv, host):
    """A query's answer: 0 is yes, 1 is no."""
    done = host.query(argv, env={"LC_ALL": "C"})
    if done.rc not in (0, 1) or (done.rc == 1 and "no" not in done.stdout.split()):
        raise Failed("firewalld_failed", "{}: {}".format(" ".join(argv), (done.stderr or done.stdout).strip()),
                     rc=done.rc)
    return done.rc == 0


def _must(done):
    if done.rc != 0:
        raise Failed("firewalld_failed", "{}: {}".format(" ".join(done.argv), done.stderr.strip()), rc=done.rc)
    return done.stdout


def _require(args):
    word, value = subject(args)
    if word == "zone" and not value:
        raise Failed("bad_arguments", "no setting was given", "one of: {}".format(", ".join(WITH_VALUE + SWITCHES)))
    if word in ("zone", "target"):
        if args["state"] not in ("absent", "present") or not args["permanent"]:
            raise Failed("bad_arguments", "zone operations must be permanent, and their state present or absent")
    elif args["state"] in ("absent", "present"):
        raise Failed("bad_arguments", "absent and present state can only be used in zone level operations")
    if word == "port" and not re.match(r"\d{1,5}(-\d{1,5})?/[a-z]+\Z", value):
        raise Failed("bad_arguments", "improper port format (missing protocol?)", "write it as 8081/tcp")
    if word == "forward-port" and len(args["port_forward"]) != 1:
        raise Failed("bad_arguments", "Only one port forward supported at a time")
    if args["timeout"] and args["permanent"]:
        raise Failed("bad_arguments", "timeout is for changes that are not permanent")
