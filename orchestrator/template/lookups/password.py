"""``password``: a random password, kept in a file on the controller so that it stays the same."""

from __future__ import annotations

import os
import random
import re
import secrets
import string
import sys
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.lookups.call import LookupCall, options_in

_NAMES = frozenset({"length", "chars", "encrypt", "seed", "ident"})
_DEFAULT_CHARS = ("ascii_letters", "digits", ".,:-_")


def password(terms: list[Any], call: LookupCall, **given: Any) -> list[Any]:
    """One password for each path (``path length=20 chars=ascii_letters,digits encrypt=sha512_crypt seed=x``).

    The file has mode 0600 in a folder of 0700, and is made in one step, so that two runs agree. /dev/null keeps none.
    """
    return [_password(str(term), call, given) for term in terms]


def _password(term: str, call: LookupCall, given: dict[str, Any]) -> str:
    name, named = options_in(term, _NAMES)
    if " " in name and re.search(r"\s\w+=", name):
        hint = f"there are: {', '.join(sorted(_NAMES))}"
        raise TemplateError("Unrecognized parameter(s) given to password lookup", hint=hint)
    options = {**given, **named}
    path = _path(name, call)
    kept = None if path == os.devnull else _read(path)
    if kept is None:
        kept = _new(options)
        if options.get("encrypt"):
            kept += f" salt={_salt(options)}"
        if path != os.devnull:
            kept = _keep(path, kept)
    plain, _, salt = kept.partition(" salt=")
    if not options.get("encrypt"):
        return plain
    from orchestrator.template.crypt import hash_password

    return hash_password(plain, str(options["encrypt"]), salt.split(" ident=")[0] or None, None, options.get("ident"))


def _path(name: str, call: LookupCall) -> str:
    name = os.path.expanduser(name)
    if not name:
        raise TemplateError("password needs the path of a file")
    return name if os.path.isabs(name) else os.path.join(call.folders()[-1], name)


def _new(options: dict[str, Any]) -> str:
    try:
        length = int(options.get("length", 20))
    except (TypeError, ValueError):
        raise TemplateError("password: length is a whole number") from None
    if not 0 <= length <= 65536:
        raise TemplateError("password: length is 65536 at most")
    alphabet = _alphabet(options.get("chars"))
    seed = options.get("seed")
    choose = random.Random(str(seed)).choice if seed is not None else secrets.choice
    return "".join(choose(alphabet) for _ in range(length))


def _alphabet(chars: Any) -> str:
    if isinstance(chars, str):
        sets = [part for part in chars.replace(",,", ",\0").split(",") if part]
        sets = ["," if part == "\0" else part.replace("\0", ",") for part in sets]
    else:
        sets = list(chars or _DEFAULT_CHARS)
    text = "".join(getattr(string, part, part) if part.isidentifier() else part for part in sets)
    if not text:
        raise TemplateError("password: chars names no character")
    return text.replace('"', "").replace("'", "")


def _salt(options: dict[str, Any]) -> str:
    size = {"bcrypt": 22, "blowfish": 22, "md5_crypt": 8, "md5": 8}.get(str(options["encrypt"]), 16)
    made = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(size))
    return made[:-1] + secrets.choice(".Oeu") if size == 22 else made


def _read(path: str) -> str | None:
    sys.audit("orch.content", path)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TemplateError(f"cannot read the password file {path}: {error.strerror}") from error


def _keep(path: str, content: str) -> str:
    """Writes the file unless it has come to exist; returns what it holds. Never half written: it is linked in whole."""
    sys.audit("orch.content", path)
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".{os.path.basename(path)}.{secrets.token_hex(8)}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)
        except FileExistsError:
            return _read(path) or content
        finally:
            os.unlink(temporary)
    except OSError as error:
        raise TemplateError(f"cannot write the password file {path}: {error.strerror}") from error
    return content
