#!/bin/bash
# The package on a Debian with systemd: installed beside PostgreSQL, used, killed, hung, upgraded, removed and put back; on
# one without PostgreSQL; and the tarball. `./dev test package` runs it; it needs root. Ends with 77 where it cannot be tried.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/containers/engine.sh
. tests/containers/engine.sh

folder=$(realpath "${1:?the folder with licet_*.deb, licet_*.tar.gz and newer/licet_*.deb}")
name=licet-test-package

down() { docker rm --force --volumes $name >/dev/null 2>&1 || true; }
inside() { docker exec $name "$@"; }
within() { # SECONDS WHAT COMMAND...
    local most=$1 what=$2
    shift 2
    for _ in $(seq "$most"); do "$@" >/dev/null 2>&1 && return; sleep 1; done
    inside journalctl --no-pager --lines 30 --unit licet
    die "$what: not within $most s"
}

# A machine that boots by systemd; what it may is what systemd needs of a container, and no network.
boot() {
    down
    docker run --detach --name $name --cap-add SYS_ADMIN --security-opt seccomp=unconfined --cgroupns=private --network none \
        --tmpfs /run --tmpfs /run/lock --tmpfs /tmp:exec --volume "$folder:/package:ro" licet-local-base /sbin/init >/dev/null
    for _ in $(seq 60); do
        case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) return ;; esac
        sleep 0.5
    done
    skip "systemd does not boot in a container here"
}

ask() { # METHOD PATH [BODY]
    inside curl --silent --show-error --max-time 15 --header "X-API-Key: $key" --header 'Content-Type: application/json' \
        --request "$1" "http://127.0.0.1:8080$2" ${3:+--data "$3"}
}
field() { python3 -c 'import json,sys; value = json.load(sys.stdin)
for name in sys.argv[1].split("."): value = value[int(name)] if name.isdigit() else value[name]
print(value)' "$1"; }
ready() { inside curl --silent --fail http://127.0.0.1:8080/readyz; }
pid() { inside systemctl show --property MainPID --value licet; }
machine() { echo "{\"license_key\": \"$license\", \"fingerprint\": {\"cpu_id\": \"cpu\", \"system_uuid\": \"9d3f1c52-7a40-4be1-8a43-52b1d0c7e611\"}}"; }
valid() { [ "$(ask POST /api/license/verify "$(machine)" 2>/dev/null | field valid 2>/dev/null)" = True ]; }
sell() {
    key=$(inside cat /etc/licet/secrets/api_key)
    ask POST /api/admin/products '{"code": "studio", "name": "Studio"}' | field id >/dev/null
    ask POST /api/admin/policies '{"code": "studio", "product": "studio", "seats": 3, "fingerprint_match": 1}' | field id >/dev/null
    customer=$(ask POST /api/admin/customers '{"name": "Universität Wien", "email": "licenses@univie.ac.at"}' | field id)
    license=$(ask POST /api/admin/licenses "{\"customer_id\": \"$customer\", \"policy\": \"studio\"}" | field items.0.key)
    ask POST /api/license/activate "$(machine)" | field token >/dev/null
    valid
}

# --- installed
boot
inside sh -c 'dpkg --install /package/licet_*.deb' >"$run/dpkg.log" 2>&1 || { cat "$run/dpkg.log"; die "it does not install"; }
[ "$(inside systemctl is-active licet)" = active ] || { cat "$run/dpkg.log"; inside journalctl --no-pager -u licet; die "it does not start"; }
[ "$(inside systemctl is-enabled licet)" = enabled ] || die "it does not start with the machine"
within 30 "ready" ready
sell || die "no license was sold and activated"
inside systemd-analyze verify licet.service || die "systemd finds something in the unit"
inside systemd-analyze security --threshold=25 licet.service >"$run/security" || { cat "$run/security"; die "the unit may too much"; }
[ "$(inside stat --format %U "/proc/$(pid)")" = licet ] || die "it runs as another user"
[ "$(inside stat --format '%U:%G %a' /etc/licet/secrets/secret_key)" = "root:licet 640" ] || die "others may read the secret"
say "Installed on Debian, started by systemd, a license sold and activated; $(tail -n 1 "$run/security" | tr -s ' ')"

# --- by hand, as the service runs
inside licetctl operators setup-link | grep --quiet '/setup?token=' || die "there is no link for the first operator"
inside licetctl backup verify --json | field audit.fault >"$run/fault" || die "no backup was tried"
[ "$(cat "$run/fault")" = None ] || die "the backup does not hold"
inside licetctl doctor >"$run/doctor" || { cat "$run/doctor"; die "the doctor finds something in what was just installed"; }

# --- killed, hung, without its database
inside sh -c "kill -9 $(pid)"
within 30 "after kill -9" valid
inside mkdir -p /run/systemd/system/licet.service.d
inside sh -c 'printf "[Service]\nWatchdogSec=3\nTimeoutAbortSec=2\n" >/run/systemd/system/licet.service.d/hasty.conf'
inside systemctl daemon-reload
inside systemctl restart licet
hung=$(pid)
inside sh -c "kill -STOP $hung"
begun_anew() { [ "$(pid)" != "$hung" ] && valid; }
within 40 "after it hung" begun_anew
inside sh -c 'rm -r /run/systemd/system/licet.service.d; systemctl daemon-reload; systemctl restart licet'
inside systemctl stop postgresql
sleep 2
inside systemctl restart licet --no-block
sleep 3
inside systemctl start postgresql
within 60 "after its database was away at the start" valid
inside systemctl stop licet
[ "$(inside systemctl show --property Result --value licet)" = success ] || die "it does not end in order"
inside systemctl start licet
say "It comes back after kill -9, a hang, and a start without its database"

# --- upgraded, removed, put back
inside sed --in-place 's/^LIZENZSERVER_BASE_URL=.*/LIZENZSERVER_BASE_URL=https:\/\/licenses.example.com/' /etc/licet/licet.env
secret=$(inside cat /etc/licet/secrets/secret_key)
before=$(pid)
inside sh -c 'dpkg --install /package/newer/licet_*.deb' >"$run/dpkg.log" 2>&1 || { cat "$run/dpkg.log"; die "it does not upgrade"; }
[ "$(pid)" != "$before" ] || die "the old program runs on"
within 30 "after the upgrade" valid
inside licetctl operators setup-link | grep --quiet 'https://licenses.example.com/setup' || die "a setting was lost"
inside dpkg --remove licet >/dev/null 2>&1
[ "$(inside systemctl is-active licet || true)" = inactive ] || die "it runs on without its program"
inside dpkg --purge licet >"$run/dpkg.log" 2>&1
grep --quiet 'kept are' "$run/dpkg.log" || die "it does not say what it kept"
inside sh -c 'dpkg --install /package/licet_*.deb' >/dev/null 2>&1
[ "$(inside cat /etc/licet/secrets/secret_key)" = "$secret" ] || die "the secret was lost"
within 30 "after it was removed and put back" valid
inside mv /etc/licet/secrets/secret_key /etc/licet/secrets/away
! inside /usr/lib/licet/setup 2>"$run/setup.log" || die "it makes another key for a database that has one"
grep --quiet 'Put your copy there' "$run/setup.log" || { cat "$run/setup.log"; die "it does not say that the key is missing"; }
inside mv /etc/licet/secrets/away /etc/licet/secrets/secret_key
inside /usr/lib/licet/setup
say "Upgraded, purged and installed again: settings, secrets and licenses are there"

# --- where there is no PostgreSQL
boot
inside systemctl stop postgresql
inside sh -c 'dpkg --install /package/licet_*.deb' >"$run/dpkg.log" 2>&1 || { cat "$run/dpkg.log"; die "it does not install without PostgreSQL"; }
grep --quiet 'no PostgreSQL answers on this machine' "$run/dpkg.log" || die "it does not say what is missing"
inside systemctl start postgresql
inside /usr/lib/licet/setup
within 30 "once PostgreSQL is there" ready
say "Without PostgreSQL it says so, and starts once it is there"

# --- the tarball
boot
inside sh -c 'tar --extract --gunzip --no-same-owner --directory / --file /package/licet_*.tar.gz'
inside /usr/lib/licet/setup
inside systemctl daemon-reload
inside systemctl enable --quiet --now licet
within 30 "the tarball" ready
sell || die "no license was sold and activated with the tarball"
say "The package and the tarball hold."
