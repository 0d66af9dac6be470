"""mysql_db, mysql_user, mysql_variables and mysql_query against MariaDB on a lab host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modules.support.mysql.passwords import native
from tests.lab.hosts import Lab
from tests.modules.remote import Remote

SOCKET = {"login_unix_socket": "/run/mysqld/mysqld.sock"}
DATABASES = "mariadb -NBe 'SELECT schema_name, default_character_set_name FROM information_schema.schemata'"
ACCOUNTS = """mariadb -NBe "SELECT CONCAT('SHOW GRANTS FOR ', QUOTE(user), '@', QUOTE(host), ';',
 'SHOW CREATE USER ', QUOTE(user), '@', QUOTE(host), ';') FROM mysql.user" | mariadb -NB"""
INSTALL = ("export DEBIAN_FRONTEND=noninteractive; apt-get -qq update;"
           "apt-get -qq install --no-install-recommends mariadb-server >/dev/null && systemctl start mariadb")
SECRET = "it's \"quite\" a \\ sec#ret"


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[Remote]:
    host = lab.add(1, "bookworm", prefix="mariadb")[0]
    host.exec(INSTALL, timeout_s=600)
    yield Remote(host)
    host.kill()


def test_a_database_comes_and_goes(server: Remote) -> None:
    done = server.converge("mysql_db", {"name": "shop`x", "encoding": "utf8mb4", **SOCKET}, DATABASES)
    assert done["values"]["executed_commands"] == ["CREATE DATABASE `shop``x` CHARACTER SET 'utf8mb4'"]
    several = {"name": ["shop`x", "one", "two"], **SOCKET}
    server.converge("mysql_db", several, DATABASES)
    server.converge("mysql_db", {**several, "state": "absent"}, DATABASES)
    assert "shop" not in server.shell(DATABASES)


@pytest.mark.parametrize("suffix", ["sql", "sql.gz", "sql.bz2", "sql.xz"])
def test_a_dump_is_imported_elsewhere(server: Remote, suffix: str) -> None:
    server.shell("mariadb -e 'CREATE OR REPLACE DATABASE a; CREATE TABLE a.t (n int); INSERT INTO a.t VALUES (42)'")
    target = {"target": f"/root/dump file.{suffix}", **SOCKET}
    assert server.run("mysql_db", {"name": "a", "state": "dump", **target}, check=True)["status"] == "changed"
    assert server.shell("ls /root/dump*") == ""
    assert server.run("mysql_db", {"name": "a", "state": "dump", "single_transaction": True, **target})["status"] == (
        "changed")
    assert server.shell("stat -c %a /root/dump*") == "600"
    done = server.run("mysql_db", {"name": "b", "state": "import", **target})
    assert done["status"] == "changed", done
    assert server.shell("mariadb -NBe 'SELECT n FROM b.t'") == "42"
    server.shell("mariadb -e 'DROP DATABASE a; DROP DATABASE b'; rm /root/dump*")


DB_FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no target": ({"name": "a", "state": "dump"}, "bad_arguments", "target is required"),
    "no such database": ({"name": "a", "state": "dump", "target": "/root/x"}, "mysql_error", "not found"),
    "no such file": ({"name": "a", "state": "import", "target": "/nowhere"}, "no_path", "/nowhere"),
    "a wrong password": ({"name": "a", "login_user": "root", "login_password": "wrong", "login_host": "127.0.0.1",
                          "login_unix_socket": None}, "mysql_unreachable", "unable to connect to database"),
}


@pytest.mark.parametrize(("args", "code", "says"), DB_FAULTS.values(), ids=DB_FAULTS.keys())
def test_what_cannot_be_is_said(server: Remote, args: dict[str, Any], code: str, says: str) -> None:
    server.fails("mysql_db", {**SOCKET, **args}, code, says)


def test_an_account_comes_changes_and_goes(server: Remote) -> None:
    args: dict[str, Any] = {"name": "shop", "host": "%", "password": SECRET, "priv": "shop.*:SELECT,INSERT", **SOCKET}
    done = server.converge("mysql_user", args, ACCOUNTS)
    assert SECRET not in str(done) and done["values"]["msg"] == "User added"
    by_password = {"login_user": "shop", "login_password": SECRET, "login_host": "localhost", **SOCKET}
    assert server.run("mysql_query", {"query": "SELECT 1 AS one", **by_password})["values"]["query_result"] == (
        [[{"one": 1}]])
    for more in ({"password": "other"}, {"priv": "shop.*:ALL,GRANT/*.*:PROCESS"}, {"priv": {"shop.*": "SELECT"}},
                 {"priv": "more.*:ALL", "append_privs": True}, {"priv": "more.*:ALL", "subtract_privs": True},
                 {"tls_requires": {"SSL": None}}, {"tls_requires": {}}, {"locked": True}, {"locked": False},
                 {"tls_requires": {"SUBJECT": "/CN=a", "ISSUER": "/CN=b"}},
                 {"resource_limits": {"MAX_QUERIES_PER_HOUR": 10}}, {"password_expire": "never"},
                 {"password": native("third"), "encrypted": True}):
        args = {"password": "other", "name": "shop", "host": "%", **SOCKET}
        args.update(more)
        if "encrypted" not in more and more.keys() != {"password"}:
            args.pop("password")
        server.converge("mysql_user", args, ACCOUNTS)
    server.unchanged("mysql_user", {"name": "shop", "host": "%", "password": "third", "priv": {"shop.*": "select"},
                                    **SOCKET})
    server.unchanged("mysql_user", {"name": "shop", "host": "%", "password": "x", "update_password": "on_create",
                                    **SOCKET})
    server.converge("mysql_user", {"name": "shop", "host": "%", "state": "absent", **SOCKET}, ACCOUNTS)


def test_privileges_of_columns_and_routines(server: Remote) -> None:
    server.shell("mariadb -e 'CREATE DATABASE c; CREATE TABLE c.t (a int, B int);"
                 "CREATE FUNCTION c.f() RETURNS int DETERMINISTIC RETURN 1'")
    args = {"name": "col", "priv": "c.t:SELECT(b, a),INSERT/FUNCTION c.f:EXECUTE", "password": "x", **SOCKET}
    server.converge("mysql_user", args, ACCOUNTS)
    server.converge("mysql_user", {**args, "priv": "c.t:INSERT"}, ACCOUNTS)
    server.converge("mysql_user", {"name": "col", "state": "absent", "host_all": True, **SOCKET}, ACCOUNTS)
    server.shell("mariadb -e 'DROP DATABASE c'")


def test_accounts_of_every_host_and_the_anonymous_one(server: Remote) -> None:
    server.shell("mariadb -e \"CREATE USER h@a, h@b, ''@localhost\"")
    server.converge("mysql_user", {"name": "h", "host_all": True, "password": "same", **SOCKET}, ACCOUNTS)
    server.converge("mysql_user", {"name": "h", "host": "c", "password": "other", "update_password": "on_new_username",
                                   **SOCKET}, ACCOUNTS)
    assert server.shell("mariadb -NBe \"SELECT COUNT(DISTINCT Password) FROM mysql.user WHERE user = 'h'\"") == "1"
    server.converge("mysql_user", {"name": "h", "host_all": True, "state": "absent", **SOCKET}, ACCOUNTS)
    server.converge("mysql_user", {"name": "", "host": "localhost", "state": "absent", **SOCKET}, ACCOUNTS)


def test_a_plugin_authenticates(server: Remote) -> None:
    args = {"name": "ops", "plugin": "unix_socket", **SOCKET}
    server.converge("mysql_user", args, ACCOUNTS)
    server.converge("mysql_user", {"name": "ops", "plugin": "mysql_native_password", "plugin_auth_string": "p",
                                   **SOCKET}, ACCOUNTS)
    server.converge("mysql_user", {"name": "ops", "state": "absent", **SOCKET}, ACCOUNTS)


USER_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "privileges without a colon": ({"priv": "nonsense"}, "invalid privileges string"),
    "a list": ({"priv": ["a.*:ALL"]}, "priv parameter must be str or dict"),
    "another statement": ({"priv": "a.*:ALL ON *.* TO x; DROP"}, "is not a privilege"),
    "a limit": ({"resource_limits": {"NOPE": 1}}, "resource_limits knows"),
    "a plugin": ({"plugin": "a; b"}, "is not a plugin's name"),
}


@pytest.mark.parametrize(("more", "says"), USER_FAULTS.values(), ids=USER_FAULTS.keys())
def test_an_impossible_account_is_refused(server: Remote, more: dict[str, Any], says: str) -> None:
    server.fails("mysql_user", {"name": "nobody", **more, **SOCKET}, "bad_arguments", says)


def test_variables_are_kept(server: Remote) -> None:
    names = "'max_connections', 'sql_mode', 'slow_query_log'"
    look = f'mariadb -NBe "SHOW GLOBAL VARIABLES WHERE variable_name IN ({names})"'
    for name, value in (("max_connections", "77"), ("slow_query_log", "on"),
                        ("sql_mode", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES")):
        server.converge("mysql_variables", {"variable": name, "value": value, **SOCKET}, look)
    server.run("mysql_user", {"name": "q", "password": "a\\'b", **SOCKET})
    server.unchanged("mysql_user", {"name": "q", "password": "a\\'b", **SOCKET})
    server.converge("mysql_variables", {"variable": "sql_mode", "value": "", **SOCKET}, look)
    assert server.run("mysql_variables", {"variable": "max_connections", **SOCKET})["values"]["msg"] == "77"
    server.fails("mysql_variables", {"variable": "nosuch", **SOCKET}, "no_variable", "Variable not available")
    server.run("mysql_user", {"name": "q", "state": "absent", **SOCKET})


def test_queries_return_rows_with_their_types(server: Remote) -> None:
    run = [
        "CREATE DATABASE q", "CREATE TABLE q.t (n int, s varchar(40), d decimal(5,2))",
        "INSERT INTO q.t VALUES (1, '007', 1.5), (2, NULL, NULL)", "SELECT * FROM q.t ORDER BY n",
        "SELECT * FROM q.t WHERE 0",
    ]
    values = server.run("mysql_query", {"query": run, **SOCKET})["values"]
    assert values["query_result"][3] == [{"n": 1, "s": "007", "d": 1.5}, {"n": 2, "s": None, "d": None}]
    assert values["rowcount"][2:] == [2, 2, 0] and values["query_result"][4] == []
    found = server.run("mysql_query", {"query": "SELECT s FROM t WHERE n = %s AND s LIKE %s", "login_db": "q",
                                       "positional_args": [1, "0%"], **SOCKET})
    assert (found["status"], found["values"]["query_result"]) == ("ok", [[{"s": "007"}]])
    named = {"query": "UPDATE t SET s = %(s)s WHERE n = 2", "named_args": {"s": "x'); DROP TABLE t; -- "},
             "login_db": "q"}
    assert server.run("mysql_query", {**named, **SOCKET})["status"] == "changed"
    assert server.shell("mariadb -NBe 'SELECT s FROM q.t WHERE n = 2'") == "x'); DROP TABLE t; --"
    server.fails("mysql_query", {"query": "SELECT nonsense", **SOCKET}, "mysql_error", "Unknown column")
    server.shell("mariadb -e 'DROP DATABASE q'")


def test_an_option_file_has_the_credentials(server: Remote) -> None:
    server.run("mysql_user", {"name": "adm", "password": SECRET, "priv": "*.*:ALL,GRANT", **SOCKET})
    text = SECRET.replace("\\", "\\\\").replace('"', '\\"')
    server.lab_host.exec(["sh", "-c", "cat > /root/.my.cnf"], input=f'[client]\nuser=adm\npassword="{text}"\n'.encode())
    found = server.run("mysql_query", {"query": "SELECT CURRENT_USER() AS me"})
    assert found["values"]["query_result"] == [[{"me": "adm@localhost"}]], found
    given = server.run("mysql_query", {"query": "SELECT CURRENT_USER() AS me", "login_user": "root", **SOCKET,
                                       "login_password": ""})
    assert given["values"]["query_result"] == [[{"me": "root@localhost"}]], given
    server.shell("rm /root/.my.cnf")


def test_a_server_is_reported(server: Remote) -> None:
    server.run("mysql_db", {"name": "empty", **SOCKET})
    told = server.run("mysql_info", {"return_empty_dbs": True, **SOCKET})["values"]
    assert told["server_engine"] == "MariaDB" and told["version"]["major"] == 10 and "InnoDB" in told["engines"]
    assert told["databases"]["empty"]["tables"] == 0 and told["settings"]["port"] == 3306
    assert "password" not in str(told["users"]["localhost"]["root"].keys()).lower().replace("password_expired", "")
    some = server.run("mysql_info", {"filter": ["!settings", "!users"], **SOCKET})["values"]
    assert "settings" not in some and "databases" in some
    server.fails("mysql_info", {"filter": ["nosuch"], **SOCKET}, "bad_arguments", "filter knows")
    server.run("mysql_db", {"name": "empty", "state": "absent", **SOCKET})


def test_whom_a_server_follows(server: Remote) -> None:
    told = server.run("mysql_replication", {"mode": "getreplica", **SOCKET})
    assert (told["status"], told["values"]["Is_Replica"]) == ("ok", False), told
    assert server.run("mysql_replication", {"mode": "getprimary", **SOCKET})["values"]["Is_Primary"] is False
    follow = {"mode": "changeprimary", "primary_host": "192.0.2.1", "primary_user": "r", "primary_password": SECRET,
              "primary_log_file": "b.000001", "primary_log_pos": 4, **SOCKET}
    assert server.run("mysql_replication", follow, check=True)["status"] == "changed"
    done = server.run("mysql_replication", follow)
    assert done["status"] == "changed" and SECRET not in str(done), done
    told = server.run("mysql_replication", {"mode": "getslave", **SOCKET})["values"]
    assert (told["Is_Replica"], told["Master_Host"], told["Read_Master_Log_Pos"]) == (True, "192.0.2.1", 4)
    for mode in ("startreplica", "stopreplica", "resetreplicaall"):
        assert server.run("mysql_replication", {"mode": mode, **SOCKET})["status"] == "changed"
    assert server.run("mysql_replication", {"mode": "getreplica", **SOCKET})["values"]["Is_Replica"] is False
    server.fails("mysql_replication", {"mode": "changeprimary", **SOCKET}, "bad_arguments", "needs something")
