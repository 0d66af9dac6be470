"""The postgresql modules against a server of the tests' own, logged in with a password."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from agentlet.execute import execute
from agentlet.host import local_host
from modules.support.postgresql import hba_rules
from modules.support.postgresql.passwords import is_kept, is_password
from tests.modules.trial import Result, Trial

SECRET = "it's \"quite\" a \\ secret"


class Server(Trial):
    """Runs modules against the server; every name has a prefix of its own."""

    same_diff = True

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.login = {"login_user": parts.username, "login_password": parts.password, "login_host": parts.hostname,
                      "login_port": parts.port}
        self.prefix = "t" + uuid.uuid4().hex[:8]

    def name(self, what: str) -> str:
        return f"{self.prefix} \"{what}"

    def run(self, module: str, args: dict[str, Any], *, check: bool = False) -> Result:
        return execute("postgresql_" + module, {**self.login, **args}, local_host(check_mode=check, diff=True))

    def rows(self, query: str, database: str = "postgres", **more: Any) -> list[dict[str, Any]]:
        result = self.run("query", {"query": query, "login_db": database, **more})
        assert result["status"] != "failed", result
        return result["values"]["query_result"]  # type: ignore[no-any-return]

    def seen(self, look: str = "") -> Any:
        return [self.rows("SELECT datname, datdba, datacl::text, datconnlimit FROM pg_database ORDER BY 1"),
                self.rows("SELECT a.*, s.setconfig FROM pg_authid a LEFT JOIN pg_db_role_setting s "
                          "ON s.setrole = a.oid ORDER BY rolname"),
                self.rows("SELECT * FROM pg_auth_members ORDER BY 1, 2")]


@pytest.fixture
def server(postgres_url: str) -> Iterator[Server]:
    if shutil.which("psql") is None:
        pytest.skip("there is no psql here")
    made = Server(postgres_url)
    yield made
    for row in made.rows(f"SELECT datname FROM pg_database WHERE datname LIKE '{made.prefix}%'"):
        made.run("db", {"name": row["datname"], "state": "absent", "force": True})
    for row in made.rows(f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{made.prefix}%'"):
        made.run("user", {"name": row["rolname"], "state": "absent"})


@pytest.fixture
def shop(server: Server) -> str:
    """A database with tables and a role ``reader``."""
    name = server.name("shop")
    server.run("db", {"name": name})
    server.run("user", {"name": server.name("reader")})
    server.run("query", {"login_db": name, "query": [
        "CREATE TABLE a (n int, s text)", "CREATE TABLE b (n serial)",
        "CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'"]})
    return name


def test_a_database_comes_changes_and_goes(server: Server) -> None:
    name, owner = server.name("db"), server.name("owner")
    server.run("user", {"name": owner})
    server.converge("db", {"name": name, "encoding": "UTF-8", "template": "template0", "lc_collate": "C",
                           "lc_ctype": "C", "conn_limit": "5", "comment": "it's"})
    server.unchanged("db", {"name": name, "encoding": "utf8"})
    server.converge("db", {"name": name, "owner": owner, "conn_limit": "7", "comment": ""})
    server.fails("db", {"name": name, "encoding": "LATIN1"}, "cannot_change", "Changing database encoding")
    server.fails("db", {"name": name, "lc_ctype": "POSIX"}, "cannot_change", "Current LC_CTYPE: C")
    server.converge("db", {"name": name, "state": "rename", "target": server.name("new")})
    server.converge("db", {"name": server.name("new"), "state": "absent"})


@pytest.mark.parametrize("suffix", ["sql", "sql.gz", "sql.xz", "tar", "pgc", "dir"])
def test_a_dump_is_restored_elsewhere(server: Server, shop: str, tmp_path: Path, suffix: str) -> None:
    server.rows("INSERT INTO a VALUES (42, 'x')", shop)
    target = str(tmp_path / f"a dump.{suffix}")
    assert server.run("db", {"name": shop, "state": "dump", "target": target}, check=True)["status"] == "changed"
    assert not os.path.exists(target)
    assert server.run("db", {"name": shop, "state": "dump", "target": target})["status"] == "changed"
    other = server.name("other")
    server.run("db", {"name": other})
    done = server.run("db", {"name": other, "state": "restore", "target": target})
    assert done["status"] == "changed", done
    assert server.rows("SELECT * FROM a", other) == [{"n": 42, "s": "x"}]


def test_a_role_comes_changes_and_goes(server: Server) -> None:
    name = server.name("role")
    done = server.converge("user", {"name": name, "password": SECRET, "role_attr_flags": "CREATEDB,NOSUPERUSER"})
    assert SECRET not in str(done) and "PASSWORD '********'" in done["values"]["queries"][0]
    assert server.run("ping", {"login_user": name, "login_password": SECRET})["values"]["is_available"]
    for more in ({"password": "other"}, {"role_attr_flags": "NOCREATEDB LOGIN"}, {"expires": "2031-01-01"},
                 {"expires": "infinity"}, {"conn_limit": 3}, {"comment": "it's"},
                 {"configuration": {"work_mem": "8MB", "search_path": "a"}},
                 {"configuration": {"work_mem": "8MB"}, "reset_unspecified_configuration": True}, {"password": ""}):
        server.converge("user", {"name": name, **more})
    server.run("query", {"query": "SET password_encryption = 'md5'"})
    md5 = "md5" + "0" * 32
    server.converge("user", {"name": name, "password": md5})
    server.unchanged("user", {"name": name, "password": "x", "no_password_changes": True})
    server.fails("user", {"name": name, "role_attr_flags": "NOSUCH"}, "bad_arguments", "Invalid role_attr_flags")
    server.converge("user", {"name": name, "state": "absent"})


def test_a_role_that_owns_something_stays(server: Server) -> None:
    name = server.name("owner")
    server.run("user", {"name": name})
    server.run("db", {"name": server.name("db"), "owner": name})
    server.fails("user", {"name": name, "state": "absent"}, "postgresql_error", "cannot be dropped")
    done = server.run("user", {"name": name, "state": "absent", "fail_on_user": False})
    assert done["status"] == "ok" and done["warnings"] and done["values"]["user_removed"] is False


GRANTS: dict[str, dict[str, Any]] = {
    "tables": {"privs": "SELECT,UPDATE", "objs": "a,b"},
    "columns": {"privs": "SELECT (n, s)", "objs": "a"},
    "all tables": {"privs": "ALL", "objs": "ALL_IN_SCHEMA", "grant_option": True},
    "sequences": {"privs": "USAGE", "type": "sequence", "objs": "b_n_seq"},
    "functions": {"privs": "EXECUTE", "type": "function", "objs": "f(int:text)"},
    "a schema": {"privs": "CREATE,USAGE", "type": "schema", "objs": "public"},
    "the database": {"privs": "CREATE", "type": "database"},
    "a language": {"privs": "USAGE", "type": "language", "objs": "sql"},
    "a type": {"privs": "USAGE", "type": "type", "objs": "int4", "schema": "pg_catalog"},
    "defaults": {"privs": "ALL", "type": "default_privs", "objs": "TABLES,SEQUENCES", "schema": "public"},
    "membership": {"type": "group", "objs": "pg_monitor", "grant_option": True},
}


@pytest.mark.parametrize("more", GRANTS.values(), ids=GRANTS.keys())
def test_privileges_are_granted_and_revoked(server: Server, shop: str, more: dict[str, Any]) -> None:
    args = {"login_db": shop, "roles": server.name("reader"), **more}
    server.converge("privs", args)
    server.converge("privs", {**args, "state": "absent", "grant_option": None})


GRANT_FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such role": ({"roles": "nosuch", "privs": "ALL", "objs": "a"}, "no_role", "does not exist"),
    "no such table": ({"privs": "ALL", "objs": "nosuch"}, "postgresql_error", "nosuch"),
    "another statement": ({"privs": "ALL ON a TO x; DROP TABLE a; --", "objs": "a"}, "bad_arguments", "Invalid priv"),
    "no objects": ({"privs": "ALL"}, "bad_arguments", '"objs" is required'),
}


@pytest.mark.parametrize(("more", "code", "says"), GRANT_FAULTS.values(), ids=GRANT_FAULTS.keys())
def test_impossible_privileges_are_refused(
    server: Server, shop: str, more: dict[str, Any], code: str, says: str
) -> None:
    server.fails("privs", {"login_db": shop, "roles": server.name("reader"), **more}, code, says)


def test_a_missing_role_may_be_passed_over(server: Server, shop: str) -> None:
    args = {"login_db": shop, "roles": "nosuch", "privs": "ALL", "objs": "a", "fail_on_role": False}
    assert server.unchanged("privs", args)["warnings"]


def test_roles_join_and_leave_groups(server: Server) -> None:
    one, two = server.name("one"), server.name("two")
    for name in (one, two):
        server.run("user", {"name": name, "role_attr_flags": "NOLOGIN"})
    both = {"groups": ["pg_monitor", two], "target_roles": [one]}
    server.converge("membership", both)
    server.converge("membership", {"groups": ["pg_monitor"], "target_roles": [one], "state": "exact"})
    server.converge("membership", {**both, "state": "absent"})
    server.fails("membership", {"groups": ["nosuch"], "target_roles": [one]}, "no_role")
    passed = {"groups": ["nosuch"], "target_roles": [one], "fail_on_role": False}
    assert server.unchanged("membership", passed)["warnings"]


def test_a_schema_an_owner_and_an_extension(server: Server, shop: str) -> None:
    reader = server.name("reader")
    server.converge("schema", {"name": "or\"ders", "login_db": shop, "comment": "x"})
    server.converge("schema", {"name": "or\"ders", "login_db": shop, "owner": reader, "comment": ""})
    for kind, name in (("table", "a"), ("sequence", "public.b_n_seq"), ("function", "f(int, text)"),
                       ("schema", "public")):
        args = {"login_db": shop, "new_owner": reader, "obj_type": kind, "obj_name": name}
        if kind == "sequence":
            server.fails("owner", args, "postgresql_error", "cannot change owner")
            continue
        server.converge("owner", args)
    server.converge("owner", {"login_db": shop, "new_owner": server.login["login_user"], "reassign_owned_by": [reader]})
    missing = {"login_db": shop, "new_owner": reader, "obj_type": "table", "obj_name": "nosuch"}
    server.fails("owner", missing, "no_object")
    server.converge("schema", {"name": "or\"ders", "login_db": shop, "state": "absent"})
    server.fails("ext", {"name": "nosuch", "login_db": shop}, "no_extension")
    server.converge("ext", {"name": "plpgsql", "login_db": shop, "state": "absent"})
    server.converge("ext", {"name": "plpgsql", "login_db": shop, "version": "latest", "comment": "y"})


SETTINGS: dict[str, tuple[str, str, str]] = {
    "a size": ("work_mem", "8MB", "8192kB"), "a time": ("statement_timeout", "90s", "90000ms"),
    "a truth": ("log_connections", "on", "true"), "a number": ("effective_io_concurrency", "7", "7"),
    "a list": ("search_path", '"$user", public, x', '"$user",public,x'),
    "for a restart": ("max_connections", "201", "201"),
}


@pytest.mark.parametrize(("name", "value", "same"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_is_kept(server: Server, name: str, value: str, same: str) -> None:
    done = server.run("set", {"name": name, "value": value})
    try:
        assert done["status"] == "changed", done
        assert done["values"]["restart_required"] == (name == "max_connections")
        server.rows("SELECT pg_sleep(0.3)")
        server.unchanged("set", {"name": name, "value": value})
        server.unchanged("set", {"name": name, "value": same})
    finally:
        assert server.run("set", {"name": name, "reset": True})["status"] == "changed"


def test_a_setting_that_is_none(server: Server) -> None:
    server.fails("set", {"name": "nosuch", "value": "1"}, "no_setting", "No such parameter")
    server.fails("set", {"name": "server_version", "value": "1"}, "cannot_change", "internal")


def test_queries_return_rows_with_their_types(server: Server, shop: str) -> None:
    args = {"login_db": shop, "query": "INSERT INTO a VALUES (%s, %s), (2, NULL) RETURNING n",
            "positional_args": [1, SECRET]}
    assert server.run("query", args, check=True)["status"] == "changed"
    assert server.rows("SELECT * FROM a", shop) == []
    done = server.run("query", args)["values"]
    assert (done["query_result"], done["rowcount"]) == ([{"n": 1}, {"n": 2}], 2)
    found = server.run("query", {"login_db": shop, "query": "SELECT * FROM a WHERE s = %(s)s OR s IS NULL ORDER BY n",
                                 "named_args": {"s": SECRET}})
    assert (found["status"], found["values"]["query_result"]) == ("ok", [{"n": 1, "s": SECRET}, {"n": 2, "s": None}])
    assert found["values"]["statusmessage"] == "SELECT 2"
    several = server.run("query", {"login_db": shop, "query": ["UPDATE a SET n = 0 WHERE false", "SHOW work_mem"]})
    assert several["status"] == "ok" and several["values"]["query_all_results"] == [[], [{"work_mem": "4MB"}]]
    updated = server.run("query", {"login_db": shop, "query": "UPDATE a SET n = 3"})
    assert updated["values"]["statusmessage"] == "UPDATE 2"
    server.fails("query", {"login_db": shop, "query": "SELECT nonsense"}, "postgresql_error", "nonsense")
    assert server.rows("SELECT current_schema() AS s", shop, search_path=["pg_catalog"]) == [{"s": "pg_catalog"}]


def test_a_server_that_does_not_answer(server: Server) -> None:
    down = {"login_port": 1, "login_host": "127.0.0.1"}
    assert server.run("ping", down)["values"]["is_available"] is False
    server.fails("db", {"name": "x", **down}, "postgresql_unreachable", "unable to connect to database")
    fault = server.fails("db", {"name": "x", "login_password": "a wrong one"}, "postgresql_unreachable")
    assert "a wrong one" not in str(fault)


HBA = """# TYPE  DATABASE USER ADDRESS METHOD
local   all             postgres                                peer
host    all  all  127.0.0.1/32  scram-sha-256   # here
host "my db" all 10.0.0.0 255.0.0.0 md5
host    all             all             0.0.0.0/0               reject
include other.conf
"""
RULES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a new one before broader ones": (
        {"contype": "host", "databases": "shop", "users": "a,b", "source": "192.0.2.0/24", "method": "scram-sha-256"},
        ["host\tshop\ta\t192.0.2.0/24\tscram-sha-256", "host\tshop\tb\t192.0.2.0/24\tscram-sha-256"]),
    "another method in its place": ({"contype": "host", "source": "127.0.0.1", "method": "trust"},
                                    ["host\tall\tall\t127.0.0.1/32\ttrust"]),
    "the same network with a mask": ({"contype": "host", "databases": '"my db"', "source": "10.0.0.0/8",
                                      "method": "cert", "options": "map=x", "comment": "why"},
                                     ['host\t"my db"\tall\t10.0.0.0/8\tcert\tmap=x\t# why']),
    "local": ({"contype": "local", "users": "x", "method": "peer"}, ["local\tall\tx\tpeer"]),
    "several": ({"rules": [{"contype": "local", "users": "y", "method": "md5"},
                           {"contype": "hostssl", "address": "all", "method": "md5"}]},
                ["local\tall\ty\tmd5", "hostssl\tall\tall\tall\tmd5"]),
}


@pytest.mark.parametrize(("args", "expected"), RULES.values(), ids=RULES.keys())
def test_rules_for_connections(on_host: Any, tmp_path: Path, args: dict[str, Any], expected: list[str]) -> None:
    path = tmp_path / "pg_hba.conf"
    path.write_text(HBA)
    path.chmod(0o640)
    on_host.converge("postgresql_pg_hba", {"dest": str(path), **args})
    lines = path.read_text().splitlines()
    assert [line for line in lines if line in expected] == expected
    assert path.stat().st_mode & 0o777 == 0o640 and lines[-1] == "include other.conf"
    reject = next(index for index, line in enumerate(lines) if "reject" in line)
    assert all(lines.index(line) < reject for line in expected if "all\tall\tall" not in line)


def test_rules_go_and_are_overwritten(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "pg_hba.conf"
    path.write_text(HBA)
    gone = {"dest": str(path), "contype": "host", "source": "127.0.0.1/32", "method": "md5", "state": "absent"}
    on_host.converge("postgresql_pg_hba", gone)
    assert "127.0.0.1" not in path.read_text()
    only = {"dest": str(path), "contype": "local", "users": "postgres", "method": "peer", "overwrite": True,
            "backup": True}
    done = on_host.converge("postgresql_pg_hba", only)
    assert done["values"]["pg_hba"] == [{"type": "local", "db": "all", "usr": "postgres", "method": "peer"}]
    assert done["values"]["backup_file"]


@pytest.mark.parametrize(
    "more", [{"source": "10.0.0.0/99"}, {"users": "a\nlocal all all trust"}, {"databases": "a # b"}])
def test_an_impossible_rule_is_refused(on_host: Any, tmp_path: Path, more: dict[str, Any]) -> None:
    path = tmp_path / "pg_hba.conf"
    path.write_text(HBA)
    on_host.fails("postgresql_pg_hba", {"dest": str(path), "contype": "host", **more}, code="bad_arguments")


def test_a_line_that_is_no_rule_is_kept_as_it_is() -> None:
    assert [line for line in hba_rules.parsed(HBA) if isinstance(line, str)] == [
        HBA.splitlines()[0], "include other.conf"]


def test_what_is_kept_of_a_password() -> None:
    # RFC 7677's example: user "user", password "pencil".
    kept = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
           "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    assert is_kept(kept) and is_password("pencil", "user", kept) and not is_password("pen", "user", kept)
    assert is_password("b", "a", "md507159c47ee1b19ae4fb9c40d480856c4") and not is_kept("plain")
