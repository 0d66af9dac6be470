"""What import-linter cannot say of the house: hosts get the standard library alone, in the syntax of Python 3.6."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ON_HOSTS = sorted(path for room in ("agentlet", "modules") for path in (ROOT / room).rglob("*.py"))
CONTROLLER = sorted(path for room in ("orchestrator", "api") for path in (ROOT / room).rglob("*.py"))

FROM_MODULES = {"modules.api", "modules.collection_names", "modules.registry"}
"""What the controller may import of the modules: their metadata, read without running them."""

FROM_AGENTLET = {"agentlet.arguments", "agentlet.wire"}
"""What both sides share: frames, and how arguments are checked. The rest is sent as source and never run here."""

PAYLOAD = {"agentlet", "agentlet.launch", "modules"}
"""What those may import besides who find the sources and code that are sent, and the line that starts them."""
MAKERS_OF_PAYLOAD = {"payload.py", "compiled.py"}

LATER_THAN_3_6 = {"dataclasses", "contextvars", "graphlib", "importlib.metadata", "importlib.resources", "tomllib",
                  "zoneinfo"}
NOT_EVERYWHERE = {"_winreg", "winreg", "msvcrt"}


def imports(path: Path) -> dict[str, ast.stmt]:
    """Dotted module name -> the statement, for every import in the file, at whatever depth."""
    found: dict[str, ast.stmt] = {}
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found.update((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update((f"{node.module}.{alias.name}", node) for alias in node.names)
    return found


def guarded(path: Path) -> set[ast.stmt]:
    """Imports inside ``try: … except ImportError``: used where they are, done without where they are not."""
    inside: set[ast.stmt] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Try) and any("ImportError" in ast.dump(handler) for handler in node.handlers):
            inside.update(found for found in ast.walk(node) if isinstance(found, ast.Import | ast.ImportFrom))
    return inside


@pytest.mark.parametrize("path", ON_HOSTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_runs_on_hosts_parses_as_python_3_6(path: Path) -> None:
    ast.parse(path.read_text(), str(path), feature_version=(3, 6))


@pytest.mark.parametrize("path", ON_HOSTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_runs_on_hosts_imports_the_standard_library_alone(path: Path) -> None:
    optional = {ast.dump(statement) for statement in guarded(path)}
    allowed = (set(sys.stdlib_module_names) | {"agentlet", "modules"}) - LATER_THAN_3_6 - NOT_EVERYWHERE
    wrong = [name for name, statement in imports(path).items()
             if (name.split(".")[0] not in allowed or ".".join(name.split(".")[:2]) in LATER_THAN_3_6)
             and ast.dump(statement) not in optional]
    assert not wrong


def test_the_controller_knows_modules_and_agentlet_by_what_both_sides_share() -> None:
    wrong = []
    for path in CONTROLLER:
        allowed = FROM_MODULES | FROM_AGENTLET | (PAYLOAD if path.name in MAKERS_OF_PAYLOAD else set())
        for name in imports(path):
            room, shared = name.split(".")[0], ".".join(name.split(".")[:2])
            if room in ("modules", "agentlet") and shared not in allowed:
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert not wrong


def test_the_inventory_imports_the_standard_library_and_two_packages_alone() -> None:
    allowed = set(sys.stdlib_module_names) | {"inventory", "msgspec", "yaml"}
    wrong = {name for path in (ROOT / "inventory").rglob("*.py") for name in imports(path)
             if name.split(".")[0] not in allowed}
    assert not wrong


def test_the_rooms_of_the_house_keep_their_arrows() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    if not lint.exists():
        pytest.skip("import-linter is not installed")
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]
