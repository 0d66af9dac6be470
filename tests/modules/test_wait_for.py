"""wait_for on this machine: real sockets, real files."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.support import connections
from tests.modules.conftest import OnHost


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listening socket on loopback; greets whoever connects."""
    listening = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line:
                line.sendall(b"220 mail\xff.example ESMTP\r\n")
    threading.Thread(target=greet, daemon=True).start()
    yield listening
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
    return port


def test_an_open_port_is_there_at_once(on_host: OnHost, server: socket.socket) -> None:
    port = server.getsockname()[1]
    result = on_host.run("wait_for", {"port": port, "timeout": 5})
    assert result["status"] == "ok" and result["values"]["port"] == port
    on_host.fails("wait_for", {"port": port, "state": "stopped", "timeout": 0}, code="timeout", says="to stop.")


def test_a_closed_port_is_gone_at_once(on_host: OnHost, closed_port: int) -> None:
    assert on_host.run("wait_for", {"port": closed_port, "state": "stopped", "timeout": 5})["status"] == "ok"
    on_host.fails("wait_for", {"port": closed_port, "timeout": 0}, code="timeout",
                  says=f"Timeout when waiting for 127.0.0.1:{closed_port}")


def test_what_a_port_sends_is_searched(on_host: OnHost, server: socket.socket) -> None:
    port = server.getsockname()[1]
    values = on_host.run("wait_for", {"port": port, "search_regex": r"ES(?P<kind>M)TP", "timeout": 5})["values"]
    assert (values["match_groups"], values["match_groupdict"]) == (["M"], {"kind": "M"})
    missing = {"port": port, "search_regex": "IMAP", "timeout": 1}
    on_host.fails("wait_for", missing, code="timeout", says="search string")


def test_a_file_appears_and_holds_a_text(on_host: OnHost, tmp_path: Path) -> None:
    path = tmp_path / "log"
    threading.Timer(0.3, path.write_bytes, [b"starting\xff\nready in 5 s\n"]).start()
    result = on_host.run("wait_for", {"path": str(path), "search_regex": r"^ready in (\d+)", "timeout": 10})
    assert result["values"]["match_groups"] == ["5"]
    assert on_host.run("wait_for", {"path": str(tmp_path / "no"), "state": "absent"})["status"] == "ok"
    on_host.fails("wait_for", {"path": str(path), "state": "absent", "timeout": 0, "msg": "still here"},
                  code="timeout", says="still here")


def test_a_port_is_drained_when_its_connections_end(on_host: OnHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        line = socket.create_connection(("127.0.0.1", port))
        answer, _ = listening.accept()
        args: dict[str, Any] = {"port": port, "state": "drained", "timeout": 0}
        on_host.fails("wait_for", args, code="timeout", says="to drain")
        assert on_host.run("wait_for", {**args, "exclude_hosts": ["127.0.0.1"]})["status"] == "ok"
        line.close()
        answer.close()
        states = ["ESTABLISHED", "SYN_RECV"]
        assert on_host.run("wait_for", {**args, "timeout": 10, "active_connection_states": states})["status"] == "ok"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "port and path": ({"port": 1, "path": "/x"}, "bad_arguments"),
    "no such port": ({"port": 70000}, "bad_port"),
    "drained file": ({"path": "/x", "state": "drained"}, "bad_arguments"),
    "bad pattern": ({"path": "/x", "search_regex": "("}, "bad_regex"),
    "hosts without drained": ({"port": 1, "exclude_hosts": ["a"]}, "bad_arguments"),
}


@pytest.mark.parametrize(("args", "code"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_waited_for_is_refused(on_host: OnHost, args: dict[str, Any], code: str) -> None:
    on_host.fails("wait_for", args, code=code)


def test_check_mode_does_not_wait(on_host: OnHost) -> None:
    assert on_host.run("wait_for", {"timeout": 300}, check=True)["status"] == "skipped"


ADDRESSES = {"ipv4": ("0100007F", "127.0.0.1"), "ipv6": ("00000000000000000000000001000000", "::1"),
             "ipv4 in ipv6": ("0000000000000000FFFF00000100007F", "127.0.0.1")}


@pytest.mark.parametrize(("text", "shown"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_the_kernels_hexadecimal_addresses_are_read(text: str, shown: str) -> None:
    assert connections.address(text) == shown


def test_without_port_and_path_the_timeout_comes_on_top_of_the_delay(on_host: OnHost) -> None:
    done = on_host.run("wait_for", {"timeout": 1, "delay": 1})
    assert done["status"] == "ok" and done["values"]["elapsed"] >= 2
