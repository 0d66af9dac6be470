"""Keeps a user and password in a file for basic authentication, or the user away.

Example::

    - name: Jane may look at the statistics
      community.general.htpasswd:
        path: /etc/nginx/passwords
        name: jane
        password: "{{ jane_password }}"
        owner: root
        group: www-data
        mode: "0640"

A password that already matches stays as it is, in whatever scheme. Hashes are made and compared by `openssl passwd`,
which is given the password on its stdin; no diff shows them.
Returns ``msg``. Errors: ``no_path``, ``is_directory``, ``no_openssl``, ``hash_failed``, ``bad_name``.
"""

import base64
import hashlib
import hmac

from modules.api import Arg, Change, Failed, Same, required_if
from modules.support.text.editing import PATH_ARG, TEXT_ARGS, decide, encoded, finish, look, split_lines

SCHEMES = {"apr_md5_crypt": "-apr1", "md5_crypt": "-1", "sha256_crypt": "-5", "sha512_crypt": "-6"}
MARKS = {"$apr1$": "-apr1", "$1$": "-1", "$5$": "-5", "$6$": "-6"}
ARGS = {name: arg for name, arg in TEXT_ARGS.items() if name not in ("backup", "validate")}
ARGS.update({
    "path": Arg("path", PATH_ARG.help, required=True, aliases=("dest", "destfile")),
    "name": Arg("str", "The user.", required=True, aliases=("username",)),
    "password": Arg("str", "Its password.", no_log=True),
    "hash_scheme": Arg("str", "How a new password is stored.", default="apr_md5_crypt", aliases=("crypt_scheme",),
                       choices=tuple(sorted(SCHEMES)) + ("ldap_sha1", "plaintext")),
    "state": Arg("str", "Whether the user is there.", default="present", choices=("present", "absent")),
    "create": Arg("bool", "Create the file when it is missing.", default=True),
})
RULES = (required_if("state", "present", "password"),)


def check(args, host):
    name, present = args["name"], args["state"] == "present"
    if ":" in name or "\n" in name:
        raise Failed("bad_name", "a user's name can hold no colon and no line end")
    if not present and not host.exists(args["path"]):
        return Same(msg="{} not present".format(name))
    edit = look(args, host, "Destination {} does not exist", may_create=args["create"] and present)
    before = edit.before or b""
    stored = hash_of(before, name)
    if not present:
        after, msg = without(before, name), "Remove {}".format(name) if stored is not None else \
            "{} not present".format(name)
    elif stored is not None and matches(stored, args["password"], host):
        after, msg = before, "{} already present".format(name)
    else:
        after = with_hash(before, name, hashed(args["password"], args["hash_scheme"], host))
        msg = "Add/update {}".format(name) if edit.before is not None else \
            "Created {} and added {}".format(args["path"], name)
    change = decide(edit, after, msg)
    if isinstance(change, Change):
        change.diff = []
    return change


def apply(args, change, host):
    return finish(change, host)


def hash_of(data, name):
    """What the file holds for the user, or None."""
    start = encoded(name) + b":"
    found = [line for line in split_lines(data) if line.startswith(start)]
    return found[0][len(start):].strip().decode("utf-8", "surrogateescape") if found else None


def without(data, name):
    start = encoded(name) + b":"
    return b"".join(line for line in split_lines(data) if not line.startswith(start))


def with_hash(data, name, stored):
    """The file with the user's line in its place, or at the end."""
    new, start = encoded("{}:{}\n".format(name, stored)), encoded(name) + b":"
    lines = split_lines(data)
    if not any(line.startswith(start) for line in lines):
        return data + (b"" if not data or data.endswith(b"\n") else b"\n") + new
    return b"".join(new if line.startswith(start) else line for line in lines)


def matches(stored, password, host):
    """Whether a stored value is this password's."""
    for mark, option in MARKS.items():
        if stored.startswith(mark):
            parts = stored.split("$")
            salt = "$".join(parts[2:-1])  # with rounds=N, where they are given
            return _same(stored, _openssl([option, "-salt", salt], password, host))
    if stored.startswith("{SHA}"):
        return _same(stored, hashed(password, "ldap_sha1", host))
    return _same(stored, password)


def hashed(password, scheme, host):
    if scheme == "plaintext":
        return password
    if scheme == "ldap_sha1":
        return "{SHA}" + base64.b64encode(hashlib.sha1(encoded(password)).digest()).decode()
    return _openssl([SCHEMES[scheme]], password, host)


def _same(one, other):
    return hmac.compare_digest(encoded(one), encoded(other))


def _openssl(options, password, host):
    if not host.which("openssl"):
        raise Failed("no_openssl", "openssl makes the hashes, and is not here", "install the package openssl")
    done = host.query(["openssl", "passwd"] + options + ["-stdin"], input=encoded(password) + b"\n")
    if done.rc != 0:
        raise Failed("hash_failed", "openssl passwd failed: {}".format(done.stderr.strip()), rc=done.rc)
    return done.stdout.strip()
