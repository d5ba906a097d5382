"""Hand-overs and history that become proposed rules: enough evidence, the smallest place, no leak, valid TOML."""

from __future__ import annotations

import pytest

from routing.learn import Settled, proposals_toml, propose, quoted, slug, wilson_low, with_proposals
from routing.learn_history import (
    Columns,
    Known,
    Teacher,
    by_facts,
    in_time,
    learnt_lines,
    lines_toml,
    one_spelling,
    said,
    score,
)
from routing.rules import parse_rulebook

FALLBACK = '[[rule]]\nid = "fallback"\nlead = { unit = "centre" }\n'
LAYERS = ["street", "district"]


def settled(count, kept_by="b", street="S1", district="D", service="lamp", start=0):
    places = (("district", district), ("street", street))
    return [Settled(f"{street}{start + n}", service, "a", kept_by, places) for n in range(count)]


@pytest.mark.parametrize(
    ("hits", "tries", "low"),
    [(0, 0, 0.0), (0, 10, 0.0), (10, 10, 0.7225), (3, 3, 0.4385), (50, 100, 0.4038), (95, 100, 0.8882)],
)
def test_the_lower_bound(hits, tries, low):
    assert wilson_low(hits, tries) == pytest.approx(low, abs=1e-4)


@pytest.mark.parametrize(
    ("cases", "lines"),
    [
        pytest.param(settled(6), [("street", ("S1",), 6, 6)], id="one street"),
        pytest.param(settled(2), [], id="too little evidence"),
        pytest.param(settled(6) + settled(6, "a", start=50), [], id="half of them only"),
        pytest.param(settled(20) + settled(2, "a", start=50), [("street", ("S1",), 22, 20)], id="nearly all"),
        pytest.param(settled(6) + settled(6, street="S2"), [("street", ("S1", "S2"), 12, 12)], id="two streets"),
        pytest.param(
            [case for n in range(8) for case in settled(1, street=f"S{n}")],
            [("district", ("D",), 8, 8)], id="one in each street",
        ),
        pytest.param(
            [case for n in range(8) for case in settled(1, street=f"S{n}", district=f"D{n}")],
            [("", (), 8, 8)], id="everywhere",
        ),
        pytest.param(settled(9, "centre"), [], id="the centre keeps what nobody owns"),
        pytest.param([Settled(str(n), "lamp", "b", "b", (("street", "S1"),)) for n in range(9)], [], id="no hand-over"),
    ],
)  # fmt: skip
def test_what_is_proposed(cases, lines):
    found = propose(cases, LAYERS, never={"centre"})
    assert [(one.layer, one.codes, one.cases, one.moved) for one in found] == lines
    assert all(one.unit == "b" for one in found)


def test_a_draft_can_be_read_and_names_its_evidence():
    lines = propose(settled(6) + settled(7, '区"\n', street='S"9', service="垃圾"), LAYERS)
    book = with_proposals(f"# ours\n{FALLBACK}", lines)
    rules = parse_rulebook(book).rules
    assert [rule.lead.unit for rule in rules] == ['区"\n', "b", "centre"]
    assert book.startswith("# ours\n# 7 of 7 cases were handed to")
    assert "S10, S11, S12" in proposals_toml(lines)


@pytest.mark.parametrize("text", ['a"b', "a\\b", "行\n", "\x00", "plain"])
def test_any_text_can_be_quoted(text):
    import tomllib

    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}


def test_slugs_differ_where_words_do():
    assert slug("street-light") == "street-light"
    assert slug("市容") != slug("环保") != ""


def history(count, service, sub, street, unit, start=0):
    return [
        Known(f"{service}{start + n}", f"2026-01-{n % 28 + 1:02d}", unit, (service, sub, street))
        for n in range(count)
    ]


COLUMNS = Columns(("sub",), ("street",))
PAST = [
    *history(20, "lamp", "dark", "S1", "city"), *history(6, "lamp", "leaning", "S1", "crew", 50),
    *history(6, "lamp", "leaning", "S2", "quay", 80), *history(3, "lamp", "", "S2", "city", 100),
]  # fmt: skip


def test_the_finest_facts_speak_first():
    lines = learnt_lines(PAST, COLUMNS)
    told = [said(by_facts(lines), COLUMNS, ("lamp", *rest)) for rest in
            (("dark", "S9"), ("leaning", "S1"), ("leaning", "S2"), ("leaning", "S9"), ("new", "S1"))]  # fmt: skip
    assert told == ["city", "crew", "quay", "crew", "city"]
    assert len(lines) < 7  # what a coarser line says already is not said again
    rules = parse_rulebook(lines_toml(lines, COLUMNS) + FALLBACK).rules
    assert rules[0].lead.unit in {"crew", "quay"}


def test_rare_facts_are_smoothed_by_what_is_known_without_them():
    past = [*history(50, "lamp", "dark", "S1", "city"), *history(1, "lamp", "odd", "S1", "crew", 60)]
    ranked = Teacher.learn(past, COLUMNS).ranked(("lamp", "odd", "S1"))
    assert [unit for unit, _ in ranked] == ["city", "crew"]
    assert sum(share for _, share in ranked) == pytest.approx(1)


def test_the_later_fifth_is_never_learnt_from():
    early = [Known(f"e{n}", "2026-01-01", "old", ("lamp",)) for n in range(80)]
    late = [Known(f"l{n}", "2026-02-01", "new", ("lamp",)) for n in range(20)]
    assert in_time([*late, *early]) == (
        sorted(early, key=lambda one: one.name),
        sorted(late, key=lambda one: one.name),
    )
    found = score([*late, *early], Columns())
    assert (found.learnt_from, found.judged, found.top_1, found.top_3, found.unseen) == (80, 20, 0, 0, 1)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("城管办（坑梓街道办事处）", "城管办"),
        ("城管办", "城管办"),
        ("A (b) c", "A (b) c"),
        ("Parks (west)", "Parks"),
        ("(x)", "(x)"),
    ],
)  # fmt: skip
def test_two_spellings_of_one_unit(name, bare):
    assert one_spelling(name) == bare
