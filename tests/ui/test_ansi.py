"""Output of hosts in the page: colours are classes, and nothing else of it is markup."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from api.ui.ansi import CUT, MOST_CHARACTERS, nearest, to_html

CASES = {
    "plain": ("ok", "ok"),
    "markup is text": ("<script>alert(1)</script>&", "&lt;script&gt;alert(1)&lt;/script&gt;&amp;"),
    "colour": ("\x1b[31mred\x1b[0m plain", '<span class="f1">red</span> plain'),
    "bold and bright": ("\x1b[1;92mdone\x1b[m", '<span class="a-b f10">done</span>'),
    "back": ("\x1b[44mx\x1b[49my", '<span class="g4">x</span>y'),
    "off again": ("\x1b[1mb\x1b[22mn", '<span class="a-b">b</span>n'),
    "of 256": ("\x1b[38;5;9mx", '<span class="f9">x</span>'),
    "of the cube": ("\x1b[38;5;196mx", '<span class="f9">x</span>'),
    "true colour": ("\x1b[38;2;250;5;5mx", '<span class="f9">x</span>'),
    "with colons": ("\x1b[38:5:2mx", '<span class="f2">x</span>'),
    "what follows a colour": ("\x1b[38;5;1;4mx", '<span class="a-u f1">x</span>'),
    "cut off colour": ("\x1b[38;5mx", '<span class="f0">x</span>'),
    "unknown code": ("\x1b[73mx", "x"),
    "markup in a colour": ("\x1b[31m<b>", '<span class="f1">&lt;b&gt;</span>'),
    "neighbours are one": ("\x1b[31ma\x1b[31mb", '<span class="f1">ab</span>'),
    "cursor": ("a\x1b[2Kb\x1b[10;10Hc", "abc"),
    "title": ("\x1b]0;evil\x07shown", "shown"),
    "link": ("\x1b]8;;https://evil/\x1b\\text\x1b]8;;\x1b\\", "text"),
    "cut off": ("x\x1b[3", "x3"),
    "lone escape": ("\x1b", ""),
    "progress": ("10%\r50%\r100%\ndone", "100%\ndone"),
    "line ends of DOS": ("a\r\nb", "a\nb"),
    "control characters": ("a\x00b\x07", "a␀b␇"),
    "direction": ("a\u202eb", "a\ufffdb"),
    "no UTF-8": ("a\udcffb", "a?b"),
    "empty": ("", ""),
}


@pytest.mark.parametrize("text, html", CASES.values(), ids=CASES)
def test_output_becomes(text: str, html: str) -> None:
    assert to_html(text) == html


@given(st.text(alphabet=st.sampled_from("\x1b[]0;138mAK<>&\"'\r\n\x07\\x"), max_size=200))
def test_nothing_but_spans_comes_out(text: str) -> None:
    html = to_html(text)
    assert isinstance(html, Markup)
    import re
    rest = re.sub(r'<span class="[a-z0-9 -]+">|</span>', "", html)
    assert "<" not in rest and ">" not in rest and "\x1b" not in rest
    assert html.count("<span") == html.count("</span>")


def test_what_is_too_long_keeps_both_ends() -> None:
    html = to_html("a" * MOST_CHARACTERS + "end")
    assert html.startswith("aaa") and html.endswith("end") and CUT.strip() in html
    assert len(html) < MOST_CHARACTERS + 200


@pytest.mark.parametrize("unit", ["\x1b[", "\x1b]", "\x1b[1", "\r", "\x1b[31mx", "\x1b]0;", "\x9b1;"])
def test_hostile_output_takes_no_long_time(unit: str) -> None:
    text, start = unit * (MOST_CHARACTERS // len(unit)), time.perf_counter()
    to_html(text)
    assert time.perf_counter() - start < 10


def test_the_nearest_colour() -> None:
    assert nearest((250, 5, 5)) == 9
    assert nearest((0, 0, 0)) == 0
