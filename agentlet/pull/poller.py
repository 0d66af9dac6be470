"""Asks for work, for ever: takes what is offered as long as there is room, and waits well when nobody answers."""

import time

from agentlet.pull import backoff, network, retrying, vitals
from agentlet.pull.faults import Answered, IdentityRefused, Unreachable, Untrusted
from agentlet.pull.part import Part

FULL_S = 10.0
"""How often a full agentlet asks for orders; what it runs streams its events, which bring orders too."""
LOOK_S = 30.0
BEAT_S = 300.0
"""How often an idle agentlet says how it is, on the connection that is open anyway; one at work does so in upkeep."""


class Poller(Part):
    """``on_contact()`` is told of every answered poll, ``on_error(error)`` of the others."""

    def __init__(self, agent, on_contact, on_error):
        super().__init__(agent, "poller")
        self._on_contact = on_contact
        self._on_error = on_error
        self._errors = 0
        self._beat_at = 0.0

    def work(self):
        agent, gateway = self._agent, self._agent.gateway()
        self._wait(backoff.first_delay(agent.settings.first_s, retrying.draw))
        while not agent.stopping.is_set():
            try:
                self._wait(self._poll(gateway))
                self._errors = 0
            except (Answered, Unreachable, Untrusted) as error:
                self._errors += 1
                self._on_error(error)
                self._wait_after(error)

    def _poll(self, gateway):
        """Seconds until the next poll."""
        agent = self._agent
        is_full = not agent.free()
        began = time.monotonic()
        answer = gateway.poll(0 if is_full else agent.settings.hold_s, [job for job, _ in agent.running()])
        self._on_contact()
        agent.fetch_config(gateway)
        offers = _offers(answer)
        for job, attempt in offers:
            if agent.free():
                self._take(gateway, job, attempt)
        self._beat(gateway)
        if is_full or not agent.free():
            return FULL_S
        if offers:
            return 0.0
        return backoff.between_polls(agent.settings.interval_s, time.monotonic() - began, retrying.draw)

    def _beat(self, gateway):
        now = time.monotonic()
        if now >= self._beat_at and not self._agent.running():
            self._beat_at = now + BEAT_S
            gateway.heartbeat([], vitals.stats(self._agent))

    def _take(self, gateway, job, attempt):
        try:
            self._agent.take(gateway, job, attempt)
        except Answered as error:
            # 409: somebody else has it, or it is over. The next poll tells what there is.
            if retrying.is_passing(error):
                raise

    def _wait(self, seconds):
        """A pause that a rousing ends: a job that is over makes room for the next."""
        if seconds > 0:
            self._agent.roused.wait(seconds)
        self._agent.roused.clear()

    def _wait_after(self, error):
        """After an error. A refused identity waits long, and looks whether the network has changed meanwhile."""
        seconds = retrying.pause_s(error, self._errors, self._agent.settings)
        if not isinstance(error, (IdentityRefused, Untrusted)):
            return self._wait(seconds)
        end, before = time.monotonic() + seconds, network.fingerprint()
        while time.monotonic() < end and not self._agent.stopping.is_set():
            if self._agent.roused.wait(min(LOOK_S, max(0.0, end - time.monotonic()))) \
                    or network.fingerprint() != before:
                break
        self._agent.roused.clear()
        return None


def _offers(answer):
    """[(job, attempt)], the most urgent first."""
    try:
        offers = [(-int(offer.get("priority") or 0), number, str(offer["job"]), int(offer["attempt"]))
                  for number, offer in enumerate(answer.get("offers") or [])]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreachable("The gateway's offers make no sense: %s" % error)
    return [(job, attempt) for _, _, job, attempt in sorted(offers)]
