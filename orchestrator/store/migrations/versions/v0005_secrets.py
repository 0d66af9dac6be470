"""Secrets among an inventory's variables are sealed; whether a project's content may run on the server.

Variables that are there stay readable and in the open until they are written again.
"""

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SEALED = ("inventories", "inventory_hosts", "inventory_groups")


def _altered(table: str) -> AbstractContextManager[BatchOperations]:
    """SQLite would write a new column behind the constraints, where a new database has it before them."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    return op.batch_alter_table(table, recreate="always" if is_sqlite else "never")


def upgrade() -> None:
    for table in SEALED:
        with _altered(table) as altered:
            altered.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
    with _altered("projects") as projects:
        projects.add_column(sa.Column("runs_here", sa.Boolean(), nullable=True))


def downgrade() -> None:
    with _altered("projects") as projects:
        projects.drop_column("runs_here")
    for table in SEALED:
        with _altered(table) as altered:
            altered.drop_column("sealed")
