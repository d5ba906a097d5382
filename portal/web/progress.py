"""Answers `/progress`: promises kept and open cases area by area, month by month, as a map and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for

from geo.boundary import Layer
from portal import clock
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.queries.area_days import (
    MonthFigures,
    last_months,
    months_of_layer,
    refreshed_at,
    summed,
)
from portal.web import access
from portal.web.charts import spark
from portal.web.locale import boundary_name, gettext, layer_title, local
from portal.web.services import city, reading, services
from portal.web.unit_charts import month_year
from routing.shares import SMALLEST_SAMPLE, class_of, even_breaks

pages = Blueprint("progress", __name__)
MEASURES = {"on_time": N_("Promises kept"), "open": N_("Open cases")}
# Below these shares a class ends; the last one is open upwards.
SHARE_BREAKS = (0.6, 0.7, 0.8, 0.9)
CLASSES = 5
MOST_AREAS = 400
LABEL = N_("Map: %(measure)s by %(layer)s")
NO_LAYER = N_("There is no layer with this name.")


@dataclass(frozen=True, slots=True)
class Area:
    """One area with its figures: first all twelve months together, then month by month."""

    code: str
    name: str
    periods: Sequence[MonthFigures]

    def value(self, measure: str, period: int) -> float | None:
        """What is shown of a period; None where there is too little to say."""
        figures = self.periods[period]
        share = (
            figures.on_time_share
        )  # in whole per cent, as it is written: what reads the same is the same class
        return figures.open if measure == "open" else share and round(share, 2)

    def trend(self, measure: str) -> list[float | None]:
        """The twelve months of a measure."""
        return [self.value(measure, each) for each in range(1, len(self.periods))]


@pages.get("/progress")
@access.public
def show() -> str:
    """The map with its slider, and the chosen month as a table; three statements."""
    layers = progress_layers()
    layer = _chosen_layer(layers, request.args.get("layer", ""))
    measure = request.args.get("measure", "")
    measure = measure if measure in MEASURES else "on_time"
    today = local(clock.now()).date()
    months = last_months(today)
    with reading() as tx:
        found = months_of_layer(tx, services().jurisdiction_id, layer.name, today)
        counted_at = refreshed_at(tx, services().jurisdiction_id)
    areas = _areas(layer, found, months)
    period = _chosen_period(months, request.args.get("month", ""))
    view = _view(layer, measure, period, areas)
    return render_template(
        "public/progress.html",
        **view,
        layers=layers,
        months=[(each.strftime("%Y-%m"), month_year(each)) for each in months],
        counted_at=counted_at,
    )


def progress_layers() -> list[Layer]:
    """The layers that part the city among themselves, the fewest areas first; all of them where none must."""
    found = [
        layer
        for layer in city().router.city.index.layers
        if layer.is_area and 1 < len(layer.boundaries) <= MOST_AREAS
    ]
    whole = [layer for layer in found if layer.required]
    return sorted(whole or found, key=lambda each: len(each.boundaries))


def _view(layer: Layer, measure: str, period: int, areas: Sequence[Area]) -> dict[str, Any]:
    """What the page shows of a measure and a period."""
    breaks = _breaks(areas, measure)
    return {
        "map": _drawn(layer, measure, period, areas, breaks),
        "areas": areas,
        "whole": _whole(areas),
        "layer": layer,
        "measure": measure,
        "measures": MEASURES,
        "period": period,
        "breaks": breaks,
        "class_of": class_of,
        "smallest": SMALLEST_SAMPLE,
        "spark": spark,
    }


def _chosen_layer(layers: Sequence[Layer], name: str) -> Layer:
    found = next((each for each in layers if each.name == name or not name), None)
    if found is None:
        raise NotFound(Message(NO_LAYER))
    return found


def _chosen_period(months: Sequence[date], text: str) -> int:
    """Which period an address means: 0 for the whole year."""
    known = [each.strftime("%Y-%m") for each in months]
    return known.index(text) + 1 if text in known else 0


def _areas(layer: Layer, found: Mapping[str, Sequence[MonthFigures]], months: Sequence[date]) -> list[Area]:
    """Every area of the layer by name, also those of which nothing was ever heard."""
    nothing = [MonthFigures(month) for month in months]
    rows = (
        (boundary_name(layer.name, each.code), each.code, found.get(each.code, nothing))
        for each in layer.boundaries
    )
    return [
        Area(code, name, [summed(figures), *figures]) for name, code, figures in sorted(rows, key=_by_name)
    ]


def _by_name(row: tuple[str, str, Any]) -> tuple[str, str]:
    return row[0], row[1]


def _whole(areas: Sequence[Area]) -> Area:
    """All areas together."""
    periods = []
    for figures in zip(*(area.periods for area in areas), strict=True):
        total = summed(figures)
        periods.append(replace(total, open=sum(each.open for each in figures)))
    return Area("", gettext("Together"), periods)


def _breaks(areas: Sequence[Area], measure: str) -> Sequence[float]:
    if measure == "on_time":
        return SHARE_BREAKS
    return even_breaks((each.open for area in areas for each in area.periods), CLASSES)


def _drawn(layer: Layer, measure: str, period: int, areas: Sequence[Area], breaks: Sequence[float]) -> Any:
    from portal.web.maps import draw_progress  # folium costs 0.65 s to import

    settings = services().settings
    figures = {
        "measure": measure,
        "breaks": list(breaks),
        "smallest": SMALLEST_SAMPLE,
        "period": period,
        "layer": layer.name,
        "areas": {
            area.code: [area.name, [[p.judged, p.on_time, p.open, p.opened, p.closed] for p in area.periods]]
            for area in areas
        },
    }
    data = {
        "basemap": url_for("map_data.basemap"),
        "boundaries": url_for("map_data.layer", name=layer.name),
        "tiles": settings.tile_url,
        "attribution": settings.tile_attribution,
        "label": gettext(LABEL, measure=gettext(MEASURES[measure]), layer=layer_title(layer.name)),
        "few": gettext("too few"),
        "open": gettext("open"),
        "kept": gettext("kept"),
        "reports": gettext("See the reports"),
    }
    return draw_progress(city().config["map_centre"], city().config["map_zoom"], data, figures)
