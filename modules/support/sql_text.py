"""The text of queries: one or several, with values in place of their placeholders."""

import re

from modules.api import Failed

PLACEHOLDER = re.compile(r"%(?:%|s|\((\w+)\)s)")


def listed(query):
    """The queries of the ``query`` argument, a text or a list of texts, without the semicolons behind them."""
    texts = query if isinstance(query, list) else [query]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise Failed("bad_arguments", "the query option value must be a string or list of strings")
    return [text.strip().rstrip(";").rstrip() for text in texts]


def filled(query, args, literal):
    """The query with its values in place of %s and %(name)s; without values it stays as it is.

    ``literal(value)`` writes a value as the server's SQL does.
    """
    if args["positional_args"] is None and args["named_args"] is None:
        return query
    values = iter(args["positional_args"] or ())

    def put(match):
        if match.group(0) == "%%":
            return "%"
        try:
            value = args["named_args"][match.group(1)] if match.group(1) else next(values)
        except (KeyError, TypeError, StopIteration):
            raise Failed("bad_arguments", "There is no value for {} in the query".format(match.group(0)))
        return literal(value)
    return PLACEHOLDER.sub(put, query)
