"""A whole project as people write it (tests/playbook/shop): no faults, Ansible's own listing, ids that do not move."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.playbook.listing import list_playbook, walk
from orchestrator.template.types import Template
from tests.playbook.reading import Project, by_name

SHOP = Path(__file__).parent / "shop"


@pytest.fixture
def shop(monkeypatch):
    return Project(SHOP, monkeypatch)


def test_it_reads_without_a_fault_or_a_caution(shop):
    shop.load()
    assert shop.loader.cautions == []


def test_the_listing_is_what_ansible_prints(shop):
    """expected_listing.txt is what ansible-playbook 2.19.14 printed for --list-tasks --list-tags."""
    listing = list_playbook(shop.load(), tasks=True, tags=True)
    assert listing == (SHOP / "expected_listing.txt").read_text().rstrip("\n")


def test_ids_and_places_do_not_move(shop):
    lines = []
    for play in shop.load().plays:
        nodes = [node for section in play.sections for node in section] + play.handlers
        lines += [f"{task.id} {task.action} {task.origin}" for node in nodes for task in walk(node)]
    assert lines == (SHOP / "expected_ids.txt").read_text().splitlines()


def test_ids_are_unique(shop):
    ids = [line.split()[0] for line in (SHOP / "expected_ids.txt").read_text().splitlines()]
    assert len(ids) == len(set(ids))


def test_old_and_new_spellings_mean_the_same(shop):
    first, second = shop.load().plays
    found = by_name(first)
    assert found["configuration"].args["mode"] == "0644"
    assert found["configuration"].notify == ("restart nginx", Template("reload {{ nginx_service }}"))
    assert found["install"].args == {"name": "nginx", "state": "present"}
    assert found["people"].no_log is True
    drain = by_name(second)["take it out of the balancer"]
    assert drain.args["_raw_params"] == Template("/usr/local/bin/balancer drain {{ inventory_hostname }}")
    assert drain.args["creates"] == Template("/run/drained-{{ inventory_hostname }}")
    assert (drain.loop.kind, drain.environment) == ("items", ({"APP_ENV": "production"},))
    back = by_name(second)["put it back"]
    assert back.delegate_to == "localhost"
    assert (back.changed_when[0].expression, back.failed_when[0].expression) == (False, False)


def test_parameters_and_conditions_reach_the_role(shop):
    first, second = shop.load().plays
    assert first.roles[1].params == {"nginx_port": 8080}
    assert by_name(first)["running"].when[0].expression == "'web' in group_names"
    nginx, own = second.roles
    assert (nginx.params, [role.name for role in nginx.parents]) == ({"nginx_port": 9000}, ["shop"])
    assert own.vars == {"shop_release": Template("{{ release }}")}
    assert by_name(second)["running"].when[0].expression == "shop_needs_nginx"
    assert second.vars["release"].source.startswith("{{ lookup(")


def test_the_rescue_includes_with_its_own_tags(shop):
    play = shop.load().plays[1]
    include = next(task for node in play.sections[2] for task in walk(node) if task.action == "include_tasks")
    (task,) = shop.loader.include_tasks("tasks/rollback.yml", task=include, play=play, apply=include.args["apply"])
    assert (include.tags, task.tags) == (("deploy", "always"), ("deploy", "rollback"))
    assert task.args == {"src": "/srv/shop/previous", "dest": "/srv/shop/current", "state": "link"}
