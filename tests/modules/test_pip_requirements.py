"""Names and versions of Python packages: as PEP 440 and 503 have them, with packaging as the judge."""

from __future__ import annotations

import itertools

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from modules.api import Failed
from modules.support.pip import requirements

VERSIONS = """0.1 1.0.dev1 1.0a1 1.0a2.dev1 1.0b1 1.0rc1 1.0 1 1.0.0 1.0.post1 1.0+local.1 1.0.post1.dev2 1.0.1 1.1.dev3
    1.1 1.10 1.9 2.0 1!0.5 v1.2 1.0-1 2.0.0.0 20""".split()
OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "~="]


def test_versions_are_ordered_as_packaging_orders_them() -> None:
    for one, other in itertools.product(VERSIONS, VERSIONS):
        mine = requirements.key(one, True) < requirements.key(other, True)  # type: ignore[operator]
        assert mine == (Version(one) < Version(other)), (one, other)


def test_specifiers_are_judged_as_packaging_judges_them() -> None:
    wrong = []
    for version, operator, wanted in itertools.product(VERSIONS, OPERATORS, VERSIONS + ["1.*", "1.0.*"]):
        try:
            judge = SpecifierSet(operator + wanted)
        except ValueError:
            continue
        expected = judge.contains(version, prereleases=True)
        if requirements.fits(version, operator, wanted) != expected:
            wrong.append(f"{version} {operator} {wanted} is {expected}")
    assert not wrong


TEXTS: dict[str, tuple[str, str | None, list[tuple[str, str]]]] = {
    "a name": ("six", "six", []), "normal form": ("Junit_XML.x", "junit-xml-x", []),
    "a version": ("six==1.2", "six", [("==", "1.2")]),
    "several": ("bottle > 0.10, <0.20,!=0.11", "bottle", [(">", "0.10"), ("<", "0.20"), ("!=", "0.11")]),
    "extras": ("requests[socks,security]>=2", "requests", [(">=", "2")]),
    "a url": ("git+https://example.com/x#egg=The_X", "the-x", []), "a named url": ("x @ https://e.com/x.whl", "x", []),
    "a folder": (".", None, []), "a path": ("/srv/x-1.0.tar.gz", None, []), "a file": ("x-1.0.whl", None, []),
    "a marker": ("six>=1 ; python_version > '3'", "six", [(">=", "1")]),
}


@pytest.mark.parametrize(("text", "name", "specifiers"), TEXTS.values(), ids=TEXTS.keys())
def test_a_requirement_is_read(text: str, name: str | None, specifiers: list[tuple[str, str]]) -> None:
    found = requirements.parse(text)
    assert (found.name, found.specifiers) == (name, specifiers)


@pytest.mark.parametrize("text", ["-r x", "--index-url=http://a", "", "djan=+-~!@#$go>1.11.1", "a b", "six=1"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(Failed) as fault:
        requirements.parse(text)
    assert fault.value.code == "bad_package"


LISTS = {
    "two": (["a", "b"], ["a", "b"]), "with commas": (["a,b"], ["a", "b"]),
    "specifiers": (["a<100 ,!=9,>=0.1,b"], ["a<100,!=9,>=0.1", "b"]), "extras": (["a[x,y]>1,<2"], ["a[x,y]>1,<2"]),
    "a url": (["git+https://x/y#egg=z,1"], ["git+https://x/y#egg=z,1"]), "empty": (["", "a, "], ["a"]),
}


@pytest.mark.parametrize(("entries", "wanted"), LISTS.values(), ids=LISTS.keys())
def test_entries_may_hold_several(entries: list[str], wanted: list[str]) -> None:
    assert requirements.split(entries) == wanted


def test_a_version_goes_with_a_bare_name_only() -> None:
    assert requirements.with_version(requirements.parse("q"), "1.2").text == "q==1.2"
    assert requirements.with_version(requirements.parse("q"), "<9,!=1").specifiers == [("<", "9"), ("!=", "1")]
    for text in ("q==1", "git+https://x/y"):
        with pytest.raises(Failed, match="conflicts"):
            requirements.with_version(requirements.parse(text), "1")
