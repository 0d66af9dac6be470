"""Pages by keyset: every row once, whatever the sort, while rows are added."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Struct

from orchestrator.refusals import Malformed
from orchestrator.store.database import database_for
from orchestrator.store.paging import Order, PageRequest, ordered, page_of, seen_page
from orchestrator.store.table import Table

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SORTS = {"opened": ("opened", "key"), "key": ("key",)}


class Alert(Struct):
    key: str
    subject: str
    opened: datetime


@pytest.fixture
def table(url: str) -> Iterator[Table[Alert]]:
    database = database_for(url)
    database.open()
    made = Table(database, "alerts", Alert)
    add(made, *range(25))
    yield made
    database.close()


def add(table: Table[Alert], *numbers: int) -> None:
    """Several share a moment: the second column of the sort must tell them apart."""
    table.insert(*({"key": f"k{number:03}", "kind": "test", "subject": "s\udc80" if number % 2 else "s", "message": "",
                    "opened": NOW + timedelta(seconds=number // 5), "closed": None} for number in numbers))


@pytest.mark.parametrize("sort", ["opened", "-opened", "key", "-key", None])
@pytest.mark.parametrize("limit", [1, 4, 25, 200])
def test_every_row_comes_once_and_in_order(table: Table[Alert], sort: str | None, limit: int) -> None:
    found, cursor = [], None
    for _ in range(30):
        page = page_of(table, PageRequest(limit, cursor, sort), SORTS)
        found += [row.key for row in page.items]
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == limit
    wanted = [f"k{number:03}" for number in range(25)]
    assert found == (wanted[::-1] if sort and sort.startswith("-") else wanted)


@pytest.mark.parametrize("sort", ["opened", "-key"])
@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_pages_of_what_is_seen_are_full_and_their_cursors_name_nothing_else(
        table: Table[Alert], sort: str, limit: int) -> None:
    seen = ["k003", "k010", "k011", "k024"]
    found, cursor = [], None
    while True:
        page = seen_page(table, PageRequest(limit, cursor, sort), SORTS, lambda rows: [
            row for row in rows if row.key in seen])
        found += [row.key for row in page.items]
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == limit
        assert ordered(PageRequest(limit, cursor, sort), SORTS).after[-1] == found[-1]
    assert found == (seen if sort == "opened" else seen[::-1])


def test_rows_that_come_meanwhile_shift_nothing(table: Table[Alert]) -> None:
    first = page_of(table, PageRequest(10, None, "-opened"), SORTS)
    add(table, 100, 101)
    second = page_of(table, PageRequest(10, first.next, "-opened"), SORTS)
    assert [row.key for row in second.items] == [f"k{number:03}" for number in range(14, 4, -1)]


def test_a_filter_counts_before_the_page(table: Table[Alert]) -> None:
    page = page_of(table, PageRequest(200), SORTS, '"subject" = ? OR "subject" = ?', "s\udc80", "nothing")
    assert len(page.items) == 12 and page.next is None


@pytest.mark.parametrize("request_", [
    PageRequest(0), PageRequest(201), PageRequest(sort="subject"), PageRequest(sort="--key"),
    PageRequest(sort='key" --'), PageRequest(cursor="x"), PageRequest(cursor="W10"), PageRequest(cursor="e30"),
    PageRequest(sort="key", cursor=Order("-key", ("key",), True, 1).cursor("k1")),
    PageRequest(sort="key", cursor=Order("key", ("key",), False, 1).cursor({"a": 1})),
    PageRequest(sort="key", cursor=Order("key", ("key",), False, 1).cursor(2**70)),
    PageRequest(sort="key", cursor=Order("key", ("key",), False, 1).cursor("a", "b"))])
def test_what_is_no_page_is_refused(request_: PageRequest) -> None:
    with pytest.raises(Malformed):
        ordered(request_, SORTS)
