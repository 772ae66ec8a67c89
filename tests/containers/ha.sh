# The same with three databases, three etcd, three NATS and two nodes of each kind (infra/ha.env): what leads is killed and cut
# off, and everything that was acknowledged is there afterwards. Sourced by run.sh; LICET_QUORUM names the folder with Patroni
# and NATS for the local base.

# As docs/HIGH_AVAILABILITY.md has it: what the one database held moves to the three.
docker stop --time 10 "$(compose ps --quiet license-server)" "$(compose ps --quiet admin-panel)" >/dev/null
for _ in $(seq 30); do backup create >"$run/backup.json" 2>&1 && break; sleep 2; done
field position <"$run/backup.json" >/dev/null 2>&1 || die "no backup was made: $(cat "$run/backup.json")"
compose down --timeout 5 >/dev/null 2>&1
cat "$run/project/.env.example" "$run/project/infra/ha.env" >"$run/project/.env"
monitoring=$COMPOSE_PROFILES
COMPOSE_PROFILES=ha${monitoring:+,$monitoring}
mkdir -p "$run/quorum/opt" "$run/nats/usr/sbin"
cp -r "$LICET_QUORUM" "$run/quorum/opt/patroni"
mv "$run/quorum/opt/patroni/bin/nats-server" "$run/nats/usr/sbin/"
tar -C "$run/quorum" -c . | docker import - licet-local-patroni >/dev/null
printf 'FROM licet-local-base\nCOPY usr /usr\n' | docker build --quiet --network host --tag licet-local-nats --file - "$run/nats" >/dev/null
export NATS_BASE=licet-local-nats
say "Building the images of the quorum"
compose build --quiet
up() { compose --progress quiet up --detach --wait --wait-timeout 300 "$@"; }
up haproxy || { compose ps; compose logs --tail 20; die "the database did not come up"; }
compose --progress quiet run --rm --no-deps --no-TTY workers backup restore >"$run/restored" 2>&1 || { cat "$run/restored"; die "the backup was not restored"; }
up || { compose ps; compose logs --tail 20; die "the quorum did not come up"; }
compose ps --format 'table {{.Service}}\t{{.Status}}'
valid || die "what was sold before did not move"
# Beside what is watched of one of each: three more nodes and probes, three etcd, three Patroni, and HAProxy.
[ -z "$monitoring" ] || expect_watched 24 'count(up == 1)'

members() { # ROLE: services of the databases that have it
    local any
    for any in db-1 db-2 db-3; do
        compose exec -T "$any" patronictl list --format json 2>/dev/null | python3 -c 'import json,sys
for member in json.load(sys.stdin):
    if member["Role"] == sys.argv[1] and member["State"] in ("running", "streaming"): print(member["Member"])' "$1" && return
    done
}
whole() { [ "$(members "Quorum Standby" | wc -l)" = 2 ]; }
# The stream is told of by whoever answers.
told() {
    local service messages most=0
    for service in nats-1 nats-2 nats-3; do
        messages=$(docker exec "$(compose ps --quiet $service)" wget -q -O - 'http://127.0.0.1:8222/jsz' 2>/dev/null |
            field messages 2>/dev/null || echo 0)
        [ "$messages" -le "$most" ] || most=$messages
    done
    echo "$most"
}
# Another machine is activated; those before stay.
machines=1
recovers() { # WHAT
    for _ in $(seq 120); do
        if activates $((machines + 1)); then
            machines=$((machines + 1))
            say "$1: recorded again after $((SECONDS - lost)) s"
            return
        fi
        sleep 1
    done
    compose ps; compose logs --tail 30
    die "$1: nothing is recorded"
}
within() { # SECONDS WHAT COMMAND
    local seconds=$1 what=$2
    shift 2
    for _ in $(seq "$seconds"); do ! "$@" || return 0; sleep 1; done
    compose exec -T db-1 patronictl list || true
    die "$what"
}
pid_of() { docker inspect --format '{{.State.Pid}}' "$(compose ps --quiet "$1")"; }

within 60 "there are no two standbys" whole
leader=$(members Leader) lost=$SECONDS
kill -9 "$(pid_of "$leader")"
recovers "$leader, which led, killed"
within 120 "$leader does not come back" whole

leader=$(members Leader) lost=$SECONDS container=$(compose ps --quiet "$(members Leader)")
docker network disconnect licet-test_inside "$container"
recovers "$leader, which led, cut off"
docker network connect --ip "10.83.0.2${leader#db-}" --alias "$leader" licet-test_inside "$container"
within 120 "$leader does not come back" whole
[ "$(members Leader)" != "$leader" ] || die "$leader leads again"

leader=$(members Leader) lost=$SECONDS
compose exec -T db-1 patronictl switchover --force >/dev/null
recovers "$leader asked to hand over"
within 120 "$leader does not come back" whole

# Both nodes that nginx asked first are killed with the leader: their twins answer.
leader=$(members Leader) lost=$SECONDS
kill -9 "$(pid_of license-server)" "$(pid_of admin-panel)" "$(pid_of "$leader")"
recovers "$leader, which led, and a node of each kind killed"
within 120 "$leader does not come back" whole

for service in haproxy etcd-1 nats-1 workers; do
    lost=$SECONDS
    kill -9 "$(pid_of $service)"
    recovers "$service killed"
done

mapfile -t standbys < <(members "Quorum Standby")
compose stop --timeout 10 "${standbys[@]}" >/dev/null 2>&1
sleep 3
! activates 999 || die "something was acknowledged that only one host has"
lost=$SECONDS
compose start "${standbys[@]}" >/dev/null 2>&1
recovers "both standbys gone, and back"
within 120 "the standbys do not come back" whole

for number in $(seq "$machines"); do
    [ "$(ask POST /api/license/verify "$(machine "$number")" | field valid)" = True ] || die "machine $number was acknowledged and is gone"
done
compose exec -T workers licet audit verify >/dev/null || die "the log does not hold"
for _ in $(seq 30); do ! works || break; sleep 1; done
works || die "what is recorded is not found, or not told"
[ -z "$monitoring" ] || expect_watched 24 'count(up == 1)'
say "The quorum holds: $machines machines were acknowledged and are there."
