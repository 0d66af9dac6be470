"""From an empty directory to a fleet that is looked after: log in, add hosts, launch, watch, plan, schedule, see drift.

One server and one browser for all of it; each test goes on where the one before it ended.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.loopback import LoopbackSshd
from tests.ui.conftest import SCREENS, Served, Watched

HOSTS = 4
PLAYBOOK = """\
- name: Web
  hosts: all
  gather_facts: false
  tasks:
    - name: Say something in colour
      command: printf '\\033[32mgreen\\033[0m <b>no markup</b>'
      changed_when: false
    - name: Write the greeting
      copy: {content: "hello {{ greeting }}\\n", dest: "{{ folder }}/greeting-{{ inventory_hostname }}"}
    - name: Take a while
      shell: while test -e {{ folder }}/wait; do sleep 0.1; done
      changed_when: false
      check_mode: false
    - name: Go on whatever happens
      command: /bin/false
      ignore_errors: true
"""
SCHEMES = {"light": "{resultTypes: ['violations']}",
           "dark": "{resultTypes: ['violations'], runOnly: {type: 'rule', values: ['color-contrast']}}"}
SURVEY = "- {name: greeting, label: Whom to greet?, default: world, required: true, max: 20}\n"
VIEWS = ("/", "/hosts", "/hosts/web1", "/hosts/web1?tab=variables", "/hosts/web1?tab=facts", "/hosts/web1?tab=stats",
         "/agentlets", "/drift", "/launch", "/runs", "/plans", "/schedules", "/schedules/calendar", "/schedules/new",
         "/alerts", "/projects", "/projects/new", "/inventories", "/inventories/new", "/credentials",
         "/credentials/new", "/users", "/users/new", "/notifications", "/notifications/new?kind=webhook", "/audit",
         "/settings", "/account", "/password")


@pytest.fixture(scope="module")
def site(served: Served, loopback_sshd: LoopbackSshd) -> Path:
    """A project's folder, in the directory where the server was started."""
    folder = served.folder / "site"
    folder.mkdir()
    (folder / "site.yml").write_text(PLAYBOOK)
    (folder / "site.survey.yml").write_text(SURVEY)
    return folder


def go_on(watched: Watched, pattern: str, press: str = "main button.main") -> str:
    """Press a button that leads on; where to."""
    watched.page.click(press)
    watched.page.wait_for_url(re.compile(pattern))
    return str(watched.page.url)


def until(claim: Callable[[], bool], limit_s: float = 20) -> None:
    """Playwright's own waiting for a function evaluates text in the page, which our CSP forbids."""
    deadline = time.monotonic() + limit_s
    while not claim():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.1)


def ended(watched: Watched, limit_s: float = 60) -> str:
    """The state of the run that is looked at, once it has ended."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        text = str(watched.page.locator("#head .title .state").first.inner_text())
        if text not in ("queued", "running"):
            return text
        time.sleep(0.2)
    raise AssertionError("the run does not end")


def test_the_first_view_says_what_to_do_first(admin: Watched) -> None:
    assert "First steps" in admin.page.inner_text("main")
    admin.shot("overview-empty")
    for path in VIEWS:
        if not path.startswith("/hosts/"):
            assert admin.page.request.get(admin.url + path).status == 200, f"{path} while there is nothing yet"


def test_project_inventory_hosts_and_key_are_added(admin: Watched, site: Path, loopback_sshd: LoopbackSshd) -> None:
    page = admin.page
    admin.open("/projects/new")
    page.fill("#name", "site")
    page.fill("#path", str(site))
    go_on(admin, r"/projects/[0-9a-f]{16}$")
    assert "site.yml" in page.inner_text("main")
    admin.open("/credentials/new?kind=ssh_key")
    page.fill("#name", "lab key")
    page.fill("#private_key", loopback_sshd.key.read_text())
    go_on(admin, r"/credentials/[0-9a-f]{16}$")
    assert "PRIVATE KEY" not in page.content()
    hosts = loopback_sshd.hosts(HOSTS)
    variables = loopback_sshd.variables()
    admin.open("/inventories/new")
    page.fill("#name", "lab")
    page.fill("#vars", "".join(f"{name}: {variables[name]}\n" for name in (
        "ansible_port", "ansible_user", "ansible_ssh_common_args")) + f"folder: {site.parent}\n")
    go_on(admin, r"/inventories/[0-9a-f]{16}$")
    for number, host in enumerate(hosts, 1):
        page.fill("#host-names", f"web{number}")
        page.fill("#host-address", host.address)
        page.fill("#host-groups", "web" if number < HOSTS else "db")
        with page.expect_navigation():
            page.click("#add-host button")
        page.wait_for_selector(f"#rows >> text=web{number}")
    admin.shot("inventory")


def test_what_is_typed_wrong_is_said_beside_its_field_and_stays(admin: Watched) -> None:
    page = admin.page
    page.fill("#host-names", "-evil name")
    page.fill("#host-vars", "a: [1")
    page.click("#add-host button")
    page.wait_for_selector("#host-vars-wrong")
    assert "line 1" in page.inner_text("#host-vars-wrong")
    assert page.input_value("#host-names") == "-evil name" and page.input_value("#host-vars") == "a: [1"
    assert page.get_attribute("#host-vars", "aria-invalid") == "true"
    page.fill("#host-vars", "")
    page.click("#add-host button")
    page.wait_for_selector("#host-names-wrong")
    assert page.input_value("#host-names") == "-evil name"


def launched(admin: Watched, button: str = "run") -> str:
    page = admin.page
    admin.open("/launch")
    page.select_option("#playbook", "site.yml")
    page.wait_for_selector("[name='survey.greeting']")
    page.check("text=lab key")
    page.check("#diff")
    page.wait_for_selector("#match >> text=4 hosts")
    return go_on(admin, r"/runs/[^/]+$", f"button[value={button}]")


def test_a_launch_is_watched_live(admin: Watched, site: Path) -> None:
    page = admin.page
    admin.open("/launch")
    page.select_option("#playbook", "site.yml")
    page.wait_for_selector("[name='survey.greeting']")
    page.fill("#limit", "web:!web1")
    page.wait_for_selector("#match >> text=2 hosts")
    admin.shot("launch")
    (site.parent / "wait").touch()
    launched(admin)
    page.wait_for_selector("#grid .row b.ok")
    early = page.locator("#grid .row b[class]").count()
    until(lambda: "At work: Take a while" in page.inner_text("#head"))
    admin.shot("run-live")
    (site.parent / "wait").unlink()
    assert ended(admin) == "ok", page.inner_text("main")
    until(lambda: page.locator("#grid .row b[class]").count() == HOSTS * 4)
    assert early < HOSTS * 4, "nothing was seen before the end"
    assert (site.parent / "greeting-web1").read_text() == "hello world\n"
    admin.shot("run-ended")


def test_a_cell_shows_output_in_colour_and_renders_nothing_of_it(admin: Watched) -> None:
    page = admin.page
    page.locator("#grid .row b").first.click()
    page.wait_for_selector("#detail pre .f2")
    assert page.inner_text("#detail pre .f2") == "green"
    assert "<b>no markup</b>" in page.inner_text("#detail") and page.locator("#detail pre b").count() == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail .diff.unified tr.add")
    assert "hello world" in page.inner_text("#detail .diff.unified tr.add")
    page.click("#detail >> text=Side by side")
    assert page.locator("#detail .diff.sides").is_visible() and not page.locator("#detail .diff.unified").is_visible()
    admin.shot("run-cell")
    page.click("text=Timeline")
    page.wait_for_selector(".bars svg rect")
    admin.shot("run-timeline")
    page.click(".tabs >> text=About")
    page.wait_for_selector("text=What was asked for")


def test_a_plan_is_looked_at_approved_and_applied(admin: Watched, site: Path) -> None:
    page, greeting = admin.page, site.parent / "greeting-web2"
    greeting.write_text("hello nobody\n")
    run = launched(admin, "plan")
    assert ended(admin) == "ok"
    until(lambda: bool(admin.open("/plans")) and "site.yml" in page.inner_text("main"))
    admin.open(f"/plans/{run.rpartition('/')[2]}")
    page.wait_for_selector(".diff.unified tr.add")
    assert "hello nobody" in page.inner_text("main")
    admin.shot("plan")
    page.click("button[value=approve]")
    page.wait_for_selector("text=Approved by")
    page.click("text=Apply")
    page.wait_for_selector("#ask[open]")
    go_on(admin, r"/runs/[^/]+$", "#ask [data-yes]")
    assert ended(admin) == "ok", page.inner_text("main")
    assert greeting.read_text() == "hello world\n"


def test_a_schedule_looks_for_drift_and_finds_it(admin: Watched, site: Path) -> None:
    page = admin.page
    admin.open("/schedules/new?kind=plan")
    page.select_option("#playbook", "site.yml")
    page.wait_for_selector("[name='survey.greeting']")
    page.check("text=lab key")
    page.fill("#name", "nightly look")
    page.fill("#timing", "not a time")
    page.wait_for_selector("text=five fields")
    page.fill("#timing", "30 2 * * *")
    until(lambda: page.locator("form ol li").count() == 10)
    admin.shot("schedule-new")
    go_on(admin, r"/schedules/[0-9a-f]{16}$")
    (site.parent / "greeting-web3").write_text("changed by hand\n")
    go_on(admin, r"/runs/[^/]+$", "text=Run now")
    assert ended(admin) == "ok", page.inner_text("main")
    until(lambda: bool(admin.open("/drift")) and "web3" in page.inner_text("#rows"))
    assert "Write the greeting" in page.inner_text("#rows") and "web1" not in page.inner_text("#rows")
    admin.shot("drift")
    admin.open("/")
    assert page.inner_text(".counts >> text=drifted").startswith("1")
    admin.open("/schedules/calendar")
    assert page.locator(".month a >> text=nightly look").count() > 5
    admin.shot("calendar")


def test_what_cannot_be_taken_back_is_asked_about_first(admin: Watched) -> None:
    page = admin.page
    admin.open("/inventories")
    page.click("#rows a")
    page.click("#rows tr:has-text('web4') >> text=Remove")
    page.wait_for_selector("#ask[open]")
    assert "web4" in page.inner_text("#ask")
    page.keyboard.press("Escape")
    assert page.locator("#rows >> text=web4").count() == 1
    page.click("#rows tr:has-text('web4') >> text=Remove")
    page.wait_for_selector("#ask[open]")
    with page.expect_navigation():
        page.click("#ask [data-yes]")
    assert page.locator("#rows >> text=web4").count() == 0


def test_a_viewer_sees_and_changes_nothing(admin: Watched, chromium: Any) -> None:
    page = admin.page
    admin.open("/users/new")
    page.fill("#name", "vera")
    go_on(admin, r"/users/[0-9a-f]{16}$")
    page.click("text=Link to set a password")
    link = page.inner_text("#link-text").strip()
    context = chromium.new_context()
    viewer = Watched(context, admin.url)
    viewer.page.goto(link)
    viewer.page.fill("#password", "another long phrase 7")
    viewer.page.fill("#again", "another long phrase 7")
    viewer.page.click("main button.main")
    viewer.page.wait_for_url(admin.url + "/")
    for path in ("/runs", "/hosts", "/inventories", "/schedules", "/projects"):
        assert viewer.open(path).status == 200
        assert viewer.page.locator("main button.main, main button.danger, main a.main").count() == 0, path
    assert "Users" not in viewer.page.inner_text("nav")
    assert viewer.wrong == []
    assert viewer.open("/users").status == 403 and "not for you" in viewer.page.inner_text("main")
    assert viewer.open("/settings").status == 403
    context.close()


def test_no_view_has_a_serious_fault_of_accessibility(admin: Watched, axe: str) -> None:
    """Every rule in light; in dark, where nothing but colours differs, those about contrast."""
    page = admin.page
    admin.open("/runs")
    links = [page.get_attribute("#rows a >> nth=0", "href")]
    for path, pick in (("/schedules", "#rows a"), ("/projects", "#rows a"), ("/inventories", "#rows a"),
                       ("/plans", "#rows a"), ("/users", "#rows a"), ("/credentials", "#rows a")):
        admin.open(path)
        links.append(page.get_attribute(f"{pick} >> nth=0", "href"))
    found = []
    for path in [*VIEWS, *links, f"{links[0]}?tab=timeline", f"{links[0]}?tab=about", f"{links[1]}/edit"]:
        assert admin.open(path).status == 200, path
        page.wait_for_load_state("networkidle") if path not in links[:1] else page.wait_for_selector("#grid .row b")
        page.evaluate(axe)
        for scheme, rules in SCHEMES.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # colours at once, without a transition
            for fault in page.evaluate(f"axe.run(document, {rules}).then((one) => one.violations)"):
                if fault["impact"] in ("serious", "critical"):
                    nodes = [node["html"][:160] for node in fault["nodes"][:3]]
                    found.append(f"{path}, {scheme}: {fault['id']}: {nodes}")
            admin.shot(f"view-{re.sub(r'[^a-z0-9]+', '-', str(path)).strip('-') or 'overview'}-{scheme}")
        page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    assert not found, "\n".join(found)


def test_views_fit_a_phone(admin: Watched) -> None:
    page = admin.page
    width, height = SCREENS["phone"]
    page.set_viewport_size({"width": width, "height": height})
    try:
        for path in VIEWS:
            admin.open(path)
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{path} is {over} px too wide"
            admin.shot(f"phone-{re.sub(r'[^a-z0-9]+', '-', path).strip('-') or 'overview'}")
        page.click("text=Menu")
        assert page.locator("nav[aria-label=Main] >> text=Schedules").is_visible()
        admin.shot("phone-menu")
    finally:
        width, height = SCREENS["desk"]
        page.set_viewport_size({"width": width, "height": height})


def test_the_keyboard_reaches_everything_and_the_scheme_is_remembered(admin: Watched) -> None:
    page = admin.page
    admin.open("/hosts")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "search"
    page.click("[data-theme-switch]")
    assert page.get_attribute("html", "data-theme") == "dark"
    admin.open("/runs")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.click("[data-theme-switch]")


def test_nothing_went_wrong_on_the_way(admin: Watched, served: Served) -> None:
    """No error in the browser's console, no request to elsewhere, no fault in the server's log."""
    assert admin.wrong == []
    assert served.faults() == []
    weight = admin.page.evaluate(
        "fetch('/').then(r => r.text()).then(t => t.length + performance.getEntriesByType('resource')"
        ".reduce((sum, one) => sum + one.decodedBodySize, 0))")
    print(f"page weight of the first view: {weight} bytes")
    assert weight < 250 * 1024
