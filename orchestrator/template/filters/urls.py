"""Filters on URLs."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus
from urllib.parse import urlsplit as split_url

from orchestrator.errors import TemplateError

_PARTS = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")


def urlsplit(value: Any, query: str = "") -> Any:
    """The parts of a URL, or the one asked for."""
    split = split_url(str(value))
    parts = {name: getattr(split, name) for name in _PARTS}
    if not query:
        return parts
    if query not in parts:
        raise TemplateError(f"urlsplit: unknown URL component: {query}", hint=f"there are: {', '.join(_PARTS)}")
    return parts[query]


def urldecode(value: Any) -> str:
    return unquote_plus(str(value))
