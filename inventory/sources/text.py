"""Reading a source file as text, within bounds."""

from __future__ import annotations

from inventory.errors import InventoryError


def read_bytes(path: str, max_bytes: int) -> bytes:
    """The file's bytes; raises InventoryError when it cannot be read or is too large."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise InventoryError(f"cannot read the inventory: {error.strerror}", path) from error
    if len(data) > max_bytes:
        raise InventoryError(f"the inventory is larger than {max_bytes // 2**20} MiB", path)
    return data


def decode(data: bytes, path: str) -> str:
    """UTF-8 text, with or without a byte order mark; raises InventoryError at the line of the first bad byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise InventoryError("the inventory is not UTF-8 text", path, line, column,
                             hint="save the file as UTF-8") from error
