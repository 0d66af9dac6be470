"""`orch ca retire` cuts nobody off unasked: it names who still needs the older authority, and how to have it follow."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from orchestrator.agents.desk import Desk
from tests.agents.conftest import der_of, make_csr
from tests.cli.conftest import Orch
from tests.cli.test_agents import desk, enrol, state  # noqa: F401  fixtures are found by name

pytestmark = pytest.mark.usefixtures("desk")


def test_nobody_is_cut_off_unasked(orch: Orch, desk: Desk) -> None:  # noqa: F811
    enrolled = enrol(orch, desk, "laptop7")
    enrol(orch, desk, "laptop8")
    orch("agents", "revoke", "laptop8", "-y")
    assert "orch agents rotate --old" in orch("ca", "rotate", "-y").out
    refused = orch("ca", "retire", "-y")
    assert refused.code == 1 and "laptop7" in refused.err and "laptop8" not in refused.err
    assert "orch agents rotate --old" in refused.err and "--force" in refused.err
    assert len(json.loads(orch("ca", "show", "--json").out)["authorities"]) == 2
    caller = desk.identify_certificate(der_of(str(enrolled.certificate)))
    renewed = desk.renew(caller, make_csr())
    desk.identify_certificate(der_of(str(renewed.certificate)))
    retired = orch("ca", "retire", "-y")
    assert retired.code == 0 and "is not trusted any more" in retired.out, retired.err


def test_who_is_behind_is_shown_and_asked_to_follow(orch: Orch, desk: Desk) -> None:  # noqa: F811
    enrol(orch, desk, "laptop7")
    assert "nobody is on an older authority" in orch("agents", "rotate", "--old").out
    first = json.loads(orch("ca", "show", "--json").out)["authorities"][0]["name"]
    orch("ca", "rotate", "-y")
    enrol(orch, desk, "laptop8")
    assert f"of the older authority {first}" in orch("agents", "show", "laptop7").out
    assert "older authority" not in orch("agents", "show", "laptop8").out
    assert "on an older authority" in orch("agents", "list").lines[1]
    said = orch("agents", "rotate", "--old")
    assert said.out == "laptop7: will make new keys\n" and "still: laptop7" in said.err
    assert json.loads(orch("agents", "show", "laptop7", "--json").out)["renew"] is True
    assert orch("agents", "rotate").code == 5


def test_a_stolen_key_is_retired_by_force(orch: Orch, desk: Desk) -> None:  # noqa: F811
    enrol(orch, desk, "laptop7")
    orch("ca", "rotate", "-y")
    assert orch("ca", "retire", "-y", "--force").code == 0
    assert len(json.loads(orch("ca", "show", "--json").out)["authorities"]) == 1


def test_certificates_of_before_their_authority_was_written_down_count(orch: Orch, desk: Desk) -> None:  # noqa: F811
    enrol(orch, desk, "laptop7")
    office = desk.office
    office.certificates.change({"authority": None, "issued": office.clock() - timedelta(seconds=5)}, "1 = 1")
    orch("ca", "rotate", "-y")
    assert "laptop7" in orch("ca", "retire", "-y").err
