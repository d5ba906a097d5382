"""The receipt on `/r/<token>`: a map without JavaScript, the chain of responsibility, and the "wrong?" button."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from portal import clock
from portal.operations.object_to_route import BY_ADDRESS, ON_CASE
from portal.queries.objections import objections

AT_EDGE = {"lon": 121.6, "lat": 29.2611, "accuracy_m": 30.0}
LAMP = AT_EDGE | {"answers": {"lamp-fault": ("dark",)}}


def page(client, token, lang="en"):
    return client.get(f"/r/{token}?lang={lang}").get_data(as_text=True)


def map_of(html):
    found = re.search(r'<svg[^>]*class="receipt-map".*?</svg>', html, re.S)
    return found.group(0) if found else None


HOLE = {"lon": 121.568, "lat": 29.24, "accuracy_m": 20.0, "answers": {"depth": ("large",)}}


@pytest.mark.parametrize(
    ("service", "given", "kinds", "names"),
    [
        pytest.param(
            "street-light", LAMP, {"is-found", "is-nearly"}, ("Drum Tower Park",), id="beside a park"
        ),
        pytest.param(
            "pothole",
            HOLE,
            {"is-decided", "is-neighbour"},
            ("Scholars’ Temple Street", "Willow Bay Street"),
            id="between two streets",
        ),
    ],
)
def test_the_map_is_small_plain_and_described(client, file_one, service, given, kinds, names):
    drawn = map_of(page(client, file_one(service, **given).token))
    assert drawn is not None
    assert len(drawn.encode()) <= 6000
    root = ET.fromstring(drawn)
    text = {child.tag.rpartition("}")[2]: child.text for child in root if child.text}
    assert text["title"] == "Map of the decision"
    assert "The dot is the place" in text["desc"]
    assert all(name in text["desc"] for name in names)
    assert root.get("role") == "img"
    assert kinds | {"is-disc", "is-point"} <= {child.get("class") for child in root}
    # The policy of the page forbids both.
    assert not re.search(r'style=|on\w+="|<script|<style', drawn)


def test_the_map_speaks_the_readers_language(client, file_one):
    drawn = map_of(page(client, file_one("street-light", **LAMP).token, "zh_Hans"))
    assert "判定示意图" in drawn
    assert "鼓楼公园" in drawn
    assert "Drum Tower" not in drawn
    assert "Map of the decision" not in drawn


def test_the_chain_names_publisher_executor_and_supervisor(client, file_one):
    html = page(client, file_one("street-light", **LAMP).token)
    said = re.findall(r"<li>([^<]*)</li>", html[html.index("Who stands behind it") :])
    assert len(said) == 3
    assert "published the rule “light”." in said[0]
    assert said[1] == "Street Lighting Department carries it out."
    assert said[2].endswith("supervises.")


def test_a_sensitive_place_is_drawn_as_its_cell_only(client, file_one, parts):
    """Two places of one cell give one and the same picture: nothing of either can be read off it."""
    heard = {"accuracy_m": 5.0, "answers": {"noise-source": ("shop",)}}
    filed = [file_one("noise", lon=121.6402 + n / 5000, lat=29.1852, **heard) for n in (0, 1)]
    pictures = [map_of(page(client, each.token)) for each in filed]
    for drawn in pictures:
        assert "is-cell" in drawn
        assert "is-point" not in drawn
        assert "is-disc" not in drawn
    assert pictures[0] == pictures[1]


def test_where_gives_the_same_kind_of_map(client):
    body = {"service_code": "street-light", **AT_EDGE}
    answer = client.post("/api/v1/where", json=body, headers={"Accept-Language": "en"}).get_json()
    assert ET.fromstring(answer["map"]).get("class") == "receipt-map"
    assert len(answer["map"].encode()) <= 6000
    away = client.post("/api/v1/where", json={"service_code": "street-light", "lon": 100.0, "lat": 10.0})
    assert away.get_json()["map"] is None


def object_to(client, token, text, csrf):
    return client.post(f"/r/{token}/objection", data={"text": text, "csrf_token": csrf})


def test_the_button_works_without_javascript_and_masks_what_it_shows(client, file_one, parts, csrf):
    token = file_one("street-light", **LAMP).token
    assert f'action="/r/{token}/objection"' in page(client, token)
    answer = object_to(client, token, "It is the park's lamp. Call 13812345678", csrf)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/r/{token}?objected=1#why")
    seen = client.get(answer.headers["Location"].partition("#")[0]).get_data(as_text=True)
    assert "Thank you. Your words stand on this report now" in seen
    assert "Somebody says this is the wrong unit" in seen
    assert "It is the park&#39;s lamp." in seen
    assert "13812345678" not in seen
    with parts.database.reading() as tx:
        (kept,) = [row for row in objections(tx, "linhai.example") if row.token == token]
    assert (kept.words, kept.role, kept.is_open) == (
        "It is the park's lamp. Call 13812345678",
        "visitor",
        True,
    )
    assert kept.receipt["rule"] == "light"
    assert kept.receipt["hits"][0]["edge_m"] is None or isinstance(kept.receipt["hits"][0]["edge_m"], float)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param({"text": "Wrong"}, 403, id="no token of our form"),
        pytest.param({"text": "   ", "csrf_token": True}, 422, id="no words"),
        pytest.param({"text": "x" * 1001, "csrf_token": True}, 422, id="too many words"),
    ],
)
def test_what_is_refused_leaves_nothing(client, file_one, parts, csrf, data, status):
    token = file_one().token
    data = {name: csrf if value is True else value for name, value in data.items()}
    assert client.post(f"/r/{token}/objection", data=data).status_code == status
    with parts.database.reading() as tx:
        assert not [row for row in objections(tx, "linhai.example") if row.token == token]


def test_an_unknown_number_is_not_found(client, csrf):
    assert object_to(client, "AAAAAAAAAAAAAAAA", "Wrong", csrf).status_code == 404


def test_objections_are_limited_by_address_and_by_case(client, file_one, csrf):
    with clock.simulated(clock.now() + timedelta(days=2)):
        tokens = [file_one().token for _ in range(3)]
        answers = [object_to(client, tokens[n % 3], "Wrong", csrf) for n in range(BY_ADDRESS.most + 1)]
    assert [each.status_code for each in answers] == [303] * BY_ADDRESS.most + [429]
    assert int(answers[-1].headers["Retry-After"]) > 3000


def test_objections_to_one_case_are_limited_whoever_sends_them(client, file_one, csrf):
    with clock.simulated(clock.now() + timedelta(days=4)):
        token = file_one().token
        statuses = [
            client.post(
                f"/r/{token}/objection",
                data={"text": "Wrong", "csrf_token": csrf},
                environ_base={"REMOTE_ADDR": f"198.51.100.{n}"},
            ).status_code
            for n in range(ON_CASE.most + 1)
        ]
    assert statuses == [303] * ON_CASE.most + [429]


def test_a_program_objects_with_the_reporters_secret(client, file_one, parts):
    filed = file_one()
    body = {"text": "Not the parks people", "should_be": "lighting"}
    url = f"/api/v1/reports/{filed.token}/objections"
    with clock.simulated(clock.now() + timedelta(days=6)):
        answer = client.post(url, json=body, headers={"Authorization": f"Bearer {filed.secret}"})
        unknown = client.post(url, json=body | {"should_be": "nobody"})
    assert (answer.status_code, answer.get_json()["text"]) == (201, "Not the parks people")
    assert (unknown.status_code, list(unknown.get_json()["fields"])) == (422, ["should_be"])
    with parts.database.reading() as tx:
        (kept,) = [row for row in objections(tx, "linhai.example") if row.token == filed.token]
    assert (kept.role, kept.should_be) == ("reporter", "lighting")
