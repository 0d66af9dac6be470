"""Keeps public keys in a user's authorized_keys.

Example::

    - name: The deployer may log in
      ansible.posix.authorized_key:
        user: deploy
        key: "{{ lookup('file', 'deploy.pub') }}"

Comments and options of other keys stay as they are. Returns ``user``, ``path``, ``keyfile``, ``key``, ``exclusive``,
``key_options``, ``state``. Errors: ``no_user``, ``bad_key``, ``not_a_folder``, ``fetch``.
"""

import os
import pwd
import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "user": Arg("str", "Whose keys.", required=True),
    "key": Arg("str", "The keys, one a line, or a URL of such a text.", required=True),
    "state": Arg("str", "Whether they are there.", default="present", choices=("present", "absent")),
    "path": Arg("path", "The file; default: ~/.ssh/authorized_keys of the user."),
    "manage_dir": Arg("bool", "Make the directory, with the right owner and mode.", default=True),
    "key_options": Arg("str", "Options in front of the key."),
    "exclusive": Arg("bool", "Remove all other keys.", default=False),
    "comment": Arg("str", "The comment, in place of the key's own."),
    "validate_certs": Arg("bool", "Check the certificate of the URL.", default=True),
    "follow": Arg("bool", "Follow a link that stands in the file's place.", default=False),
}
TYPES = ("ssh-", "ecdsa-", "sk-")
WORD = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*")+')
LIMIT_BYTES = 1024 * 1024


def check(args, host):
    entry = account(args["user"])
    path = args["path"] or os.path.join(entry.pw_dir, ".ssh", "authorized_keys")
    if args["follow"]:
        path = os.path.realpath(path)
    wanted = [described(line, args) for line in key_text(args).splitlines() if line.strip() and line.strip()[0] != "#"]
    if not wanted:
        raise Failed("bad_key", "invalid key specified: it is empty")
    before = host.read_text(path) if host.exists(path) else ""
    after = edit(before, wanted, args)
    values = {"user": args["user"], "path": args["path"], "keyfile": path, "key": args["key"], "state": args["state"],
              "exclusive": args["exclusive"], "key_options": args["key_options"], "manage_dir": args["manage_dir"],
              "comment": args["comment"], "unique": False}
    if before == after:
        return Same(**values)
    return Change(before, after, path, path, values, data=(path, entry))


def account(name):
    """The user's entry."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Failed("no_user", "Failed to lookup user {}: user does not exist".format(name))


def key_text(args):
    """The keys' text, fetched where a URL was given."""
    if not args["key"].startswith(("http://", "https://")):
        return args["key"]
    context = None
    if not args["validate_certs"]:
        import ssl
        context = ssl._create_unverified_context()
    try:
        import urllib.request  # costs 20 ms, and keys seldom come from a URL
        with urllib.request.urlopen(args["key"], timeout=30, context=context) as answer:
            return answer.read(LIMIT_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        raise Failed("fetch", "Error getting key from: {}: {}".format(args["key"], error))


def parse(line):
    """(options or None, type, key, comment) of a line, or None when it holds no key. Quotes in options are minded."""
    words = split(line.strip())
    for at in (0, 1):
        if len(words) > at + 1 and words[at].startswith(TYPES):
            return (words[0] if at else None, words[at], words[at + 1], " ".join(words[at + 2:]))
    return None


def split(line):
    """The words of a line, where spaces within double quotes do not part them."""
    return WORD.findall(line)


def described(line, args):
    """A key as it should stand, from a line of the task."""
    found = parse(line)
    if found is None:
        raise Failed("bad_key", "invalid key specified: {}".format(line.strip()[:40]))
    options, kind, key, comment = found
    return (args["key_options"] if args["key_options"] is not None else options, kind, key,
            args["comment"] if args["comment"] is not None else comment)


def written(entry):
    """The line of an entry."""
    options, kind, key, comment = entry
    return " ".join(part for part in (options, kind, key, comment) if part)


def edit(content, wanted, args):
    """The text with the keys in place, or out of it."""
    by_key = {entry[2]: entry for entry in wanted}
    lines, seen = [], set()
    for line in content.splitlines():
        found = parse(line)
        if found is None or line.lstrip().startswith("#"):
            lines.append(line)
        elif found[2] in by_key:
            if args["state"] == "present" and found[2] not in seen:
                lines.append(line if kept(found, by_key[found[2]], args) else written(by_key[found[2]]))
            seen.add(found[2])
        elif not (args["exclusive"] and args["state"] == "present"):
            lines.append(line)
    if args["state"] == "present":
        lines += [written(entry) for entry in wanted if entry[2] not in seen]
    return "".join(line + "\n" for line in lines)


def kept(found, entry, args):
    """Whether a key that is there is as it should be; a comment counts only when the task gives one."""
    options_differ = args["key_options"] is not None or entry[0] is not None
    return (not options_differ or found[0] == entry[0]) and (args["comment"] is None or found[3] == entry[3])


def apply(args, change, host):
    path, entry = change.data
    folder = os.path.dirname(path)
    if args["manage_dir"]:
        own_folder(folder, entry)
    host.write(path, change.after, mode=0o600, owner=entry.pw_uid, group=entry.pw_gid)


def own_folder(folder, entry):
    """The directory, of mode 0700 and the user's. A link in its place is refused: root would write where it leads."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise Failed("not_a_folder", "{} is not a directory: {}".format(folder, error.strerror))
    try:
        os.fchmod(fd, 0o700)
        if os.geteuid() == 0:
            os.fchown(fd, entry.pw_uid, entry.pw_gid)
    finally:
        os.close(fd)
