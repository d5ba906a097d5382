"""Answers `/admin/boundaries`: maps uploaded and checked, compared with the one in force, switched, taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from geo.boundary import Layer
from portal.errors import Conflict, InvalidInput, WenluError
from portal.operations.manage_editions import configure, roll_back, stage_edition, switch_edition
from portal.pack.model import DATUMS
from portal.queries.city_layers import file_of
from portal.queries.edition_changes import affected_cases, compare_editions, read_edition
from portal.queries.editions import list_editions, list_layers
from portal.web import access
from portal.web.admin import READERS, actor, changing, shared
from portal.web.forms.boundary_upload import BoundaryUpload, read_layer_settings, read_upload
from portal.web.services import city, reading, services

MOST_LISTED = 200

pages = Blueprint("admin_boundaries", __name__, url_prefix="/admin/boundaries")


@dataclass(frozen=True, slots=True)
class Strangers:
    """What the units say and a map does not, and the other way round."""

    gone: Mapping[str, Sequence[str]]
    unheld: Sequence[str]


@pages.get("")
@access.staff(*READERS)
def index() -> Response:
    """Every layer with its editions, and a form for another file."""
    return _list_page(200)


@pages.post("")
@access.staff("admin")
def upload() -> Response:
    """Read and check a file; without errors it waits beside the map in force."""
    found: BoundaryUpload | None = None
    try:
        with reading() as tx:
            layers = list_layers(tx, services().jurisdiction_id)
        found = read_upload(request.form, request.files.get("file"), layers, city().router.city.index.layers)
        if found.has_errors:
            return _list_page(422, found=found)
        with changing() as tx:
            staged = stage_edition(
                tx, services().context, found.layer, is_new_layer=found.is_new, valid_from=found.valid_from,
                valid_to=found.valid_to, actor=actor(),
            )  # fmt: skip
    except InvalidInput as refused:
        return _list_page(422, found=found, faults=refused.fields)
    except WenluError as refused:
        return _list_page(409, found=found, faults={"file": refused.message})
    return _edition_page(200, staged.edition_id, found=found, is_known=not staged.is_new)


@pages.get("/<int:edition_id>")
@access.staff(*READERS)
def show(edition_id: int) -> Response:
    """What an edition changes against the one in force, and which open cases would change hands."""
    return _edition_page(200, edition_id)


@pages.get("/<int:edition_id>/file")
@access.staff(*READERS)
def download(edition_id: int) -> Response:
    """An edition as a file to draw on and upload again, with every digit."""
    with reading() as tx:
        found = file_of(read_edition(tx, services().jurisdiction_id, edition_id))
    answer = make_response(found.geojson())
    answer.headers["Content-Type"] = "application/geo+json; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.file}"'
    return answer


@pages.post("/layer/<name>")
@access.staff("admin")
def layer(name: str) -> Response:
    """Change the settings of a layer."""
    try:
        new, titles = read_layer_settings(request.form, name, city().locales)
        with changing() as tx:
            is_changed = configure(tx, services().context, new, titles, actor())
    except InvalidInput as refused:
        return _list_page(422, refused=next(iter(refused.fields.values())))
    return redirect(f"/admin/boundaries?done={'saved' if is_changed else 'same'}", 303)


@pages.post("/<int:edition_id>/activate")
@access.staff("admin")
def activate(edition_id: int) -> Response:
    """Put an edition in force; every process decides by it at once, no open case is moved."""
    with changing() as tx:
        done = switch_edition(tx, services().context, edition_id, actor())
    return _list_page(200, switched=done)


@pages.post("/back")
@access.staff("admin")
def back() -> Response:
    """Put the edition before in force again."""
    try:
        with changing() as tx:
            done = roll_back(tx, services().context, request.form.get("layer", ""), actor())
    except WenluError as refused:
        return _list_page(409, refused=refused.message)
    return _list_page(200, switched=done)


def _list_page(status: int, **more: Any) -> Response:
    with reading() as tx:
        editions = list_editions(tx, services().jurisdiction_id)
        known = list_layers(tx, services().jurisdiction_id)
    layers = defaultdict(list)
    for row in editions:
        layers[row.layer].append(row)
    given = {"found": None, "faults": {}, "switched": None, "refused": None, "datums": DATUMS} | more
    page = render_template("staff/admin/boundaries.html", layers=layers, known=known, **given, **shared())
    return make_response(page, status)


def _edition_page(
    status: int, edition_id: int, found: BoundaryUpload | None = None, is_known: bool = False
) -> Response:
    with reading() as tx:
        new = read_edition(tx, services().jurisdiction_id, edition_id)
        rows = list_editions(tx, services().jurisdiction_id)
        row = next(each for each in rows if each.id == edition_id)
        is_active = row.state == "active"
        changes, transfers = ((), ()) if is_active else _compared(tx, edition_id)
        cases = [] if is_active else affected_cases(tx, city(), new)
    page = render_template(
        "staff/admin/edition.html",
        row=row,
        shown=new.boundaries[:MOST_LISTED],
        columns=file_of(new).config,
        found=found,
        is_known=is_known,
        changes=changes,
        transfers=transfers[:MOST_LISTED],
        cases=[one for one in cases if one.held_by != one.new_unit],
        strangers=strangers(new),
        most=MOST_LISTED,
        **shared(),
    )
    return make_response(page, status)


def _compared(tx: Any, edition_id: int) -> tuple[Sequence[Any] | None, Sequence[Any]]:
    """What is different from the map in force; None where the layer has none."""
    try:
        _, _, found = compare_editions(tx, services().jurisdiction_id, edition_id)
    except Conflict:
        return None, ()
    return found.of_kind("moved", "renamed", "recoded", "new", "gone"), found.transfers


def strangers(new: Layer) -> Strangers:
    """Boundaries that units name and the map lacks, by unit; and those of the map that no unit names."""
    codes = {each.code for each in new.boundaries}
    held: defaultdict[str, list[str]] = defaultdict(list)
    named: set[str] = set()
    for unit in city().directory:
        for layer, code in unit.boundaries:
            if layer == new.name:
                named.add(code)
                if code not in codes:
                    held[unit.code].append(code)
    return Strangers(dict(held), sorted(codes - named) if named else [])
