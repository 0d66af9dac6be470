"""Ansible's order of precedence: all layers set one variable, and each wins over those below it."""

import pytest

from orchestrator.model import Prompt
from orchestrator.template.types import Template
from tests.variables.builders import HERE, make_play, make_role, make_store, make_task, vars_of, write

LAYERS = (
    "play role defaults",
    "own role defaults",
    "inventory all",
    "inventory group",
    "inventory group_vars/all",
    "playbook group_vars/all",
    "inventory group_vars/web",
    "playbook group_vars/web",
    "inventory host",
    "inventory host_vars",
    "playbook host_vars",
    "fact",
    "play vars",
    "vars_prompt",
    "vars_files",
    "play role vars",
    "own role vars",
    "outer block vars",
    "block vars",
    "task vars",
    "include_vars",
    "set_fact",
    "role params",
    "include params",
    "extra vars",
    "locals",
)


def _scope(tmp_path, upto: int):
    """A scope in which the first ``upto`` + 1 layers set ``v`` to their own name."""
    on = set(LAYERS[: upto + 1])

    def put(layer: str) -> dict[str, str]:
        return {"v": layer} if layer in on else {}

    files = {
        "inv/group_vars/all.yml": "inventory group_vars/all",
        "play/group_vars/all.yml": "playbook group_vars/all",
        "inv/group_vars/web.yml": "inventory group_vars/web",
        "play/group_vars/web.yml": "playbook group_vars/web",
        "inv/host_vars/h1.yml": "inventory host_vars",
        "play/host_vars/h1.yml": "playbook host_vars",
        "play/vars.yml": "vars_files",
    }
    write(tmp_path, {name: f"v: {layer}\n" if layer in on else "{}\n" for name, layer in files.items()})
    hosts = {
        "all": {
            "vars": put("inventory all"),
            "children": {"web": {"hosts": {"h1": put("inventory host")}, "vars": put("inventory group")}},
        },
    }
    import json

    store = make_store(tmp_path, json.dumps(hosts), extra_vars=put("extra vars"))
    other = make_role("other", defaults=put("play role defaults"), vars=put("play role vars"))
    own = make_role("own", defaults=put("own role defaults"), vars=put("own role vars"), params=put("role params"))
    prompts = (Prompt("v", "?", None, True, False, None, HERE),) if "vars_prompt" in on else ()
    play = make_play(vars=put("play vars"), roles=[own, other], vars_files=("vars.yml",), vars_prompt=prompts)
    layers = tuple(vars_of(put(name)) for name in ("outer block vars", "block vars", "task vars"))
    task = make_task(role=own, vars=layers, include_params=(vars_of(put("include params")),))
    store.enter_play(play, ["h1"])
    if "fact" in on:
        store.set_facts("h1", put("fact"))
    store.set_prompts(put("vars_prompt"))
    store.include_vars("h1", put("include_vars"))
    if "set_fact" in on:
        store.set_fact("h1", "v", "set_fact")
    return store, store.scope("h1", play, task, locals=put("locals"))


@pytest.mark.parametrize("index", range(len(LAYERS)), ids=LAYERS)
def test_a_layer_wins_over_all_below_it(tmp_path, index: int) -> None:
    store, scope = _scope(tmp_path, index)
    assert scope.lookup("v") == LAYERS[index]
    assert store.engine.render(Template("{{ v }}"), scope) == LAYERS[index]


def test_explain_shows_every_layer_and_the_winner_last(tmp_path) -> None:
    _, scope = _scope(tmp_path, len(LAYERS) - 1)
    shown = scope.explain("v")
    assert [layered.value for layered in shown] == list(LAYERS)
    assert shown[-1].value == scope.lookup("v")


def test_explain_says_where(tmp_path) -> None:
    write(tmp_path, {"inv/group_vars/web.yml": "---\nport: 1\n"})
    store = make_store(tmp_path, "web:\n  hosts:\n    h1:\n      port: 2\n")
    shown = store.scope("h1").explain("port")
    assert [(s.layer.split(" (")[0], s.value) for s in shown] == [
        ("inventory group_vars", 1),
        ("inventory host vars", 2),
    ]
    assert str(shown[0].origin) == f"{tmp_path}/inv/group_vars/web.yml:2:1"
    assert shown[1].origin is not None and shown[1].origin.line == 4


ROLES = [
    ("own_over_other", ("a", "b"), "a", "a"),
    ("later_over_earlier", ("a", "b"), None, "b"),
    ("own_not_listed", (), "a", "a"),
]


@pytest.mark.parametrize("which", ["defaults", "vars"])
@pytest.mark.parametrize(("listed", "own", "winner"), [r[1:] for r in ROLES], ids=[r[0] for r in ROLES])
def test_a_task_sees_its_own_role_first_then_the_later_ones(tmp_path, which, listed, own, winner) -> None:
    roles = {name: make_role(name, **{which: {"v": name}}) for name in "ab"}
    play = make_play(roles=[roles[name] for name in listed])
    store = make_store(tmp_path)
    scope = store.scope("h1", play, make_task(role=roles.get(own or "")))
    assert scope.lookup("v") == winner


def test_dependencies_and_parents_are_seen_below_the_own_role(tmp_path) -> None:
    dependency = make_role("dep", defaults={"v": "dep", "d": "dep"}, vars={"x": "dep"})
    parent = make_role("parent", defaults={"v": "parent", "p": "parent"}, vars={"x": "parent"}, params={"q": 1})
    own = make_role("own", defaults={"v": "own"}, dependencies=(dependency,), parents=(parent,), params={"r": 2})
    scope = make_store(tmp_path).scope("h1", make_play(), make_task(role=own))
    assert [scope.lookup(n) for n in ("v", "d", "p", "q", "r")] == ["own", "dep", "parent", 1, 2]


def test_a_private_role_is_seen_by_its_own_tasks_alone(tmp_path) -> None:
    private = make_role("private", defaults={"v": 1}, public=False)
    play = make_play(roles=[private])
    store = make_store(tmp_path)
    with pytest.raises(KeyError):
        store.scope("h1", play, make_task()).lookup("v")
    assert store.scope("h1", play, make_task(role=private)).lookup("v") == 1


def test_a_role_that_is_published_is_seen_from_then_on(tmp_path) -> None:
    play, role = make_play(), make_role("late", defaults={"v": 1})
    store = make_store(tmp_path)
    with pytest.raises(KeyError):
        store.scope("h1", play).lookup("v")
    store.publish_role(play, role)
    assert store.scope("h1", play).lookup("v") == 1


def test_locals_stand_above_extra_vars_and_are_not_shared(tmp_path) -> None:
    store = make_store(tmp_path, extra_vars={"item": "extra"})
    scope = store.scope("h1")
    inner = scope.with_locals({"item": 1}).with_locals({"more": 2})
    assert (scope.lookup("item"), inner.lookup("item"), inner.lookup("more")) == ("extra", 1, 2)


GROUPS = """
all:
  children:
    a: {vars: {v: a}, hosts: {h1: {}}}
    b: {vars: {v: b}, hosts: {h1: {}}}
    c: {vars: {v: c, ansible_group_priority: 10}}
    deep: {children: {deeper: {vars: {v: deeper}, hosts: {h2: {}}}}, vars: {v: deep}}
"""


def test_groups_override_by_depth_and_name(tmp_path) -> None:
    store = make_store(tmp_path, GROUPS)
    assert store.scope("h1").lookup("v") == "b"
    assert store.scope("h2").lookup("v") == "deeper"


FILES = [
    ("no_extension", {"group_vars/all": "v: 1\n"}, 1),
    ("yml", {"group_vars/all.yml": "v: 1\n"}, 1),
    ("yaml", {"group_vars/all.yaml": "v: 1\n"}, 1),
    ("json", {"group_vars/all.json": '{"v": 1}'}, 1),
    ("folder_in_order", {"group_vars/all/b.yml": "v: 2\n", "group_vars/all/a.yml": "v: 1\n"}, 2),
    ("folder_before_file", {"group_vars/all/a.yml": "v: 1\n", "group_vars/all.yml": "v: 2\n"}, 1),
    (
        "hidden_and_backups",
        {
            "group_vars/all/a.yml": "v: 1\n",
            "group_vars/all/.b.yml": "v: 2\n",
            "group_vars/all/c.yml~": "v: 3\n",
            "group_vars/all/d.txt": "v: 4\n",
        },
        1,
    ),
    ("nested_folder", {"group_vars/all/x/a.yml": "v: 1\n"}, 1),
    ("host_folder", {"host_vars/h1/a.yml": "v: 1\n"}, 1),
    ("host_with_dots", {"host_vars/h1.yml": "v: 1\n"}, 1),
]


@pytest.mark.parametrize(("files", "value"), [f[1:] for f in FILES], ids=[f[0] for f in FILES])
@pytest.mark.parametrize("beside", ["inv", "play"])
def test_vars_files_beside_inventory_and_playbook(tmp_path, beside, files, value) -> None:
    write(tmp_path, {f"{beside}/{name}": text for name, text in files.items()})
    assert make_store(tmp_path).scope("h1").lookup("v") == value


def test_nothing_is_read_for_hosts_nobody_asks_for(tmp_path) -> None:
    write(tmp_path, {"inv/host_vars/h2.yml": "this: is: not: yaml\n"})
    store = make_store(tmp_path)
    store.scope("h1").lookup("inventory_hostname")
    assert store.content is not None and store.content.files == []


def test_vars_files_take_the_first_that_exists_and_may_need_the_host(tmp_path) -> None:
    from orchestrator.content.yaml import load_yaml
    from orchestrator.errors import ContentError

    write(tmp_path, {"play/vars/Debian.yml": "v: debian\n", "play/default.yml": "v: default\nw: '{{ v }}!'\n"})
    store = make_store(tmp_path)
    play = make_play(vars_files=tuple(load_yaml("- ['vars/{{ os }}.yml', default.yml]\n", file="site.yml")))
    assert store.engine.render(Template("{{ w }}"), store.scope("h1", play)) == "default!"
    store.set_facts("h1", {"os": "Debian"})
    assert store.scope("h1", play).lookup("v") == "debian"
    with pytest.raises(ContentError, match="nope.yml"):
        store.scope("h1", make_play(vars_files=("nope.yml",)))
