"""The clockwork on both databases: what is due is launched once. Its clock says 21 November, 12:00 UTC."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from orchestrator.errors import StoreError
from orchestrator.scheduling.records import Schedule
from tests.agents.conftest import Clock
from tests.scheduling.conftest import ANN, BOB, REQUEST, ROOT, Process, Site, draft

HOUR, DAY = 3600, 86_400


def test_a_time_that_has_come_is_launched_once_as_its_owner(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(request={**REQUEST, "extra_vars": {"version": "1.2"}, "limit": "web"}))
    assert process.clockwork.tick() == 15.0, "it looks again in a while, whatever is due"
    clock.tick(15 * HOUR)
    process.clockwork.tick()
    process.clockwork.tick()
    run_id, = process.runs(made.id)
    request = process.launches.request_of(run_id)
    assert (request.extra_vars, request.limit, request.schedule_id) == ({"version": "1.2"}, "web", made.id)
    assert process.database.select('SELECT "user" FROM runs') == [("ann",)]
    assert process.fires(made.id) == [("22. 03:00", "launched")]


def test_it_wakes_when_the_next_time_comes(process: Process, clock: Clock) -> None:
    process.schedules.create(ANN, draft(timing="every 1m"))
    clock.tick(52)
    assert process.clockwork.tick() == 8.0


def test_any_number_of_processes_fire_each_time_once(site: Site, clock: Clock) -> None:
    processes = [site.start() for _ in range(4)]
    made = processes[0].schedules.create(ANN, draft(timing="every 1m", misfire="all", max_running=50, grace_s=HOUR))
    faults: list[Exception] = []

    def work(process: Process) -> None:
        try:
            for _ in range(5):
                process.clockwork.tick()
        except Exception as error:  # a test's thread: told below
            faults.append(error)

    clock.tick(20 * 60)
    threads = [threading.Thread(target=work, args=(one,)) for one in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults
    assert [outcome for _, outcome in processes[0].fires(made.id)] == ["launched"] * 20
    assert len(processes[0].runs(made.id)) == 20


def test_a_launch_that_a_dead_process_left_is_done_by_the_next_and_not_twice(site: Site, clock: Clock) -> None:
    first, second = site.start(), site.start()
    made = first.schedules.create(ANN, draft())
    clock.tick(15 * HOUR)
    launch = first.launches.launch

    def dies_after(*given: object) -> str:
        launch(*given)  # type: ignore[arg-type]
        raise StoreError("the process is gone")

    first.firing._launch = dies_after  # type: ignore[assignment]
    first.clockwork.tick()
    assert first.fires(made.id) == [("22. 03:00", "launching")]
    second.clockwork.tick()
    assert second.fires(made.id) == [("22. 03:00", "launching")], "it may be under way"
    clock.tick(61)
    second.clockwork.tick()
    assert second.fires(made.id) == [("22. 03:00", "launched")]
    assert len(second.runs(made.id)) == 1


def test_a_launch_that_never_reached_the_queue_is_done_by_the_next(site: Site, clock: Clock) -> None:
    first, second = site.start(), site.start()
    made = first.schedules.create(ANN, draft())
    clock.tick(15 * HOUR)

    def dies(*given: object) -> str:
        raise StoreError("the process is gone")

    first.firing._launch = dies  # type: ignore[assignment]
    first.clockwork.tick()
    clock.tick(61)
    second.clockwork.tick()
    assert len(second.runs(made.id)) == 1


def test_after_downtime_one_run_makes_up_and_the_rest_is_missed(process: Process, clock: Clock) -> None:
    process.listen("schedule_missed", "schedule_kept")
    made = process.schedules.create(ANN, draft(misfire="once"))
    clock.tick(3 * DAY)
    process.clockwork.tick()
    assert process.fires(made.id) == [("22. 03:00", "missed"), ("23. 03:00", "missed"), ("24. 03:00", "launched")]
    assert process.told() == [("schedule_missed", "nightly")], "once, not for each"
    assert process.open_alerts() == [f"schedule_missed:{made.id}"]


def test_a_run_that_has_not_ended_keeps_the_next_from_starting(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(timing="every 1h"))
    clock.tick(HOUR)
    process.clockwork.tick()
    clock.tick(HOUR)
    process.clockwork.tick()
    assert [outcome for _, outcome in process.fires(made.id)] == ["launched", "skipped"]
    process.end(process.runs()[0])
    clock.tick(HOUR)
    process.clockwork.tick()
    assert [outcome for _, outcome in process.fires(made.id)] == ["launched", "skipped", "launched"]


def test_what_waits_starts_when_the_run_before_it_has_ended(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(timing="every 1h", overlap="queue"))
    for _ in range(2):
        clock.tick(HOUR)
        process.clockwork.tick()
    assert [outcome for _, outcome in process.fires(made.id)] == ["launched", "waiting"]
    clock.tick(60)
    assert process.clockwork.tick() == 2.0, "it looks often while something waits"
    process.end(process.runs()[0])
    process.clockwork.tick()
    assert [outcome for _, outcome in process.fires(made.id)] == ["launched", "launched"]


def test_the_run_before_is_cancelled_and_then_the_next_starts(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(timing="every 1h", overlap="cancel"))
    for _ in range(2):
        clock.tick(HOUR)
        process.clockwork.tick()
    process.clockwork.tick()
    first, = process.runs()
    assert process.cancelled == [first], "once"
    process.end(first, "cancelled")
    process.clockwork.tick()
    assert [outcome for _, outcome in process.fires(made.id)] == ["launched", "launched"]


def test_it_catches_up_by_age_once_for_each_success(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(timing="@yearly", catch_up_age_s=2 * DAY))
    clock.tick(2 * DAY)
    process.clockwork.tick()
    assert process.fires(made.id) == [("23. 12:00", "launched")]
    process.end(process.runs()[0], "failed")
    clock.tick(DAY)
    process.clockwork.tick()
    assert len(process.runs()) == 1, "a failure is not tried again without end"
    process.schedules.run_now(ANN, made.id)
    process.end(process.runs()[1])
    clock.tick(2 * DAY + 1)
    process.clockwork.tick()
    assert len(process.runs()) == 3
    assert process.fires(made.id)[-1] == ("26. 12:00", "launched")


def test_a_locked_owner_stops_the_schedule_with_an_alert(process: Process, clock: Clock) -> None:
    process.listen("schedule_stopped")
    made = process.schedules.create(ANN, draft())
    process.locked.add("ann")
    clock.tick(15 * HOUR)
    process.clockwork.tick()
    stopped = process.schedules.show(ROOT, made.id)
    assert (stopped.state, stopped.next_due) == ("stopped", None)
    assert process.fires(made.id) == [("22. 03:00", "refused")]
    assert process.told() == [("schedule_stopped", "nightly")]
    clock.tick(5 * DAY)
    process.clockwork.tick()
    assert process.runs() == []
    again = process.schedules.resume(ROOT, made.id)
    assert (again.state, again.created_by) == ("active", "root"), "whoever resumes it answers for it"
    assert process.open_alerts() == []


def test_rights_that_were_taken_away_count_when_the_time_comes(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft())
    process.users["ann"] = type(ANN)("ann", "ann", "viewer")
    clock.tick(15 * HOUR)
    process.clockwork.tick()
    assert process.fires(made.id) == [("22. 03:00", "refused")]
    assert process.runs() == []
    assert process.schedules.show(ROOT, made.id).state == "active", "rights may come back"
    assert process.open_alerts() == [f"schedule_stopped:{made.id}"]
    process.users["ann"] = ANN
    clock.tick(DAY)
    process.clockwork.tick()
    assert process.open_alerts() == []


def test_nothing_starts_in_a_blackout_or_while_it_is_paused(process: Process, clock: Clock) -> None:
    night = {"from": "02:00", "to": "04:00", "reason": "backups"}
    closed = process.schedules.create(ANN, draft("closed", blackouts=[night]))
    paused = process.schedules.create(ANN, draft("paused", paused=True))
    assert paused.next_due is None
    clock.tick(15 * HOUR)
    process.clockwork.tick()
    assert process.fires(closed.id) == [("22. 03:00", "blackout")]
    assert process.fires(paused.id) == []
    process.schedules.resume(ANN, paused.id)
    process.clockwork.tick()
    assert process.fires(paused.id) == [], "times while it was paused are not made up for"
    clock.tick(DAY)
    process.clockwork.tick()
    assert process.fires(paused.id) == [("23. 03:00", "launched")]


def test_jitter_puts_off_the_start_and_not_the_time(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(jitter_s=HOUR))
    assert made.next_due is not None
    shift = (made.next_due - clock.now - timedelta(hours=15)).total_seconds()
    assert 0 < shift <= HOUR
    clock.tick(15 * HOUR + shift - 1)
    process.clockwork.tick()
    assert process.fires(made.id) == []
    clock.tick(1)
    process.clockwork.tick()
    assert process.fires(made.id) == [("22. 03:00", "launched")]


def test_a_schedule_with_a_fault_does_not_keep_the_others(process: Process, clock: Clock) -> None:
    bad = process.schedules.create(ANN, draft("bad", timing="every 1h"))
    good = process.schedules.create(ANN, draft("good", timing="every 1h"))
    process.books.table("schedules", Schedule).change({"timing": "no timing"}, '"id" = ?', bad.id)
    clock.tick(HOUR)
    process.clockwork.tick()
    assert process.fires(good.id)[0][1] == "launched"
    assert process.clockwork.tick() == 5.0, "and is not tried without end"


def test_what_was_asked_for_by_hand_is_not_launched_again_when_its_process_dies(site: Site, clock: Clock) -> None:
    first, second = site.start(), site.start()
    made = first.schedules.create(ANN, draft())

    def dies(*given: object) -> str:
        raise StoreError("the process is gone")

    first.firing._launch = dies  # type: ignore[assignment]
    with pytest.raises(StoreError):
        first.schedules.run_now(BOB, made.id)
    clock.tick(61)
    second.clockwork.tick()
    assert second.fires(made.id) == [("21. 12:00", "refused")]
    assert second.runs() == []
    assert second.schedules.run_now(BOB, made.id) == second.runs()[0]
