"""Other people's content, from the package index, pinned by hash; and an environment that runs Ansible.

Nothing of it is kept in the project: all of it lives below ``.lab/compat`` and is made once.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.bench.engines import uv
from tests.lab.engine import LAB_DIR

FOLDER = LAB_DIR / "compat"
VENV = FOLDER / "venv"
SOURCE = Path(__file__).with_name("source.txt")
DEBOPS = Path(__file__).with_name("debops.txt")
ENVIRONMENT = Path(__file__).with_name("requirements.txt")
TIMEOUT_S = 900


class Unavailable(RuntimeError):
    """The package index cannot be reached, or gives something else than what is pinned."""


def tests() -> Path:
    """The unpacked distribution's ``test`` folder. Downloads it when it is not there. Raises `Unavailable`."""
    requirement = SOURCE.read_text().split()[0]
    unpacked = FOLDER / requirement.replace("ansible-core==", "ansible_core-")
    if not (unpacked / "test").exists():
        _unpack(_download(SOURCE, "--no-binary", "ansible_core-*.tar.gz"), FOLDER)
    return unpacked / "test"


def debops() -> Path:
    """The folder with DebOps' collection (``ansible_collections``). Downloads it when it is not there.

    Raises `Unavailable`.
    """
    unpacked = FOLDER / DEBOPS.read_text().split()[0].replace("==", "-")
    if not unpacked.exists():
        part = unpacked.with_name(f"{unpacked.name}.part")
        with zipfile.ZipFile(_download(DEBOPS, "--only-binary", "debops-*.whl")) as wheel:
            wheel.extractall(part)
        part.rename(unpacked)
    return unpacked / "debops" / "_data" / "ansible" / "collections"


def ansible_playbook() -> Path:
    """Ansible's own command, in an environment of its own. Raises `Unavailable`."""
    stamp = VENV / ".requirements"
    if not stamp.exists() or stamp.read_text() != ENVIRONMENT.read_text():
        _environment()
        _run([uv(), "pip", "install", "--quiet", "--python", VENV / "bin" / "python", "-r", ENVIRONMENT])
        stamp.write_text(ENVIRONMENT.read_text())
    return VENV / "bin" / "ansible-playbook"


def _download(requirement: Path, form: str, name: str) -> Path:
    """pip checks the hash. ``form``: of ansible-core the source is asked for, since its wheel has no tests."""
    found = FOLDER / "download"
    _environment()
    pip = [VENV / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    _run([*pip, "download", "--no-deps", form, ":all:", "--require-hashes", "-r", requirement, "-d", found])
    return next(found.glob(name))


def _environment() -> None:
    if not (VENV / "bin" / "pip").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        _run([uv(), "venv", "--quiet", "--seed", "--clear", "--python", sys.executable, VENV])


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def _run(command: list[object]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=TIMEOUT_S,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unavailable(f"{Path(str(command[0])).name} {command[1]}: {last}")
