"""`agentlet.pyz update`: asks the server for its version, and says what becomes of it here.

The service does the work where it runs, since it knows when no job does; without it the version is put in place for
its next start.
"""

import os
import signal
import subprocess
import sys
import time

from agentlet.pull import VERSION, enrol, identity, update
from agentlet.pull import slots as versions
from agentlet.pull.clock import Clock
from agentlet.pull.faults import AgentletError
from agentlet.pull.gateway import Gateway
from agentlet.pull.http import Address
from agentlet.pull.settings import Settings

LOOK_S = 0.5
RESTART_S = 3.0
"""How long a service may be between two of its processes."""
LATER = 3
"""The exit code when it has not come to an end within the time one wanted to wait."""


def run(program, state, wait_s, say):
    """The exit code: 0 this host has what it should have, 1 the version is no good here, 3 not yet."""
    try:
        known, orders = identity.Identity(state), {}
        clock = Clock(state.read_json(identity.IDENTITY).get("offset_s", 0.0))
        gateway = Gateway(Address(known.url), enrol.trust_of(state, known, clock), clock, known.signer(), orders.update)
        try:
            return _run(program, state, wait_s, say, known, gateway, orders)
        finally:
            gateway.close()
    except OSError as error:
        raise AgentletError("Cannot work in %s: %s" % (state.directory, error.strerror or error), "Run it as root")


def _run(program, state, wait_s, say, known, gateway, orders):
    slots = versions.of(state)
    manifest = update.ask(gateway, known, slots)
    version, here = manifest["version"], _version(program, slots)
    say("The server has version %s, signed for this host; version %s runs here." % (version, here))
    if version == here:
        return 0
    if slots.is_refused(version):
        say("It did not prove itself here within the last day: it is left alone until %s." % _time(
            slots.refused[version]))
        return 1
    if orders.get("update") != version:
        say("It is not this host's turn yet. On the controller: orch agents rollout shows how far updates are let,"
            " orch agents ring %s 1 puts this host among the first." % known.host)
        return 0
    pid = _service(state)
    if pid is None:
        return _place(state, say, known, gateway, manifest)
    if versions.of(state).trial is None and state.read_json("status.json").get("pid") == pid:
        os.kill(pid, signal.SIGHUP)  # it has called in: it is past the moment in which this would end it
        say("The service (process %d) is told." % pid)
    return _follow(state, manifest, wait_s, say)


def _service(state):
    """The process that works here, or None: one that restarts has none for a moment."""
    end = time.monotonic() + RESTART_S
    while True:
        pid = state.owner()
        if pid is not None or time.monotonic() >= end:
            return pid
        time.sleep(LOOK_S)


def _place(state, say, known, gateway, manifest):
    if known.helper:
        raise AgentletError("The service does not run", "Start it: it updates itself")
    state.lock()
    settings = Settings(state.read_json("config.json"), state.read_json("settings.json"))
    update.install(gateway, known, versions.of(state), settings.update_s, manifest)
    say("Version %s was fetched and is as its manifest says. The service does not run: its next start tries it."
        % manifest["version"])
    return 0


def _follow(state, manifest, wait_s, say):
    """Until the service has come to an end with it, or the time is over."""
    version, end, said = manifest["version"], time.monotonic() + wait_s, None
    while True:
        slots = versions.of(state)
        if slots.trial is None and slots.digests.get(slots.current) == manifest["sha256"]:
            say("Version %s has proved itself and runs." % version)
            return 0
        if slots.is_refused(version):
            say("Version %s did not prove itself: the one before runs. The service's log tells why." % version)
            return 1
        if slots.trial is not None and said is None:
            said = "It is on trial."
            say("The service has fetched it and tries it.")
        if time.monotonic() >= end:
            jobs = len(os.listdir(state.path("jobs"))) if state.exists("jobs") else 0
            say("%s Nothing is decided yet%s; agentlet.pyz update asks again." % (
                said or "The service has not fetched it.", ", and %d jobs are held" % jobs if jobs else ""))
            return LATER
        time.sleep(LOOK_S)


def _version(program, slots):
    """Of what runs, or would: the slot that is current, or the installed file."""
    if slots.current is None or not slots.usable(slots.current):
        return VERSION
    command = [sys.executable, "-IS", slots.path(slots.current), "version"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60)
    return done.stdout.decode("ascii", "replace").strip()


def _time(when):
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(when))
