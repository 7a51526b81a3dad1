#!/bin/bash
# A private ClickHouse in a folder of its own, on free loopback ports: for
# tests and make cluster.
#
#   scripts/clickhouse.sh start DIR                     prints its URL
#   scripts/clickhouse.sh stop DIR | kill DIR | drop DIR  (drop removes DIR)
#   scripts/clickhouse.sh restart DIR                   the same data and port
#   scripts/clickhouse.sh schema URL [BROKERS [PREFIX]] creates deploy/clickhouse/'s
#                                                       tables in the URL's database;
#                                                       BROKERS feed them from Kafka
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
files=$here/../deploy/clickhouse

write_config() { # DIR HTTP TCP
    cat >"$1/config.xml" <<END
<yandex>
  <logger><level>warning</level><log>$1/log</log><errorlog>$1/errors</errorlog></logger>
  <http_port>$2</http_port><tcp_port>$3</tcp_port><listen_host>127.0.0.1</listen_host>
  <path>$1/data/</path><tmp_path>$1/tmp/</tmp_path>
  <users_config>users.xml</users_config><default_profile>default</default_profile>
  <system_profile>topics</system_profile>
  <default_database>default</default_database><mark_cache_size>67108864</mark_cache_size>
  <kafka><auto_offset_reset>earliest</auto_offset_reset></kafka>
</yandex>
END
    cat >"$1/users.xml" <<END
<yandex>
  <profiles><default>
    <max_memory_usage>1000000000</max_memory_usage>
  </default><topics>
    <max_memory_usage>1000000000</max_memory_usage>
    <max_block_size>16</max_block_size>
    <input_format_skip_unknown_fields>1</input_format_skip_unknown_fields>
    <input_format_allow_errors_num>1000000</input_format_allow_errors_num>
    <stream_flush_interval_ms>1000</stream_flush_interval_ms>
  </topics></profiles>
  <users><default>
    <password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota>
  </default></users>
  <quotas><default></default></quotas>
</yandex>
END
}

launch() { # DIR
    local port
    port=$(cat "$1/port")
    (
        exec </dev/null >>"$1/out" 2>&1
        cd "$1"
        exec setsid clickhouse-server "--config-file=$1/config.xml"
    ) &
    echo $! >"$1/pid"
    for _ in $(seq 300); do
        [ "$(curl -s "http://127.0.0.1:$port/ping" || true)" = Ok. ] && return
        runs "$(cat "$1/pid")" || return 1
        sleep 0.1
    done
    return 1
}

start() { # DIR
    local dir port
    command -v clickhouse-server >/dev/null || die "Debian's clickhouse-server is not installed"
    mkdir -p "$1"
    dir=$(cd "$1" && pwd)
    [ ! -e "$dir/config.xml" ] || die "$dir holds a server: use restart"
    for _ in 1 2 3; do
        port=$(free_port)
        echo "$port" >"$dir/port"
        write_config "$dir" "$port" "$(free_port)"
        if launch "$dir"; then
            echo "http://127.0.0.1:$port/default"
            return
        fi
        end KILL "$dir"
    done
    tail -5 "$dir/out" "$dir/errors" >&2 || true
    die "could not start"
}

end() { # SIGNAL DIR
    local pid
    pid=$(cat "$2/pid" 2>/dev/null || true)
    [ -n "$pid" ] && kill "-$1" "$pid" 2>/dev/null || return 0
    for _ in $(seq 300); do
        runs "$pid" || return 0
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
}

ask() { # BASE DATABASE STATEMENT
    local answer
    answer=$(curl -sS "$1/?database=$2" --data-binary "$3") || die "$1 does not answer"
    case $answer in Code:*) die "$answer: $3" ;; esac
}

# Statements end with a semicolon at the end of a line.
apply() { # BASE DATABASE FILE BROKERS PREFIX
    local statement='' line
    while IFS= read -r line; do
        case $line in --*) continue ;; esac
        line=${line//'{brokers}'/$4}
        statement+=${line//'{prefix}'/$5}$'\n'
        case $line in
        *';')
            ask "$1" "$2" "${statement%;*}"
            statement=''
            ;;
        esac
    done <"$3"
}

schema() { # URL [BROKERS [PREFIX]]
    local base=${1%/*} database=${1##*/} prefix=${3:+$3.}
    ask "$base" default "CREATE DATABASE IF NOT EXISTS $database"
    apply "$base" "$database" "$files/1_tables.sql" '' ''
    [ -z "${2:-}" ] || apply "$base" "$database" "$files/2_kafka.sql" "$2" "$prefix"
}

command=${1:-}
[ $# -ge 2 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
shift
case $command in
start) start "$1" ;;
stop) end TERM "$1" ;;
kill) end KILL "$1" ;;
restart)
    launch "$(cd "$1" && pwd)" || die "could not start again"
    echo "http://127.0.0.1:$(cat "$1/port")/default"
    ;;
drop)
    end KILL "$1"
    rm -rf "$1"
    ;;
schema) schema "$@" ;;
*) die "no command $command" ;;
esac
