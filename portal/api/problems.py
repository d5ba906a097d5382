"""Knows how the API refuses: problem documents of RFC 9457, with a `fields` map for faults of input."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from portal.errors import InvalidInput, WenluError
from portal.web.locale import say

PROBLEM = "application/problem+json"


def problem_face(status: int, title: str, error: WenluError | None) -> Response:
    """A refusal as a problem document."""
    document: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if error is not None:
        document["detail"] = say(error.message)
    if isinstance(error, InvalidInput):
        document["fields"] = {name: say(message) for name, message in error.fields.items()}
    return Response(json.dumps(document, ensure_ascii=False), status, content_type=PROBLEM)
