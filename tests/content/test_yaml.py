"""YAML keeps its places, its trust and its bounds."""

import datetime as dt

import pytest

from orchestrator.content.yaml import load_yaml
from orchestrator.errors import ContentError, Origin, SyntaxFault
from orchestrator.template.plain import as_data
from orchestrator.template.types import Map, Sealed, Seq, Template

SCALARS = {
    "yes": True,
    "Yes": True,
    "on": True,
    "TRUE": True,
    "no": False,
    "off": False,
    "False": False,
    "y": "y",
    "n": "n",
    "~": None,
    "null": None,
    "": None,
    "1": 1,
    "-3": -3,
    "+3": 3,
    "0x1F": 31,
    "0b101": 5,
    "010": 8,
    "0o10": "0o10",
    "1_000": 1000,
    "1:30": 90,
    "1.5": 1.5,
    "1e3": "1e3",
    "1.0e+3": 1000.0,
    ".inf": float("inf"),
    "0644": 420,
    "'0644'": "0644",
    '"yes"': "yes",
    "2024-01-02": dt.date(2024, 1, 2),
    "2024-01-02T03:04:05Z": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    "1.2.3": "1.2.3",
    "a b": "a b",
    "!!str 12": "12",
    "!!int '12'": 12,
    "!!binary aGk=": b"hi",
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items(), ids=[repr(k) for k in SCALARS])
def test_scalars_mean_what_they_mean_in_ansible(text: str, value: object) -> None:
    found = load_yaml(f"key: {text}\n")["key"]
    assert found == value
    assert type(as_data(found)) is type(value)


@pytest.mark.parametrize("text", ["'{{ x }}'", '"a {% if x %}b{% endif %}"', "'{# c #}'", "|\n  {{ x }}\n  more"])
def test_trusted_strings_with_jinja_are_templates(text: str) -> None:
    assert isinstance(load_yaml(f"key: {text}\n")["key"], Template)
    assert isinstance(load_yaml(f"- {text}\n")[0], Template)


@pytest.mark.parametrize("text", ["'{ x }'", "'}}'", "plain", "'{'"])
def test_strings_without_jinja_are_strings(text: str) -> None:
    assert isinstance(load_yaml(f"key: {text}\n")["key"], str)


def test_untrusted_text_makes_no_template() -> None:
    loaded = load_yaml("a: '{{ x }}'\nb: ['{{ y }}']\n", trusted=False)
    assert loaded == {"a": "{{ x }}", "b": ["{{ y }}"]}


def test_unsafe_stays_text_in_scalars_and_containers() -> None:
    loaded = load_yaml("a: !unsafe '{{ x }}'\nb: !unsafe\n  c: '{{ y }}'\n  d: ['{{ z }}']\n")
    assert loaded == {"a": "{{ x }}", "b": {"c": "{{ y }}", "d": ["{{ z }}"]}}
    assert all(isinstance(v, str) for v in (loaded["a"], loaded["b"]["c"], loaded["b"]["d"][0]))


def test_vault_texts_are_sealed_with_their_place() -> None:
    sealed = load_yaml("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n", file="v.yml")["a"]
    assert isinstance(sealed, Sealed)
    assert sealed.origin == Origin("v.yml", 1, 4)
    assert "3132" not in repr(sealed)


def test_every_entry_knows_its_place() -> None:
    loaded = load_yaml("top:\n  - name: x\n    value: '{{ y }}'\n", file="p.yml")
    assert isinstance(loaded, Map) and isinstance(loaded["top"], Seq)
    assert loaded.origin_of("top") == Origin("p.yml", 1, 1)
    assert loaded["top"].item_origin(0) == Origin("p.yml", 2, 5)
    assert loaded["top"][0].origin_of("value") == Origin("p.yml", 3, 5)
    assert loaded["top"][0].value_origin("value") == Origin("p.yml", 3, 12)
    assert loaded["top"][0]["value"].origin == Origin("p.yml", 3, 12)


def test_text_within_a_file_counts_its_lines_from_there() -> None:
    assert load_yaml("a: 1\nb: 2\n", file="x", first_line=10).origin_of("b") == Origin("x", 11, 1)


def test_merge_keys_take_what_is_missing() -> None:
    loaded = load_yaml("base: &b {x: 1, y: 2}\nother: &o {x: 5, z: 6}\nc:\n  <<: [*b, *o]\n  y: 3\n")
    assert loaded["c"] == {"x": 1, "y": 3, "z": 6}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert load_yaml("'<<': 1\n") == {"<<": 1}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n"])
def test_nothing_is_null(text: str) -> None:
    assert load_yaml(text) is None


FAULTS = [
    ("unquoted_template", "a: {{ x }}\n", 1, 5, "quoted"),
    ("unquoted_template_and_text", "a: {{ x }}/foo\n", 1, 5, "quoted"),
    ("tab", "a:\n\tb: 1\n", 2, 1, "tabs"),
    ("open_quote", "a: 'x\nb: 1\n", None, None, "quote"),
    ("text_behind_quote", 'a: "x" y\n', 1, 8, "begins with a quote"),
    ("colon_in_value", "a: b: c\n", 1, 5, '": "'),
    ("no_colon", "a: 1\nb\n", None, None, "colon"),
    ("at_sign", "a: @x\n", 1, 4, "quoted"),
    ("control_character", "a: \x00\n", 1, 4, "quoted"),
    ("unknown_tag", "a: !foo x\n", 1, 4, "!vault"),
    ("unknown_anchor", "a: *b\n", 1, 4, "&name"),
    ("two_documents", "a: 1\n---\nb: 1\n", 2, 1, "one document"),
    ("too_deep", "[" * 200, 1, 101, None),
    ("no_date", "a: 2024-99-99\n", 1, 4, "quote"),
    ("merge_of_scalar", "a:\n  <<: 3\n", 2, 7, None),
]


@pytest.mark.parametrize(("text", "line", "column", "hint"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_faults_have_place_and_hint(text: str, line: int | None, column: int | None, hint: str | None) -> None:
    with pytest.raises(SyntaxFault) as caught:
        load_yaml(text, file="f.yml")
    origin = caught.value.origin
    assert origin is not None and origin.file == "f.yml"
    if line is not None:
        assert (origin.line, origin.column) == (line, column)
    if hint is not None:
        assert hint in (caught.value.hint or "")


def test_a_fault_shows_its_line_and_a_caret() -> None:
    with pytest.raises(SyntaxFault) as caught:
        load_yaml("ok: 1\nname: {{ x }}\n", file="f.yml")
    assert caught.value.excerpt == "name: {{ x }}\n       ^"


def test_a_key_given_twice_names_both_places() -> None:
    with pytest.raises(SyntaxFault) as caught:
        load_yaml("a: 1\nb: 2\na: 3\n", file="f.yml")
    assert str(caught.value.origin) == "f.yml:3:1"
    assert "f.yml:1:1" in (caught.value.hint or "")


def test_a_key_given_twice_may_be_told_instead() -> None:
    told: list[str] = []
    assert load_yaml("a: 1\nb: 2\na: 3\n", file="f.yml", on_duplicate=told.append) == {"a": 3, "b": 2}
    assert len(told) == 1 and "f.yml:3:1" in told[0] and "f.yml:1:1" in told[0]


def test_aliases_that_expand_without_end_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(SyntaxFault, match="expand"):
        load_yaml("\n".join(lines))


def test_files_that_are_not_utf8_name_the_line(tmp_path) -> None:
    path = tmp_path / "v.yml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ContentError) as caught:
        load_yaml(path)
    assert caught.value.origin is not None and caught.value.origin.line == 2


def test_a_byte_order_mark_is_no_content(tmp_path) -> None:
    path = tmp_path / "v.yml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load_yaml(path) == {"a": 1}


def test_a_missing_file_is_a_located_error(tmp_path) -> None:
    with pytest.raises(ContentError, match="No such file"):
        load_yaml(tmp_path / "none.yml")
