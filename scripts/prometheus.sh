#!/bin/bash
# Prometheus, and Alertmanager on request, in a folder of their own on free
# loopback ports, with deploy/monitoring/{prometheus,alertmanager}.yaml: for
# tests, releases and make kube.
#
#   scripts/prometheus.sh start DIR [OPTION]… [TARGETS]…
#                                    prints HOST:PORT of Prometheus and, with
#                                    --alertmanager, a line with Alertmanager's
#       --alertmanager URL           starts Alertmanager, which posts alerts to
#                                    URL/page and URL/ticket
#       --interval 1s                scrapes and evaluates at this interval;
#                                    Alertmanager groups at it, too
#       --rules FILE                 instead of alerts.yaml and recording.yaml;
#                                    may be given several times
#       --scrape FILE                more scrape_configs: items of a YAML list,
#                                    indented by two
#       --listen HOST                listens there instead of on 127.0.0.1
#   scripts/prometheus.sh targets DIR TARGETS…  scrapes these instead, within 5 s
#   scripts/prometheus.sh reload DIR            reads DIR/etc again
#   scripts/prometheus.sh stop DIR              SIGTERM to both, and waits; DIR stays
#
# TARGETS: LABEL=VALUE[,LABEL=VALUE…]@HOST:PORT[,HOST:PORT…], as in
# role=bets,track=canary@127.0.0.1:8081.  The script writes them to etc/targets/
# targets.json in the folder; you may write that file yourself.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$here/scripts/lib.sh"
monitoring=$here/deploy/monitoring

write_targets() { # DIR TARGETS…
    local dir=$1 one label comma="" inner addresses
    shift
    mkdir -p "$dir/etc/targets"
    {
        echo "["
        for one in "$@"; do
            [[ $one == *=*@*:* ]] || die "not targets: $one"
            addresses=${one#*@}
            addresses=${addresses//,/\", \"}
            printf '%s  { "targets": ["%s"], "labels": {' "$comma" "$addresses"
            inner=""
            for label in $(tr ',' ' ' <<<"${one%%@*}"); do
                printf '%s "%s": "%s"' "$inner" "${label%%=*}" "${label#*=}"
                inner=","
            done
            printf ' } }'
            comma=$',\n'
        done
        printf '\n]\n'
    } >"$dir/etc/targets.new"
    mv "$dir/etc/targets.new" "$dir/etc/targets/targets.json"
}

# The files of deploy/monitoring with this folder's paths, ports and times.
render_alertmanager() { # DIR WEBHOOK INTERVAL
    sed "s|http://127.0.0.1:9099|$2|" "$monitoring/alertmanager.yaml" >"$1/etc/alertmanager.yaml"
    [ -z "$3" ] || sed -i -E "s/^( *group_(wait|interval):).*/\1 $3/" "$1/etc/alertmanager.yaml"
}

render_prometheus() { # DIR INTERVAL SCRAPE
    local dir=$1 interval=$2 scrape=$3 file=$1/etc/prometheus.yaml
    sed "s|/etc/prometheus|$dir/etc|" "$monitoring/prometheus.yaml" >"$file"
    [ -z "$interval" ] || sed -i -E -e "s/^( *(scrape|evaluation)_interval:).*/\1 $interval/" \
        -e "s/^( *scrape_timeout:).*/\1 $interval/" \
        -e "s/^( *refresh_interval:).*/\1 1s/" "$file"
    if [ -e "$dir/alertmanager.address" ]; then
        sed -i "s|127.0.0.1:9093|$(cat "$dir/alertmanager.address")|" "$file"
    else
        sed -i '/^alerting:/,/9093/d' "$file"
    fi
    [ -z "$scrape" ] || cat "$scrape" >>"$file"
}

# What it says when it is ready is asked of it, for as long as it lives.
launch() { # DIR NAME ADDRESS PROGRAM ARGUMENT…
    local dir=$1 name=$2 address=$3
    shift 3
    (
        exec </dev/null >>"$dir/$name.log" 2>&1
        cd "$dir"
        exec setsid "$@"
    ) &
    echo $! >"$dir/$name.pid"
    for _ in $(seq 600); do
        curl -fs "http://$address/-/ready" >/dev/null 2>&1 && return
        runs "$(cat "$dir/$name.pid")" || return 1
        sleep 0.1
    done
    return 1
}

end() { # DIR NAME
    local pid
    pid=$(cat "$1/$2.pid" 2>/dev/null || true)
    [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 200); do
        runs "$pid" || { rm -f "$1/$2.pid"; return 0; }
        sleep 0.05
    done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$1/$2.pid"
}

# Ports are taken by others between asking and using them: try again.
start_alertmanager() { # DIR HOST
    local dir=$1 address
    for _ in 1 2 3; do
        address=$2:$(free_port)
        launch "$dir" alertmanager "$address" prometheus-alertmanager \
            --config.file="$dir/etc/alertmanager.yaml" --storage.path="$dir/alertmanager" \
            --web.listen-address="$address" --cluster.listen-address= &&
            { echo "$address" >"$dir/alertmanager.address"; return; }
        end "$dir" alertmanager
    done
    tail -5 "$dir/alertmanager.log" >&2
    die "no Alertmanager"
}

start_prometheus() { # DIR HOST
    local dir=$1 address
    for _ in 1 2 3; do
        address=$2:$(free_port)
        launch "$dir" prometheus "$address" prometheus \
            --config.file="$dir/etc/prometheus.yaml" --storage.tsdb.path="$dir/data" \
            --web.listen-address="$address" --enable-feature=exemplar-storage \
            --log.level=warn && { echo "$address" >"$dir/address"; return; }
        end "$dir" prometheus
    done
    tail -5 "$dir/prometheus.log" >&2
    die "no Prometheus"
}

start() { # DIR OPTION… TARGETS…
    local dir=$1 webhook="" interval="" scrape="" listen=127.0.0.1
    local rules=("$monitoring"/{recording,alerts}.yaml) given=()
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --alertmanager) webhook=$2 && shift 2 ;;
        --interval) interval=$2 && shift 2 ;;
        --rules) given+=("$2") && shift 2 ;;
        --scrape) scrape=$2 && shift 2 ;;
        --listen) listen=$2 && shift 2 ;;
        *) break ;;
        esac
    done
    [ ${#given[@]} = 0 ] || rules=("${given[@]}")
    [ ! -e "$dir/prometheus.pid" ] || die "$dir has one that runs"
    write_targets "$dir" "$@"
    rm -rf "$dir/etc/rules" "$dir/address" "$dir/alertmanager.address"
    mkdir -p "$dir"/etc/{rules,node,postgres,edge}
    cp "${rules[@]}" "$dir/etc/rules/"
    if [ -n "$webhook" ]; then
        render_alertmanager "$dir" "$webhook" "$interval"
        start_alertmanager "$dir" "$listen"
    fi
    render_prometheus "$dir" "$interval" "$scrape"
    start_prometheus "$dir" "$listen"
    cat "$dir/address"
    [ -z "$webhook" ] || cat "$dir/alertmanager.address"
}

[ $# -ge 2 ] || { sed -n '2,28s/^# \{0,1\}//p' "$0"; exit 2; }
verb=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2
case $verb in
start) start "$dir" "$@" ;;
targets) write_targets "$dir" "$@" ;;
reload) kill -HUP "$(cat "$dir/prometheus.pid")" ;;
stop)
    end "$dir" prometheus
    end "$dir" alertmanager
    ;;
*) die "unknown: $verb" ;;
esac
