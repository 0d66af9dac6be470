"""INI values and words, as ansible-core 2.19 reads them."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.sources.values import split_line, typed

TYPED: dict[str, tuple[str, Any]] = {
    "int": ("1", 1), "negative": ("-5", -5), "float": ("1.5", 1.5), "exponent": ("1e3", 1000.0), "hex": ("0x10", 16),
    "leading-zero": ("007", "007"), "true": ("True", True), "lower-true": ("true", "true"), "yes": ("yes", "yes"),
    "none": ("None", None), "list": ("['a', 1]", ["a", 1]), "dict": ('{"x": [1, 2]}', {"x": [1, 2]}),
    "tuple": ("(1,2)", [1, 2]), "set": ("{1, 2}", [1, 2]), "bytes": ("b'a'", "a"), "complex": ("1j", "1j"),
    "nested": ("[..., b'x']", ["...", "x"]), "quoted": ("'two'", "two"), "joined": ('"a" "b"', "ab"), "empty": ("", ""),
    "unterminated": ("'abc", "'abc"), "words": ("two words # kept", "two words # kept"), "number-comment": ("1 # c", 1),
    "template": ("{{ foo }}", "{{ foo }}"), "version": ("1.2.3", "1.2.3"), "address": ("10.0.0.1", "10.0.0.1"),
    "path": ("/etc/x", "/etc/x"), "name": ("os.system", "os.system"), "call": ("f(1)", "f(1)"), "hash": ("#x", "#x"),
}
LINES = {
    "plain": ("a b=1  c=2", ["a", "b=1", "c=2"]), "quotes": ("h q='x y' r=\"a b\"", ["h", "q=x y", "r=a b"]),
    "comment": ("h a=1 # b=2", ["h", "a=1"]), "comment-in-word": ("h b=x#y c=1", ["h", "b=x"]),
    "comment-quoted": ("h a='x # y'", ["h", "a=x # y"]), "escape": (r"h a=x\ y", ["h", "a=x y"]),
    "json": ("""h d='{"a": 1}'""", ["h", 'd={"a": 1}']), "empty-value": ("h a= b=1", ["h", "a=", "b=1"]),
}


@pytest.mark.parametrize(("text", "value"), TYPED.values(), ids=TYPED)
def test_a_value_gets_the_type_that_its_literal_has(text: str, value: Any) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)


@pytest.mark.parametrize(("line", "words"), LINES.values(), ids=LINES)
def test_a_host_line_splits_into_words(line: str, words: list[str]) -> None:
    assert split_line(line) == words


@given(st.text(alphabet="ab= '\"\\#\t{}", max_size=20))
def test_splitting_agrees_with_a_posix_shell_lexer(line: str) -> None:
    try:
        expected = shlex.split(line, comments=True, posix=True)
    except ValueError:
        with pytest.raises(ValueError, match="No "):
            split_line(line)
    else:
        assert split_line(line) == expected


def test_a_huge_value_is_text_and_not_parsed() -> None:
    assert typed("[" * 100_000) == "[" * 100_000
