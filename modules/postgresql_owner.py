"""Keeps an object of a PostgreSQL database, or all that roles own there, in the hands of a role.

Example::

    - name: The orders are the shop's
      community.postgresql.postgresql_owner:
        login_db: shop
        new_owner: shop
        obj_type: table
        obj_name: orders
      become: true
      become_user: postgres

Returns ``queries``. Errors: ``no_role``, ``no_object``, ``postgresql_error``, ``postgresql_unreachable``,
``no_client``.
"""

from modules.api import Arg, Change, Failed, Same, exclusive, one_of, together
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, dotted, name, quoted

WORDS = {"database": "DATABASE", "function": "FUNCTION", "matview": "MATERIALIZED VIEW", "sequence": "SEQUENCE",
         "schema": "SCHEMA", "table": "TABLE", "tablespace": "TABLESPACE", "view": "VIEW", "procedure": "PROCEDURE",
         "type": "TYPE", "aggregate": "AGGREGATE", "routine": "ROUTINE", "language": "LANGUAGE", "domain": "DOMAIN",
         "collation": "COLLATION", "conversion": "CONVERSION", "text_search_configuration": "TEXT SEARCH CONFIGURATION",
         "text_search_dictionary": "TEXT SEARCH DICTIONARY", "foreign_data_wrapper": "FOREIGN DATA WRAPPER",
         "server": "SERVER", "foreign_table": "FOREIGN TABLE", "event_trigger": "EVENT TRIGGER",
         "large_object": "LARGE OBJECT", "publication": "PUBLICATION", "statistics": "STATISTICS"}
ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    new_owner=Arg("str", "The role that should own it.", required=True),
    obj_name=Arg("str", "The object's name, with its schema where it matters."),
    obj_type=Arg("str", "What kind of object.", choices=tuple(sorted(WORDS)), aliases=("type",)),
    reassign_owned_by=Arg("list", "Roles that should own nothing here any more.", elements="str"),
    fail_on_role=Arg("bool", "Fail when a role is not there; else nothing is done.", default=True),
    login_db=Arg("str", "The database.", default="postgres", aliases=("db", "database")),
)
RULES = (one_of("obj_name", "reassign_owned_by"), exclusive("obj_name", "reassign_owned_by"),
         together("obj_name", "obj_type"))
OWNED = ("SELECT 1 AS one FROM pg_shdepend d JOIN pg_roles r ON r.oid = refobjid WHERE deptype = 'o' AND "
         "rolname = {} AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) LIMIT 1")


def check(args, host):
    server = Session(args, host, args["login_db"])
    if not are_roles(server, args):
        return Same(queries=[])
    owner = name(args["new_owner"])
    if args["reassign_owned_by"]:
        owning = [text for text in args["reassign_owned_by"] if server.row(OWNED.format(quoted(text)))]
        made = ["REASSIGN OWNED BY {} TO {}".format(", ".join(name(text) for text in owning), owner)] if owning else []
    else:
        made = [] if is_owner(server, args) else [
            "ALTER {} {} OWNER TO {}".format(WORDS[args["obj_type"]], identity(args), owner)]
    return Change({}, {"queries": made}, values={"queries": made}, data=made) if made else Same(queries=[])


def apply(args, change, host):
    Session(args, host, args["login_db"]).execute(change.data)


def are_roles(server, args):
    for text in [args["new_owner"]] + (args["reassign_owned_by"] or []):
        if not server.row("SELECT 1 AS one FROM pg_roles WHERE rolname = " + quoted(text)):
            if args["fail_on_role"]:
                raise Failed("no_role", "role '{}' does not exist".format(text))
            server.host.warn("role '{}' does not exist".format(text))
            return False
    return True


def identity(args):
    """The object's name for a statement; a function's arguments and a number stay as they are."""
    text = args["obj_name"]
    if args["obj_type"] == "large_object":
        return str(int(text))
    head, bracket, rest = text.partition("(")
    return dotted(head.strip()) + bracket + rest


def is_owner(server, args):
    """Whether the object has this owner. The server finds it as it would for a statement."""
    kind, text = args["obj_type"], args["obj_name"]
    catalogs = {"database": ("pg_database", "datname", "datdba"), "schema": ("pg_namespace", "nspname", "nspowner"),
                "tablespace": ("pg_tablespace", "spcname", "spcowner"),
                "language": ("pg_language", "lanname", "lanowner"),
                "server": ("pg_foreign_server", "srvname", "srvowner"),
                "foreign_data_wrapper": ("pg_foreign_data_wrapper", "fdwname", "fdwowner"),
                "publication": ("pg_publication", "pubname", "pubowner"),
                "event_trigger": ("pg_event_trigger", "evtname", "evtowner")}
    if kind in catalogs:
        table, column, owner = catalogs[kind]
        where = "{} = {}".format(column, quoted(text.strip('"')))
    elif kind in ("table", "view", "matview", "sequence", "foreign_table"):
        table, owner, where = "pg_class", "relowner", "oid = to_regclass({})".format(quoted(identity(args)))
    elif kind in ("type", "domain"):
        table, owner, where = "pg_type", "typowner", "oid = to_regtype({})".format(quoted(identity(args)))
    elif kind in ("function", "procedure", "aggregate", "routine"):
        find = "to_regprocedure" if "(" in text else "to_regproc"
        table, owner, where = "pg_proc", "proowner", "oid = {}({})".format(find, quoted(identity(args)))
    else:
        return False
    found = server.row("SELECT rolname FROM {} x JOIN pg_roles r ON r.oid = {} WHERE x.{}".format(table, owner, where))
    if found is None:
        raise Failed("no_object", "There is no {} {}".format(kind, text))
    return found["rolname"] == args["new_owner"]
