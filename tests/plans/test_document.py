"""A plan as a file: private, whole, and refused when anything in it is another."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.errors import UsageError
from orchestrator.plans.document import PlanDocument, changed_files, file_digests, read_plan, write_plan
from orchestrator.plans.prediction import Foreseen, HostPlan

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def document(tmp_path: Path) -> PlanDocument:
    (tmp_path / "site.yml").write_text("- hosts: all\n")
    return PlanDocument(
        run_id="r1", made=NOW, expires=NOW + timedelta(days=1), playbooks=[str(tmp_path / "site.yml")],
        cwd=str(tmp_path), options={"limit": None}, content_digest="0" * 64,
        files=file_digests(["site.yml", "/nowhere/vars.yml"], str(tmp_path)),
        hosts={"web1": HostPlan({"kernel": "6"}, [Foreseen("t1", "write", "site.yml:1:1", "1" * 64)])})


def test_it_comes_back_as_it_was_and_is_its_owners_alone(document: PlanDocument, tmp_path: Path) -> None:
    path = tmp_path / "friday.plan"
    write_plan(document, path)
    assert read_plan(path) == document
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert document.changes == 1


def test_files_are_named_from_the_folder_and_missed_when_they_are_gone(document: PlanDocument, tmp_path: Path) -> None:
    assert list(document.files) == ["site.yml", "/nowhere/vars.yml"]
    assert changed_files(document, str(tmp_path)) == []
    (tmp_path / "site.yml").write_text("- hosts: web\n")
    assert changed_files(document, str(tmp_path)) == ["site.yml"]


DAMAGES = {
    "edited": lambda text: text.replace('"web1"', '"web2"'),
    "cut off": lambda text: text[:-20],
    "another format": lambda text: text.replace('"orch_plan":1', '"orch_plan":2'),
    "something else": lambda text: json.dumps([1]),
    "empty": lambda text: "",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_plan_is_refused(document: PlanDocument, tmp_path: Path, damage) -> None:
    path = tmp_path / "friday.plan"
    write_plan(document, path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(UsageError) as caught:
        read_plan(path)
    assert caught.value.code == "plan_invalid" and "orch plan" in str(caught.value.hint)


def test_a_plan_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_plan(tmp_path / "none")
