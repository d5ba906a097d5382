"""Words for everything that can happen, in both languages, and no English left on a Chinese page."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

from portal.i18n import translations
from portal.operations.move_words import KINDS
from portal.queries.dispatch_list import WHYS
from portal.queries.staff_rights import STAFF_ROLES, Grant
from portal.web import staff_words as words
from portal.web.forms.staff_move import fields_of
from routing.closing import CLOSING_CODES
from routing.facts import KINDS as SERVICE_KINDS
from routing.lifecycle import STATES, TRANSFER_REASONS, TRANSITIONS, WAIT_REASONS, available

ROOT = Path(__file__).resolve().parents[2]
STAFF_ACTIONS = {
    action for state in STATES for role in STAFF_ROLES for part in ("lead", "assist", "desk")
    for action in available(state, role, part)
}  # fmt: skip


def test_every_event_that_people_or_the_demo_make_has_words_on_the_desk():
    """`event_keys.csv` holds the kinds that live journeys and the demo write; a test of the demo keeps it true."""
    with (ROOT / "tests/data/event_keys.csv").open(encoding="utf-8", newline="") as stream:
        kinds = {row["kind"] for row in csv.DictReader(stream)}
    assert len(kinds) > 60
    assert sorted(kinds - set(words.EVENTS)) == []


@pytest.mark.parametrize(
    ("table", "needed"),
    [
        (words.STATES, STATES),
        (words.ROLES, {*STAFF_ROLES, "system", "reporter"}),
        (words.ACTIONS, STAFF_ACTIONS),
        (words.DONE, STAFF_ACTIONS),
        (words.REASONS, {*TRANSFER_REASONS, *WAIT_REASONS}),
        (words.CLOSING_CODES, CLOSING_CODES),
        (words.CLOSING_HINTS, CLOSING_CODES),
        (words.EVENTS, set(KINDS.values())),
        (words.WHYS, WHYS),
    ],
    ids=["states", "roles", "actions", "done", "reasons", "closing codes", "closing hints", "events", "whys"],
)
def test_there_are_words_for_everything(table, needed):
    assert set(needed) <= set(table)


@pytest.mark.parametrize("kind", SERVICE_KINDS)
def test_every_action_has_a_form_that_asks_for_what_it_needs(kind):
    for action in STAFF_ACTIONS:
        names = {field.name for field in fields_of(action, kind)}
        if TRANSITIONS[action].needs_reason:
            assert "reason" in names
        if action in {"transfer", "assign"}:
            assert "to_unit" in names
        if action == "resolve":
            assert {
                "closing_code",
                "public_text",
                "photos",
                "reason",
                "outside_body",
                "duplicate_of",
                "until",
            } == names


def msgids() -> list[object]:
    found = []
    for path in sorted((ROOT / "portal/templates/staff").glob("*.html")):
        keywords = {"_": None, "ngettext": (1, 2)}
        found += extract_from_file("jinja2.ext:babel_extract", path, keywords, options={"trim_blocks": "1"})
    for name in ("staff_words", "staff_auth", "desk_dispatch", "desk_case", "forms/staff_move"):
        found += extract_from_file("python", ROOT / f"portal/web/{name}.py", {"N_": None})
    for name in ("passwords", "sign_in", "manage_accounts", "ensure_demo_accounts"):
        found += extract_from_file("python", ROOT / f"portal/operations/{name}.py", {"N_": None})
    return [message for _, message, _, _ in found]


def test_every_sentence_of_the_desk_is_in_chinese():
    wanted = msgids()
    assert len(wanted) > 250
    assert [message for message in wanted if not re.search("[一-鿿]", in_chinese(message))] == []


def in_chinese(message: object) -> str:
    chinese = translations("zh_Hans")
    return chinese.ngettext(*message[:2], 3) if isinstance(message, tuple) else chinese.gettext(message)


def test_places_in_sentences_are_kept_in_translation():
    place = re.compile(r"%\(\w+\)s")
    for message in msgids():
        texts = message[:2] if isinstance(message, tuple) else (message,)
        assert set(place.findall(texts[-1])) == set(place.findall(in_chinese(message))), message


# Codes, names of files, programs and keys, and units of measure stay as they are.
NOT_WORDS = re.compile(
    r"\b(API|PDF|Alt|Ctrl|Shift|Option|Firefox|Mac|English|Wenlu|m|km|"
    r"[a-z0-9-]+@[a-z.]+|[a-z]+(-[a-z0-9]+)+|[0-9A-Z]{14}|(?<=市民 )[0-9A-Z]{4})\b"
)


@pytest.mark.parametrize("path", ["/desk/", "/desk/dispatch", "/desk/account", "case", "conflict", "sign-in"])
def test_no_english_is_left_on_a_chinese_page(path, desk):
    browser = desk.client(Grant("admin", ""), "zh-Hans")
    token = desk.file(
        "street-cn1", "accepted", description="洞很深。", public_text="洞很深。", is_ambiguous=True
    )
    browser.move(token, "note", note="看水泵。")
    if path == "case":
        page = browser.get(f"/desk/case/{token}").text
    elif path == "conflict":
        browser.move(token, "start")
        page = browser.move(token, "update", public_text="来了。", seen_seq=1).text
    elif path == "sign-in":
        page = browser.post("/desk/sign-in", {"email": "", "password": "x"}).text
    else:
        page = browser.get(path).text
    text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    text = text.replace("Demo admin", "").replace("admin.city@linhai.example", "").replace("admin.city", "")
    left = re.findall(r"[A-Za-z]{2,}", NOT_WORDS.sub(" ", text))
    assert left == []
