"""The inbox, a case and the dispatcher's table: order, pages, cost, conflicts, and what is never shown."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, update

from portal import clock
from portal.models.report import clock as clock_table
from portal.models.report import media, report
from portal.models.work import outbox
from portal.operations.next_due import keep_next_due
from portal.operations.prepare_photo import prepare_photo
from portal.operations.record_events import Draft, city_head, record
from portal.queries.dispatch_list import dispatch_page, whys_of
from portal.queries.edition_changes import RecordedCase, noted_cases
from portal.queries.staff_case import staff_case, with_details
from portal.queries.staff_inbox import Cursor, Wanted, inbox_page
from portal.queries.staff_rights import Grant

NEXT_YEAR = (clock.now() + timedelta(days=365)).date().isoformat()
OWN = Grant("handler", "street-cn1")
HEAD = Grant("unit_head", "street-cn1")
DESK = Grant("dispatcher", "centre")


@contextmanager
def counted_statements(app):
    """Every statement that the application sends."""
    sent: list[str] = []
    engine = app.extensions["wenlu"].database.engine

    def note(connection, cursor, statement, *rest) -> None:
        sent.append(statement)

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sqlalchemy_event.remove(engine, "before_cursor_execute", note)


def tokens_in(page: str) -> list[str]:
    return re.findall(r'href="/desk/case/(\w{14})"', page)


def photo(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def set_due(desk, token: str, accept_due, promise_due, priority: str = "normal") -> None:
    """One running clock and one promise, so that the order can be foretold."""
    with desk.database.transaction() as tx:
        case_id = tx.scalar(select(report.c.id).where(report.c.token == token))
        values = {"promise_due_at": promise_due, "priority": priority}
        tx.execute(update(report).where(report.c.id == case_id).values(values))
        unit_clocks = (clock_table.c.report_id == case_id) & (clock_table.c.kind == "unit")
        tx.execute(update(clock_table).where(unit_clocks).values(state="cancelled"))
        if accept_due:
            accept = unit_clocks & (clock_table.c.stage == "accept")
            tx.execute(update(clock_table).where(accept).values(state="running", due_at=accept_due))
        keep_next_due(tx, case_id)


# hours from now: unit clock, promise; priority
@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(
            [("emergency, far off", 90, 99, "emergency"), ("clock nearly due", 1, 80, "normal"),
             ("promise nearly due", 70, 2, "normal"), ("no clock, promise later", None, 3, "high"),
             ("nothing due", None, None, "normal")],
            id="what is due first comes first",
        )
    ],
)  # fmt: skip
def test_the_inbox_is_ordered_by_what_is_due(cases, desk):
    now, expected = clock.now(), []
    for _, accept, promise, priority in reversed(cases):
        token = desk.file("street-wh2")
        due = [None if hours is None else now + timedelta(hours=hours) for hours in (accept, promise)]
        set_due(desk, token, *due, priority)
        expected.insert(0, token)
    assert tokens_in(desk.client(Grant("handler", "street-wh2")).get("/desk/").text) == expected


@pytest.mark.parametrize("grant", [Grant("handler", "street-cn3"), Grant("admin", "")], ids=str)
def test_pages_cost_the_same_few_statements_at_any_size(grant, desk):
    browser = desk.client(grant)
    costs = []
    for _ in range(2):
        with counted_statements(desk.app) as sent:
            page = browser.get("/desk/")
        # Once in a second a page asks whether the city has changed.
        costs.append(len([each for each in sent if "routing_version" not in each]))
        for _ in range(110 if len(costs) == 1 else 0):
            desk.file("street-cn3")
    assert len(tokens_in(page.text)) == 100
    assert costs[0] == costs[1]
    assert costs[1] <= 4, sent


def test_keyset_pages_show_every_case_once_while_others_come_and_go(desk):
    tokens = {desk.file("street-ba3") for _ in range(23)}
    wanted, seen, cursor = Wanted({"street-ba3"}), [], None
    turns = 0
    while turns == 0 or cursor is not None:
        turns += 1
        with desk.database.reading() as tx:
            page = inbox_page(tx, "linhai.example", wanted, cursor, size=5)
        seen += [row.token for row in page.rows]
        keys = [(row.lane, row.order_at, row.report_id) for row in page.rows]
        assert keys == sorted(keys)
        cursor = Cursor.read(page.next.as_text()) if page.next else None
        assert cursor == page.next
        desk.file("street-ba3", state="closed")
    assert turns == 5
    assert len(seen) == len(set(seen)) == 23
    assert set(seen) == tokens


@pytest.mark.parametrize("text", ["", "x", "bm90IGpzb24", "WzEsMiwzXQ", "W10", "🙂", "A" * 5000])
def test_a_spoilt_place_in_the_list_shows_its_beginning(text, desk):
    assert Cursor.read(text) is None
    assert desk.client(OWN).get(f"/desk/?after={text}").status_code == 200


def test_filters_by_state_part_and_unit(desk):
    led = desk.file("street-ba1", "waiting")
    other = desk.file("street-ba1", "accepted")
    helped = desk.file("street-ba2", "accepted", assist_units=["street-ba1"])
    closed = desk.file("street-ba1", "closed")
    handler, head = (
        desk.client(Grant("handler", "street-ba1")),
        desk.client(Grant("unit_head", "district-ba")),
    )
    assert set(tokens_in(handler.get("/desk/").text)) == {led, other}
    assert tokens_in(handler.get("/desk/?state=waiting").text) == [led]
    assert tokens_in(handler.get("/desk/?part=assist").text) == [helped]
    assert {led, other, helped} <= set(tokens_in(head.get("/desk/").text))
    assert tokens_in(head.get("/desk/?unit=street-ba2&state=accepted").text) == [helped]
    assert closed not in head.get("/desk/").text
    # Asking for somebody else's unit shows one's own.
    assert set(tokens_in(handler.get("/desk/?unit=street-ba2").text)) == {led, other}


@pytest.mark.parametrize("grant", [OWN, HEAD, DESK, Grant("admin", ""), Grant("auditor", "")], ids=str)
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_contact_data_is_never_shown(grant, language, desk):
    token = desk.file("street-cn1", description="A deep hole.", public_text="A deep hole.")
    page = desk.client(grant, language).get(f"/desk/case/{token}").text
    for secret in ("Li Min", "li.min@mail.example", "13812345678"):
        assert secret not in page
    assert ("can be reached by message" in page) is (language == "en")
    assert ("可通过消息联系" in page) is (language == "zh-Hans")


def test_the_desk_reads_words_and_exact_place_and_no_telephone_number_among_the_words(desk):
    token, browser = desk.file("street-cn1"), desk.client(OWN)
    page = browser.get(f"/desk/case/{token}").text
    for path in (f"/desk/case/{token}", "/desk/", "/desk/due"):
        assert "138 1234 5678" not in browser.get(path).text, path
    assert "Call me: ▇▇▇" in page
    assert "Show contact shows them" in page
    assert "29.201800, 121.609100" in page


def test_custody_names_each_unit_once_with_its_reason(desk):
    token = desk.file("street-cn1")
    desk.client(OWN).move(token, "transfer", reason="shared_boundary", to_unit="street-cn2")
    second = desk.client(Grant("handler", "street-cn2"))
    second.move(token, "accept")
    with desk.database.reading() as tx:
        custody = with_details(tx, staff_case(tx, "linhai.example", token)).custody
    held = [(each.unit_code, each.reason, bool(each.until), bool(each.accepted_at)) for each in custody][-1:]
    assert held == [("street-cn2", "shared_boundary", False, True)]
    assert custody[-2].until == custody[-1].since
    assert custody[-2].accepted_at is None
    assert "On a shared boundary" in second.get(f"/desk/case/{token}").text


def test_who_hands_a_case_away_is_taken_to_the_inbox(desk):
    token = desk.file("street-cn1")
    answer = desk.client(OWN).move(token, "transfer", reason="not_our_area", to_unit="street-wh2")
    assert answer.headers["Location"] == "/desk/?done=transfer"
    assert desk.row(token).lead_unit == "street-wh2"


def test_notes_are_for_the_desk_and_updates_for_everybody(desk):
    token = desk.file("street-cn1")
    browser = desk.client(OWN)
    browser.move(token, "note", note="The pipe below is ours too.")
    browser.move(token, "update", public_text="We come on Monday. Ask Wang, 13912345678.")
    inner, public = browser.get(f"/desk/case/{token}").text, browser.get(f"/r/{token}").text
    assert "The pipe below is ours too." in inner
    assert "The pipe below is ours too." not in public
    assert "We come on Monday. Ask Wang, ▇▇▇" in public
    assert "13912345678" not in public


def test_the_second_writer_is_told_and_keeps_what_was_typed(desk):
    token = desk.file("street-cn1")
    first, second = desk.client(OWN), desk.client(HEAD)
    seen = re.search(r'name="seen_seq" value="(\d+)"', second.get(f"/desk/case/{token}").text).group(1)
    first.move(
        token, "transfer", reason="needs_other_skill", to_unit="street-cn1"
    )  # refused: it is theirs already
    first.move(token, "accept", seen_seq=seen)
    typed = {"public_text": "We shall come <b>tomorrow</b>.", "seen_seq": seen}
    answer = second.move(token, "update", **typed)
    assert answer.status_code == 409
    assert "What happened since you opened the page" in answer.text
    assert "<strong>Accepted</strong>" in answer.text
    assert "We shall come &lt;b&gt;tomorrow&lt;/b&gt;.</textarea>" in answer.text
    again = re.search(r'name="seen_seq" value="(\d+)"', answer.text).group(1)
    assert int(again) == int(seen) + 1
    assert second.move(token, "update", **typed | {"seen_seq": again}).status_code == 303


def test_what_is_no_longer_possible_leaves_the_text_to_copy(desk):
    token = desk.file("street-cn1", "accepted")
    first, second = desk.client(OWN), desk.client(HEAD)
    first.move(token, "resolve", closing_code="fixed", reason="dark", public_text="Done.")
    answer = second.move(token, "wait", reason="weather", public_text="Too much rain.", seen_seq=1)
    assert answer.status_code == 409
    assert "readonly" in answer.text
    assert "Too much rain.</textarea>" in answer.text
    assert desk.row(token).state == "resolved"


def test_a_note_by_a_colleague_is_no_conflict(desk):
    token = desk.file("street-cn1")
    seen = re.search(
        r'name="seen_seq" value="(\d+)"', desk.client(HEAD).get(f"/desk/case/{token}").text
    ).group(1)
    desk.client(HEAD).move(token, "note", note="Look at the pump.")
    assert desk.client(OWN).move(token, "accept", seen_seq=seen).status_code == 303


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        pytest.param({}, 422, "Please choose how the case ended.", id="no closing code"),
        pytest.param({"closing_code": "fixed"}, 422, "say why there is none", id="fixed without proof"),
        pytest.param({"closing_code": "fixed", "reason": "dark"}, 303, "", id="fixed, with the reason"),
        pytest.param(
            {"closing_code": "partly_fixed", "reason": "dark"}, 422, "what remains", id="partly, no words"
        ),
        pytest.param(
            {"closing_code": "answered", "public_text": "x"}, 422, "does not fit", id="answered a report"
        ),
        pytest.param({"closing_code": "planned"}, 422, "a date in the future", id="planned without a date"),
        pytest.param(
            {"closing_code": "planned", "until": "2001-01-01"}, 422, "in the future", id="planned long ago"
        ),
        pytest.param({"closing_code": "planned", "until": NEXT_YEAR}, 303, "", id="planned"),
        pytest.param(
            {"closing_code": "planned", "until": "2099-01-01"},
            422,
            "within the next two years",
            id="planned for never",
        ),
        pytest.param({"closing_code": "not_ours", "public_text": "A private road."}, 303, "", id="not ours"),
        pytest.param({"closing_code": "<script>"}, 422, "one of the endings", id="nonsense"),
    ],
)
def test_what_resolving_asks_for(typed, status, says, desk):
    token = desk.file("street-cn1", "in_progress")
    answer = desk.client(OWN).move(token, "resolve", **typed)
    assert answer.status_code == status
    assert says in answer.text
    if status == 422:
        assert desk.row(token).state == "in_progress"
        assert 'id="do-resolve" open' in answer.text


def test_a_proof_photo_survives_a_refusal(desk):
    token = desk.file("street-cn1", "in_progress")
    browser = desk.client(OWN)
    chosen = {"photos": (io.BytesIO(photo()), "proof.jpg"), "public_text": "Filled in."}
    refused = browser.move(token, "resolve", **chosen)
    assert refused.status_code == 422
    assert "Filled in.</textarea>" in refused.text
    kept = re.search(r'name="media" value="(\w+)"', refused.text).group(1)
    assert browser.move(token, "resolve", closing_code="fixed", media=kept).status_code == 303
    with desk.database.transaction() as tx:
        row = tx.execute(select(media).where(media.c.token == kept)).one()
        assert (row.report_id, row.purpose) == (desk.row(token).id, "proof")
    path = f"/desk/case/{token}/photo/{kept}/thumb"
    assert browser.get(path).status_code == 404  # not yet made safe
    with desk.database.transaction() as tx:
        job = tx.scalar(select(outbox.c.id).where(outbox.c.payload["media"].astext == kept))
        assert prepare_photo(tx, desk.context, job)
    shown = browser.get(path)
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert path in browser.get(f"/desk/case/{token}").text


def test_a_file_that_is_no_photo_is_refused_beside_its_field(desk):
    token = desk.file("street-cn1", "in_progress")
    answer = desk.client(OWN).move(
        token, "update", public_text="Look.", photos=(io.BytesIO(b"#!/bin/sh"), "a.jpg")
    )
    assert answer.status_code == 422
    assert "not a photo that we can read" in answer.text
    assert "Look.</textarea>" in answer.text


@pytest.mark.parametrize("action", ["", "swallow", "confirm", "../accept"])
def test_unknown_and_foreign_actions_do_nothing(action, desk):
    token = desk.file("street-cn1")
    assert desk.client(OWN).move(token, action).status_code in (403, 409, 422)
    assert desk.row(token).state == "routed"


@pytest.fixture
def waiting_for_dispatch(desk) -> dict[str, str]:
    late = desk.file("street-cn1")
    set_due(desk, late, clock.now() - timedelta(hours=1), None)
    on_time = desk.file("street-cn1")
    set_due(desk, on_time, clock.now() + timedelta(hours=1), None)
    return {
        "outside": desk.file("street-cn1", place_flag="outside"),
        "ambiguous": desk.file("street-cn1", is_ambiguous=True),
        "unaccepted": late,
        "desk": desk.file("centre"),
        "nothing": on_time,
        "settled": desk.file("street-cn1", "accepted", is_ambiguous=True),
    }


def test_the_dispatchers_table_and_why_each_case_is_on_it(desk, waiting_for_dispatch):
    at, named = clock.now(), {token: why for why, token in waiting_for_dispatch.items()}
    with desk.database.reading() as tx:
        for why in ("outside", "ambiguous", "unaccepted", "desk"):
            rows = dispatch_page(tx, "linhai.example", "centre", why, at, size=1000).rows
            assert [named[row.token] for row in rows if row.token in named] == [why]
            assert all(why in whys_of(row, "centre", at) for row in rows)
        everything = {
            row.token for row in dispatch_page(tx, "linhai.example", "centre", None, at, size=5000).rows
        }
    assert {why for token, why in named.items() if token in everything} == {
        "outside",
        "ambiguous",
        "unaccepted",
        "desk",
    }


@pytest.mark.parametrize("stage", ["dispatch", "accept"])
def test_whichever_clock_ran_out_first_the_case_says_why_it_is_listed(desk, stage):
    token, at = desk.file("street-cn1"), clock.now()
    set_due(desk, token, at - timedelta(hours=1), None)
    with desk.database.transaction() as tx:
        mine = (clock_table.c.report_id == desk.row(token).id) & (clock_table.c.state == "running")
        tx.execute(update(clock_table).where(mine, clock_table.c.kind == "unit").values(stage=stage))
    with desk.database.reading() as tx:
        rows = dispatch_page(tx, "linhai.example", "centre", "unaccepted", at, size=1000).rows
    assert [whys_of(row, "centre", at) for row in rows if row.token == token] == [("unaccepted",)]


def test_what_would_change_hands_since_the_boundaries_changed(desk):
    """Listed with the unit of the new map, moved by nobody; what was handed over or closed is listed no more."""
    waits, handed, done, back = (desk.file("street-cn1") for _ in range(4))
    closed = desk.file("street-cn1", state="closed")
    with desk.database.transaction() as tx:
        head = city_head(tx, "linhai.example")
        for units in ({waits: "street-wh2", handed: "street-wh2", closed: "street-wh2", back: "street-wh2"},
                      {back: "street-cn1"}):  # fmt: skip
            affected = [(token, "street-cn1", unit) for token, unit in units.items()]
            public = {"edition": 1, "layer": "street", "actor": {"role": "system"}, "affected": len(affected)}
            head = record(tx, head, [Draft("edition.activated", public, {"affected": affected})])
        tx.execute(update(report).where(report.c.token == handed).values(lead_unit="street-cn2"))
    browser = desk.client(DESK)
    browser.get("/desk/dispatch")
    with counted_statements(desk.app) as sent:
        page = browser.get("/desk/dispatch?why=redrawn").text
    assert len(sent) <= 4, sent
    assert set(tokens_in(page)) == {waits}
    assert done not in page
    assert "The boundaries have changed" in page
    assert '<option value="street-wh2" selected>' in page
    assert desk.row(waits).lead_unit == "street-cn1"
    seen = {f"seq-{waits}": 2}
    chosen = {"token": waits, "to_unit": "street-wh2", "reason": "The border moved.", **seen}
    assert browser.post("/desk/dispatch?why=redrawn", chosen).status_code == 303
    assert tokens_in(browser.get("/desk/dispatch?why=redrawn").text) == []


def test_the_changed_boundaries_are_looked_up_by_index(desk):
    at = clock.now()
    tokens = [f"T{number}" for number in range(50)]
    noted = {token: RecordedCase(token, "street-cn1", "centre", "street", 1, at) for token in tokens}
    asked: list[tuple[str, object]] = []

    def note(connection, cursor, statement, parameters, *rest) -> None:
        asked.append((statement, parameters))

    with desk.database.reading() as tx:
        sqlalchemy_event.listen(tx, "before_cursor_execute", note)
        noted_cases(tx, "linhai.example")
        dispatch_page(tx, "linhai.example", "centre", "redrawn", at, noted)
        sqlalchemy_event.remove(tx, "before_cursor_execute", note)
        with tx.connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_seqscan = off"
            )  # the tables of a test are too small for an index
            for statement, parameters in asked:
                cursor.execute(f"EXPLAIN {statement}", parameters)
                plan = "\n".join(line for (line,) in cursor.fetchall())
                assert "Index" in plan
                assert "Seq Scan" not in plan, plan
    assert len(asked) == 2


def test_assigning_several_by_hand(desk):
    tokens = [desk.file("centre"), desk.file("centre")]
    browser = desk.client(DESK)
    seen = {f"seq-{token}": 2 for token in tokens}
    chosen = {"token": tokens, "to_unit": "street-wh2", "reason": "The border is wrong.", **seen}
    assert browser.post("/desk/dispatch", chosen).headers["Location"] == "/desk/dispatch?assigned=2"
    assert [desk.row(token).lead_unit for token in tokens] == ["street-wh2"] * 2


@pytest.mark.parametrize(
    ("missing", "says"),
    [("token", "at least one case"), ("to_unit", "unit that should take over"), ("reason", "give a reason")],
)
def test_assigning_needs_case_unit_and_reason(missing, says, desk):
    token = desk.file("centre")
    chosen = {"token": token, "to_unit": "street-wh2", "reason": "The border is wrong.", f"seq-{token}": 2}
    answer = desk.client(DESK).post("/desk/dispatch", {k: v for k, v in chosen.items() if k != missing})
    assert answer.status_code == 422
    assert says in answer.text
    assert desk.row(token).lead_unit == "centre"


def test_a_case_that_changed_meanwhile_is_not_assigned_and_named(desk):
    changed, other = desk.file("centre"), desk.file("centre")
    browser = desk.client(DESK)
    browser.move(changed, "accept")
    chosen = {"token": [changed, other], "to_unit": "street-wh2", "reason": "Theirs."}
    chosen |= {f"seq-{changed}": 2, f"seq-{other}": 2}
    answer = browser.post("/desk/dispatch", chosen)
    assert answer.status_code == 409
    assert f'<a class="mono" href="/desk/case/{changed}">' in answer.text
    assert [desk.row(token).lead_unit for token in (changed, other)] == ["centre", "street-wh2"]


@pytest.mark.parametrize(
    ("grant", "is_seen"),
    [
        pytest.param(Grant("unit_head", "district-cn"), True, id="above the accused"),
        pytest.param(Grant("handler", "street-cn3"), False, id="the accused"),
        pytest.param(Grant("unit_head", "street-cn3"), False, id="their head"),
    ],
)
def test_the_accused_find_no_complaint_about_themselves(grant, is_seen, desk):
    token = desk.file("street-cn3", "accepted", kind="complaint", about_unit="street-cn3")
    browser = desk.client(grant)
    assert (token in tokens_in(browser.get("/desk/?unit=street-cn3&state=accepted").text)) is is_seen
    page = browser.get(f"/desk/case/{token}")
    assert page.status_code == (200 if is_seen else 404)
    assert ('<option value="street-wh2">' in page.text) is is_seen
    assert '<option value="street-cn3">' not in page.text


@pytest.mark.parametrize("seen", [None, "", "x", "٢", "²", "-1", "9" * 20, "9" * 4400])
def test_a_form_that_does_not_say_what_was_seen_changes_nothing(seen, desk):
    token = desk.file("street-cn1")
    browser = desk.client(OWN)
    sent = {"action": "accept"} | ({} if seen is None else {"seen_seq": seen})
    answer = browser.post(f"/desk/case/{token}/move", sent)
    assert (answer.status_code, desk.row(token).state) == (409, "routed")
    assert "What happened since you opened the page" in answer.text
    chosen = {"token": token, "to_unit": "street-wh2", "reason": "Theirs."}
    chosen |= {} if seen is None else {f"seq-{token}": seen}
    assert desk.client(DESK).post("/desk/dispatch", chosen).status_code == 409
    assert desk.row(token).lead_unit == "street-cn1"
