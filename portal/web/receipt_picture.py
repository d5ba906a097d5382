"""Knows how the map of a receipt is put into words and onto a page, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from geo.crs import LonLat
from portal.i18n import N_
from portal.queries.city import CityView
from portal.queries.receipt_map import ReceiptMap, draw, receipt_map
from portal.web.locale import boundary_name, gettext, layer_title

TITLE = N_("Map of the decision")
DECIDED = N_("%(place)s (%(layer)s) decided.")
FOUND = N_("The place lies in %(places)s.")
BESIDE = N_("Beside it: %(places)s.")
NEARLY = N_("Nearly: %(places)s.")
EXACT = N_("The dot is the place; the circle is how exactly it is known.")
ROUGH = N_("The circle shows the area only; the exact place is protected.")
STALE = N_("Drawn from today's boundaries; the decision used an earlier edition.")


def picture(receipt: Mapping[str, Any], city: CityView, point: LonLat | None, *, is_coarse: bool) -> Markup:
    """The map around the point that the reader may see; empty where there is nothing to draw."""
    drawn = point and receipt_map(receipt, city.router.city.index.layers, point, is_coarse=is_coarse)
    if not drawn:
        return Markup("")
    drawn = drawn.with_names(boundary_name)
    return Markup(draw(drawn, gettext(TITLE), _words(drawn)))  # noqa: S704 - draw escapes every text


def _words(drawn: ReceiptMap) -> str:
    """What the map shows, for those who do not see it."""
    decided = drawn.decided
    said = [gettext(DECIDED, place=decided.name, layer=layer_title(decided.layer))] if decided else []
    if found := drawn.named("found"):
        said.append(gettext(FOUND, places=", ".join(found)))
    if beside := drawn.named("neighbour"):
        said.append(gettext(BESIDE, places=", ".join(beside)))
    if nearly := drawn.named("nearly"):
        said.append(gettext(NEARLY, places=", ".join(nearly)))
    said.append(gettext(ROUGH if drawn.is_coarse else EXACT))
    return " ".join([*said, gettext(STALE)] if drawn.stale else said)
