"""Keeps locales generated, on Debian and its kin.

Example::

    - name: Germans and Swiss can read their dates
      community.general.locale_gen:
        name: [de_DE.UTF-8, de_CH.UTF-8]

Edits /etc/locale.gen and runs locale-gen. Returns ``mechanism`` (glibc). Errors: ``no_locales``, ``unknown_locale``,
``locale_gen_failed``.
"""

import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "name": Arg("list", "The locales, as en_GB.UTF-8.", required=True, elements="str"),
    "state": Arg("str", "Whether they are generated.", default="present", choices=("absent", "present")),
}
FILE, SUPPORTED = "/etc/locale.gen", "/usr/share/i18n/SUPPORTED"
LINE = re.compile(r"\s*(#?)\s*([A-Za-z][\w@.-]*)[ \t]+([A-Z0-9][\w-]*)\s*\Z")


def check(args, host):
    if not host.exists(FILE):
        raise Failed("no_locales", "{} is missing. Is the package \"locales\" installed?".format(FILE))
    before = host.read_text(FILE)
    charsets = available(before + (host.read_text(SUPPORTED) if host.exists(SUPPORTED) else ""))
    unknown = [name for name in args["name"] if name not in charsets]
    if unknown and args["state"] == "present":
        raise Failed("unknown_locale", "The locales you have entered are not available on your system: {}".format(
            ", ".join(unknown)))
    after = edit(before, {name: charsets.get(name) for name in args["name"]}, args["state"] == "present")
    there = generated(host)
    stale = [name for name in args["name"] if (normal(name) in there) != (args["state"] == "present")]
    if before == after and not stale:
        return Same(mechanism="glibc")
    return Change(before, after, FILE, FILE, values={"mechanism": "glibc"})


def apply(args, change, host):
    if change.before != change.after:
        host.write(FILE, change.after)
    done = host.run(["locale-gen"], env={"LC_ALL": "C"})
    if done.rc != 0:
        raise Failed("locale_gen_failed", "locale-gen failed: {}".format(done.stderr.strip() or done.stdout.strip()),
                     rc=done.rc)


def available(text):
    """locale -> character set, of every line that names one, commented out or not."""
    matches = (LINE.match(line) for line in text.splitlines())
    return {match.group(2): match.group(3) for match in matches if match}


def edit(text, locales, present):
    """The text in which these locales are to be generated, or not; other lines stay."""
    lines, missing = [], dict(locales)
    for line in text.splitlines(True):
        match = LINE.match(line)
        if match and match.group(2) in locales:
            missing.pop(match.group(2), None)
            if bool(match.group(1)) == present:
                line = "{}{} {}\n".format("" if present else "# ", match.group(2), match.group(3))
        lines.append(line)
    new = ["{} {}\n".format(name, charset) for name, charset in missing.items()] if present else []
    return "".join(lines) + ("\n" if new and lines and not lines[-1].endswith("\n") else "") + "".join(new)


def generated(host):
    """What the C library has, normalised."""
    return {normal(line) for line in host.query(["locale", "-a"], env={"LC_ALL": "C"}).stdout.split()}


def normal(name):
    """A name as ``locale -a`` writes it: the character set in lower case without dashes."""
    match = re.match(r"([^.@]+)(?:\.([^@]+))?(@.*)?\Z", name)
    charset = re.sub(r"[^a-z0-9]", "", (match.group(2) or "").lower()) if match else ""
    return name if not match else match.group(1) + ("." + charset if charset else "") + (match.group(3) or "")
