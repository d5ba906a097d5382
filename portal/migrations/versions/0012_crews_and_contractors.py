"""Crews with their rosters, jobs and loans; links and questions of contractors; what a community was given."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
TABLES = (
    "community_duty",
    "complaint_case",
    "contractor_question",
    "contractor_link",
    "crew_loan",
    "crew_job",
    "crew_member",
    "crew_shift",
    "crew",
)


def upgrade() -> None:
    op.create_table(
        "crew",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("crew_code", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("services", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4326, dimension=2, spatial_index=False),
            nullable=True,
        ),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crew")),
        sa.UniqueConstraint("jurisdiction_id", "crew_code", name=op.f("uq_crew_jurisdiction_id_crew_code")),
    )
    op.create_index("ix_crew_unit", "crew", ["jurisdiction_id", "unit_code"], unique=False)
    op.create_table(
        "crew_shift",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("crew_code", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("from_time", sa.Text(), nullable=False),
        sa.Column("to_time", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crew_shift")),
    )
    op.create_index("ix_crew_shift_crew", "crew_shift", ["jurisdiction_id", "crew_code"], unique=False)
    op.create_table(
        "crew_member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("crew_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_crew_member_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crew_member")),
        sa.UniqueConstraint("account_id", "crew_code", name=op.f("uq_crew_member_account_id_crew_code")),
    )
    op.create_table(
        "crew_job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("crew_code", sa.Text(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_called", sa.Boolean(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_crew_job_account_id_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_crew_job_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crew_job")),
    )
    op.create_index(
        "ix_crew_job_last",
        "crew_job",
        ["jurisdiction_id", "crew_code", sa.literal_column("started_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_crew_job_load",
        "crew_job",
        ["jurisdiction_id", "crew_code"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_crew_job_person",
        "crew_job",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_crew_job_report", "crew_job", ["report_id"], unique=False)
    op.create_index(
        "uq_crew_job_open",
        "crew_job",
        ["report_id", "crew_code"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "crew_loan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("crew_code", sa.Text(), nullable=False),
        sa.Column("owner_unit", sa.Text(), nullable=False),
        sa.Column("borrower_unit", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_crew_loan_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crew_loan")),
    )
    op.create_index(
        "ix_crew_loan_borrower",
        "crew_loan",
        ["jurisdiction_id", "borrower_unit"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_crew_loan_owner",
        "crew_loan",
        ["jurisdiction_id", "owner_unit"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_crew_loan_report", "crew_loan", ["report_id"], unique=False)
    op.create_index(
        "uq_crew_loan_held",
        "crew_loan",
        ["jurisdiction_id", "crew_code"],
        unique=True,
        postgresql_where=sa.text("state IN ('granted', 'arrived')"),
    )
    op.create_index(
        "uq_crew_loan_open",
        "crew_loan",
        ["report_id", "crew_code"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "contractor_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("hand_over", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_contractor_link_report_id_report")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contractor_link")),
    )
    op.create_index("ix_contractor_link_report", "contractor_link", ["report_id"], unique=False)
    op.create_index(
        "uq_contractor_link_standing",
        "contractor_link",
        ["report_id", "unit_code"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "contractor_question",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_contractor_question_report_id_report")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contractor_question")),
    )
    op.create_index("ix_contractor_question_report", "contractor_question", ["report_id"], unique=False)
    op.create_table(
        "complaint_case",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("about_token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_complaint_case_report_id_report")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_case")),
        sa.UniqueConstraint("report_id", name=op.f("uq_complaint_case_report_id")),
    )
    op.create_table(
        "community_duty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("street_unit", sa.Text(), nullable=False),
        sa.Column("community_unit", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_community_duty_report_id_report")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_duty")),
    )
    op.create_index("ix_community_duty_report", "community_duty", ["report_id"], unique=False)
    op.create_index(
        "uq_community_duty_open",
        "community_duty",
        ["report_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    # Figures by kind, and how a unit kept its own clocks: from the index alone.
    op.create_index(
        "ix_report_kind",
        "report",
        ["jurisdiction_id", "kind", "opened_at"],
        postgresql_include=["closed_at", "promise_due_at", "state"],
    )
    op.create_index(
        "ix_clock_kept",
        "clock",
        ["jurisdiction_id", "unit_code", "due_at"],
        postgresql_include=["met_at", "state"],
        postgresql_where=sa.text("kind = 'unit' AND stage = 'resolve'"),
    )


def downgrade() -> None:
    op.drop_index("ix_clock_kept", "clock")
    op.drop_index("ix_report_kind", "report")
    for table in TABLES:
        op.drop_table(table)
