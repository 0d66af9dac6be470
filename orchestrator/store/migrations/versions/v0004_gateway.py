"""The gateway's own upkeep: nonces, servers that run, agentlets' stats, rollouts; who signed a certificate.

Types are spelled out here and not taken from the tables: a migration stays as it was when the tables move on.
"""

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _certificates() -> AbstractContextManager[BatchOperations]:
    """SQLite would write a new column behind the constraints, where a new database has it before them."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    return op.batch_alter_table("agent_certificates", recreate="always" if is_sqlite else "never")


def upgrade() -> None:
    with _certificates() as certificates:
        certificates.add_column(sa.Column("authority", sa.Text(), nullable=True))

    op.create_table(
        "nonces",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_nonces"))
    )
    op.create_index(op.f("ix_nonces_expires"), "nonces", ["expires"])

    op.create_table(
        "servers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("born", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("behind_proxy", sa.Boolean(), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers"))
    )

    op.create_table(
        "agent_stats",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stats", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_agent_stats_agent_id_agents"),
                                ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_agent_stats"))
    )

    op.create_table(
        "rollouts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ring", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts"))
    )


def downgrade() -> None:
    for table in ("rollouts", "agent_stats", "servers", "nonces"):
        op.drop_table(table)
    with _certificates() as certificates:
        certificates.drop_column("authority")
