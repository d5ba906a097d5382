"""Answers `/admin/settings`: what city.toml says beside its layers, as a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.errors import Conflict
from portal.operations.change_catalogue import (
    CITY_SETTINGS,
    CatalogueRefused,
    Planned,
    change_catalogue,
    put_settings,
)
from portal.pack.cells import digest_of
from portal.pack.config_cells import settings_texts
from portal.queries.city_cells import city_row, config_of
from portal.queries.suspected_points import suspected_points
from portal.web import access, settings_words
from portal.web.admin import READERS, actor, changing, shared
from portal.web.services import reading, services

LONGEST = 2_000

pages = Blueprint("admin_settings", __name__, url_prefix="/admin/settings")


@pages.get("")
@access.staff(*READERS)
def show() -> Response:
    """Every setting, group by group."""
    with reading() as tx:
        texts = settings_texts(config_of(city_row(tx, services().jurisdiction_id)))
    return _page(200, texts, digest_of(texts))


@pages.post("")
@access.staff("admin")
def save() -> Response:
    """Save all of them; a change that somebody should look at first is shown again."""
    given = request.form
    texts = {
        name.removeprefix("s-"): text.replace("\r\n", "\n")[:LONGEST]
        for name, text in given.items()
        if name.startswith("s-")
    }
    seen = given.get("seen", "")
    try:
        with changing() as tx:
            done = change_catalogue(
                tx,
                services().context,
                actor(),
                CITY_SETTINGS,
                put_settings(texts, seen),
                given.get("warned", ""),
            )
    except CatalogueRefused as refused:
        return _page(422, texts, seen, planned=refused.planned)
    except Conflict as refused:
        return _page(409, texts, seen, conflict=refused.message)
    return redirect(f"/admin/settings?done={'saved' if done.is_done else 'same'}", 303)


def _page(
    status: int, texts: Mapping[str, str], seen: str, planned: Planned | None = None, conflict: Any = None
) -> Response:
    errors = planned.errors if planned else []
    faults = {each.column: each.message for each in errors if each.column in texts}
    groups: dict[str, dict[str, str]] = {}
    for key, text in sorted(texts.items(), key=lambda each: settings_words.order_of(each[0])):
        groups.setdefault(settings_words.group_of(key), {})[key] = text
    with reading() as tx:
        suspected = suspected_points(tx, services().jurisdiction_id)
    page = render_template(
        "staff/admin/settings.html",
        suspected=suspected,
        groups=groups,
        seen=seen,
        faults=faults,
        others=[each for each in errors if each.column not in faults],
        warnings=planned.warnings if planned and not errors else [],
        warned=planned.warned if planned and not errors else "",
        conflict=conflict,
        labels=settings_words,
        **shared(),
    )
    return make_response(page, status)
