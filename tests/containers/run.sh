#!/bin/bash
# Builds the images of docker-compose.yaml and brings the stack up: a license is activated through nginx by TLS, each
# service is killed and cut off in turn, and heals. `./dev test containers` runs it; it needs root and Debian.
# Ends with 77 where this machine has no engine, or cannot get what the images are made of.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck source=tests/containers/engine.sh
. tests/containers/engine.sh

program=${1:?the licet program}
export COMPOSE_PROJECT_NAME=licet-test
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
export NGINX_ADDRESS=127.0.0.1 NGINX_HTTP_PORT NGINX_HTTPS_PORT
NGINX_HTTP_PORT=$(free_port) NGINX_HTTPS_PORT=$(free_port)
# What watches it, where its programs are at hand.
export PROMETHEUS_PORT ALERTMANAGER_PORT COMPOSE_PROFILES=${LICET_MONITORING_BIN:+monitoring}
PROMETHEUS_PORT=$(free_port) ALERTMANAGER_PORT=$(free_port)
https=https://127.0.0.1:$NGINX_HTTPS_PORT

compose() {
    docker compose --project-directory "$run/project" --file "$run/project/docker-compose.yaml" \
        --file "$run/project/tests/containers/compose.override.yaml" "$@"
}

down() { compose down --volumes --timeout 5 >/dev/null 2>&1 || true; }

mkdir -p "$run/out/out/archive" "$run/out/out/backups" "$run/out/out/scratch"
cp "$program" "$run/out/out/licet"
tar -C "$run/out" -c . | docker import - licet-local-binaries >/dev/null

# --- the stack
mkdir "$run/project"
git ls-files -z | xargs -0 cp --parents -t "$run/project"
docker build --quiet --network host --tag licet-local-postgres --file tests/containers/postgres.Dockerfile tests/containers >/dev/null
if [ -n "$COMPOSE_PROFILES" ]; then
    docker build --quiet --network host --tag licet-local-monitoring --file tests/containers/monitoring.Dockerfile \
        "$LICET_MONITORING_BIN/../.." >/dev/null
fi
"$run/project/infra/secrets.sh" >/dev/null
# What a run that was killed left behind.
compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true
say "Building the images"
compose build --quiet
say "Starting"
compose --progress quiet up --detach --wait --wait-timeout 180 || { compose ps; compose logs --tail 20; die "the stack did not come up"; }
compose ps --format 'table {{.Service}}\t{{.Status}}'

# --- a license is sold and activated
key=$(cat "$run/project/infra/secrets/api_key")
field() { python3 -c 'import json,sys; value = json.load(sys.stdin)
for name in sys.argv[1].split("."): value = value[int(name)] if name.isdigit() else value[name]
print(value)' "$1"; }
ask() { # METHOD PATH [BODY]
    curl --silent --show-error --insecure --max-time 15 --header "X-API-Key: $key" --header 'Content-Type: application/json' \
        --request "$1" "$https$2" ${3:+--data "$3"}
}
machine() { # [NUMBER]
    printf '{"license_key": "%s", "fingerprint": {"cpu_id": "cpu", "system_uuid": "9d3f1c52-7a40-4be1-8a43-%012d"}}' "$license" "${1:-1}"
}
activates() { ask POST /api/license/activate "$(machine "${1:-1}")" 2>/dev/null | field token >/dev/null 2>&1; }
valid() { [ "$(ask POST /api/license/verify "$(machine)" 2>/dev/null | field valid 2>/dev/null)" = True ]; }
sell() {
    local customer
    ask POST /api/admin/products '{"code": "studio", "name": "Studio"}' | field id >/dev/null
    ask POST /api/admin/policies '{"code": "studio", "product": "studio", "seats": 1000, "fingerprint_match": 2}' | field id >/dev/null
    customer=$(ask POST /api/admin/customers '{"name": "Universität Wien", "email": "licenses@univie.ac.at"}' | field id)
    license=$(ask POST /api/admin/licenses "{\"customer_id\": \"$customer\", \"policy\": \"studio\"}" | field items.0.key)
    activates || die "the machine was not activated"
    valid || die "the machine does not verify"
    say "A license is sold, activated and verified through nginx by TLS"
}
sell

# --- every one of them is watched, from inside
watched() { # QUERY
    curl --silent --get --max-time 5 "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/query" --data-urlencode "query=$1" 2>/dev/null |
        field data.result.0.value.1 2>/dev/null || echo 0
}
expect_watched() { # VALUE QUERY
    for _ in $(seq 90); do [ "$(watched "$2")" != "$1" ] || return 0; sleep 1; done
    curl --silent "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/targets" | head -c 6000
    die "Prometheus says $(watched "$2") of $2, and not $1"
}
if [ -n "$COMPOSE_PROFILES" ]; then
    # Three nodes, host, PostgreSQL, nginx, Prometheus, Alertmanager, and three probes.
    expect_watched 11 'count(up == 1)'
    expect_watched 1 'min(probe_success)'
    expect_watched 1 'min(licet_database_up)'
    expect_watched 1 'sum(licet_http_requests_total{route="/api/license/verify", status="2xx"}) > bool 0'
    expect_watched 1 'min(pg_up) * min(nginx_up)'
    say "Prometheus watches them all"
fi

# The first operator's link, as docs/CONTAINERS.md has it made.
compose exec -T admin-panel licet operators setup-link | grep -q '^https://localhost/setup?token=' || die "there is no link for the first operator"

# A backup is made and tried, as docs/BACKUP.md has it done by hand. The workers' own may be going on at this moment.
backup() { compose exec -T workers licet backup "$@" --json; }
for _ in $(seq 30); do backup create >"$run/backup.json" 2>&1 && break; sleep 2; done
field position <"$run/backup.json" >/dev/null 2>&1 || die "no backup was made: $(cat "$run/backup.json")"
for _ in $(seq 30); do backup verify >"$run/backup.json" 2>&1 && break; sleep 2; done
[ "$(field audit.fault <"$run/backup.json")" = None ] || die "the backup does not hold: $(cat "$run/backup.json")"
say "A backup was made, restored in the service scratch, and holds up to position $(field position <"$run/backup.json")"

# What the workers do is done again: who is taken up now is found by name, and the event is told to NATS.
works() {
    local name=Kunde$RANDOM before
    before=$(told)
    ask POST /api/admin/customers "{\"name\": \"$name\", \"email\": \"a@example.org\"}" >/dev/null 2>&1 || return
    for _ in $(seq 20); do
        if ask GET "/api/admin/search?q=$name" 2>/dev/null | field items.0.id >/dev/null 2>&1 &&
            [ "$(told)" -gt "$before" ]; then
            return
        fi
        sleep 0.5
    done
    return 1
}
# Messages in the stream, as this server has it.
told() { # [SERVICE]
    docker exec "$(compose ps --quiet "${1:-nats}")" wget -q -O - 'http://127.0.0.1:8222/jsz' 2>/dev/null | field messages 2>/dev/null || echo 0
}

# --- each of them is lost, and comes back by itself
heals() { # WHAT
    for _ in $(seq 120); do
        if valid && ask GET /api/admin/licenses 2>/dev/null | field items.0.id >/dev/null 2>&1 &&
            [ "$(docker inspect --format '{{.State.Health.Status}}' "$container")" = healthy ] && works; then
            say "$1: healed after $((SECONDS - lost)) s"
            return
        fi
        sleep 1
    done
    compose ps; compose logs --tail 30
    die "$1: it did not heal"
}
for service in license-server admin-panel workers nats nginx db; do
    container=$(compose ps --quiet "$service")
    lost=$SECONDS
    kill -9 "$(docker inspect --format '{{.State.Pid}}' "$container")"
    sleep 1
    heals "$service killed"
    lost=$SECONDS
    docker network disconnect licet-test_inside "$container"
    sleep 3
    address=()
    case $service in license-server) address=(--ip 10.83.0.10) ;; admin-panel) address=(--ip 10.83.0.11) ;; esac
    docker network connect --alias "$service" "${address[@]}" licet-test_inside "$container"
    heals "$service cut off for 3 s"
done
# Both nodes stop and come back in another order: nginx finds each where it was.
container=$(compose ps --quiet admin-panel) lost=$SECONDS
docker stop --time 10 "$(compose ps --quiet license-server)" "$container" >/dev/null
docker start "$container" "$(compose ps --all --quiet license-server)" >/dev/null
heals "both nodes stopped and started the other way round"
for service in license-server admin-panel workers; do
    [ "$(docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}' "$(compose ps --quiet "$service")")" = "65532:65532 true" ] ||
        die "$service runs as root, or may write its image"
done
[ -z "$COMPOSE_PROFILES" ] || expect_watched 11 'count(up == 1)'
# shellcheck source=tests/containers/ha.sh
[ -z "${LICET_QUORUM:-}" ] || . tests/containers/ha.sh
say "The containers hold."
