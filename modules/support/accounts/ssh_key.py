"""A key pair for a user, made by ssh-keygen as that user, so that root writes nothing into a folder it does not own."""

import os

from modules.api import Failed
from modules.script import executable_folder

ASKPASS = "#!/bin/sh\nprintf '%s\\n' \"$ORCH_KEY_PASSPHRASE\"\n"


def path_of(args, home):
    """Where the private key belongs."""
    default = os.path.join(".ssh", "id_{}".format("rsa" if args["ssh_key_type"] == "default" else args["ssh_key_type"]))
    return os.path.join(home, args["ssh_key_file"] or default)


def generate(args, account, host):
    """ssh-keygen, with the passphrase by way of an askpass program: never in an argument list."""
    path = path_of(args, account.home)
    as_user = [] if account.uid == host.uid else ["runuser", "-u", account.name, "--"]
    if as_user and os.path.dirname(path) == os.path.join(account.home, ".ssh"):
        make_folder(account)
    run(host, as_user + ["mkdir", "-p", "-m", "0700", os.path.dirname(path)])
    if args["force"]:
        run(host, as_user + ["rm", "-f", path, path + ".pub"])
    argv = ["ssh-keygen", "-q", "-f", path, "-C", args["ssh_key_comment"] or "ansible-generated on {}".format(
        os.uname()[1]), "-t", "rsa" if args["ssh_key_type"] == "default" else args["ssh_key_type"]]
    if args["ssh_key_bits"]:
        argv += ["-b", str(args["ssh_key_bits"])]
    if args["ssh_key_passphrase"] is None:
        run(host, as_user + argv + ["-N", ""])
        return
    program = host.tempfile(dir=executable_folder(host)[0])
    host.write(program, ASKPASS, mode=0o755)
    run(host, as_user + argv, {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0",
                               "ORCH_KEY_PASSPHRASE": args["ssh_key_passphrase"]})
    os.unlink(program)


def make_folder(account):
    """The user's ``.ssh``, where the user could not make it: a home that an earlier account of that name left behind.

    Root follows no link here, and gives away only the folder that it has just made.
    """
    try:
        home = os.open(account.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return  # there is none: mkdir says so
    try:
        os.mkdir(".ssh", 0o700, dir_fd=home)
        folder = os.open(".ssh", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=home)
        try:
            os.fchown(folder, account.uid, account.gid)
        finally:
            os.close(folder)
    except FileExistsError:
        pass
    except OSError as error:
        raise Failed("ssh_key", "cannot make {}/.ssh: {}".format(account.home, error.strerror))
    finally:
        os.close(home)


def run(host, argv, env=None):
    """One command; `Failed` with code ``ssh_key``."""
    done = host.run(argv, env=env)
    if done.rc != 0:
        raise Failed("ssh_key", "cannot make the ssh key: {}".format((done.stderr or done.stdout).strip()), rc=done.rc)


def values_of(args, home, host):
    """``ssh_key_file``, ``ssh_fingerprint``, ``ssh_public_key``, when there is a key."""
    path = path_of(args, home)
    if not os.path.exists(path + ".pub"):
        return {"ssh_key_file": path}
    done = host.query(["ssh-keygen", "-l", "-f", path + ".pub"])
    return {"ssh_key_file": path, "ssh_public_key": host.read_text(path + ".pub").strip(),
            "ssh_fingerprint": done.stdout.strip()}
