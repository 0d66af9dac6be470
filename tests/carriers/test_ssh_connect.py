"""Getting to a host: every way to fail has its own code and says what to do; every way to log in works."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from msgspec.structs import replace

from orchestrator.carriers.base import Settings
from orchestrator.errors import HostKeyError, Unreachable
from orchestrator.security.host_keys import enrol, enrol_authority, remove, scan
from orchestrator.security.known_hosts import decode_key
from tests.lab.ports import free_port

from .conftest import Opener
from .sshd import Sshd, make_key, sign_key

Servers = Callable[..., Sshd]


async def test_a_raw_command_needs_no_python(server: Sshd, opener: Opener) -> None:
    end = await opener(server).raw("cat; echo err >&2; exit 3", b"in\xff\n")
    assert (end.rc, end.stdout, end.stderr) == (3, b"in\xff\n", b"err\n")


async def test_raw_output_is_capped_in_the_middle(server: Sshd, opener: Opener, settings: Settings) -> None:
    settings.raw_output_bytes = 1000
    end = await opener(server).raw("echo begin; head -c 300000 /dev/zero; echo; echo end")
    assert end.truncated and len(end.stdout) < 1100
    assert end.stdout.startswith(b"begin\n") and end.stdout.endswith(b"end\n")


async def test_raw_gives_up_at_its_deadline(server: Sshd, opener: Opener) -> None:
    connection = opener(server)
    end = await connection.raw("echo early; sleep 60", timeout_s=1)
    assert end.timed_out and end.rc == -1 and end.stdout == b"early\n"
    assert (await connection.raw("echo still here")).stdout == b"still here\n"


async def test_a_killed_command_shows_its_signal(server: Sshd, opener: Opener) -> None:
    assert (await opener(server).raw("kill -TERM $$")).rc == 143


# --- host keys


async def test_an_unknown_host_key_is_refused_with_its_fingerprint(server: Sshd, opener: Opener) -> None:
    with pytest.raises(HostKeyError) as caught:
        await opener(server, trust=False).raw("true")
    assert caught.value.code == "host_key_unknown"
    assert server.fingerprint() in caught.value.message
    assert "orch trust web1" in (caught.value.hint or "")


async def test_an_enrolled_host_is_trusted_and_forgotten_again(
    server: Sshd, opener: Opener, settings: Settings
) -> None:
    path = f"{settings.state_dir}/known_hosts"
    keys = await scan("127.0.0.1", server.port)
    assert {key.type for key in keys} == {"ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"}
    assert [key.fingerprint for key in keys] == [server.fingerprint(index) for index in range(3)]
    assert enrol(path, "127.0.0.1", server.port, keys) == keys
    assert enrol(path, "127.0.0.1", server.port, keys) == []
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert (await opener(server, trust=False).raw("true")).rc == 0
    assert remove(path, "127.0.0.1", server.port) == 3


async def test_a_changed_host_key_shows_both_fingerprints(server: Sshd, opener: Opener, settings: Settings) -> None:
    other = make_key(Path(settings.state_dir or "").with_name("other"))
    text = other.with_name("other.pub").read_text().split()[:2]
    _user_known_hosts(f"[127.0.0.1]:{server.port} {' '.join(text)}\n")
    with pytest.raises(HostKeyError) as caught:
        await opener(server, trust=False).raw("true")
    assert caught.value.code == "host_key_changed"
    assert server.fingerprint() in caught.value.message and _fingerprint(other) in caught.value.message


async def test_a_key_that_the_inventory_does_not_vouch_for_is_refused(server: Sshd, opener: Opener) -> None:
    _user_known_hosts(server.known_line())
    with pytest.raises(HostKeyError) as caught:
        await opener(server, orch_host_fingerprint="SHA256:" + "A" * 43).raw("true")
    assert caught.value.code == "host_key_changed" and "inventory" in (caught.value.hint or "")


@pytest.mark.parametrize("index", [0, 1, 2], ids=["ed25519", "ecdsa", "rsa"])
async def test_a_host_known_by_one_kind_of_key_is_asked_for_that_kind(index: int, server: Sshd, opener: Opener) -> None:
    _user_known_hosts(server.known_line(index=index))
    assert (await opener(server, trust=False).raw("true")).rc == 0


@pytest.mark.parametrize("index", [0, 1, 2], ids=["ed25519", "ecdsa", "rsa"])
async def test_a_fingerprint_of_any_of_its_keys_will_do(index: int, server: Sshd, opener: Opener) -> None:
    assert (await opener(server, orch_host_fingerprint=server.fingerprint(index)).raw("true")).rc == 0


async def test_a_whole_public_key_in_the_inventory_will_do(server: Sshd, opener: Opener) -> None:
    assert (await opener(server, trust=False, orch_host_key=server.public_key(2)).raw("true")).rc == 0


async def test_hashed_names_are_found(server: Sshd, opener: Opener) -> None:
    path = _user_known_hosts(server.known_line())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert path.read_text().startswith("|1|")
    assert (await opener(server, trust=False).raw("true")).rc == 0


async def test_a_revoked_key_is_refused(server: Sshd, opener: Opener) -> None:
    _user_known_hosts(server.known_line() + f"@revoked * {server.public_key()}\n")
    with pytest.raises(HostKeyError) as caught:
        await opener(server, trust=False).raw("true")
    assert "revoked" in caught.value.message


async def test_accept_new_remembers_a_key_and_refuses_another_later(
    server: Sshd, new_server: Servers, opener: Opener, settings: Settings
) -> None:
    args = {"ansible_ssh_common_args": "-o StrictHostKeyChecking=accept-new", "trust": False}
    assert (await opener(server, **args).raw("true")).rc == 0
    assert server.public_key() in Path(settings.state_dir or "", "known_hosts").read_text()
    impostor = new_server("impostor")
    later = replace(settings, shared={})
    enrol(f"{settings.state_dir}/known_hosts", "127.0.0.1", impostor.port, await scan("127.0.0.1", server.port))
    with pytest.raises(HostKeyError):
        await opener(impostor, with_settings=later, **args).raw("true")


@pytest.mark.parametrize(
    "how",
    [
        {
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
            "-o ControlMaster=auto"
        },
        {"ansible_host_key_checking": "false"},
        {"ansible_ssh_extra_args": "-o StrictHostKeyChecking=off"},
    ],
    ids=["common_args", "variable", "extra_args"],
)
async def test_checking_can_be_switched_off_by_name(how: dict[str, str], server: Sshd, opener: Opener) -> None:
    assert (await opener(server, trust=False, **how).raw("true")).rc == 0


async def test_a_host_certificate_of_a_trusted_authority_is_accepted(
    new_server: Servers, opener: Opener, settings: Settings, tmp_path: Path
) -> None:
    authority = make_key(tmp_path / "ca")
    folder = tmp_path / "certified"
    folder.mkdir()
    host = make_key(folder / "hostkey")
    certificate = sign_key(authority, folder / "hostkey.pub", "127.0.0.1", host=True)
    server = new_server("certified", f"HostKey {host}", f"HostCertificate {certificate}")
    with pytest.raises(HostKeyError):
        await opener(server, trust=False).raw("true")
    text = " ".join((tmp_path / "ca.pub").read_text().split()[:2])
    key = decode_key(text)
    assert key is not None
    from orchestrator.security.host_keys import host_key

    enrol_authority(f"{settings.state_dir}/known_hosts", "127.0.*", host_key(key))
    Path(settings.state_dir or "", "known_hosts").open("a").write(f"@cert-authority [127.0.0.1]:{server.port} {text}\n")
    assert (await opener(server, trust=False, with_settings=replace(settings, shared={})).raw("true")).rc == 0


# --- the login


async def test_a_refused_login_names_user_and_says_what_to_try(server: Sshd, opener: Opener, tmp_path: Path) -> None:
    wrong = make_key(tmp_path / "wrong")
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_ssh_private_key_file=str(wrong)).raw("true")
    assert caught.value.code == "auth" and server.user in caught.value.message


async def test_a_missing_key_file_is_named(server: Sshd, opener: Opener, tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_ssh_private_key_file=str(tmp_path / "absent")).raw("true")
    assert caught.value.code == "auth" and f"{tmp_path}/absent: No such file" in caught.value.message


async def test_a_passphrase_is_asked_once_for_all_hosts(
    server: Sshd, opener: Opener, settings: Settings, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "locked", passphrase="correct horse")
    server.authorize(tmp_path / "locked.pub")
    asked: list[str] = []
    settings.ask_passphrase = lambda path: (asked.append(path), "correct horse")[1]
    hosts = [opener(server, f"web{n}", ansible_ssh_private_key_file=str(key)) for n in range(5)]
    ends = await asyncio.gather(*(host.raw("true") for host in hosts))
    assert [end.rc for end in ends] == [0] * 5 and asked == [str(key)]


@pytest.mark.parametrize(
    ("answer", "says"), [("wrong", "the passphrase is wrong"), (None, "ssh-add")], ids=["wrong", "nobody to ask"]
)
async def test_a_key_that_stays_locked_is_explained(
    answer: str | None, says: str, server: Sshd, opener: Opener, settings: Settings, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "locked", passphrase="correct horse")
    settings.ask_passphrase = (lambda path: answer) if answer else None
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_ssh_private_key_file=str(key)).raw("true")
    assert caught.value.code == "auth" and says in caught.value.message


async def test_the_agent_is_used_also_for_a_locked_key_file(
    server: Sshd, opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = make_key(tmp_path / "plain")
    server.authorize(tmp_path / "plain.pub")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "agent").exists():
            await asyncio.sleep(0.02)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", str(plain)], check=True)
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "locked now", "-f", str(plain)], check=True)
        variables = {"ansible_ssh_private_key_file": str(plain)}
        hosts = [opener(server, f"web{n}", **variables) for n in range(4)]
        assert [end.rc for end in await asyncio.gather(*(host.raw("true") for host in hosts))] == [0] * 4
        assert (await opener(server, "web9", ansible_ssh_private_key_file=None).raw("true")).rc == 0
    finally:
        agent.kill()
        agent.wait()


async def test_a_user_certificate_beside_the_key_logs_in(new_server: Servers, opener: Opener, tmp_path: Path) -> None:
    authority = make_key(tmp_path / "ca")
    server = new_server("ca_server", f"TrustedUserCAKeys {tmp_path / 'ca.pub'}")
    key = make_key(tmp_path / "short")
    sign_key(authority, tmp_path / "short.pub", server.user)
    assert (await opener(server, ansible_ssh_private_key_file=str(key)).raw("true")).rc == 0


async def test_a_refused_password_is_an_auth_error_that_does_not_show_it(new_server: Servers, opener: Opener) -> None:
    server = new_server("with_passwords", "PasswordAuthentication yes", "PubkeyAuthentication no")
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_password="hunter2secret").raw("true")
    assert caught.value.code == "auth"
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
    assert "Failed password" in (server.folder / "sshd.log").read_text()


async def test_no_password_is_offered_unless_one_was_given(new_server: Servers, opener: Opener) -> None:
    server = new_server("asks_passwords", "PasswordAuthentication yes", "PubkeyAuthentication no")
    with pytest.raises(Unreachable):
        await opener(server).raw("true")
    assert "Failed password" not in (server.folder / "sshd.log").read_text()


# --- the network


async def test_a_name_that_does_not_resolve(server: Sshd, opener: Opener) -> None:
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_host="no-such-host.invalid").raw("true")
    assert caught.value.code == "dns"


async def test_a_port_where_nobody_listens(server: Sshd, opener: Opener) -> None:
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_port=free_port()).raw("true")
    assert caught.value.code == "refused"


async def test_a_server_that_never_says_a_word(server: Sshd, opener: Opener, settings: Settings) -> None:
    settings.connect_timeout_s = 1
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unreachable) as caught:
            await opener(server, ansible_port=silent.getsockname()[1]).raw("true")
    assert caught.value.code == "timeout"


async def test_a_server_that_is_no_ssh(server: Sshd, opener: Opener) -> None:
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n" * 2000)
        await writer.drain()
        writer.close()

    http = await asyncio.start_server(chatter, "127.0.0.1", 0)
    async with http:
        with pytest.raises(Unreachable) as caught:
            await opener(server, ansible_port=http.sockets[0].getsockname()[1], ansible_ssh_retries=0).raw("true")
    assert caught.value.code in ("protocol", "lost")


async def test_a_burst_above_max_startups_gets_through(new_server: Servers, opener: Opener, settings: Settings) -> None:
    server = new_server("narrow", "MaxStartups 10:30:100")
    hosts = [opener(server, f"web{n}", ansible_host=f"127.0.1.{n + 1}") for n in range(100)]
    ends = await asyncio.gather(*(host.raw("echo $SSH_CONNECTION") for host in hosts))
    assert {end.stdout.split()[2].decode() for end in ends} == {f"127.0.1.{n + 1}" for n in range(100)}


async def test_a_line_that_is_cut_ends_a_raw_command(new_server: Servers, opener: Opener, tmp_path: Path) -> None:
    server = new_server("cut")
    command = asyncio.create_task(opener(server).raw(f"touch {tmp_path}/started; exec sleep 60"))
    while not (tmp_path / "started").exists():
        await asyncio.sleep(0.02)
    for pid in server.children():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unreachable) as caught:
        await command
    assert caught.value.code == "lost"


async def test_a_host_that_stops_answering_is_found_by_keepalive(
    new_server: Servers, opener: Opener, settings: Settings
) -> None:
    settings.keepalive_s, settings.keepalive_count = 0.3, 2
    server = new_server("stopped")
    connection = opener(server)
    await connection.raw("true")
    for pid in server.children():
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unreachable) as caught:
        await connection.raw("true")
    assert caught.value.code == "lost"


# --- jump hosts and the configuration


async def test_hosts_behind_a_jump_host_share_one_connection_to_it(
    server: Sshd, new_server: Servers, opener: Opener, settings: Settings, tmp_path: Path
) -> None:
    jump = new_server("jump")
    enrol(f"{settings.state_dir}/known_hosts", "127.0.0.1", jump.port, await scan("127.0.0.1", jump.port))
    config = tmp_path / "config"
    config.write_text(f"Host bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.folder}/id\n")
    settings.ssh_config_file = str(config)
    hosts = [
        opener(server, f"web{n}", ansible_host=f"127.0.2.{n + 1}", ansible_ssh_common_args="-J bastion")
        for n in range(10)
    ]
    ends = await asyncio.gather(*(host.raw("true") for host in hosts))
    assert [end.rc for end in ends] == [0] * 10
    assert (jump.folder / "sshd.log").read_text().count("Accepted publickey") == 1


async def test_a_jump_host_is_checked_and_named(server: Sshd, new_server: Servers, opener: Opener) -> None:
    jump = new_server("jump")
    with pytest.raises(HostKeyError) as caught:
        await opener(server, ansible_ssh_common_args=f"-J 127.0.0.1:{jump.port}").raw("true")
    assert caught.value.code == "host_key_unknown" and "by way of 127.0.0.1" in caught.value.message


async def test_a_jump_host_that_reaches_nothing(
    server: Sshd, new_server: Servers, opener: Opener, settings: Settings
) -> None:
    jump = new_server("jump")
    make_default_key(jump)
    enrol(f"{settings.state_dir}/known_hosts", "127.0.0.1", jump.port, await scan("127.0.0.1", jump.port))
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_port=free_port(), ansible_ssh_common_args=f"-J 127.0.0.1:{jump.port}").raw("true")
    assert caught.value.code == "proxy"


async def test_a_proxy_command_carries_the_connection(server: Sshd, opener: Opener, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(
        "import socket,sys,threading,os\n"
        "s=socket.create_connection((sys.argv[1],int(sys.argv[2])))\n"
        "def up():\n while True:\n  d=os.read(0,65536)\n  if not d: os._exit(0)\n  s.sendall(d)\n"
        "threading.Thread(target=up,daemon=True).start()\n"
        "while True:\n d=s.recv(65536)\n if not d: break\n os.write(1,d)\n"
    )
    end = await opener(server, ansible_ssh_common_args=f'-o ProxyCommand="python3 {relay} %h %p"').raw("echo through")
    assert end.stdout == b"through\n"


async def test_a_proxy_command_that_fails(server: Sshd, opener: Opener) -> None:
    with pytest.raises(Unreachable) as caught:
        await opener(server, ansible_ssh_common_args='-o ProxyCommand="false %h"').raw("true")
    assert caught.value.code == "proxy"


async def test_the_users_ssh_config_counts(server: Sshd, opener: Opener, settings: Settings) -> None:
    settings.ssh_config_file = None
    home = Path(os.environ["HOME"])
    _user_known_hosts(server.known_line("web1.alias"))
    (home / ".ssh" / "config").write_text(
        "Host web1\n  HostName 127.0.0.1\n  HostKeyAlias web1.alias\n"
        f"  IdentityFile {server.folder}/id\n  Port {server.port}\n"
    )
    variables = {"ansible_host": "web1", "ansible_port": None, "ansible_ssh_private_key_file": None}
    assert (await opener(server, trust=False, **variables).raw("true")).rc == 0


def make_default_key(server: Sshd) -> None:
    home = Path(os.environ["HOME"], ".ssh")
    (home / "id_ed25519").write_bytes((server.folder / "id").read_bytes())
    (home / "id_ed25519.pub").write_bytes((server.folder / "id.pub").read_bytes())


def _user_known_hosts(text: str) -> Path:
    path = Path(os.environ["HOME"], ".ssh", "known_hosts")
    path.write_text(text)
    return path


def _fingerprint(key: Path) -> str:
    return subprocess.run(["ssh-keygen", "-lf", str(key)], check=True, capture_output=True, text=True).stdout.split()[1]


async def test_a_server_without_a_common_algorithm_is_told_apart_and_helped(
    new_server: Servers, opener: Opener
) -> None:
    server = new_server("old", "KexAlgorithms diffie-hellman-group14-sha256", "Ciphers aes192-ctr")
    with pytest.raises(Unreachable) as caught:
        await opener(server).raw("true")
    assert caught.value.code == "protocol" and "KexAlgorithms" in (caught.value.hint or "")
    args = "-o KexAlgorithms=+diffie-hellman-group14-sha256 -o Ciphers=+aes192-ctr"
    assert (await opener(server, ansible_ssh_common_args=args).raw("true")).rc == 0


class PasswordServer(asyncssh.SSHServer):
    """A double: sshd itself takes passwords only of system accounts, which a test should not make."""

    def __init__(self, keyboard: bool) -> None:
        self._keyboard = keyboard

    def password_auth_supported(self) -> bool:
        return not self._keyboard

    def validate_password(self, username: str, password: str) -> bool:
        return password == "swordfish"

    def kbdint_auth_supported(self) -> bool:
        return self._keyboard

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> object:
        return ("", "", "", [("Password: ", False)])

    def validate_kbdint_response(self, username: str, responses: list[str]) -> bool:
        return responses == ["swordfish"]


@pytest.mark.parametrize("keyboard", [False, True], ids=["password", "keyboard-interactive"])
async def test_a_password_logs_in_when_it_was_given(keyboard: bool, server: Sshd, opener: Opener) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def answer(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write("in")
        process.exit(0)

    double = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[key], server_factory=lambda: PasswordServer(keyboard), process_factory=answer
    )
    async with double:
        variables = {"ansible_port": double.get_port(), "orch_host_fingerprint": key.get_fingerprint("sha256")}
        connection = opener(server, ansible_password="swordfish", **variables)
        assert (await connection.raw("true")).stdout == b"in"
        await connection.close()
