"""What is stored comes back as it was, on both databases."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from orchestrator.errors import StoreError
from orchestrator.store import Store
from tests.store.conftest import Open
from tests.store.results import AWKWARD_TEXT, FULL, MOMENT, RUN, result

ODD_VALUES: dict[str, tuple[Any, Any]] = {
    "bytes": (b"a\xff", "a\udcff"), "date": (date(2026, 1, 2), "2026-01-02"), "set": ({"b", "a"}, ["a", "b"]),
    "moment": (MOMENT, MOMENT.isoformat()), "nan": (math.nan, "nan"), "infinity": ([1, -math.inf], [1, "-inf"]),
    "int-key": ({1: "x"}, {"1": "x"}), "tuple-key": ({(1, 2): "x"}, {"(1, 2)": "x"}), "big": (2**80, 2**80),
    "nul": ("a\x00b", "a\x00b"), "surrogate": ("\udcff", "\udcff"), "tuple": ((1, 2), [1, 2]),
}


def test_every_field_comes_back_as_it_was(store: Store, open_store: Open) -> None:
    store.record(FULL)
    store.record(result(host="web2"))
    store.flush()
    first, second = open_store().results(RUN)
    assert first == FULL
    assert second == result(host="web2", seq=2)


@pytest.mark.parametrize("text", AWKWARD_TEXT.values(), ids=AWKWARD_TEXT)
def test_awkward_text_survives_in_columns_values_and_keys(store: Store, text: str) -> None:
    store.record(result(
        message=text, host=f"h{text[:200]}", item_label=text, values={"stdout": text, f"k{text}": [text]},
        diff=[{"before": text, "after": ""}], warnings=[text], trail=(text,)))
    store.flush()
    (found,) = store.results(RUN, host=f"h{text[:200]}")
    assert (found.message, found.item_label, found.warnings, found.trail) == (text, text, [text], (text,))
    assert found.values == {"stdout": text, f"k{text}": [text]}
    assert found.diff[0]["before"] == text


@pytest.mark.parametrize(("value", "stored"), ODD_VALUES.values(), ids=ODD_VALUES)
def test_what_json_has_no_word_for_becomes_text(store: Store, value: Any, stored: Any) -> None:
    store.record(result(values={"v": value}))
    store.flush()
    assert store.results(RUN)[0].values == {"v": stored}


def test_moments_are_utc_to_the_microsecond(store: Store) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    store.record(result(started=MOMENT.astimezone(east), ended=MOMENT.replace(microsecond=0)))
    store.flush()
    found = store.results(RUN)[0]
    assert found.started == MOMENT
    assert found.started.tzinfo is UTC
    assert found.ended == MOMENT.replace(microsecond=0)


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        store.record(result(started=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_the_journal_holds_the_latest_result_of_each_key(store: Store) -> None:
    for changes in ({"status": "failed"}, {"status": "ok", "attempt": 2}, {"item_index": 0}, {"path": "again"},
                    {"host": "web2"}):
        store.record(result(**changes))
    store.flush()
    journal = store.journal(RUN)
    assert set(journal) == {("web1", "p0/tasks/3", "", None), ("web1", "p0/tasks/3", "", 0),
                            ("web1", "p0/tasks/3", "again", None), ("web2", "p0/tasks/3", "", None)}
    assert journal["web1", "p0/tasks/3", "", None].status == "ok"


def test_results_are_numbered_on_after_a_restart(store: Store, open_store: Open) -> None:
    store.record(result())
    store.record(result(seq=7))
    store.flush()
    second = open_store()
    second.record(result())
    second.flush()
    assert [found.seq for found in second.results(RUN)] == [1, 7, 8]


def test_results_are_found_by_host_status_and_place(store: Store) -> None:
    for host, status in (("a", "ok"), ("b", "failed"), ("a", "unreachable"), ("a", "lost"), ("b", "skipped")):
        store.record(result(host=host, status=status))
    store.flush()
    seqs = {
        "host": [r.seq for r in store.results(RUN, host="a")],
        "failed": [r.seq for r in store.results(RUN, failed_only=True)],
        "after": [r.seq for r in store.results(RUN, after=3)],
        "page": [r.seq for r in store.results(RUN, after=1, limit=2)],
        "both": [r.seq for r in store.results(RUN, host="a", failed_only=True)], "none": store.results("other"),
    }
    assert seqs == {"host": [1, 3, 4], "failed": [2, 3, 4], "after": [4, 5], "page": [2, 3], "both": [3, 4], "none": []}


def test_nothing_is_stored_before_a_flush_and_all_of_it_after(store: Store, open_store: Open) -> None:
    other = open_store()
    for _ in range(250):
        store.record(result())
    store.record_event(RUN, "note", {"text": "hello"})
    assert (other.results(RUN), other.events(RUN)) == ([], [])
    store.flush()
    assert len(other.results(RUN)) == 250
    assert [(e.kind, e.values) for e in other.events(RUN)] == [("note", {"text": "hello"})]


def test_a_flush_that_fails_stores_nothing_and_keeps_everything(store: Store) -> None:
    store.record(result(seq=1))
    store.record(result(seq=2, run_id="unknown run"))
    with pytest.raises(StoreError):
        store.flush()
    assert store.results(RUN) == []
    store._results.pop()
    store.flush()
    assert [found.seq for found in store.results(RUN)] == [1]


def test_events_are_read_from_behind_the_last_one_seen(store: Store) -> None:
    for number in range(5):
        store.record_event(RUN, "tick", {"n": number})
    store.flush()
    seen = store.events(RUN, limit=2)
    assert [event.values["n"] for event in seen] == [0, 1]
    assert [event.values["n"] for event in store.events(RUN, after=seen[-1].id)] == [2, 3, 4]
    assert seen[0].at.tzinfo is UTC


def test_closing_flushes(store: Store, open_store: Open) -> None:
    store.record(result())
    store.close()
    assert len(open_store().results(RUN)) == 1


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError, match="not open"):
        store.results(RUN)


def test_records_from_many_threads_are_all_kept(store: Store) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def work(number: int) -> None:
        store.record(result(host=f"h{number}"))
        store.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(80)))
    found = store.results(RUN)
    assert sorted(r.seq for r in found) == list(range(1, 81))
    assert len({r.host for r in found}) == 80
