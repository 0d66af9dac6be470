"""Who is calling: by the certificate of the TLS connection, or by a signature over the request.

Every request is looked up, so what was revoked fails on its next one. A certificate is recognised by the digest of its
bytes among those that were issued; its expiry is the server's to judge, by the server's clock.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from orchestrator.agents.nonces import Nonces
from orchestrator.agents.office import Office
from orchestrator.agents.records import ACTIVE, TLS, Agent
from orchestrator.agents.rows import Certificate
from orchestrator.refusals import Unidentified

OVERLAP = timedelta(seconds=60)
"""How long the older certificate still works after the newer was used: requests are under way on other connections."""
AHEAD = 8
"""Generations behind the stored one are refused; so many before it are taken: the store was restored from a backup.
Only this server's master key makes them, and only an agentlet that was handed one can have it."""
SEEN_EVERY = timedelta(seconds=5)
NONCE = re.compile(r"[A-Za-z0-9_\-+/=.]{8,64}")
ENROL_AGAIN = "enrol this host anew: orch agents invite HOST"


class Caller(Struct, frozen=True):
    """An agentlet that has shown who it is."""

    agent: Agent
    via: str
    """``certificate`` or ``signature``."""
    address: str = ""
    recovering: bool = False
    """Its certificate is over: it may ask for the next one, and for nothing else."""


class Identity:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._nonces = Nonces(office)
        self._started = office.clock().timestamp()
        self._seen: dict[str, datetime] = {}
        self._seen_written = office.clock()

    def by_certificate(self, der: bytes, address: str = "") -> Caller:
        """The agentlet behind a client certificate. Raises `Unidentified`."""
        office, now = self._office, self._office.clock()
        held = office.certificates.find('"digest" = ?', hashlib.sha256(der).hexdigest())
        if held is None:
            raise Unidentified("the certificate is unknown", code="certificate_unknown", hint=ENROL_AGAIN)
        if held.seal != office.certificate_seal(held.digest, held.agent_id, held.generation):
            raise _altered(held.agent_id)
        agent = self._active(held.agent_id)
        if held.revoked is not None and held.revoked <= now:
            raise _about(agent.id, "the certificate was revoked", "certificate_revoked", ENROL_AGAIN)
        if held.not_after <= now:
            raise _about(agent.id, "the certificate is over", "certificate_expired",
                         "ask for the next one with a signed request: POST renew")
        if held.first_used is None:
            agent = self._first_use(held, now)
        return Caller(agent, "certificate", address)

    def by_signature(
        self, agent_id: str, time: str, nonce: str, method: str, path: str, body_sha256: str, signature: str,
        address: str = "", behind_proxy: bool = False,
    ) -> Caller:
        """The agentlet that signed a request with its token. ``path`` is with its query, as it was sent.

        One that has a certificate may come so only through a proxy that ends TLS (``behind_proxy``: this request came
        to a listener that is made for one), or, when its certificate is over, to renew it. Raises `Unidentified`.
        """
        text = f"{method}\n{path}\n{body_sha256}\n{time}\n{nonce}".encode("utf-8", "surrogatepass")
        agent = self._office.agents.find('"id" = ?', agent_id)
        generation = None if agent is None else self._matching(agent, text, signature)
        if agent is None or generation is None:
            raise _about(agent.id if agent else "", "the signature is no agentlet's", "signature", ENROL_AGAIN)
        self._refuse_old(agent_id, time)
        self._active(agent_id)
        self._refuse_repeated(agent_id, nonce, float(time))
        recovering = False
        if agent.mode == TLS and not behind_proxy:
            recovering = self._recovering(agent, path)
        if generation != agent.generation:
            agent = self._advance(agent, generation)
        return Caller(agent, "signature", address, recovering)

    def seen(self, caller: Caller) -> None:
        """It has called just now. Kept in memory and written every few seconds, for all at once."""
        now = self._office.clock()
        first = caller.agent.last_seen is None and caller.agent.id not in self._seen
        self._seen[caller.agent.id] = now
        if first or now - self._seen_written >= SEEN_EVERY:
            self.write_seen()

    def write_seen(self) -> None:
        """What `seen` has gathered."""
        seen, self._seen, self._seen_written = self._seen, {}, self._office.clock()
        if not seen:
            return
        database = self._office.database
        time, text = database.write["time"], database.write["text"]
        with database.transaction():
            database.insert('UPDATE agents SET "last_seen" = ? WHERE "id" = ?',
                            [(time(at), text(agent_id)) for agent_id, at in seen.items()])

    def forget_nonces(self) -> None:
        """Those of requests that are too old by now, now and then."""
        self._nonces.forget()

    # ---- the checks

    def _active(self, agent_id: str) -> Agent:
        agent = self._office.agents.find('"id" = ?', agent_id)
        if agent is None or agent.state != ACTIVE:
            state = agent.state if agent else "unknown"
            raise _about(agent_id, f"this agentlet is {state}", f"agent_{state}", ENROL_AGAIN)
        if not self._office.is_genuine(agent):
            raise _altered(agent_id)
        return agent

    def _matching(self, agent: Agent, text: bytes, signature: str) -> int | None:
        """The generation of the token that signed; None when it is no token of this agentlet's, or an older one."""
        given = signature.encode("utf-8", "replace")
        for generation in range(agent.generation, agent.generation + AHEAD + 1):
            made = hmac.new(self._office.token(agent.id, generation), text, hashlib.sha256).hexdigest()
            if hmac.compare_digest(made.encode(), given):
                return generation
        return None

    def _refuse_old(self, agent_id: str, time: str) -> None:
        """Within five minutes, and not from before this process began: a store that was restored from a backup has
        forgotten the nonces of then."""
        now = self._office.clock().timestamp()
        try:
            at = float(time)
        except ValueError:
            at = 0.0
        if not abs(now - at) <= self._office.timing.signature_window_s or at < self._started - 1:
            raise _about(agent_id, "the request is not of now", "time",
                         f"it is {int(now)} (epoch seconds) on the server; sign by that clock")

    def _refuse_repeated(self, agent_id: str, nonce: str, at: float) -> None:
        if not NONCE.fullmatch(nonce):
            raise _about(agent_id, "the nonce must be 8 to 64 characters", "nonce", "make a random one")
        until = datetime.fromtimestamp(at + self._office.timing.signature_window_s, UTC)
        if not self._nonces.take(agent_id, nonce, until):
            raise _about(agent_id, "the request was sent before", "nonce", "sign each request anew")

    def _recovering(self, agent: Agent, path: str) -> bool:
        if not path.partition("?")[0].rstrip("/").endswith("/renew"):
            raise _about(agent.id, "this agentlet has a certificate and must show it", "certificate_needed",
                         "connect with the client certificate; when it is over: POST renew")
        if agent.recovery_asked is None:
            with self._office.database.transaction():
                self._office.agents.change({"recovery_asked": self._office.clock()}, '"id" = ?', agent.id)
        return True

    # ---- something new is used for the first time

    def _first_use(self, held: Certificate, now: datetime) -> Agent:
        """The older certificates end with it, after a short overlap."""
        office = self._office
        with office.database.transaction():
            office.certificates.change({"first_used": now}, '"serial" = ?', held.serial)
            office.certificates.change(
                {"revoked": now + OVERLAP}, '"agent_id" = ? AND "serial" <> ? AND "issued" <= ? AND "revoked" IS NULL',
                held.agent_id, held.serial, held.issued)
            office.agents.change({"mode": TLS}, '"id" = ?', held.agent_id)
            self._move_on(held.agent_id, held.generation)
            return self._active(held.agent_id)

    def _advance(self, agent: Agent, generation: int) -> Agent:
        office = self._office
        with office.database.transaction():
            if generation != agent.next_generation:
                office.audit.write(agent.id, "agent.ahead", agent.id, generation=generation, stored=agent.generation)
            self._move_on(agent.id, generation)
            return self._active(agent.id)

    def _move_on(self, agent_id: str, generation: int) -> None:
        """The agentlet has shown that it has these keys: what led to them is done with."""
        self._office.agents.change(
            {"generation": generation, "next_generation": None, "renew": False, "recovery_asked": None,
             "recovery_approved": None}, '"id" = ? AND "generation" < ?', agent_id, generation)


def _altered(agent_id: str) -> Unidentified:
    return _about(agent_id, "the store was altered behind orch's back", "agent_altered", ENROL_AGAIN)


def _about(agent_id: str, message: str, code: str, hint: str) -> Unidentified:
    error = Unidentified(message, code=code, hint=hint)
    error.subject = agent_id
    return error
