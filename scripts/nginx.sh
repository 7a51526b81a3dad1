#!/bin/bash
# nginx in a folder of its own as the load balancer of a cluster, by
# deploy/nginx/overround.conf.in.
#
#   scripts/nginx.sh start DIR PUBLIC OPERATOR NAME=HOST:PORT[,HOST:PORT…]…
#   scripts/nginx.sh route DIR PUBLIC OPERATOR NAME=…   other processes, no request lost
#   scripts/nginx.sh stop DIR
#
# PUBLIC and OPERATOR are the addresses to listen on; the NAMEs are bets_public,
# web_public, feed_operator, bets_operator, settle_operator and web_operator.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$here/scripts/lib.sh"

upstream() { # NAME=ADDRESS,ADDRESS
    local name=${1%%=*} address
    echo "    upstream $name {"
    for address in $(tr ',' ' ' <<<"${1#*=}"); do
        echo "        server $address max_fails=0;"
    done
    echo "        keepalive 1024;"
    echo "        keepalive_requests 100000;"
    echo "        keepalive_timeout 10s;"
    echo "    }"
}

render() { # DIR PUBLIC OPERATOR NAME=…
    local dir=$1 public=$2 operator=$3 user="" one
    shift 3
    [ "$(id -u)" != 0 ] || user="user root;"
    for one in "$@"; do upstream "$one"; done >"$dir/upstreams"
    sed -e "s|@DIR@|$dir|g" -e "s|@PUBLIC@|$public|" -e "s|@OPERATOR@|$operator|" \
        -e "s|@USER@|$user|" -e "s|@WORKERS@|${NGINX_WORKERS:-1}|" \
        -e "/@UPSTREAMS@/{r $dir/upstreams
d}" "$here/deploy/nginx/overround.conf.in" >"$dir/nginx.conf"
}

run() { # DIR ARGUMENT…
    local dir=$1
    shift
    nginx -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf" "$@"
}

[ $# -ge 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
verb=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2
case $verb in
start)
    render "$dir" "$@"
    run "$dir" </dev/null >"$dir/out" 2>&1 || { cat "$dir/out" "$dir/error.log" >&2; die "no nginx"; }
    ;;
route)
    render "$dir" "$@"
    run "$dir" -s reload
    ;;
stop)
    pid=$(cat "$dir/nginx.pid" 2>/dev/null || true)
    [ -n "$pid" ] || exit 0
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || exit 0
        sleep 0.05
    done
    kill -9 "$pid"
    ;;
*) die "unknown: $verb" ;;
esac
