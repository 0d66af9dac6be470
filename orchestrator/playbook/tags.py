"""Which tasks ``--tags`` and ``--skip-tags`` leave in a run. Pure."""

from __future__ import annotations

from collections.abc import Iterable

UNTAGGED = frozenset({"untagged"})


def selected(tags: Iterable[str], only: Iterable[str] = ("all",), skip: Iterable[str] = ()) -> bool:
    """Whether a task with these tags takes part, in Ansible's rules.

    ``always`` takes part unless it is skipped by name; ``never`` only when one of its tags is asked for. The words
    ``all``, ``tagged`` and ``untagged`` may be asked for or skipped as well. No ``only`` means ``all``.
    """
    own = frozenset(tags) or UNTAGGED
    return _asked_for(own, frozenset(only) or frozenset({"all"})) and not _left_out(own, frozenset(skip))


def _asked_for(own: frozenset[str], only: frozenset[str]) -> bool:
    if "always" in own or own & only:
        return True
    if "never" in own:
        return False
    return "all" in only or ("tagged" in only and own != UNTAGGED)


def _left_out(own: frozenset[str], skip: frozenset[str]) -> bool:
    if "all" in skip:
        return "always" not in own or "always" in skip
    return bool(own & skip) or ("tagged" in skip and own != UNTAGGED)


def split_tags(text: str) -> list[str]:
    """``"a, b"`` as ``["a", "b"]``."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]
