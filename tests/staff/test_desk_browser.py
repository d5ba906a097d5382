"""On a phone: a handler signs in, accepts, tells the public, resolves; the public page shows each step."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from portal.queries.staff_rights import Grant

from .conftest import PASSWORD

pytestmark = pytest.mark.browser
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def open_page(chromium: Browser, viewport: dict[str, int], language: str = "en-GB", **more: object) -> Page:
    page = chromium.new_context(viewport=viewport, locale=language, **more).new_page()
    page.complaints = []
    page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def sign_in(page: Page, address: str, email: str) -> None:
    page.goto(f"{address}/desk/")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/desk/")


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_the_inbox_to_resolved_on_a_phone(has_scripts, desk, address, chromium, tmp_path: Path):
    token = desk.file("street-cn1")
    handler = open_page(chromium, PHONE, java_script_enabled=has_scripts)
    public = open_page(chromium, PHONE)

    def public_reads(text: str) -> None:
        public.goto(f"{address}/r/{token}")
        expect(public.locator("main")).to_contain_text(text)

    sign_in(handler, address, desk.email_of(Grant("handler", "street-cn1")))
    handler.locator(f'a[href="/desk/case/{token}"]').click()
    handler.get_by_role("button", name="Accept the case").click()
    expect(handler.get_by_role("status")).to_have_text("The case is accepted.")
    public_reads("Accepted by Bluestone Street Office")

    handler.get_by_role("button", name="Start work").click()
    expect(handler.get_by_role("status")).to_have_text("Work has started.")
    public_reads("Bluestone Street Office has begun to work on it")

    handler.locator("#do-update > summary").click()
    handler.locator("#update-public_text").fill("The crew comes on Monday. Ask 13912345678.")
    handler.get_by_role("button", name="Tell the public").click()
    expect(handler.get_by_role("status")).to_have_text("The update is public.")
    public_reads("The crew comes on Monday. Ask ▇▇▇.")

    proof = io.BytesIO()
    Image.new("RGB", (80, 60), "green").save(proof, "JPEG")
    (tmp_path / "proof.jpg").write_bytes(proof.getvalue())
    form = handler.locator("#do-resolve")
    form.locator("summary").click()
    form.get_by_text("Fixed", exact=True).click()
    form.locator("#resolve-public_text").fill("The hole is filled.")
    form.locator("input[type=file]").set_input_files(tmp_path / "proof.jpg")
    form.get_by_role("button", name="Resolve").click()
    expect(handler.get_by_role("status")).to_have_text("The case is resolved.")
    public_reads("Bluestone Street Office says it is done")
    public_reads("The hole is filled.")
    assert desk.row(token).closing_code == "fixed"
    assert handler.complaints + public.complaints == []


@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["390", "1280"])
@pytest.mark.parametrize(("language", "words"), [("en-GB", "What to do"), ("zh-CN", "可办事项")])
def test_no_page_is_wider_than_its_screen(viewport, language, words, desk, address, chromium):
    token = desk.file("street-cn1", description="W" * 300, is_ambiguous=True)
    page = open_page(chromium, viewport, language)
    sign_in(page, address, desk.email_of(Grant("admin", "")))
    lists = ("/desk/", "/desk/?part=assist", "/desk/?view=board", "/desk/?view=map", "/desk/?colour=red&q=a")
    for path in (*lists, "/desk/dispatch", "/desk/account", f"/desk/case/{token}"):
        page.goto(address + path)
        assert fits(page), path
    expect(page.locator("main")).to_contain_text(words)
    for fold in page.locator("details > summary").all():
        fold.click()
    assert fits(page)
    assert page.complaints == []


def test_targets_are_large_enough_for_a_thumb(desk, address, chromium):
    page = open_page(chromium, PHONE)
    sign_in(page, address, desk.email_of(Grant("handler", "street-cn1")))
    page.goto(f"{address}/desk/case/{desk.file('street-cn1')}")
    heights = page.eval_on_selector_all(
        "main button, main summary, .nav a, main select, main input:not([type=hidden])",
        # A box or a dot is pressed anywhere on its label.
        "all => all.filter(e => e.offsetParent).map(e => /checkbox|radio/.test(e.type) ? e.closest('label') : e)"
        ".map(e => Math.round(e.getBoundingClientRect().height))",
    )
    assert len(heights) > 5
    assert min(heights) >= 44


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_many_cases_are_accepted_at_once(has_scripts, desk, address, chromium):
    tokens = [desk.file("street-ba1") for _ in range(3)]
    page = open_page(chromium, PHONE, java_script_enabled=has_scripts)
    sign_in(page, address, desk.email_of(Grant("handler", "street-ba1")))
    expect(page.locator(".bulk")).to_be_hidden()  # nothing is ticked
    for token in tokens:
        page.get_by_label(f"Choose {token}").check()
    page.locator("#bulk-action").select_option("note")
    expect(page.locator("#bulk-note")).to_be_visible()
    expect(page.locator("#bulk-unit")).to_be_hidden()  # a note needs no unit
    page.locator("#bulk-action").select_option("accept")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status")).to_have_text("3 cases: done.")
    assert {desk.row(token).state for token in tokens} == {"accepted"}
    assert page.complaints == []


def test_the_list_is_worked_by_keys_alone(desk, address, chromium):
    tokens = [desk.file("street-ba2") for _ in range(3)]
    page = open_page(chromium, WIDE)
    sign_in(page, address, desk.email_of(Grant("handler", "street-ba2")))
    ticks = page.locator("input[name=token]")
    in_order = ticks.evaluate_all("all => all.map(each => each.value)")
    assert set(in_order) == set(tokens)
    for key in ("j", "j", "x", "k", "x", "x"):
        page.keyboard.press(key)
    assert [each.is_checked() for each in ticks.all()] == [False, True, False]
    page.keyboard.press("?")
    expect(page.get_by_text("tick the case")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("jx?")  # in a field these are letters
    expect(page.locator("#q")).to_have_value("jx?")
    assert [each.is_checked() for each in ticks.all()] == [False, True, False]
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/desk/case/{in_order[1]}")
    assert page.complaints == []
