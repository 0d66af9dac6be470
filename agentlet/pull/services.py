"""Texts that make the agentlet a service of a host's own manager. Pure; the server uses them too."""

import json

from agentlet.pull.door import SOCKET

NAME = "orch-agentlet"
LABEL = "sh.orch.agentlet"
PROGRAM = "/usr/local/lib/orch-agentlet/agentlet.pyz"
UNIT_PATH = "/etc/systemd/system/orch-agentlet.service"
HELPER_NAME = "orch-agentlet-helper"
HELPER_SOCKET_PATH = "/etc/systemd/system/orch-agentlet-helper.socket"
HELPER_SERVICE_PATH = "/etc/systemd/system/orch-agentlet-helper@.service"
PLIST_PATH = "/Library/LaunchDaemons/sh.orch.agentlet.plist"

# KillMode=process: what the running task started, and the task itself, survive a restart of the agentlet, which goes
# on with them. Restart: an agentlet that ended by itself is no agentlet.
_UNIT = """[Unit]
Description=orch agentlet: asks the gateway for work and does it
Wants=network-online.target
After=network-online.target%(after)s
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart=%(command)s
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
Restart=always
RestartSec=5
UMask=0077
Environment=LANG=C.UTF-8 MALLOC_ARENA_MAX=1
%(user)sOOMScoreAdjust=-100

[Install]
WantedBy=multi-user.target
"""

# Tasks that ask for no other user run below this unit, and what hems it in hems in them: hence no PrivateTmp, and no
# ProtectHome. What it cannot do, the helper does, which systemd starts for each connection.
_HEMMED_IN = """User=%s
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=full
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
"""

# TriggerLimitIntervalSec: the agentlet must not be able to have systemd close its own door for good.
_HELPER_SOCKET = """[Unit]
Description=orch agentlet: where it asks for what needs root

[Socket]
ListenStream=%(socket)s
SocketUser=root
SocketGroup=%(group)s
SocketMode=0660
Accept=yes
MaxConnections=32
TriggerLimitIntervalSec=0
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""

# KillMode: as above. It is not hemmed in, since what it does is what tasks are for; what it takes on is.
_HELPER_SERVICE = """[Unit]
Description=orch agentlet: does as root what is signed and allowed
CollectMode=inactive-or-failed

[Service]
Type=simple
ExecStart=-%(command)s
StandardInput=socket
StandardOutput=journal
StandardError=journal
KillMode=process
UMask=0077
Environment=LANG=C.UTF-8
"""

_PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>%(label)s</string>
  <key>ProgramArguments</key>
  <array>
%(words)s  </array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><true/>
  <key>AbandonProcessGroup</key><true/>
  <key>Umask</key><integer>63</integer>
  <key>StandardErrorPath</key><string>/var/log/orch-agentlet.log</string>
%(user)s</dict>
</plist>
"""

# The service wrapper WinSW reads it: Windows starts no script as a service by itself.
_WINDOWS = """<service>
  <id>%(name)s</id>
  <name>orch agentlet</name>
  <description>Asks the gateway for work and does it</description>
  <executable>%(python)s</executable>
  <arguments>%(arguments)s</arguments>
  <startmode>Automatic</startmode>
  <onfailure action="restart" delay="5 sec"/>
  <log mode="roll"/>
</service>
"""


def systemd_unit(python, program=PROGRAM, state=None, user=None):
    """The unit's text. ``user``: who runs it, with a helper for what needs root; root where it is not given."""
    command = " ".join(_systemd_word(word) for word in _words(python, program, state))
    return _UNIT % {"command": command, "user": _HEMMED_IN % _systemd_word(user) if user else "",
                    "after": " %s.socket\nWants=%s.socket" % (HELPER_NAME, HELPER_NAME) if user else ""}


def systemd_units(python, program=PROGRAM, state=None, user=None):
    """{part: (path, text)} of all units of an agentlet."""
    units = {"agentlet": (UNIT_PATH, systemd_unit(python, program, state, user))}
    if user:
        units["helper.socket"] = HELPER_SOCKET_PATH, helper_socket(user)
        units["helper.service"] = HELPER_SERVICE_PATH, helper_service(python, program)
    return units


def helper_socket(group, socket=SOCKET):
    """The unit of the helper's socket, for the group of the agentlet's account."""
    return _HELPER_SOCKET % {"socket": _systemd_word(socket), "group": _systemd_word(group)}


def helper_service(python, program=PROGRAM):
    """The template that systemd makes a helper of, for each connection."""
    command = " ".join(_systemd_word(word) for word in (python, "-IS", program, "helper"))
    return _HELPER_SERVICE % {"command": command}


def launchd_plist(python, program=PROGRAM, state=None, user=None):
    """The property list for launchd."""
    words = "".join("    <string>%s</string>\n" % _xml(word) for word in _words(python, program, state))
    who = "  <key>UserName</key><string>%s</string>\n" % _xml(user) if user else ""
    return _PLIST % {"label": LABEL, "words": words, "user": who}


def windows_service(python, program, state=None):
    """The definition for WinSW."""
    arguments = " ".join(map(_windows_word, _words(python, program, state)[1:]))
    return _WINDOWS % {"name": NAME, "python": _xml(python), "arguments": _xml(arguments)}


def cloud_init(url, token, pin=None):
    """User data that enrols a machine at its first boot. The token in it is good once, for an hour."""
    pinned = "--insecure --pinnedpubkey %s " % shell_quoted(pin) if pin else ""
    address = shell_quoted("%s/install/%s" % (url, token))
    line = "curl --fail --silent --show-error --retry 10 %s%s | sh" % (pinned, address)
    return "#cloud-config\npackages: [curl, openssl, python3]\nruncmd:\n  - [sh, -c, %s]\n" % json.dumps(line)


def shell_quoted(text):
    """One word for a POSIX shell."""
    return "'%s'" % text.replace("'", "'\\''")


def _words(python, program, state):
    return [python, "-IS", program, "run"] + (["--state", state] if state else [])


def _systemd_word(text):
    """One word of a unit's command line (systemd.service(5)); a line's end would begin another setting."""
    if any(char in text for char in "\n\r\0"):
        raise ValueError("A service's command must not hold a line's end: %r" % (text,))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"%s"' % escaped if any(char in escaped for char in " \t;'\"\\") or not escaped else escaped


def _windows_word(text):
    """One word of a Windows command line; no path has quotes in it. A backslash before the quote would escape it."""
    text = text.replace('"', "")
    return '"%s%s"' % (text, "\\" * (len(text) - len(text.rstrip("\\"))))


def _xml(text):
    if any(char < " " for char in text):
        raise ValueError("A service's command must not hold control characters: %r" % (text,))
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(char, entity)
    return text
