"""The selection by tags, as ansible-playbook makes it."""

from __future__ import annotations

import pytest

from orchestrator.playbook.tags import selected, split_tags

CASES = [
    # id, tags, only, skip, selected
    ("untagged by default", "", "all", "", True),
    ("tagged by default", "web", "all", "", True),
    ("asked for", "web", "web", "", True),
    ("one of several asked for", "web,db", "db", "", True),
    ("not asked for", "web", "db", "", False),
    ("untagged not asked for", "", "db", "", False),
    ("always goes along", "always", "db", "", True),
    ("always with others", "always,web", "db", "", True),
    ("never by default", "never", "all", "", False),
    ("never with another by default", "never,debug", "all", "", False),
    ("never asked for by its other tag", "never,debug", "debug", "", True),
    ("never asked for by name", "never", "never", "", True),
    ("never is not among tagged", "never,debug", "tagged", "", False),
    ("tagged", "web", "tagged", "", True),
    ("tagged leaves the untagged", "", "tagged", "", False),
    ("untagged", "", "untagged", "", True),
    ("untagged leaves the tagged", "web", "untagged", "", False),
    ("always when untagged is asked for", "always", "untagged", "", True),
    ("skipped", "web", "all", "web", False),
    ("skip wins over asking", "web,db", "web", "db", False),
    ("another is skipped", "web", "all", "db", True),
    ("always is skipped by name", "always", "all", "always", False),
    ("always stays when all are skipped", "always", "all", "all", True),
    ("always skipped with all", "always", "all", "all,always", False),
    ("all are skipped", "web", "all", "all", False),
    ("tagged are skipped", "web", "all", "tagged", False),
    ("untagged stay when tagged are skipped", "", "all", "tagged", True),
    ("untagged are skipped", "", "all", "untagged", False),
    ("no choice means all", "web", "", "", True),
]


@pytest.mark.parametrize(("tags", "only", "skip", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_selection(tags, only, skip, expected):
    assert selected(split_tags(tags), split_tags(only), split_tags(skip)) is expected
