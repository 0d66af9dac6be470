"""An agentlet that is not root, with its helper: from enrolling to an update. Every Debian has the account."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlet.pull.divided import Hands
from agentlet.pull.faults import AgentletError, Unreachable
from agentlet.pull.helper import enrolling
from agentlet.pull.state import State
from orchestrator.agents import envelope as envelopes
from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import JOB_KEY, Fault, GatewayDouble, on
from tests.agentlet.pull.helper_double import Helpers
from tests.agentlet.pull.test_update import publish, version

ACCOUNT = "www-data"
PYTHON = "/usr/bin/python3"
ROOT = {"user": "root"}


def _missing() -> str | None:
    if os.geteuid() != 0:
        return "only root can have an agentlet run as another user"
    try:
        own = grp.getgrgid(pwd.getpwnam(ACCOUNT).pw_gid).gr_name == ACCOUNT
    except KeyError:
        own = False
    return None if own and Path(PYTHON).exists() else f"needs the account {ACCOUNT}, and {PYTHON}"


pytestmark = pytest.mark.skipif(_missing() is not None, reason=_missing() or "")


class Unprivileged(Host):
    """An agentlet of that account."""

    helpers: Helpers

    def enroll(self, *options: str, token: str = "good-token") -> None:
        enrolling.enrol_for(ACCOUNT, State(str(self.state)), self.gateway.url, token, self.gateway.ca.pin(),
                            token_only="--token-only" in options, force="--force" in options,
                            custody=self.helpers.custody, socket=self.helpers.path)
        self.set()

    def run(self, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        line = [self.python, "-IS", str(self.program), "run", "--state", str(self.state)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=ACCOUNT,
                                            group=ACCOUNT, extra_groups=[], start_new_session=True,
                                            env={"PATH": os.environ["PATH"], "HOME": str(self.state)})
        return self.process


@pytest.fixture
def unprivileged(program: Path, gateway: GatewayDouble) -> Iterator[Unprivileged]:
    folder = Path(tempfile.mkdtemp(prefix="orch-unprivileged-"))
    folder.chmod(0o755)
    shutil.copy(program, folder / "agentlet.pyz")
    made = Unprivileged(folder / "agentlet.pyz", folder, gateway, PYTHON)
    with Helpers(made.program, folder / "helper", PYTHON, ACCOUNT) as made.helpers:
        (folder / "open").mkdir()
        (folder / "open").chmod(0o777)
        yield made
        if made.process is not None and made.process.poll() is None:
            made.kill()
    if os.environ.get("SHOW_LOG"):
        print(made.said(), made.helpers.said())
    shutil.rmtree(folder)


def test_each_task_runs_as_who_it_asks_for(unprivileged: Unprivileged, gateway: GatewayDouble) -> None:
    unprivileged.enroll()
    assert pwd.getpwuid(unprivileged.state.stat().st_uid).pw_name == ACCOUNT
    unprivileged.run()
    gateway.offer([command(1, "id -un"), command(2, "id -un; id -Gn; echo $HOME", become=ROOT),
                   command(3, "id -un; id -Gn", become={"user": "daemon", "method": "sudo"}), command(4, "id -un"),
                   command(5, "id -un", become={"user": "nobody-here"}, continue_on_failure=True),
                   command(6, "id -un", become={"user": ACCOUNT})])
    job = gateway.await_finished()
    said = [result["values"].get("stdout", "").split() for result in job.results]
    assert said[0] == said[3] == [ACCOUNT] and said[1] == ["root", "root", "/root"], job.results
    assert said[2] == ["daemon", "daemon"]
    assert job.results[4]["error"]["code"] == "become_user_unknown" and said[5] == [ACCOUNT]
    assert job.finish and job.finish["status"] == "failed"


def test_the_agentlet_has_no_key_to_jobs_and_cannot_make_one(
    unprivileged: Unprivileged, gateway: GatewayDouble
) -> None:
    unprivileged.enroll()
    for path in unprivileged.state.rglob("*"):
        if path.is_file():
            assert JOB_KEY.hex() not in path.read_text("utf-8", "replace"), path
    assert set(json.loads((unprivileged.state / "secrets.json").read_text())) == {"token"}
    gateway.renewed_key = envelopes.seal_key(b"n" * 32, JOB_KEY)
    unprivileged.run()
    gateway.order(renew=True)
    unprivileged.await_said("renewed its keys")
    assert unprivileged.helpers.custody.keys() == [(b"n" * 32).hex(), JOB_KEY.hex()]
    job = gateway.offer([command(1, "id -un", become=ROOT)], key=b"n" * 32)
    assert gateway.await_finished().results[0]["values"]["stdout"] == "root"
    forged = gateway.offer([command(1, "id -un", become=ROOT)], "job-2", key=b"z" * 32)
    gateway.await_finished("job-2")
    assert job.results[0]["status"] == "changed" and forged.results[0]["error"]["code"] == "envelope_bad_signature"


def test_killed_in_a_task_of_roots_it_goes_on_and_runs_nothing_twice(
    unprivileged: Unprivileged, gateway: GatewayDouble
) -> None:
    count = unprivileged.folder / "open" / "count"
    unprivileged.enroll()
    unprivileged.run()
    gateway.offer([command(1, f"printf x >> {count}; sleep 2; echo done", become=ROOT),
                   command(2, f"printf y >> {count}", become=ROOT)])
    gateway.await_true(count.exists)
    unprivileged.kill()
    unprivileged.run()
    job = gateway.await_finished(timeout_s=40)
    assert count.read_text() == "xy"
    assert [(r["status"], r["values"]["stdout"]) for r in job.results] == [("changed", "done"), ("changed", "")]


def test_a_cancel_ends_what_root_does(unprivileged: Unprivileged, gateway: GatewayDouble) -> None:
    count = unprivileged.folder / "open" / "count"
    unprivileged.enroll()
    unprivileged.run()
    gateway.offer([command(1, f"printf x >> {count}; exec sleep 778.5", become=ROOT), command(2, "true")])
    gateway.await_true(count.exists)
    gateway.order(cancel=["job-1" + gateway.suffix])
    job = gateway.await_finished()
    assert job.finish and job.finish["status"] == "cancelled"
    assert subprocess.run(["pgrep", "-f", "sleep 778.5"], capture_output=True).returncode == 1


def test_a_cancel_that_came_while_the_agentlet_was_away_ends_what_root_does(
    unprivileged: Unprivileged, gateway: GatewayDouble
) -> None:
    count = unprivileged.folder / "open" / "count"
    unprivileged.enroll()
    unprivileged.run()
    gateway.offer([command(1, f"printf x >> {count}; exec sleep 779.5", become=ROOT)])
    gateway.await_true(count.exists)
    unprivileged.kill()
    gateway.order(cancel=["job-1" + gateway.suffix])
    unprivileged.run()
    job = gateway.await_finished(timeout_s=60)
    assert job.finish and job.finish["status"] == "cancelled"
    assert subprocess.run(["pgrep", "-f", "sleep 779.5"], capture_output=True).returncode == 1


def test_what_others_do_is_not_said_to_have_ended_while_the_helper_does_not_answer(tmp_path: Path) -> None:
    class Folder:
        def envelope(self) -> tuple[str, str]:
            return json.dumps({"tasks": [{"id": "t1", "become": {"user": "root"}}]}), "signature"

    with pytest.raises(Unreachable):
        Hands([], str(tmp_path / "nobody")).end(Folder())


def test_without_its_helper_what_needs_root_fails_and_says_so(
    unprivileged: Unprivileged, gateway: GatewayDouble
) -> None:
    unprivileged.enroll()
    unprivileged.run()
    faults = on("jobs/job-1/start", Fault(503), numbers=())
    gateway.faults.append(faults)
    gateway.offer([command(1, "true"), command(2, "true", become=ROOT)])
    gateway.await_true(lambda: gateway.count("jobs/job-1/start"))
    os.rename(unprivileged.helpers.path, unprivileged.helpers.path + ".away")
    gateway.faults.clear()
    job = gateway.await_finished(timeout_s=40)
    assert job.results[0]["status"] == "changed" and job.results[1]["error"]["code"] == "helper_missing"
    assert "systemctl start" in job.results[1]["error"]["hint"]


def test_a_job_waits_while_the_helper_does_not_answer(unprivileged: Unprivileged, gateway: GatewayDouble) -> None:
    unprivileged.enroll()
    unprivileged.run()
    os.rename(unprivileged.helpers.path, unprivileged.helpers.path + ".away")
    gateway.offer([command(1, "true")])
    unprivileged.await_said("The root helper does not answer")
    os.rename(unprivileged.helpers.path + ".away", unprivileged.helpers.path)
    assert gateway.await_finished(timeout_s=40).results[0]["status"] == "changed"


def test_an_update_is_installed_by_root_and_tried_by_the_agentlet(
    unprivileged: Unprivileged, gateway: GatewayDouble
) -> None:
    unprivileged.enroll()
    unprivileged.run()
    good = version(unprivileged.program, "0.2.0")
    publish(gateway, "0.2.0", good)
    unprivileged.await_said("the new version has proved itself")
    slots = unprivileged.helpers.custody.slots()
    gateway.await_true(lambda: slots.load() or slots.current == "A")
    assert Path(slots.path("A")).stat().st_uid == 0 and not (unprivileged.state / "versions").exists()
    gateway.offer([command(1, "id -un", become=ROOT)])
    assert gateway.await_finished().results[0]["values"]["stdout"] == "root"
    publish(gateway, "0.3.0", version(unprivileged.program, "0.3.0", main="raise SystemExit(1)\n"))
    unprivileged.await_said("cannot do a helper's work")
    slots.load()
    assert slots.current == "A" and slots.is_refused("0.3.0")


def test_a_version_that_does_not_reach_the_gateway_is_left(unprivileged: Unprivileged, gateway: GatewayDouble) -> None:
    unprivileged.enroll()
    unprivileged.run()
    text = "def run(*arguments, **options):\n    raise SystemExit(1)\n"
    publish(gateway, "0.2.0", version(unprivileged.program, "0.2.0", service=text))
    unprivileged.await_said("did not reach the gateway")
    slots = unprivileged.helpers.custody.slots()
    gateway.await_true(lambda: slots.load() or slots.is_refused("0.2.0"))
    assert slots.current is None
    gateway.offer([command(1, "true")])
    assert gateway.await_finished(timeout_s=40).results[0]["status"] == "changed"


def test_what_an_agentlet_of_root_had_is_handed_over_without_its_keys(
    unprivileged: Unprivileged, gateway: GatewayDouble
) -> None:
    Host.enroll(unprivileged)
    assert "job_keys" in (unprivileged.state / "secrets.json").read_text()
    gateway.tokens["second"] = "web1"
    with pytest.raises(AgentletError, match="enrolled already"):
        unprivileged.enroll(token="second")
    unprivileged.enroll("--force", token="second")
    assert "job_keys" not in (unprivileged.state / "secrets.json").read_text()
    assert {path.owner() for path in unprivileged.state.rglob("*")} == {ACCOUNT}
    before = (unprivileged.state / "instance.json").read_text()
    gateway.tokens["third"] = "web1"
    unprivileged.enroll("--force", token="third")
    assert (unprivileged.state / "instance.json").read_text() == before


@pytest.mark.parametrize("name", ["root", "no such-name", "-x", "nobody"])
def test_an_account_that_will_not_do_is_refused(unprivileged: Unprivileged, name: str) -> None:
    with pytest.raises(AgentletError):
        enrolling.enrol_for(name, State(str(unprivileged.state)), unprivileged.gateway.url, "good-token",
                            custody=unprivileged.helpers.custody)


def test_root_follows_no_link_that_the_account_has_made(unprivileged: Unprivileged, gateway: GatewayDouble) -> None:
    """Enrolling anew, root must not be led to read, or to write, what is not the account's."""
    unprivileged.enroll()
    secret = unprivileged.folder / "secret"
    secret.write_text('{"instance_id": "the secret of root, quite long"}')
    secret.chmod(0o600)
    for name in ("instance.json", "client.pem", "identity.json", "secrets.json"):
        path = unprivileged.state / name
        path.unlink()
        path.symlink_to(secret)
        os.lchown(path, pwd.getpwnam(ACCOUNT).pw_uid, -1)
    gateway.tokens["second"] = "web1"
    with pytest.raises(AgentletError, match="Permission denied"):
        unprivileged.enroll("--force", token="second")
    assert "the secret" in secret.read_text() and secret.stat().st_uid == 0


def test_status_is_asked_as_the_account(unprivileged: Unprivileged, gateway: GatewayDouble) -> None:
    unprivileged.enroll()
    (unprivileged.state / "status.json").write_text(json.dumps(
        {"how": "\x1b]0;owned\x07online", "why": "", "since": time.time()}))
    said = unprivileged.call("status").stdout
    assert "helper    answers" in said and "\x1b" not in said
