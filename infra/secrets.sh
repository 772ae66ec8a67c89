#!/bin/sh
# Makes the secrets of docker-compose.yaml, once: what is there stays. SECRET_KEY opens everything that is sealed: keep a
# copy of infra/secrets/secret_key elsewhere, apart from every backup of the database.
set -eu
umask 077
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
# Only who runs Compose gets in here; containers are handed single files, and read them as other users.
chmod 700 "$folder"

make() { # NAME VALUE
    [ -s "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"
}

for name in api_key database_password grafana_password jwt_secret replication_password secret_key; do
    value=$(openssl rand -hex 32)
    make "$name" "$value"
done
make database_url "postgres://licet:$(cat "$folder/database_password")@db:5432/licet"
make scratch_url "postgres://licet:$(cat "$folder/database_password")@scratch:5432/licet"
# The mail server's is not made here: write it in where ALERT_SMTP_USER is set.
touch "$folder/alert_smtp_password"
chmod 644 "$folder"/*
echo "The secrets are in $folder."
