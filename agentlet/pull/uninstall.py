"""Ends the service and removes what the agentlet put on this host. What jobs did stays."""

import os
import shutil
import subprocess

from agentlet.pull import sealing, services
from agentlet.pull.faults import AgentletError
from agentlet.pull.helper.custody import Custody
from agentlet.pull.state import State

_UNITS = ((services.UNIT_PATH, services.NAME), (services.HELPER_SOCKET_PATH, services.HELPER_NAME + ".socket"),
          (services.HELPER_SERVICE_PATH, services.HELPER_NAME + "@"))


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
    for directory in _helpers_folder(state) + [state.directory]:
        if os.path.isdir(directory):
            sealing.drop_copies(State(directory))
            shutil.rmtree(directory)
            said.append("removed %s" % directory)
    if os.path.dirname(program) == os.path.dirname(services.PROGRAM):
        shutil.rmtree(os.path.dirname(program))
        said.append("removed %s" % os.path.dirname(program))
    return said + ["the server still knows this host: orch agents remove HOST"]


def _helpers_folder(state):
    """Of the helper that serves this agentlet, if it has one."""
    custody = Custody()
    try:
        account, _ = custody.setup()
        return [custody.state.directory] if os.lstat(state.directory).st_uid == account.pw_uid else []
    except (AgentletError, OSError):
        return []


def _end_service():
    said = []
    for path, name in _UNITS:
        if os.path.exists(path):
            _call("systemctl", "disable", "--now", name)
            os.unlink(path)
            _call("systemctl", "daemon-reload")
            said.append("removed %s" % path)
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
