"""Knows how a table of points (geopandas) learns which boundaries hold them: a column for each layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from geo.index import PointIndex


def tag_points(index: PointIndex, points: Any, layers: Sequence[str] | None = None) -> Any:
    """Return a DataFrame with the rows of `points` (GeoDataFrame or GeoSeries) and the codes of what covers them.

    A column for each layer of areas in tie order, or for each of `layers`: the code; of several, in order, with
    ";" between; None where nothing covers the point, or there is none. Points in another CRS are brought to
    EPSG:4326; without one they are degrees. Raises ValueError for what is no point, KeyError for an unknown layer.
    """
    import pandas as pd

    series = points.geometry
    if series.crs is not None:
        series = series.to_crs(4326)
    geometries = np.asarray(series.array, dtype=object)
    is_point = shapely.get_type_id(geometries) == shapely.GeometryType.POINT
    if not (is_point | shapely.is_missing(geometries)).all():
        raise ValueError(
            "only points can be tagged: take a point of each geometry first, such as its centroid"
        )
    lon, lat = shapely.get_x(geometries), shapely.get_y(geometries)
    if layers is None:
        in_order = sorted(index.layers, key=lambda layer: (layer.tie_order, layer.name))
        layers = [layer.name for layer in in_order if layer.is_area]
    columns = {name: _codes(index, name, lon, lat) for name in layers}
    return pd.DataFrame(columns, index=points.index, dtype=object)


def _codes(index: PointIndex, name: str, lon: Any, lat: Any) -> Any:
    at, owners = index.covering_many(name, lon, lat)
    layer = next(layer for layer in index.layers if layer.name == name)
    codes = np.array([boundary.code for boundary in layer.boundaries], dtype=object)
    column = np.full(lon.size, None, dtype=object)
    column[at] = codes[owners]
    doubled = np.unique(at[1:][at[1:] == at[:-1]])
    begins, ends = np.searchsorted(at, doubled), np.searchsorted(at, doubled, "right")
    for point, begin, end in zip(doubled, begins, ends, strict=True):
        column[point] = ";".join(sorted(codes[owners[begin:end]]))
    return column
