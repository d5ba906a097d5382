"""Knows how a pack's files are written: the same values always give the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

LOCALES = ("zh_Hans", "en")


class Feature(NamedTuple):
    """A feature in degrees with its properties."""

    properties: Mapping[str, Any]
    geometry: BaseGeometry


def write_features(path: Path, features: Iterable[Feature], digits: int = 7) -> None:
    """A GeoJSON collection, one feature a line; coordinates rounded to so many digits."""
    rows = []
    for properties, geometry in features:
        rounded = shapely.transform(geometry, lambda xy: xy.round(digits))
        shape = {"type": geometry.geom_type, "coordinates": shapely.geometry.mapping(rounded)["coordinates"]}
        rows.append(
            json.dumps(
                {"type": "Feature", "properties": properties, "geometry": shape},
                ensure_ascii=False,
                separators=(",", ":"),
            )
        )
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(rows) + "\n]}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A CSV file with the columns of the first row."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file of the catalogue."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
