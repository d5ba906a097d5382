"""Knows a vector tile of the public map: reports as points with what anybody may know of them."""

from __future__ import annotations

from sqlalchemy import Connection, text

MOST_ZOOM = 20
MOST_IN_TILE = 5000

# The envelope in degrees meets the index on public_geom; the tile itself is drawn in Web Mercator.
_TILE = text(
    """
    WITH tile AS (
        SELECT ST_TileEnvelope(:z, :x, :y) AS square,
               ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => 0.015625), 4326) AS degrees
    ), point AS (
        SELECT ST_AsMVTGeom(ST_Transform(report.public_geom, 3857), tile.square, 4096, 64) AS geom,
               token, service_code, state, lead_unit AS unit, closed_at IS NULL AS is_open
        FROM report, tile
        WHERE report.public_geom && tile.degrees AND NOT report.is_private
          AND report.jurisdiction_id = :jurisdiction_id
          -- Web Mercator has no poles.
          AND abs(ST_Y(report.public_geom)) < 85.06
        ORDER BY opened_at DESC, report.id DESC LIMIT :most
    )
    SELECT ST_AsMVT(point, 'reports', 4096, 'geom') FROM point WHERE geom IS NOT NULL
    """
)


def report_tile(tx: Connection, jurisdiction_id: str, z: int, x: int, y: int) -> bytes:
    """The tile z/x/y with a layer `reports`: the newest 5,000 public points in it; empty bytes for none."""
    given = {"jurisdiction_id": jurisdiction_id, "z": z, "x": x, "y": y, "most": MOST_IN_TILE}
    return bytes(tx.scalar(_TILE, given) or b"")


def is_tile(z: int, x: int, y: int) -> bool:
    """Whether such a tile exists."""
    return 0 <= z <= MOST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z
