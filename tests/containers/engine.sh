# A Docker engine of its own below $run, with no rules in the machine's firewall, and a Debian image with what the services
# are made of; sourced by who tries something in containers. Who has no engine here skips with 77.

cache=${LICET_CACHE:-$HOME/.cache/licet}/docker
run=$(mktemp -d /tmp/licet-containers.XXXXXX)
export DOCKER_HOST=unix://$run/docker.sock DOCKER_CONFIG=$cache/config

say() { printf '\033[1m%s\033[0m\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }
skip() { printf '%s\n' "$*" >&2; exit 77; }

# Everything that was started is taken down again; who has more to take down defines `down`.
down() { :; }
end() {
    down
    docker image prune --force >/dev/null 2>&1 || true
    docker builder prune --force >/dev/null 2>&1 || true
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    umount "$run"/exec/netns/* 2>/dev/null || true
    rm -rf --one-file-system "$run"
}

mkdir -p "$cache"
dockerd --data-root "$cache/data" --exec-root "$run/exec" -p "$run/pid" -H "$DOCKER_HOST" --iptables=false --bridge=none \
    >"$run/engine.log" 2>&1 &
engine=$!
trap end EXIT
for _ in $(seq 100); do docker info >/dev/null 2>&1 && break; sleep 0.2; done
docker info >/dev/null 2>&1 || { tail -n 5 "$run/engine.log" >&2; skip "the Docker engine does not start"; }

packages=postgresql,nginx,nats-server,etcd-server,etcd-client,haproxy,python3,openssl,curl,wget,ca-certificates,systemd,systemd-sysv,dbus
# What stands in the place of a registry's images; a list that changed makes another one.
if [ "$(docker image inspect --format '{{.Comment}}' licet-local-base 2>/dev/null)" != "$packages" ]; then
    say "A Debian image with PostgreSQL, nginx, NATS, etcd, HAProxy and systemd"
    debootstrap --variant=minbase --include="$packages" bookworm "$run/rootfs" >"$run/debootstrap.log" 2>&1 ||
        { tail -n 5 "$run/debootstrap.log" >&2; skip "debootstrap failed"; }
    tar -C "$run/rootfs" -c . | docker import --message "$packages" - licet-local-base >/dev/null
    rm -rf "$run/rootfs"
fi
