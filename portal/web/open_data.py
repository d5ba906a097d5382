"""Answers `/data/`: the published files of the city, and feeds of its reports."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as Xml

from flask import Blueprint, Response, render_template, request, send_from_directory

from portal import clock
from portal.errors import NotFound
from portal.i18n import N_, Message, html_language
from portal.operations.publish_open_data import INDEX
from portal.queries.public_reports import PublicReport, ReportFilter, public_reports
from portal.web import access
from portal.web.history import STATES
from portal.web.locale import boundary_name, city_name, current_locale, gettext, service_name, unit_name
from portal.web.map_filter import FEED_NAMES
from portal.web.services import city, reading, services

pages = Blueprint("open_data", __name__)
ATOM = "http://www.w3.org/2005/Atom"
GEORSS = "http://www.georss.org/georss"
FILE = re.compile(r"[a-z][a-z0-9_.-]{0,80}\.(json|gz)")
FEED_SIZE = 50
NO_FILE = N_("There is no such file.")
# What each file holds; layers of boundaries are named by their titles.
CONTENTS = {
    "reports.csv.gz": N_("Every public report, as a table"),
    "reports.geojson.gz": N_("The same, as points on a map"),
    "events.ndjson.gz": N_("Everything that happened to them, with the hashes that prove it"),
    "seals.ndjson.gz": N_("The seals that hold all events together"),
    "roots.csv.gz": N_("One root for each day, to keep elsewhere"),
    "services.csv.gz": N_("Services"),
    "units.csv.gz": N_("Units"),
    "duties.csv.gz": N_("Published duties"),
}


@pages.get("/data/")
@access.public
def index() -> str:
    """What is published, how large and how old it is; no statement."""
    path = services().settings.folder("open-data") / INDEX
    published = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    made_at = datetime.fromisoformat(published["made_at"]) if published else None
    return render_template("public/data.html", published=published, made_at=made_at, contents=CONTENTS)


@pages.get("/data/<name>")
@access.public
def download(name: str) -> Response:
    """One file; a reader that has it already is told so."""
    if not FILE.fullmatch(name):
        raise NotFound(Message(NO_FILE))
    folder = services().settings.folder("open-data")
    if not (folder / name).is_file():
        raise NotFound(Message(NO_FILE))
    response = send_from_directory(folder, name, conditional=True, max_age=300)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@pages.get("/data/reports.atom")
@access.public
def feed() -> Response:
    """The newest reports as an Atom feed: all, or of a unit, service, area or state; one statement."""
    chosen = {name: request.args.get(name, "")[:80] for name in FEED_NAMES}
    wanted = ReportFilter.of(chosen["state"], chosen["service"], chosen["unit"], area=chosen["area"])
    with reading() as tx:
        page = public_reports(tx, services().jurisdiction_id, wanted, limit=FEED_SIZE)
    response = Response(_atom(page.rows, chosen), content_type="application/atom+xml; charset=utf-8")
    response.headers |= {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
    response.add_etag()
    response.make_conditional(request)
    return response


def _atom(rows: Any, chosen: dict[str, str]) -> bytes:
    base = services().settings.public_url
    root = Xml.Element(
        "feed", {"xmlns": ATOM, "xmlns:georss": GEORSS, "xml:lang": html_language(current_locale())}
    )
    _add(root, "id", f"{base}/data/reports.atom?{'&'.join(f'{k}={v}' for k, v in chosen.items() if v)}")
    _add(root, "title", " · ".join([gettext("Reports"), city_name(), *_about(chosen)]))
    newest = max((each.closed_at or each.opened_at for each in rows), default=clock.now())
    _add(root, "updated", newest.isoformat())
    Xml.SubElement(root, "link", {"rel": "self", "href": request.url.replace(request.url_root, f"{base}/")})
    Xml.SubElement(root, "link", {"rel": "alternate", "href": f"{base}/map"})
    for each in rows:
        _entry(root, each, base)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: Xml.Element, each: PublicReport, base: str) -> None:
    entry = Xml.SubElement(root, "entry")
    address = f"{base}/r/{each.token}"
    _add(entry, "id", address)
    _add(entry, "title", f"{service_name(each.service_code)} · {gettext(STATES[each.state])}")
    Xml.SubElement(entry, "link", {"href": address})
    _add(entry, "published", each.opened_at.isoformat())
    _add(entry, "updated", (each.closed_at or each.opened_at).isoformat())
    _add(Xml.SubElement(entry, "author"), "name", unit_name(each.lead_unit))
    Xml.SubElement(entry, "category", {"term": each.service_code})
    _add(entry, "content", _printable(each.public_text), type="text")
    if each.lon is not None and each.lat is not None:
        _add(entry, "georss:point", f"{each.lat:.6f} {each.lon:.6f}")


def _about(chosen: dict[str, str]) -> list[str]:
    layer, _, code = chosen["area"].partition(":")
    names = [service_name(chosen["service"]) if chosen["service"] else ""]
    names.append(unit_name(chosen["unit"]) if chosen["unit"] in city().directory else "")
    names.append(boundary_name(layer, code) if code else "")
    return [each for each in names if each]


def _add(parent: Xml.Element, name: str, words: str, **attributes: str) -> None:
    Xml.SubElement(parent, name, attributes).text = words


def _printable(words: str) -> str:
    """Without what XML cannot carry."""
    return "".join(
        c for c in words if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe")
    )
