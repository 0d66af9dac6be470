"""What people do with a run that goes wrong: rerun what failed, cancel, resume. The server itself is the host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ui.conftest import Served, Watched
from tests.ui.test_journey import ended, go_on, until

PLAYBOOK = """\
- name: Check
  hosts: all
  gather_facts: false
  tasks:
    - name: It is there
      command: test -e {{ folder }}/there-{{ inventory_hostname }}
    - name: Once only
      shell: echo once >> {{ folder }}/count-{{ inventory_hostname }}
    - name: As long as it takes
      shell: while test -e {{ folder }}/wait; do sleep 0.2; done
"""


@pytest.fixture(scope="module")
def folder(admin: Watched, served: Served) -> Path:
    page, site = admin.page, served.folder / "site"
    site.mkdir()
    (site / "check.yml").write_text(PLAYBOOK)
    admin.open("/projects/new")
    page.fill("#name", "site")
    page.fill("#path", str(site))
    page.check("#runs_here")
    go_on(admin, r"/projects/[0-9a-f]{16}$")
    admin.open("/inventories/new")
    page.fill("#name", "here")
    page.fill("#vars", f"ansible_connection: local\nfolder: {served.folder}\n")
    go_on(admin, r"/inventories/[0-9a-f]{16}$")
    page.fill("#host-names", "one, two")
    with page.expect_navigation():
        page.click("#add-host button")
    return served.folder


def launch(admin: Watched, slices: int = 1) -> str:
    admin.open("/launch")
    admin.page.select_option("#playbook", "check.yml")
    admin.page.wait_for_selector("#match >> text=2 hosts")
    if slices > 1:
        admin.page.click("summary >> text=More")
        admin.page.fill("#slices", str(slices))
    return go_on(admin, r"/runs/[^/]+$", "button[value=run]")


def test_what_failed_is_run_again_alone(admin: Watched, folder: Path) -> None:
    page = admin.page
    (folder / "there-one").touch()
    first = launch(admin)
    assert ended(admin) == "failed"
    page.wait_for_selector("#head .wrong-ones >> text=It is there")
    admin.shot("run-failed")
    page.click("#head .wrong-ones a")
    page.wait_for_selector("#detail h2 >> text=two")
    (folder / "there-two").touch()
    page.click("text=Rerun 1 failed host")
    page.wait_for_url(lambda url: bool(re.search(r"/runs/[^/#]+$", url)) and url != first)
    assert ended(admin) == "ok"
    until(lambda: page.locator("#grid .row").count() == 1)
    assert (folder / "count-one").read_text() == "once\n"


def test_a_run_is_cancelled_and_resumed_and_repeats_nothing(admin: Watched, folder: Path) -> None:
    page = admin.page
    (folder / "wait").touch()
    before = (folder / "count-one").read_text()
    launch(admin)
    until(lambda: "At work: As long as it takes" in page.inner_text("#head"), 40)
    page.click("#head >> text=Cancel")
    page.wait_for_selector("#ask[open]")
    with page.expect_navigation():
        page.click("#ask [data-yes]")
    assert ended(admin) == "cancelled"
    (folder / "wait").unlink()
    with page.expect_navigation():
        page.click("text=Resume")
    assert ended(admin) == "ok"
    assert (folder / "count-one").read_text() == before + "once\n"
    until(lambda: page.locator("#grid .row b.cancelled").count() == 0)


def state(admin: Watched, host: str, task: int) -> str | None:
    row = admin.page.locator("#grid .row", has_text=host)
    return row.locator("b").nth(task).get_attribute("class") if row.count() else None


def test_slices_are_followed_cancelled_gone_on_with_and_rerun(admin: Watched, folder: Path) -> None:
    page = admin.page
    (folder / "wait").touch()
    (folder / "there-two").unlink()
    before = (folder / "count-one").read_text()
    launch(admin, 2)
    until(lambda: (state(admin, "one", 2), state(admin, "two", 0)) == ("running", "failed"), 60)
    assert state(admin, "two", 2) is None, "what one slice is at is not what the other is at"
    page.click("#head >> text=Cancel")
    page.wait_for_selector("#ask[open]")
    with page.expect_navigation():
        page.click("#ask [data-yes]")
    assert ended(admin) == "failed"
    (folder / "wait").unlink()
    with page.expect_navigation():
        page.click("text=Resume")
    assert ended(admin) == "failed"
    until(lambda: state(admin, "one", 2) in ("ok", "changed"))
    assert (folder / "count-one").read_text() == before + "once\n"
    page.click(".tabs >> text=About")
    assert page.locator("section:has(h2:text('Slices')) tbody tr").count() == 2
    (folder / "there-two").touch()
    page.click("text=Rerun 1 failed host")
    page.wait_for_selector("#grid .row")
    assert ended(admin) == "ok"
    until(lambda: page.locator("#grid .row").count() == 1)


def test_nothing_went_wrong_on_the_way(admin: Watched, served: Served) -> None:
    assert admin.wrong == []
    assert served.faults() == []
