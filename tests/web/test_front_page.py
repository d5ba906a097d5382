"""The front page: the city drawn with the week's reports, what was fixed, and the look-up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from portal.operations.move_report import Move


def dots(page: str) -> list[str]:
    return re.findall(r'<circle class="is-(open|closed)"', page)


def test_a_report_of_the_week_is_a_dot_on_the_city(
    client: FlaskClient, file_one: Callable[..., Any], move: Callable[..., None]
) -> None:
    before = len(dots(client.get("/").get_data(as_text=True)))
    token = file_one().token
    move(
        token,
        Move("accept"),
        Move("resolve", closing_code="fixed", reason="no camera", public_text="New board"),
    )
    page = client.get("/").get_data(as_text=True)
    assert len(dots(page)) == before + 1
    assert "closed" in dots(page)
    assert re.search(rf'<ul class="fixed">.*href="/r/{token}"', page, re.DOTALL)


def test_a_private_report_is_nowhere(client: FlaskClient, file_one: Callable[..., Any], parts: Any) -> None:
    from sqlalchemy import update

    from portal.models.report import report

    token = file_one().token
    before = len(dots(client.get("/").get_data(as_text=True)))
    with parts.database.transaction() as tx:
        tx.execute(update(report).where(report.c.token == token).values(is_private=True))
    page = client.get("/").get_data(as_text=True)
    assert len(dots(page)) == before - 1
    assert token not in page


def test_the_page_costs_few_statements(client: FlaskClient, counted: Callable[[], Any]) -> None:
    client.get("/")
    with counted() as seen:
        client.get("/")
    assert len(seen) <= 5, seen
