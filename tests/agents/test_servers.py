"""Which servers run is known on this machine by the process table, elsewhere by their silence."""

from __future__ import annotations

import json
import subprocess
import sys

from msgspec.structs import replace

from orchestrator.agents.servers import SILENT_S, called_url, this_server
from tests.agents.conftest import Clock, Place

URL = "https://orch.example.com:9443"


def urls(place: Place) -> list[str]:
    return [one.url for one in place.desk.servers.running()]


def test_a_server_is_known_while_it_runs(place: Place, clock: Clock) -> None:
    here = this_server(URL, False, clock())
    place.desk.servers.beat(here)
    clock.tick(3600)
    assert urls(place) == [URL], "the process table tells, however long ago it said so"
    place.desk.servers.beat(here)
    assert urls(place) == [URL]
    place.desk.servers.end(here)
    assert urls(place) == []


def test_one_that_was_killed_counts_as_ended(place: Place, clock: Clock) -> None:
    code = ("from datetime import UTC, datetime; from orchestrator.agents.servers import this_server; import json;"
            "from msgspec.structs import asdict;"
            "print(json.dumps(asdict(this_server('', False, datetime.now(UTC))), default=str))")
    said = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    dead = replace(this_server(URL, False, clock()), id="dead", pid=said["pid"], born=said["born"])
    place.desk.servers.beat(dead)
    assert urls(place) == []


def test_one_of_another_machine_counts_by_its_heartbeat(place: Place, clock: Clock) -> None:
    other = replace(this_server(URL, True, clock()), machine="elsewhere/boot/namespace", pid=1)
    place.desk.servers.beat(other)
    clock.tick(SILENT_S - 1)
    assert [(one.url, one.behind_proxy) for one in place.desk.servers.running()] == [(URL, True)]
    clock.tick(1)
    assert urls(place) == []
    place.desk.servers.beat(other)
    assert urls(place) == [URL]


def test_the_one_that_was_started_last_comes_first_and_old_rows_go(place: Place, clock: Clock) -> None:
    for number in range(3):
        place.desk.servers.beat(replace(this_server(f"https://s{number}:1", False, clock()), id=f"s{number}"))
        clock.tick(10)
    assert urls(place) == ["https://s2:1", "https://s1:1", "https://s0:1"]
    clock.tick(86_400)
    place.desk.servers.beat(replace(this_server(URL, False, clock()), id="new"))
    assert urls(place) == [URL]


def test_where_hosts_call_a_server_of_these_names() -> None:
    assert called_url(["localhost", "127.0.0.1", "orch.example.com"], 1) == "https://orch.example.com:1"
    assert called_url(["2001:db8::1"], 8444) == "https://[2001:db8::1]:8444"
    assert called_url(["localhost", "::1", "127.0.0.1"], 8444) == ""
