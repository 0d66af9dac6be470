"""A corner of this machine's Docker engine for one test: an image, and names that nobody else has."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agentlet.execute import execute
from agentlet.host import local_host
from tests.lab import engine, images
from tests.lab.engine import docker
from tests.modules.trial import Result, Trial


class Corner(Trial):
    """``name("web")`` is this test's own name; everything so named is removed in the end."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.prefix = f"orch-test-{os.getpid()}-{uuid.uuid4().hex[:6]}"

    def name(self, what: str) -> str:
        return f"{self.prefix}-{what}"

    def run(self, module: str, args: dict[str, Any], *, check: bool = False, **more: Any) -> Result:
        return execute(module, args, local_host(check_mode=check, diff=True, **more))

    def seen(self, look: str = "") -> list[str]:
        """Everything of this corner: containers with id and state, networks, volumes, images."""
        return [
            docker("ps", "--all", "--no-trunc", "--filter", f"name={self.prefix}", "--format", "{{.ID}} {{.State}}"),
            docker("network", "ls", "--no-trunc", "--filter", f"name={self.prefix}", "--format", "{{.ID}}"),
            docker("volume", "ls", "--filter", f"name={self.prefix}", "--format", "{{.Name}}"),
            "\n".join(self.images()),
        ]

    def images(self) -> list[str]:
        listed = docker("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
        return sorted(line for line in listed if self.prefix in line)  # docker's order is not that of names

    def remove(self) -> None:
        names = docker("ps", "--all", "--quiet", "--filter", f"name={self.prefix}").split()
        if names:
            docker("rm", "--force", "--volumes", *names)
        for kind in ("network", "volume"):
            found = docker(kind, "ls", "--quiet", "--filter", f"name={self.prefix}").split()
            if found:
                docker(kind, "rm", *found)
        for line in self.images():
            docker("rmi", "--force", line.split()[0])


@contextmanager
def corner() -> Iterator[Corner]:
    reason = engine.missing()
    if reason:
        pytest.skip(reason)
    made = Corner(images.ensure("bookworm"))
    try:
        yield made
    finally:
        made.remove()
