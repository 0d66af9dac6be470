"""A job's whole way over HTTP, and what the network does to it."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest

from tests.api.gateway import Client, Member, Served
from tests.api.jobs import digest, heads, posted


@pytest.fixture
def client(served: Served, member: Member) -> Client:
    return served.client(member)


def begin(client: Client, job: str = "job-1") -> None:
    assert client.post(f"jobs/{job}/claim", {"attempt": 1}).status == 200
    assert client.post(f"jobs/{job}/start", {"attempt": 1}).status == 200


def test_the_whole_way(served: Served, member: Member, client: Client) -> None:
    content = bytes(range(256)) * 2000
    post = posted(served, blobs={"f": content})
    (offer,) = client.get("poll?wait=5").json["offers"]
    claimed = client.post("jobs/job-1/claim", {"attempt": offer["attempt"]}).json
    signed = hmac.new(member.job_key, claimed["envelope"].encode(), hashlib.sha256).hexdigest()
    assert claimed["signature"] == signed and claimed["lease_s"] > 0
    envelope = json.loads(claimed["envelope"])
    assert (envelope["agent"], envelope["host"], envelope["job"]) == (member.id, "web1", "job-1")
    client.post("jobs/job-1/start", {"attempt": 1})

    (name, size), = envelope["blobs"]
    fetched = b"".join(client.get(f"blobs/{name}?offset={at}&size=200000").body for at in range(0, size, 200_000))
    assert fetched == content
    assert client.get(f"blobs/{name}?offset={size}").body == b""

    sent = heads("job-1", 5)
    assert client.post("jobs/job-1/events", {"attempt": 1, "first_seq": 1, "heads": sent[:3]}).json["next_seq"] == 4
    early = client.post("jobs/job-1/finish", {"attempt": 1, "status": "ok", "count": 5, "digest": digest(sent)})
    assert (early.status, early.json["next_seq"]) == (202, 4)
    assert client.post("jobs/job-1/events", {"attempt": 1, "first_seq": 4, "heads": sent[3:]}).json["next_seq"] == 6
    put = client.request("PUT", "jobs/job-1/uploads/s1?attempt=1&offset=0&last=1", b"\x00\xff raw")
    assert put.status == 200
    done = client.post("jobs/job-1/finish", {"attempt": 1, "status": "ok", "count": 5, "digest": digest(sent)})
    assert done.status == 200
    assert [event["seq"] for event in post.events_after("job-1", 1)] == [1, 2, 3, 4, 5]
    state = post.state_of("job-1")
    assert (state.state, state.status, state.digest_ok) == ("finished", "ok", True)
    assert b"".join(post.upload("job-1", 1, "s1")) == b"\x00\xff raw"


def test_a_claim_is_won_once(served: Served, member: Member, client: Client) -> None:
    posted(served)
    first = client.post("jobs/job-1/claim", {"attempt": 1, "key": "a" * 16})
    repeated = client.post("jobs/job-1/claim", {"attempt": 1, "key": "a" * 16})
    other = client.post("jobs/job-1/claim", {"attempt": 1, "key": "b" * 16})
    fenced = client.post("jobs/job-1/claim", {"attempt": 2})
    assert [reply.status for reply in (first, repeated, other, fenced)] == [200, 200, 409, 409]
    assert first.json["envelope"] == repeated.json["envelope"]


def test_events_are_taken_once_in_order(served: Served, member: Member, client: Client) -> None:
    posted(served)
    begin(client)
    sent = heads("job-1", 6)
    for first, texts, status, awaited in (
        (1, sent[:2], 200, 3), (1, sent[:2], 200, 3), (1, sent[:4], 200, 5), (6, sent[5:], 416, 5),
        (5, sent[4:], 200, 7),
    ):
        reply = client.post("jobs/job-1/events", {"attempt": 1, "first_seq": first, "heads": texts})
        assert (reply.status, reply.json["next_seq"]) == (status, awaited)


def test_a_packed_batch_is_the_same_as_a_plain_one(served: Served, member: Member, client: Client) -> None:
    posted(served)
    begin(client)
    body = gzip.compress(json.dumps({"attempt": 1, "first_seq": 1, "heads": heads("job-1", 1000)}).encode())
    reply = client.request("POST", "jobs/job-1/events", body, headers={"Content-Encoding": "gzip"})
    assert (reply.status, reply.json["next_seq"]) == (200, 1001)


def test_an_upload_goes_on_from_where_it_is(served: Served, member: Member, client: Client) -> None:
    posted(served)
    begin(client)
    assert client.request("PUT", "jobs/job-1/uploads/s?attempt=1&offset=0", b"abc").status == 200
    again = client.request("PUT", "jobs/job-1/uploads/s?attempt=1&offset=0", b"abc")
    gap = client.request("PUT", "jobs/job-1/uploads/s?attempt=1&offset=9", b"x")
    assert again.status == 200
    assert (gap.status, gap.json["next_seq"]) == (416, 3)


def test_a_file_comes_from_who_has_the_job(served: Served, member: Member, client: Client) -> None:
    posted(served)
    for verb in ("claim", "start"):
        assert client.post(f"jobs/job-1/{verb}", {"attempt": 1, "key": "a" * 16}).status == 200
    put = "jobs/job-1/uploads/s?attempt=1&offset=0&last=1&key="
    refused = client.request("PUT", put + "b" * 16, b"abc")
    assert (refused.status, refused.code) == (409, "job_claimed_by_twin")
    assert client.request("PUT", put + "a" * 16, b"abc").status == 200


def test_what_the_host_says_of_a_file_comes_along_byte_for_byte(served: Served, member: Member, client: Client) -> None:
    post = posted(served)
    begin(client)
    said = {"path": "/etc/na\udcffme & x=1", "size": 3, "mode": 0o640}
    query = urlencode({"attempt": 1, "offset": 0, "last": 1, "meta": json.dumps(said)})
    assert client.request("PUT", f"jobs/job-1/uploads/s?{query}", b"abc").status == 200
    (upload,) = post.uploads("job-1", 1)
    assert (upload.stream, upload.size, upload.complete, upload.meta) == ("s", 3, True, said)


@pytest.mark.parametrize("meta", ["[]", "x", "1", '{"a":' * 5000, '{"path": "' + "x" * 20_000 + '"}'],
                         ids=["list", "text", "number", "nested", "long"])
def test_what_is_said_of_a_file_is_bounded(served: Served, member: Member, client: Client, meta: str) -> None:
    posted(served)
    begin(client)
    query = urlencode({"attempt": 1, "offset": 0, "meta": meta})
    assert client.request("PUT", f"jobs/job-1/uploads/s?{query}", b"abc").status == 400


@pytest.mark.parametrize("stream", ["..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "a%00b", "%ff%fe", "-rf", "x" * 300])
def test_a_streams_name_is_no_path(served: Served, member: Member, client: Client, stream: str) -> None:
    posted(served)
    begin(client)
    before = sorted(path.name for path in served.state.rglob("*"))
    reply = client.request("PUT", f"jobs/job-1/uploads/{stream}?attempt=1&offset=0&last=1", b"x")
    assert reply.status in (200, 400, 404)
    after = sorted(path.name for path in served.state.rglob("*"))
    assert [name for name in after if not name.startswith("orch.db")] == [
        name for name in before if not name.startswith("orch.db")]


def test_a_heartbeat_says_which_jobs_are_not_wanted(served: Served, member: Member, client: Client) -> None:
    posted(served)
    begin(client)
    reply = client.post("heartbeat", {"running": [["job-1", 1], ["no-such", 1]], "stats": {"rss_bytes": 1}})
    assert reply.json["orders"]["gone"] == ["no-such"]


def test_logs_are_kept_for_the_operator(served: Served, member: Member, client: Client) -> None:
    assert client.post("logs", {"lines": ["first", "zwei \u20ac", "\x1b[2J"]}).status == 200
    agent = served.desk.registry.find("web1")
    assert [line.text for line in served.desk.registry.log_lines(agent)] == ["first", "zwei \u20ac", "\x1b[2J"]


WRONG = {
    "no attempt": ("claim", {}),
    "attempt 0": ("claim", {"attempt": 0}),
    "attempt as text": ("claim", {"attempt": "1"}),
    "huge attempt": ("claim", {"attempt": 1 << 70}),
    "no heads": ("events", {"attempt": 1, "first_seq": 1, "heads": []}),
    "heads with lines": ("events", {"attempt": 1, "first_seq": 1, "heads": ["{}\n{}"]}),
    "too many heads": ("events", {"attempt": 1, "first_seq": 1, "heads": ["{}"] * 1001}),
    "seq 0": ("events", {"attempt": 1, "first_seq": 0, "heads": ["{}"]}),
    "unknown end": ("finish", {"attempt": 1, "status": "splendid", "count": 0, "digest": ""}),
    "negative count": ("finish", {"attempt": 1, "status": "ok", "count": -1, "digest": ""}),
    "a list": ("start", [1]),
}


@pytest.mark.parametrize(("verb", "body"), WRONG.values(), ids=WRONG.keys())
def test_what_makes_no_sense_is_400_and_changes_nothing(served: Served, member: Member, client: Client, verb: str,
                                                        body: object) -> None:
    post = posted(served)
    before = post.state_of("job-1")
    reply = client.post(f"jobs/job-1/{verb}", body)
    assert reply.status == 400 and reply.json["detail"]
    assert post.state_of("job-1") == before
