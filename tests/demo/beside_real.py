"""Prints, as Markdown, how the demo's year is distributed beside the records of real cities.

`python tests/demo/beside_real.py`: DATABASE_URL names a database in which the demo city has lived, WENLU_DATA
the folder of the real data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import create_engine, text

DAY = 86_400.0
NEAR_M, WITHIN_DAYS = 100.0, 2.0
HOURS = ((0, 6), (6, 9), (9, 12), (12, 14), (14, 18), (18, 22), (22, 24))
DEMO = """
    SELECT service_code AS service, lead_unit AS unit, opened_at, closed_at, promise_due_at AS due_at,
           ST_X(public_geom) AS lon, ST_Y(public_geom) AS lat, kind,
           (SELECT place FROM unnest(places) AS place WHERE place LIKE 'street:%' LIMIT 1) AS area
    FROM report
"""


def boston(data: Path) -> pd.DataFrame:
    """Four months of Boston; its default point at City Hall is no place."""
    rows = pd.read_csv(data / "boston/requests_2011-07_10.csv.gz", low_memory=False)
    found = pd.DataFrame({"service": rows["type"], "area": rows["ward"].astype(str).str[-2:]})
    for name, column in (("opened_at", "open_dt"), ("closed_at", "closed_dt"), ("due_at", "target_dt")):
        found[name] = pd.to_datetime(rows[column])
    is_hall = (rows["latitude"].round(4) == 42.3594) & (rows["longitude"].round(4) == -71.0587)
    found["lon"], found["lat"] = rows["longitude"].where(~is_hall), rows["latitude"].where(~is_hall)
    return found


def new_york(data: Path) -> pd.DataFrame:
    """Four days of New York, Saturday to Tuesday: no weekdays and no lateness can be read from them."""
    rows = pd.read_parquet(data / "nyc/requests_2026-08-01_04.parquet")
    found = pd.DataFrame({"service": rows["complaint_type"], "area": rows["community_board"]})
    found["opened_at"] = pd.to_datetime(rows["created_date"])
    found["closed_at"] = pd.to_datetime(rows["closed_date"], errors="coerce")
    found["due_at"] = pd.NaT
    found["lon"], found["lat"] = pd.to_numeric(rows["longitude"]), pd.to_numeric(rows["latitude"])
    return found


def pingshan(data: Path) -> pd.DataFrame:
    """Nine months of a district of Shenzhen: no coordinates, in time or not as recorded."""
    rows = pd.read_csv(data / "shenzhen/pingshan_complaints_2018-02_10.csv.gz")
    found = pd.DataFrame({"service": rows["SUB_TYPE_NAME"], "area": rows["COMMUNITY_NAME"]})
    found["opened_at"] = pd.to_datetime(rows["CREATE_TIME"])
    found["closed_at"], found["due_at"], found["lon"], found["lat"] = pd.NaT, pd.NaT, np.nan, np.nan
    late, kept = (
        pd.to_numeric(rows[f"{name}_ARCHIVE_NUM"], errors="coerce") for name in ("OVERTIME", "INTIME")
    )
    found["late"] = late.where(late + kept > 0)
    return found


def demo(url: str) -> pd.DataFrame:
    """What the demo city has lived, in its own local time; only reports of something wrong."""
    rows = pd.read_sql(text(DEMO), create_engine(url))
    for name in ("opened_at", "closed_at", "due_at"):
        rows[name] = pd.to_datetime(rows[name], utc=True).dt.tz_convert("Asia/Shanghai").dt.tz_localize(None)
    return rows[rows["kind"] == "report"]


def hours(rows: pd.DataFrame, first: int, last: int) -> str:
    """Share filed between two hours."""
    return percent(rows["opened_at"].dt.hour.between(first, last - 1).mean())


def weekend(rows: pd.DataFrame) -> str:
    """Share of a weekend's day of an average day."""
    is_free = rows["opened_at"].dt.day_of_week >= 5
    days = (rows["opened_at"].max() - rows["opened_at"].min()).days
    return "–" if days < 14 else f"{is_free.mean() * 7 / 2:.2f}"


def daily(rows: pd.DataFrame) -> str:
    """The busiest day over the median one."""
    counts = rows.groupby(rows["opened_at"].dt.date).size()
    return "–" if len(counts) < 14 else f"{counts.max() / counts.median():.1f}"


def largest(rows: pd.DataFrame, number: int, column: str = "service") -> str:
    """Share of the few most frequent ones."""
    return percent(rows[column].value_counts(normalize=True).head(number).sum())


def tenth(rows: pd.DataFrame) -> str:
    """Share of the busiest tenth of the areas."""
    shares = rows["area"].value_counts(normalize=True)
    return percent(shares.head(max(1, round(len(shares) / 10))).sum())


def days_to_close(rows: pd.DataFrame, share: float) -> str:
    """Days after which that share was closed, what is still open counted as never."""
    taken = (rows["closed_at"] - rows["opened_at"]).dt.total_seconds() / DAY
    if taken.notna().mean() < 0.3:
        return "–"
    found = np.quantile(taken.fillna(np.inf), share, method="lower")
    return f"{found:.2f}" if np.isfinite(found) else "open"


def late(rows: pd.DataFrame) -> str:
    """Share past its due time among those that were due, closed late or still open."""
    if "late" in rows and rows["late"].notna().any():
        return percent(rows["late"].mean())
    judged = rows[rows["due_at"].notna() & (rows["due_at"] < rows["opened_at"].max())]
    if judged.empty:
        return "–"
    return percent((judged["closed_at"].isna() | (judged["closed_at"] > judged["due_at"])).mean())


def repeated(rows: pd.DataFrame) -> str:
    """Share with an earlier one of its service within 100 m and two days."""
    placed = rows[rows["lon"].notna()].sort_values("opened_at")
    if placed.empty:
        return "–"
    again = 0
    for _, same in placed.groupby("service"):
        at = same["opened_at"].astype("datetime64[s]").astype("int64").to_numpy() / DAY
        x = same["lon"].to_numpy() * 111_320 * np.cos(np.radians(same["lat"].mean()))
        y = same["lat"].to_numpy() * 110_860
        first = np.searchsorted(at, at - WITHIN_DAYS)
        for here, since in enumerate(first):
            near = np.hypot(x[since:here] - x[here], y[since:here] - y[here]) <= NEAR_M
            again += bool(near.any())
    return percent(again / len(placed))


def percent(share: float) -> str:
    """A share in per cent, one decimal."""
    return f"{share * 100:.1f} %"


MEASURES: tuple[tuple[str, Callable[[pd.DataFrame], str]], ...] = (
    ("reports", lambda rows: f"{len(rows):,}"),
    *((f"filed {first:02}–{last:02} h", lambda rows, a=first, b=last: hours(rows, a, b)) for first, last in HOURS),
    ("a day of the weekend over an average day", weekend),
    ("busiest day over the median day", daily),
    ("most frequent service", lambda rows: largest(rows, 1)),
    ("five most frequent services", lambda rows: largest(rows, 5)),
    ("fifteen most frequent services", lambda rows: largest(rows, 15)),
    ("busiest tenth of the areas", tenth),
    ("days to close: a quarter", lambda rows: days_to_close(rows, 0.25)),
    ("days to close: median", lambda rows: days_to_close(rows, 0.5)),
    ("days to close: three quarters", lambda rows: days_to_close(rows, 0.75)),
    ("days to close: nine tenths", lambda rows: days_to_close(rows, 0.9)),
    ("late", late),
    ("an earlier one within 100 m and two days", repeated),
)  # fmt: skip


def main() -> None:
    """Print the table."""
    data = Path(os.environ["WENLU_DATA"])
    cities = {"Boston 2011": boston(data), "New York 2026": new_york(data), "Pingshan 2018": pingshan(data),
              "Lanpu (demo)": demo(os.environ["DATABASE_URL"])}  # fmt: skip
    lines = [["", *cities], ["---"] + ["---:"] * len(cities)]
    lines += [[name, *(measure(rows) for rows in cities.values())] for name, measure in MEASURES]
    sys.stdout.writelines(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
