"""Keeps options of an INI file set, or away.

Example::

    - name: PHP may use more memory
      community.general.ini_file:
        path: /etc/php/8.2/fpm/php.ini
        section: PHP
        option: memory_limit
        value: 256M

Of several sections of one name the first is meant, or the first with ``section_has_values``. Comments, order and line
ends stay; through a link, its target is edited.
Returns ``path``, ``msg`` (option added, option changed, section removed …), ``backup_file``.
Errors: ``no_path``, ``is_directory``, ``no_value``, ``bad_arguments``.
"""

from modules.api import Arg, Failed, Same, exclusive
from modules.support.files.placement import BACKUP_ARG
from modules.support.text import ini
from modules.support.text.editing import PATH_ARG, TEXT_ARGS, decide, finish, look

CODEC = ("utf-8", "surrogateescape")
BOM = "\ufeff"
HAVING = {
    "option": Arg("str", "The section must set this option.", required=True),
    "value": Arg("str", "To this value."),
    "values": Arg("list", "To these values.", elements="str"),
}
ARGS = {name: arg for name, arg in TEXT_ARGS.items() if name != "validate"}
ARGS.update({
    "path": Arg("path", PATH_ARG.help, required=True, aliases=("dest",)),
    "section": Arg("str", "The section's name; without it, the top of the file before any section."),
    "section_has_values": Arg("list", "Which section of that name is meant: the one that has these.", elements="dict",
                              suboptions=HAVING),
    "option": Arg("str", "The option's name; without it, the whole section is meant."),
    "value": Arg("str", "Its value."),
    "values": Arg("list", "Its values: a line for each.", elements="str"),
    "backup": BACKUP_ARG,
    "state": Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    "exclusive": Arg("bool", "Other lines of the option go; false: only the values given are added or removed.",
                     default=True),
    "no_extra_spaces": Arg("bool", "Write option=value without spaces.", default=False),
    "ignore_spaces": Arg("bool", "Leave a line that differs by spaces around = only.", default=False),
    "allow_no_value": Arg("bool", "Write an option without = and value.", default=False),
    "modify_inactive_option": Arg("bool", "Use a line that has the option commented out.", default=True),
    "create": Arg("bool", "Create the file when it is missing.", default=True),
    "follow": Arg("bool", "Accepted; a link is always followed.", default=False),
})
RULES = (exclusive("value", "values"),)


def check(args, host):
    values = wanted_values(args)
    if args["state"] == "present" and not values:
        raise Failed("no_value", "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.")
    edit = look(args, host, "Destination {} does not exist!", may_create=args["create"])
    before = (edit.before or b"").decode(*CODEC)
    after, msg = edited(before, args, values)
    if edit.before is None and after == before:
        return Same(msg="OK", path=args["path"])
    return decide(edit, after.encode(*CODEC), msg, {"path": args["path"]})


def apply(args, change, host):
    return finish(change, host)


def wanted_values(args):
    """The values without repetition; [None] for an option that has none."""
    given = [args["value"]] if args["value"] is not None else args["values"] or []
    if not given and args["allow_no_value"]:
        return [None]
    return [value for index, value in enumerate(given) if value not in given[:index]]


def edited(text, args, values):
    """(new text, message)."""
    bom, text = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    lines = _lines(text) or [ending]
    if not lines[-1].endswith("\n"):
        lines[-1] += ending
    having = [(each["option"], each["values"] or ([each["value"]] if each["value"] is not None else []))
              for each in args["section_has_values"] or []]
    section = ini.holding(lines, args["section"], having)
    style = ini.Style(not args["no_extra_spaces"], args["ignore_spaces"], ending)
    if args["state"] == "absent":
        after, msg = _absent(lines, section, args, values)
    elif section is None:
        after, msg = _with_section(lines, having, args, values, style)
    else:
        after, msg = _present(lines, section, args, values, style)
    return (bom + text, "OK") if after == lines else (bom + "".join(after), msg)


def _lines(text):
    """The lines with their ends; a carriage return alone ends none."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + [part for part in parts[-1:] if part]


def _absent(lines, section, args, values):
    if section is None:
        return lines, "OK"
    if args["option"] is None:
        return lines[:max(section.header, 0)] + lines[section.end:], "section removed"
    only = None if args["exclusive"] else values or None
    return ini.without_values(lines, section, args["option"], only), "option changed"


def _present(lines, section, args, values, style):
    if args["option"] is None:
        return lines, "OK"
    after, added = ini.set_values(lines, section, args["option"], values, style, args["exclusive"],
                                       args["modify_inactive_option"])
    return after, "option added" if added else "option changed"


def _with_section(lines, having, args, values, style):
    new = ["[{}]{}".format(args["section"], style.ending)]
    new += [style.line(option, value) for option, each in having for value in each or [None]]
    if args["option"] is None:
        return lines + new, "only section added"
    return lines + new + [style.line(args["option"], value) for value in values], "section and option added"
