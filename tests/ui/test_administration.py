"""What admins do, and people for themselves: tokens, users with grants, channels, settings, login and logout."""

from __future__ import annotations

import re
import urllib.request
from typing import Any

from tests.ui.conftest import PASSWORD, Served, Watched


def test_a_token_is_shown_once_and_opens_the_api(admin: Watched) -> None:
    page = admin.page
    admin.open("/account")
    page.fill("#name", "nightly script")
    page.click("#tokens button.main")
    page.wait_for_selector("#token-text")
    token = page.inner_text("#token-text").strip()
    asked = urllib.request.Request(admin.url + "/api/v1/runs", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        assert answer.status == 200
    admin.open("/account")
    assert token not in page.content() and "nightly script" in page.inner_text("#tokens")
    page.click("#tokens >> text=Revoke")
    page.wait_for_selector("#ask[open]")
    with page.expect_navigation():
        page.click("#ask [data-yes]")
    assert page.locator("#tokens .state.revoked").count() == 1


def test_a_user_gets_a_grant_and_is_locked(admin: Watched) -> None:
    page = admin.page
    admin.open("/inventories/new")
    page.fill("#name", "lab")
    page.click("main button.main")
    page.wait_for_url(re.compile(r"/inventories/[0-9a-f]{16}$"))
    admin.open("/users/new")
    page.fill("#name", "not a name!")
    page.click("main button.main")
    page.wait_for_selector("#name-wrong")
    page.fill("#name", "otto")
    page.select_option("#role", "none")
    page.click("main button.main")
    page.wait_for_url(re.compile(r"/users/[0-9a-f]{16}$"))
    page.fill("#grants input[name=pattern]", "web")
    with page.expect_navigation():
        page.click("#grants >> text=Grant >> nth=-1")
    assert "inventory lab" in page.inner_text("#grants") and "web" in page.inner_text("#grants")
    admin.shot("user-grants")
    page.fill("#email", "no address")
    page.evaluate("document.querySelectorAll('form').forEach((form) => form.noValidate = true)")
    page.click("text=Save")
    page.wait_for_selector("#email-wrong")
    page.click("text=Lock")
    page.wait_for_selector("#ask[open]")
    with page.expect_navigation():
        page.click("#ask [data-yes]")
    assert page.locator(".title .state.locked").count() == 1


def test_a_channel_is_made_tested_and_keeps_its_secret(admin: Watched) -> None:
    page = admin.page
    admin.open("/notifications/new?kind=webhook")
    page.fill("#name", "our hook")
    page.click("main button.main")
    page.wait_for_selector("main .wrong, main .fault")
    assert page.input_value("#name") == "our hook"
    page.fill("#url", "https://hooks.example.com/orch?key=s3cret")
    page.click("main button.main")
    page.wait_for_selector("#made-signing_key")
    assert len(page.inner_text("#made-signing_key").strip()) >= 16
    admin.open("/notifications")
    assert "hooks.example.com" in page.inner_text("main") and "s3cret" not in page.content()
    page.click("text=our hook")
    page.wait_for_selector("#channel")
    assert "s3cret" not in page.content()
    page.fill("#name", "the hook")
    with page.expect_navigation():
        page.click("text=Save")
    assert "the hook" in page.inner_text("main")


def test_settings_are_changed_and_refused_beside_their_field(admin: Watched) -> None:
    page = admin.page
    admin.open("/settings")
    page.fill("#retention-runs_days", "0")
    page.click("form[hx-post='/settings/retention'] button.main")
    page.wait_for_selector("form[hx-post='/settings/retention'] >> css=.wrong, .fault")
    page.fill("#retention-runs_days", "45")
    page.click("form[hx-post='/settings/retention'] button.main")
    page.wait_for_selector("text=Saved; it holds at once.")
    admin.open("/settings")
    assert page.input_value("#retention-runs_days") == "45"
    admin.open("/audit")
    assert "settings.change" in page.inner_text("#rows")


def test_a_project_outside_of_the_roots_is_refused_and_says_which_there_are(admin: Watched) -> None:
    page = admin.page
    admin.open("/projects/new")
    page.fill("#name", "etc")
    page.fill("#path", "/etc")
    page.click("main button.main")
    page.wait_for_selector("#path-wrong")
    assert page.input_value("#path") == "/etc"


def test_login_and_logout(admin: Watched, served: Served, chromium: Any) -> None:
    context = chromium.new_context()
    other = Watched(context, served.url)
    page = other.page
    other.open("/runs?status=failed")
    assert "/login?next=" in page.url
    page.fill("#name", "admin")
    page.fill("#password", "wrong password 1")
    page.click("main button.main")
    page.wait_for_selector(".fault")
    assert page.input_value("#name") == "admin" and page.input_value("#password") == ""
    other.shot("login-refused")
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_url(re.compile(r"/runs\?status=failed$"))
    page.click("text=Log out")
    page.wait_for_url(re.compile(r"/login"))
    other.open("/")
    assert "/login" in page.url
    assert [one for one in other.wrong if "401" not in one] == []
    context.close()


def test_nothing_went_wrong_on_the_way(admin: Watched, served: Served) -> None:
    assert admin.wrong == []
    assert served.faults() == []
