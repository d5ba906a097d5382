"""The small map of a receipt: what is drawn, clipped and left out, on shapes drawn here."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest
import shapely

from geo.boundary import Boundary, Layer
from geo.crs import LonLat
from portal.queries.receipt_map import HEIGHT, MAX_BYTES, WIDTH, draw, receipt_map

# One metre in degrees near (113.90, 22.50).
NORTH, EAST = 1 / 110_750, 1 / 102_900
POINT = LonLat(113.90, 22.50)


def at(x, y):
    return POINT.lon + x * EAST, POINT.lat + y * NORTH


def box(code, west, south, east, north, name=""):
    return Boundary(code, name or code, shapely.box(*at(west, south), *at(east, north)))


def crinkled(code, wiggles):
    """A boundary whose edge swings about the point: far more corners than a small map can show."""
    edge = [at(25 + 20 * math.sin(n * 1.7), -900 + 1800 * n / wiggles) for n in range(wiggles + 1)]
    return Boundary(code, code, shapely.make_valid(shapely.Polygon([*edge, at(-2000, 900), at(-2000, -900)])))


STREETS = Layer("street", (box("S1", -800, -800, 20, 800, "Mill <Street>"), box("S2", 20, -800, 800, 800)), 4)
PARKS = Layer("park", (box("P1", -60, 30, -10, 80, "Old Park"), box("P9", 5000, 0, 5100, 100)), 2)


def receipt(**changes):
    found = {
        "accuracy_m": 20.0,
        "editions": {"street": 4, "park": 2},
        "hits": [{"layer": "street", "code": "S1", "edge_m": 20.0}],
        "misses": [{"rule": "park", "why": "layer", "layer": "park", "code": "P1", "distance_m": 31.6}],
        "used": [["street", "S1"]],
    }
    return found | changes


def drawn(point=POINT, is_coarse=False, layers=(STREETS, PARKS), **changes):
    return receipt_map(receipt(**changes), layers, point, is_coarse=is_coarse)


def test_what_is_drawn_and_how():
    kinds = {(shape.kind, shape.code) for shape in drawn().shapes}
    assert kinds == {("decided", "S1"), ("nearly", "P1"), ("neighbour", "S2")}
    root = ET.fromstring(draw(drawn(), "Title", 'A "quoted" & <odd> text'))
    assert [child.text for child in root][:2] == ["Title", 'A "quoted" & <odd> text']
    assert "Mill <Street>" in [child.text for child in root]
    disc = next(child for child in root if child.get("class") == "is-disc")
    # The window is 320 pixels for twice 90 m.
    assert float(disc.get("r")) == pytest.approx(20 * 320 / 180, abs=0.2)


def test_the_edge_is_drawn_where_it_lies():
    """The border between the streets runs 20 m east of the point."""
    (shape,) = (shape for shape in drawn().shapes if shape.kind == "decided")
    assert shape.geometry.bounds[2] == pytest.approx(WIDTH / 2 + 20 * WIDTH / 180, abs=0.5)


def test_nothing_leaves_the_window():
    for shape in drawn().shapes:
        west, south, east, north = shape.geometry.bounds
        assert west >= -WIDTH * 0.08
        assert east <= WIDTH * 1.08
        assert south >= -HEIGHT * 0.08
        assert north <= HEIGHT * 1.08


@pytest.mark.parametrize("corners", [10, 400, 5000, 60_000])
def test_the_map_stays_small_whatever_the_boundary(corners):
    layers = (Layer("street", (crinkled("S1", corners), box("S2", 45, -800, 800, 800)), 4), PARKS)
    text = draw(drawn(layers=layers), "Title", "Text")
    assert len(text.encode()) <= MAX_BYTES
    ET.fromstring(text)
    assert 'class="is-decided"' in text


def test_many_neighbours_stay_small():
    cells = tuple(
        box(f"C{x}-{y}", x * 9, y * 9, x * 9 + 9, y * 9 + 9) for x in range(-9, 9) for y in range(-9, 9)
    )
    layer = Layer("street", cells, 4)
    text = draw(drawn(layers=(layer,), used=[["street", "C0-0"]], misses=[]), "Title", "Text")
    assert len(text.encode()) <= MAX_BYTES


def test_a_coarse_map_shows_the_cell_and_no_point():
    text = draw(drawn(is_coarse=True), "Title", "Text")
    assert re.findall(r'class="is-(cell|point|disc)"', text) == ["cell"]


def test_an_older_edition_is_said():
    assert drawn().stale == ()
    assert drawn(editions={"street": 3, "park": 2}).stale == ("street",)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"hits": [], "used": [], "misses": []}, id="outside everything"),
        pytest.param({"hits": [], "used": [["park", "P9"]], "misses": []}, id="too far to see"),
        pytest.param({"hits": [], "used": [["gone", "X"]], "misses": []}, id="a layer that is gone"),
    ],
)
def test_no_map_without_anything_to_show(changes):
    assert drawn(**changes) is None
