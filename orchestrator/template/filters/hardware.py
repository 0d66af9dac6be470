"""Hardware addresses: their forms, an IPv6 address made of one, and random ones."""

from __future__ import annotations

import ipaddress
import random
import re
from typing import Any

from orchestrator.errors import TemplateError


def _digits(value: Any) -> str | None:
    """Twelve hexadecimal digits; None when it is no hardware address."""
    if isinstance(value, int):
        return f"{value:012x}" if 0 <= value < 1 << 48 else None
    parts = re.split(r"[-:.]", str(value)) if isinstance(value, str) else [""]
    if len(parts) == 6 and all(len(part) <= 2 for part in parts):
        parts = [part.zfill(2) for part in parts]
    digits = "".join(parts).lower()
    return digits if re.fullmatch(r"[0-9a-f]{12}", digits) else None


def hwaddr(value: Any, query: str = "", alias: str = "hwaddr") -> Any:
    """A MAC address in a form: bare, cisco, linux, unix, win …; None for what is none."""
    digits = _digits(value)
    if digits is None:
        return None
    pairs = [digits[i:i + 2] for i in range(0, 12, 2)]
    split = f"{digits[:6]}:{digits[6:]}"
    forms: dict[str, Any] = {
        "": value, "bool": True, "bare": digits.upper(), "linux": ":".join(pairs),
        "unix": ":".join(pair.lstrip("0") or "0" for pair in pairs), "win": "-".join(pairs).upper(),
        "eui48": "-".join(pairs).upper(), "cisco": ".".join(digits[i:i + 4] for i in range(0, 12, 4)),
        "int": int(digits, 16), "pgsql": split, "psql": split, "postgresql": split,
    }
    if query not in forms:
        raise TemplateError(f"hwaddr: there is no form {query!r}", hint=f"there are: {', '.join(filter(None, forms))}")
    return forms[query]


def macaddr(value: Any, query: str = "") -> Any:
    return hwaddr(value, query)


def slaac(value: Any, query: Any = "") -> Any:
    """The IPv6 address that a host with this hardware address gives itself in a network (RFC 4862, modified EUI-64)."""
    digits = _digits(query)
    try:
        network = ipaddress.IPv6Interface(str(value)).network
    except ValueError:
        return False
    if digits is None:
        return False
    mac = int(digits, 16) ^ (2 << 40)
    return str(network.network_address + ((mac >> 24) << 40 | 0xFFFE << 24 | mac & 0xFFFFFF))


def random_mac(prefix: Any, seed: Any = None) -> str:
    """A MAC address that begins as ``prefix`` does; the same one for the same ``seed``."""
    parts = str(prefix).lower().strip(":").split(":")
    if not all(len(part) == 2 and set(part) <= set("0123456789abcdef") for part in parts) or len(parts) > 5:
        raise TemplateError(f"random_mac: {prefix!r} is no beginning of a MAC address")
    source = random.Random(seed) if seed is not None else random.SystemRandom()
    missing = 6 - len(parts)
    digits = f"{source.randint(68719476736, 1099511627775):x}"[:2 * missing]
    return ":".join([*parts, *(digits[i:i + 2] for i in range(0, 2 * missing, 2))])
