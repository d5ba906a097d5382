"""Street offices drawn in GCJ-02 and districts in WGS 84 must agree about real WGS 84 points.

There is no record of the right district for a taxi pick-up. "Right" is what `districts_wgs84` says, a file
drawn in WGS 84 by somebody else; the district under test is the attribute DISTRICT of the street office that
holds the point in `streets_74`, a file that says WGS 84 and is GCJ-02. Points in no district of the first file
(the sea, the neighbours) have no right answer and are counted apart. Where a district was found and no street
office, the answer counts as wrong.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from geo.index import PointIndex
from portal.pack.layers import read_edition
from portal.pack.mapping import read_mapping, read_requests
from portal.pack.reader import read_pack

FILE = "shenzhen/taxi_od_2019-09-01_wgs84.csv.gz"


@pytest.fixture(scope="module")
def pick_ups(wenlu_data, request):
    mapping = read_mapping(request.path.parent / "shenzhen" / "MAP_taxi.toml")
    return [(row.lon, row.lat) for row in read_requests(wenlu_data / FILE, mapping)]


@pytest.fixture(scope="module")
def agreement(wenlu_data, request, pick_ups):
    """(points in a district, those whose street office is in it) with the streets in a datum."""
    config = read_pack(request.path.parent / "shenzhen").city

    def count(datum: str) -> tuple[int, int]:
        layers = []
        for name in ("district", "street"):
            layer = config.layers[name]
            edition = layer.editions[0] if name == "district" else replace(layer.editions[0], datum=datum)
            layers.append(read_edition(layer, edition)[0])
        index = PointIndex.build(layers)
        above = {street.code: street.attributes["DISTRICT"][:2] for street in layers[1].boundaries}
        right = judged = 0
        for lon, lat in pick_ups:
            found = {hit.layer: hit.code for hit in index.lookup(lon, lat)}
            judged += "district" in found
            right += "district" in found and above.get(found.get("street")) == found["district"]
        return judged, right

    return count


def test_the_pack_declares_the_datum(wenlu_data, request):
    layer = read_pack(request.path.parent / "shenzhen").city.layers["street"]
    assert layer.editions[0].datum == "gcj02"


def test_the_declared_datum_brings_streets_and_districts_together(agreement, pick_ups):
    judged, right = agreement("gcj02")
    assert len(pick_ups) == 8888
    assert judged >= 8800
    assert right / judged >= 0.995


def test_what_the_file_says_of_itself_would_be_a_silent_error(agreement):
    judged, right = agreement("wgs84")
    assert right / judged < 0.97
