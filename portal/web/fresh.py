"""Knows how an open page asks whether anything is new: a small answer with a mark, empty where it is the same."""

from __future__ import annotations

from flask import Response, request


def unchanged_or(answer: Response) -> Response:
    """An answer that a browser keeps and asks about each time: nothing is sent where it is the same."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.add_etag()
    answer.make_conditional(request)
    return answer
