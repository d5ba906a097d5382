"""Knows how cases end in the demo: which closing code, in which words, with which photo of the place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from portal.demo.life.filing import photo_share
from portal.demo.life.pictures import draw_photo
from portal.demo.life.stage import Case, Stage

SHOWN, FROM_THE_OFFICE = 0.75, 0.03
# Weights of the closing codes, by service where it differs.
USUAL = {
    "fixed": 84.0,
    "not_found": 5.0,
    "partly_fixed": 5.0,
    "planned": 1.5,
    "declined": 2.0,
    "not_ours": 1.5,
}
ENDINGS: Mapping[str, Mapping[str, float]] = {
    "illegal-parking": {"fixed": 76, "not_found": 23, "declined": 1},
    "noise": {"fixed": 76, "not_found": 20, "declined": 3},
    "street-vendor": {"fixed": 80, "not_found": 18},
    "air-smell": {"fixed": 72, "not_found": 24, "not_ours": 2},
    "stray-dog": {"fixed": 75, "not_found": 24},
    "pothole": {"fixed": 78, "partly_fixed": 10, "planned": 8, "not_found": 3},
    "neighbour-dispute": {"fixed": 74, "declined": 24},
}


def ending_of(stage: Stage, case: Case) -> str:
    """The closing code, by what kind of feedback and service it is."""
    if case.row.kind != "report":
        return "answered"
    weights = dict(ENDINGS.get(case.event.service_code, USUAL))
    if case.row.closing_count or case.plan == 0.0 or case.lead == stage.city.coordination_unit:
        weights = {"fixed": 1.0}
    total = sum(weights.values())
    shares = [each / total for each in weights.values()]
    return str(stage.chance.choice(list(weights), p=shares))


def ending(stage: Stage, case: Case, code: str) -> dict[str, Any]:
    """What each ending needs: words, a photo of the place or why there is none, a date."""
    more: dict[str, Any] = {"closing_code": code}
    if code == "not_ours":
        more |= {"reason": stage.say("not_our_service", case)}
        if stage.maybe(0.6):
            more |= {"outside_body": "国家铁路澜浦车务段", "public_text": stage.say("outside", case)}
        return more
    more["public_text"] = stage.say(code, case)
    if code in ("partly_fixed", "planned"):
        more["until"] = stage.now + timedelta(days=int(stage.chance.integers(5, 35)))
    if code in ("fixed", "partly_fixed", "not_found"):
        more |= _proof(stage, case, code)
    return more


def _proof(stage: Stage, case: Case, code: str) -> dict[str, Any]:
    """A photo of the place, at times taken elsewhere; or why there is none, where none is needed."""
    event, service = case.event, stage.city.services[case.event.service_code]
    share = SHOWN * photo_share(stage, stage.now) if service.photo != "none" else 0.0
    if code == "fixed" and not stage.maybe(share):
        return {"reason": stage.say("no_photo", case)}
    case.proofs += 1
    place = (event.lon, event.lat)
    if stage.maybe(FROM_THE_OFFICE):
        place = (event.lon + 0.012, event.lat + 0.004)
    what = (service.code, service.group, stage.now, place, event.number)
    return {"photos": (draw_photo(stage.chance, *what, is_after=True),)}
