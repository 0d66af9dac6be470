"""A control on both databases, with a clock that tests move, and admins to act as."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.access.identities import by_command_line
from orchestrator.access.records import User
from orchestrator.access.rights import Identity
from orchestrator.control.control import Control, open_control
from tests.store.conftest import url  # noqa: F401  a fixture: SQLite and PostgreSQL

HAND = by_command_line("tests")
PASSWORD = "four words are enough"


class Clock:
    """The server's clock, as tests set it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **units: float) -> None:
        self.now += timedelta(**units)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def control(tmp_path: Path, url: str, clock: Clock) -> Iterator[Control]:  # noqa: F811
    opened = open_control(tmp_path / "state", url, clock)
    yield opened
    opened.close()


@pytest.fixture
def other(tmp_path: Path, url: str, clock: Clock, control: Control) -> Iterator[Control]:  # noqa: F811
    """Another process's, on the same store."""
    opened = open_control(tmp_path / "state", url, clock)
    yield opened
    opened.close()


@pytest.fixture
def admin(control: Control) -> User:
    """An admin with a password."""
    return with_password(control, "root", "admin")


@pytest.fixture
def by(control: Control, admin: User) -> Identity:
    return control.identities.of(admin.id, "session")


def with_password(control: Control, name: str, role: str = "viewer", password: str = PASSWORD) -> User:
    """A user who has set it, and need not set it again."""
    user = control.users.add(HAND, name, role)
    return control.users.set_password(HAND, user.id, password, must_change=False)


def actions(control: Control) -> list[str]:
    return [entry.action for entry in control.books.audit.entries()]
