# syntax=docker/dockerfile:1
# One image for every part: web, worker, relay, cron and the `wenlu` command differ by what they are told to run.

FROM node:22-bookworm-slim AS assets
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
RUN mkdir -p vendor && for package in node_modules/*/; do cp -R "$package/dist" "vendor/$(basename "$package")"; done

FROM python:3.12-slim-bookworm AS packages
# The Chinese signs of work orders.
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-wqy-microhei
COPY requirements.txt requirements-dev.txt ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --disable-pip-version-check -r requirements.txt
# Packages beyond the base, such as apprise, at the versions that the tests run with.
ARG WENLU_EXTRAS=""
RUN [ -z "$WENLU_EXTRAS" ] || /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    -c requirements.txt -c requirements-dev.txt $WENLU_EXTRAS
RUN printf '#!/opt/venv/bin/python\nimport sys\n\nfrom portal.cli.main import main\n\nsys.exit(main())\n' \
    >/opt/venv/bin/wenlu && chmod 755 /opt/venv/bin/wenlu

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --home-dir /data --shell /usr/sbin/nologin wenlu && install -d -o wenlu -g wenlu -m 700 /data
COPY --from=packages /usr/share/fonts/truetype/wqy /usr/share/fonts/truetype/wqy
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY geo geo
COPY routing routing
COPY portal portal
COPY jobs jobs
COPY static static
COPY --from=assets /build/vendor static/vendor
COPY LICENSE pyproject.toml ./
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 WENLU_HOME=/data HOST=0.0.0.0 PORT=8000
RUN python -m compileall -q geo routing portal jobs
USER wenlu
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
CMD ["gunicorn", "--config", "portal/deploy/gunicorn.conf.py", "portal.app:create_app()"]
