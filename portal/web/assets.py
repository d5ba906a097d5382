"""Knows the static files: served packed, with their content's hash in the address, and kept by browsers for a year."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_from_directory

from portal.web import access

STATIC = Path(__file__).resolve().parents[2] / "static"
ONE_YEAR = 365 * 24 * 3600
PACKED = frozenset(
    {".css", ".js", ".svg"}
)  # pictures are packed already; pages hold secrets, which packing betrays


def content_hash(name: str) -> str:
    """The hash that stands in a file's address; empty for a file that is not there."""
    try:
        stamp = (STATIC / name).stat().st_mtime_ns
    except OSError:
        return ""
    return _hash_of(name, stamp)


@lru_cache(maxsize=256)
def _hash_of(name: str, stamp: int) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=256)
def _packed(name: str, stamp: int) -> bytes:
    return gzip.compress((STATIC / name).read_bytes(), 9, mtime=0)


@access.public
def static(filename: str) -> Response:
    """A static file; immutable when the address carries its hash."""
    response = send_from_directory(STATIC, filename, conditional=True)
    if Path(filename).suffix in PACKED:
        response.vary.add("Accept-Encoding")
        if response.status_code == 200 and request.accept_encodings["gzip"]:
            response = _pack(response, filename)
    asked = request.args.get("v")
    if asked and asked == content_hash(filename):
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    else:
        response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _pack(response: Response, name: str) -> Response:
    """The same answer packed, with a tag of its own: a part of one is no part of the other."""
    response.direct_passthrough = False
    response.set_data(_packed(name, (STATIC / name).stat().st_mtime_ns))
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("Accept-Ranges", None)
    response.set_etag(f"{content_hash(name)}-gzip")
    response.make_conditional(request)
    return response


def install(app: Flask) -> None:
    """Serve `/static/…` and let `url_for("static", filename=…)` add the hash."""
    app.add_url_rule("/static/<path:filename>", "static", static)

    @app.url_defaults
    def add_hash(endpoint: str, values: dict[str, Any]) -> None:
        if (
            endpoint == "static"
            and "v" not in values
            and (digest := content_hash(values.get("filename", "")))
        ):
            values["v"] = digest
