"""How a runtime is started: a shell line that finds a Python, a loader in its command line, the rest on stdin.

The shell line works whatever the login shell is (sh, bash, fish, csh): it is ``/bin/sh -c`` with words in single
quotes that hold neither a quote, a backslash, an exclamation mark nor a newline. Nothing touches a disk.

The first thing the runtime says is a line ``MARKER ok``, whatever banners and rc files printed before it; frames
follow at once. ``MARKER old 3.5`` means that no Python of 3.6 or later was found, ``MARKER none`` that there is no
Python at all. The command carries the marker in two halves, so that a shell that echoes its commands is not mistaken
for the runtime.
"""

import re
import shlex

INTERPRETERS = ("python3", "/usr/bin/python3", "/usr/libexec/platform-python", "python3.13", "python3.12", "python3.11",
                "python3.10", "python3.9", "python3.8", "python3.7", "python3.6")
"""Where a Python is looked for, in order, unless the inventory names one."""

# $1: the loader, $2 and $3: the marker, $4: bytes on stdin, then the interpreters. Each is given those after it.
_SHELL = (
    '%sl=$1 m=$2$3 n=$4; shift 4; '
    'b="import sys;exec(sys.argv[1].replace(chr(126),chr(10)))"; '
    'for p; do shift; command -v "$p" >/dev/null 2>&1 && exec "$p" -ESs -c "$b" "$l" "$m" "$n" "$b" "$@"; done; '
    'echo "$m none"'
)

# Runs on any Python, 2.7 too, until it has found that it may go on. ~ stands for a newline. Its arguments: itself, the
# marker, the size of what follows on stdin, how to start it again, and the interpreters that are left to try.
_LOADER = (
    'import sys~'
    'sys.path[:]=[p for p in sys.path if p]~'
    'import os~'
    'a=sys.argv~'
    'v=sys.version_info~'
    'say=lambda s:os.write(1,(a[2]+" "+s+chr(10)).encode("ascii"))~'
    'if v<(3,6):~'
    ' for i in range(5,len(a)):~'
    '  try:os.execvp(a[i],[a[i],"-ESs","-c",a[4]]+a[1:5]+a[i+1:])~'
    '  except OSError:pass~'
    ' say("old %d.%d"%v[:2])~'
    ' sys.exit(0)~'
    # File names are bytes that we read as UTF-8, whatever the locale says.
    'e=os.environ~'
    'if not sys.getfilesystemencoding().lower()=="utf-8" and "ORCH_LC_ALL" not in e:~'
    ' e["ORCH_LC_ALL"]=e.get("LC_ALL","")~'
    ' e["LC_ALL"]="C.UTF-8"~'
    ' os.execv(sys.executable,[sys.executable,"-ESs","-X","utf8","-c",a[4]]+a[1:])~'
    'say("ok")~'
    'os.set_blocking(0,True)~'
    'b=b""~'
    'n=int(a[3])~'
    'while len(b)<n:~'
    ' c=os.read(0,n-len(b))~'
    ' if not c:sys.exit(0)~'
    ' b+=c~'
    'import zlib~'
    'z=zlib.decompressobj()~'
    's=z.decompress(b)~'
    'c=z.unused_data~'
    'if c:~'
    ' from importlib.util import MAGIC_NUMBER as g~'
    # Code of another Python is left alone: executing it would crash this one.
    ' c=c[:len(g)]==g and c[len(g):]~'
    'if c:~'
    ' import marshal~'
    ' c=marshal.loads(c)~'
    ' exec(marshal.loads(c["agentlet.boot"]))~'
    'else:~'
    ' import json~'
    ' s=json.loads(s.decode())~'
    ' exec(compile(s["agentlet.boot"],"agentlet/boot.py","exec"))~'
    'start(s,b,c)'
)

_WORD = re.compile(r"^[A-Za-z0-9_./+@%:=,-]+$")
_ANSWER = re.compile(rb" (ok|none|old)(?: ([0-9.]+))?\r?\n")
_MARKER = re.compile(r"^[A-Za-z0-9]{16,64}$")


def argv(marker, size, interpreters=INTERPRETERS, redirect=""):
    """The argument list that starts a runtime whose payload has ``size`` bytes. ``redirect`` is put before (``su``)."""
    if not _MARKER.match(marker):
        raise ValueError("A marker has 16 to 64 letters and digits")
    half = len(marker) // 2
    for word in interpreters:
        if not _WORD.match(word) or word.startswith("-"):
            raise ValueError("%r is no path or name of an interpreter" % (word,))
    return ["/bin/sh", "-c", _SHELL % redirect, "sh", _LOADER, marker[:half], marker[half:], str(size)] \
        + list(interpreters)


def command(marker, size, interpreters=INTERPRETERS, redirect=""):
    """`argv` as one line for a login shell of any kind."""
    return " ".join(_quoted(word) for word in argv(marker, size, interpreters, redirect))


def interpreters_of(setting):
    """The interpreters to try for a value of ``ansible_python_interpreter``; None and ``auto…``: look for one."""
    if not setting or setting.startswith("auto"):
        return INTERPRETERS
    words = shlex.split(setting)
    # "/usr/bin/env python3" is seen in inventories; what env would do, the shell line does already.
    if len(words) > 1 and words[0].rpartition("/")[2] == "env":
        words = words[1:]
    if len(words) != 1 or not _WORD.match(words[0]) or words[0].startswith("-"):
        raise ValueError("ansible_python_interpreter must be one path or name, without arguments: %r" % (setting,))
    return (words[0],)


def parse(data, marker):
    """Where the runtime's stream begins in what came so far.

    None while the marker line is not complete; else ``(status, detail, rest)``: status is ``ok``, ``old`` (detail is
    the version of the best Python there) or ``none``; rest is what followed the line.
    """
    found = marker.encode()
    at = data.find(found)
    while at >= 0:
        match = _ANSWER.match(data, at + len(found))
        if match is not None:
            return match.group(1).decode(), (match.group(2) or b"").decode(), data[match.end():]
        at = data.find(found, at + 1)
    return None


def _quoted(word):
    if any(char in word for char in "'\\!\n"):
        raise ValueError("%r cannot be quoted for every shell" % (word,))
    return word if _WORD.match(word) else "'%s'" % word
