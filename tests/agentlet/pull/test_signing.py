"""What is not signed with this agentlet's key, or not meant for it now, does not run."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from agentlet.pull import signing, update
from agentlet.pull.faults import AgentletError, EnvelopeRefused
from orchestrator.agents import envelope as envelopes

KEY = b"k" * 32
NOW = 1_800_000_000.0


def sealed(key: bytes = KEY, **fields: Any) -> tuple[str, str]:
    values: dict[str, Any] = {"host": "web1", "run": "r", "job": "j", "tasks": [], "agent": "a1", "attempt": 2,
                              "expires": int(NOW) + 10, **fields}
    text = envelopes.to_text(envelopes.Envelope(**values))
    return text, envelopes.sign(text, key)


def opened(text: Any, signature: Any, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = signing.open_envelope(text, signature, [KEY.hex()], "a1", "web1", NOW, **options)
    return found


def test_what_the_server_signed_is_opened() -> None:
    assert opened(*sealed(), last_attempt=1, job="j", attempt=2)["attempt"] == 2


def test_a_job_that_was_signed_before_a_renewal_is_opened() -> None:
    text, signature = sealed(b"o" * 32)
    keys = [KEY.hex(), (b"o" * 32).hex()]
    assert signing.open_envelope(text, signature, keys, "a1", "web1", NOW)["job"] == "j"


@pytest.mark.parametrize(
    ("made", "options", "code"),
    [
        (sealed(b"x" * 32), {}, "bad_signature"),
        ((sealed()[0], ""), {}, "bad_signature"),
        ((sealed()[0], None), {}, "bad_signature"),
        ((None, None), {}, "bad_signature"),
        ((sealed()[0].replace('"web1"', '"web2"'), sealed()[1]), {}, "bad_signature"),
        ((sealed()[0] + " ", sealed()[1]), {}, "bad_signature"),
        (sealed(agent="a2"), {}, "foreign"),
        (sealed(host="web2"), {}, "foreign"),
        (sealed(job="other"), {"job": "j", "attempt": 2}, "foreign"),
        (sealed(attempt=3), {"job": "j", "attempt": 2}, "foreign"),
        (sealed(expires=int(NOW)), {}, "expired"),
        (sealed(), {"last_attempt": 2}, "older_attempt"),
        (sealed(), {"last_attempt": 9}, "older_attempt"),
    ],
    ids=["another key", "no signature", "none", "nothing", "altered", "lengthened", "another agent", "another host",
         "another job", "another attempt", "expired", "the same attempt again", "an older attempt"],
)
def test_anything_else_is_refused_by_name(made: tuple[Any, Any], options: dict[str, Any], code: str) -> None:
    with pytest.raises(EnvelopeRefused) as caught:
        opened(*made, **options)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "[]", "null", '{"v": 0}', '{"v": 2}', '{"v": 1}', "[" * 100_000],
                         ids=["empty", "a list", "null", "older", "newer", "no fields", "deep"])
def test_rubbish_that_is_signed_is_refused_too(text: str) -> None:
    with pytest.raises(EnvelopeRefused):
        opened(text, envelopes.sign(text, KEY))


def test_a_request_is_signed_as_the_protocol_says() -> None:
    token = (b"t" * 32).hex()
    text = "POST\n/agent/v1/poll?wait=1\n" + hashlib.sha256(b"body").hexdigest() + "\n170\nabc"
    assert signing.request_signature(token, "POST", "/agent/v1/poll?wait=1", b"body", "170", "abc") == \
        hmac.new(b"t" * 32, text.encode(), hashlib.sha256).hexdigest()


def manifest(key: bytes = KEY, **values: Any) -> tuple[str, str]:
    text = json.dumps({"kind": "orch-agentlet-update", "v": 1, "agent": "a1", "version": "2", "sha256": "0" * 64,
                       "size": 10, "created": 50, **values})
    return text, envelopes.sign(text, key)


def test_a_manifest_is_signed_and_not_older_than_one_before() -> None:
    assert update.open_manifest(*manifest(), [KEY.hex()], "a1", 50)["version"] == "2"
    for made, newest in ((manifest(b"x" * 32), 0), (manifest(), 51), (manifest(size=0), 0),
                         (manifest(size=1 << 30), 0), (manifest(size="x"), 0), ((None, None), 0),
                         (manifest(agent="a2"), 0), (manifest(kind="job"), 0), (sealed(), 0)):
        with pytest.raises(AgentletError):
            update.open_manifest(*made, [KEY.hex()], "a1", newest)
