"""A small ansible-core of the tests' own, and the real one where there is one."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from orchestrator.bridge.installed import Installed, find_installed

ROOT = Path(__file__).resolve().parents[2]
BASIC = """
    import json, sys
    from ansible.module_utils.common.text import shown

    _ANSIBLE_ARGS = None
    _ANSIBLE_PROFILE = None

    class AnsibleModule:
        def __init__(self, argument_spec=None, **ignored):
            self.given = json.loads(_ANSIBLE_ARGS.decode())["ANSIBLE_MODULE_ARGS"]
            self.params = {k: v for k, v in self.given.items() if not k.startswith("_ansible_")}
            self.check_mode = self.given["_ansible_check_mode"]
            self.tmpdir = self.given["_ansible_tmpdir"]

        def exit_json(self, **values):
            print(shown(json.dumps(values)))
            sys.exit(0)

        def fail_json(self, **values):
            self.exit_json(failed=True, **values)
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """The folder ``bin`` of an environment with a stand-in for ansible-core: its interface, none of its code."""
    write(tmp_path / "env", {
        "bin/ansible-playbook": "#!/bin/sh\n",
        "lib/python3.11/site-packages/ansible/release.py": "__version__ = '2.19.99'\n",
        "lib/python3.11/site-packages/ansible/module_utils/__init__.py": "",
        "lib/python3.11/site-packages/ansible/module_utils/basic.py": BASIC,
        "lib/python3.11/site-packages/ansible/module_utils/common/__init__.py": "",
        "lib/python3.11/site-packages/ansible/module_utils/common/text.py": "def shown(text):\n    return text\n",
        "lib/python3.11/site-packages/ansible/module_utils/unused.py": "",
        "lib/python3.11/site-packages/ansible/modules/corely.py": """
            #!/usr/bin/python
            from ansible.module_utils.basic import AnsibleModule
            AnsibleModule().exit_json(msg="from the core")
            """,
        "lib/python3.11/site-packages/ansible/modules/halved.py": "from ansible.module_utils import basic\n",
        "lib/python3.11/site-packages/ansible/plugins/action/halved.py": "",
    })
    return tmp_path / "env" / "bin"


@pytest.fixture(scope="session")
def real_core() -> tuple[str, Installed]:
    """A PATH with the commands of a real ansible-core in it."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".lab" / "bench-venv" / "bin")])
    found = find_installed({"PATH": path})
    if found is None:
        pytest.skip("there is no ansible-core here (`pip install ansible-core` in any environment of PATH)")
    return path, found
