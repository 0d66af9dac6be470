"""What is between the network and the handlers: bounds on bodies, and on how often an address may try."""

from __future__ import annotations

import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar.types import Receive

from api.problems import Problem

MAX_BODY_BYTES = 1 << 20
MAX_PLAIN_BYTES = 8 << 20
"""Of a body that came as gzip: eight times what it may have as it is, and no more is ever unpacked."""
MAX_NESTING = 64
Body = TypeVar("Body")


async def read_body(length: str | None, receive: Receive) -> bytes:
    """The whole body as it was sent; 413 when it is above 1 MiB, 400 when the client goes away in the middle.

    How long it may take is `api.tls`'s to say.
    """
    if length is not None and (not length.isdecimal() or int(length) > MAX_BODY_BYTES):
        raise _too_large()
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(400, "body_truncated", "the request ended before its body did")
        part = message["body"]
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        parts.append(part)
        if not message["more_body"]:
            return b"".join(parts)


def _too_large() -> Problem:
    return Problem(413, "body_too_large", f"a request's body may have {MAX_BODY_BYTES} bytes",
                   headers={"Connection": "close"})


def plain_body(encoding: str | None, body: bytes) -> bytes:
    """The body unpacked. Another encoding than gzip: 415; damaged: 400; a bomb: 413, after 8 MiB at most."""
    if encoding in (None, "", "identity"):
        return body
    if encoding != "gzip":
        raise Problem(415, "encoding_unknown", "a body comes as it is or as gzip")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, MAX_PLAIN_BYTES)
    except zlib.error:
        raise Problem(400, "body_damaged", "the body is no gzip") from None
    if unpacker.unconsumed_tail:
        raise Problem(413, "body_too_large", f"a body may have {MAX_PLAIN_BYTES} bytes when it is unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise Problem(400, "body_truncated", "the body is no whole gzip")
    return plain


def parse(body: bytes, kind: type[Body]) -> Body:
    """The JSON body as the record of a request; 400 that names the field when it is not one."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(400, "request_invalid", f"the request is not as it should be: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, "request_invalid", "the body is no JSON") from None


def bounded(value: Any, name: str, levels: int = MAX_NESTING) -> None:
    """400 when lists and mappings within ``value`` are nested deeper: what comes later walks them recursively."""
    if levels < 0:
        raise Problem(400, "request_invalid", f"{name} is nested too deep: {MAX_NESTING} levels are the limit")
    if isinstance(value, dict):
        for inner in value.values():
            bounded(inner, name, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            bounded(inner, name, levels - 1)


class RateLimit:
    """So many tries per minute for each key, saved up while none are made; the keys remembered are bounded."""

    def __init__(self, per_minute: int, most_keys: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._most_keys = most_keys
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """0 when the try may be made; else the seconds until one may."""
        now = self._clock()
        left, since = self._left.pop(key, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
        wait_s = 0.0 if left >= 1 else (1 - left) * 60 / self._per_minute
        self._left[key] = (left if wait_s else left - 1, now)
        if len(self._left) > self._most_keys:
            self._left.popitem(last=False)
        return wait_s

    def check(self, key: str) -> None:
        """429 with Retry-After when ``key`` has tried too often."""
        wait_s = self.take(key)
        if wait_s:
            raise Problem(429, "too_many_requests", "too many tries from this address",
                          headers={"Retry-After": str(int(wait_s) + 1)})
