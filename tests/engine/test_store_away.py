"""A store that does not answer for a moment ends no run: it is cut off, and goes on from what is stored."""

from __future__ import annotations

import pytest

from orchestrator.engine.launch import launch
from orchestrator.engine.options import RunOptions
from orchestrator.engine.setup import Secrets, prepare
from orchestrator.errors import StoreError
from orchestrator.events import RunEnded
from orchestrator.store import Store

SITE = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: one, debug: {msg: one}}
    - {name: two, debug: {msg: two}}
"""


async def test_a_result_that_cannot_be_stored_leaves_the_run_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "site.yml").write_text(SITE)
    bench = prepare(RunOptions(playbooks=(str(tmp_path / "site.yml"),), inventory=("h1,",)), Secrets())
    flush, refusals = Store.flush, [StoreError("the store is away")]

    def flushed(store):
        if store._results and refusals:
            raise refusals.pop()
        flush(store)

    monkeypatch.setattr(Store, "flush", flushed)
    events = []
    with pytest.raises(StoreError, match="is away"):
        await launch(bench, state_dir=tmp_path, store_url=None, emit=events.append)
    assert not any(isinstance(event, RunEnded) for event in events)
    with Store(str(tmp_path / "orch.db")) as store:
        (run,) = store.list_runs()
        assert (run.status, run.ended) == ("running", None)
        assert [result.task_name for result in store.results(run.id)] == ["one"], "it was stored when that went again"
