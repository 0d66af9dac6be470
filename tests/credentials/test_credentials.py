"""Credentials: sealed in the database, shown without their secrets, opened for runs, and that written down."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.control.control import Control
from orchestrator.credentials.kinds import KINDS, schema_of
from orchestrator.credentials.materials import Materials, from_json, texts, to_json
from orchestrator.errors import StoreError, UsageError
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused, Stale
from orchestrator.store.paging import PageRequest
from tests.carriers.sshd import make_key
from tests.projects.conftest import ADMIN, BY_ROLE

CANARY = "canary-7f3a9c-never-to-be-seen"
FIELDS: dict[str, dict[str, Any]] = {
    "password": {"username": "deploy", "password": CANARY}, "become": {"password": CANARY},
    "vault": {"vault_id": "prod", "password": CANARY}, "git_token": {"username": "bot", "token": CANARY},
    "s3": {"access_key_id": "AKIA1", "secret_access_key": CANARY, "session_token": CANARY},
    "repository": {"url": "/srv/repo", "passphrase": CANARY, "key": CANARY}, "webhook": {"secret": CANARY},
    "ssh_certificate": {"username": "deploy", "principals": ["deploy"]},
}


@pytest.fixture
def key(tmp_path: Path) -> str:
    return make_key(tmp_path / "key", passphrase=CANARY).read_text()


@pytest.mark.parametrize("kind", [*FIELDS, "ssh_key"])
def test_each_kind_is_sealed_and_shown_without_its_secrets(kind: str, control: Control, key: str) -> None:
    values = FIELDS.get(kind) or {"username": "deploy", "private_key": key, "passphrase": CANARY}
    made = control.credentials.create(ADMIN, "mine", kind, values)
    secret = {field.name for field in KINDS[kind].fields if field.secret}
    assert made.public["set"] == sorted(secret & set(values))
    assert not secret & set(made.values)
    for row in control.books.database.select("SELECT * FROM credentials"):
        assert CANARY not in str(row) and CANARY.encode() not in b"".join(v for v in row if isinstance(v, bytes))
        assert "PRIVATE KEY" not in str(row)
    assert CANARY not in repr(made) + str(control.books.audit.entries())


def test_a_seal_opens_for_its_own_row_alone(control: Control) -> None:
    one = control.credentials.create(ADMIN, "one", "password", FIELDS["password"])
    two = control.credentials.create(ADMIN, "two", "password", {"password": "other-password"})
    control.books.database.execute('UPDATE credentials SET "sealed" = (SELECT "sealed" FROM credentials WHERE "id" = ?)'
                                   ' WHERE "id" = ?', (one.id, two.id))
    with pytest.raises(StoreError):
        control.credentials.materials([two.id])


def test_a_key_shows_its_public_half(control: Control, key: str, tmp_path: Path) -> None:
    made = control.credentials.create(ADMIN, "k", "ssh_key", {"private_key": key.replace("\n", "\r\n"),
                                                              "passphrase": CANARY})
    assert (tmp_path / "key.pub").read_text().startswith(made.values["public_key"])
    said = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True)
    assert made.values["fingerprint"] == said.stdout.split()[1]


@pytest.mark.parametrize("kind, values, path", [
    ("nope", {}, "kind"), ("password", {}, "values.password"), ("password", {"password": CANARY, "x": 1}, "values.x"),
    ("password", {"password": 7}, "values.password"), ("password", {"password": "a\nb" + CANARY}, "values.password"),
    ("password", {"password": CANARY, "username": "-oProxyCommand=id"}, "values.username"),
    ("ssh_key", {"private_key": CANARY}, "values.private_key"),
    ("s3", {"access_key_id": "A"}, "values.secret_access_key"),
    ("ssh_certificate", {}, "values.principals"), ("ssh_certificate", {"principals": ["a,b"]}, "values.principals"),
    ("ssh_certificate", {"principals": ["-x"]}, "values.principals"),
    ("webhook", {"secret": "x" * 2000}, "values.secret")])
def test_what_is_wrong_is_named_and_never_repeated(control: Control, kind: str, values: dict[str, Any],
                                                   path: str) -> None:
    with pytest.raises(Malformed) as refused:
        control.credentials.create(ADMIN, "mine", kind, values)
    assert refused.value.fields[0][0] == path
    assert CANARY not in str(refused.value) + str(refused.value.fields)


def test_a_wrong_passphrase_is_told_at_once(control: Control, key: str) -> None:
    for given in ({}, {"passphrase": "wrong"}):
        with pytest.raises(Malformed) as refused:
            control.credentials.create(ADMIN, "k", "ssh_key", {"private_key": key, **given})
        assert refused.value.fields[0][0] == "values.passphrase"


def test_rotation_keeps_what_is_not_given(control: Control) -> None:
    made = control.credentials.create(ADMIN, "pw", "password", {"username": "deploy", "password": CANARY})
    fresh = control.credentials.change(ADMIN, made.id, made.version, values={"password": "fresh-password"})
    given = control.credentials.materials([made.id])
    assert (given.username, given.login_password, fresh.version) == ("deploy", "fresh-password", 2)
    with pytest.raises(Stale):
        control.credentials.change(ADMIN, made.id, 1, name="other")
    with pytest.raises(Stale):
        control.credentials.delete(ADMIN, made.id, 1)
    gone = control.credentials.change(ADMIN, made.id, None, values={"username": None})
    assert "username" not in gone.values and control.credentials.materials([made.id]).login_password == "fresh-password"
    said = [entry.action for entry in control.books.audit.entries() if entry.action != "credential.use"]
    assert said == ["credential.change", "credential.rotate", "credential.create"]


def test_who_used_it_when_is_known(control: Control) -> None:
    made = control.credentials.create(ADMIN, "pw", "become", FIELDS["become"])
    control.credentials.materials([made.id], run_id="run-1", by="bob")
    assert [(use.actor, use.what) for use in control.credentials.uses(ADMIN, made.id)] == [("bob", "run-1")]
    assert control.credentials.show(ADMIN, made.id).last_used == control.books.clock()


def test_what_a_schedule_needs_stays(control: Control) -> None:
    made = control.credentials.create(ADMIN, "pw", "become", FIELDS["become"])
    write = control.books.database.write
    control.books.database.execute(
        """INSERT INTO schedules ("id", "name", "description", "state", "timing", "timezone", "misfire", "overlap",
        "kind", "created_by", "request", "sealed", "blackouts", "jitter_s", "grace_s", "catch_up_age_s", "max_running",
        "version", "created") VALUES ('s', 'nightly', '', 'on', '@daily', 'UTC', 'skip', 'skip', 'run', 'u', ?, ?, '[]',
        0, 0, 0, 1, 1, ?)""", (write["json"]({"credential_ids": [made.id]}), b"", write["time"](control.books.clock())))
    with pytest.raises(Conflict, match="schedule 'nightly'"):
        control.credentials.delete(ADMIN, made.id, None)
    control.books.database.execute("DELETE FROM schedules")
    control.credentials.delete(ADMIN, made.id, None)
    with pytest.raises(NotFound):
        control.credentials.show(ADMIN, made.id)


def test_rights(control: Control) -> None:
    made = control.credentials.create(ADMIN, "pw", "become", FIELDS["become"])
    assert [one.name for one in control.credentials.list(ADMIN, PageRequest()).items] == ["pw"]
    assert control.credentials.list(BY_ROLE["operator"], PageRequest()).items == []
    for who in ("none", "viewer"):
        with pytest.raises(Refused):
            control.credentials.list(BY_ROLE[who], PageRequest())
    for who in ("none", "viewer", "operator", "approver"):
        for act in (lambda by: control.credentials.create(by, "x", "become", FIELDS["become"]),
                    lambda by: control.credentials.change(by, made.id, None, name="x"),
                    lambda by: control.credentials.delete(by, made.id, None),
                    lambda by: control.credentials.uses(by, made.id)):
            with pytest.raises(Refused):
                act(BY_ROLE[who])


def test_a_run_takes_one_password_and_what_there_is(control: Control) -> None:
    ids = [control.credentials.create(ADMIN, f"pw{n}", "password", {"password": f"password-{n}"}).id for n in (1, 2)]
    for wrong in (ids, ["nowhere"], [str(n) for n in range(30)]):
        with pytest.raises(Malformed) as refused:
            control.credentials.materials(wrong)
        assert refused.value.fields[0][0] == "credential_ids"


def test_materials_go_as_one_bounded_json_and_show_nothing(control: Control, key: str) -> None:
    ids = [control.credentials.create(ADMIN, kind, kind, values).id for kind, values in FIELDS.items()]
    ids.append(control.credentials.create(ADMIN, "k", "ssh_key", {"private_key": key, "passphrase": CANARY}).id)
    given = control.credentials.materials(ids, run_id="run-1", timeout_s=60)
    again = from_json(to_json(given))
    assert again == given and len(given.keys) == 2 and given.vaults[0].id == "prod"
    assert given.others["s3"]["secret_access_key"] == CANARY and CANARY in texts(given)
    assert CANARY not in repr(given) + repr(given.keys) + repr(given.vaults) and "PRIVATE" not in repr(given.keys)
    with pytest.raises(UsageError) as refused:
        from_json(b'{"login_password": 7, "x": "' + CANARY.encode() + b'"}')
    assert CANARY not in str(refused.value)
    with pytest.raises(UsageError):
        to_json(Materials(login_password="x" * (2 << 20)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_says_what_is_secret(kind: str) -> None:
    schema = schema_of(KINDS[kind])
    hidden = {name for name, one in schema["properties"].items() if one.get("writeOnly")}
    assert hidden == set(KINDS[kind].secrets) and schema["additionalProperties"] is False
