"""Knows how the ground around a case is drawn on a page: one small SVG whose colours come from the style sheet."""

from __future__ import annotations

from html import escape

from markupsafe import Markup

from portal.i18n import N_
from portal.queries.place_map import HEIGHT, SCALE_BAR_M, WIDTH, PlaceMap, Stroke
from portal.web.locale import gettext, named

TITLE = N_("Map of the place, %(metres)s m to the bar")
# What the basemap calls a thing -> its look; the rest recedes.
_WATER = dict.fromkeys(("water", "sea", "river", "lake", "stream"), "water")
_GREEN = dict.fromkeys(("parks", "park", "hill", "hill-middle", "hill-top", "wood"), "green")
_STREETS = dict.fromkeys(("express", "main"), "main") | dict.fromkeys(("collector", "streets"), "middle")
LOOKS = _WATER | _GREEN | _STREETS | {"local": "minor", "lane": "minor", "rail": "rail"}


def place_picture(drawn: PlaceMap | None) -> Markup:
    """The map; empty without a place."""
    if drawn is None:
        return Markup("")
    x, y = WIDTH / 2, HEIGHT / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="place-map" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(gettext(TITLE, metres=SCALE_BAR_M))}">',
        *map(_path, drawn.strokes),
        *(
            f'<text x="{each.x:.0f}" y="{each.y + 4:.0f}">{escape(named(each.names))}</text>'
            for each in drawn.names
        ),
        f'<circle class="disc" cx="{x}" cy="{y}" r="{drawn.disc_px:.1f}"/>',
        f'<circle class="spot" cx="{x}" cy="{y}" r="6"/>',
        f'<path class="bar" d="M12 {HEIGHT - 16}v4h{drawn.bar_px:.0f}v-4"/>'
        f'<text class="bar-name" x="16" y="{HEIGHT - 20}">{SCALE_BAR_M} m</text></svg>',
    ]
    return Markup("".join(parts))  # noqa: S704 - numbers of our own, and every text is escaped


def _path(stroke: Stroke) -> str:
    """One thing of the basemap; what we have no colour for is drawn like its layer."""
    close = "z" if stroke.is_area else ""
    runs = ("M" + "L".join(f"{x:g} {y:g}" for x, y in line) + close for line in stroke.lines)
    look = LOOKS.get(stroke.kind, "ground" if stroke.is_area else "minor")
    return f'<path class="{"area" if stroke.is_area else "way"} is-{look}" d="{"".join(runs)}"/>'


def directions_url(pattern: str, lon: float | None, lat: float | None) -> str:
    """Where the way to a place is shown, by the city's setting; "" without a place."""
    if lon is None or lat is None:
        return ""
    return pattern.replace("{lat}", f"{lat:.6f}").replace("{lon}", f"{lon:.6f}")
