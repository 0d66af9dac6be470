"""``json_query``: JMESPath on data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.errors import TemplateError


def json_query(data: Any, expression: Any) -> Any:
    """What the JMESPath expression finds in the data; null when it finds nothing."""
    import jmespath  # type: ignore[import-untyped,unused-ignore]
    from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped,unused-ignore]

    if not isinstance(expression, str):
        str(expression)  # an undefined one fails in its own words
        raise TemplateError("json_query needs the expression as text")
    try:
        return jmespath.search(expression, _data(data))
    except JMESPathError as error:
        raise TemplateError(f"json_query: {' '.join(str(error).split())}") from None


def _data(value: Any) -> Any:
    """The types that JMESPath tells apart, nothing lazy."""
    if isinstance(value, Mapping):
        return {str(key): _data(value[key]) for key in value}
    if isinstance(value, (list, tuple)):
        return [_data(item) for item in value]
    return value
