"""Knows how editions of layers are staged, switched and read in PostGIS; never commits."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import shapely
from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import from_shape
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Select,
    column,
    func,
    insert,
    literal,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from geo import tables
from geo.boundary import Boundary, Layer

Executor: TypeAlias = Connection | Session

_SRID = 4326
# Vertices in a piece of `boundary_part`: small enough for a fast cut at tile borders.
_PART_VERTICES = 128


class EditionError(ValueError):
    """An edition that does not exist, or is not in the state that the step needs."""


def stage_edition(
    conn: Executor,
    jurisdiction_id: str,
    layer: Layer,
    *,
    title: Mapping[str, str] | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
    source_digest: str | None = None,
    at: datetime | None = None,
) -> int:
    """Store the layer as a new staged edition beside the active one and return its id.

    The layer's row is created where it is missing; one that exists keeps its settings, because staging must
    not touch what is in force (see `configure_layer`). `source_digest` identifies the content (default:
    `layer_digest`); `at` is the instant of staging (default: the transaction's). Boundary codes must be
    unique (EditionError).
    """
    _check_codes(layer)
    edition_id = conn.execute(
        insert(tables.edition)
        .values(
            jurisdiction_id=jurisdiction_id,
            layer_id=_layer_id(conn, jurisdiction_id, layer, title),
            state="staged",
            valid_from=valid_from,
            valid_to=valid_to,
            source_digest=layer_digest(layer) if source_digest is None else source_digest,
            created_at=func.now() if at is None else at,
        )
        .returning(tables.edition.c.id)
    ).scalar_one()
    _put_boundaries(conn, jurisdiction_id, edition_id, layer.boundaries)
    return int(edition_id)


def configure_layer(
    conn: Executor, jurisdiction_id: str, layer: Layer, *, title: Mapping[str, str] | None = None
) -> None:
    """Put the layer's settings (tie order, snap distance, ..., title where given) in force at once."""
    settings = _settings(layer, title)
    conn.execute(
        upsert(tables.layer)
        .values(jurisdiction_id=jurisdiction_id, name=layer.name, **settings)
        .on_conflict_do_update(
            index_elements=[tables.layer.c.jurisdiction_id, tables.layer.c.name], set_=settings
        )
    )


def activate_edition(conn: Executor, edition_id: int, *, at: datetime | None = None) -> None:
    """Retire the layer's active edition and make this one active, in the caller's transaction.

    Works for a staged edition and for a retired one (going back). An edition that is active already stays
    as it is. Raises EditionError for an unknown id.
    """
    now = func.now() if at is None else at
    edition = tables.edition.c
    row = conn.execute(select(edition.layer_id, edition.state).where(edition.id == edition_id)).one_or_none()
    if row is None:
        raise EditionError(f"there is no edition {edition_id}")
    # Two switches of one layer wait for each other here instead of meeting in the unique index.
    conn.execute(select(tables.layer.c.id).where(tables.layer.c.id == row.layer_id).with_for_update())
    is_other_active = (edition.layer_id == row.layer_id, edition.state == "active", edition.id != edition_id)
    conn.execute(update(tables.edition).where(*is_other_active).values(state="retired", retired_at=now))
    conn.execute(
        update(tables.edition)
        .where(edition.id == edition_id, edition.state != "active")
        .values(state="active", activated_at=now, retired_at=None)
    )


def withdraw_edition(conn: Executor, edition_id: int, *, at: datetime | None = None) -> None:
    """Take a retired edition out of history: it was a mistake, and waits as a staged one again.

    Nothing is asked of it "as of then" any more; decisions made under it can still be derived by its id.
    Raises EditionError for one that is not retired.
    """
    edition = tables.edition.c
    changed = conn.execute(
        update(tables.edition)
        .where(edition.id == edition_id, edition.state == "retired")
        .values(state="staged", retired_at=func.now() if at is None else at)
        .returning(edition.id)
    ).one_or_none()
    if changed is None:
        raise EditionError(f"edition {edition_id} is not a retired one")


def load_editions(conn: Executor, jurisdiction_id: str, edition_ids: Iterable[int]) -> list[Layer]:
    """Return these editions, whatever their state, by tie order and name: the map of a past decision.

    Raises EditionError where one does not exist.
    """
    wanted = set(edition_ids)
    layers = _load(conn, jurisdiction_id, tables.edition.c.id.in_(wanted))
    missing = sorted(wanted - {layer.edition for layer in layers})
    if missing:
        raise EditionError(f"there is no edition {', '.join(map(str, missing))}")
    return layers


def load_layers(conn: Executor, jurisdiction_id: str) -> list[Layer]:
    """Return the active editions by tie order and name, with the geometry exactly as stored."""
    return _load(conn, jurisdiction_id, tables.edition.c.state == "active")


def load_layers_as_of(conn: Executor, jurisdiction_id: str, day: date) -> list[Layer]:
    """Return the editions that were the legal map on `day`: active or retired, the latest start wins.

    Of two with the same start, or none, the one in force, then the younger.
    """
    edition = tables.edition.c
    valid = (
        select(edition.id)
        .ext(distinct_on(edition.layer_id))
        .where(
            edition.jurisdiction_id == jurisdiction_id,
            edition.state != "staged",
            edition.valid_from.is_(None) | (edition.valid_from <= day),
            edition.valid_to.is_(None) | (edition.valid_to > day),
        )
        .order_by(
            edition.layer_id,
            edition.valid_from.desc().nulls_last(),
            edition.state,  # active before retired
            edition.id.desc(),
        )
    )
    return _load(conn, jurisdiction_id, edition.id.in_(valid))


def active_editions(conn: Executor, jurisdiction_id: str) -> dict[str, int]:
    """Return the active edition id of each layer by name: what an index must not be older than."""
    rows = conn.execute(
        select(tables.layer.c.name, tables.edition.c.id)
        .join(tables.edition, tables.edition.c.layer_id == tables.layer.c.id)
        .where(tables.layer.c.jurisdiction_id == jurisdiction_id, tables.edition.c.state == "active")
    )
    return {row.name: row.id for row in rows}


def find_edition(conn: Executor, jurisdiction_id: str, layer_name: str, source_digest: str) -> int | None:
    """Return the latest edition of the layer with this content, so that loading twice changes nothing."""
    latest: int | None = conn.execute(
        select(func.max(tables.edition.c.id))
        .join(tables.layer, tables.edition.c.layer_id == tables.layer.c.id)
        .where(
            tables.layer.c.jurisdiction_id == jurisdiction_id,
            tables.layer.c.name == layer_name,
            tables.edition.c.source_digest == source_digest,
        )
    ).scalar_one()
    return latest


def covers_query(edition_id: int, lons: Sequence[float], lats: Sequence[float]) -> Select[tuple[int, str]]:
    """Ask PostGIS itself: rows (n, code), n the position of the point, for each covering boundary.

    Goes over the boundaries as stored, not their parts. For checks of the index, not for the intake.
    """
    point = (
        func.unnest(_doubles(lons), _doubles(lats))
        .table_valued(column("lon", Double), column("lat", Double), with_ordinality="n", name="point")
        .render_derived()
    )
    place = func.ST_SetSRID(func.ST_MakePoint(point.c.lon, point.c.lat), _SRID, type_=Geometry)
    position = type_coerce(point.c.n - 1, BigInteger)
    return (
        select(position.label("n"), tables.boundary.c.code)
        .join_from(point, tables.boundary, func.ST_Covers(tables.boundary.c.geom, place))
        .where(tables.boundary.c.edition_id == edition_id)
        .order_by("n", tables.boundary.c.code)
    )


def layer_digest(layer: Layer) -> str:
    """Identify the content of a layer, whatever file it came from: SHA-256 of codes and geometries."""
    digest = hashlib.sha256()
    for boundary in sorted(layer.boundaries, key=lambda boundary: boundary.code):
        digest.update(repr((boundary.code, boundary.name, sorted(boundary.attributes.items()))).encode())
        digest.update(shapely.to_wkb(boundary.geometry, byte_order=1))
    return digest.hexdigest()


def _doubles(values: Sequence[float]) -> ColumnElement[Any]:
    return literal([float(value) for value in values], ARRAY(Double))


def _check_codes(layer: Layer) -> None:
    seen: set[str] = set()
    for boundary in layer.boundaries:
        if boundary.code in seen:
            raise EditionError(f"layer {layer.name}: code {boundary.code!r} stands for two boundaries")
        seen.add(boundary.code)


def _layer_id(conn: Executor, jurisdiction_id: str, layer: Layer, title: Mapping[str, str] | None) -> int:
    """Return the id of the layer's row, which is created where it is missing."""
    settings = _settings(layer, title)
    row = upsert(tables.layer).values(jurisdiction_id=jurisdiction_id, name=layer.name, **settings)
    conn.execute(row.on_conflict_do_nothing())
    stored = tables.layer.c
    is_ours = (stored.jurisdiction_id == jurisdiction_id, stored.name == layer.name)
    return int(conn.execute(select(stored.id).where(*is_ours)).scalar_one())


def _settings(layer: Layer, title: Mapping[str, str] | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "tie_order": layer.tie_order,
        "snap_m": layer.snap_m,
        "required": layer.required,
        "is_area": layer.is_area,
    }
    return settings if title is None else settings | {"title": dict(title)}


def _put_boundaries(
    conn: Executor, jurisdiction_id: str, edition_id: int, boundaries: Sequence[Boundary]
) -> None:
    rows = [
        {
            "jurisdiction_id": jurisdiction_id,
            "edition_id": edition_id,
            "code": boundary.code,
            "name": boundary.name,
            "attributes": dict(boundary.attributes),
            # Not extended, GeoAlchemy2 would send text and lose the last digits.
            "geom": from_shape(boundary.geometry, srid=_SRID, extended=True),
        }
        for boundary in boundaries
    ]
    if not rows:
        return
    conn.execute(insert(tables.boundary), rows)
    stored = tables.boundary.c
    pieces = select(
        stored.jurisdiction_id, stored.id, func.ST_Subdivide(stored.geom, _PART_VERTICES, type_=Geometry)
    ).where(stored.edition_id == edition_id)
    conn.execute(insert(tables.boundary_part).from_select(["jurisdiction_id", "boundary_id", "geom"], pieces))


def _load(conn: Executor, jurisdiction_id: str, is_wanted: ColumnElement[bool]) -> list[Layer]:
    layer, edition = tables.layer.c, tables.edition.c
    rows = conn.execute(
        select(layer.name, edition.id, layer.tie_order, layer.snap_m, layer.required, layer.is_area)
        .join(tables.edition, edition.layer_id == layer.id)
        .where(layer.jurisdiction_id == jurisdiction_id, is_wanted)
        .order_by(layer.tie_order, layer.name)
    ).all()
    boundaries = _load_boundaries(conn, [row.id for row in rows])
    return [
        Layer(
            name=row.name,
            boundaries=tuple(boundaries[row.id]),
            edition=row.id,
            tie_order=row.tie_order,
            snap_m=row.snap_m,
            required=row.required,
            is_area=row.is_area,
        )
        for row in rows
    ]


def _load_boundaries(conn: Executor, edition_ids: Iterable[int]) -> dict[int, list[Boundary]]:
    by_edition: dict[int, list[Boundary]] = {edition_id: [] for edition_id in edition_ids}
    stored = tables.boundary.c
    rows = conn.execute(
        select(stored.edition_id, stored.code, stored.name, stored.attributes, stored.geom)
        .where(stored.edition_id.in_(by_edition))
        .order_by(stored.edition_id, stored.code)
    )
    for row in rows:
        boundary = Boundary(row.code, row.name, _shape(row.geom), row.attributes)
        by_edition[row.edition_id].append(boundary)
    return by_edition


def _shape(element: WKBElement) -> shapely.Geometry:
    # EWKB carries the SRID; shapes from files carry none, and the two must compare equal.
    return shapely.set_srid(shapely.from_wkb(bytes.fromhex(element.desc)), 0)
