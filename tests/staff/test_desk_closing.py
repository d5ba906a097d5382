"""Closing on the desk: ready-made answers in the reporter's language, proof in figures, and the code for rating."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from PIL import Image

from portal import clock
from portal.operations.voice_links import read_link
from portal.queries.staff_rights import Grant

OWN = Grant("handler", "street-cn1")


def answers_on(page: str) -> dict[str, str]:
    """Number and text of every ready-made answer of the resolve form."""
    form = page[page.index('id="do-resolve"') :]
    found = re.findall(r'<option value="(\d+)" data-ending="(\w+)" data-text="([^"]*)"', form)
    return {f"{ending} {text}": number for number, ending, text in found}


@pytest.mark.parametrize(
    ("locale", "text"),
    [("en", "The hole was cleaned out and filled, and the road is open again."),
     ("zh_Hans", "坑洼已清理并补平，路面已恢复通行。")],
)  # fmt: skip
def test_an_answer_is_put_in_without_javascript(desk: Any, locale: str, text: str) -> None:
    token = desk.file("street-cn1", "accepted", locale=locale, service_code="pothole")
    browser = desk.client(OWN)
    offered = answers_on(browser.get(f"/desk/case/{token}").text)
    page = browser.move(
        token, "resolve", fill="1", answer=offered[f"fixed {text}"], reason="Too dark for a photo"
    )
    assert page.status_code == 200
    assert f"{text}</textarea>" in page.text
    assert re.search(r'name="closing_code" value="fixed" required checked', page.text)
    assert 'value="Too dark for a photo"' in page.text, "what was typed stays"
    assert desk.row(token).state == "accepted", "nothing was done yet"


def test_answers_fit_the_service_its_own_first(desk: Any) -> None:
    token = desk.file("street-cn1", "accepted", service_code="pothole", locale="en")
    offered = list(answers_on(desk.client(OWN).get(f"/desk/case/{token}").text))
    assert offered[0].startswith("fixed The hole was")
    assert "fixed This has been dealt with. Please see whether it is so." in offered
    assert not [one for one in offered if "lamp" in one or one.startswith("answered")]


@pytest.mark.parametrize("answer", ["", "999999", "x"])
def test_the_button_without_an_answer_does_what_the_form_does(desk: Any, answer: str) -> None:
    token = desk.file("street-cn1", "accepted")
    done = desk.client(OWN).move(
        token, "resolve", fill="1", answer=answer, closing_code="fixed", reason="dark"
    )
    assert done.status_code == 303
    assert desk.row(token).state == "resolved"


def test_a_photo_that_breaks_off_is_refused_with_the_form(desk: Any) -> None:
    token = desk.file("street-cn1", "accepted")
    out = io.BytesIO()
    Image.effect_noise((200, 200), 90).convert("RGB").save(out, "JPEG")
    half = (io.BytesIO(out.getvalue()[: len(out.getvalue()) // 2]), "proof.jpg")
    page = desk.client(OWN).move(token, "resolve", closing_code="fixed", public_text="Filled.", photos=half)
    assert page.status_code == 422
    assert "not a photo that we can read" in page.text
    assert "Filled.</textarea>" in page.text
    assert desk.row(token).state == "accepted"


def test_the_desk_reads_how_far_and_when(desk: Any) -> None:
    token = desk.file("street-cn1", "accepted")
    data, out = Image.Exif(), io.BytesIO()
    data.get_ifd(0x8825).update({1: "N", 2: (29.0, 30.0, 0.0), 3: "E", 4: (121.0, 30.0, 0.0)})
    Image.new("RGB", (40, 30)).save(out, "JPEG", exif=data)
    proof = (io.BytesIO(out.getvalue()), "proof.jpg")
    desk.client(OWN).move(token, "resolve", closing_code="fixed", photos=proof)
    page = desk.client(OWN).get(f"/desk/case/{token}").text
    assert re.search(
        r"Taken far from the place, the photo does not say when it was taken.*m from the place", page
    )
    public = desk.client().get(f"/r/{token}").text
    assert "Taken far from the place" in public
    assert "m from the place" not in public


def test_the_code_leads_to_a_rating_and_nothing_else(desk: Any) -> None:
    token = desk.file("street-cn1", "accepted")
    browser = desk.client(OWN)
    assert browser.get(f"/desk/case/{token}/poster").status_code == 409, "nothing to rate yet"
    browser.move(token, "resolve", closing_code="fixed", reason="dark")
    poster = browser.get(f"/desk/case/{token}/poster").text
    code = re.search(rf"/r/{token}/say/(\S+?)</p>", poster).group(1)  # type: ignore[union-attr]
    link = read_link(desk.context.keyring, token, code, clock.now())
    assert (link.role, link.closing_no) == ("guest", 1)
    drawn = browser.get(f"/desk/case/{token}/code.svg")
    assert drawn.content_type == "image/svg+xml"
    root = ElementTree.fromstring(drawn.text)
    assert root.tag.endswith("svg")
    assert "style" not in drawn.text
    stranger = desk.client(Grant("handler", "street-wh1"))
    assert stranger.get(f"/desk/case/{token}/code.svg").status_code == 404
