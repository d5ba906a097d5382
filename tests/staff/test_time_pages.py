"""The desk's pages about time: colours, applications for more time, supervision, and who may do what."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import insert, select, update

from portal import clock
from portal.models.ledger import case_file
from portal.models.oversight import extension, supervision
from portal.models.report import report
from portal.queries.staff_rights import Grant

LEAD, ABOVE = Grant("unit_head", "street-cn1"), Grant("unit_head", "district-cn")
ELSEWHERE, DESK = Grant("unit_head", "street-wh1"), Grant("dispatcher", "centre")
NEXT_YEAR = (clock.now() + timedelta(days=365)).date().isoformat()
NEXT_MONTH = (clock.now() + timedelta(days=30)).date().isoformat()


def asked(desk) -> str:
    token = desk.file(state="accepted")
    sent = {"until": NEXT_YEAR, "reason": "The pump must be made. Ask 138 1234 5678."}
    assert desk.client(LEAD).post(f"/desk/case/{token}/extension", sent).status_code == 303
    return token


def rows(desk, table, token: str) -> list:
    with desk.database.reading() as tx:
        mine = select(table).join(report, report.c.id == table.c.report_id).where(report.c.token == token)
        return tx.execute(mine).all()


def test_a_unit_asks_the_unit_above_shortens_and_the_public_reads_both(desk):
    token = asked(desk)
    waiting = desk.client(ABOVE).get("/desk/extensions").text
    assert token in waiting
    assert token not in desk.client(ELSEWHERE).get("/desk/extensions").text
    public = desk.client().get(f"/r/{token}").text
    assert "waits for an answer" in public
    assert "The pump must be made" in public
    assert "138 1234 5678" not in public
    above = desk.client(ABOVE)
    path = f"/desk/case/{token}/extension/answer"
    refused = above.post(path, {"decision": "grant", "until": NEXT_MONTH})
    assert refused.status_code == 422
    assert "Please say why" in refused.text
    sent = {"decision": "grant", "until": NEXT_MONTH, "words": "A month must do."}
    assert above.post(path, sent).status_code == 303
    public = desk.client().get(f"/r/{token}").text
    assert "A month must do." in public
    assert "granted, but less than asked for" in public
    row = desk.row(token)
    assert row.second_due_at.date().isoformat() == NEXT_MONTH
    assert row.promise_due_at.date().isoformat() < NEXT_MONTH, "the promise never resets"
    assert above.post(path, sent).status_code == 409, "it is answered already"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        pytest.param(LEAD, 403, id="the unit itself"),
        pytest.param(Grant("handler", "district-cn"), 403, id="a handler of the unit above"),
        pytest.param(ELSEWHERE, 404, id="another unit"),
        pytest.param(Grant("auditor", ""), 403, id="an auditor"),
        pytest.param(ABOVE, 303, id="the unit above"),
        pytest.param(DESK, 303, id="the coordination desk"),
    ],
)
def test_who_may_grant(desk, who: Grant, status: int):
    token = asked(desk)
    answer = desk.client(who).post(f"/desk/case/{token}/extension/answer", {"decision": "grant"})
    assert answer.status_code == status
    assert [row.state for row in rows(desk, extension, token)] == ["granted" if status == 303 else "asked"]


def test_the_page_offers_to_each_what_they_may(desk):
    token = asked(desk)
    offered = {
        who: {name for name in ("ask_extension", "answer_extension", "supervise", "mark_serious")
              if f'id="do-{name}"' in desk.client(who).get(f"/desk/case/{token}").text}
        for who in (LEAD, ABOVE, DESK)
    }  # fmt: skip
    assert offered == {
        LEAD: set(),
        ABOVE: {"answer_extension"},
        DESK: {"answer_extension", "supervise", "mark_serious"},
    }
    assert 'value="extend"' not in desk.client(LEAD).get(f"/desk/case/{token}").text
    assert 'value="extend"' in desk.client(ABOVE).get(f"/desk/case/{token}").text


def test_the_desk_supervises_and_ends_it_with_a_finding(desk):
    token, centre = desk.file(state="accepted"), desk.client(DESK)
    path = f"/desk/case/{token}/supervision"
    assert centre.post(path, {"until": "", "reason": "Look into it."}).status_code == 422
    assert centre.post(path, {"until": NEXT_MONTH, "reason": "Look into it."}).status_code == 303
    assert centre.post(path, {"until": NEXT_MONTH, "reason": "Again."}).status_code == 409
    assert token in desk.client(LEAD).get("/desk/supervision").text
    assert token not in desk.client(ELSEWHERE).get("/desk/supervision").text
    assert "by order of the coordination desk" in desk.client().get(f"/r/{token}").text
    assert desk.client(LEAD).post(f"{path}/close", {"finding": "unfounded", "reason": "x"}).status_code == 403
    assert centre.post(f"{path}/close", {"finding": "guilty", "reason": "Late."}).status_code == 422
    assert centre.post(f"{path}/close", {"finding": "unit_at_fault", "reason": "Late."}).status_code == 303
    assert "The unit was at fault" in desk.client().get(f"/r/{token}").text
    assert token in desk.client(DESK).get("/desk/supervision?state=closed").text
    (row,) = rows(desk, supervision, token)
    assert (row.state, row.finding, row.cause) == ("closed", "unit_at_fault", "by_hand")


def test_cases_are_listed_by_colour_and_a_serious_one_is_red(desk):
    red, orange = desk.file(state="accepted"), desk.file(state="accepted")
    assert (
        desk.client(DESK).post(f"/desk/case/{red}/serious", {"reason": "serious_incident"}).status_code == 303
    )
    with desk.database.transaction() as tx:
        tx.execute(update(report).where(report.c.token == orange).values(colour=2))
    lead = desk.client(LEAD)
    assert red in lead.get("/desk/due").text
    assert orange not in lead.get("/desk/due").text
    assert orange in lead.get("/desk/due?colour=orange").text
    assert red not in desk.client(ELSEWHERE).get("/desk/due").text
    assert desk.row(red).colour == 3
    assert lead.get("/desk/due?colour=mauve&after=x~y").status_code == 200


def test_a_pause_shows_its_reason_and_who_granted_it(desk):
    token = desk.file(state="accepted")
    assert desk.client(LEAD).move(token, "wait", reason="awaiting_parts").status_code == 303
    public, inner = desk.client().get(f"/r/{token}").text, desk.client(LEAD).get(f"/desk/case/{token}").text
    assert "for parts" in public
    for page in (public, inner):
        assert "granted by Head of unit, Bluestone Street Office" in page


def test_a_case_whose_unit_has_ended_it_waits_for_the_finding(desk):
    token, centre = desk.file(state="accepted"), desk.client(DESK)
    centre.post(f"/desk/case/{token}/supervision", {"until": NEXT_MONTH, "reason": "Look into it."})
    sent = {"reason": "dark", "closing_code": "fixed", "public_text": "Done."}
    assert desk.client(LEAD).move(token, "resolve", **sent).status_code == 303
    page = centre.get("/desk/supervision").text
    assert "waits for the finding" in page
    assert "only wait for the finding" in page


def many(desk, table, number: int, **row) -> set[str]:
    """So many cases with a row of this table each, from one that is there; answers their numbers."""
    model = desk.row(desk.file(state="accepted"))
    ids = range(model.id * 1000, model.id * 1000 + number)
    cases = [{**model._mapping, "id": n, "token": f"MANY{n}", "client_request_id": None} for n in ids]
    files = [{"id": n, "jurisdiction_id": model.jurisdiction_id, "subject": "report", "token": f"MANY{n}",
              "last_seq": 0, "last_hash": b"\0" * 32} for n in ids]  # fmt: skip
    at = clock.now()
    shared = {"jurisdiction_id": model.jurisdiction_id, "unit_code": model.lead_unit}
    with desk.database.transaction() as tx:
        tx.execute(insert(case_file).values(files))
        tx.execute(insert(report).values(cases))
        rows = [shared | {"report_id": n} | {name: each(at, n) for name, each in row.items()} for n in ids]
        tx.execute(insert(table).values(rows))
    return {each["token"] for each in cases}


def walked(browser, path: str) -> list[str]:
    """The numbers on all pages of a list, following its pager."""
    found: list[str] = []
    while path:
        page = browser.get(path).text
        found += re.findall(r'class="mono">(MANY\d+)', page)
        onward = re.search(r'class="pager">.*?href="([^"]+)"', page)
        path = html.unescape(onward[1]) if onward else ""
    return found


@pytest.mark.parametrize(
    ("path", "state"), [("/desk/supervision", "open"), ("/desk/supervision?state=closed", "closed")]
)
def test_long_lists_of_supervision_are_paged_and_counted(desk, path: str, state: str):
    made = many(
        desk, supervision, 230, state=lambda at, n: state, cause=lambda at, n: "escalation",
        opened_at=lambda at, n: at, due_at=lambda at, n: at + timedelta(hours=n % 7),
    )  # fmt: skip
    browser = desk.client(DESK)
    found = [token for token in walked(browser, path) if token in made]
    assert len(found) == len(made)
    assert set(found) == made
    counted = re.search(r'aria-current="true">\s*\w+ <span class="nums">(\d+)', browser.get(path).text)
    assert counted
    assert int(counted[1]) >= 230


def test_long_lists_of_applications_are_paged_and_counted(desk):
    made = many(
        desk, extension, 230, state=lambda at, n: "asked", decider=lambda at, n: "district-cn",
        reason=lambda at, n: "Parts.", public_reason=lambda at, n: "Parts.", asked_at=lambda at, n: at,
        wished_at=lambda at, n: at + timedelta(days=9),
    )  # fmt: skip
    browser = desk.client(ABOVE)
    found = [token for token in walked(browser, "/desk/extensions") if token in made]
    assert (len(found), set(found)) == (len(made), made)
    counted = re.search(r'<h1>.*?<span class="nums soft">(\d+)', browser.get("/desk/extensions").text)
    assert counted
    assert int(counted[1]) >= 230


@pytest.mark.parametrize(
    "path", ["/desk/due", "/desk/extensions", "/desk/supervision", "/desk/supervision?state=closed"]
)
def test_the_lists_cost_few_statements_and_speak_chinese(desk, path: str):
    asked(desk)
    browser = desk.client(ABOVE, "zh-Hans")
    assert browser.get(path).status_code == 200
    sent: list[str] = []

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        sent.append(statement)

    engine = desk.app.extensions["wenlu"].database.engine
    hooks.listen(engine, "before_cursor_execute", note)
    page = browser.get(path)
    hooks.remove(engine, "before_cursor_execute", note)
    assert len(sent) <= 4, sent
    assert "督办" in page.text
