"""A small city for the routing tests: two streets in two districts, a park, parks people and a centre."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from geo.boundary import Hit, Nearby
from geo.crs import LonLat
from routing.facts import ReportFacts, Service
from routing.units import Directory, Unit

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="session")
def services():
    rows = (
        Service("lamp", "lighting", names={"en": "Street light"}),
        Service("hole", "roads", importance=3),
        Service("noise", "order", is_sensitive=True),
        Service("ask", "desk", kind="enquiry"),
        Service("blame", "desk", kind="complaint"),
    )
    return {service.code: service for service in rows}


@pytest.fixture(scope="session")
def directory():
    return Directory(
        (
            Unit("centre", level="city"),
            Unit("east", "centre", "district", boundaries=(("district", "E"),)),
            Unit("west", "centre", "district", boundaries=(("district", "W"),)),
            Unit("mill", "east", "street", boundaries=(("street", "S1"),)),
            Unit("quay", "west", "street", boundaries=(("street", "S2"),)),
            Unit("parks", "centre", "department"),
            Unit("lighting", "centre", "department"),
            Unit("crew-a", "lighting", "crew", boundaries=(("depot", "A"),)),
            Unit("crew-b", "lighting", "crew", boundaries=(("depot", "B"),)),
        ),
        "centre",
    )


@pytest.fixture(scope="session")
def make_facts(services):
    """Return a builder: `hits` as "street S1 40" (layer, code, metres to the edge), `others` alike."""

    def build(service="lamp", *, hits=(), others=(), at="2026-03-04 12:00", snapped=(), near=(), **given):
        given.setdefault("point", LonLat(113.9, 22.5))
        return ReportFacts(
            service=services[service],
            local_time=datetime.fromisoformat(at).replace(tzinfo=ZONE),
            hits=tuple(_hit(text, text in snapped) for text in hits),
            others=tuple(_nearby(text) for text in others),
            near={found.layer: found for found in map(_nearby, near)},
            **given,
        )

    return build


def _hit(text, is_snapped):
    layer, code, *edge = text.split()
    return Hit(layer, code, 1, float(edge[0]) if edge else None, is_snapped)


def _nearby(text):
    layer, code, distance = text.split()
    return Nearby(layer, code, float(distance))
