"""npm, on packages in folders beside the application: no registry is asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.modules.conftest import OnHost
from tests.modules.trial import Result, Trial


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


class Npm(Trial):
    """npm in one application; its own caches and dates are left out of what is seen."""

    def __init__(self, on_host: OnHost, app: Path) -> None:
        self.on_host = on_host
        self.app = app

    def run(self, module: str, args: dict[str, Any], *, check: bool = False, **more: Any) -> Result:
        return self.on_host.run(module, {"path": str(self.app), **args}, check=check, **more)

    def seen(self, look: str = "") -> list[str]:
        return modules_of(self.app)


def test_what_a_package_json_names_is_installed(on_host: OnHost, app: Path) -> None:
    Npm(on_host, app).converge("npm", {"production": True})
    assert modules_of(app) == ["orch-one"]
    Npm(on_host, app).converge("npm", {})
    assert modules_of(app) == ["orch-one", "orch-two"]


def test_a_package_goes(on_host: OnHost, app: Path) -> None:
    on_host.run("npm", {"path": str(app)})
    Npm(on_host, app).converge("npm", {"name": "orch-two", "state": "absent"})
    assert modules_of(app) == ["orch-one"]
    assert on_host.run("npm", {"path": str(app), "name": "orch-one"})["status"] == "ok"
    assert on_host.run("npm", {"path": str(app), "name": "orch-one", "version": "2"}, check=True)["status"] == "changed"


def test_what_cannot_be_done_is_a_failure(on_host: OnHost, app: Path) -> None:
    on_host.fails("npm", {"name": "x"}, code="bad_arguments", says="path must be specified when not using global")
    on_host.fails("npm", {"path": str(app), "executable": "nosuchnpm"}, code="no_npm")
    on_host.fails("npm", {"path": str(app), "state": "absent"}, code="bad_arguments", says="name")
    (app / "package.json").write_text("{ broken")
    assert on_host.run("npm", {"path": str(app)})["error"]["code"] == "npm_failed"
