"""Knows who answers in the city: offices of the three levels, committees, crews and contractors, and their duties."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from portal.demo.lanpu.city import City, Place
from portal.demo.lanpu.layers import LOTS
from portal.demo.lanpu.places import depot_places
from portal.demo.lanpu.write import Feature, read_table

COLUMNS = (
    "unit_code",
    "parent",
    "level",
    "name_zh_Hans",
    "name_en",
    "layer",
    "boundary_code",
    "email",
    "webhook",
    "phone",
    "supervisor_unit",
    "contract_from",
    "contract_to",
)
CONTRACTORS = (
    ("净海环境", "Clean Sea"),
    ("绿舟环卫", "Green Boat"),
    ("安洁城市服务", "Safe & Clean"),
    ("潮声环境", "Tide Sound"),
    ("港城清运", "Harbour Haulage"),
    ("云麓清洁", "Yunlu Cleaning"),
    ("镜湖环卫", "Jing Lake Waste"),
)


class _Table:
    """Rows of units.csv, with telephone numbers and mail addresses handed out in order."""

    def __init__(self, domain: str) -> None:
        self.rows: list[dict[str, Any]] = []
        self._domain = domain

    def add(self, code: str, parent: str, level: str, zh: str, en: str, **more: str) -> None:
        number = f"0570-555-{len(self.rows) + 100:04d}"
        fixed = {"email": f"{code}@{self._domain}", "phone": number}
        said = {"unit_code": code, "parent": parent, "level": level, "name_zh_Hans": zh, "name_en": en}
        self.rows.append(dict.fromkeys(COLUMNS, "") | said | fixed | more)

    def also(self, code: str, layer: str, boundary_code: str) -> None:
        """One more boundary of a unit."""
        row = {"unit_code": code, "layer": layer, "boundary_code": boundary_code}
        self.rows.append(dict.fromkeys(COLUMNS, "") | row)


def unit_rows(
    city: City, parks: list[Feature], pumps: list[Feature], today: date, catalogue: Path, domain: str
) -> list[dict[str, Any]]:
    """The rows of units.csv."""
    table = _Table(domain)
    for row in read_table(catalogue / "units.csv"):
        more = _contract(today, row["unit_code"]) if row["level"] == "contractor" else {}
        table.add(row["unit_code"], row["parent"], row["level"], row["name_zh_Hans"], row["name_en"], **more)
    _add_offices(table, city)
    _add_contractors(table, today)
    for feature in parks:
        unit = "forest" if feature.properties["kind"] == "hill" else "parks"
        table.also(unit, "park", str(feature.properties["code"]))
    for feature in pumps:
        table.also("drains", "pump_station", str(feature.properties["code"]))
    return table.rows


def _add_offices(table: _Table, city: City) -> None:
    """Offices of districts and streets, committees of communities, crews of depots."""
    for place in city.districts:
        names = (place.name.zh + "政府服务办", place.name.en + " Office")
        table.add(unit_code(place), "centre", "district", *names, layer="district", boundary_code=place.code)
    for place in city.streets:
        names = (place.name.zh + "办事处", place.name.en.replace("Subdistrict", "Street Office"))
        parent, area = f"district-{place.parent.lower()}", {"layer": "street", "boundary_code": place.code}
        table.add(unit_code(place), parent, "street", *names, **area)
    for place in city.communities:
        names = (place.name.zh + "居民委员会", place.name.en.replace("Community", "Residents’ Committee"))
        parent, area = f"street-{place.parent.lower()}", {"layer": "community", "boundary_code": place.code}
        table.add(unit_code(place), parent, "community", *names, **area)
    for place in depot_places(city):
        names = (
            place.name.zh.removesuffix("街道") + "抢修队",
            place.name.en.replace("Subdistrict", "Repair Crew"),
        )
        area = {"layer": "depot", "boundary_code": f"D-{place.code}"}
        table.add(f"crew-{place.code.lower()}", "roads", "crew", *names, **area)


def unit_code(place: Place) -> str:
    """The code of the office that answers for an area: `street-gc01`, `community-gc01-02`, `district-gc`."""
    level = "district" if not place.parent else "community" if "-" in place.code else "street"
    return f"{level}-{place.code.lower()}"


def _add_contractors(table: _Table, today: date) -> None:
    """Rubbish is collected lot by lot, each under a contract of its own time."""
    for number, (lot, (zh, en)) in enumerate(zip(LOTS, CONTRACTORS, strict=True)):
        place = {"layer": "lot", "boundary_code": lot, "supervisor_unit": "sanitation"}
        began = date(today.year - 1 - number % 2, 1, 1)
        now = {"contract_from": began.isoformat(), "contract_to": date(began.year + 3, 12, 31).isoformat()}
        table.add(
            f"waste-{lot.lower()}", "sanitation", "contractor", zh + "公司", en + " Ltd", **place, **now
        )


def _contract(today: date, code: str) -> dict[str, str]:
    supervisor = "transport" if code.startswith("bike") else "sanitation"
    return {
        "supervisor_unit": supervisor,
        "contract_from": f"{today.year - 1}-07-01",
        "contract_to": f"{today.year + 2}-06-30",
    }


def duty_rows(city: City, today: date, catalogue: Path) -> list[dict[str, Any]]:
    """The rows of duties.csv: what departments promise, and what every street office does."""
    rows: list[dict[str, Any]] = []
    for position, row in enumerate(read_table(catalogue / "duties.csv")):
        title, _, number = row.pop("article").rpartition(" ")
        review = f"{today.year + 1}-{('03-31', '06-30', '09-30', '12-31')[position % 4]}"
        rows.append(row | {"legal_basis": f"《澜浦市{title}》第{number}条", "review_by": review})
    everywhere = read_table(catalogue / "street_duties.csv")
    fixed = {"legal_basis": "《澜浦市街道职责清单》", "review_by": f"{today.year + 1}-06-30"}
    rows += [{"unit_code": unit_code(place)} | row | fixed for place in city.streets for row in everywhere]
    return rows
