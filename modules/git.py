"""Keeps a working tree (or a bare repository) at a version of a git repository.

    - name: The application's source
      git:
        repo: https://example.com/app.git
        dest: /srv/app
        version: v1.2

Returns ``before``, ``after`` (commit ids), ``remote_url_changed``; ``archive`` (its path) when that alone is new.
Errors: ``no_git``, ``git`` (values: rc, stdout, stderr), ``local_changes``, ``no_version``, ``untrusted``,
``bad_arguments``. A version or repo that begins with a dash is refused.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same, required_by
from modules.support.git_archive import archive_change, check_archive, put_archive
from modules.support.git_commands import SHA, Git, hidden, refuse_options

ARGS = {
    "repo": Arg("str", "URL or path of the repository.", required=True, aliases=("name",)),
    "dest": Arg("path", "The working tree's directory. Without clone it may be left out, to ask the repository only."),
    "version": Arg("str", "Branch, tag or commit id; HEAD is the repository's own default branch.", default="HEAD"),
    "remote": Arg("str", "Name of the remote.", default="origin"),
    "refspec": Arg("str", "Another refspec to fetch, for a version that is no branch nor tag."),
    "reference": Arg("str", "Local repository to borrow objects from."),
    "force": Arg("bool", "Throw local changes of tracked files away.", default=False),
    "depth": Arg("int", "Fetch only so many commits."),
    "clone": Arg("bool", "Clone it when it is not there.", default=True),
    "update": Arg("bool", "Fetch when it is there.", default=True),
    "bare": Arg("bool", "A bare repository without a working tree.", default=False),
    "recursive": Arg("bool", "Submodules as well.", default=True),
    "track_submodules": Arg("bool", "Submodules at the tip of their branch, not at the recorded commit.",
                            default=False),
    "single_branch": Arg("bool", "Fetch only the version's own history.", default=False),
    "verify_commit": Arg("bool", "The version must be signed by a key that gpg trusts.", default=False),
    "gpg_allowlist": Arg("list", "Fingerprints that may sign; any trusted one when empty.", default=[], elements="str",
                         aliases=("gpg_whitelist",)),
    "accept_hostkey": Arg("bool", "Connect to an SSH server whatever its key.", default=False),
    "accept_newhostkey": Arg("bool", "Accept the key of an SSH server that was never seen.", default=False),
    "ssh_opts": Arg("str", "Options for ssh."),
    "key_file": Arg("path", "Private key for ssh."),
    "executable": Arg("path", "The git to use."),
    "umask": Arg("raw", "Octal umask for what git writes."),
    "separate_git_dir": Arg("path", "Where the repository itself goes when it is cloned."),
    "archive": Arg("path", "Also keep the version's files in this archive: .zip, .tar, .tar.gz or .tgz."),
    "archive_prefix": Arg("str", "Put before each path in the archive; a folder ends with a slash."),
}
RULES = (required_by("archive_prefix", "archive"),)


def check(args, host):
    refuse_options(args)
    check_archive(args)
    if not args["dest"] and args["clone"]:
        raise Failed("bad_arguments", "the destination directory must be specified unless clone=no")
    git = Git(args, host)
    if not _is_repository(args):
        after = remote_head(git, args, "/")
        if not args["clone"]:
            return Same(before=None, after=after)
        return _change(None, after, data="clone")
    found = _tree_change(args, git)
    return archive_change(git, args, found) if args["archive"] and isinstance(found, Same) else found


def _tree_change(args, git):
    """What is to be done to a repository that is there: `Same` or a change."""
    before = (git.ask("rev-parse", "--verify", "HEAD", may_fail=True) or "").strip() or None
    if not args["update"]:
        return Same(before=before, after=before)
    dirty = _local_changes(git, args)
    if dirty and not args["force"]:
        said = "Local modifications exist in the destination: {} (force=no).".format(args["dest"])
        raise Failed("local_changes", said, "force: true throws them away", before=before, files=dirty[:100])
    moved = (git.ask("config", "--get", "remote.{}.url".format(args["remote"]), may_fail=True) or "").strip()
    after = remote_head(git, args, args["dest"])
    if before == after and not dirty and moved == args["repo"] and _submodules_fit(git, args):
        return Same(before=before, after=after)
    change = _change(before, after, data="update")
    if moved != args["repo"]:
        change.values["remote_url_changed"] = True
    return change


def apply(args, change, host):
    git = Git(args, host)
    if change.data == "archive":
        put_archive(git, args, change.values["after"])
        return {}
    if change.data == "clone":
        _clone(git, args, host)
    else:
        _update(git, args, change)
    if args["verify_commit"]:
        _verify(git, args)
    if not args["bare"]:
        _switch(git, args)
        if args["recursive"] and os.path.exists(os.path.join(args["dest"], ".gitmodules")):
            git.do("submodule", "sync", "--recursive")
            follow = ["--remote"] if args["track_submodules"] else []
            git.do("submodule", "update", "--init", "--recursive", "--force", *follow)
    after = git.ask("rev-parse", _bare_name(args) if args["bare"] else "HEAD").strip()
    if args["archive"]:
        put_archive(git, args, after)
    return {"after": after}


def remote_head(git, args, cwd):
    """The commit id that the version means on the remote. A commit id stands for itself, in full where it is known."""
    version = args["version"]
    refs = {}
    asked = ["HEAD"] if version == "HEAD" else ["refs/heads/" + version, "refs/tags/" + version,
                                                "refs/tags/" + version + "^{}"]
    if version.startswith("refs/"):
        asked = [version, version + "^{}"]
    for line in git.ask("ls-remote", "--", args["repo"], *asked, cwd=cwd).splitlines():
        sha, _, name = line.partition("\t")
        refs[name] = sha
    for name in (asked[0], asked[-1], asked[min(1, len(asked) - 1)]):
        if name in refs:
            return refs[name]
    if SHA.match(version) or args["refspec"]:
        known = None
        if cwd != "/":
            known = git.ask("rev-parse", "--verify", "--quiet", version + "^{commit}", may_fail=True)
        return (known or version).strip()
    if version == "HEAD":
        return None
    raise Failed("no_version", "Failed to checkout {}: {} has no such branch, tag or commit".format(
        version, hidden(args["repo"])))


def _change(before, after, data):
    return Change((before or "") + "\n", (after or "") + "\n", values={"before": before, "after": after}, data=data)


def _is_repository(args):
    return bool(args["dest"]) and os.path.exists(os.path.join(args["dest"], "HEAD" if args["bare"] else ".git"))


def _local_changes(git, args):
    """Changed tracked files; untracked ones are nobody's business."""
    if args["bare"]:
        return []
    lines = git.ask("status", "--porcelain", "--ignore-submodules").splitlines()
    return [line[3:] for line in lines if not line.startswith("??")]


def _submodules_fit(git, args):
    if args["bare"] or not args["recursive"] or not os.path.exists(os.path.join(args["dest"], ".gitmodules")):
        return True
    lines = git.ask("submodule", "status", "--recursive").splitlines()
    if not args["track_submodules"]:
        return not any(line[:1] in "-+U" for line in lines)
    return not any(line.startswith("-") or _is_behind(git, args, line.split()[1]) for line in lines)


def _is_behind(git, args, path):
    """Whether a tracked submodule is not at the tip of its branch on its remote."""
    branch = git.ask("config", "-f", ".gitmodules", "--get", "submodule.{}.branch".format(path), may_fail=True)
    cwd = os.path.join(args["dest"], path)
    tip = git.ask("ls-remote", "--", "origin", (branch or "HEAD").strip(), cwd=cwd).split("\t")[0]
    return tip != git.ask("rev-parse", "HEAD", cwd=cwd).strip()


def _clone(git, args, host):
    parent = os.path.dirname(args["dest"].rstrip("/")) or "/"
    os.makedirs(parent, exist_ok=True)
    argv = ["clone", "--origin", args["remote"]]
    argv += ["--bare"] if args["bare"] else ["--no-checkout"]
    kind = _kind(git, args, parent)
    if args["depth"] is not None and kind != "commit":
        argv += ["--depth", str(args["depth"])]
    if args["single_branch"] or args["depth"] is not None:
        argv.append("--single-branch")
    if kind in ("branch", "tag"):
        argv += ["--branch", args["version"]]
    if args["reference"]:
        argv += ["--reference", args["reference"]]
    if args["separate_git_dir"]:
        argv += ["--separate-git-dir", args["separate_git_dir"]]
    git.do(*(argv + ["--", args["repo"], args["dest"]]), cwd=parent)
    if args["bare"] and args["remote"] != "origin":
        git.do("config", "remote.{}.url".format(args["remote"]), args["repo"])
    if args["refspec"]:
        _fetch(git, args, [args["refspec"]])


def _update(git, args, change):
    if change.values.get("remote_url_changed"):
        known = git.ask("config", "--get", "remote.{}.url".format(args["remote"]), may_fail=True)
        git.do("remote", "set-url" if known else "add", args["remote"], args["repo"])
    version, remote = args["version"], args["remote"]
    local = "refs/heads/" if args["bare"] else "refs/remotes/{}/".format(remote)
    every = ["+refs/heads/*:{}*".format(local), "+refs/tags/*:refs/tags/*"]
    kind = _kind(git, args, args["dest"])
    if args["depth"] is not None or args["single_branch"]:
        only = {"branch": "+refs/heads/{0}:{1}{0}".format(version, local),
                "tag": "+refs/tags/{0}:refs/tags/{0}".format(version)}
        every = [only[kind]] if kind in only else every
    _fetch(git, args, every + ([args["refspec"]] if args["refspec"] else []))
    if version == "HEAD" and not args["bare"]:
        git.do("remote", "set-head", remote, "--auto", may_fail=True)


def _fetch(git, args, refspecs):
    depth = ["--depth", str(args["depth"])] if args["depth"] is not None else []
    git.do(*(["fetch", "--force"] + depth + ["--", args["remote"]] + refspecs))


def _kind(git, args, cwd):
    """What the version is on the remote: head (its default branch), branch, tag or commit."""
    if args["version"] == "HEAD":
        return "head"
    asked = ["refs/heads/" + args["version"], "refs/tags/" + args["version"]]
    names = {line.partition("\t")[2] for line in git.ask("ls-remote", "--", args["repo"], *asked, cwd=cwd).splitlines()}
    return "branch" if asked[0] in names else "tag" if asked[1] in names else "commit"


def _switch(git, args):
    """Check the version out: a branch stands where the remote's stands, a tag or commit is checked out by itself."""
    version, remote = args["version"], args["remote"]
    if version == "HEAD":
        head = git.ask("symbolic-ref", "--quiet", "refs/remotes/{}/HEAD".format(remote), may_fail=True)
        version = (head or "").strip().rpartition("refs/remotes/{}/".format(remote))[2]
        if not version:
            if git.ask("rev-parse", "--verify", "--quiet", "HEAD", may_fail=True) is not None:
                git.do("checkout", "--force", "HEAD", "--")
            return  # an empty repository has nothing to check out
    tracked = "refs/remotes/{}/{}".format(remote, version)
    if git.ask("rev-parse", "--verify", "--quiet", tracked, may_fail=True) is not None:
        git.do("checkout", "--force", "-B", version, tracked, "--")
        git.do("branch", "--set-upstream-to={}/{}".format(remote, version), version, may_fail=True)
        return
    if git.ask("rev-parse", "--verify", "--quiet", version + "^{commit}", may_fail=True) is None:
        # A commit that no fetched branch or tag holds; many servers hand it out when they are asked by its id.
        _fetch(git, args, [version])
    git.do("checkout", "--force", "--detach", version, "--")


def _bare_name(args):
    return args["version"] + "^{commit}"


def _verify(git, args):
    """The version's signature must be good, and by an allowed key when there is a list."""
    version = args["version"]
    tracked = "refs/remotes/{}/{}".format(args["remote"], version)
    if version == "HEAD":
        version = tracked
    is_tag = (git.ask("cat-file", "-t", "refs/tags/" + version, may_fail=True) or "").strip() == "tag"
    if git.ask("rev-parse", "--verify", "--quiet", tracked, may_fail=True) is not None:
        version = tracked
    argv = [git.tool, "verify-tag" if is_tag else "verify-commit", "--raw", version]
    done = git.host.query(argv, cwd=git.cwd, env=git.env)
    if done.rc != 0:
        raise Failed("untrusted", "Failed to verify GPG signature of commit/tag \"{}\"".format(version), rc=done.rc,
                     stderr=done.stderr)
    signers = re.findall(r"^\[GNUPG:\] VALIDSIG (\S+)(?: .* (\S+))?$", done.stderr, re.MULTILINE)
    allowed = {each.replace(" ", "").upper() for each in args["gpg_allowlist"]}
    if allowed and not any(print_of in allowed for pair in signers for print_of in pair):
        raise Failed("untrusted", "The signature of {} is by a key that gpg_allowlist does not hold".format(version))
