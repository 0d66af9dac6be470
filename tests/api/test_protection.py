"""Bounds between the network and the handlers."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
import zlib
from typing import Any

import pytest

from api.problems import Problem
from api.protection import MAX_BODY_BYTES, MAX_PLAIN_BYTES, RateLimit, bounded, plain_body
from tests.api.gateway import Client, Member, Served, claims
from tests.api.jobs import posted

BOMB = zlib.compressobj(9, zlib.DEFLATED, 31)
BOMB_BYTES = BOMB.compress(b"\0" * (MAX_PLAIN_BYTES + 1)) + BOMB.flush()
PACKED = {
    "plain": (None, b"{}", 0),
    "identity": ("identity", b"{}", 0),
    "packed": ("gzip", gzip.compress(b"{}"), 0),
    "the most": ("gzip", gzip.compress(b"\0" * MAX_PLAIN_BYTES, 1), 0),
    "a bomb": ("gzip", BOMB_BYTES, 413),
    "truncated": ("gzip", gzip.compress(b"{}" * 100)[:-5], 400),
    "trailing": ("gzip", gzip.compress(b"{}") + b"x", 400),
    "no gzip": ("gzip", b"{}", 400),
    "another encoding": ("br", b"{}", 415),
    "twice": ("gzip, gzip", gzip.compress(gzip.compress(b"{}")), 415),
}


@pytest.mark.parametrize(("encoding", "body", "status"), PACKED.values(), ids=PACKED.keys())
def test_bodies_are_unpacked_within_bounds(encoding: str | None, body: bytes, status: int) -> None:
    if not status:
        assert plain_body(encoding, body).strip(b"\0") in (b"{}", b"")
        return
    with pytest.raises(Problem) as caught:
        plain_body(encoding, body)
    assert caught.value.status == status


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(("levels", "status"), [(20, 401), (40, 400)])
def test_facts_may_be_nested_only_so_deep(served: Served, levels: int, status: int) -> None:
    with served.client() as client:
        assert client.post("enrol", claims("x" * 43, None) | {"facts": nested(levels)}).status == status


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"token": "x", "facts": ' + b"[" * 50_000],
                         ids=["lists", "objects", "facts"])
def test_a_flood_of_brackets_is_400(served: Served, body: bytes) -> None:
    with served.client() as client:
        assert client.request("POST", "enrol", body).status == 400


def test_bounded_names_what_is_too_deep() -> None:
    with pytest.raises(Problem, match="facts"):
        bounded(nested(40), "facts")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served: Served, member: Member) -> None:
    with served.client(member) as client:
        reply = client.request("POST", "logs", b"x" * (MAX_BODY_BYTES + 1))
        assert (reply.status, reply.code) == (413, "body_too_large")
    with served.client(member) as client:
        assert client.request("POST", "logs", b"x" * MAX_BODY_BYTES).status == 400, "no JSON, but not too large"


def test_a_body_in_chunks_is_bounded_too(served: Served, member: Member) -> None:
    with served.client(member) as client:
        reply = raw(client, b"POST /agent/v1/logs HTTP/1.1\r\nHost: x\r\nOrch-Protocol: 1\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n" + b"40000\r\n" + b"x" * 0x40000 + b"\r\n", repeat=5)
        assert b" 413 " in reply.split(b"\r\n")[0]


def test_a_bomb_over_the_wire_is_413(served: Served, member: Member) -> None:
    with served.client(member) as client:
        reply = client.request("POST", "logs", BOMB_BYTES, headers={"Content-Encoding": "gzip"})
    assert reply.status == 413


def test_a_body_that_breaks_off_does_nothing(served: Served, member: Member) -> None:
    post = posted(served)
    body = json.dumps({"attempt": 1}).encode()
    head = b"POST /agent/v1/jobs/job-1/claim HTTP/1.1\r\nHost: x\r\nOrch-Protocol: 1\r\nContent-Length: %d\r\n\r\n"
    with served.client(member) as client:
        connection = opened(client)
        connection.sendall(head % (len(body) + 10) + body)
        time.sleep(0.1)
    time.sleep(0.2)
    assert post.state_of("job-1").state == "queued"


@pytest.mark.parametrize("sent", [b"", b"GET /agent/v1/poll HTTP/1.1\r\n",
                                  b"POST /agent/v1/enrol HTTP/1.1\r\nOrch-Protocol: 1\r\nContent-Length: 100\r\n\r\n{"],
                         ids=["nothing", "half a head", "half a body"])
def test_a_client_that_is_too_slow_is_cut_off(served: Served, member: Member, monkeypatch: pytest.MonkeyPatch,
                                              sent: bytes) -> None:
    monkeypatch.setattr("api.tls.REQUEST_LIMIT_S", 0.5)
    with served.client(member) as client:
        connection = opened(client)
        connection.sendall(sent)
        began = time.monotonic()
        for _ in range(100):
            try:
                if not connection.recv(1):
                    break
            except (ConnectionError, ssl.SSLError):
                break
    assert 0.3 < time.monotonic() - began < 30, "long before the minute that others have"


def test_a_slow_client_keeps_nobody_waiting(served: Served, member: Member) -> None:
    with served.client(member) as slow, served.client(member) as quick:
        opened(slow).sendall(b"POST /agent/v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        began = time.monotonic()
        assert quick.get("config").status == 200
        assert time.monotonic() - began < 30, "the slow one has a minute"


@pytest.mark.parametrize("head", [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01" + b"\0" * 50,
                                  b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
                                  b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
                                  b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
                                  b"POST /agent/v1/enrol HTTP/1.1\r\nContent-Length: -1\r\n\r\n"],
                         ids=["garbage", "version", "tls in tls", "long path", "many headers", "lengths", "negative"])
def test_what_is_no_request_harms_nobody(served: Served, member: Member, head: bytes) -> None:
    with served.client() as client:
        try:
            raw(client, head)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass
    with served.client(member) as client:
        assert client.get("config").status == 200


def test_tries_are_saved_up_and_keys_are_bounded() -> None:
    now = [0.0]
    limit = RateLimit(6, most_keys=3, clock=lambda: now[0])
    assert [limit.take("a") for _ in range(6)] == [0.0] * 6
    assert limit.take("a") == pytest.approx(10.0)
    now[0] = 9.0
    assert limit.take("a") == pytest.approx(1.0)
    now[0] = 10.5
    assert limit.take("a") == 0.0
    assert limit.take("b") == 0.0
    for key in "cdefgh":
        limit.take(key)
    assert len(limit._left) == 3


def opened(client: Client) -> socket.socket:
    client._connection.connect()
    found: socket.socket = client._connection.sock
    return found


def raw(client: Client, data: bytes, repeat: int = 1) -> bytes:
    """What is answered to these bytes; the last chunk of them may be sent several times."""
    connection = opened(client)
    head, mark, chunk = data.partition(b"\r\n\r\n")
    connection.sendall(head + mark)
    for _ in range(repeat):
        try:
            connection.sendall(chunk)
        except (ConnectionError, ssl.SSLError):
            break
    return connection.recv(65536)
