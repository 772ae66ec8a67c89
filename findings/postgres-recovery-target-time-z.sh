#!/usr/bin/env bash
# Finding:  PostgreSQL takes `2026-11-30T14:00:00Z` for a time in a statement, and refuses it as `recovery_target_time`: `Z` counts
#           as an abbreviation there, and none is known yet when the settings are read. With `+00` it is taken. A restore to a
#           moment that a program writes as RFC 3339 does not start.
# Version:  PostgreSQL 16 of pgserver 0.1.4; the same with PostgreSQL 15 of Debian 12
# Guess:    what `timestamptz` reads, the setting reads.
# Seen:     in a statement: 2026-11-30 14:00:00+00
#           as the setting, with Z: invalid value for parameter "recovery_target_time": "2026-11-30T14:00:00Z"
#           as the setting, with +00: 2026-11-30T14:00:00+00
# So here:  event-store/src/embedded/recover.rs writes +00.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check pgserver==0.1.4 || { echo "PostgreSQL cannot be had"; exit 77; }
programs=$(echo "$folder"/python/lib/python3*/site-packages/pgserver/pginstall/bin)
as=()
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root; folders that only root may enter are no obstacle to whom it runs as.
    chown -R nobody "$folder"
    as=(setpriv --reuid=nobody --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search --)
fi
"${as[@]}" "$programs/initdb" -D "$folder/data" -U owner --locale=C -E UTF8 >/dev/null
setting() { "${as[@]}" "$programs/postgres" -D "$folder/data" -c "recovery_target_time=$1" -C recovery_target_time 2>&1 || true; }
seen="in a statement: $(echo "SELECT '2026-11-30T14:00:00Z'::timestamptz AT TIME ZONE 'UTC' || '+00' AS read" |
    "${as[@]}" "$programs/postgres" --single -D "$folder/data" postgres 2>/dev/null | sed -n 's/.*read = "\([^"]*\)".*/\1/p')
as the setting, with Z: $(setting 2026-11-30T14:00:00Z | grep -o 'invalid value for parameter.*')
as the setting, with +00: $(setting 2026-11-30T14:00:00+00)"
echo "$seen"
expected='in a statement: 2026-11-30 14:00:00+00
as the setting, with Z: invalid value for parameter "recovery_target_time": "2026-11-30T14:00:00Z"
as the setting, with +00: 2026-11-30T14:00:00+00'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }
