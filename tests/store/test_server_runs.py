"""Runs of a server in the store: queued rows that are started, handed over, and taken from who fell silent."""

from __future__ import annotations

import time

import pytest

from orchestrator.errors import StoreError
from orchestrator.events import TaskResult
from orchestrator.store import RunRecord
from orchestrator.store.lease import awake_s
from orchestrator.store.records import QUEUED, RUNNING, now
from tests.store.results import RUN

WANTED = RunRecord(id="q1", playbooks=["/srv/site.yml"], hosts=["a", "b", "c"], content_digest="d1", cwd="/srv",
                   options={"own": True}, user="root")


def queue(store, **more):
    """A row as a launch makes it."""
    values = {"id": "q1", "status": QUEUED, "hosts": ["a"], "user": "ann", "options": {"asked": True},
              "queued": now(), **more}
    store.start_run(RunRecord(**values))
    store.finish_run("q1", "ok", {})
    with store._database.transaction():
        store._update("q1", {"status": QUEUED, "ended": None, "content_digest": ""})


def test_a_queued_run_that_is_started_keeps_who_asked_and_what_for(store):
    queue(store, priority=7)
    store.start_run(WANTED)
    run = store.show_run("q1")
    assert (run.status, run.user, run.options, run.hosts, run.priority) == (RUNNING, "ann", {"asked": True}, ["a"], 7)
    assert (run.content_digest, run.cwd, run.playbooks) == ("d1", "/srv", ["/srv/site.yml"])
    with pytest.raises(StoreError, match="there is a run q1 already"):
        store.start_run(WANTED)


def test_a_run_handed_over_waits_for_another_process_and_this_one_writes_no_more(store, open_store):
    queue(store)
    store.start_run(WANTED)
    store.record(TaskResult("q1", "p", "p", "t", "t", "f:1", "command", "a", "ok"))
    store.hand_over("q1")
    run = store.show_run("q1")
    assert (run.status, run.lease_token, run.worker_id) == (QUEUED, None, None)
    other = open_store()
    assert other.resume_run("q1").content_digest == "d1"
    assert len(other.results("q1")) == 1
    with pytest.raises(StoreError) as refused:
        store._held["q1"] = now()
        store.record(TaskResult("q1", "p", "p", "t2", "t", "f:1", "command", "a", "ok"))
        store.flush()
    assert refused.value.code == "store_lease_lost"
    store._held.pop("q1")
    assert len(other.results("q1")) == 1


def test_a_holder_that_is_there_but_silent_loses_its_run_where_that_counts(store, open_store):
    other = open_store()
    with pytest.raises(StoreError, match="is being driven by process"):
        other.resume_run(RUN)
    with pytest.raises(StoreError, match="is being driven by process"):
        other.resume_run(RUN, silence_s=60)
    time.sleep(0.3)
    other.resume_run(RUN, silence_s=0.2)
    with pytest.raises(StoreError) as refused:
        store.record_event(RUN, "Notice", {})
        store.flush()
    assert refused.value.code == "store_lease_lost"


def test_a_servers_run_is_taken_over_and_so_does_not_read_as_interrupted(store):
    queue(store)
    store.start_run(WANTED)
    with store._database.transaction():
        store._update("q1", {"lease_pid": 2**22 + 1, "lease_born": "1"})
    assert store.show_run("q1").status == RUNNING


def test_retention_leaves_what_waits_and_takes_slices_with_their_run(store):
    queue(store)
    store.start_run(RunRecord(id="p1"))
    store.start_run(RunRecord(id="p1.0", parent_id="p1", slice=0))
    store.finish_run("p1.0", "ok", {})
    store.finish_run("p1", "ok", {})
    assert "p1.0" not in [run.id for run in store.list_runs()]
    assert store.delete_runs(before=now()) == ["p1"]
    assert store.show_run("p1.0") is None and store.show_run("q1") is not None


def test_a_lease_is_as_old_as_its_last_renewal_and_a_lost_one_is_not_renewed(store, open_store):
    time.sleep(0.2)
    assert store.lease_age_s() >= 0.2
    began = awake_s()
    store.renew()
    assert store.lease_age_s() <= awake_s() - began
    open_store().resume_run(RUN, silence_s=0.0)
    with pytest.raises(StoreError) as refused:
        store.renew()
    assert refused.value.code == "store_lease_lost"
    store._held.clear()
