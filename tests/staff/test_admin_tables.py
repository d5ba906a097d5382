"""Administration of tables in the browser: checked like a pack, in force at once, in the book with its author."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import select
from werkzeug.test import TestResponse

from geo.crs import LonLat
from portal import clock
from portal.cli.city import write_files
from portal.db import Database
from portal.models.ledger import event
from portal.operations.load_city import load_city_folder
from portal.operations.verify_ledger import verify_ledger
from portal.pack.cell_files import read_spreadsheet
from portal.queries.city_export import pack_files
from portal.queries.planned_works import known_works
from portal.queries.staff_rights import Grant

ADMIN, AUDITOR, HANDLER = Grant("admin", ""), Grant("auditor", ""), Grant("handler", "street-cn1")
TABLES = (
    "services", "questions", "targets", "holidays", "units", "duties", "crews", "rosters", "plans", "answers", "works",
)  # fmt: skip


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return unescape(found.group(1)) if found else ""


def typed(page: str) -> dict[str, str]:
    """What the form of a row says, as a browser would send it."""
    fields = dict(re.findall(r'<input id="f-[^"]+" name="([^"]+)" value="([^"]*)"', page))
    fields |= dict(re.findall(r'<textarea id="f-[^"]+" name="([^"]+)"[^>]*>([^<]*)<', page))
    for name, options in re.findall(r'<select id="f-[^"]+" name="([^"]+)".*?>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen.group(1) if chosen else ""
    return {name: unescape(text) for name, text in fields.items()}


class Admin:
    """Somebody who administers the demo city."""

    def __init__(self, desk, grant: Grant = ADMIN) -> None:
        self.desk, self.browser = desk, desk.client(grant)

    def row(self, table: str, key: str = "") -> str:
        answer = self.browser.get(f"/admin/tables/{table}/row?key={key}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def save(self, table: str, key: str = "", *, page: str = "", **changed: str) -> TestResponse:
        page = page or self.row(table, key)
        known = {name: hidden(page, name) for name in ("key", "seen", "warned")}
        return self.browser.post(f"/admin/tables/{table}/row", known | typed(page) | changed)

    def upload(self, table: str, text: str | bytes) -> TestResponse:
        raw = text.encode() if isinstance(text, str) else text
        return self.browser.post(
            f"/admin/tables/{table}/file",
            {"file": (io.BytesIO(raw), f"{table}.csv")},
            content_type="multipart/form-data",
        )

    def apply(self, table: str, preview: str) -> TestResponse:
        sent = {name: hidden(preview, name) for name in ("packed", "seen", "warned")}
        return self.browser.post(f"/admin/tables/{table}/file/apply", sent)

    def file(self, table: str) -> str:
        return self.browser.get(f"/admin/tables/{table}/file").data.decode("utf-8-sig")

    def book(self) -> list[tuple[str, dict]]:
        with self.desk.database.reading() as tx:
            rows = tx.execute(select(event.c.kind, event.c.public).order_by(event.c.id))
            return [(row.kind, row.public) for row in rows if row.kind == "catalogue.changed"]


@pytest.fixture
def admin(desk) -> Admin:
    return Admin(desk)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_downloaded_and_uploaded_changes_nothing(admin: Admin, table: str) -> None:
    answer = admin.upload(table, admin.file(table))
    assert answer.status_code == 200, answer.text
    assert "Nothing is different" in answer.text


def test_a_service_is_added_and_offered_at_once(admin: Admin) -> None:
    page = admin.row("services")
    answer = admin.save(
        "services", page=page, service_code="fallen-kite", group="streets", kind="report",
        name_en="Kite in a tree", name_zh_Hans="树上的风筝",
    )  # fmt: skip
    assert answer.status_code == 422, "no rule but the fallback answers: somebody should look first"
    assert "fallen-kite" in answer.text
    again = admin.save("services", page=answer.text)
    assert again.status_code == 303, again.text
    offered = admin.browser.get("/api/v1/services").json
    assert "fallen-kite" in str(offered)
    assert admin.book()[-1] == (
        "catalogue.changed",
        {"actor": {"role": "admin"}, "table": "services", "rows": {"added": 1}},
    )
    assert "Kite" in admin.browser.get("/admin/history").text


@pytest.mark.parametrize(
    ("table", "key", "changed", "field", "says"),
    [
        ("services", "pothole", {"importance": "7"}, "importance", "7 lies outside 1 to 3"),
        ("services", "pothole", {"name_en": ""}, "name_en", "missing value"),
        ("units", "street-cn1", {"parent": "nowhere"}, "parent", "there is no unit"),
        ("units", "street-cn1", {"places": "street XX9"}, "", "has no boundary"),
        ("units", "centre", {"active": "no"}, "active", "cannot be switched off"),
        ("units", "street-cn1", {"email": "not an address"}, "email", "is not an e-mail address"),
    ],
)
def test_what_does_not_hold_is_said_beside_its_field(
    admin: Admin, table: str, key: str, changed: dict[str, str], field: str, says: str
) -> None:
    before = len(admin.book())
    answer = admin.save(table, key, **changed)
    assert answer.status_code == 422
    assert says in unescape(answer.text)
    if field:
        assert re.search(rf'has-fault"><label for="f-{field}"', answer.text)
    assert len(admin.book()) == before


def test_the_second_of_two_editors_is_told(admin: Admin) -> None:
    page = admin.row("units", "street-cn1")
    assert admin.save("units", page=page, phone="+86 571 1111").status_code == 303
    late = admin.save("units", page=page, phone="+86 571 2222")
    assert late.status_code == 409
    assert "+86 571 2222" in late.text, "what was typed is kept"
    assert "'+86 571 1111" in admin.file("units"), "no spreadsheet takes it for a formula"


def test_a_file_is_shown_before_it_counts_and_a_unit_left_out_is_switched_off(admin: Admin) -> None:
    lines = [line for line in admin.file("units").splitlines() if not line.startswith("community-shuyuan")]
    preview = admin.upload("units", "\n".join(lines))
    assert "switched off" in preview.text
    assert ",no\n" not in admin.file("units")
    page = preview
    if hidden(preview.text, "warned"):
        assert "look at this first" in preview.text
    assert admin.apply("units", page.text).status_code == 303
    (line,) = (each for each in admin.file("units").splitlines() if each.startswith("community-shuyuan"))
    assert line.endswith(",no")


def test_a_holiday_changes_the_promise_of_the_next_report(admin: Admin) -> None:
    preview = admin.upload("holidays", admin.file("holidays") + "2031-05-05,no,Harbour day,港口日\n")
    assert "Harbour day" in preview.text
    assert admin.apply("holidays", preview.text).status_code == 303
    assert admin.apply("holidays", preview.text).status_code == 409, "the table is no longer the one shown"
    page = admin.row("holidays", "2031-05-05")
    known = {name: hidden(page, name) for name in ("key", "seen")} | typed(page) | {"what": "remove"}
    assert admin.browser.post("/admin/tables/holidays/row", known).status_code == 303
    assert "Harbour day" not in admin.file("holidays")


LAMP = LonLat(121.55, 29.206)  # far from the works of the pack


def test_an_outage_is_known_at_once_and_can_be_taken_away(admin: Admin) -> None:
    def known() -> list[str]:
        with admin.desk.database.reading() as tx:
            found = known_works(tx, "linhai.example", "street-light", LAMP, clock.now())
        return [each.message["en"] for each in found]

    assert known() == []
    answer = admin.save(
        "works", code="dark-1", services="street-light", place="121.55, 29.206",
        message_en="Cable broken.", message_zh_Hans="电缆断了。", **{"from": "2020-01-01", "to": "2099-12-31T18:00"},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    assert known() == ["Cable broken."]
    assert admin.book()[-1] == (
        "catalogue.changed",
        {"actor": {"role": "admin"}, "table": "works", "rows": {"added": 1}},
    )
    assert "2099-12-31T18:00,121.55 29.206," in admin.file("works")
    assert admin.save("works", "dark-1", what="remove").status_code == 303
    assert known() == []


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"services": "no-such"}, "services", "there is no service 'no-such'"),
        ({"services": ""}, "services", "missing value"),
        ({"to": "2020-01-01"}, "to", "lies before from"),
        ({"from": "2030-02-30"}, "from", "is neither a day"),
        ({"place": "the harbour"}, "place", "is no place"),
        ({"place": "221.5 29.2"}, "place", "is no place"),
        ({"place": "POLYGON EMPTY"}, "place", "is no place"),
        ({"message_en": ""}, "message_en", "missing value"),
        ({"code": "W2"}, "code", "stands there already"),
    ],
)
def test_a_work_that_does_not_hold_is_refused_beside_its_field(
    admin: Admin, changed: dict[str, str], field: str, says: str
) -> None:
    answer = admin.save("works", "W1", **changed)
    assert answer.status_code == 422
    assert says in unescape(answer.text)
    assert re.search(rf'has-fault"><label for="f-{field}"', answer.text)


HEADER = "date,working,name_en,name_zh_Hans\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\xff\xfe\x00d", "not UTF-8"),
        (b"PK\x03\x04" + b"\x00" * 40, "column"),
        (b"", "Choose a file first"),
        ((HEADER + "2031-02-30,no,a,b\n").encode(), "is not a date"),
        ((HEADER + "2031-02-03,perhaps,a,b\n").encode(), "neither yes nor no"),
        ((HEADER + "2031-02-03,no,a,b\n2031-02-03,no,a,b\n").encode(), "stands already in row 2"),
        ((HEADER + '2031-02-03,no,"' + "x" * 6000 + '",b\n').encode(), "more than 5000"),
        ((HEADER + "2031-02-03,no,a\x00b,b\n").encode(), "cannot be shown"),
        (b"date,working\n" + b"2031-02-03,no\n" * 160_000, "larger than 2 MB"),
    ],
    ids=["UTF-16", "a zip", "empty", "no such day", "neither yes nor no", "twice", "long", "NUL", "large"],
)
def test_hostile_and_faulty_files_are_refused_by_row(admin: Admin, text: bytes, says: str) -> None:
    answer = admin.upload("holidays", text)
    assert answer.status_code == 422
    assert says in unescape(answer.text)


def test_what_a_form_brings_back_is_bounded(admin: Admin) -> None:
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(b"0" * 200_000_000, 9)).decode()
    answer = admin.browser.post("/admin/tables/holidays/file/apply", {"packed": bomb, "seen": "x"})
    assert answer.status_code == 422
    assert "larger than 2 MB" in answer.text


def test_formulas_leave_as_text_and_come_back_as_they_were() -> None:
    from portal.pack.cell_files import spreadsheet

    rows = [{"date": "2031-05-05", "working": "no", "name_en": "=HYPERLINK(1)", "name_zh_Hans": "@x"}]
    raw = spreadsheet("holidays", rows, ("en", "zh_Hans"))
    assert b"'=HYPERLINK(1)" in raw
    assert read_spreadsheet(raw, "holidays", ("en", "zh_Hans")).rows == tuple(rows)


@pytest.mark.parametrize(
    ("grant", "method", "path", "status"),
    [
        (AUDITOR, "get", "/admin", 200),
        (AUDITOR, "get", "/admin/tables/units", 200),
        (AUDITOR, "get", "/admin/tables/units/row?key=centre", 200),
        (AUDITOR, "get", "/admin/history", 200),
        (AUDITOR, "post", "/admin/tables/units/row", 403),
        (AUDITOR, "post", "/admin/tables/units/file/apply", 403),
        (HANDLER, "get", "/admin", 403),
        (HANDLER, "get", "/admin/pack", 403),
        (ADMIN, "get", "/admin/tables/account", 404),
        (ADMIN, "get", "/admin/pack", 200),
    ],
)
def test_who_may(desk, grant: Grant, method: str, path: str, status: int) -> None:
    browser = desk.client(grant)
    answer = browser.get(path) if method == "get" else browser.post(path, {})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/history", *(f"/admin/tables/{table}" for table in TABLES)]
)
def test_lists_cost_at_most_four_statements(desk, path: str) -> None:
    browser = desk.client(ADMIN)
    browser.get(path)
    engine = desk.app.extensions["wenlu"].database.engine
    seen: list[str] = []

    def note(conn, cursor, statement, *rest) -> None:
        seen.append(statement)

    hooks.listen(engine, "before_cursor_execute", note)
    try:
        assert browser.get(path).status_code == 200
    finally:
        hooks.remove(engine, "before_cursor_execute", note)
    assert len(seen) <= 4, seen


def test_what_was_changed_in_the_browser_survives_as_a_pack(
    desk, admin: Admin, new_database: Callable[..., str], migrated_template: str, tmp_path: Path
) -> None:
    admin.save("units", "street-cn2", email="cn2@linhai.example", name_en="Harbour street office")
    with desk.database.snapshot() as tx:
        files = dict(pack_files(tx, "linhai.example"))
    assert "Harbour street office" in files["units.csv"]
    write_files(tmp_path, files.items())
    other = Database(new_database(migrated_template))
    load_city_folder(other, tmp_path)
    with other.snapshot() as tx:
        assert dict(pack_files(tx, "linhai.example")) == files
    other.dispose()


def test_the_book_still_holds(desk) -> None:
    with desk.database.reading() as tx:
        assert not list(_faults(verify_ledger(tx)))


def _faults(found: object) -> Iterator[object]:
    faults = getattr(found, "faults", None)
    yield from faults if faults is not None else ()
