from __future__ import annotations

import pytest

from tests.playbook.reading import Project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project folder, which is the working directory too."""
    return Project(tmp_path, monkeypatch)
