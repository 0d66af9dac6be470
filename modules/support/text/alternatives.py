"""What update-alternatives says of a name: Debian's ``--query`` and Red Hat's ``--display``, read. Pure."""

import re


class Choice(object):
    """One alternative: ``priority``, ``family`` (Red Hat), ``subcommands`` (name -> path)."""

    __slots__ = ("priority", "family", "subcommands")

    def __init__(self, priority=0, family=None):
        self.priority = priority
        self.family = family
        self.subcommands = {}


class Group(object):
    """A name: its ``link``, ``mode`` (auto, manual, or None when unknown), ``value`` (the path it means now),
    ``links`` (name of a follower -> its link) and ``choices`` (path -> `Choice`)."""

    __slots__ = ("link", "mode", "value", "links", "choices")

    def __init__(self):
        self.link = self.mode = self.value = None
        self.links = {}
        self.choices = {}


def parse_query(output):
    """Of ``--query``: fields and values, an empty line between the name itself and each alternative."""
    group, choice = Group(), None
    for line in output.splitlines():
        if line.startswith(" "):
            name, _, path = line.strip().partition(" ")
            (group.links if choice is None else choice.subcommands)[name] = path.strip()
            continue
        field, _, value = line.partition(":")
        value = value.strip()
        if field == "Alternative":
            choice = group.choices[value] = Choice()
        elif field == "Priority" and choice is not None:
            choice.priority = int(value)
        elif field == "Link":
            group.link = value
        elif field == "Status":
            group.mode = value
        elif field == "Value" and value != "none":
            group.value = value
    return group


def parse_display(output):
    """Of Red Hat's ``--display``, in which followers are called slave or follower."""
    group, choice = Group(), None
    for line in output.splitlines():
        status = re.match(r"\S+ - (?:status is )?(auto|manual)", line)
        entry = re.match(r"(/\S+) - (?:family (\S+) )?priority (-?\d+)", line)
        follower = re.match(r" (?:slave|follower) (\S+): (\S+)", line)
        if status and not entry:
            group.mode = status.group(1)
        elif entry:
            choice = group.choices[entry.group(1)] = Choice(int(entry.group(3)), entry.group(2))
        elif follower and choice is not None and follower.group(2) != "(null)":
            choice.subcommands[follower.group(1)] = follower.group(2)
        elif line.startswith(" link currently points to "):
            group.value = line[len(" link currently points to "):].strip()
    return group
