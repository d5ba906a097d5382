"""Many people, one matter: declared at once and once, with a plan, and never in a quiet week."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from portal import clock
from portal.models.incident import incident, incident_member, incident_step
from portal.models.report import report
from portal.models.work import outbox
from portal.operations.context import Actor
from portal.operations.outbox_rows import WATCH
from portal.operations.run_incident import end_incident, tick_step
from portal.operations.submission import Contact
from portal.operations.verify_ledger import verify_ledger
from portal.operations.watch_incidents import look_around, watch_incidents
from portal.queries.group_watch import fitting_plan, seen_report
from routing.escalation import RED

from .conftest import TUESDAY

TREE = {"service_code": "fallen-tree", "answers": {}, "description": "A tree lies across the street."}
METRE = 1 / 111_000


def burst(linhai: Any, place: tuple[float, float], voices: list[str], **more: Any) -> list[str]:
    """Reports within some metres of a place; each voice is an e-mail address."""
    chance = random.Random(4)
    return [
        linhai.file(
            lon=place[0] + chance.uniform(-50, 50) * METRE, lat=place[1] + chance.uniform(-50, 50) * METRE,
            contact=Contact(email=voice) if voice else None, **(TREE | more),
        )
        for voice in voices
    ]  # fmt: skip


def watch(linhai: Any) -> int:
    """Work off every row that asks to look around; answers how many."""
    with linhai.database.reading() as tx:
        waiting = select(outbox.c.id).where(outbox.c.job == WATCH, outbox.c.done_at.is_(None))
        rows = list(tx.scalars(waiting.order_by(outbox.c.id)))
    for row in rows:
        with linhai.database.transaction() as tx:
            watch_incidents(tx, row)
    return len(rows)


def declared(linhai: Any) -> list[Any]:
    with linhai.database.reading() as tx:
        return list(tx.execute(select(incident).order_by(incident.c.id)))


def members(linhai: Any, number: int) -> set[int]:
    with linhai.database.reading() as tx:
        query = select(incident_member.c.report_id).where(incident_member.c.incident_id == number)
        return set(tx.scalars(query))


def people(count: int, name: str) -> list[str]:
    return [f"{name}{n}@mail.example" for n in range(count)]


def test_the_report_that_crosses_the_threshold_declares_it(linhai: Any, at: Any) -> None:
    before = len(declared(linhai))
    with at():
        tokens = burst(linhai, (121.5549, 29.1500), people(4, "tree"))
        watch(linhai)
        assert len(declared(linhai)) == before
        tokens += burst(linhai, (121.5549, 29.1500), ["tree9@mail.example"])
        watch(linhai)
        (found,) = declared(linhai)[before:]
        assert members(linhai, found.id) == {linhai.row(token).id for token in tokens}
        assert (found.plan_code, found.evidence["reporters"]) == ("typhoon", 5)
        assert {linhai.row(token).colour for token in tokens} == {RED}
        assert "incident.declared" in linhai.kinds(tokens[0])
        assert all("incident.gathered" in linhai.kinds(token) for token in tokens[1:])
        told = {one["to"] for one in linhai.messages(tokens[0]) if one.get("template") == "group_incident"}
        assert told == {linhai.row(tokens[0]).lead_unit, "centre"} | {linhai.row(t).lead_unit for t in tokens}
        later = burst(linhai, (121.5549, 29.1500), ["late@mail.example"])
        watch(linhai)
        assert len(declared(linhai)) == before + 1, "one alarm"
        assert linhai.row(later[0]).id in members(linhai, found.id)
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


@pytest.mark.parametrize(
    ("place", "voices", "hours"),
    [
        pytest.param((121.5600, 29.1550), ["one@mail.example"] * 8, 0, id="one person eight times"),
        pytest.param((121.5620, 29.1450), people(4, "few"), 0, id="four people"),
        pytest.param((121.5480, 29.1450), people(5, "slow"), 1, id="five people in five hours"),
    ],
)
def test_what_is_no_group(linhai: Any, at: Any, place: Any, voices: list[str], hours: int) -> None:
    before = len(declared(linhai))
    for number, voice in enumerate(voices):
        with at(hours=number * hours):
            burst(linhai, place, [voice])
            watch(linhai)
    assert len(declared(linhai)) == before


def test_looking_twice_and_all_at_once_declares_one(linhai: Any, at: Any) -> None:
    before = len(declared(linhai))
    with at(days=40):
        tokens = burst(linhai, (121.5500, 29.1600), people(6, "race"))
        ids = [linhai.row(token).id for token in tokens]

        def look(report_id: int) -> str:
            with at(days=40), linhai.database.transaction() as tx:
                return look_around(tx, report_id)

        with ThreadPoolExecutor(6) as pool:
            found = {one for one in pool.map(look, ids * 2) if one}
    assert len(found) == 1
    assert len(declared(linhai)) == before + 1


def test_the_plan_that_a_rule_opened_is_the_groups_too(linhai: Any, at: Any) -> None:
    with at(days=90), linhai.database.transaction() as tx:
        token = linhai.file(service_code="road-collapse", answers={"danger": ("no",)})
        plan = fitting_plan(tx, seen_report(tx, linhai.row(token).id))
    assert plan.code == "collapse"


def test_steps_are_ticked_once_and_the_incident_ends(linhai: Any, at: Any) -> None:
    with at(days=80):
        tokens = burst(linhai, (121.5530, 29.1520), people(5, "step"))
        watch(linhai)
        found = declared(linhai)[-1]
        actor = Actor("dispatcher", "centre")
        with linhai.database.transaction() as tx:
            tick_step(tx, linhai.context, found.token, actor, 1)
        with pytest.raises(Exception, match="done already"), linhai.database.transaction() as tx:
            tick_step(tx, linhai.context, found.token, actor, 1)
        with pytest.raises(Exception, match="no such incident"), linhai.database.transaction() as tx:
            tick_step(tx, linhai.context, found.token, Actor("handler", "water"), 1)
        with linhai.database.transaction() as tx:
            end_incident(tx, linhai.context, found.token, actor)
            steps = tx.execute(select(incident_step).where(incident_step.c.incident_id == found.id)).all()
    assert [step.done_at is not None for step in sorted(steps, key=lambda one: one.position)].count(True) == 1
    assert {"incident.step_done", "incident.ended"} <= set(linhai.kinds(tokens[0]))


def test_twenty_quiet_weeks_declare_nothing_and_a_burst_does() -> None:
    """200 places in a city of 700 reports a week, evenings three times as busy as the mean, one place a station."""
    from routing.incidents import DEFAULT_RULES, judge_burst

    chance = random.Random(20)
    rates = [0.02 * 700 * (0.5 if place == 0 else 0.5 * 2 / 199) / 7 for place in range(200)]
    assert max(rates) < 24
    false = 0
    for rate in rates:
        times = sorted(
            day * 24 + hour + chance.random()
            for day in range(24 * 7)
            for hour in range(24)
            for _ in range(poisson(chance, rate * (3 if 17 <= hour < 20 else 15 / 21) / 24))
        )
        for last in (one for one in times if one >= 28 * 24):
            now = sum(1 for one in times if last - DEFAULT_RULES.within_hours <= one <= last)
            usual = sum(1 for one in times if last - 28 * 24 <= one < last - DEFAULT_RULES.within_hours)
            false += judge_burst(now, usual).is_group
    print(f"20 quiet weeks at {len(rates)} places: {false} false group incidents")
    assert false == 0
    assert judge_burst(8, round(28 * rates[1])).is_group


def poisson(chance: random.Random, mean: float) -> int:
    count, left = 0, chance.expovariate(1)
    while left < mean:
        count, left = count + 1, left + chance.expovariate(1)
    return count


# Many reports at once, as the intake leaves them: what the watch reads, and nothing else.
COPIES = text(
    """
    WITH spoken AS (
        SELECT row_number() OVER () AS n, opened_at, lon, lat
        FROM unnest(CAST(:times AS timestamptz[]), CAST(:lons AS float[]), CAST(:lats AS float[]))
             AS told(opened_at, lon, lat)
    ), opened AS (
        INSERT INTO case_file (jurisdiction_id, subject, token, last_seq, last_hash)
        SELECT jurisdiction_id, subject, 'QUIET' || lpad(CAST(n AS text), 9, '0'), 0, last_hash
        FROM spoken, case_file AS first WHERE first.token = :token
        RETURNING id, token
    )
    INSERT INTO report SELECT (jsonb_populate_record(first, jsonb_build_object(
        'id', opened.id, 'token', opened.token, 'opened_at', spoken.opened_at, 'updated_at', spoken.opened_at,
        'voice', decode(md5(opened.token), 'hex'), 'client_request_id', NULL,
        'geom', ST_AsEWKT(ST_MakePoint(lon, lat)), 'public_geom', 'SRID=4326;' || ST_AsText(ST_MakePoint(lon, lat))
    ))).*
    FROM spoken JOIN opened ON opened.token = 'QUIET' || lpad(CAST(n AS text), 9, '0'), report AS first
    WHERE first.token = :token
    """
)


def quiet_weeks(chance: random.Random, weeks: int, per_week: int) -> list[tuple[float, float, float]]:
    """Hour, and metres from the middle: every seventh report at a station, the evenings three times as busy."""
    told = []
    for day in range(weeks * 7):
        for hour in range(24):
            mean = per_week / 7 / 24 * (2.4 if 17 <= hour < 20 else 0.8)
            for _ in range(poisson(chance, mean)):
                reach = 120 if chance.random() < 1 / 7 else 5_000
                told.append(
                    (
                        day * 24 + hour + chance.random(),
                        *(chance.uniform(-reach, reach) for _ in range(2)),
                    )
                )
    return sorted(told)


def test_twenty_quiet_weeks_in_the_database_declare_nothing(linhai: Any, at: Any) -> None:
    """Four weeks to learn from, twenty to be silent in; ten people within the hour then are heard."""
    told = quiet_weeks(random.Random(11), 24, 60)
    middle, begin = (121.62, 29.22), TUESDAY + timedelta(days=400)
    before = len(declared(linhai))
    with at(days=400):
        first = linhai.file(lon=middle[0], lat=middle[1], **TREE)
    with linhai.database.transaction() as tx:
        tx.execute(COPIES, {
            "token": first,
            "times": [begin + timedelta(hours=hour) for hour, _, _ in told],
            "lons": [middle[0] + east * METRE for _, east, _ in told],
            "lats": [middle[1] + north * METRE for _, _, north in told],
        })  # fmt: skip
        spoken = select(report.c.id, report.c.opened_at).where(report.c.token.like("QUIET%"))
        rows = tx.execute(spoken.order_by(report.c.opened_at)).all()
        looked = [row for row in rows if row.opened_at >= begin + timedelta(days=28)]
        assert len(looked) > 1_000
        for row in looked:
            assert look_around(tx, row.id) == ""
    assert len(declared(linhai)) == before
    with at(days=400 + 24 * 7):
        burst(linhai, middle, people(10, "station"))
        watch(linhai)
    assert len(declared(linhai)) == before + 1


def test_real_reports_are_watched_and_old_records_are_not(linhai: Any) -> None:
    with clock.simulated(clock.now() - timedelta(days=1)):
        linhai.file(**TREE)
        linhai.file(**TREE, channel="replay", is_place_optional=True)
    assert watch(linhai) == 1
