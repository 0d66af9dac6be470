"""``k=v`` text, split as Ansible splits it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.playbook.arguments_text import Unbalanced, split_arguments, words

PAIRS = [
    ("two", "src=a dest=b", {"src": "a", "dest": "b"}, ""),
    ("double quotes", 'msg="hello there" x=1', {"msg": "hello there", "x": "1"}, ""),
    ("single quotes", "msg='hello  there'", {"msg": "hello  there"}, ""),
    ("quotes of the other kind inside", "msg=\"it's\"", {"msg": "it's"}, ""),
    ("escaped quote inside", r'msg="say \"hi\""', {"msg": 'say "hi"'}, ""),
    ("jinja with spaces", "msg={{ a + b }} x=1", {"msg": "{{ a + b }}", "x": "1"}, ""),
    ("jinja with quotes and spaces", "msg={{ a | default('x y') }}", {"msg": "{{ a | default('x y') }}"}, ""),
    ("jinja inside quotes", 'line="{{ a }} = {{ b }}"', {"line": "{{ a }} = {{ b }}"}, ""),
    ("jinja with braces in a string", "a={{ '}}' }} b=2", {"a": "{{ '}}' }}", "b": "2"}, ""),
    ("statement", "a={% if x %}y z{% endif %}", {"a": "{% if x %}y"}, "z{% endif %}"),
    ("equals in the value", "line=PATH=/bin", {"line": "PATH=/bin"}, ""),
    ("equals in quotes", "regexp='^a=' line='a=b c'", {"regexp": "^a=", "line": "a=b c"}, ""),
    ("empty value", "a= b=1", {"a": "", "b": "1"}, ""),
    ("empty quotes", 'a="" b=1', {"a": "", "b": "1"}, ""),
    ("line ends part", "a=1\nb=2\n  c=3", {"a": "1", "b": "2", "c": "3"}, ""),
    ("tab escape", r"sep='\t'", {"sep": "\t"}, ""),
    ("unicode escape", r"a=\u00e4", {"a": "ä"}, ""),
    ("hex escape", r"a=\x41", {"a": "A"}, ""),
    ("continued lines", "a=1 \\\n  b=2", {"a": "1", "b": "2"}, ""),
    ("no pair", "hello there", {}, "hello there"),
    ("pair and free text", "flush x=1", {"x": "1"}, "flush"),
    ("the last one counts", "a=1 a=2", {"a": "2"}, ""),
    ("nothing", "", {}, ""),
]

FREE = [
    ("plain", "echo hello", {}, "echo hello"),
    ("inner spaces stay", "echo  a   b", {}, "echo  a   b"),
    ("creates behind", "touch x creates=/tmp/x", {"creates": "/tmp/x"}, "touch x"),
    ("creates in front", "creates=/tmp/x touch x", {"creates": "/tmp/x"}, "touch x"),
    ("creates between", "touch creates=/tmp/x y", {"creates": "/tmp/x"}, "touch y"),
    ("several options", "make chdir=/src creates=/src/out all", {"chdir": "/src", "creates": "/src/out"}, "make all"),
    ("quoted option", "ls chdir='/my dir'", {"chdir": "/my dir"}, "ls"),
    ("other pairs are text", "dd if=/dev/zero of=/x", {}, "dd if=/dev/zero of=/x"),
    ("quotes stay", "echo 'a b' \"c d\"", {}, "echo 'a b' \"c d\""),
    ("escapes stay", r"printf 'a\tb\n'", {}, r"printf 'a\tb\n'"),
    ("option in quotes is text", "echo 'creates=x'", {}, "echo 'creates=x'"),
    ("lines stay", "a\nb  c\n  d\n", {}, "a\nb  c\n  d\n"),
    ("option on a line of its own", "cmd\ncreates=/x", {"creates": "/x"}, "cmd"),
    ("continued line", "echo a \\\n  b", {}, "echo a  b"),
    ("continued lines", "echo a \\\nb \\\nc\nd\n", {}, "echo a b c\nd\n"),
    ("continued lines that YAML has folded", "a && (b --c={{ d }}) \\ || e \\ | f\n", {},
     "a && (b --c={{ d }}) || e | f"),
    ("backslash at the end", "echo a \\\n", {}, "echo a"),
    ("backslash in quotes", "echo 'a \\ b' c\\ d \\\\ e", {}, "echo 'a \\ b' c\\ d \\\\ e"),
    ("continued line in quotes", "echo 'a \\\n b'", {}, "echo 'a \\\n b'"),
    ("option before a continued line", "make creates=/x \\\n  all", {"creates": "/x"}, "make all"),
    ("option at a line's end", "make creates=/x\nall", {"creates": "/x"}, "make all"),
    ("jinja", "run {{ a | join(' ') }} chdir={{ d }}", {"chdir": "{{ d }}"}, "run {{ a | join(' ') }}"),
    ("pipe and redirect", "a | b > c; d && e", {}, "a | b > c; d && e"),
    ("option only", "chdir=/x", {"chdir": "/x"}, ""),
]


@pytest.mark.parametrize(("text", "pairs", "rest"), [c[1:] for c in PAIRS], ids=[c[0] for c in PAIRS])
def test_pairs(text, pairs, rest):
    assert split_arguments(text, free_text=False) == (pairs, rest)


@pytest.mark.parametrize(("text", "pairs", "rest"), [c[1:] for c in FREE], ids=[c[0] for c in FREE])
def test_free_text_keeps_what_is_no_option(text, pairs, rest):
    assert split_arguments(text, free_text=True) == (pairs, rest)


@pytest.mark.parametrize(("text", "opened", "at"), [
    ("msg='open", "'", 4), ("echo don't", "'", 8), ("a={{ x", "{{", 2), ("a={% x b=1", "{%", 2), ('a="{{ x"', "{{", 3),
])
def test_what_is_opened_must_be_closed(text, opened, at):
    with pytest.raises(Unbalanced) as caught:
        split_arguments(text, free_text=False)
    assert (caught.value.opened, caught.value.at) == (opened, at)


@given(st.text(alphabet="ab =\\'\"{}%#\n\t", max_size=40))
def test_words_are_parts_of_the_text_in_order(text):
    try:
        found = words(text)
    except Unbalanced:
        return
    assert all(text[word.start:word.end] == word.text for word in found)
    assert all(left.end <= right.start for left, right in zip(found, found[1:], strict=False))
    assert "".join(text.split()) == "".join("".join(word.text.split()) for word in found)
