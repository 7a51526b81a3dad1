#!/bin/bash
# `make bench`: one program for each claim about speed, each beside its peer
# in the same run, five times in turn, medians; then one table.  Servers
# (ours and PostgreSQL) have core 0, generators core 1.  Raw numbers stay in
# build/bench/.  BENCH_SECONDS and BENCH_ROUNDS shorten it; arguments choose.
# `make bench-edge` runs `edge`, which takes ten minutes and both cores.
set -eu
cd "$(dirname "$0")/.."

benches=${*:-place_postgres place_sqlite trace latency settle feed stream relay cluster}
out=build/bench
mkdir -p "$out"
started=$SECONDS

load=$(cut -d' ' -f1 /proc/loadavg)
echo "$(nproc) cores, load $load, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
case $load in
0.*) ;;
*) echo "something else is running here: what follows is slower than it could be" ;;
esac

for name in $benches; do
    echo "$name"
    case $name in
    feed)
        pin=""
        [ "$(nproc)" = 1 ] || pin="taskset -c 0"
        $pin "$out/feed" >"$out/feed.txt"
        sed 's/^/  /' "$out/feed.txt"
        ;;
    *) node "bench/$name.js" ;;
    esac
done
echo
# shellcheck disable=SC2086
node bench/lib.js $benches
echo
echo "took $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s; raw numbers in $out/"
