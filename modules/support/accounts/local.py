"""Accounts by libuser's tools, for ``local: true`` of the module ``user``: they look at /etc/passwd alone.

They know neither supplementary groups nor expiry, so these are set by lgroupmod and lchage.
"""

from modules.support.accounts import account as user_account


def commands(args, now, after):
    """The argument lists, in order, that make the account (``now`` is None) or change it."""
    lines = [add(args, after)] if now is None else modify(args, after)
    lines += memberships(args["name"], set(now.groups) if now else set(), after.get("groups"))
    if "expires" in after:
        days = -1 if after["expires"] < 0 else int(after["expires"]) // user_account.DAY_S
        lines.append(["lchage", "-E", str(days), args["name"]])
    return lines


def add(args, after):
    """luseradd's argument list; without -M it makes the home directory, and without -n a group of the same name."""
    argv = ["luseradd"] + options(after, lambda group: group)
    if "group" not in after and user_account.group_exists(args["name"]):
        argv.append("-n")
    if args["system"]:
        argv.append("-r")
    if not args["create_home"]:
        argv.append("-M")
    elif args["skeleton"]:
        argv += ["-k", args["skeleton"]]
    return argv + [args["name"]]


def modify(args, after):
    """lusermod, when any of its options is needed; it wants a group's number."""
    argv = options(after, user_account.group_number)
    if "home" in after and args["move_home"]:
        argv.append("-m")
    return [["lusermod"] + argv + [args["name"]]] if argv else []


def options(after, group):
    """What luseradd and lusermod share."""
    argv = []
    for name, option in (("uid", "-u"), ("comment", "-c"), ("home", "-d"), ("shell", "-s")):
        if name in after:
            argv += [option, str(after[name])]
    if "group" in after:
        argv += ["-g", str(group(after["group"]))]
    return argv


def memberships(name, have, wanted):
    """A lgroupmod for each group that the user joins or leaves; none when ``wanted`` is None."""
    if wanted is None:
        return []
    joined = [["lgroupmod", "-M", name, group] for group in sorted(set(wanted) - have)]
    return joined + [["lgroupmod", "-m", name, group] for group in sorted(have - set(wanted))]
