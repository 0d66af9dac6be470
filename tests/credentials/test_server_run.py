"""A run of the server with a managed inventory, a survey, a certificate made for it, and what the fleet is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.access.identities import by_command_line
from orchestrator.access.rights import Identity
from orchestrator.events import TaskResult
from orchestrator.projects.inventory_hosts import NewHost
from orchestrator.refusals import Malformed, NotFound
from orchestrator.runs.requests import RunRequest
from orchestrator.store import Store
from orchestrator.store.paging import PageRequest
from tests.carriers.conftest import new_server  # noqa: F401  fixtures are found by name
from tests.carriers.sshd import Sshd
from tests.runs.conftest import ADMIN, Site

CANARY = "canary-server-run-never-to-be-seen"
SEALED = "canary-in-the-inventory"
PLAYBOOK = """\
- hosts: web
  tasks:
    - command: echo {{ release }} {{ text }} {{ app_secret | length }} {{ lookup('file', 'own.txt') }}
    - fail: msg=on-purpose
      when: inventory_hostname == 'web2'
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On SQLite alone: its file is searched. The project's content may do nothing on the server."""
    made = Site(tmp_path / ".orch", None, tmp_path / "site")
    made.control.projects.change(ADMIN, made.project_id, None, runs_here=False)
    yield made
    made.close()


@pytest.fixture
def olga(site: Site) -> Identity:
    """An operator, as she is in the store: a run asks for her rights again when it begins."""
    return known(site, site.control.users.add(ADMIN, "olga", "operator").id)


def known(site: Site, user_id: str) -> Identity:
    return site.control.identities.of(user_id, "session")


def test_a_run_is_given_what_it_needs_and_tells_the_fleet(
        site: Site, olga: Identity, new_server: Callable[..., Sshd], tmp_path: Path) -> None:  # noqa: F811
    control = site.control
    authority = control.credentials._authority
    assert authority is not None
    authority.create()
    trusted = tmp_path / "trusted_ca"
    trusted.write_text(authority.public_line())
    server = new_server("server", f"TrustedUserCAKeys {trusted}")
    server.authorized_keys.write_text("")

    site.write("managed.yml", PLAYBOOK)
    site.write("own.txt", "of the project")
    site.write("managed.survey.yml", "- {name: release, type: choice, choices: [stable, next], required: true}\n")
    lab = control.inventories.create(ADMIN, "lab", vars={"text": "{{ 6 * 7 }}"}).id
    control.inventory_hosts.add(olga, lab, [NewHost(name, {
        "ansible_host": address, "ansible_port": server.port, "orch_host_fingerprint": server.fingerprint(),
        "app_secret": SEALED}, ["web"])
        for name, address in (("web1", "127.0.0.1"), ("web2", "127.0.0.2"))])
    ids = tuple(control.credentials.create(ADMIN, kind, kind, values).id for kind, values in (
        ("ssh_certificate", {"username": server.user, "principals": [server.user]}), ("become", {"password": CANARY})))
    request = RunRequest(site.project_id, "managed.yml", lab, credential_ids=ids, timeout_s=120,
                         extra_vars={"release": "next"})
    with pytest.raises(Malformed) as refused:
        control.launches.launch(olga, RunRequest(site.project_id, "managed.yml", lab))
    assert refused.value.fields == (("extra_vars.release", "is needed"),)

    with pytest.raises(NotFound, match="olga may use"):
        control.launches.launch(olga, request)
    for one in ids:
        control.grants.add(ADMIN, olga.user_id, "credential", one, "*", "operator")
    run_id = control.launches.launch(known(site, olga.user_id), request)
    site.worker()
    ended = site.wait(run_id)
    assert ended.status == "failed", ended.message
    messages = {row.host: row.values for row in _results(site, run_id) if row.module == "command"}
    assert messages["web1"]["stdout"] == f"next {{{{ 6 * 7 }}}} {len(SEALED)} of the project"
    control.ends.settle_all()
    web1, web2 = (control.fleet.show(olga, host) for host in ("web1", "web2"))
    assert (web1.state.last_run_id, web1.state.last_status, web1.state.last_carrier) == (run_id, "changed", "ssh")
    assert (web2.state.last_status, web2.state.last_message) == ("failed", "fail: on-purpose")
    assert control.fleet.facts(olga, "web1").get("ansible_system") == "Linux"
    assert control.history.runs(olga, "web1", PageRequest()).items[0].run_id == run_id
    assert [(use.actor, use.what) for use in control.credentials.uses(ADMIN, ids[0])] == [("olga", run_id)]
    log = (server.folder / "sshd.log").read_text()
    assert f'ID "orch run {run_id}"' in log
    written = b"".join(path.read_bytes() for path in site.state.rglob("*")
                       if path.is_file() and path.name != "user_ca_ed25519")
    assert CANARY.encode() not in written and SEALED.encode() not in written and b"OPENSSH PRIVATE KEY" not in written


def test_a_credential_that_was_taken_away_is_not_given_to_what_waits(site: Site, olga: Identity) -> None:
    control = site.control
    one = control.credentials.create(ADMIN, "pw", "become", {"password": CANARY}).id
    grant = control.grants.add(ADMIN, olga.user_id, "credential", one, "*", "operator")
    waiting, by_admin = (
        control.launches.launch(who, site.request(credential_ids=(one,), limit=limit))
        for who, limit in ((known(site, olga.user_id), "h1"), (by_command_line("root"), "h2")))
    control.grants.remove(ADMIN, grant.id)
    site.worker()
    ended = site.wait(waiting)
    assert (ended.status, "olga may use" in ended.message) == ("failed", True), ended.message
    with pytest.raises(NotFound):
        control.acts.resume(known(site, olga.user_id), waiting)
    assert "may use" not in site.wait(by_admin).message
    assert [use.actor for use in control.credentials.uses(ADMIN, one)] == ["root"]


def _results(site: Site, run_id: str) -> list[TaskResult]:
    store = Store(site.url or str(site.state / "orch.db"))
    store.open()
    try:
        return store.results(run_id)
    finally:
        store.close()
