"""A resident with a phone files a report with a photo and follows it, with JavaScript and without."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def photo(name: str = "bench.jpg") -> dict[str, Any]:
    out = io.BytesIO()
    Image.new("RGB", (120, 90), "orange").save(out, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def token_in(url: str) -> str:
    return re.search(r"/r/([0-9A-Z]{14})", url).group(1)


def test_with_javascript(live: Any, phone: Any) -> None:
    phone.goto(f"{live.address}/report")
    phone.get_by_role("searchbox").fill("bench")
    phone.get_by_role("button", name="Damage in a park").click()
    assert phone.locator("#service_code").input_value() == "park-repair"
    phone.get_by_role("button", name="Use my location").click()
    preview = phone.locator("#preview")
    preview.get_by_text("Market Street Office answers for this place.").wait_for()
    assert phone.locator("#accuracy_m").input_value() == "18"
    phone.locator("#description").fill("The bench is broken")
    phone.locator("#photo").set_input_files([photo()])
    phone.locator("#thumbs img").wait_for()
    phone.locator("#send").click()
    phone.get_by_role("heading", name="Market Street Office answers for this").wait_for()
    link = phone.locator("#private-link").input_value()
    assert re.fullmatch(rf"{live.address}/r/[0-9A-Z]{{14}}#[\w-]{{22}}", link)


def test_without_a_net_the_report_waits_and_is_sent_once(live: Any, phone: Any) -> None:
    phone.goto(f"{live.address}/report?service=park-repair")
    phone.get_by_role("button", name="Use my location").click()
    phone.locator("#preview").get_by_text("Market Street Office").first.wait_for()
    phone.locator("#description").fill("The swing hangs by one chain")
    phone.context.set_offline(True)
    phone.locator("#send").click()
    phone.get_by_text("is sent as soon as there is one").wait_for()
    assert phone.locator("#description").input_value() == "The swing hangs by one chain"
    phone.context.set_offline(False)
    phone.get_by_role("heading", name="Market Street Office answers for this").wait_for()


def test_the_private_link_opens_the_report_elsewhere(live: Any, phone: Any, chromium: Any) -> None:
    phone.goto(f"{live.address}/report?service=park-repair")
    phone.get_by_role("button", name="Use my location").click()
    phone.locator("#preview").get_by_text("Market Street Office").first.wait_for()
    phone.locator("#description").fill("Ring 13912345678")
    phone.locator("#send").click()
    link = phone.locator("#private-link").input_value()
    other = chromium.new_context(locale="en-GB").new_page()
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))
    other.goto(link)
    other.get_by_text("You see your own report").wait_for()
    assert "13912345678" in other.inner_text("main")
    assert "#" not in other.url
    secret = link.partition("#")[2]
    assert asked
    assert not [address for address in asked if secret in address.partition("#")[0]]
    other.context.close()


@pytest.mark.parametrize("lang", ["en", "zh_Hans"])
def test_a_private_link_that_does_not_fit_says_so(live: Any, chromium: Any, lang: str) -> None:
    import uuid

    from portal.operations.submission import Submission
    from portal.web.intake import file_report

    with live.app.test_request_context():
        given = Submission(
            "park-repair", lon=121.640, lat=29.185, accuracy_m=5.0, client_request_id=uuid.uuid4()
        )
        filed = file_report(given)
    page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{live.address}/r/{filed.token}?lang={lang}#{'A' * 22}")
    expect(page.get_by_role("alert")).to_be_visible()
    assert "#" not in page.url
    page.goto(f"{live.address}/r/{filed.token}#{filed.secret}")
    expect(page.locator("#wrong-link")).to_have_count(0)
    page.context.close()


def test_the_map_moves_beneath_a_fixed_cross(live: Any, phone: Any) -> None:
    phone.goto(f"{live.address}/report?service=pothole")
    box = phone.locator("#place-map")
    box.scroll_into_view_if_needed()
    assert phone.locator("#lon").input_value() == ""
    frame = box.bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    phone.mouse.move(x, y)
    phone.mouse.down()
    phone.mouse.move(x - 60, y - 40, steps=8)
    phone.mouse.up()
    phone.locator("#preview").get_by_text("answers for this place").wait_for()
    lon, lat = float(phone.locator("#lon").input_value()), float(phone.locator("#lat").input_value())
    assert lon > 121.6091
    assert lat < 29.2018


def test_the_last_choice_of_place_counts(live: Any, phone: Any) -> None:
    phone.goto(f"{live.address}/report?service=park-repair")
    phone.wait_for_selector(".leaflet-control-zoom-in")
    phone.click(".leaflet-control-zoom-in")
    phone.wait_for_timeout(600)
    assert phone.input_value("#lon") == "", "looking closer is no place"
    phone.locator("#place-map").focus()
    phone.keyboard.press("ArrowLeft")
    expect(phone.locator("#lon")).not_to_have_value("")
    phone.click("#other-place summary")
    phone.select_option("#area", "street:CN1")
    assert [phone.input_value(name) for name in ("#lon", "#lat", "#accuracy_m")] == ["", "", ""]
    assert "area that you chose counts" in phone.text_content("#place-status")
    expect(phone.locator(".preview-unit")).to_contain_text("Bluestone Street Office")
    phone.locator("#place-map").focus()
    phone.keyboard.press("ArrowRight")
    expect(phone.locator("#lon")).not_to_have_value("")
    assert phone.input_value("#area") == ""


def test_questions_follow_the_answers(live: Any, phone: Any) -> None:
    phone.goto(f"{live.address}/report")
    phone.locator("#service_code").select_option("missed-collection")
    phone.get_by_text("What kind of rubbish is it?").wait_for()
    count = phone.get_by_text("About how many items are there?")
    assert not count.is_visible()
    phone.get_by_label("Bulky items").check()
    assert count.is_visible()
    phone.locator("#service_code").select_option("road-collapse")
    phone.get_by_text("Is anybody hurt or trapped?").wait_for()
    phone.get_by_label("Yes").check()
    phone.get_by_text("Call 119 or 120 now").wait_for()


def test_what_was_reported_nearby_is_shown(live: Any, phone: Any) -> None:
    for _ in range(2):
        phone.goto(f"{live.address}/report?service=traffic-signal")
        phone.get_by_role("button", name="Use my location").click()
        phone.locator("#preview").get_by_text("answers for this place").wait_for()
        if phone.get_by_text("Reported nearby already").count():
            break
        phone.locator("#description").fill("The light is dark")
        phone.locator("#send").click()
        phone.locator("#private-link").wait_for()
    assert phone.locator("#preview a").first.get_attribute("href").startswith(f"{live.address}/r/")


def test_without_javascript(live: Any, plain_phone: Any) -> None:
    page = plain_phone
    page.goto(f"{live.address}/report")
    page.locator("#service_code").select_option("pothole")
    page.get_by_role("button", name="Show its questions").click()
    page.get_by_label("Larger than a plate").check()
    page.locator("#area").select_option("street:WH1")
    page.locator("#place_words").fill("before the market hall")
    page.locator("#description").fill("Deep hole")
    page.locator("#photo").set_input_files([photo()])
    page.locator("#email").fill("wrong")
    page.locator("#send").click()
    assert "Not sent yet" in page.inner_text("#faults")
    assert "Photo 1 is kept" in page.inner_text("main")
    assert page.get_by_label("Larger than a plate").is_checked()
    page.locator("#email").fill("")
    page.locator("#send").click()
    assert "Market Street Office answers for this" in page.inner_text("h1")
    token = token_in(page.url)
    page.get_by_text("For a browser without JavaScript").click()
    once = page.locator("details a").get_attribute("href")
    page.context.clear_cookies()
    page.goto(once)
    page.get_by_role("button", name="Open it here").click()
    assert token_in(page.url) == token
    assert "You see your own report" in page.inner_text("main")
    assert "before the market hall" in page.inner_text("main")


@pytest.mark.parametrize("path", ["/", "/report", "/map", "/units", "/units/lighting", "/api/docs"])
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_no_page_is_wider_than_its_screen(live: Any, phone: Any, path: str, width: int) -> None:
    phone.set_viewport_size({"width": width, "height": 800})
    phone.goto(f"{live.address}{path}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", ["/", "/report", "/map"])
def test_targets_suit_a_finger(live: Any, phone: Any, path: str) -> None:
    phone.goto(f"{live.address}{path}")
    phone.wait_for_timeout(300)
    small = phone.evaluate(
        """() => [...document.querySelectorAll("button, select, summary, nav a, .leaflet-bar a, .button, .card")]
          .filter(each => each.offsetParent !== null && !each.closest(".only-read"))
          .map(each => [each.textContent.trim().slice(0, 30), each.getBoundingClientRect().height])
          .filter(([, height]) => height < 44)"""
    )
    assert small == []


def test_the_map_shows_a_report_and_leads_to_it(live: Any, phone: Any) -> None:
    import uuid
    from dataclasses import replace

    from portal.operations.submission import Submission
    from portal.web.intake import file_report

    with live.app.test_request_context():
        given = Submission(
            "water-leak", lon=121.6091, lat=29.2018, accuracy_m=5.0, answers={"leak-kind": ("drip",)},
            client_request_id=uuid.uuid4(), description="Water <img src=x onerror=alert(1)> runs",
        )  # fmt: skip
        token = file_report(given).token
        far = replace(given, lon=12.5, lat=41.9, client_request_id=uuid.uuid4(), description="In Rome")
        assert file_report(far).is_repeat is False
    phone.goto(f"{live.address}/map?service=water-leak")
    with phone.expect_response(re.compile("/api/v1/map/reports")):
        phone.reload()
    phone.wait_for_timeout(800)
    frame = phone.locator(".big-map").bounding_box()
    phone.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    link = phone.locator(".leaflet-popup-content a")
    link.wait_for()
    assert link.get_attribute("href") == f"/r/{token}"
    assert "<img src=x" in phone.locator(".leaflet-popup-content").inner_text()
