"""Keeps a user's account as described, or absent.

Example::

    - name: The deployer may read what the web server writes
      ansible.builtin.user:
        name: deploy
        groups: [www-data]
        append: true
        shell: /bin/bash
        password: "{{ deploy_password | password_hash('sha512') }}"
        update_password: on_create

The password is a hash, and reaches the host's tools on standard input only. Returns ``name``, ``state``,
``uid``, ``group``, ``groups``, ``home``, ``shell``, ``comment``, ``append``, ``move_home``, ``ssh_*``.
Errors: ``bad_name``, ``no_group``, ``useradd_failed``, ``usermod_failed``, ``userdel_failed``, ``chage_failed``,
``password``, ``ssh_key``.
"""

import os
import re
import time

from modules.api import Arg, Change, Failed, Same, exclusive
from modules.support.accounts import account as user_account
from modules.support.accounts import home as user_home
from modules.support.accounts import local as user_local
from modules.support.accounts import ssh_key as user_ssh_key
from modules.support.accounts.names import check_name

ARGS = {
    "name": Arg("str", "The user's name.", required=True, aliases=("user",)),
    "state": Arg("str", "Whether the account is there.", default="present", choices=("absent", "present")),
    "uid": Arg("int", "The number."),
    "non_unique": Arg("bool", "Allow a uid that another user has.", default=False),
    "group": Arg("str", "The primary group, by name or number."),
    "groups": Arg("list", "The supplementary groups; an empty text for none.", elements="str"),
    "append": Arg("bool", "Add the groups to those the user has.", default=False),
    "comment": Arg("str", "The GECOS field: mostly the full name."),
    "home": Arg("path", "The home directory."),
    "create_home": Arg("bool", "Make the home directory when it is not there.", default=True, aliases=("createhome",)),
    "move_home": Arg("bool", "Move the old home directory to the new place.", default=False),
    "skeleton": Arg("str", "The directory whose files a new home gets."),
    "umask": Arg("str", "The umask for a new home directory."),
    "shell": Arg("path", "The login shell."),
    "system": Arg("bool", "A new account gets a number of the range for systems.", default=False),
    "password": Arg("str", "The password's hash, as crypt(5) makes it.", no_log=True),
    "update_password": Arg("str", "Set the password always, or only for a new account.", default="always",
                           choices=("always", "on_create")),
    "password_lock": Arg("bool", "Lock the password, or unlock it."),
    "password_expire_max": Arg("int", "Days after which the password must be changed."),
    "password_expire_min": Arg("int", "Days before which it must not be changed."),
    "password_expire_warn": Arg("int", "Days of warning before it expires."),
    "password_expire_account_disable": Arg("int", "Days after its expiry until the account is disabled."),
    "expires": Arg("float", "When the account expires, in seconds since the epoch; negative: never."),
    "remove": Arg("bool", "With state absent: remove the home directory too.", default=False),
    "force": Arg("bool", "With state absent: even when logged in. Else: replace an ssh key.", default=False),
    "local": Arg("bool", "Use the tools for local accounts (luseradd and its kin).", default=False),
    "seuser": Arg("str", "The SELinux user."),
    "generate_ssh_key": Arg("bool", "Make a key pair when there is none.", default=False),
    "ssh_key_type": Arg("str", "The key's type.", default="default"),
    "ssh_key_bits": Arg("int", "The key's length."),
    "ssh_key_file": Arg("path", "The private key's file, relative to the home directory."),
    "ssh_key_comment": Arg("str", "The key's comment."),
    "ssh_key_passphrase": Arg("str", "The key's passphrase.", no_log=True),
    "uid_min": Arg("int", "Least number to choose from, in place of login.defs."),
    "uid_max": Arg("int", "Greatest number to choose from, in place of login.defs."),
    "hidden": Arg("bool", "macOS only; has no effect."),
    "profile": Arg("str", "SunOS only; has no effect."),
    "authorization": Arg("str", "SunOS only; has no effect."),
    "role": Arg("str", "SunOS only; has no effect."),
    "login_class": Arg("str", "BSD only; has no effect."),
}
RULES = (exclusive("password_lock", "local"),)
NOT_LOCAL = ("umask", "uid_min", "uid_max")
ELSEWHERE = ("hidden", "profile", "authorization", "role", "login_class")
AGING = (("password_expire_min", "-m", 3), ("password_expire_max", "-M", 4), ("password_expire_warn", "-W", 5),
         ("password_expire_account_disable", "-I", 6))
HASH = re.compile(r"!*(\*+|\$[0-9a-z][0-9a-z-]*(\$[^$:]*)*\$([./0-9A-Za-z]+)|[./0-9A-Za-z]{13})?\Z")
"""What crypt(5) makes, and what stands for no password at all. The last field of a hash has an alphabet of 64."""


def check(args, host):
    check_name(args["name"], "user")
    for name in NOT_LOCAL:
        if args["local"] and args[name] is not None:
            raise Failed("bad_arguments", "'{}' can not be used with 'local'".format(name))
    warn(args, host)
    now = user_account.read(args["name"], host)
    if args["state"] == "absent":
        values = {"name": args["name"], "state": "absent", "remove": args["remove"], "force": args["force"]}
        return Change({"name": now.name, "uid": now.uid}, {}, values=values) if now else Same(**values)
    after = differences(args, now)
    if not after:
        return Same(**facts(args, now, host))
    before = {name: getattr(now, name, None) for name in after if now is not None and hasattr(now, name)}
    values = facts(args, now, host) if now else {"name": args["name"], "state": "present"}
    return Change(hide(before), hide(after), values=values, data=(now, after))


def warn(args, host):
    """What works, but is likely a mistake."""
    for name in ELSEWHERE:
        if args[name] is not None:
            host.warn("the argument {} has no effect on this system".format(name))
    if args["password"] is not None and not HASH.match(args["password"]):
        host.warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for "
                  "this module to work properly.")
    if args["append"] and args["groups"] is None:
        host.warn("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.")


def hide(values):
    """The values without secrets, for the diff."""
    return {name: "changed" if name == "password" else value for name, value in values.items()}


def differences(args, now):
    """What is to be set: argument -> value. For a new account, all that was given."""
    found = {}
    for name, current in (("uid", now and now.uid), ("comment", now and now.comment), ("home", now and now.home),
                          ("shell", now and now.shell)):
        if args[name] is not None and (now is None or args[name] != current):
            found[name] = args[name]
    if args["group"] is not None and (now is None or user_account.group_number(args["group"]) != now.gid):
        found["group"] = user_account.group_name(args["group"])
    groups = wanted_groups(args, now)
    if groups is not None:
        found["groups"] = groups
    found.update(password_differences(args, now))
    if now is None:
        found["name"] = args["name"]
    elif args["create_home"] and not os.path.exists(args["home"] or now.home):
        found["create_home"] = True
    home = found.get("home") or (now.home if now else args["home"] or "/home/" + args["name"])
    if args["generate_ssh_key"] and (args["force"] or not os.path.exists(user_ssh_key.path_of(args, home))):
        found["ssh_key"] = True
    return found


def wanted_groups(args, now):
    """The supplementary groups to set, or None when they are as they should be."""
    if args["groups"] is None:
        return None
    primary = args["group"] and user_account.group_name(args["group"])
    wanted = {user_account.group_name(name.strip()) for name in args["groups"] if name.strip()} - {primary}
    have = set(now.groups) if now else set()
    if now and args["append"]:
        # Membership of the primary group is membership as well.
        wanted = {name for name in wanted if user_account.group_number(name) != now.gid} | have
    return sorted(wanted) if wanted != have else None


def password_differences(args, now):
    """Password, lock, aging and expiry."""
    found = {}
    new = now is None
    if args["password"] is not None and (new or (args["update_password"] == "always" and (
            now.password is None or now.password.lstrip("!") != args["password"].lstrip("!")))):
        found["password"] = args["password"]
    if args["password_lock"] is not None and (args["password_lock"] if new else args["password_lock"] != now.locked):
        found["password_lock"] = args["password_lock"]
    for name, _, index in AGING:
        if args[name] is not None and (new or now.aging(index) != args[name]):
            found[name] = args[name]
    if args["expires"] is not None:
        days = None if args["expires"] < 0 else int(args["expires"]) // user_account.DAY_S
        # An account that /etc/shadow does not know yet gets its line there by setting this.
        unknown = not new and not now.shadow and os.access(user_account.SHADOW, os.R_OK)
        if unknown or ((days is not None) if new else now.aging(7) != days):
            found["expires"] = args["expires"]
    return found


def apply(args, change, host):
    if args["state"] == "absent":
        remove(args, host)
        return None
    now, after = change.data
    if args["local"]:
        for argv in user_local.commands(args, now, after):
            act(host, argv)
    elif now is None:
        act(host, add(args, after))
    else:
        modify(args, now, after, host)
    secure(args, after, host)
    account = user_account.read(args["name"], host)
    if after.get("create_home") and not os.path.exists(account.home):
        user_home.make(account, args["skeleton"], args["umask"])
    if after.get("ssh_key"):
        user_ssh_key.generate(args, account, host)
    return facts(args, account, host)


def act(host, argv, input=None):
    """One command; `Failed` with code ``<program>_failed``."""
    done = host.run(argv, input=input)
    if done.rc != 0:
        raise Failed("{}_failed".format(argv[0].lstrip("l")), (done.stderr or done.stdout).strip(), rc=done.rc)


def remove(args, host):
    """userdel."""
    argv = ["luserdel"] if args["local"] else ["userdel"] + (["-f"] if args["force"] else [])
    done = host.run(argv + (["-r"] if args["remove"] else []) + [args["name"]])
    # 12: removed, but not its home directory or mail spool, mostly since there were none.
    if done.rc not in (0, 12):
        raise Failed("userdel_failed", done.stderr.strip(), rc=done.rc)


def add(args, after):
    """useradd's argument list."""
    argv = ["useradd"] + common(args, after)
    if "group" not in after and user_account.group_exists(args["name"]):
        argv.append("-N")
    if args["system"]:
        argv.append("-r")
    argv.append("-m" if args["create_home"] else "-M")
    if args["create_home"] and args["skeleton"]:
        argv += ["-k", args["skeleton"]]
    for name, key in (("umask", "UMASK"), ("uid_min", "UID_MIN"), ("uid_max", "UID_MAX")):
        if args[name] is not None:
            argv += ["-K", "{}={}".format(key, args[name])]
    return argv + [args["name"]]


def common(args, after):
    """The options that useradd and usermod share."""
    argv = []
    for name, option in (("uid", "-u"), ("comment", "-c"), ("home", "-d"), ("shell", "-s"), ("group", "-g")):
        if name in after:
            argv += [option, str(after[name])]
    if "uid" in after and args["non_unique"]:
        argv.append("-o")
    if "groups" in after:
        argv += ["-G", ",".join(after["groups"])]
    if "expires" in after:
        seconds = after["expires"]
        argv += ["-e", "" if seconds < 0 else time.strftime("%Y-%m-%d", time.gmtime(seconds))]
    if args["seuser"]:
        argv += ["-Z", args["seuser"]]
    return argv


def modify(args, now, after, host):
    """usermod, when any of its options is needed."""
    argv = common(args, after)
    if "home" in after and args["move_home"]:
        argv.append("-m")
    if argv and set(after) - {"ssh_key", "create_home", "password", "password_lock"} - {name for name, _, _ in AGING}:
        act(host, ["usermod"] + argv + [args["name"]])


def secure(args, after, host):
    """Password on standard input, then lock and aging."""
    if "password" in after:
        done = host.run(["chpasswd", "-e"], input="{}:{}\n".format(args["name"], after["password"]))
        if done.rc != 0:
            raise Failed("password", "the password could not be set; chpasswd ended with {}".format(done.rc))
    if "password_lock" in after:
        act(host, ["usermod", "-L" if after["password_lock"] else "-U", args["name"]])
    aging = [word for name, option, _ in AGING if name in after for word in (option, str(after[name]))]
    if aging:
        act(host, ["chage"] + aging + [args["name"]])


def facts(args, account, host):
    """The return values for an account as it is."""
    values = {"name": account.name, "state": "present", "uid": account.uid, "group": account.gid,
              "home": account.home, "shell": account.shell, "comment": account.comment, "append": args["append"],
              "move_home": args["move_home"]}
    if args["groups"] is not None:
        values["groups"] = ",".join(args["groups"])
    if args["password"] is not None:
        values["password"] = "NOT_LOGGING_PASSWORD"
    if args["generate_ssh_key"]:
        values.update(user_ssh_key.values_of(args, account.home, host))
    return values
