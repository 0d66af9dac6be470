"""The kinds of channels: their settings, which of these are secret, and what is wrong with them. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.notify.addresses import origin, split
from orchestrator.notify.mail import is_address
from orchestrator.refusals import Malformed

SECURITY = ("starttls", "tls", "none")
METHODS = ("GET", "POST", "HEAD")
MOST_RECIPIENTS, MOST_SCHEDULES = 50, 200
PER_MINUTE = 20
MOST_PER_MINUTE = 600
LONGEST_TEXT = 1_000
LEAST_KEY = 16
COMMON = frozenset({"schedule_ids", "per_minute"})
Settings = Mapping[str, Any]
Split = tuple[dict[str, Any], dict[str, Any]]
"""(what may be shown, what is sealed)"""


def separated(kind: str, given: Settings, before: Split | None = None) -> Split:
    """The settings of a channel, checked and split. Raises `Malformed`.

    ``before``: what is stored, for a change. Secrets that are not given stay, unless what they were given for has
    changed: nobody sends a stored password to another server by editing its address.
    """
    if kind not in KINDS:
        raise _wrong("kind", f"one of {', '.join(KINDS)}")
    names, check = KINDS[kind]
    unknown = set(given) - names - COMMON
    if unknown:
        raise _wrong(sorted(unknown)[0][:80], f"a {kind} channel has {', '.join(sorted(names | COMMON))}")
    public, secret = check(given, before or ({}, {}))
    public["schedule_ids"] = _schedules(given.get("schedule_ids", []))
    public["per_minute"] = _number(given, "per_minute", 1, MOST_PER_MINUTE, PER_MINUTE)
    return public, secret


def _mail(given: Settings, before: Split) -> Split:
    public: dict[str, Any] = {"host": _text(given, "host", longest=253), "port": _number(given, "port", 1, 65_535, 587),
              "security": _one_of(given, "security", SECURITY), "username": _text(given, "username", ""),
              "sender": _text(given, "sender"), "recipients": given.get("recipients")}
    host = public["host"]
    if host.startswith("-") or not host.isascii() or " " in host:
        raise _wrong("host", "the name or address of a mail server")
    recipients = public["recipients"]
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= MOST_RECIPIENTS or not all(
            isinstance(one, str) and is_address(one) for one in recipients):
        raise _wrong("recipients", f"1 to {MOST_RECIPIENTS} addresses, each as name@example.com")
    if not is_address(public["sender"]):
        raise _wrong("sender", "an address as name@example.com")
    secret = {}
    if public["username"]:
        same = all(before[0].get(name) == public[name] for name in ("host", "port", "security", "username"))
        secret["password"] = _secret(given, "password", before[1] if same else {})
        if public["security"] == "none":
            raise _wrong("security", "a password is not sent without TLS: starttls or tls")
    return public, secret


def _webhook(given: Settings, before: Split) -> Split:
    url = _url(given, before)
    kept = before[1] if before[1].get("url") == url else {}
    key = given.get("signing_key") or kept.get("signing_key") or secrets.token_urlsafe(32)
    if not isinstance(key, str) or not LEAST_KEY <= len(key) <= LONGEST_TEXT:
        raise _wrong("signing_key", f"{LEAST_KEY} characters at least")
    return {"origin": origin(url)}, {"url": url, "signing_key": key}


def _slack(given: Settings, before: Split) -> Split:
    url = _url(given, before)
    return {"origin": origin(url)}, {"url": url}


def _ping(given: Settings, before: Split) -> Split:
    url = _url(given, before)
    secret = {"url": url}
    fail = given.get("fail_url", before[1].get("fail_url") if before[1].get("url") == url else None)
    if fail:
        if not isinstance(fail, str):
            raise _wrong("fail_url", "an address")
        split(fail)
        secret["fail_url"] = fail
    return {"origin": origin(url), "method": _one_of(given, "method", METHODS)}, secret


KINDS: Mapping[str, tuple[frozenset[str], Callable[[Settings, Split], Split]]] = {
    "mail": (frozenset({"host", "port", "security", "sender", "recipients", "username", "password"}), _mail),
    "webhook": (frozenset({"url", "signing_key"}), _webhook),
    "slack": (frozenset({"url"}), _slack),
    "ping": (frozenset({"url", "fail_url", "method"}), _ping),
}
SECRETS = ("password", "url", "signing_key", "fail_url")


def _url(given: Settings, before: Split) -> str:
    url = given.get("url") or before[1].get("url")
    if not isinstance(url, str):
        raise _wrong("url", "an address is needed")
    split(url)
    return url


def _text(given: Settings, name: str, default: str | None = None, longest: int = LONGEST_TEXT) -> str:
    value = given.get(name, default)
    if not isinstance(value, str) or not value.isprintable() or len(value) > longest or (not value and default is None):
        raise _wrong(name, f"a text of 1 to {longest} characters")
    return value


def _secret(given: Settings, name: str, kept: Settings) -> str:
    value = given.get(name) or kept.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise _wrong(name, "needed anew, since the server or the user has changed")
    return value


def _number(given: Settings, name: str, least: int, most: int, default: int) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _wrong(name, f"a number from {least} to {most}")
    return value


def _one_of(given: Settings, name: str, values: tuple[str, ...]) -> str:
    value = given.get(name, values[0])
    if value not in values:
        raise _wrong(name, f"one of {', '.join(values)}")
    return str(value)


def _schedules(given: Any) -> list[str]:
    if not isinstance(given, list) or len(given) > MOST_SCHEDULES or not all(
            isinstance(one, str) and one.isalnum() and len(one) <= 64 for one in given):
        raise _wrong("schedule_ids", f"{MOST_SCHEDULES} ids of schedules at most; none: all runs")
    return list(given)


def _wrong(path: str, message: str) -> Malformed:
    return Malformed(f"{path}: {message}", code="request_invalid", fields=[(f"settings.{path}", message)])
