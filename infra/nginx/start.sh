#!/bin/sh
# Starts nginx in front of Licet's nodes. Settings, by their environment:
#   LICET_NODES       where the nodes are: HOST:PORT, several with spaces between
#   LICET_LICENSE_NODES  where machines are answered, if elsewhere (LICET_NODES)
#   NGINX_FOLDER      what nginx writes (/var/lib/licet-nginx); tls/tls.crt and tls/tls.key there are its certificate and
#                     key. Where there is none, one is made for LICET_HOST at the first start, and again at a start in its
#                     last month, which browsers do not trust: put one of an authority there, or let an ACME client answer
#                     from acme/ in this folder, and reload nginx (kill -HUP) whenever the certificate is renewed.
#   LICET_HOST        the name that clients use (localhost)
#   NGINX_HTTP        where it listens without TLS, which is for redirects (80); a port alone is one of IPv4 and of IPv6
#   NGINX_HTTPS       where it listens with TLS (443)
#   NGINX_STATUS      where its exporter reads how many requests there are (127.0.0.1:8082)
#   NGINX_PUBLIC_HTTPS  at which port clients reach that, which redirects name (NGINX_HTTPS)
#   NGINX_ACCESS_LOG  where requests are logged (/dev/stdout, which a service of systemd cannot open: name a file there);
#                     `off` for nowhere
set -eu

here=$(dirname "$0")
folder=${NGINX_FOLDER:-/var/lib/licet-nginx}
https=${NGINX_HTTPS:-443}
: "${LICET_NODES:?set LICET_NODES to where the nodes are, such as api:8080}"

mkdir -p "$folder/tls" "$folder/acme"
# Whose certificate it is, its fingerprint says: one of an authority is left alone.
print() { openssl x509 -noout -fingerprint -sha256 -in "$folder/tls/tls.crt"; }
ends() { [ "$(cat "$folder/tls/self-made" 2>/dev/null)" = "$(print)" ] && ! openssl x509 -noout -checkend 2592000 -in "$folder/tls/tls.crt" >/dev/null; }
if [ ! -s "$folder/tls/tls.crt" ] || ends; then
    host=${LICET_HOST:-localhost}
    echo "making a certificate for $host; put one of an authority into $folder/tls" >&2
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 397 -subj "/CN=$host" \
        -addext "subjectAltName=DNS:$host" -addext "basicConstraints=critical,CA:FALSE" -keyout "$folder/tls/tls.key" -out "$folder/tls/tls.crt")
    print >"$folder/tls/self-made"
fi

servers() { for node in "$@"; do printf 'server %s max_fails=1 fail_timeout=2s; ' "$node"; done; }
# shellcheck disable=SC2086 # several, with spaces between
nodes=$(servers $LICET_NODES) license_nodes=$(servers ${LICET_LICENSE_NODES:-$LICET_NODES})
port=${NGINX_PUBLIC_HTTPS:-$https}
port=${port##*:}
[ "$port" = 443 ] && port= || port=:$port
listen() { # WHERE OPTIONS
    printf 'listen %s%s;' "$1" "$2"
    case $1 in *:*) ;; *) ! grep -q . /proc/net/if_inet6 2>/dev/null || printf ' listen [::]:%s%s;' "$1" "$2" ;; esac
}
log=${NGINX_ACCESS_LOG:-/dev/stdout}
[ "$log" != off ] || log=/dev/null

sed -e "s|{folder}|$folder|g" -e "s|{nodes}|$nodes|" -e "s|{license_nodes}|$license_nodes|" -e "s|{listen_http}|$(listen "${NGINX_HTTP:-80}" "")|" \
    -e "s|{listen_https}|$(listen "$https" " ssl http2")|" \
    -e "s|{status}|${NGINX_STATUS:-127.0.0.1:8082}|" \
    -e "s|{https_port}|$port|" -e "s|{access_log}|$log|" "$here/nginx.conf.template" >"$folder/nginx.conf"
cp "$here/problems.conf" "$folder/problems.conf"
exec ${NGINX:-nginx} -e stderr -c "$folder/nginx.conf"
