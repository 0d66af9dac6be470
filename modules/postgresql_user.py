"""Keeps a role of PostgreSQL that may log in present or absent, with its password, attributes and settings.

Example::

    - name: The shop's role
      community.postgresql.postgresql_user:
        name: shop
        password: "{{ shop_password }}"
        role_attr_flags: CREATEDB,NOSUPERUSER
      become: true
      become_user: postgres

Returns ``queries`` (without passwords), ``user``. Errors: ``postgresql_unreachable``, ``postgresql_error``,
``no_client``, ``bad_arguments``.
"""

from modules.api import Arg, Failed
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, literal, name, quoted
from modules.support.postgresql.passwords import is_kept, is_password

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    name=Arg("str", "The role's name.", required=True, aliases=("user",)),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    password=Arg("str", "Its password, or what PostgreSQL keeps of one (md5…, SCRAM-SHA-256$…); empty for none.",
                 no_log=True),
    encrypted=Arg("bool", "Taken and not used: passwords are always kept encrypted.", default=True),
    no_password_changes=Arg("bool", "Leave the password of a role that is there.", default=False),
    role_attr_flags=Arg("str", "Attributes such as SUPERUSER, NOCREATEDB, parted by commas.", default=""),
    expires=Arg("str", "When its password expires; infinity for never."),
    conn_limit=Arg("int", "How many connections it may have; -1 for any number."),
    comment=Arg("str", "Its comment; empty for none."),
    configuration=Arg("dict", "Settings of its sessions.", default={}),
    reset_unspecified_configuration=Arg("bool", "Take away settings that are not given.", default=False),
    login_db=Arg("str", "The database to log in to.", default="", aliases=("db",)),
    fail_on_user=Arg("bool", "Fail when it cannot be removed.", default=True, aliases=("fail_on_role",)),
    quote_configuration_values=Arg("bool", "Taken for compatibility; values are always quoted.", default=True),
)
CHECK_MODE = "own"
RETRY_SAFE = True
FLAGS = {"SUPERUSER": "rolsuper", "CREATEROLE": "rolcreaterole", "CREATEDB": "rolcreatedb", "INHERIT": "rolinherit",
         "LOGIN": "rolcanlogin", "REPLICATION": "rolreplication", "BYPASSRLS": "rolbypassrls"}
HIDDEN = "PASSWORD '********'"


def run(args, host):
    server = Session(args, host, args["login_db"])
    now = inspect(server, args)
    flags = read_flags(args["role_attr_flags"])
    if args["state"] == "absent":
        return absent(server, args, now)
    made, shown = (create if now is None else alter)(server, args, flags, now)
    extra = settings(args, now) + comments(args, now)
    if (made or extra) and not host.check_mode:
        server.execute(made + extra, one_transaction=True)
    return result(args, shown + extra, now)


def result(args, queries, now, **more):
    before = {"exists": now is not None}
    return dict({"changed": bool(queries), "user": args["name"], "queries": queries,
                 "diff": {"before": before, "after": {"queries": queries} if queries else before}}, **more)


def inspect(server, args):
    """The role as it is, or None."""
    expires = args["expires"] if args["expires"] is not None else "infinity"
    return server.row(
        "SELECT r.*, rolvaliduntil IS NOT DISTINCT FROM {}::timestamptz OR (rolvaliduntil IS NULL AND {} = 'infinity') "
        "AS expires_same, coalesce(shobj_description(oid, 'pg_authid'), '') AS comment FROM pg_roles r "
        "WHERE rolname = {}".format(quoted(expires), quoted(expires), quoted(args["name"])))


def read_flags(text):
    """flag -> wanted, of ``SUPERUSER,NOLOGIN``."""
    found = {}
    for flag in text.upper().replace(" ", ",").split(","):
        if not flag:
            continue
        bare = flag[2:] if flag.startswith("NO") else flag
        if bare not in FLAGS:
            raise Failed("bad_arguments", "Invalid role_attr_flags specified: {}".format(flag),
                         "It knows {}, each also with NO".format(", ".join(sorted(FLAGS))))
        found[bare] = not flag.startswith("NO")
    return found


def create(server, args, flags, now):
    """(statements, the same without the password) that make the role."""
    head = "CREATE USER {}".format(name(args["name"]))
    words = [flag if wanted else "NO" + flag for flag, wanted in sorted(flags.items())]
    return clauses(args, head, words, password=args["password"] is not None)


def alter(server, args, flags, now):
    """The same for a role that is there; nothing when it is as wanted."""
    words = [flag if wanted else "NO" + flag for flag, wanted in sorted(flags.items())
             if now.get(FLAGS[flag]) != wanted]
    password = (args["password"] is not None and not args["no_password_changes"]
                and not has_password(server, args))
    head = "ALTER USER {}".format(name(args["name"]))
    made, shown = clauses(args, head, words, password, now)
    return ([], []) if made == [head] else (made, shown)


def clauses(args, head, words, password, now=None):
    words = list(words)
    if args["expires"] is not None and not (now and now["expires_same"]):
        words.append("VALID UNTIL {}".format(quoted(args["expires"])))
    if args["conn_limit"] is not None and not (now and now["rolconnlimit"] == args["conn_limit"]):
        words.append("CONNECTION LIMIT {}".format(args["conn_limit"]))
    secret = ["PASSWORD {}".format(quoted(args["password"]) if args["password"] else "NULL")] if password else []
    hidden = [HIDDEN if args["password"] else "PASSWORD NULL"] if password else []
    return tuple([" ".join([head] + part + words)] for part in (secret, hidden))


def has_password(server, args):
    """Whether the role's password is the wanted one. Only a superuser may look; who may not, sets it anew."""
    try:
        kept = server.row("SELECT rolpassword FROM pg_authid WHERE rolname = {}".format(quoted(args["name"])))
    except Failed as fault:
        if fault.code != "postgresql_error" or "permission denied" not in fault.message:
            raise
        return False
    stored = (kept or {}).get("rolpassword") or ""
    wanted = args["password"]
    return stored == wanted if not wanted or is_kept(wanted) else is_password(wanted, args["name"], stored)


def settings(args, now):
    """ALTER ROLE … SET for what differs."""
    have = dict(entry.split("=", 1) for entry in (now or {}).get("rolconfig") or [])
    who, made = name(args["name"]), []
    for key, value in sorted(args["configuration"].items()):
        if have.get(key) != text_of(value):
            made.append("ALTER ROLE {} SET {} TO {}".format(who, setting(key), literal(text_of(value))))
    if args["reset_unspecified_configuration"]:
        surplus = sorted(set(have) - set(args["configuration"]))
        made += ["ALTER ROLE {} RESET {}".format(who, setting(key)) for key in surplus]
    return made


def text_of(value):
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def setting(key):
    return ".".join(name(part) for part in key.split("."))


def comments(args, now):
    if args["comment"] is None or args["comment"] == (now or {}).get("comment", ""):
        return []
    return ["COMMENT ON ROLE {} IS {}".format(name(args["name"]), quoted(args["comment"]))]


def absent(server, args, now):
    if now is None:
        return result(args, [], now, user_removed=False)
    query = "DROP USER {}".format(name(args["name"]))
    if not server.host.check_mode:
        try:
            server.execute([query])
        except Failed as fault:
            if args["fail_on_user"] or fault.code != "postgresql_error":
                raise
            server.host.warn("Unable to remove user {}: {}".format(args["name"], fault.message))
            return result(args, [], now, user_removed=False)
    return result(args, [query], now, user_removed=True)
