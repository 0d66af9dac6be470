"""The three tables of plugins an environment has: Jinja's own, ours, and whatever folders bring."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.template.environment import Environment
from orchestrator.template.filters import FILTERS
from orchestrator.template.lookups import LOOKUPS
from orchestrator.template.plugin_calls import as_filter, as_test, full_name, needs_value
from orchestrator.template.plugins import PluginTable
from orchestrator.template.tests import TESTS

_ASKS = frozenset({"defined", "undefined", "filter", "test", "eq", "==", "equalto", "ne", "!="})


class PluginTables:
    """Filters and tests become those of ``env``. ``warn`` takes one sentence for the person."""

    def __init__(self, env: Environment, warn: Callable[[str], None]) -> None:
        jinja = {name: as_filter(name, one, full_name(name)) for name, one in _unshadowed(env.filters, FILTERS).items()}
        self.filters = PluginTable(jinja, FILTERS, "filters", warn)
        self.tests = PluginTable(_strict(_unshadowed(env.tests, TESTS)), TESTS, "tests", warn)
        self.lookups = PluginTable({}, LOOKUPS, "lookups", warn)
        self._all = (self.filters, self.tests, self.lookups)
        env.filters, env.tests = self.filters, self.tests

    def add_dir(self, folder: str) -> None:
        """Look in the folders filter_plugins/, test_plugins/ and lookup_plugins/ of ``folder`` too."""
        for table in self._all:
            table.add_directory(os.path.join(folder, f"{table.kind[:-1]}_plugins"))

    def add_path(self, kind: str, folder: str) -> None:
        """Look for plugins of one kind (filters, tests, lookups) in ``folder`` itself too."""
        for table in self._all:
            if table.kind == kind:
                table.add_directory(folder)

    def add_collections(self, roots: Iterable[str], more: Callable[[], Iterable[str]] | None) -> None:
        """Look for ns.name.plugin below folders that hold ``ansible_collections``, and then below those of ``more``."""
        present = _with_collections(roots)
        for table in self._all:
            table.collections += [root for root in present if root not in table.collections]
            if more is not None:
                table.find_collections = lambda: _with_collections(more())


def _with_collections(roots: Iterable[str]) -> list[str]:
    found = [os.path.dirname(root) if os.path.basename(root) == "ansible_collections" else root for root in roots]
    present = [root for root in found if os.path.isdir(os.path.join(root, "ansible_collections"))]
    if present:
        from orchestrator.template.shim.importing import add_collections

        add_collections(present)
    return present


def _unshadowed(jinja: Mapping[str, Any], ours: Mapping[str, str]) -> dict[str, Any]:
    """Jinja's own, less those that Ansible defines anew."""
    return {name: function for name, function in jinja.items() if name not in ours}


def _strict(tests: dict[str, Any]) -> dict[str, Any]:
    """Jinja's tests, failing on an undefined value, but for those that ask whether it is."""
    return {name: test if name in _ASKS else as_test(name, needs_value(test), full_name(name))
            for name, test in tests.items()}
