"""A module that orch does not have, as it was found: plain data that a task carries."""

from __future__ import annotations

from msgspec import Struct


class Found(Struct, frozen=True):
    """``name`` is what people call it, ``dotted`` its name as a Python module, ``path`` its file on the controller."""

    name: str
    dotted: str
    path: str
    utils: tuple[str, ...] = ()
    """``module_utils`` folders of the roles and the playbook around the task: searched first, in this order."""
    own: bool = False
    """It lies in a ``library/`` folder, and so stands before a module of the same name that orch has."""
    plugin: str | None = None
    """An action plugin of people's own, which runs on the controller in place of the module; ``path`` may be empty."""
    refused: str | None = None
    """Why it cannot be run here, as a sentence; it can when None."""
    only_without: frozenset[str] = frozenset()
    """Arguments that a controller-side plugin of the module's would have to deal with: it runs without them alone."""
