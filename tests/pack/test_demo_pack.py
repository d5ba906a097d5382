"""The demo city is complete, in both languages, and its areas tile."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely

from portal.pack.check import check
from portal.pack.convert import calendar_of, directory_of, services_of, targets_of
from portal.pack.layers import read_layers
from portal.pack.model import KINDS, PackError
from portal.pack.reader import read_pack
from routing.rules import parse_rulebook
from routing.targets import CLOCKS

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def pack():
    return read_pack(Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai")


@pytest.fixture(scope="module")
def layers(pack):
    return {layer.name: layer for layer in read_layers(pack)[0]}


def test_nothing_is_found_but_the_communities_without_a_committee(pack):
    findings = check(pack, TODAY)
    assert [(each.severity, each.file, each.column) for each in findings] == [
        ("warning", "units.csv", "boundary_code")
    ]
    assert "17 boundaries of 'community' have no unit" in findings[0].message


def test_every_kind_of_feedback_is_offered(pack):
    assert {row.kind for row in pack.services} == set(KINDS)


def test_every_text_stands_in_every_locale(pack):
    locales = set(pack.city.locales)
    texts = [pack.city.names]
    texts += [text for row in pack.services for text in (row.names, row.descriptions, row.keywords)]
    texts += [row.group_names for row in pack.services]
    texts += [row.texts for row in pack.questions]
    texts += [choice.labels for row in pack.questions for choice in row.values]
    texts += [row.names for row in pack.units]
    texts += [text for row in pack.duties for text in (row.standards, row.procedures)]
    texts += [text for row in pack.plans for text in (row.titles, row.steps)]
    texts += [layer.titles for layer in pack.city.layers.values()]
    assert {frozenset(text) for text in texts} == {frozenset(locales)}


def test_labels_of_choices_are_read_in_alphabetical_order_of_locales(pack):
    danger = next(row for row in pack.questions if row.code == "danger")
    assert [(choice.key, dict(choice.labels)) for choice in danger.values] == [
        ("no", {"en": "No", "zh_Hans": "没有"}),
        ("yes", {"en": "Yes", "zh_Hans": "有"}),
    ]
    assert not danger.stop, "the city wants this report, beside the call"
    told = next(row for row in pack.questions if row.code == "call-emergency")
    assert (told.datatype, list(told.show_if)) == ("notice", [("danger", "yes")])


@pytest.mark.parametrize(("layer", "count"), [("district", 3), ("street", 9), ("community", 18)])
def test_areas_tile_without_gap_or_overlap(layers, layer, count):
    areas = [boundary.geometry for boundary in layers[layer].boundaries]
    assert len(areas) == count
    assert shapely.coverage_is_valid(areas)
    city = shapely.coverage_union_all([each.geometry for each in layers["district"].boundaries])
    assert shapely.coverage_union_all(areas).equals(city)


@pytest.mark.parametrize(("inner", "outer"), [("community", "street"), ("street", "district")])
def test_each_area_lies_in_the_one_it_names(layers, inner, outer):
    above = {boundary.code: boundary.geometry for boundary in layers[outer].boundaries}
    for boundary in layers[inner].boundaries:
        assert above[boundary.attributes[outer]].covers(boundary.geometry), boundary.code


@pytest.mark.parametrize("name", ["park", "depot", "school", "main_road"])
def test_features_lie_in_the_city(layers, name):
    city = shapely.union_all([each.geometry for each in layers["district"].boundaries])
    assert all(city.intersects(each.geometry) for each in layers[name].boundaries)


def test_layers_of_points_and_lines_are_not_areas(layers):
    assert {name for name, layer in layers.items() if not layer.is_area} == {
        "depot",
        "school",
        "main_road",
        "service_point",
    }


def test_units_with_several_rows_hold_all_their_boundaries(pack):
    directory = directory_of(pack)
    assert len(directory.unit("parks").boundaries) == 6
    assert directory.unit_of("community", "CN2-02") == "community-shuyuan"
    assert directory.ancestors("community-shuyuan") == ("street-cn2", "district-cn", "centre")
    assert directory.supervisor_of("haiqing") == "sanitation"


def test_every_service_has_its_four_clocks_at_every_priority(pack):
    table = targets_of(pack)
    for service in services_of(pack).values():
        for priority in ("emergency", "high", "normal", "low"):
            wanted = [clock for clock in CLOCKS if clock != ("unit", "dispatch")]  # only in a city with lanes
            assert all(table.find(service, priority, *clock) for clock in wanted), (service.code, priority)


def test_an_emergency_is_never_promised_later_than_an_ordinary_report(pack):
    table, calendar = targets_of(pack), calendar_of(pack)
    start = datetime(2026, 11, 20, 2, tzinfo=UTC)
    for service in services_of(pack).values():
        if service.kind != "report":
            continue
        urgent, usual = (
            calendar.add(start, target.amount, target.unit)
            for priority in ("emergency", "normal")
            if (target := table.find(service, priority, "promise", "resolve"))
        )
        assert urgent <= usual, service.code


@pytest.mark.parametrize(
    ("day", "working"),
    [
        pytest.param(date(2026, 11, 20), True, id="Friday"),
        pytest.param(date(2026, 11, 21), False, id="Saturday"),
        pytest.param(date(2026, 10, 1), False, id="Thursday, National Day of the library"),
        pytest.param(date(2026, 10, 10), True, id="Saturday, make-up day of the library"),
        pytest.param(date(2027, 1, 31), True, id="Sunday, make-up day of holidays.csv"),
        pytest.param(date(2027, 2, 11), False, id="Thursday, day off of holidays.csv"),
    ],
)
def test_working_days(pack, day, working):
    assert calendar_of(pack).is_working_day(day) is working


def test_a_row_of_holidays_overrules_the_library(spoil):
    folder = spoil("holidays.csv", None, "2026-10-01,yes,,\n2026-10-10,no,,\n")
    calendar = calendar_of(read_pack(folder))
    assert calendar.is_working_day(date(2026, 10, 1))
    assert not calendar.is_working_day(date(2026, 10, 10))


def test_the_rulebook_uses_every_way_to_name_a_unit(pack):
    rulebook = parse_rulebook(pack.rules_text)
    selectors = {type(each).__name__ for rule in rulebook.rules for each in (rule.lead, *rule.assist)}
    assert selectors == {"UnitNamed", "BoundaryOf", "NearestOf", "LeastLoaded"}
    assert {rule.ambiguous for rule in rulebook.rules} == {"ask", "joint", "most_likely"}


def test_the_digest_is_stable(pack, pack_folder):
    assert read_pack(pack_folder).digest == pack.digest


@pytest.mark.parametrize(
    "name",
    [
        "city.toml",
        "rules.toml",
        "units.csv",
        "boundaries/street.geojson",
        "points/depot.geojson",
        "works/road_works.geojson",
    ],
)
def test_the_digest_follows_every_file(pack, spoil, name):
    assert read_pack(spoil(name, None, "\n")).digest != pack.digest


def test_the_digest_ignores_what_is_no_part_of_a_pack(pack, spoil):
    assert read_pack(spoil("notes.txt", None, "hello")).digest == pack.digest


@pytest.mark.parametrize("name", ["city.toml", "rules.toml", "units.csv", "points/depot.geojson"])
def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(pack_folder, name):
    path = pack_folder / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert not [each for each in check(read_pack(pack_folder), TODAY) if each.severity == "error"]


def test_a_file_in_another_encoding_is_named_with_its_row(pack_folder):
    path = pack_folder / "plans.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    assert "plans.csv:2: error: not UTF-8" in "\n".join(map(str, check(read_pack(pack_folder))))


def test_a_folder_that_does_not_exist_is_a_finding(tmp_path):
    pack = read_pack(tmp_path / "nowhere")
    assert [each.message for each in check(pack)] == ["there is no such folder"]
    with pytest.raises(PackError, match="no such folder"):
        _ = pack.city
