"""The one contract that every module in ``modules/`` keeps, whoever wrote it."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentlet.arguments import validate
from modules import registry
from modules.api import Arg
from tests.contract.conftest import FOUND
from tests.contract.driver import Runtime

FOLDER = Path(registry.FOLDER)
FILES = sorted(path for path in FOLDER.rglob("*.py") if "__pycache__" not in path.parts)
CONTROLLER_ONLY = {"modules/registry.py", "modules/collection_names.py"}
HOST_FILES = [path for path in FILES if str(path.relative_to(FOLDER.parent)) not in CONTROLLER_ONLY]
NAMES = sorted(
    path.stem for path in FOLDER.glob("*.py") if registry.describe(path.stem) and registry.sources(path.stem)
)
TYPES = {"str", "bool", "int", "float", "path", "list", "dict", "raw", "mode", "bytes", "any"}
RULES = {"one_of", "exclusive", "together", "required_if", "required_by"}
# Grown after 3.6, or gone in 3.13: a module that needs one breaks on some host.
NOT_EVERYWHERE = {
    "dataclasses",
    "contextvars",
    "zoneinfo",
    "tomllib",
    "graphlib",
    "distutils",
    "imp",
    "asynchat",
    "asyncore",
    "smtpd",
    "cgi",
    "crypt",
    "pipes",
    "spwd",
    "nis",
    "telnetlib",
    "uu",
    "xdrlib",
    "audioop",
    "lib2to3",
    "binhex",
}

file_ids = [str(path.relative_to(FOLDER)) for path in HOST_FILES]
# The controller turns what people write for these into other arguments, such as a file into a blob.
FED_BY_AN_ACTION = {"script"}

every_file = pytest.mark.parametrize("path", HOST_FILES, ids=file_ids)
every_module = pytest.mark.parametrize("name", NAMES)


def loaded(name: str) -> Any:
    return importlib.import_module(f"modules.{name}")


def example(name: str) -> list[dict[str, Any]]:
    """The tasks of the docstring: the YAML list in it, as indented there."""
    lines = (loaded(name).__doc__ or "").splitlines()
    begin = next((number for number, line in enumerate(lines) if line.lstrip().startswith("- ")), None)
    if begin is None:
        return []
    indent = len(lines[begin]) - len(lines[begin].lstrip())
    block = []
    for line in lines[begin:]:
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        block.append(line[indent:])
    return yaml.safe_load("\n".join(block))  # type: ignore[no-any-return]


def test_there_are_modules() -> None:
    assert NAMES


@every_file
def test_the_syntax_is_that_of_3_6(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 6))
    futures = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert not futures, "there is no `annotations` in 3.6"


def test_the_oldest_interpreter_compiles_every_file(tmp_path: Path) -> None:
    if (3, 6) not in FOUND:
        pytest.skip("there is no Python 3.6 here")
    agentlet = sorted((FOLDER.parent / "agentlet").glob("*.py"))
    code = (
        "import sys\nfor path in sys.argv[1:]:\n    compile(open(path, 'rb').read(), path, 'exec', dont_inherit=True)\n"
    )
    done = subprocess.run([FOUND[3, 6], "-c", code, *map(str, HOST_FILES + agentlet)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@every_file
def test_imports_are_of_the_standard_library(path: Path) -> None:
    for module in imported(path):
        top = module.partition(".")[0]
        assert top in sys.stdlib_module_names or top in ("modules", "agentlet"), f"{path}: {module}"
        assert not module.startswith(("modules.registry", "modules.collection_names"))


@every_file
def test_imports_exist_on_every_python(path: Path) -> None:
    optional = set(guarded_imports(path))
    needed = {module.partition(".")[0] for module in imported(path)} - optional
    assert not needed & NOT_EVERYWHERE


@every_module
def test_the_docstring_says_what_it_keeps_true_and_shows_a_task(name: str) -> None:
    doc = loaded(name).__doc__ or ""
    assert len(doc.splitlines()[0].split()) >= 3, "the first line is a sentence"
    tasks = example(name)
    assert isinstance(tasks, list) and tasks, "one example task in YAML"
    for task in tasks:
        keys = [key for key in task if registry.canonical(key) == name]
        assert len(keys) == 1, f"the example must use the module: {sorted(task)}"


@every_module
def test_the_examples_arguments_are_arguments(name: str) -> None:
    code = loaded(name)
    for task in example(name):
        value = next(task[key] for key in task if registry.canonical(key) == name)
        args = dict(task.get("args") or {}, **(value if isinstance(value, dict) else {}))
        if isinstance(value, str) and getattr(code, "FREE_FORM", None) is not None:
            args[code.FREE_FORM] = value
        if "{{" in str(args) or name in FED_BY_AN_ACTION:
            args = {key: value for key, value in args.items() if "{{" not in str(value)}
            known = set(code.ARGS) | {alias for arg in code.ARGS.values() for alias in arg.aliases}
            assert getattr(code, "ALLOW_UNKNOWN", False) or set(args) <= known
        elif args or not isinstance(value, str):
            validate(args, code.ARGS, getattr(code, "RULES", ()), getattr(code, "ALLOW_UNKNOWN", False))


@every_module
def test_every_argument_has_a_type_a_help_and_a_sensible_default(name: str) -> None:
    for where, arg in arguments(loaded(name).ARGS):
        assert isinstance(arg, Arg) and arg.type in TYPES and (arg.elements is None or arg.elements in TYPES), where
        assert arg.help and len(arg.help) > 5, f"{where} needs a line of help"
        assert not (arg.required and arg.default is not None), f"{where} is required and has a default"
        if arg.default is not None:
            assert validate({}, {"x": Arg(arg.type, default=arg.default, choices=arg.choices, elements=arg.elements)})


@every_module
def test_aliases_and_rules_name_arguments(name: str) -> None:
    code = loaded(name)
    every = [*code.ARGS, *(alias for arg in code.ARGS.values() for alias in arg.aliases)]
    assert len(every) == len(set(every)), "an alias may not be a name, nor stand for two"
    for kind, names in getattr(code, "RULES", ()):
        assert kind in RULES
        checked = [names[0], *names[2:]] if kind == "required_if" else names
        assert set(checked) <= set(code.ARGS)
    assert getattr(code, "FREE_FORM", None) in (None, *code.ARGS)


@every_module
def test_it_looks_and_acts_or_runs(name: str) -> None:
    code = loaded(name)
    state = hasattr(code, "check") and hasattr(code, "apply")
    assert state or hasattr(code, "run")
    assert not (state and hasattr(code, "run"))
    assert getattr(code, "CHECK_MODE", "skip") in ("run", "skip", "own")


@every_module
def test_secrets_are_declared(name: str) -> None:
    words = ("password", "passphrase", "secret", "token", "private_key")
    harmless = ("update_password", "password_lock", "password_expire", "encrypt", "_file", "_path")
    for where, arg in arguments(loaded(name).ARGS):
        if any(word in where for word in words) and not any(word in where for word in harmless) and arg.type == "str":
            assert arg.no_log or arg.choices, f"{where} looks like a secret: declare no_log"


def test_every_module_loads_on_every_python(python: str) -> None:
    """From sources in memory alone, as a host gets them; a missing argument or the like shows that it was loaded."""
    import zlib

    with Runtime(python) as runtime:
        sent: set[str] = set()
        for name in NAMES:
            for dotted, text in registry.sources(name):
                if dotted not in sent:
                    sent.add(dotted)
                    runtime.send({"t": "source", "name": dotted}, zlib.compress(text.encode()))
            runtime.send(
                {
                    "t": "job",
                    "id": name,
                    "attempt": 1,
                    "check": True,
                    "tasks": [{"id": "t", "module": name, "args": {"no_such_argument": 1}, "become": None}],
                }
            )
            outcome = runtime.finish(name)
            error = outcome.result["error"]
            allowed = getattr(loaded(name), "ALLOW_UNKNOWN", False)
            assert allowed or error["code"] == "bad_arguments", f"{name}: {error}"
            assert error is None or error["code"] not in ("module_broken", "no_module", "module_crashed"), (
                f"{name}: {error}"
            )


def arguments(spec: dict[str, Arg], where: str = "") -> Iterator[tuple[str, Arg]]:
    for name, arg in spec.items():
        yield where + name, arg
        yield from arguments(arg.suboptions or {}, f"{where}{name}.")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def guarded_imports(path: Path) -> Iterator[str]:
    """What is imported under a ``try``: the module does without."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Try):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in inner.names)
                elif isinstance(inner, ast.ImportFrom):
                    yield (inner.module or "").partition(".")[0]
