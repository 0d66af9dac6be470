"""npm, on packages in folders beside the application: no registry is asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.modules.conftest import OnHost


def package(folder: Path, name: str, **more: Any) -> Path:
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", **more}))
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Path:
    if not shutil.which("npm"):
        pytest.skip("there is no npm on this machine")
    package(tmp_path / "one", "orch-one")
    package(tmp_path / "two", "orch-two")
    return package(tmp_path / "app", "app", dependencies={"orch-one": "file:../one"},
                   devDependencies={"orch-two": "file:../two"})


def modules_of(app: Path) -> list[str]:
    folder = app / "node_modules"
    return sorted(entry.name for entry in folder.iterdir() if entry.name[0] != ".") if folder.exists() else []


def converge(on_host: OnHost, app: Path, args: dict[str, Any]) -> None:
    """As the driver's, but npm's own caches and dates are left out."""
    before = modules_of(app)
    assert on_host.run("npm", {"path": str(app), **args}, check=True)["status"] == "changed"
    assert modules_of(app) == before, "check mode wrote"
    done = on_host.run("npm", {"path": str(app), **args})
    assert done["status"] == "changed", done
    assert on_host.run("npm", {"path": str(app), **args})["status"] == "ok"


def test_what_a_package_json_names_is_installed(on_host: OnHost, app: Path) -> None:
    converge(on_host, app, {"production": True})
    assert modules_of(app) == ["orch-one"]
    converge(on_host, app, {})
    assert modules_of(app) == ["orch-one", "orch-two"]


def test_a_package_goes(on_host: OnHost, app: Path) -> None:
    on_host.run("npm", {"path": str(app)})
    converge(on_host, app, {"name": "orch-two", "state": "absent"})
    assert modules_of(app) == ["orch-one"]
    assert on_host.run("npm", {"path": str(app), "name": "orch-one"})["status"] == "ok"
    assert on_host.run("npm", {"path": str(app), "name": "orch-one", "version": "2"}, check=True)["status"] == "changed"


def test_what_cannot_be_done_is_a_failure(on_host: OnHost, app: Path) -> None:
    on_host.fails("npm", {"name": "x"}, code="bad_arguments", says="path must be specified when not using global")
    on_host.fails("npm", {"path": str(app), "executable": "nosuchnpm"}, code="no_npm")
    on_host.fails("npm", {"path": str(app), "state": "absent"}, code="bad_arguments", says="name")
    (app / "package.json").write_text("{ broken")
    assert on_host.run("npm", {"path": str(app)})["error"]["code"] == "npm_failed"
