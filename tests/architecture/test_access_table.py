"""The table of who may call what (portal/docs/access.csv) names every route, and is never looser than the code."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from flask import Flask

from portal.app import create_app
from portal.settings import Settings
from portal.web.access import Access, declared

TABLE = "portal/docs/access.csv"
PEOPLE = (
    "nobody", "handler", "handler elsewhere", "unit_head", "unit_head elsewhere", "dispatcher",
    "dispatcher elsewhere", "auditor", "auditor elsewhere", "admin",
)  # fmt: skip
WORDS = {
    "public": {"open", "link"},
    "operator": {"machine"},
    "staff": {"yes", "no", "hidden", "sign in"},
}


@pytest.fixture(scope="module")
def declarations(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Access]:
    """What every route declares."""
    unused = {"DATABASE_URL": "postgresql+psycopg://localhost/none", "REDIS_URL": "redis://localhost:1"}
    home = str(tmp_path_factory.mktemp("home"))
    app: Flask = create_app(Settings.from_environ({"WENLU_HOME": home, **unused}))
    return {
        (method, rule.rule): access
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if (access := declared(app.view_functions[rule.endpoint]))
    }


@pytest.fixture(scope="module")
def rows(checkout: Path) -> dict[tuple[str, str], dict[str, str]]:
    with (checkout / TABLE).open(encoding="utf-8", newline="") as lines:
        return {(row["method"], row["route"]): row for row in csv.DictReader(lines)}


def drafted(method: str, route: str, access: Access) -> str:
    """The line that a new route begins with: what it declares, and a case of another unit is not found."""
    if access.audience != "staff":
        return ",".join(
            [method, route, *["open" if access.audience == "public" else "machine"] * len(PEOPLE)]
        )
    is_case = route.startswith("/desk/case/<token>")
    words = []
    for name in PEOPLE:
        is_in = not access.roles or name.partition(" ")[0] in access.roles
        words.append("no" if not is_in else "hidden" if is_case and "elsewhere" in name else "yes")
    return ",".join([method, route, "sign in", *words[1:]])


def test_every_route_has_a_row(declarations: dict, rows: dict) -> None:
    missing = [drafted(*key, declarations[key]) for key in sorted(set(declarations) - set(rows))]
    assert not missing, (
        f"{TABLE} lacks these. Check each word, add them in order, and say in the commit who looked at them:\n"
        + "\n".join(missing)
    )
    assert set(rows) - set(declarations) == set(), "no such route any more"


def test_the_table_is_never_looser_than_the_code(declarations: dict, rows: dict) -> None:
    loose = []
    for key, access in declarations.items():
        said = {name: rows[key][name] for name in PEOPLE}
        if not set(said.values()) <= WORDS[access.audience]:
            loose.append((key, "words of another audience"))
        if access.audience == "staff":
            loose += [(key, "nobody")] if said["nobody"] != "sign in" else []
            outside = {
                name for name in PEOPLE[1:] if access.roles and name.partition(" ")[0] not in access.roles
            }
            loose += [(key, name) for name in sorted(outside) if said[name] != "no"]
    assert loose == []


def test_the_table_is_in_order(rows: dict) -> None:
    keys = [(route, method) for method, route in rows]
    assert keys == sorted(keys)
