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
    go_on(admin, r"/projects/[0-9a-f]{16}$")
    admin.open("/inventories/new")
    page.fill("#name", "here")
    page.fill("#vars", f"ansible_connection: local\nfolder: {served.folder}\n")
    go_on(admin, r"/inventories/[0-9a-f]{16}$")
    page.fill("#host-names", "one, two")
    with page.expect_navigation():
        page.click("#add-host button")
    return served.folder


def launch(admin: Watched) -> str:
    admin.open("/launch")
    admin.page.select_option("#playbook", "check.yml")
    admin.page.wait_for_selector("#match >> text=2 hosts")
    return go_on(admin, r"/runs/[^/]+$", "button[value=run]")


def test_what_failed_is_run_again_alone(admin: Watched, folder: Path) -> None:
    page = admin.page
    (folder / "there-one").touch()
    first = launch(admin)
    assert ended(admin) == "failed"
    admin.shot("run-failed")
    (folder / "there-two").touch()
    page.click("text=Rerun 1 failed host")
    page.wait_for_url(lambda url: bool(re.search(r"/runs/[^/]+$", url)) and url != first)
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


def test_nothing_went_wrong_on_the_way(admin: Watched, served: Served) -> None:
    assert admin.wrong == []
    assert served.faults() == []
