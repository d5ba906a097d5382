"""The order of answers is stated, not chance: the tie order of the layers, then their names, then the codes.

What keeps the three properties that decisions hang on from being lost unnoticed (each broken by hand once):
`covers` into `contains` - test_index.py::test_covering, shared edge and vertex, and test_index_exact.py for arrays;
the tie order - this file; the order of codes - test_index.py::test_covering, overlap; a condition that is not
asked - tests/routing/test_conditions.py and test_decision.py::test_the_first_rule_that_matches_names_the_lead.
"""

import itertools

import pytest
import shapely

from geo.boundary import Boundary, Layer
from geo.index import PointIndex

BOX = shapely.box(0, 0, 1, 1)
BESIDE = shapely.box(1.0001, 0, 2, 1)


def _layer(name, tie_order, *codes):
    return Layer(name, tuple(Boundary(code, code, BOX) for code in codes), tie_order=tie_order)


# Neither the order of names nor that in which they are handed over.
LAYERS = (_layer("a", 3, "2", "1"), _layer("b", 1, "9"), _layer("c", 2, "5"), _layer("d", 2, "4"))
EXPECTED = [("b", "9"), ("c", "5"), ("d", "4"), ("a", "1"), ("a", "2")]


@pytest.mark.parametrize(
    "layers", list(itertools.permutations(LAYERS)), ids=lambda layers: "".join(x.name for x in layers)
)
def test_hits_come_in_tie_order(layers, tmp_path):
    built = PointIndex.build(layers)
    built.save(tmp_path / "index")
    for index in (built, PointIndex.load(tmp_path / "index")):
        for found in (
            index.covering(0.5, 0.5),
            index.lookup(0.5, 0.5),
            index.lookup(1.0, 1.0),
            index.lookup_nearby(0.5, 0.5, 50.0)[0],
        ):
            assert [(hit.layer, hit.code) for hit in found] == EXPECTED


def test_what_lies_near_comes_in_tie_order_too():
    layers = [
        Layer(name, (Boundary("x", "x", BESIDE),), tie_order=order)
        for name, order in (("a", 3), ("b", 1), ("c", 2))
    ]
    index = PointIndex.build(layers)
    near = index.nearby(0.9999, 0.5, 100.0)
    assert [other.layer for other in near] == ["b", "c", "a"]
    assert [other.layer for other in index.lookup_nearby(0.9999, 0.5, 100.0)[1]] == ["b", "c", "a"]
