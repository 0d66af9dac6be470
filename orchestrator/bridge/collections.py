"""Ansible collections on the controller's disk: where their modules lie, and where renamed ones went."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

FOLDER = "ansible_collections"
_MAX_REDIRECTS = 10


class Collections:
    """Collections below ``roots``, the first root that has one winning."""

    def __init__(self, roots: Iterable[str]) -> None:
        self.roots = tuple(dict.fromkeys(_container(root) for root in roots))

    def folder(self, collection: str) -> str | None:
        """The folder of ``namespace.name``, or None."""
        return _first_folder(self.roots, collection) if is_name(collection) else None

    def plugin(self, kind: str, full_name: str) -> tuple[str, str] | None:
        """``(full name, folder-relative stem)`` of a plugin after redirections: where a file of it should lie.

        None when its collection is not here. Raises LookupError with a sentence for one that was removed.
        """
        for _ in range(_MAX_REDIRECTS):
            collection, bare = split(full_name)
            folder = self.folder(collection)
            if folder is None or not is_name(bare):
                return None
            route = routing(folder, kind).get(bare)
            route = route if isinstance(route, Mapping) else {}
            if route.get("tombstone"):
                raise LookupError(f"{full_name} was removed. {_words(route['tombstone'])}".rstrip())
            target = route.get("redirect")
            if not isinstance(target, str) or target == full_name:
                return full_name, os.path.join(folder, "plugins", kind, *bare.split("."))
            full_name = target if target.count(".") >= 2 else f"{collection}.{target}"
        raise LookupError(f"the redirections of {full_name} have no end")

    def action(self, full_name: str) -> str | None:
        """The action plugin that runs on the controller in place of a module, or None."""
        collection, bare = split(full_name)
        folder = self.folder(collection)
        if folder is None:
            return None
        route = routing(folder, "modules").get(bare)
        named = route.get("action_plugin") if isinstance(route, Mapping) else None
        full_name = named if isinstance(named, str) and named.count(".") >= 2 else full_name
        try:
            place = self.plugin("action", full_name)
        except LookupError:
            return None
        return place[1] + ".py" if place and os.path.isfile(place[1] + ".py") else None


def is_name(text: str) -> bool:
    """Whether a text is a name, perhaps with dots in it: names become paths, so nothing else may."""
    return all(part.isidentifier() for part in text.split("."))


def split(full_name: str) -> tuple[str, str]:
    """``("namespace.name", "module")`` of a full name; the module may lie in a folder of its own (``a.b``)."""
    parts = full_name.split(".")
    return ".".join(parts[:2]), ".".join(parts[2:])


@cache
def routing(folder: str, kind: str) -> Mapping[str, Any]:
    """What ``meta/runtime.yml`` of a collection says about its plugins of one kind; empty when nothing."""
    return load_routing(os.path.join(folder, "meta", "runtime.yml"), kind)


def load_routing(path: str, kind: str) -> Mapping[str, Any]:
    """The same of a file."""
    plugins = _runtime(path).get("plugin_routing")
    found = plugins.get(kind) if isinstance(plugins, dict) else None
    return found if isinstance(found, dict) else {}


def load_groups(path: str) -> Mapping[str, Any]:
    """The ``action_groups`` in a ``meta/runtime.yml``; empty when there are none."""
    found = _runtime(path).get("action_groups")
    return found if isinstance(found, dict) else {}


@cache
def _runtime(path: str) -> Mapping[str, Any]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with open(path, encoding="utf-8") as opened:
            document = yaml.load(opened, Loader=loader)  # noqa: S506 - a safe loader either way
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}


@cache
def _first_folder(roots: Sequence[str], collection: str) -> str | None:
    path = os.path.join(*collection.split("."))
    return next((os.path.join(root, path) for root in roots if os.path.isdir(os.path.join(root, path))), None)


def _container(root: str) -> str:
    return root if os.path.basename(root) == FOLDER else os.path.join(root, FOLDER)


def _words(tombstone: Any) -> str:
    return str(tombstone.get("warning_text") or "").strip() if isinstance(tombstone, Mapping) else ""
