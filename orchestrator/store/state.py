"""Where a project keeps its state: the store, known hosts, received files."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

DIRECTORY = ".orch"


def state_dir(start: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None) -> str:
    """The state directory: ``ORCH_STATE_DIR``; else ``.orch`` in ``start`` (default: here) or the nearest folder above
    that has one, as `orch init` makes it; else the user's own. It need not exist: see `ensure`.

    A ``.orch`` of somebody else is passed over: whoever owns it could swap the store under a run. Root's is taken.
    """
    environ = os.environ if environ is None else environ
    if environ.get("ORCH_STATE_DIR"):
        return str(Path(environ["ORCH_STATE_DIR"]).expanduser().absolute())
    here = Path(start or ".").absolute()
    for folder in (here, *here.parents):
        if _is_ours(folder / DIRECTORY):
            return str(folder / DIRECTORY)
    if sys.platform == "linux":  # what the library says of it, without its 11 ms
        home = environ.get("XDG_STATE_HOME", "").strip() or os.path.join(os.path.expanduser("~"), ".local", "state")
        return os.path.join(home, "orch")
    from platformdirs import user_state_dir

    return user_state_dir("orch")


def _is_ours(path: Path) -> bool:
    try:
        return path.is_dir() and path.stat().st_uid in (0, os.getuid())
    except OSError:
        return False


def ensure(path: str | os.PathLike[str]) -> str:
    """Make the directory where it is missing, for its owner alone (0700), and return it. Raises OSError."""
    folder = Path(path)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder)
