"""Me too instead of a second report, and what is known already, on the form and in the API."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update

from portal import clock
from portal.crypto import Keyring
from portal.models.incident import follower
from portal.operations.follow_report import follower_secret, follower_stop_code
from portal.operations.reseal import reseal_settings


def csrf(page: str) -> str:
    return re.search(r'name="csrf_token" value="([0-9a-f]+)"', page).group(1)


def test_where_names_the_twin_and_me_too_counts(client: Any, file_one: Any, parts: Any) -> None:
    token = file_one().token
    asked = {"service_code": "park-repair", "lon": 121.6401, "lat": 29.185, "description": "bench broken"}
    (twin,) = client.post("/api/v1/where", json=asked).get_json()["duplicates"]
    assert (twin["token"], twin["voices"]) == (token, 1)
    page = client.get(f"/r/{token}/follow").text
    answer = client.post(f"/r/{token}/follow", data={"csrf_token": csrf(page)})
    assert answer.headers["Location"].endswith("?me-too=counted")
    assert "2 people say so" in client.get(f"/r/{token}").text
    again = client.post(f"/r/{token}/follow", data={"csrf_token": csrf(page)})
    assert again.headers["Location"].endswith("?me-too=again")
    assert client.post(f"/r/{token}/follow", data={"csrf_token": csrf(page), "email": "x"}).status_code == 422
    asked_too = client.post(f"/r/{token}/follow", data={"csrf_token": csrf(page), "email": "a@mail.example"})
    assert asked_too.headers["Location"].endswith("?me-too=asked")
    with parts.database.reading() as tx:
        number = tx.scalar(select(follower.c.token).where(follower.c.sealed.is_not(None)))
    page = client.get(f"/follow/{number}").text
    sent = {"csrf_token": csrf(page), "secret": follower_secret(parts.context, number)}
    assert client.post(f"/follow/{number}/confirm", data=sent | {"secret": "x"}).status_code == 403
    assert client.post(f"/follow/{number}/confirm", data=sent).status_code == 303
    assert "Stop writing to me" in client.get(f"/follow/{number}").text
    assert client.post(f"/follow/{number}/leave", data=sent).status_code == 303


def test_a_mail_program_ends_a_followers_letters(client: Any, file_one: Any, parts: Any) -> None:
    token = file_one().token
    page = client.get(f"/r/{token}/follow").text
    client.post(f"/r/{token}/follow", data={"csrf_token": csrf(page), "email": "b@mail.example"})
    with parts.database.transaction() as tx:
        newest = select(follower.c.token).order_by(follower.c.id.desc()).limit(1)
        mine = follower.c.token == newest.scalar_subquery()
        number = tx.scalar(update(follower).where(mine).values(state="confirmed").returning(follower.c.token))
    stop = f"/unsubscribe/follow/{number}/{follower_stop_code(parts.context, number)}"
    bare = client.application.test_client()
    assert bare.get(stop).status_code == 200
    assert bare.post(f"{stop}x").status_code == 403
    assert bare.post(stop, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with parts.database.reading() as tx:
        row = tx.execute(select(follower.c.state, follower.c.sealed).where(follower.c.token == number)).one()
    assert tuple(row) == ("counted", None), "the voice stays counted, the address is forgotten"
    assert "2 people say so" in client.get(f"/r/{token}").text


def test_a_new_key_opens_a_followers_address(client: Any, file_one: Any, parts: Any) -> None:
    token = file_one().token
    page = client.get(f"/r/{token}/follow").text
    client.post(f"/r/{token}/follow", data={"csrf_token": csrf(page), "email": "c@mail.example"})
    new = Keyring("another secret key of thirty-two signs and more")
    both = Keyring("another secret key of thirty-two signs and more", (parts.settings.secret_key,))
    with parts.database.transaction() as tx:
        reseal_settings(tx, replace(parts.context, keyring=both))
        rows = tx.execute(select(follower).where(follower.c.sealed.is_not(None))).all()
        found = [new.open(row.sealed, bound_to=f"follower:{row.token}")["email"] for row in rows]
        assert "c@mail.example" in found
        tx.rollback()


def test_a_private_report_cannot_be_followed_nor_found(client: Any) -> None:
    assert client.get("/follow/NOSUCHFOLLOWER").status_code == 404
    page = client.get("/report").text
    assert client.post("/r/NOSUCHREPORT00/follow", data={"csrf_token": csrf(page)}).status_code == 404


def test_known_until(client: Any, parts: Any) -> None:
    works = {"service_code": "pothole", "lon": 121.5529, "lat": 29.2091}
    with clock.simulated(clock.now().replace(year=2026, month=11, day=20)):
        (known,) = client.post("/api/v1/where", json=works).get_json()["known"]
        page = client.get("/report").text
        shown = client.post(
            "/report",
            data={"csrf_token": csrf(page), "show_questions": "1", **{k: str(v) for k, v in works.items()}},
        ).text
    assert known["words"] == "Known, until March 31, 2027"
    assert "resurfaced" in known["message"]
    assert "Known, until March 31, 2027" in shown
    assert client.post("/api/v1/where", json=works | {"service_code": "noise"}).get_json()["known"] == []
