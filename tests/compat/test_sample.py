"""A few of the cases in every test run: ansible-core's own playbooks end under orch as they end under Ansible.

All of them: `./dev compat`. These need no lab host, so they are quick.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat import cases, source, suite
from tests.compat.tree import Tree
from tests.compat.verdict import fault

SAMPLE = (
    "pb/blocks/69848", "pb/blocks/block_rescue_vars", "pb/blocks/issue71306",
    "pb/hosts_field/test_hosts_field", "pb/import_tasks/inherit_notify",
    "pb/include_import/role/test_include_role", "pb/include_import/test_role_recursion",
    "pb/includes/includes_loop_rescue", "pb/inventory_ini/test_types", "pb/special_vars_hosts/playbook",
    "pb/tags/test_template_role_tags#2", "pb/var_blending/error_handling#2", "pb/var_templating/task_vars_templating",
    "pb/vars_files/runme", "pb/lookup_fileglob/find_levels/play",
)
CASES = [case for case in cases.load() if case.id in SAMPLE]


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    try:
        with suite.trees(["orch"]) as copies:
            yield copies["orch"]
    except source.Unavailable as error:
        pytest.skip(f"ansible-core's tests cannot be had: {error}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_ends_as_under_ansible(case: cases.Case, tree: Tree) -> None:
    assert not case.needs_host
    assert fault(case, suite.attempt(case, "orch", tree, None)) == ""


def test_the_sample_is_in_the_list() -> None:
    assert len(CASES) == len(SAMPLE)
