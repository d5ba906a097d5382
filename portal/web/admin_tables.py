"""Answers `/admin/tables/…`: each table of the city as a list, a form for one row, a file down and up."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.errors import Conflict, InvalidInput, NotFound, WenluError
from portal.i18n import N_, Message, message_of
from portal.operations.change_catalogue import (
    WRITTEN,
    CatalogueRefused,
    Planned,
    change_catalogue,
    drop_row,
    plan_change,
    put_row,
    put_table,
    table_digest,
)
from portal.pack.cell_changes import KEPT, with_left_out
from portal.pack.cell_files import (
    MOST_BYTES,
    Uploaded,
    by_lines,
    cell_faults,
    filled,
    read_spreadsheet,
    spreadsheet,
)
from portal.pack.cells import RowCells, digest_of, key_of, keyed
from portal.pack.model import Finding
from portal.pack.said import said
from portal.pack.works_rows import EDITED
from portal.queries.city_cells import read_table
from portal.web import access
from portal.web.admin import READERS, actor, changing, shared
from portal.web.forms.catalogue import Field, columns_shown, fields_of, read_cells_of_form
from portal.web.services import city, reading, services

PAGE = 50
NO_TABLE = N_("There is no such table.")
NO_FILE = N_("Choose a file first.")
KEY_CHANGED = N_("The code cannot be changed: reports name it. Add a new row and switch this one off.")

pages = Blueprint("admin_tables", __name__, url_prefix="/admin/tables")


@pages.get("/<table>")
@access.staff(*READERS)
def index(table: str) -> str:
    """The rows of a table, searched and paged."""
    rows = _rows(table)
    sought = request.args.get("q", "").strip()[:100]
    page = max(1, request.args.get("page", 1, type=int))
    shown = [
        (key, rows[place])
        for key, place in keyed(table, rows).items()
        if all(word in " ".join(rows[place].values()).casefold() for word in sought.casefold().split())
    ]
    return _render(
        "table.html",
        table,
        rows=shown[(page - 1) * PAGE : page * PAGE],
        count=len(shown),
        sought=sought,
        page=page,
        has_more=len(shown) > page * PAGE,
        columns_shown=columns_shown,
    )


@pages.get("/<table>/row")
@access.staff(*READERS)
def row(table: str) -> Response:
    """The form of one row, or an empty one."""
    key = request.args.get("key", "")
    rows = _rows(table)
    place = keyed(table, rows).get(key) if key else None
    if key and place is None:
        raise NotFound(Message(NO_TABLE))
    cells = rows[place] if place is not None else {}
    return _row_page(200, table, key, cells, digest_of(cells))


@pages.post("/<table>/row")
@access.staff("admin")
def save(table: str) -> Response:
    """Save a row, or take it away; a change that somebody should look at first is shown again."""
    _known(table)
    given, key = request.form, request.form.get("key", "")
    cells, seen = read_cells_of_form(given, table, city().locales), given.get("seen", "")
    is_gone = given.get("what") == "remove" and table not in KEPT
    edit = drop_row(table, key, seen) if is_gone else put_row(table, key, cells, seen)
    try:
        if not is_gone:
            _check_cells(table, key, cells)
        with changing() as tx:
            done = change_catalogue(tx, services().context, actor(), table, edit, given.get("warned", ""))
    except CatalogueRefused as refused:
        return _row_page(422, table, key, cells, seen, planned=refused.planned)
    except InvalidInput as refused:
        return _row_page(422, table, key, cells, seen, faults=refused.fields)
    except Conflict as refused:
        return _row_page(409, table, key, cells, seen, conflict=refused.message)
    said = "removed" if is_gone else "saved" if done.is_done else "same"
    return redirect(f"/admin/tables/{table}?done={said}", 303)


@pages.get("/<table>/file")
@access.staff(*READERS)
def download(table: str) -> Response:
    """The table as a file for a spreadsheet."""
    answer = make_response(spreadsheet(table, _rows(table), city().locales))
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{EDITED[table].file}"'
    return answer


@pages.post("/<table>/file")
@access.staff("admin")
def upload(table: str) -> Response:
    """Show what an uploaded file would change; nothing is changed yet."""
    _known(table)
    sent = request.files.get("file")
    raw = sent.read(MOST_BYTES + 1) if sent and sent.filename else b""
    if not raw:
        return _render_response(422, "table_refused.html", table, said=Message(NO_FILE))
    return _preview(200, table, raw)


@pages.post("/<table>/file/apply")
@access.staff("admin")
def apply(table: str) -> Response:
    """Put an uploaded file in force, as it was shown."""
    _known(table)
    raw, seen = _unpacked(request.form.get("packed", "")), request.form.get("seen", "")
    found = read_spreadsheet(raw, table, city().locales)
    if any(each.severity == "error" for each in found.findings):
        return _preview(422, table, raw)
    edit = put_table(table, _whole(table, found), seen)
    try:
        with changing() as tx:
            done = change_catalogue(
                tx, services().context, actor(), table, edit, request.form.get("warned", "")
            )
    except CatalogueRefused:
        return _preview(422, table, raw)
    except Conflict as refused:
        return _preview(409, table, raw, conflict=refused.message)
    return redirect(f"/admin/tables/{table}?done={'saved' if done.is_done else 'same'}", 303)


def _preview(status: int, table: str, raw: bytes, conflict: Message | None = None) -> Response:
    found = read_spreadsheet(raw, table, city().locales)
    planned, warned = Planned(table, (), found.findings), ""
    with reading() as tx:
        rows = read_table(tx, services().jurisdiction_id, table, city().locales)
        if not planned.errors:
            planned = plan_change(tx, services().context, table, put_table(table, _whole(table, found)))
            warned = planned.warned
            told = by_lines(planned.findings, EDITED[table].file, found.lines)
            planned = Planned(table, planned.changes, (*found.findings, *told))
    return _render_response(
        422 if status == 200 and planned.errors else status,
        "table_preview.html",
        table,
        planned=planned,
        warned=warned,
        seen=table_digest(rows),
        packed=_packed(raw),
        conflict=conflict,
    )


def _whole(table: str, found: Uploaded) -> Callable[[Sequence[RowCells]], Sequence[RowCells]]:
    return lambda old: with_left_out(table, old, filled(table, old, found.rows))


def _check_cells(table: str, key: str, cells: RowCells) -> None:
    faults = {
        each.column: message_of(said(each.message)) for each in cell_faults(EDITED[table].file, 0, cells)
    }
    if table in KEPT and key and key_of(table, cells) != key:
        faults[EDITED[table].columns.required[0]] = Message(KEY_CHANGED)
    if faults:
        raise InvalidInput(faults)


def _known(table: str) -> None:
    if table not in WRITTEN:
        raise NotFound(Message(NO_TABLE))


def _rows(table: str) -> Sequence[RowCells]:
    _known(table)
    with reading() as tx:
        return read_table(tx, services().jurisdiction_id, table, city().locales)


def _row_page(
    status: int,
    table: str,
    key: str,
    cells: RowCells,
    seen: str,
    *,
    planned: Planned | None = None,
    faults: Mapping[str, Message] | None = None,
    conflict: Message | str | None = None,
) -> Response:
    fields = fields_of(table, city().locales)
    errors = planned.errors if planned else []
    mine = {each.column: each.message for each in errors if _is_mine(each, table, fields)}
    return _render_response(
        status,
        "row.html",
        table,
        key=key,
        cells=cells,
        seen=seen,
        fields=fields,
        faults={**mine, **(faults or {})},
        others=[each for each in errors if each.column not in mine],
        warnings=planned.warnings if planned and not errors else [],
        warned=planned.warned if planned and not errors else "",
        conflict=conflict,
        may_remove=bool(key) and table not in KEPT,
    )


def _is_mine(found: Finding, table: str, fields: Sequence[Field]) -> bool:
    """Whether a fault is about the row on the page: new errors of its own table are."""
    names = {field.name for field in fields}
    return found.file == EDITED[table].file and found.row > 1 and found.column in names


def _render(template: str, table: str, **more: Any) -> str:
    return render_template(f"staff/admin/{template}", table=table, **shared(), **more)


def _render_response(status: int, template: str, table: str, **more: Any) -> Response:
    return make_response(_render(template, table, **more), status)


def _packed(raw: bytes) -> str:
    """A file small enough to travel in the form that confirms it."""
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def _unpacked(packed: str) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(base64.b64decode(packed), MOST_BYTES + 1)
    except (ValueError, zlib.error):
        raise WenluError(Message(NO_FILE)) from None
