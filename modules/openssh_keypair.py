"""Keeps an OpenSSH key pair: a private key of the type and size asked for, and the public key that belongs to it.

Example::

    - name: The host has an RSA key of 4096 bits
      community.crypto.openssh_keypair:
        path: /etc/ssh/ssh_host_rsa_key
        type: rsa
        size: 4096

Made by ssh-keygen, without a passphrase; an existing key that has one cannot be looked into. Returns ``filename``,
``type``, ``size``, ``fingerprint``, ``public_key``, ``comment``.
Errors: ``no_ssh_keygen``, ``no_directory``, ``not_a_file``, ``unreadable``, ``differs``, ``ssh_key``.
"""

import os

from modules.api import Arg, Change, Failed, Same
from modules.support.files.attributes import FILE_ARGS, plan, put

ARGS = dict({
    "path": Arg("path", "The private key; the public one gets the same name and .pub.", required=True),
    "state": Arg("str", "present or absent.", default="present", choices=("present", "absent")),
    "type": Arg("str", "The algorithm.", default="rsa", choices=("rsa", "dsa", "rsa1", "ecdsa", "ed25519")),
    "size": Arg("int", "Bits; default: 4096 for rsa, 1024 for dsa, 256 for ecdsa; ed25519 has one size."),
    "comment": Arg("str", "The public key's comment."),
    "force": Arg("bool", "Make a new pair even where one is as asked for.", default=False),
    "regenerate": Arg("str", "When a new pair is made: never, fail (say so instead), partial_idempotence (it differs), "
                      "full_idempotence (or cannot be read), always.", default="partial_idempotence",
                      choices=("never", "fail", "partial_idempotence", "full_idempotence", "always")),
}, **FILE_ARGS)
SIZES = {"rsa": 4096, "rsa1": 4096, "dsa": 1024, "ecdsa": 256, "ed25519": 256}


def check(args, host):
    path = args["path"]
    if not host.which("ssh-keygen"):
        raise Failed("no_ssh_keygen", "there is no ssh-keygen on this host", "install the package openssh-client")
    if os.path.lexists(path) and not os.path.isfile(path):
        raise Failed("not_a_file", "{} is there, and is no file".format(path))
    present = [name for name in (path, path + ".pub") if os.path.exists(name)]
    if args["state"] == "absent":
        return Change({"files": present}, {"files": []}, data=("remove", present)) if present else Same()
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise Failed("no_directory", "The directory {} does not exist".format(os.path.dirname(path)))
    now = look(path, host) if path in present else None
    steps = planned_steps(args, now, host)
    attributes = plan(path, args, host, new="generate" in steps)
    if not steps and not attributes.changed:
        return Same(**values(path, now, host))
    before = {name: now[name] for name in ("type", "size", "comment")} if now else {}
    after = dict(before, type=args["type"], size=wanted_size(args)) if "generate" in steps else dict(before)
    if args["comment"] is not None:
        after["comment"] = args["comment"]
    return Change(dict(before, **attributes.before), dict(after, **attributes.after), data=("keep", steps))


def apply(args, change, host):
    path = args["path"]
    what, parts = change.data
    if what == "remove":
        for name in parts:
            os.unlink(name)
        return None
    if "generate" in parts:
        generate(args, host)
    if "comment" in parts:
        keygen(host, ["-c", "-f", path, "-P", "", "-C", args["comment"]])
    if "public" in parts:
        host.write(path + ".pub", public_part(path, host) + "\n", mode=0o644)
    put(path, plan(path, args, host), host)
    return values(path, look(path, host), host)


def planned_steps(args, now, host):
    """Which of generate, comment and public are to be done. Raises `Failed` where ``regenerate`` forbids the first."""
    if now is None or args["force"] or args["regenerate"] == "always":
        return ["generate"]
    readable = public_part(args["path"], host) is not None
    differs = (now["type"], now["size"]) != (args["type"], wanted_size(args)) if readable else True
    if not readable and args["regenerate"] != "full_idempotence":
        raise Failed("unreadable", "Unable to read the key. The key is protected with a passphrase or broken.",
                     "regenerate: full_idempotence or force: true makes a new one")
    if differs and args["regenerate"] == "fail":
        raise Failed("differs", "Key has wrong type and/or size. Will not proceed.", "regenerate says what to do then")
    if differs and args["regenerate"] != "never":
        return ["generate"]
    steps = []
    if args["comment"] is not None and now["comment"] != args["comment"]:
        steps.append("comment")
    elif not os.path.exists(args["path"] + ".pub"):
        steps.append("public")
    return steps


def look(path, host):
    """{type, size, fingerprint, comment} of a key, from ``ssh-keygen -l``; None for what is no key."""
    done = host.query(["ssh-keygen", "-l", "-f", path])
    fields = done.stdout.split()
    if done.rc != 0 or len(fields) < 3:
        return {"type": None, "size": None, "fingerprint": None, "comment": ""}
    public = path + ".pub"
    text = host.read_text(public).split(None, 2) if os.path.exists(public) else []
    return {"size": int(fields[0]), "fingerprint": fields[1], "type": fields[-1].strip("()").lower(),
            "comment": text[2].strip() if len(text) > 2 else ""}


def public_part(path, host):
    """The public key that the private one gives; None when it cannot be read without a passphrase."""
    done = host.query(["ssh-keygen", "-y", "-P", "", "-f", path])
    return done.stdout.strip() if done.rc == 0 else None


def wanted_size(args):
    return 256 if args["type"] == "ed25519" else args["size"] or SIZES[args["type"]]


def generate(args, host):
    """A new pair beside the old one, moved into its place when both parts are whole."""
    path = args["path"]
    fresh = host.tempfile(dir=os.path.dirname(path) or ".")
    os.unlink(fresh)  # ssh-keygen asks before it writes over anything
    argv = ["-q", "-t", args["type"], "-N", "", "-C", args["comment"] or "", "-f", fresh]
    keygen(host, argv if args["type"] == "ed25519" else argv + ["-b", str(wanted_size(args))])
    os.rename(fresh + ".pub", path + ".pub")
    os.rename(fresh, path)


def keygen(host, argv):
    done = host.run(["ssh-keygen"] + argv)
    if done.rc != 0:
        raise Failed("ssh_key", "ssh-keygen: {}".format(done.stderr.strip() or done.stdout.strip()), rc=done.rc)


def values(path, now, host):
    """What the task returns of the pair."""
    public = host.read_text(path + ".pub").strip() if os.path.exists(path + ".pub") else ""
    found = {name: now[name] for name in ("type", "size", "fingerprint", "comment")}
    return dict(found, filename=path, public_key=" ".join(public.split(None, 2)[:2]))
