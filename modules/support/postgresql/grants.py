"""GRANT and REVOKE of PostgreSQL: the statements for what is asked, and the SELECT that shows the access lists."""

import re

from modules.api import Failed
from modules.support.postgresql.client import name, quoted, role

TYPES = ("table", "sequence", "function", "procedure", "type", "default_privs", "foreign_data_wrapper",
         "foreign_server", "group", "language", "tablespace", "schema", "database", "partitioned_table", "parameter")
WORDS = {"table": "TABLE", "partitioned_table": "TABLE", "sequence": "SEQUENCE", "function": "FUNCTION",
         "procedure": "PROCEDURE", "type": "TYPE", "foreign_data_wrapper": "FOREIGN DATA WRAPPER",
         "foreign_server": "FOREIGN SERVER", "language": "LANGUAGE", "tablespace": "TABLESPACE", "schema": "SCHEMA",
         "database": "DATABASE", "parameter": "PARAMETER"}
IN_SCHEMA = ("table", "partitioned_table", "sequence", "function", "procedure", "type")
CATALOGS = {"type": ("pg_type", "typname", "typacl"), "language": ("pg_language", "lanname", "lanacl"),
            "foreign_data_wrapper": ("pg_foreign_data_wrapper", "fdwname", "fdwacl"),
            "foreign_server": ("pg_foreign_server", "srvname", "srvacl"),
            "tablespace": ("pg_tablespace", "spcname", "spcacl"), "schema": ("pg_namespace", "nspname", "nspacl"),
            "database": ("pg_database", "datname", "datacl"), "parameter": ("pg_parameter_acl", "parname", "paracl")}
DEFAULTS = {"TABLES": "r", "SEQUENCES": "S", "TYPES": "T", "FUNCTIONS": "f", "SCHEMAS": "n"}
PRIVILEGE = re.compile(r"[A-Za-z ]+(?:\([^;]*\))?\Z")


def listed(text):
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def schema_of(args):
    return args["schema"] or "public"


def privileges(args):
    """The privileges as one text, checked; columns keep their brackets."""
    if not args["privs"]:
        raise Failed("bad_arguments", 'Argument "privs" is required for this type of privilege')
    parts = re.findall(r"[^,(]+(?:\([^)]*\))?", args["privs"])
    made = []
    for part in parts:
        part = part.strip()
        if not PRIVILEGE.match(part):
            raise Failed("bad_arguments", "Invalid privileges specified: {}".format(part))
        word, bracket, columns = part.partition("(")
        made.append(word.strip().upper() + (" ({})".format(", ".join(
            name(column.strip().strip('"')) for column in columns.rstrip(")").split(","))) if bracket else ""))
    return ", ".join(made)


def statements(server, args, roles):
    who = ", ".join(role(text) for text in roles)
    if args["type"] == "group":
        return membership(args, who)
    if args["type"] == "default_privs":
        return defaults(args, who)
    what = privileges(args)
    return both_ways(args, "{} ON {}".format(what, targets(args)), who)


def both_ways(args, what, who, head=""):
    """GRANT or REVOKE; with grant_option false, the right to pass it on is taken away."""
    if args["state"] == "absent":
        option = "GRANT OPTION FOR " if args["grant_option"] else ""
        return ["{}REVOKE {}{} FROM {}".format(head, option, what, who)]
    made = ["{}GRANT {} TO {}{}".format(head, what, who, " WITH GRANT OPTION" if args["grant_option"] else "")]
    if args["grant_option"] is False:
        made.append("{}REVOKE GRANT OPTION FOR {} FROM {}".format(head, what, who))
    return made


def membership(args, who):
    if args["privs"]:
        raise Failed("bad_arguments", 'Argument "privs" not allowed for type "group"')
    groups = ", ".join(name(text) for text in listed(args["objs"]))
    if not groups:
        raise Failed("bad_arguments", 'Argument "objs" is required for type "group"')
    if args["state"] == "absent":
        return ["REVOKE {}{} FROM {}".format("ADMIN OPTION FOR " if args["grant_option"] else "", groups, who)]
    made = ["GRANT {} TO {}{}".format(groups, who, " WITH ADMIN OPTION" if args["grant_option"] else "")]
    return made + (["REVOKE ADMIN OPTION FOR {} FROM {}".format(groups, who)] if args["grant_option"] is False else [])


def targets(args):
    """What the privileges are on."""
    kind = args["type"]
    word = WORDS[kind]
    if args["objs"] == "ALL_IN_SCHEMA":
        if kind not in ("table", "sequence", "function", "procedure", "partitioned_table"):
            raise Failed("bad_arguments", "objs=ALL_IN_SCHEMA is not for type {}".format(kind))
        return "ALL {}S IN SCHEMA {}".format(word, name(schema_of(args)))
    objects = listed(args["objs"]) or ([args["login_db"]] if kind == "database" else [])
    if not objects:
        raise Failed("bad_arguments", 'Argument "objs" is required for type "{}"'.format(kind))
    return "{} {}".format(word, ", ".join(target(kind, text, args) for text in objects))


def target(kind, text, args):
    if kind == "parameter":
        return ".".join(name(part) for part in text.split("."))
    if kind not in IN_SCHEMA:
        return name(text)
    prefix = "" if kind == "type" and not args["schema"] else name(schema_of(args)) + "."
    if kind not in ("function", "procedure"):
        return prefix + name(text.strip('"'))
    match = re.match(r"([^(]+)\(([\w\s:.\[\]\"]*)\)\Z", text)
    if not match:
        raise Failed("bad_arguments", "A function needs the types of its arguments: {}(int:text)".format(text))
    return "{}{}({})".format(prefix, name(match.group(1).strip().strip('"')), match.group(2).replace(":", ", "))


def defaults(args, who):
    """ALTER DEFAULT PRIVILEGES: what was granted before is taken away, so that it is exactly what is given."""
    kinds = ["TABLES", "SEQUENCES", "TYPES", "FUNCTIONS"] if args["objs"] in (None, "ALL_DEFAULT") else [
        text.upper() for text in listed(args["objs"])]
    unknown = [kind for kind in kinds if kind not in DEFAULTS]
    if unknown:
        raise Failed("bad_arguments", 'Invalid Object set specified: {}'.format(", ".join(unknown)),
                     "It knows {}".format(", ".join(sorted(DEFAULTS))))
    head = "ALTER DEFAULT PRIVILEGES"
    if args["target_roles"]:
        head += " FOR ROLE {}".format(", ".join(role(text) for text in listed(args["target_roles"])))
    if args["schema"]:
        head += " IN SCHEMA {}".format(name(args["schema"]))
    what, made = privileges(args), []
    for kind in kinds:
        if args["state"] == "present":
            made.append("{} REVOKE ALL ON {} FROM {}".format(head, kind, who))
        made += both_ways(args, "{} ON {}".format(what, kind), who, head + " ")
    return made


def snapshot(args):
    """A SELECT that shows the access lists which the statements can change, in a stable order."""
    kind = args["type"]
    if kind == "group":
        return ("SELECT json_agg(json_build_array(g.rolname, m.rolname, x.admin_option) ORDER BY 1) FROM "
                "(SELECT * FROM pg_auth_members ORDER BY roleid, member) x JOIN pg_roles g ON g.oid = x.roleid "
                "JOIN pg_roles m ON m.oid = x.member WHERE g.rolname IN ({})".format(", ".join(
                    quoted(text) for text in listed(args["objs"]))))
    if kind == "default_privs":
        return "SELECT json_agg(d::text ORDER BY 1) FROM (SELECT defaclrole, defaclnamespace, defaclobjtype, " + \
            sorted_acl("defaclacl") + " FROM pg_default_acl ORDER BY 1, 2, 3) d"
    if kind in ("table", "partitioned_table", "sequence"):
        return ("SELECT json_agg(d::text) FROM (SELECT relname, {}, "
                "(SELECT json_agg(json_build_array(attname, {}) ORDER BY attnum) "
                "FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = {}{} ORDER BY 1) d".format(
                    sorted_acl("relacl"), sorted_acl("attacl"), quoted(schema_of(args)), one_of("relname", args)))
    if kind in ("function", "procedure"):
        return ("SELECT json_agg(d::text) FROM (SELECT p.oid, proname, {} FROM pg_proc p JOIN pg_namespace n ON "
                "n.oid = pronamespace WHERE nspname = {} ORDER BY 1) d".format(
                    sorted_acl("proacl"), quoted(schema_of(args))))
    table, column, acl = CATALOGS[kind]
    wanted = "" if kind == "type" else one_of(column, args, " WHERE")
    return "SELECT json_agg(d::text) FROM (SELECT {}, {} FROM {}{} ORDER BY 1) d".format(
        column, sorted_acl(acl), table, wanted)


def sorted_acl(column):
    """Entries in one order: the server appends what is granted anew."""
    return "(SELECT array_agg(a::text ORDER BY a::text) FROM unnest({}) a)".format(column)


def one_of(column, args, word=" AND"):
    objects = listed(args["objs"]) if args["objs"] != "ALL_IN_SCHEMA" else []
    if not objects and args["type"] == "database":
        objects = [args["login_db"]]
    if not objects:
        return ""
    return "{} {} IN ({})".format(word, column, ", ".join(quoted(text.strip('"')) for text in objects))
