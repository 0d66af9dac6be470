"""What kinds of credentials there are, and which fields each has. Data, and pure functions over it.

A field that is ``secret`` is sealed and never read back; the others are shown. The JSON schemas of the API, the forms
of the page and the checks on what is given all follow from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from orchestrator.refusals import Malformed

TEXT, LINES, LIST = "text", "lines", "list"
MOST_ITEMS = 50


class Field(Struct, frozen=True):
    """``type``: ``text`` is one line, ``lines`` a text of many, ``list`` a list of words."""

    name: str
    label: str
    help: str = ""
    type: str = TEXT
    secret: bool = False
    required: bool = False
    default: str = ""
    most: int = 1_000
    """Characters; of each word of a list."""


class Kind(Struct, frozen=True):
    name: str
    title: str
    help: str
    fields: tuple[Field, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.secret)


_USER = Field("username", "User", "whom to log in as; empty: what the inventory says", most=100)
_KINDS = (
    Kind("ssh_key", "SSH key", "A private key that hosts, or a git server, know.", (
        _USER,
        Field("private_key", "Private key", "as ssh-keygen writes it", LINES, secret=True, required=True, most=65_536),
        Field("passphrase", "Passphrase", "of the key, when it has one", secret=True),
        Field("certificate", "Certificate", "that somebody has signed for this key", LINES, most=65_536),
    )),
    Kind("ssh_certificate", "SSH certificate", "For each run a key of its own, signed by orch for minutes.", (
        _USER,
        Field("principals", "Principals", "the names that the certificate is for", LIST, required=True, most=100),
        Field("source_addresses", "From", "addresses or networks it may be used from; none: any", LIST, most=50),
    )),
    Kind("password", "Password", "For logging in where hosts take passwords.", (
        _USER, Field("password", "Password", secret=True, required=True),
    )),
    Kind("become", "Become password", "For sudo and its kin.", (
        Field("password", "Password", secret=True, required=True),
    )),
    Kind("vault", "Vault password", "Opens what ansible-vault has encrypted.", (
        Field("vault_id", "Vault id", "the label it was encrypted with", default="default", most=100),
        Field("password", "Password", secret=True, required=True),
    )),
    Kind("git_token", "Git token", "For fetching a project by https.", (
        Field("username", "User", "what the server wants beside a token", default="git", most=100),
        Field("token", "Token", secret=True, required=True),
    )),
    Kind("s3", "S3", "Keys of an object store.", (
        Field("endpoint", "Endpoint", "https://…; empty: Amazon's"),
        Field("region", "Region", most=100),
        Field("access_key_id", "Access key", required=True, most=200),
        Field("secret_access_key", "Secret key", secret=True, required=True),
        Field("session_token", "Session token", secret=True, most=4_000),
    )),
    Kind("repository", "Backup repository", "What a backup repository is encrypted with.", (
        Field("url", "Repository"),
        Field("passphrase", "Passphrase", secret=True, required=True),
        Field("key", "Key", "its key file, where it has one", LINES, secret=True, most=65_536),
    )),
    Kind("webhook", "Webhook", "What messages are signed with.", (
        Field("secret", "Secret", secret=True, required=True),
    )),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}


def kind_of(name: str) -> Kind:
    """Raises `Malformed`."""
    if name not in KINDS:
        raise Malformed(f"there is no kind of credential {name!r}", fields=[("kind", f"one of {', '.join(KINDS)}")])
    return KINDS[name]


def schema_of(kind: Kind) -> dict[str, Any]:
    """The JSON schema of a credential's ``values``; secrets are ``writeOnly``."""
    return {
        "type": "object", "title": kind.title, "description": kind.help, "additionalProperties": False,
        "required": [field.name for field in kind.fields if field.required],
        "properties": {field.name: _property(field) for field in kind.fields},
    }


def _property(field: Field) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string", "maxLength": field.most}
    shown = {"type": "array", "maxItems": MOST_ITEMS, "items": text} if field.type == LIST else text
    extra: dict[str, Any] = {"title": field.label}
    if field.help:
        extra["description"] = field.help
    if field.secret:
        extra["writeOnly"] = True
    if field.default:
        extra["default"] = field.default
    if field.type == LINES:
        extra["format"] = "multiline"
    return {**shown, **extra}


def merged(kind: Kind, given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The values of a credential: those ``given``, behind them those there were ``before``, behind them the defaults.

    What is given as None or empty is taken away. Raises `Malformed` with every field that is wrong.
    """
    known = {field.name: field for field in kind.fields}
    wrong = [(f"values.{name}", f"a credential of the kind {kind.name} has no such field")
             for name in given if name not in known]
    found: dict[str, Any] = {}
    for name, field in known.items():
        value = given[name] if name in given else (before or {}).get(name)
        empty = value is None or value == "" or value == []
        fault = None if empty else _fault(field, value)
        if fault:
            wrong.append((f"values.{name}", fault))
        elif not empty:
            found[name] = value
        elif field.default:
            found[name] = field.default
        elif field.required:
            wrong.append((f"values.{name}", "is needed"))
    if wrong:
        raise Malformed(f"this is no credential of the kind {kind.name}", code="credential_invalid", fields=wrong)
    return found


def _fault(field: Field, value: Any) -> str | None:
    """What is wrong with a value; its text is never in the answer."""
    if field.type == LIST:
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            return f"must be a list of {MOST_ITEMS} texts at most"
        return next((fault for one in value if (fault := _text_fault(field, one))), None)
    return _text_fault(field, value)


def _text_fault(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    if len(value) > field.most:
        return f"has {field.most} characters at most"
    allowed = "\n\r\t" if field.type == LINES else ""
    if any((ord(char) < 32 or ord(char) == 127) and char not in allowed for char in value):
        return "holds control characters"
    if field.type == LIST and (not value or value.startswith("-") or "," in value or " " in value):
        return "each must be one word, without a comma, and not begin with '-'"
    if field.name == "username" and (value.startswith("-") or " " in value):
        return "must be one word that does not begin with '-'"
    return None


def parted(kind: Kind, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values that are shown, and those that are sealed."""
    secret = {name: values[name] for name in kind.secrets if name in values}
    return {name: value for name, value in values.items() if name not in secret}, secret
