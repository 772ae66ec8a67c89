#!/bin/sh
# Makes what licet.service needs, and leaves alone what is there: its user, its folders, its secrets, and on a PostgreSQL of
# this machine its database. The package runs it; whoever unpacked the tarball runs it once.
set -eu
[ "$(id -u)" = 0 ] || { echo "$0: run this as root" >&2; exit 1; }

systemd-sysusers licet.conf
systemd-tmpfiles --create licet.conf

ask() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }
# What this machine's database holds is sealed with the key that it was begun with: another one would not open it.
if [ ! -s /etc/licet/secrets/secret_key ] && [ "$(ask licet "SELECT to_regclass('log_head')" 2>/dev/null)" = log_head ]; then
    cat >&2 <<'END'
licet: the database licet is there, and the key that opens it, /etc/licet/secrets/secret_key, is not. Put your copy there (owner
       root, group licet, mode 640) and try again: dpkg --configure licet, or /usr/lib/licet/setup. Nothing was changed.
END
    exit 1
fi

umask 027
for name in secret_key jwt_secret api_key; do
    file=/etc/licet/secrets/$name
    # Written beside, to the disk, and moved there: half a secret never counts as one, and none is made a second time after a
    # power cut, when something is sealed with the first already.
    if [ ! -s "$file" ]; then
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file.new"
        chgrp licet "$file.new"
        sync "$file.new"
        mv "$file.new" "$file"
        sync /etc/licet/secrets
    fi
done

# Another database than the one on this machine is somebody else's to make.
grep -q '^DATABASE_URL=postgres://licet@%2Fvar%2Frun%2Fpostgresql/licet$' /etc/licet/licet.env || exit 0
if ! ask postgres 'SELECT 1' >/dev/null 2>&1; then
    cat >&2 <<'END'
licet: no PostgreSQL answers on this machine. Install one (apt-get install postgresql) and run /usr/lib/licet/setup again, or
       name yours in /etc/licet/licet.env (DATABASE_URL). The service waits for it.
END
    exit 0
fi
# Texts are sorted by their bytes, so that no other release of the system's library sorts an index otherwise.
[ "$(ask postgres "SELECT 1 FROM pg_roles WHERE rolname = 'licet'")" = 1 ] || ask postgres 'CREATE ROLE licet LOGIN CREATEROLE'
[ "$(ask postgres "SELECT 1 FROM pg_database WHERE datname = 'licet'")" = 1 ] ||
    ask postgres "CREATE DATABASE licet OWNER licet TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
