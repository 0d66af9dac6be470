"""What goes into the archive of a module, and how it runs."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from orchestrator.bridge.bridge import Bridge, Package
from orchestrator.errors import TaskFault
from tests.bridge.conftest import write
from tests.contract.conftest import FOUND

NEW = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"


def packed(folder: Path, core: Path | str, module: str = "thing") -> Package:
    bridge = Bridge([str(folder / "collections")], {"PATH": str(core)})
    found = bridge.own(module, [str(folder)]) or bridge.other(module, [str(folder)], ())
    assert found is not None
    return bridge.package(found)


def members(package: Package) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(package.data)) as archive:
        return set(archive.namelist())


def run(package: Package, folder: Path, python: str = sys.executable, dotted: str = "ansible.legacy.thing",
        **args: object) -> subprocess.CompletedProcess[str]:
    path = folder / "module.zip"
    path.write_bytes(package.data)
    order = {"dotted": dotted, "nofile": args.pop("nofile", 0),
             "args": {"_ansible_check_mode": False, "_ansible_tmpdir": str(folder), **args}}
    return subprocess.run([python, str(path)], input=json.dumps(order), capture_output=True, text=True)


def test_it_holds_what_is_imported_and_no_more(tmp_path: Path, core: Path) -> None:
    write(tmp_path, {"library/thing.py": NEW})
    assert members(packed(tmp_path, core)) == {
        "__main__.py", "ansible/__init__.py", "ansible/legacy/__init__.py", "ansible/legacy/thing.py",
        "ansible/module_utils/__init__.py", "ansible/module_utils/basic.py", "ansible/module_utils/common/__init__.py",
        "ansible/module_utils/common/text.py"}


def test_the_same_content_is_the_same_bytes(tmp_path: Path, core: Path) -> None:
    write(tmp_path, {"library/thing.py": NEW})
    assert packed(tmp_path, core).digest == packed(tmp_path, core).digest


def test_peoples_own_module_utils_come_before_the_cores(tmp_path: Path, core: Path) -> None:
    write(tmp_path, {
        "library/thing.py": NEW + "from ansible.module_utils.mine.deep import word\n"
                                  "from ansible.module_utils.common import text\n"
                                  "AnsibleModule().exit_json(word=word, text=text.WORD)\n",
        "module_utils/mine/deep.py": "word = 'mine'\n",
        "module_utils/common/text.py": "WORD = 'overridden'\ndef shown(text):\n    return text\n",
    })
    done = run(packed(tmp_path, core), tmp_path)
    assert json.loads(done.stdout) == {"word": "mine", "text": "overridden"}, done.stderr


def test_a_collections_utils_and_those_that_moved_come_along(tmp_path: Path, core: Path) -> None:
    collection = "collections/ansible_collections/ns/coll/"
    write(tmp_path, {
        collection + "plugins/modules/thing.py":
            NEW + "from ..module_utils.own import A\n"
                  "from ansible_collections.ns.coll.plugins.module_utils.old import B\n"
                  "AnsibleModule().exit_json(a=A, b=B)\n",
        collection + "plugins/module_utils/own.py": "A = 'own'\n",
        collection + "plugins/module_utils/new.py": "B = 'moved'\n",
        collection + "meta/runtime.yml": "plugin_routing: {module_utils: {old: {redirect: ns.coll.new}}}\n",
    })
    done = run(packed(tmp_path, core, "ns.coll.thing"), tmp_path,
               dotted="ansible_collections.ns.coll.plugins.modules.thing")
    assert json.loads(done.stdout) == {"a": "own", "b": "moved"}, done.stderr


@pytest.mark.parametrize("version", [(3, 6), (3, 13)], ids=str)
def test_it_runs_on_old_and_new_interpreters(tmp_path: Path, core: Path, version: tuple[int, int]) -> None:
    if version not in FOUND:
        pytest.skip(f"there is no Python {version} here")
    write(tmp_path, {"library/thing.py": NEW + "m = AnsibleModule()\nm.exit_json(**m.params)\n"})
    done = run(packed(tmp_path, core), tmp_path, str(FOUND[version]), word="wörd")
    assert json.loads(done.stdout) == {"word": "wörd"}, done.stderr


def test_arguments_are_in_no_file_and_on_no_command_line(tmp_path: Path, core: Path) -> None:
    write(tmp_path, {"library/thing.py": NEW + """
import os, sys
m = AnsibleModule()
secret = m.params["word"]
texts = [open("/proc/self/cmdline").read()]
for folder, _, files in os.walk(os.path.dirname(os.path.dirname(sys.path[0] + "/x"))):
    texts += [open(os.path.join(folder, name), errors="replace").read() for name in files]
m.exit_json(found=any(secret in text for text in texts), stdin=sys.stdin.read())
"""})
    done = run(packed(tmp_path, core), tmp_path, word="s3cr3t" * 2)
    assert json.loads(done.stdout) == {"found": False, "stdin": ""}, done.stderr


@pytest.mark.parametrize(("code", "message"), [
    ("raise ValueError('one') from KeyError('two')", "Task failed: Module failed: one: 'two'"),
    ("pass", "Task failed: Module failed: New-style module did not handle its own exit."),
])
def test_a_module_that_crashes_says_so(tmp_path: Path, core: Path, code: str, message: str) -> None:
    write(tmp_path, {"library/thing.py": NEW + code + "\n"})
    values = json.loads(run(packed(tmp_path, core), tmp_path).stdout)
    assert values["failed"] and values["msg"] == message and "Traceback" in values["exception"]


def test_a_crash_under_no_log_says_nothing_but_its_kind(tmp_path: Path, core: Path) -> None:
    write(tmp_path, {"library/thing.py": NEW + "raise ValueError('hush')\n"})
    done = run(packed(tmp_path, core), tmp_path, _ansible_no_log=True)
    assert "hush" not in done.stdout + done.stderr and "ValueError" in done.stdout


@pytest.mark.parametrize(("text", "code", "words"), [
    (NEW + "from ansible.module_utils.nowhere import x\n", "module_import", "Could not find imported module support"),
    (NEW + "print 'two'\n", "module_import", "no Python 3"),
    ("echo\n", "module", "missing interpreter line"),
    ("#!powershell\n", "module_unsupported", "PowerShell"),
], ids=["an import that nobody has", "Python 2", "no interpreter", "PowerShell"])
def test_what_cannot_be_packed_is_said(tmp_path: Path, core: Path, text: str, code: str, words: str) -> None:
    write(tmp_path, {"library/thing.py": text})
    with pytest.raises(TaskFault, match=words) as raised:
        packed(tmp_path, core)
    assert raised.value.code == code


def test_without_an_ansible_core_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    write(tmp_path, {"library/thing.py": NEW})
    with pytest.raises(TaskFault) as raised:
        packed(tmp_path, "")
    assert raised.value.code == "no_ansible" and "orch-fleet[ansible]" in str(raised.value.hint)


def test_an_import_that_may_be_missing_is_left_out(tmp_path: Path, core: Path) -> None:
    write(tmp_path, {"library/thing.py": NEW + """
try:
    from ansible.module_utils.nowhere import x
except ImportError:
    x = None
AnsibleModule().exit_json(x=x)
"""})
    assert json.loads(run(packed(tmp_path, core), tmp_path).stdout) == {"x": None}


@pytest.mark.parametrize(("wanted", "becomes"), [(0, None), (100, 100), (10**9, "hard")], ids=str)
def test_the_number_of_open_files_can_be_set(tmp_path: Path, core: Path, wanted: int, becomes: object) -> None:
    code = "import resource\nAnsibleModule().exit_json(limits=resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    write(tmp_path, {"library/thing.py": NEW + code})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    expected = {None: soft, "hard": hard}.get(becomes, becomes)
    assert json.loads(run(packed(tmp_path, core), tmp_path, nofile=wanted).stdout) == {"limits": [expected, hard]}
