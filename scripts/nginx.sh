#!/bin/bash
# nginx in a folder of its own as the load balancer of a cluster, by
# deploy/nginx/overround.conf.in.
#
#   scripts/nginx.sh start DIR PUBLIC OPERATOR NAME=HOST:PORT[,HOST:PORT…]…
#   scripts/nginx.sh route DIR PUBLIC OPERATOR NAME=…   changes the processes, loses no request
#   scripts/nginx.sh stop DIR
#
# PUBLIC and OPERATOR are the addresses to listen on; the NAMEs are bets_public,
# web_public, feed_operator, bets_operator, settle_operator and web_operator.
#
# For a release under trial (docs/RELEASES.md): bets_canary=…, web_canary=…, and
# weight=10, its percent of the public listener's requests.  A session, or else an
# address, stays on its track.  If a canary process does not answer, nginx asks a
# process of the stable track, so no request fails.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$here/scripts/lib.sh"

upstream() { # NAME=ADDRESS,ADDRESS [ADDRESS,ADDRESS behind them]
    local name=${1%%=*} address
    echo "    upstream $name {"
    for address in $(tr ',' ' ' <<<"${1#*=}"); do
        echo "        server $address max_fails=0;"
    done
    for address in $(tr ',' ' ' <<<"${2:-}"); do
        echo "        server $address max_fails=0 backup;"
    done
    echo "        keepalive 1024;"
    echo "        keepalive_requests 100000;"
    echo "        keepalive_timeout 10s;"
    echo "    }"
}

value_of() { # NAME NAME=VALUE…
    local name=$1 one
    shift
    for one in "$@"; do
        [ "${one%%=*}" != "$name" ] || echo "${one#*=}"
    done
}

# Which track a request goes to, where there are two.
split() { # ROLE WEIGHT
    echo "    split_clients \$track_key \$${1}_track {"
    case $2 in
    0 | 100) ;;
    *) echo "        $2%  ${1}_canary;" ;;
    esac
    if [ "$2" = 100 ]; then echo "        *  ${1}_canary;"; else echo "        *  ${1}_public;"; fi
    echo "    }"
}

tracks() { # NAME=…
    local weight role canary
    weight=$(value_of weight "$@")
    echo "    map \$http_authorization \$track_key {"
    echo "        default  \$http_authorization;"
    echo "        ''       \$remote_addr;"
    echo "    }"
    for role in bets web; do
        canary=$(value_of "${role}_canary" "$@")
        [ -n "$canary" ] || continue
        upstream "${role}_canary=$canary" "$(value_of "${role}_public" "$@")"
        split "$role" "${weight:-0}"
    done
}

render() { # DIR PUBLIC OPERATOR NAME=…
    local dir=$1 public=$2 operator=$3 user="" one bets=bets_public web=web_public
    shift 3
    [ "$(id -u)" != 0 ] || user="user root;"
    for one in "$@"; do
        case $one in
        weight=*) [[ $one =~ ^weight=([0-9]|[1-9][0-9]|100)$ ]] || die "not 0 to 100: $one" ;;
        bets_canary=*) bets='$bets_track' ;;
        web_canary=*) web='$web_track' ;;
        *) upstream "$one" ;;
        esac
    done >"$dir/upstreams"
    [ "$bets$web" = bets_publicweb_public ] || tracks "$@" >>"$dir/upstreams"
    sed -e "s|@DIR@|$dir|g" -e "s|@PUBLIC@|$public|" -e "s|@OPERATOR@|$operator|" \
        -e "s|@BETS@|$bets|" -e "s|@WEB@|$web|" \
        -e "s|@USER@|$user|" -e "s|@WORKERS@|${NGINX_WORKERS:-1}|" \
        -e "/@UPSTREAMS@/{r $dir/upstreams
d}" "$here/deploy/nginx/overround.conf.in" >"$dir/nginx.conf"
}

run() { # DIR ARGUMENT…
    local dir=$1
    shift
    nginx -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf" "$@"
}

[ $# -ge 2 ] || { sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 2; }
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
        runs "$pid" || exit 0
        sleep 0.05
    done
    kill -9 "$pid"
    ;;
*) die "unknown: $verb" ;;
esac
