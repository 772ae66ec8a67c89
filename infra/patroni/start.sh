#!/bin/sh
# Starts a node of the database's cluster in a container. Settings, by their environment: PATRONI_NAME, and PATRONI_ADDRESS, at
# which the others reach it; secrets lie in files.
set -eu

secret() { cat "/run/secrets/$1"; }
export PATRONI_RESTAPI_LISTEN=0.0.0.0:8008 PATRONI_RESTAPI_CONNECT_ADDRESS="$PATRONI_ADDRESS:8008"
export PATRONI_POSTGRESQL_LISTEN=0.0.0.0:5432 PATRONI_POSTGRESQL_CONNECT_ADDRESS="$PATRONI_ADDRESS:5432"
export PATRONI_POSTGRESQL_DATA_DIR=/var/lib/postgresql/data/pgdata PATRONI_POSTGRESQL_PGPASS=/tmp/pgpass
PATRONI_POSTGRESQL_BIN_DIR=$(echo /usr/lib/postgresql/*/bin)
PATRONI_SUPERUSER_PASSWORD=$(secret database_password)
PATRONI_REPLICATION_PASSWORD=$(secret replication_password)
export PATRONI_POSTGRESQL_BIN_DIR PATRONI_SUPERUSER_PASSWORD PATRONI_REPLICATION_PASSWORD
export PATRONI_SUPERUSER_USERNAME=licet PATRONI_REPLICATION_USERNAME=replicator
exec python3 -m patroni "$(dirname "$0")/patroni.yml"
