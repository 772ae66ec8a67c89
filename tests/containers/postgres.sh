#!/bin/sh
# What the official image's entrypoint does of what docker-compose.yaml asks for.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086 # several, with spaces between
    "$bin/initdb" --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth scram-sha-256 \
        $POSTGRES_INITDB_ARGS
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    "$bin/pg_ctl" --pgdata "$PGDATA" --wait --options "-c listen_addresses=" start
    PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") psql --host /run/postgresql --username "$POSTGRES_USER" --dbname postgres \
        --command "CREATE DATABASE $POSTGRES_DB"
    "$bin/pg_ctl" --pgdata "$PGDATA" --wait stop
fi
exec "$bin/postgres" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql
