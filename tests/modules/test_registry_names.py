"""The registry beside `test_registry`: collections that redirect, and that answering for one module imports one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from modules import registry


@pytest.mark.parametrize(("name", "bare"), [
    ("ansible.builtin.sysctl", "sysctl"), ("ansible.legacy.modprobe", "modprobe"), ("ansible.posix.copy", None),
    ("acme.tools.copy", None), ("placement", None), ("ansible.mysql.mysql_user", "mysql_user"),
    ("ansible.mysql.copy", None),
], ids=str)
def test_a_collection_redirects_as_ansible_does(name: str, bare: str | None) -> None:
    assert registry.canonical(name) == bare


def test_describing_one_module_imports_no_other() -> None:
    code = ("import sys; from modules import registry; registry.describe('ansible.builtin.slurp'); "
            "print([m for m in ('modules.git', 'modules.copy', 'modules.apt') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
