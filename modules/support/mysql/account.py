"""One account of MySQL or MariaDB: what it is now, and the statements that make it what it should be."""

import json
import re

from modules.api import Failed
from modules.support.mysql import privileges
from modules.support.mysql.client import account, quoted
from modules.support.mysql.passwords import is_password

LIMITS = {"MAX_QUERIES_PER_HOUR": "max_questions", "MAX_UPDATES_PER_HOUR": "max_updates",
          "MAX_CONNECTIONS_PER_HOUR": "max_connections", "MAX_USER_CONNECTIONS": "max_user_connections"}
REQUIRE = re.compile(r"\bREQUIRE (NONE|SSL|X509|(?:(?:\s*AND\s*)?(?:SUBJECT|ISSUER|CIPHER) '(?:[^'\\]|\\.|'')*'\s*)+)")


class Account(object):
    """``user``@``host``. ``before`` and ``after`` are for the diff and hold no secrets."""

    def __init__(self, server, args, host):
        self.server = server
        self.args = args
        self.who = account(args["name"], host)
        self.password_changed = False
        found = server.rows("SELECT * FROM mysql.user WHERE User = {} AND Host = {};".format(
            quoted(args["name"]), quoted(host)))
        self.row = {name.lower(): value for name, value in found[0].items()} if found else None
        self.before = {"exists": self.row is not None}
        self.after = {"exists": args["state"] == "present"}

    def absent(self):
        if self.row is None:
            return [], "User doesn't exist"
        return ["DROP USER " + self.who], "User deleted"

    def present(self):
        """(statements, message)."""
        made, message = [], "User unchanged"
        if self.row is None:
            made.append("CREATE USER {}{}{}".format(self.who, self._identified(new=True), self._require_clause()))
            self.password_changed = self.args["password"] is not None or self.args["plugin"] is not None
            message = "User added"
        else:
            if self._needs_password():
                made.append("ALTER USER {}{}".format(self.who, self._identified()))
                self.password_changed, message = True, "Password updated"
                self.after["password"] = "changed"
            if self._needs_tls():
                made.append("ALTER USER {}{}".format(self.who, self._require_clause() or " REQUIRE NONE"))
                message = "TLS requires updated"
        for part, says in ((self._limits(), "Resource limits updated"), (self._switches(), "User updated"),
                           (self._grants(), "Privileges updated")):
            made += part
            message = says if part and message == "User unchanged" else message
        return made, message

    def _needs_password(self):
        args, row = self.args, self.row
        stored = row.get("authentication_string") or row.get("password") or ""
        plugin = row.get("plugin") or ""
        if args["update_password"] != "always":
            return False
        if args["plugin"]:
            return plugin != args["plugin"] or self._is_other_secret(plugin, stored)
        if args["password"] is None:
            return False
        if args["encrypted"]:
            return stored.upper() != args["password"].upper()
        return not is_password(args["password"], plugin, stored)

    def _is_other_secret(self, plugin, stored):
        if self.args["plugin_hash_string"] is not None:
            return stored != self.args["plugin_hash_string"]
        secret = self.args["plugin_auth_string"]
        return secret is not None and not is_password(secret, plugin, stored)

    def _identified(self, new=False):
        """The IDENTIFIED clause; with on_new_username that of the other accounts of this name."""
        args, mariadb = self.args, self.server.is_mariadb
        if new and args["update_password"] == "on_new_username":
            other = self._of_the_same_name()
            if other:
                return via(mariadb, other[0], other[1])
        if args["plugin"]:
            if args["plugin_auth_string"] is not None and mariadb:
                return " IDENTIFIED VIA {} USING PASSWORD({})".format(word(args["plugin"]),
                                                                      quoted(args["plugin_auth_string"]))
            if args["plugin_auth_string"] is not None:
                return " IDENTIFIED WITH {} BY {}".format(word(args["plugin"]), quoted(args["plugin_auth_string"]))
            return via(mariadb, args["plugin"], args["plugin_hash_string"])
        if args["password"] is None:
            return ""
        if args["encrypted"]:
            return via(mariadb, "mysql_native_password", args["password"])
        return " IDENTIFIED BY {}".format(quoted(args["password"]))

    def _of_the_same_name(self):
        """(plugin, what it keeps) that all other accounts of this name share, or None."""
        found = self.server.rows("SELECT * FROM mysql.user WHERE User = {};".format(quoted(self.args["name"])))
        kept = set()
        for entry in found:
            row = {name.lower(): value for name, value in entry.items()}
            kept.add((row.get("plugin") or "mysql_native_password",
                      row.get("authentication_string") or row.get("password") or ""))
        return kept.pop() if len(kept) == 1 else None

    def _shown(self):
        """SHOW CREATE USER's text."""
        return self.server.value("SHOW CREATE USER {};".format(self.who)) or ""

    def _needs_tls(self):
        if self.args["tls_requires"] is None:
            return False
        match = REQUIRE.search(self._shown())
        now = match.group(1).strip() if match else "NONE"
        return sorted(now.replace(" AND ", " ").split()) != sorted((self._requires() or "NONE").split())

    def _requires(self):
        """``SSL``, ``X509``, ``SUBJECT '…' ISSUER '…'`` or nothing."""
        wanted = {str(name).upper(): value for name, value in (self.args["tls_requires"] or {}).items()}
        unknown = set(wanted) - {"SSL", "X509", "SUBJECT", "ISSUER", "CIPHER"}
        if unknown:
            raise Failed("bad_arguments", "tls_requires knows SSL, X509, SUBJECT, ISSUER and CIPHER; not {}".format(
                ", ".join(sorted(unknown))))
        named = ["{} {}".format(name, quoted(wanted[name])) for name in ("SUBJECT", "ISSUER", "CIPHER")
                 if wanted.get(name)]
        return " ".join(named) or ("X509" if "X509" in wanted else "SSL" if "SSL" in wanted else "")

    def _require_clause(self):
        wanted = self._requires()
        return " REQUIRE " + wanted if wanted else ""

    def _limits(self):
        wanted = {}
        for limit, value in (self.args["resource_limits"] or {}).items():
            column = LIMITS.get(str(limit).upper())
            if column is None:
                raise Failed("bad_arguments", "resource_limits knows {}; not {}".format(
                    ", ".join(sorted(LIMITS)), limit))
            if str((self.row or {}).get(column) or 0) != str(int(value)):
                wanted[str(limit).upper()] = int(value)
        if not wanted:
            return []
        self.after["resource_limits"] = wanted
        limits = " ".join("{} {}".format(*pair) for pair in sorted(wanted.items()))
        return ["ALTER USER {} WITH {}".format(self.who, limits)]

    def _switches(self):
        """Lock, expiry, attributes."""
        args, made = self.args, []
        shown = self._shown() if self.row and (args["locked"] is not None or args["password_expire"]) else ""
        if args["locked"] is not None and ("ACCOUNT LOCK" in shown) != args["locked"]:
            made.append("ALTER USER {} ACCOUNT {}".format(self.who, "LOCK" if args["locked"] else "UNLOCK"))
            self.after["locked"] = args["locked"]
        expiry = self._expiry()
        if expiry is not None and not is_expiry(expiry, shown, self.row):
            made.append("ALTER USER {} PASSWORD EXPIRE{}".format(self.who, expiry))
        if args["attributes"] and self._attributes_differ():
            made.append("ALTER USER {} ATTRIBUTE {}".format(self.who, quoted(json.dumps(args["attributes"]))))
        return made

    def _expiry(self):
        kind = self.args["password_expire"]
        if kind == "interval":
            if not self.args["password_expire_interval"] or self.args["password_expire_interval"] < 1:
                raise Failed("bad_arguments", "password_expire_interval value should be positive number")
            return " INTERVAL {} DAY".format(self.args["password_expire_interval"])
        return {None: None, "now": "", "never": " NEVER", "default": " DEFAULT"}[kind]

    def _attributes_differ(self):
        kept = json.loads((self.row or {}).get("user_attributes") or "{}").get("metadata") or {}
        return any(kept.get(name) != value for name, value in self.args["attributes"].items())

    def _grants(self):
        args = self.args
        if args["wanted"] is None:
            return []
        have, shown = {}, []
        if self.row is not None:
            shown = [next(iter(row.values())) for row in self.server.rows("SHOW GRANTS FOR {};".format(self.who))]
            have = privileges.shown(shown, bool(args["column_case_sensitive"]))
            have = privileges.whole(have, self._every(have))
        after = privileges.expected(args["wanted"], have, args["append_privs"], args["subtract_privs"])
        made = privileges.statements(self.who, have, after)
        if made:
            self.before["privs"] = {place: sorted(part) for place, part in have.items() if privileges.real(part)}
            self.after["privs"] = {place: sorted(part) for place, part in after.items()}
        return made

    def _every(self, have):
        """Every privilege that the server knows, asked for only where a long list may be all of them (MySQL 8)."""
        if len(have.get("*.*", ())) < 20 or self.server.is_mariadb:
            return set()
        rows = self.server.rows("SHOW PRIVILEGES;")
        return {privileges.normal(row["Privilege"]) for row in rows} - {"PROXY", "USAGE", "GRANT"}


def via(mariadb, plugin, kept):
    """IDENTIFIED with a plugin and what it keeps."""
    text = " IDENTIFIED {} {}".format("VIA" if mariadb else "WITH", word(plugin))
    return text + (" {} {}".format("USING" if mariadb else "AS", quoted(kept)) if kept else "")


def word(plugin):
    if not re.match(r"[A-Za-z0-9_]+\Z", plugin):
        raise Failed("bad_arguments", "'{}' is not a plugin's name".format(plugin))
    return plugin


def is_expiry(wanted, shown, row):
    """Whether the account's password already expires like that."""
    if row is None:
        return wanted == " DEFAULT"
    if wanted == "":
        return row.get("password_expired") == "Y"
    if wanted == " DEFAULT":
        return "PASSWORD EXPIRE NEVER" not in shown and "PASSWORD EXPIRE INTERVAL" not in shown
    return "PASSWORD EXPIRE" + wanted in shown
