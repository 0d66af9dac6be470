"""Keeps an entry, or a variable, in a user's crontab or in a file of /etc/cron.d.

Example::

    - name: Renew the certificates at night
      ansible.builtin.cron:
        name: renew certificates
        minute: "17"
        hour: "3"
        job: /usr/local/bin/renew > /dev/null

An entry is known by the comment ``#Ansible: <name>`` in front of it, so entries that Ansible made are taken over.
Returns ``jobs``, ``envs`` (names), ``cron_file``, ``backup_file``. Errors: ``no_job``, ``no_name``, ``no_anchor``,
``bad_job``, ``bad_cron_file``, ``crontab`` (the crontab command failed), ``no_crontab``.
"""

import os
import pwd

from modules.api import Arg, Change, Failed, Same, exclusive
from modules.support.accounts.names import check_name
from modules.support.text import crontab as crontab_text

SPECIAL = ("annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly")
ARGS = {
    "name": Arg("str", "What the entry is known by; with env, the variable's name.", required=True),
    "state": Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    "job": Arg("str", "The command; with env, the value.", aliases=("value",)),
    "minute": Arg("str", "0-59, *, */2 …", default="*"),
    "hour": Arg("str", "0-23, *, */2 …", default="*"),
    "day": Arg("str", "Day of the month: 1-31, *, */2 …", default="*", aliases=("dom",)),
    "month": Arg("str", "1-12, JAN-DEC, * …", default="*"),
    "weekday": Arg("str", "0-6 for Sunday-Saturday, SUN-SAT, * …", default="*", aliases=("dow",)),
    "special_time": Arg("str", "A name for the time, in place of the fields.", choices=SPECIAL),
    "disabled": Arg("bool", "Keep the entry as a comment.", default=False),
    "env": Arg("bool", "This is about a variable.", default=False),
    "insertafter": Arg("str", "With env: the variable after which a new one goes."),
    "insertbefore": Arg("str", "With env: the variable before which a new one goes."),
    "user": Arg("str", "Whose crontab; with cron_file, as whom the entry runs."),
    "cron_file": Arg("path", "A file, relative to /etc/cron.d unless absolute, in place of a user's crontab."),
    "backup": Arg("bool", "Keep a copy of the old crontab, and say where.", default=False),
}
RULES = (exclusive("insertafter", "insertbefore"),)
TIMES = ("minute", "hour", "day", "month", "weekday")


def check(args, host):
    validate(args)
    content = read(args, host)
    lines = crontab_text.split(content)
    after = edited(lines, args)
    values = listed(after)
    if args["cron_file"]:
        values["cron_file"] = path_of(args)
    if after == lines:
        return Same(**values)
    label = values.get("cron_file", "crontab")
    return Change(crontab_text.join(lines), crontab_text.join(after), label, label, values, data=(content, after))


def validate(args):
    """What the table of arguments cannot say."""
    if args["state"] == "present" and not args["job"]:
        raise Failed("no_job", "You must specify 'job' to install a new cron job or variable")
    if args["special_time"] and any(args[name] != "*" for name in TIMES):
        raise Failed("bad_job", "You must specify time and date fields or special time.")
    if (args["insertafter"] or args["insertbefore"]) and not args["env"]:
        raise Failed("bad_job", "insertafter and insertbefore are only valid with env: true")
    if "\n" in args["name"] or any("\n" in (args[name] or "") for name in TIMES + ("job",)):
        raise Failed("bad_job", "a line break in an entry would make another entry",
                     "a YAML '|' text ends with one; use '>-'")
    if args["user"]:
        check_name(args["user"], "user")
    if args["cron_file"] and path_of(args) == "/etc/crontab":
        raise Failed("bad_cron_file", "Will not manage /etc/crontab via cron_file, see documentation.")
    if args["cron_file"] and args["state"] == "present" and not args["env"] and not args["user"]:
        raise Failed("no_user", "To use cron_file=... parameter you must specify user=... as well")


def path_of(args):
    """The cron file's path. A relative one stays inside of /etc/cron.d."""
    path = args["cron_file"]
    if os.path.isabs(path):
        return path
    if ".." in path.split("/"):
        raise Failed("bad_cron_file", "cron_file '{}' leaves /etc/cron.d".format(path), "give an absolute path")
    return os.path.join("/etc/cron.d", path)


def read(args, host):
    """The text as it is; empty when there is none."""
    if args["cron_file"]:
        path = path_of(args)
        return host.read_text(path) if host.exists(path) else ""
    done = host.query(crontab(args, host) + ["-l"], env={"LC_ALL": "C"})
    if done.rc == 0:
        return done.stdout
    if done.rc == 1 and ("no crontab" in done.stderr.lower() or "can't open" in done.stderr.lower()):
        return ""
    raise Failed("crontab", "Unable to read crontab: {}".format(done.stderr.strip()), rc=done.rc)


def crontab(args, host):
    """The crontab command for the right user."""
    program = host.which("crontab")
    if not program:
        raise Failed("no_crontab", "there is no crontab command on this host", "install cron, or use cron_file")
    if args["user"] and args["user"] != pwd.getpwuid(os.geteuid()).pw_name:
        return [program, "-u", args["user"]]
    return [program]


def edited(lines, args):
    """The lines as they should be."""
    name, present = args["name"], args["state"] == "present"
    if args["env"]:
        if not present:
            return crontab_text.remove_variable(lines, name)
        if crontab_text.find_variable(lines, name) is not None and \
                '{}="{}"'.format(name, args["job"]) in lines:
            return lines
        try:
            return crontab_text.put_variable(lines, name, args["job"], args["insertafter"], args["insertbefore"])
        except KeyError as error:
            raise Failed("no_anchor", "Variable named '{}' not found.".format(error.args[0]))
    if not present:
        return crontab_text.remove_job(lines, name)
    job = crontab_text.job_line([args[field] for field in TIMES], args["job"], args["special_time"],
                                args["user"] if args["cron_file"] else None, args["disabled"])
    return crontab_text.put_job(lines, name, job)


def listed(lines):
    """The names of entries and variables."""
    marker = crontab_text.MARKER
    return {"jobs": [line[len(marker):] for line in lines if line.startswith(marker)],
            "envs": [line.split("=")[0].strip() for line in lines
                     if "=" in line and line.split("=")[0].strip().isidentifier()]}


def apply(args, change, host):
    content, lines = change.data
    values = {"backup_file": backup(content)} if args["backup"] and content else {}
    text = crontab_text.join(lines)
    if not args["cron_file"]:
        done = host.run(crontab(args, host) + (["-"] if text else ["-r"]), input=text or None)
        if done.rc != 0:
            raise Failed("crontab", "Unable to install new crontab: {}".format(done.stderr.strip()), rc=done.rc)
    elif text.strip() or args["state"] == "present":
        path = path_of(args)
        host.write(path, text, mode=None if host.exists(path) else 0o644)
    else:
        os.unlink(path_of(args))
    return values


def backup(content):
    """The path of a copy that only we can read."""
    import tempfile  # costs 5 ms, and few ask for a backup
    fd, path = tempfile.mkstemp(prefix="crontab")
    with os.fdopen(fd, "wb") as file:
        file.write(content.encode("utf-8", "surrogateescape"))
    return path
