"""``hostvars`` and ``vars``: mappings that look up and render an entry when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jinja2.utils import missing

from orchestrator.template.evaluation import Evaluation

if TYPE_CHECKING:
    from orchestrator.variables.scope import Scope
    from orchestrator.variables.store import VariableStore


class VarsView(Mapping[str, Any]):
    """The variables of one scope by name."""

    _hidden = frozenset({"vars", "omit"})

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        if name == "vars" or not isinstance(name, str):
            raise KeyError(name)
        value = Evaluation.of(self._scope.store.engine, self._scope).resolve(name)
        if value is missing:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._scope.names() - self._hidden))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        try:
            self._scope.lookup(name)  # type: ignore[arg-type]
        except KeyError:
            return False
        return True

    def __repr__(self) -> str:
        return repr(dict(self))


class VarsOfHost(VarsView):
    """``hostvars[host]``: what is known of a host outside any play."""

    _hidden = frozenset({"vars", "hostvars", "omit"})

    def _orch_lacks(self, name: Any) -> str:
        return f"the host {self._scope.host!r} has no variable {name!r}"


class DelegatesVars(VarsOfHost):
    """``ansible_delegated_vars[host]``: as above, but it names the host that delegates, and always says where it is."""

    def __init__(self, scope: Scope, delegate: str, delegating: str | None) -> None:
        super().__init__(scope)
        self._fixed = {"inventory_hostname": delegating}
        self._otherwise = {"ansible_host": delegate}

    def __getitem__(self, name: str) -> Any:
        if name in self._fixed:
            return self._fixed[name]
        return self._otherwise[name] if name in self._otherwise and name not in self else super().__getitem__(name)


class HostVars(Mapping[str, Any]):
    """``hostvars``: every host of the inventory, each computed when it is looked at."""

    def __init__(self, store: VariableStore) -> None:
        self._store = store

    def __getitem__(self, host: str) -> VarsView:
        if not self._store.listed.knows(str(host)):
            raise KeyError(host)
        return self._store.vars_of(host)

    def __contains__(self, host: object) -> bool:
        return host in self._store.inventory.hosts

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.listed.names())

    def __len__(self) -> int:
        return len(self._store.listed.names())

    def _orch_lacks(self, name: Any) -> str:
        return f"hostvars has no host {name!r}: it is not in the inventory"

    def __repr__(self) -> str:
        return f"<hostvars of {len(self)} hosts>"
