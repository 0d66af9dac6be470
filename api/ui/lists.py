"""Lists of the page: what of them is asked for, in the words of the API."""

from __future__ import annotations

from api.operator.conventions import AnyRequest
from orchestrator.store.paging import PageRequest

PER_PAGE = 50


def page_asked(request: AnyRequest, per_page: int = PER_PAGE) -> PageRequest:
    """``?cursor=`` and ``?sort=`` of a view; services refuse those that are not theirs."""
    asked = request.query_params
    return PageRequest(per_page, asked.get("cursor") or None, asked.get("sort") or None)


def asked(request: AnyRequest, *names: str) -> dict[str, str | None]:
    """Filters: None for what is not asked for."""
    return {name: request.query_params.get(name) or None for name in names}
