"""Keeps a rule of a PAM service as it should be.

Example::

    - name: Only the wheel group becomes root
      community.general.pamd:
        name: su
        type: auth
        control: sufficient
        module_path: pam_rootok.so
        new_type: auth
        new_control: required
        new_module_path: pam_wheel.so
        module_arguments: use_uid
        state: after

type, control and module_path together say which rules are meant.
Returns ``change_count``, ``backupdest``. Errors: ``no_path``, ``bad_name``, ``bad_arguments``.
"""

import os

from modules.api import Arg, Change, Failed, Same
from modules.support.files.placement import BACKUP_ARG, back_up
from modules.support.text import pam_rules

TYPES = ("account", "-account", "auth", "-auth", "password", "-password", "session", "-session")
ARGS = {
    "name": Arg("str", "The service: the file's name.", required=True),
    "type": Arg("str", "The rule's type.", required=True, choices=TYPES),
    "control": Arg("str", "The rule's control; in quotes when it has brackets.", required=True),
    "module_path": Arg("str", "The rule's module.", required=True),
    "new_type": Arg("str", "The type it gets, or the new rule has.", choices=TYPES),
    "new_control": Arg("str", "The control it gets, or the new rule has."),
    "new_module_path": Arg("str", "The module it gets, or the new rule has."),
    "module_arguments": Arg("list", "The module's arguments.", elements="str"),
    "state": Arg("str", "What to do with the rules meant.", default="updated",
                 choices=("absent", "before", "after", "args_absent", "args_present", "updated")),
    "path": Arg("path", "Where services are described.", default="/etc/pam.d"),
    "backup": BACKUP_ARG,
}


def check(args, host):
    if "/" in args["name"] or args["name"] in ("", ".", ".."):
        raise Failed("bad_name", "'{}' is no name of a PAM service".format(args["name"]))
    _require(args)
    path = os.path.join(args["path"], args["name"])
    before = host.read_text(path)
    after, count = edit(before, args)
    if before == after:
        return Same(change_count=0, backupdest="")
    return Change(before, after, path, path, values={"change_count": count, "backupdest": ""})


def apply(args, change, host):
    path = os.path.join(args["path"], args["name"])
    kept = back_up(path) if args["backup"] else ""
    host.write(path, change.after)
    return {"backupdest": kept}


def edit(text, args):
    """(new text, number of rules changed)."""
    key = pam_rules.Rule(args["type"], args["control"], args["module_path"]).key
    given = args["module_arguments"]
    words = [word for part in given or [] for word in pam_rules.WORD.findall(part)]
    if args["state"] in ("before", "after"):
        new = pam_rules.Rule(args["new_type"], args["new_control"], args["new_module_path"], words)
        return pam_rules.insert(text, key, new, args["state"] == "before")
    if args["state"] == "absent":
        return pam_rules.change(text, key, lambda rule: None)
    return pam_rules.change(text, key, lambda rule: _altered(rule, args, None if given is None else words))


def _altered(rule, args, words):
    if args["state"] == "args_present":
        return pam_rules.Rule(rule.type, rule.control, rule.path, pam_rules.with_args(rule.args, words or []))
    if args["state"] == "args_absent":
        kept = [word for word in rule.args if word not in (words or [])]
        return pam_rules.Rule(rule.type, rule.control, rule.path, kept)
    return pam_rules.Rule(args["new_type"] or rule.type, args["new_control"] or rule.control,
                          args["new_module_path"] or rule.path, rule.args if words is None else words)


def _require(args):
    new = [name for name in ("new_type", "new_control", "new_module_path") if not args[name]]
    if args["state"] in ("before", "after") and new:
        raise Failed("bad_arguments", "state is {} but all of the following are missing: {}".format(
            args["state"], ", ".join(new)))
    if args["state"] in ("args_absent", "args_present") and args["module_arguments"] is None:
        raise Failed("bad_arguments", "state is {} but module_arguments is missing".format(args["state"]))
    for name in ("control", "module_path", "new_control", "new_module_path"):
        if args[name] and "\n" in args[name]:
            raise Failed("bad_arguments", "{} must be on one line".format(name))
