"""Knows the rows that a new report consists of: state, events, clocks, contact and the messages to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table

from geo.crs import LonLat
from portal.db import Rows
from portal.i18n import N_, Message, localised
from portal.masking import mask
from portal.models.report import clock, contact, report
from portal.operations.case_plan import opened_events
from portal.operations.context import REPORTER, SYSTEM, Context
from portal.operations.keep_tasks import Wanted, task_rows
from portal.operations.next_due import first_due
from portal.operations.outbox_rows import DELIVER, WATCH, letter, outbox_row
from portal.operations.record_events import Draft, Head, chained, open_case_file
from portal.operations.route_submission import RECORDS, Answer
from portal.operations.submission import Submission, as_plain
from portal.operations.voices import voice_of
from portal.queries.city import CityView
from portal.queries.planned_works import KnownWork
from routing.targets import ClockPlan
from routing.words import search_vector, words_of

PLACE_IN_WORDS = N_("Place: %(words)s")


@dataclass(frozen=True, slots=True)
class Intake:
    """A checked and decided submission, about to be stored. `digest` is that of the request as sent."""

    case_id: int
    token: str
    city: CityView
    submission: Submission
    answer: Answer
    digest: bytes
    works: Sequence[KnownWork] = ()


def intake_rows(intake: Intake, context: Context, at: datetime) -> list[tuple[Table, Rows]]:
    """Everything that comes into being with a report, in the order of its foreign keys."""
    head = Head(intake.case_id, context.jurisdiction_id, intake.token)
    new_head, event_batches = chained(head, _drafts(intake), at)
    return [
        open_case_file(new_head, "report"),
        (report, [_report_row(intake, context, at)]),
        *event_batches,
        (
            clock,
            [clock_row(intake.case_id, context, plan, intake.answer.lead) for plan in intake.answer.clocks],
        ),
        *_tasks(intake, at),
        (contact, _contact_rows(intake, context)),
        _messages(intake, context, at),
        _watch(intake, context, at),
    ]


def _drafts(intake: Intake) -> list[Draft]:
    given, answer = intake.submission, intake.answer
    service = intake.city.services[given.service_code]
    submitted = {
        "actor": REPORTER.in_public(),
        "kind": service.kind,
        "service": given.service_code,
        "channel": given.channel,
        "locale": given.locale,
        "photos": len(given.media) + len(given.photos),
    }
    exact = {"point": list(answer.point) if answer.point else None, "answers": as_plain(given.answers)}
    return [
        Draft("request.submitted", submitted, exact),
        routed_event(intake.city, answer, answer.promise_due_at),
        *(_known_event(intake, work) for work in intake.works),
        *opened_events(answer.routed.decision.plan),
    ]


def _known_event(intake: Intake, work: KnownWork) -> Draft:
    """What the reporter was told of a work that explains the problem, in their language."""
    words = localised(work.message, intake.submission.locale or intake.city.locales[0])
    until = (work.until - timedelta(seconds=1)).isoformat()
    return Draft("work.known", {"actor": SYSTEM.in_public(), "text": words, "until": until})


def routed_event(city: CityView, answer: Answer, promise_due_at: datetime | None) -> Draft:
    """The event that says who answers and why: the public receipt in the open, the exact one apart."""
    public = {
        "actor": SYSTEM.in_public(),
        "unit": answer.lead,
        "assist": answer.public_receipt["assist"],
        "rule": answer.routed.decision.rule_id,
        "rulebook": city.rulebook_version,
        "ambiguous": answer.public_receipt["ambiguous"],
        "promise_due_at": promise_due_at.isoformat() if promise_due_at else None,
        "receipt": answer.public_receipt,
    }
    # How many cases each crew had then cannot be found out later: without it the decision could not be derived again.
    loads = dict(answer.routed.facts.loads)
    return Draft("request.routed", public, {"receipt": answer.receipt} | ({"loads": loads} if loads else {}))


def _report_row(intake: Intake, context: Context, at: datetime) -> dict[str, Any]:
    given, answer, decision = intake.submission, intake.answer, intake.answer.routed.decision
    service = intake.city.services[given.service_code]
    public_text = mask(given.description if service.is_sensitive else _with_place(intake))
    return {
        "id": intake.case_id,
        "jurisdiction_id": context.jurisdiction_id,
        "token": intake.token,
        "client_request_id": given.client_request_id and str(given.client_request_id),
        "client_digest": intake.digest,
        "kind": service.kind,
        "service_code": service.code,
        "state": "routed",
        "priority": decision.priority,
        "channel": given.channel,
        "locale": given.locale or intake.city.locales[0],
        "is_anonymous": given.is_anonymous,
        "is_private": decision.is_private,
        "geom": ewkt(answer.point),
        "public_geom": ewkt(answer.public_point),
        "accuracy_m": answer.routed.facts.accuracy_m,
        "place_flag": answer.place_flag,
        "description": _with_place(intake),
        "public_text": public_text,
        "words": search_vector(words_of(public_text)),
        "voice": voice_of(context, given, service.group or service.code),
        "answers": as_plain(given.answers),
        "updated_at": at,
        "opened_at": at,
        "next_due_at": first_due(answer.clocks, answer.promise_due_at),
        "about_unit": (given.about_unit or None) if service.kind == "complaint" else None,
    } | decision_columns(intake.city, answer)


def _watch(intake: Intake, context: Context, at: datetime) -> tuple[Table, Rows]:
    """Let somebody look whether this is one of many at once; old records are no news."""
    is_news = intake.answer.point is not None and intake.submission.channel not in RECORDS
    return outbox_row(context.jurisdiction_id, at, WATCH, [{"near": intake.case_id}] if is_news else [])


def _with_place(intake: Intake) -> str:
    """The resident's words with those about the place: an exact address in words gives away what a point would."""
    given = intake.submission
    if not given.place_words:
        return given.description
    place = Message(PLACE_IN_WORDS, {"words": given.place_words})
    return f"{place.in_locale(given.locale or intake.city.locales[0])}\n{given.description}".rstrip()


def decision_columns(city: CityView, answer: Answer) -> dict[str, Any]:
    """The columns of a report that a decision sets, at intake and whenever it is decided anew."""
    decision = answer.routed.decision
    return {
        "lead_unit": answer.lead,
        "assist_units": list(decision.assist),
        "rule": decision.rule_id,
        "rulebook_version": city.rulebook_version,
        "confidence": decision.confidence,
        "is_ambiguous": answer.is_ambiguous,
        "question_code": answer.question_code,
        "receipt": answer.receipt,
        "public_receipt": answer.public_receipt,
        "promise_due_at": answer.promise_due_at,
        "places": [f"{hit['layer']}:{hit['code']}" for hit in answer.public_receipt["hits"]],
    }


def _tasks(intake: Intake, at: datetime) -> list[tuple[Table, Rows]]:
    priority, wanted = intake.answer.routed.decision.priority, decided_tasks(intake.answer)
    return task_rows(intake.city, intake.case_id, priority, wanted, SYSTEM, at)


def decided_tasks(answer: Answer) -> list[tuple[int, Wanted]]:
    """What a decision asks of other units than the lead; on a border each, the lead too, has its own share."""
    decision = answer.routed.decision
    shares = [Wanted(unit, "joint") for unit in (answer.lead, *decision.joint)] if decision.joint else []
    helps = [Wanted(unit) for unit in decision.assist if unit not in decision.joint]
    return [(number, each) for number, each in enumerate([*shares, *helps], start=1)]


def ewkt(point: LonLat | None) -> str | None:
    """A point as PostGIS reads it from text."""
    return None if point is None else f"SRID=4326;POINT({point.lon!r} {point.lat!r})"


def clock_row(case_id: int, context: Context, plan: ClockPlan, unit_code: str) -> dict[str, Any]:
    """A running clock; the sweep looks at it first when its unit is to be reminded, or it becomes at risk."""
    return {
        "jurisdiction_id": context.jurisdiction_id,
        "report_id": case_id,
        "kind": plan.kind,
        "stage": plan.stage,
        "unit_code": unit_code if plan.kind == "unit" else None,
        "state": "running",
        "started_at": plan.start_at,
        "remind_at": plan.remind_at,
        "at_risk_at": plan.at_risk_at,
        "nearly_at": plan.nearly_at,
        "due_at": plan.due_at,
        "next_at": min(plan.remind_at or plan.at_risk_at, plan.at_risk_at),
        "span_unit": plan.target.unit,
    }


def _contact_rows(intake: Intake, context: Context) -> list[Mapping[str, Any]]:
    given = intake.submission.contact
    if given is None:
        return []
    sealed = context.keyring.seal(asdict(given), bound_to=f"contact:{intake.token}")
    return [
        {
            "report_id": intake.case_id,
            "jurisdiction_id": context.jurisdiction_id,
            "sealed": sealed,
            "locale": given.locale or intake.submission.locale or intake.city.locales[0],
            "channel": given.channel,
            "has_email": bool(given.email),
            "has_phone": bool(given.phone),
        }
    ]


def _messages(intake: Intake, context: Context, at: datetime) -> tuple[Table, Rows]:
    """A confirmation to the reporter where there is an address, and the new case to its unit."""
    answer = intake.answer
    recipients = [answer.lead, *answer.routed.decision.assist]
    if (known := intake.submission.contact) and (known.email or known.phone):
        recipients.append("reporter")
    return outbox_row(
        context.jurisdiction_id,
        at,
        DELIVER,
        [letter("received", intake.case_id, to, answer.lead, answer.promise_due_at) for to in recipients],
    )
