"""Who leads, how sure that is, and what nearly happened, on the small city of conftest."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.boundary import Hit, Nearby
from routing.decision import decide
from routing.doubt import disc_share_beyond
from routing.errors import UnknownUnit
from routing.rules import parse_rulebook

RULES = [
    {"id": "night-park", "when": {"all": [{"layer": "park"}, {"time": {"from": "22:00", "to": "06:00"}}]},
     "lead": {"unit": "centre"}, "priority": "emergency", "plan": "storm"},
    {"id": "park-lamp", "when": {"all": [{"service": "lamp"}, {"layer": "park", "code": ["P1"]}]},
     "lead": {"unit": "parks"}, "assist": [{"unit": "lighting"}, {"boundary_of": "street"}], "private": True},
    {"id": "school-hole", "when": {"all": [{"service": "hole"}, {"near": {"layer": "school", "within_m": 50}}]},
     "lead": {"boundary_of": "district"}},
    {"id": "crew", "when": {"answer": {"question": "broken", "in": ["wire"]}}, "lead": {"nearest_of": "depot"}},
    {"id": "idle", "when": {"channel": ["phone"]}, "lead": {"least_loaded": ["crew-b", "crew-a"]}},
    {"id": "enquiries", "when": {"kind": ["enquiry"]}, "lead": {"unit": "lighting"}},
    {"id": "street", "when": {"kind": ["report", "complaint"]}, "lead": {"boundary_of": "street"},
     "ambiguous": "ask", "question": "which-side"},
    {"id": "fallback", "lead": {"unit": "centre"}},
]  # fmt: skip
BOOK = parse_rulebook({"rule": RULES})


@pytest.mark.parametrize(
    ("service", "facts", "rule", "lead", "assist"),
    [
        ("lamp", {"hits": ["street S1"]}, "street", "mill", ()),
        ("hole", {"hits": ["street S2"]}, "street", "quay", ()),
        ("lamp", {"hits": ["street S1", "park P1"]}, "park-lamp", "parks", ("lighting", "mill")),
        ("lamp", {"hits": ["park P1"]}, "park-lamp", "parks", ("lighting",)),
        ("hole", {"hits": ["street S1", "park P1"]}, "street", "mill", ()),
        ("lamp", {"hits": ["park P1"], "at": "2026-03-04 23:00"}, "night-park", "centre", ()),
        ("hole", {"hits": ["district W"], "near": ["school X 20"]}, "school-hole", "west", ()),
        ("hole", {"hits": ["street S1"], "near": ["school X 20"]}, "street", "mill", ()),
        ("lamp", {"answers": {"broken": ("wire",)}, "near": ["depot B 900"]}, "crew", "crew-b", ()),
        ("lamp", {"answers": {"broken": ("wire",)}, "near": ["depot Z 9"]}, "fallback", "centre", ()),
        ("lamp", {"channel": "phone"}, "idle", "crew-b", ()),
        ("lamp", {"channel": "phone", "loads": {"crew-b": 3, "crew-a": 1}}, "idle", "crew-a", ()),
        ("lamp", {"channel": "phone", "loads": {"crew-b": 2, "crew-a": 2}}, "idle", "crew-b", ()),
        ("ask", {"point": None}, "enquiries", "lighting", ()),
        ("lamp", {"point": None}, "fallback", "centre", ()),
        ("lamp", {"hits": ["street S9"]}, "fallback", "centre", ()),
        ("lamp", {"hits": ["street S9", "street S2"]}, "street", "quay", ()),
    ],
)
def test_the_first_rule_that_matches_names_the_lead(
    make_facts, directory, service, facts, rule, lead, assist
):
    decision = decide(make_facts(service, **facts), BOOK, directory)
    assert (decision.rule_id, decision.lead, decision.assist) == (rule, lead, assist)


def test_a_rule_says_more_than_who_leads(make_facts, directory):
    night = decide(make_facts(hits=["park P1"], at="2026-03-04 23:00"), BOOK, directory)
    day = decide(make_facts(hits=["park P1"], priority="high"), BOOK, directory)
    assert (night.priority, night.plan, night.is_private) == ("emergency", "storm", False)
    assert (day.priority, day.plan, day.is_private) == ("high", None, True)


@pytest.mark.parametrize(
    ("service", "hits", "rule", "outside"),
    [
        ("lamp", ["street S1"], "street", False),
        ("lamp", ["park P1"], "fallback", True),
        ("lamp", [], "fallback", True),
        ("ask", [], "enquiries", True),
    ],
)
def test_outside_the_city_only_the_fallback_speaks(make_facts, directory, service, hits, rule, outside):
    decision = decide(make_facts(service, hits=hits, required_layers=("street",)), BOOK, directory)
    assert (decision.rule_id, decision.outside) == (rule, outside)


def test_no_place_is_not_outside(make_facts, directory):
    decision = decide(make_facts(point=None, required_layers=("street",)), BOOK, directory)
    assert (decision.lead, decision.outside, decision.confidence) == ("centre", False, 1.0)


@pytest.mark.parametrize(
    ("hits", "snapped", "is_snapped"),
    [
        (["street S1 3"], ["street S1 3"], True),
        (["street S1 3"], [], False),
        (["street S1 50", "district E 3"], ["district E 3"], False),
    ],
)
def test_snapped_is_said_when_the_lead_hangs_on_it(make_facts, directory, hits, snapped, is_snapped):
    assert decide(make_facts(hits=hits, snapped=snapped), BOOK, directory).snapped is is_snapped


@pytest.mark.parametrize(
    ("edge", "radius", "share"),
    [(0, 30, 0.5), (30, 30, 0.0), (99, 30, 0.0), (15, 30, 0.1955), (5, 30, 0.3944)],
)
def test_share_of_the_disc_beyond_a_straight_edge(edge, radius, share):
    assert disc_share_beyond(edge, radius) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(
    ("hits", "others", "accuracy", "confidence", "ambiguous", "runner_up"),
    [
        (["street S1 5"], ["street S2 5"], 30, 0.605, True, "quay"),
        (["street S1 20"], ["street S2 20"], 30, 0.890, False, "quay"),
        (["street S1 40"], ["street S2 40"], 30, 1.0, False, None),
        (["street S1 5"], ["street S2 5"], 5, 1.0, False, None),
        # Nobody else claims what lies behind the outer border.
        (["street S1 5"], [], 30, 1.0, False, None),
        # No rule asks about wards.
        (["street S1 90", "ward A 1"], ["ward B 1"], 30, 1.0, False, None),
        # Street and district end at the same border.
        (["street S1 5", "district E 5"], ["street S2 5", "district W 5.3"], 30, 0.605, True, "quay"),
        # In a park, near its edge, with nothing but the street behind it.
        (["street S1 99", "park P1 2"], [], 30, 0.542, True, "mill"),
        # Beside a park.
        (["street S1 99"], ["park P1 2"], 30, 0.542, True, "parks"),
        # On the edge itself.
        (["street S1 0"], ["street S2 0"], 30, 0.5, True, "quay"),
    ],
)
def test_a_point_near_an_edge_is_ambiguous(
    make_facts, directory, hits, others, accuracy, confidence, ambiguous, runner_up
):
    decision = decide(make_facts(hits=hits, others=others, accuracy_m=accuracy), BOOK, directory)
    assert decision.confidence == pytest.approx(confidence, abs=2e-3)
    assert (decision.ambiguous, decision.runner_up) == (ambiguous, runner_up)


def test_measured_shares_count_before_estimated_ones(make_facts, directory):
    facts = make_facts(hits=["street S1 5"], others=["street S2 5"])
    measured = replace(facts, shares={"street": {"S1": 0.9, "S2": 0.1}})
    assert decide(facts, BOOK, directory).ambiguous
    decision = decide(measured, BOOK, directory)
    assert (decision.confidence, decision.ambiguous) == (0.9, False)


@pytest.mark.parametrize(
    ("edge", "is_geocoded", "ambiguous"),
    [
        pytest.param(5, False, True, id="a phone sure to 30 m"),
        pytest.param(5, True, False, id="an address 5 m from the border"),
        pytest.param(0.8, True, False, id="an address on its own side of the street"),
        pytest.param(0.5, True, True, id="half a metre"),
        pytest.param(0.1, True, True, id="the middle of the street"),
        pytest.param(0.1, False, True, id="the middle of the street, measured"),
    ],
)
def test_the_point_of_a_record_is_doubtful_only_on_the_border(
    make_facts, directory, edge, is_geocoded, ambiguous
):
    facts = make_facts(hits=[f"street S1 {edge}"], others=[f"street S2 {edge}"], is_geocoded=is_geocoded)
    decision = decide(facts, BOOK, directory)
    assert (decision.runner_up, decision.ambiguous) == ("quay", ambiguous)
    # The share is told all the same.
    assert decision.confidence == pytest.approx(1 - disc_share_beyond(edge, 30), abs=1e-3)


def test_every_unit_with_a_claim_is_told_with_its_share(make_facts, directory):
    facts = make_facts(
        hits=["street S1 2"],
        others=["street S2 2", "street S3 4"],
        shares={"street": {"S1": 0.5, "S2": 0.2, "S3": 0.2, "": 0.1}},
    )
    # S3 has no unit, so the fallback would lead there: no claim, yet the disc is shared with it.
    decision = decide(facts, BOOK, directory)
    assert decision.claims[1] == ("quay", pytest.approx(0.2, abs=1e-3))
    assert decision.claims[0] == ("mill", decision.confidence)
    assert decide(make_facts(hits=["street S1 50"]), BOOK, directory).claims == ()


def test_a_gap_between_two_boundaries_leaves_both_in_question(make_facts, directory):
    """The point snapped to S1 across 1.0 m; S2 lies 1.3 m off: 0.3 m decide between them."""
    hits = ["street S1 1.0"]
    near = make_facts(hits=hits, others=["street S2 1.3"], snapped=hits, is_geocoded=True)
    far = make_facts(hits=hits, others=["street S2 1.9"], snapped=hits, is_geocoded=True)
    assert decide(near, BOOK, directory).ambiguous
    assert not decide(far, BOOK, directory).ambiguous


def test_two_boundaries_of_one_layer_that_overlap(make_facts, directory):
    decision = decide(make_facts(hits=["street S2 80", "street S1 80"]), BOOK, directory)
    assert (decision.lead, decision.runner_up) == ("mill", "quay")
    assert (decision.confidence, decision.ambiguous) == (0.5, True)


@pytest.mark.parametrize(
    ("ambiguous", "question", "expected_question", "assist"),
    [
        ("ask", "which-side", "which-side", ()),
        ("joint", None, None, ("quay",)),
        ("most_likely", None, None, ()),
    ],
)
def test_what_a_rule_does_near_an_edge(make_facts, directory, ambiguous, question, expected_question, assist):
    rule = {
        "id": "street",
        "when": {"service": "lamp"},
        "lead": {"boundary_of": "street"},
        "ambiguous": ambiguous,
    }
    rule |= {"question": question} if question else {}
    book = parse_rulebook({"rule": [rule, RULES[-1]]})
    near = decide(make_facts(hits=["street S1 5"], others=["street S2 5"]), book, directory)
    far = decide(make_facts(hits=["street S1 50"], others=["street S2 50"]), book, directory)
    assert (near.question, near.assist, near.joint) == (expected_question, assist, assist)
    assert (far.question, far.assist) == (None, ())


@pytest.mark.parametrize(
    ("about", "lead", "redirected_from"),
    [
        ("", "mill", None),
        ("quay", "mill", None),
        ("mill", "east", "mill"),
        ("east", "centre", "east"),
        ("ghost", "mill", None),
    ],
)
def test_a_complaint_never_lies_with_the_unit_it_is_about(
    make_facts, directory, about, lead, redirected_from
):
    decision = decide(make_facts("blame", hits=["street S1"], about_unit=about), BOOK, directory)
    assert (decision.lead, decision.redirected_from) == (lead, redirected_from)


@pytest.mark.parametrize(
    ("about", "assist"),
    [
        ("", ("mill", "lighting")),
        ("mill", ("lighting",)),
        ("east", ("lighting",)),
        ("west", ("mill", "lighting")),
    ],
    ids=["nobody", "the assistant", "the unit above the assistant", "another unit"],
)
def test_nobody_below_the_accused_assists_with_the_complaint(make_facts, directory, about, assist):
    rule = {"id": "blame", "when": {"service": "blame"}, "lead": {"unit": "parks"},
            "assist": [{"boundary_of": "street"}, {"unit": "lighting"}]}  # fmt: skip
    book = parse_rulebook({"rule": [rule, RULES[-1]]})
    decision = decide(make_facts("blame", hits=["street S1"], about_unit=about), book, directory)
    assert (decision.lead, decision.assist) == ("parks", assist)


def test_only_complaints_are_kept_from_a_unit(make_facts, directory):
    assert decide(make_facts("lamp", hits=["street S1"], about_unit="mill"), BOOK, directory).lead == "mill"


def test_near_misses_come_nearest_first(make_facts, directory):
    facts = make_facts(hits=["street S1 60"], others=["park P2 55", "park P1 12.345"], near=["school X 80"])
    misses = decide(facts, BOOK, directory).near_misses
    assert [(miss.rule_id, miss.reason, miss.code, miss.distance_m) for miss in misses] == [
        ("park-lamp", "layer", "P1", 12.35),  # metres first
        ("crew", "answer", "", None),  # then the order of the book
        ("idle", "word", "", None),
    ]


def test_behind_the_winner_only_a_boundary_nearby_is_a_near_miss(make_facts, directory):
    rows = [
        {"id": "wins", "when": {"service": "lamp"}, "lead": {"unit": "lighting"}},
        {"id": "late", "when": {"time": {"from": "22:00", "to": "06:00"}}, "lead": {"unit": "parks"}},
        {"id": "park", "when": {"layer": "park"}, "lead": {"unit": "parks"}},
        {"id": "ward", "when": {"layer": "ward"}, "lead": {"unit": "parks"}},
        RULES[-1],
    ]
    decision = decide(make_facts(others=["park P1 9"]), parse_rulebook({"rule": rows}), directory)
    assert [miss.rule_id for miss in decision.near_misses] == ["park"]


@pytest.mark.parametrize(("district_m", "runner_up"), [(5.3, "quay"), (9.0, None)])
def test_two_layers_that_end_at_one_border_are_crossed_together(make_facts, directory, district_m, runner_up):
    rows = [
        {"id": "both", "when": {"all": [{"layer": "street", "code": "S2"}, {"layer": "district", "code": "W"}]},
         "lead": {"unit": "quay"}},
        {"id": "else", "when": {"service": "lamp"}, "lead": {"unit": "mill"}},
        RULES[-1],
    ]  # fmt: skip
    others = ["street S2 5", f"district W {district_m}"]
    facts = make_facts(hits=["street S1 5", f"district E {district_m}"], others=others)
    assert decide(facts, parse_rulebook({"rule": rows}), directory).runner_up == runner_up


def test_a_snapped_boundary_is_not_left_again(make_facts, directory):
    facts = make_facts(hits=["street S1 99", "park P1 2"], snapped=["park P1 2"])
    decision = decide(facts, BOOK, directory)
    assert (decision.lead, decision.snapped, decision.confidence) == ("parks", True, 1.0)


def test_at_most_five_near_misses(make_facts, directory):
    rows = [
        {"id": f"d{n}", "when": {"layer": "park", "code": f"P{n}"}, "lead": {"unit": "parks"}}
        for n in range(9)
    ]
    book = parse_rulebook({"rule": [*rows, RULES[-1]]})
    facts = make_facts(others=[f"park P{n} {90 - n}" for n in range(9)])
    assert [miss.rule_id for miss in decide(facts, book, directory).near_misses] == [
        "d8",
        "d7",
        "d6",
        "d5",
        "d4",
    ]


def test_a_unit_that_does_not_exist_is_not_swallowed(make_facts, directory):
    rule = {"id": "ghost", "when": {"service": "lamp"}, "lead": {"unit": "ghost"}}
    with pytest.raises(UnknownUnit):
        decide(make_facts(), parse_rulebook({"rule": [rule, RULES[-1]]}), directory)


LAYERS = {"street": ["S1", "S2", "S9"], "district": ["E", "W"], "park": ["P1", "P2"]}
places = st.sampled_from([(layer, code) for layer, codes in LAYERS.items() for code in codes])
metres = st.floats(0, 99).map(lambda value: round(value, 2))


@given(
    chosen=st.lists(places, unique=True, max_size=6),
    edges=st.lists(metres, min_size=6, max_size=6),
    split=st.integers(0, 6),
    order=st.randoms(use_true_random=False),
    accuracy=st.floats(1, 500),
)
@settings(max_examples=300, deadline=None)
def test_the_order_of_hits_changes_nothing(make_facts, directory, chosen, edges, split, order, accuracy):
    pairs = list(zip(chosen, edges, strict=False))
    hits = [Hit(*place, 1, edge, False) for place, edge in pairs[:split]]
    others = [Nearby(*place, edge) for place, edge in pairs[split:]]
    facts = replace(make_facts(accuracy_m=accuracy), hits=tuple(hits), others=tuple(others))
    order.shuffle(hits)
    order.shuffle(others)
    shuffled = replace(facts, hits=tuple(hits), others=tuple(others))
    assert decide(shuffled, BOOK, directory) == decide(facts, BOOK, directory)
    assert shuffled.digest() == facts.digest()
