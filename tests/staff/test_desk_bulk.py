"""One thing done to many cases: each for itself, with its own rights; what was refused is named, nothing is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.models.crews import crew_job
from portal.models.ledger import event
from portal.queries.staff_rights import Grant

OWN = Grant("handler", "street-cn1")
HEAD = Grant("unit_head", "district-cn")
DESK = Grant("dispatcher", "centre")


def form(browser: Any, tokens: list[str], action: str, **more: str) -> dict[str, Any]:
    """What the page of the inbox sends for these ticks."""
    page = browser.get("/desk/?unit=street-cn1").text
    seen = dict(re.findall(r'name="seq-(\w{14})" value="(\d+)"', page))
    return (
        {"token": tokens, "action": action} | {f"seq-{each}": seen.get(each, "0") for each in tokens} | more
    )


def states(desk: Any, tokens: list[str]) -> list[str]:
    return [desk.row(token).state for token in tokens]


@pytest.mark.parametrize(
    ("grant", "action", "typed", "before", "after"),
    [
        pytest.param(OWN, "accept", {}, "routed", "accepted", id="accept"),
        pytest.param(OWN, "start", {}, "accepted", "in_progress", id="start"),
        pytest.param(HEAD, "wait", {"pause": "weather"}, "in_progress", "waiting", id="pause"),
        pytest.param(OWN, "resume", {}, "waiting", "in_progress", id="resume"),
        pytest.param(OWN, "note", {"note": "Mind the dog."}, "routed", "routed", id="note"),
        pytest.param(OWN, "update", {"public_text": "We come on Monday."}, "accepted", "accepted", id="public"),
        pytest.param(
            OWN, "transfer", {"code": "not_our_area", "to_unit": "street-cn2"}, "accepted", "routed", id="hand over"
        ),
        pytest.param(DESK, "assign", {"reason": "Theirs.", "to_unit": "street-cn2"}, "routed", "routed", id="assign"),
    ],
)  # fmt: skip
def test_each_case_is_done_with_its_own_event(
    grant: Grant, action: str, typed: dict[str, str], before: str, after: str, desk: Any
) -> None:
    tokens = [desk.file("street-cn1", before) for _ in range(3)]
    browser = desk.client(grant)
    answer = browser.post(
        "/desk/bulk", form(browser, tokens, action, back="state=routed&view=board", **typed)
    )
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"] == "/desk/?view=board&state=routed&went=3"
    assert states(desk, tokens) == [after] * 3
    for token in tokens:
        with desk.database.reading() as tx:
            kinds = tx.scalars(select(event.c.kind).where(event.c.case_id == desk.row(token).id)).all()
        assert sum(kind.startswith("request.") for kind in kinds) >= 3, kinds


def test_a_crew_is_sent_to_many_cases(desk: Any) -> None:
    tokens = [desk.file("street-cn1", "accepted") for _ in range(2)]
    browser = desk.client(OWN)
    assert "Bluestone Patrol" in browser.get("/desk/").text
    answer = browser.post("/desk/bulk", form(browser, tokens, "crew", crew="cn1-patrol"))
    assert answer.status_code == 303
    ids = [desk.row(token).id for token in tokens]
    with desk.database.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(crew_job).where(crew_job.c.report_id.in_(ids))) == 2


def test_what_cannot_be_done_is_named_and_holds_up_nothing(desk: Any) -> None:
    fine, taken, foreign = desk.file("street-cn1"), desk.file("street-cn1"), desk.file("street-ba1")
    browser = desk.client(OWN)
    sent = form(browser, [taken, fine, foreign, "0" * 14], "accept")
    desk.client(HEAD).move(taken, "transfer", reason="not_our_area", to_unit="street-cn2")
    answer = browser.post("/desk/bulk", sent)
    assert answer.status_code == 409
    assert states(desk, [fine]) == ["accepted"]
    assert "1 case: done." in answer.text
    assert "3 cases: not done." in answer.text
    assert answer.text.count("There is no such case on your desk.") == 3
    assert desk.row(foreign).state == "routed"


def test_a_conflict_says_what_happened_and_can_be_done_again(desk: Any) -> None:
    one, other = desk.file("street-cn1"), desk.file("street-cn1")
    browser = desk.client(OWN)
    typed = {"public_text": "We come <b>tomorrow</b>."}
    sent = form(browser, [one, other], "update", **typed)
    desk.client(HEAD).move(one, "accept")
    answer = browser.post("/desk/bulk", sent)
    assert answer.status_code == 409
    assert "Somebody else has changed this case" in answer.text
    assert "Since you saw the list:" in answer.text
    assert re.search(r"Since you saw the list:\s*Accepted", answer.text)
    assert 'value="We come &lt;b&gt;tomorrow&lt;/b&gt;."' in answer.text
    assert re.findall(r'name="token" value="(\w+)"', answer.text) == [one]
    again = dict(re.findall(r'name="(seq-\w{14})" value="(\d+)"', answer.text))
    assert browser.post("/desk/bulk", {"token": [one], "action": "update"} | again | typed).status_code == 303
    # Sent twice by mistake: the second time nothing happens unseen.
    assert browser.post("/desk/bulk", sent).status_code == 409


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param({"action": ""}, "Please choose what should be done.", id="no action"),
        pytest.param({"action": "swallow"}, "Please choose what should be done.", id="unknown"),
        pytest.param({"action": "resolve"}, "Please choose what should be done.", id="not for many"),
        pytest.param({"action": "accept", "token": []}, "Please choose at least one case.", id="nothing ticked"),
        pytest.param({"action": "transfer", "to_unit": "street-cn2"}, "Please give a reason.", id="no reason"),
        pytest.param(
            {"action": "transfer", "code": "not_our_area"}, "Please choose the unit that", id="no unit"
        ),
        pytest.param({"action": "note"}, "Please write the note.", id="no note"),
        pytest.param({"action": "crew", "crew": "ba1-patrol"}, "Please choose a crew of your unit", id="foreign crew"),
        pytest.param({"action": "update", "answer": "99999"}, "does not fit this case", id="no such answer"),
        pytest.param({"action": "assign", "to_unit": "street-cn2", "reason": "x"}, "role may not", id="no right"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_changes_nothing(typed: dict[str, Any], says: str, desk: Any) -> None:
    token = desk.file("street-cn1")
    browser = desk.client(OWN)
    sent = form(browser, [token], typed["action"]) | typed
    answer = browser.post("/desk/bulk", sent)
    assert answer.status_code in (409, 422)
    assert re.search(says, answer.text)
    assert (desk.row(token).state, desk.row(token).lead_unit) == ("routed", "street-cn1")


def test_a_ready_made_answer_is_given_in_the_language_of_each_report(desk: Any) -> None:
    browser = desk.client(OWN)
    page = browser.get("/desk/").text
    offered = re.search(r'<select id="bulk-answer".*?</select>', page, re.DOTALL)
    if offered is None:
        pytest.skip("the demo city has no answers for an update")
    number = re.search(r'value="(\d+)"', offered.group(0)).group(1)
    english, chinese = desk.file("street-cn1", locale="en"), desk.file("street-cn1", locale="zh_Hans")
    answer = browser.post("/desk/bulk", form(browser, [english, chinese], "update", answer=number))
    assert answer.status_code == 303, answer.text
    said = []
    for token in (english, chinese):
        with desk.database.reading() as tx:
            query = select(event.c.public["text"].astext).where(event.c.kind == "request.updated")
            said.append(tx.scalar(query.where(event.c.case_id == desk.row(token).id)))
    assert re.search("[a-z]{3}", said[0])
    assert re.search("[\u4e00-\u9fff]", said[1])


def test_who_may_only_read_ticks_nothing(desk: Any) -> None:
    token = desk.file("street-cn1")
    browser = desk.client(Grant("auditor", ""))
    page = browser.get("/desk/").text
    assert token in page
    assert 'name="token"' not in page
    assert browser.post("/desk/bulk", {"token": [token], "action": "accept"}).status_code == 403


def test_one_press_in_the_list_takes_a_case_and_the_list_says_who_has_it(desk: Any) -> None:
    token = desk.file("street-cn1")
    browser = desk.client(OWN)
    press = re.search(rf'form="take" name="take" value="({token}:\d+)"', browser.get("/desk/").text)
    answer = browser.post("/desk/bulk", {"take": press.group(1), "back": "whose=unit"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/?whose=unit&went=1")
    assert states(desk, [token]) == ["accepted"]
    mine = browser.get("/desk/?whose=mine").text
    assert token in mine
    assert f'value="{token}:' not in mine, "what one has, one cannot take"
    assert '<span class="who">You</span>' in mine
    assert token in browser.get("/desk/crew").text
    lines = desk.client(HEAD).get("/desk/?unit=street-cn1").text
    assert '<span class="who">handler.street-cn1' in lines
    assert token not in desk.client(HEAD).get("/desk/?whose=mine").text
    assert "People: open jobs" in desk.client(HEAD).get("/desk/unit").text
    again = browser.post("/desk/bulk", {"take": press.group(1)})
    assert again.status_code == 409


def test_many_cases_are_given_to_a_person_of_the_unit_or_taken(desk: Any) -> None:
    tokens = [desk.file("street-cn1", "accepted") for _ in range(3)]
    desk.client(OWN)
    head = desk.client(HEAD)
    page = head.get("/desk/?unit=street-cn1").text
    person = re.search(r'<option value="(\d+)">handler.street-cn1', page).group(1)
    assert head.post("/desk/bulk", form(head, tokens[:2], "person", person=person)).status_code == 303
    assert head.post("/desk/bulk", form(head, tokens[2:], "take")).status_code == 303
    foreign = desk.file("street-cn2")
    sent = form(head, [foreign], "person", person=person) | {f"seq-{foreign}": "99"}
    refused = head.post("/desk/bulk", sent)
    assert refused.status_code == 409
    assert "Please choose somebody who works for this unit." in refused.text
    ids = [desk.row(token).id for token in tokens]
    with desk.database.reading() as tx:
        query = select(crew_job.c.account_id == int(person)).where(crew_job.c.report_id.in_(ids))
        assert tx.scalars(query.order_by(crew_job.c.report_id)).all() == [True, True, False]


@pytest.mark.parametrize(
    "grant", [Grant("auditor", ""), Grant("admin", ""), Grant("handler", "water")], ids=str
)
def test_nobody_takes_what_is_not_their_units(grant: Grant, desk: Any) -> None:
    token = desk.file("street-cn1", assist_units=["water"])
    browser = desk.client(grant)
    assert 'name="take"' not in browser.get("/desk/?part=assist").text
    answer = browser.post("/desk/bulk", {"take": f"{token}:99"})
    assert answer.status_code in (403, 409)
    assert states(desk, [token]) == ["routed"]


def test_the_page_of_a_case_gives_it_to_a_person(desk: Any) -> None:
    token = desk.file("street-cn1")
    own, head = desk.client(OWN), desk.client(HEAD)
    page = head.get(f"/desk/case/{token}").text
    person = re.search(r'name="person" value="(\d+)" required> <span>handler.street-cn1', page).group(1)
    seen = re.search(r'name="seen_seq" value="(\d+)"', page).group(1)
    given = head.post(f"/desk/case/{token}/person", {"person": person, "seen_seq": seen})
    assert (
        given.headers["Location"].endswith("field=given#field") or "field=given" in given.headers["Location"]
    )
    assert "handler.street-cn1" in head.get(f"/desk/case/{token}").text
    assert "Take it on myself" not in own.get(f"/desk/case/{token}").text
    taken = head.post(f"/desk/case/{token}/person", {"person": re.search(
        r'name="person" value="(\d+)">Take it on myself', head.get(f"/desk/case/{token}").text).group(1),
        "seen_seq": "99"})  # fmt: skip
    assert "field=taken" in taken.headers["Location"]
