"""Where content comes from and what it asks: a git project with a key, an inventory of files, surveys; the calendar."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.lab.loopback import LoopbackSshd
from tests.projects.conftest import committed, git
from tests.ui.conftest import SCREENS, Served, Watched
from tests.ui.test_journey import ended, go_on, until

LONG_NAME = "a-host-whose-name-somebody-made-longer-than-any-column.eu-central-1.compute.internal"
PLAYBOOK = """\
- name: Deploy
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the answers down
      copy:
        content: "{{ [word, number, flag, one, some, extra] | to_json }}"
        dest: "{{ folder }}/answers-{{ inventory_hostname }}"
"""
SURVEY = """\
- {name: word, label: A word, max: 10, required: true}
- {name: number, label: A number, type: int, min: 1, max: 9, default: 5}
- {name: flag, label: A flag, type: bool, default: true}
- {name: one, label: One of them, type: choice, choices: [red, green], default: red}
- {name: some, label: Some of them, type: multichoice, choices: [north, south, west]}
- {name: phrase, label: A secret, type: password, required: true}
"""
ANSWERS = ["hello", 7, False, "green", ["north", "west"], {"a": [1, "two"]}]


@pytest.fixture(scope="module")
def origin(served: Served, loopback_sshd: LoopbackSshd) -> Path:
    """A repository that a server lets in by key alone, with a branch beside main."""
    hosts = loopback_sshd.hosts(2)
    variables = loopback_sshd.variables()
    reach = {name: variables[name] for name in ("ansible_port", "ansible_user", "ansible_ssh_common_args")}
    listed = {"web": {"hosts": {"web1": {"ansible_host": hosts[0].address, "http_port": 80},
                                LONG_NAME: {"ansible_host": hosts[1].address}},
                      "vars": {**reach, "folder": str(served.folder)}}}
    repository = served.folder / "origin"
    committed(repository, {
        "deploy.yml": PLAYBOOK, "deploy.survey.yml": SURVEY, "inventory/hosts.yml": json.dumps(listed),
        "inventory/group_vars/web.yml": "http_port: 8080\ndb_password: geheimnis\n"})
    git(repository, "branch", "next")
    (served.folder / ".orch" / "known_hosts").write_text(loopback_sshd.known_hosts.read_text())
    return repository


def fetch(admin: Watched) -> None:
    with admin.page.expect_navigation():
        admin.page.click("main button >> text=Fetch")


def change_branch(admin: Watched, ref: str) -> None:
    admin.page.click("main >> text=Change")
    admin.page.fill("#ref", ref)
    go_on(admin, r"/projects/[0-9a-f]{16}$")


def commit_shown(admin: Watched) -> str:
    return str(admin.page.inner_text("dt:text('Commit') + dd"))


def test_a_git_project_is_fetched_with_a_key(admin: Watched, origin: Path, loopback_sshd: LoopbackSshd) -> None:
    page = admin.page
    admin.open("/credentials/new?kind=ssh_key")
    page.fill("#name", "lab key")
    page.fill("#private_key", loopback_sshd.key.read_text())
    go_on(admin, r"/credentials/[0-9a-f]{16}$")
    admin.open("/projects/new")
    page.fill("#name", "web")
    page.select_option("#kind", "git")
    page.fill("#url", f"ssh://{loopback_sshd.user}@127.0.0.1:{loopback_sshd.port}{origin}")
    page.fill("#ref", "main")
    go_on(admin, r"/projects/[0-9a-f]{16}$")
    page.wait_for_selector("#toasts >> text=Saved; fetch it next.")
    fetch(admin)
    assert "ermission denied" in page.inner_text(".fault >> nth=0") and commit_shown(admin) == "never fetched"
    admin.shot("project-refused")
    page.click("main >> text=Change")
    page.select_option("#credential_id", label="lab key")
    go_on(admin, r"/projects/[0-9a-f]{16}$")
    fetch(admin)
    page.wait_for_selector("#toasts >> text=Fetched")
    assert commit_shown(admin) == git(origin, "rev-parse", "main")
    assert page.locator(".fault").count() == 0 and "deploy.yml" in page.inner_text("main")


def test_another_branch_counts_once_it_is_fetched_and_a_failed_fetch_changes_nothing(
        admin: Watched, origin: Path) -> None:
    page, old = admin.page, git(origin, "rev-parse", "main")
    git(origin, "checkout", "--quiet", "next")
    new = committed(origin, {"notes.yml": "- hosts: web\n  tasks: []\n"})
    git(origin, "checkout", "--quiet", "main")
    change_branch(admin, "next")
    assert commit_shown(admin) == old and "not fetched since" in page.inner_text("main")
    fetch(admin)
    assert commit_shown(admin) == new and "notes.yml" in page.inner_text("main")
    change_branch(admin, "gone")
    fetch(admin)
    said = page.inner_text(".fault >> nth=0")
    assert "gone" in said and "still used" in said and "Traceback" not in said
    assert commit_shown(admin) == new and "notes.yml" in page.inner_text("main")
    admin.shot("project-failed")
    change_branch(admin, "main")
    fetch(admin)
    assert commit_shown(admin) == old and page.locator(".fault").count() == 0


def test_an_inventory_of_files_is_seen_with_where_its_variables_come_from(admin: Watched, origin: Path) -> None:
    page = admin.page
    project = page.url
    admin.open("/inventories/new")
    page.fill("#name", "fleet")
    page.select_option("#kind", "files")
    page.click("summary >> text=For files of a project")
    page.select_option("#project_id", label="web")
    page.fill("#sources", "inventory/missing.yml")
    page.click("main button.main")
    page.wait_for_selector("#sources-wrong")
    page.fill("#sources", "inventory/hosts.yml")
    inventory = go_on(admin, r"/inventories/[0-9a-f]{16}$")
    assert "web1" in page.inner_text("#rows") and LONG_NAME in page.inner_text("#rows")
    assert page.locator("text=Add a host").count() == 0
    admin.shot("inventory-files")
    page.click("#rows tr:has-text('web1') >> text=where they come from")
    page.wait_for_selector("tr:has-text('http_port')")
    row = page.locator("tr:has-text('http_port')")
    assert row.locator("td").nth(1).inner_text().strip() == "80"
    row.locator("summary").click()
    assert "inventory/group_vars/web.yml:1" in row.inner_text() and "8080" in row.inner_text()
    assert "geheimnis" not in page.content() and "db_password" in page.inner_text("main")
    admin.shot("host-variables")
    for tab in ("history", "variables", "facts", "stats"):
        assert page.request.get(f"{admin.url}/hosts/{LONG_NAME}?tab={tab}").status == 200, "it was never run"
    page.set_viewport_size(dict(zip(("width", "height"), SCREENS["phone"])))
    for path in (inventory.removeprefix(admin.url), f"/hosts/{LONG_NAME}", "/hosts", "/"):
        admin.open(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{path} is {over} px too wide"
    page.set_viewport_size(dict(zip(("width", "height"), SCREENS["desk"])))
    listed = (origin / "inventory/hosts.yml").read_text()
    committed(origin, {"inventory/hosts.yml": listed.replace('"web1": {', '"web9": {}, "web1": {')})
    page.goto(project)
    fetch(admin)
    page.goto(inventory)
    assert "web9" in page.inner_text("#rows")
    committed(origin, {"inventory/hosts.yml": listed})
    page.goto(project)
    fetch(admin)
    page.goto(inventory)
    page.click("text=Read again")
    page.wait_for_selector("#toasts >> text=2 hosts")
    assert "web9" not in page.inner_text("#rows")


def answers_of(admin: Watched) -> list[Any]:
    page = admin.page
    return [page.input_value("[name='survey.word']"), int(page.input_value("[name='survey.number']")),
            page.is_checked("[name='survey.flag']"), page.input_value("[name='survey.one']"),
            [one.get_attribute("value") for one in page.locator("[name='survey.some']:checked").all()]]


def test_a_survey_asks_in_every_way_and_launching_again_forgets_nothing_but_secrets(
        admin: Watched, served: Served) -> None:
    page, written = admin.page, served.folder / "answers-web1"
    admin.open("/launch")
    page.select_option("#playbook", "deploy.yml")
    page.wait_for_selector("[name='survey.word']")
    assert answers_of(admin) == ["", 5, True, "red", []]
    page.fill("[name='survey.word']", "a word too long")
    page.fill("[name='survey.number']", "7")
    page.uncheck("[name='survey.flag']")
    page.select_option("[name='survey.one']", "green")
    page.check("text=north")
    page.check("text=west")
    page.fill("[name='survey.phrase']", "open sesame")
    page.check("text=lab key")
    page.fill("#limit", "web1")
    page.click("summary >> text=More")
    page.fill("#extra_vars", "extra: {a: [1, two]}\ndb_password: geheim\n")
    admin.shot("launch-survey")
    page.click("button[value=run]")
    page.wait_for_selector("[id='survey.word-wrong']")
    assert answers_of(admin) == ["a word too long", 7, False, "green", ["north", "west"]]
    page.fill("[name='survey.word']", "hello")
    page.fill("[name='survey.phrase']", "open sesame")
    first = go_on(admin, r"/runs/[^/]+$", "button[value=run]")
    assert ended(admin) == "ok", page.inner_text("main")
    assert json.loads(written.read_text()) == ANSWERS
    page.click("text=Launch again")
    page.wait_for_selector("[name='survey.word']")
    assert answers_of(admin) == ANSWERS[:5]
    assert "two" in page.input_value("#extra_vars") and page.input_value("#limit") == "web1"
    said = page.inner_text(".note.warn >> nth=0")
    assert "db_password" in said and "phrase" in said
    assert "geheim" not in page.content() and "open sesame" not in page.content()
    admin.shot("launch-again")
    page.fill("[name='survey.phrase']", "open sesame")
    page.fill("[name='survey.number']", "8")
    second = go_on(admin, r"/runs/[^/]+$", "button[value=run]")
    assert second != first and ended(admin) == "ok", page.inner_text("main")
    assert json.loads(written.read_text()) == [ANSWERS[0], 8, *ANSWERS[2:]]


def test_a_schedule_that_is_changed_keeps_its_answers(admin: Watched) -> None:
    page = admin.page
    admin.open(f"/schedules/new?like={page.url.rpartition('/')[2]}")
    page.fill("#name", "nightly")
    page.fill("#timing", "30 2 * * *")
    page.select_option("#timezone", "Europe/Berlin")
    page.fill("[name='survey.phrase']", "open sesame")
    schedule = go_on(admin, r"/schedules/[0-9a-f]{16}$")
    for _ in range(2):
        admin.open(schedule.removeprefix(admin.url) + "/edit")
        assert answers_of(admin)[:2] == ["hello", 8] and "two" in page.input_value("#extra_vars")
        assert "phrase" in page.inner_text("form .note") and "open sesame" not in page.content()
        page.fill("#description", "at night")
        go_on(admin, r"/schedules/[0-9a-f]{16}$")
    assert "phrase" in page.inner_text("dt:text('Variables set') + dd")


def test_the_calendar_is_read_by_the_clock_that_was_chosen(admin: Watched, chromium: Any) -> None:
    context = chromium.new_context(storage_state=admin.page.context.storage_state(), timezone_id="Asia/Tokyo")
    watched = Watched(context, admin.url)
    page, month = watched.page, f"/schedules/calendar?month={datetime.now(UTC).year + 1}-01"
    watched.open("/")
    for clock, time, words in (("UTC", "01:30", "UTC"), ("Schedule's zone", "02:30", "Europe/Berlin"),
                               ("This browser's", "10:30", "Asia/Tokyo")):
        watched.open(month)
        page.click(f"nav[aria-label=Clock] >> text={clock}")
        page.wait_for_selector(f"nav[aria-label=Clock] [aria-current] >> text={clock}")
        watched.open(month)  # it is remembered
        entries = page.locator(".month td:not(.other) a >> text=nightly").all_inner_texts()
        assert len(entries) == 31 and all(text.startswith(time) for text in entries), entries[:3]
        assert words in page.inner_text(".clocks p")
    watched.shot("calendar-clock")
    assert watched.wrong == []
    context.close()


# ---- by keyboard alone

def tab_to(admin: Watched, selector: str, most: int = 90) -> None:
    """Press Tab until it is there; whatever is passed on the way shows that it has the focus."""
    page = admin.page
    for _ in range(most):
        page.keyboard.press("Tab")
        style = page.evaluate("(() => { const one = getComputedStyle(document.activeElement);"
                              " return one.outlineStyle + ' ' + one.outlineWidth })()")
        where = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        assert where.startswith("<body") or style in ("solid 2px", "auto 2px"), f"no focus to be seen: {style} {where}"
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not come to {selector}")


def choose(admin: Watched, selector: str, value: str) -> None:
    """Arrow down in a list until it has the value. The form may come anew with each step; the focus stays."""
    page = admin.page
    tab_to(admin, selector)
    for _ in range(10):
        if page.input_value(selector) == value:
            return
        before = page.input_value(selector)
        page.keyboard.press("ArrowDown")
        until(lambda: page.input_value(selector) != before)  # noqa: B023  called at once
        page.wait_for_load_state("networkidle")
        until(lambda: bool(page.evaluate("(selector) => document.activeElement.matches(selector)", selector)))
    raise AssertionError(f"{selector} has no {value}")


def test_a_launch_a_plan_and_its_approval_by_keyboard_alone(admin: Watched, served: Served) -> None:
    page, written = admin.page, served.folder / "answers-web1"
    written.unlink()
    admin.open("/launch")
    choose(admin, "#playbook", "deploy.yml")
    tab_to(admin, "#limit")
    page.keyboard.type("web1")
    tab_to(admin, "[name='survey.word']")
    page.keyboard.type("hello")
    tab_to(admin, "[name='survey.phrase']")
    page.keyboard.type("open sesame")
    tab_to(admin, "[name='credential_ids']")
    page.keyboard.press("Space")
    tab_to(admin, "summary")
    page.keyboard.press("Enter")
    tab_to(admin, "#extra_vars")
    page.keyboard.type("extra: by keyboard")
    tab_to(admin, "button[value=plan]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/runs/[^/]+$"))
    assert ended(admin) == "ok", page.inner_text("main")
    tab_to(admin, "#grid .row b")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail .diff.unified tr.add")
    plan = "/plans/" + page.url.partition("#")[0].rpartition("/")[2]
    until(lambda: admin.open(plan).status == 200)
    tab_to(admin, "button[value=approve]")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Approved by")
    page.wait_for_load_state("networkidle")
    tab_to(admin, "#decision button.main")
    page.keyboard.press("Enter")
    page.wait_for_selector("#ask[open]")
    tab_to(admin, "#ask [data-yes]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/runs/[^/]+$"))
    assert ended(admin) == "ok", page.inner_text("main")
    assert json.loads(written.read_text())[5] == "by keyboard"


def test_nothing_went_wrong_on_the_way(admin: Watched, served: Served) -> None:
    assert admin.wrong == []
    assert served.faults() == []
