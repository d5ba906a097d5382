"""What a receipt holds, what the public sees of it, and the sentence it amounts to."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.boundary import Hit, Nearby
from routing.decision import decide
from routing.facts import canonical_json
from routing.receipt import (
    RECEIPT_MAX_BYTES,
    distance_band,
    explain_trace,
    make_receipt,
    public_receipt,
    reason,
    receipt_size,
)
from routing.rules import parse_rulebook
from routing.units import Directory, Unit

RULES = [
    {"id": "park-night", "when": {"all": [{"layer": "park"}, {"time": {"from": "22:00", "to": "06:00"}}]},
     "lead": {"unit": "parks"}},
    {"id": "park", "when": {"layer": "park", "code": ["P1"]}, "lead": {"unit": "parks"}},
    {"id": "hole-or-call", "when": {"any": [{"service": "hole"}, {"channel": "phone"}]},
     "lead": {"boundary_of": "district"}},
    {"id": "not-holiday", "when": {"all": [{"not": {"holiday": False}}, {"layer": "street"}]},
     "lead": {"unit": "east"}},
    {"id": "night", "when": {"time": {"from": "20:00", "to": "08:00"}}, "lead": {"unit": "lighting"}},
    {"id": "street", "when": {"kind": ["report", "complaint"]}, "lead": {"boundary_of": "street"},
     "ambiguous": "ask", "question": "which-side"},
    {"id": "fallback", "lead": {"unit": "centre"}},
]  # fmt: skip
BOOK = parse_rulebook({"rule": RULES}, version="7")


@pytest.fixture(scope="module")
def receipt_of(make_facts, directory):
    def build(service="lamp", **given):
        facts = make_facts(service, **given)
        decision = decide(facts, BOOK, directory)
        return make_receipt(facts, decision, BOOK, directory, {"street": 3, "park": 1}, "centre")

    return build


def test_a_receipt_names_everybody_in_the_chain(receipt_of):
    receipt = receipt_of(hits=["street S1 12.345"], others=["street S2 12.345", "park P1 80"])
    expected = {
        "lead": "mill", "executes": "mill", "supervises": "east", "published_by": "centre", "rule": "street",
        "rulebook": "7", "editions": {"street": 3, "park": 1}, "runner_up": "quay", "service": "lamp",
        "hits": [{"layer": "street", "code": "S1", "edge_m": 12.35}], "used": [["street", "S1"]],
    }  # fmt: skip
    assert receipt | expected == receipt
    assert receipt["misses"][0] == {
        "rule": "park", "why": "layer", "layer": "park", "code": "P1", "distance_m": 80.0,
    }  # fmt: skip
    assert len(receipt["facts"]) == 64


def test_the_longest_receipt_fits(make_facts):
    names = [f"a-rather-long-unit-name-{n:03d}-of-the-eastern-district-of-the-city" for n in range(40)]
    directory = Directory([Unit(names[0]), *(Unit(name, names[0]) for name in names[1:])], names[0])
    rows = [
        {"id": f"rule-{n}-{'x' * 60}", "when": {"layer": f"layer-{n}"}, "lead": {"unit": names[0]}}
        for n in range(30)
    ]
    assist = [{"unit": name} for name in names]
    book = parse_rulebook({"rule": [*rows, {"id": "fallback", "lead": {"unit": names[0]}, "assist": assist}]})
    facts = replace(
        make_facts(),
        hits=tuple(Hit(f"街道-{n}", f"boundary-{n}", 1, 1.25, False) for n in range(40)),
        others=tuple(Nearby(f"layer-{n}", "some-code", float(n)) for n in range(30)),
    )
    receipt = make_receipt(facts, decide(facts, book, directory), book, directory, {}, "centre")
    assert receipt_size(receipt) <= RECEIPT_MAX_BYTES
    assert receipt["left_out"] > 0
    assert receipt["lead"] == names[0]


@pytest.mark.parametrize(
    ("metres", "band"),
    [(0.0, "<5"), (4.99, "<5"), (5.0, "5-25"), (24.9, "5-25"), (25.0, "25-100"), (100.0, "25-100"),
     (100.1, ">100"), (None, ">100")],
)  # fmt: skip
def test_bands(metres, band):
    assert distance_band(metres) == band


def test_the_public_sees_bands_and_no_digest(receipt_of):
    public = public_receipt(receipt_of(hits=["street S1 12.345"], others=["park P1 80.125"]), coarse=False)
    assert public["hits"] == [{"layer": "street", "code": "S1", "edge": "5-25"}]
    assert public["misses"][0]["distance"] == "25-100"
    assert not {"facts", "private", "about"} & set(public)
    assert "12.3" not in canonical_json(public)
    assert "80.1" not in canonical_json(public)


def test_a_sensitive_service_tells_only_of_its_public_point(receipt_of):
    true = receipt_of(
        "noise", hits=["street S1 4.1"], others=["street S2 4.1", "park P1 7.7"], at="2026-03-04 12:00"
    )
    coarse = receipt_of("noise", hits=["street S1 61.5"], others=["park P2 40"])
    public = public_receipt(true, coarse=True, at_public_point=coarse)
    assert true["ambiguous"]
    assert (public["lead"], public["rule"]) == (true["lead"], true["rule"])
    assert (public["ambiguous"], public["runner_up"], public["question"]) == (False, None, None)
    assert public["hits"] == [{"layer": "street", "code": "S1", "edge": "25-100"}]
    assert public["used"] == [["street", "S1"]]
    assert "P1" not in canonical_json(public)


def test_two_true_points_with_one_public_point_look_alike(receipt_of):
    coarse = receipt_of("noise", hits=["street S1 61.5"])
    one = receipt_of("noise", hits=["street S1 4.1"], others=["street S2 4.1"], accuracy_m=12.0)
    two = receipt_of("noise", hits=["street S1 95"], others=["park P1 30"], accuracy_m=80.0)
    assert public_receipt(one, coarse=True, at_public_point=coarse) == public_receipt(
        two, coarse=True, at_public_point=coarse
    )


def test_without_a_public_point_nothing_about_the_place_is_told(receipt_of):
    public = public_receipt(receipt_of("noise", hits=["street S1 4.1"], others=["park P1 7"]), coarse=True)
    assert (public["hits"], public["misses"], public["used"], public["confidence"]) == ([], [], [], None)
    assert (public["lead"], public["rule"]) == ("mill", "street")


def test_confidence_is_public_in_tenths_only(receipt_of):
    receipt = receipt_of(hits=["street S1 7"], others=["street S2 7"])
    assert receipt["confidence"] == 0.647
    assert public_receipt(receipt, coarse=False)["confidence"] == 0.6


@pytest.mark.parametrize(
    ("service", "facts", "key", "params"),
    [
        ("lamp", {"hits": ["street S1 60"]}, "boundary", {"layer": "street", "code": "S1", "rule": "street"}),
        ("lamp", {"hits": ["street S1", "park P1"]}, "boundary", {"layer": "park", "code": "P1", "unit": "parks"}),
        ("ask", {"at": "2026-03-04 23:00", "point": None}, "service", {"rule": "night", "service": "ask"}),
        ("lamp", {"hits": ["street S1 3"], "snapped": ["street S1 3"]}, "snapped", {"code": "S1"}),
        ("lamp", {"hits": ["street S1 3"], "others": ["street S2 3"]}, "ambiguous", {"other": "quay"}),
        ("lamp", {"required_layers": ("street",)}, "outside", {"unit": "centre"}),
        ("lamp", {}, "fallback", {"unit": "centre", "rule": "fallback"}),
        ("lamp", {"point": None}, "no_place", {"unit": "centre"}),
        ("blame", {"hits": ["street S1"], "about_unit": "mill"}, "complaint", {"about": "mill", "unit": "east"}),
    ],
)  # fmt: skip
def test_the_reason_in_one_sentence(receipt_of, service, facts, key, params):
    found, given_params = reason(receipt_of(service, **facts))
    assert found == f"reason.{key}"
    assert given_params | params == given_params


@pytest.mark.parametrize("coarse", [True, False])
def test_a_public_receipt_has_a_reason_too(receipt_of, coarse):
    receipt = receipt_of("noise", hits=["street S1 60"])
    key, _ = reason(public_receipt(receipt, coarse=coarse))
    assert key == ("reason.service" if coarse else "reason.boundary")


LAYERS = {"street": ["S1", "S2", "S9"], "district": ["E", "W"], "park": ["P1", "P2"]}
places = st.sampled_from([(layer, code) for layer, codes in LAYERS.items() for code in codes])


@given(
    service=st.sampled_from(["lamp", "hole", "noise", "ask", "blame"]),
    chosen=st.lists(places, unique=True, max_size=6),
    edges=st.lists(st.integers(0, 99), min_size=6, max_size=6),
    split=st.integers(0, 6),
    hour=st.integers(0, 23),
    is_holiday=st.booleans(),
    channel=st.sampled_from(["web", "phone"]),
    required=st.sampled_from([(), ("street",)]),
)
@settings(max_examples=400, deadline=None)
def test_the_full_trace_agrees_with_the_receipt(
    make_facts, directory, service, chosen, edges, split, hour, is_holiday, channel, required
):
    """The trace asks every rule in turn; the receipt came through the indexes. They must tell one story."""
    pairs = list(zip(chosen, edges, strict=False))
    facts = make_facts(service, at=f"2026-03-04 {hour:02d}:30", is_holiday=is_holiday, channel=channel)
    facts = replace(
        facts,
        hits=tuple(Hit(*place, 1, float(edge), False) for place, edge in pairs[:split]),
        others=tuple(Nearby(*place, float(edge)) for place, edge in pairs[split:]),
        required_layers=required,
    )
    decision = decide(facts, BOOK, directory)
    receipt = make_receipt(facts, decision, BOOK, directory, {}, "centre")
    trace = explain_trace(facts, BOOK, directory)
    assert (trace.winner, trace.lead, trace.rulebook_version) == (receipt["rule"], receipt["lead"], "7")
    assert trace.near_misses == decision.near_misses
    assert trace.facts_digest == receipt["facts"]
    assert [line.rule_id for line in trace.lines] == [rule["id"] for rule in RULES]


def test_the_trace_says_what_became_of_every_rule(make_facts, directory):
    trace = explain_trace(make_facts(hits=["street S1 60"]), BOOK, directory)
    assert [(line.rule_id, line.verdict) for line in trace.lines] == [
        ("park-night", "no_match"),
        ("park", "no_match"),
        ("hole-or-call", "no_match"),
        ("not-holiday", "no_match"),
        ("night", "no_match"),
        ("street", "won"),
        ("fallback", "would_match"),
    ]
    (park,) = trace.lines[1].leaves
    assert (park.kind, park.wanted, park.is_true) == ("layer", "park: P1", False)
