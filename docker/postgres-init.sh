#!/bin/sh
# Runs once, when the database server makes its data: the databases and accounts of Xyn and of Temporal.
set -eu

# The passwords come as variables of psql, which quotes them; they stand in no argument list.
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner_password XYN_DB_OWNER_PASSWORD
\getenv app_password XYN_DB_PASSWORD
\getenv temporal_password TEMPORAL_DB_PASSWORD
CREATE ROLE xyn_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE xyn_app LOGIN PASSWORD :'app_password';
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal_password';
CREATE DATABASE xyn OWNER xyn_owner;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE xyn, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE xyn TO xyn_app;
SQL
