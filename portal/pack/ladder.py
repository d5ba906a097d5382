"""What city.toml says of warnings, the ladder behind a breach, and the lanes in which cases are dispatched."""

from __future__ import annotations

from portal.i18n import N_
from portal.pack.model import Lanes, Pack, TargetRow
from portal.pack.toml import Keys
from routing.escalation import Escalation, Shares, Step
from routing.facts import KINDS

LONGEST_H = 24 * 366


def read_escalation(keys: Keys) -> Escalation:
    """The table `[escalation]` with its `[[escalation.step]]`; the usual figures where it is silent."""
    usual = Escalation()
    shares = Shares(
        remind=keys.number("remind", usual.shares.remind, 0, 1),
        at_risk=keys.number("at_risk", usual.shares.at_risk, 0, 1),
        nearly_due=keys.number("nearly_due", usual.shares.nearly_due, 0, 1),
    )
    if not shares.remind <= shares.at_risk <= shares.nearly_due:
        keys.error("remind", N_("remind, at_risk and nearly_due do not follow one another"))
    found = Escalation(
        shares=shares,
        steps=_steps(keys) if "step" in keys.table else usual.steps,
        extension_hours=keys.number("extension_hours", usual.extension_hours, 0.1, LONGEST_H),
        supervision_hours=keys.number("supervision_hours", usual.supervision_hours, 0.1, LONGEST_H),
        pause_days=keys.number("pause_days", usual.pause_days, 0.1, 366),
        supervised_kinds=_kinds(keys, usual.supervised_kinds),
    )
    keys.unknown()
    return found


def _kinds(keys: Keys, usual: tuple[str, ...]) -> tuple[str, ...]:
    """Of which kinds of feedback an overdue case comes under supervision; an empty list: of none."""
    named = keys.strings("supervised_kinds")
    for kind in named:
        if kind not in KINDS:
            keys.error(
                "supervised_kinds", N_("'%(value)s' is none of %(list)s"), value=kind, list=", ".join(KINDS)
            )
    return named if "supervised_kinds" in keys.table else usual


def _steps(keys: Keys) -> tuple[Step, ...]:
    tables = keys.raw("step")
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        keys.error("step", N_("is not a list of tables"))
        return ()
    steps = []
    for table in tables:
        step = Keys(table, keys.notes, f"{keys.prefix}step.")
        hours = step.number("after_hours", 0, 0, LONGEST_H, required=True)
        steps.append(Step(hours, step.text("to", required=True), step.yes("supervise")))
        step.unknown()
    if [step.after_hours for step in steps] != sorted({step.after_hours for step in steps}):
        keys.error("step", N_("after_hours must rise from step to step"))
    return tuple(steps)


def read_lanes(keys: Keys) -> Lanes | None:
    """The table `[lanes]`: by when a case is dispatched; None for a city without lanes."""
    usual = Lanes()
    lanes = Lanes(
        emergency_hours=keys.number("emergency_hours", usual.emergency_hours, 0.01, LONGEST_H),
        ordinary_hours=keys.number("ordinary_hours", usual.ordinary_hours, 0.01, LONGEST_H),
    )
    keys.unknown()
    return lanes


def targets_with_lanes(pack: Pack) -> tuple[TargetRow, ...]:
    """The rows of targets.csv, with the dispatch targets that `[lanes]` means where it has none of its own.

    An emergency's runs around the clock, an ordinary one's in working hours.
    """
    lanes = pack.config.lanes if pack.config else None
    if lanes is None:
        return pack.targets
    own = {(row.scope, row.priority) for row in pack.targets if row.stage == "dispatch"}
    wanted = (("emergency", lanes.emergency_hours, "hours"), ("", lanes.ordinary_hours, "working_hours"))
    added = (
        TargetRow(
            "city.toml", pack.config_lines.get("lanes", 0), "*", priority, "unit", "dispatch", hours, unit
        )
        for priority, hours, unit in wanted
        if ("*", priority) not in own
    )
    return (*pack.targets, *added)
