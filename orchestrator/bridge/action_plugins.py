"""Action plugins of people's own: code beside a playbook that runs on the controller in place of a module.

They are written against Ansible's `ActionBase`. What is here is that interface as its documentation has it, as far as a
plugin needs no more than its arguments, variables and modules; anything else is an error that names it. The plugins of
ansible-core itself are not run.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from threading import Lock
from typing import Any, Protocol

from agentlet.arguments import validate
from modules.api import Arg, Failed, exclusive, one_of, required_if, together

_loading = Lock()


class Host(Protocol):
    """What a plugin may ask of the task it stands for. Called from the plugin's own thread."""

    action: str
    args: dict[str, Any]
    check: bool
    diff: bool
    no_log: bool
    async_s: int
    templated: bool
    """The free text came out of a template."""
    variables: Mapping[str, Any]

    def execute(self, module: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Run a module on the host; its value."""
        ...

    def render(self, value: Any) -> Any: ...


class PluginError(Exception):
    """The plugin cannot go on: what it asks for is not there, or it says that the task failed."""

    def __init__(self, message: str = "", result: Mapping[str, Any] | None = None, **_: Any) -> None:
        super().__init__(message)
        self.message = message
        self.result = dict(result or {})


class PluginSkip(PluginError):
    """The plugin says that there is nothing to do."""


class NotHere(PluginError):
    """A part of Ansible's interface that orch does not have."""


class _Part:
    """A part of the interface: what it has is given, what it has not is an error with its name."""

    def __init__(self, what: str, **has: Any) -> None:
        self._what = what
        self.__dict__.update(has)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotHere(f"an action plugin uses {self._what}.{name}, which orch does not have")


def _task(**has: Any) -> _Part:
    """The plugin's task; its copy has arguments of its own."""
    return _Part("self._task", **has, copy=lambda *_, **__: _task(**{**has, "args": dict(has["args"])}))


class ActionBase:
    """What plugins derive from."""

    TRANSFERS_FILES = False
    BYPASS_HOST_LOOP = False
    _VALID_ARGS: frozenset[str] = frozenset()
    _supports_check_mode = True
    _supports_async = False
    supports_raw_params = False

    def __init__(self, host: Host) -> None:
        self._host = host
        self._task = _task(args=host.args, action=host.action, name=host.action, async_val=host.async_s,
                           check_mode=host.check, diff=host.diff, no_log=host.no_log)
        self._play_context = _Part("self._play_context", check_mode=host.check, diff=host.diff, no_log=host.no_log)
        shell = _Part("self._connection._shell", tmpdir=None)
        self._connection = _Part("self._connection", has_native_async=False, _shell=shell)
        self._templar = _Part("self._templar", template=lambda value, **_: host.render(value))
        self._loader = _Part("self._loader")
        actions = _Part("self._shared_loader_obj.action_loader", get=self._action)
        self._shared_loader_obj = _Part("self._shared_loader_obj", action_loader=actions)
        self._display = _display()
        self._used_interpreter = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotHere(f"an action plugin uses self.{name}, which orch does not have")

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """The beginning of a result. A plugin without check mode ends here in one."""
        if self._task.check_mode and not self._supports_check_mode:
            raise PluginSkip("This action does not support check mode")
        unknown = sorted(set(self._task.args) - self._VALID_ARGS) if self._VALID_ARGS else []
        if unknown:
            raise PluginError(f"Invalid options for {self._task.action}: {','.join(unknown)}")
        return {}

    def _execute_module(self, module_name: str | None = None, module_args: Mapping[str, Any] | None = None,
                        tmp: Any = None, task_vars: Any = None, persist_files: bool = False,
                        delete_remote_tmp: Any = None, wrap_async: bool = False, **_: Any) -> dict[str, Any]:
        args = self._task.args if module_args is None else module_args
        return self._host.execute(module_name or self._task.action, args)

    def _action(self, name: str, task: Any = None, **_: Any) -> _Action:
        return _Action(self._host, name, task or self._task)

    def _remove_tmp_path(self, path: Any, force: bool = False) -> None:
        """Temp folders are the runtime's business."""

    def cleanup(self, force: bool = False) -> None:
        """Likewise."""

    def validate_argument_spec(self, argument_spec: Mapping[str, Any] | None = None, **rules: Any) -> tuple[Any, Any]:
        """``(result with validated_parameters, arguments)``; a `PluginError` for what the specification forbids."""
        spec = {name: _arg(dict(one)) for name, one in (argument_spec or {}).items()}
        try:
            valid = validate(self._task.args, spec, _rules(rules), module=self._task.action)
        except Failed as fault:
            raise PluginError(fault.message) from fault
        return types.SimpleNamespace(validated_parameters=valid, error_messages=[]), valid


class _Action:
    """Another module's action, as a plugin has it from the loader: it acts on the arguments of the task it is given."""

    def __init__(self, host: Host, name: str, task: Any) -> None:
        self._host = host
        self._name = name
        self._task = task

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        return self._host.execute(self._name, self._task.args)


class _Debug(ActionBase):
    """``ansible.plugins.action.debug``, for plugins that are debug by another name."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        return {**super().run(tmp, task_vars), **self._execute_module("debug")}


def _arg(spec: dict[str, Any]) -> Arg:
    options = spec.get("options")
    return Arg(spec.get("type") or "str", "", required=bool(spec.get("required")), default=spec.get("default"),
               choices=spec.get("choices"), aliases=spec.get("aliases") or (), elements=spec.get("elements"),
               no_log=bool(spec.get("no_log")),
               suboptions={name: _arg(dict(one)) for name, one in options.items()} if options else None)


def _rules(given: Mapping[str, Any]) -> list[Any]:
    rules = [exclusive(*names) for names in given.get("mutually_exclusive") or ()]
    rules += [together(*names) for names in given.get("required_together") or ()]
    rules += [one_of(*names) for names in given.get("required_one_of") or ()]
    rules += [required_if(one[0], one[1], *one[2]) for one in given.get("required_if") or ()]
    return rules


def _display() -> Any:
    quiet: Callable[..., None] = lambda *_, **__: None  # noqa: E731 - one silence under many names
    names = ("display", "debug", "verbose", "v", "vv", "vvv", "vvvv", "vvvvv", "warning", "deprecated", "banner")
    return _Part("display", verbosity=0, **{name: quiet for name in names})


def load(path: str) -> type[ActionBase]:
    """The plugin's class. Raises `PluginError` for a file that cannot be loaded."""
    try:
        sys.audit("orch.plugin", path)
    except OSError as error:
        raise PluginError(f"the action plugin {path} is not loaded: {error.strerror}") from error
    spec = spec_from_file_location(f"orch_action_{abs(hash(path)):x}", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    try:
        with _interface():
            spec.loader.exec_module(module)
    except ImportError as error:
        raise NotHere(f"the action plugin {path} needs a part of Ansible that orch does not have: {error}") from error
    except Exception as error:
        raise PluginError(f"the action plugin {path} cannot be loaded: {type(error).__name__}: {error}") from error
    found = getattr(module, "ActionModule", None)
    if not isinstance(found, type) or not issubclass(found, ActionBase):
        raise PluginError(f"the action plugin {path} has no class ActionModule")
    return found


def run(path: str, host: Host) -> dict[str, Any]:
    """Run a plugin to its end; its result. Whatever it raises is its caller's to tell."""
    kind = load(path)
    if "_raw_params" in host.args and not kind.supports_raw_params:
        if host.templated:
            raise PluginError(f"Finalization of task args for '{host.action}' failed: Task args must resolve to a "
                              f"'dict' not '{type(host.args['_raw_params']).__name__}'.")
        raise PluginError(f"Action '{host.action}' does not support raw params.")
    result = kind(host).run(task_vars=host.variables)
    if not isinstance(result, Mapping):
        raise PluginError(f"the action plugin {path} returned no dictionary")
    return dict(result)


@contextmanager
def _interface() -> Iterator[None]:
    """Has ``ansible.plugins.action`` and ``ansible.errors`` mean what is here, while a plugin is imported."""
    ours = _modules()
    with _loading:
        before = {name: sys.modules.get(name) for name in ours}
        sys.modules.update(ours)
        try:
            yield
        finally:
            for name, module in before.items():
                if module is None:
                    sys.modules.pop(name, None)
                else:
                    sys.modules[name] = module


def _modules() -> dict[str, types.ModuleType]:
    errors = {name: PluginError for name in ("AnsibleError", "AnsibleActionFail", "AnsibleAction",
                                             "AnsibleOptionsError", "AnsibleRuntimeError", "_AnsibleActionDone")}
    text = {name: _text for name in ("to_text", "to_native")}
    contents: dict[str, dict[str, Any]] = {
        "ansible": {}, "ansible.plugins": {}, "ansible.utils": {}, "ansible.module_utils": {},
        "ansible.module_utils.common": {}, "ansible.module_utils.common.text": {}, "ansible.module_utils.parsing": {},
        "ansible.plugins.action": {"ActionBase": ActionBase},
        "ansible.plugins.action.debug": {"ActionModule": _Debug},
        "ansible.errors": {**errors, "AnsibleActionSkip": PluginSkip},
        "ansible.utils.display": {"Display": _display},
        "ansible.utils.vars": {"merge_hash": _merged},
        "ansible.module_utils._text": text,
        "ansible.module_utils.common.text.converters": text,
        "ansible.module_utils.parsing.convert_bool": {"boolean": _boolean},
    }
    made = {}
    for name, has in contents.items():
        made[name] = types.ModuleType(name)
        made[name].__dict__.update(has, __path__=[])
    for name, module in made.items():
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(made[parent], last, module)
    return made


def _text(value: Any, *_: Any, **__: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _boolean(value: Any, strict: bool = True) -> bool:
    from agentlet.arguments import boolean

    try:
        return bool(boolean(value))
    except ValueError as error:
        if strict:
            raise TypeError(str(error)) from error
        return False


def _merged(first: Mapping[str, Any], second: Mapping[str, Any], recursive: bool = True,
            list_merge: str = "replace") -> dict[str, Any]:
    from orchestrator.template.filters.collections import merge

    return merge(first, second, recursive, list_merge)
