"""Tasks and disputes through the real pages: who may, what is refused and how, and what everybody sees."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event as hooks

from portal.operations.context import Actor
from portal.operations.keep_tasks import Wanted
from portal.operations.manage_accounts import grant_role
from portal.operations.move_report import Move, move_report
from portal.operations.move_tasks import TaskMove, ask_units, move_task
from portal.operations.rule_disputes import contest_transfer, name_acting
from portal.queries.staff_rights import Grant

from .conftest import signed_in

LEAD = Actor("handler", "street-cn1")
PEOPLE = {
    "handler, lead": Grant("handler", "street-cn1"),
    "head, lead": Grant("unit_head", "street-cn1"),
    "head above the lead": Grant("unit_head", "district-cn"),
    "handler, assisting": Grant("handler", "parks"),
    "handler, assisting too": Grant("handler", "water"),
    "handler, other unit": Grant("handler", "street-wh1"),
    "dispatcher, desk": Grant("dispatcher", "centre"),
    "dispatcher, other unit": Grant("dispatcher", "district-wh"),
    "admin": Grant("admin", ""),
    "auditor": Grant("auditor", ""),
}
# + done, - refused (403), 0 not found (404), one sign for each person above, in that order
TASKS = {
    "ask":           "+ + + - - 0 + 0 + -",
    "split":         "+ + + - - 0 + 0 + -",
    "task_accept":   "- - - + - 0 + 0 + -",
    "task_done":     "- - - + - 0 + 0 + -",
    "task_refuse":   "- - - + - 0 - 0 - -",
    "task_withdraw": "+ + + - - 0 + 0 + -",
    "propose_swap":  "+ + + - - 0 - 0 - -",
    "swap":          "- - - + - 0 - 0 - -",
    "order_swap":    "- - - - - 0 + 0 + -",
    "task_rate":     "+ + + - - 0 - 0 - -",
}  # fmt: skip
# The case was handed from street-cn1 to parks, who contest it: the desk leads, street-cn1 acts.
DISPUTES = {
    "rule":        "- - - 0 0 0 + 0 + -",
    "name_acting": "- - - 0 0 0 + 0 + -",
    "propose_rule": "0 0 0 - 0 0 + 0 + -",  # it is ruled: parks lead
}  # fmt: skip
STATUS = {"+": 303, "-": 403, "0": 404}


@pytest.fixture(scope="module")
def clients(desk):
    return signed_in(desk, PEOPLE)


def with_task(desk, action=""):
    token = desk.file("street-cn1", "accepted")
    with desk.database.transaction() as tx:
        wanted = [Wanted("parks", title="Roots"), Wanted("water", title="Pipe")]
        ask_units(tx, desk.context, token, LEAD, "ask", wanted)
    if action == "swap":
        act(desk, token, LEAD, "propose_swap")
    if action == "task_rate":
        act(desk, token, Actor("handler", "parks"), "task_done")
    return token


def act(desk, token, actor, action):
    with desk.database.transaction() as tx:
        move_task(tx, desk.context, token, 1, actor, TaskMove(action, "words"))


def in_dispute(desk):
    token = desk.file("street-cn1", "routed")
    handed = Move("transfer", reason="not_our_area", to_unit="parks")
    with desk.database.transaction() as tx:
        move_report(tx, desk.context, token, LEAD, handed)
        contest_transfer(
            tx, desk.context, token, Actor("handler", "parks"), Move("", reason="not_our_service")
        )
        name_acting(tx, desk.context, token, Actor("dispatcher"), Move("", to_unit="street-cn1"))
    return token


def post(clients, name, path, **typed):
    browser, form_token = clients[name]
    data = {"csrf_token": form_token, "seen_seq": 999, **typed}
    return browser.client.post(path, data=data, headers=browser.language)


FIELDS = {
    "ask": {"wish": "ask", "to_unit_1": "traffic", "title_1": "Signs"},
    "split": {"wish": "split", "to_unit_1": "traffic", "title_1": "Sign", "to_unit_3": "lighting", "title_3": "Lamp"},
    "rule": {"to_unit": "street-cn1", "public_text": "Theirs.", "reason": "Line 7", "assist": ["water"]},
    "name_acting": {"to_unit": "traffic"},
    "task_rate": {"reason": "words", "rating": "4"},
}  # fmt: skip


@pytest.mark.parametrize("action", TASKS)
def test_who_may_do_what_with_tasks(action, desk, clients):
    seen = {}
    for name in PEOPLE:
        token = with_task(desk, action)
        path = f"/desk/case/{token}/tasks" + ("" if action in ("ask", "split") else f"/1/{action}")
        seen[name] = post(clients, name, path, **FIELDS.get(action, {"reason": "words"})).status_code
    assert seen == {name: STATUS[sign] for name, sign in zip(PEOPLE, TASKS[action].split(), strict=True)}


@pytest.mark.parametrize("action", DISPUTES)
def test_who_may_do_what_with_disputes(action, desk, clients):
    seen = {}
    for name in PEOPLE:
        token = in_dispute(desk)
        if action == "propose_rule":
            ruled = {"to_unit": "parks", "public_text": "Theirs.", "reason": "Line 7"}
            assert post(clients, "admin", f"/desk/case/{token}/dispute/rule", **ruled).status_code == 303
        path = f"/desk/case/{token}/dispute/{action}"
        seen[name] = post(clients, name, path, **FIELDS.get(action, {})).status_code
    assert seen == {name: STATUS[sign] for name, sign in zip(PEOPLE, DISPUTES[action].split(), strict=True)}


@pytest.mark.parametrize("name", PEOPLE)
def test_the_page_offers_what_would_be_done(name, desk, clients):
    column = list(PEOPLE).index(name)
    token = with_task(desk)
    page = clients[name][0].get(f"/desk/case/{token}")
    if page.status_code == 404:
        assert TASKS["ask"].split()[column] == "0"
        return
    offered = set(re.findall(rf"/desk/case/{token}/tasks/1/(\w+)", page.text))
    wanted = {action for action, signs in TASKS.items() if signs.split()[column] == "+"}
    assert offered == wanted - {"ask", "split", "swap", "task_rate"}
    assert ('name="wish" value="split"' in page.text) is ("split" in wanted)


def test_a_hand_over_is_contested_by_a_form(desk, clients):
    token = desk.file("street-cn1", "routed")
    handed = Move("transfer", reason="not_our_area", to_unit="parks")
    with desk.database.transaction() as tx:
        move_report(tx, desk.context, token, LEAD, handed)
    page = clients["handler, assisting"][0].get(f"/desk/case/{token}").text
    assert "You may contest this hand-over until" in page
    path = f"/desk/case/{token}/dispute/contest_transfer"
    refused = post(clients, "handler, assisting", path, public_text="Not a tree.")
    assert refused.status_code == 422
    assert "Not a tree." in refused.text
    done = post(clients, "handler, assisting", path, reason="not_our_service", public_text="Not a tree.")
    assert (done.status_code, done.headers["Location"]) == (303, "/desk/?done=contest_transfer")
    public = clients["admin"][0].get(f"/r/{token}").text
    for words in ("In dispute", r"Until it is ruled [\w ’]+ acts", "contests the hand-over"):
        assert re.search(words, public)


def test_the_second_writer_sees_what_changed(desk, clients):
    token = with_task(desk)
    path = f"/desk/case/{token}/tasks/1/task_done"
    assert post(clients, "handler, assisting", path, reason="Cut.").status_code == 303
    late = post(clients, "admin", path, reason="Cut by us.", seen_seq=4)
    assert late.status_code == 409
    assert "Task done" in late.text
    assert "Cut by us." in late.text


def test_resolving_names_the_part_that_is_missing(desk, clients):
    token = desk.file("street-cn1", "accepted")
    assert post(clients, "handler, lead", f"/desk/case/{token}/tasks", **FIELDS["split"]).status_code == 303
    typed = {"action": "resolve", "closing_code": "fixed", "reason": "dark", "public_text": "x"}
    page = post(clients, "handler, lead", f"/desk/case/{token}/move", **typed)
    assert page.status_code == 422
    assert "no. 1, Roads and Traffic Department; no. 2, Street Lighting Department" in page.text


def test_the_lists_of_tasks_and_disputes(desk, clients):
    token, mine = in_dispute(desk), with_task(desk)
    page = clients["dispatcher, desk"][0].get("/desk/disputes")
    assert page.status_code == 200
    assert token in page.text
    assert "The unit that received it contests the hand-over" in page.text
    inbox = clients["handler, assisting"][0].get("/desk/?part=assist").text
    assert "My tasks" in inbox
    assert f"/desk/case/{mine}#task-1" in inbox


@pytest.mark.parametrize(
    ("name", "path"), [("dispatcher, desk", "/desk/disputes"), ("handler, assisting", "/desk/?part=assist")]
)
def test_the_lists_cost_four_statements_at_most(name, path, desk, clients):
    for _ in range(3):
        in_dispute(desk), with_task(desk)
    clients[name][0].get(path)
    sent = []
    engine = desk.app.extensions["wenlu"].database.engine
    note = lambda _connection, _cursor, statement, *rest: sent.append(statement)  # noqa: E731
    hooks.listen(engine, "before_cursor_execute", note)
    try:
        assert clients[name][0].get(path).status_code == 200
    finally:
        hooks.remove(engine, "before_cursor_execute", note)
    asked = [one for one in sent if not one.startswith(("SELECT pg_catalog", "BEGIN"))]
    assert len(asked) <= 5, (
        "the session, the two of the list, the tasks; the city's version where a second has passed"
    )


@pytest.mark.parametrize(
    ("name", "status"),
    [("handler, lead", 403), ("head above the lead", 403), ("dispatcher, other unit", 404),
     ("dispatcher, desk", 200), ("admin", 200), ("auditor", 200)],
)  # fmt: skip
def test_who_sees_the_disputes(name, status, clients):
    assert clients[name][0].get("/desk/disputes").status_code == status


def test_somebody_with_two_grants_acts_for_each_unit(desk, clients):
    """A person of the lead who also works for the assisting unit may do both sides' work."""
    token = with_task(desk)
    grant = Grant("handler", "street-cn2")
    browser = desk.client(grant)
    with desk.database.transaction() as tx:
        for unit in ("street-cn1", "parks"):
            grant_role(tx, desk.context, desk.email_of(grant), Grant("handler", unit))
    form_token = browser.token()
    for action in ("task_accept", "task_withdraw"):
        data = {"csrf_token": form_token, "seen_seq": 999, "reason": "x"}
        assert browser.client.post(f"/desk/case/{token}/tasks/1/{action}", data=data).status_code == 303


@pytest.mark.parametrize("path", ["case", "dispute", "disputes", "inbox", "public"])
def test_no_english_is_left_on_a_chinese_page(path, desk):
    browser = desk.client(Grant("admin", ""), "zh-Hans")
    token = in_dispute(desk) if path != "case" else with_task(desk)
    where = {"disputes": "/desk/disputes", "inbox": "/desk/?part=assist", "public": f"/r/{token}"}
    page = browser.get(where.get(path, f"/desk/case/{token}")).text
    panels = re.findall(
        r'<section[^>]* id="(?:tasks|dispute|custody|my-tasks)">.*?</section>', page, re.DOTALL
    )
    assert panels or path == "disputes" or path == "inbox"
    text = re.sub(r"<(style|script|pre)\b.*?</\1>|<[^>]+>", " ", " ".join(panels), flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{3,}", re.sub(r"Roots|Pipe|Signs?|Lamp|\b[0-9A-Z]{14}\b", "", text)) == []


@pytest.mark.parametrize("make", [with_task, in_dispute])
def test_every_field_has_its_label_and_every_id_is_there_once(make, desk, clients):
    page = clients["admin"][0].get(f"/desk/case/{make(desk)}").text
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert [one for one in ids if ids.count(one) > 1] == []
    labelled = set(re.findall(r'<label for="([^"]+)"', page))
    panels = "".join(re.findall(r'<section[^>]* id="(?:tasks|dispute)">.*?</section>', page, re.DOTALL))
    fields = re.findall(r'<(?:select|textarea|input type="date") ?id="([^"]+)"', panels)
    assert len(fields) > 4
    assert set(fields) <= labelled
