"""Knows how our tables are made: the one MetaData and the columns that every table shares."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from geo.tables import metadata

__all__ = ["instant", "json_column", "jurisdiction", "metadata", "numbered", "table"]


def numbered() -> Column[int]:
    """The usual primary key: a number given by the database."""
    return Column("id", BigInteger, Identity(always=False), primary_key=True)


def jurisdiction() -> Column[str]:
    """Every row names the city it belongs to."""
    return Column("jurisdiction_id", Text, nullable=False)


def instant(name: str, *, nullable: bool = False) -> Column[Any]:
    """An aware instant, stored in UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def json_column(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    """A JSON document; names in several languages are {locale: text}."""
    return Column(name, JSONB(none_as_null=True), nullable=nullable, server_default=default)


def table(name: str, *columns: Any) -> Table:
    """A table of ours on the one MetaData."""
    return Table(name, metadata, *columns)
