#!/bin/sh
# licet as the service runs it, as its user and with its settings: licetctl doctor | operators setup-link | backup list | …
set -eu
[ "$(id -u)" = 0 ] || { echo "licetctl: run this as root, or: sudo licetctl $*" >&2; exit 1; }
exec systemd-run --quiet --collect --wait --pipe --uid=licet --gid=licet --working-directory=/var/lib/licet \
    --property=EnvironmentFile=/etc/licet/licet.env --property=UMask=0077 -- /usr/bin/licet "$@"
