"""Speaks to MySQL or MariaDB through its own client program: nothing else is needed on the host.

User and password go in an option file of mode 0600, statements on standard input: nothing secret is in an argument
list. Answers come as XML, which tells NULL from text. Errors: ``mysql_unreachable``, ``mysql_error``, ``no_client``.
"""

import os
import re

from modules.api import Arg, Failed

CLIENT_ARGS = {
    "login_user": Arg("str", "The account to log in with; else what config_file says, else the own name."),
    "login_password": Arg("str", "Its password.", no_log=True),
    "login_host": Arg("str", "Where the server is.", default="localhost"),
    "login_port": Arg("int", "Its port.", default=3306),
    "login_unix_socket": Arg("path", "The server's socket, for connections on the host itself."),
    "connect_timeout": Arg("int", "Seconds to wait for the connection.", default=30),
    "config_file": Arg("path", "The client's option file, where it is there.", default="~/.my.cnf"),
    "client_cert": Arg("path", "Our certificate.", aliases=("ssl_cert",)),
    "client_key": Arg("path", "Its private key.", aliases=("ssl_key",)),
    "ca_cert": Arg("path", "Certificates that may sign the server's.", aliases=("ssl_ca",)),
    "check_hostname": Arg("bool", "Whether the server's certificate must bear its name."),
}
SYSTEM_FILES = ("/etc/my.cnf", "/etc/mysql/my.cnf")
ROW = re.compile(r"<row>(.*?)</row>", re.DOTALL)
FIELD = re.compile(r'<field name="([^"]*)"(?: xsi:nil="true" />|>(.*?)</field>)', re.DOTALL)
ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))
PLAIN_MODE = "SET SESSION sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '');\n"


class Session(object):
    """A server. Every call is one connection, since the client program ends with its input."""

    def __init__(self, args, host, user=None, password=None):
        self.host = host
        self.args = args
        self.user = user or args["login_user"]
        self.password = args["login_password"] if user is None else password
        self._file = None
        self._version = None

    def rows(self, sql):
        """The rows of the last answer: a list of dicts; NULL is None, everything else text."""
        found = self.answers(sql)
        return found[-1] if found else []

    def value(self, sql):
        """The one value of the one row, or None."""
        found = self.rows(sql)
        return next(iter(found[0].values())) if found else None

    def execute(self, statements):
        """Runs statements in order in one connection, up to the first that fails."""
        if statements:
            self.answers(";\n".join(statements) + ";\n")

    def answers(self, sql, database=None, plain=True):
        """The rows of each answer. ``plain``: strings are quoted by us, so the server must read them as we do."""
        done = self.host.run(self.argv(self.program(), "--xml", "--binary-mode", "--skip-reconnect",
                                       *(["--database=" + database] if database else [])),
                             input=(PLAIN_MODE if plain else "") + sql, env={"LC_ALL": "C", "MYSQL_PWD": None})
        self.must(done)
        if done.truncated:
            raise Failed("mysql_error", "The answer is too large")
        return [[dict(fields(row)) for row in ROW.findall(part)] for part in done.stdout.split("<resultset ")[1:]]

    def must(self, done, doing=""):
        """Raises what a client program says when it failed; a password never is among it."""
        if done.rc == 0:
            return
        said = done.stderr.strip() or "it ended with {}".format(done.rc)
        match = re.search(r"(?:ERROR|error:?) (\d+)", said)
        code = int(match.group(1)) if match else 0
        if code in (1044, 1045, 1130, 1698, 2002, 2003, 2005, 2026):
            raise Failed("mysql_unreachable", "unable to connect to database, check login_user and login_password are "
                         "correct or {} has the credentials. Exception message: {}".format(
                             self.args["config_file"], said), "See login_unix_socket and login_user")
        raise Failed("mysql_error", doing + said, error_number=code)

    def program(self, mysql="mysql", mariadb="mariadb"):
        """MariaDB's name of a program where it is there, else MySQL's."""
        for name in (mariadb, mysql):
            if self.host.which(name):
                return name
        raise Failed("no_client", "There is no {} program on this host".format(mysql),
                     "Install mariadb-client or mysql-client")

    def argv(self, program, *words):
        """The program with the option file first, as it must be."""
        if self._file is None:
            self._file = self.host.tempfile(suffix=".cnf")
            with open(self._file, "w", encoding="utf-8", errors="surrogateescape") as opened:
                opened.write(self.option_file())
        return [program, "--defaults-file=" + self._file] + list(words)

    def option_file(self):
        """The host's own option files, and our options, which win."""
        own = os.path.expanduser(self.args["config_file"] or "")
        found = [path for path in SYSTEM_FILES + (own,) if path and os.access(path, os.R_OK)]
        text = "".join("!include {}\n".format(path) for path in found)
        return text + options_text(self.options())

    def options(self):
        args = self.args
        found = {"default-character-set": "utf8mb4", "connect-timeout": args["connect_timeout"]}
        if self.user is not None:
            found["user"] = self.user
        if self.password is not None:
            found["password"] = self.password
        if args["login_unix_socket"]:
            found.update(socket=args["login_unix_socket"], protocol="socket")
        elif args["login_host"] != "localhost":
            found.update(host=args["login_host"], port=args["login_port"], protocol="tcp")
        elif args["login_port"] != 3306:
            found.update(host="127.0.0.1", port=args["login_port"], protocol="tcp")
        for name, option in (("client_cert", "ssl-cert"), ("client_key", "ssl-key"), ("ca_cert", "ssl-ca")):
            if args[name]:
                found[option] = args[name]
        if args["check_hostname"] and self.is_mariadb_client():
            found["ssl-verify-server-cert"] = 1
        elif args["check_hostname"]:
            found["ssl-mode"] = "VERIFY_IDENTITY"
        return found

    def is_mariadb_client(self):
        return self.host.which("mariadb") is not None

    @property
    def version(self):
        """(is it MariaDB, version numbers)."""
        if self._version is None:
            text = self.value("SELECT VERSION() AS v;") or ""
            numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
            self._version = ("mariadb" in text.lower(), numbers)
        return self._version

    @property
    def is_mariadb(self):
        return self.version[0]


def options_text(options):
    """Both groups that the client reads, so that nothing of an included file wins."""
    lines = ["{}={}".format(name, option_value(value)) for name, value in sorted(options.items())]
    general = "\n".join(lines)
    # dump programs know no connect-timeout nor a client's own switches: those are for [mysql] alone
    shared = "\n".join(line for line in lines if not line.startswith("connect-timeout="))
    return "[client]\n{}\n[mysql]\n{}\n".format(shared, general)


def option_value(value):
    """A value for an option file, in quotes and escaped (option files know backslashes)."""
    text = str(value)
    for char, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(char, escape)
    return '"{}"'.format(text)


def fields(row):
    for name, value in FIELD.findall(row):
        yield plain(name), None if value == "" and is_null(row, name) else plain(value)


def is_null(row, name):
    return '<field name="{}" xsi:nil="true" />'.format(name) in row


def plain(text):
    for entity, char in ENTITIES:
        text = text.replace(entity, char)
    return text


def quoted(value):
    """A string literal (for a server that knows backslashes, see `PLAIN_MODE`)."""
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
    return "'{}'".format(text)


def name(identifier):
    """A quoted identifier."""
    if "\0" in identifier or not identifier:
        raise Failed("bad_name", "'{}' cannot be a name".format(identifier))
    return "`{}`".format(identifier.replace("`", "``"))


def account(user, host):
    """``'user'@'host'``."""
    return "{}@{}".format(quoted(user), quoted(host))


def session(args, host):
    """The session for a task: with check_implicit_admin, that of root without a password where it is let in."""
    if args.get("check_implicit_admin"):
        tried = Session(args, host, "root", "")
        try:
            tried.value("SELECT 1 AS one;")
            return tried
        except Failed as fault:
            if fault.code != "mysql_unreachable":
                raise
    return Session(args, host)
