"""Knows the layers of a city and their editions, as staff see them before and after a switch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from geo.tables import boundary, edition, layer


@dataclass(frozen=True, slots=True)
class EditionRow:
    """One version of a layer. `state`: staged, active or retired; `boundaries` counts them."""

    id: int
    layer: str
    state: str
    valid_from: date | None
    valid_to: date | None
    created_at: datetime
    activated_at: datetime | None
    boundaries: int


@dataclass(frozen=True, slots=True)
class LayerRow:
    """The settings of a layer in force."""

    name: str
    tie_order: int
    snap_m: float
    is_required: bool
    is_area: bool


def list_editions(tx: Connection, jurisdiction_id: str) -> list[EditionRow]:
    """Every edition, layer by layer, the oldest first."""
    counted = (
        select(boundary.c.edition_id, func.count().label("boundaries"))
        .where(boundary.c.jurisdiction_id == jurisdiction_id)
        .group_by(boundary.c.edition_id)
        .subquery()
    )
    query = (
        select(
            edition.c.id, layer.c.name.label("layer"), edition.c.state, edition.c.valid_from,
            edition.c.valid_to, edition.c.created_at, edition.c.activated_at,
            func.coalesce(counted.c.boundaries, 0).label("boundaries"),
        )
        .join(layer, layer.c.id == edition.c.layer_id)
        .outerjoin(counted, counted.c.edition_id == edition.c.id)
        .where(edition.c.jurisdiction_id == jurisdiction_id)
        .order_by(layer.c.tie_order, layer.c.name, edition.c.id)
    )  # fmt: skip
    return [EditionRow(**row._mapping) for row in tx.execute(query)]


def list_layers(tx: Connection, jurisdiction_id: str) -> dict[str, LayerRow]:
    """The city's layers by name."""
    rows = tx.execute(
        select(layer)
        .where(layer.c.jurisdiction_id == jurisdiction_id)
        .order_by(layer.c.tie_order, layer.c.name)
    )
    return {
        row.name: LayerRow(row.name, row.tie_order, row.snap_m, row.required, row.is_area) for row in rows
    }
