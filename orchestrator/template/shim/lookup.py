"""``ansible.plugins.lookup``: the base of a lookup plugin, over our `LookupCall`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.template.lookups.call import LookupCall
from orchestrator.template.plain import as_data, to_plain
from orchestrator.template.shim.errors import AnsibleError, AnsibleFileNotFound
from orchestrator.template.shim.options import declared, values


class Variables(Mapping[str, Any]):
    """The variables of a scope; each is rendered when it is asked for."""

    def __init__(self, call: LookupCall) -> None:
        self._call = call

    def __getitem__(self, name: str) -> Any:
        value = self._call.evaluation.resolve(name)
        if not self._call.is_set(value):
            raise KeyError(name)
        return to_plain(value, lambda raw: self._call.evaluation.entry(raw, name))

    def __contains__(self, name: object) -> bool:
        return name in set(self._call.scope.names())

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in self._call.scope.names() if not name.startswith("\0")])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def copy(self) -> dict[str, Any]:
        return dict(self)


class Templar:
    """``self._templar``. What it is given is data, and data is never rendered: it comes back as it is."""

    def __init__(self, call: LookupCall | None) -> None:
        self._call = call

    @property
    def available_variables(self) -> Any:
        return Variables(self._call) if self._call else {}

    def template(self, variable: Any, **options: Any) -> Any:
        call = self._call
        if call is None:
            return variable
        return to_plain(variable, lambda raw: call.evaluation.entry(raw, "value"))

    def is_template(self, data: Any) -> bool:
        return False


class Loader:
    """``self._loader``: files on the controller, vaults opened."""

    def __init__(self, call: LookupCall | None) -> None:
        self._call = call

    def get_basedir(self) -> str:
        return self._call.folders()[-1] if self._call else os.getcwd()

    def path_dwim(self, given: str) -> str:
        path = os.path.expanduser(given)
        return path if os.path.isabs(path) else os.path.normpath(os.path.join(self.get_basedir(), path))

    def path_dwim_relative(self, path: str, dirname: str, source: str, is_role: bool = False) -> str:
        """``source`` in the ``dirname`` folder of a role or beside the playbook; the first place if it is nowhere."""
        role = os.path.dirname(path) if os.path.basename(path) == "tasks" else path
        folders = (os.path.join(role, dirname), role, os.path.join(self.get_basedir(), dirname), self.get_basedir())
        places = [os.path.normpath(os.path.join(folder, os.path.expanduser(source))) for folder in folders]
        return next((place for place in places if os.path.exists(place)), places[0])

    def path_exists(self, path: str) -> bool:
        return os.path.exists(self.path_dwim(path))

    def is_file(self, path: str) -> bool:
        return os.path.isfile(self.path_dwim(path))

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(self.path_dwim(path))

    def get_text_file_contents(self, file_name: str) -> str:
        return self._read(file_name).decode("utf-8", "surrogateescape")

    def _get_file_contents(self, file_name: str) -> tuple[bytes, bool]:
        return self._read(file_name), False

    def load_from_file(self, file_name: str, **options: Any) -> Any:
        from orchestrator.template.untrusted import yaml_data

        return yaml_data(self.get_text_file_contents(file_name))

    def _read(self, file_name: str) -> bytes:
        assert self._call is not None
        return self._call.read(self.path_dwim(file_name))


class LookupBase:
    """A plugin's ``run(terms, variables=None, **kwargs)`` gives a list."""

    _orch_call: LookupCall | None = None

    def __init__(self, loader: Any = None, templar: Any = None, **kwargs: Any) -> None:
        self._loader = loader
        self._templar = templar
        self._options: dict[str, Any] = {}
        self._display = None

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        self._options = values(declared(type(self).run.__globals__), direct or {}, var_options)

    def set_option(self, option: str, value: Any, **options: Any) -> None:
        self._options[option] = value

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        if option not in self._options:
            self._options = {**values(declared(type(self).run.__globals__), {}, hostvars), **self._options}
        try:
            return self._options[option]
        except KeyError:
            raise AnsibleError(f"Requested entry (lookup option {option!r}) was not defined.") from None

    def get_options(self, hostvars: Any = None) -> dict[str, Any]:
        return dict(self._options)

    def has_option(self, option: str) -> bool:
        return option in self._options or option in declared(type(self).run.__globals__)

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> Any:
        raise NotImplementedError

    def get_basedir(self, variables: Any) -> str:
        return str((variables or {}).get("role_path") or Loader(self._orch_call).get_basedir())

    def find_file_in_search_path(
        self, myvars: Any, subdir: str, needle: str, ignore_missing: bool = False
    ) -> str | None:
        """The path of a file in the folders of role and playbook; None, or an error, when it is nowhere."""
        if self._orch_call is not None:
            found = next(filter(os.path.exists, self._orch_call.places(str(needle), subdir)), None)
            if found is not None:
                return found
        if ignore_missing:
            return None
        raise AnsibleFileNotFound(f"Unable to find {needle!r} in expected paths (use -vvvvv to see paths)")

    @staticmethod
    def _flatten(terms: Any) -> list[Any]:
        return [item for term in terms for item in (term if isinstance(term, (list, tuple)) else [term])]

    @staticmethod
    def _combine(a: Any, b: Any) -> list[Any]:
        return [LookupBase._flatten([x, y]) for x, y in itertools.product(a, b)]

    @staticmethod
    def _flatten_hash_to_list(terms: Any) -> list[dict[str, Any]]:
        return [{"key": key, "value": terms[key]} for key in terms]


AnsiblePlugin = LookupBase


def from_class(factory: Any) -> Any:
    """A lookup of ours made of a plugin's ``LookupModule``."""

    def run(terms: list[Any], call: LookupCall, /, **options: Any) -> list[Any]:
        plugin = factory(loader=Loader(call), templar=Templar(call))
        plugin._orch_call = call
        found = plugin.run(as_data(terms), variables=Variables(call), **as_data(options))
        if not isinstance(found, (list, tuple)):
            raise AnsibleError(f"the lookup gives a {type(found).__name__}, and must give a list")
        return list(found)

    run.takes_undefined = bool(getattr(factory, "accept_args_markers", False))  # type: ignore[attr-defined]
    return run
