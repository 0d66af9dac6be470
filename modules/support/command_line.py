"""What ``command``, ``shell`` and ``script`` share: guards by files, the result in Ansible's shape, the failure."""

import errno
import glob
import os
import re
import time

from modules.api import Arg, Failed

GUARD_ARGS = {
    "creates": Arg("path", "A file name or glob; when it exists already, the task does not run."),
    "removes": Arg("path", "A file name or glob; when it does not exist, the task does not run."),
    "chdir": Arg("path", "Change into this directory first."),
}
INPUT_ARGS = {
    "stdin": Arg("str", "Text for the standard input."),
    "stdin_add_newline": Arg("bool", "Append a newline to stdin.", default=True),
    "strip_empty_ends": Arg("bool", "Strip empty lines from the end of stdout and stderr.", default=True),
}
VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})")


def initial_result(cmd):
    """The return values before anything ran."""
    return {"changed": False, "stdout": "", "stderr": "", "rc": None, "cmd": cmd, "start": None, "end": None,
            "delta": None, "msg": ""}


def not_needed(args, host):
    """Why the task has nothing to do, as (stdout, reason), or None. Globs are relative to ``chdir``."""
    if settles(args, "creates"):
        return "skipped, since {} exists".format(args["creates"]), "'{}' exists".format(args["creates"])
    if settles(args, "removes"):
        return ("skipped, since {} does not exist".format(args["removes"]),
                "'{}' does not exist".format(args["removes"]))
    return None


def settles(args, option):
    """Whether ``creates`` or ``removes`` says that there is nothing to do."""
    if not args[option]:
        return False
    there = bool(glob.glob(os.path.join(args["chdir"] or "", args[option])))
    return there == (option == "creates")


def expand(text, environment):
    """``~`` and ``$NAME`` expanded as a shell would for one word; unknown names stay as they are."""
    def value(match):
        return environment.get(match.group(1).strip("{}"), match.group(0))
    return os.path.expanduser(VARIABLE.sub(value, text))


def perform(args, host, cmd, execute):
    """Run by Ansible's rules for creates, removes and check mode. ``execute()`` gives a `Completed`.

    A return code other than 0 is `Failed` with code ``command_failed`` and all return values.
    """
    result = initial_result(cmd)
    chdir = args["chdir"]
    if chdir and not os.path.isdir(chdir):
        message = "Unable to change directory before execution: {}".format(_why_no_directory(chdir))
        raise Failed("chdir", message, **dict(result, msg=message))
    reason = not_needed(args, host)
    if reason:
        would = "Would" if host.check_mode else "Did"
        result.update(stdout=reason[0], rc=0, msg="{} not run command since {}".format(would, reason[1]))
        return result
    if host.check_mode:
        return _predicted(args, result)
    return _executed(args, result, execute)


def _why_no_directory(path):
    code = errno.ENOTDIR if os.path.lexists(path) else errno.ENOENT
    return "[Errno {}] {}: {!r}".format(code, os.strerror(code), path)


def _predicted(args, result):
    """Check mode: a change is foreseen only when creates or removes say that the command is due."""
    result.update(rc=0, msg="Command would have run if not in check mode")
    if args["creates"] or args["removes"]:
        result["changed"] = True
    else:
        result["skipped"] = True
    return result


def _executed(args, result, execute):
    start = time.time()
    try:
        done = execute()
    except Failed as fault:
        result.update(fault.values, msg="Error executing command.")
        raise Failed("not_executable", "Error executing command: {}".format(fault.message), fault.hint, **result)
    end = time.time()
    result.update(changed=True, rc=done.rc, stdout=_ends(args, done.stdout), stderr=_ends(args, done.stderr),
                  start=_moment(start), end=_moment(end), delta=_duration(end - start))
    if done.timed_out:
        raise Failed("timeout", "the command did not end in time and was stopped", **result)
    if done.rc != 0:
        raise Failed("command_failed", "non-zero return code", **dict(result, msg="non-zero return code"))
    return result


def _moment(epoch):
    """Local time as ``str`` of a datetime has it, without loading datetime for every command (1.5 ms)."""
    seconds, micros = divmod(int(epoch * 1000000), 1000000)
    return "{}.{:06d}".format(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)), micros)


def _duration(seconds):
    """``H:MM:SS.ffffff``, with days before it when there are any, as ``str`` of a timedelta has it."""
    whole, micros = divmod(max(0, int(seconds * 1000000)), 1000000)
    days, rest = divmod(whole, 86400)
    clock = "{}:{:02d}:{:02d}.{:06d}".format(rest // 3600, rest // 60 % 60, rest % 60, micros)
    return clock if not days else "{} day{}, {}".format(days, "" if days == 1 else "s", clock)


def _ends(args, text):
    return text.rstrip("\r\n") if args.get("strip_empty_ends", True) else text


def stdin_of(args):
    """Standard input as text, or None for an empty one."""
    if args["stdin"] is None:
        return None
    return args["stdin"] + ("\n" if args["stdin_add_newline"] else "")
