"""Services with init scripts, on a lab host."""

from __future__ import annotations

import pytest

from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote

LINKS = "ls /etc/rc?.d/*cron; service cron status >/dev/null; echo $?"


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    return Remote(lab_hosts(1)[0])


def test_an_init_script_is_stopped_disabled_and_comes_back(remote: Remote) -> None:
    done = remote.converge("sysvinit", {"name": "cron", "state": "stopped", "enabled": False}, LINKS)
    assert set(done["values"]["status"]) == {"enabled", "stopped"} and done["values"]["status"]["stopped"]["rc"] == 0
    assert "/etc/rc3.d/S" not in remote.shell(LINKS)
    remote.converge("sysvinit", {"name": "cron", "enabled": True, "runlevels": ["3"]}, LINKS)
    assert "/etc/rc3.d/S" in remote.shell(LINKS) and "/etc/rc5.d/S" not in remote.shell(LINKS)
    remote.converge("sysvinit", {"name": "cron", "state": "started", "enabled": True}, LINKS)
    restarted = remote.run("sysvinit", {"name": "cron", "state": "restarted", "sleep": 0})
    assert restarted["values"]["status"]["restarted"]["changed"] is True


FAULTS = [
    ("no script", {"name": "nope", "state": "started"}, "no_service", "Could not find the requested service nope"),
    ("nothing to do", {"name": "cron"}, "bad_arguments", "state, enabled"),
    ("no runlevel", {"name": "cron", "enabled": True, "runlevels": ["9"]}, "bad_arguments", "not a runlevel"),
]


@pytest.mark.parametrize(("args", "code", "says"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_what_cannot_be_done_is_said(remote: Remote, args: dict[str, object], code: str, says: str) -> None:
    remote.fails("sysvinit", args, code, says)
