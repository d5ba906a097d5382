"""Answers `/kinds`: the five kinds of feedback in figures, what communities solved, how contracts were kept."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template

from portal import clock
from portal.operations.field_readers import CONTRACTOR_LEVEL
from portal.operations.hand_within import COMMUNITY
from portal.pack.model import KINDS
from portal.queries.field_figures import (
    KindFigures,
    community_share,
    contract_figures,
    kind_figures,
)
from portal.web import access
from portal.web.services import city, reading
from routing.shares import SMALLEST_SAMPLE

pages = Blueprint("kinds", __name__)
LOOK_BACK = timedelta(days=90)


@pages.get("/kinds")
@access.public
def kinds() -> str:
    """Three statements."""
    view, now = city(), clock.now()
    levels = {
        level: [unit.code for unit in view.directory if unit.level == level]
        for level in (COMMUNITY, CONTRACTOR_LEVEL)
    }
    with reading() as tx:
        figures = kind_figures(tx, view.jurisdiction_id, now - LOOK_BACK, now)
        solved = community_share(tx, view.jurisdiction_id, levels[COMMUNITY], now - LOOK_BACK)
        contracts = contract_figures(tx, view.jurisdiction_id, levels[CONTRACTOR_LEVEL], now - LOOK_BACK, now)
    rows = [figures.get(kind, KindFigures(kind)) for kind in KINDS]
    return render_template(
        "public/kinds.html", rows=rows, solved=solved, contracts=contracts, smallest=SMALLEST_SAMPLE, city=view,
        days=LOOK_BACK.days,
    )  # fmt: skip
