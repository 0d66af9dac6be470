"""`orch agents`: what an operator sees and does; each refusal says what to do."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.desk import Desk
from orchestrator.agents.opening import open_desk
from orchestrator.agents.records import Enrolled
from tests.agents.conftest import claims_of, der_of, make_csr
from tests.cli.conftest import Orch

URL = "https://orch.example.com:8444"


@pytest.fixture
def state(project: Path) -> Path:
    return project.parent / "state"


@pytest.fixture
def desk(orch: Orch, state: Path) -> Iterator[Desk]:
    """The server's side, on the project's own store."""
    assert orch("ca", "init").code == 0
    desk = open_desk(state)
    yield desk
    desk.close()
    desk.database.close()


def invite(orch: Orch, host: str, *more: str) -> dict[str, Any]:
    said = orch("agents", "invite", host, "--url", URL, "--json", *more)
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def enrol(orch: Orch, desk: Desk, host: str, **claims: Any) -> Enrolled:
    enrolled = desk.enrol(invite(orch, host)["token"], make_csr(), claims_of(host, **claims))
    assert enrolled.certificate is not None
    desk.seen(desk.identify_certificate(der_of(enrolled.certificate)))
    return enrolled


def test_an_invitation_is_one_line_for_a_shell_with_the_servers_pin(orch: Orch, state: Path) -> None:
    said = orch("agents", "invite", "laptop7", "--url", URL)
    assert said.code == 0
    (line,) = said.lines
    pin = r"--pinnedpubkey sha256//[A-Za-z0-9+/]{43}= -k"
    assert re.fullmatch(rf"curl -fsS {pin} https://orch\.example\.com:8444/install/[\w-]{{43}} \| sh", line)
    assert "laptop7" in said.err and "works once" in said.err
    assert line.split()[3] in orch("ca", "show").out
    assert stat.S_IMODE((state / "master.key").stat().st_mode) == 0o600


def test_the_line_can_be_for_an_agentlet_that_is_not_root(orch: Orch) -> None:
    line = invite(orch, "laptop7", "--user", "orch-agentlet")["line"]
    assert line.endswith(" | sh -s -- --user orch-agentlet")


def test_an_invitation_enrols_with_its_labels(orch: Orch, desk: Desk) -> None:
    made = invite(orch, "laptop7", "--label", "site=berlin", "--label", "owner=ann", "--valid", "2d")
    desk.enrol(made["token"], make_csr(), claims_of("laptop7"))
    assert orch("agents", "labels", "laptop7").lines == ["owner=ann", "site=berlin"]
    assert orch("agents", "labels", "laptop7", "owner-", "site=bonn").lines == ["site=bonn"]


def test_the_servers_name_is_known_once_it_has_a_certificate(orch: Orch, desk: Desk) -> None:
    said = orch("agents", "invite", "laptop7")
    assert said.code == 1 and "--url https://NAME:8444" in said.err
    desk.office.ca.issue_server(["localhost", "127.0.0.1", "orch.example.net"])
    assert "https://orch.example.net:8444/install/" in orch("agents", "invite", "laptop7").out


@pytest.mark.parametrize(("argv", "told"), [
    (["invite", "-oProxyCommand=x", "--url", URL], ["No such option"]),
    (["invite", "a b", "--url", URL], ["cannot be the name of a host"]),
    (["invite", "x", "--url", "https://a; rm -rf /"], ["is not the address of a server"]),
    (["invite", "x", "--url", URL, "--user", "a; rm -rf /"], ["is not the name of an account"]),
    (["invite", "x", "--url", "orch.example.com"], ["https://NAME:PORT"]),
    (["invite", "x", "--url", URL, "--valid", "soon"], ["write seconds, or 5m, 1h"]),
    (["invite", "x", "--url", URL, "--valid", "1s"], ["a minute at least"]),
    (["invite", "x", "--url", URL, "--label", "novalue"], ["NAME=VALUE"]),
    (["show", "nobody"], ["no agentlet for 'nobody'", "orch agents list"]),
    (["logs", "nobody"], ["orch agents invite HOST"]),
    (["rename", "nobody", "x"], ["no agentlet for 'nobody'"]),
    (["labels", "nobody", "a=b"], ["no agentlet for 'nobody'"]),
    (["labels", "nobody", "a"], ["neither NAME=VALUE nor NAME-"]),
    (["lst"], ["Did you mean 'list'?"]),
], ids=lambda one: " ".join(one)[:40])
def test_what_cannot_be_done_says_what_to_do(orch: Orch, argv: list[str], told: list[str]) -> None:
    said = orch("agents", *argv)
    assert said.code in (1, 5)
    assert said.out == "" and "Traceback" not in said.err
    for text in told:
        assert text in said.err


def test_nobody_there_says_how_to_begin(orch: Orch) -> None:
    assert "orch agents invite HOST" in orch("agents", "list").out


def test_the_list_shows_who_is_there(orch: Orch, desk: Desk) -> None:
    enrol(orch, desk, "laptop7", version="0.1.0")
    enrol(orch, desk, "copy", machine_id="machine-laptop7")
    desk.enrol(invite(orch, "fresh")["token"], make_csr(), claims_of("fresh"))
    lines = orch("agents", "list").lines
    assert lines[0].split() == ["HOST", "STATE", "LAST", "SEEN", "VERSION", "PENDING", "RUNNING", "NOTE"]
    rows = {line.split()[0]: line for line in lines[1:]}
    assert list(rows) == ["copy", "fresh", "laptop7"]
    assert re.search(r"laptop7 +online +\d s ago +0\.1\.0 +0 +0$", rows["laptop7"])
    assert "same machine as agentlet" in rows["copy"]
    assert re.search(r"fresh +new +never", rows["fresh"])
    objects = [json.loads(line) for line in orch("agents", "list", "--json").lines]
    assert [(one["host"], one["liveness"]) for one in objects] == [
        ("copy", "online"), ("fresh", "new"), ("laptop7", "online")]
    assert not {"token", "job_key", "facts"} & set(objects[0])


def test_what_a_host_says_cannot_move_the_cursor(orch: Orch, desk: Desk) -> None:
    enrolled = enrol(orch, desk, "laptop7", version="\x1b[2J1", platform="lin\nux", facts={"os": "\x1b]0;x\x07"})
    agent = desk.registry.find(enrolled.agent_id)
    desk.log(agent, ["hello \x1b[31m red", "two\nlines"])
    for argv in (["list"], ["show", "laptop7"], ["logs", "laptop7"]):
        said = orch("agents", *argv)
        assert said.code == 0
        assert "\x1b" not in said.out and "\x07" not in said.out
    assert "two\\nlines" in orch("agents", "logs", "laptop7", "-n", "1").out


def test_one_agentlet_in_full(orch: Orch, desk: Desk) -> None:
    enrolled = enrol(orch, desk, "laptop7", facts={"distribution": "Debian"})
    for name in ("laptop7", enrolled.agent_id):
        out = orch("agents", "show", name).out
        for text in (enrolled.agent_id, "online", "certificate until", "3.11.2", "Debian", "0 pending, 0 running"):
            assert text in out
    assert json.loads(orch("agents", "show", "laptop7", "--json").out)["facts"] == {"distribution": "Debian"}


def test_an_identity_ends(orch: Orch, desk: Desk) -> None:
    enrol(orch, desk, "laptop7")
    enrol(orch, desk, "laptop8")
    said = orch("agents", "revoke", "laptop7", "nobody", "laptop8", "--yes")
    assert said.code == 1
    assert said.lines == ["laptop7: is revoked", "laptop8: is revoked"]
    assert "no agentlet for 'nobody'" in said.err
    assert [line.split()[1] for line in orch("agents", "list").lines[1:]] == ["revoked", "revoked"]
    assert orch("agents", "remove", "laptop7", "-y").code == 0
    assert len(orch("agents", "list").lines) == 2
    assert len(orch("agents", "list", "--all").lines) == 3
    refused = orch("agents", "rotate", "laptop8")
    assert refused.code == 1 and "orch agents invite laptop8" in refused.err


def test_nothing_ends_without_a_yes(orch: Orch, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    enrol(orch, desk, "laptop7")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert orch("agents", "revoke", "laptop7").code != 0
    assert "online" in orch("agents", "list").out


def test_names_keys_and_approvals(orch: Orch, desk: Desk) -> None:
    enrol(orch, desk, "laptop7")
    assert orch("agents", "rename", "laptop7", "berlin7").code == 0
    assert orch("agents", "rotate", "berlin7").out == "berlin7: will make new keys\n"
    assert orch("agents", "approve", "berlin7").code == 0
    note = orch("agents", "list").lines[1]
    assert "new keys asked for" in note and "approved" in note


def test_the_audit_trail_is_for_people_and_programs(orch: Orch, desk: Desk) -> None:
    from orchestrator.refusals import Unidentified

    enrol(orch, desk, "laptop7")
    with pytest.raises(Unidentified):
        desk.identify_certificate(b"x", address="198.51.100.7")
    lines = orch("agents", "audit").lines
    assert [line.split()[3] for line in lines] == ["agent.invite", "agent.enrol", "agent.identify"]
    assert "refused" in lines[-1] and "198.51.100.7" in lines[-1] and "certificate_unknown" in lines[-1]
    (entry,) = [json.loads(line) for line in orch("agents", "audit", "--json", "--action", "agent.enrol").lines]
    assert entry["detail"]["host"] == "laptop7"


def test_no_secret_is_shown_again(orch: Orch, desk: Desk) -> None:
    made = invite(orch, "laptop7")
    enrolled = desk.enrol(made["token"], make_csr(), claims_of("laptop7"))
    shown = "".join(orch("agents", *argv).out for argv in (
        ["list", "--json"], ["show", "laptop7", "--json"], ["show", "laptop7"], ["audit", "--json"]))
    for secret in (made["token"], enrolled.token, enrolled.job_key):
        assert secret not in shown


# ---- orch ca

def test_the_authority_is_made_once(orch: Orch) -> None:
    assert orch("ca", "init").out.startswith("made: ")
    assert orch("ca", "init").out.startswith("there is one already")


def test_without_an_authority_it_says_how_to_make_one(orch: Orch) -> None:
    for argv in (["show"], ["rotate", "-y"], ["retire", "-y"]):
        said = orch("ca", *argv)
        assert said.code == 1 and "orch ca init" in said.err


def test_a_rotation_is_seen_and_retired(orch: Orch) -> None:
    orch("ca", "init")
    first = orch("ca", "show", "--pem").out
    assert "no older authority" in orch("ca", "retire").out
    assert orch("ca", "rotate", "--yes").code == 0
    states = [line.split(maxsplit=3)[-1] for line in orch("ca", "show").lines[1:3]]
    assert states[0].startswith("trusted until") and states[1] == "signs"
    both = orch("ca", "show", "--pem").out
    assert both.startswith(first) and both.count("BEGIN CERTIFICATE") == 2
    assert orch("ca", "retire", "--yes").code == 0
    shown = json.loads(orch("ca", "show", "--json").out)
    assert len(shown["authorities"]) == 1 and shown["pin"].startswith("sha256//")
