"""Knows how units stand for whoever leads them: figures and ratings together, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Select, func, select

from portal.queries.unit_figures import UnitFigures, figures_query, read_figures
from portal.queries.unit_ratings import UnitRatings, ratings_query, read_ratings


def unit_standing(
    tx: Connection, jurisdiction_id: str, now: datetime, unit_code: str = ""
) -> tuple[Mapping[str, UnitFigures], Mapping[str, UnitRatings]]:
    """What `unit_figures` and `unit_ratings` answer, of every unit or of one."""
    query = select(
        json_rows(figures_query(jurisdiction_id, now, unit_code)).label("figures"),
        json_rows(ratings_query(jurisdiction_id, now, unit_code)).label("ratings"),
    )
    found = tx.execute(query).one()
    return read_figures(found.figures or []), read_ratings(found.ratings or [])


def json_rows(query: Select[Any]) -> ScalarSelect[Any]:
    """The rows of a query as one JSON value, each a list in the order of its columns; null for none."""
    rows = query.subquery()
    return select(func.json_agg(func.json_build_array(*rows.c))).scalar_subquery()
