"""Rules in the text of a PAM service file (pam.d(5)): finding and changing them. Pure; other lines stay as they are."""

import re

RULE = re.compile(r"(?P<type>-?(?:account|auth|password|session))\s+(?P<control>\[[^\]]*\]|\S+)\s+(?P<path>\S+)"
                  r"(?:\s+(?P<args>.*?))?\s*\Z", re.DOTALL)
WORD = re.compile(r"\[(?:[^\]\\]|\\.)*\]|\S+")


class Rule(object):
    """One rule: type, control, module path, and its arguments as a list."""

    def __init__(self, type, control, path, args=()):
        self.type = type
        self.control = control
        self.path = path
        self.args = list(args)

    @property
    def key(self):
        return self.type, " ".join(self.control.split()), self.path

    def line(self):
        text = "{: <11}{} {} {}".format(self.type, self.control, self.path, " ".join(self.args))
        return text.rstrip() + "\n"


def parse(text):
    """The file as a list of text lines and `Rule`s with what they were written as: [(rule or None, text)]."""
    found = []
    for line in re.findall(r"(?:[^\n]*\\\n)*[^\n]*\n|[^\n]+\Z", text):
        match = RULE.match(line.replace("\\\n", " ").strip()) if not line.lstrip().startswith("#") else None
        rule = Rule(match.group("type"), match.group("control"), match.group("path"),
                    WORD.findall(match.group("args") or "")) if match else None
        found.append((rule, line))
    return found


def change(text, key, alter):
    """(new text, how many rules changed): ``alter(rule)`` gives the new rule, the same one, or None to remove it."""
    lines, count = [], 0
    for rule, line in parse(text):
        new = alter(rule) if rule and rule.key == key else rule
        if rule and rule.key == key and (new is None or new.line() != rule.line()):
            count += 1
            line = "" if new is None else new.line()
        lines.append(line)
    return "".join(lines), count


def insert(text, key, new, before):
    """(new text, count) with ``new`` before (or after) each rule of that key, unless it stands there already."""
    entries = parse(text)
    rules = [index for index, (rule, _) in enumerate(entries) if rule]
    count, added = 0, {}
    for place, index in enumerate(rules):
        if entries[index][0].key != key:
            continue
        beside = place - 1 if before else place + 1
        neighbour = entries[rules[beside]][0] if 0 <= beside < len(rules) else None
        if neighbour is not None and neighbour.key == new.key:
            if neighbour.args == new.args:
                continue
            added[rules[beside]] = (None, new.line())
        else:
            added[index] = (before, new.line())
        count += 1
    lines = []
    for index, (_, line) in enumerate(entries):
        where, text = added.get(index, (0, None))
        own = line if line.endswith("\n") else line + "\n"
        lines.append(line if text is None else text if where is None else text + own if where else own + text)
    return "".join(lines), count


def with_args(have, wanted):
    """Arguments with those wanted in them: ``name=value`` replaces another value of its name."""
    args = list(have)
    for word in wanted:
        name, equals, _ = word.partition("=")
        same = [index for index, old in enumerate(args) if equals and old.partition("=")[0] == name and "=" in old]
        if word in args:
            continue
        if same:
            args[same[0]] = word
        else:
            args.append(word)
    return args
