#!/bin/bash
# A private RabbitMQ in a folder of its own, on free loopback ports: for
# tests.  The script touches nothing outside DIR; epmd, Erlang's port mapper, is a
# private one, too.
#
#   scripts/rabbit.sh start DIR      prints its URL; with DIR/tls/{ca,cert,key}.pem
#                                    a second line: the URL with TLS
#   scripts/rabbit.sh stop DIR       orderly shutdown
#   scripts/rabbit.sh kill DIR       kill -9, as a power cut would
#   scripts/rabbit.sh restart DIR    the same data and ports again
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

SBIN=$(ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin 2>/dev/null | tail -1)
[ -n "$SBIN" ] || die "no RabbitMQ in /usr/lib/rabbitmq"

# Debian's package makes this user; root needs nothing of it.  In the
# background only, where it takes the shell's place, so that $! is its pid.
become_rabbit() {
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups -- "$@"
    else
        exec "$@"
    fi
}

configure() { # DIR PORT TLS_PORT
    {
        echo "listeners.tcp.1 = 127.0.0.1:$2"
        echo "disk_free_limit.absolute = 50MB"
        echo "log.file.level = warning"
        echo "heartbeat = 10"
        if [ -f "$1/tls/cert.pem" ]; then
            echo "listeners.ssl.1 = 127.0.0.1:$3"
            echo "ssl_options.cacertfile = $1/tls/ca.pem"
            echo "ssl_options.certfile = $1/tls/cert.pem"
            echo "ssl_options.keyfile = $1/tls/key.pem"
            echo "ssl_options.verify = verify_none"
        fi
    } >"$1/rabbitmq.conf"
    echo "[]." >"$1/enabled_plugins"
}

environment() { # DIR DIST_PORT EPMD_PORT: as arguments of env
    echo "HOME=$1" "RABBITMQ_MNESIA_BASE=$1/mnesia" "RABBITMQ_LOG_BASE=$1/log" \
        "RABBITMQ_NODENAME=overround$3@localhost" "RABBITMQ_DIST_PORT=$2" \
        "ERL_EPMD_PORT=$3" "ERL_EPMD_ADDRESS=127.0.0.1" "RABBITMQ_PID_FILE=$1/pid" \
        "RABBITMQ_CONFIG_FILE=$1/rabbitmq.conf" "RABBITMQ_CONF_ENV_FILE=/dev/null" \
        "RABBITMQ_ENABLED_PLUGINS_FILE=$1/enabled_plugins" \
        "RABBITMQ_ADVANCED_CONFIG_FILE=$1/none.config" "RABBITMQ_SCHEMA_DIR=$1/schema" \
        "RABBITMQ_GENERATED_CONFIG_DIR=$1/schema"
}

lives() { # PIDFILE
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && runs "$pid"
}

end_epmd() { # DIR
    if lives "$1/epmd.pid"; then kill "$(cat "$1/epmd.pid")" 2>/dev/null || true; fi
}

launch() { # DIR: with the ports of DIR/ports
    local dir=$1 port tls dist epmd
    read -r port tls dist epmd <"$dir/ports"
    rm -f "$dir/pid"
    configure "$dir" "$port" "$tls"
    if ! lives "$dir/epmd.pid"; then
        become_rabbit env HOME="$dir" setsid epmd -port "$epmd" -address 127.0.0.1 \
            </dev/null >/dev/null 2>&1 &
        echo $! >"$dir/epmd.pid"
    fi
    # shellcheck disable=SC2046
    become_rabbit env $(environment "$dir" "$dist" "$epmd") setsid "$SBIN/rabbitmq-server" \
        </dev/null >>"$dir/out" 2>&1 &
    echo $! >"$dir/script.pid"
    for _ in $(seq 600); do
        if taken "127.0.0.1:$port" &&
            { [ ! -f "$dir/tls/cert.pem" ] || taken "127.0.0.1:$tls"; }; then
            return 0
        fi
        lives "$dir/script.pid" || lives "$dir/pid" || return 1
        sleep 0.1
    done
    return 1
}

urls() { # DIR
    local port tls rest
    read -r port tls rest <"$1/ports"
    echo "amqp://guest:guest@127.0.0.1:$port"
    [ ! -f "$1/tls/cert.pem" ] || echo "amqps://guest:guest@localhost:$tls"
}

start() {
    local dir=$1
    mkdir -p "$dir/mnesia" "$dir/log" "$dir/schema"
    dir=$(cd "$dir" && pwd)
    [ ! -e "$dir/ports" ] || die "$dir was started: use restart"
    [ "$(id -u)" != 0 ] || chown -R rabbitmq: "$dir"
    for _ in 1 2 3; do
        echo "$(free_port) $(free_port) $(free_port) $(free_port)" >"$dir/ports"
        if launch "$dir"; then
            urls "$dir"
            return
        fi
        end_epmd "$dir"
    done
    tail -20 "$dir/out" >&2
    die "could not start"
}

# The pid of the broker itself, the script's child.
broker() { cat "$1/pid" 2>/dev/null || cat "$1/script.pid" 2>/dev/null || true; }

end() { # DIR SIGNAL
    local pid
    pid=$(broker "$1")
    [ -n "$pid" ] || die "no broker runs in $1"
    kill "-$2" "$pid" 2>/dev/null || true
    for _ in $(seq 300); do
        lives "$1/pid" || lives "$1/script.pid" || break
        sleep 0.1
    done
    rm -f "$1/pid"
}

stop() {
    end "$1" TERM
    end_epmd "$1"
}

restart() {
    launch "$1" || { tail -20 "$1/out" >&2; die "could not restart"; }
    urls "$1"
}

[ $# = 2 ] || die "usage: start, stop, kill or restart DIR"
case $1 in
    start) start "$2" ;;
    stop) stop "$(cd "$2" && pwd)" ;;
    kill) end "$(cd "$2" && pwd)" KILL ;;
    restart) restart "$(cd "$2" && pwd)" ;;
    *) die "unknown: $1" ;;
esac
