"""Knows where a city's point index is kept between starts, so that a process need not build it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, select

from geo.boundary import Layer
from geo.index import PointIndex
from geo.tables import edition, layer
from portal.pack.kept_index import keep, load_or_build


def read_index(
    tx: Connection, jurisdiction_id: str, folder: Path | None, load: Callable[[], Sequence[Layer]]
) -> PointIndex:
    """The point index of the active editions: from `folder`, or built from the layers that `load` reads.

    What was built is kept under the digest of the editions; older files of the city are removed. A file that
    is damaged, or cannot be read or written, never stands in the way: the index is built anew.
    """
    if folder is None:
        return PointIndex.build(load())
    city = hashlib.sha256(jurisdiction_id.encode()).hexdigest()[:8]
    digest = editions_digest(tx, jurisdiction_id)
    path = folder / f"index-{city}-{digest}.wenlu"
    index, is_built = load_or_build(path, load)
    # An edition activated meanwhile may be in it: then it is not what the name says.
    if is_built and editions_digest(tx, jurisdiction_id) == digest:
        keep(index, path, f"index-{city}-*.wenlu")
    return index


def editions_digest(tx: Connection, jurisdiction_id: str) -> str:
    """Identify the content of the active editions and the settings of their layers."""
    query = (
        select(
            layer.c.name,
            layer.c.tie_order,
            layer.c.snap_m,
            layer.c.required,
            layer.c.is_area,
            edition.c.id,
            edition.c.source_digest,
            edition.c.created_at,
        )
        .join(edition, edition.c.layer_id == layer.c.id)
        .where(layer.c.jurisdiction_id == jurisdiction_id, edition.c.state == "active")
        .order_by(layer.c.name)
    )
    digest = hashlib.sha256()
    for row in tx.execute(query):
        # The instant in UTC, whatever zone the connection speaks in.
        digest.update(repr((*row[:-1], row.created_at.timestamp())).encode())
    return digest.hexdigest()[:16]
