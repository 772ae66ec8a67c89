#!/bin/sh
# Patroni's command in its container: docker compose exec db-1 patronictl list
exec python3 -c 'from patroni.ctl import ctl; ctl(prog_name="patronictl")' --config-file /etc/patroni/patroni.yml "$@"
