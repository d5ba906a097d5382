"""Answers `/find`: a report looked up by its number, or a place by its name, as a person types it."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.crypto import ALPHABET, TOKEN_LENGTH, read_token
from portal.queries.place_names import Place, find_places
from portal.queries.report_page import is_report
from portal.web import access
from portal.web.limits import count_guess, count_look
from portal.web.locale import boundary_name, layer_title, named
from portal.web.services import city, reading, services

pages = Blueprint("find", __name__)
LONGEST = 60


@pages.get("/find")
@access.public
def find() -> Response:
    """Lead to the report or the one place of that name; list several; say so where there is none. Two statements.

    Numbers that no report has are counted against guessing.
    """
    words = " ".join(request.args.get("number", "").split())[:LONGEST]
    if not words:
        return redirect("/", 303)
    number = "".join(letter for letter in read_token(words) if letter in ALPHABET)[:40]
    with reading() as tx:
        is_known = bool(number) and is_report(tx, services().jurisdiction_id, number)
        places = [] if is_known else places_called(words)
    if not is_known and not places and len(number) == TOKEN_LENGTH:
        count_guess()
        is_known = True  # its page says that there is no such report
    if is_known:
        return redirect(f"/r/{number}", 303)
    if len(places) == 1:
        return redirect(on_map(places[0]), 303)
    return make_response(render_template("public/places.html", words=words, places=places, longest=LONGEST))


def places_called(words: str) -> list[Place]:
    """The places of the city with this name, counted as one look at the map; one statement."""
    count_look()
    with reading() as tx:
        return find_places(tx, city(), words[:LONGEST])


def on_map(place: Place) -> str:
    """Where the map shows a place: an area with its reports, anything else with the map around it."""
    near = f"{place.point.lon},{place.point.lat}"
    return f"/map?{urlencode({'area': place.area} if place.area else {'near': near})}"


def title_of(place: Place) -> str:
    """A place in the reader's language, with what kind of area it is and the areas around it."""
    kind = layer_title(place.layer) if place.layer else ""
    around = [boundary_name(*each) for each in reversed(place.within)]
    return " · ".join(part for part in (named(place.names), kind, *around) if part)


pages.add_app_template_global(on_map, "place_on_map")
pages.add_app_template_global(title_of, "place_title")
