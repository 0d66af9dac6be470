"""Options and sections in the lines of an INI file: pure functions. What is not asked about stays byte for byte."""

import re

HEADER = re.compile(r"\[(.+?)\]")


class Section(object):
    """Where a section lies in a list of lines: its header (-1: the top of the file), and its lines [start, end)."""

    def __init__(self, header, start, end):
        self.header = header
        self.start = start
        self.end = end


class Style(object):
    """How lines are written: ``separator`` between option and value, ``ending``; ``lenient``: spaces do not matter."""

    def __init__(self, spaces=True, lenient=False, ending="\n"):
        self.separator = " = " if spaces else "="
        self.lenient = lenient
        self.ending = ending

    def line(self, option, value):
        """The line that sets an option; None: one without a value."""
        return option + ("" if value is None else self.separator + value) + self.ending


def sections(lines, name):
    """The `Section` of each block of that name, in order; None: what comes before the first header."""
    headers = [index for index, line in enumerate(lines) if HEADER.match(line)]
    if name is None:
        return [Section(-1, 0, headers[0] if headers else len(lines))]
    ends = headers[1:] + [len(lines)]
    return [Section(index, index + 1, end) for index, end in zip(headers, ends)
            if HEADER.match(lines[index]).group(1) == name]


def holding(lines, name, having):
    """The first section of that name that has all of ``having``, [(option, values)]; None when there is none."""
    for section in sections(lines, name):
        if all(_has(lines[section.start:section.end], option, values) for option, values in having):
            return section
    return None


def set_values(lines, section, option, values, style, exclusive=True, inactive=True):
    """(new lines, whether a line was added). Lines that commented the option out are used up when ``inactive``."""
    left, place, lines = list(values), [], list(lines)
    for index in range(section.start, section.end):
        now = parse(lines[index], option)
        if now is None or not (now.active or inactive):
            continue
        if now.value in left:
            left.remove(now.value)
            if not (style.lenient and now.active):
                lines[index] = style.line(option, now.value)
        elif exclusive:
            place.append(index)
    for index in place:
        lines[index] = style.line(option, left.pop(0)) if left else None
    end = _after_last(lines, section)
    lines[end:end] = [style.line(option, value) for value in left]
    return [line for line in lines if line is not None], bool(left)


def without_values(lines, section, option, values=None):
    """The lines without the option; with ``values``, without those that set one of them. Comments stay."""
    kept = []
    for index, line in enumerate(lines):
        now = parse(line, option) if section.start <= index < section.end else None
        if now is None or not now.active or (values is not None and now.value not in values):
            kept.append(line)
    return kept


class Setting(object):
    """What a line says of an option: ``value`` (None without ``=``), and whether it is active or a comment."""

    def __init__(self, value, active):
        self.value = value
        self.active = active


def parse(line, option):
    """The `Setting` of this option in a line, or None."""
    match = re.match(r"[ \t]*([#;]?)[ \t]*{}[ \t]*(?:(=)[ \t]*(.*?))?[ \t]*\Z".format(re.escape(option)),
                     line.rstrip("\r\n"))
    return Setting(match.group(3) if match.group(2) else None, not match.group(1)) if match else None


def _has(lines, option, values):
    found = [setting.value for setting in (parse(line, option) for line in lines) if setting and setting.active]
    return bool(found) if not values else all(value in found for value in values)


def _after_last(lines, section):
    """Where a new option goes: behind the section's last line that is neither blank nor a comment."""
    for index in range(section.end - 1, section.start - 1, -1):
        line = lines[index]
        if line is not None and line.strip() and line.strip()[0] not in "#;":
            return index + 1
    return section.start
