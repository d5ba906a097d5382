"""Boston's own due times follow from its pack's calendar and from days learnt per type, by ordinary configuration."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.cli.main import cli
from portal.cli.targets import past_dues
from portal.pack.convert import calendar_of
from portal.pack.reader import read_pack
from routing.calendar import WorkingCalendar
from routing.learn_targets import PastDue, explained, explanations, learn_targets

HERE = Path(__file__).resolve().parent
FILE = "boston/requests_2011-07_10.csv.gz"
AT_LEAST = 0.985
SAMPLE = 8000


@pytest.fixture(scope="module")
def calendar(wenlu_data: Path) -> WorkingCalendar:
    return calendar_of(read_pack(HERE / "boston"))


@pytest.fixture(scope="module")
def past(wenlu_data: Path) -> list[PastDue]:
    """Every request with a due time, by the type that the city itself wrote."""
    return past_dues(wenlu_data / FILE, HERE / "boston" / "MAP.toml", "type")


@pytest.mark.cities
def test_later_due_times_follow_from_days_learnt_earlier(
    past: list[PastDue], calendar: WorkingCalendar
) -> None:
    """Learnt from four fifths, asked of the last fifth: nothing is asked of what was learnt from."""
    ordered = sorted(past, key=lambda case: (case.opened_at, case.service))
    cut = len(ordered) * 4 // 5
    learnt, later = learn_targets(ordered[:cut], calendar), ordered[cut:]
    share = explained(later, learnt, calendar) / len(later)
    print(
        f"\nBoston: {len(learnt)} types learnt from {cut} due times; {share:.2%} of {len(later)} later ones follow"
    )
    assert share >= AT_LEAST


def test_due_times_of_a_sample_follow(past: list[PastDue], calendar: WorkingCalendar) -> None:
    some = random.Random(2011).sample(past, SAMPLE)
    share = explained(some, learn_targets(some, calendar), calendar) / len(some)
    print(f"\nBoston: {share:.2%} of a sample of {len(some)} due times follow within 2 minutes")
    assert share >= AT_LEAST


@pytest.mark.cities
def test_the_whole_file_follows(past: list[PastDue], calendar: WorkingCalendar) -> None:
    share = explained(past, learn_targets(past, calendar), calendar) / len(past)
    print(f"\nBoston: {share:.2%} of {len(past)} due times follow within 2 minutes")
    assert share >= AT_LEAST


@pytest.mark.cities
@pytest.mark.parametrize(
    ("service", "row"),
    [
        ("Schedule a Bulk Item Pickup", "2,working_days"),
        ("Street Light Outages", "10,working_days"),
        ("Graffiti Removal", "45,working_days"),
        ("Abandoned Vehicles", "20,working_days"),
        ("Rodent Activity", "30,days"),
    ],
)
def test_the_days_that_are_known_of_boston(
    past: list[PastDue], calendar: WorkingCalendar, service: str, row: str
) -> None:
    known = {one.service: f"{one.amount:g},{one.unit}" for one in learn_targets(past, calendar)}
    assert known[service] == row


def test_a_wrong_calendar_explains_less(past: list[PastDue], calendar: WorkingCalendar) -> None:
    """The test would notice: without the cut-off a fifth of the due times are wrong."""
    some = random.Random(2011).sample(past, 2000)
    naive = WorkingCalendar(calendar.timezone, calendar.hours, skip_holidays=False)
    right, wrong = (explained(some, learn_targets(some, one), one) for one in (calendar, naive))
    assert wrong < 0.9 * right


def test_one_case_may_have_several_explanations(calendar: WorkingCalendar) -> None:
    """Monday to Wednesday is two working days and two days; which is meant, other cases tell."""
    case = next(
        PastDue("x", opened, calendar.add(opened, 2, "working_days")) for opened in [read("2011-07-11T10:00")]
    )
    assert explanations(case, calendar) == [
        (2, "working_days"),
        (2, "days"),
        (17, "working_hours"),
        (48, "hours"),
    ]
    weekend = PastDue(
        "x", read("2011-07-15T10:00"), calendar.add(read("2011-07-15T10:00"), 2, "working_days")
    )
    (learnt,) = [one for one in learn_targets([case, weekend], calendar, 2) if one.service == "x"]
    assert (learnt.amount, learnt.unit, learnt.share) == (2, "working_days", 1.0)


def read(text: str):
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York"))


def test_the_command_writes_rows_for_the_pack(wenlu_data: Path, tmp_path: Path) -> None:
    few, out = tmp_path / "few.csv", tmp_path / "targets.csv"
    few.write_text("type,open_dt,target_dt\n" + "pot,2011-07-15 10:00:00,2011-07-19 10:00:00\n" * 6)
    mapping = tmp_path / "MAP.toml"
    mapping.write_text(
        '[source]\ntimezone = "America/New_York"\n[columns]\nservice_code = "type"\nopened_at = "open_dt"\n'
        'due_at = "target_dt"\n'
    )
    pack = str(HERE / "boston")
    ran = CliRunner().invoke(
        cli, ["targets", "learn", str(few), "--mapping", str(mapping), "--pack", pack, "--out", str(out)]
    )
    assert ran.exit_code == 0, ran.output
    assert "1.0000 of them follow within 2 minutes" in ran.output
    assert "pot,,promise,resolve,2,working_days" in out.read_text()
