"""Renewing apt's lists is a change when it brought something, as in Ansible; that they count as fresh again is none."""

from __future__ import annotations

import pytest

from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote

RENEW = {"update_cache": True}
WITHIN_AN_HOUR = {"update_cache": True, "cache_valid_time": 3600}
LISTS = "/var/lib/apt/lists"


@pytest.fixture(scope="module")
def remotes() -> dict[str, Remote]:
    return {}


@pytest.fixture
def remote(lab_hosts: LabHosts, remotes: dict[str, Remote]) -> Remote:
    [host] = lab_hosts(1)
    return remotes.setdefault(host.name, Remote(host))


@pytest.mark.parametrize(("before", "args", "changed"), [
    pytest.param("true", RENEW, False, id="nothing new"),
    pytest.param(f"rm -f {LISTS}/*Packages {LISTS}/*Release", RENEW, True, id="lists were missing"),
    pytest.param(f"touch -d 2020-01-01 {LISTS}", WITHIN_AN_HOUR, False, id="old, and nothing new"),
    pytest.param(f"rm -f {LISTS}/*Packages; touch {LISTS}", WITHIN_AN_HOUR, False, id="fresh enough not to look"),
])
def test_renewing_the_lists_is_a_change_when_it_brought_something(
        remote: Remote, before: str, args: dict[str, object], changed: bool) -> None:
    remote.run("apt", RENEW)
    remote.shell(before)
    done = remote.run("apt", args)
    assert (done["status"] == "changed") == changed, done
    assert done["values"]["cache_updated"] is changed


def test_lists_that_were_asked_for_again_count_as_fresh(remote: Remote) -> None:
    remote.shell(f"touch -d 2020-01-01 {LISTS}")
    remote.run("apt", RENEW)
    assert remote.run("apt", WITHIN_AN_HOUR, check=True)["status"] == "ok"
