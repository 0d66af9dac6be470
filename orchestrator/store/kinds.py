"""How the columns of a table are written down: names by kind."""

from __future__ import annotations


def columns(spec: str) -> dict[str, str]:
    """``text: a b; int: c`` as a dict of name to kind."""
    return {name: kind.strip() for part in spec.split(";") for kind, _, names in [part.partition(":")]
            for name in names.split()}
