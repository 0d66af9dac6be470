"""Keeps one line in a file present or absent.

    - name: No root login over SSH
      lineinfile:
        path: /etc/ssh/sshd_config
        regexp: '^#?PermitRootLogin'
        line: PermitRootLogin no
        validate: sshd -t -f %s

Returns ``msg`` (line added, line replaced, n line(s) removed), ``backup`` (path, or empty), ``found`` (absent only).
Errors: ``no_path``, ``is_directory``, ``bad_pattern``, ``bad_arguments``, ``validation``.
A new line gets the ending that the file's first line has; every other byte stays as it is.
"""

from modules.api import Arg, Failed, Same, exclusive
from modules.support.text.editing import (
    CREATE_ARG,
    TEXT_ARGS,
    decide,
    encoded,
    finish,
    line_ending,
    look,
    pattern,
    split_lines,
)

ARGS = dict(
    TEXT_ARGS,
    regexp=Arg("str", "Regular expression of the line to replace (the last match) or to remove (every match).",
               aliases=("regex",)),
    search_string=Arg("str", "Text that the line to replace or remove contains, taken literally."),
    state=Arg("str", "Whether the line should be there.", default="present", choices=("absent", "present")),
    line=Arg("str", "The line. Needed for state=present.", aliases=("value",)),
    backrefs=Arg("bool", "Fill groups of regexp (\\1) into line; without a match the file stays as it is.",
                 default=False),
    insertafter=Arg("str", "EOF, BOF, or a regular expression: a new line goes behind its last match."),
    insertbefore=Arg("str", "BOF, or a regular expression: a new line goes before its last match."),
    create=CREATE_ARG,
    firstmatch=Arg("bool", "Use the first match instead of the last.", default=False),
)
RULES = (
    exclusive("insertbefore", "insertafter"),
    exclusive("regexp", "search_string"),
    exclusive("backrefs", "search_string"),
)


def check(args, host):
    _require(args)
    if args["state"] == "absent":
        return _check_absent(args, host)
    edit = look(args, host, "Destination {} does not exist !", may_create=args["create"])
    before = edit.before or b""
    after, msg = present(before, compiled(args, host))
    if edit.before is None and after == b"":
        return Same(msg="", backup="")
    return decide(edit, after, msg, {"backup": ""})


def apply(args, change, host):
    kept = finish(change, host)
    return {"backup": kept["backup_file"]} if kept else {}


def compiled(args, host):
    """The arguments with patterns compiled and texts as bytes."""
    ready = dict(args)
    if args["regexp"] == "":
        host.warn("The regular expression is an empty string, which will match every line in the file. This may have "
                  "unintended consequences, such as replacing the last line in the file rather than appending. If this "
                  "is desired, use '^' to match every line in the file and avoid this warning.")
    if args["search_string"] == "":
        host.warn("The search string is an empty string, which will match every line in the file. This may have "
                  "unintended consequences, such as replacing the last line in the file rather than appending.")
    for name in ("regexp", "insertafter", "insertbefore"):
        if args[name] is not None and not (name != "regexp" and args[name] in ("BOF", "EOF")):
            ready[name] = pattern(name, args[name])
    for name in ("line", "search_string"):
        ready[name] = None if args[name] is None else encoded(args[name])
    return ready


def present(data, args):
    """(new contents, message) with the line in place."""
    lines, line = split_lines(data), args["line"]
    ending = line_ending(data)
    index, match = _find(lines, args)
    if match is None and index is None:
        index = _find_same(lines, line, args)
    if index is not None:
        return _replace(lines, index, match, args, ending)
    if args["backrefs"]:
        return data, ""
    _insert(lines, line, args, ending)
    return b"".join(lines), "line added"


def absent(data, args):
    """(new contents, number of lines removed)."""
    lines = split_lines(data)
    kept = [line for line in lines if not _is_wanted(line, args)]
    return b"".join(kept), len(lines) - len(kept)


def _require(args):
    if args["state"] == "present":
        if args["backrefs"] and args["regexp"] is None:
            raise Failed("bad_arguments", "regexp is required with backrefs=true")
        if args["line"] is None:
            raise Failed("bad_arguments", "line is required with state=present")
    elif args["regexp"] is None and args["search_string"] is None and args["line"] is None:
        raise Failed("bad_arguments", "one of line, search_string, or regexp is required with state=absent")


def _check_absent(args, host):
    if not host.exists(args["path"]):
        return Same(msg="file not present")
    edit = look(args, host, "Destination {} does not exist !")
    after, found = absent(edit.before, compiled(args, host))
    msg = "{} line(s) removed".format(found) if found else ""
    return decide(edit, after, msg, {"found": found, "backup": ""})


def _is_wanted(line, args):
    if args["regexp"] is not None:
        return args["regexp"].search(line) is not None
    if args["search_string"] is not None:
        return args["search_string"] in line
    return line.rstrip(b"\r\n") == args["line"]


def _find(lines, args):
    """(index, match) of the line that regexp or search_string means; (None, None) when there is none."""
    if args["regexp"] is None and args["search_string"] is None:
        return None, None
    found = None, None
    for index, line in enumerate(lines):
        if _is_wanted(line, args):
            found = index, args["regexp"].search(line) if args["regexp"] is not None else None
            if args["firstmatch"]:
                break
    return found


def _find_same(lines, line, args):
    """The last line that is already the wanted one, or None."""
    same = [index for index, have in enumerate(lines) if have.rstrip(b"\r\n") == line.rstrip(b"\r\n")]
    return same[-1] if same else None


def _replace(lines, index, match, args, ending):
    new = match.expand(args["line"]) if args["backrefs"] and match else args["line"]
    have = lines[index]
    own = b"\r\n" if have.endswith(b"\r\n") else b"\n" if have.endswith(b"\n") else ending
    if own == b"\r\n" and new.endswith(b"\r"):
        new = new[:-1]
    if not new.endswith(b"\n"):
        new += own
    if new == have:
        return b"".join(lines), ""
    return b"".join(lines[:index] + [new] + lines[index + 1:]), "line replaced"


def _insert(lines, line, args, ending):
    if ending == b"\r\n" and line.endswith(b"\r"):
        line = line[:-1]
    after, before = args["insertafter"], args["insertbefore"]
    if "BOF" in (after, before):
        lines.insert(0, line + ending)
        return
    index = _anchor(lines, after if after is not None else before, args["firstmatch"])
    if index is None:
        index = len(lines)
    elif after is not None:
        index += 1
    if index == len(lines) and lines and not lines[-1].endswith(b"\n"):
        lines[-1] += ending
    lines.insert(index, line + ending)


def _anchor(lines, anchor, firstmatch):
    """The index of the line that insertafter or insertbefore means, or None: the end of the file."""
    if anchor is None or anchor == "EOF":
        return None
    found = [index for index, line in enumerate(lines) if anchor.search(line)]
    if not found:
        return None
    return found[0] if firstmatch else found[-1]
