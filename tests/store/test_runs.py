"""A run's life: started, driven by one process at a time, cancelled, ended, resumed, deleted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestrator.errors import StoreError
from orchestrator.store import RunRecord, Store
from orchestrator.store.records import now
from orchestrator.store.sqlite import Sqlite
from tests.store.conftest import Open
from tests.store.results import RUN, result

DRIVER = """
import sys, time
from orchestrator.store import RunRecord, Store
from tests.store.results import RUN, result
store = Store(sys.argv[1]); store.open()
store.start_run(RunRecord(id=RUN, playbooks=["site.yml"]))
number = 0
while True:
    number += 1
    store.record(result(seq=number))
    store.record(result(seq=-number - 10**6))  # a pair is in one transaction, or not at all
    store.flush()
    print(number, flush=True)
"""
ELSEWHERE = 'UPDATE runs SET "lease_host" = ?, "heartbeat" = ? WHERE "id" = ?'
COUNTS = {"ok": 3, "changed": 1, "unreachable": 0, "failed": 1, "skipped": 2, "rescued": 0, "ignored": 0,
          "interrupted": 0, "cancelled": 0, "lost": 0}


@pytest.fixture
def driver(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that drives the run and stores results as fast as it can."""
    Store(url).open()
    process = subprocess.Popen([sys.executable, "-c", DRIVER, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_a_run_comes_back_as_it_was_started(store: Store, open_store: Open) -> None:
    run = RunRecord(id="r2", playbooks=["a.yml"], inventory=["hosts"], limit="web:!x", check_mode=True,
                    options={"tags": ["all"], "extra_vars": {"x": [1]}}, content_digest="ab", cwd="/srv",
                    user="root\udcff", hosts=["h1"])
    store.start_run(run)
    found = open_store().show_run("r2")
    assert found is not None
    assert found.status == "running"
    for name in ("playbooks", "inventory", "limit", "check_mode", "options", "content_digest", "cwd", "user", "hosts",
                 "started"):
        assert getattr(found, name) == getattr(run, name), name


def test_an_unknown_run_is_nothing_to_show_and_an_error_to_change(store: Store) -> None:
    assert store.show_run("nope") is None
    for act in (store.resume_run, store.request_cancel):
        with pytest.raises(StoreError, match="there is no run 'nope'"):
            act("nope")


def test_a_run_is_started_once(store: Store) -> None:
    with pytest.raises(StoreError, match="already") as caught:
        store.start_run(RunRecord(id=RUN))
    assert "--resume" in str(caught.value.hint)


def test_an_ended_run_has_status_recap_and_a_row_per_host(store: Store) -> None:
    store.record(result())
    store.finish_run(RUN, "failed", {"web1": COUNTS, "web\udcff": {**COUNTS, "failed": 0}})
    run = store.show_run(RUN)
    assert run is not None
    assert (run.status, run.lease_token, run.lease_pid) == ("failed", None, None)
    assert run.ended is not None
    assert run.recap["web1"] == COUNTS
    assert store.recaps(RUN) == {"web1": COUNTS, "web\udcff": {**COUNTS, "failed": 0}}
    assert len(store.results(RUN)) == 1


def test_a_run_cannot_end_as_something_else(store: Store) -> None:
    with pytest.raises(ValueError, match="cannot end as 'fine'"):
        store.finish_run(RUN, "fine", {})


def test_runs_are_listed_latest_first_in_pages(store: Store) -> None:
    for number in range(5):
        store.start_run(RunRecord(id=f"r{number}", started=now() + timedelta(seconds=number + 1)))
    assert [run.id for run in store.list_runs(limit=3)] == ["r4", "r3", "r2"]
    assert [run.id for run in store.list_runs(limit=3, offset=3)] == ["r1", "r0", RUN]


def test_cancelling_reaches_the_process_that_drives_the_run(store: Store, open_store: Open) -> None:
    assert store.heartbeat(RUN) is False
    open_store().request_cancel(RUN)
    assert store.heartbeat(RUN) is True
    assert store.cancel_requested(RUN) is True


def test_resuming_refuses_while_a_living_process_has_the_run(driver: subprocess.Popen[str], open_store: Open) -> None:
    with pytest.raises(StoreError, match=f"process {driver.pid}") as caught:
        open_store().resume_run(RUN)
    assert caught.value.code == "store_run_alive"


def test_a_run_whose_process_was_killed_reads_as_interrupted_and_can_be_resumed(
    driver: subprocess.Popen[str], open_store: Open
) -> None:
    driver.kill()
    driver.wait()
    store = open_store()
    run = store.show_run(RUN)
    assert run is not None
    assert (run.status, run.ended) == ("interrupted", run.heartbeat)
    store.request_cancel(RUN)
    store.resume_run(RUN)
    resumed = store.show_run(RUN)
    assert resumed is not None
    assert (resumed.status, resumed.resumes, resumed.cancel_requested) == ("running", 1, False)


def test_kill_9_in_the_middle_of_flushing_loses_nothing_that_was_flushed(
    driver: subprocess.Popen[str], open_store: Open
) -> None:
    time.sleep(0.3)
    driver.kill()
    assert driver.stdout is not None
    flushed = [int(line) for line in driver.stdout.read().split()]
    driver.wait()
    seqs = {r.seq for r in open_store().results(RUN, after=-10**9)}
    positive = {seq for seq in seqs if seq > 0}
    assert positive == set(range(1, max(positive) + 1))
    assert max(positive) in (max(flushed, default=5), max(flushed, default=5) + 1)
    assert seqs == positive | {-seq - 10**6 for seq in positive}, "half a transaction was stored"


def test_readers_see_whole_flushes_while_another_process_writes(
    driver: subprocess.Popen[str], open_store: Open
) -> None:
    store = open_store()
    counts = [len(store.results(RUN, after=-10**9)) for _ in range(20)]
    assert all(count % 2 == 0 for count in counts)
    assert counts == sorted(counts)
    assert driver.poll() is None


def test_a_process_that_was_stopped_and_replaced_writes_nothing_more(store: Store, open_store: Open, url: str) -> None:
    store.record(result())
    store.flush()
    other = open_store()
    forget_lease(other)
    other.resume_run(RUN)
    store.record(result())
    for act in (store.flush, lambda: store.finish_run(RUN, "ok", {})):
        with pytest.raises(StoreError, match="taken over") as caught:
            act()
        assert caught.value.code == "store_lease_lost"
    assert len(other.results(RUN)) == 1


def forget_lease(store: Store) -> None:
    """As if the process that has it were on a machine that fell silent a minute ago."""
    silent = store._database.write["time"](now() - timedelta(minutes=1))
    store._database.execute(ELSEWHERE, ("far/x/y", silent, RUN))


def test_a_process_elsewhere_is_alive_as_long_as_its_heart_beats(store: Store, open_store: Open) -> None:
    fresh = store._database.write["time"](now() - timedelta(seconds=20))
    store._database.execute(ELSEWHERE, ("far/x/y", fresh, RUN))
    with pytest.raises(StoreError, match="on far"):
        open_store().resume_run(RUN)
    forget_lease(store)
    open_store().resume_run(RUN)


def test_a_stopped_process_on_this_machine_still_has_its_run(driver: subprocess.Popen[str], open_store: Open) -> None:
    store = open_store()
    is_sqlite = isinstance(store._database, Sqlite)
    if is_sqlite:  # not half a minute
        store._database.execute("PRAGMA busy_timeout = 500")
    os.kill(driver.pid, signal.SIGSTOP)
    try:
        # Stopped between two writes it holds the lease; in the middle of one, SQLite's lock as well.
        with pytest.raises(StoreError, match="being driven|locked by another process"):
            store.resume_run(RUN)
    finally:
        os.kill(driver.pid, signal.SIGCONT)


def test_deleting_old_runs_never_touches_a_running_one(store: Store) -> None:
    for number in range(4):
        run_id = f"r{number}"
        store.start_run(RunRecord(id=run_id, started=now() - timedelta(days=10 - number)))
        store.record(result(run_id=run_id))
        store.record_event(run_id, "note", {})
        if number:
            store.finish_run(run_id, "ok", {"web1": COUNTS})
    assert store.delete_runs() == []
    assert store.delete_runs(before=now() - timedelta(days=8, hours=12)) == ["r1"]
    assert store.delete_runs(keep=1) == ["r3", "r2"]
    assert {run.id for run in store.list_runs()} == {RUN, "r0"}
    assert (store.results("r1"), store.events("r1"), store.recaps("r1")) == ([], [], {})
    assert len(store.results("r0")) == 1
