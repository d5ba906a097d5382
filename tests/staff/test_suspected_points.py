"""The settings show on which spots an outlandish share of the reports lies, and take them up as default points."""

from __future__ import annotations

import re
from typing import Any

from portal.operations.record_events import Draft, city_head, record
from portal.queries.staff_rights import Grant
from portal.queries.suspected_points import SUSPECTED


def test_a_suspected_place_is_shown_and_taken_up(desk: Any) -> None:
    browser = desk.client(Grant("admin"))
    assert "no one may have been there" not in browser.get("/admin/settings").text
    point = {"lon": 121.6112, "lat": 29.2011, "count": 412, "share": 0.031}
    with desk.database.transaction() as tx:
        head = city_head(tx, desk.context.jurisdiction_id)
        record(tx, head, [Draft(SUSPECTED, {"actor": {"role": "system"}, "places": 1}, {"points": [point]})])
    page = browser.get("/admin/settings").text
    assert "121.6112, 29.2011, 15" in page
    assert "412 reports" in page
    assert "Places that programs may write" in browser.get("/admin/history").text
    typed = {
        name: text.replace("&#34;", '"') for name, text in re.findall(r'name="(seen)" value="([^"]*)"', page)
    }
    done = browser.post("/admin/settings", typed | {"s-default_points.place_1": "121.6112, 29.2011, 15"})
    assert done.status_code == 303, done.text
    after = browser.get("/admin/settings").text
    assert 'value="121.6112, 29.2011, 15"' in after
    assert "no one may have been there" not in after
