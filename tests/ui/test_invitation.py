"""The invite dialog: a line to paste, and word of the host as soon as it has called."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.agents.opening import open_desk
from tests.agents.conftest import claims_of, make_csr
from tests.ui.conftest import Served, Watched


def enrol(state_dir: Path, token: str, host: str) -> None:
    """What the agentlet's request comes to, in another process than the server's: the gateway is tested elsewhere."""
    desk = open_desk(state_dir)
    desk.enrol(token, make_csr(), claims_of(host), address="192.0.2.1")
    desk.close()
    desk.database.close()


def test_the_dialog_waits_for_the_host_and_shows_it(admin: Watched, served: Served) -> None:
    page = admin.page
    admin.open("/agentlets")
    page.click("[data-opens=invite]")
    page.click("#invitation button.main")
    page.fill("#host", "-wrong name")
    page.click("#invitation button.main")
    page.wait_for_selector("#invitation .wrong, #invitation .fault")
    assert page.input_value("#host") == "-wrong name"
    page.fill("#host", "laptop1")
    page.fill("#url", "https://orch.example.com:8444")
    page.click("#invitation button.main")
    page.wait_for_selector("#invite-line")
    line = page.inner_text("#invite-line")
    found = re.fullmatch(r"curl -fsS .*https://orch\.example\.com:8444/install/(\S+) \| sh\s*", line)
    assert found, line
    assert "Waiting for laptop1" in page.inner_text("#invitation")
    admin.shot("invite-waiting")
    enrol(served.folder / ".orch", found[1], "laptop1")
    page.wait_for_selector("#invitation >> text=is enrolled")
    admin.shot("invite-enrolled")
    page.click("#invitation >> text=Look at it")
    page.wait_for_selector("h1 >> text=laptop1")
    page.click("text=Revoke")
    page.wait_for_selector("#ask[open]")
    page.click("#ask [data-yes]")
    page.wait_for_selector(".title .state.revoked")
    assert admin.wrong == [] and served.faults() == []
