"""Keeps a file free of a pattern: replaces every match by a text.

    - name: The old name is gone from the configuration
      replace:
        path: /etc/nginx/conf.d/site.conf
        after: 'server {'
        before: '}'
        regexp: '^(\\s*)server_name old\\.example\\.com;'
        replace: '\\1server_name new.example.com;'

``^`` and ``$`` match at every line. With ``after`` and ``before`` only the text between their matches is looked at.
Returns ``msg`` (n replacements made), ``rc`` and ``backup_file``.
Errors: ``no_path``, ``is_directory``, ``bad_pattern``, ``bad_encoding``, ``validation``.
"""

import re

from modules.api import Arg, Failed
from modules.support.text.editing import TEXT_ARGS, decide, finish, look

ARGS = dict(
    TEXT_ARGS,
    regexp=Arg("str", "Regular expression to look for, in Python's syntax, multi-line.", required=True),
    replace=Arg("str", "What stands in place of each match; \\1 and \\g<name> are its groups.", default=""),
    after=Arg("str", "Only look behind this regular expression's match (a dot matches line ends too)."),
    before=Arg("str", "Only look before this regular expression's match."),
    encoding=Arg("str", "The file's character encoding; bytes outside of it are kept as they are.", default="utf-8"),
)


def check(args, host):
    edit = look(args, host, "Path {} does not exist !")
    text = _decoded(edit.before, args)
    span = section(text, args)
    if span is None:
        msg = "Pattern for before/after params did not match the given file: {}".format(_section_pattern(args))
        return decide(edit, edit.before, msg, {"rc": 0})
    after, count = replaced(text, span, args)
    data = after.encode(args["encoding"], "surrogateescape")
    msg = "{} replacements made".format(count) if count and data != edit.before else ""
    return decide(edit, data, msg, {"rc": 0}, "{}")


def apply(args, change, host):
    return finish(change, host)


def section(text, args):
    """(start, end) of what is looked at, or None when ``after`` or ``before`` match nowhere."""
    source = _section_pattern(args)
    if source is None:
        return 0, len(text)
    match = _compiled("after/before", source, re.DOTALL).search(text)
    return match.span("subsection") if match else None


def replaced(text, span, args):
    """(new text, number of matches)."""
    start, end = span
    try:
        middle, count = _compiled("regexp", args["regexp"], re.MULTILINE).subn(args["replace"], text[start:end])
    except (re.error, IndexError) as error:
        raise Failed("bad_pattern", "Unable to process replace due to error: {}".format(error))
    return text[:start] + middle + text[end:], count


def _section_pattern(args):
    after, before = args["after"], args["before"]
    if not after and not before:
        return None
    inner = "(?P<subsection>.*?)" if after and before else "(?P<subsection>.*)"
    return (after or "") + inner + (before or "")


def _compiled(name, source, flags):
    try:
        return re.compile(source, flags)
    except re.error as error:
        raise Failed("bad_pattern", "{} is no valid regular expression: {}: {}".format(name, source, error))


def _decoded(data, args):
    try:
        return data.decode(args["encoding"], "surrogateescape")
    except (LookupError, UnicodeError) as error:
        raise Failed("bad_encoding", "{} cannot be read as {}: {}".format(args["path"], args["encoding"], error))
