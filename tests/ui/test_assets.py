"""The page's own files: as the table of vendored ones says, and light."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from api.ui.assets import FOLDER, assets
from api.ui.pages import TEMPLATES, environment

VENDOR = FOLDER / "vendor"
BUDGET_BYTES = 250 * 1024
ROW = re.compile(r"^\| ([\w.-]+\.(?:js|css)) \|.*\| ([0-9a-f]{64}) \|$", re.MULTILINE)
LISTED = dict(ROW.findall((VENDOR / "README.md").read_text()))


def test_every_vendored_file_is_the_one_in_the_table() -> None:
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()
             if path.suffix in (".js", ".css")}
    assert there == LISTED


def test_every_vendored_package_has_its_licence() -> None:
    named = set(re.findall(r"LICENSE\.[\w-]+", (VENDOR / "README.md").read_text()))
    assert len(named) == 4 and all((VENDOR / name).read_text().strip() for name in named)


def test_the_first_view_is_light() -> None:
    """All that a browser loads for a view without plots, uncompressed; the run's view, which has the most."""
    own = sum(len(asset.body) for name, asset in assets().items() if "uplot" not in name and name != "plot.js")
    markup = max(len((TEMPLATES / name).read_bytes()) for name in ("layout.html", "runs/run.html"))
    print(f"page weight: {own + 3 * markup} of {BUDGET_BYTES} bytes")
    assert own + 3 * markup < BUDGET_BYTES


def test_nothing_is_asked_of_others() -> None:
    """No address in our own files but those of XML's names."""
    for path in [*TEMPLATES.rglob("*.html"), *FOLDER.glob("*.*"), *FOLDER.glob("icons/*")]:
        found = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text())) - {
            "http://www.w3.org", "https://orch.example.com"}
        assert not found, f"{path.name}: {found}"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text()
    forbidden = r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe"
    assert not re.search(forbidden, text)
    environment().get_template(path.relative_to(TEMPLATES).as_posix())
