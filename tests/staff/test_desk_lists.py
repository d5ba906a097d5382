"""The desk's lists: whose cases, filters that can be kept, the board, the map, and a list as a table."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from portal import clock
from portal.models.crews import crew_job
from portal.models.desk import saved_filter
from portal.models.people import account
from portal.models.report import report
from portal.operations.keep_filters import MOST
from portal.queries.case_filter import ANY_STATE, Wanted
from portal.queries.case_table import case_table
from portal.queries.staff_rights import Grant
from routing.words import search_vector, words_of

OWN = Grant("handler", "street-wh3")
HEAD = Grant("unit_head", "district-wh")
ADMIN = Grant("admin", "")
PLACE = func.ST_SetSRID(func.ST_MakePoint(121.7, 29.3), 4326)


def tokens_in(page: str) -> list[str]:
    return re.findall(r'href="/desk/case/(\w{14})"', page)


def shown(desk: Any, grant: Grant, query: str = "") -> set[str]:
    return set(tokens_in(desk.client(grant).get(f"/desk/?{query}").text))


def told(desk: Any, words: str, **columns: Any) -> str:
    """A case with these words."""
    vector = func.to_tsvector("simple", search_vector(words_of(words)))
    return str(desk.file("street-wh3", description=words, words=vector, **columns))


@pytest.fixture(scope="module")
def cases(desk: Any) -> dict[str, str]:
    """Cases of one unit that differ in one thing each."""
    long_ago = clock.now() - timedelta(days=40)
    return {
        "plain": told(desk, "The lamps are dark."),
        "chinese": told(desk, "路灯不亮，下雨后漏水"),
        "red": told(desk, "x", colour=3),
        "urgent": told(desk, "x", priority="emergency"),
        "lamp": told(desk, "x", service_code="street-light"),
        "north": told(desk, "x", places=["street:wh3", "district:wh"]),
        "old": told(desk, "x", opened_at=long_ago),
        "waiting": told(desk, "x", state="waiting"),
        "closed": told(desk, "closed dripping tap", state="closed"),
    }


def day(days: int) -> str:
    return (clock.now() + timedelta(days=days)).date().isoformat()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("q=lamp", {"plain"}, id="an English word in another form"),
        pytest.param("q=DARK+lamps", {"plain"}, id="two words"),
        pytest.param("q=漏水", {"chinese"}, id="two characters in the middle"),
        pytest.param("q=灯", {"chinese"}, id="one character"),
        pytest.param("q=路灯+lamp", set(), id="all words must be there"),
        pytest.param("q=dripped", set(), id="closed ones are not shown"),
        pytest.param(f"q=dripped&state={ANY_STATE}", {"closed"}, id="closed ones too"),
        pytest.param("state=closed", {"closed"}, id="closed ones only"),
        pytest.param("state=waiting", {"waiting"}, id="a state"),
        pytest.param("colour=red", {"red"}, id="colour"),
        pytest.param("priority=emergency", {"urgent"}, id="priority"),
        pytest.param("service=street-light", {"lamp"}, id="service"),
        pytest.param(f"to={day(-39)}", {"old"}, id="until a day"),
        pytest.param(f"from={day(-41)}&to={day(-39)}", {"old"}, id="a period"),
        pytest.param(f"from={day(2)}", set(), id="nothing yet"),
        pytest.param(
            "q=&service=nonsense&colour=mauve&from=2026-99-99&area=a:b", "open", id="nonsense is left out"
        ),
        pytest.param("to=9999-12-31&from=0001-01-01", "open", id="days beyond all calendars"),
        pytest.param("whose=unit", "open", id="my unit"),
        pytest.param("whose=mine", set(), id="given to me: nothing"),
        pytest.param("whose=below", set(), id="nobody is below a street's handler"),
    ],
)
def test_filters(query: str, expected: Any, desk: Any, cases: dict[str, str]) -> None:
    wanted = set(cases) - {"closed"} if expected == "open" else expected
    assert shown(desk, OWN, query) == {cases[name] for name in wanted}


def test_areas_are_offered_and_chosen(desk: Any, cases: dict[str, str]) -> None:
    page = desk.client(OWN).get("/desk/").text
    offered = re.findall(r'<option value="([\w-]+:[\w-]+)"', page)
    assert len(offered) > 5
    found = shown(desk, OWN, f"area={offered[0]}")
    with desk.database.reading() as tx:
        here = report.c.places.contains([offered[0]]) & (report.c.lead_unit == "street-wh3")
        assert found == set(tx.scalars(select(report.c.token).where(here, report.c.closed_at.is_(None))))


def test_scopes_of_a_head_and_of_the_whole_city(desk: Any, cases: dict[str, str]) -> None:
    own = desk.file("district-wh")
    foreign = desk.file("street-ba1")
    assert shown(desk, HEAD, "whose=unit") == {own}
    below = shown(desk, HEAD, "whose=below")
    assert own not in below
    assert cases["plain"] in below
    assert {own, cases["plain"]} <= shown(desk, HEAD)
    assert foreign not in shown(desk, HEAD)
    assert foreign in shown(desk, ADMIN, "unit=street-ba1")


def test_given_to_me_are_the_jobs_of_a_person_and_of_their_crews(desk: Any) -> None:
    grant = Grant("handler", "street-wh1")
    token = desk.file("street-wh1")
    desk.file("street-wh1")
    email = desk.email_of(grant)
    with desk.database.transaction() as tx:
        me = tx.scalar(select(account.c.id).where(account.c.email == email))
        job = {
            "jurisdiction_id": "linhai.example",
            "report_id": desk.row(token).id,
            "unit_code": "street-wh1",
        }
        more = {"account_id": me, "state": "assigned", "is_called": False, "assigned_at": clock.now()}
        tx.execute(insert(crew_job).values(job | more))
    assert shown(desk, grant, "whose=mine") == {token}


def test_a_number_typed_into_the_search_opens_the_case(desk: Any, cases: dict[str, str]) -> None:
    browser = desk.client(OWN)
    token = next(each for each in cases.values() if re.search(r"\d", each))
    for typed in (token, token.lower(), f"{token[:5]}-{token[5:]}"):
        assert browser.get(f"/desk/?q={typed}").headers["Location"] == f"/desk/case/{token}"
    # Words of the same length are words; a number that nobody has is answered as a foreign one is.
    assert browser.get("/desk/?q=responsibility").status_code == 200
    assert browser.get("/desk/?q=00000000000001").status_code == 303


def test_a_complaint_is_in_no_list_of_the_unit_it_is_about(desk: Any) -> None:
    token = desk.file("street-wh3", about_unit="street-wh3", description="hush")
    browser = desk.client(OWN)
    for path in (
        "/desk/",
        "/desk/?view=board",
        f"/desk/?state={ANY_STATE}",
        "/desk/cases.csv",
        "/desk/places.json",
    ):
        assert token not in browser.get(path).text, path
    assert token in desk.client(ADMIN).get("/desk/?unit=street-wh3").text


def test_the_board_has_a_column_for_each_state(desk: Any, cases: dict[str, str]) -> None:
    page = desk.client(OWN).get("/desk/?view=board").text
    columns = {
        state: set(tokens_in(part))
        for state, part in re.findall(r'<section aria-labelledby="c-(\w+)">(.*?)</section>', page, re.DOTALL)
    }
    assert columns["waiting"] == {cases["waiting"]}
    assert cases["plain"] in columns["routed"]
    assert cases["closed"] not in page
    assert tokens_in(desk.client(OWN).get("/desk/?view=board&colour=red").text) == [cases["red"]]


def test_the_map_has_the_same_cases_at_their_exact_place(desk: Any) -> None:
    grant = Grant("handler", "street-ba2")
    near, far = (
        desk.file("street-ba2"),
        desk.file("street-ba2", geom=PLACE, description="Mind the step. 13912345678"),
    )
    nowhere = desk.file("street-ba2", geom=None)
    browser = desk.client(grant)
    page = browser.get("/desk/?view=map&state=routed").text
    assert {near, far, nowhere} == set(tokens_in(page))
    assert 'data-reports="/desk/places.json?state=routed"' in page
    found = browser.get("/desk/places.json").json
    assert {each["properties"]["token"] for each in found["features"]} == {near, far}
    boxed = browser.get("/desk/places.json?bbox=121.69,29.29,121.71,29.31").json["features"]
    assert [each["properties"]["token"] for each in boxed] == [far]
    assert boxed[0]["geometry"]["coordinates"] == [121.7, 29.3]
    assert boxed[0]["properties"]["text"] == "Mind the step. ▇▇▇"
    assert browser.get("/desk/places.json?bbox=1,2").status_code == 422


def table(answer: Any) -> list[dict[str, str]]:
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_a_list_as_a_table_says_nothing_about_the_reporter(desk: Any) -> None:
    grant = Grant("handler", "street-ba1")
    token = desk.file("street-ba1")
    desk.file("street-ba1", public_text='=HYPERLINK("http://evil.example")')
    answer = desk.client(grant).get("/desk/cases.csv")
    rows = table(answer)
    assert {row["Number"] for row in rows} == shown(desk, grant)
    (row,) = [each for each in rows if each["Number"] == token]
    assert row["State"] == "New, not accepted"
    assert "▇▇▇" in row["What the public reads"]
    for secret in ("138 1234 5678", "Li Min", "li.min@mail.example"):
        assert secret not in answer.text
    assert "'=HYPERLINK" in answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    chinese = desk.client(grant, "zh-Hans").get("/desk/cases.csv")
    assert "编号" in chinese.data.decode("utf-8-sig").splitlines()[0]


def test_a_long_table_is_read_in_pieces_without_gap_or_repetition(desk: Any) -> None:
    made = {desk.file("street-cn2") for _ in range(23)}
    for wanted in (Wanted({"street-cn2"}), Wanted({"street-cn2"}, state=ANY_STATE)):
        with desk.database.reading() as tx:
            rows = [row.token for row in case_table(tx, "linhai.example", wanted, piece=5)]
            assert len(list(case_table(tx, "linhai.example", wanted, piece=5, most=12))) == 12
        assert len(rows) == len(set(rows))
        assert made <= set(rows)


def test_filters_are_kept_for_one_person(desk: Any) -> None:
    mine, other = desk.client(OWN), desk.client(Grant("handler", "street-ba3"))
    query = "view=board&state=waiting&colour=red&nonsense=1"
    kept = mine.post("/desk/filters", {"name": "  Red   ones ", "query": query})
    assert kept.headers["Location"] == "/desk/?view=board&state=waiting&colour=red&filter=saved"
    page = mine.get("/desk/").text
    assert '<a href="/desk/?view=board&amp;state=waiting&amp;colour=red">Red ones</a>' in page
    assert "Red ones" not in other.get("/desk/").text
    number = re.search(r"/desk/filters/(\d+)/forget", page).group(1)
    assert other.post(f"/desk/filters/{number}/forget", {}).status_code == 404
    mine.post("/desk/filters", {"name": "Red ones", "query": "colour=orange"})  # the same name: the new one
    page = mine.get("/desk/").text
    assert page.count(">Red ones</a>") == 1
    assert "/desk/?colour=orange" in page
    assert mine.post(f"/desk/filters/{number}/forget", {}).headers["Location"] == "/desk/?filter=forgotten"
    assert "Red ones" not in mine.get("/desk/").text


def test_there_is_room_for_so_many_filters(desk: Any) -> None:
    browser = desk.client(Grant("handler", "street-cn3"))
    for number in range(MOST + 1):
        kept = browser.post("/desk/filters", {"name": f"F{number}", "query": "state=waiting"})
    assert kept.headers["Location"].endswith("filter=full")
    assert browser.post("/desk/filters", {"name": " ", "query": "state=waiting"}).status_code == 422
    with desk.database.reading() as tx:
        named = saved_filter.c.name.like("F%")
        assert tx.scalar(select(func.count()).select_from(saved_filter).where(named)) == MOST


@pytest.mark.parametrize("query", ["", "view=board", "view=map", "part=assist", "q=lamp"])
def test_lists_cost_four_statements_at_most(query: str, desk: Any, counted: Any) -> None:
    browser, path = desk.client(OWN), f"/desk/?{query}"
    browser.get(path)  # now and then a page asks whether the city has changed; not the next one
    with counted(desk.app) as sent:
        assert browser.get(path).status_code == 200
    assert len([each for each in sent if "routing_version" not in each]) <= 4, sent
