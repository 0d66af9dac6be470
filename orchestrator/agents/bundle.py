"""The agentlet's one file: a zip archive that Python runs, made from the sources of this installation."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FROM_MODULES = ("modules/__init__.py", "modules/api.py")
LIST = "agentlet/pull/runtime.txt"
_DATE = (1980, 1, 1, 0, 0, 0)
_MAIN = """import os
import sys

if sys.version_info < (3, 6):
    sys.exit("The agentlet needs Python 3.6 or later; this is %d.%d" % sys.version_info[:2])
from agentlet.pull.main import main

sys.exit(main(os.path.abspath(sys.argv[0]), sys.argv[1:]))
"""


def build_pyz() -> bytes:
    """The file's bytes; the same for the same sources. Python 3.6 or later runs it: ``python3 agentlet.pyz``."""
    files = {str(path.relative_to(ROOT)): path.read_bytes() for path in _sources()}
    files[LIST] = "".join(f"{name}\n" for name in runtime_modules()).encode()
    files["__main__.py"] = _MAIN.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            # Date, mode and system fixed: nothing of this machine goes into it.
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return packed.getvalue()


def runtime_modules() -> list[str]:
    """The dotted names of what a runtime is made of, as over SSH."""
    own = [f"agentlet.{path.stem}" for path in sorted((ROOT / "agentlet").glob("*.py")) if path.stem != "__init__"]
    return [*own, "modules.api"]


def _sources() -> list[Path]:
    return [*sorted((ROOT / "agentlet").rglob("*.py")), *(ROOT / name for name in FROM_MODULES)]
