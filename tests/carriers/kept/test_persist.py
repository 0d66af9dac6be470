"""How long a line is kept: ssh's words for it."""

from __future__ import annotations

import pytest

from orchestrator.carriers.kept.persist import LONGEST_S, persist_s
from orchestrator.carriers.ssh_config import SshConfig
from orchestrator.carriers.ssh_plan import plan_ssh
from orchestrator.durations import seconds
from orchestrator.errors import ContentError

SAID = [
    ("nothing", {}, None),
    ("seconds", {"controlpersist": "30"}, 30),
    ("ansible's default", {"controlmaster": "auto", "controlpersist": "60s"}, 60),
    ("minutes", {"controlpersist": "5m"}, 300),
    ("several units", {"controlpersist": "1m30s"}, 90),
    ("no", {"controlpersist": "no"}, 0),
    ("yes is without end", {"controlpersist": "yes"}, LONGEST_S),
    ("0 is without end", {"controlpersist": "0"}, LONGEST_S),
    ("never more than the longest", {"controlpersist": "2w"}, LONGEST_S),
    ("no master", {"controlmaster": "no", "controlpersist": "60s"}, 0),
    ("no socket", {"controlpath": "none", "controlpersist": "60s"}, 0),
]


@pytest.mark.parametrize(("options", "expected"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_how_long_a_line_is_kept(options: dict[str, str], expected: float | None) -> None:
    assert persist_s(options) == expected


@pytest.mark.parametrize("word", ["soon", "5x", "", "-1", "1 m"])
def test_what_is_no_time_is_refused(word: str) -> None:
    with pytest.raises(ValueError):
        seconds(word)


def test_a_host_s_plan_has_it() -> None:
    plan = plan_ssh("web1", (("controlpersist", "2m"),), SshConfig())
    assert plan.persist_s == 120
    with pytest.raises(ContentError, match="ControlPersist"):
        plan_ssh("web1", (("controlpersist", "for ever"),), SshConfig())
