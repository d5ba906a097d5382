"""Knows what the panels of a case show of crews, contractors and communities, and what may be done there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import clock
from portal.operations.hand_within import communities_below
from portal.operations.lend_crew import CALL_OUT_HOURS
from portal.queries.city import CityView
from portal.queries.crews import CrewView, crews_now
from portal.queries.staff_case import StaffCase
from portal.queries.staff_rights import Standing, accused_units
from portal.web.services import reading
from routing.crews import Candidate, Why, ranked, suggested
from routing.lifecycle import TRANSITIONS, available

MOST_NEIGHBOURS = 8
OWN = frozenset({"send_crew", "borrow_crew", "send_link", "answer_contractor", "hand_up", "hand_down"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A crew that could be sent, with the reasons for it."""

    crew: CrewView
    candidate: Candidate
    whys: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class FieldPanel:
    """What may be done, and with whom. `names` are the crews' by code."""

    may: frozenset[str]
    own: tuple[Offer, ...]
    neighbours: tuple[Offer, ...]
    names: dict[str, Any]
    communities: tuple[str, ...]

    @property
    def call_out_hours(self) -> int:
        """How long a unit has that is asked to lend a crew."""
        return CALL_OUT_HOURS

    def name(self, code: str) -> Any:
        """A crew's names; its code where it is not among those shown."""
        return self.names.get(code) or {"en": code}


def field_panel(case: StaffCase, standing: Standing, city: CityView) -> FieldPanel:
    """One statement, and none where no crew is concerned."""
    may = allowed(case, standing, city)
    wants_crews = may & {"send_crew", "borrow_crew"} or case.parts.get("crew_jobs")
    crews = _crews(case, city, clock.now()) if wants_crews else []
    service = city.services.get(case.row.service_code)
    offers = _offers(crews, service.code if service else "", service.group if service else "")
    barred = accused_units(case.about_unit, city.directory)
    usable = [one for one in offers if one.crew.unit not in barred]
    own = [one for one in usable if case.lead_unit in (one.crew.unit, one.crew.lent_to)]
    others = [one for one in usable if one not in own and one.crew.lent_to is None and one.candidate.is_free]
    below = communities_below(city, case.lead_unit) if "hand_down" in may else []
    return FieldPanel(
        may, tuple(own) if "send_crew" in may else (),
        tuple(others[:MOST_NEIGHBOURS]) if "borrow_crew" in may else (),
        {one.code: one.names for one in crews}, tuple(unit for unit in below if unit not in barred),
    )  # fmt: skip


def allowed(case: StaffCase, standing: Standing, city: CityView) -> frozenset[str]:
    """The actions with forms of our own that this person may take now."""
    known = case.lead_unit in city.directory
    level = city.directory.unit(case.lead_unit).level if known else ""
    found: Collection[str] = available(case.row.state, standing.role, standing.part, own_forms=True)
    return frozenset(
        action
        for action in OWN.intersection(found)
        if not TRANSITIONS[action].levels or level in TRANSITIONS[action].levels
    )


def _crews(case: StaffCase, city: CityView, at: datetime) -> list[CrewView]:
    with reading() as tx:
        return crews_now(tx, city, at, report_id=case.row.id)


def _offers(crews: list[CrewView], service_code: str, group: str) -> list[Offer]:
    by_code = {one.code: one for one in crews}
    candidates = [one.as_candidate(service_code, group) for one in crews]
    whys: dict[str, list[Why]] = {}
    for unit in {one.unit for one in candidates}:
        for why, best in suggested(one for one in candidates if one.unit == unit).items():
            whys.setdefault(best.code, []).append(why)
    return [Offer(by_code[one.code], one, tuple(whys.get(one.code, ()))) for one in ranked(candidates)]
