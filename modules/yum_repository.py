"""Keeps a repository of yum and dnf in its file, or away from it.

Example::

    - name: EPEL
      ansible.builtin.yum_repository:
        name: epel
        description: Extra packages
        baseurl: https://download.example.com/epel/$releasever/$basearch/
        gpgkey: https://download.example.com/RPM-GPG-KEY-EPEL
        gpgcheck: true

The section says exactly what the task says, with its options in alphabetical order; the file's other sections, and
comments between them, stay as they are. A file without sections goes. dnf's cached metadata is not touched.
Returns ``repo`` and ``state``. Errors: ``bad_arguments``, ``no_directory``, ``bad_name``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same
from modules.support.files.attributes import FILE_ARGS, plan, put

TEXTS = {
    "bandwidth": "Most bytes per second.", "cost": "Relative cost of using it; the default is 1000.",
    "deltarpm_metadata_percentage": "Up to which size delta metadata is fetched.",
    "deltarpm_percentage": "Up to which size delta packages are used.",
    "gpgcakey": "URL of the key that signs keys.", "include": "Another file to include.",
    "metadata_expire": "Seconds after which metadata is renewed.", "metalink": "URL of a metalink file.",
    "mirrorlist": "URL of a list of mirrors.", "mirrorlist_expire": "Seconds after which that list is renewed.",
    "priority": "1 to 99: lower numbers are preferred.", "proxy": "URL of a proxy, or _none_.",
    "proxy_username": "User for the proxy.", "retries": "How often to try; 0 for ever.",
    "throttle": "Limit of bandwidth, as 10k or 10%.", "timeout": "Seconds to wait for a connection.",
    "ui_repoid_vars": "Variables to show with the repository's name.", "username": "User for the server.",
}
SWITCHES = {
    "async": "Fetch in parallel.", "countme": "Let the vendor count this host.", "enabled": "Whether dnf uses it.",
    "enablegroups": "Use its groups of packages.", "gpgcheck": "Check the signatures of packages.",
    "keepalive": "Keep connections open.", "module_hotfixes": "Offer packages in spite of module filtering.",
    "protect": "Protect its packages from updates of others.", "repo_gpgcheck": "Check the signature of its metadata.",
    "s3_enabled": "It is a bucket of S3.", "skip_if_unavailable": "Go on without it when it does not answer.",
    "ssl_check_cert_permissions": "Check the permissions of certificates.",
}
LISTS = {
    "baseurl": "Where it is.", "exclude": "Packages to leave alone.", "gpgkey": "URLs of its keys.",
    "includepkgs": "The only packages to take from it.",
}
BY_SPACE = ("exclude", "includepkgs")
"""Lists that stand in one line; the others have a line for each part."""

OPTIONS = {name: Arg("str", text) for name, text in TEXTS.items()}
OPTIONS.update((name, Arg("bool", text)) for name, text in SWITCHES.items())
OPTIONS.update((name, Arg("list", text, elements="str")) for name, text in LISTS.items())
OPTIONS["exclude"].aliases = ("excludepkgs",)
OPTIONS.update(
    failovermethod=Arg("str", "In which order several URLs are tried.", choices=("roundrobin", "priority")),
    http_caching=Arg("str", "What caches may keep.", choices=("all", "packages", "none")),
    ip_resolve=Arg("str", "Which addresses to use.", choices=("4", "6", "IPv4", "IPv6", "whatever")),
    keepcache=Arg("str", "Keep packages after they are installed.", choices=("0", "1")),
    metadata_expire_filter=Arg("str", "For which commands metadata may be old.",
                               choices=("never", "read-only:past", "read-only:present", "read-only:future")),
    password=Arg("str", "Password for the server.", no_log=True),
    proxy_password=Arg("str", "Password for the proxy.", no_log=True),
    sslcacert=Arg("str", "File of the CAs to trust.", aliases=("ca_cert",)),
    sslclientcert=Arg("str", "File of the client's certificate.", aliases=("client_cert",)),
    sslclientkey=Arg("str", "File of the client's key.", aliases=("client_key",)),
    sslverify=Arg("bool", "Check the server's certificate.", aliases=("validate_certs",)),
)
ARGS = dict(
    FILE_ARGS,
    name=Arg("str", "The repository's id: the section's name.", required=True),
    description=Arg("str", "Its name for people; needed when present."),
    file=Arg("str", "The file's name without .repo; by default the id."),
    reposdir=Arg("path", "The folder of the files.", default="/etc/yum.repos.d"),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    **OPTIONS
)


def check(args, host):
    require(args)
    path = os.path.join(args["reposdir"], (args["file"] or args["name"]) + ".repo")
    before = host.read_text(path) if os.path.exists(path) else ""
    wanted = options(args) if args["state"] == "present" else None
    after = edited(before, args["name"], wanted)
    planned = plan(path, args, host) if wanted is not None else None
    values = {"repo": args["name"], "state": args["state"]}
    if before == after and not (planned and planned.changed):
        return Same(**values)
    return Change(before, after, path, path, values, data=(path, after, planned))


def apply(args, change, host):
    path, after, planned = change.data
    if planned is None and not has_sections(after):
        os.unlink(path)
        return
    if change.before != after:
        mode = planned.mode if planned else None
        host.write(path, after, mode=mode if mode is not None else (None if os.path.exists(path) else 0o644))
    if planned is not None:
        put(path, planned, host, created=True)


def require(args):
    """`Failed` for what is missing, in Ansible's words."""
    if re.search(r"[\[\]\n/]", args["name"]) or "/" in (args["file"] or ""):
        raise Failed("bad_name", "neither name nor file may have slashes, brackets or line ends")
    if args["state"] == "absent":
        return
    if not (args["baseurl"] or args["mirrorlist"] or args["metalink"]):
        raise Failed("bad_arguments",
                     "state is present but any of the following are missing: baseurl, mirrorlist, metalink")
    if args["description"] is None:
        raise Failed("bad_arguments", "state is present but all of the following are missing: description")
    if not os.path.isdir(args["reposdir"]):
        raise Failed("no_directory", "Repo directory '{}' does not exist.".format(args["reposdir"]))


def options(args):
    """option -> value of the section, as its lines."""
    found = {"name": [args["description"]]}
    for name in OPTIONS:
        value = args[name]
        if value is None:
            continue
        if isinstance(value, bool):
            value = "1" if value else "0"
        if isinstance(value, list):
            value = " ".join(value) if name in BY_SPACE else "\n".join(value)
        found[name] = [line.strip() for line in value.split("\n") if line.strip()]
    return found


def edited(content, name, wanted):
    """The file's text with the section as wanted (None: without it). A section that says the same stays untouched."""
    parts = sections(content)
    found = [index for index, part in enumerate(parts) if re.match(r"\[{}\]".format(re.escape(name)), part)]
    if wanted is not None and len(found) == 1 and parsed(parts[found[0]]) == wanted:
        return content
    fresh = None if wanted is None else rendered(name, wanted)
    for index in found[1:]:
        parts[index] = ""
    if found:
        parts[found[0]] = fresh or ""
    elif fresh:
        end = content if not content or content.endswith("\n\n") else content.rstrip("\n") + "\n\n"
        return end + fresh
    return "".join(parts)


def sections(content):
    """The text cut before each section's name; the first part is what stands above them."""
    starts = [match.start() for match in re.finditer(r"(?m)^\[", content)]
    return [content[begin:end] for begin, end in zip([0] + starts, starts + [len(content)])]


def has_sections(content):
    return re.search(r"(?m)^\[", content) is not None


def parsed(section):
    """option -> lines of its value, of one section's text."""
    found, last = {}, None
    for line in section.splitlines()[1:]:
        if line[:1] in (" ", "\t") and last and line.strip():
            found[last].append(line.strip())
            continue
        match = re.match(r"([^#;=:\s][^=:]*?)\s*[=:]\s*(.*)$", line)
        if match:
            last = match.group(1)
            found[last] = [match.group(2).strip()] if match.group(2).strip() else []
    return found


def rendered(name, wanted):
    """The section's text."""
    lines = ["{} = {}".format(option, "\n\t".join(wanted[option])) for option in sorted(wanted)]
    return "[{}]\n{}\n\n".format(name, "\n".join(lines))
