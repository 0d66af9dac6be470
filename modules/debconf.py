"""Keeps the answer to a package's question (debconf) as given; or only says which answers there are.

Example::

    - name: Postfix asks nothing when it is installed
      ansible.builtin.debconf:
        name: postfix
        question: postfix/main_mailer_type
        value: Internet Site
        vtype: select

Returns ``current`` (question -> answer) and, when it changed, ``previous``. Passwords are compared, and never shown.
An answer does not reconfigure a package. Errors: ``no_debconf``, ``bad_value``, ``debconf_failed``.
"""

import re

from modules.api import Arg, Change, Failed, Same, together

ARGS = {
    "name": Arg("str", "The package.", required=True, aliases=("pkg",)),
    "question": Arg("str", "The question.", aliases=("selection", "setting")),
    "vtype": Arg("str", "The kind of the question.", choices=("boolean", "error", "multiselect", "note", "password",
                                                              "seen", "select", "string", "text", "title")),
    "value": Arg("raw", "The answer; for multiselect also a list.", aliases=("answer",)),
    "unseen": Arg("bool", "Let the question be asked all the same.", default=False),
}
RULES = (together("question", "vtype", "value"),)
HIDDEN = "(password omitted)"
ENV = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def check(args, host):
    if not host.which("debconf-show"):
        raise Failed("no_debconf", "there is no debconf on this host", "it is for Debian and what comes of it")
    answers = shown(host.query(["debconf-show", "--", args["name"]], env=ENV).stdout)
    question, vtype = args["question"], args["vtype"]
    if question is None:
        return Same(current=answers, msg="")
    for name in (args["name"], question):
        if not re.match(r"[^\s\0]+$", name):
            raise Failed("bad_value", "'{}' is not a name that debconf can hold".format(name))
    value = answer(args["value"], vtype)
    if is_answered(args, value, answers, host):
        return Same(current=answers, msg="")
    visible = HIDDEN if vtype == "password" else value
    before = dict(answers)
    before.setdefault(question, "")
    return Change(before, dict(before, **{question: visible}), "", "", data=value,
                  values={"current": {question: visible}, "previous": before, "msg": ""})


def apply(args, change, host):
    line = " ".join((args["name"], args["question"], args["vtype"], change.data)) + "\n"
    argv = ["debconf-set-selections"] + (["--unseen"] if args["unseen"] else [])
    # On stdin: an answer may be a password.
    done = host.run(argv, input=line, env=ENV)
    if done.rc != 0 or "error:" in done.stderr:
        raise Failed("debconf_failed", "debconf-set-selections failed: {}".format(done.stderr.strip()), rc=done.rc)


def answer(value, vtype):
    """The answer as debconf's text. `Failed` with ``bad_value``."""
    if isinstance(value, list):
        if vtype != "multiselect" or not all(isinstance(part, str) for part in value):
            raise Failed("bad_value", "Invalid value provided for '{}': {}".format(
                vtype, "its parts must be texts" if vtype == "multiselect" else "a list is only for multiselect"))
        return one_line(", ".join(value), vtype)
    if isinstance(value, dict):
        raise Failed("bad_value", "Invalid value provided for '{}': it must be a text".format(vtype))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if vtype == "boolean" and text.lower() in ("true", "false"):
        text = text.lower()
    return one_line(text, vtype)


def one_line(text, vtype):
    """As ``debconf-set-selections`` reads it: a line's end within an answer is written ``\\n``."""
    if "\r" in text or "\0" in text:
        raise Failed("bad_value", "Invalid value provided for '{}': it has control characters".format(vtype))
    return text.replace("\n", "\\n")


def is_answered(args, value, answers, host):
    """Whether the question has this answer already."""
    vtype, question = args["vtype"], args["question"]
    if vtype == "password":
        return value == password(question, host)
    if vtype == "multiselect" and isinstance(args["value"], list) and question in answers:
        return sorted(args["value"]) == sorted(part.strip() for part in answers[question].split(","))
    if vtype == "boolean":
        return answers.get(question, "").lower() == value
    if vtype == "seen":
        if value not in ("true", "false"):
            raise Failed("bad_value", "Invalid value provided for 'seen': it is true or false")
        return is_seen(question, host) == (value == "true")
    return answers.get(question) == value


def is_seen(question, host):
    """Whether the question has been asked, as debconf believes."""
    asked = host.query(["debconf-communicate", "orch"], input="FGET {} seen\n".format(question), env=ENV)
    return asked.stdout.split() == ["0", "true"]


def password(question, host):
    """The stored answer: debconf-show hides it, and only root may ask; None when there is none."""
    asked = host.query(["debconf-communicate", "orch"], input="GET {}\n".format(question), env=ENV)
    code, _, text = asked.stdout.rstrip("\n").partition(" ")
    return text if code == "0" and text else None


def shown(output):
    """question -> answer of ``debconf-show``'s lines, which begin with a star when the question has been seen."""
    found = {}
    for line in output.splitlines():
        match = re.match(r"[* ] ([^:\s]+):(?: (.*))?$", line.rstrip())
        if match:
            found[match.group(1)] = (match.group(2) or "").strip()
    return found
