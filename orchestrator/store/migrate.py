"""Running the migrations. Imported only when a schema must be made or changed: Alembic costs a second to import."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from orchestrator.store import agent_tables  # noqa: F401  its tables join those of `Table`
from orchestrator.store.schema import HEAD
from orchestrator.store.tables import Table

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK = 0x6F726368
"""PostgreSQL's advisory lock for migrating ("orch"): one process at a time."""


def upgrade(url: str) -> None:
    """Bring the database at an SQLAlchemy URL to the newest schema, in one transaction."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            command.upgrade(config(connection), "head")
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
    parts.append(f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD}')")
    return "".join(f"{part};\n" for part in parts).replace(" \n", "\n").replace("\t", "    ")


if __name__ == "__main__":
    resources.files("orchestrator.store").joinpath("schema_sqlite.sql").write_text(sqlite_script())  # type: ignore[attr-defined]
