"""A group of modules is what its collection lists, and what the groups list that it extends."""

import pytest

from orchestrator.bridge.action_groups import members

RUNTIMES = {
    "ansible.builtin": {"own": ["ping", {"metadata": {"extend_group": "a.b.outer"}}]},
    "a.b": {
        "outer": ["one", "c.d.two", {"metadata": {"extend_group": ["inner", "x.y.absent"]}}],
        "inner": [{"metadata": {"extend_group": "outer"}}, "three"],
        "malformed": [{"metadata": ["inner"]}, {"metadata": {"extend_group": {"name": "inner"}}}, 5, "four"],
        "nothing": None,
    },
}


@pytest.mark.parametrize(("group", "names"), [
    ("a.b.inner", {"a.b.one", "c.d.two", "a.b.three"}),
    ("own", {"ansible.builtin.ping", "a.b.one", "c.d.two", "a.b.three"}),
    ("a.b.malformed", {"a.b.four"}),
    ("a.b.nothing", set()), ("a.b.absent", set()), ("x.y.z", set()),
], ids=["groups that extend each other", "one of ansible-core's", "malformed", "nothing", "no group", "no collection"])
def test_a_group_has_these_modules(group, names):
    assert members(group, lambda collection: RUNTIMES.get(collection, {})) == names
