"""A line that a run left is the next one's: what goes over it, how it ends, and who gets none."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.carriers.base import Connection, Job, RawEnd
from orchestrator.carriers.kept import borrower, places
from orchestrator.carriers.kept.frames import Decoder, Kind, encode
from orchestrator.carriers.ssh import KEPT_REASON
from orchestrator.errors import Unreachable

from ..sshd import Sshd
from .conftest import Runs, kept, logins

Servers = Callable[..., Sshd]
_UNTIL = "for _ in $(seq 600); do [ -e {} ] && break; sleep 0.1; done"
"""In a command: until there is that file, or a minute is over."""


async def test_the_next_run_does_not_log_in(server: Sshd, runs: Runs) -> None:
    await kept(runs, server)
    before = logins(server)
    for number in range(3):
        run = runs.run()
        connection = runs.connect(run, server)
        end = await connection.raw("cat; echo err >&2; exit 3", b"in\xff")
        assert (end.rc, end.stdout, end.stderr) == (3, b"in\xff", b"err\n")
        assert KEPT_REASON in connection.reason, number
        await runs.end(run, connection)
    assert logins(server) == before


async def test_the_runtime_works_over_it(server: Sshd, runs: Runs) -> None:
    run = runs.run()
    first = runs.connect(run, server)
    await first.open()
    assert await runs.end(run, first) == 1
    run = runs.run()
    second = runs.connect(run, server)
    info = await second.open()
    task = {"id": "t", "module": "command", "args": {"_raw_params": "echo over"}, "become": None, "environment": {},
            "check": False, "diff": False, "timeout_s": None, "retry_safe": False, "receipt": False, "no_log": False,
            "continue_on_failure": False, "cwd": None}
    events: list[dict[str, Any]] = []
    end = await second.run_job(Job("j", 1, [task]), events.append)
    assert (end.status, end.digest_ok) == ("ok", True)
    assert next(event for event in events if event["kind"] == "result")["values"]["stdout"] == "over"
    await runs.end(run, second)
    assert not os.path.exists(f"/proc/{info.pid}"), "a runtime lives no longer than its run"


async def test_a_killed_command_shows_its_signal(server: Sshd, runs: Runs) -> None:
    await kept(runs, server)
    connection = runs.connect(runs.run(), server)
    assert (await connection.raw("kill -TERM $$")).rc == 143
    end = await connection.raw("echo early; sleep 60", timeout_s=1)
    assert end.timed_out and end.stdout == b"early\n"


async def test_much_goes_both_ways_unharmed(server: Sshd, runs: Runs) -> None:
    await kept(runs, server)
    data = os.urandom(1 << 20) * 12
    connection = runs.connect(runs.run(raw_output_bytes=64 << 20), server)
    assert (await connection.raw("cat", data)).stdout == data


async def borrowed(runs: Runs, command: str) -> socket.socket:
    """A channel of the one kept line, in the hands of somebody who does not read."""
    one = socket.socket(socket.AF_UNIX)
    one.setblocking(False)
    (path,) = runs.sockets.iterdir()
    await asyncio.get_running_loop().sock_connect(one, str(path))
    await asyncio.get_running_loop().sock_sendall(one, encode(Kind.OPEN, command.encode()))
    assert await asyncio.get_running_loop().sock_recv(one, len(encode(Kind.CONFIRMED))) == encode(Kind.CONFIRMED)
    return one


async def test_a_reader_that_is_slow_slows_the_host(server: Sshd, runs: Runs, tmp_path: Path) -> None:
    await kept(runs, server)
    size, flag = 40 << 20, tmp_path / "written"
    with await borrowed(runs, f"head -c {size} /dev/zero; touch {flag}") as slow:
        await asyncio.sleep(1)
        assert not flag.exists(), "more was taken from the host than anybody had read"
        decoder, got, ended = Decoder(), 0, False
        while not ended:
            for kind, body in decoder.feed(await asyncio.get_running_loop().sock_recv(slow, 1 << 20)):
                got += len(body) if kind is Kind.OUTPUT else 0
                ended = ended or kind is Kind.CLOSED
        assert got == size and flag.exists()


async def test_a_host_that_is_slow_slows_the_writer(server: Sshd, runs: Runs, tmp_path: Path) -> None:
    await kept(runs, server)
    gate = tmp_path / "gate"
    with await borrowed(runs, f"{_UNTIL.format(gate)}; wc -c") as writer:
        frame, sent = encode(Kind.INPUT, bytes(1 << 18)), 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                while sent < 40 << 20:
                    await asyncio.get_running_loop().sock_sendall(writer, frame)
                    sent += len(frame)
        gate.touch()
        assert sent < 12 << 20


# --- how it ends


async def test_it_is_closed_when_nobody_came_for_it(server: Sshd, runs: Runs) -> None:
    run = runs.run(persist_s=0.4)
    connection = runs.connect(run, server)
    await connection.raw("true")
    await runs.end(run, connection)
    assert len(server.children()) >= 1
    await runs.until_gone()
    assert list(runs.sockets.iterdir()) == []
    await _nobody_left(server)


async def test_who_only_looks_does_not_make_it_live_longer(server: Sshd, runs: Runs) -> None:
    run = runs.run(persist_s=0.6)
    connection = runs.connect(run, server)
    await connection.raw("true")
    await runs.end(run, connection)
    async with asyncio.timeout(30):
        while not runs.keepers[0].done():
            places.sweep(str(runs.sockets))
            await asyncio.sleep(0.1)


async def test_it_is_not_idle_while_a_run_has_it(server: Sshd, runs: Runs) -> None:
    run = runs.run(persist_s=0.4)
    connection = runs.connect(run, server)
    await connection.raw("true")
    await runs.end(run, connection)
    second = runs.connect(runs.run(), server)
    await second.raw("true")
    before = logins(server)
    await asyncio.sleep(1)
    assert (await second.raw("echo again")).stdout == b"again\n"
    assert logins(server) == before


@pytest.mark.parametrize("how", ["closed", "abandoned"])
async def test_who_drops_it_drops_it_for_good(server: Sshd, runs: Runs, how: str) -> None:
    await kept(runs, server)
    connection = runs.connect(runs.run(), server)
    await connection.raw("true")
    if how == "closed":
        await connection.close()
    else:
        connection.abandon()
    await runs.until_gone()
    assert list(runs.sockets.iterdir()) == []
    await _nobody_left(server)


async def test_who_drops_it_does_not_take_it_from_another(server: Sshd, runs: Runs, tmp_path: Path) -> None:
    await kept(runs, server)
    one, other = runs.connect(runs.run(), server), runs.connect(runs.run(), server)
    await one.raw("true")
    busy = await _busy(other, tmp_path)
    one.abandon()
    await asyncio.sleep(0.5)
    (tmp_path / "go_on").touch()
    assert (await busy).stdout == b"done\n"


async def test_a_host_that_goes_is_lost_to_who_has_its_line(new_server: Servers, runs: Runs, tmp_path: Path) -> None:
    server = new_server("own")
    await kept(runs, server)
    busy = await _busy(runs.connect(runs.run(), server), tmp_path)
    server.stop()
    with pytest.raises(Unreachable) as caught:
        await busy
    assert caught.value.code == "lost"
    await runs.until_gone()


# --- when it is of no use


async def test_a_host_that_opens_no_channel_any_more_is_dialled_anew(
    new_server: Servers, runs: Runs, tmp_path: Path
) -> None:
    server = new_server("own", "MaxSessions 1")
    await kept(runs, server)
    busy = await _busy(runs.connect(runs.run(), server), tmp_path)
    connection = runs.connect(runs.run(), server)
    assert (await connection.raw("echo own")).stdout == b"own\n"
    assert KEPT_REASON not in connection.reason
    assert logins(server) == 2
    (tmp_path / "go_on").touch()
    assert (await busy).stdout == b"done\n"


async def test_a_line_that_hangs_is_dialled_anew_and_nothing_runs_twice(
    new_server: Servers, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(borrower, "OPEN_S", 0.5)
    server = new_server("own")
    await kept(runs, server)
    hung = server.children()
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    connection = runs.connect(runs.run(), server)
    assert (await connection.raw(f"echo once >> {tmp_path}/ran")).rc == 0
    assert logins(server) == 2
    for pid in hung:
        os.kill(pid, signal.SIGCONT)
    await asyncio.sleep(0.5)
    assert (tmp_path / "ran").read_text() == "once\n"


async def test_a_keeper_that_went_is_no_obstacle(server: Sshd, runs: Runs) -> None:
    await kept(runs, server)
    (path,) = runs.sockets.iterdir()
    first = runs.run()
    assert first.kept is not None and first.kept.names == {path.name}
    path.unlink()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    connection = runs.connect(first, server)
    assert (await connection.raw("echo own")).stdout == b"own\n"
    assert KEPT_REASON not in connection.reason
    runs.keepers[0].cancel()
    await asyncio.gather(*runs.keepers, return_exceptions=True)
    runs.keepers.clear()


async def _busy(connection: Connection, folder: Path) -> asyncio.Task[RawEnd]:
    """A command that has begun, and says ``done`` once there is a file ``go_on``."""
    task = asyncio.create_task(connection.raw(
        f"touch {folder}/began; {_UNTIL.format(folder / 'go_on')}; echo done"))
    async with asyncio.timeout(60):
        while not (folder / "began").exists():
            await asyncio.sleep(0.02)
    return task


async def _nobody_left(server: Sshd) -> None:
    async with asyncio.timeout(60):
        while server.children():
            await asyncio.sleep(0.05)
