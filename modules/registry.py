"""Which modules there are, under which names, and what a host needs to be sent for one. Controller side.

Lazy on purpose: to answer for one module, one file is read and imported; `names` and `nearest` read texts only.
Actions that exist on the controller alone (``debug``, ``set_fact`` …) are made known with `register`.
"""

import difflib
import functools
import importlib
import os
import re

from modules import collection_names as homes

FOLDER = os.path.dirname(os.path.abspath(__file__))
RUNTIME_FILES = ("modules", "modules.api")
"""Parts of the boot bundle: every runtime has them from the start, so they are never among the sources."""

IS_MODULE = re.compile(r"^ARGS\b.*^def (?:run|check)\(", re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"^[ \t]*(?:from[ ]+(modules[\w.]*)[ ]+import[ ]+(\([^)]*\)|[^\n#]*)|import[ ]+(modules[^\n#]*))",
                    re.MULTILINE)
WORD = re.compile(r"[\w.]+")
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*\Z")


class ModuleInfo(object):
    """What the controller knows of a module.

    ``kind``: ``state`` (check and apply), ``run`` (acts or reports), ``action`` (controller only). ``check_mode``:
    ``check`` for a state module, else the module's ``CHECK_MODE`` (``run``, ``skip``, ``own``). ``free_form``: the
    argument that takes the free text, or None. ``allow_unknown``: undeclared arguments are passed through.
    """

    __slots__ = ("name", "args", "rules", "free_form", "retry_safe", "check_mode", "doc", "kind", "allow_unknown")

    def __init__(self, name, args, rules=(), free_form=None, retry_safe=True, check_mode="run", doc="",
                 kind="action", allow_unknown=False):
        self.name = name
        self.args = args
        self.rules = tuple(rules)
        self.free_form = free_form
        self.retry_safe = retry_safe
        self.check_mode = check_mode
        self.doc = doc
        self.kind = kind
        self.allow_unknown = allow_unknown

    def __repr__(self):
        return "ModuleInfo({!r}, kind={!r})".format(self.name, self.kind)


_registered = {}


def register(name, make):
    """Make a controller-only action known: ``make()`` gives its `ModuleInfo` when somebody asks for it.

    The same name again replaces it; an action may stand for a host module of its name.
    """
    _registered[name] = make


def canonical(name):
    """The bare name under which a module is known here, or None: unknown, or known in another collection."""
    if not isinstance(name, str):
        return None
    collection, _, bare = name.rpartition(".")
    if collection and not homes.holds(collection, bare):
        return None
    bare = homes.ALIASES.get(bare, bare)
    return bare if bare in _registered or _is_module(bare) else None


def describe(name):
    """The `ModuleInfo` for any accepted spelling of a name, or None. Imports that one module."""
    bare = canonical(name)
    if bare is None:
        return None
    return _describe_action(bare) if bare in _registered else _describe_file(bare)


def names():
    """All bare names, sorted: the modules in this folder and the registered actions."""
    files = (entry[:-3] for entry in os.listdir(FOLDER) if entry.endswith(".py"))
    return sorted(set(_registered) | {bare for bare in files if _is_module(bare)})


def nearest(name):
    """The accepted name most like an unknown one, or None. A right name in a wrong collection gets its own one."""
    collection, _, bare = str(name).rpartition(".")
    if collection and canonical(bare):
        return homes.full_name(bare)
    known = names() + [alias for alias, real in homes.ALIASES.items() if canonical(real)]
    close = difflib.get_close_matches(bare, known, n=1, cutoff=0.6)
    if not close:
        return None
    return homes.full_name(close[0]) if collection else close[0]


@functools.lru_cache(maxsize=None)
def sources(name):
    """[(dotted name, source text)] that a host needs for a module, dependencies first, the module itself last.

    An unknown name is a KeyError; a controller-only action has no sources and gives an empty list.
    """
    bare = canonical(name)
    if bare is None:
        raise KeyError(name)
    if not _is_module(bare):
        return []
    found = []
    _collect("modules." + bare, found, set(RUNTIME_FILES))
    return found


def _collect(dotted, found, seen):
    seen.add(dotted)
    text = _text(dotted)
    for needed in _imports(text):
        if needed not in seen:
            _collect(needed, found, seen)
    found.append((dotted, text))


def _imports(text):
    """The dotted names of the ``modules.*`` files that a source text imports, in the order of its lines.

    By pattern and not by syntax tree, which costs twenty times as much at every start; a test holds the two together.
    """
    for match in IMPORT.finditer(text):
        package, names = match.group(1), WORD.findall(match.group(2) or "")
        candidates = [package] + ["{}.{}".format(package, name) for name in names] if package else []
        for dotted in candidates + WORD.findall(match.group(3) or ""):
            if dotted.startswith("modules.") and os.path.exists(_path(dotted)):
                yield dotted


def _path(dotted):
    return os.path.join(os.path.dirname(FOLDER), *dotted.split(".")) + ".py"


def _text(dotted):
    with open(_path(dotted), encoding="utf-8") as file:
        return file.read()


@functools.lru_cache(maxsize=None)
def _is_module(bare):
    """Whether the folder has this file and it is a module: it declares ARGS, and checks or runs."""
    if not IDENTIFIER.match(bare) or not os.path.exists(_path("modules." + bare)):
        return False
    return IS_MODULE.search(_text("modules." + bare)) is not None


def _describe_action(bare):
    made = _registered[bare]
    if not isinstance(made, ModuleInfo):
        made = _registered[bare] = made()
    return made


@functools.lru_cache(maxsize=None)
def _describe_file(bare):
    module = importlib.import_module("modules." + bare)
    is_state = hasattr(module, "check")
    return ModuleInfo(
        name=bare,
        args=module.ARGS,
        rules=getattr(module, "RULES", ()),
        free_form=getattr(module, "FREE_FORM", None),
        retry_safe=getattr(module, "RETRY_SAFE", is_state),
        check_mode="check" if is_state else getattr(module, "CHECK_MODE", "skip"),
        doc=module.__doc__ or "",
        kind="state" if is_state else "run",
        allow_unknown=getattr(module, "ALLOW_UNKNOWN", False),
    )
