"""Putting a run together: inventory, content, variables, store and carriers, made to fit and handed to the engine.

Imports are local where they are heavy: what lists hosts needs no SSH, and what connects needs no database yet.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from orchestrator.content.loader import ContentLoader
from orchestrator.content.trust import trust
from orchestrator.content.vault import Vault
from orchestrator.content.yaml import load_yaml
from orchestrator.engine.actions import register_all
from orchestrator.engine.agentlet_inventory import is_provided, providers
from orchestrator.engine.ansible_cfg import with_config
from orchestrator.errors import InventoryFault, Origin
from orchestrator.events import Event, Notice
from orchestrator.security.secrets import Secret
from orchestrator.template.engine import Engine
from orchestrator.template.types import Map
from orchestrator.variables.store import RunOptions as VisibleOptions
from orchestrator.variables.store import VariableStore

if TYPE_CHECKING:
    from inventory import Inventory
    from orchestrator.carriers.kept.lines import KeptLines
    from orchestrator.credentials.materials import KeyMaterial
    from orchestrator.engine.context import RunContext, Stop
    from orchestrator.engine.journal import Journal
    from orchestrator.engine.opening import Opening
    from orchestrator.engine.options import RunOptions
    from orchestrator.model import Playbook
    from orchestrator.playbook.loader import PlaybookLoader

ROLE_FOLDERS = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
COLLECTION_FOLDERS = ("~/.ansible/collections", "/usr/share/ansible/collections")


class Secrets(Struct, eq=False):
    """Passwords that the operator was asked for, or that a server keeps."""

    login: Secret | None = None
    become: Secret | None = None
    vault: Vault = field(default_factory=Vault)
    keys: tuple[KeyMaterial, ...] = ()
    """SSH keys that a server has given its run."""
    opening: Opening | None = None
    """And what it reads sealed rows of the store with."""


class Workbench(Struct, eq=False):
    """Everything that can be had without touching a host: all that `--list-tasks` needs, and what a run begins with."""

    options: RunOptions
    inventory: Inventory
    content: ContentLoader
    engine: Engine
    variables: VariableStore
    loader: PlaybookLoader
    playbook: Playbook | None
    secrets: Secrets
    warnings: list[str] = field(default_factory=list)
    kept: KeptLines | None = None
    """Lines that outlive runs; only the `orch` command has any."""
    kind: str = "run"
    """What the run's row says that it is; see `orchestrator.store.records.RunRecord`."""
    plan_id: str | None = None
    """The plan that is applied."""
    parent_id: str | None = None
    """The run that this one is a part of."""


def prepare(options: RunOptions, secrets: Secrets | None = None, *, environ: Mapping[str, str] | None = None,
            store_url: str | None = None) -> Workbench:
    """Read inventory and playbooks. Raises `Faults` with every fault found, before any host is touched.

    ``store_url``: where enrolled agentlets are known, if an inventory asks for them; None: the project's store.
    """
    warnings: list[str] = []
    environ = with_config(os.environ if environ is None else environ, warn=warnings.append)
    secrets = secrets or Secrets()
    register_all()
    content = ContentLoader(secrets.vault, on_duplicate=_on_duplicate(environ, warnings))
    present, missing = _sources(options.inventory)
    group_names = environ.get("ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS", "").lower() or "never"
    inventory = load_inventory(present, secrets.vault, warnings, group_names,
                               providers(present, environ, store_url, secrets.opening))
    folder = _playbook_folder(options.playbooks, environ)
    engine = Engine(vault=secrets.vault, plugin_dirs=_plugin_dirs(folder), warn=warnings.append,
                    allow_broken_conditionals=_is_set(environ, "ANSIBLE_ALLOW_BROKEN_CONDITIONALS"))
    given = options.extra_vars
    extra = given if isinstance(given, Map) else trust(dict(given), Origin("extra vars"))
    engine.plugins.add_collections((os.fspath(path) for path in content_paths(environ, folder)[1]),
                           more=lambda: _installed_collections(environ))
    for kind in ("filters", "tests", "lookups"):
        for path in _paths(environ.get(f"ANSIBLE_{kind[:-1].upper()}_PLUGINS")):
            engine.plugins.add_path(kind, os.fspath(path))
    variables = VariableStore(
        inventory, engine, content, extra, str(folder), inventory_dirs=inventory_dirs(options.inventory),
        options=_visible(options), merges_mappings=environ.get("ANSIBLE_HASH_BEHAVIOUR", "").lower() == "merge",
    )
    loader = _loader(content, engine, variables, environ, folder)
    playbook = loader.load([Path(p) for p in options.playbooks], extra) if options.playbooks else None
    if missing and (playbook is None or not _needs_no_inventory(playbook)):
        load_inventory(missing, secrets.vault, warnings)  # says what is missing
    warnings += [f"there is no inventory at {source}; only localhost is known" for source in missing]
    warnings += [f"{c.message} ({c.origin})" + (f"; {c.hint}" if c.hint else "") for c in loader.cautions]
    return Workbench(options, inventory, content, engine, variables, loader, playbook, secrets, warnings)


def _sources(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Inventories that are there, and those that are not."""
    missing = [source for source in given
               if "," not in source and not is_provided(source) and not os.path.exists(source)]
    return [source for source in given if source not in missing], missing


def _needs_no_inventory(playbook: Playbook) -> bool:
    """Every play is for localhost alone, which is always known."""
    return all(play.hosts in ("localhost", ["localhost"]) for play in playbook.plays)


def _on_duplicate(environ: Mapping[str, str], warnings: list[str]) -> Callable[[str], None] | None:
    """What a key given twice is, by Ansible's setting: a warning (the default), nothing, or a fault."""
    setting = environ.get("ANSIBLE_DUPLICATE_YAML_DICT_KEY", "warn").lower()
    return {"error": None, "ignore": lambda text: None}.get(setting, warnings.append)


def load_inventory(sources: Sequence[str], vault: Vault, warnings: list[str], group_names: str = "never",
                   provided: Mapping[str, Callable[[], dict[str, Any]]] | None = None, *,
                   runs_scripts: bool = True) -> Inventory:
    """The inventory of all sources; its faults are the controller's own `InventoryFault`, with their place."""
    import inventory

    def parse(text: str, file: str) -> Any:
        return load_yaml(text, file=file, vault=vault)

    def trusted(text: str, file: str, line: int, column: int) -> Any:
        return trust(text, Origin(file, line, column))

    try:
        loaded = inventory.load(list(sources), parse_yaml=parse, trust=trusted, group_names=group_names,
                                provided=provided, runs_scripts=runs_scripts)
    except inventory.InventoryError as error:
        place = Origin(error.file, error.line or 0, error.column or 0) if error.file else None
        missing = error.file is not None and not os.path.exists(error.file)
        raise InventoryFault(error.message, origin=place, hint=error.hint,
                             code="file_missing" if missing else None) from error
    warnings.extend(loaded.warnings)
    return loaded


def _visible(options: RunOptions) -> VisibleOptions:
    return VisibleOptions(
        check_mode=options.check, diff_mode=options.diff, forks=options.forks or 50, verbosity=options.verbosity,
        limit=options.limit, run_tags=options.tags, skip_tags=options.skip_tags,
        connection=options.connection, remote_user=options.user,
        inventory_sources=[os.path.abspath(s) if os.path.exists(s) else s for s in options.inventory],
    )


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() in ("1", "true", "yes", "on", "y", "t")


def _playbook_folder(playbooks: Sequence[str], environ: Mapping[str, str]) -> Path:
    if playbooks:
        return Path(playbooks[0]).absolute().parent
    return Path(environ.get("ANSIBLE_PLAYBOOK_DIR") or ".").absolute()


def inventory_dirs(sources: Sequence[str]) -> list[str]:
    """Folders that may hold group_vars/ and host_vars/: an inventory folder itself, or where its file lies."""
    found = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found.append(str(path.absolute()))
        elif path.exists():
            found.append(str(path.absolute().parent))
    return found


def _installed_collections(environ: Mapping[str, str]) -> list[str]:
    """Where the operator's ansible-core brings collections along."""
    from orchestrator.bridge.installed import find_installed

    installed = find_installed(environ)
    return [os.fspath(installed.collections)] if installed else []


def _plugin_dirs(folder: Path) -> list[str]:
    return [str(folder)]


def _loader(content: ContentLoader, engine: Engine, variables: VariableStore, environ: Mapping[str, str],
            folder: Path) -> PlaybookLoader:
    from modules import registry
    from orchestrator.bridge.bridge import Bridge
    from orchestrator.playbook.loader import PlaybookLoader

    def render(value: Any, names: Mapping[str, Any]) -> Any:
        return engine.render(value, variables.scope(None, locals=names))

    private = "ANSIBLE_PRIVATE_ROLE_VARS"
    roles, collections = content_paths(environ, folder)
    bridge = Bridge([os.fspath(path) for path in collections], environ)
    return PlaybookLoader(content=content, registry=registry, role_paths=roles, collection_paths=collections,
                          render=render, engine=engine, bridge=bridge,
                          settings={"private_role_vars": _is_set(environ, private) if environ.get(private) else None})


def content_paths(environ: Mapping[str, str], folder: Path) -> tuple[list[Path], list[Path]]:
    """Where roles are looked for besides the playbook's own, and where collections are."""
    roles = [*_paths(environ.get("ANSIBLE_ROLES_PATH")), folder, *(Path(p).expanduser() for p in ROLE_FOLDERS)]
    collections = [*_paths(environ.get("ANSIBLE_COLLECTIONS_PATH") or environ.get("ANSIBLE_COLLECTIONS_PATHS")),
                   folder / "collections", *(Path(p).expanduser() for p in COLLECTION_FOLDERS)]
    return roles, collections


def _paths(text: str | None) -> list[Path]:
    return [Path(p).expanduser().absolute() for p in (text or "").split(":") if p]


def make_context(bench: Workbench, *, run_id: str, journal: Journal, state_dir: Path, stop: Stop,
                 emit: Callable[[Event], None], environ: Mapping[str, str] | None = None,
                 interactive: bool = False, store_url: str | None = None, resumes: int = 0) -> RunContext:
    """The engine's context for one run."""
    from orchestrator.engine.context import RunContext
    from orchestrator.engine.files import FileDigests
    from orchestrator.engine.linking import make_links

    environ = with_config(os.environ if environ is None else environ)
    if bench.content.on_duplicate == bench.warnings.append:
        bench.content.on_duplicate = lambda text: emit(Notice("warning", text))
    bench.engine.warn = lambda text: emit(Notice("warning", text))
    sources = _sources(bench.options.inventory)[0]
    links = make_links(bench, run_id, state_dir, environ, lambda text: emit(Notice("warning", text)), store_url,
                       resumes)
    return RunContext(
        run_id=run_id, options=bench.options, inventory=bench.inventory, variables=bench.variables,
        engine=bench.engine, loader=bench.loader, journal=journal, links=links, files=FileDigests(), emit=emit,
        stop=stop, started=bench.options.start_at_task is None, interactive=interactive,
        reload_inventory=lambda: load_inventory(
            sources, bench.secrets.vault, [], bench.inventory.group_names,
            providers(sources, environ, store_url, bench.secrets.opening)),
    )


def new_run_id() -> str:
    """Sorts by time, unique without asking anyone: ``20260131-093005-7f3a9c51``.

    Behind the second come 16 bits of its fraction, so that runs of one second sort too, and 16 of chance.
    """
    second, fraction = divmod(time.time_ns(), 1_000_000_000)
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(second))
    return f"{moment}-{(fraction << 16) // 1_000_000_000:04x}{os.urandom(2).hex()}"


__all__ = ["Secrets", "Workbench", "load_inventory", "make_context", "new_run_id", "prepare"]
