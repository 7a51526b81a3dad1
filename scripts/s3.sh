#!/bin/bash
# A private S3 server in a folder of its own, on a free loopback port: for
# tests.  It checks signatures and sums (versitygw, a Go module, built once
# into the cache; the module proxy's sums are checked by go itself).
#
#   scripts/s3.sh fetch             the program, into the cache, once
#   scripts/s3.sh start DIR BUCKET  prints http://localhost:PORT
#   scripts/s3.sh drop DIR          ends it and removes DIR
#
# Key and secret are "overround" and "overround-secret", the region is
# us-east-1.  BUCKET.localhost works, too.
set -euo pipefail

version=v1.8.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/overround/versitygw-$version

die() { echo "s3.sh: $*" >&2; exit 1; }

fetch() {
    [ -x "$cache/versitygw" ] && return
    command -v go >/dev/null || die "needs go (1.25 or later) to build versitygw"
    mkdir -p "$cache"
    (
        flock 9
        [ -x "$cache/versitygw" ] && exit 0
        echo "s3.sh: building versitygw $version" >&2
        GOBIN=$cache GOFLAGS=-trimpath go install "github.com/versity/versitygw/cmd/versitygw@$version" \
            >"$cache/go.log" 2>&1 || { tail -20 "$cache/go.log" >&2; die "go could not build it"; }
    ) 9>"$cache/.lock"
}

free_port() {
    local port
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

launch() { # DIR PORT
    "$cache/versitygw" --quiet --access overround --secret overround-secret \
        --port "127.0.0.1:$2" --virtual-domain "localhost:$2" \
        posix --sidecar "$1/meta" "$1/data" >"$1/log" 2>&1 &
    echo $! >"$1/pid"
    for _ in $(seq 100); do
        kill -0 "$(cat "$1/pid")" 2>/dev/null || return 1
        (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}

start() {
    local port
    fetch
    mkdir -p "$1/data/$2" "$1/meta"
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

drop() {
    [ -d "$1/data" ] || die "no server in $1"
    kill "$(cat "$1/pid")" 2>/dev/null || true
    rm -rf "$1"
}

[ $# -ge 1 ] || die "usage: fetch | start DIR BUCKET | drop DIR"
verb=$1
shift
case $verb in
    fetch) fetch ;;
    start) start "$@" ;;
    drop) drop "$1" ;;
    *) die "unknown: $verb" ;;
esac
