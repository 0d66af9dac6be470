"""Gateways for tests: each has a state directory, a store and an authority of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.gateway import Member, Served

Serve = Callable[..., Served]


@pytest.fixture
def serve_gateway(tmp_path: Path) -> Iterator[Serve]:
    """Starts gateways; all of one test share the state directory, as processes of one project do."""
    running: list[Served] = []

    def start(**options: Any) -> Served:
        running.append(Served(tmp_path / "state", **options).start())
        return running[-1]

    yield start
    for served in running:
        served.stop()


@pytest.fixture
def served(serve_gateway: Serve) -> Served:
    return serve_gateway()


@pytest.fixture
def member(served: Served) -> Member:
    """An enrolled agent with a certificate, of the host web1."""
    return served.enrol("web1")
