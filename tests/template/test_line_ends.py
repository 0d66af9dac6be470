"""In values as in files a block takes the line end behind it along; each row was observed with Ansible 2.19."""

import pytest

from orchestrator.template.types import Template
from tests.template.scopes import scope_of

ROWS = [
    ("{% if true %}\nfoo\n{% endif %}\nbar", "foo\nbar"),
    ("{% for h in ['x', 'y'] %}\n{% if h == 'x' %}\n{{ 'k ' ~ h }}\n{% endif %}\n{% endfor %}\n", "k x\n"),
    ("{% for i in [1] %}\n{{ i }}\n{% endfor %}\n", "1\n"),
    ("{% set y = 2 %}\n{{ y }}\n", 2),
    ("{# said #}\nq {{ 1 }}\n", "q 1\n"),
    ("{% if true %}\n{{ [1, 2] }}\n{% endif %}\n", "[1, 2]\n"),
    ("{{ 'a' }}\n\nb", "a\n\nb"),
]


@pytest.mark.parametrize(("source", "value"), ROWS, ids=[repr(row[0]) for row in ROWS])
def test_a_block_takes_its_line_end_along(engine, source, value):
    assert engine.render(Template(source), scope_of("a: 1\n")) == value
