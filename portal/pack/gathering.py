"""What `[duplicates]` and `[incidents]` of city.toml may say: what a city calls likely, and what a group."""

from __future__ import annotations

from portal.pack.toml import Keys
from routing.duplicates import DuplicateRules
from routing.incidents import GroupRules


def read_duplicates(keys: Keys) -> DuplicateRules:
    """From which score a report is likely the same, and how much the words must have in common."""
    usual = DuplicateRules()
    rules = DuplicateRules(
        likely_from=keys.number("likely_from", usual.likely_from, 0, 1),
        alike_from=keys.number("alike_from", usual.alike_from, 0.01, 1),
        look_back_days=keys.number("look_back_days", usual.look_back_days, 1, 365),
    )
    keys.unknown()
    return rules


def read_incidents(keys: Keys) -> GroupRules:
    """How many distinct people, in how many hours and metres, against what is usual there."""
    usual = GroupRules()
    rules = GroupRules(
        reporters=int(keys.number("reporters", usual.reporters, 2, 1000)),
        within_hours=keys.number("within_hours", usual.within_hours, 0.1, 168),
        within_m=keys.number("within_m", usual.within_m, 10, 5000),
        baseline_days=keys.number("baseline_days", usual.baseline_days, 1, 365),
        alarm_rate=keys.number("alarm_rate", usual.alarm_rate, 0, 1),
    )
    keys.unknown()
    return rules
