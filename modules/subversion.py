"""Keeps a working copy (or an export) of a Subversion repository at a revision.

Example::

    - name: The site's files, as of the newest revision
      ansible.builtin.subversion:
        repo: https://svn.example.com/site/trunk
        dest: /srv/site

Returns ``before`` and ``after``: [``Revision: N``, ``URL: …``] of the working copy. An export has no revision of its
own, so it is made anew each time, over an existing directory only with ``force``. The password goes to svn on its
standard input, which svn can since 1.10. Errors: ``no_svn``, ``old_svn``, ``svn``, ``modified``, ``not_a_copy``,
``exists``, ``bad_arguments``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "repo": Arg("str", "The URL of the repository, or of a directory in it.", required=True,
                aliases=("name", "repository")),
    "dest": Arg("path", "Where the working copy is. Needed unless checkout, update and export are all false."),
    "revision": Arg("str", "A revision's number, HEAD, or a date in braces.", default="HEAD",
                    aliases=("rev", "version")),
    "checkout": Arg("bool", "Make the working copy when there is none.", default=True),
    "update": Arg("bool", "Bring an existing working copy to the revision.", default=True),
    "switch": Arg("bool", "Bring an existing working copy to the URL, too.", default=True),
    "force": Arg("bool", "Discard what was modified in the working copy; export over what is there.", default=False),
    "in_place": Arg("bool", "Make the working copy in a directory that has files already.", default=False),
    "export": Arg("bool", "The files alone, without a working copy's own.", default=False),
    "username": Arg("str", "The name to log in by."),
    "password": Arg("str", "The password to log in by.", no_log=True),
    "validate_certs": Arg("bool", "Refuse servers whose certificate nobody vouches for.", default=False),
    "executable": Arg("path", "svn itself; default: the one in PATH."),
}
IS_MODIFIED = re.compile(r"[ACDMR!~]|.[MC]")
OF_THE_COPY = frozenset(("BASE", "COMMITTED", "PREV"))
"""Revisions that mean something in a working copy only."""


def check(args, host):
    refuse_options(args)
    svn, dest = Svn(args, host), args["dest"]
    if not dest and (args["checkout"] or args["update"] or args["export"]):
        raise Failed("bad_arguments",
                     "the destination directory must be specified unless checkout=no, update=no, and export=no")
    if args["export"]:
        if os.path.lexists(dest) and not args["force"]:
            raise Failed("exists", "{} exists already".format(dest), "Set force to export over it")
        return Change(None, "exported {} at {}".format(args["repo"], args["revision"]), data="export")
    if not dest or not os.path.lexists(dest):
        return _check_missing(args, svn)
    copy = svn.info(dest, may_fail=True)
    if copy is None and not args["in_place"]:
        raise Failed("not_a_copy", "ERROR: {} folder already exists, but its not a subversion repository.".format(dest))
    if copy is None:
        return _change(None, svn.info(args["repo"], args["revision"]), "checkout")
    return _check_copy(args, svn, copy)


def apply(args, change, host):
    svn, dest = Svn(args, host), args["dest"]
    if change.data == "export":
        svn.do("export", *(["--force"] if args["force"] else []) + ["-r", args["revision"], args["repo"], pegged(dest)])
        return {}
    if change.data == "checkout":
        forced = ["--force"] if args["in_place"] else []
        svn.do("checkout", *forced + ["-r", args["revision"], args["repo"], pegged(dest)])
    if args["force"]:
        svn.do("revert", "-R", pegged(dest))
    if change.data == "switch":
        svn.do("switch", "-r", args["revision"], args["repo"], pegged(dest))
    if change.data == "update":
        svn.do("update", "-r", args["revision"], pegged(dest))
    return {"after": svn.info(dest)}


def _check_missing(args, svn):
    """Nothing is there yet."""
    if args["checkout"]:
        return _change(None, svn.info(args["repo"], args["revision"]), "checkout")
    return Same() if args["update"] else Same(after=svn.info(args["repo"], args["revision"])[0])


def _check_copy(args, svn, copy):
    """A working copy is there, ``copy`` is what it says of itself."""
    if not args["update"]:
        return Same()
    is_modified = svn.is_modified(args["dest"])
    if is_modified and not args["force"]:
        raise Failed("modified", "ERROR: modified files exist in the repository.", "Set force to discard them")
    url = "URL: " + args["repo"].rstrip("/")
    act = "switch" if args["switch"] and copy[1] != url else "update"
    place = args["repo"] if act == "switch" else copy[1][len("URL: "):]
    wanted = svn.info(args["dest"] if args["revision"] in OF_THE_COPY else place, args["revision"])
    if wanted == copy and not is_modified:
        return Same(before=copy, after=copy)
    return _change(copy, wanted, act)


def _change(before, after, act):
    return Change("\n".join(before or []), "\n".join(after), values={"before": before, "after": after}, data=act)


class Svn(object):
    """svn, which never asks and remembers no password. `info` and `is_modified` read; `do` needs an `Act`."""

    def __init__(self, args, host):
        self.host = host
        self.tool = args["executable"] or host.which("svn")
        if not self.tool:
            raise Failed("no_svn", 'Failed to find required executable "svn"', "Install subversion before this task")
        self.options = ["--non-interactive", "--no-auth-cache"]
        if not args["validate_certs"]:
            self.options.append("--trust-server-cert")
        if args["username"]:
            self.options += ["--username", args["username"]]
        self.password = args["password"]
        if self.password:
            self.options.append("--password-from-stdin")
            self._require_stdin()

    def info(self, place, revision=None, may_fail=False):
        """[``Revision: N``, ``URL: …``] of a working copy, or of a URL at a revision."""
        target = place if "://" in place else pegged(place)
        done = self._run(self.host.query, ["info"] + (["-r", revision] if revision else []) + ["--", target])
        if done.rc != 0 and may_fail:
            return None
        lines = succeeded(done).splitlines()
        return [line for name in ("Revision: ", "URL: ") for line in lines if line.startswith(name)]

    def is_modified(self, dest):
        """Whether a versioned file differs from what was checked out."""
        done = self._run(self.host.query, ["status", "--quiet", "--ignore-externals", "--", pegged(dest)])
        return any(IS_MODIFIED.match(line) for line in succeeded(done).splitlines())

    def do(self, verb, *words):
        succeeded(self._run(self.host.run, [verb] + list(words)))

    def _run(self, run, words):
        return run([self.tool] + self.options + words, input=self.password,
                   env={"LC_ALL": "C.UTF-8", "LANGUAGE": ""})

    def _require_stdin(self):
        version = self.host.query([self.tool, "--version", "--quiet"]).stdout.strip()
        if tuple(int(word) for word in re.findall(r"\d+", version)[:2]) < (1, 10):
            raise Failed("old_svn", "svn {} takes a password as an argument only, where every user of the host can "
                         "read it".format(version), "Upgrade svn to 1.10, or use svn+ssh with a key")


def succeeded(done):
    """The output. Raises `Failed` (``svn``) with svn's own words."""
    if done.rc != 0:
        raise Failed("svn", done.stderr.strip() or done.stdout.strip(), rc=done.rc, stdout=done.stdout,
                     stderr=done.stderr)
    return done.stdout


def pegged(path):
    """The path so that an @ in it is no revision."""
    return path + "@" if "@" in path else path


def refuse_options(args):
    """Refuse what svn or ssh would take for an option of theirs."""
    for name in ("repo", "dest", "revision"):
        if args[name] and args[name].startswith("-"):
            raise Failed("bad_arguments", "{} must not begin with a dash: {!r}".format(name, args[name]))
    if re.match(r"[\w+]+://([^/@]*@)?-", args["repo"]):
        raise Failed("bad_arguments", "repo must not name a host with a dash in front: {!r}".format(args["repo"]))
