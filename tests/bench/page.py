"""The page in a browser over a full store: how much it weighs, and when its first row is there."""

from __future__ import annotations

import shutil
import statistics
import time
from typing import Any

from msgspec import Struct

from tests.bench.api import Server

CHROMIUM = ("chromium", "chromium-browser")
WEIGHT = """performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
.reduce((sum, one) => sum + one.decodedBodySize, 0)"""
TIMES = 5
DEADLINE_S = 60


class Seen(Struct):
    weight_bytes: int
    """Of the first view, unpacked, everything it loads."""
    run_list_s: float
    """Until the first of 50 runs is there."""
    run_grid_s: float
    """Until the first host of a run is there, with its results."""


def missing() -> str | None:
    """Why there is nothing to measure with; None when there is."""
    if not any(map(shutil.which, CHROMIUM)):
        return "no browser: Debian's chromium is not installed"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "no browser: playwright is not installed"
    return None


def looked_at(server: Server, run: str = "bench-000100") -> Seen:
    """A fresh browser each time, so that nothing is in its cache; the median of five."""
    from playwright.sync_api import sync_playwright

    program = next(path for name in CHROMIUM if (path := shutil.which(name)))
    lists, grids, weight = [], [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(TIMES):
            lists.append(_first_row(browser, server, "/runs", "#rows tr")[0])
            took, weight = _first_row(browser, server, f"/runs/{run}", "#grid .row b")
            grids.append(took)
        browser.close()
    return Seen(weight, statistics.median(lists), statistics.median(grids))


def _first_row(browser: Any, server: Server, path: str, selector: str) -> tuple[float, int]:
    context = browser.new_context()
    context.add_cookies([{"name": name, "value": value, "url": server.url} for name, value in server.cookies.items()])
    page = context.new_page()
    began = time.monotonic()
    page.goto(server.url + path, wait_until="commit")
    while not page.evaluate("(selector) => document.querySelector(selector) !== null", selector):
        if time.monotonic() > began + DEADLINE_S:
            raise RuntimeError(f"{path} has no {selector} after {DEADLINE_S} s")
        time.sleep(0.01)
    took = time.monotonic() - began
    page.wait_for_load_state("load")
    weight = int(page.evaluate(WEIGHT))
    context.close()
    return took, weight
