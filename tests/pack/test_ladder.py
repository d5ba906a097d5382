"""What city.toml says of warnings, the ladder and lanes: read, checked, and loaded with the targets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from portal.pack.check import check
from portal.pack.convert import targets_of
from portal.pack.reader import read_pack
from routing.escalation import USUAL_STEPS, Escalation, Shares, Step
from routing.targets import TargetTable

TODAY = date(2026, 11, 20)
LADDER = """
[escalation]
remind = 0.4
at_risk = 0.6
nearly_due = 0.8
extension_hours = 8
supervised_kinds = ["complaint"]

[[escalation.step]]
after_hours = 0.5
to = "district"

[[escalation.step]]
after_hours = 12
to = "centre"
supervise = true
"""


@pytest.fixture
def with_config(pack_folder: Path) -> Callable[[str], Path]:
    """The demo pack with more in its city.toml."""

    def append(text: str) -> Path:
        path = pack_folder / "city.toml"
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        return pack_folder

    return append


def dispatch_targets(table: TargetTable) -> dict[str, tuple[float, str]]:
    return {row.priority: (row.amount, row.unit) for row in table if row.stage == "dispatch"}


def test_a_silent_pack_has_the_usual_figures(demo: Path) -> None:
    pack = read_pack(demo)
    assert pack.city.escalation == Escalation()
    assert pack.city.escalation.steps == USUAL_STEPS
    assert targets_of(pack).shares == Shares()
    assert dispatch_targets(targets_of(pack)) == {}


def test_a_city_has_a_ladder_of_its_own(with_config: Callable[[str], Path]) -> None:
    pack = read_pack(with_config(LADDER))
    assert pack.city.escalation.steps == (Step(0.5, "district"), Step(12, "centre", supervise=True))
    assert pack.city.escalation.extension_hours == 8
    assert pack.city.escalation.supervised_kinds == ("complaint",)
    assert targets_of(pack).shares == Shares(0.4, 0.6, 0.8)
    assert [found for found in check(pack, TODAY) if "escalation" in found.column] == []


def test_lanes_bring_dispatch_targets_around_the_clock_and_in_working_hours(
    with_config: Callable[[str], Path],
) -> None:
    table = targets_of(read_pack(with_config("\n[lanes]\n")))
    assert dispatch_targets(table) == {"emergency": (0.5, "hours"), "": (2.0, "working_hours")}


def test_a_targets_row_of_the_city_stands_before_the_lanes(with_config: Callable[[str], Path]) -> None:
    folder = with_config("\n[lanes]\nordinary_hours = 3\n")
    with (folder / "targets.csv").open("a", encoding="utf-8") as rows:
        rows.write("*,emergency,unit,dispatch,0.25,hours\n")
    assert dispatch_targets(targets_of(read_pack(folder))) == {
        "emergency": (0.25, "hours"), "": (3.0, "working_hours"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        pytest.param("[escalation]\nremind = 0.8\n", "escalation.remind", "follow one another", id="order of shares"),
        pytest.param("[escalation]\nremind = 2\n", "escalation.remind", "lies outside", id="a share over one"),
        pytest.param('[escalation]\nsupervised_kinds = ["gossip"]\n', "escalation.supervised_kinds", "'gossip'",
                     id="a kind that is none"),
        pytest.param("[escalation]\nstep = 4\n", "escalation.step", "not a list", id="a step that is none"),
        pytest.param(
            "".join(f'[[escalation.step]]\nafter_hours = {hours}\nto = "centre"\n' for hours in (4, 1)),
            "escalation.step", "must rise", id="steps that fall",
        ),
        pytest.param('[[escalation.step]]\nafter_hours = 4\nto = "mayor"\n', "escalation.step.to", "'mayor'",
                     id="nobody by that name"),
        pytest.param("[[escalation.step]]\nafter_hours = 4\n", "escalation.step.to", "missing", id="nobody at all"),
        pytest.param("[lanes]\nemergency_hours = -1\n", "lanes.emergency_hours", "lies outside", id="a negative lane"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(
    with_config: Callable[[str], Path], text: str, column: str, message: str
) -> None:
    found = [str(one) for one in check(read_pack(with_config(f"\n{text}")), TODAY)]
    assert any(column in one and message in one for one in found), found
