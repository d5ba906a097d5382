"""Knows the tables of a report: the current state beside its events, its clocks, photos and contact."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR, UUID

from portal.models.base import instant, json_column, jurisdiction, numbered, table

OPEN = text("closed_at IS NULL")
JOINED = text("primary_id IS NOT NULL")
NOTHING_DUE = text("'9999-01-01 00:00:00+00'::timestamptz")
LANE = (
    "(priority <> 'emergency'::text)"  # false, before true: emergencies stand first in every list of a desk
)

report = table(
    "report",
    # The same number as its case file: a report is the state, the case file the head of its chain of events.
    Column("id", BigInteger, ForeignKey("case_file.id"), primary_key=True, autoincrement=False),
    jurisdiction(),
    Column("token", Text, nullable=False, unique=True),
    Column("client_request_id", UUID(as_uuid=True)),
    Column(
        "client_digest", LargeBinary
    ),  # SHA-256 of the request's body: the same id with another body is refused
    Column("kind", Text, nullable=False),
    Column("service_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("is_anonymous", Boolean, nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False)),  # as reported: never public
    Column("public_geom", Geometry("POINT", srid=4326, spatial_index=False)),  # coarsened where sensitive
    Column("accuracy_m", Float),
    Column("place_flag", Text),  # default_point, no_place, outside: where the place is not to be trusted
    Column("description", Text, nullable=False),  # as written: for the unit only
    Column("public_text", Text, nullable=False),  # masked
    json_column("answers"),
    Column("lead_unit", Text, nullable=False),
    json_column("assist_units"),
    Column("rule", Text, nullable=False),
    Column("rulebook_version", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("is_ambiguous", Boolean, nullable=False),
    Column("question_code", Text),
    json_column("receipt"),  # exact: for the reporter and the desk
    json_column("public_receipt"),
    Column("closing_code", Text),
    Column("transfer_count", SmallInteger, nullable=False, server_default="0"),
    instant("opened_at"),
    instant("updated_at"),
    instant("accepted_at", nullable=True),
    instant("closed_at", nullable=True),
    instant("promise_due_at", nullable=True),
    instant(
        "second_due_at", nullable=True
    ),  # an extension or a planned date: beside the promise, never instead
    # What counts next, of the unit's running clocks or the promise (operations.next_due); the far end: nothing.
    Column("next_due_at", DateTime(timezone=True), nullable=False, server_default=NOTHING_DUE),
    Column("about_unit", Text),  # of a complaint: whom it is kept from; never public
    Column("places", ARRAY(Text), nullable=False, server_default="{}"),  # layer:code around the public point
    Column("colour", SmallInteger, nullable=False, server_default="0"),  # 0 none, 1 yellow, 2 orange, 3 red
    Column("colour_floor", SmallInteger, nullable=False, server_default="0"),  # what it does not fall below
    instant("contact_erased_at", nullable=True),  # contact, letters between resident and unit, originals
    instant("text_erased_at", nullable=True),  # the words as written, the exact place, all private notes
    # Bigrams of Chinese, stems of the rest (routing.words), of what everybody may read: a search tells no secret.
    Column("words", TSVECTOR),
    Column("voice", LargeBinary),  # who speaks, as a keyed hash; forgotten after some days
    Column("joined_id", BigInteger, ForeignKey("report.id")),  # of a duplicate: the report it was joined with
    Column("primary_id", BigInteger, ForeignKey("report.id")),  # ... and the one at the end of that chain
    # How often the case was closed, and by whom last; how often a resident had it opened again, and when last.
    Column("closing_count", SmallInteger, nullable=False, server_default="0"),
    Column("closing_unit", Text),
    Column("reopen_count", SmallInteger, nullable=False, server_default="0"),
    instant("reopened_at", nullable=True),
    instant("confirmed_at", nullable=True),  # the reporter said yes to the last closing
    UniqueConstraint("jurisdiction_id", "client_request_id"),
    Index(
        "ix_report_opened",
        "jurisdiction_id",
        text("opened_at DESC"),
        text("id DESC"),
        postgresql_include=["state", "service_code", "lead_unit", "is_private"],
    ),
    Index("ix_report_updated", "jurisdiction_id", "updated_at"),
    Index(
        "ix_report_open_unit",
        "jurisdiction_id",
        "lead_unit",
        "promise_due_at",
        postgresql_include=["state", "colour", "reopen_count", "about_unit", "id"],
        postgresql_where=OPEN,
    ),
    Index(
        "ix_report_colour",
        "jurisdiction_id",
        "colour",
        "lead_unit",
        "promise_due_at",
        postgresql_where=text("closed_at IS NULL AND colour > 0"),
    ),
    Index(
        "ix_report_reopened",
        "jurisdiction_id",
        "lead_unit",
        postgresql_where=text("closed_at IS NULL AND reopen_count > 0"),
    ),
    # A desk's lists, read in their order: of one unit, and of all. What is included is judged without the row, so
    # that a filter for one service of many costs no visit to the others.
    Index(
        "ix_report_due_unit",
        "jurisdiction_id",
        "lead_unit",
        "state",
        text(LANE),
        "next_due_at",
        "id",
        postgresql_include=["priority", "about_unit", "service_code", "colour"],
        postgresql_where=OPEN,
    ),
    Index(
        "ix_report_due",
        "jurisdiction_id",
        "state",
        text(LANE),
        "next_due_at",
        "id",
        postgresql_include=["priority", "service_code", "colour"],
        postgresql_where=OPEN,
    ),
    Index("ix_report_exact_place", "geom", postgresql_using="gist", postgresql_where=OPEN),
    Index(
        "ix_report_assist",
        "assist_units",
        postgresql_using="gin",
        postgresql_where=text("assist_units <> '[]'::jsonb"),
    ),
    Index(
        "ix_report_unit",
        "jurisdiction_id",
        "lead_unit",
        text("opened_at DESC"),
        postgresql_include=["closed_at", "state", "closing_code", "reopen_count"],
    ),
    Index("ix_report_service", "jurisdiction_id", "service_code", text("opened_at DESC")),
    Index("ix_report_state", "jurisdiction_id", "state", text("opened_at DESC")),
    Index(
        "ix_report_kind",
        "jurisdiction_id",
        "kind",
        "opened_at",
        postgresql_include=["closed_at", "promise_due_at", "state"],
    ),
    # What was promised and what was ended in a period: figures answer from the index alone.
    Index(
        "ix_report_promise",
        "jurisdiction_id",
        "promise_due_at",
        postgresql_include=["lead_unit", "closed_at", "state", "closing_code"],
    ),
    Index(
        "ix_report_closed",
        "jurisdiction_id",
        "closed_at",
        postgresql_include=["lead_unit", "state", "promise_due_at", "closing_code"],
    ),
    # What is to be forgotten next: only closed cases of which it is still kept.
    Index(
        "ix_report_contact_kept",
        "jurisdiction_id",
        "closed_at",
        postgresql_where=text("contact_erased_at IS NULL AND closed_at IS NOT NULL"),
    ),
    Index(
        "ix_report_text_kept",
        "jurisdiction_id",
        "closed_at",
        postgresql_where=text("text_erased_at IS NULL AND closed_at IS NOT NULL"),
    ),
    # What waits for the reporter's word: closed as unverified when the set days have passed.
    Index(
        "ix_report_silent",
        "jurisdiction_id",
        "closed_at",
        "id",
        postgresql_where=text("state = 'resolved'"),
    ),
    Index("ix_report_open_assist", "assist_units", postgresql_using="gin", postgresql_where=OPEN),
    Index("ix_report_public_geom", "public_geom", postgresql_using="gist"),
    Index("ix_report_words", "words", postgresql_using="gin"),
    Index("ix_report_open_words", "words", postgresql_using="gin", postgresql_where=OPEN),
    Index(
        "ix_report_placeless",
        "jurisdiction_id",
        "service_code",
        text("opened_at DESC"),
        postgresql_where=text("geom IS NULL AND closed_at IS NULL"),
    ),
    Index("ix_report_joined", "joined_id", postgresql_where=JOINED),
    Index("ix_report_primary", "primary_id", postgresql_where=JOINED),
    Index("ix_report_places", "places", postgresql_using="gin"),
    Index("ix_report_open_geom", "public_geom", postgresql_using="gist", postgresql_where=OPEN),
)

clock = table(
    "clock",
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("kind", Text, nullable=False),  # promise, unit, extension, supervision, …
    Column("stage", Text, nullable=False),  # dispatch, accept, first_answer, resolve
    Column("unit_code", Text),
    Column("task_number", SmallInteger),  # of kind task: which task of the case
    Column("state", Text, nullable=False),  # running, paused, met, cancelled
    Column("warning", SmallInteger, nullable=False, server_default="0"),  # 0 none, 1 at risk, 2 breached
    Column(
        "mark", SmallInteger, nullable=False, server_default="0"
    ),  # routing.escalation: the last one passed
    instant("started_at"),
    instant("remind_at", nullable=True),
    instant("at_risk_at"),
    instant("nearly_at", nullable=True),
    instant("due_at"),
    instant("next_at", nullable=True),  # when the sweep must look again; null: never
    instant("met_at", nullable=True),
    instant("paused_at", nullable=True),
    Column("span_unit", Text, nullable=False),  # working_hours, working_days, hours, days: how a pause counts
    Index("ix_clock_next", "next_at", "id", postgresql_where=text("next_at IS NOT NULL")),
    Index("ix_clock_report", "report_id"),
    # Dates on which a case moves by itself: what remains of it, the end of a pause.
    Index(
        "ix_clock_dates",
        "due_at",
        "id",
        postgresql_where=text("kind IN ('rest', 'pause') AND state = 'running'"),
    ),
    Index(
        "ix_clock_kept",
        "jurisdiction_id",
        "unit_code",
        "due_at",
        postgresql_include=["met_at", "state"],
        postgresql_where=text("kind = 'unit' AND stage = 'resolve'"),
    ),
    Index(
        "ix_clock_unit_due",
        "jurisdiction_id",
        "unit_code",
        "due_at",
        postgresql_where=text("kind = 'unit' AND state = 'running'"),
    ),
)

contact = table(
    "contact",
    Column("report_id", BigInteger, ForeignKey("report.id"), primary_key=True, autoincrement=False),
    jurisdiction(),
    Column(
        "sealed", LargeBinary, nullable=False
    ),  # name, e-mail, phone: encrypted with the installation's key
    Column("locale", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("has_email", Boolean, nullable=False),
    Column("has_phone", Boolean, nullable=False, server_default=text("false")),
    json_column("wishes", nullable=True),  # which letters, by which channel, when not; null: all, by e-mail
)

media = table(
    "media",
    numbered(),
    jurisdiction(),
    Column("token", Text, nullable=False, unique=True),
    Column("report_id", BigInteger, ForeignKey("report.id")),
    Column("purpose", Text, nullable=False),  # report, proof
    Column("state", Text, nullable=False),  # stored, ready, refused
    Column("digest", LargeBinary, nullable=False),
    Column("format", Text, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    json_column("capture", nullable=True),  # time and place from the photo's own data: for the desk only
    instant("created_at"),
    Index("ix_media_report", "report_id"),
)
