"""Editions and rulebooks switched in a real database: running processes notice, and the ledger tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from geo.postgis import active_editions
from portal.crypto import Keyring
from portal.db import Database
from portal.models.city import jurisdiction_table
from portal.models.ledger import case_file, event
from portal.models.report import report
from portal.operations.context import Actor, Context
from portal.operations.load_city import load_city_folder
from portal.operations.manage_editions import switch_edition
from portal.operations.move_report import Move, move_report
from portal.operations.submission import Submission
from portal.operations.submit_report import Submitted, submit_report
from portal.operations.verify_ledger import verify_ledger
from portal.queries.past_decisions import derive_again, router_as_of
from portal.storage import FileStore
from routing.router import PointQuery

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"
CITY = "linhai.example"
CLUTTER = Submission("corridor-clutter", 121.59, 29.2611, 1, description="bicycles")
RULES = (DEMO / "rules.toml").read_text(encoding="utf-8")
TO_CENTRE = (
    '[[rule]]\nid = "clutter"\nwhen = { service = ["corridor-clutter"] }\nlead = { unit = "centre" }\n\n'
)


@dataclass(frozen=True, slots=True)
class Running:
    """A process that has served reports already, and looks at its database."""

    database: Database
    context: Context

    def report(self) -> Submitted:
        with self.database.transaction() as tx:
            return submit_report(tx, self.context, CLUTTER)

    def version(self) -> int:
        with self.database.reading() as tx:
            return int(tx.scalar(select(jurisdiction_table.c.routing_version)) or 0)

    def book(self) -> list[tuple[str, dict]]:
        """The events of the city's own book, the oldest first."""
        query = (
            select(event.c.kind, event.c.public)
            .join(case_file, case_file.c.id == event.c.case_id)
            .where(case_file.c.token == f"CITY-{CITY}")
            .order_by(event.c.case_seq)
        )
        with self.database.reading() as tx:
            return [(row.kind, row.public) for row in tx.execute(query)]

    def faults(self) -> list[str]:
        with self.database.reading() as tx:
            return verify_ledger(tx).faults


@pytest.fixture(scope="module")
def loaded(new_database, migrated_template) -> str:
    """The name of a database with the demo city, to copy."""
    url = new_database(migrated_template)
    database = Database(url)
    load_city_folder(database, DEMO)
    database.dispose()
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def running(new_database, loaded, redis_url, tmp_path, monkeypatch) -> Iterator[Running]:
    url = new_database(loaded)
    for name, value in {"DATABASE_URL": url, "REDIS_URL": redis_url, "WENLU_HOME": tmp_path / "home"}.items():
        monkeypatch.setenv(name, str(value))
    database = Database(url)
    yield Running(database, Context(CITY, Keyring("secret"), FileStore(tmp_path / "files")))
    database.dispose()


@pytest.fixture
def streets(tmp_path) -> Path:
    """The streets redrawn: the first two of the north bank have changed places."""
    document = json.loads((DEMO / "boundaries" / "street.geojson").read_text(encoding="utf-8"))
    other = {"BA1": "BA2", "BA2": "BA1"}
    for feature in document["features"]:
        code = feature["properties"]["code"]
        feature["properties"]["code"] = other.get(code, code)
    file = tmp_path / "street-2027.geojson"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


@pytest.fixture
def staged(wenlu, running, streets) -> int:
    ran = wenlu("boundaries", "stage", streets, "--layer", "street", "--name", "name")
    assert (ran.code, ran.err) == (0, ""), ran
    return int(ran.out.split()[1])


def test_a_running_process_decides_by_the_new_map(wenlu, running, streets):
    before, version = running.report(), running.version()
    edition = staged_edition(wenlu, streets)
    assert (running.report().unit_code, running.version()) == (
        "street-ba2",
        version,
    )  # staging changes nothing
    ran = wenlu("boundaries", "activate", edition)
    assert (ran.code, ran.err) == (0, "")
    after = running.report()
    assert (before.unit_code, after.unit_code) == ("street-ba2", "street-ba1")
    assert (
        after.public_receipt["editions"]["street"] == edition != before.public_receipt["editions"]["street"]
    )
    assert running.version() == version + 1


def staged_edition(wenlu, file: Path) -> int:
    return int(wenlu("boundaries", "stage", file, "--layer", "street", "--name", "name").out.split()[1])


def test_the_citys_book_tells_of_it(wenlu, running, staged):
    wenlu("boundaries", "activate", staged)
    (_, (kind, first), (last_kind, last)) = running.book()
    assert (kind, first["edition"], first["boundaries"]) == ("edition.staged", staged, 9)
    assert (last_kind, last["edition"], last["layer"]) == ("edition.activated", staged, "street")
    assert (last["actor"], last["digest"]) == ({"role": "system"}, first["digest"])
    assert last["replaced"] not in (None, staged)
    assert running.faults() == []


def test_going_back_and_again_nothing(wenlu, running, staged):
    wenlu("boundaries", "activate", staged)
    old = running.book()[-1][1]["replaced"]
    assert (
        f"edition {old} of street is in force in place of {staged}"
        in wenlu("boundaries", "activate", old).out
    )
    assert running.report().unit_code == "street-ba2"
    version, events = running.version(), len(running.book())
    assert "nothing changed" in wenlu("boundaries", "activate", old).out
    assert (running.version(), len(running.book())) == (version, events)


def test_a_switch_that_is_rolled_back_leaves_nothing(running, staged):
    version, events = running.version(), len(running.book())

    def switch_and_fail() -> None:
        with running.database.transaction() as tx:
            switch_edition(tx, running.context, staged)
            raise LookupError

    with pytest.raises(LookupError):
        switch_and_fail()
    assert (running.report().unit_code, running.version()) == ("street-ba2", version)
    assert len(running.book()) == events


def test_staging_twice_is_staging_once(wenlu, running, streets, staged):
    again = wenlu("boundaries", "stage", streets, "--layer", "street", "--name", "name")
    assert again.out == f"edition {staged} has this content already and is staged\n"
    listed = wenlu("boundaries", "list").out.splitlines()
    assert [line.split("\t")[:3] for line in listed if "\tstreet\t" in line][1:] == [
        [str(staged), "street", "staged"]
    ]
    assert len(listed) == 9  # seven layers, a point layer, and the staged one


def test_a_map_that_rules_do_not_fit_is_warned_of(wenlu, running, tmp_path):
    document = json.loads((DEMO / "boundaries" / "community.geojson").read_text(encoding="utf-8"))
    document["features"] = [one for one in document["features"] if one["properties"]["code"] != "CN2-02"]
    file = tmp_path / "community.geojson"
    file.write_text(json.dumps(document), encoding="utf-8")
    ran = wenlu("boundaries", "stage", file, "--layer", "community", "--valid-from", "2999-01-01")
    switched = wenlu("boundaries", "activate", ran.out.split()[1])
    assert switched.code == 0
    assert switched.err.splitlines() == [
        "warning: rule committee: there is no boundary 'CN2-02'",
        "warning: the edition is not valid yet on this day",
    ]


def held(running, token: str) -> str:
    with running.database.reading() as tx:
        return str(tx.scalar(select(report.c.lead_unit).where(report.c.token == token)))


def test_comparing_changes_nothing_and_tells_what_would(wenlu, running, staged):
    token = running.report().token
    version, events = running.version(), len(running.book())
    ran = wenlu("boundaries", "compare", staged)
    lines = [line.split("\t") for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")
    assert lines[1] == ["2 moved, 7 same"]
    assert {line[1] for line in lines if line[0] == "ground"} == {"BA1 -> BA2", "BA2 -> BA1"}
    assert [token, "corridor-clutter", "BA2 -> BA1", "street-ba2 -> street-ba1"] in lines
    assert lines[-1] == ["1 open case would change hands"]
    assert (running.version(), len(running.book()), held(running, token)) == (version, events, "street-ba2")
    listed = wenlu("boundaries", "compare", active_edition(running), staged)
    assert (listed.code, "would change hands" in listed.out) == (0, False)


def active_edition(running) -> int:
    with running.database.reading() as tx:
        return active_editions(tx, CITY)["street"]


def test_a_switch_moves_no_open_case_and_leaves_a_list_for_the_desk(wenlu, running, staged):
    first, second = running.report().token, running.report().token
    ran = wenlu("boundaries", "activate", staged)
    assert "2 open cases lie where the new map names another unit; none was moved" in ran.out
    assert {held(running, token) for token in (first, second)} == {"street-ba2"}
    assert running.book()[-1][1]["affected"] == 2
    assert first not in json.dumps(running.book())  # which cases is for the desk alone
    listed = [line.split("\t")[:3] for line in wenlu("boundaries", "affected").out.splitlines()]
    assert sorted(listed) == sorted([token, "street-ba2", "now street-ba1"] for token in (first, second))
    with running.database.transaction() as tx:
        move = Move("assign", reason="the map changed", to_unit="street-ba1")
        move_report(tx, running.context, first, Actor("dispatcher", "centre"), move)
    assert [line.split("\t")[0] for line in wenlu("boundaries", "affected").out.splitlines()] == [second]
    assert running.faults() == []


def test_a_case_off_the_changed_ground_is_not_listed(wenlu, running, streets):
    token = running.report().token
    document = json.loads(streets.read_text(encoding="utf-8"))
    for feature in document["features"]:
        code = feature["properties"]["code"]
        feature["properties"]["code"] = {"BA1": "BA2", "BA2": "BA1", "CN1": "CN2", "CN2": "CN1"}.get(
            code, code
        )
    streets.write_text(json.dumps(document), encoding="utf-8")
    ran = wenlu("boundaries", "activate", staged_edition(wenlu, streets))
    assert (ran.code, token in ran.out, "open case" in ran.out) == (0, False, False)
    assert wenlu("boundaries", "affected").out == ""


def test_rolling_back(wenlu, running, staged):
    token, old = running.report().token, active_edition(running)
    wenlu("boundaries", "activate", staged)
    ran = wenlu("boundaries", "rollback", "street")
    assert (ran.code, f"edition {old} of street is in force in place of {staged}" in ran.out) == (0, True)
    assert running.report().unit_code == "street-ba2"
    assert (wenlu("boundaries", "affected").out, held(running, token)) == ("", "street-ba2")
    states = {
        line.split("\t")[0]: line.split("\t")[2] for line in wenlu("boundaries", "list").out.splitlines()
    }
    assert (states[str(old)], states[str(staged)]) == ("active", "staged")
    again = wenlu("boundaries", "rollback", "street")
    assert (again.code, again.err) == (1, "wenlu: There is no edition of street to go back to.\n")


def test_rolling_back_twice_goes_back_two(wenlu, running, staged, streets):
    first = active_edition(running)
    wenlu("boundaries", "activate", staged)
    third = streets.with_name("street-2028.geojson")
    third.write_text(streets.read_text(encoding="utf-8").replace("BA2", "BA9"), encoding="utf-8")
    wenlu("boundaries", "activate", staged_edition(wenlu, third))
    assert [wenlu("boundaries", "rollback", "street").code, active_edition(running)] == [0, staged]
    assert [wenlu("boundaries", "rollback", "street").code, active_edition(running)] == [0, first]


def test_a_past_decision_is_derived_again_under_the_map_and_rules_of_then(wenlu, running, staged, tmp_path):
    token = running.report().token
    wenlu("boundaries", "activate", staged)
    file = tmp_path / "rules.toml"
    file.write_text(TO_CENTRE + RULES, encoding="utf-8")
    wenlu("rules", "publish", file)
    assert running.report().unit_code == "centre"
    with running.database.reading() as tx:
        derived = derive_again(tx, running.context.cities.city(tx, CITY), token)
        stored = tx.scalar(select(report.c.receipt).where(report.c.token == token))
    assert derived.is_equal
    assert derived.routed.receipt == stored
    assert (stored["lead"], stored["rulebook"]) == ("street-ba2", "1")
    assert stored["editions"]["street"] not in (staged, active_edition(running))


def test_the_trace_of_a_case_is_told_and_compared_with_its_receipt(wenlu, running, staged):
    token = running.report().token
    wenlu("boundaries", "activate", staged)
    ran = wenlu("route", "trace", token.lower())
    lines = ran.out.splitlines()
    assert (ran.code, ran.err, lines[-1]) == (0, "", "equal to the stored receipt")
    won = [line for line in lines if ": won, " in line]
    assert len(won) == 1
    assert won[0].endswith(", street-ba2")
    assert not [line for line in lines if "other service" in line]
    assert "other service" in wenlu("route", "trace", token, "--all").out
    with running.database.transaction() as tx:
        tx.execute(update(report).values(receipt=report.c.receipt.op("||")({"rule": "other"})))
    ran = wenlu("route", "trace", token)
    assert (ran.code, ran.err) == (1, "not equal to the stored receipt in: rule\n")
    assert wenlu("route", "trace", "nothing").err == "wenlu: There is no report with this number.\n"


DAYS = {
    "the day before": (date(2026, 5, 31), "street-ba2"),
    "its first day": (date(2026, 6, 1), "street-ba1"),
}


def test_the_map_as_of_a_day(wenlu, running, streets):
    ran = wenlu("boundaries", "stage", streets, "--layer", "street", "--valid-from", "2026-06-01")
    wenlu("boundaries", "activate", ran.out.split()[1])
    assert leads_as_of(running) == dict(DAYS.values())
    # What was taken back never was the map of any day.
    wenlu("boundaries", "rollback", "street")
    assert set(leads_as_of(running).values()) == {"street-ba2"}


def leads_as_of(running) -> dict[date, str]:
    leads = {}
    with running.database.reading() as tx:
        view = running.context.cities.city(tx, CITY)
        for day, _ in DAYS.values():
            at = datetime.combine(day, time(12), ZoneInfo(view.timezone))
            query = PointQuery(CLUTTER.service_code, at, CLUTTER.lon, CLUTTER.lat, CLUTTER.accuracy_m)
            leads[day] = router_as_of(tx, view, day).route(query).decision.lead
    return leads


STAGE = ["boundaries", "stage", "{streets}", "--layer"]
YEAR_BACK = ["--valid-from", "2027-02-01", "--valid-to", "2026-02-01"]
REFUSED = {
    "no such edition": (["boundaries", "activate", "4711"], "There is no edition 4711."),
    "no such layer": ([*STAGE, "steet"], "There is no layer steet; the city has"),
    "ends before it begins": ([*STAGE, "street", *YEAR_BACK], "The last day must come after the first."),
    "areas for points": ([*STAGE, "school"], "Areas cannot take the place of points"),
    "no codes": (["boundaries", "stage", "{nameless}", "--layer", "street"], "nothing was staged"),
    "rules that break": (["rules", "publish", "{broken}"], "Nothing was published."),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(wenlu, running, streets, tmp_path, arguments, said):
    nameless, broken = tmp_path / "nameless.geojson", tmp_path / "broken.toml"
    nameless.write_text(streets.read_text(encoding="utf-8").replace('"code"', '"kode"'), encoding="utf-8")
    broken.write_text(RULES.replace('unit = "lighting"', 'unit = "lightning"'), encoding="utf-8")
    places = {"streets": streets, "nameless": nameless, "broken": broken}
    version, events = running.version(), len(running.book())
    ran = wenlu(*(argument.format(**places) for argument in arguments))
    assert ran.code == 1
    assert said in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err
    assert (running.version(), len(running.book())) == (version, events)


def test_a_new_layer_is_asked_for(wenlu, running, streets):
    ran = wenlu("boundaries", "stage", streets, "--layer", "grid", "--new-layer", "--tie-order", 9)
    assert wenlu("boundaries", "activate", ran.out.split()[1]).out.endswith("of grid is in force\n")
    assert running.report().public_receipt["editions"]["grid"] == int(ran.out.split()[1])


def test_a_running_process_decides_by_the_new_rules(wenlu, running, tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text(TO_CENTRE + RULES, encoding="utf-8")
    assert running.report().unit_code == "street-ba2"
    version = running.version()
    assert wenlu("rules", "publish", file) == (0, "rulebook version 2 is in force\n", "")
    after = running.report()
    assert (after.unit_code, after.public_receipt["rule"], after.public_receipt["rulebook"]) == (
        "centre",
        "clutter",
        "2",
    )
    kind, public = running.book()[-1]
    assert (kind, public["rulebook"], public["replaced"]) == ("rulebook.published", 2, 1)
    assert (running.version(), running.faults()) == (version + 1, [])
    said = wenlu("rules", "lint").out
    assert (
        "committee: warning: never leads: clutter matches whenever it does\nno errors, 1 warnings\n" in said
    )


def test_publishing_twice_is_publishing_once(wenlu, running, tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text(TO_CENTRE + RULES, encoding="utf-8")
    wenlu("rules", "publish", file)
    version, events = running.version(), len(running.book())
    assert "nothing changed" in wenlu("rules", "publish", file).out
    assert (running.version(), len(running.book())) == (version, events)
    listed = [line.split("\t")[:2] for line in wenlu("rules", "list").out.splitlines()]
    assert listed == [["version 2", "active"], ["version 1", "retired"]]


def test_every_error_of_a_rulebook_is_listed(wenlu, running, tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text(RULES.replace('unit = "lighting"', 'unit = "lightning"'), encoding="utf-8")
    ran = wenlu("rules", "publish", file)
    told = [line for line in ran.err.splitlines() if "there is no unit 'lightning'" in line]
    assert len(told) == RULES.count('unit = "lighting"')
    assert running.report().unit_code == "street-ba2"


def test_a_staged_edition_is_tried_on_the_past(wenlu, running, staged, tmp_path):
    running.report()
    before, target = (running.version(), running.book()), tmp_path / "moved.html"
    ran = wenlu("rules", "simulate", "--edition", staged, "--map", target)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("1 cases; 1 would change hands (100.00 %)\n")
    assert [line.split() for line in ran.out.splitlines()[2:4]] == [
        ["street-ba1", "0", "1", "1", "0"],
        ["street-ba2", "1", "0", "0", "1"],
    ]
    assert "street-ba1" in target.read_text(encoding="utf-8")
    assert (running.version(), running.book()) == before


def test_rules_are_taken_back(wenlu, running, tmp_path):
    refused = wenlu("rules", "rollback")
    assert (refused.code, refused.err) == (1, "wenlu: There is no rulebook version to go back to.\n")
    file = tmp_path / "rules.toml"
    file.write_text(TO_CENTRE + RULES, encoding="utf-8")
    wenlu("rules", "publish", file)
    assert wenlu("rules", "rollback").out.endswith("rulebook version 3 is in force\n")
    assert running.report().unit_code == "street-ba2"
    assert wenlu("rules", "rollback", "2").out.endswith("rulebook version 4 is in force\n")
    assert running.report().unit_code == "centre"
    assert wenlu("rules", "rollback", "77").code == 1
    assert running.book()[-1][1]["restores"] == 2


def test_nothing_is_proposed_without_hand_overs(wenlu, running):
    running.report()
    ran = wenlu("rules", "propose", "--since", "2020-01-01")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "0 lines proposed from 0 cases that were taken up\n"
