#!/bin/sh
# Run once by the database container on an empty volume. The portal's own role is not a superuser, so that the
# rights it gives up (UPDATE and DELETE on events) are really gone.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set password="$WENLU_DB_PASSWORD" <<'SQL'
CREATE ROLE wenlu LOGIN PASSWORD :'password';
CREATE DATABASE wenlu OWNER wenlu;
\connect wenlu
CREATE EXTENSION IF NOT EXISTS postgis;
SQL
