"""Knows the tables of the open city: what happened in an area or a unit day by day, and who wants to be told of it."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, Text, UniqueConstraint, text

from portal.models.base import instant, jurisdiction, numbered, table

area_day = table(
    "area_day",  # a day on which nothing happened has no row; the open ones are then those of the row before
    Column("jurisdiction_id", Text, primary_key=True),
    Column("layer", Text, primary_key=True),  # of boundaries, or @unit
    Column("code", Text, primary_key=True),
    Column("day", Date, primary_key=True),  # of the city's own calendar
    Column("opened", Integer, nullable=False),
    Column("closed", Integer, nullable=False),  # dealt with: neither rejected nor merged
    Column("judged", Integer, nullable=False),  # whose first promise fell due that day
    Column("on_time", Integer, nullable=False),
    Column("open_at_end", Integer, nullable=False),
)

area_day_run = table(
    "area_day_run",
    Column("jurisdiction_id", Text, primary_key=True),
    instant("refreshed_at"),
    instant("full_at"),  # the last time that everything was counted anew
)

subscription = table(
    "subscription",
    numbered(),
    jurisdiction(),
    Column("token", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # report, area, service, unit
    Column("code", Text, nullable=False),
    # A keyed hash of the letter box: nobody is written to twice of the same, and nobody is known by it.
    Column("voice", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the address, encrypted with the installation's key
    Column("locale", Text, nullable=False),
    Column("pace", Text, nullable=False),  # hourly, daily
    Column(
        "state", Text, nullable=False
    ),  # asked (the address is unproved), confirmed; who leaves is deleted
    instant("created_at"),
    instant("told_until"),
    instant("next_at", nullable=True),  # when to look for news; null while the address is unproved
    UniqueConstraint("jurisdiction_id", "voice", "kind", "code"),
    Index("ix_subscription_next", "next_at", "id", postgresql_where=text("next_at IS NOT NULL")),
    Index("ix_subscription_asked", "created_at", postgresql_where=text("state = 'asked'")),
)
