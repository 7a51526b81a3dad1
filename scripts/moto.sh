#!/bin/bash
# A private moto in a folder of its own, on a free loopback port: a third-party server that
# answers as Amazon does.  The tests use its S3 with archive classes.  It checks no
# signatures (scripts/s3.sh does).  From PyPI, pinned by scripts/terraform/moto.txt.
#
#   scripts/moto.sh start DIR     prints http://127.0.0.1:PORT
#   scripts/moto.sh drop DIR      ends it and removes DIR
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

packages=scripts/terraform/moto.txt
cache=$(cache_of "moto-$(sha256sum <$packages | cut -c1-12)")

fetch() {
    /usr/bin/python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes \
        --target "$cache/lib" --requirement $packages
}

start() { # DIR
    local port
    once "$cache" fetch
    mkdir -p "$1"
    port=$(free_port)
    PYTHONPATH=$cache/lib /usr/bin/python3 -m moto.server -H 127.0.0.1 -p "$port" \
        >"$1/log" 2>&1 &
    echo $! >"$1/pid"
    wait_for 120 taken "127.0.0.1:$port"
    echo "http://127.0.0.1:$port"
}

drop() { # DIR
    kill "$(cat "$1/pid")" 2>/dev/null || true
    rm -rf "$1"
}

[ $# -eq 2 ] || die "usage: start DIR | drop DIR"
case $1 in
    start) start "$2" ;;
    drop) drop "$2" ;;
    *) die "unknown: $1" ;;
esac
