"""Keeps rules in PostgreSQL's pg_hba.conf: who may connect from where, and how they prove who they are.

Example::

    - name: The web servers may reach the shop
      community.postgresql.postgresql_pg_hba:
        dest: /etc/postgresql/15/main/pg_hba.conf
        contype: host
        databases: shop
        users: shop
        source: 192.0.2.0/24
        method: scram-sha-256

A rule with the same type, database, user and address is replaced in its place; a new one goes before the first that is
less specific, since the first that fits counts. Other lines stay as they are. Returns ``pg_hba`` (the rules), ``msg``,
``backup_file``. Errors: ``bad_arguments``, ``no_path``.
"""

from modules.api import Arg, Failed
from modules.support.postgresql.hba_rules import CONTYPES, METHODS, Rule, merged, parsed, wanted_rules
from modules.support.text.editing import CREATE_ARG, TEXT_ARGS, decide, encoded, finish, look

PARTS = {
    "address": Arg("str", "Where connections come from: a network, a host name, samehost, samenet or all.",
                   default="samehost", aliases=("source", "src")),
    "contype": Arg("str", "The type of the connection.", choices=CONTYPES),
    "databases": Arg("str", "Databases, parted by commas.", default="all"),
    "users": Arg("str", "Roles, parted by commas.", default="all"),
    "method": Arg("str", "How they prove who they are.", default="md5", choices=METHODS),
    "netmask": Arg("str", "The network's mask, where the address has no length."),
    "options": Arg("str", "Options of the method, as name=value."),
    "comment": Arg("str", "A comment behind the rule."),
    "state": Arg("str", "Whether the rule is there.", default="present", choices=("absent", "present")),
}
ARGS = dict(
    TEXT_ARGS,
    create=CREATE_ARG,
    rules=Arg("list", "Several rules; each is a dict of address, contype, databases, users, method and so on.",
              elements="dict"),
    rules_behavior=Arg("str", "With combine, the other arguments are the defaults of rules.", default="conflict",
                       choices=("conflict", "combine")),
    overwrite=Arg("bool", "Take away every rule that is not given.", default=False),
    order=Arg("str", "Taken and not used: rules keep their order.", default="sdu",
              choices=("sdu", "sud", "dsu", "dus", "usd", "uds")),
    keep_comments_at_rules=Arg("bool", "Taken and not used: comments stay where they are.", default=False),
    **PARTS
)


def check(args, host):
    edit = look(args, host, "pg_hba file '{}' doesn't exist. Use create option to autocreate.", args["create"])
    before = (edit.before or b"").decode("utf-8", "surrogateescape")
    lines = merged(parsed(before), [rule for entry in entries(args) for rule in rules_of(entry)], args["overwrite"])
    after = "".join(line.text + "\n" if isinstance(line, Rule) else line + "\n" for line in lines)
    if not before.endswith("\n") and after == before + "\n":
        after = before
    rules = [line.values() for line in lines if isinstance(line, Rule)]
    return decide(edit, encoded(after), "pg_hba rules changed" if after != before else "", {"pg_hba": rules})


def apply(args, change, host):
    return finish(change, host)


def entries(args):
    """The rules that are given: the list, or the one of the arguments."""
    if args["rules"] is None:
        return [args] if args["contype"] else []
    if args["contype"] and args["rules_behavior"] == "conflict":
        raise Failed("bad_arguments", "rules and contype are mutually exclusive (see rules_behavior)")
    made = []
    for entry in args["rules"]:
        unknown = set(entry) - set(PARTS) - {"source", "src"}
        if unknown:
            raise Failed("bad_arguments", "Unknown keys in rules: {}".format(", ".join(sorted(unknown))))
        base = {name: args[name] if args["rules_behavior"] == "combine" else arg.default for name, arg in PARTS.items()}
        base.update((("address" if name in ("source", "src") else name), value) for name, value in entry.items())
        made.append(base)
    return made


def rules_of(entry):
    """(rule, wanted) for every database and user of an entry."""
    return [(rule, entry["state"] == "present") for rule in wanted_rules(entry)]
