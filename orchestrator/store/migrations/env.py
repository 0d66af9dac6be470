"""Alembic's entry: runs migrations on the connection it was handed."""

from alembic import context

from orchestrator.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="orchestrator.store.tables.",
)
with context.begin_transaction():
    context.run_migrations()
