"""Every address that answers GET stands in the table of the browser suite: as a page with its readers, or as none."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from portal.app import create_app
from portal.settings import Settings

TABLE = "tests/browser/pages.csv"


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    unused = {"DATABASE_URL": "postgresql+psycopg://localhost/none", "REDIS_URL": "redis://localhost:1"}
    home = str(tmp_path_factory.mktemp("home"))
    app = create_app(Settings.from_environ({"WENLU_HOME": home, **unused}))
    return {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}


def test_no_page_is_missing_from_the_table(checkout: Path, routes: set[str]) -> None:
    with (checkout / TABLE).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    listed = {row["route"] for row in rows}
    missing = sorted(routes - listed)
    assert not missing, (
        f"{TABLE} lacks these: add `route,role,address` (role: nobody, reporter, handler, unit_head, dispatcher, "
        "admin or auditor; {parts} come from tests/browser/town.py), or `route,-,what it is` where it is no page:\n"
        + "\n".join(missing)
    )
    assert sorted(listed - routes) == [], "no such address any more"
    assert [row for row in rows if row["who"] != "-" and not row["address"].startswith("/")] == []
