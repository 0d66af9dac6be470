"""Text constants with templates in them, within an expression: ``"{{ name }}" == "web"`` in a condition.

Ansible renders such constants (and says that one should not write them). Here the expression is rewritten before it is
compiled, so that ``"{{ name }}"`` is the value of ``name`` itself and ``"a-{{ name }}"`` a text made with it. Only what
trusted files hold gets here.
"""

from __future__ import annotations

import re

_CONSTANT = re.compile(r"""\"(?:[^"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'""", re.DOTALL)
_PART = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def unfolded(expression: str) -> str:
    """The expression with every template in its text constants as an expression of its own."""
    return _CONSTANT.sub(lambda found: _unfolded(found.group()), expression)


def _unfolded(constant: str) -> str:
    quote, text = constant[0], constant[1:-1]
    if not _PART.search(text):
        return constant
    words = [_written(part, quote, place) for place, part in enumerate(_PART.split(text))]
    return f"({' ~ '.join(word for word in words if word is not None)})"


def _written(part: str, quote: str, place: int) -> str | None:
    """Parts come by turns: text (None when empty), and the inside of a template."""
    if place % 2:
        return f"({part.strip()})"
    return f"{quote}{part}{quote}" if part else None
