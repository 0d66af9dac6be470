"""Bridged modules in plays: every style, check mode, facts, failures, and where the modules come from."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from orchestrator.bridge.installed import Installed
from tests.bridge.conftest import write
from tests.engine.harness import Ran, run_play

NEW = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"
SHELL = """
    #!/bin/sh
    . "$1"
    printf '{"msg": "%s %s", "check": "%s"}' "$greeting" "$name" "$_ansible_check_mode"
    """
JSON = """
    #!/usr/bin/python3
    # WANT_JSON
    import json, sys
    given = json.load(open(sys.argv[1]))
    print(json.dumps({"msg": given["greeting"] + " " + given["name"], "check": str(given["_ansible_check_mode"])}))
    """
IN_TEXT = """
    #!/usr/bin/python3
    import json
    given = json.loads(r'''<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>''')
    print(json.dumps({"msg": given["greeting"] + " " + given["name"], "check": str(given["_ansible_check_mode"])}))
    """
NEWEST = NEW + """
m = AnsibleModule()
m.exit_json(msg=m.params["greeting"] + " " + m.params["name"], check=str(m.check_mode))
"""
STYLES = {"old": SHELL, "want_json": JSON, "json_args": IN_TEXT, "new": NEWEST}
TASK = """
    - hosts: all
      gather_facts: false
      tasks:
        - thing: {greeting: Hello, name: "wide world's"}
          register: r
          check_mode: CHECK
        - debug: {msg: "{{ r.msg }}; {{ r.check }}"}
    """


def play(folder: Path, core: Path | str, tasks: str, files: dict[str, str] | None = None, **options: object) -> Ran:
    """A play of these tasks, the modules beside it."""
    written = {name: textwrap.dedent(text).lstrip("\n") for name, text in (files or {}).items()}
    head = "- hosts: all\n  gather_facts: false\n  tasks:\n"
    text = head + textwrap.indent(textwrap.dedent(tasks).strip("\n"), "    ")
    path = os.pathsep.join([str(core), os.environ["PATH"]]) if core else ""
    return run_play(folder, text, files=written, environ={"PATH": path}, **options)


@pytest.mark.parametrize("check", ["False", "True"])
@pytest.mark.parametrize("style", STYLES)
def test_every_style_gets_its_arguments_and_check_mode(tmp_path: Path, core: Path, style: str, check: str) -> None:
    name = "library/thing" + (".sh" if style == "old" else ".py")
    ran = run_play(tmp_path, TASK.replace("CHECK", check), files={name: textwrap.dedent(STYLES[style]).lstrip("\n")},
                   environ={"PATH": str(core)})
    assert ran.messages() == [f"Hello wide world's; {check}"], ran.results


def test_a_program_runs_as_it_is(tmp_path: Path, core: Path) -> None:
    """Bytes with a NUL in them are no text: they are executed themselves."""
    (tmp_path / "library").mkdir()
    script = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(dict(msg=json.load(open(sys.argv[1]))['a'])))\n"
    (tmp_path / "library" / "thing").write_bytes(script.encode() + b"# \0\n")
    ran = play(tmp_path, core, "- thing: {a: one}")
    assert ran.results[0].status == "failed"  # Python reads no NUL: but it was executed, and what it said is there
    assert "null bytes" in ran.results[0].values["module_stderr"]


def test_an_interpreter_may_be_named_by_a_variable(tmp_path: Path) -> None:
    ran = play(tmp_path, "", """
        - thing:
          vars: {ansible_nosuch_interpreter: /bin/sh}
        - thing:
        """, {"library/thing": "#!/usr/bin/nosuch\necho '{\"msg\": \"sh\"}'\n"})
    assert [r.values["msg"] for r in ran.results] == ["sh", "The module interpreter '/usr/bin/nosuch' was not found."]


def test_results_become_values_facts_warnings_and_diffs(tmp_path: Path, core: Path) -> None:
    ran = play(tmp_path, core, """
        - thing:
          diff: true
        - debug: {msg: "{{ colour }}"}
        """, {"library/thing.py": NEW + """
        print("noise before")
        AnsibleModule().exit_json(changed=True, ansible_facts={"colour": "red"}, warnings=["mind"], _ansible_x=1,
                                  diff={"before": "a", "after": "b"}, stdout="1\\n2")
        """.replace("\n        ", "\n")})
    first = ran.results[0]
    assert first.status == "changed" and first.warnings == ["mind"] and ran.messages() == ["red"]
    assert first.diff[0]["before"] == "a" and first.values["stdout_lines"] == ["1", "2"]
    assert not [name for name in first.values if name.startswith("_ansible_x")]


@pytest.mark.parametrize(("code", "status", "message"), [
    ("AnsibleModule().fail_json(msg='no', message='m', code=7, hint='h')", "failed", "no"),
    ("AnsibleModule().exit_json(rc=3, msg='by its rc')", "failed", "by its rc"),
    ("AnsibleModule().exit_json(rc=3, failed=False, msg='it says not')", "ok", "it says not"),
    ("AnsibleModule().exit_json(skipped=True, msg='not today')", "skipped", "not today"),
    ("raise SystemExit(4)", "failed", "Module result deserialization failed: No start of json char found"),
    ("raise OSError('disk')", "failed", "Task failed: Module failed: disk"),
], ids=["fail_json", "rc", "rc, not failed", "skipped", "no result", "crash"])
def test_how_it_ended_is_mapped(tmp_path: Path, core: Path, code: str, status: str, message: str) -> None:
    result = play(tmp_path, core, "- thing:", {"library/thing.py": NEW + code + "\n"}).results[0]
    assert (result.status, result.values["msg"]) == (status, message)


def test_own_modules_win_over_orchs_but_not_over_the_builtin_asked_for(tmp_path: Path) -> None:
    ran = play(tmp_path, "", """
        - ping:
        - ansible.legacy.ping:
        - ansible.builtin.ping:
        """, {"library/ping": "#!/bin/sh\necho '{\"ping\": \"own\"}'\n"})
    assert [r.values["ping"] for r in ran.results] == ["own", "own", "pong"]


def test_a_roles_modules_are_there_for_it_and_for_what_comes_behind(tmp_path: Path) -> None:
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: false
          roles: [one]
          tasks: [{thing: {}}]
        """, files={"roles/one/library/thing": "#!/bin/sh\necho '{\"msg\": \"role\"}'\n",
                    "roles/one/tasks/main.yml": "- thing:\n"})
    assert [r.values["msg"] for r in ran.results] == ["role", "role"]


def test_a_module_named_by_a_template_is_bridged_as_well(tmp_path: Path) -> None:
    ran = play(tmp_path, "", """
        - action: "{{ which }} name=x"
          vars: {which: thing}
        """, {"library/thing": "#!/bin/sh\n. $1\necho \"{\\\"msg\\\": \\\"$name\\\"}\"\n"})
    assert ran.results[0].values["msg"] == "x"


def test_module_defaults_reach_a_bridged_module(tmp_path: Path, core: Path) -> None:
    ran = play(tmp_path, core, """
        - block: [{thing: {name: given}}]
          module_defaults: {thing: {greeting: Default, name: hidden}}
        """, {"library/thing.py": NEWEST})
    assert ran.results[0].values["msg"] == "Default given"


def test_module_defaults_of_a_collection_s_group_reach_its_modules(tmp_path: Path, core: Path) -> None:
    collection = "collections/ansible_collections/my/tools/"
    ran = play(tmp_path, core, """
        - block: [{my.tools.thing: {name: given}}]
          module_defaults: {group/my.tools.all: {greeting: Grouped}, group/my.tools.none: {greeting: Other}}
        """, {collection + "plugins/modules/thing.py": NEWEST,
              collection + "meta/runtime.yml": "action_groups: {all: [thing], none: [other]}\n"})
    assert ran.results[0].values["msg"] == "Grouped given"


def test_it_is_said_once_that_a_module_is_bridged_and_what_it_costs(tmp_path: Path) -> None:
    ran = play(tmp_path, "", "- thing:\n- thing:", {"library/thing": "#!/bin/sh\necho '{}'\n"}, hosts="h1,h2")
    told = [text for text in ran.notices if "bridge" in text]
    assert len(told) == 1 and "process of its own" in told[0]


def test_free_text_is_refused(tmp_path: Path) -> None:
    ran = play(tmp_path, "", "- thing: some words", {"library/thing": "#!/bin/sh\necho '{}'\n"})
    assert "does not support raw params" in ran.results[0].values["msg"]


def test_nothing_is_left_on_the_host(tmp_path: Path, core: Path) -> None:
    (tmp_path / "temp").mkdir()
    code = NEW + "m = AnsibleModule()\nopen(m.tmpdir + '/left', 'w').close()\nm.exit_json(tmpdir=m.tmpdir)\n"
    task = f"- thing:\n  environment: {{TMPDIR: {tmp_path / 'temp'}}}"
    ran = play(tmp_path, core, task, {"library/thing.py": code})
    assert ran.results[0].values["tmpdir"].startswith(str(tmp_path / "temp"))
    assert os.listdir(tmp_path / "temp") == []


PLUGIN = """
    from ansible.errors import AnsibleError
    from ansible.plugins.action import ActionBase

    class ActionModule(ActionBase):
        def run(self, tmp=None, task_vars=None):
            result = super().run(tmp, task_vars)
            which = self._task.args.get("which")
            if which == "raise":
                raise AnsibleError("it says no")
            if which == "missing":
                self._loader.get_basedir()
            if which == "other":
                task = self._task.copy()
                task.args = {"data": "another"}
                get = self._shared_loader_obj.action_loader.get
                other = get("ansible.legacy.ping", task=task, connection=self._connection, templar=self._templar,
                            play_context=self._play_context, loader=self._loader,
                            shared_loader_obj=self._shared_loader_obj)
                result.update(other.run(task_vars=task_vars), kept=self._task.args["which"])
            if which == "secret":
                return dict(msg="to be hidden", _ansible_no_log=True)
            if which == "ping":
                result.update(self._execute_module(module_name="ping", module_args=dict(data=task_vars["word"])))
            elif which == "own":
                result.update(self._execute_module(module_args=dict(a="b")))
            return result
    """


@pytest.mark.parametrize(("which", "status", "name", "value"), [
    ("ping", "ok", "ping", "a word"),
    ("own", "ok", "msg", "the module"),
    ("other", "ok", "ping", "another"),
    ("other", "ok", "kept", "other"),
    ("raise", "failed", "msg", "Task failed: it says no"),
    ("missing", "failed", "msg", "an action plugin uses self._loader.get_basedir, which orch does not have"),
])
def test_an_action_plugin_of_ones_own_runs(tmp_path: Path, which: str, status: str, name: str, value: str) -> None:
    ran = play(tmp_path, "", f"- thing: {{which: {which}}}\n  vars: {{word: a word}}", {
        "action_plugins/thing.py": PLUGIN, "library/thing": "#!/bin/sh\necho '{\"msg\": \"the module\"}'\n"})
    assert (ran.results[0].status, ran.results[0].values.get(name)) == (status, value)


def test_an_action_plugin_may_say_that_its_result_is_secret(tmp_path: Path) -> None:
    ran = play(tmp_path, "", "- thing: {which: secret}\n  register: r\n- assert: {that: r.msg == 'to be hidden'}",
               {"action_plugins/thing.py": PLUGIN})
    assert ran.results[0].no_log and "to be hidden" not in str(ran.results[0].values)
    assert ran.results[1].status == "ok"


def test_with_a_real_ansible_core(tmp_path: Path, real_core: tuple[str, Installed]) -> None:
    path, installed = real_core
    write(tmp_path, {"library/thing.py": NEW + textwrap.dedent("""
        m = AnsibleModule(argument_spec=dict(a=dict(type="int"), p=dict(no_log=True)), supports_check_mode=True)
        m.warn("mind")
        m.deprecate("old", version="9.9", collection_name="ns.coll")
        if m.params["a"] == 2:
            m.fail_json(msg="no " + m.params["p"])
        m.exit_json(changed=True, a=m.params["a"], check=m.check_mode, version=m.ansible_version, secret=m.params["p"])
        """)})
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: false
          tasks:
            - thing: {a: "1", p: s3cr3t}
              check_mode: true
            - thing: {a: 2, p: s3cr3t}
              ignore_errors: true
            - thing: {b: 2}
              ignore_errors: true
        """, environ={"PATH": path})
    good, bad, wrong = ran.results
    assert good.values["a"] == 1 and good.values["check"] is True and good.values["version"] == installed.version
    assert good.warnings == ["mind"] and good.values["deprecations"][0]["msg"] == "old"
    assert bad.status == "failed" and bad.values["msg"] == "no ********"
    assert "Unsupported parameters for (thing) module: b" in wrong.values["msg"]
    assert "s3cr3t" not in str([r.values for r in ran.results])


ABSENT = {"roles/r/tasks/main.yml": "- {acme.web.site: {}, when: false}\n- debug: {msg: reached}\n"}


def test_a_role_that_the_operators_ansible_refuses_is_refused(tmp_path: Path, core: Path) -> None:
    with pytest.raises(AssertionError, match=r"roles/r/tasks/main.yml:1:4: unknown module acme\.web\.site"):
        play(tmp_path, core, "- import_role: {name: r}", ABSENT)
    assert play(tmp_path, "", "- import_role: {name: r}", ABSENT).messages() == ["reached"]


def test_an_included_role_is_refused_when_it_is_included(tmp_path: Path, core: Path) -> None:
    ran = play(tmp_path, core, """
        - debug: {msg: before}
        - {include_role: {name: r}, when: false}
        - include_role: {name: r}
        """, ABSENT)
    assert ran.messages() == ["before"]
    assert "unknown module acme.web.site" in ran.results[-1].message
