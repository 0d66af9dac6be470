"""How a module wants to be run, by its bytes."""

from __future__ import annotations

import pytest

from orchestrator.bridge.styles import program, shebang, style_of

CASES = [
    ("new by from", b"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n", "new"),
    ("new by import", b"#!/usr/bin/python\nimport ansible.module_utils.basic\n", "new"),
    ("new, indented", b"#!/usr/bin/python\ntry:\n    from ansible.module_utils.a import b\nexcept: pass\n", "new"),
    ("new of a collection", b"from ansible_collections.a.b.plugins.module_utils.c import d\n", "new"),
    ("new by a relative import", b"#!/usr/bin/python\nfrom ..module_utils.x import y\n", "new"),
    ("python that only prints", b"#!/usr/bin/python\nprint('{}')\n", "old"),
    ("python that wants JSON", b"#!/usr/bin/python\n# WANT_JSON\nimport sys\n", "want_json"),
    ("a shell script", b"#!/bin/sh\n. $1\n", "old"),
    ("a shell script that wants JSON", b"#!/bin/sh\n# WANT_JSON\n", "want_json"),
    ("arguments in the text", b"#!/usr/bin/perl\nmy $a = q(<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>);\n", "json_args"),
    ("a program", b"\x7fELF\x02\x01\x01\0\0\0", "binary"),
    ("PowerShell", b"#!powershell\n#Requires -Module Ansible.ModuleUtils.Legacy\n", "powershell"),
    ("no first line", b"echo hello\n", "no_interpreter"),
]


@pytest.mark.parametrize(("data", "style"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_style_is_told_by_the_text(data: bytes, style: str) -> None:
    assert style_of(data) == style


@pytest.mark.parametrize(("line", "words", "name"), [
    (b"#!/bin/bash\n", ["/bin/bash"], "bash"),
    (b"#! /usr/bin/perl -w\n", ["/usr/bin/perl", "-w"], "perl"),
    (b"#!/usr/bin/env ruby\n", ["/usr/bin/env", "ruby"], "ruby"),
    (b"#!/usr/bin/env -S python3 -u\n", ["/usr/bin/env", "-S python3 -u"], "python3"),
    (b"text\n", [], ""),
])
def test_the_interpreter_is_that_of_the_first_line(line: bytes, words: list[str], name: str) -> None:
    assert shebang(line) == words
    assert program(words) == name
