"""Enrolling and renewing: an identity is handed over, once; an older one of the same host is replaced by it."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from orchestrator.agents.envelope import seal_key
from orchestrator.agents.identity import Caller
from orchestrator.agents.invitations import Invitations
from orchestrator.agents.office import Office
from orchestrator.agents.records import ACTIVE, REMOVED, REVOKED, TLS, TOKEN, Agent, Enrolled
from orchestrator.agents.registry import Registry
from orchestrator.agents.rows import InvitationRow
from orchestrator.errors import UsageError
from orchestrator.refusals import Malformed, Refused

PROTOCOLS = (1,)
LONGEST_TEXT = 256
LARGEST_FACTS = 256 * 1024
REPEAT = timedelta(minutes=10)
"""How long an enrolment may be asked for again by the same instance: the answer may have been lost on its way."""
APPROVAL = timedelta(days=1)


class Enrolment:
    def __init__(self, office: Office, invitations: Invitations, registry: Registry) -> None:
        self._office = office
        self._invitations = invitations
        self._registry = registry

    def enrol(self, token: str, csr: str | None, claims: dict[str, Any], address: str = "") -> Enrolled:
        """Redeem an invitation. The host comes from the invitation, never from what the caller claims.

        An active agentlet of the same host is replaced: its identity ends, what waits for it goes to the new one.
        The same machine under another host's name is flagged as a clone and keeps an identity of its own.
        """
        office, now = self._office, self._office.clock()
        wanted = _Claims(claims, csr)
        with office.database.transaction():
            row = self._invitations.find(token, lock=True)
            again = self._repeated(row, wanted, now)
            if again is not None:
                return self._hand_over(again, csr, again.generation)
            self._invitations.refuse_unless_open(row)
            agent = self._new_agent(row, wanted, now)
            replaced = office.agents.find('"host" = ? AND "state" = ?', row.host, ACTIVE, lock=True)
            if replaced is not None:
                self._registry.end(replaced, REMOVED)
            office.agents.change({"state": REMOVED}, '"host" = ? AND "state" = ?', row.host, REVOKED)
            office.agents.insert(agent)
            if replaced is not None:
                self._registry.hand_jobs_over(replaced, agent["id"])
            office.invitations.change({"used": now, "used_by": agent["id"], "address": address}, '"id" = ?', row.id)
            office.audit.write(row.created_by, "agent.enrol", agent["id"], address=address, host=row.host,
                               replaced=replaced.id if replaced else None, clone_of=agent["clone_of"],
                               mode=agent["mode"])
            made = office.agents.find('"id" = ?', agent["id"])
            assert made is not None
            return self._hand_over(made, csr, 1)

    def renew(self, caller: Caller, csr: str | None) -> Enrolled:
        """A further certificate and token; the present ones stay good until the new are used.

        The job key is sealed with the present one (`envelope.seal_key`).

        A caller whose certificate is over, and who shows that it has the token that came with it, needs an operator's
        approval (`Registry.approve`).
        """
        office, now = self._office, self._office.clock()
        with office.database.transaction():
            agent = office.agents.find('"id" = ?', caller.agent.id, lock=True)
            assert agent is not None
            if caller.recovering:
                self._refuse_unless_approved(agent, now)
            if agent.mode == TLS and csr is None:
                raise Malformed("this agentlet has a certificate: a request for the next one is needed", code="csr")
            generation = agent.next_generation or agent.generation + 1
            office.agents.change({"next_generation": generation}, '"id" = ?', agent.id)
            office.audit.write(agent.id, "agent.renew", agent.id, address=caller.address, generation=generation,
                               recovered=caller.recovering)
            given = self._hand_over(agent, csr, generation)
            # Who asks may be an agentlet that is not root: the key of jobs is for its root helper alone.
            sealed = seal_key(office.job_key(agent.id, generation), office.job_key(agent.id, agent.generation))
            return structs.replace(given, job_key=sealed)

    def _refuse_unless_approved(self, agent: Agent, now: datetime) -> None:
        approved = agent.recovery_approved
        if approved is None or now - approved > APPROVAL:
            raise Refused("the certificate is over", code="certificate_expired",
                          hint=f"on the controller: orch agents approve {agent.host}")

    def _repeated(self, row: InvitationRow, wanted: _Claims, now: datetime) -> Agent | None:
        """The agent that this very instance has enrolled a moment ago, and which has never called since."""
        if row.used is None or row.used_by is None or now - row.used > REPEAT:
            return None
        agent = self._office.agents.find('"id" = ? AND "state" = ?', row.used_by, ACTIVE)
        if agent is None or agent.instance_id != wanted.instance_id or agent.last_seen is not None:
            return None
        return agent

    def _new_agent(self, row: InvitationRow, wanted: _Claims, now: datetime) -> dict[str, Any]:
        twin = self._office.agents.find(
            '"machine_id" = ? AND "host" <> ? AND "state" = ? ORDER BY "enrolled"', wanted.machine_id, row.host,
            ACTIVE) if wanted.machine_id else None
        agent_id = secrets.token_hex(8)
        return {
            "id": agent_id, "host": row.host, "seal": self._office.agent_seal(agent_id, row.host), "state": ACTIVE,
            "machine_id": wanted.machine_id, "instance_id": wanted.instance_id, "mode": wanted.mode,
            "version": wanted.version, "platform": wanted.platform, "clone_of": twin.id if twin else None, "note": "",
            "generation": 1, "next_generation": None, "protocol": wanted.protocol,
            "interval_s": self._office.timing.interval_s, "ring": None, "config": 1, "python": wanted.python,
            "labels": row.labels, "facts": wanted.facts, "renew": False, "enrolled": now, "last_seen": None,
            "recovery_asked": None, "recovery_approved": None}

    def _hand_over(self, agent: Agent, csr: str | None, generation: int) -> Enrolled:
        office = self._office
        certificate = None
        if csr is not None:
            try:
                issued = office.ca.sign_agent(csr, agent.id)
            except UsageError as error:
                raise Malformed(error.message, code=error.code, hint=error.hint) from None
            office.certificates.insert({
                "serial": issued.serial, "agent_id": agent.id, "digest": issued.digest, "generation": generation,
                "seal": office.certificate_seal(issued.digest, agent.id, generation),
                "not_before": issued.not_before, "not_after": issued.not_after, "issued": office.clock(),
                "first_used": None, "revoked": None, "authority": issued.authority})
            certificate = issued.pem
        return Enrolled(agent.id, agent.host, certificate, office.ca.bundle(),
                        office.token(agent.id, generation).hex(), office.job_key(agent.id, generation).hex(),
                        self._registry.config(agent))


class _Claims:
    """What a host says of itself, bounded. Raises `Malformed`, `Refused` for a protocol that is not spoken here."""

    def __init__(self, claims: dict[str, Any], csr: str | None) -> None:
        self.machine_id = _text(claims, "machine_id")
        self.instance_id = _text(claims, "instance_id")
        if len(self.instance_id) < 16:
            raise Malformed("instance_id must be random and have 16 characters at least", code="claims")
        self.version = _text(claims, "version")
        self.platform = _text(claims, "platform")
        python = _given(claims, "python", [])
        if not isinstance(python, list) or len(python) > 3 or not all(type(part) is int for part in python):
            raise Malformed("python must be a list like [3, 11, 2]", code="claims")
        self.python: list[int] = python
        facts = _given(claims, "facts", {})
        if not isinstance(facts, dict) or len(json.dumps(facts)) > LARGEST_FACTS:
            raise Malformed(f"facts must be an object of {LARGEST_FACTS >> 10} KiB at most", code="claims")
        self.facts: dict[str, Any] = facts
        spoken = _given(claims, "protocols", [1])
        common = [one for one in PROTOCOLS if isinstance(spoken, list) and one in spoken]
        if not common:
            raise Refused("no protocol is spoken by both sides", code="protocol",
                          hint="install the agentlet that this server offers")
        self.protocol = max(common)
        if (csr is None) != bool(claims.get("token_only")):
            raise Malformed("either a certificate request or token_only is needed", code="csr",
                            hint="without the openssl program: orch agents invite HOST --token-only")
        self.mode = TOKEN if csr is None else TLS


def _given(claims: dict[str, Any], name: str, otherwise: Any) -> Any:
    value = claims.get(name)
    return otherwise if value is None else value


def _text(claims: dict[str, Any], name: str) -> str:
    value = _given(claims, name, "")
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Malformed(f"{name} must be a text of {LONGEST_TEXT} characters at most", code="claims")
    return value
