"""Which module of Ansible's is what of ours: name to attributes, made when a plugin imports it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any


def _all_of(module: str) -> Callable[[], dict[str, Any]]:
    return lambda: {k: v for k, v in vars(importlib.import_module(module)).items() if not k.startswith("__")}


def _collections() -> dict[str, Any]:
    import collections.abc

    return {name: getattr(collections.abc, name) for name in collections.abc.__all__}


def _six() -> dict[str, Any]:
    import builtins
    import io
    import itertools
    import shlex
    import urllib

    return {**_all_of(_SHIM + "texts")(), "moves": type("moves", (), {
        "urllib": urllib, "zip": zip, "map": map, "filter": filter, "range": range, "input": builtins.input,
        "zip_longest": itertools.zip_longest, "StringIO": io.StringIO, "shlex_quote": shlex.quote,
        "reduce": importlib.import_module("functools").reduce, "configparser": importlib.import_module("configparser"),
    })}


def _filters(package: str, table: str) -> Callable[[], dict[str, Any]]:
    """Our filters or tests under the names that Ansible's file has for them."""

    def attributes() -> dict[str, Any]:
        from orchestrator.template.plugins import imported

        known: Mapping[str, str] = getattr(importlib.import_module(package), table)
        names = {name: target for name, target in known.items() if "." not in name}
        made = {name: imported(target) for name, target in names.items()}
        return {**made, "to_bool": made["bool"], "get_hash": made["hash"]} if table == "FILTERS" else made

    return attributes


def _constants() -> dict[str, Any]:
    from orchestrator.template.lookups.config import SETTINGS

    return {**SETTINGS, "LOCALHOST": ("127.0.0.1", "localhost", "::1")}


def _unsafe() -> dict[str, Any]:
    def wrap_var(value: Any) -> Any:
        """Data needs no mark here: nothing but a `Template` is ever rendered."""
        return value

    return {"wrap_var": wrap_var, "AnsibleUnsafe": str, "AnsibleUnsafeText": str, "AnsibleUnsafeBytes": bytes}


def _vars() -> dict[str, Any]:
    from orchestrator.template.filters.collections import combine

    def merge_hash(x: Any, y: Any, recursive: bool = True, list_merge: str = "replace") -> Any:
        return combine(x, y, recursive=recursive, list_merge=list_merge)

    def combine_vars(a: Any, b: Any, merge: Any = None) -> Any:
        return combine(a, b)

    return {"merge_hash": merge_hash, "combine_vars": combine_vars}


def _listify() -> dict[str, Any]:
    def listify_lookup_plugin_terms(terms: Any, *args: Any, **options: Any) -> list[Any]:
        return list(terms) if isinstance(terms, (list, tuple)) else [terms]

    return {"listify_lookup_plugin_terms": listify_lookup_plugin_terms}


def _hashing() -> dict[str, Any]:
    from orchestrator.template.filters.digests import checksum, md5

    return {"secure_hash_s": checksum, "checksum_s": checksum, "md5s": md5}


def _encrypt() -> dict[str, Any]:
    from orchestrator.template.crypt import hash_password

    def encrypt(secret: str, algorithm: str, salt: Any = None, salt_size: Any = None, **options: Any) -> str:
        return hash_password(secret, algorithm, salt, options.get("rounds"), options.get("ident"))

    return {"passlib_or_crypt": encrypt, "do_encrypt": encrypt}


def _path() -> dict[str, Any]:
    def unfrackpath(path: Any, follow: bool = True, basedir: Any = None) -> str:
        expanded = os.path.expanduser(os.path.expandvars(os.fspath(path)))
        whole = os.path.join(os.fspath(basedir or os.getcwd()), expanded)
        return os.path.realpath(whole) if follow else os.path.abspath(whole)

    return {"unfrackpath": unfrackpath}


def _yaml_objects() -> dict[str, Any]:
    return {"AnsibleUnicode": str, "AnsibleMapping": dict, "AnsibleSequence": list,
            "AnsibleVaultEncryptedUnicode": type("AnsibleVaultEncryptedUnicode", (str,), {})}


def _yaml_dumper() -> dict[str, Any]:
    import yaml

    return {"AnsibleDumper": yaml.SafeDumper, "AnsibleLoader": yaml.SafeLoader}


def _template() -> dict[str, Any]:
    from orchestrator.template.shim.lookup import Templar
    from orchestrator.template.undefined import Undefined

    return {"Templar": Templar, "AnsibleUndefined": Undefined, "Undefined": Undefined,
            "accept_args_markers": lambda plugin: plugin, "accept_lazy_markers": lambda plugin: plugin}


_SHIM = "orchestrator.template.shim."
_TEXTS = _all_of(_SHIM + "texts")

MODULES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "ansible": dict,
    "ansible.constants": _constants,
    "ansible.errors": _all_of(_SHIM + "errors"),
    "ansible.release": lambda: {"__version__": "2.19.0"},
    "ansible.template": _template,
    "ansible.module_utils": dict,
    "ansible.module_utils._text": _TEXTS,
    "ansible.module_utils.basic": _TEXTS,
    "ansible.module_utils.common": dict,
    "ansible.module_utils.common._collections_compat": _collections,
    "ansible.module_utils.common.collections": lambda: {**_collections(), **_TEXTS()},
    "ansible.module_utils.common.text": dict,
    "ansible.module_utils.common.text.converters": _TEXTS,
    "ansible.module_utils.parsing": dict,
    "ansible.module_utils.parsing.convert_bool": _TEXTS,
    "ansible.module_utils.six": _six,
    "ansible.parsing": dict,
    "ansible.parsing.yaml": dict,
    "ansible.parsing.yaml.dumper": _yaml_dumper,
    "ansible.parsing.yaml.loader": _yaml_dumper,
    "ansible.parsing.yaml.objects": _yaml_objects,
    "ansible.plugins": lambda: {"AnsiblePlugin": importlib.import_module(_SHIM + "lookup").LookupBase},
    "ansible.plugins.filter": dict,
    "ansible.plugins.filter.core": _filters("orchestrator.template.filters", "FILTERS"),
    "ansible.plugins.filter.mathstuff": _filters("orchestrator.template.filters", "FILTERS"),
    "ansible.plugins.lookup": _all_of(_SHIM + "lookup"),
    "ansible.plugins.test": dict,
    "ansible.plugins.test.core": _filters("orchestrator.template.tests", "TESTS"),
    "ansible.utils": dict,
    "ansible.utils.display": _all_of(_SHIM + "display"),
    "ansible.utils.encrypt": _encrypt,
    "ansible.utils.hashing": _hashing,
    "ansible.utils.listify": _listify,
    "ansible.utils.path": _path,
    "ansible.utils.unsafe_proxy": _unsafe,
    "ansible.utils.vars": _vars,
}
