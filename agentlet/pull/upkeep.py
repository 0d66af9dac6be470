"""What is done beside jobs, in one thread: heartbeats, renewal, update, and a look at oneself."""

import threading
import time

from agentlet.pull import retrying, vitals
from agentlet.pull.faults import AgentletError, Answered, Shut, Unreachable, Untrusted
from agentlet.pull.guard import Guard
from agentlet.pull.part import Part
from agentlet.pull.renewal import OVER, Renewal
from agentlet.pull.update import Updater

BUSY_LOOK_S = 4.0
IDLE_LOOK_S = 300.0


class Upkeep(Part):
    """``on_update(slot)`` is called when a new version waits to be started. ``on_restart(why)``: the guard wants it."""

    def __init__(self, agent, on_update, on_restart):
        super().__init__(agent, "upkeep")
        self._on_restart = on_restart
        self._wake = threading.Event()
        self._guard = Guard(agent.settings)
        self._renewal = Renewal(agent)
        self._updater = Updater(agent, on_update)
        self._wants_renewal = self._is_doubted = self._is_asked = False
        self._version = None
        self._beat = time.monotonic()
        self._not_before = {}
        self._errors = {}
        agent.on_orders(self.hear)

    def hear(self, orders):
        """From any thread: what the server wants. It is done here, soon."""
        update = orders.get("update")
        wants = bool(orders.get("renew")), update if isinstance(update, str) else None
        if wants != (self._wants_renewal, self._version):
            self._wants_renewal, self._version = wants
            self._wake.set()

    def refused(self, error):
        """The server does not let us in: it may say that the certificate is over, whatever our clock says; or hang up,
        which may be its word on the certificate as well."""
        if getattr(error, "code", None) in OVER and not self._renewal.is_over:
            self._renewal.is_over = True
            self._wake.set()
        if isinstance(error, Shut) and not self._renewal.is_over:
            self._is_doubted = True
            self._wake.set()

    def ask(self):
        """From any thread: somebody wants to know now what the server has for this host."""
        self._is_asked = True
        self._wake.set()

    def rouse(self):
        """A job has begun: beats and looks are due more often."""
        self._wake.set()

    def work(self):
        agent = self._agent
        while not agent.stopping.is_set():
            try:
                self._look()
            except OSError as error:
                agent.log.say("upkeep: %s" % error)
            self._wake.wait(self._pause_s())
            self._wake.clear()

    def _pause_s(self):
        """Until the next look: what failed is tried again when its pause is over."""
        now = time.monotonic()
        retries = [when - now for when in self._not_before.values() if when > now]
        return min([BUSY_LOOK_S if self._agent.running() else IDLE_LOOK_S] + retries)

    def _look(self):
        agent, now = self._agent, time.monotonic()
        if self._is_asked or agent.running() and now - self._beat >= agent.settings.heartbeat_s:
            self._beat, self._is_asked = now, False
            self._try("heartbeat", self._heartbeat)
        if self._is_doubted:
            self._is_doubted = False
            self._try("certificate", self._examine)
        if self._wants_renewal or self._renewal.is_due():
            self._try("renewal", self._renewal.renew)
        if self._version:
            self._try("update", lambda: self._updater.update(self._version))
        agent.evict_old()
        why = self._guard.look(now)
        if why and not agent.shed(why):
            self._on_restart(why)

    def _heartbeat(self):
        agent = self._agent
        gateway = agent.gateway()
        try:
            held = agent.held()
            answer = gateway.heartbeat(held, vitals.stats(agent))
            agent.end_gone(held, answer.get("orders") or {})
        finally:
            gateway.close()

    def _examine(self):
        if self._renewal.examine():
            host = self._agent.identity.host
            self._agent.log.tell("the gateway takes this host's certificate no longer: its authority was retired."
                                 " On the controller, orch agents approve %s lets it renew; or run the line here that"
                                 " orch agents invite %s prints" % (host, host))

    def _try(self, name, act):
        """Does it; after an error not again until a pause is over that grows with each."""
        if time.monotonic() < self._not_before.get(name, 0):
            return
        try:
            act()
            self._errors[name] = 0
        except (AgentletError, Answered, Unreachable, Untrusted) as error:
            count = self._errors[name] = self._errors.get(name, 0) + 1
            self._not_before[name] = time.monotonic() + retrying.pause_s(error, count, self._agent.settings)
            (self._agent.log.tell if count == 1 else self._agent.log.say)("%s: %s" % (name, error))
