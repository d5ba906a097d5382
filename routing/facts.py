"""Knows what a decision may look at: the service, the place, the time and the answers of one report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from datetime import datetime

    from geo.boundary import Hit, Nearby
    from geo.crs import LonLat
    from routing.priority import Priority

Kind = Literal["report", "complaint", "enquiry", "suggestion", "praise"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ACCURACY_MIN_M = 1.0
ACCURACY_MAX_M = 500.0

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def canonical_json(value: Any) -> str:
    """Encode plain data with sorted keys and no spaces, so that equal values give equal text."""
    return _ENCODER.encode(value)


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that a resident can ask for.

    `importance` runs from 1 to 3. `is_sensitive` coarsens the public point. `duplicate_radius_m` in metres.
    """

    code: str
    group: str = ""
    kind: Kind = "report"
    names: Mapping[str, str] = field(default_factory=dict)
    importance: int = 2
    is_sensitive: bool = False
    duplicate_radius_m: float = 250.0
    photo: Literal["none", "optional", "required"] = "optional"
    type: Literal["realtime", "batch"] = "realtime"

    @property
    def is_place_needed(self) -> bool:
        """Only something wrong at a place needs the place."""
        return self.kind == "report"


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything that `decide` may look at. Distances in metres, coordinates in EPSG:4326 degrees.

    `hits` are the boundaries that hold the point (or were snapped to), `others` those nearby that do not.
    `near` is the nearest feature of each layer that the rulebook asks about. `attributes` belong to
    (layer, boundary code). `shares` tells how much of the accuracy disc each boundary of a layer takes, ""
    standing for none of them; without it the decision estimates the shares from distances. `local_time` is
    aware, in the city's zone. `about_unit` is the unit that a complaint is about. `loads` counts open cases.
    `is_geocoded` says that the point came from the address in a record: nobody stood there with a device.
    `urgency` (1 to 3) and `is_vulnerable` are what the client stated, None where it stated a priority, which
    then stays; `pressed_by` are the lines of urgency that `priority` follows from.
    """

    service: Service
    local_time: datetime
    point: LonLat | None = None
    accuracy_m: float = 30.0
    hits: tuple[Hit, ...] = ()
    others: tuple[Nearby, ...] = ()
    near: Mapping[str, Nearby] = field(default_factory=dict)
    attributes: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_holiday: bool = False
    is_working_time: bool = True
    priority: Priority = "normal"
    channel: str = "web"
    loads: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    required_layers: tuple[str, ...] = ()
    about_unit: str = ""
    is_geocoded: bool = False
    urgency: int | None = None
    is_vulnerable: bool = False
    pressed_by: tuple[str, ...] = ()

    @property
    def is_outside(self) -> bool:
        """A place was given, and a layer that must hold every report does not hold it."""
        if self.point is None:
            return False
        found = {hit.layer for hit in self.hits}
        return any(layer not in found for layer in self.required_layers)

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as plain data in a stated order, whatever order they were gathered in."""
        return {
            "about_unit": self.about_unit,
            "accuracy_m": round(self.accuracy_m, 2),
            "answers": {code: sorted(values) for code, values in self.answers.items()},
            "attributes": {f"{layer}/{code}": dict(row) for (layer, code), row in self.attributes.items()},
            "channel": self.channel,
            "hits": sorted([*hit[:3], _cm(hit[3]), hit[4]] for hit in map(_hit_row, self.hits)),
            "is_holiday": self.is_holiday,
            "is_geocoded": self.is_geocoded,
            "is_working_time": self.is_working_time,
            "loads": dict(self.loads),
            "local_time": self.local_time.isoformat(),
            "near": {layer: [found.code, _cm(found.distance_m)] for layer, found in self.near.items()},
            "others": sorted([other.layer, other.code, _cm(other.distance_m)] for other in self.others),
            "point": None if self.point is None else [round(self.point[0], 8), round(self.point[1], 8)],
            "priority": self.priority,
            "required_layers": sorted(self.required_layers),
            "service": [self.service.code, self.service.group, self.service.kind],
            "shares": {
                layer: {code: round(share, 4) for code, share in row.items()}
                for layer, row in self.shares.items()
            },
        }

    def digest(self) -> str:
        """Return the SHA-256 of the facts' canonical JSON, in hexadecimal."""
        return hashlib.sha256(canonical_json(self.as_dict()).encode()).hexdigest()


def _hit_row(hit: Hit) -> tuple[str, str, int, float | None, bool]:
    return hit.layer, hit.code, hit.edition, hit.edge_m, hit.snapped


def _cm(distance_m: float | None) -> float:
    # -1 for "farther than was measured": None could not be sorted beside numbers.
    return -1.0 if distance_m is None else round(distance_m, 2)
