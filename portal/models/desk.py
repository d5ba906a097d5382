"""Knows the table of what a desk keeps for itself: the filters that a person saved under a name."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Text, UniqueConstraint

from portal.models.base import instant, jurisdiction, numbered, table

saved_filter = table(
    "saved_filter",
    numbered(),
    jurisdiction(),
    Column("account_id", BigInteger, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),  # as it stands in the address of a list, without its page
    instant("created_at"),
    UniqueConstraint("account_id", "name"),
)
