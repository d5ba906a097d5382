"""The one-tap page and the comparison on a small phone, in both languages, with and without JavaScript."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import select

from portal import clock
from portal.models.work import outbox
from portal.operations.context import Actor
from portal.operations.move_report import Move, move_report
from portal.operations.prepare_photo import prepare_photo
from portal.operations.submission import Submission
from portal.operations.submit_report import submit_report
from portal.operations.voice_links import link_for

pytestmark = pytest.mark.browser
DISPATCHER = Actor("dispatcher", "centre")
# What every control of the page must have: a name, and no element wider than the phone.
FAULTS = """() => {
  const named = (el) => el.labels?.length || el.getAttribute('aria-label') || el.textContent.trim()
    || el.querySelector('img[alt]');
  const nameless = [...document.querySelectorAll('main button, main input:not([type=hidden]), main textarea, main a')]
    .filter((el) => !named(el)).map((el) => el.outerHTML);
  const small = [...document.querySelectorAll('main button')]
    .filter((el) => el.getBoundingClientRect().height < 44).map((el) => el.outerHTML);
  const wide = document.documentElement.scrollWidth > innerWidth ? ['wider than the phone'] : [];
  const styled = [...document.querySelectorAll('main [style]')]
    .filter((el) => !el.matches('.compare-photos, .leaflet-container, .leaflet-container *')).map((el) => el.outerHTML);
  const images = [...document.querySelectorAll('main img')].filter((el) => !el.alt).map((el) => el.outerHTML);
  return [...nameless, ...small, ...wide, ...styled, ...images];
}"""


def photo(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def closed(live: Any) -> tuple[str, str]:
    """A case that its unit says is done, with photos, and the reporter's link from the letter."""
    parts = live.app.extensions["wenlu"]
    given = Submission(
        "park-repair", lon=121.640, lat=29.185, accuracy_m=5.0, client_request_id=uuid.uuid4(),
        photos=(photo("red"),),
    )  # fmt: skip
    done = Move("resolve", closing_code="fixed", photos=(photo("green"),), public_text="The bench is mended.")
    with parts.database.transaction() as tx:
        token = submit_report(tx, parts.context, given).token
    for move in (Move("accept"), done):
        with parts.database.transaction() as tx:
            move_report(tx, parts.context, token, DISPATCHER, move)
    with parts.database.reading() as tx:
        waiting = list(tx.scalars(select(outbox.c.id).where(outbox.c.job == "jobs.media.prepare_photo")))
    for outbox_id in waiting:
        with parts.database.transaction() as tx:
            prepare_photo(tx, parts.context, outbox_id)
    code = link_for("reporter", 1, clock.now(), 30).code(parts.keyring, token)
    return token, f"{live.address}/r/{token}/say/{code}"


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize(
    ("lang", "yes", "thanks", "rate", "kept"),
    [
        (
            "en",
            "Yes, it is done",
            "Thank you. You said that it is so.",
            "Send the rating",
            "Your rating is kept.",
        ),
        ("zh_Hans", "是的，办好了", "谢谢，您表示情况属实。", "提交评价", "您的评价已记录"),
    ],
)
def test_one_tap_on_a_small_phone(
    chromium: Any,
    closed: tuple[str, str],
    has_scripts: bool,
    lang: str,
    yes: str,
    thanks: str,
    rate: str,
    kept: str,
) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=has_scripts)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda told: faults.append(told.text) if told.type in ("error", "warning") else None)
    page.goto(f"{closed[1]}?lang={lang}")
    expect(page.get_by_role("button", name=yes)).to_be_in_viewport()
    if has_scripts:
        assert page.evaluate(FAULTS) == []
    page.get_by_role("button", name=yes).click()
    expect(page.get_by_role("status").first).to_have_text(thanks)
    for aspect, score in (("speed", 5), ("result", 4), ("manner", 3)):
        page.locator(f"input[name={aspect}][value='{score}']").check()
    page.get_by_role("button", name=rate).click()
    expect(page.locator("main")).to_contain_text(kept)
    context.close()
    assert faults == []


def test_the_comparison_is_a_slider_that_keys_move(chromium: Any, live: Any, closed: tuple[str, str]) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{live.address}/r/{closed[0]}")
    slider = page.get_by_role("slider", name="How much of the photo afterwards is shown")
    slider.focus()
    before = page.evaluate("getComputedStyle(document.querySelector('.compare-after')).clipPath")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "52"
    assert page.evaluate("getComputedStyle(document.querySelector('.compare-after')).clipPath") != before
    assert page.evaluate(FAULTS) == []
    context.close()


def test_without_scripts_the_photos_stand_side_by_side(
    chromium: Any, live: Any, closed: tuple[str, str]
) -> None:
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, locale="en-GB", java_script_enabled=False
    )
    page = context.new_page()
    page.goto(f"{live.address}/r/{closed[0]}")
    left, right = (page.locator(f".compare-{side}").bounding_box() for side in ("before", "after"))
    assert left["x"] + left["width"] <= right["x"]
    assert abs(left["y"] - right["y"]) < 1
    context.close()
