"""Every address of the URL map, tried as everybody: what comes back is what portal/docs/access.csv says.

`yes`: the door opens (what was typed may still be refused). `no`: 403. `hidden`: 404, as if it were not there.
`sign in`: sent to the sign-in page. `open`: everybody. `link`: only who has a private link. `machine`: programs on
this machine. The case, crew or incident in the address is that of street-cn1; "elsewhere" is another district.
"""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.models.crews import crew_job
from portal.models.report import report
from portal.net_guard import NetGuard
from portal.operations.context import Actor
from portal.operations.keep_tasks import Wanted
from portal.operations.lend_crew import Asked, ask_for_crew
from portal.operations.manage_webhooks import add_webhook
from portal.operations.move_report import Move, move_report
from portal.operations.move_tasks import ask_units
from portal.operations.rule_disputes import contest_transfer, name_acting
from portal.operations.send_crew import Sent, send_crew
from portal.operations.watch_incidents import look_around
from portal.queries.staff_rights import Grant

TABLE = Path(__file__).resolve().parents[2] / "portal/docs/access.csv"
PEOPLE = {
    "nobody": None,
    "handler": Grant("handler", "street-cn1"),
    "handler elsewhere": Grant("handler", "street-wh1"),
    "unit_head": Grant("unit_head", "street-cn1"),
    "unit_head elsewhere": Grant("unit_head", "street-wh1"),
    "dispatcher": Grant("dispatcher", "centre"),
    "dispatcher elsewhere": Grant("dispatcher", "district-wh"),
    "auditor": Grant("auditor"),
    "auditor elsewhere": Grant("auditor", "district-wh"),
    "admin": Grant("admin"),
}
OWN = Actor("handler", "street-cn1")
# Would end the session that the next addresses need.
NOT_TRIED = {"/desk/sign-out", "/desk/sign-in", "/desk/account/sign-out-everywhere"}
TYPED = {
    "/desk/crew/<int:number>": {"crew": "cn1-patrol", "step": "accept"},
    "/admin/rules/back": {"version": "1"},
    "/desk/works/end": {"code": "W1"},
    "/desk/dispatch/route": {"route": "<token>:parks"},
}
with TABLE.open(encoding="utf-8", newline="") as lines:
    ROWS = list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def doors(desk: Any) -> dict[str, tuple[Any, str]]:
    """One signed-in browser for each person, with its form token."""
    found = {}
    for name, grant in PEOPLE.items():
        browser = desk.client(grant)
        page = browser.get("/desk/account" if grant else "/desk/sign-in").text
        found[name] = (browser, re.search(r'name="csrf_token" value="([0-9a-f]+)"', page).group(1))
    return found


@pytest.fixture(scope="module")
def address_of(desk: Any) -> Callable[[str], str]:
    """The address of a route, with a case of street-cn1 and whatever else it names."""

    def do(what: Any, *given: Any) -> Any:
        with desk.database.transaction() as tx:
            return what(tx, desk.context, *given)

    incident = _incident(desk)  # first: a burst stands out where nothing else was reported
    case, other, disputed = (desk.file("street-cn1", "accepted") for _ in range(3))
    _open_plan(desk, case)
    do(ask_units, case, OWN, "ask", [Wanted("parks", title="Roots")])
    do(send_crew, case, OWN, Sent("cn1-patrol"))
    do(move_report, disputed, OWN, Move("transfer", reason="not_our_area", to_unit="parks"))
    do(contest_transfer, disputed, Actor("handler", "parks"), Move("", reason="not_our_service"))
    do(name_acting, disputed, Actor("dispatcher"), Move("", to_unit="street-cn1"))
    loan = do(ask_for_crew, desk.file("street-cn2"), Actor("unit_head", "street-cn2", 1), Asked("cn1-patrol"))
    guard = NetGuard(resolver=lambda name, port: ["93.184.215.14"])
    do(add_webhook, guard, Actor("admin"), "City data", "https://data.example.org/hook", "", ())
    with desk.database.reading() as tx:
        job = tx.scalar(select(crew_job.c.id))
    parts = {
        "token": case, "other": other, "code": "cn1-patrol", "audience": "reporter", "occasion": "accepted",
        "locale": "en", "media_token": "0" * 14, "size": "thumb", "webhook_id": 1, "name": "x", "position": 1,
        "unit_code": "lighting", "service_code": "pothole", "filename": "css/wenlu.css", "z": 1, "x": 1, "y": 1,
        "way": "down", "action": "confirm", "number": 1,
        "table": "units",
    }  # fmt: skip
    special = {
        "/desk/incidents": {"token": incident},
        "/desk/crew/": {"number": job},
        "/desk/crews/loan": {"number": loan},
        "/desk/case/<token>/dispute": {"token": disputed, "action": "rule"},
        "/desk/case/<token>/tasks": {"action": "task_withdraw"},
        "/job/": {"action": "accept"},
        "/admin/boundaries/layer": {"name": "street"},
        "/unsubscribe/<kind>": {"kind": "news"},
    }

    def fill(route: str) -> str:
        own = next((more for start, more in special.items() if route.startswith(start)), {})
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str((parts | own).get(found.group(1), 1)), route)

    return fill


def _open_plan(desk: Any, token: str) -> None:
    with desk.database.transaction() as tx:
        receipt = desk.row(token).receipt | {"plan": "collapse"}
        tx.execute(update(report).where(report.c.token == token).values(receipt=receipt))


def _incident(desk: Any) -> str:
    tokens = [desk.file("street-cn1") for _ in range(5)]
    with desk.database.transaction() as tx:
        for number, token in enumerate(tokens):
            mine = update(report).where(report.c.token == token).returning(report.c.id)
            case_id = tx.scalar(mine.values(voice=bytes([number]) * 8, opened_at=clock.now()))
        found = look_around(tx, case_id)
    assert found
    return found


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['method']} {row['route']}" for row in ROWS])
def test_the_door_is_as_the_table_says(row: dict[str, str], doors: Any, address_of: Any) -> None:
    if row["route"] in NOT_TRIED:
        pytest.skip("would end or begin the session")
    path, seen = address_of(row["route"]), {}
    # What is open to everybody looks at nobody's role: one stranger and one with every right stand for all.
    people = PEOPLE if row["nobody"] == "sign in" else ("nobody", "admin")
    for name in people:
        browser, token = doors[name]
        typed = {field: address_of(text) for field, text in TYPED.get(row["route"], {}).items()}
        data = {"csrf_token": token, "seen_seq": 999, "client_request_id": str(uuid.uuid4())} | typed
        answer = browser.client.open(
            path,
            method=row["method"],
            headers=browser.language,
            data=data if row["method"] == "POST" else None,
        )
        seen[name] = _word(answer, row["nobody"])
        answer.close()
    assert seen == {name: row[name] for name in people}


def _word(answer: Any, of_nobody: str) -> str:
    if answer.headers.get("Location", "").startswith("/desk/sign-in?"):
        return "sign in"
    if of_nobody == "sign in":
        return {403: "no", 404: "hidden"}.get(answer.status_code, "yes")
    if of_nobody == "machine":
        return "machine" if answer.status_code == 200 else "no"
    return "link" if answer.status_code == 403 else "open"
