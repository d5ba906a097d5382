"""The denial matrix: every role, near and far, tries every action on a case through the real pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from portal import clock
from portal.queries.staff_rights import Grant

from .conftest import signed_in

# The case is led by street-cn1, a street of district-cn, and lighting assists.
PEOPLE = {
    "handler, own unit": Grant("handler", "street-cn1"),
    "handler, assisting unit": Grant("handler", "street-cn2"),
    "handler, other unit": Grant("handler", "street-wh1"),
    "handler, unit above": Grant("handler", "district-cn"),
    "head, own unit": Grant("unit_head", "street-cn1"),
    "head, unit above": Grant("unit_head", "district-cn"),
    "head, assisting unit": Grant("unit_head", "street-cn2"),
    "head, other unit": Grant("unit_head", "district-wh"),
    "dispatcher, desk": Grant("dispatcher", "centre"),
    "dispatcher, whole city": Grant("dispatcher", ""),
    "dispatcher, other unit": Grant("dispatcher", "district-wh"),
    "admin": Grant("admin", ""),
    "auditor": Grant("auditor", ""),
}
# + done, - refused (403), 0 not found (404), one sign for each person above, in that order
MATRIX = {
    #                 h own  h ass  h oth  h abo  H own  H abo  H ass  H oth  d des  d cit  d oth  admin  audit
    "look":           "+      +      0      0      +      +      +      0      +      +      0      +      +",
    "accept":         "+      -      0      0      +      +      -      0      +      +      0      +      -",
    "start":          "+      -      0      0      +      +      -      0      +      +      0      +      -",
    "update":         "+      +      0      0      +      +      +      0      +      +      0      +      -",
    "note":           "+      +      0      0      +      +      +      0      +      +      0      +      -",
    "wait":           "-      -      0      0      +      +      -      0      +      +      0      +      -",
    "resume":         "+      -      0      0      +      +      -      0      +      +      0      +      -",
    "transfer":       "+      -      0      0      +      +      -      0      +      +      0      +      -",
    "extend":         "-      -      0      0      -      +      -      0      +      +      0      +      -",
    "resolve":        "+      -      0      0      +      +      -      0      +      +      0      +      -",
    "reject":         "-      -      0      0      +      +      -      0      +      +      0      +      -",
    "mark_duplicate": "+      -      0      0      +      +      -      0      +      +      0      +      -",
    "assign":         "-      -      0      0      -      -      -      0      +      +      0      +      -",
    "reopen":         "-      -      0      0      +      +      -      0      +      +      0      +      -",
    "close":          "-      -      0      0      -      -      -      0      +      +      0      +      -",
}  # fmt: skip
NEXT_YEAR = (clock.now() + timedelta(days=365)).date().isoformat()
TYPED = {
    "update": {"public_text": "We are on our way."},
    "note": {"note": "Bring the big pump."},
    "wait": {"reason": "weather"},
    "transfer": {"reason": "not_our_area", "to_unit": "street-wh2"},
    "extend": {"until": NEXT_YEAR, "reason": "The pump is broken."},
    "resolve": {"closing_code": "fixed", "reason": "It was dark.", "public_text": "Done."},
    "reject": {"reason": "rule 4", "public_text": "Private ground."},
    "assign": {"to_unit": "street-wh2", "reason": "The border is wrong."},
    "reopen": {"reason": "It came back."},
}
STATES = {"accept": "routed", "resume": "waiting", "reopen": "closed", "close": "resolved"}
STATUS = {"+": 303, "-": 403, "0": 404}


@pytest.fixture(scope="module")
def clients(desk):
    return signed_in(desk, PEOPLE)


@pytest.mark.parametrize("action", MATRIX)
def test_who_may_do_what(action, desk, clients):
    state = STATES.get(action, "accepted")
    token, other, seen = "", desk.file("street-wh1"), {}
    for name in PEOPLE:
        if not token or desk.row(token).state != state or desk.row(token).lead_unit != "street-cn1":
            token = desk.file("street-cn1", state, assist_units=["street-cn2"])
        browser, form_token = clients[name]
        if action == "look":
            answer = browser.get(f"/desk/case/{token}")
            seen[name] = 303 if answer.status_code == 200 else answer.status_code
        else:
            typed = {"action": action, "csrf_token": form_token, "seen_seq": 999, **TYPED.get(action, {})}
            if action == "mark_duplicate":
                typed["duplicate_of"] = other
            seen[name] = browser.client.post(f"/desk/case/{token}/move", data=typed).status_code
    assert seen == {name: STATUS[sign] for name, sign in zip(PEOPLE, MATRIX[action].split(), strict=True)}


def test_what_is_refused_changes_nothing(desk, clients):
    token = desk.file("street-cn1", "accepted", assist_units=["street-cn2"])
    before = desk.row(token)
    for name in ("handler, assisting unit", "handler, other unit", "auditor"):
        browser, form_token = clients[name]
        typed = {"action": "resolve", "csrf_token": form_token, "seen_seq": 999, **TYPED["resolve"]}
        assert browser.client.post(f"/desk/case/{token}/move", data=typed).status_code in (403, 404)
    assert desk.row(token) == before


@pytest.mark.parametrize("name", PEOPLE)
def test_the_buttons_are_exactly_what_would_be_done(name, desk, clients):
    """A page never offers what would be refused, and hides nothing that would be done."""
    column = list(PEOPLE).index(name)
    for state in ("routed", "accepted", "waiting", "resolved", "closed"):
        token = desk.file("street-cn1", state, assist_units=["street-cn2"])
        page = clients[name][0].get(f"/desk/case/{token}")
        if page.status_code == 404:
            assert MATRIX["look"].split()[column] == "0"
            continue
        offered = set(re.findall(r'name="action" value="(\w+)"', page.text))
        listed = {action for action in MATRIX if action != "look" and MATRIX[action].split()[column] == "+"}
        assert offered <= listed
        if state == "accepted":
            assert offered == listed - {"accept", "resume", "reopen", "close"}


def test_another_units_case_looks_like_no_case_at_all(desk, clients):
    browser, _ = clients["handler, other unit"]
    foreign = browser.get(f"/desk/case/{desk.file('street-cn1')}")
    unknown = browser.get("/desk/case/00000000000000")
    strip = re.compile(r'value="[0-9a-f]{43}"|nonce="[^"]+"|/desk/case/\w+')
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert strip.sub("", foreign.text) == strip.sub("", unknown.text)


def test_a_photo_of_another_units_case_is_not_found(desk, clients):
    token = desk.file("street-cn1")
    path = f"/desk/case/{token}/photo/00000000000000/thumb"
    assert clients["handler, other unit"][0].get(path).status_code == 404
    assert clients["handler, own unit"][0].get(path).status_code == 404


def test_everybody_else_is_sent_to_sign_in(desk):
    token = desk.file("street-cn1")
    answer = desk.client().get(f"/desk/case/{token}")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/desk/sign-in?next=")


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        (Grant("dispatcher", "centre"), 200),
        (Grant("dispatcher", ""), 200),
        (Grant("admin", ""), 200),
        (Grant("auditor", ""), 200),
        (Grant("auditor", "district-cn"), 403),
        (Grant("dispatcher", "district-wh"), 403),
        (Grant("unit_head", "district-cn"), 403),
        (Grant("handler", "street-cn1"), 403),
    ],
    ids=str,
)
def test_who_works_at_the_dispatchers_table(grant, status, desk):
    browser = desk.client(grant)
    assert browser.get("/desk/dispatch").status_code == status
    token = desk.file("centre")
    assigned = {"token": token, "to_unit": "street-cn1", "reason": "Their street.", f"seq-{token}": 999}
    may_assign = status == 200 and grant.role != "auditor"
    assert browser.post("/desk/dispatch", assigned).status_code == (303 if may_assign else 403)


def test_the_matrix_is_complete():
    assert all(len(row.split()) == len(PEOPLE) for row in MATRIX.values())
