"""`agentlet.pyz run`: the agentlet as a service, until it is told to stop. Jobs under way survive it."""

import os
import signal
import threading
import time

from agentlet.pull import launcher, runtimechild, slots
from agentlet.pull.agent import Agent
from agentlet.pull.faults import AgentletError, IdentityRefused, Untrusted
from agentlet.pull.log import Log
from agentlet.pull.poller import Poller
from agentlet.pull.upkeep import Upkeep

STATUS = "status.json"


class Service(object):
    """The main thread: signals, and how this process ends. ``is_trial``: it has to prove itself."""

    def __init__(self, state, program, is_trial=False):
        self.log = Log()
        self.state = state
        self.agent = Agent(state, runtimechild.command(program), self.log)
        if self.agent.identity.helper:
            from agentlet.pull.divided import Hands
            self.agent.runtime_command = Hands(self.agent.runtime_command, self.agent.identity.helper["socket"])
        self._wake = threading.Event()
        self._code = self._upkeep = None
        self._is_trial = is_trial
        self._said = None

    def run(self):
        """0 when told to stop; `launcher.RESTART` and `launcher.PROVED` when it is to be started anew."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._rouse)
        agent = self.agent
        known = agent.identity
        self.log.say("agent %s of host %s calls %s" % (known.agent, known.host, known.url))
        if not self.state.exists(STATUS):
            agent.settings.first_s = 0.0  # somebody waits for it
        upkeep = self._upkeep = Upkeep(agent, lambda slot: self._end(launcher.RESTART), self._restart)
        agent.on_begin, agent.on_crash = upkeep.rouse, lambda: self._end(1)
        agent.start()
        if agent.spools():
            agent.settings.first_s = 0.0
        for part in (Poller(agent, self._contacted, self._failed), upkeep):
            part.start()
        while self._code is None:
            self._wake.wait()
            self._wake.clear()
        agent.stop()
        return self._code

    def _stop(self, number, frame):
        self._end(0)

    def _rouse(self, number, frame):
        self.agent.roused.set()
        if self._upkeep is not None:
            self._upkeep.ask()

    def _end(self, code):
        self._code = code
        self._wake.set()

    def _restart(self, why):
        self.log.say("%s: it starts anew" % why)
        self._end(launcher.RESTART)

    def _contacted(self):
        self._show("online")
        if self._is_trial and self.agent.drain():
            slots.of(self.state).confirm()
            self._is_trial = False
            self.log.tell("the new version has proved itself")
            self._end(launcher.PROVED)

    def _failed(self, error):
        self._upkeep.refused(error)
        how = "refused" if isinstance(error, (IdentityRefused, Untrusted)) else "offline"
        if self._show(how, error):
            (self.log.tell if how == "refused" else self.log.say)("%s: %s" % (how, error))

    def _show(self, how, error=None):
        """Writes what `status` shows, when it has changed; a poll a minute must not wear out a memory card."""
        said = how, str(error or "")
        if said == self._said:
            return False
        self._said = said
        try:
            self.state.write_json(STATUS, {"how": how, "why": said[1], "since": time.time(), "pid": os.getpid(),
                                           "offset_s": self.agent.clock.offset_s})
        except OSError:
            pass  # a full disk: the work goes on
        return True


def run(state, program, is_trial=False, launched_by=None):
    """The exit code of the service; it may end as another version."""
    state.create()

    def serve():
        state.lock()
        try:
            return Service(state, program, is_trial).run()
        except OSError as error:
            raise AgentletError("Cannot work in %s: %s" % (state.directory, error.strerror or error))

    if is_trial:
        return serve()
    if launched_by is None:
        code = launcher.launch(state, program, serve)
    else:
        code = serve()
    if code == launcher.RESTART:
        launcher.restart(state, launched_by, program)
    return code
