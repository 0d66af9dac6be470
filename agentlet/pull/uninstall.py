"""Ends the service and removes what the agentlet put on this host. What jobs did stays."""

import os
import shutil
import subprocess

from agentlet.pull import services
from agentlet.pull.faults import AgentletError


def uninstall(program, state, force=False):
    """What was removed, as sentences. `AgentletError` while results wait that the server does not have."""
    waiting = os.listdir(state.path("jobs")) if state.exists("jobs") else []
    if waiting and not force:
        raise AgentletError("%d jobs run, or have results that the server does not have yet" % len(waiting),
                            "Wait for them (agentlet.pyz status), or give --force to drop them")
    said = _end_service()
    pid = state.owner()
    if pid is not None:
        raise AgentletError("Process %d works in %s still" % (pid, state.directory), "End it, and try again")
    if os.path.isdir(state.directory):
        shutil.rmtree(state.directory)
        said.append("removed %s" % state.directory)
    if os.path.dirname(program) == os.path.dirname(services.PROGRAM):
        shutil.rmtree(os.path.dirname(program))
        said.append("removed %s" % os.path.dirname(program))
    return said + ["the server still knows this host: orch agents remove HOST"]


def _end_service():
    said = []
    if os.path.exists(services.UNIT_PATH):
        _call("systemctl", "disable", "--now", services.NAME)
        os.unlink(services.UNIT_PATH)
        _call("systemctl", "daemon-reload")
        said.append("removed %s" % services.UNIT_PATH)
    if os.path.exists(services.PLIST_PATH):
        _call("launchctl", "unload", services.PLIST_PATH)
        os.unlink(services.PLIST_PATH)
        said.append("removed %s" % services.PLIST_PATH)
    return said


def _call(*words):
    try:
        subprocess.call(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        pass  # no such manager: its file goes all the same
