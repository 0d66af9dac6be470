"""What is said of a host that went wrong."""

from __future__ import annotations

import pytest

from api.ui.run_failures import MOST_OF_MESSAGE, MOST_OF_OUTPUT, words

CASES = {
    "the message alone": ("no such user", {}, "no such user"),
    "stderr behind it": ("non-zero return code", {"stderr": "disk full\n", "stdout": "x"},
                         "non-zero return code\ndisk full"),
    "stdout where stderr is empty": ("non-zero return code", {"stderr": " ", "stdout": "why\n"},
                                     "non-zero return code\nwhy"),
    "nothing twice": ("it said: disk full", {"stderr": "disk full"}, "it said: disk full"),
    "the end of what is long": ("m", {"stderr": "a" * 5_000 + "the end"},
                                "m\n… " + ("a" * 5_000 + "the end")[-MOST_OF_OUTPUT:]),
    "the head of a long message": ("m" * 5_000, {}, "m" * MOST_OF_MESSAGE + " …"),
    "output that is no text": ("m", {"stderr": ["a"]}, "m"),
    "nothing at all": ("", {}, ""),
}


@pytest.mark.parametrize(("message", "values", "expected"), CASES.values(), ids=CASES)
def test_words_of_a_failure(message: str, values: dict[str, object], expected: str) -> None:
    assert words({"message": message, "values": values}) == expected
