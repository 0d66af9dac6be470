"""dpkg's selections and diversions on a lab host."""

from __future__ import annotations

import pytest

from modules import dpkg_selections
from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    return Remote(lab_hosts(1)[0])


def test_a_selection_is_read() -> None:
    assert dpkg_selections.selection("cron\t\t\t\thold\n") == "hold"
    assert dpkg_selections.selection("dpkg: no packages found matching x") is None


def test_a_package_is_held_and_let_go(remote: Remote) -> None:
    look = "dpkg --get-selections cron"
    done = remote.converge("dpkg_selections", {"name": "cron", "selection": "hold"}, look)["values"]
    assert (done["before"], done["after"]) == ("install", "hold")
    assert remote.shell(look).split() == ["cron", "hold"]
    remote.converge("dpkg_selections", {"name": "cron", "selection": "install"}, look)


@pytest.mark.parametrize("name", ["nosuch", "-r", "*", "cron hold\nbase-files"])
def test_a_package_that_dpkg_does_not_know_cannot_be_held(remote: Remote, name: str) -> None:
    says = f"Failed to find package '{name}' to perform selection 'hold'."
    remote.fails("dpkg_selections", {"name": name, "selection": "hold"}, "no_package", says)


LOOK = "dpkg-divert --list '/srv/*'; tail -n +1 /srv/rc*"


@pytest.fixture
def diverted(remote: Remote) -> Remote:
    remote.shell("for f in $(dpkg-divert --list '/srv/*' | cut -d' ' -f4); do "
                 "dpkg-divert --no-rename --remove $f; done; rm -f /srv/rc*; echo packaged > /srv/rc")
    return remote


def test_a_diversion_comes_changes_and_goes(diverted: Remote) -> None:
    done = diverted.converge("dpkg_divert", {"path": "/srv/rc"}, LOOK)["values"]
    assert done["diversion"] == {"path": "/srv/rc", "divert": "/srv/rc.distrib", "holder": "LOCAL", "state": "present"}
    assert diverted.shell("ls /srv/rc*") == "/srv/rc" and len(done["commands"]) == len(done["messages"]) == 1
    more = diverted.converge("dpkg_divert", {"path": "/srv/rc", "divert": "/srv/rc.x", "holder": "cron"}, LOOK)
    assert len(more["values"]["commands"]) == 2
    assert "diversion of /srv/rc to /srv/rc.x by cron" in diverted.shell(LOOK)
    diverted.converge("dpkg_divert", {"path": "/srv/rc", "state": "absent"}, LOOK)
    assert "diversion" not in diverted.shell(LOOK)


def test_the_file_moves_there_and_back(diverted: Remote) -> None:
    args = {"path": "/srv/rc", "rename": True}
    diverted.converge("dpkg_divert", args, LOOK)
    assert diverted.shell("ls /srv/rc*") == "/srv/rc.distrib"
    diverted.shell("echo ours > /srv/rc")
    diverted.fails("dpkg_divert", {**args, "state": "absent"}, "exists", "would overwrite /srv/rc")
    diverted.converge("dpkg_divert", {**args, "state": "absent", "force": True}, LOOK)
    assert diverted.shell("cat /srv/rc*") == "packaged"


def test_a_rename_overwrites_only_by_force(diverted: Remote) -> None:
    diverted.shell("echo precious > /srv/rc.distrib")
    args = {"path": "/srv/rc", "rename": True}
    diverted.fails("dpkg_divert", args, "exists", "would overwrite /srv/rc.distrib")
    assert diverted.shell("cat /srv/rc.distrib") == "precious"
    diverted.converge("dpkg_divert", {**args, "force": True}, LOOK)
    assert diverted.shell("cat /srv/rc*") == "packaged"
    diverted.fails("dpkg_divert", {"path": "relative"}, "bad_arguments", "absolute")
