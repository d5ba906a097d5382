"""Answers `/find`: a report looked up by its number, or an area by its name, as a person types it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from portal.crypto import ALPHABET, read_token
from portal.queries.report_page import is_report
from portal.web import access
from portal.web.areas import offered_areas
from portal.web.limits import count_guess
from portal.web.services import city, reading, services

pages = Blueprint("find", __name__)
SHORTEST_NAME = 2


@pages.get("/find")
@access.public
def find() -> Response:
    """Lead to the report, or to the area of that name; numbers that no report has are counted against guessing."""
    words = request.args.get("number", "")[:60]
    if (area := _area_called(words)) is not None:
        return redirect(f"/map?{urlencode({'area': area})}", 303)
    typed = read_token(words)
    number = "".join(letter for letter in typed if letter in ALPHABET)[:40]
    if not number:
        return redirect("/", 303)
    with reading() as tx:
        is_known = is_report(tx, services().jurisdiction_id, number)
    if not is_known:
        count_guess()
    return redirect(f"/r/{number}", 303)


def _area_called(words: str) -> str | None:
    """The area whose name in any language is this, or begins with it; the largest areas first."""
    wanted = " ".join(words.split()).casefold()
    if len(wanted) < SHORTEST_NAME:
        return None
    names = [
        (name.casefold(), f"{layer.name}:{boundary.code}")
        for layer, boundaries in offered_areas()
        for boundary in boundaries
        for name in _names(city().boundary_name(layer.name, boundary.code))
    ]
    same = (area for name, area in names if name == wanted)
    begun = (area for name, area in names if name.startswith(wanted))
    return next(same, None) or next(begun, None)


def _names(found: Mapping[str, str] | str) -> Iterable[str]:
    return [found] if isinstance(found, str) else found.values()
