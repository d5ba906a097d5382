"""Answers `/api/v1/reports/<token>/objections`: a program says that another unit should answer."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from portal.api.cors import allow_any_origin
from portal.api.request_bodies import body, text
from portal.api.shapes import instant
from portal.web import access
from portal.web.objections import keep_objection
from portal.web.services import services

pages = Blueprint("api_objections", __name__, url_prefix="/api/v1")
pages.after_request(allow_any_origin)


@pages.post("/reports/<token>/objections")
@access.public
def say_wrong(token: str) -> tuple[Response, int]:
    """Keep an objection: 201. With the reporter's secret (`Authorization: Bearer …`) it counts as the reporter's."""
    given = body()
    _, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = (secret or text(given, "secret")).strip()
    is_by_reporter = secret.isascii() and services().keyring.is_reporter_secret(token, secret)
    kept = keep_objection(
        token, text(given, "text"), is_by_reporter=is_by_reporter, should_be=text(given, "should_be")
    )
    answer = {"token": kept.token, "seq": kept.seq, "at": instant(kept.at), "text": kept.public_text}
    return jsonify(answer), 201
