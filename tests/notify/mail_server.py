"""A real mail server, aiosmtpd, in a thread: STARTTLS or TLS, AUTH under TLS alone, answers as a test wants them."""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from msgspec import Struct

smtp = pytest.importorskip("aiosmtpd.smtp", reason="no mail server: aiosmtpd is not installed")
USER = "orch"
START_S = 60
Answer = Callable[[str, str], str | None]


class Mail(Struct):
    """One that was taken. ``options``: what MAIL FROM said besides the sender (``BODY=8BITMIME`` …)."""

    sender: str
    recipients: list[str]
    raw: bytes
    was_tls: bool
    user: str
    options: list[str]

    @property
    def message(self) -> EmailMessage:
        """Parsed; raises for what does not hold to the RFCs."""
        found = message_from_bytes(self.raw, policy=policy.default.clone(raise_on_defect=True))
        assert isinstance(found, EmailMessage)
        return found


class MailServer:
    """``password``: AUTH is wanted. ``answer``: the reply to a verb and its argument (``RCPT``, the address), None for
    the server's own."""

    def __init__(self, context: ssl.SSLContext | None = None, *, tls_at_once: bool = False, password: str = "",
                 answer: Answer = lambda verb, said: None) -> None:
        self.password, self.answer = password, answer
        self.mails: list[Mail] = []
        self.verbs: list[str] = []
        self._tls_at_once = tls_at_once
        self._options: dict[str, Any] = {
            "hostname": "mail.example.com", "auth_required": bool(password), "authenticator": self._known,
            "auth_require_tls": not tls_at_once}  # within TLS from the first byte there is no STARTTLS to be had
        if context is not None and not tls_at_once:
            self._options |= {"tls_context": context, "require_starttls": True}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            self._listen(context if tls_at_once else None), self._loop).result(START_S)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self, context: ssl.SSLContext | None) -> asyncio.Server:
        return await self._loop.create_server(self._conversation, "127.0.0.1", 0, ssl=context)

    def _conversation(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of AUTH without STARTTLS, though it is within TLS
            return smtp.SMTP(self, loop=self._loop, **self._options)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)

    def _known(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        user, password = data.login.decode(), data.password.decode()
        self.verbs.append("AUTH")
        is_right = user == USER and password == self.password
        # A server that repeats what it was sent: whoever sent it must not.
        return smtp.AuthResult(success=is_right, handled=False, auth_data=user,
                               message=None if is_right else f"535 5.7.8 no such password: {password}")

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.mail_from, envelope.mail_options = address, options
        return self._said("MAIL", address) or "250 2.1.0 well"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        refused = self._said("RCPT", address)
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 2.1.5 well"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        refused = self._said("DATA", "")
        if refused is None:
            self.mails.append(Mail(
                envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content,
                self._tls_at_once or session.ssl is not None, str(session.auth_data or ""), envelope.mail_options))
        return refused or "250 2.0.0 taken"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        return self._said("QUIT", "") or "221 2.0.0 bye"

    def _said(self, verb: str, argument: str) -> str | None:
        self.verbs.append(verb)
        return self.answer(verb, argument)
