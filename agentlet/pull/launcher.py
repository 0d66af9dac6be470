"""Starts the version that is to run. A new one runs below this process until it has proved itself."""

import os
import signal
import sys
import time

from agentlet.pull import slots as versions

PROVED = 76
"""The exit code of a version that was on trial, has proved itself and has nothing to do now."""
RESTART = 77
"""The exit code of a service that wants to be started anew: a version waits, or its memory has grown."""
_LOOK_S = 0.2


def launch(state, program, serve):
    """The exit code of the service. ``serve()`` runs the version of ``program`` itself; it is the last resort."""
    while True:
        slots = versions.of(state)
        if slots.trial is not None:
            if _try(state, slots):
                continue
        elif slots.current is not None and slots.usable(slots.current):
            _become(slots.path(slots.current), state, program)
        elif slots.current is not None:
            sys.stderr.write("orch-agentlet: slot %s is damaged: the installed version runs\n" % slots.current)
            slots.drop_current()
        return serve()


def restart(state, launcher, program):
    """Gives this process to the launcher again: another version waits. ``program`` stands in for one that is gone."""
    launcher = launcher if launcher is not None and os.path.exists(launcher) else program
    _exec([launcher, "run", "--state", state.directory])


def _become(path, state, program):
    _exec([path, "run", "--state", state.directory, "--launcher", program])


def _exec(arguments):
    os.execv(sys.executable, [sys.executable, "-IS"] + arguments)


def _try(state, slots):
    """Runs the version on trial; True when what is to run was decided anew."""
    import subprocess  # an idle agentlet does without it
    trial, stopped = slots.trial, []
    command = [sys.executable, "-IS", slots.path(trial["slot"]), "run", "--state", state.directory, "--trial"]
    sys.stderr.write("orch-agentlet: version %s is on trial\n" % trial["version"])
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def forward(number, frame):
        stopped.append(number)
        child.send_signal(number)

    before = [(number, signal.signal(number, forward)) for number in (signal.SIGTERM, signal.SIGINT)]
    end = time.monotonic() + float(trial["limit_s"])
    while child.poll() is None:
        time.sleep(_LOOK_S)
        if time.monotonic() >= end and versions.of(state).trial is not None:
            child.kill()
    for number, handler in before:
        signal.signal(number, handler)
    if stopped:
        sys.exit(0)
    if versions.of(state).trial is not None:
        sys.stderr.write("orch-agentlet: version %s did not reach the gateway: it is left for the one before\n"
                         % trial["version"])
        versions.of(state).roll_back()
    return True
