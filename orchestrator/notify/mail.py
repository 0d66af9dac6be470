"""Mail by SMTP: STARTTLS or TLS, certificates checked, one connection a message."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
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
    message = compose(delivery, payload, public)
    context = context or ssl.create_default_context()
    host, port = str(public["host"]), int(public["port"])
    try:
        with _connected(host, port, str(public["security"]), context) as server:
            guard = Timer(LONGEST_S, _cut, [server])
            guard.daemon = True
            guard.start()
            try:
                if public.get("username"):
                    server.login(str(public["username"]), str(secret.get("password", "")))
                refused = server.send_message(message)
            finally:
                guard.cancel()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSent(f"{host}: {_words(error)}", is_final=_is_final(error)) from error
    if refused:
        raise NotSent(f"{host} refused {len(refused)} of the recipients", is_final=True)


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
    message.set_content(text_of(payload))
    return message


def is_address(text: str) -> bool:
    """``name@domain`` alone, of printable ASCII characters."""
    return (text.isascii() and text.isprintable() and " " not in text and len(text) <= 254 and text.count("@") == 1
            and parseaddr(text) == ("", text) and all(text.split("@")) and not set(text) & set('",;:<>()[]\\'))


def _connected(host: str, port: int, security: str, context: ssl.SSLContext) -> smtplib.SMTP:
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    if security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


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
        return "it refuses the recipients"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return one_line(str(error))
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return one_line(f"{error.smtp_code} {text}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S} s"
    return one_line(getattr(error, "strerror", None) or type(error).__name__)
