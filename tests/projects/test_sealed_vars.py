"""Secrets among the variables of a managed inventory: sealed in the database, opened for runs, shown to nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.control.control import Control
from orchestrator.engine.opening import Opening
from orchestrator.engine.options import RunOptions
from orchestrator.engine.setup import Secrets, Workbench, prepare
from orchestrator.errors import InventoryFault, StoreError, UsageError
from orchestrator.projects.inventory_hosts import NewHost
from orchestrator.projects.masking import hidden_texts, holds_secret, parted
from orchestrator.projects.projects import Project
from orchestrator.security.secrets import HIDDEN
from orchestrator.store.paging import PageRequest

from .conftest import ADMIN, BY_ROLE, write

CANARY = "canary-in-an-inventory"
VAULT = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"
OPERATOR = BY_ROLE["operator"]


@pytest.mark.parametrize("name, value, is_secret", [
    ("ansible_password", "x", True), ("ansible_become_password", "x", True), ("api_token", {"a": 1}, True),
    ("db", {"user": "u", "password": "x"}, True), ("dbs", [{"password": "x"}], True), ("text", VAULT, True),
    ("vaulted", {"__ansible_vault": VAULT}, True), ("url", "https://u:pw@h/", True),
    ("urls", ["https://u:pw@h/"], True),
    ("ansible_password", "", False), ("password_needed", True, False), ("url", "https://u@h/", False),
    ("port", 22, False), ("path", "/etc/x", False), ("db", {"user": "u", "password": None}, False)])
def test_what_is_sealed_is_what_is_masked(name: str, value: Any, is_secret: bool) -> None:
    assert holds_secret(name, value) == is_secret
    shown, sealed = parted({name: value})
    assert sealed == ({name: value} if is_secret else {}) and (shown == {name: value}) != is_secret


def test_what_no_message_repeats_is_each_text_behind_a_mask() -> None:
    values = {"db": {"user": "ursula", "password": "pass-1"}, "api_token": ["token-1", {"a": "token-2"}, "abc"],
              "urls": ["https://u:word-1@h/", "https://h/"], "port": 22}
    assert [text for name, value in values.items() for text in hidden_texts(name, value)] == [
        "pass-1", "token-1", "token-2", "word-1"]


@pytest.fixture
def lab(control: Control) -> str:
    """Secrets on every level, each written by another way."""
    made = control.inventories.create(ADMIN, "lab", vars={"site": "berlin", "all_secret": f"{CANARY}-all"}).id
    control.inventory_hosts.add(OPERATOR, made, [
        NewHost("db1", {"ansible_password": f"{CANARY}-host", "port": 1}, ["db"]), NewHost("db2", {}, ["db"])])
    control.inventory_hosts.change(OPERATOR, made, "db2", None, vars={"url": f"https://u:{CANARY}-two@h/"})
    control.inventory_groups.change(OPERATOR, made, "db", None, vars={"db": {"user": "u", "password": f"{CANARY}-db"}})
    control.inventory_groups.create(OPERATOR, made, "top", vars={"top_token": f"{CANARY}-top"}, children=["db"])
    control.inventory_import.from_text(
        OPERATOR, made, f"[more]\nm1 m_secret={CANARY}-m1\n[more:vars]\nmore_secret={CANARY}-more\n"
        f"[all:vars]\nlaid_secret={CANARY}-laid\n", "ini")
    return made


def stored(control: Control) -> str:
    """Everything in the tables, bytes too."""
    rows = [row for table in ("inventories", "inventory_hosts", "inventory_groups", "audit")
            for row in control.books.database.select(f"SELECT * FROM {table}")]
    return "".join(bytes(one).decode("latin-1") if isinstance(one, bytes | memoryview) else str(one)
                   for row in rows for one in row)


def bench(control: Control, inventory_id: str, state: Path, store_url: str | None, **more: Any) -> Workbench:
    return prepare(RunOptions(inventory=control.inventories.sources_of(inventory_id)), store_url=store_url,
                   environ={"ORCH_STATE_DIR": str(state)}, **more)


def variables(found: Workbench, host: str) -> dict[str, Any]:
    scope = found.variables.scope(host)
    return {name: scope.lookup(name) for name in (
        "all_secret", "laid_secret", *(("ansible_password", "db", "top_token") if host == "db1" else ()),
        *(("m_secret", "more_secret") if host == "m1" else ()), *(("url",) if host == "db2" else ()))}


def test_secrets_are_in_no_row_and_in_every_run(control: Control, lab: str, store_url: str | None,
                                                tmp_path: Path) -> None:
    assert CANARY not in stored(control)
    found = bench(control, lab, tmp_path / "state", store_url)
    assert variables(found, "db1") == {
        "all_secret": f"{CANARY}-all", "laid_secret": f"{CANARY}-laid", "ansible_password": f"{CANARY}-host",
        "db": {"user": "u", "password": f"{CANARY}-db"}, "top_token": f"{CANARY}-top"}
    assert variables(found, "db2")["url"] == f"https://u:{CANARY}-two@h/"
    assert variables(found, "m1")["m_secret"] == f"{CANARY}-m1"
    given = Secrets(opening=Opening(inventory=control.inventories.secrets_of(lab)))
    (tmp_path / "state" / "master.key").unlink()
    again = bench(control, lab, tmp_path / "state", store_url, secrets=given)
    assert [variables(again, host) for host in ("db1", "db2", "m1")] == [
        variables(found, host) for host in ("db1", "db2", "m1")]


def test_a_run_without_the_key_is_refused_and_makes_none(control: Control, lab: str, store_url: str | None,
                                                         tmp_path: Path) -> None:
    key = tmp_path / "state" / "master.key"
    key.unlink()
    with pytest.raises(UsageError, match="master key cannot be read"):
        bench(control, lab, tmp_path / "state", store_url)
    assert not key.exists()
    plain = control.inventories.create(ADMIN, "plain", vars={"a": 1})
    bench(control, plain.id, tmp_path / "state", store_url)  # nothing is sealed: no key is looked for
    assert not key.exists()


def test_nobody_is_shown_one(control: Control, lab: str) -> None:
    shown = [control.inventories.show(ADMIN, lab), control.inventories.list(ADMIN, PageRequest()).items,
             control.inventory_hosts.list(ADMIN, lab, PageRequest()).items, control.inventory_groups.list(ADMIN, lab),
             *(control.inventories.variables(ADMIN, lab, host) for host in ("db1", "db2", "m1"))]
    assert CANARY not in repr(shown)
    assert control.inventory_groups.show(ADMIN, lab, "db").vars == {"db": {"user": "u", "password": HIDDEN}}


def test_a_mask_that_is_sent_back_leaves_what_stood_there(control: Control, lab: str) -> None:
    for shown, change in (
            (control.inventories.show(OPERATOR, lab), lambda vars: control.inventories.change(
                OPERATOR, lab, None, vars=vars)),
            (control.inventory_hosts.show(OPERATOR, lab, "db1"), lambda vars: control.inventory_hosts.change(
                OPERATOR, lab, "db1", None, vars=vars)),
            (control.inventory_groups.show(OPERATOR, lab, "db"), lambda vars: control.inventory_groups.change(
                OPERATOR, lab, "db", None, vars=vars))):
        change({**shown.vars, "more": 1})
    control.inventory_groups.change(OPERATOR, lab, "db", None, hosts=["db1"])
    control.inventory_hosts.change(OPERATOR, lab, "db1", None, enabled=False)
    control.inventory_hosts.change(OPERATOR, lab, "db1", None, enabled=True)
    loaded = control.inventories.loaded(lab, opened=True)
    assert loaded.hosts["db1"].vars == {"ansible_password": f"{CANARY}-host", "port": 1, "more": 1}
    assert loaded.groups["db"].vars == {"db": {"user": "u", "password": f"{CANARY}-db"}, "more": 1}
    assert loaded.groups["all"].vars["all_secret"] == f"{CANARY}-all"
    control.inventory_hosts.change(OPERATOR, lab, "db1", None, vars={"port": 2})
    assert control.inventories.loaded(lab, opened=True).hosts["db1"].vars == {"port": 2}
    assert f"{lab}:host:db1" not in control.inventories.secrets_of(lab)


def test_a_seal_opens_at_its_own_place_alone(control: Control, lab: str) -> None:
    control.books.database.execute(
        'UPDATE inventory_hosts SET "sealed" = (SELECT "sealed" FROM inventory_hosts WHERE "name" = \'db1\')'
        ' WHERE "name" = \'db2\'')
    with pytest.raises(StoreError, match="cannot be opened"):
        control.inventories.loaded(lab, opened=True)


def test_a_copy_of_an_inventory_has_the_secrets_and_seals_them(control: Control, lab: str) -> None:
    other = control.inventories.create(ADMIN, "other").id
    control.inventory_import.from_inventory(ADMIN, other, lab)
    assert CANARY not in stored(control)
    assert control.inventories.loaded(other, opened=True).hosts["db1"].vars["ansible_password"] == f"{CANARY}-host"
    before = control.inventories.digest(other)
    control.inventory_hosts.change(OPERATOR, other, "db1", None, vars={"ansible_password": f"{CANARY}-new", "port": 1})
    assert control.inventories.digest(other) != before


def test_a_project_starts_no_inventory_script_unless_it_may(control: Control, project: Project, roots: Path) -> None:
    write(roots / "web", {"hosts.sh": "#!/bin/sh\necho '{\"web\": {\"hosts\": [\"s1\"]}}'\n"})
    (roots / "web" / "hosts.sh").chmod(0o755)
    with pytest.raises(InventoryFault, match="is a program"):
        control.inventories.create(ADMIN, "s", "files", project_id=project.id, sources=["hosts.sh"])
    control.projects.change(ADMIN, project.id, None, runs_here=True)
    made = control.inventories.create(ADMIN, "s", "files", project_id=project.id, sources=["hosts.sh"])
    assert control.inventories.matched(ADMIN, made.id).hosts == ["s1"]
