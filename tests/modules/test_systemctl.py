"""What systemd and init scripts still have to be told: states in, verbs out."""

from __future__ import annotations

from typing import Any

import pytest

from modules import hostname
from modules.api import Failed
from modules.support.services import init_scripts, systemctl


def unit(active: str = "active", load: str = "loaded", enabled: bool = True) -> systemctl.Unit:
    return systemctl.Unit({"ActiveState": active, "LoadState": load}, enabled)


STEPS: dict[str, tuple[systemctl.Unit, dict[str, Any], list[str]]] = {
    "running": (unit(), {"state": "started"}, []),
    "starting": (unit("activating"), {"state": "started"}, []),
    "dead": (unit("inactive"), {"state": "started"}, ["start"]),
    "failed": (unit("failed"), {"state": "started"}, ["start"]),
    "stopping": (unit("deactivating"), {"state": "started"}, ["start"]),
    "stop": (unit(), {"state": "stopped"}, ["stop"]),
    "stopped": (unit("inactive"), {"state": "stopped"}, []),
    "restart always": (unit("inactive"), {"state": "restarted"}, ["restart"]),
    "reload": (unit(), {"state": "reloaded"}, ["reload"]),
    "reload what does not run": (unit("inactive"), {"state": "reloaded"}, ["start"]),
    "enable": (unit(enabled=False), {"enabled": True}, ["enable"]),
    "disable": (unit(), {"enabled": False}, ["disable"]),
    "unmask first": (unit("inactive", "masked", False), {"masked": False, "enabled": True, "state": "started"},
                     ["unmask", "enable", "start"]),
    "masked already": (unit("inactive", "masked", False), {"masked": True}, []),
    "nothing asked": (unit(), {}, []),
}


@pytest.mark.parametrize(("now", "wanted", "verbs"), STEPS.values(), ids=STEPS.keys())
def test_systemd_is_told_what_is_left_to_do(now: systemctl.Unit, wanted: dict[str, Any], verbs: list[str]) -> None:
    assert systemctl.steps(now, **wanted) == verbs


NAMES = {"service": ("nginx", "nginx.service"), "timer": ("a.timer", "a.timer"), "dots": ("a.b", "a.b.service"),
         "instance": ("getty@tty1", "getty@tty1.service")}


@pytest.mark.parametrize(("name", "full"), NAMES.values(), ids=NAMES.keys())
def test_a_unit_has_a_suffix(name: str, full: str) -> None:
    assert systemctl.unit_name(name) == full


@pytest.mark.parametrize("name", ["ngin*", "a?", "[ab]", "--now"])
def test_globs_and_options_are_no_unit_names(name: str) -> None:
    with pytest.raises(Failed):
        systemctl.unit_name(name)


def test_properties_of_several_lines_are_one_value() -> None:
    text = "ActiveState=active\nExecStart={ path=/bin/sh ; argv[]=/bin/sh -c a\nb=c ; }\nDescription=a=b\n"
    assert systemctl.parse_show(text) == {
        "ActiveState": "active", "ExecStart": "{ path=/bin/sh ; argv[]=/bin/sh -c a\nb=c ; }", "Description": "a=b"}


STATUS = {
    "lsb running": (0, "", True), "lsb stopped": (3, "", False),
    "words win over a wrong 0": (0, "x is not running", False),
    "stopped by words": (0, " * status: stopped", False), "odd code, running": (4, "x is running", True),
    "nothing told": (4, "?", None),
}


@pytest.mark.parametrize(("rc", "output", "running"), STATUS.values(), ids=STATUS.keys())
def test_an_init_script_tells_whether_it_runs(rc: int, output: str, running: bool | None) -> None:
    assert init_scripts.judge(rc, output) is running


HOSTNAMES = {
    "debian": ("# a comment\nold\n", None, "old", "new\n"),
    "red hat": ("NETWORKING=yes\nHOSTNAME=old\n", "HOSTNAME", "old", 'NETWORKING=yes\nHOSTNAME="new"\n'),
    "openrc": ('hostname="old"\n', "hostname", "old", 'hostname="new"\n'),
    "empty": ("", "HOSTNAME", "", 'HOSTNAME="new"\n'),
}


@pytest.mark.parametrize(("text", "key", "old", "after"), HOSTNAMES.values(), ids=HOSTNAMES.keys())
def test_the_files_of_host_names_are_edited(text: str, key: str | None, old: str, after: str) -> None:
    assert hostname.parse(text, key) == old
    assert hostname.edit(text, key, "new") == after
    assert hostname.parse(after, key) == "new"


def test_where_systemd_is_offline_nothing_starts_or_stops() -> None:
    unit = systemctl.Unit({}, False, is_offline=True)
    assert systemctl.steps(unit, None, True, "started") == ["enable"]
    systemctl.require(unit, "cron")
