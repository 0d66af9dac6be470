"""Packages in a virtualenv on this machine, from wheels made here: no package index is asked."""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from modules.support.pip import environment
from tests.modules.conftest import OnHost
from tests.modules.trial import Result, Trial

VENV = f"{sys.executable} -m venv"


def wheel(folder: Path, name: str, version: str, needs: str = "") -> None:
    """A package with one empty module, in a wheel."""
    info = f"{name}-{version}.dist-info"
    files = {f"{name}.py": "", f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"}
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n" for path, text in files.items())
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as packed:
        for path, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            packed.writestr(path, text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "1.1", "2.0", "3.0a1"):
        wheel(folder, "orch_one", version)
    wheel(folder, "orch_two", "0.5", "Requires-Dist: orch_one\n")
    return folder


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv") / "v"
    import subprocess

    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


class Pip(Trial):
    """pip in one virtualenv, with our wheels as the only source."""

    def __init__(self, on_host: OnHost, venv: Path, wheels: Path) -> None:
        self.on_host = on_host
        self.common = {"virtualenv": str(venv), "extra_args": f"--no-index --find-links {wheels}"}
        self.venv = venv

    def run(self, module: str, args: dict[str, Any], *, check: bool = False, **more: Any) -> Result:
        return self.on_host.run(module, {**self.common, **args}, check=check, **more)

    def seen(self, look: str = "") -> dict[str, str]:
        return self.have()

    def have(self) -> dict[str, str]:
        site = next(self.venv.glob("lib/python*/site-packages"))
        return {name: version for name, version in environment.in_folder(str(site)) if name.startswith("orch")}


@pytest.fixture
def pip(on_host: OnHost, venv: Path, wheels: Path) -> Pip:
    made = Pip(on_host, venv, wheels)
    made.on_host.run("pip", {"virtualenv": str(venv), "name": ["orch_one", "orch_two"], "state": "absent"})
    assert made.have() == {}
    return made


STEPS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "newest final": ({"name": "orch_one"}, {"orch-one": "2.0"}),
    "a version": ({"name": "orch_one==1.1"}, {"orch-one": "1.1"}),
    "a version of its own": ({"name": "orch-one", "version": "1.0"}, {"orch-one": "1.0"}),
    "specifiers": ({"name": "orch_one", "version": "<2,!=1.1"}, {"orch-one": "1.0"}),
    "an early version": ({"name": "orch_one==3.0a1"}, {"orch-one": "3.0a1"}),
    "several with what they need": ({"name": "Orch.Two , orch_one<2"}, {"orch-one": "1.1", "orch-two": "0.5"}),
    "an empty version": ({"name": "orch_one", "version": ""}, {"orch-one": "2.0"}),
    "latest": ({"name": "orch_one", "state": "latest"}, {"orch-one": "2.0"}),
}


@pytest.mark.parametrize(("args", "have"), STEPS.values(), ids=STEPS.keys())
def test_packages_are_installed(pip: Pip, args: dict[str, Any], have: dict[str, str]) -> None:
    done = pip.converge("pip", args)["values"]
    assert pip.have() == have and done["cmd"][1] == "install"


def test_a_package_changes_its_version_and_goes(pip: Pip) -> None:
    pip.converge("pip", {"name": "orch_one==1.0"})
    pip.unchanged("pip", {"name": "orch_one"})
    pip.unchanged("pip", {"name": "orch_one>=1,<2"})
    pip.converge("pip", {"name": "orch_one>1.0,<3"})
    pip.run("pip", {"name": "orch_one==1.0"})
    pip.converge("pip", {"name": "orch_one", "state": "latest"})
    assert pip.have() == {"orch-one": "2.0"}
    assert pip.run("pip", {"name": "orch_one", "state": "forcereinstall"})["status"] == "changed"
    pip.on_host.run("pip", {"name": "orch_one", "state": "absent", "virtualenv": str(pip.venv)})
    assert pip.have() == {}


def test_a_package_is_removed_once(pip: Pip) -> None:
    pip.run("pip", {"name": "orch_one"})
    pip.common["extra_args"] = ""
    pip.converge("pip", {"name": ["orch_one", "orch_two"], "state": "absent"})


def test_a_requirements_file_is_followed(pip: Pip, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("orch_two\norch_one==1.1  # why\n")
    pip.converge("pip", {"requirements": "r.txt", "chdir": str(tmp_path)})
    assert pip.have() == {"orch-one": "1.1", "orch-two": "0.5"}


def test_a_path_is_installed(pip: Pip, wheels: Path) -> None:
    assert pip.run("pip", {"name": f"{wheels}/orch_one-1.1-py3-none-any.whl"})["status"] == "changed"
    assert pip.have() == {"orch-one": "1.1"}


def test_a_virtualenv_is_made(on_host: OnHost, tmp_path: Path, wheels: Path) -> None:
    args = {"name": [], "virtualenv": "v", "virtualenv_command": VENV, "chdir": str(tmp_path)}
    assert on_host.run("pip", args, check=True)["status"] == "changed" and not (tmp_path / "v").exists()
    assert on_host.run("pip", args)["status"] == "changed" and (tmp_path / "v/bin/pip").exists()
    assert on_host.run("pip", args)["status"] == "ok"
    named = {"name": "orch_one", "executable": str(tmp_path / "v/bin/pip"), "umask": "0077",
             "extra_args": f"--no-index --find-links {wheels}"}
    assert on_host.run("pip", named)["status"] == "changed"
    module = next(tmp_path.glob("v/lib/python*/site-packages/orch_one.py"))
    assert module.stat().st_mode & 0o777 == 0o600


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such package": ({"name": "orch_nine"}, "pip_failed", "No matching distribution found for orch_nine"),
    "a version twice": ({"name": "orch_one>1", "version": "2"}, "bad_arguments", "conflicts with any version"),
    "a version for two": ({"name": "a,b", "version": "2"}, "bad_arguments", "is ambiguous"),
    "latest of a version": ({"name": "a", "version": "2", "state": "latest"}, "bad_arguments", "is incompatible"),
    "an option": ({"name": "--upgrade"}, "bad_package", "extra_args"),
    "no name": ({"name": "djan=+-~!@#$go>1.11.1,<1.11.3"}, "bad_package", "is not a package's name"),
    "no file": ({"requirements": "/nonexistent/r.txt"}, "pip_failed", "Could not open requirements file"),
    "no virtualenv program": ({"name": "a", "virtualenv": "/nonexistent/v", "virtualenv_command": "nosuchprogram"},
                              "no_virtualenv", "Failed to find required executable"),
    "a bad umask": ({"name": "orch_one", "umask": "9"}, "bad_arguments", "umask must be an octal integer"),
}


@pytest.mark.parametrize(("args", "code", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_what_cannot_be_installed_is_a_failure(pip: Pip, args: dict[str, Any], code: str, says: str) -> None:
    result = pip.run("pip", args)
    assert result["status"] == "failed" and result["error"]["code"] == code, result
    assert says in result["error"]["message"] + str(result["error"]["hint"])
    assert pip.have() == {}


def test_without_pip_it_says_so(on_host: OnHost) -> None:
    on_host.fails("pip", {"name": "x", "executable": "pip99"}, code="no_pip", says="Unable to find any of pip99 to use")
