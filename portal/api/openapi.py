"""Knows the description of the API in OpenAPI 3.1, and answers `/api/v1/openapi.json` and `/api/docs`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from portal.api.cors import allow_any_origin
from portal.i18n import N_
from portal.operations.object_to_route import MOST_WORDS
from portal.operations.submission import MAX_PHOTOS, MAX_PLACE, MAX_TEXT
from portal.queries.public_reports import MOST_ROWS
from portal.queries.report_map import MOST_POINTS
from portal.web import access
from portal.web.services import services
from routing.lifecycle import STATES

pages = Blueprint("api_docs", __name__)
ABOUT = N_(
    "Coordinates are longitude and latitude in EPSG:4326 unless `datum` says otherwise; instants are ISO 8601 in UTC; "
    "texts come in the language of `lang` or Accept-Language."
)
Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
YES: Schema = {"type": "boolean"}
INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str = "", /, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties} | ({"required": required.split()} if required else {})


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


ANSWERS: Schema = {
    "type": "object",
    "description": "Question code to answer; a list where several may be chosen.",
    "additionalProperties": {"oneOf": [TEXT, _list(TEXT)]},
}
_POINT = {
    "service_code": TEXT,
    "lon": NUMBER | {"description": "degrees east, in `datum`"},
    "lat": NUMBER | {"description": "degrees north, in `datum`"},
    "accuracy_m": NUMBER | {"description": "radius in metres that the device is sure of"},
    "datum": {"type": "string", "enum": ["wgs84", "gcj02", "bd09"]},
    "area": TEXT
    | {"description": "`layer:code` of a boundary, instead of a point; a point beside it must lie in it"},
    "answers": ANSWERS,
    "about_unit": TEXT | {"description": "the unit that a complaint is about"},
    "about_case": TEXT | {"description": "the number of the report that a complaint is about; never public"},
}
_REPORT = {
    "token": TEXT,
    "url": TEXT,
    "kind": TEXT,
    "service_code": TEXT,
    "service_name": TEXT,
    "status": {"type": "string", "enum": ["open", "closed"]},
    "state": {"type": "string", "enum": list(STATES)},
    "text": TEXT,
    "unit": _ref("Unit"),
    "promise": _object(due_at=INSTANT),
    "is_late": YES,
    "opened_at": INSTANT,
    "closed_at": INSTANT,
    "lon": NUMBER,
    "lat": NUMBER,
}
SCHEMAS: dict[str, Schema] = {
    "Unit": _object("code name", code=TEXT, name=TEXT),
    "Where": _object("service_code", **_POINT, at=INSTANT | {"description": "as if asked at this time"}),
    "NewReport": _object(
        "service_code",
        **_POINT,
        description=TEXT | {"maxLength": MAX_TEXT},
        place_words=TEXT
        | {
            "maxLength": MAX_PLACE,
            "description": "the place in words; not public where the service is sensitive",
        },
        client_request_id={"type": "string", "format": "uuid"},
        contact=_object(name=TEXT, email=TEXT, phone=TEXT, channel=TEXT, locale=TEXT),
        anonymous=YES,
        media=_list(TEXT) | {"description": f"ids from /media; at most {MAX_PHOTOS}"},
    ),
    "Question": _object(
        "code text options", code=TEXT, text=TEXT, options=_list(_object(key=TEXT, text=TEXT))
    ),
    "Duplicate": _object(
        token=TEXT,
        url=TEXT,
        text=TEXT,
        state=TEXT,
        distance_m=NUMBER,
        unit=_ref("Unit"),
        voices=NUMBER | {"description": "how many people say so"},
        follow_url=TEXT | {"description": 'where "me too" is said instead of a second report'},
    ),
    "Decision": _object(
        "unit promise receipt ambiguous duplicates",
        unit=_ref("Unit"),
        promise=_object(due_at=INSTANT, words={"type": ["string", "null"]}),
        receipt={"type": "object", "description": "why this unit; distances as bands"},
        reason=TEXT,
        map=TEXT | {"description": "of `where` only: the boundary that decided and the point, as SVG"},
        ambiguous=YES,
        question=_ref("Question"),
        duplicates=_list(_ref("Duplicate")),
        known=_list(_object("message until words", message=TEXT, until=INSTANT, words=TEXT)),
    ),
    "Filed": {
        "allOf": [
            _object(
                "token url reporter_url",
                token=TEXT,
                url=TEXT,
                reporter_url=TEXT | {"description": "private: what stands after # is the reporter's secret"},
            ),
            _ref("Decision"),
        ]
    },
    "Report": _object("token status state", **_REPORT),
    "ReportList": _object("reports", reports=_list(_ref("Report")), next={"type": ["string", "null"]}),
    "Problem": _object(
        "title status",
        type=TEXT,
        title=TEXT,
        status={"type": "integer"},
        detail=TEXT,
        fields={"type": "object", "additionalProperties": TEXT},
    ),
}


def _answer(description: str, schema: Schema | None = None, kind: str = "application/json") -> Schema:
    return {"description": description} | ({"content": {kind: {"schema": schema}}} if schema else {})


REFUSAL = _answer("a problem document (RFC 9457)", _ref("Problem"), "application/problem+json")


def _body(name: str, *, has_files: bool = False) -> Schema:
    content = {"application/json": {"schema": _ref(name)}}
    if has_files:
        content["multipart/form-data"] = {"schema": _ref(name)}
    return {"required": True, "content": content}


def _query(**parameters: str) -> list[Schema]:
    return [
        {"name": name, "in": "query", "description": text, "schema": TEXT}
        for name, text in parameters.items()
    ]


def _path(name: str) -> list[Schema]:
    return [{"name": name, "in": "path", "required": True, "schema": TEXT}]


def _call(summary: str, answers: dict[str, Schema], **rest: Any) -> Schema:
    return {"summary": summary, "responses": answers | {"default": REFUSAL}} | rest


def _get(summary: str, schema: Schema | None = None, parameters: list[Schema] | None = None) -> Schema:
    return {
        "get": _call(
            summary, {"200": _answer("ok", schema or {"type": "object"})}, parameters=parameters or []
        )
    }


_FILTER = {
    "state": "open, closed, or one state",
    "unit": "unit code",
    "bbox": "west,south,east,north in degrees",
}
_DECISION = {"200": _answer("who answers, why and by when", _ref("Decision"))}
PATHS: dict[str, Schema] = {
    "/city": _get("The city that this installation serves"),
    "/services": _get("Every service with its questions"),
    "/services/{code}": _get("One service", parameters=_path("code")),
    "/units": _get("Every unit with its figures"),
    "/units/{code}": _get("One unit", parameters=_path("code")),
    "/where": {
        "post": _call("Who would answer for a point; stores nothing", _DECISION, requestBody=_body("Where")),
        "get": _call(
            "The same in an address; POST keeps places out of logs",
            _DECISION,
            parameters=_query(
                service_code="", lon="", lat="", accuracy_m="metres", answers="JSON object", at=""
            ),
        ),
    },
    "/reports": _get(
        f"Public reports, newest first, at most {MOST_ROWS} a page",
        _ref("ReportList"),
        _query(
            **_FILTER, service_code="service", limit=f"1 to {MOST_ROWS}", after="`next` of the page before"
        ),
    )
    | {
        "post": _call(
            "File a report; the same client_request_id again answers 200 and the same report",
            {"201": _answer("filed", _ref("Filed")), "200": _answer("filed before", _ref("Filed"))},
            requestBody=_body("NewReport", has_files=True),
        )
    },
    "/reports/{token}": _get("One report with its history", _ref("Report"), _path("token")),
    "/reports/{token}/answers": {
        "post": _call(
            "Answer the question once, with the reporter's secret (the part of `reporter_url` after #) as "
            "`Authorization: Bearer …` or in the field `secret`; 403 without it",
            {"200": _answer("the report as it stands now", _ref("Report"))},
            parameters=_path("token"),
            requestBody={
                "required": True,
                "content": {"application/json": {"schema": _object("answers", answers=ANSWERS, secret=TEXT)}},
            },
        )
    },
    "/reports/{token}/objections": {
        "post": _call(
            "Say that another unit should answer; kept with the receipt, masked in public",
            {
                "201": _answer(
                    "kept", _object("token seq at text", token=TEXT, seq=NUMBER, at=INSTANT, text=TEXT)
                )
            },
            parameters=_path("token"),
            requestBody={
                "required": True,
                "content": {
                    "application/json": {
                        "schema": _object(
                            "text",
                            text=TEXT | {"maxLength": MOST_WORDS},
                            should_be=TEXT | {"description": "the unit that should answer, by code"},
                            secret=TEXT | {"description": "the reporter's, where the reporter says it"},
                        )
                    }
                },
            },
        )
    },
    "/media": {
        "post": _call(
            "Store photos before their report",
            {"201": _answer("stored", _object("id ids", id=TEXT, ids=_list(TEXT)))},
            requestBody={
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": _object("media", media={"type": "string", "format": "binary"})
                    }
                },
            },
        )
    },
    "/map/reports": _get(
        f"Reports as GeoJSON points, newest first, at most {MOST_POINTS:,}",
        parameters=_query(
            **_FILTER,
            service="service",
            area="layer:code of an area",
            period="last days: 7, 30, 90 or 365",
            **{"from": "first day it came in, as 2026-05-31", "to": "last day"},
        ),
    ),
    "/layers/{name}": _get("Boundaries of a layer as GeoJSON, simplified", parameters=_path("name")),
    "/basemap": _get("The city's own basemap as GeoJSON"),
}


def document(public_url: str) -> Schema:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Wenlu",
            "version": "1",
            "description": ABOUT,
        },
        "servers": [{"url": f"{public_url}/api/v1"}],
        "paths": PATHS,
        "components": {"schemas": SCHEMAS},
    }


@pages.get("/api/v1/openapi.json")
@access.public
def openapi() -> Response:
    """The description for programs."""
    return allow_any_origin(jsonify(document(services().settings.public_url)))


@pages.get("/api/docs")
@access.public
def docs() -> str:
    """The description for people."""
    return render_template("public/api.html", document=document(services().settings.public_url))
