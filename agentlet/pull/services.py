"""Texts that make the agentlet a service of a host's own manager. Pure; the server uses them too."""

import json

NAME = "orch-agentlet"
LABEL = "sh.orch.agentlet"
PROGRAM = "/usr/local/lib/orch-agentlet/agentlet.pyz"
UNIT_PATH = "/etc/systemd/system/orch-agentlet.service"
PLIST_PATH = "/Library/LaunchDaemons/sh.orch.agentlet.plist"

# KillMode=process: what the running task started, and the task itself, survive a restart of the agentlet, which goes
# on with them. Restart: an agentlet that ended by itself is no agentlet.
_UNIT = """[Unit]
Description=orch agentlet: asks the gateway for work and does it
Wants=network-online.target
After=network-online.target
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
    """The unit's text. ``user``: who runs it; root where it is not given."""
    command = " ".join(_systemd_word(word) for word in _words(python, program, state))
    return _UNIT % {"command": command, "user": "User=%s\n" % _systemd_word(user) if user else ""}


def launchd_plist(python, program=PROGRAM, state=None, user=None):
    """The property list for launchd."""
    words = "".join("    <string>%s</string>\n" % _xml(word) for word in _words(python, program, state))
    who = "  <key>UserName</key><string>%s</string>\n" % _xml(user) if user else ""
    return _PLIST % {"label": LABEL, "words": words, "user": who}


def windows_service(python, program, state=None):
    """The definition for WinSW."""
    arguments = " ".join('"%s"' % word.replace('"', '') for word in _words(python, program, state)[1:])
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


def _xml(text):
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(char, entity)
    return text
