"""Give reports their words and their incident, and keep who follows one and which many are a group."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

JOINED = sa.text("primary_id IS NOT NULL")
RUNNING = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("report", sa.Column("words", postgresql.TSVECTOR(), nullable=True))
    op.add_column("report", sa.Column("voice", sa.LargeBinary(), nullable=True))
    op.add_column("report", sa.Column("joined_id", sa.BigInteger(), nullable=True))
    op.add_column("report", sa.Column("primary_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(None, "report", "report", ["joined_id"], ["id"])
    op.create_foreign_key(None, "report", "report", ["primary_id"], ["id"])
    op.create_index("ix_report_words", "report", ["words"], postgresql_using="gin")
    op.create_index(
        "ix_report_placeless",
        "report",
        ["jurisdiction_id", "service_code", sa.text("opened_at DESC")],
        postgresql_where=sa.text("geom IS NULL AND closed_at IS NULL"),
    )
    op.create_index("ix_report_joined", "report", ["joined_id"], postgresql_where=JOINED)
    op.create_index("ix_report_primary", "report", ["primary_id"], postgresql_where=JOINED)
    _tie_what_was_joined()
    _followers()
    _groups()


def _tie_what_was_joined() -> None:
    """Until now only events said which report another one was joined with; chains end at their first report."""
    op.execute(
        """
        UPDATE report SET joined_id = other.id, primary_id = other.id
        FROM (
            SELECT DISTINCT ON (case_id) case_id, public->>'duplicate_of' AS token
            FROM event WHERE public ? 'duplicate_of' ORDER BY case_id, case_seq DESC
        ) AS told JOIN report AS other ON other.token = told.token
        WHERE report.id = told.case_id AND report.state = 'duplicate'
        """
    )
    op.execute(
        """
        WITH RECURSIVE chain AS (
            SELECT id, joined_id, 1 AS depth FROM report WHERE joined_id IS NOT NULL
            UNION ALL
            SELECT chain.id, report.joined_id, depth + 1
            FROM chain JOIN report ON report.id = chain.joined_id
            WHERE report.joined_id IS NOT NULL AND depth < 100
        ), ends AS (SELECT DISTINCT ON (id) id, joined_id FROM chain ORDER BY id, depth DESC)
        UPDATE report SET primary_id = ends.joined_id FROM ends WHERE ends.id = report.id
        """
    )


def _followers() -> None:
    op.create_table(
        "follower",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("voice", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
        sa.UniqueConstraint("report_id", "voice"),
    )


def _groups() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("service_group", sa.Text(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
    )
    op.create_index(
        "ix_incident_declared", "incident", ["jurisdiction_id", sa.text("declared_at DESC")], unique=False
    )
    op.create_index(
        "ix_incident_running", "incident", ["jurisdiction_id", "service_group"], postgresql_where=RUNNING
    )
    op.create_table(
        "incident_member",
        sa.Column("report_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"]),
        sa.PrimaryKeyConstraint("report_id"),
    )
    op.create_index("ix_incident_member_incident", "incident_member", ["incident_id"], unique=False)
    op.create_table(
        "incident_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("text", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("incident_id", "position"),
    )


def downgrade() -> None:
    op.drop_index("ix_report_placeless", "report")
    for name in ("incident_step", "incident_member", "incident", "follower"):
        op.drop_table(name)
    for column in ("primary_id", "joined_id", "voice", "words"):
        op.drop_column("report", column)
