"""Replies come whole, or not at all: cut at any byte, in any pieces."""

from __future__ import annotations

import pytest

from agentlet.pull.httpwire import BadReply, Reply, ReplyReader, request

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two:  b \r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def read(data: bytes, step: int = 1 << 20, limit: int = 100) -> Reply | None:
    reader = ReplyReader(limit)
    for at in range(0, len(data), step):
        reply = reader.feed(data[at:at + step])
        if reply is not None:
            assert at + step >= len(data)
            return reply
    return None


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, EARLY], ids=["length", "chunks", "100 before"])
@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_a_reply_is_the_same_in_whatever_pieces(data: bytes, step: int) -> None:
    reply = read(data, step)
    assert reply and (reply.status, reply.body, reply.keeps_alive) == (200, b"hello", True)


def test_a_reply_without_a_body() -> None:
    reply = read(EMPTY)
    assert reply and (reply.status, reply.body) == (204, b"")


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, EMPTY], ids=["length", "chunks", "empty"])
def test_a_reply_that_is_cut_anywhere_is_none(data: bytes) -> None:
    for cut in range(len(data)):
        reader = ReplyReader(100)
        if cut:
            assert reader.feed(data[:cut]) is None
        with pytest.raises(BadReply):
            reader.feed(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhellooo\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"x" * 70_000,
    ],
    ids=["too large", "negative", "twice", "no length", "no chunk size", "chunk without end", "chunk too large",
         "no header", "no HTTP", "no end of the head"],
)
def test_anything_else_is_a_bad_reply(data: bytes) -> None:
    with pytest.raises(BadReply):
        ReplyReader(100).feed(data)


def test_more_than_was_announced_ends_the_connection() -> None:
    reply = read(PLAIN + b"HTTP/1.1 200")
    assert reply and (reply.body, reply.keeps_alive) == (b"hello", False)


def test_a_request_says_how_long_it_is() -> None:
    assert request("POST", "/a?b=c", "h:1", [("X-A", "b")], b"xy") == (
        b"POST /a?b=c HTTP/1.1\r\nHost: h:1\r\nAccept-Encoding: identity\r\nX-A: b\r\nContent-Length: 2\r\n\r\nxy")


@pytest.mark.parametrize(
    ("target", "value"), [("/a\r\nX: y", "b"), ("/a b", "c"), ("/a", "b\r\nX: y"), ("/a", "b\nX: y")])
def test_nobody_adds_a_header_to_a_request(target: str, value: str) -> None:
    with pytest.raises(ValueError):
        request("GET", target, "h", [("X-A", value)], b"")
