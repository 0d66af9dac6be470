"""Plans of the server, by the rights of whoever asks: made when a run in check mode ends, decided, and applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from msgspec import structs

from orchestrator.access.rights import INVENTORY, VIEW, Host, Identity, Target, may, refuse_unless
from orchestrator.plans.applying import VALID_S
from orchestrator.plans.document import PlanDocument
from orchestrator.plans.plans import Plan, Plans
from orchestrator.plans.stored import prediction_of
from orchestrator.refusals import NotFound
from orchestrator.runs.asking import Asking
from orchestrator.runs.launches import Launches
from orchestrator.runs.records import Run
from orchestrator.store.books import Books
from orchestrator.store.paging import Page, PageRequest
from orchestrator.store.table import marks

APPROVE, LAUNCH = "plan.approve", "run.launch"
MADE_BY = ("ok", "pending")
"""How a run in check mode ends that has something to say of every host."""
HostsOf = Callable[[str, Iterable[str]], Sequence[Host]]


class Planning:
    def __init__(self, books: Books, plans: Plans, asking: Asking, launches: Launches,
                 hosts_of: HostsOf | None = None) -> None:
        self._books = books
        self._plans = plans
        self._asking = asking
        self._launches = launches
        self._hosts_of = hosts_of

    def ended(self, run: Run) -> None:
        """Propose what a run of kind ``plan`` came to; what a schedule looks at is drift, and nobody's proposal.

        Called within the transaction that settles the run.
        """
        if run.kind != "plan" or run.schedule_id is not None or run.parent_id is not None or run.status not in MADE_BY:
            return
        family = self._asking.family(run)
        prediction = prediction_of(self._books.database, family, run.recap)
        made = run.ended or self._books.clock()
        self._plans.propose(PlanDocument(
            run_id=run.id, made=made, expires=made + timedelta(seconds=VALID_S), playbooks=run.playbooks, cwd=run.cwd,
            options=run.options, content_digest=self._content_digest(run, family), files={},
            hosts=prediction.hosts), run.user)

    def _content_digest(self, run: Run, family: Sequence[str]) -> str:
        """A run in slices has none of its own. Where those of its slices differ, the plan holds for none of them."""
        rows = self._books.database.select(
            f'SELECT DISTINCT "content_digest" FROM runs WHERE "id" IN ({marks(family)}) AND "content_digest" <> \'\'',
            tuple(family))
        return str(rows[0][0]) if len(rows) == 1 else run.content_digest

    def list(self, identity: Identity, page: PageRequest, *, state: str | None = None) -> Page[Plan]:
        """The newest first, of those whose runs ``identity`` may see."""
        if may(identity, VIEW):
            return self._plans.list(page, state=state)
        granted = sorted({grant.scope_id for grant in identity.grants if grant.kind == INVENTORY})
        return self._plans.list(page, state=state, inventories=granted,
                                seen=lambda plans: [plan for plan in plans if self._sees(identity, plan.id)])

    def show(self, identity: Identity, plan_id: str) -> Plan:
        """Raises `NotFound`, for a plan too whose run ``identity`` may not see."""
        if not self._sees(identity, plan_id):
            raise NotFound(f"there is no plan {plan_id!r}")
        return self._plans.show(plan_id)

    def approve(self, identity: Identity, plan_id: str, *, reason: str, version: int | None) -> Plan:
        self._refuse_unless(identity, APPROVE, plan_id)
        return self._plans.approve(identity, plan_id, reason=reason, version=version)

    def reject(self, identity: Identity, plan_id: str, *, reason: str, version: int | None) -> Plan:
        self._refuse_unless(identity, APPROVE, plan_id)
        return self._plans.reject(identity, plan_id, reason=reason, version=version)

    def apply(self, identity: Identity, plan_id: str, key: str | None = None) -> str:
        """Launch the run that makes the planned changes, once; returns its id.

        It looks first whether the plan still holds, and refuses to begin when it does not.
        """
        self._refuse_unless(identity, LAUNCH, plan_id)
        request = self._launches.request_of(plan_id)
        return self._launches.launch(
            identity, structs.replace(request, kind="run", check=False, diff=True, plan_id=plan_id), key,
            within=lambda run_id: self._plans.take(plan_id, run_id, identity.name))

    def _sees(self, identity: Identity, plan_id: str) -> bool:
        try:
            self._asking.find(identity, plan_id)
        except NotFound:
            return False
        return True

    def _refuse_unless(self, identity: Identity, action: str, plan_id: str) -> None:
        self.show(identity, plan_id)
        if may(identity, action):
            return
        run = self._asking.find(identity, plan_id)
        hosts = tuple(self._hosts_of(run.inventory_id, run.hosts)) if self._hosts_of and run.inventory_id else ()
        refuse_unless(identity, action, Target(run.inventory_id, hosts, run.project_id, run.playbooks[0]), "plan",
                      plan_id)
