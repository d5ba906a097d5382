"""Knows the tables of what a city publishes about itself: services, units, duties, targets, rules, works."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import Boolean, Column, Date, Float, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from portal.models.base import instant, json_column, jurisdiction, numbered, table

jurisdiction_table = table(
    "jurisdiction",
    Column("id", Text, primary_key=True),
    json_column("name"),
    json_column("config"),  # city.toml as read: calendar, layers, targets_of_service
    Column("timezone", Text, nullable=False),
    json_column("locales"),
    Column("coordination_unit", Text, nullable=False),
    Column("routing_version", Integer, nullable=False, server_default="1"),  # moves when decisions may change
    Column("pack_digest", Text, nullable=False),
    Column("is_demo", Boolean, nullable=False, server_default=text("false")),
    instant("loaded_at"),
)

service = table(
    "service",
    numbered(),
    jurisdiction(),
    Column("service_code", Text, nullable=False),
    Column("group", Text, nullable=False),
    json_column("group_name"),
    Column("kind", Text, nullable=False),
    json_column("name"),
    json_column("description"),
    json_column("keywords"),
    Column("importance", Integer, nullable=False),
    Column("is_sensitive", Boolean, nullable=False),
    Column("duplicate_radius_m", Float, nullable=False),
    Column("photo", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("jurisdiction_id", "service_code"),
)

question = table(
    "question",
    numbered(),
    jurisdiction(),
    Column("service_code", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("datatype", Text, nullable=False),
    Column("is_required", Boolean, nullable=False),
    Column("order", Integer, nullable=False),
    json_column("question"),
    json_column("values"),  # [{key, label: {locale: text}}]
    json_column("show_if"),  # [[question code, value key]]: shown when any was answered; empty: always
    json_column("stop"),  # {value key: code of the notice shown instead of going on}
    UniqueConstraint("jurisdiction_id", "service_code", "code"),
)

unit = table(
    "unit",
    numbered(),
    jurisdiction(),
    Column("unit_code", Text, nullable=False),
    Column("parent", Text),
    Column("level", Text, nullable=False),
    json_column("name"),
    Column("email", Text),
    Column("webhook", Text),
    Column("phone", Text),
    Column("supervisor_unit", Text),
    Column("contract_from", Date),
    Column("contract_to", Date),
    Column("position", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("jurisdiction_id", "unit_code"),
)

unit_boundary = table(
    "unit_boundary",
    numbered(),
    jurisdiction(),
    Column("unit_code", Text, nullable=False),
    Column("layer", Text, nullable=False),
    Column("boundary_code", Text, nullable=False),
    UniqueConstraint("jurisdiction_id", "layer", "boundary_code", "unit_code"),
)

duty = table(
    "duty",
    numbered(),
    jurisdiction(),
    Column("unit_code", Text, nullable=False),
    Column("service_code", Text, nullable=False),
    json_column("standard"),
    json_column("procedure"),
    Column("legal_basis", Text),
    Column("review_by", Date),
    UniqueConstraint("jurisdiction_id", "unit_code", "service_code"),
)

target = table(
    "target",
    numbered(),
    jurisdiction(),
    Column("applies_to", Text, nullable=False),  # a service_code, a group, or *
    Column("priority", Text, nullable=False, server_default=""),
    Column("clock", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("amount", Float, nullable=False),
    Column("unit", Text, nullable=False),
    UniqueConstraint("jurisdiction_id", "applies_to", "priority", "clock", "stage"),
)

holiday = table(
    "holiday",
    numbered(),
    jurisdiction(),
    Column("date", Date, nullable=False),
    Column("is_working", Boolean, nullable=False),
    json_column("name"),
    UniqueConstraint("jurisdiction_id", "date"),
)

response_plan = table(
    "response_plan",
    numbered(),
    jurisdiction(),
    Column("code", Text, nullable=False),
    json_column("title"),
    Column("trigger", Text),
    json_column("steps"),
    UniqueConstraint("jurisdiction_id", "code"),
)

planned_work = table(
    "planned_work",
    numbered(),
    jurisdiction(),
    Column("code", Text, nullable=False),
    Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
    json_column("service_codes"),
    instant("from_at"),
    instant("to_at"),
    json_column("message"),
    UniqueConstraint("jurisdiction_id", "code"),
    Index("ix_planned_work_geom", "geom", postgresql_using="gist"),
)

basemap_feature = table(
    "basemap_feature",
    numbered(),
    jurisdiction(),
    Column("kind", Text, nullable=False),  # the file's name: water, parks, streets
    json_column("properties"),
    Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
    Column("words", TSVECTOR),  # of its names (routing.place_words); nothing where it has none
    Index("ix_basemap_feature_words", "words", postgresql_using="gin"),
    Index("ix_basemap_feature_geom", "geom", postgresql_using="gist"),
)

rulebook = table(
    "rulebook",
    numbered(),
    jurisdiction(),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),  # the TOML text as published
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),  # draft, active, retired
    Column("published_by_role", Text),
    Column("published_by_unit", Text),
    instant("published_at", nullable=True),
    instant("retired_at", nullable=True),
    UniqueConstraint("jurisdiction_id", "version"),
    Index("uq_rulebook_active", "jurisdiction_id", unique=True, postgresql_where=text("state = 'active'")),
)
