"""Jobs through real connections: the same claims for a child process and for SSH."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import pwd
import resource
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.carriers.base import Connection, Job, Settings
from orchestrator.errors import Unreachable

from .conftest import Opener
from .probe_modules import sources, task
from .sshd import Sshd, descendants

MIB = 1 << 20
SPOIL = "import os\nwhile True:\n d=os.read(0,9999)\n if not d: break\n os.write(1,d.replace(b'{',b'['))"
Event = dict[str, Any]


@pytest.fixture(params=["local", "ssh"])
async def connection(
    request: pytest.FixtureRequest, settings: Settings, server: Sshd, opener: Opener
) -> AsyncIterator[Connection]:
    settings.sources = sources
    made = opener(server, ansible_connection=request.param)
    await made.open(60)
    yield made


class Sink:
    """Takes an upload: counts and hashes it."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.size = 0
        self.ends: list[str] = []

    def write(self, data: bytes) -> None:
        self.hash.update(data)
        self.size += len(data)

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")


def new_job(tasks: list[dict[str, Any]], **how: Any) -> Job:
    """With an id of its own: hosts keep receipts, and offered again a job is not run again."""
    return Job(uuid.uuid4().hex, 1, tasks, **how)


def results(events: list[Event]) -> list[Event]:
    return [event for event in events if event["kind"] == "result"]


async def test_a_job_reports_each_task_in_order(connection: Connection) -> None:
    events: list[Event] = []
    job = new_job([task("ping", "a"), task("ping", "b", data="pong?")])
    end = await connection.run_job(job, events.append)
    assert (end.status, end.digest_ok) == ("ok", True)
    assert end.count == len(events) - 1
    kinds = [(event["kind"], event.get("task")) for event in events]
    assert kinds == [("started", "a"), ("result", "a"), ("started", "b"), ("result", "b"), ("finished", None)]
    assert results(events)[1]["values"]["ping"] == "pong?"


async def test_opening_again_gives_the_same_runtime(connection: Connection) -> None:
    first, again = await connection.open(), await connection.open()
    assert first.pid == again.pid and first.python >= (3, 6) and first.uid == os.getuid()


async def test_jobs_run_side_by_side_without_mixing(connection: Connection) -> None:
    async def one(number: int) -> list[Event]:
        events: list[Event] = []
        job = new_job([task("probe_say", f"t{number}", text=f"{number}-", times=20)])
        end = await connection.run_job(job, events.append)
        assert end.digest_ok and end.count == 42
        return events

    for number, events in enumerate(await asyncio.gather(*map(one, range(12)))):
        assert len({event["job"] for event in events}) == 1
        assert [event["text"] for event in events if event["kind"] == "log"] == [f"{number}-{n}" for n in range(20)]


async def test_text_that_is_not_utf8_crosses_unharmed(connection: Connection) -> None:
    events: list[Event] = []
    text = b"\xff\xfe caf\xe9 \xf0\x9f\x90\x99 \x00".decode("utf-8", "surrogateescape")
    await connection.run_job(new_job([task("probe_say", text=text)]), events.append)
    assert results(events)[0]["values"]["said"] == text


async def test_a_big_blob_and_back_in_flat_memory(
    connection: Connection, tmp_path: Path, big_file: tuple[Path, str, int]
) -> None:
    source, digest, size = big_file
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    events: list[Event] = []
    copied = tmp_path / "copied"
    job = new_job([task("probe_take", src={"blob": digest, "size": size}, dest=str(copied))])
    await connection.run_job(job, events.append, {digest: source})
    assert results(events)[0]["status"] == "changed", events
    sink = Sink()
    back = new_job([task("probe_give", src=str(copied))])
    await connection.run_job(back, events.append, uploads=lambda stream, path, size, mode: sink)
    assert (sink.size, sink.hash.hexdigest(), sink.ends) == (size, digest, ["closed"])
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 24 * 1024
    assert all(event["values"]["rss_kib"] < 100 * 1024 for event in results(events))


@pytest.fixture(scope="session")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    path = tmp_path_factory.mktemp("big") / "file"
    chunk, hashed = os.urandom(MIB), hashlib.sha256()
    with open(path, "wb") as file:
        for _ in range(96):
            file.write(chunk)
            hashed.update(chunk)
    return path, hashed.hexdigest(), 96 * MIB


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1, 5 * MIB], ids=str)
async def test_blobs_of_any_size_from_memory(size: int, connection: Connection, tmp_path: Path) -> None:
    data = os.urandom(size)
    digest = hashlib.sha256(data).hexdigest()
    events: list[Event] = []
    job = new_job([task("probe_take", src={"blob": digest, "size": size}, dest=str(tmp_path / "f"))])
    await connection.run_job(job, events.append, {digest: data})
    assert (tmp_path / "f").read_bytes() == data


async def test_one_blob_is_asked_for_by_two_tasks(connection: Connection, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"hello").hexdigest()
    reference = {"blob": digest, "size": 5}
    tasks = [task("probe_take", f"t{n}", src=reference, dest=str(tmp_path / f"f{n}")) for n in range(2)]
    end = await connection.run_job(new_job(tasks), lambda event: None, {digest: b"hello"})
    assert end.status == "ok" and (tmp_path / "f1").read_bytes() == b"hello"


async def test_a_source_that_vanished_fails_the_task_alone(connection: Connection, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    events: list[Event] = []
    job = new_job([task("probe_take", src={"blob": digest, "size": 1}, dest=str(tmp_path / "f"))])
    end = await connection.run_job(job, events.append, {digest: str(tmp_path / "absent")})
    assert end.status == "failed" and "No such file" in results(events)[0]["error"]["message"]
    assert (await connection.run_job(new_job([task("ping")]), events.append)).status == "ok"


async def test_a_sink_that_fails_fails_its_job_alone(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * MIB)

    def full(stream: str, path: str, size: int, mode: object) -> Sink:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await connection.run_job(
            new_job([task("probe_give", src=str(tmp_path / "f"))]), lambda event: None, uploads=full
        )
    assert (await connection.run_job(new_job([task("ping")]), lambda event: None)).status == "ok"


async def test_a_listener_that_fails_fails_its_job_alone(connection: Connection) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError("the display broke")

    with pytest.raises(RuntimeError, match="display broke"):
        await connection.run_job(new_job([task("ping")]), fail)
    assert (await connection.run_job(new_job([task("ping")]), lambda event: None)).status == "ok"


async def test_a_cancelled_job_ends_and_says_so(connection: Connection, tmp_path: Path) -> None:
    events: list[Event] = []
    job = new_job([task("probe_sleep", path=str(tmp_path / "pid"))])
    running = asyncio.create_task(connection.run_job(job, events.append))
    pid = await written_pid(tmp_path / "pid")
    connection.cancel(job.id)
    end = await running
    assert end.status == "cancelled" and not os.path.exists(f"/proc/{pid}")


async def test_cancelling_the_waiter_cancels_the_job(connection: Connection, tmp_path: Path) -> None:
    job = new_job([task("probe_sleep", path=str(tmp_path / "pid"))])
    running = asyncio.create_task(connection.run_job(job, lambda event: None))
    pid = await written_pid(tmp_path / "pid")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone(pid)
    assert (await connection.run_job(new_job([task("ping")]), lambda event: None)).status == "ok"


async def test_a_job_ends_at_its_deadline(connection: Connection, tmp_path: Path) -> None:
    events: list[Event] = []
    job = new_job([task("probe_sleep", path=str(tmp_path / "pid"))], deadline_s=1)
    end = await connection.run_job(job, events.append)
    assert end.status == "failed" and results(events)[0]["error"]["code"] == "timeout"


async def test_a_runtime_that_is_killed_is_lost_and_can_be_booted_again(connection: Connection, tmp_path: Path) -> None:
    job = new_job([task("probe_sleep", path=str(tmp_path / "pid"), seconds=3)])
    running = asyncio.create_task(connection.run_job(job, lambda event: None))
    await written_pid(tmp_path / "pid")
    info = await connection.open()
    os.kill(info.pid, signal.SIGKILL)
    with pytest.raises(Unreachable) as caught:
        await running
    assert caught.value.code == "lost"
    assert (await connection.open()).pid != info.pid
    assert (await connection.run_job(new_job([task("ping")]), lambda event: None)).status == "ok"


async def test_a_host_that_hangs_past_the_deadline_is_given_up(
    connection: Connection, settings: Settings, tmp_path: Path
) -> None:
    settings.job_grace_s = 0.5
    info = await connection.open()
    os.kill(info.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable) as caught:
            await connection.run_job(new_job([task("ping")], deadline_s=0.5), lambda event: None)
        assert caught.value.code == "timeout"
    finally:
        with contextlib.suppress(ProcessLookupError):  # a carrier on the same machine may have ended it already
            os.kill(info.pid, signal.SIGKILL)


async def test_closing_leaves_nothing_behind(connection: Connection) -> None:
    info = await connection.open()
    job = new_job([task("ping")])
    await connection.run_job(job, lambda event: None)
    connection.ack(job.id, 1)
    await connection.close()
    await gone(info.pid)
    with pytest.raises(Unreachable):
        await connection.run_job(new_job([task("ping")]), lambda event: None)


async def test_abandoning_does_not_wait(connection: Connection) -> None:
    info = await connection.open()
    connection.abandon()
    await gone(info.pid)


async def test_a_runtime_that_hears_nothing_but_its_controller_stays(
    server: Sshd, opener: Opener, settings: Settings
) -> None:
    settings.keep_s = 2.0
    connection = opener(server)
    info = await connection.open()
    await asyncio.sleep(3)
    assert os.path.exists(f"/proc/{info.pid}")
    assert (await connection.run_job(new_job([task("ping")]), lambda event: None)).status == "ok"


# --- the ssh line itself


async def test_a_cut_line_in_the_middle_of_a_job_is_lost(
    new_server: Callable[..., Sshd], opener: Opener, settings: Settings, tmp_path: Path
) -> None:
    settings.sources = sources
    server = new_server("cut")
    connection = opener(server)
    await connection.open()
    job = new_job([task("probe_sleep", path=str(tmp_path / "pid"), seconds=2)])
    running = asyncio.create_task(connection.run_job(job, lambda event: None))
    await written_pid(tmp_path / "pid")
    os.kill(server.children()[0], signal.SIGKILL)
    with pytest.raises(Unreachable) as caught:
        await running
    assert caught.value.code == "lost" and "resume" in (caught.value.hint or "")


async def test_a_host_that_stops_in_the_middle_of_a_job_is_found(
    new_server: Callable[..., Sshd], opener: Opener, settings: Settings, tmp_path: Path
) -> None:
    settings.sources, settings.keepalive_s, settings.keepalive_count = sources, 0.3, 2
    server = new_server("stopped")
    connection = opener(server)
    await connection.open()
    job = new_job([task("probe_sleep", path=str(tmp_path / "pid"), seconds=30)])
    running = asyncio.create_task(connection.run_job(job, lambda event: None))
    await written_pid(tmp_path / "pid")
    for pid in server.children():
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unreachable) as caught:
        await running
    assert caught.value.code == "lost"


async def test_banners_and_noisy_logins_are_passed_over(
    new_server: Callable[..., Sshd], opener: Opener, tmp_path: Path
) -> None:
    banner = tmp_path / "banner"
    banner.write_text("Authorized use only\n" * 50)
    noisy = tmp_path / "noisy.sh"
    noisy.write_text('#!/bin/sh\necho "Welcome, \\377"; head -c 70000 /dev/urandom; eval "$SSH_ORIGINAL_COMMAND"\n')
    noisy.chmod(0o755)
    server = new_server("noisy", f"Banner {banner}", f"ForceCommand {noisy}")
    connection = opener(server)
    info = await connection.open()
    assert info.banner
    assert (await connection.run_job(new_job([task("ping")]), lambda event: None)).status == "ok"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("exit 5", "protocol"),
        ("head -c 3000000 /dev/zero", "protocol"),
        (f'eval "$SSH_ORIGINAL_COMMAND" | python3 -c "{SPOIL}"', "protocol"),
    ],
    ids=["a login that exits", "a flood", "rubbish for frames"],
)
async def test_a_login_that_spoils_the_boot(
    command: str, code: str, new_server: Callable[..., Sshd], opener: Opener, tmp_path: Path
) -> None:
    force = tmp_path / "force"
    force.write_text(f"#!/bin/sh\n{command}\n")
    force.chmod(0o755)
    server = new_server("spoilt", f"ForceCommand {force}")
    with pytest.raises(Unreachable) as caught:
        await opener(server).open(15)
    assert caught.value.code == code


async def test_a_boot_that_hangs_meets_its_deadline(new_server: Callable[..., Sshd], opener: Opener) -> None:
    server = new_server("hangs", "ForceCommand sleep 60")
    with pytest.raises(Unreachable) as caught:
        await opener(server).open(2)
    assert caught.value.code == "timeout"


@pytest.mark.parametrize("carrier", ["local", "ssh"])
async def test_a_host_without_python_still_takes_raw_commands(carrier: str, server: Sshd, opener: Opener) -> None:
    connection = opener(server, ansible_connection=carrier, ansible_python_interpreter="/opt/no/python3")
    with pytest.raises(Unreachable) as caught:
        await connection.open()
    assert caught.value.code == "no_python" and "raw" in (caught.value.hint or "")
    assert (await connection.raw("echo ok")).stdout == b"ok\n"


async def test_a_python_too_old_is_named(server: Sshd, opener: Opener) -> None:
    old = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv/versions/2.7.18/bin/python2.7"
    if not old.exists():
        pytest.skip("no Python 2.7 on this machine")
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_python_interpreter=str(old)).open()
    assert caught.value.code == "python_too_old" and "2.7" in caught.value.message


async def test_the_local_raw_command_leaves_no_process_at_its_deadline(server: Sshd, opener: Opener) -> None:
    connection = opener(server, ansible_connection="local")
    before = set(descendants(os.getpid()))
    end = await connection.raw("sleep 61 & sleep 62", timeout_s=0.5)
    assert end.timed_out
    async with asyncio.timeout(30):
        while set(descendants(os.getpid())) - before:
            await asyncio.sleep(0.02)


async def written_pid(path: Path) -> int:
    for _ in range(1000):
        if path.exists() and path.read_text():
            break
        await asyncio.sleep(0.02)
    return int(path.read_text())


async def gone(pid: int) -> None:
    for _ in range(500):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except (FileNotFoundError, ProcessLookupError):  # gone between opening and reading: the same
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
