"""The way to a Docker engine: its socket, TCP, TLS; what it answers, and what it does not."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlet.host import local_host
from modules.api import Failed
from modules.support.docker.auth import credentials, load
from modules.support.docker.client import CLIENT_ARGS, Client, encoded
from tests.lab import engine

Relay = Callable[..., str]


def client(*, acts: bool = False, environment: dict[str, str] | None = None, **args: Any) -> Client:
    host = local_host(environment=environment)
    return Client({**dict.fromkeys(CLIENT_ARGS), **args}, host if acts else host.look)


@pytest.fixture
def relay() -> Iterator[Relay]:
    """``relay(context)``: a TCP port that leads to this machine's engine, with TLS where a context is given."""
    if engine.missing():
        pytest.skip(str(engine.missing()))
    listeners: list[socket.socket] = []

    def start(context: ssl.SSLContext | None = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=accept, args=(listener, context), daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def accept(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            line = listener.accept()[0]
            line = context.wrap_socket(line, server_side=True) if context else line
        except OSError:
            if listener.fileno() == -1:
                return
            continue
        there = socket.socket(socket.AF_UNIX)
        there.connect("/var/run/docker.sock")
        for one, other in ((line, there), (there, line)):
            threading.Thread(target=pump, args=(one, other), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, ssl.SSLContext]:
    """(path of a certificate for 127.0.0.1, a server's context with it)."""
    cert, key = str(tmp_path / "ca.pem"), str(tmp_path / "server.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-subj", "/CN=engine", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def test_an_engine_is_reached_over_tcp_and_by_the_environment(relay: Relay) -> None:
    address = relay()
    assert client(docker_host=f"tcp://{address}").get("/version")["ApiVersion"]
    assert client(environment={"DOCKER_HOST": f"tcp://{address}"}).get("/version")["ApiVersion"]
    assert client(api_version="1.41").get("/info")["ID"]


def test_tls_is_checked(relay: Relay, certificate: tuple[str, ssl.SSLContext]) -> None:
    path, context = certificate
    url = "tcp://" + relay(context)
    assert client(docker_host=url, validate_certs=True, ca_path=path).get("/version")["ApiVersion"]
    assert client(docker_host=url, tls=True).get("/version")["ApiVersion"]
    folder = {"DOCKER_CERT_PATH": str(Path(path).parent), "DOCKER_TLS_VERIFY": "1"}
    assert client(docker_host=url, environment=folder).get("/version")["ApiVersion"]
    with pytest.raises(Failed, match="certificate verify failed"):
        client(docker_host=url, validate_certs=True).get("/version")
    with pytest.raises(Failed):
        client(docker_host=url.replace("127.0.0.1", "localhost"), validate_certs=True, ca_path=path,
               tls_hostname="127.0.0.2").get("/version")
    named = client(docker_host=url.replace("127.0.0.1", "localhost"), validate_certs=True, ca_path=path,
                   tls_hostname="127.0.0.1")
    assert named.get("/version")["ApiVersion"]


def test_looking_cannot_act() -> None:
    with pytest.raises(AssertionError):
        client().send("POST", "/containers/prune")


def test_what_is_not_there_is_none_or_an_error(relay: Relay) -> None:
    assert client().get("/containers/orch-test-nosuch/json", missing=True) is None
    with pytest.raises(Failed) as caught:
        client().get("/containers/orch-test-nosuch/json")
    assert caught.value.code == "docker_error" and caught.value.values == {"status": 404}


def test_an_answer_without_end_is_cut_off() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line = listener.accept()[0]
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        block = b"x" * (1 << 20)
        try:
            while True:
                line.sendall(block)
        except OSError:
            line.close()

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(Failed, match="too large"):
        client(docker_host=f"tcp://127.0.0.1:{listener.getsockname()[1]}").get("/version")
    listener.close()


def test_queries_are_encoded() -> None:
    expected = "?a=1&c=%7B%22x%22%3A+%5B%22y%22%5D%7D&d=1+2"
    assert encoded({"a": True, "b": None, "c": {"x": ["y"]}, "d": "1 2"}) == expected


CONFIGS: dict[str, tuple[dict[str, Any], str, tuple[str, str] | None]] = {
    "plain": ({"auths": {"r.example.org": {"auth": "dTpw"}}}, "r.example.org", ("u", "p")),
    "as a URL": ({"auths": {"https://r.example.org/v2/": {"auth": "dTpw"}}}, "r.example.org", ("u", "p")),
    "another": ({"auths": {"x.example.org": {"auth": "dTpw"}}}, "r.example.org", None),
    "empty": ({"auths": {"r.example.org": {}}}, "r.example.org", None),
    "none": ({}, "r.example.org", None),
}


@pytest.mark.parametrize(("config", "registry", "expected"), CONFIGS.values(), ids=CONFIGS.keys())
def test_a_kept_password_is_found(
    tmp_path: Path, config: dict[str, Any], registry: str, expected: tuple[str, str] | None
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    look = local_host().look
    assert credentials(load(str(path), look), registry, look) == expected


def test_a_credential_helper_is_asked(tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-test"
    program.write_text('#!/bin/sh\nread registry\nprintf \'{"Username":"u","Secret":"%s"}\' "$registry"\n')
    program.chmod(0o755)
    look = local_host(environment={"PATH": f"{tmp_path}:/usr/bin:/bin"}).look
    assert credentials({"credsStore": "test"}, "r.example.org", look) == ("u", "r.example.org")
