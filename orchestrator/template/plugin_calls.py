"""How the language calls a filter or a test: what undefined values do to it, and whose words a failure is told in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.errors import OrchError, TemplateError, UndefinedVariable, VaultError
from orchestrator.template.faults import words_of
from orchestrator.template.undefined import Undefined

_TAKE_UNDEFINED = frozenset({"default", "d", "mandatory", "type_debug", "dump_object"})
_ONLY_FIRST = frozenset({"ternary"})

ELSEWHERE = frozenset("""
    json_query ipaddr ipv4 ipv6 ipwrap nthhost ipsubnet ip4_hex ipmath cidr_merge hwaddr macaddr slaac
    random_mac to_paths get_path index_of keep_keys remove_keys replace_keys lists_mergeby groupby_as_dict dict
    dict_kv counter crc32 from_csv from_ini to_ini version_sort unicode_normalize
""".split())
"""Those that Ansible has in collections."""


def full_name(name: str) -> str:
    """The name that messages have for a plugin which is not content's own."""
    return name if "." in name or name in ELSEWHERE else f"ansible.builtin.{name}"


def failed(kind: str, name: str, error: Exception) -> Exception:
    """What a plugin raised, as the error to tell: what it says itself about other templates stays as it is."""
    if isinstance(error, (UndefinedVariable, VaultError)) or isinstance(error, OrchError) and error.origin is not None:
        return error
    reason = words_of(error).removeprefix(f"{name.rpartition('.')[2]}: ")
    hint = error.hint if isinstance(error, OrchError) else None
    return TemplateError(f"The {kind} plugin {name!r} failed: {reason}", hint=hint)


def unusable(kind: str, name: str, error: Exception) -> Callable[..., Any]:
    """A plugin that is there and cannot be used: whoever uses it is told so, nobody else."""
    message = f"The {kind} plugin {name!r} failed to load: {words_of(error)}"

    def raising(*args: Any, **options: Any) -> Any:
        raise TemplateError(message)

    return raising


def as_filter(name: str, function: Callable[..., Any], shown: str | None = None) -> Callable[..., Any]:
    """A filter as the language has it. ``shown``: its name in messages.

    It gives an undefined value back if it gets one, so ``{{ nothing | upper | default('x') }}`` is x, as in Ansible
    2.19; a few are there to be given what is undefined. It gives lists instead of iterators.
    """
    bare = name.rpartition(".")[2]
    first = 1 if hasattr(function, "jinja_pass_arg") else 0
    end = first if bare in _TAKE_UNDEFINED else first + 1 if bare in _ONLY_FIRST else None
    label = shown or name

    @functools.wraps(function)
    def passing(*args: Any, **options: Any) -> Any:
        for one in args[first:end]:
            if isinstance(one, Undefined):
                return one
        if options and end is None:
            for one in options.values():
                if isinstance(one, Undefined):
                    return one
        try:
            result = function(*args, **options)
            return list(result) if isinstance(result, Iterator) else result
        except Exception as error:
            told = failed("filter", label, error)
            if told is error:
                raise
            raise told from error

    return passing


def as_test(name: str, function: Callable[..., Any], shown: str | None = None) -> Callable[..., Any]:
    """A test as the language has it; what it does with an undefined value is its own affair."""
    label = shown or name

    @functools.wraps(function)
    def tested(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except Exception as error:
            told = failed("test", label, error)
            if told is error:
                raise
            raise told from error

    return tested


def needs_value(test: Callable[..., Any]) -> Callable[..., Any]:
    """A test that fails on an undefined value instead of answering about it."""

    @functools.wraps(test)
    def checked(value: Any, *args: Any, **options: Any) -> Any:
        if isinstance(value, Undefined):
            raise value.fault()
        return test(value, *args, **options)

    return checked
