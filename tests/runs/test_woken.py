"""A process that wakes up on another machine than the one that took its run over: nothing of it reaches a host."""

from __future__ import annotations

import os
import signal
import time

TASKS = ("one", "two", "three", "four", "five", "six", "seven", "eight")


def test_a_process_that_wakes_up_without_its_lease_does_nothing_more(site, wait_until):
    site.hosts(*(f"h{number}" for number in range(8)))
    site.write("many.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n" + "".join(
        f"    - {{name: {name}, shell: 'echo x >> {site.folder}/{{{{ inventory_hostname }}}}.{name}; sleep 0.4'}}\n"
        for name in TASKS))
    worker = site.worker()
    run_id = site.launch("many.yml")
    wait_until(lambda: len(site.results(run_id)) >= 16, "it is at work")
    (child,) = (process.pid for process in worker._driving._children.values())
    os.kill(child, signal.SIGSTOP)
    try:
        before = _settled(site.folder)
        with site.control.books.transaction():
            site.control.books.database.execute(
                """UPDATE runs SET "lease_token" = 'another', "lease_host" = 'elsewhere' WHERE "id" = ?""", (run_id,))
        time.sleep(6.5)  # half of the silence
    finally:
        os.kill(child, signal.SIGCONT)
    wait_until(lambda: child not in [one.pid for one in worker._driving._children.values()], "it has ended")
    time.sleep(1)
    assert _contents(site.folder) == before


def _contents(folder):
    return {path.name: path.read_text() for path in folder.glob("*.*")}


def _settled(folder):
    """What is there once nothing has come for a second: what was sent is done."""
    before = None
    while before != (before := _contents(folder)):
        time.sleep(1)
    return before
