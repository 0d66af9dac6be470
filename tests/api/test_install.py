"""The install line's script: for one invitation, safe to paste, and clear about what is in the way."""

from __future__ import annotations

import hashlib
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from api.agents.install import install_script, refusal_script
from tests.api.conftest import Serve
from tests.api.gateway import Served
from tests.lab.fixtures import LabHosts

PIN = "sha256//" + "A" * 43 + "="


def script_of(served: Served, token: str, host: str | None = None) -> str:
    with served.client() as client:
        reply = client.request("GET", f"/install/{token}", protocol=None,
                               headers={} if host is None else {"Host": host})
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    return reply.body.decode()


def test_the_script_names_server_key_token_and_digest(served: Served) -> None:
    token = served.desk.invite("web1").token
    script = script_of(served, token)
    with served.client() as client:
        program = client.request("GET", f"/install/{token}/agentlet.pyz", protocol=None)
    assert program.status == 200
    for name, value in (("url", f"https://127.0.0.1:{served.port}"), ("pin", served.authority.pin()), ("token", token),
                        ("digest", hashlib.sha256(program.body).hexdigest())):
        assert f"\n{name}={shlex.quote(value)}\n" in script
    assert "@" not in script.replace("$@", ""), "every place is filled in"
    assert subprocess.run(["sh", "-n"], input=script, text=True).returncode == 0


def test_the_file_runs(served: Served, tmp_path: Path) -> None:
    token = served.desk.invite("web1").token
    with served.client() as client:
        program = client.request("GET", f"/install/{token}/agentlet.pyz", protocol=None).body
    (tmp_path / "agentlet.pyz").write_bytes(program)
    found = subprocess.run(["python3", tmp_path / "agentlet.pyz", "version"], capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout.strip()


@pytest.mark.parametrize("state", ["unknown", "used", "expired"])
def test_a_token_that_is_not_good_gives_a_script_that_says_so(served: Served, state: str) -> None:
    """`curl | sh` of an empty answer would end with success."""
    invitation = served.desk.invite("web1")
    token = invitation.token if state != "unknown" else "'; touch x; '"
    if state == "used":
        served.desk.office.invitations.change({"used": invitation.expires}, '"id" = ?', invitation.id)
    if state == "expired":
        served.desk.office.invitations.change({"expires": served.desk.office.clock()}, '"id" = ?', invitation.id)
    script = script_of(served, quote(token, safe=""))
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("orch: the invitation") and "orch agents invite" in done.stderr
    with served.client() as client:
        assert client.request("GET", f"/install/{quote(token, safe='')}/agentlet.pyz", protocol=None).status == 401


@pytest.mark.parametrize("host", ["a b", "x'; reboot; '", "$(reboot)", "x\"y", "a/b", "@", ""])
def test_a_host_header_cannot_write_into_the_script(served: Served, host: str) -> None:
    token = served.desk.invite("web1").token
    with served.client() as client:
        assert client.request("GET", f"/install/{token}", protocol=None, headers={"Host": host}).status == 400


def test_the_address_that_the_operator_named_counts(serve_gateway: Serve) -> None:
    served = serve_gateway(url="https://orch.example.com", is_behind_proxy=True)
    script = script_of(served, served.desk.invite("web1").token, "internal:8080")
    assert "url=https://orch.example.com\n" in script and "\npin=''\n" in script


HOSTILE = ["$(touch bad)", "`touch bad`", "'; touch bad; '", "\"; touch bad; \"", "a\ntouch bad\n", "-k", "\\"]


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_quoted_for_the_shell(tmp_path: Path, value: str) -> None:
    script = install_script(value, value, value, value)
    printed = script.partition("folder=")[0] + 'printf "%s|" "$url" "$pin" "$token" "$digest"\n'
    done = subprocess.run(["sh"], input=printed, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"{value}|" * 4
    subprocess.run(["sh"], input=refusal_script(value, value), capture_output=True, text=True, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def run_script(tmp_path: Path, programs: Mapping[str, str], digest: str = "0" * 64) -> subprocess.CompletedProcess[str]:
    """The script in a world of these programs alone, beside the plainest tools; it writes below ``tmp_path``."""
    world = tmp_path / "bin"
    world.mkdir()
    for name in ("sh", "mkdir", "chmod", "mktemp", "mv", "rm", "cat", "echo", "sleep"):
        (world / name).symlink_to(f"/bin/{name}")
    for name, text in {"id": "echo 0", **programs}.items():
        (world / name).write_text(f"#!/bin/sh\n{text}\n")
        (world / name).chmod(stat.S_IRWXU)
    script = install_script("https://orch.example.com:8444", PIN, "the-token", digest)
    script = script.replace("/usr/local/lib/orch-agentlet", str(tmp_path / "lib")).replace(
        "/usr/libexec/platform-python", str(tmp_path / "none")).replace("/run/systemd/system", str(tmp_path / "none"))
    return subprocess.run(["/bin/sh"], input=script, capture_output=True, text=True, env={"PATH": str(world)},
                          timeout=30)


GOOD = {"openssl": "exit 0", "python3": f'exec {sys.executable} "$@"',
        "curl": 'cat >"$0.asked"; echo "$@" >"$0.argv"; while read -r key _ value; do'
                ' [ "$key" = output ] && value=${value#\\"} && echo program >"${value%\\"}"; done <"$0.asked"; exit 0'}
MISSING = {
    "not root": ({**GOOD, "id": "echo 1000"}, "must be run as root"),
    "no python": ({name: text for name, text in GOOD.items() if name != "python3"}, "needs Python 3.6"),
    "an old python": ({**GOOD, "python3": "exit 1"}, "needs Python 3.6"),
    "no openssl": ({name: text for name, text in GOOD.items() if name != "openssl"}, "needs the openssl program"),
    "no curl": ({name: text for name, text in GOOD.items() if name != "curl"}, "needs curl"),
    "no way to the server": ({**GOOD, "curl": "cat >/dev/null; exit 7"}, "https_proxy"),
    "another file": (GOOD, "something on the way alters files"),
}


@pytest.mark.parametrize(("programs", "reason"), MISSING.values(), ids=MISSING.keys())
def test_each_failure_is_one_line_that_says_what_to_do(tmp_path: Path, programs: dict[str, str], reason: str) -> None:
    done = run_script(tmp_path, programs)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("orch: ")]
    assert len(lines) == 1 and reason in lines[0]
    assert not [path for path in (tmp_path / "lib").glob("*")], "nothing is left behind"


def test_the_token_is_in_no_argument_list(tmp_path: Path) -> None:
    """Other users of the host see argument lists."""
    python = ('case "$*" in *enroll*) cat >"$0.stdin"; echo "$@" >"$0.argv"; exit 0;; '
              f'*) exec {sys.executable} "$@";; esac')
    digest = hashlib.sha256(b"program\n").hexdigest()
    done = run_script(tmp_path, {**GOOD, "python3": python}, digest=digest)
    assert done.returncode == 0, done.stderr
    world = tmp_path / "bin"
    assert (world / "python3.stdin").read_text() == "the-token\n"
    asked = (world / "curl.asked").read_text()
    assert 'url = "https://orch.example.com:8444/install/the-token/agentlet.pyz"' in asked
    assert f'pinnedpubkey = "{PIN}"' in asked
    for argv in ("python3.argv", "curl.argv"):
        assert "the-token" not in (world / argv).read_text()
    assert f"enroll https://orch.example.com:8444 --force --pin {PIN}" in (world / "python3.argv").read_text()
    program = tmp_path / "lib" / "agentlet.pyz"
    assert program.read_text() == "program\n" and stat.S_IMODE(program.stat().st_mode) == 0o644


def test_the_pasted_line_enrols_a_real_host(lab_hosts: LabHosts, tmp_path: Path) -> None:
    """Debian with systemd: after one line the unit is active and has called; and again with a new invitation."""
    host = lab_hosts(1, fresh=True)[0]
    served_at = host.exec("ip -4 route show default").split()[2]
    served = Served(tmp_path / "state", listen_on="0.0.0.0", names=(served_at,)).start()
    try:
        for _ in range(2):
            token = served.desk.invite("lab1").token
            url, pin = f"https://{served_at}:{served.port}", served.authority.pin()
            line = f"curl -fsS --pinnedpubkey {pin} -k {url}/install/{token} | sh"
            said = host.exec(line)
            assert "enrolled as lab1" in said and "the agentlet runs" in said
            assert host.exec("systemctl is-active orch-agentlet").strip() == "active"
            assert await_call(served, "lab1")
        used = host.exec(f"{line} 2>&1", check=False)
        assert "the invitation has been used" in used
        assert [row.agent.host for row in served.desk.registry.listed()] == ["lab1"], "one agent for the host"
    finally:
        served.stop()


def await_call(served: Served, host: str, limit_s: float = 15) -> bool:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if served.desk.registry.find(host).last_seen is not None:
            return True
        time.sleep(0.1)
    return False
