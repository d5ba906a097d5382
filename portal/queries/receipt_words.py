"""Knows how a receipt reads: the sentence that says why this unit answers, and what nearly happened instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from portal.i18n import N_, Message
from routing.receipt import reason

# Keyed by what routing.receipt.reason answers.
SENTENCES = {
    "reason.boundary": N_("%(unit)s answers because the place lies in %(place)s (%(layer)s)."),
    "reason.service": N_("%(unit)s answers for “%(service)s” here, by the published rule “%(rule)s”."),
    "reason.snapped": N_(
        "%(unit)s answers because %(place)s (%(layer)s) is the nearest; the place lies just outside it."
    ),
    "reason.ambiguous": N_(
        "%(unit)s answers for now: the place lies so near a border that it may belong to %(other)s."
    ),
    "reason.outside": N_("The place lies outside the city's boundaries, so %(unit)s looks after it."),
    "reason.fallback": N_(
        "No rule names a unit for this, so %(unit)s looks after it and finds out who answers."
    ),
    "reason.no_place": N_("No place was given, so %(unit)s looks after it and finds out who answers."),
    "reason.contract": N_("%(unit)s answers in place of %(other)s, whose contract does not run now."),
    "reason.complaint": N_(
        "A complaint never goes to the unit it is about: %(unit)s stands above %(about)s."
    ),
}

# Of the one thing that kept a rule from matching: a place nearby, a feature too far away, or something else.
NEAR_PLACE = N_("Rule %(rule)s would apply %(metres)s m away, in %(place)s (%(layer)s).")
TOO_FAR = N_("Rule %(rule)s asks for %(layer)s nearby; %(place)s is %(metres)s m away, too far.")
NONE_NEAR = N_("Rule %(rule)s asks for %(layer)s nearby, and there is none.")
OTHER_MISSES = {
    "answer": N_("Rule %(rule)s would apply with another answer (%(wanted)s)."),
    "time": N_("Rule %(rule)s applies at another time of day (%(wanted)s)."),
    "weekday": N_("Rule %(rule)s applies on other days (%(wanted)s)."),
    "calendar": N_("Rule %(rule)s depends on the working calendar (%(wanted)s)."),
    "lead": N_("Rule %(rule)s fits, but names no unit here."),
}
OTHER_MISS = N_("One thing alone kept rule %(rule)s from applying (%(wanted)s).")


class Named(Protocol):
    """Something with a name in each language."""

    @property
    def names(self) -> Mapping[str, str]:
        """Locale to name."""
        ...


class CityNames(Protocol):
    """What a sentence asks of a city: a loaded one, one read from a pack, or names fetched one by one."""

    @property
    def services(self) -> Mapping[str, Named]:
        """The services by code."""
        ...

    def unit_names(self, code: str) -> Mapping[str, str]:
        """The unit's name in each language; its code where it is not known."""
        ...

    def layer_title(self, name: str) -> Mapping[str, str]:
        """The layer's title in each language; its name where it has none."""
        ...

    def boundary_name(self, layer: str, code: str, /) -> Mapping[str, str] | str:
        """The boundary's name, in each language where it has several; its code where it has none."""
        ...


def reason_message(receipt: Mapping[str, Any], city: CityNames) -> Message:
    """The sentence for a receipt, stored or public, to be read in any language."""
    key, codes = reason(receipt)
    if key in {"reason.boundary", "reason.snapped"} and "layer" not in codes:
        key = "reason.service"
    params: dict[str, Any] = {"rule": codes["rule"]}
    for name in ("unit", "other", "about"):
        if name in codes:
            params[name] = city.unit_names(codes[name])
    if "layer" in codes:
        params["layer"] = city.layer_title(codes["layer"])
        params["place"] = city.boundary_name(codes["layer"], codes["code"])
    service = city.services.get(codes["service"])
    params["service"] = service.names if service else codes["service"]
    return Message(SENTENCES[key], params)


def miss_message(miss: Mapping[str, Any], city: CityNames) -> Message:
    """The sentence for one of a receipt's near misses, stored (`distance_m`) or public (`distance`, a band)."""
    params: dict[str, Any]
    if not miss.get("layer"):
        params = {"rule": miss["rule"], "wanted": miss.get("wanted", "")}
        return Message(OTHER_MISSES.get(miss["why"], OTHER_MISS), params)
    layer, metres = miss["layer"], miss.get("distance_m")
    params = {
        "rule": miss["rule"],
        "layer": city.layer_title(layer),
        "place": city.boundary_name(layer, miss["code"]),
        "metres": miss.get("distance") if metres is None else f"{metres:.1f}",
    }
    if miss["why"] != "near":
        return Message(NEAR_PLACE, params)
    return Message(TOO_FAR if miss["code"] else NONE_NEAR, params)
