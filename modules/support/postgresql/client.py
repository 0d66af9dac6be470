"""Speaks to PostgreSQL through psql: nothing else is needed on the host.

The password goes in psql's environment, statements on standard input: nothing secret is in an argument list. Rows come
as JSON that the server makes, so types and NULL are exact. Errors: ``postgresql_unreachable``, ``postgresql_error``,
``no_client``.
"""

import json
import re

from modules.api import Arg, Failed

LOGIN_ARGS = {
    "login_user": Arg("str", "The role to log in with.", default="postgres", aliases=("login",)),
    "login_password": Arg("str", "Its password.", no_log=True, default=""),
    "login_host": Arg("str", "Where the server is; empty for its socket.", default="", aliases=("host",)),
    "login_port": Arg("int", "Its port.", default=5432, aliases=("port",)),
    "login_unix_socket": Arg("str", "The folder of the server's socket.", default="", aliases=("unix_socket",)),
    "ssl_mode": Arg("str", "Whether the connection is encrypted, and what is checked.", default="prefer",
                    choices=("allow", "disable", "prefer", "require", "verify-ca", "verify-full")),
    "ca_cert": Arg("str", "Certificates that may sign the server's.", aliases=("ssl_rootcert",)),
    "ssl_cert": Arg("path", "Our certificate."),
    "ssl_key": Arg("path", "Its private key."),
    "connect_params": Arg("dict", "More parameters of the connection, as libpq names them.", default={}),
}
ROLE_ARGS = {
    "session_role": Arg("str", "The role to become after logging in."),
    "trust_input": Arg("bool", "Taken and not used: every name is quoted.", default=True),
}
WRAPPED = "SELECT coalesce(json_agg(orch_rows), '[]') FROM ({}) AS orch_rows;\n"


class Session(object):
    """A database of a server. Every call is one connection."""

    def __init__(self, args, host, database=None):
        self.args = args
        self.host = host
        self.database = database or "postgres"
        self._version = None

    def rows(self, select):
        """The rows of one SELECT: a list of dicts with the server's types."""
        return json.loads(self.psql(WRAPPED.format(select)).strip() or "[]")

    def row(self, select):
        """The first row, or None."""
        found = self.rows(select)
        return found[0] if found else None

    def execute(self, statements, one_transaction=False):
        """Runs statements in order, up to the first that fails; with ``one_transaction`` all of them or none."""
        if statements:
            words = ["--single-transaction"] if one_transaction else []
            self.psql(";\n".join(statements) + ";\n", *words)

    def psql(self, text, *words):
        """What psql prints, unaligned and without headings."""
        act = getattr(self.host, "run", self.host.query)
        done = act(self.argv("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
                             "--set=ON_ERROR_STOP=1", "--file=-", *words), input=text, env=self.environment())
        self.must(done)
        if done.truncated:
            raise Failed("postgresql_error", "The answer is too large")
        return done.stdout

    def argv(self, program, *words):
        """A client program with what leads it to the server; the database last."""
        if not self.host.which(program):
            raise Failed("no_client", "There is no {} program on this host".format(program),
                         "Install postgresql-client")
        return [program] + list(words) + ["--no-password", "--dbname=" + conninfo(self.parameters())]

    def parameters(self):
        args = self.args
        found = {"dbname": self.database, "user": args["login_user"], "port": args["login_port"],
                 "sslmode": args["ssl_mode"]}
        # As documented: the socket counts where the host is this one.
        if args["login_unix_socket"] and args["login_host"] in ("", "localhost"):
            found["host"] = args["login_unix_socket"]
        elif args["login_host"]:
            found["host"] = args["login_host"]
        for name, key in (("ca_cert", "sslrootcert"), ("ssl_cert", "sslcert"), ("ssl_key", "sslkey")):
            if args[name]:
                found[key] = args[name]
        found.update((name, value) for name, value in args["connect_params"].items() if name != "password")
        return found

    def environment(self, **options):
        """Variables for a client program: the password, plain messages, the role to become."""
        import os
        kept = self.host.environment.get("PGOPTIONS", os.environ.get("PGOPTIONS", ""))
        if self.args.get("session_role"):
            options["role"] = self.args["session_role"]
        for name, value in sorted(options.items()):
            kept += " -c {}={}".format(name, re.sub(r"([\s\\])", r"\\\1", value))
        password = self.args["connect_params"].get("password") or self.args["login_password"] or None
        found = {"LC_ALL": "C.UTF-8", "PGOPTIONS": kept.strip() or None, "PGCLIENTENCODING": "UTF8"}
        return dict(found, PGPASSWORD=password) if password else found

    def must(self, done):
        """Raises what a client program says when it failed."""
        if done.rc == 0:
            return
        said = done.stderr.strip() or "it ended with {}".format(done.rc)
        if done.rc == 2 or re.search(r"error: (?:could not connect|connection to server|connection to database)", said):
            raise Failed("postgresql_unreachable", "unable to connect to database: {}".format(said),
                         "See login_host, login_user and login_password, or become_user: postgres")
        raise Failed("postgresql_error", said)

    @property
    def version(self):
        """The server's version as one number: 150018 for 15.18."""
        if self._version is None:
            self._version = int(self.row("SELECT current_setting('server_version_num')::int AS n")["n"])
        return self._version


def conninfo(parameters):
    """libpq's text of parameters."""
    return " ".join("{}='{}'".format(name, str(value).replace("\\", "\\\\").replace("'", "\\'"))
                    for name, value in sorted(parameters.items()))


def quoted(value):
    """A string literal, whatever standard_conforming_strings says."""
    text = str(value).replace("\0", "").replace("'", "''")
    return " E'{}'".format(text.replace("\\", "\\\\")) if "\\" in text else "'{}'".format(text)


def name(identifier):
    """A quoted identifier."""
    text = str(identifier)
    if not text or "\0" in text:
        raise Failed("bad_name", "'{}' cannot be a name".format(identifier))
    return '"{}"'.format(text.replace('"', '""'))


def dotted(identifier):
    """``schema.table`` with each part quoted; a part may be quoted already."""
    parts = re.findall(r'"(?:[^"]|"")*"|[^."]+', identifier)
    return ".".join(part if part.startswith('"') else name(part) for part in parts)


def role(text):
    """A role for GRANT: PUBLIC and the like are words, any other is a name."""
    return text.upper() if text.upper() in ("PUBLIC", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE") else name(text)


def literal(value):
    """A value of a query's arguments."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return "ARRAY[{}]".format(", ".join(literal(part) for part in value)) if value else "'{}'"
    return quoted(json.dumps(value) if isinstance(value, dict) else value)
