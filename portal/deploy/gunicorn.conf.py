"""Knows how the web server runs: the same under `wenlu up` and in a container."""

import os
import re
import shutil
import tempfile
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from gunicorn.glogging import Logger

_host = os.environ.get("HOST") or "127.0.0.1"
bind = f"{f'[{_host}]' if ':' in _host else _host}:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "gthread"  # a slow phone holds a thread, never a process
threads = 8
certfile, keyfile = os.environ.get("TLS_CERT") or None, os.environ.get("TLS_KEY") or None
timeout = 60
graceful_timeout = 4
control_socket_disable = True
_memory = "/dev/shm"  # noqa: S108 - a worker's heartbeat must never wait for a disk
worker_tmp_dir = _memory if os.access(_memory, os.W_OK) else None
accesslog = "-"
access_log_format = (
    '%(t)s %(m)s %(U)s %(s)s %(B)s %(M)s ms "%({x-request-id}o)s"'  # no address, no query string
)

# The workers count into one folder, and whichever of them is scraped adds up. Fresh for this server: what an
# earlier one left would count twice. A reload reads this file again and keeps the folder.
if os.environ.get("WENLU_METRICS_OF") != str(os.getpid()):
    os.environ["WENLU_METRICS_OF"] = str(os.getpid())
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="wenlu-metrics-", dir=worker_tmp_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """Let go of a worker's figures of the moment; what it counted stays."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Leave no folder behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


class PathLogger(Logger):  # type: ignore[misc]
    """Logs the path as it was sent, so that no line can be forged, and never the code of a one-time link."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """The parts of a line of the access log."""
        parts: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return parts | {"U": logged_path(environ)}


def logged_path(environ: dict[str, Any]) -> str:
    """The percent-encoded path of a request, without its query and without secrets."""
    path = environ.get("PATH_INFO") or ""
    if re.search("/(open|say)/", path):
        return quote(
            re.sub(r"(/(?:open|say)/).*", r"\1***", path, flags=re.DOTALL), safe="/*", encoding="latin-1"
        )
    return quote(
        re.split("[?#]", environ.get("RAW_URI") or path)[0], safe="/%:@!$&'()*+,;=~", encoding="latin-1"
    )


logger_class = PathLogger
