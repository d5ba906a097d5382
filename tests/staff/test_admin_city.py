"""Administration in the browser: settings, rules, boundaries, accounts; each in force at once and in the book."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import clock
from portal.models.ledger import event
from portal.operations.load_city import DEMO
from portal.queries.staff_rights import Grant

ADMIN, AUDITOR, HANDLER = Grant("admin", ""), Grant("auditor", ""), Grant("handler", "street-cn1")
STREETS = json.loads(next((DEMO / "linhai" / "boundaries").glob("street*")).read_text(encoding="utf-8"))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return unescape(found.group(1)) if found else ""


def kinds(desk: Any) -> list[str]:
    with desk.database.reading() as tx:
        return list(tx.scalars(select(event.c.kind).order_by(event.c.id)))


@pytest.fixture
def admin(desk):
    return desk.client(ADMIN)


class TestSettings:
    def texts(self, page: str) -> dict[str, str]:
        found = dict(re.findall(r'<input id="s-[^"]+" name="([^"]+)" value="([^"]*)"', page))
        found |= dict(re.findall(r'<textarea id="s-[^"]+" name="([^"]+)"[^>]*>([^<]*)<', page))
        for name, options in re.findall(r'<select id="s-[^"]+" name="([^"]+)".*?>(.*?)</select>', page, re.S):
            found[name] = re.search(r'value="([^"]*)" selected', options).group(1)
        return {name: unescape(text) for name, text in found.items()}

    def save(self, admin, **changed: str) -> TestResponse:
        page = admin.get("/admin/settings").text
        keyed = {f"s-{key.replace('__', '.')}": text for key, text in changed.items()}
        sent = self.texts(page) | keyed | {"seen": hidden(page, "seen")}
        return admin.post("/admin/settings", sent)

    def test_saved_unchanged_nothing_is_changed(self, admin) -> None:
        assert self.save(admin).headers["Location"].endswith("done=same")

    def test_working_hours_change_and_are_exported(self, admin) -> None:
        assert self.save(admin, calendar__hours__sat="09:00-12:00").status_code == 303
        assert self.texts(admin.get("/admin/settings").text)["s-calendar.hours.sat"] == "09:00-12:00"
        assert self.save(admin, calendar__hours__sat="").status_code == 303
        assert "A table was changed</strong>: Settings" in admin.get("/admin/history").text

    @pytest.mark.parametrize(
        ("key", "text", "says"),
        [
            ("calendar__hours__mon", "18:00-09:00", "does not run forwards"),
            ("calendar__cutoff", "noon", "is not a time like 17:00"),
            ("closing__silent_days", "many", "is not a number"),
            ("closing__silent_days", "9999", "lies outside"),
            ("map_centre", "120", "is not [lon, lat]"),
            ("escalation__step", "after_hours=4, to=nobody", "is neither"),
        ],
    )
    def test_what_does_not_hold_is_said_beside_its_field(self, admin, key: str, text: str, says: str) -> None:
        answer = self.save(admin, **{key: text})
        assert answer.status_code == 422
        assert says in unescape(answer.text)


RULE = '[[rule]]\nid = "kites"\nwhen = { service = ["corridor-clutter"] }\nlead = { unit = "centre" }\n\n'
RULES = (DEMO / "linhai" / "rules.toml").read_text(encoding="utf-8")


class TestRules:
    def test_a_draft_is_checked_shown_published_and_taken_back(self, desk, admin) -> None:
        shown = admin.post("/admin/rules/check", {"text": RULE + RULES})
        assert shown.status_code == 200
        assert "<ins>+ id = &#34;kites&#34;</ins>" in shown.text
        sent = {"text": RULE + RULES, "seen": hidden(shown.text, "seen")}
        assert admin.post("/admin/rules/publish", sent).status_code == 303
        assert admin.post("/admin/rules/publish", sent | {"text": RULES}).status_code == 409
        assert admin.post("/admin/rules/back", {"version": "1"}).status_code == 303
        assert kinds(desk).count("rulebook.published") == 2
        assert "These are the rules in force." in admin.get("/admin/rules/1").text

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (RULE.replace("centre", "nowhere") + RULES, "there is no unit 'nowhere'"),
            ("[[rule]]\nid =", "not TOML"),
            ("a = " + "[" * 40_000, "not TOML"),
            (RULE, "fallback"),
        ],
        ids=["unknown unit", "broken", "nested for ever", "no fallback"],
    )
    def test_faulty_rules_cannot_be_published(self, admin, text: str, says: str) -> None:
        shown = admin.post("/admin/rules/check", {"text": text})
        assert shown.status_code == 422
        assert says in unescape(shown.text)
        seen = re.search(r"Version (\d+) is in force", admin.get("/admin/rules").text).group(1)
        assert admin.post("/admin/rules/publish", {"text": text, "seen": seen}).status_code == 422


def moved_streets() -> dict[str, Any]:
    """The streets, one of them with a corner cut off its neighbour's side."""
    layer = json.loads(json.dumps(STREETS))
    layer["features"] = layer["features"][:-1]
    return layer


class TestBoundaries:
    def upload(self, admin, content: bytes, file: str = "streets.geojson", **more: str) -> TestResponse:
        sent = {"layer": "street", "code": "code", "name": "name_en", "file": (io.BytesIO(content), file)}
        return admin.post("/admin/boundaries", sent | more, content_type="multipart/form-data")

    def test_a_map_is_checked_kept_compared_put_in_force_and_taken_back(self, desk, admin) -> None:
        desk.file()
        found = self.upload(admin, json.dumps(moved_streets()).encode())
        assert found.status_code == 200, found.text
        number = re.search(r"edition (\d+)", found.text).group(1)
        assert "which this map lacks" in found.text
        shown = admin.get(f"/admin/boundaries/{number}")
        assert "Open cases that would change hands" in shown.text
        done = admin.post(f"/admin/boundaries/{number}/activate", {})
        assert "is in force" in done.text
        back = admin.post("/admin/boundaries/back", {"layer": "street"})
        assert back.status_code == 200
        assert kinds(desk).count("edition.activated") == 2
        assert "Another map came into force" in admin.get("/admin/history").text

    def test_a_map_downloaded_and_uploaded_is_the_same_map(self, desk, admin) -> None:
        page = admin.get("/admin/boundaries").text
        number = re.search(r"/admin/boundaries/(\d+)", page[page.index(">street<") :]).group(1)
        shown = admin.get(f"/admin/boundaries/{number}").text
        column = re.search(r"Codes stand in its column “([^”]+)”", shown).group(1)
        names = re.search(r"Names stand in “([^”]+)”", shown).group(1)
        raw = admin.get(f"/admin/boundaries/{number}/file").data
        answer = self.upload(admin, raw, code=column, name=names)
        assert "This very map is known already." in answer.text
        answer = self.upload(admin, raw, code="", name="")
        assert "This very map is known already." in answer.text
        without = json.loads(raw)
        for each in without["features"]:
            each["properties"] = {"somewhere": 1}
        answer = self.upload(admin, json.dumps(without).encode(), code="", name="")
        assert answer.status_code == 422
        assert "the file has somewhere" in answer.text

    def test_the_settings_of_a_layer_change_at_once_and_stand_in_the_book(self, desk, admin) -> None:
        given = {"title_en": "Street area", "title_zh_Hans": "街道", "tie_order": "2", "snap_m": "7"}
        assert admin.post("/admin/boundaries/layer/street", given).headers["Location"].endswith("=saved")
        assert admin.post("/admin/boundaries/layer/street", given).headers["Location"].endswith("=same")
        assert "Street area" in admin.get("/admin/boundaries").text
        assert kinds(desk)[-1] == "layer.configured"
        for wrong in ({"snap_m": "2000"}, {"snap_m": "inf"}, {"tie_order": "x"}):
            assert admin.post("/admin/boundaries/layer/street", given | wrong).status_code == 422
        assert admin.post("/admin/boundaries/layer/nowhere", given).status_code == 404

    def test_a_zipped_json_is_read_when_packed_with_gzip(self, admin) -> None:
        packed = gzip.compress(json.dumps(moved_streets()).encode())
        assert self.upload(admin, packed, "streets.geojson.gz").status_code == 200

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("streets.exe", b"MZ", "files of this kind are not read"),
            ("streets.gpkg", b"<OGRVRTDataSource><SrcDataSource>/etc/passwd", "not what .gpkg says"),
            ("streets.parquet", b"{}", "not what .parquet says"),
            ("streets.zip", b"PK\x03\x04 broken", "cannot be read"),
            ("streets.geojson", b"{", "not JSON"),
            ("streets.geojson.gz", gzip.compress(b"0" * 400_000_000, 1), "unpacked, the file is larger"),
            (
                "streets.geojson.gz",
                gzip.compress(b"{}") + gzip.compress(b"0" * 400_000_000, 1),
                "unpacked, the file is larger",
            ),
            ("streets.geojson.gz", b"no gzip", "not what .gz says"),
        ],
    )
    def test_hostile_files_are_refused(self, admin, name: str, content: bytes, says: str) -> None:
        answer = self.upload(admin, content, name)
        assert answer.status_code == 422
        assert says in unescape(answer.text)

    @pytest.mark.parametrize(
        ("member", "content", "says"),
        [
            ("../evil.shp", b"\x00\x00\x27\x0a", "no part of a shapefile"),
            ("data.vrt", b"<OGRVRTDataSource>", "no part of a shapefile"),
            ("a.shp", b"<OGRVRTDataSource>", "not what .shp says"),
            ("a.dbf", b"x", "holds no shapefile"),
            ("a.dbf", b"\0" * 400_000_000, "unpacked, the file is larger"),
        ],
        ids=["leaves the folder", "points elsewhere", "disguised", "nothing", "bomb"],
    )
    def test_hostile_archives_are_refused(self, admin, member: str, content: bytes, says: str) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(member, content)
        answer = self.upload(admin, packed.getvalue(), "streets.zip")
        assert answer.status_code == 422
        assert says in unescape(answer.text)

    def test_a_wrong_coordinate_system_is_told(self, admin) -> None:
        layer = moved_streets()
        layer["crs"] = {"type": "name", "properties": {"name": "EPSG:2249"}}
        answer = self.upload(admin, json.dumps(layer).encode())
        assert answer.status_code == 422
        assert "are degrees, not those of" in unescape(answer.text)
        answer = self.upload(admin, json.dumps(STREETS).encode(), crs="no such system")
        assert "is not known" in unescape(answer.text)


class TestAccounts:
    def invite(self, admin, email: str, role: str = "handler", unit: str = "street-cn1") -> TestResponse:
        return admin.post("/admin/accounts", {"email": email, "name": "New", "role": role, "unit": unit})

    def code(self, answer: TestResponse) -> str:
        return re.search(r"/desk/invitation/([0-9a-f.]+)", answer.text).group(1)

    def test_an_invited_person_chooses_a_password_once(self, desk, admin) -> None:
        code = self.code(self.invite(admin, "one@linhai.example"))
        guest = desk.client()
        assert "one@linhai.example" in guest.get(f"/desk/invitation/{code}").text
        weak = {"password": "short", "password_again": "short"}
        assert guest.post(f"/desk/invitation/{code}", weak).status_code == 422
        chosen = {"password": "four quite other words", "password_again": "four quite other words"}
        assert guest.post(f"/desk/invitation/{code}", chosen).status_code == 303
        assert guest.get(f"/desk/invitation/{code}").status_code == 403, "it opens once"
        assert guest.sign_in("one@linhai.example", chosen["password"]).status_code == 303

    def test_an_invitation_ends_and_cannot_be_forged(
        self, desk, admin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = self.code(self.invite(admin, "two@linhai.example"))
        number, until, _ = code.split(".")
        guest = desk.client()
        for forged in (f"{number}.{until}.{'0' * 40}", f"{number}.{int(until) + 9}.{code[-40:]}", "x", "1.2"):
            assert guest.get(f"/desk/invitation/{forged}").status_code == 403
        later = clock.now() + timedelta(days=8)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert guest.get(f"/desk/invitation/{code}").status_code == 403

    def test_roles_are_granted_and_taken_away_and_accounts_switched_off(self, desk, admin) -> None:
        self.invite(admin, "three@linhai.example")
        page = admin.get("/admin/accounts?q=three@").text
        path = re.search(r'href="(/admin/accounts/\d+)"', page).group(1)
        given = {"what": "grant", "role": "unit_head", "unit": "street-cn2"}
        assert admin.post(path, given).status_code == 303
        assert "Head of unit" in admin.get(path).text
        assert admin.post(path, given | {"what": "revoke"}).status_code == 303
        assert admin.post(path, given | {"unit": "nowhere"}).status_code == 422
        assert admin.post(path, {"what": "close"}).status_code == 303
        assert "switched off" in admin.get(path).text
        told = kinds(desk)
        assert {"staff.invited", "staff.granted", "staff.revoked", "staff.account_closed"} <= set(told)
        assert "three@" not in json.dumps(told)

    def test_nobody_locks_themselves_out(self, desk, admin) -> None:
        page = admin.get(f"/admin/accounts?q={desk.email_of(ADMIN)}").text
        path = re.search(r'href="(/admin/accounts/\d+)"', page).group(1)
        assert admin.post(path, {"what": "close"}).status_code == 409
        assert admin.post(path, {"what": "revoke", "role": "admin", "unit": ""}).status_code == 409

    def test_a_known_address_and_a_wrong_role_are_refused(self, admin) -> None:
        assert self.invite(admin, "four@linhai.example").status_code == 200
        assert self.invite(admin, "four@linhai.example").status_code == 409
        assert self.invite(admin, "five@linhai.example", role="king").status_code == 422
        assert self.invite(admin, "no address").status_code == 422


@pytest.mark.parametrize(
    ("grant", "path", "status"),
    [
        (AUDITOR, "/admin/settings", 403),
        (AUDITOR, "/admin/rules/publish", 403),
        (AUDITOR, "/admin/rules/back", 403),
        (AUDITOR, "/admin/boundaries", 403),
        (AUDITOR, "/admin/boundaries/back", 403),
        (AUDITOR, "/admin/accounts", 403),
        (HANDLER, "/admin/accounts/1", 403),
    ],
)
def test_who_may_change(desk, grant: Grant, path: str, status: int) -> None:
    assert desk.client(grant).post(path, {}).status_code == status


@pytest.mark.parametrize("name", ["settings", "rules", "boundaries", "accounts"])
def test_auditors_read(desk, name: str) -> None:
    page = desk.client(AUDITOR).get(f"/admin/{name}")
    assert page.status_code == 200
    assert '<form method="post" action="/admin/accounts"' not in page.text
