"""Names that tasks give to variables while a run goes on."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import Origin, TaskFault

CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None", "not"})
"""Names that templates read as something else than a variable."""


def check_name(name: Any, origin: Origin | None) -> str:
    """The name itself. Raises `TaskFault`, in Ansible's words, for one that no template could ask for."""
    if isinstance(name, str) and name.isidentifier() and name.isascii() and name not in CONSTANTS:
        return name
    kind = "" if isinstance(name, str) else f" of type '{type(name).__name__}'"
    raise TaskFault(f"Task failed: Invalid variable name {str(name)!r}{kind}.", code="variable_name", origin=origin,
                    hint="a name is of letters, digits and underscores, and does not begin with a digit")
