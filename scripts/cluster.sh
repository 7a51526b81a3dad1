#!/bin/bash
# A whole cluster on this machine, to try things on: PostgreSQL with a
# synchronous standby, Kafka, two processes of each role, nginx before them,
# and a simulated match day.
#
#   scripts/cluster.sh start [DIR]              starts it and prints the addresses
#   scripts/cluster.sh status [DIR]             every process: up or not, its address
#   scripts/cluster.sh signal NAME [SIGNAL] [DIR]    e.g. signal bets-1 KILL
#   scripts/cluster.sh again NAME [DIR]         starts that process again
#   scripts/cluster.sh failover [DIR]           kills the primary, promotes the standby
#   scripts/cluster.sh stop [DIR]               ends every process by its pid, removes DIR
#
# DIR is data/cluster.  OVERROUND_LISTEN and OVERROUND_OPERATOR_LISTEN set the
# addresses of nginx (127.0.0.1:8080 and :8081), OVERROUND_CLUSTER_ARGS adds
# settings to every process, OVERROUND_CLUSTER_SIM=no leaves the match day out.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

roles="feed odds bets settle web"
public=${OVERROUND_LISTEN:-127.0.0.1:8080}
operator=${OVERROUND_OPERATOR_LISTEN:-127.0.0.1:8081}

alive() { # NAME
    [ -e "$dir/$1.pid" ] && runs "$(cat "$dir/$1.pid")"
}

# One process; where it listens is kept, so that it comes back there.
launch() { # NAME
    local name=$1 role=${1%-*} listen operators
    listen=$(cut -d' ' -f1 "$dir/$name.address" 2>/dev/null || echo 127.0.0.1:0)
    operators=$(cut -d' ' -f2 "$dir/$name.address" 2>/dev/null || echo 127.0.0.1:0)
    [ "$listen" != none ] || listen=127.0.0.1:0
    # shellcheck disable=SC2086
    setsid build/overround serve --role "$role" --store "$(cat "$dir/store")" \
        --bus "$(cat "$dir/bus")" --listen "$listen" --operator-listen "$operators" \
        --operator-token "$(cat "$dir/token")" --proxies 1 ${OVERROUND_CLUSTER_ARGS:-} \
        </dev/null >"$dir/$name.out" 2>>"$dir/$name.log" 9>&- &
    echo $! >"$dir/$name.pid"
}

listening() { # NAME
    local line
    for _ in $(seq 300); do
        line=$(sed -n 's/^listening public=\(.*\) operator=\(.*\)/\1 \2/p' "$dir/$1.out")
        if [ -n "$line" ]; then
            echo "$line" >"$dir/$1.address"
            return
        fi
        alive "$1" || break
        sleep 0.1
    done
    tail -5 "$dir/$1.log" >&2
    die "$1 does not start; see $dir/$1.log"
}

ready() { # NAME
    for _ in $(seq 300); do
        curl -fs -o /dev/null --max-time 2 "http://$(cut -d' ' -f2 "$dir/$1.address")/readyz" && return
        alive "$1" || break
        sleep 0.1
    done
    curl -s "http://$(cut -d' ' -f2 "$dir/$1.address")/readyz" >&2 || true
    die "$1 is not ready; see $dir/$1.log"
}

names() {
    local role
    for role in $roles; do echo "$role-1 $role-2"; done
}

upstream() { # NAME ROLE FIELD
    echo "$1=$(cut -d' ' -f"$3" "$dir/$2-1.address"),$(cut -d' ' -f"$3" "$dir/$2-2.address")"
}

balance() {
    scripts/nginx.sh start "$dir/nginx" "$public" "$operator" \
        "$(upstream bets_public bets 1)" "$(upstream web_public web 1)" \
        "$(upstream feed_operator feed 2)" "$(upstream bets_operator bets 2)" \
        "$(upstream settle_operator settle 2)" "$(upstream web_operator web 2)"
}

storage() {
    local a b
    scripts/pg.sh start "$dir/pg-a" -c max_connections=250 >"$dir/pg-a.url"
    scripts/pg.sh standby "$dir/pg-b" "$dir/pg-a" >"$dir/pg-b.url"
    a=$(sed 's|.*@\(.*\)/.*|\1|' "$dir/pg-a.url")
    b=$(sed 's|.*@\(.*\)/.*|\1|' "$dir/pg-b.url")
    echo "postgres://postgres@$a,$b/postgres?target_session_attrs=read-write" >"$dir/store"
    echo a >"$dir/primary"
    echo "kafka://$(scripts/kafka.sh start "$dir/kafka")" >"$dir/bus"
    build/overround migrate --store "$(cat "$dir/store")" >"$dir/migrate.log"
}

play() {
    [ "${OVERROUND_CLUSTER_SIM:-yes}" = yes ] || return 0
    setsid build/overround sim --to "http://$operator" --token "$(cat "$dir/token")" \
        </dev/null >"$dir/sim.log" 2>&1 9>&- &
    echo $! >"$dir/sim.pid"
}

start() {
    local name
    [ ! -e "$dir" ] || die "$dir is there: make cluster-stop first"
    taken "$public" && die "$public is taken; OVERROUND_LISTEN=127.0.0.1:9080 make cluster"
    taken "$operator" &&
        die "$operator is taken; OVERROUND_OPERATOR_LISTEN=127.0.0.1:9081 make cluster"
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    chmod 755 "$dir"
    trap stop EXIT
    trap 'exit 1' INT TERM
    od -An -N18 -tx1 /dev/urandom | tr -d ' \n' >"$dir/token"
    storage
    for name in $(names); do launch "$name"; done
    for name in $(names); do listening "$name"; done
    for name in $(names); do ready "$name"; done
    balance
    play
    trap - EXIT INT TERM
    tell
}

tell() {
    cat <<TEXT

The cluster runs; a match day is being played into it.

  customers       http://$public          (nginx -> bets, web)
  operators       http://$operator        (nginx -> feed, bets, settle, web)
  operator token  $(cat "$dir/token")
  PostgreSQL      $(cat "$dir/store")
  Kafka           $(cat "$dir/bus")
  logs, pids      $dir

$(status)

scripts/cluster.sh signal bets-1 KILL; scripts/cluster.sh again bets-1
make cluster-stop ends it.
TEXT
}

status() {
    local name state
    for name in $(names); do
        state=up
        alive "$name" || state=down
        # shellcheck disable=SC2046,SC2183 # the file has two words
        printf '  %-10s %-5s public=%-16s operator=%s\n' "$name" "$state" \
            $(cat "$dir/$name.address")
    done
}

# TERM, and KILL for processes that do not end.
end() { # NAME
    local pid
    pid=$(cat "$dir/$1.pid" 2>/dev/null || true)
    [ -n "$pid" ] && kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 400); do
        runs "$pid" || return 0
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
}

stop() {
    trap - EXIT INT TERM
    local name
    [ -d "$dir" ] || die "no cluster in $dir"
    for name in sim $(names); do end "$name" & done
    wait
    scripts/nginx.sh stop "$dir/nginx" || true
    [ ! -e "$dir/kafka" ] || scripts/kafka.sh drop "$dir/kafka"
    for name in pg-b pg-a; do
        [ ! -e "$dir/$name/data" ] || scripts/pg.sh drop "$dir/$name"
    done
    rm -rf "$dir"
}

failover() {
    local from to
    from=$(cat "$dir/primary")
    to=$([ "$from" = a ] && echo b || echo a)
    [ -e "$dir/pg-$to/data/standby.signal" ] || die "pg-$to is no standby"
    scripts/pg.sh kill "$dir/pg-$from"
    scripts/pg.sh promote "$dir/pg-$to"
    echo "$to" >"$dir/primary"
}

verb=${1:-}
shift || true
case $verb in
signal | again)
    name=${1:?which process}
    shift
    signal=TERM
    [ "$verb" != signal ] || [ $# = 0 ] || { signal=$1; shift; }
    ;;
esac
dir=${1:-data/cluster}
case $verb in
start) start ;;
status) status ;;
stop) stop ;;
failover) failover ;;
signal) kill -s "$signal" "$(cat "$dir/$name.pid")" ;;
again)
    for _ in $(seq 50); do alive "$name" && sleep 0.1; done # it may be ending
    alive "$name" && die "$name runs"
    launch "$name"
    listening "$name"
    ready "$name"
    ;;
*) sed -n '2,17s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
