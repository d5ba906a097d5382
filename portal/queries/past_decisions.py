"""Knows how a past decision is derived again: the map and rules of then, the report as it was filed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, func, select

from geo.index import PointIndex
from geo.postgis import load_editions, load_layers_as_of
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.models.city import rulebook
from portal.models.ledger import event, event_private
from portal.models.report import report
from portal.queries.city import CityView
from routing.receipt import explain_trace
from routing.router import City, PointQuery, Routed, Router
from routing.rules import parse_rulebook
from routing.trace import Trace


@dataclass(frozen=True, slots=True)
class Derived:
    """A stored receipt, and the decision derived again with the full facts that are not stored."""

    stored: Mapping[str, Any]
    routed: Routed
    router: Router

    @property
    def trace(self) -> Trace:
        """Every rule as it met the facts of then, with the winner and the nearest misses they amount to."""
        city = self.router.city
        return explain_trace(self.routed.facts, city.rulebook, city.directory)

    @property
    def differences(self) -> tuple[str, ...]:
        """The parts of the receipt that come out otherwise today, by name; none where it is equal."""
        again = self.routed.receipt
        return tuple(sorted(key for key in {*self.stored, *again} if self.stored.get(key) != again.get(key)))

    @property
    def is_equal(self) -> bool:
        """Whether the decision comes out as it was stored, to the last distance."""
        return dict(self.stored) == self.routed.receipt


def derive_again(tx: Connection, view: CityView, token: str) -> Derived:
    """Decide a report once more under the editions and the rulebook that its receipt names.

    Units, services and the calendar are those of today: they are not versioned. Loads and first answers come
    from the private parts of the events, and are missing once those are erased. Raises NotFound.
    """
    row = tx.execute(filed_reports(view.jurisdiction_id).where(report.c.token == token)).one_or_none()
    if row is None:
        raise NotFound(Message(N_("There is no report with this number.")))
    receipt = row.receipt
    index = _index_of(tx, view, receipt["editions"])
    router = Router(_with(view, index, _rules_of(tx, view, version=int(receipt["rulebook"]))))
    loads = _loads_of_then(tx, row.id)
    derived = Derived(receipt, router.route(query_of(row), loads), router)
    if derived.is_equal:
        return derived
    # An answer that confirmed the unit was added to the report without another decision.
    as_filed = _first_answers(tx, row.id)
    if as_filed is None:
        return derived
    return Derived(receipt, router.route(query_of(row, as_filed), loads), router)


def router_as_of(tx: Connection, view: CityView, day: date) -> Router:
    """A router with the legal map of a day, and the rulebook in force at its end (the oldest, before all)."""
    index = PointIndex.build(load_layers_as_of(tx, view.jurisdiction_id, day))
    end = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(view.timezone))
    return Router(_with(view, index, _rules_of(tx, view, before=end)))


def filed_reports(jurisdiction_id: str) -> Select[Any]:
    """Reports with all that a decision about them needs."""
    wanted = (
        "id", "token", "service_code", "accuracy_m", "answers", "channel", "opened_at", "receipt", "lead_unit",
        "about_unit",
    )  # fmt: skip
    place = (func.ST_X(report.c.geom).label("lon"), func.ST_Y(report.c.geom).label("lat"))
    columns = [report.c[name] for name in wanted]
    return select(*columns, *place).where(report.c.jurisdiction_id == jurisdiction_id)


def query_of(row: Row[Any], answers: Mapping[str, Sequence[str]] | None = None) -> PointQuery:
    """A report as it was filed: time of filing, exact place."""
    is_geocoded = bool(row.receipt.get("geocoded"))
    return PointQuery(
        service_code=row.service_code,
        at=row.opened_at,
        lon=row.lon,
        lat=row.lat,
        accuracy_m=None if is_geocoded else row.accuracy_m,
        is_geocoded=is_geocoded,
        answers=row.answers if answers is None else answers,
        channel=row.channel,
        datum="wgs84",
        about_unit=row.about_unit or "",
    )


def _index_of(tx: Connection, view: CityView, editions: Mapping[str, int]) -> PointIndex:
    """The index of some editions: the one of today where they are still in force."""
    today = view.router.city
    if today.editions == dict(editions):
        return today.index
    return PointIndex.build(load_editions(tx, view.jurisdiction_id, editions.values()))


def _with(view: CityView, index: PointIndex, rules: Row[Any]) -> City:
    """The city of today with another map and other rules."""
    return replace(
        view.router.city,
        index=index,
        rulebook=parse_rulebook(rules.source, version=str(rules.version)),
        published_by=rules.published_by_unit or "",
    )


def _rules_of(
    tx: Connection, view: CityView, *, version: int | None = None, before: datetime | None = None
) -> Row[Any]:
    here = select(rulebook).where(rulebook.c.jurisdiction_id == view.jurisdiction_id)
    if version is not None:
        row = tx.execute(here.where(rulebook.c.version == version)).one_or_none()
    else:
        row = tx.execute(
            here.where(rulebook.c.state != "draft")
            .order_by((rulebook.c.published_at < before).desc(), _nearest_first(before), rulebook.c.version)
            .limit(1)
        ).one_or_none()
    if row is None:
        raise NotFound(Message(N_("There is no such rulebook.")))
    return row


def _nearest_first(instant: datetime | None) -> Any:
    return func.abs(func.extract("epoch", rulebook.c.published_at - instant))


def _first_answers(tx: Connection, case_id: int) -> Mapping[str, Sequence[str]] | None:
    """The answers that came with the report; None where they have been erased."""
    private = _last_private(tx, case_id, "request.submitted")
    return None if private is None else private.get("answers") or {}


def _loads_of_then(tx: Connection, case_id: int) -> Mapping[str, int]:
    """How many open cases the units that share work had when the report was last routed."""
    return (_last_private(tx, case_id, "request.routed") or {}).get("loads") or {}


def _last_private(tx: Connection, case_id: int, kind: str) -> Mapping[str, Any] | None:
    last = (
        select(event_private.c.private)
        .join(
            event,
            (event.c.case_id == event_private.c.case_id) & (event.c.case_seq == event_private.c.case_seq),
        )
        .where(event.c.case_id == case_id, event.c.kind == kind)
        .order_by(event.c.case_seq.desc())
        .limit(1)
    )
    found: Mapping[str, Any] | None = tx.scalar(last)
    return found
