"""Changes to be looked at: both views say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.ui.diffs import MOST_SHOWN, Line, compared, shown

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "longer"]), max_size=30)


def test_a_changed_line_stands_beside_what_it_was() -> None:
    lines = list(compared(["a", "b", "c"], ["a", "B", "c"]))
    assert lines == [Line("same", "a", "a", 1, 1), Line("change", "b", "B", 2, 2), Line("same", "c", "c", 3, 3)]


def test_unified_says_first_what_goes() -> None:
    one = shown([{"before": "a\nb\nc\n", "after": "a\nX\nY\nc\n"}])[0]
    assert [(line.kind, line.left or line.right) for line in one.unified] == [
        ("same", "a"), ("drop", "b"), ("add", "X"), ("add", "Y"), ("same", "c")]


def test_what_is_the_same_is_left_out_with_a_gap() -> None:
    before = [str(n) for n in range(40)]
    kinds = [line.kind for line in compared(before, [*before[:20], "new", *before[20:]])]
    assert kinds[0] == "gap" and kinds[-1] == "gap" and kinds.count("add") == 1 and kinds.count("same") == 6


def test_values_that_are_no_text_are_shown_as_json() -> None:
    one = shown([{"before": {"mode": "0644"}, "after": {"mode": "0600"}, "after_header": "/etc/motd"}])[0]
    assert one.title == "/etc/motd"
    assert [line.kind for line in one.lines] == ["same", "change", "same"]


def test_a_prepared_text_is_shown_as_it_is() -> None:
    assert shown([{"prepared": "+ package"}])[0].text == "+ package"
    assert shown([{}])[0].lines == []
    assert shown(["nonsense"]) == []  # type: ignore[list-item]


def test_a_very_long_change_is_cut_and_says_so() -> None:
    one = shown([{"before": "", "after": "".join(f"line {n}\n" for n in range(3_000))}])[0]
    assert one.cut and len(one.lines) == MOST_SHOWN and len(one.unified) == MOST_SHOWN
    assert not shown([{"before": "a\n" * 3_000, "after": "a\n" * 3_000 + "b\n"}])[0].cut


def test_one_line_among_many_is_found_and_keeps_its_number() -> None:
    before = [f"line {n % 7}" for n in range(4_000)]
    lines = list(compared(before, [*before[:2_000], "new", *before[2_000:]]))
    assert [(line.right, line.right_number) for line in lines if line.kind == "add"] == [("new", 2_001)]
    assert lines[0].kind == "gap" and lines[1].left_number == 1_998 and lines[-1].kind == "gap"


@given(LINES, LINES)
def test_both_sides_are_whole_but_for_gaps(before: list[str], after: list[str]) -> None:
    lines = list(compared(before, after, around=100))
    if before == after:
        assert lines == []
        return
    assert [line.left for line in lines if line.left is not None] == before
    assert [line.right for line in lines if line.right is not None] == after
