"""Tables, columns, migrations and the ready-made script say the same; other schemas are refused."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec.structs import replace
from sqlalchemy import Engine, MetaData, create_engine, insert, inspect
from sqlalchemy import Table as SqlTable
from sqlalchemy import select as sql_select
from sqlmodel import Session, select

from orchestrator.errors import StoreError
from orchestrator.events import TaskResult
from orchestrator.store import RunRecord, Store, schema
from orchestrator.store.columns import NUMBERED, TABLES
from orchestrator.store.migrate import config, sqlite_script, upgrade
from orchestrator.store.tables import Table, TaskResultRow
from tests.store.conftest import Open
from tests.store.results import AWKWARD_TEXT, FULL, MOMENT, RUN


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: there is no store yet."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "orch.db")
    found: str = request.getfixturevalue("fresh_postgres_url")
    return found


def engine_of(url: str) -> Engine:
    if "://" not in url:
        return create_engine(f"sqlite:///{url}")
    return create_engine(re.sub(r"^postgresql(\+\w+)?:", "postgresql+psycopg:", url))


def test_a_stored_result_has_exactly_the_fields_of_a_task_result() -> None:
    assert set(TaskResultRow.model_fields) == set(TaskResult.__struct_fields__)


def test_the_hot_paths_columns_are_the_tables() -> None:
    kinds = {"HostText": "text", "JSON": "json", "UtcDateTime": "time", "Integer": "int", "BigInteger": "int",
             "Boolean": "bool", "Float": "float", "LargeBinary": "bytes"}
    for table in Table.metadata.sorted_tables:
        declared = {column.name: kinds[type(column.type).__name__] for column in table.columns}
        declared.pop("id", None) if table.name in NUMBERED else None
        assert TABLES[table.name] == declared


def test_a_run_record_has_the_columns_of_its_table() -> None:
    assert set(RunRecord.__struct_fields__) == set(TABLES["runs"])


def test_every_migration_is_known_by_name() -> None:
    scripts = list(ScriptDirectory.from_config(config()).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == schema.REVISIONS


def test_the_ready_made_script_is_up_to_date() -> None:
    assert schema.create_script() == sqlite_script(), "run: python -m orchestrator.store.migrate"


def test_a_new_store_has_what_the_tables_declare(open_store: Open, url: str) -> None:
    open_store()
    engine = engine_of(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []
    engine.dispose()


def test_the_migrations_and_the_script_make_the_same_sqlite_database(tmp_path: Path) -> None:
    shapes = []
    for name in ("script", "migrated"):
        path = tmp_path / f"{name}.db"
        if name == "script":
            Store(str(path)).open()
        else:
            upgrade(f"sqlite:///{path}")
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
        shapes.append({row[0]: re.sub(r'[\s"]+', "", row[1]).replace(",CONSTRAINT", "CONSTRAINT") for row in rows})
        engine.dispose()
    assert shapes[0] == shapes[1]


def test_every_constraint_has_a_name_on_both_databases(open_store: Open, url: str) -> None:
    open_store()
    engine = engine_of(url)
    looked = inspect(engine)
    for table in TABLES:
        assert looked.get_pk_constraint(table)["name"] == f"pk_{table}"
        assert all((key["name"] or "").startswith("fk_") for key in looked.get_foreign_keys(table))
    engine.dispose()


@pytest.mark.parametrize("text", AWKWARD_TEXT.values(), ids=AWKWARD_TEXT)
def test_sqlmodel_reads_what_the_hot_path_wrote(store: Store, url: str, text: str) -> None:
    written = replace(FULL, seq=1, message=text, values={"v": text})
    store.record(written)
    store.flush()
    engine = engine_of(url)
    with Session(engine) as session:
        row = session.exec(select(TaskResultRow)).one()
        found = {name: getattr(row, name) for name in TaskResultRow.model_fields}
    engine.dispose()
    assert TaskResult(**{**found, "trail": tuple(found["trail"])}) == written


def test_a_newer_schema_is_refused_and_left_alone(open_store: Open, url: str) -> None:
    open_store()._database.execute("UPDATE alembic_version SET version_num = '9999'")
    for _ in range(2):
        with pytest.raises(StoreError, match="9999") as caught:
            Store(url).open()
        assert caught.value.code == "store_newer"
        assert "upgrade" in str(caught.value.hint)


@pytest.mark.parametrize("revision", schema.REVISIONS[:-1])
def test_an_older_schema_is_migrated_and_keeps_all_of_its_rows(url: str, revision: str) -> None:
    engine = engine_of(url)
    if "://" not in url:
        Path(url).parent.mkdir(parents=True)
    with engine.begin() as connection:
        command.upgrade(config(connection), revision)
    before = {table.name: filled(engine, table) for table in tables_of(engine)}
    assert before["runs"] and before["task_results"]
    store = Store(url)
    store.open()
    run = store.show_run(RUN)
    assert run is not None and run.kind == before["runs"].get("kind", "run")
    store.close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == schema.HEAD
        assert compare_metadata(context, Table.metadata) == []
        for table in tables_of(engine):
            if table.name in before:
                old = [table.columns[name] for name in before[table.name]]
                assert dict(connection.execute(sql_select(*old)).mappings().one()) == before[table.name], table.name
    engine.dispose()


def tables_of(engine: Engine) -> list[SqlTable]:
    """All tables but Alembic's, as the database says they are; those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(engine)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def filled(engine: Engine, table: SqlTable) -> dict[str, Any]:
    """The one row that the table has now, with something in every column."""
    values: dict[type, Any] = {int: 7, str: RUN, bool: True, bytes: b"\0\xff", float: 0.5, datetime: MOMENT,
                               object: {"a": ["b"]}, dict: {"a": ["b"]}}
    with engine.begin() as connection:
        connection.execute(insert(table).values(
            {column.name: values[column.type.python_type] for column in table.columns}))
        return dict(connection.execute(sql_select(table)).mappings().one())


def test_opening_twice_at_once_makes_one_schema(url: str) -> None:
    code = ("import sys; from orchestrator.store import Store\n"
            "store = Store(sys.argv[1]); store.open(); print(len(store.list_runs()))")
    processes = [subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) for _ in range(4)]
    outputs = [process.communicate() for process in processes]
    assert [out.strip() for out, _ in outputs] == ["0"] * 4, outputs


def test_a_run_opens_and_writes_its_store_without_sqlalchemy(tmp_path: Path) -> None:
    code = ("import sys; from orchestrator.store import Store, RunRecord; s = Store(sys.argv[1]); s.open();"
            f"s.start_run(RunRecord(id='{RUN}')); s.finish_run('{RUN}', 'ok', {{}}); s.close();"
            "print([n for n in ('sqlalchemy', 'sqlmodel', 'alembic', 'pydantic', 'psycopg') if n in sys.modules])")
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "orch.db")], capture_output=True, text=True)
    assert ended.stdout.strip() == "[]", ended.stderr
