"""What is relied on of uvicorn and OpenSSL: 1.3 alone, the client's certificate in the scope, contexts that change."""

from __future__ import annotations

import socket
import ssl

import pytest
from cryptography import x509

from tests.api.conftest import Serve
from tests.api.gateway import Client, Member, Served


def test_the_scope_has_the_certificate_of_the_connection_itself(served: Served, member: Member) -> None:
    scopes = []
    inner = served.service.app.asgi_handler

    async def watched(scope, receive, send):  # type: ignore[no-untyped-def]
        scopes.append(scope["extensions"]["tls"]["client_cert_der"])
        await inner(scope, receive, send)

    served.service.app.asgi_handler = watched
    with served.client(member) as own, served.client() as without:
        own.get("config")
        own.get("config")
        without.get("config")
    assert [der and x509.load_der_x509_certificate(der).subject.rfc4514_string() for der in scopes] == [
        f"CN={member.id}", f"CN={member.id}", None]


def test_older_versions_of_tls_are_refused(served: Served) -> None:
    context = ssl.create_default_context(cadata=served.authority.bundle())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw, server_hostname="127.0.0.1")


def test_nothing_is_resumed(served: Served, member: Member) -> None:
    """A resumed session would carry a certificate that was checked long ago."""
    with served.client(member) as client:
        client.get("config")
        connection = client._connection.sock
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.session is None or not connection.session.has_ticket


def test_a_new_server_certificate_holds_for_the_next_connection(served: Served) -> None:
    def shown() -> bytes | None:
        with Client(served) as client:
            client.request("GET", "/")
            found = client._connection.sock
            assert isinstance(found, ssl.SSLSocket)
            return found.getpeercert(binary_form=True)

    before = shown()
    served.authority.rotate()
    assert shown() == before
    assert served.tls is not None
    served.tls.refresh()
    after = shown()
    assert after != before


def test_files_that_cannot_be_used_change_nothing(served: Served, member: Member) -> None:
    assert served.tls is not None
    served.authority.rotate()
    (served.state / "ca" / "server.pem").write_text("damaged")
    with pytest.raises(Exception):  # noqa: B017  whatever OpenSSL says
        served.tls.refresh()
    (served.state / "ca" / "server.pem").unlink()
    with served.client(member) as client:
        assert client.get("config").status == 200


def test_more_connections_than_there_is_room_for_are_closed_at_once(serve_gateway: Serve,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.server.raise_file_limit", lambda: 3)
    served = serve_gateway()
    clients = [served.client() for _ in range(3)]
    for client in clients:
        assert client.get("config").status == 401
    with served.client() as fourth, pytest.raises((ssl.SSLError, ConnectionError, OSError)):
        fourth.get("config")
    assert clients[0].get("config").status == 401
    for client in clients:
        client.close()
