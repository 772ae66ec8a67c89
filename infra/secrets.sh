#!/bin/sh
# Makes the secrets of docker-compose.yaml, once: what is there stays. SECRET_KEY opens everything that is sealed: keep a
# copy of infra/secrets/secret_key elsewhere, apart from every backup of the database.
set -eu
umask 077
folder=$(dirname "$0")/secrets
mkdir -p "$folder"

make() { # NAME VALUE
    [ -s "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"
}

random() { openssl rand -hex 32; }

for name in api_key database_password jwt_secret secret_key; do
    make "$name" "$(random)"
done
make database_url "postgres://licet:$(cat "$folder/database_password")@db:5432/licet"
# Containers run as other users; the folder keeps everybody else out.
chmod 644 "$folder"/*
echo "The secrets are in $folder."
