"""Privileges, passwords and option files of MySQL and MariaDB, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest

from modules.api import Failed
from modules.support.mysql import privileges
from modules.support.mysql.client import FIELD, fields, option_value, quoted
from modules.support.mysql.passwords import is_password, native, sha_crypt

READ: dict[str, tuple[Any, dict[str, set[str]]]] = {
    "one": ("db.*:SELECT,INSERT", {"`db`.*": {"SELECT", "INSERT"}}),
    "all": ("*.*:ALL,GRANT", {"*.*": {"ALL", "GRANT"}}),
    "several": ("a.*:ALL/b.t:SELECT", {"`a`.*": {"ALL"}, "`b`.`t`": {"SELECT"}}),
    "a dict": ({"a.*": "all privileges", "b.*": ["select", "grant option"]},
               {"`a`.*": {"ALL"}, "`b`.*": {"SELECT", "GRANT"}}),
    "columns": ("a.t:SELECT(y, x),INSERT", {"`a`.`t`": {"SELECT (X, Y)", "INSERT"}}),
    "a routine": ("FUNCTION a.f:EXECUTE", {"FUNCTION `a`.`f`": {"EXECUTE"}}),
    "quoted": ("`a.b`.*:ALL", {"`a.b`.*": {"ALL"}}),
    "wildcards": (r"a\_%.*:ALL", {r"`a\_%`.*": {"ALL"}}),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ.keys())
def test_privileges_are_read(text: Any, expected: dict[str, set[str]]) -> None:
    assert privileges.read(text) == expected


@pytest.mark.parametrize("text", ["nonsense", "a.b.c:ALL", "a.*:"])
def test_what_is_no_privilege_is_refused(text: str) -> None:
    with pytest.raises(Failed):
        privileges.read(text)


def test_an_injected_privilege_is_refused() -> None:
    with pytest.raises(Failed):
        privileges.statements("'u'@'h'", {}, privileges.read({"a.*": "ALL ON *.* TO x; DROP USER y"}) or {})


SHOWN = {
    "all": ("GRANT ALL PRIVILEGES ON *.* TO `r`@`localhost` IDENTIFIED BY PASSWORD '*1' WITH GRANT OPTION",
            {"*.*": {"ALL", "GRANT"}}),
    "columns": ("GRANT SELECT (`a`, `b`), INSERT ON `d`.`t` TO `u`@`h`", {"`d`.`t`": {"SELECT (A, B)", "INSERT"}}),
    "quotes of old": ("GRANT USAGE ON *.* TO 'u'@'h' REQUIRE SSL", {"*.*": {"USAGE"}}),
    "a proxy": ("GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION", {}),
    "a role": ("GRANT `app_read` TO `u`@`h`", {}),
}


@pytest.mark.parametrize(("line", "expected"), SHOWN.values(), ids=SHOWN.keys())
def test_shown_grants_are_read(line: str, expected: dict[str, set[str]]) -> None:
    assert privileges.shown([line]) == expected


STEPS: dict[str, tuple[str, str, dict[str, bool], list[str]]] = {
    "nothing": ("a.*:SELECT", "a.*:SELECT", {}, []),
    "more": ("a.*:SELECT", "a.*:SELECT,INSERT", {}, ["GRANT INSERT ON `a`.* TO W"]),
    "less": ("a.*:SELECT,INSERT", "a.*:SELECT", {}, ["REVOKE INSERT ON `a`.* FROM W"]),
    "elsewhere": ("a.*:SELECT", "b.*:SELECT", {}, ["REVOKE SELECT ON `a`.* FROM W", "GRANT SELECT ON `b`.* TO W"]),
    "appended": ("a.*:SELECT", "b.*:SELECT", {"append": True}, ["GRANT SELECT ON `b`.* TO W"]),
    "appended to all": ("a.*:ALL", "a.*:SELECT", {"append": True}, []),
    "subtracted": ("a.*:SELECT,INSERT", "a.*:INSERT,DELETE", {"subtract": True}, ["REVOKE INSERT ON `a`.* FROM W"]),
    "from all to one": ("a.*:ALL", "a.*:SELECT", {},
                        ["REVOKE ALL PRIVILEGES ON `a`.* FROM W", "GRANT SELECT ON `a`.* TO W"]),
    "from one to all": ("a.*:SELECT", "a.*:ALL", {}, ["GRANT ALL PRIVILEGES ON `a`.* TO W"]),
    "to pass on": ("a.*:SELECT", "a.*:SELECT,GRANT", {}, ["GRANT USAGE ON `a`.* TO W WITH GRANT OPTION"]),
    "not to pass on": ("a.*:SELECT,GRANT", "a.*:SELECT", {}, ["REVOKE GRANT OPTION ON `a`.* FROM W"]),
    "none": ("*.*:USAGE", "*.*:USAGE", {}, []),
}


@pytest.mark.parametrize(("have", "want", "how", "expected"), STEPS.values(), ids=STEPS.keys())
def test_grants_lead_from_what_is_to_what_is_wanted(
    have: str, want: str, how: dict[str, bool], expected: list[str]
) -> None:
    now = privileges.read(have) or {}
    after = privileges.expected(privileges.read(want) or {}, now, **how)
    assert privileges.statements("W", now, after) == expected


def test_a_long_list_is_all_when_it_is_everything() -> None:
    assert privileges.whole({"*.*": {"A", "B", "GRANT"}}, {"A", "B"}) == {"*.*": {"ALL", "GRANT"}}


def test_passwords_are_compared_with_what_is_kept() -> None:
    assert native("secret") == "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7" and native("") == ""
    # The test vector of SHA-crypt's description.
    assert sha_crypt("Hello world!", "saltstring") == "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
    kept = "$A$005$" + "x" * 20 + sha_crypt("pw", "x" * 20)
    assert is_password("pw", "caching_sha2_password", kept) and not is_password("px", "caching_sha2_password", kept)
    assert is_password("pw", "unix_socket", "") is None


def test_texts_are_quoted_for_statements_and_option_files() -> None:
    assert quoted("a'b\\c") == "'a\\'b\\\\c'"
    assert option_value('p#"\\\n') == '"p#\\"\\\\\\n"'


def test_a_row_tells_null_from_empty() -> None:
    row = '<field name="a" xsi:nil="true" /><field name="b"></field><field name="c">x &lt;y&gt;</field>'
    assert FIELD.search(row) and dict(fields(row)) == {"a": None, "b": "", "c": "x <y>"}
