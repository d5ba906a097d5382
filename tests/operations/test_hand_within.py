"""A street and its communities: down to solve or to look, for a time; up again; and never counted as a transfer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.crews import community_duty
from portal.models.report import report
from portal.operations.context import Actor
from portal.operations.hand_within import Handing, hand_down, hand_up
from portal.queries.field_figures import community_share, kind_figures

from .conftest import TUESDAY

STREET, COMMUNITY = Actor("handler", "street-cn2"), Actor("handler", "community-shuyuan")
UNTIL = TUESDAY + timedelta(days=3)
DOWN = Handing("to_verify", "community-shuyuan", UNTIL, note="Is it still there?")


def test_down_and_up_again_counts_as_no_transfer_and_resets_no_clock(linhai, at, do):
    with at():
        token = linhai.file()
        due = linhai.clocks(token, "running")["unit", "resolve"].due_at
    with at(hours=1):
        do(hand_down, token, STREET, DOWN)
        row = linhai.row(token)
        assert (row.lead_unit, row.state, row.transfer_count) == ("community-shuyuan", "routed", 0)
        running = linhai.clocks(token, "running")
        assert (running["unit", "resolve"].unit_code, running["unit", "resolve"].due_at) == (
            "community-shuyuan",
            due,
        )
        assert running["community", "hand_up"].due_at == UNTIL
        linhai.move(token, COMMUNITY, "accept")
        do(
            hand_up,
            token,
            COMMUNITY,
            Handing("verified", public_text="We looked: it is as deep as a bucket."),
        )
    row = linhai.row(token)
    assert (row.lead_unit, row.transfer_count) == ("street-cn2", 0)
    assert linhai.clocks(token)["community", "hand_up"].state == "met"
    assert linhai.clocks(token, "running")["unit", "resolve"].due_at == due
    with linhai.database.reading() as tx:
        duty = tx.execute(select(community_duty).where(community_duty.c.report_id == row.id)).one()
    assert (duty.purpose, duty.outcome) == ("to_verify", "verified")
    assert linhai.kinds(token)[-1] == "request.handed_up"
    for number, unit in enumerate(("street-cn1", "street-cn3"), start=1):
        with at(hours=2):
            linhai.move(token, Actor("dispatcher", "centre"), "transfer", to_unit=unit, reason="not_our_area")
        assert linhai.row(token).transfer_count == number, "only transfers count"


def test_a_community_takes_and_solves_a_case(linhai, at, do):
    with at():
        token = linhai.file()
        do(hand_down, token, STREET, Handing("to_solve", "community-shuyuan", UNTIL))
        linhai.moved(
            token, (COMMUNITY, "accept"), (COMMUNITY, "start"),
            (COMMUNITY, "resolve", {"closing_code": "fixed", "reason": "too dark", "public_text": "Filled by hand."}),
        )  # fmt: skip
        with linhai.database.reading() as tx:
            mine, every = community_share(
                tx, "linhai.example", ["community-shuyuan"], TUESDAY - timedelta(days=1)
            )
    assert 1 <= mine <= every


@pytest.mark.parametrize(
    ("actor", "handing", "refusal"),
    [
        pytest.param(STREET, Handing("to_verify", "street-cn1", UNTIL), InvalidInput, id="to a street"),
        pytest.param(STREET, Handing("to_verify", "", UNTIL), InvalidInput, id="to nobody"),
        pytest.param(STREET, Handing("to_verify", "community-shuyuan"), InvalidInput, id="without an end"),
        pytest.param(
            STREET,
            Handing("to_verify", "community-shuyuan", TUESDAY - timedelta(1)),
            InvalidInput,
            id="in the past",
        ),
        pytest.param(
            STREET,
            Handing("to_verify", "community-shuyuan", TUESDAY + timedelta(60)),
            InvalidInput,
            id="for months",
        ),
        pytest.param(
            STREET, Handing("no_time", "community-shuyuan", UNTIL), InvalidInput, id="for another reason"
        ),
        pytest.param(COMMUNITY, DOWN, NotFound, id="by the community"),
        pytest.param(Actor("auditor", ""), DOWN, Forbidden, id="by an auditor"),
        pytest.param(Actor("contractor", "street-cn2"), DOWN, Forbidden, id="by link"),
    ],
)
def test_what_does_not_go_down(linhai, at, do, actor, handing, refusal):
    with at():
        token = linhai.file()
        with pytest.raises(refusal):
            do(hand_down, token, actor, handing)
    assert linhai.row(token).lead_unit == "street-cn2"


def test_only_a_community_hands_up_and_only_a_street_down(linhai, at, do):
    with at():
        token = linhai.file()
        with pytest.raises(Conflict):
            do(hand_up, token, STREET, Handing("no_time"))
        with linhai.database.transaction() as tx:
            tx.execute(update(report).where(report.c.token == token).values(lead_unit="district-cn"))
        with pytest.raises(Conflict):
            do(hand_down, token, Actor("handler", "district-cn"), DOWN)


def test_a_complaint_about_the_community_or_its_street_goes_round_them(linhai, at, do):
    with at():
        token = linhai.file(
            service_code="unit-complaint", about_unit="community-shuyuan", answers={"about-unit": ("x",)}
        )
        assert linhai.row(token).lead_unit == "centre"
        with linhai.database.transaction() as tx:
            tx.execute(update(report).where(report.c.token == token).values(lead_unit="street-cn2"))
        with pytest.raises(InvalidInput, match="never goes"):
            do(hand_down, token, STREET, DOWN)
        above = linhai.file(
            service_code="unit-complaint", about_unit="street-cn2", answers={"about-unit": ("x",)}
        )
        with linhai.database.transaction() as tx:
            tx.execute(update(report).where(report.c.token == above).values(lead_unit="community-shuyuan"))
        with pytest.raises(NotFound):
            do(hand_up, above, COMMUNITY, Handing("no_time"))
        do(hand_up, above, Actor("admin", ""), Handing("no_time"))
    assert linhai.row(above).lead_unit == "centre"


FILED = {
    "report": ({}, ("fixed", "partly_fixed", "not_found")),
    "complaint": ({"service_code": "unit-complaint", "answers": {"about-unit": ("x",)}}, ("answered",)),
    "enquiry": ({"service_code": "enquiry"}, ("answered",)),
    "suggestion": ({"service_code": "suggestion"}, ("answered",)),
    "praise": ({"service_code": "praise"}, ("answered",)),
}


@pytest.mark.parametrize("kind", FILED)
def test_every_kind_is_filed_routed_and_ended_in_its_own_way(linhai, at, kind):
    changes, endings = FILED[kind]
    desk = Actor("dispatcher", "centre")
    with at():
        token = linhai.file(**changes)
        row = linhai.row(token)
        assert (row.kind, row.state) == (kind, "routed")
        linhai.move(token, desk, "accept")
        foreign = "fixed" if kind != "report" else "answered"
        with pytest.raises(InvalidInput):
            linhai.move(token, desk, "resolve", closing_code=foreign, public_text="x", reason="x")
        linhai.move(
            token, desk, "resolve", closing_code=endings[0], public_text="Thank you.", reason="no camera"
        )
        with linhai.database.reading() as tx:
            figures = kind_figures(tx, "linhai.example", TUESDAY - timedelta(1), clock.now())
    assert linhai.row(token).state == "resolved"
    assert figures[kind].received >= 1
    assert figures[kind].closed >= 1


@pytest.mark.parametrize("about_unit", ["", "district-wh"])
def test_a_complaint_about_a_case_goes_above_its_unit(linhai, at, about_unit):
    with at():
        case = linhai.file()
        typed = f" {case[:5]}-{case[5:].lower()} "
        token = linhai.file(
            service_code="unit-complaint",
            about_case=typed,
            about_unit=about_unit,
            answers={"about-unit": ("x",)},
        )
    row = linhai.row(token)
    assert row.about_unit == (about_unit or "street-cn2")
    assert case not in str([each.public for each in linhai.events(token)])
    assert case not in str(row.public_receipt)
    with pytest.raises(InvalidInput) as caught:
        linhai.file(service_code="unit-complaint", about_case="NONE", answers={"about-unit": ("x",)})
    assert "about_case" in caught.value.fields
