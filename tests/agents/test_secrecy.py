"""Invariant 7, read from the rows and the raw files: no secret of a job, a result or an identity is in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.agents.envelope import from_text
from orchestrator.errors import StoreError
from orchestrator.refusals import NotFound, Unidentified
from orchestrator.store.columns import TABLES
from tests.agents.conftest import Place, digest_of, envelope, heads

CANARY = "canary-4711-s3cret"


def test_the_files_hold_nothing_that_a_job_knows(place: Place, tmp_path: Path) -> None:
    invitation = place.desk.invite("web9")
    enrolled = place.enrol("web1")
    caller = place.caller(enrolled)
    data = (CANARY + "-file").encode()
    place.post.post(envelope(tasks=[{"id": "t", "args": {"content": CANARY}}], secrets={"become": CANARY},
                             blobs=[(digest_of([data.decode()]), len(data))]), {digest_of([data.decode()]): data})
    assert from_text(place.desk.claim(caller, "j1", 1).envelope).secrets == {"become": CANARY}
    place.desk.start(caller, "j1", 1)
    lines = heads(count=3, values={"stdout": CANARY})
    place.desk.add_events(caller, "j1", 1, 1, lines)
    place.desk.put_upload(caller, "j1", 1, "s", 0, True, CANARY.encode(), {"path": f"/{CANARY}"})
    place.desk.finish(caller, "j1", 1, "ok", 3, digest_of(lines))
    rows = [row for table in TABLES for row in place.databases[0].select(f"SELECT * FROM {table}")]
    raw = b"".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    raw += b"".join(path.read_bytes() for path in (tmp_path / "state").glob("orch.db*"))
    assert b"started" in raw or b"finished" in raw
    assert enrolled.agent_id.encode() in raw
    for secret in (CANARY, enrolled.token, enrolled.job_key, invitation.token, digest_of([data.decode()])):
        assert secret.encode() not in raw
        assert bytes(secret, "ascii").hex().encode() not in raw
    for key in (enrolled.token, enrolled.job_key):
        assert bytes.fromhex(key) not in raw


def test_an_edited_database_commands_no_host(place: Place) -> None:
    """A row that was moved, or sealed by somebody without the key, is not handed out."""
    caller = place.agent()
    for job in ("j1", "j2", "j3"):
        place.post.post(envelope(job))
    jobs = place.desk.office.jobs
    jobs.change({"body": jobs.value("body", '"id" = ?', "j1")}, '"id" = ?', "j2")
    jobs.change({"body": b'{"v":1}'}, '"id" = ?', "j3")
    for job in ("j2", "j3"):
        with pytest.raises(StoreError) as refused:
            place.desk.claim(caller, job, 1)
        assert refused.value.code == "store_sealed"
        assert place.post.state_of(job).state == "queued"


def test_who_can_write_to_the_database_takes_nobodys_place(place: Place) -> None:
    """One enrolled agentlet, and a hand on the database: it gets no other host's jobs, files or voice."""
    mallory, victim = place.enrol("mallory"), place.enrol("db1")
    data = b"secret of db1"
    digest = digest_of([data.decode()])
    place.post.post(envelope("j1", "db1", blobs=[(digest, len(data))]), {digest: data})
    place.desk.claim(place.caller(victim), "j1", 1, "k")
    office, caller = place.desk.office, place.caller(mallory)

    office.jobs.change({"agent_id": mallory.agent_id, "host": "mallory"}, '"id" = ?', "j1")
    for act in (lambda: place.desk.claim(caller, "j1", 1, "k"), lambda: place.desk.blob(caller, digest, 0, 100),
                lambda: place.desk.add_events(caller, "j1", 1, 1, heads())):
        with pytest.raises(NotFound):
            act()

    office.certificates.change({"agent_id": victim.agent_id}, '"agent_id" = ?', mallory.agent_id)
    with pytest.raises(Unidentified) as refused:
        place.caller(mallory)
    assert refused.value.code == "agent_altered"

    office.agents.change({"state": "removed"}, '"id" = ?', victim.agent_id)
    office.agents.change({"host": "db1"}, '"id" = ?', mallory.agent_id)
    for ask in (lambda: place.post.agent_for("db1"), lambda: place.post.post(envelope("j2", "db1"))):
        with pytest.raises(StoreError) as altered:
            ask()
        assert altered.value.code == "agent_altered" and "orch agents remove" in str(altered.value.hint)


def test_who_can_write_to_the_database_invites_nobody(place: Place) -> None:
    from hashlib import sha256

    own = place.desk.invite("web1").token
    place.desk.check_invitation(own)
    place.desk.office.invitations.change({"host": "db1"}, "1 = 1")
    with pytest.raises(Unidentified):
        place.desk.check_invitation(own)
    place.desk.office.invitations.change({"token_hash": sha256(b"my-token").hexdigest()}, "1 = 1")
    with pytest.raises(Unidentified):
        place.desk.check_invitation("my-token")
