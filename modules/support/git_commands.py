"""Runs git so that it never asks, never takes a value for an option, and says in its own words what failed."""

import re
import shlex

from modules.api import Failed

NO_QUESTIONS = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "LC_ALL": "C", "LANGUAGE": ""}
SHA = re.compile(r"[0-9a-fA-F]{7,64}\Z")


class Git(object):
    """git in one directory. `ask` reads and works on a `Look`; `do` needs an `Act`. Both raise `Failed` (``git``)."""

    def __init__(self, args, host):
        self.host = host
        self.tool = args["executable"] or host.which("git")
        if not self.tool:
            raise Failed("no_git", "Failed to find required executable \"git\"", "Install git before this task")
        self.cwd = args["dest"]
        self.env = dict(NO_QUESTIONS)
        ssh = ssh_command(args, host.environment)
        if ssh:
            self.env["GIT_SSH_COMMAND"] = ssh
        self.umask = parsed_umask(args["umask"])

    def ask(self, *argv, **options):
        """The output of a command that only reads. ``may_fail=True`` gives None in place of a failure."""
        # Without optional locks `git status` does not write the index it has refreshed.
        done = self._ended(self.host.query, ["--no-optional-locks"] + list(argv), **options)
        return None if done is None else done.stdout

    def do(self, *argv, **options):
        """Run a command that changes something. ``cwd``: elsewhere than in the working tree."""
        return self._ended(self.host.run, argv, **options)

    def digest(self, *argv):
        """The SHA-256 of what a command that only reads prints, of any size."""
        return self._ended(self.host.query, argv).stdout_sha256

    def _ended(self, run, argv, may_fail=False, cwd=None):
        """`Completed`; None for a failure that may be."""
        done = run([self.tool] + list(argv), cwd=cwd or self.cwd, env=self.env, umask=self.umask)
        if done.rc == 0:
            return done
        if may_fail:
            return None
        said = (done.stderr or done.stdout).strip()
        name = [word for word in argv if not word.startswith("--no-optional")][0]
        raise Failed("git", "git {} failed: {}".format(name, hidden(said)), _hint(said), rc=done.rc,
                     stdout=hidden(done.stdout), stderr=hidden(done.stderr))


def refuse_options(args):
    """Refuse every value that git or ssh would take for an option (CVE-2023-39059 and its kin)."""
    for name in ("repo", "version", "remote", "refspec", "reference", "dest", "separate_git_dir"):
        value = args[name]
        if value and (str(value).startswith("-") or "\0" in value or "\n" in value):
            raise Failed("bad_arguments", "{} must not begin with a dash nor hold a line end: {!r}".format(name, value))
    if re.match(r"(\w+://)?([^@/:]*@)?-", args["repo"]) or args["repo"].startswith(("ext::", "fd::")):
        raise Failed("bad_arguments",
                     "repo must not run a command nor name a host with a dash: {!r}".format(args["repo"]))


def ssh_command(args, environment):
    """The value of GIT_SSH_COMMAND, quoted for the shell git gives it to; None to leave the user's own in force."""
    words = ["ssh", "-o", "BatchMode=yes"]
    if args["key_file"]:
        words += ["-i", args["key_file"], "-o", "IdentitiesOnly=yes"]
    if args["accept_newhostkey"]:
        words += ["-o", "StrictHostKeyChecking=accept-new"]
    elif args["accept_hostkey"]:
        words += ["-o", "StrictHostKeyChecking=no"]
    try:
        words += shlex.split(args["ssh_opts"] or "")
    except ValueError as error:
        raise Failed("bad_arguments", "ssh_opts cannot be read: {}".format(error))
    if len(words) == 3 and ("GIT_SSH" in environment or "GIT_SSH_COMMAND" in environment):
        return None
    return " ".join(shlex.quote(word) for word in words)


def parsed_umask(value):
    """``"022"`` or ``"0o022"`` as a number; None for None."""
    if value is None:
        return None
    try:
        return value if isinstance(value, int) else int(str(value).replace("0o", ""), 8)
    except ValueError:
        raise Failed("bad_arguments", "umask must be an octal number: {!r}".format(value))


def hidden(text):
    """``text`` without the passwords of URLs in it."""
    return re.sub(r"(?<=://)([^/@:\s]*):[^/@\s]*@", r"\1:********@", text)


def _hint(said):
    if "dubious ownership" in said:
        return "Run the task as the owner of the working tree (become_user), or set safe.directory"
    if "Host key verification failed" in said:
        return "Add the server's key with known_hosts, or set accept_newhostkey: true"
    if "could not read Username" in said or "terminal prompts disabled" in said:
        return "The server wants a password: use key_file, or a repo URL over SSH"
    return None
