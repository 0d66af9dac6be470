"""Another's ids where no path shows them: in bodies, in filters, in cursors, and in bulk beside one's own."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import msgspec
import pytest

from tests.api.operator.askers import Answer, Askers, filled, ids_of
from tests.api.operator.worlds import build

API = "/api/v1"
MINE = {"project_id": "{mine_project}", "playbook": "site.yml", "inventory_id": "{mine_inventory}"}
SHARED = {"project_id": "{shared_project}", "playbook": "site.yml", "inventory_id": "{shared_inventory}"}


def launch(**changes: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", f"{API}/runs", {**MINE, **changes}


def schedule(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "timing": "@daily", "request": {**MINE, **changes}}


REFUSED = [
    # id, (method, path, body): as refused, and in the same words, for another's id as for one of nothing
    ("a launch of a project", launch(project_id="{project_id}")),
    ("a launch of a project, with an answer that its survey does not take",
     launch(project_id="{project_id}", extra_vars={"release": "none of these"})),
    ("a launch on an inventory", launch(inventory_id="{inventory_id}")),
    ("a launch with a credential", launch(credential_ids=["{credential_id}"])),
    ("a launch with a credential beside one's own", launch(credential_ids=["{mine_credential}", "{credential_id}"])),
    ("a launch on a host of a shared inventory", ("POST", f"{API}/runs", {**SHARED, "limit": "{shared_host}"})),
    ("a launch on a group of a shared inventory", ("POST", f"{API}/runs", {**SHARED, "limit": "{shared_group}"})),
    ("a schedule of a project", ("POST", f"{API}/schedules", schedule("new", project_id="{project_id}"))),
    ("a schedule on an inventory", ("POST", f"{API}/schedules", schedule("new", inventory_id="{inventory_id}"))),
    ("a schedule with a credential", ("POST", f"{API}/schedules", schedule("new", credential_ids=["{credential_id}"]))),
    ("one's own schedule for a project",
     ("PUT", f"{API}/schedules/{{mine_schedule}}", schedule("alfa nightly", project_id="{project_id}"))),
    ("one's own schedule on an inventory",
     ("PUT", f"{API}/schedules/{{mine_schedule}}", schedule("alfa nightly", inventory_id="{inventory_id}"))),
    ("an import of an inventory",
     ("POST", f"{API}/inventories/{{mine_inventory}}/import", {"inventory_id": "{inventory_id}"})),
    ("a group of hosts",
     ("POST", f"{API}/inventories/{{mine_inventory}}/groups", {"name": "new", "hosts": ["{host}"]})),
    ("a group of groups",
     ("POST", f"{API}/inventories/{{mine_inventory}}/groups", {"name": "new", "children": ["{group}"]})),
    ("one's own group with hosts",
     ("PATCH", f"{API}/inventories/{{mine_inventory}}/groups/{{mine_group}}", {"hosts": ["{host}"]})),
    ("a host of one's own inventory", ("GET", f"{API}/inventories/{{mine_inventory}}/hosts/{{host}}", None)),
    ("a result of another run", ("GET", f"{API}/runs/{{mine_run}}/results/{{run_id}}.1", None)),
    ("a plan by the id of a run", ("GET", f"{API}/plans/{{run_id}}", None)),
    ("approving a run that is no plan", ("POST", f"{API}/plans/{{run_id}}/approve", {"reason": "fine"})),
    ("a grant for oneself",
     ("POST", f"{API}/grants", {"user_id": "{tenant}", "kind": "inventory", "scope_id": "{inventory_id}",
                                "pattern": "*", "role": "viewer"})),
    ("an inventory on a project",
     ("POST", f"{API}/inventories", {"name": "new", "kind": "files", "project_id": "{project_id}",
                                     "sources": ["hosts"]})),
    ("a project with a credential",
     ("POST", f"{API}/projects", {"name": "new", "kind": "git", "url": "https://git.example.com/a.git",
                                  "credential_id": "{credential_id}"})),
]
FORMS = [
    ("/launch", {**MINE, "project_id": "{project_id}"}), ("/launch", {**MINE, "inventory_id": "{inventory_id}"}),
    ("/launch", {**MINE, "credential_ids": "{credential_id}"}),
    ("/launch/form", {"project_id": "{project_id}", "playbook": "site.yml"}),
    ("/launch/match", {"inventory_id": "{inventory_id}", "limit": "all"}),
    ("/schedules/form", {"id": "{schedule_id}", "project_id": "{project_id}", "playbook": "site.yml"}),
    ("/schedules/save", {"id": "{schedule_id}", "name": "mine now", "timing": "@daily", **MINE}),
    ("/schedules/save", {"name": "new", "timing": "@daily", **MINE, "inventory_id": "{inventory_id}"}),
    ("/projects/save", {"id": "{project_id}", "name": "mine now", "kind": "directory", "path": "/", "version": "1"}),
    ("/notifications/save", {"id": "{channel_id}", "name": "mine now", "kind": "webhook", "version": "1"}),
]
FILTERS = [
    f"{API}/runs?project={{project_id}}", f"{API}/runs?inventory={{inventory_id}}", f"{API}/runs?user=beta-owner",
    f"{API}/runs?schedule={{schedule_id}}", f"{API}/runs?host={{host}}", f"{API}/runs?host={{shared_host}}",
    f"{API}/runs/{{mine_run}}/results?host={{host}}", f"{API}/hosts?search={{host}}",
    f"{API}/hosts?inventory_id={{inventory_id}}", f"{API}/hosts?inventory_id={{mine_inventory}}&group={{group}}",
    f"{API}/hosts?inventory_id={{shared_inventory}}&group={{shared_group}}",
    f"{API}/inventories?search=beta", f"{API}/inventories/{{shared_inventory}}/hosts?search={{shared_host}}",
    f"{API}/inventories/{{shared_inventory}}/match?pattern={{shared_host}}",
    f"{API}/inventories/{{shared_inventory}}/match?pattern={{shared_group}}",
    f"{API}/projects?search=beta", f"{API}/credentials?search=beta", f"{API}/agents?search={{agent_host}}",
    f"{API}/schedules?project_id={{project_id}}", f"{API}/drift?schedule_id={{schedule_id}}",
    f"{API}/drift?host={{host}}", f"{API}/alerts?open=false",
    f"{API}/schedules/calendar?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z",
    f"{API}/grants?scope_id={{inventory_id}}", f"{API}/notifications/deliveries?channel_id={{channel_id}}",
    f"{API}/audit?subject={{run_id}}", "/launch?like={run_id}", "/launch?project_id={project_id}&playbook=site.yml",
    "/schedules/new?like={run_id}", "/runs?project={project_id}", "/runs?host={host}",
    "/hosts?inventory={inventory_id}", "/hosts/{mine_host}?tab=variables&in={inventory_id}", "/drift?host={host}",
    f"{API}/inventories/{{shared_inventory}}/groups", f"{API}/inventories/{{shared_inventory}}/groups/everyone",
    "/inventories/{shared_inventory}", "/inventories/{shared_inventory}/groups/everyone", f"{API}/workers",
    "/", "/runs", "/hosts", "/plans", "/schedules", "/alerts", "/agentlets", "/projects", "/inventories",
    "/credentials", "/launch",
]
LISTS = ("runs", "plans", "schedules", "projects", "inventories", "hosts", "agents", "credentials", "alerts", "drift",
         "drift/now", "inventories/{shared_inventory}/hosts", "inventories/{mine_inventory}/hosts")


@pytest.fixture(scope="module")
def askers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Askers]:
    made = Askers(build(tmp_path_factory.mktemp("world")))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def pristine(askers: Askers) -> None:
    askers.restore()


def names(askers: Askers, *, foreign: bool) -> dict[str, str]:
    """The others' ids, or those of nothing in their place, and beside them one's own."""
    world = askers.world
    theirs = asdict(world.theirs) if foreign else world.theirs.with_nothing()
    shared = asdict(world.shared) if foreign else {
        name: f"{value}-of-them" for name, value in world.shared.with_nothing().items()}
    own = {f"mine_{name.removesuffix('_id')}": value for name, value in asdict(world.mine).items()}
    return {**theirs, **own, "shared_host": shared["host"], "shared_group": shared["group"], "tenant": world.tenant,
            "shared_project": world.shared.project_id, "shared_inventory": world.shared.inventory_id}


def both(askers: Askers, method: str, path: str, *, json: Any = None, form: Any = None) -> tuple[Answer, Answer]:
    """What the tenant is told with another's ids, and with those of nothing."""
    found = []
    for foreign in (True, False):
        things = names(askers, foreign=foreign)
        found.append(askers.send("tenant", method, filled(path, things), things, json=filled(json, things),
                                 form=filled(form, things)))
        if not foreign or found[0].is_good:
            askers.restore()
    return found[0], found[1]


def leaked(askers: Askers, answer: Answer, sent: str) -> list[str]:
    """Ids and names of the others' things that an answer has, and nobody has sent."""
    return [name for name, value in ids_of(askers.world).items() if value in answer.raw and value not in sent]


@pytest.mark.parametrize(("method", "path", "body"), [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_anothers_id_in_a_body_is_as_an_id_of_nothing(askers: Askers, method: str, path: str, body: Any) -> None:
    before = askers.rows()
    theirs, nothing = both(askers, method, path, json=body)
    assert not theirs.is_good and (theirs.status, theirs.text) == (nothing.status, nothing.text)
    assert askers.rows() == before


@pytest.mark.parametrize(("path", "form"), FORMS, ids=[f"{number} {path}" for number, (path, _) in enumerate(FORMS)])
def test_anothers_id_in_a_form_is_as_an_id_of_nothing(askers: Askers, path: str, form: dict[str, str]) -> None:
    before, sent = askers.rows(), str(filled(form, names(askers, foreign=True)))
    theirs, nothing = both(askers, "POST", path, form=form)
    assert theirs.status == nothing.status and leaked(askers, theirs, sent) == []
    assert askers.rows() == before


@pytest.mark.parametrize("path", FILTERS)
def test_a_filter_by_anothers_id_shows_nothing(askers: Askers, path: str) -> None:
    theirs, nothing = both(askers, "GET", path)
    assert theirs.status == nothing.status < 500
    assert leaked(askers, theirs, filled(path, names(askers, foreign=True))) == []
    if "/api/" in path:
        assert theirs.text == nothing.text


@pytest.mark.parametrize("path", LISTS)
def test_no_page_and_no_cursor_of_a_list_tells_of_another(askers: Askers, path: str) -> None:
    things = names(askers, foreign=True)
    address, cursor, told = f"{API}/{filled(path, things)}?limit=1", "", []
    while True:
        answer = askers.send("tenant", "GET", f"{address}&cursor={cursor}" if cursor else address, things)
        found = of_json(answer)
        cursor = found["next"] or ""
        told.append(answer.raw + base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
        assert not cursor or len(found["items"]) == 1, "a page that is not the last one is full"
        if not cursor:
            break
    assert [name for text in told for name, value in ids_of(askers.world).items() if value in text] == []


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_another_s_list_leads_to_one_s_own(askers: Askers, path: str) -> None:
    things = names(askers, foreign=True)
    address = f"{API}/{filled(path, things)}"
    cursor = of_json(askers.send("by_admin", "GET", f"{address}?limit=1", things))["next"]
    if cursor is not None:
        answer = askers.send("tenant", "GET", f"{address}?cursor={cursor}", things)
        assert answer.is_good and leaked(askers, answer, "") == []
        assert askers.send("tenant", "GET", f"{API}/inventories?cursor={cursor[:-4]}AAAA", things).status == 400


def test_a_limit_that_names_others_hosts_too_means_one_s_own(askers: Askers) -> None:
    things = names(askers, foreign=True)
    for limit in ("all", "alfa_part1,beta_part1", "alfa_part:beta_part", "*_part1"):
        answer = askers.send("tenant", "POST", f"{API}/runs", things, json=filled({**SHARED, "limit": limit}, things))
        assert answer.status == 201, answer.raw
        assert "beta" not in of_json(answer)["run"]["limit"] and leaked(askers, answer, limit) == []


def test_hosts_of_others_that_are_named_in_bulk_stay(askers: Askers) -> None:
    things, before = names(askers, foreign=True), askers.rows()["inventory_hosts"]
    answer = askers.send("tenant", "POST", f"{API}/inventories/{things['mine_inventory']}/hosts/remove", things,
                         json={"names": [things["mine_host"], things["host"]]})
    assert (answer.status, of_json(answer)) == (200, {"removed": 1})
    gone = [row for row in before if row not in askers.rows()["inventory_hosts"]]
    assert len(gone) == 1 and things["mine_host"] in gone[0]


@pytest.mark.parametrize("host", ["host", "agent_host", "shared_host"])
def test_nobody_takes_the_name_of_anothers_host(askers: Askers, host: str) -> None:
    """Facts, logs and an agentlet go by a host's name: who puts it into his own inventory would come to them."""
    things, before = names(askers, foreign=True), askers.rows()
    inventory = f"{API}/inventories/{things['mine_inventory']}"
    for path, body in ((f"{inventory}/hosts", {"hosts": [{"name": "new1"}, {"name": things[host]}]}),
                       (f"{inventory}/import", {"text": f"all:\n  hosts:\n    {things[host]}:\n"})):
        answer = askers.send("tenant", "POST", path, things, json=body)
        assert (answer.status, answer.code) == (409, "host_taken"), answer.raw
    assert askers.rows() == before
    admins = askers.send("by_admin", "POST", f"{inventory}/hosts", things, json={"hosts": [{"name": things[host]}]})
    assert admins.status == 201
    shown = askers.send("tenant", "GET", f"{API}/hosts/{things[host]}", things)
    assert shown.status == 200 and [one["id"] for one in of_json(shown)["inventories"]] == [things["mine_inventory"]]


def test_whoever_launched_a_run_sees_it_and_takes_it_back(askers: Askers) -> None:
    """Before it is known which hosts it means; others with the same playbook do not."""
    things = names(askers, foreign=True)
    made = of_json(askers.send("tenant", "POST", f"{API}/runs", things, json=filled(SHARED, things)))["run"]["id"]
    assert made in askers.send("tenant", "GET", f"{API}/runs", things).raw
    assert askers.send("tenant", "POST", f"{API}/runs/{made}/cancel", things).status == 202
    assert askers.send("tenant", "GET", f"{API}/runs/{askers.world.own_run}/results", things).is_good


def test_a_token_that_may_only_launch_is_told_of_its_launch(askers: Askers) -> None:
    things = names(askers, foreign=True)
    answer = askers.send("launch", "POST", f"{API}/runs", things, json=filled(MINE, things))
    assert answer.status == 201, answer.raw
    run_id = of_json(answer)["run"]["id"]
    assert askers.send("launch", "GET", f"{API}/runs/{run_id}", things).status == 403, "no look at it later"


def of_json(answer: Answer) -> Any:
    return msgspec.json.decode(answer.raw)
