"""Knows the headers that every answer carries: what a page may load, who may frame it, what it may ask."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.settings import Settings

HSTS = "max-age=31536000; includeSubDomains"
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
PERMISSIONS = "geolocation=(self), camera=(), microphone=(), payment=(), usb=(), interest-cohort=()"


def csp_nonce() -> str:
    """The random word that this request's scripts and styles must carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def content_policy(nonce: str, tile_url: str = "") -> str:
    """The content security policy of a page: nothing but our own files, and scripts only with the nonce."""
    tiles = f" {origin}" if (origin := _tile_origin(tile_url)) else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'nonce-{nonce}'",
            f"img-src 'self' data: blob:{tiles}",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def _tile_origin(tile_url: str) -> str:
    parts = urlsplit(tile_url)
    # {s} stands for one of several host names; CSP says that with an asterisk.
    return f"{parts.scheme}://{parts.netloc.replace('{s}', '*')}" if parts.netloc else ""


def install(app: Flask, settings: Settings) -> None:
    """Add the headers, limit request sizes and trust exactly the hosts and proxies of the settings."""
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_mb * 1024 * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = 1024 * 1024
    app.config["MAX_FORM_PARTS"] = 500
    if settings.trusted_hosts:
        app.config["TRUSTED_HOSTS"] = list(settings.trusted_hosts)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    # The promise of HTTPS holds for a name and all its ports: here it would bind every other server as well.
    is_here = urlsplit(settings.public_url).hostname in THIS_MACHINE

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", content_policy(csp_nonce(), settings.tile_url))
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", PERMISSIONS)
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")
        if not request.path.startswith(("/api/", "/static/", "/open311/", "/data/", "/tiles/")):
            headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            headers.setdefault("Cache-Control", "no-store")
        if settings.is_https and not is_here:
            headers.setdefault("Strict-Transport-Security", HSTS)
        return response
