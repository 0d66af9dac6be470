from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inventory import Inventory, load

Make = Callable[..., Inventory]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Loads the texts as files of one inventory: ``make(ini="…")``, ``make(yml="…")``, in the order given."""

    def build(**texts: str) -> Inventory:
        paths = []
        for number, (ending, text) in enumerate(texts.items()):
            path = tmp_path / f"{number}.{ending}"
            path.write_text(text)
            paths.append(str(path))
        return load(paths)

    return build
