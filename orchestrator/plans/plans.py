"""Plans of the server: proposed by a run in check mode, looked at, approved or rejected, applied once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator.access.rights import Identity
from orchestrator.plans.document import PlanDocument
from orchestrator.refusals import Conflict, Malformed, Refused
from orchestrator.store.books import Books, found, refuse_stale
from orchestrator.store.paging import Page, PageRequest, seen_page
from orchestrator.store.settings import StoredSettings
from orchestrator.store.table import marks

PROPOSED, APPROVED, REJECTED, APPLIED = "proposed", "approved", "rejected", "applied"
STATES = (PROPOSED, APPROVED, REJECTED, APPLIED)
SORTS = {"created": ("created", "id"), "changes": ("changes", "id")}
LONGEST_REASON = 2000
KEY = "plans"


class PlanSettings(Struct, forbid_unknown_fields=True):
    """``four_eyes``: whoever made a plan does not approve it."""

    four_eyes: bool = False


class Plan(Struct):
    """``id`` is that of the run that made it: its results are what each host would be changed in."""

    id: str
    state: str
    content_digest: str
    created_by: str
    decided_by: str | None
    reason: str
    applied_run_id: str | None
    hosts: dict[str, int]
    """Changes by host; all that the plan was made for are there."""
    changes: int
    version: int
    created: datetime
    expires: datetime
    decided: datetime | None
    applied: datetime | None


class _Document(Struct):
    document: bytes


class Plans:
    """Who may see and decide a plan is the caller's to check: it knows the run, its playbook and its hosts."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._table = books.table("plans", Plan)
        self._documents = books.table("plans", _Document)
        self._settings = StoredSettings(books)

    # ---- making

    def propose(self, document: PlanDocument, by: str) -> None:
        """Keep what a run in check mode came to, within the caller's transaction.

        Nothing to change is a plan too: it says so, and cannot be applied.
        """
        self._table.insert({
            "id": document.run_id, "state": PROPOSED, "content_digest": document.content_digest, "created_by": by,
            "decided_by": None, "reason": "", "applied_run_id": None,
            "hosts": {host: len(plan.changes) for host, plan in document.hosts.items()},
            "document": msgspec.json.encode(document), "changes": document.changes, "version": 1,
            "created": document.made, "expires": document.expires, "decided": None, "applied": None})
        self._books.audit.write(by, "plan.propose", document.run_id, changes=document.changes,
                                hosts=len(document.hosts))

    # ---- asking

    def show(self, plan_id: str) -> Plan:
        return found(self._table.find('"id" = ?', plan_id), "plan", plan_id)

    def document(self, plan_id: str) -> PlanDocument:
        """All that applying it needs."""
        return msgspec.json.decode(self.encoded(plan_id), type=PlanDocument)

    def encoded(self, plan_id: str) -> bytes:
        """The document in JSON."""
        return found(self._documents.find('"id" = ?', plan_id), "plan", plan_id).document

    def list(self, page: PageRequest, *, state: str | None = None, inventories: Sequence[str] | None = None,
             seen: Callable[[Sequence[Plan]], Iterable[Plan]] = iter) -> Page[Plan]:
        """The newest first. ``inventories``: plans for these alone; ``seen``: what whoever asks may see of them."""
        where, values = ["1 = 1"], list[Any]()
        if state is not None:
            where.append('"state" = ?')
            values.append(state)
        if inventories is not None:
            among = marks(inventories) or "NULL"
            where.append(f'"id" IN (SELECT r."id" FROM runs r WHERE r."inventory_id" IN ({among}))')
            values += inventories
        return seen_page(self._table, page, SORTS, seen, " AND ".join(where), *values, default="-created")

    # ---- deciding

    def approve(self, identity: Identity, plan_id: str, *, reason: str = "", version: int | None = None) -> Plan:
        """From now on it may be applied. With four eyes (in the settings) nobody approves a plan of his own."""
        plan = self.show(plan_id)
        if plan.created_by == identity.name and self._settings.read(KEY, PlanSettings).four_eyes:
            raise Refused("whoever made a plan does not approve it", code="plan_own",
                          hint="another approver can; the setting is plans.four_eyes")
        return self._decide(identity, plan_id, APPROVED, reason, version)

    def reject(self, identity: Identity, plan_id: str, *, reason: str, version: int | None = None) -> Plan:
        if not reason.strip():
            raise Malformed("reason: say why, for whoever made the plan", code="request_invalid",
                            fields=[("reason", "say why, for whoever made the plan")])
        return self._decide(identity, plan_id, REJECTED, reason, version)

    def _decide(self, identity: Identity, plan_id: str, state: str, reason: str, version: int | None) -> Plan:
        books = self._books
        if len(reason) > LONGEST_REASON:
            raise Malformed(f"reason: {LONGEST_REASON} characters at most", code="request_invalid",
                            fields=[("reason", f"{LONGEST_REASON} characters at most")])
        with books.transaction():
            plan = found(self._table.find('"id" = ?', plan_id, lock=True), "plan", plan_id)
            refuse_stale(plan.version, version, "plan")
            if plan.state != PROPOSED:
                raise Conflict(f"this plan has been {plan.state}", code="plan_decided")
            self._refuse_old(plan)
            self._table.change({"state": state, "decided_by": identity.name, "reason": reason,
                                "decided": books.clock(), "version": plan.version + 1}, '"id" = ?', plan_id)
            books.audit.write(identity.name, f"plan.{'approve' if state == APPROVED else 'reject'}", plan_id,
                              address=identity.address, reason=reason[:200])
        return self.show(plan_id)

    def take(self, plan_id: str, run_id: str, by: str) -> None:
        """Bind an approved plan to the run that applies it, once; within the transaction that stores that run."""
        plan = found(self._table.find('"id" = ?', plan_id, lock=True), "plan", plan_id)
        if plan.state == APPLIED:
            raise Conflict(f"this plan has been applied already, by run {plan.applied_run_id}", code="plan_applied")
        if plan.state != APPROVED:
            raise Conflict(f"this plan is {plan.state}, not approved", code="plan_not_approved",
                           hint="an approver has to look at it first")
        if not plan.changes:
            raise Conflict("this plan has nothing to change", code="plan_empty")
        self._refuse_old(plan)
        books = self._books
        self._table.change({"state": APPLIED, "applied_run_id": run_id, "applied": books.clock(),
                            "version": plan.version + 1}, '"id" = ?', plan_id)
        books.audit.write(by, "plan.apply", plan_id, run=run_id)

    def _refuse_old(self, plan: Plan) -> None:
        if plan.expires <= self._books.clock():
            raise Conflict(f"this plan is too old: it was good until {plan.expires:%Y-%m-%d %H:%M} UTC",
                           code="plan_expired", hint="make a new one")
