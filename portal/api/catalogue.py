"""Answers what a client needs to know of the city: who it is, its services, its units."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from portal import clock
from portal.api.cors import allow_any_origin
from portal.api.shapes import service_row
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.queries.unit_figures import UnitFigures, unit_figures
from portal.web import access
from portal.web.locale import named
from portal.web.services import city, reading, services
from routing.units import Unit

pages = Blueprint("api_catalogue", __name__, url_prefix="/api/v1")
pages.after_request(allow_any_origin)


@pages.get("/city")
@access.public
def about() -> Response:
    """The city that this installation serves."""
    place = city()
    return jsonify(
        {
            "jurisdiction_id": place.jurisdiction_id,
            "name": named(place.names),
            "names": dict(place.names),
            "locales": list(place.locales),
            "timezone": place.timezone,
            "map_centre": place.config["map_centre"],
            "map_zoom": place.config["map_zoom"],
            "layers": [layer.name for layer in place.router.city.index.layers],
            "rulebook_version": place.rulebook_version,
            "aims": _aims(),
        }
    )


@pages.get("/services")
@access.public
def service_list() -> Response:
    """Every service that can be asked for."""
    return jsonify({"services": [service_row(each) for each in city().services.values() if each.is_active]})


@pages.get("/services/<code>")
@access.public
def service_one(code: str) -> Response:
    """One service with its questions."""
    found = city().services.get(code)
    if found is None or not found.is_active:
        raise NotFound(Message(N_("There is no service with this code.")))
    return jsonify(service_row(found))


@pages.get("/units")
@access.public
def unit_list() -> Response:
    """Every unit with its figures; two statements."""
    with reading() as tx:
        figures = unit_figures(tx, services().jurisdiction_id, clock.now())
    units = [_unit(each, figures.get(each.code)) for each in city().directory]
    return jsonify({"units": units, "aims": _aims()})


@pages.get("/units/<code>")
@access.public
def unit_one(code: str) -> Response:
    """One unit with its figures."""
    if code not in city().directory:
        raise NotFound(Message(N_("There is no unit with this code.")))
    with reading() as tx:
        figures = unit_figures(tx, services().jurisdiction_id, clock.now(), code)
    return jsonify(_unit(city().directory.unit(code), figures.get(code)))


def _unit(unit: Unit, found: UnitFigures | None) -> dict[str, object]:
    figures = found or UnitFigures(unit.code)
    return {
        "code": unit.code,
        "name": named(unit.names),
        "level": unit.level,
        "parent": unit.parent or None,
        "supervisor": city().directory.supervisor_of(unit.code),
        "open": figures.open,
        "late": figures.late,
        "closed_90_days": figures.closed,
        "judged_90_days": figures.judged,
        "on_time_share": _rounded(figures.on_time_share),
        "resolved_share": _rounded(figures.resolved_share),
        "partly_fixed_90_days": figures.partly,
    }


def _aims() -> dict[str, float]:
    """What the city publishes that it aims at, by measure: shares, or figures above one."""
    return dict(city().config.get("targets_of_service") or {})


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
