"""Answers `/desk/case/<token>/order.pdf`: a case to be taken along on paper, without a word of who reported it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Blueprint, Response

from portal import clock
from portal.i18n import N_
from portal.masking import mask
from portal.operations.contractor_links import code_of
from portal.operations.store_photo import SHOWN
from portal.queries.case_parts import DESK_PARTS, Row, case_parts
from portal.queries.city import CityView
from portal.queries.city_parts import ServiceView
from portal.queries.crews import crews_now
from portal.queries.place_map import PlaceMap, place_map
from portal.queries.staff_case import StaffCase
from portal.queries.staff_rights import Standing
from portal.web import access
from portal.web.desk_case import open_case
from portal.web.locale import datetime_text, gettext, named
from portal.web.receipt_text import receipt_text
from portal.web.services import city, reading, services
from portal.web.staff_words import CLOSING_CODES, PRIORITIES
from routing.closing import closing_codes_for
from routing.lifecycle import available

pages = Blueprint("work_order", __name__, url_prefix="/desk/case")
MOST_PHOTOS = 6
# Endings that a crew can tick on the spot; the others are decided at a desk.
ENDINGS = ("fixed", "partly_fixed", "not_found", "not_ours", "answered")
STEPS = (
    N_("Made the place safe"),
    N_("Photo before the work"),
    N_("Work done"),
    N_("Photo afterwards, from the same spot"),
    N_("Left the place clean"),
)
LINES = (N_("What remains, and by when"), N_("Who was there"), N_("From – until"), N_("Signature"))
TO_THE_FIELD = N_("Scan to accept, begin and finish without an account.")
TO_THE_DESK = N_("Scan to open the case on the desk.")
FOOT = N_("Without name and address of the reporter. Printed %(when)s.")


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """Everything that stands on the sheet, in the reader's words; `photos` are JPEG files with what they show.

    `code` is the address in the QR code, `code_words` what it leads to; `lines` are left to be filled in by hand.
    """

    city: str
    heading: str
    token: str
    title: str
    facts: Sequence[tuple[str, str]]
    place_title: str
    place_facts: Sequence[tuple[str, str]]
    drawn: PlaceMap | None
    told_title: str
    told: Sequence[str]
    photos: Sequence[tuple[Path, str]]
    lists: Sequence[tuple[str, Sequence[str]]]
    lines: Sequence[str]
    code: str
    code_words: str
    foot: str
    street_names: Sequence[tuple[str, float, float]] = ()


@pages.get("/<token>/order.pdf")
@access.staff()
def order(token: str) -> Response:
    """The work order; two statements, one more where a crew is sent."""
    from portal.web.work_order_pdf import work_order_pdf  # half a second that only this page should cost

    case, standing = open_case(token)
    with reading() as tx:
        case = replace(case, parts=case_parts(tx, case.row.id, DESK_PARTS))
        crew = [one.names for code in _crews(case) for one in crews_now(tx, city(), clock.now(), code=code)]
    sheet = _sheet(case, standing, crew)
    answer = Response(work_order_pdf(sheet, services().settings.pdf_font), content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="order-{case.row.token}.pdf"'
    return answer


def _crews(case: StaffCase) -> list[str]:
    jobs = [job for job in case.parts["crew_jobs"] if job["crew_code"] and job["ended_at"] is None]
    return [str(job["crew_code"]) for job in jobs][:1]


def _sheet(case: StaffCase, standing: Standing, crew: Sequence[Mapping[str, str]]) -> WorkOrder:
    row, view = case.row, city()
    service = view.services.get(row.service_code)
    drawn = place_map(case.parts["ground"], case.lon, case.lat, row.accuracy_m)
    link = _link(case, standing)
    url = services().settings.public_url
    is_on_the_spot = row.kind == "report"
    endings = [one.code for one in closing_codes_for(row.kind) if one.code in ENDINGS]
    steps = [(gettext(N_("Checklist")), [gettext(each) for each in STEPS])] if is_on_the_spot else []
    return WorkOrder(
        city=named(view.names),
        heading=gettext(N_("Work order")),
        token=row.token,
        title=named(service.names) if service else row.service_code,
        facts=_facts(case, view, crew),
        place_title=gettext(N_("Place")),
        place_facts=_place_facts(case, view),
        drawn=drawn,
        street_names=[(named(each.names), each.x, each.y) for each in drawn.names] if drawn else (),
        told_title=gettext(N_("What was reported")),
        told=_told(row, service),
        photos=_photos(case),
        lists=[*steps, (gettext(N_("How did it end?")), [gettext(CLOSING_CODES[code]) for code in endings])],
        lines=[gettext(each) for each in LINES],
        code=f"{url}/job/open/{link}" if link else f"{url}/desk/case/{row.token}",
        code_words=gettext(TO_THE_FIELD if link else TO_THE_DESK),
        foot=gettext(FOOT, when=datetime_text(clock.now())),
    )


def _facts(case: StaffCase, view: CityView, crew: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    row = case.row
    running = [one for one in case.parts["clocks"] if one["state"] == "running" and one["kind"] == "unit"]
    resolve = next((one["due_at"] for one in running if one["stage"] == "resolve"), None)
    assisting = ", ".join(named(view.unit_names(unit)) for unit in case.assist_units)
    return [
        (gettext(N_("Priority")), gettext(PRIORITIES[row.priority]) if row.priority in PRIORITIES else ""),
        (gettext(N_("Unit")), named(view.unit_names(case.lead_unit))),
        (gettext(N_("Assisting")), assisting),
        (gettext(N_("Crew")), ", ".join(named(each) for each in crew)),
        (gettext(N_("Reported")), datetime_text(row.opened_at)),
        (gettext(N_("To be done by")), datetime_text(resolve) if resolve else ""),
        (
            gettext(N_("Promise to the resident")),
            datetime_text(row.promise_due_at) if row.promise_due_at else "",
        ),
    ]


def _place_facts(case: StaffCase, view: CityView) -> list[tuple[str, str]]:
    if case.lon is None or case.lat is None:
        return [(gettext(N_("Exact place")), gettext(N_("No place was given")))]
    found = receipt_text(case.row.receipt, view).found
    metres = case.row.accuracy_m
    exact = f"{case.lat:.6f}, {case.lon:.6f}" + (f" (± {round(metres)} m)" if metres else "")
    return [
        (gettext(N_("Exact place")), exact),
        *((named(each.layer), named(each.name)) for each in found),
    ]


def _told(row: Any, service: ServiceView | None) -> list[str]:
    """The words as the public may read them, and what was answered; what people typed is masked."""
    told = [row.public_text] if row.public_text else [gettext(N_("No words were given."))]
    for question in service.questions if service else ():
        labels = {each["key"]: named(each["label"]) for each in question.values}
        given = [labels.get(each) or mask(each) for each in row.answers.get(question.code) or ()]
        if given:
            told.append(f"{named(question.texts)} {', '.join(given)}")
    return told


def _photos(case: StaffCase) -> list[tuple[Path, str]]:
    """Those of the report first, in their safe version."""
    ready = [photo for photo in case.parts["photos"] if photo["state"] == "ready"]
    ready.sort(key=lambda photo: photo["purpose"] == "proof")
    store = services().store
    return [
        (store.path(f"{photo['token']}/{SHOWN}"), _of_what(photo))
        for photo in ready
        if store.has(f"{photo['token']}/{SHOWN}")
    ][:MOST_PHOTOS]


def _of_what(photo: Row) -> str:
    return gettext(N_("Proof photo") if photo["purpose"] == "proof" else N_("Photo of the report"))


def _link(case: StaffCase, standing: Standing) -> str:
    """The standing link of the contractor who leads, for those who may send it; "" where there is none."""
    may_send = "send_link" in available(case.row.state, standing.role, standing.part, own_forms=True)
    for link in case.parts["contractor_links"]:
        is_in_force = link["revoked_at"] is None and link["expires_at"] > clock.now()
        if may_send and is_in_force and link["unit_code"] == case.lead_unit:
            return code_of(services().context, link, case.row.token)
    return ""
