"""The host's owner has the last word: which modules, commands, paths and become users are allowed. Pure but `load`.

    {"modules": {"allow": [...], "deny": [...]}, "commands": {"deny": [regular expressions]},
     "paths": {"allow": [...], "deny": [...]}, "become_users": [...]}

What is not named is allowed. A file that cannot be read as such allows nothing.
"""

import json
import os
import re
import stat

from agentlet.pull.plan import Refused, become_user

PATH = "/etc/orch-agentlet/policy.json"
_COMMANDS = ("cmd", "_raw_params", "argv", "command", "commands", "script", "executable")
_PATHS = ("path", "dest", "destfile", "src", "file", "directory", "dir", "folder", "chdir", "creates", "removes",
          "root", "home", "repo", "chroot", "unit", "cwd")
"""Arguments that are a path although they do not begin like one: relative to where the task works."""
_VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})", re.ASCII)
_PARTS = {"modules": ("allow", "deny"), "commands": ("deny",), "paths": ("allow", "deny")}


class Policy(object):
    """``resolve(path)`` follows symbolic links: a path is judged by where it leads."""

    def __init__(self, rules, resolve=os.path.realpath):
        self._resolve = resolve
        modules, paths = rules.get("modules") or {}, rules.get("paths") or {}
        self._modules_allowed = _bare_names(modules.get("allow"))
        self._modules_denied = _bare_names(modules.get("deny")) or frozenset()
        self._commands_denied = [re.compile(pattern) for pattern in (rules.get("commands") or {}).get("deny") or ()]
        self._paths_allowed = _folders(paths.get("allow"), resolve)
        self._paths_denied = _folders(paths.get("deny"), resolve) or []
        users = rules.get("become_users")
        self._users = None if users is None else frozenset(users)

    def refusal(self, task):
        """A `Refused` that names the rule, or None."""
        return self._module(task) or self._user(task) or self._command(task) or self._path(task)

    def _module(self, task):
        names = _module_names(task)
        denied = names & self._modules_denied
        if denied:
            return _refused("modules.deny", "the module %s" % sorted(denied)[0])
        if self._modules_allowed is not None and not names <= self._modules_allowed:
            return _refused("modules.allow", "the module %s" % sorted(names - self._modules_allowed)[0])
        return None

    def _user(self, task):
        user = become_user(task)
        if user is not None and self._users is not None and user not in self._users:
            return _refused("become_users", "becoming %s" % user)
        return None

    def _command(self, task):
        for text in _command_texts(task):
            for pattern in self._commands_denied:
                if pattern.search(text):
                    return _refused("commands.deny %s" % pattern.pattern, "this command")
        return None

    def _path(self, task):
        if self._paths_allowed is None and not self._paths_denied:
            return None
        environment = dict(os.environ, **{str(k): str(v) for k, v in (task.get("environment") or {}).items()})
        found = _paths(_without_commands(task), None, task.get("cwd") or "/", environment)
        for path, is_certain in sorted(set(found)):
            real = self._resolve(path)
            for folder in self._paths_denied:
                if _within(real, folder) or _within(os.path.normpath(path), folder):
                    return _refused("paths.deny %s" % folder, "the path %s" % path)
            if is_certain and self._paths_allowed is not None \
                    and not any(_within(real, folder) for folder in self._paths_allowed):
                return _refused("paths.allow", "the path %s" % path)
        return None


class Closed(object):
    """Stands for a policy that cannot be read: the owner wanted something, and nobody knows what."""

    def __init__(self, why):
        self._why = why

    def refusal(self, task):
        return _refused("file", "anything, since the policy cannot be read: %s" % self._why)


def load(path=PATH):
    """The policy in a file; everything is allowed when there is none, nothing when it is not what it should be."""
    try:
        with open(path, "rb") as opened:
            info = os.fstat(opened.fileno())
            if _others_write(info) or _others_write(os.stat(os.path.dirname(os.path.abspath(path)))):
                return Closed("%s, or its folder, can be written by others" % path)
            rules = json.loads(opened.read().decode("utf-8"))
    except FileNotFoundError:
        return Policy({})
    except (OSError, ValueError) as error:
        return Closed("%s: %s" % (path, error))
    try:
        _check(rules)
        return Policy(rules)
    except (ValueError, TypeError, AttributeError, re.error) as error:
        return Closed("%s: %s" % (path, error))


def _others_write(info):
    return info.st_uid not in (0, os.geteuid()) or bool(info.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _check(rules):
    for name, part in rules.items():
        if name == "become_users":
            _check_list(name, part)
        elif name not in _PARTS:
            raise ValueError("there is no rule %s" % name)
        else:
            for word, listed in part.items():
                if word not in _PARTS[name]:
                    raise ValueError("there is no rule %s.%s" % (name, word))
                _check_list("%s.%s" % (name, word), listed)


def _check_list(name, listed):
    if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
        raise ValueError("%s must be a list of texts" % name)


def _refused(rule, what):
    return Refused("policy", "This host's policy does not allow %s (rule %s)" % (what, rule),
                   "Its owner decides: the policy is a file on that host")


def _args(task):
    """What the acting module is given: a bridge carries another one's arguments."""
    args = task.get("args") or {}
    inner = args.get("args") if task["module"] == "bridged" else None
    return inner if isinstance(inner, dict) else args


def _module_names(task):
    """Also the one that a bridge carries: it is that which acts."""
    args = task.get("args") or {}
    names = {task["module"]}
    if task["module"] == "bridged" and isinstance(args.get("module"), str):
        names = {args["module"]}
    return frozenset(name.rpartition(".")[2] for name in names)


def _bare_names(listed):
    return None if listed is None else frozenset(name.rpartition(".")[2] for name in listed)


def _command_texts(task):
    args = _args(task)
    for name in _COMMANDS:
        value = args.get(name)
        if isinstance(value, list):
            value = " ".join(map(str, value))
        if isinstance(value, str):
            yield value


def _without_commands(task):
    args = {name: value for name, value in _args(task).items() if name not in _COMMANDS}
    return dict(args, cwd=task.get("cwd"))


def _paths(value, name, base, environment):
    """``(path, is certain)`` of every text that is a path, or may be one since it has a slash, at whatever depth."""
    if isinstance(value, dict):
        found = value.items()
    elif isinstance(value, (list, tuple)):
        found = [(name, part) for part in value]
    else:
        found = ()
        if isinstance(value, str) and value and "\n" not in value and "\0" not in value:
            # As the modules expand what is of type path.
            path = _expanded(value, environment)
            if path.startswith("/") or name in _PATHS or "/" in path:
                yield os.path.join(base, path), path.startswith("/") or name in _PATHS
    for key, part in found:
        for path in _paths(part, key, base, environment):
            yield path


def _expanded(value, environment):
    """`os.path.expandvars` and `os.path.expanduser`, with the environment that the task will have."""
    text = _VARIABLE.sub(lambda found: environment.get(found.group(1).strip("{}"), found.group(0)), value)
    if (text == "~" or text.startswith("~/")) and environment.get("HOME"):
        return (environment["HOME"].rstrip("/") + text[1:]) or "/"
    return os.path.expanduser(text)


def _folders(listed, resolve):
    return None if listed is None else [resolve(folder) for folder in listed]


def _within(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")
