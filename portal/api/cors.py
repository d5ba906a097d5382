"""Knows which answers of the API other sites may read: public GETs."""

from __future__ import annotations

from flask import Response, request


def allow_any_origin(response: Response) -> Response:
    """Let any page read the answer to a public GET; nothing but its language may depend on a cookie."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response
