"""One text for one job; a signature that fits no other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agents.envelope import Envelope, from_text, sign, to_text, verify

KEY = bytes(range(32))
ENVELOPE = Envelope(
    host="web1", run="r1", job="j1", tasks=[{"id": "t", "module": "copy", "args": {"dest": "/ü\udcff"}}], attempt=2,
    agent="a1", priority=5, created=1, expires=2, deadline_s=1.5, check=True, diff=True,
    sources=[("modules.copy", "ab" * 32, 10)], blobs=[("cd" * 32, 11)], secrets={"s": "hush"})


def test_it_comes_back_as_it_was() -> None:
    assert from_text(to_text(ENVELOPE)) == ENVELOPE


def test_the_text_is_canonical() -> None:
    text = to_text(ENVELOPE)
    assert text == to_text(from_text(text))
    assert text.isascii() and " " not in text.replace("\\u", "")
    values = json.loads(text)
    assert values["v"] == 1 and list(values) == sorted(values)


@pytest.mark.parametrize("field", ["host", "run", "job", "attempt", "agent", "expires", "tasks", "blobs", "secrets"])
def test_whatever_is_altered_the_signature_fits_no_more(field: str) -> None:
    text = to_text(ENVELOPE)
    signature = sign(text, KEY)
    values = json.loads(text)
    values[field] = values[field] + values[field] if isinstance(values[field], str | int | list) else {}
    assert verify(text, signature, KEY)
    assert not verify(json.dumps(values, sort_keys=True, separators=(",", ":")), signature, KEY)


@pytest.mark.parametrize("signature", ["", "0" * 64, "none", "ü" * 64, sign(to_text(ENVELOPE), bytes(32))])
def test_unsigned_or_signed_with_another_key_is_refused(signature: str) -> None:
    assert not verify(to_text(ENVELOPE), signature, KEY)


def test_nan_is_no_job() -> None:
    with pytest.raises(ValueError):
        to_text(Envelope(host="h", run="r", job="j", tasks=[{"x": float("nan")}]))


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_any_tasks_travel(args: dict[str, object]) -> None:
    envelope = Envelope(host="h", run="r", job="j", tasks=[{"id": "t", "args": args}])
    text = to_text(envelope)
    assert from_text(text) == envelope and verify(text, sign(text, KEY), KEY)
