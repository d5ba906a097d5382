"""Knows the tables of staff: accounts, their (role, unit) grants, sessions, and attempts to sign in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)

from portal.models.base import instant, jurisdiction, numbered, table

account = table(
    "account",
    numbered(),
    jurisdiction(),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("locale", Text),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_demo", Boolean, nullable=False, server_default=text("false")),
    instant("created_at"),
    Index("uq_account_email", "jurisdiction_id", text("lower(email)"), unique=True),
)

role_grant = table(
    "role_grant",
    numbered(),
    jurisdiction(),
    Column("account_id", BigInteger, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("unit_code", Text, nullable=False, server_default=""),  # empty: the whole city
    UniqueConstraint("account_id", "role", "unit_code"),
    Index("ix_role_grant_unit", "jurisdiction_id", "unit_code"),
)

staff_session = table(
    "staff_session",
    Column("key_hash", LargeBinary, primary_key=True),  # SHA-256 of the cookie's secret
    jurisdiction(),
    Column("account_id", BigInteger, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    instant("created_at"),
    instant("seen_at"),
    instant("expires_at"),
    Index("ix_staff_session_account", "account_id"),
)

attempt = table(
    "attempt",  # what is limited by rate; `subject` is a keyed hash, never an address or an e-mail
    numbered(),
    jurisdiction(),
    Column("action", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    instant("at"),
    Index("ix_attempt_subject", "action", "subject", "at"),
)
