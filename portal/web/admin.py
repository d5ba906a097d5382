"""Answers `/admin`: what can be administered, what was changed last and by whom, the city as a pack."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, g, make_response, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal.operations.change_catalogue import WRITTEN
from portal.operations.context import Actor
from portal.queries.city_book import book_lines, table_sizes
from portal.queries.city_export import pack_files
from portal.web import access, admin_words
from portal.web.locale import OWN_NAMES
from portal.web.services import city, reading, services, writing

READERS = ("admin", "auditor")
PAGE = 50

pages = Blueprint("admin", __name__, url_prefix="/admin")


@pages.get("")
@access.staff(*READERS)
def index() -> str:
    """Everything that can be administered, and the last changes."""
    with reading() as tx:
        sizes = table_sizes(tx, services().jurisdiction_id, {name: held[0] for name, held in WRITTEN.items()})
        lines = book_lines(tx, services().jurisdiction_id, most=5)
    return render_template("staff/admin/index.html", sizes=sizes, lines=lines, **shared())


@pages.get("/history")
@access.staff(*READERS)
def history() -> str:
    """The administration log: append-only, each line with its author."""
    kind = request.args.get("kind", "")
    kind = kind if kind in admin_words.EVENTS else ""
    with reading() as tx:
        lines = book_lines(
            tx,
            services().jurisdiction_id,
            before=request.args.get("before", type=int),
            kind=kind,
            most=PAGE + 1,
        )
    return render_template(
        "staff/admin/history.html", lines=lines[:PAGE], has_more=len(lines) > PAGE, kind=kind, **shared()
    )


@pages.get("/pack")
@access.staff(*READERS)
def pack() -> Response:
    """The whole city as a pack in one archive, as `wenlu city export` writes it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out, services().database.snapshot() as tx:
        keyring = services().keyring if "admin" in g.staff.roles else None
        for name, text in pack_files(tx, services().jurisdiction_id, keyring):
            out.writestr(name, text)
    answer = make_response(archive.getvalue())
    answer.headers["Content-Type"] = "application/zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{services().jurisdiction_id}.zip"'
    return answer


def shared() -> dict[str, Any]:
    """What every page of administration shows."""
    return {
        "city": city(),
        "staff": g.staff,
        "words": admin_words,
        "may_change": "admin" in g.staff.roles,
        "language_of": language_of,
    }


@contextmanager
def changing() -> Iterator[Connection]:
    """A transaction after which this process shows the city as it is then, whoever looks."""
    with writing() as tx:
        yield tx
    services().cities.look_again(services().jurisdiction_id)


def actor() -> Actor:
    """Who changes something."""
    return Actor("admin", "", g.staff.account_id)


def language_of(locale: str) -> str:
    """A language by its own name."""
    return OWN_NAMES.get(locale, locale)
