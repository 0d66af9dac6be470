"""`ContentLoader`: reads the operator's files once each, opens vaulted ones, and remembers what it read."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.content.vault import Vault, is_vault
from orchestrator.content.yaml import decode, load_yaml
from orchestrator.errors import ContentError, Origin
from orchestrator.template.types import Map

MAX_BYTES = 64 * 1024 * 1024


class ContentLoader:
    """Files by path, each read and parsed once. ``digest`` covers every byte read, in order of reading."""

    def __init__(self, vault: Vault | None = None, *, trusted: bool = True,
                 on_duplicate: Callable[[str], None] | None = None) -> None:
        self.on_duplicate = on_duplicate
        self.vault = vault or Vault(())
        self.trusted = trusted
        self._documents: dict[str, Any] = {}
        self._texts: dict[str, str] = {}
        self._hash = hashlib.sha256()
        self.files: list[str] = []

    @property
    def digest(self) -> str:
        """SHA-256 hex over the bytes of all files read, each with its length before it."""
        return self._hash.hexdigest()

    def read_text(self, path: str | os.PathLike[str]) -> str:
        """The text of a file, decrypted when it is a vault. Raises `ContentError` or `VaultError`."""
        name = os.fspath(path)
        if name not in self._texts:
            self._texts[name] = self._open(name)
        return self._texts[name]

    def forget(self, path: str | os.PathLike[str]) -> None:
        """Read the file again when it is next asked for."""
        self._texts.pop(os.fspath(path), None)
        self._documents.pop(os.fspath(path), None)

    def provide(self, path: str | os.PathLike[str], text: str) -> None:
        """Have ``text`` stand for a file that does not exist: a playbook made from options (`orch exec`)."""
        self._texts[os.fspath(path)] = text

    def read(self, path: str | os.PathLike[str]) -> Any:
        """The YAML or JSON document in a file, with origins. Callers share it: do not change it."""
        name = os.fspath(path)
        if name not in self._documents:
            self._documents[name] = load_yaml(
                self.read_text(name), file=name, vault=self.vault, trusted=self.trusted,
                on_duplicate=self.on_duplicate,
            )
        return self._documents[name]

    def read_vars(self, path: str | os.PathLike[str]) -> Map:
        """A file of variables: a mapping, or empty. Raises `ContentError` for anything else, or names that are none."""
        document = self.read(path)
        if document is None:
            return Map(origin=Origin(os.fspath(path)))
        if not isinstance(document, Map):
            kind = {"Seq": "list"}.get(type(document).__name__, type(document).__name__)
            raise ContentError(
                f"a file of variables must hold a mapping, this holds a {kind}",
                origin=getattr(document, "origin", None) or Origin(os.fspath(path), 1, 1),
                hint="write “name: value” lines",
            )
        for key in document:
            if not isinstance(key, str):
                raise ContentError(
                    f"{key!r} cannot be the name of a variable", origin=document.origin_of(key),
                    hint="a name is text: quote it when it is meant to be one",
                )
        return document

    def exists(self, path: str | os.PathLike[str]) -> bool:
        return os.path.exists(path)

    def _open(self, name: str) -> str:
        sys.audit("orch.content", name)
        try:
            size = os.stat(name).st_size
            if size > MAX_BYTES:
                raise ContentError(f"{name} is larger than {MAX_BYTES // 2**20} MiB", origin=Origin(name))
            data = Path(name).read_bytes()
        except OSError as error:
            raise ContentError(f"cannot read {name}: {error.strerror}", origin=Origin(name),
                               code="unreadable") from error
        self.files.append(name)
        self._hash.update(len(data).to_bytes(8, "big") + data)
        text = decode(data, name)
        return self.vault.decrypt(text, Origin(name, 1, 1)) if is_vault(text) else text
