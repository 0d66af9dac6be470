"""Files come to the host that needs them, and from it, whole; to nobody else."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.agents.blobs import PART_BYTES
from orchestrator.agents.identity import Caller
from orchestrator.agents.jobs import TWIN
from orchestrator.errors import StoreError
from orchestrator.refusals import Conflict, Malformed, NotFound, Rewind
from tests.agents.conftest import Clock, Place, digest_of, envelope


def hexdigest(data: bytes) -> str:
    return sha256(data).hexdigest()


def read(place: Place, caller: Caller, digest: str, step: int) -> bytes:
    found, offset = b"", 0
    while piece := place.desk.blob(caller, digest, offset, step):
        found += piece
        offset += len(piece)
    return found


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 20 * PART_BYTES + 7])
@pytest.mark.parametrize("source", ["bytes", "path"])
def test_a_file_arrives_whole(place: Place, tmp_path: Path, size: int, source: str) -> None:
    caller, data = place.agent(), os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    digest = hexdigest(data)
    place.post.post(envelope(blobs=[(digest, size)]), {digest: data if source == "bytes" else path})
    place.desk.claim(caller, "j1", 1)
    assert read(place, caller, digest, 1_000_000) == data
    assert read(place, caller, digest, 100_001 if size > 1 else 1) == data


def test_sources_travel_as_files_do(place: Place) -> None:
    caller, text = place.agent(), b"print(1)\n"
    place.post.post(envelope(sources=[("modules.x", hexdigest(text), len(text))]), {hexdigest(text): text})
    place.desk.claim(caller, "j1", 1)
    assert place.desk.blob(caller, hexdigest(text), 0, 100) == text


def test_a_file_is_given_only_for_a_job_that_was_claimed(place: Place) -> None:
    one, other, data = place.agent("web1"), place.agent("web2"), b"secret"
    digest = hexdigest(data)
    place.post.post(envelope("j1", "web1", blobs=[(digest, 6)]), {digest: data})
    for caller in (one, other):
        with pytest.raises(NotFound):
            place.desk.blob(caller, digest, 0, 10)
    place.desk.claim(one, "j1", 1)
    assert place.desk.blob(one, digest, 0, 10) == data
    with pytest.raises(NotFound):
        place.desk.blob(other, digest, 0, 10)
    with pytest.raises(NotFound):
        place.desk.blob(one, hexdigest(b"other"), 0, 10)
    place.desk.finish(one, "j1", 1, "ok", 0, digest_of([]))
    with pytest.raises(NotFound):
        place.desk.blob(one, digest, 0, 10)


@pytest.mark.parametrize(("offset", "size"), [(-1, 10), (0, 0), (0, -1), (0, 2 << 20)])
def test_a_range_that_makes_no_sense_is_refused(place: Place, offset: int, size: int) -> None:
    with pytest.raises(Malformed):
        place.desk.blob(place.agent(), "ab", offset, size)


def test_a_file_that_several_jobs_need_is_stored_once(place: Place) -> None:
    place.agent()
    data = os.urandom(3 * PART_BYTES)
    digest = hexdigest(data)
    for job in ("a", "b"):
        place.post.post(envelope(job, blobs=[(digest, len(data))]), {digest: data})
    assert place.desk.office.blobs.count("1 = 1") == 3


def test_a_file_that_changed_on_its_way_is_refused(place: Place) -> None:
    place.agent()
    with pytest.raises(StoreError, match="changed"):
        place.post.post(envelope(blobs=[(hexdigest(b"was"), 3)]), {hexdigest(b"was"): b"now"})
    assert place.desk.office.blobs.count("1 = 1") == 0
    with pytest.raises(StoreError):
        place.post.state_of("j1")


def test_what_no_job_needs_any_more_goes_and_what_was_just_brought_stays(place: Place, clock: Clock) -> None:
    caller, data = place.agent(), b"x" * 100
    digest = hexdigest(data)
    place.post.post(envelope(blobs=[(digest, 100)]), {digest: data})
    place.desk.claim(caller, "j1", 1)
    place.desk.finish(caller, "j1", 1, "failed", 0, digest_of([]))
    place.post.ack("j1", 1)
    place.desk.sweep()
    assert place.desk.office.blobs.count("1 = 1") == 1
    clock.tick(3601)
    place.desk.sweep()
    assert place.desk.office.blobs.count("1 = 1") == 0
    place.post.post(envelope("j2", blobs=[(digest, 100)]), {digest: data})
    clock.tick(3601)
    place.desk.sweep()
    assert place.desk.office.blobs.count("1 = 1") == 1


@pytest.fixture
def uploader(place: Place) -> Caller:
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1, "key")
    place.desk.start(caller, "j1", 1, "key")
    return caller


def test_an_upload_goes_on_from_where_it_was(place: Place, uploader: Caller) -> None:
    put, data = place.desk.put_upload, os.urandom(1_000)
    assert put(uploader, "j1", 1, "s", 0, False, data[:400], {"path": "/x", "mode": "0644"}) == 400
    assert put(uploader, "j1", 1, "s", 0, False, data[:400]) == 400
    assert put(uploader, "j1", 1, "s", 200, False, data[200:600]) == 600
    with pytest.raises(Rewind) as refused:
        put(uploader, "j1", 1, "s", 700, True, data[700:])
    assert refused.value.next == 600
    (upload,) = place.post.uploads("j1", 1)
    assert (upload.size, upload.complete) == (600, False)
    assert put(uploader, "j1", 1, "s", 600, True, data[600:]) == 1_000
    assert put(uploader, "j1", 1, "s", 600, True, data[600:]) == 1_000
    assert put(uploader, "j1", 1, "s", 1_000, True, b"") == 1_000
    (upload,) = place.post.uploads("j1", 1)
    assert (upload.size, upload.complete, upload.meta) == (1_000, True, {"path": "/x", "mode": "0644"})
    assert b"".join(place.post.upload("j1", 1, "s")) == data


def test_a_copy_of_the_host_adds_nothing_to_a_file(place: Place, uploader: Caller) -> None:
    put = place.desk.put_upload
    put(uploader, "j1", 1, "s", 0, False, b"one", key="key")
    place.desk.resume(uploader, "j1", 1, "key", "of the copy", 0)
    with pytest.raises(Conflict) as refused:
        put(uploader, "j1", 1, "s", 3, True, b"two", key="key")
    assert refused.value.code == TWIN
    assert put(uploader, "j1", 1, "s", 3, True, b"two", key="of the copy") == 6


def test_uploads_are_read_as_they_come(place: Place, uploader: Caller) -> None:
    place.desk.put_upload(uploader, "j1", 1, "s", 0, False, b"one")
    taken = list(place.post.upload("j1", 1, "s"))
    place.desk.put_upload(uploader, "j1", 1, "s", 3, True, b"two")
    assert taken == [b"one"]
    assert list(place.post.upload("j1", 1, "s", first_part=1)) == [b"two"]
    assert list(place.post.upload("j1", 1, "none")) == []


def test_an_empty_file_is_a_file(place: Place, uploader: Caller) -> None:
    place.desk.put_upload(uploader, "j1", 1, "s", 0, True, b"")
    (upload,) = place.post.uploads("j1", 1)
    assert upload.complete and list(place.post.upload("j1", 1, "s")) == []


@pytest.mark.parametrize(("stream", "offset", "size"), [("", 0, 1), ("x" * 257, 0, 1), ("s", -1, 1), ("s", 0, 2 << 20)])
def test_a_chunk_that_makes_no_sense_is_refused(
    place: Place, uploader: Caller, stream: str, offset: int, size: int
) -> None:
    with pytest.raises(Malformed):
        place.desk.put_upload(uploader, "j1", 1, stream, offset, True, b"x" * size)


def test_one_job_cannot_fill_the_store(place: Place, uploader: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.agents import files
    from orchestrator.refusals import Refused

    monkeypatch.setattr(files, "LARGEST_UPLOADS", 1_000)
    place.desk.put_upload(uploader, "j1", 1, "a", 0, True, b"x" * 900)
    with pytest.raises(Refused) as refused:
        place.desk.put_upload(uploader, "j1", 1, "b", 0, True, b"x" * 200)
    assert refused.value.code == "upload_size"


def test_nothing_is_uploaded_for_a_job_that_has_ended(place: Place, uploader: Caller) -> None:
    place.desk.finish(uploader, "j1", 1, "ok", 0, digest_of([]))
    with pytest.raises(Conflict):
        place.desk.put_upload(uploader, "j1", 1, "s", 0, True, b"x")
