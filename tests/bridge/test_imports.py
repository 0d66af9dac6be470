"""What a source imports, by names."""

from __future__ import annotations

import pytest

from orchestrator.bridge.imports import Need, needs

MODULE = "ansible_collections.ns.coll.plugins.modules.thing"
UTILS = "ansible.module_utils"

CASES = [
    ("import of a file", f"import {UTILS}.urls", [(f"{UTILS}.urls",)]),
    ("import with as", f"import {UTILS}.common.text as t", [(f"{UTILS}.common.text",)]),
    ("from a file, a name", f"from {UTILS}.urls import fetch_url", [(f"{UTILS}.urls.fetch_url", f"{UTILS}.urls")]),
    ("from the package, files", f"from {UTILS} import a, b", [(f"{UTILS}.a", UTILS), (f"{UTILS}.b", UTILS)]),
    ("of a collection", "from ansible_collections.a.b.plugins.module_utils.x import y",
     [("ansible_collections.a.b.plugins.module_utils.x.y", "ansible_collections.a.b.plugins.module_utils.x")]),
    ("relative, two up", "from ..module_utils.x import y",
     [("ansible_collections.ns.coll.plugins.module_utils.x.y", "ansible_collections.ns.coll.plugins.module_utils.x")]),
    ("relative, a sibling", "from . import other",
     [("ansible_collections.ns.coll.plugins.modules.other", "ansible_collections.ns.coll.plugins.modules")]),
    ("six makes its moves up", f"from {UTILS}.six.moves.urllib.parse import quote", [(f"{UTILS}.six",)]),
    ("whatever else", "import os, json\nfrom ansible.errors import AnsibleError\nimport ansible", []),
    ("the module_utils themselves", "from ansible import module_utils", [(UTILS,)]),
]


@pytest.mark.parametrize(("source", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_import_needs(source: str, expected: list[tuple[str, ...]]) -> None:
    assert needs(source, MODULE, False) == [Need(names, optional=False) for names in expected]


@pytest.mark.parametrize("block", ["try:\n  {}\nexcept ImportError:\n  pass", "if x:\n  {}", "def f():\n  {}"])
def test_an_import_below_the_top_may_be_missing(block: str) -> None:
    assert needs(block.format(f"import {UTILS}.x"), MODULE, False) == [Need((f"{UTILS}.x",), optional=True)]


def test_a_packages_relative_import_starts_in_it() -> None:
    found = needs("from .part import x", f"{UTILS}.whole", True)
    assert found[0].names == (f"{UTILS}.whole.part.x", f"{UTILS}.whole.part")


def test_what_is_no_python_3_is_said() -> None:
    with pytest.raises(SyntaxError):
        needs("print 'two'", MODULE, False)
