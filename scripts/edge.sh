#!/bin/bash
# An edge node in a folder of its own: nginx with the application firewall and the country
# database, configured by `overround edge --for nginx` and deploy/edge/node.
#
#   scripts/edge.sh start DIR [ORIGIN:PORT…]
#   scripts/edge.sh reload DIR    after a change of DIR/edge.yaml; no request is lost
#   scripts/edge.sh stop DIR      drains first: requests in flight are answered
#   scripts/edge.sh kill DIR      kill -9, as when a machine is lost
#
# If there is no DIR/edge.yaml, start writes one for these origins: a free port of
# 127.0.0.1, without TLS.  The node trusts X-Forwarded-For from this machine, as it would
# trust a CDN's.  The country database is DIR/country.mmdb, if there is one.
# OVERROUND_EDGE_SECRET is the key that signs the country, OVERROUND_CDN_SECRET the secret
# that the CDN sends in X-Overround-Edge (docs/EDGE.md).
# Prints the address.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$here/scripts/lib.sh"
overround=${OVERROUND:-$here/build/overround}

rates() { # CLASS PER_ADDRESS PER_NETWORK BURST
    printf '  %s: { per_address: %s, per_network: %s, burst: %s }\n' "$@"
}

policy() { # DIR ORIGIN…
    local dir=$1 origin n=0
    shift
    echo "hostnames: { public: www.example.com, direct: direct.example.com," \
        "operator: desk.example.com }"
    echo "origins:"
    for origin in "$@"; do
        n=$((n + 1))
        echo "  - { name: origin-$n, host: ${origin%:*}, port: ${origin##*:}, tls: false }"
    done
    echo "countries: { elsewhere: refused, unknown: allowed }"
    echo "rates:"
    rates login 30 300 10
    rates money 600 6000 60
    rates read 3000 60000 300
    rates stream 120 2400 40
    echo "cdn: { networks: [127.0.0.0/8] }"
    echo "node:"
    echo "  listen: 127.0.0.1"
    echo "  port: $(free_port)"
    [ ! -e "$dir/country.mmdb" ] || echo "  geoip: $dir/country.mmdb"
    echo "  run: $dir/run"
    echo "  cache: $dir/cache"
}

secret() { # NAME VARIABLE
    local value=${!1:-}
    [[ $value =~ ^[A-Za-z0-9._~+/=-]*$ ]] || die "$1: plain characters"
    printf 'map "" $%s {\n    default "%s";\n}\n' "$2" "$value"
}

secrets() {
    secret OVERROUND_EDGE_SECRET edge_secret
    secret OVERROUND_CDN_SECRET cdn_secret
}

generate() { # DIR
    "$overround" edge --for nginx --policy "$1/edge.yaml" --out "$1"
    cp "$here"/deploy/edge/node/* "$1/"
    (umask 077 && secrets >"$1/secret.conf")
}

run() { # DIR ARGUMENT…
    local dir=$1 user=""
    shift
    [ "$(id -u)" != 0 ] || user="user root;"
    (cd "$dir" && nginx -p "$dir" -e "$dir/run/error.log" -c "$dir/nginx.conf" -g "$user" "$@")
}

# The node's fan-out: beside nginx, which leads it to the origins.
has_fanout() { grep -q "upstream fanout" "$1/nginx.conf"; }

start_fanout() { # DIR
    local sockets=unix:$1/run
    setsid "$overround" fanout --origin "$sockets/upstream.sock" --listen "$sockets/fanout.sock" \
        --operator-listen "$sockets/fanout-operator.sock" </dev/null >"$1/run/fanout.out" \
        2>"$1/run/fanout.log" &
    echo $! >"$1/run/fanout.pid"
    for _ in $(seq 200); do
        ! grep -q listening "$1/run/fanout.out" || return 0
        runs $! || break
        sleep 0.05
    done
    cat "$1/run/fanout.log" >&2
    die "no fan-out"
}

# After nginx, and so without readers.
stop_fanout() { # DIR
    local pid
    pid=$(cat "$1/run/fanout.pid" 2>/dev/null) || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    for _ in $(seq 100); do
        gone "$pid" && return 0
        sleep 0.05
    done
    kill -9 "$pid" 2>/dev/null || true
}

kill_fanout() { # DIR
    local pid
    pid=$(cat "$1/run/fanout.pid" 2>/dev/null) || return 0
    kill -9 "$pid" 2>/dev/null || true
}

gone() { ! runs "$1"; }

# The workers, too: their master may not be there any more to end them.
family() { # PID
    echo "$1"
    pgrep -P "$1" || true
}

[ $# -ge 2 ] || { sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 2; }
verb=$1
mkdir -p "$2/cache"
(umask 027 && mkdir -p "$2/run") # its sockets are nobody else's
dir=$(cd "$2" && pwd)
shift 2
pid=$(cat "$dir/run/nginx.pid" 2>/dev/null || true)
case $verb in
start)
    [ -e "$dir/edge.yaml" ] || policy "$dir" "$@" >"$dir/edge.yaml"
    generate "$dir"
    [ -n "$pid" ] && ! gone "$pid" || rm -f "$dir"/run/*.sock # of a node that was killed
    run "$dir" </dev/null >"$dir/out" 2>&1 || { cat "$dir/out" >&2; die "no nginx"; }
    ! has_fanout "$dir" || start_fanout "$dir"
    sed -n "s/^ *listen \([^ ]*\) .*default_server.*/\1/p" "$dir/nginx.conf"
    ;;
reload)
    generate "$dir"
    run "$dir" -t -q && kill -HUP "$pid"
    ;;
stop)
    [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null || pid=
    for _ in $(seq 100); do
        [ -n "$pid" ] && ! gone "$pid" || break
        sleep 0.05
    done
    # shellcheck disable=SC2046
    [ -z "$pid" ] || gone "$pid" || kill -9 $(family "$pid") 2>/dev/null || true
    stop_fanout "$dir"
    ;;
kill)
    kill_fanout "$dir"
    # shellcheck disable=SC2046
    [ -z "$pid" ] || kill -9 $(family "$pid") 2>/dev/null || true
    ;;
*) die "unknown: $verb" ;;
esac
