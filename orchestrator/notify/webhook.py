"""What is sent over HTTP: signed webhooks, Slack's kind of them, and pings.

A webhook is a POST of JSON with these headers:

    Orch-Delivery: 4711            the same in every try: who has seen it may drop it
    Orch-Occasion: run_failed
    Orch-Timestamp: 1763733600     seconds since 1970, when this try was made
    Orch-Signature: v1=…           HMAC-SHA256 in hex, keyed with the channel's signing key, over "timestamp.body"

A receiver computes the signature over the bytes it got, compares in constant time, and refuses a timestamp that is
more than five minutes off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestrator.notify import http
from orchestrator.notify.occasions import GOOD, slack_of
from orchestrator.notify.records import Delivery

Post = Callable[..., int]
JSON = {"Content-Type": "application/json"}


def signature(key: str, timestamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def send(delivery: Delivery, payload: Mapping[str, Any], secret: Mapping[str, Any], *, allowed: Sequence[str] = (),
         now: Callable[[], float] = time.time, post: Post = http.send) -> None:
    """POST it. Raises `NotSent` and, for an address that leads inside, `Refused`."""
    body = json.dumps({"id": delivery.id, **payload}, sort_keys=True).encode()
    timestamp = str(int(now()))
    headers = {**JSON, "Orch-Delivery": str(delivery.id), "Orch-Occasion": delivery.occasion,
               "Orch-Timestamp": timestamp, "Orch-Signature": signature(str(secret["signing_key"]), timestamp, body)}
    post("POST", str(secret["url"]), headers, body, allowed=allowed)


def send_slack(payload: Mapping[str, Any], secret: Mapping[str, Any], *, allowed: Sequence[str] = (),
               post: Post = http.send) -> None:
    post("POST", str(secret["url"]), JSON, json.dumps(slack_of(payload)).encode(), allowed=allowed)


def send_ping(delivery: Delivery, public: Mapping[str, Any], secret: Mapping[str, Any], *,
              allowed: Sequence[str] = (), post: Post = http.send) -> None:
    """Tell a dead-man's switch that all is well, or that it is not where the channel has an address for that.

    Nothing of the run is in it: whoever runs the switch learns that there was one.
    """
    url = secret["url"] if delivery.occasion in GOOD else secret.get("fail_url")
    if url:
        post(str(public.get("method", "GET")), str(url), {}, b"", allowed=allowed)
