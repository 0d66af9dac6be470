"""Keeps a program among the alternatives for a name (update-alternatives), chosen, automatic, or away from them.

Example::

    - name: vim is the editor
      community.general.alternatives:
        name: editor
        path: /usr/bin/vim.basic

``state: selected`` (the default) and ``auto`` also add the alternative where it is missing; then ``link`` is needed,
unless the host knows the name. The diff shows what changes. Errors: ``no_alternatives``, ``no_path``, ``no_link``,
``alternatives_failed``.
"""

import os

from modules.api import Arg, Change, Failed, Same, one_of
from modules.support.text import alternatives as alternatives_text

FALLBACK_PRIORITY = 50
SUBCOMMAND = {
    "name": Arg("str", "Name of the one that follows.", required=True),
    "path": Arg("path", "What it means for this alternative.", required=True),
    "link": Arg("path", "The link that stands for it.", required=True),
}
ARGS = {
    "name": Arg("str", "The generic name, such as editor or java.", required=True),
    "path": Arg("path", "The program that the name means."),
    "link": Arg("path", "The link that stands for the name, such as /usr/bin/java."),
    "priority": Arg("int", "The higher, the sooner it is chosen by itself; 50 for a new one."),
    "state": Arg("str", "Whether it is there, chosen, or chosen by priority.", default="selected",
                 choices=("present", "absent", "selected", "auto")),
    "subcommands": Arg("list", "Names that follow this choice, such as manual pages.", elements="dict",
                       suboptions=SUBCOMMAND, aliases=("slaves",)),
    "family": Arg("str", "On Red Hat: choose the alternative of this family."),
}
RULES = (one_of("path", "family"),)
ENV = {"LC_ALL": "C"}


def check(args, host):
    group = known(args["name"], host)
    path = args["path"] or of_family(args, group)
    entry = group.choices.get(path)
    if args["state"] == "absent":
        commands = [["--remove", args["name"], path]] if entry else []
    else:
        commands = to_install(args, path, group, entry) + to_choose(args, path, group, entry)
    if not commands:
        return Same()
    before = {"path": group.value, "mode": group.mode, "choices": sorted(group.choices)}
    after = dict(before, choices=sorted(set(group.choices) | {path}))
    if args["state"] == "absent":
        after["choices"] = sorted(set(group.choices) - {path})
    elif args["state"] == "auto":
        after["mode"] = "auto"
    elif args["state"] == "selected":
        after.update(path=path, mode="manual")
    if entry and after == before:
        before.update(priority=entry.priority, subcommands=entry.subcommands)
        after.update(priority=priority(args, entry), subcommands=followers(args, entry))
    return Change(before, after, data=commands)


def apply(args, change, host):
    for words in change.data:
        done = host.run([program(host)] + words, env=ENV)
        if done.rc != 0:
            raise Failed("alternatives_failed", (done.stderr or done.stdout).strip(), rc=done.rc)


def program(host):
    for name in ("update-alternatives", "alternatives"):
        if host.which(name):
            return name
    raise Failed("no_alternatives", "there is no update-alternatives on this host")


def known(name, host):
    """The name's `alternatives_text.Group`; an empty one when the host does not know it."""
    asked = host.query([program(host), "--query", name], env=ENV)
    if asked.rc == 0 and asked.stdout.startswith("Name:"):
        return alternatives_text.parse_query(asked.stdout)
    # Red Hat's program has no --query.
    return alternatives_text.parse_display(host.query([program(host), "--display", name], env=ENV).stdout)


def of_family(args, group):
    """The path of the alternative of a family. `Failed` when there is none."""
    for path, entry in sorted(group.choices.items()):
        if entry.family == args["family"]:
            return path
    raise Failed("no_path", "{} has no alternative of the family {}".format(args["name"], args["family"]))


def to_install(args, path, group, entry):
    """The words that add the alternative or give it its priority and followers; none when it is as it should be."""
    if entry and priority(args, entry) == entry.priority and followers(args, entry) == entry.subcommands:
        return []
    link = args["link"] or group.link
    if not link:
        raise Failed("no_link", "Needed to install the alternative, but unable to do so as we are missing the link",
                     "set link: this host does not know the name {}".format(args["name"]))
    if not os.path.exists(path):
        raise Failed("no_path", "Specified path {} does not exist".format(path))
    words = ["--install", link, args["name"], path, str(priority(args, entry))]
    for name, target in sorted(followers(args, entry).items()):
        words += ["--slave", links(args, group)[name], name, target]
    return [words]


def to_choose(args, path, group, entry):
    """The words that choose it, or let priorities choose."""
    if args["state"] == "selected" and group.value != path:
        return [["--set", args["name"], path]]
    if args["state"] == "auto" and group.mode != "auto" and group.choices:
        return [["--auto", args["name"]]]
    return []


def priority(args, entry):
    if args["priority"] is not None:
        return args["priority"]
    return entry.priority if entry else FALLBACK_PRIORITY


def followers(args, entry):
    """name -> path of what follows; what the task does not say stays."""
    if args["subcommands"] is None:
        return entry.subcommands if entry else {}
    return {each["name"]: each["path"] for each in args["subcommands"]}


def links(args, group):
    """name -> link of what follows."""
    found = dict(group.links)
    found.update((each["name"], each["link"]) for each in args["subcommands"] or ())
    return found
