#!/bin/bash
# A current ClickHouse to check statements against: chdb, ClickHouse as a
# library, from PyPI.  (Debian's server is of 2018.)
#
#   scripts/chdb.sh fetch              into the cache, once
#   scripts/chdb.sh version            prints the version of ClickHouse
#   scripts/chdb.sh < STATEMENTS       prints the last one's answer as TSV, and
#                                      leaves nothing behind
#
# chdb gets the statements as one argument, of 128 KiB at most: read rows from
# files, by SELECT … FROM file('/PATH', JSONEachRow).
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

version=26.9.0
# of the wheel for x86-64
sha256=707e2ec3fe0f7953bac97942eaeb7a1ed1d66b1e56ecef3f0aa2130f61f6e735
cache=$(cache_of chdb-$version)

ask() { # STATEMENTS
    [ "$(printf %s "$1" | wc -c)" -lt 131072 ] || die "more than 128 KiB of statements"
    PYTHONPATH=$cache/lib /usr/bin/python3 -m chdb "$1" TabSeparated
}

once "$cache" from_pypi "$cache/lib" "chdb-core==$version" "$sha256"
case ${1:-} in
fetch) ;;
version) ask 'SELECT version()' ;;
'') ask "$(cat)" ;;
*) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
