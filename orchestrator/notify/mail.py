"""Mail by SMTP: STARTTLS or TLS, certificates checked, one connection a message."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from threading import Timer
from typing import Any

from orchestrator.notify.occasions import one_line, text_of
from orchestrator.notify.records import Delivery
from orchestrator.notify.sending import NotSent

TIMEOUT_S = 20
LONGEST_S = 60
"""Of a whole conversation: a server that answers byte by byte must not hold the others up."""


def send(delivery: Delivery, payload: Mapping[str, Any], public: Mapping[str, Any], secret: Mapping[str, Any], *,
         context: ssl.SSLContext | None = None) -> None:
    """Hand the message over. Raises `NotSent`; what the server said is cut to a line."""
    context = context or ssl.create_default_context()
    host, port = str(public["host"]), int(public["port"])
    try:
        message = compose(delivery, payload, public)
    except (MessageError, ValueError) as error:
        raise NotSent(f"one of the channel's addresses is none: {one_line(str(error))}", is_final=True) from error
    try:
        server = _connected(host, port, str(public["security"]), context)
        try:
            if public.get("username"):
                server.login(str(public["username"]), str(secret.get("password", "")))
            refused = server.send_message(message)
            _take_leave(server)
        finally:
            server.close()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSent(f"{host}: {_words(error)}", is_final=_is_final(error)) from error
    if refused:
        # To try again would send it once more to those who have it.
        raise NotSent(f"{host}: {_of_recipients(refused)}; the others have it", is_final=True)


def compose(delivery: Delivery, payload: Mapping[str, Any], public: Mapping[str, Any]) -> EmailMessage:
    """The message. Its id follows from the delivery, so that one that came twice can be told."""
    domain = str(public["sender"]).rpartition("@")[2]
    message = EmailMessage()
    message["Subject"] = one_line(f"[orch] {payload['title']}")
    message["From"] = Address("orch", addr_spec=str(public["sender"]))
    message["To"] = tuple(Address(addr_spec=str(one)) for one in public["recipients"])
    message["Date"] = format_datetime(delivery.created)
    message["Message-ID"] = f"<orch-{delivery.id}-{int(delivery.created.timestamp())}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Orch-Occasion"] = delivery.occasion
    text = text_of(payload)
    # Seven bits whatever is in it: not every relay says 8BITMIME.
    message.set_content(text, cte=None if text.isascii() else "quoted-printable")
    return message


def is_address(text: str) -> bool:
    """``name@domain`` alone, of printable ASCII characters, as a mail's header takes it."""
    if not (text.isascii() and text.isprintable() and " " not in text and len(text) <= 254 and text.count("@") == 1
            and parseaddr(text) == ("", text) and all(text.split("@")) and not set(text) & set('",;:<>()[]\\')):
        return False
    try:
        Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return False
    return True


class _Bounded(smtplib.SMTP):
    """Cut off `LONGEST_S` after it began to connect, wherever the conversation is then."""

    _guard: Timer | None = None

    def connect(self, *args: Any, **options: Any) -> tuple[int, bytes]:
        self._guard = Timer(LONGEST_S, _cut, [self])
        self._guard.daemon = True
        self._guard.start()
        try:
            return super().connect(*args, **options)
        except BaseException:
            self._guard.cancel()
            raise

    def close(self) -> None:
        if self._guard is not None:
            self._guard.cancel()
        super().close()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def _connected(host: str, port: int, security: str, context: ssl.SSLContext) -> smtplib.SMTP:
    if security == "tls":
        return _BoundedTls(host, port, timeout=TIMEOUT_S, context=context)
    server = _Bounded(host, port, timeout=TIMEOUT_S)
    if security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _take_leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        pass  # it has the message: nothing that it says afterwards takes that back


def _cut(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        try:
            server.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended by itself


def _is_final(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def _words(error: Exception) -> str:
    """Without what was sent: a server may repeat it, so of its answer to a login only the number is told."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"it does not take the user's name and password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _of_recipients(error.recipients)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return one_line(str(error))
    if isinstance(error, smtplib.SMTPResponseException):
        return one_line(f"{error.smtp_code} {_text(error.smtp_error)}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S} s"
    return one_line(getattr(error, "strerror", None) or type(error).__name__)


def _of_recipients(refused: Mapping[str, tuple[int, bytes]]) -> str:
    one, (code, said) = next(iter(refused.items()))
    more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
    return one_line(f"it refuses {one}{more}: {code} {_text(said)}")


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said

