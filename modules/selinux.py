"""Keeps SELinux's mode and policy, now and after a reboot.

Example::

    - name: SELinux protects this host
      ansible.posix.selinux:
        policy: targeted
        state: enforcing

Returns ``msg``, ``configfile``, ``policy``, ``state``, ``reboot_required``.
Errors: ``no_path``, ``no_policy``, ``no_tools``, ``selinux_failed``, ``bad_arguments``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same
from modules.support.selinux_tools import require_tool, running_state

ARGS = {
    "state": Arg("str", "The mode.", required=True, choices=("disabled", "enforcing", "permissive")),
    "policy": Arg("str", "The policy, as targeted; needed unless the mode is disabled."),
    "configfile": Arg("str", "The configuration file.", default="/etc/selinux/config", aliases=("conf", "file")),
    "update_kernel_param": Arg("bool", "Change the kernel's boot parameters too, with grubby.", default=False),
}


def check(args, host):
    path, state = args["configfile"], args["state"]
    if not host.exists(path):
        raise Failed("no_path", "Unable to find file {}".format(path), "install SELinux's policy packages first")
    before = host.read_text(path)
    old = settings(before)
    policy = args["policy"] or (old.get("SELINUXTYPE") if state == "disabled" else None)
    _require_policy(policy, state, args)
    after = edit(edit(before, "SELINUX", state), "SELINUXTYPE", policy) if policy else edit(before, "SELINUX", state)
    running, messages, steps = running_state(host), [], []
    for what, name, new in (("policy", "SELINUXTYPE", policy), ("state", "SELINUX", state)):
        if new and old.get(name) != new:
            messages.append("Config SELinux {} changed from '{}' to '{}'".format(what, old.get(name), new))
    if running != "disabled" and running != (state if state != "disabled" else "permissive"):
        steps.append(["setenforce", "1" if state == "enforcing" else "0"])
        messages.append("Running SELinux state changed from '{}' to '{}'".format(running, steps[0][1] == "1" and
                                                                                "enforcing" or "permissive"))
    steps += _kernel_steps(args, host)
    values = {"msg": ", ".join(messages), "configfile": path, "policy": policy, "state": state,
              "reboot_required": (running == "disabled") != (state == "disabled")}
    if before == after and not steps:
        return Same(**values)
    return Change(before, after, path, path, values=values, data=steps)


def apply(args, change, host):
    for argv in change.data:
        require_tool(argv[0], "libselinux-utils" if argv[0] == "setenforce" else "grubby", host)
        done = host.run(argv)
        if done.rc != 0:
            raise Failed("selinux_failed", "{}: {}".format(" ".join(argv), done.stderr.strip()), rc=done.rc)
    if change.before != change.after:
        host.write(args["configfile"], change.after)


def settings(text):
    """NAME -> value."""
    return dict(re.findall(r"^[ \t]*([A-Z]+)[ \t]*=[ \t]*(\S*)", text, re.MULTILINE))


def edit(text, name, value):
    """The text with the name set in its last line of it; other lines stay."""
    found = list(re.finditer(r"^[ \t]*{}[ \t]*=.*$".format(name), text, re.MULTILINE))
    line = "{}={}".format(name, value)
    if found:
        start, end = found[-1].span()
        return text if settings(text).get(name) == value else text[:start] + line + text[end:]
    return text + ("" if not text or text.endswith("\n") else "\n") + line + "\n"


def _require_policy(policy, state, args):
    if not policy and state != "disabled":
        raise Failed("bad_arguments", "Policy is required if state is not 'disabled'")
    if policy and (not re.match(r"[\w.-]+\Z", policy) or not os.path.isdir(
            os.path.join(os.path.dirname(args["configfile"]), policy))):
        raise Failed("no_policy", "Policy {} does not exist in {}/".format(policy, os.path.dirname(args["configfile"])))


def _kernel_steps(args, host):
    """grubby's command when the boot parameters say another thing than the mode."""
    if not args["update_kernel_param"]:
        return []
    require_tool("grubby", "grubby", host)
    done = host.query(["grubby", "--info=ALL"])
    off = [re.search(r"\bselinux=0\b", line) is not None for line in done.stdout.splitlines()
           if line.startswith("args=")]
    if args["state"] == "disabled":
        return [] if off and all(off) else [["grubby", "--update-kernel=ALL", "--args=selinux=0"]]
    return [["grubby", "--update-kernel=ALL", "--remove-args=selinux=0"]] if any(off) else []
