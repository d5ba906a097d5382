"""Every page of the portal, in both languages, light and dark, from a small phone to a desk: nothing is amiss.

The quick pass asks each page once in each way (`make test`); PAGES=all asks in every combination (`make pages`),
and SHOTS=folder keeps a picture of each (`make shots`).
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import abort

from portal.web import access

from .town import PASSWORD, Town, build
from .watch import AXE, LOCALES, OF_COLOURS, SCHEMES, WATCH_POLICY, WIDTHS, Tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not in tests/vendor; `make test` installs it"),
]
ALL = os.environ.get("PAGES") == "all"
SHOTS = os.environ.get("SHOTS")
REFUSALS = (400, 403, 404, 405, 409, 413, 422, 429, 500, 503)
with (Path(__file__).parent / "pages.csv").open(encoding="utf-8", newline="") as lines:
    ROWS = [row for row in csv.DictReader(lines) if row["who"] != "-"]
LOOKS = [(row["who"], row["address"], 200) for row in ROWS]
LOOKS += [("nobody", f"/refusal/{status}", status) for status in REFUSALS]


@pytest.fixture(scope="module")
def town(live: Any) -> Town:
    """One of everything, and a page for each refusal."""

    def refuse(status: int) -> None:
        abort(status)

    live.app.add_url_rule("/refusal/<int:status>", "refusal", access.public(refuse))
    return build(live.app)


@pytest.fixture(scope="module")
def tab_of(live: Any, town: Town, chromium: Any) -> Iterator[Callable[[str, str], Tab]]:
    """A person's browser in one language, opened once and kept."""
    tabs: dict[tuple[str, str], Tab] = {}
    sessions: dict[str, Any] = {}

    def find(who: str, locale: str) -> Tab:
        if (who, locale) not in tabs:
            context = chromium.new_context(
                locale=LOCALES[locale], storage_state=sessions.get(who), color_scheme="light"
            )
            context.add_init_script(WATCH_POLICY)
            tabs[who, locale] = tab = Tab(context.new_page())
            if who not in sessions:
                sessions[who] = _let_in(tab.page, live.address, town, who)
        return tabs[who, locale]

    yield find
    for tab in tabs.values():
        tab.page.context.close()


def _let_in(page: Any, address: str, town: Town, who: str) -> Any:
    if who in town.emails:
        page.goto(f"{address}/desk/sign-in")
        page.locator("#email").fill(town.emails[who])
        page.locator("#password").fill(PASSWORD)
        page.locator("main button").click()
        page.wait_for_url("**/desk/")
    if who == "reporter":
        page.goto(f"{address}/r/{town.parts['case']}#{town.secrets[town.parts['case']]}")
        page.wait_for_selector("#case[data-own=yes]")
    return page.context.storage_state()


@pytest.mark.skipif(bool(SHOTS), reason="pictures only")
@pytest.mark.parametrize(("who", "address", "status"), LOOKS, ids=[f"{who} {path}" for who, path, _ in LOOKS])
def test_nothing_is_amiss(
    live: Any, town: Town, tab_of: Callable[[str, str], Tab], who: str, address: str, status: int
) -> None:
    path = address.format_map(town.parts)
    faults: list[str] = []
    for locale in LOCALES:
        tab = tab_of(who, locale)
        assert tab.open(live.address + path, status) == status
        found = _looked_at(tab, _ways(locale)) + tab.too_small() + tab.turned_around() + tab.complained()
        faults += [f"{locale} {one}" for one in found]
    assert faults == [], "\n".join(faults)


def _ways(locale: str) -> list[tuple[str, int, bool]]:
    """In which scheme, how wide, and whether axe is asked: the quick pass asks it once in each scheme."""
    if ALL:
        return [(scheme, width, True) for scheme, width in product(SCHEMES, WIDTHS)]
    first, last = SCHEMES if locale == "en" else SCHEMES[::-1]
    return [(first, width, False) for width in WIDTHS[1:]] + [
        (first, WIDTHS[0], locale == "en"),
        (last, WIDTHS[0], locale == "en"),
    ]


def _looked_at(tab: Tab, ways: list[tuple[str, int, bool]]) -> list[str]:
    found: list[str] = []
    for scheme, width, is_axe_asked in ways:
        tab.set_to(scheme, width)
        found += tab.too_wide()
        if is_axe_asked:
            found += tab.broken_rules() if ALL or scheme == SCHEMES[0] else tab.broken_rules(OF_COLOURS)
    return found


@pytest.mark.skipif(not SHOTS, reason="SHOTS names no folder")
@pytest.mark.parametrize(("who", "address", "status"), LOOKS, ids=[f"{who} {path}" for who, path, _ in LOOKS])
def test_a_picture_of_each(
    live: Any, town: Town, tab_of: Callable[[str, str], Tab], who: str, address: str, status: int
) -> None:
    folder = Path(str(SHOTS))
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", f"{address} {who}").strip("-")
    for locale in LOCALES:
        tab = tab_of(who, locale)
        tab.open(live.address + address.format_map(town.parts), status)
        tab.page.wait_for_load_state("networkidle")
        for scheme, width in product(SCHEMES, (WIDTHS[0], WIDTHS[-1])):
            tab.set_to(scheme, width)
            tab.page.screenshot(path=folder / f"{name}.{width}.{scheme}.{locale}.png", full_page=True)
