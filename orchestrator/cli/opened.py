"""The control plane for a command: whoever may open the store by hand is an admin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.access.rights import Identity
    from orchestrator.control.control import Control
    from orchestrator.store.paging import Page, PageRequest


class Named(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


RowT = TypeVar("RowT")
NamedT = TypeVar("NamedT", bound=Named)
STORE = click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE", help="Database; the default is a"
                     " SQLite file of the project.")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")


@contextmanager
def opened(url: str | None) -> Iterator[tuple[Control, Identity]]:
    """A control on the store, and who runs the command. What is refused comes with the fields that are wrong."""
    import getpass

    from orchestrator.access.identities import by_command_line
    from orchestrator.cli.options import state_directory
    from orchestrator.control.control import open_control
    from orchestrator.refusals import Malformed

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "?"
    control = open_control(state_directory(), url)
    try:
        yield control, by_command_line(f"{name} (orch)")
    except Malformed as error:
        told = "; ".join(f"{path.removeprefix('values.')}: {says}" for path, says in error.fields)
        raise UsageError(f"{error.message}: {told}" if told else error.message, code=error.code,
                         hint=error.hint) from None
    finally:
        control.close()


def listed(ask: Callable[[PageRequest], Page[RowT]]) -> list[RowT]:
    """All rows of a list that comes in pages."""
    from orchestrator.store.paging import PageRequest

    rows: list[RowT] = []
    cursor = None
    while True:
        page = ask(PageRequest(200, cursor))
        rows += page.items
        cursor = page.next
        if cursor is None:
            return rows


def named(rows: Iterable[NamedT], name: str, what: str) -> NamedT:
    """The row of that name or id. Raises `UsageError`."""
    for row in rows:
        if name in (row.name, row.id):
            return row
    raise UsageError(f"there is no {what} {name!r}", hint=f"`orch {what}s list` shows them")
