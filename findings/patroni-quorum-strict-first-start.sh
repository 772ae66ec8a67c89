#!/usr/bin/env bash
# Finding:  with `synchronous_mode: quorum` and `synchronous_mode_strict`, Patroni gives a new cluster a setting that PostgreSQL
#           cannot read, `ANY None (*)`, and says that synchronous replication is enabled. PostgreSQL keeps the setting before:
#           until the first standby has come, commits wait for none.
# Version:  Patroni 4.1.5 with raft, PostgreSQL 16 of pgserver 0.1.4; the same with etcd 3.4 and PostgreSQL 15
# Guess:    strict means that no commit goes without a standby, from the first one on.
# Seen:     INFO: Enabled synchronous replication
#           invalid value for parameter "synchronous_standby_names": "ANY None (*)"
#           in force: ''
# So here:  the first `licet` is started when there is a standby (docs/HIGH_AVAILABILITY.md).
set -euo pipefail

folder=$(mktemp -d)
patroni=
trap '[ -z "$patroni" ] || { kill -TERM "$patroni"; wait "$patroni" || true; } 2>/dev/null; rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check 'patroni[raft]==4.1.5' psycopg2-binary==2.9.12 \
    pgserver==0.1.4 || { echo "Patroni 4.1.5 or PostgreSQL cannot be had"; exit 77; }
programs=$(echo "$folder"/python/lib/python3*/site-packages/pgserver/pginstall/bin)
ports=$("$folder/python/bin/python" -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*[one.getsockname()[1] for one in sockets])')
read -r raft rest database <<<"$ports"
mkdir "$folder/home"
cat > "$folder/patroni.yml" <<YAML
scope: finding
name: one
restapi: {listen: "127.0.0.1:$rest", connect_address: "127.0.0.1:$rest"}
raft: {self_addr: "127.0.0.1:$raft", data_dir: "$folder/home/raft"}
bootstrap:
  dcs:
    synchronous_mode: quorum
    synchronous_mode_strict: true
    postgresql: {parameters: {unix_socket_directories: ""}}
  initdb: [{encoding: UTF8}, {locale: C}]
postgresql:
  listen: 127.0.0.1:$database
  connect_address: 127.0.0.1:$database
  data_dir: $folder/home/data
  bin_dir: $programs
  pgpass: $folder/home/pgpass
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  authentication: {superuser: {username: owner}, replication: {username: copier}}
YAML
as=()
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root; folders that only root may enter are no obstacle to whom it runs as.
    chown -R nobody "$folder"
    as=(setpriv --reuid=nobody --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search --)
fi
HOME=$folder/home "${as[@]}" "$folder/python/bin/python" "$folder/python/bin/patroni" "$folder/patroni.yml" >"$folder/log" 2>&1 &
patroni=$!
ask() { "$programs/psql" -X -At -h 127.0.0.1 -p "$database" -U owner postgres -c "$1" 2>/dev/null || true; }
for _ in $(seq 120); do
    ! grep -q 'Enabled synchronous replication' "$folder/log" || break
    sleep 0.5
done
# Its next round would put right what the first one left.
sleep 12
seen=$(grep -o 'INFO: Enabled synchronous replication' "$folder/log" || true)
seen="$seen
$(grep -o 'invalid value for parameter "synchronous_standby_names": ".*"' "$folder/log" | head -1)
in force: '$(ask 'SHOW synchronous_standby_names')'"
echo "$seen"
expected="INFO: Enabled synchronous replication
invalid value for parameter \"synchronous_standby_names\": \"ANY None (*)\"
in force: ''"
[ "$seen" = "$expected" ] || { tail -20 "$folder/log"; echo "this has changed"; exit 1; }
