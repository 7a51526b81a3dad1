#!/bin/bash
# A private PostgreSQL 15 in a folder of its own, on a free loopback port:
# for tests and benches.  The script touches nothing outside DIR.
#
#   scripts/pg.sh start DIR [-c name=value]...   prints its URL
#   scripts/pg.sh stop DIR                       fast shutdown
#   scripts/pg.sh drop DIR                       stops at once and removes DIR
#   scripts/pg.sh kill DIR                       kill -9, as a power cut would
#   scripts/pg.sh restart DIR                    the same data and port again
#   scripts/pg.sh standby DIR PRIMARY            a synchronous standby of the server
#                                                in folder PRIMARY; prints its URL
#   scripts/pg.sh promote DIR                    the standby becomes the primary
#
# fsync is on: benches and tests measure durable commits.  PG_HOST is another
# address of this machine to listen on, for the nodes of make kube.
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
host=${PG_HOST:-127.0.0.1}

# initdb and postgres refuse to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

launch() { # DIR PORT
    as_postgres "$BIN/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 \
        -o "-p $2" start >/dev/null 2>&1
}

# Starts on the port it had before, or on a free one; prints its URL.
launch_somewhere() { # DIR
    local port
    for _ in 1 2 3 4 5; do
        port=$(cat "$1/port" 2>/dev/null || free_port)
        if launch "$1" "$port"; then
            echo "$port" >"$1/port"
            echo "postgres://postgres@$host:$port/postgres"
            return
        fi
    done
    tail -20 "$1/log" >&2
    die "could not start"
}

start() {
    local dir=$1
    shift
    [ -x "$BIN/postgres" ] || die "no PostgreSQL 15 in $BIN"
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ -e "$dir/data" ] && die "$dir/data exists: use restart"
    [ "$(id -u)" != 0 ] || chown postgres: "$dir"
    as_postgres "$BIN/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 \
        --locale=C >"$dir/initdb.log" 2>&1 ||
        { cat "$dir/initdb.log" >&2; die "initdb failed"; }
    {
        echo "listen_addresses = '$host'"
        echo "unix_socket_directories = ''"
        echo "fsync = on"
        echo "synchronous_commit = on"
        echo "shared_buffers = '256MB'"
        echo "max_wal_size = '2GB'"
        echo "checkpoint_timeout = '15min'"
        echo "wal_compression = lz4"
        echo "max_connections = 100"
        while [ $# -ge 2 ] && [ "$1" = -c ]; do
            echo "${2%%=*} = '${2#*=}'"
            shift 2
        done
    } >>"$dir/data/postgresql.conf"
    [ $# = 0 ] || die "not understood: $*"
    [ "$host" = 127.0.0.1 ] || for what in all replication; do
        echo "host $what all ${host%%.*}.0.0.0/8 trust"
    done >>"$dir/data/pg_hba.conf"
    launch_somewhere "$dir"
}

ask() { # FOLDER SQL
    "$BIN/psql" -X -q -t -A -v ON_ERROR_STOP=1 -c "$2" \
        "postgres://postgres@$host:$(cat "$1/port")/postgres"
}

# From here on the primary confirms only what the standby has on its disk too.
# The standby itself waits for nobody once it is promoted.
standby() {
    local dir=$1 primary=$2
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ -e "$dir/data" ] && die "$dir/data exists: a primary that was lost is not taken back"
    [ "$(id -u)" != 0 ] || chown postgres: "$dir"
    as_postgres "$BIN/pg_basebackup" -D "$dir/data" -c fast -X stream -R \
        -d "host=$host port=$(cat "$primary/port") user=postgres application_name=standby" \
        >"$dir/backup.log" 2>&1 || { cat "$dir/backup.log" >&2; die "no base backup"; }
    echo "synchronous_standby_names = ''" >>"$dir/data/postgresql.auto.conf"
    launch_somewhere "$dir"
    ask "$primary" "ALTER SYSTEM SET synchronous_standby_names = 'standby'"
    ask "$primary" "SELECT pg_reload_conf()" >/dev/null
    for _ in $(seq 200); do
        [ "$(ask "$primary" 'SELECT sync_state FROM pg_stat_replication')" != sync ] || return 0
        sleep 0.1
    done
    die "the standby does not follow; see $dir/log"
}

promote() {
    as_postgres "$BIN/pg_ctl" -D "$1/data" -w -t 60 promote >/dev/null
}

postmaster() { head -1 "$1/data/postmaster.pid" 2>/dev/null || true; }

stop() {
    [ -d "$1/data" ] || die "no server in $1"
    as_postgres "$BIN/pg_ctl" -D "$1/data" -m fast -w -t 60 stop >/dev/null
}

drop() {
    [ -d "$1/data" ] || die "no server in $1"
    as_postgres "$BIN/pg_ctl" -D "$1/data" -m immediate -w -t 60 stop >/dev/null 2>&1 || true
    rm -rf "$1"
}

# The postmaster is stopped first, so that it neither tells its children nor
# starts new ones meanwhile.
kill_all() {
    local pid children
    pid=$(postmaster "$1")
    [ -n "$pid" ] || die "no server runs in $1"
    kill -STOP "$pid"
    children=$(ps -o pid= --ppid "$pid" || true)
    # shellcheck disable=SC2086
    kill -KILL $pid $children 2>/dev/null || true
    while runs "$pid"; do
        sleep 0.05
    done
    # A zombie that nobody has waited for yet would look alive to the next
    # postmaster.
    rm -f "$1/data/postmaster.pid"
}

restart() {
    local port
    port=$(cat "$1/port") || die "never started: $1"
    launch "$1" "$port" || { tail -20 "$1/log" >&2; die "could not restart"; }
    echo "postgres://postgres@$host:$port/postgres"
}

[ $# -ge 2 ] ||
    die "usage: start DIR [-c name=value]... | stop, drop, kill, restart or promote DIR |" \
        "standby DIR PRIMARY"
verb=$1
shift
case $verb in
    start) start "$@" ;;
    stop) stop "$1" ;;
    drop) drop "$1" ;;
    kill) kill_all "$1" ;;
    restart) restart "$1" ;;
    standby) standby "$1" "${2:?the folder of the primary}" ;;
    promote) promote "$1" ;;
    *) die "unknown: $verb" ;;
esac
