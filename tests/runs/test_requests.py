"""What a launch may ask for; every field that is wrong is named at once."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from orchestrator.refusals import Malformed
from orchestrator.runs.requests import RunRequest, checked, digest

ASKED = RunRequest("p1", "site.yml", "i1")


def with_(**changes: Any) -> RunRequest:
    return structs.replace(ASKED, **changes)


def nested(depth: int) -> dict[str, Any]:
    found: Any = 1
    for _ in range(depth):
        found = {"x": found}
    return {"v": found}


@pytest.mark.parametrize(("changes", "path"), [
    ({"playbook": ""}, "playbook"), ({"playbook": "/etc/site.yml"}, "playbook"),
    ({"playbook": "a/../../site.yml"}, "playbook"), ({"playbook": "a\nb.yml"}, "playbook"),
    ({"kind": "exec"}, "kind"), ({"limit": " "}, "limit"), ({"limit": "@/etc/passwd"}, "limit"),
    ({"limit": "a," * 40_000}, "limit"), ({"tags": ("",)}, "tags"), ({"skip_tags": ("x" * 201,)}, "skip_tags"),
    ({"credential_ids": ("a",) * 101}, "credential_ids"), ({"forks": -1}, "forks"), ({"slices": 0}, "slices"),
    ({"slices": 33}, "slices"), ({"priority": 101}, "priority"), ({"timeout_s": -1}, "timeout_s"),
    ({"extra_vars": {"a-b": 1}}, "extra_vars.a-b"), ({"extra_vars": {"ansible_connection": "local"}},
                                                     "extra_vars.ansible_connection"),
    ({"extra_vars": {"orch_carrier": "local"}}, "extra_vars.orch_carrier"),
    ({"extra_vars": nested(25)}, "extra_vars"), ({"extra_vars": {"a": "x" * 300_000}}, "extra_vars"),
    ({"extra_vars": {"a": float("nan")}}, "extra_vars"), ({"extra_vars": {"a": object()}}, "extra_vars"),
])
def test_refused(changes, path):
    with pytest.raises(Malformed) as refused:
        checked(with_(**changes))
    assert [field for field, _ in refused.value.fields] == [path]


def test_all_faults_are_told_together():
    with pytest.raises(Malformed) as refused:
        checked(with_(playbook="", slices=0, extra_vars={"1": 1}))
    assert [field for field, _ in refused.value.fields] == ["playbook", "slices", "extra_vars.1"]


def test_an_admin_may_say_how_hosts_are_reached():
    assert checked(with_(extra_vars={"ansible_user": "ops"}), may_connect=True).extra_vars == {"ansible_user": "ops"}


def test_a_plan_checks_and_shows_differences():
    found = checked(with_(kind="plan"))
    assert found.check and found.diff


def test_the_digest_tells_requests_apart_and_knows_the_same():
    assert digest(ASKED) == digest(with_())
    assert digest(with_(extra_vars={"a": 1, "b": 2})) == digest(with_(extra_vars={"b": 2, "a": 1}))
    assert digest(ASKED) != digest(with_(extra_vars={"a": 1}))
