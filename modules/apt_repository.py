"""Keeps a repository among apt's sources, or away from them.

Example::

    - name: The vendor's packages
      ansible.builtin.apt_repository:
        repo: deb [signed-by=/etc/apt/keyrings/vendor.asc] https://packages.example.com/debian bookworm main
        filename: vendor

A source that any file has already is no change; one that is commented out is put to use again; all other lines stay
as they are. Where a PPA is added, its key comes too. When apt cannot fetch the new lists, the files are put back.
Returns ``repo``, ``state``, ``sources_added`` and ``sources_removed`` (files that came and went).
Errors: ``no_repo``, ``bad_repo``, ``cache``, ``no_ppa``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same
from modules.support.apt import cache as apt_cache
from modules.support.apt import sources_list
from modules.support.files.mode import parse_mode

ARGS = {
    "repo": Arg("str", "The source, as a line of sources.list has it; or ppa:OWNER/NAME.", required=True),
    "state": Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    "filename": Arg("str", "Name of the file in sources.list.d, without .list; by default made from the URI."),
    "mode": Arg("mode", "Permissions of a new file."),
    "codename": Arg("str", "The release whose packages a PPA offers; by default this host's."),
    "update_cache": Arg("bool", "Renew apt's lists after a change.", default=True, aliases=("update-cache",)),
    "update_cache_retries": Arg("int", "How often to try renewing the lists.", default=5),
    "update_cache_retry_max_delay": Arg("int", "Most seconds between two tries.", default=12),
    "validate_certs": Arg("bool", "Check the certificate of the server that has a PPA's key.", default=True),
    "install_python_apt": Arg("bool", "Has no effect: nothing is needed.", default=True),
}
LOCK_TIMEOUT_S = 60


def check(args, host):
    if not (args["repo"] or "").strip():
        raise Failed("no_repo", "Please set argument 'repo' to a non-empty value")
    source, filename = wanted(args, host)
    files = sources_list.read(host)
    if args["state"] == "present":
        after = sources_list.added(files, source, sources_list.path_for(filename, source))
    else:
        after = sources_list.removed(files, source)
    values = {"repo": args["repo"], "state": args["state"],
              "sources_added": sorted(path for path in after if path not in files),
              "sources_removed": sorted(path for path, text in after.items() if text is None)}
    if not after:
        return Same(**values)
    before = {path: files.get(path) for path in after}
    return Change(values=values, data=(before, after), diff=[side_by_side(path, before[path], after[path])
                                                            for path in sorted(after)])


def apply(args, change, host):
    before, after = change.data
    mode = parse_mode(args["mode"] if args["mode"] is not None else "0644", 0o644, False)
    if args["repo"].startswith("ppa:") and args["state"] == "present":
        from modules.support.apt import ppa as apt_ppa  # it needs urllib, which is slow to import
        apt_ppa.install_key(args["repo"], args["validate_certs"], host)
    put(after, mode, host)
    if args["update_cache"]:
        try:
            apt_cache.update(dict(args, lock_timeout=LOCK_TIMEOUT_S), host)
        except Failed:
            put(before, mode, host)
            raise


def wanted(args, host):
    """(source, file name) that the task means."""
    repo = args["repo"].strip()
    if not repo.startswith("ppa:"):
        return sources_list.valid(repo), args["filename"]
    owner, _, name = repo[len("ppa:"):].partition("/")
    name = name or "ppa"
    codename = args["codename"] or release(host)
    source = "deb https://ppa.launchpadcontent.net/{}/{}/ubuntu {} main".format(owner, name, codename)
    return sources_list.valid(source), args["filename"] or re.sub(
        r"[^a-zA-Z0-9]+", "_", "ppa_{}_{}_{}".format(owner, name, codename))


def release(host):
    """This host's codename, from os-release."""
    for line in host.read_text("/etc/os-release").splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip().strip('"')
    raise Failed("no_codename", "the release's codename is not known on this host", "set codename")


def put(files, mode, host):
    """Each file as it should be; None: away. A new one gets ``mode``."""
    for path, text in files.items():
        if text is not None:
            # Through a link: a package may keep its sources elsewhere.
            host.write(os.path.realpath(path), text, mode=None if os.path.exists(path) else mode)
        elif os.path.lexists(path):
            os.unlink(path)


def side_by_side(path, before, after):
    """One file's part of the diff."""
    return {"before": before or "", "after": after or "",
            "before_header": "/dev/null" if before is None else path,
            "after_header": "/dev/null" if after is None else path}
