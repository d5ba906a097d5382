"""How endings read to everybody: a plan, a hand-over or a refusal is never said to be done."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal import clock
from portal.operations.move_report import Move
from portal.web.services import Services

PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.mark.parametrize(
    ("typed", "says", "is_done"),
    [
        ({"closing_code": "fixed", "reason": "dark"}, "City Coordination Centre says it is done", True),
        (
            {"closing_code": "partly_fixed", "photos": (PHOTO,), "public_text": "Half."},
            "says a part of it is done",
            False,
        ),
        ({"closing_code": "not_found", "photos": (PHOTO,)}, "found nothing at the place", False),
        ({"closing_code": "planned"}, "has planned it; the report stays open", False),
        ({"closing_code": "declined", "public_text": "Rule 4."}, "Not taken up by", False),
        (
            {"closing_code": "not_ours", "public_text": "Rails.", "outside_body": "Railway %(x)s Bureau"},
            "handed it to somebody outside the city: Railway %(x)s Bureau",
            False,
        ),
        (
            {"closing_code": "not_ours", "public_text": "?"},
            "handed it on to City Coordination Centre",
            False,
        ),
    ],
    ids=["fixed", "partly", "not found", "planned", "declined", "outside", "to the desk"],
)
def test_the_history_tells_an_ending_as_it_was(
    client: FlaskClient, file_one: Any, move: Any, typed: dict[str, Any], says: str, is_done: bool
) -> None:
    token = file_one().token
    until = {"until": clock.now().replace(year=clock.now().year + 1)}
    move(token, Move("accept"), Move("resolve", **typed, **until))
    page = client.get(f"/r/{token}").get_data(as_text=True)
    assert says in page
    assert ("says it is done" in page or "Done, says the unit" in page) is is_done


@pytest.mark.parametrize(
    ("typed", "asked", "can_confirm"),
    [
        ({"closing_code": "fixed", "reason": "dark"}, "Is it really done?", True),
        ({"closing_code": "not_found", "photos": (PHOTO,)}, "Has it really gone?", True),
        ({"closing_code": "declined", "public_text": "Rule 4."}, "Is this wrong?", False),
    ],
    ids=["fixed", "not found", "declined"],
)
def test_the_reporter_is_asked_what_the_ending_leaves_open(
    client: FlaskClient, file_one: Any, move: Any, parts: Services, csrf: str,
    typed: dict[str, Any], asked: str, can_confirm: bool,
) -> None:  # fmt: skip
    token = file_one().token
    move(token, Move("accept"), Move("resolve", **typed))
    secret = parts.keyring.reporter_secret(token)
    client.post(f"/r/{token}/open", data={"secret": secret, "csrf_token": csrf})
    page = client.get(f"/r/{token}").get_data(as_text=True)
    assert asked in page
    assert (f"/r/{token}/move/confirm" in page) is can_confirm
    assert f"/r/{token}/move/contest" in page


def why_of(page: str) -> str:
    section = page[page.index("Why this unit") :]
    return " ".join(re.sub(r"<[^>]+>", " ", section[: section.index("</section>")]).split())


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (
            Move("transfer", reason="not_our_service", to_unit="parks"),
            "Market Street Office handed it on to Parks Department · not our task",
        ),
        (
            Move("assign", reason="Wang said so", public_text="The tree is theirs.", to_unit="parks"),
            "The coordination desk gave it from Market Street Office to Parks Department",
        ),
    ],
    ids=["transfer", "assign"],
)
def test_after_a_hand_over_it_is_said_first_who_and_why(
    client: FlaskClient, file_one: Any, move: Any, how: Move, says: str
) -> None:
    token = file_one().token
    before = why_of(client.get(f"/r/{token}").get_data(as_text=True))
    assert "The first decision" not in before
    move(token, how)
    why = why_of(client.get(f"/r/{token}").get_data(as_text=True))
    assert why.startswith(f"Why this unit {says}")
    assert (how.public_text in why, "Wang" in why) == (True, False)
    assert why.index("Parks Department") < why.index("The first decision") < why.index("answers because")


def test_joined_reports_name_each_other(client: FlaskClient, file_one: Any, move: Any) -> None:
    first, second = file_one().token, file_one().token
    move(second, Move("mark_duplicate", duplicate_of=first))
    assert f'href="/r/{first}"' in client.get(f"/r/{second}").get_data(as_text=True)
    assert f'href="/r/{second}"' in client.get(f"/r/{first}").get_data(as_text=True)
