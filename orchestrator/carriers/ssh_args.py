"""Reads what people put into ``ansible_ssh_common_args`` and its kin: an ssh command line, as a list of ssh options.

Pure. The result is (option in lower case, value) in the order given; for ssh the first value of an option wins.
"""

from __future__ import annotations

import shlex

from msgspec import Struct

from orchestrator.carriers.kept.persist import OPTIONS as SHARING
from orchestrator.errors import InventoryFault

FLAGS_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
FLAG_OPTIONS = {"i": "identityfile", "p": "port", "l": "user", "J": "proxyjump", "b": "bindaddress", "F": "configfile",
                "c": "ciphers", "m": "macs", "S": "controlpath"}  # fmt: skip
BARE_FLAG_OPTIONS = {"4": ("addressfamily", "inet"), "6": ("addressfamily", "inet6")}
QUIET_FLAGS = frozenset("CSTXYaknqtvxy")
"""Flags without a meaning here that do no harm: verbosity, compression, ttys, X11."""

UNDERSTOOD = frozenset({
    "addressfamily", "bindaddress", "certificatefile", "ciphers", "configfile", "connecttimeout",
    "globalknownhostsfile",
    "hostkeyalgorithms", "hostkeyalias", "hostname", "identitiesonly", "identityagent", "identityfile", "kexalgorithms",
    "macs", "port", "preferredauthentications", "proxycommand", "proxyjump", "serveralivecountmax",
    "serveraliveinterval", "stricthostkeychecking", "user", "userknownhostsfile",
})  # fmt: skip
HARMLESS = frozenset({
    "addkeystoagent", "batchmode", "checkhostip", "compression", "connectionattempts", "escapechar",
    "exitonforwardfailure", "forwardagent", "forwardx11", "forwardx11trusted", "gssapiauthentication",
    "gssapidelegatecredentials", "hashknownhosts", "kbdinteractiveauthentication", "ipqos", "loglevel",
    "numberofpasswordprompts", "passwordauthentication", "pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes",
    "pubkeyauthentication", "requesttty", "sendenv", "tcpkeepalive", "updatehostkeys", "usekeychain",
    "verifyhostkeydns", "visualhostkey", "challengeresponseauthentication", "clearallforwardings", "rekeylimit",
    "hostbasedauthentication", "warnweakcrypto", "obscurekeystroketiming", "canonicalizehostname",
    "nohostauthenticationforlocalhost",
})  # fmt: skip
"""Options of other programs' connections (ttys, logs, forwardings): they change nothing of what orch does."""


class SshArgs(Struct, frozen=True):
    options: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    """Options without a meaning here, as written: worth one warning each."""


def parse_ssh_args(text: str, variable: str, host: str) -> SshArgs:
    """The options in ``text``. Raises `InventoryFault`, naming the variable, when it is no ssh command line."""
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise InventoryFault(f"{host}: {variable} cannot be split into words: {exc}", hint="check its quotes") from None
    options: list[tuple[str, str]] = []
    unknown: list[str] = []
    queue = iter(words)
    for word in queue:
        if len(word) < 2 or word[0] != "-":
            raise InventoryFault(
                f"{host}: {variable} holds {word!r}, which is no ssh option",
                hint="write options as -o Name=value; the host itself is set by ansible_host",
            )
        _read_flags(word[1:], queue, options, unknown, (variable, host))
    return SshArgs(tuple(options), tuple(unknown))


def _read_flags(
    flags: str,
    queue: object,
    options: list[tuple[str, str]],
    unknown: list[str],
    where: tuple[str, str],
) -> None:
    """One word of flags, as getopt reads it: ``-qo Name=value``, ``-p22``, ``-4``."""
    while flags:
        flag, flags = flags[0], flags[1:]
        if flag in FLAGS_WITH_VALUE:
            value = flags or next(queue, None)  # type: ignore[call-overload]
            if value is None:
                raise InventoryFault(f"{where[1]}: {where[0]}: -{flag} needs a value")
            _add_flag_value(flag, value, options, unknown, where)
            return
        if flag in BARE_FLAG_OPTIONS:
            options.append(BARE_FLAG_OPTIONS[flag])
        elif flag not in QUIET_FLAGS:
            unknown.append(f"-{flag}")


def _add_flag_value(
    flag: str, value: str, options: list[tuple[str, str]], unknown: list[str], where: tuple[str, str]
) -> None:
    if flag == "o":
        option, setting = split_option(value)
        if not setting:
            raise InventoryFault(f"{where[1]}: {where[0]}: -o {value!r} has no value", hint="write -o Name=value")
        _add_option(option, setting, options, unknown)
    elif flag in FLAG_OPTIONS:
        options.append((FLAG_OPTIONS[flag], value))
    elif flag not in "Ee":
        unknown.append(f"-{flag}")


def _add_option(option: str, value: str, options: list[tuple[str, str]], unknown: list[str]) -> None:
    name = option.lower()
    if name in UNDERSTOOD or name in SHARING:
        options.append((name, value))
    elif name not in HARMLESS:
        unknown.append(option)


def split_option(text: str) -> tuple[str, str]:
    """``Name=value`` or ``Name value`` -> (Name, value), as ssh_config(5) allows; quotes around the value go."""
    text = text.strip()
    end = next((index for index, char in enumerate(text) if char in "= \t"), len(text))
    value = text[end:].lstrip(" \t")
    if value.startswith("="):
        value = value[1:].lstrip(" \t")
    if len(value) >= 2 and value[0] == value[-1] == '"' and '"' not in value[1:-1]:
        value = value[1:-1]
    return text[:end], value
