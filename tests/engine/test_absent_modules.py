"""A role's task whose module is not here: nothing until it is reached, then a failure that says what to do."""

from __future__ import annotations

import pytest

from tests.engine.harness import run_play

TASKS = """
- {snap: {name: x}, when: false}
- {acme.web.site: {name: x}, when: reached | bool, ignore_errors: "{{ true }}", register: r}
- debug: {msg: "{{ r.msg | default('not reached') }}"}
"""
SITE = "- hosts: h1\n  gather_facts: false\n  roles: [r]\n"


@pytest.mark.parametrize(("reached", "said"), [
    (False, "not reached"), (True, "couldn't resolve module/action 'acme.web.site'"),
])
def test_it_fails_only_where_it_is_reached(tmp_path, reached, said):
    folder = tmp_path / "roles" / "r" / "tasks"
    folder.mkdir(parents=True)
    (folder / "main.yml").write_text(TASKS)
    ran = run_play(tmp_path, SITE, extra_vars={"reached": reached})
    assert ran.messages() == [said]
