"""The account of an agentlet that is not root, and becoming somebody else for good. For root alone."""

import grp
import json
import os
import pwd
import re
import subprocess

from agentlet.pull.faults import AgentletError

_NAME = re.compile(r"^[a-z_][a-z0-9_-]{0,31}$")
_MAKERS = (
    ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "%(home)s", "--shell", "%(shell)s",
     "%(name)s"],
    ["adduser", "-S", "-D", "-H", "-h", "%(home)s", "-s", "%(shell)s", "%(name)s"],
)
_NO_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false")


def ensure(name, home):
    """The account, made as a system's if it is not there. `AgentletError` for root, or when it cannot be made."""
    if os.geteuid() != 0:
        raise AgentletError("Only root can have an agentlet run as another user", "Put sudo before it")
    if not _NAME.match(name):
        raise AgentletError("%r cannot be the name of an account" % name)
    entry = _find(name) or _make(name, home)
    if entry.pw_uid == 0:
        raise AgentletError("%s is root by another name" % name, "Leave --user out, or name an account of its own")
    if _group(entry.pw_gid) != name:
        raise AgentletError("The account %s has not a group of its own, by its name: whom the helper serves is not sure"
                            % name, "Name an account that does not exist yet: it is made as it has to be")
    return entry


def become(name):
    """Turns this process into that user's, with the user's groups and no way back."""
    entry = pwd.getpwnam(name)
    os.initgroups(name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if os.getresuid() != (entry.pw_uid,) * 3 or os.getresgid() != (entry.pw_gid,) * 3:
        raise AgentletError("This process could not become %s" % name)


def call_as(name, act):
    """The value (JSON) of ``act()``, called in a process of that user: root touches no file of its folders itself."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(out)
            become(name)
            try:
                said = {"value": act()}
            except AgentletError as error:
                said = {"error": error.message, "hint": error.hint}
            except OSError as error:
                said = {"error": "%s: %s" % (error.filename, error.strerror), "hint": None}
            with os.fdopen(into, "wb") as opened:
                opened.write(json.dumps(said).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    with os.fdopen(out, "rb") as opened:
        data = opened.read()
    os.waitpid(pid, 0)
    if not data:
        raise AgentletError("A process could not work as %s" % name)
    said = json.loads(data.decode())
    if "error" in said:
        raise AgentletError(said["error"], said["hint"])
    return said["value"]


def _find(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _group(gid):
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None


def _make(name, home):
    words = {"name": name, "home": home, "shell": next(path for path in _NO_SHELLS if os.path.exists(path)
                                                       or path == _NO_SHELLS[-1])}
    said = "there is neither useradd nor adduser"
    for maker in _MAKERS:
        try:
            done = subprocess.run([word % words for word in maker], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=60)
        except FileNotFoundError:
            continue
        except subprocess.TimeoutExpired:
            said = "%s took longer than a minute" % maker[0]
            continue
        entry = _find(name)
        if entry is not None:
            return entry
        said = done.stdout.decode("utf-8", "replace").strip()
    raise AgentletError("The account %s cannot be made: %s" % (name, said), "Make it, and try again")
