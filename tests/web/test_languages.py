"""The pages' languages: chosen by address, cookie and browser, and complete in Chinese."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Environment, nodes

from portal.i18n import translations
from portal.pack.names import boundary_names

PORTAL = Path(__file__).resolve().parents[2] / "portal"
TEMPLATES = ("base.html", "public/*.html", "errors/*.html")


@pytest.mark.parametrize(
    ("address", "accept", "cookie", "language"),
    [
        pytest.param("/", "", "", "zh-Hans", id="the city's own"),
        pytest.param("/", "en-GB,en;q=0.9", "", "en", id="the browser's"),
        pytest.param("/", "fr,de;q=0.8", "", "zh-Hans", id="the city's own where we lack the browser's"),
        pytest.param("/", "en", "zh_Hans", "zh-Hans", id="the cookie before the browser"),
        pytest.param("/?lang=en", "zh", "zh_Hans", "en", id="the address before the cookie"),
        pytest.param("/?lang=<b>", "en", "", "en", id="nonsense in the address"),
    ],
)
def test_language_is_chosen(app: Flask, address: str, accept: str, cookie: str, language: str) -> None:
    client = app.test_client()
    if cookie:
        client.set_cookie("wenlu_lang", cookie)
    page = client.get(address, headers={"Accept-Language": accept}).get_data(as_text=True)
    assert f'<html lang="{language}" dir="ltr">' in page


def test_language_of_the_address_is_kept(app: Flask) -> None:
    client = app.test_client()
    client.get("/?lang=en")
    assert '<html lang="en"' in client.get("/").get_data(as_text=True)


def test_errors_speak_the_readers_language(client: FlaskClient) -> None:
    assert "There is nothing here" in client.get("/nope").get_data(as_text=True)
    chinese = client.get("/api/v1/nope", headers={"Accept-Language": "zh"}).json
    assert chinese["title"] == "这里没有内容"


def words_of_templates() -> set[str]:
    calls = (
        call
        for pattern in TEMPLATES
        for path in (PORTAL / "templates").glob(pattern)
        for call in Environment(autoescape=True).parse(path.read_text()).find_all(nodes.Call)
    )
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.node, nodes.Name)
        and call.node.name == "_"
        and isinstance(call.args[0], nodes.Const)
    }


def words_of_code() -> set[str]:
    found = set()
    for folder in ("web", "web/forms", "api"):
        for path in (PORTAL / folder).glob("*.py"):
            if path.name.startswith(("staff", "desk")):
                continue
            for call in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id in ("N_", "gettext")
                ):
                    found |= {each.value for each in call.args if isinstance(each, ast.Constant)}
    return found


def test_every_word_has_its_chinese() -> None:
    words = words_of_templates() | words_of_code()
    catalogue = translations("zh_Hans")
    assert len(words) > 200
    assert sorted(word for word in words if catalogue.gettext(word) == word) == []


@pytest.mark.parametrize(
    ("lang", "name", "other"), [("en", "Market Street", "集市街道"), ("zh_Hans", "集市街道", "")]
)
def test_places_are_named_in_the_readers_language(
    client: FlaskClient, file_one: Any, lang: str, name: str, other: str
) -> None:
    token = file_one("street-light", answers={"lamp-fault": ("dark",)}).token
    for path in (f"/r/{token}", "/report"):
        page = client.get(f"{path}?lang={lang}").get_data(as_text=True)
        assert name in page, path
        assert not other or other not in page, path
    given = {"service_code": "pothole", "lon": 121.64, "lat": 29.185, "lang": lang}
    reason = client.get("/api/v1/where", query_string=given).json["reason"]
    assert name in reason


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({}, "集市街道", id="one language"),
        pytest.param({"name_en": "Market"}, {"zh_Hans": "集市街道", "en": "Market"}, id="two"),
        pytest.param({"name_zh_Hans": "集市", "name_en": ""}, {"zh_Hans": "集市"}, id="its own column wins"),
        pytest.param(
            {"name_long": "x", "names": "y", "code": "z"}, "集市街道", id="columns that name no language"
        ),
    ],
)
def test_names_of_a_boundary(attributes: dict[str, str], expected: Any) -> None:
    assert boundary_names("集市街道", attributes, "zh_Hans") == expected
