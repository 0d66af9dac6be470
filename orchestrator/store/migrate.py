"""Running the migrations. Imported only when a schema must be made or changed: Alembic costs a second to import."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from orchestrator.store import agent_tables, control_tables, gateway_tables  # noqa: F401  they join those of `Table`
from orchestrator.store.schema import HEAD
from orchestrator.store.tables import Table

if TYPE_CHECKING:
    from sqlalchemy import Connection

AUDIT_TRIGGERS = (
    "CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN"
    " SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
    "CREATE TRIGGER audit_young BEFORE DELETE ON audit WHEN OLD.\"at\" > (SELECT strftime('%Y-%m-%d %H:%M:%f', \"at\","
    " '-30 days') FROM audit ORDER BY id DESC LIMIT 1) BEGIN"
    " SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
)
"""What no declaration of a table says; PostgreSQL's are in the migration."""
LOCK = 0x6F726368
"""PostgreSQL's advisory lock for migrating ("orch"): one process at a time."""


def upgrade(url: str, revision: str = HEAD) -> None:
    """Bring the database at an SQLAlchemy URL to this schema or a newer one that it has, in one transaction."""
    _move(url, command.upgrade, revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the database back to an older schema: what that one does not know is lost. For empty stores."""
    _move(url, command.downgrade, revision)


def _move(url: str, way: Callable[[Config, str], None], revision: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            way(config(connection), revision)
    finally:
        engine.dispose()


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without an ini file."""
    made = Config()
    made.set_main_option("script_location", str(resources.files("orchestrator.store").joinpath("migrations")))
    made.set_main_option("path_separator", "os")
    attributes: dict[str, Any] = made.attributes
    attributes["connection"] = connection
    return made


def sqlite_script() -> str:
    """The text of ``schema_sqlite.sql``, from the tables as they are declared."""
    dialect = sqlite.dialect()
    parts = ["CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
             "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"]
    for table in Table.metadata.sorted_tables:
        parts.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        parts += [str(CreateIndex(index).compile(dialect=dialect)).strip()
                  for index in sorted(table.indexes, key=lambda i: str(i.name))]
    parts += AUDIT_TRIGGERS
    parts.append(f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD}')")
    return "".join(f"{part};\n" for part in parts).replace(" \n", "\n").replace("\t", "    ")


if __name__ == "__main__":
    resources.files("orchestrator.store").joinpath("schema_sqlite.sql").write_text(sqlite_script())  # type: ignore[attr-defined]
