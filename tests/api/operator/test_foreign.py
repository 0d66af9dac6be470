"""The second table of answers: every route with an id in its path, asked for another's things with valid bodies.

foreign.txt says what each is told; ORCH_WRITE_ANSWERS=1 writes it anew. ``tenant`` has grants for another part of the
server: by a session, and by tokens of a scope each. ``shared``: the tenant asks for the others' things in an inventory
and a project that it has a part of. ``by_admin`` shows that the bodies are valid.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from api.operator.guards import ACTION
from tests.api.operator.askers import ROLES, TENANTS, Answer, Askers
from tests.api.operator.foreign_asks import ACTS, ASKS, OPEN, Ask
from tests.api.operator.test_answers import by_path, routes
from tests.api.operator.worlds import build

TABLE = Path(__file__).with_name("foreign.txt")
WHO = (*TENANTS, "shared", *ROLES)
HEAD = f"# {'method and path':<67} " + " ".join(f"{who:<8}" for who in WHO).rstrip() + "\n"
WITHIN = ("{host}", "/hosts/{name}", "/groups/{name}", "{run_id}", "{plan_id}", "{schedule_id}")
"""What has a tenant of its own within an inventory that is shared."""
SEEN = ("/runs/", "/plans/", "/schedules/", "/inventories/", "/projects/", "/credentials/", "/hosts/", "/agents/")
NOT_ITS = ("/projects/{project_id}/edit", "/uses")
"""Of these an admin alone sees any."""


@pytest.fixture(scope="module")
def askers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Askers]:
    made = Askers(build(tmp_path_factory.mktemp("world")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def actions(askers: Askers) -> dict[str, str]:
    """Every route with an id, its acts one by one, and the action that it names."""
    found = {}
    for name, route, method in routes(askers.app):
        if "{" in name and name not in OPEN:
            handler = route.route_handler_map[method][0]
            for act in ACTS.get(name, ("",)):
                found[name.replace("{act}", act)] = str(handler.opt.get(ACTION))
    return found


@pytest.fixture(scope="module")
def asks(actions: dict[str, str]) -> dict[str, Ask]:
    return {name: ASKS.get(name, Ask()) for name in actions}


Told = dict[tuple[str, str], tuple[Answer, Answer]]
"""(who, route) -> what it is told of another's thing, and of nothing."""


class Refused:
    """All that the tenant and the stranger were told, and the rows before and after."""

    def __init__(self, askers: Askers, asks: dict[str, Ask]) -> None:
        world = askers.world
        theirs, nothing = asdict(world.theirs), world.theirs.with_nothing()
        shared, no_share = asdict(world.shared), world.shared.with_nothing("project_id", "inventory_id")
        self.before = askers.rows()
        self.told: Told = {}
        for name, ask in asks.items():
            for who in TENANTS:
                self.told[who, name] = askers.ask(who, name, ask, theirs), askers.ask(who, name, ask, nothing)
            if any(part in name for part in WITHIN):
                self.told["shared", name] = (
                    askers.ask("tenant", name, ask, shared), askers.ask("tenant", name, ask, no_share))
        self.after = askers.rows()
        self.in_trail = {who: askers.refusals(who) for who in ("tenant", "stranger")}


@pytest.fixture(scope="module")
def refused(askers: Askers, asks: dict[str, Ask]) -> Refused:
    return Refused(askers, asks)


@pytest.fixture(scope="module")
def by_role(askers: Askers, asks: dict[str, Ask], refused: Refused) -> dict[tuple[str, str], Answer]:
    """What is told to those whose role holds everywhere; each finds everything as it was at the beginning."""
    found, theirs = {}, asdict(askers.world.theirs)
    askers.restore()
    for name, ask in asks.items():
        for role in ROLES[-1:] if ask.is_slow else ROLES:
            found[role, name] = askers.ask(role, name, ask, theirs)
            if not name.startswith("GET") and found[role, name].is_good:
                askers.restore()
    return found


def test_every_route_with_an_id_is_asked(actions: dict[str, str]) -> None:
    wanting = [name for name in actions if name.split()[0] not in ("GET", "DELETE") and name not in ASKS]
    assert not wanting, "these need an entry in foreign_asks.py: a body that is valid for an admin"
    assert not set(ASKS) - set(actions), "these are no routes any more"


def test_each_is_told_what_the_table_says(
        asks: dict[str, Ask], refused: Refused, by_role: dict[tuple[str, str], Answer]) -> None:
    answers = {key: str(both[0].status) for key, both in refused.told.items()}
    answers |= {key: str(answer.status) for key, answer in by_role.items()}
    found = {name: tuple(answers.get((who, name), "-") for who in WHO) for name in asks}
    text = HEAD + "".join(f"{line(*row)}\n" for row in sorted(found.items(), key=by_path))
    if os.environ.get("ORCH_WRITE_ANSWERS"):
        TABLE.write_text(text)
        return
    wrong = sorted(set(text.splitlines()) ^ set(TABLE.read_text().splitlines()))
    assert not wrong, ("these lines are not as in foreign.txt; look whether they should be so, and put them in:\n"
                       + "\n".join(wrong))


def test_the_tenant_gets_nothing_of_anothers(refused: Refused) -> None:
    got = {key: both[0].status for key, both in refused.told.items() if both[0].is_good}
    assert got == {}


def test_what_is_anothers_is_told_apart_from_nothing_by_no_word(refused: Refused) -> None:
    apart = [(*key, *difference(*both)) for key, both in refused.told.items()
             if (both[0].status, both[0].text) != (both[1].status, both[1].text)]
    assert not apart, "\n".join(map(str, apart[:20]))


def test_after_all_that_was_refused_everything_is_as_it_was(refused: Refused) -> None:
    changed: dict[str, Any] = {table: [row for row in rows if row not in refused.before[table]]
                               for table, rows in refused.after.items() if rows != refused.before[table]}
    assert changed == {}


def test_what_was_refused_is_in_the_audit_trail(refused: Refused, actions: dict[str, str]) -> None:
    for (who, name), (answer, _) in refused.told.items():
        wanted = {403: "forbidden", 404: "not_found"}[answer.status]
        if who in refused.in_trail and (answer.status == 403 or not name.startswith("GET")):
            assert (actions[name], wanted) in refused.in_trail[who], name


def test_the_same_is_open_to_an_admin(asks: dict[str, Ask], by_role: dict[tuple[str, str], Answer]) -> None:
    answers = {name: by_role["by_admin", name] for name in asks}
    wrong = {name: (answer.status, answer.raw[:300]) for name, answer in answers.items()
             if answer.is_good == bool(asks[name].not_even)}
    assert wrong == {}


def test_what_the_tenant_has_it_sees(askers: Askers, asks: dict[str, Ask], by_role: object) -> None:
    """The grants are good for what they are meant for: nothing was refused for want of any."""
    askers.restore()
    mine, refused_own = asdict(askers.world.mine), []
    for name, ask in asks.items():
        is_its = any(part in name for part in SEEN) and not name.endswith(NOT_ITS)
        if name.startswith("GET") and is_its and not ask.is_slow:
            answer = askers.ask("tenant", name, ask, mine)
            if not answer.is_good:
                refused_own.append((name, answer.status, answer.code))
    assert refused_own == []


def difference(one: Answer, other: Answer) -> tuple[str, str]:
    """Where the two begin to differ."""
    place = next((place for place, signs in enumerate(zip(one.text, other.text)) if signs[0] != signs[1]),
                 min(len(one.text), len(other.text)))
    return (f"{one.status} {one.text[max(place - 60, 0):place + 60]}",
            f"{other.status} {other.text[max(place - 60, 0):place + 60]}")


def line(name: str, answers: tuple[str, ...]) -> str:
    method, path = name.split(" ", 1)
    return f"{method:<6} {path:<62} " + " ".join(f"{one:<8}" for one in answers).rstrip()


def test_routes_are_of_http(askers: Askers) -> None:
    assert all(isinstance(route, HTTPRoute) for route in askers.app.routes)
