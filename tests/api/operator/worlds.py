"""One server with what two tenants have on it: of each thing that a path can name, one of each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from orchestrator.access.rights import Identity
from orchestrator.control.control import Control, open_control
from orchestrator.notify.channels import ChannelDraft
from orchestrator.notify.occasions import HOST_LOST, Notice
from orchestrator.plans.document import PlanDocument
from orchestrator.plans.prediction import Foreseen, HostPlan
from orchestrator.projects.inventory_hosts import NewHost
from orchestrator.runs.requests import RunRequest
from orchestrator.scheduling.records import ScheduleDraft
from orchestrator.store import RunRecord, Store
from tests.api.operator.conftest import BY_HAND
from tests.store.results import result

SITE = "- hosts: all\n  gather_facts: false\n  tasks: []\n"
SURVEY = "- {name: release, type: choice, choices: [stable, next], default: stable}\n"


@dataclass(frozen=True)
class Things:
    """What one tenant has; each field is called as routes call it."""

    project_id: str
    inventory_id: str
    group: str
    host: str
    credential_id: str
    schedule_id: str
    run_id: str
    result_id: str
    queued_id: str
    plan_id: str
    approved_id: str
    channel_id: str
    delivery_id: str
    alert_id: str
    agent: str
    agent_host: str
    forgotten: str
    user_id: str
    user_version: str
    session_id: str
    token_id: str
    grant_id: str
    key: str = "plans"

    def with_nothing(self, *kept: str) -> dict[str, str]:
        """Values of the same form for what there is not; ``kept`` stay as they are."""
        numbers = {"delivery_id": "999999", "alert_id": "999999", "result_id": "999", "user_version": self.user_version}
        return {name: value if name in kept else numbers.get(name, f"nothing-{place:08d}")
                for place, (name, value) in enumerate(asdict(self).items())}


@dataclass(frozen=True)
class World:
    state_dir: Path
    mine: Things
    theirs: Things
    shared: Things
    """The others' things in an inventory and a project of which the tenant has a part."""
    tenant: str
    """The id of the user ``tenant`` of role none, which has grants for all of ``mine`` and a part of ``shared``. The
    user ``stranger`` has none."""
    own_run: str
    """A run that the tenant launched on its part of ``shared``."""


def build(folder: Path) -> World:
    control = open_control(folder / "state")
    try:
        control.desk.office.ca.create()
        control.settings.change(BY_HAND, "projects", None, {"roots": [str(folder)]})
        tenant, _ = (control.users.add(BY_HAND, name, "none") for name in ("tenant", "stranger"))
        mine, theirs = (_things(control, folder, name) for name in ("alfa", "beta"))
        shared, part = _shared(control, folder, theirs)
        for kind, scope_id, pattern in (
                ("inventory", mine.inventory_id, "*"), ("playbook", mine.project_id, "*"),
                ("credential", mine.credential_id, "*"), ("inventory", shared.inventory_id, part),
                ("playbook", shared.project_id, "*")):
            control.grants.add(BY_HAND, tenant.id, kind, scope_id, pattern, "approver")
        control.dispatch.workers.register("worker1", "server", 4)
        control.dispatch.workers.beat("worker1", [theirs.run_id, shared.run_id])
        own_run = _run(control, control.identities.of(tenant.id, "session"), RunRequest(
            shared.project_id, "site.yml", shared.inventory_id), f"{part}1", status="failed")
        return World(folder / "state", mine, theirs, shared, tenant.id, own_run)
    finally:
        control.close()


def _things(control: Control, folder: Path, name: str) -> Things:
    project_id, inventory_id = _project(control, folder, name), control.inventories.create(BY_HAND, name).id
    hosts, group = [f"{name}-web1", f"{name}-web2"], f"{name}_web"
    control.inventory_hosts.add(BY_HAND, inventory_id, [NewHost(host, groups=[group]) for host in hosts])
    credential = control.credentials.create(BY_HAND, name, "password", {"username": name, "password": "geheim"})
    user = control.users.add(BY_HAND, f"{name}-owner", "none")
    grant = control.grants.add(BY_HAND, user.id, "inventory", inventory_id, "*", "operator")
    control.grants.add(BY_HAND, user.id, "playbook", project_id, "*", "operator")
    owner = control.identities.of(user.id, "session")
    token = control.tokens.make(owner, name, ["read"]).record
    with control.books.transaction():
        control.sessions.begin(user)
        control.alerts.open(f"{HOST_LOST}:{hosts[0]}", Notice(HOST_LOST, hosts[0], f"{hosts[0]} is lost"))
    channel, _ = control.channels.create(BY_HAND, ChannelDraft(
        name, "webhook", {"url": f"https://hooks.example.com/{name}"}))
    control.users.reset_link(BY_HAND, user.id)
    _forgotten(control, f"{name}-gone")
    return Things(
        project_id=project_id, inventory_id=inventory_id, group=group, host=hosts[0], credential_id=credential.id,
        **_work(control, owner, RunRequest(project_id, "site.yml", inventory_id), name, hosts[0]),
        channel_id=channel.id, delivery_id=str(control.channels.test(BY_HAND, channel.id).id),
        alert_id=str(max(alert.id for alert in control.alerts.all_open(HOST_LOST))),
        agent=_agent(control, hosts[1]), agent_host=hosts[1], forgotten=f"{name}-gone",
        user_id=user.id, user_version=str(user.version), session_id=control.sessions.own(owner)[0].id,
        token_id=token.id, grant_id=grant.id)


def _shared(control: Control, folder: Path, theirs: Things) -> tuple[Things, str]:
    """An inventory with a group of each tenant, and a project whose playbook both may launch."""
    project_id, inventory_id = _project(control, folder, "shared"), control.inventories.create(BY_HAND, "shared").id
    for group in ("alfa_part", "beta_part"):
        control.inventory_hosts.add(BY_HAND, inventory_id, [NewHost(f"{group}{number}", groups=[group])
                                                            for number in range(1, 4)])
    control.inventory_groups.create(BY_HAND, inventory_id, "everyone", hosts=["alfa_part1"],
                                    children=["alfa_part", "beta_part"])
    control.grants.add(BY_HAND, theirs.user_id, "inventory", inventory_id, "beta_part", "operator")
    control.grants.add(BY_HAND, theirs.user_id, "playbook", project_id, "*", "operator")
    owner = control.identities.of(theirs.user_id, "session")
    request = RunRequest(project_id, "site.yml", inventory_id, limit="beta_part")
    given: Mapping[str, str] = {
        **asdict(theirs), **_work(control, owner, request, "shared", "beta_part1"),
        "project_id": project_id, "inventory_id": inventory_id, "group": "beta_part", "host": "beta_part1"}
    return Things(**given), "alfa_part"


def _project(control: Control, folder: Path, name: str) -> str:
    (folder / name).mkdir()
    (folder / name / "site.yml").write_text(SITE)
    (folder / name / "site.survey.yml").write_text(SURVEY)
    return control.projects.create(BY_HAND, name, "directory", path=str(folder / name)).id


def _agent(control: Control, host: str) -> str:
    token = control.agentlets.invite(BY_HAND, host).token
    return control.desk.enrol(token, None, {
        "token_only": True, "machine_id": host, "instance_id": f"random-instance-of-{host}", "python": [3, 11, 2],
        "platform": "linux", "facts": {"hostname": host}, "protocols": [1], "version": "0.1.0"}).agent_id


def _forgotten(control: Control, host: str) -> None:
    """A host that only the fleet still knows."""
    with control.books.transaction():
        control.books.database.execute(
            'INSERT INTO host_states ("host", "last_status", "last_message", "last_carrier", "facts", "last_run")'
            " VALUES (?, 'ok', '', '', '{}', ?)", (host, control.books.database.write["time"](control.books.clock())))


def _work(control: Control, owner: Identity, request: RunRequest, name: str, host: str) -> dict[str, str]:
    """A schedule with a time behind it, a run that failed, one that waits, a plan that waits and one that is approved;
    all of it the owner's."""
    plan, approved = (_plan(control, owner, request, host) for _ in range(2))
    control.plans.approve(BY_HAND, approved, reason="fine")
    found = {"run_id": _run(control, owner, request, host, status="failed"), "result_id": "1", "plan_id": plan,
             "approved_id": approved, "queued_id": control.launches.launch(owner, request)}
    schedule = control.schedules.create(owner, ScheduleDraft(f"{name} nightly", "0 3 * * *", {
        "project_id": request.project_id, "playbook": request.playbook, "inventory_id": request.inventory_id,
        **({"limit": request.limit} if request.limit else {})}))
    with control.books.transaction():
        control.firing.claim(schedule.id, control.books.clock() - timedelta(days=1), "skipped", "for the test")
    return {**found, "schedule_id": schedule.id}


def _plan(control: Control, owner: Identity, request: RunRequest, host: str) -> str:
    run_id, now = _run(control, owner, request, host, kind="plan"), control.books.clock()
    with control.books.transaction():
        control.plans.propose(PlanDocument(
            run_id=run_id, made=now, expires=now + timedelta(days=1), playbooks=[request.playbook], cwd="", options={},
            content_digest="0" * 64, files={},
            hosts={host: HostPlan({}, [Foreseen("p0/1", "write", "site.yml:1:1", "1" * 64)])}), owner.name)
    return run_id


def _run(control: Control, owner: Identity, request: RunRequest, host: str, *, kind: str = "run",
         status: str = "ok") -> str:
    """One that has ended, as its process would have left it."""
    run_id = control.launches.launch(owner, replace(request, kind=kind))
    store = Store(str(control.state_dir / "orch.db"))
    store.open()
    store.start_run(RunRecord(
        id=run_id, kind=kind, playbooks=[request.playbook], hosts=[host], check_mode=kind == "plan",
        project_id=request.project_id, inventory_id=request.inventory_id, user=owner.name))
    store.record_event(run_id, "PlayStarted", {"play_id": "p0", "name": "all"})
    store.record(result(run_id=run_id, host=host, task_id="t0", status="failed" if status == "failed" else "changed",
                        values={"said": f"the secret of {host}"}))
    store.flush()
    store.finish_run(run_id, status, {host: {"ok": 0, status: 1}})
    store.close()
    return run_id
