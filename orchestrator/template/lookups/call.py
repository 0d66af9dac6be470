"""What a lookup is given: the engine, the scope, and the folders in which Ansible looks for files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from orchestrator.errors import TemplateError

if TYPE_CHECKING:
    from orchestrator.template.engine import Engine
    from orchestrator.template.evaluation import Evaluation, ScopeLike

Lookup = Callable[..., list[Any]]


class LookupCall(Struct, frozen=True):
    engine: Engine
    evaluation: Evaluation

    @property
    def scope(self) -> ScopeLike:
        return self.evaluation.scope

    def variable(self, name: str, default: Any = None) -> Any:
        """A variable, rendered and plain; ``default`` when there is none."""
        from orchestrator.template.undefined import Undefined

        value = self.evaluation.resolve(name)
        return default if not self.is_set(value) or isinstance(value, Undefined) else value

    @staticmethod
    def is_set(value: Any) -> bool:
        from jinja2.utils import missing

        return value is not missing

    def folders(self) -> list[str]:
        """Folders to look in, nearest first."""
        found = self.variable("ansible_search_path")
        paths = list(found) if isinstance(found, list) else []
        playbook_dir = self.variable("playbook_dir")
        if isinstance(playbook_dir, str) and playbook_dir not in paths:
            paths.append(playbook_dir)
        return paths or [os.getcwd()]

    def places(self, name: str, subfolder: str) -> Iterator[str]:
        """Every path at which the file may be."""
        name = os.path.expanduser(name)
        if os.path.isabs(name):
            yield name
            return
        for folder in self.folders():
            yield os.path.join(folder, subfolder, name)
            yield os.path.join(folder, name)

    def find(self, name: Any, subfolder: str, what: str) -> str:
        """The file's path. Raises `TemplateError` that says where it was looked for."""
        places = list(self.places(str(name), subfolder))
        for path in places:
            if os.path.exists(path):
                sys.audit("orch.content", path)
                return path
        raise TemplateError(
            f"Unable to access the {what} {str(name)!r}: File not found. (No such file or directory)",
            hint="looked for " + ", ".join(places),
        )

    def read(self, path: str) -> bytes:
        """Bytes of a file on the controller, decrypted when it is a vault."""
        from orchestrator.template.vault_format import HEADER

        sys.audit("orch.content", path)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise TemplateError(f"cannot read {path}: {error.strerror}") from error
        if data.startswith(HEADER.encode()):
            return self.engine.open_vault(data.decode("ascii", "replace"), path)
        return data


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def options_in(term: str, names: frozenset[str]) -> tuple[str, dict[str, str]]:
    """``"a path key=value …"`` taken apart: what stands before the first known ``key=``, and the options."""
    import shlex

    try:
        words = shlex.split(term)
    except ValueError as error:
        raise TemplateError(f"the lookup's term {term!r} is malformed: {error}") from None
    plain: list[str] = []
    options: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key in names:
            options[key] = value
        else:
            plain.append(word)
    return " ".join(plain), options
