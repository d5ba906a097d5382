"""Letters to the field: a contractor's carries its link, a crew's goes to the crew, none goes to the accused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from portal.models.report import report
from portal.operations.contractor_links import open_link
from portal.operations.field_readers import LINK_PATH
from portal.operations.message_readers import reader_of
from portal.queries.messages import case_of_message


def reader(linhai: Any, token: str, to: str, template: str = "transferred_to_you", **more: str) -> Any:
    with linhai.database.transaction() as tx:
        case = case_of_message(tx, linhai.row(token).id)
        found = reader_of(tx, linhai.context, case, {"to": to, "template": template, **more})
        code = found.link.partition(LINK_PATH)[2] if found is not None else ""
        return found, open_link(tx, linhai.context, code) if code else None


def led_by(linhai: Any, token: str, unit: str) -> str:
    with linhai.database.transaction() as tx:
        tx.execute(update(report).where(report.c.token == token).values(lead_unit=unit))
    return token


def test_only_the_leading_contractor_gets_a_link(linhai, at):
    with at():
        token = led_by(linhai, linhai.file(), "haiqing")
        found, opened = reader(linhai, token, "haiqing")
        assert (found.address, opened.token, opened.unit_code) == ("haiqing@linhai.example", token, "haiqing")
        for unit in ("sanitation", "street-cn2"):
            found, opened = reader(linhai, token, unit)
            assert opened is None
            assert "/desk/case/" in found.link
        led_by(linhai, token, "sanitation")
        assert reader(linhai, token, "haiqing")[1] is None


def test_a_crew_is_written_to_by_its_own_address(linhai, at):
    with at():
        found, _ = reader(linhai, linhai.file(), "crew:sea-1", "crew_sent", of="crew-sea")
    assert (found.name, found.address) == ("crew:sea-1", "sea-1@linhai.example")
    assert found.link.endswith("/desk/crew")


@pytest.mark.parametrize(
    ("about", "to", "more", "is_told"),
    [
        ("district-cn", "district-cn", {}, False),
        ("district-cn", "street-cn2", {}, False),
        ("district-cn", "community-shuyuan", {}, False),
        ("district-cn", "crew:cn2-patrol", {"of": "street-cn2"}, False),
        ("district-cn", "centre", {}, True),
        ("district-cn", "district-wh", {}, True),
        ("community-shuyuan", "street-cn2", {}, True),
        ("sanitation", "haiqing", {}, False),
        ("sanitation", "crew:haiqing-1", {"of": "haiqing"}, False),
    ],
)
def test_nobody_complained_about_is_written_to(linhai, at, about, to, more, is_told):
    with at():
        token = linhai.file(service_code="unit-complaint", about_unit=about, answers={"about-unit": ("x",)})
        assert (reader(linhai, token, to, **more)[0] is not None) is is_told
