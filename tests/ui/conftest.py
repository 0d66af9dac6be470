"""The page as people use it: a real `orch serve` in an empty directory, and a real Chromium that looks at it."""

from __future__ import annotations

import hashlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.engine import LAB_DIR

AXE = "axe-core@4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
CHROMIUM = ("chromium", "chromium-browser")
START_S = 90
SCREENS = {"desk": (1280, 800), "phone": (390, 844)}
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) => console.error(
    "CSP", location.pathname, event.violatedDirective, event.target.outerHTML?.slice(0, 200)))"""
PASSWORD = "correct horse battery 9"


class Served:
    """An `orch serve` of its own. ``url`` of the page, ``link`` of the first login."""

    def __init__(self, folder: Path, store_url: str | None = None) -> None:
        self.folder = folder
        self.log = folder / "serve.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "ANSIBLE_"))}
        environment["ORCH_STATE_DIR"] = str(folder / ".orch")
        if store_url:
            environment["ORCH_STORE"] = store_url
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator.cli.main", "serve", "--agents-host", "127.0.0.1",
                 "--agents-port", "0", "--page-port", "0"], cwd=folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.url = self._said(r"page: (http://\S+)")
        self.link = self._said(r"^(http://\S+/link/\S+)$")

    def _said(self, pattern: str) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            found = re.search(pattern, self.log.read_text(), re.MULTILINE)
            if found:
                return found[1]
            if self.process.poll() is not None:
                break
            select.select([], [], [], 0.1)
        raise RuntimeError(f"orch serve did not start:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def faults(self) -> list[str]:
        """What its log calls an error."""
        return [line[:2000] for line in self.log.read_text().splitlines() if '"level": "error"' in line]


@pytest.fixture(scope="module")
def store_url() -> str | None:
    """None: the state directory's own SQLite file. A module may have another database."""
    return None


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, store_url: str | None) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"), store_url)
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's chromium under Playwright."""
    program = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no browser: Debian's chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser: playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Watched:
    """A page, and everything about it that no page of ours may do."""

    def __init__(self, context: Any, url: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.url = url
        self.wrong: list[str] = []
        self.page.add_init_script(TELL_VIOLATIONS)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", lambda answer: self.wrong.append(f"{answer.status}: {answer.url}")
                     if answer.status >= 500 else None)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text} {message.location.get('url')}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.url + "/", "data:", "blob:")):
            self.wrong.append(f"asked elsewhere: {request.url}")

    def open(self, path: str) -> Any:
        return self.page.goto(self.url + path)

    def shot(self, name: str) -> None:
        """Kept as an artifact of the run."""
        folder = LAB_DIR / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(folder / f"{name}.png"))


@pytest.fixture(scope="module")
def admin(served: Served, chromium: Any) -> Iterator[Watched]:
    """Who came in by the first link, with one tab that all tests of a module share."""
    width, height = SCREENS["desk"]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme="light")
    watched = Watched(context, served.url)
    page = watched.page
    page.goto(served.link)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("main button.main")
    page.wait_for_url(served.url + "/")
    yield watched
    context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's source, out of npm's package; kept in the lab folder, and no part of orch."""
    kept = LAB_DIR / "axe" / "axe-4.14.1.min.js"
    if not kept.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no axe-core: npm is not installed")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:  # another process may fetch it as well
            done = subprocess.run([npm, "pack", "--silent", AXE], cwd=scratch, capture_output=True, text=True,
                                  timeout=120)
            if done.returncode:
                pytest.skip("no axe-core: npm could not fetch it")
            with tarfile.open(Path(scratch, done.stdout.strip().splitlines()[-1])) as packed:
                member = packed.extractfile("package/axe.min.js")
                assert member is not None
                own = Path(scratch, kept.name)
                own.write_bytes(member.read())
            own.rename(kept)
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == AXE_SHA256
    return kept.read_text()
