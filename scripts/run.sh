#!/bin/bash
# `make run`: a betting platform on SQLite with a simulated match day, on
# 127.0.0.1:8080 (customers) and :8081 (operators), until Ctrl-C.
# OVERROUND_LISTEN, OVERROUND_OPERATOR_LISTEN and OVERROUND_STORE set other places.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

public=${OVERROUND_LISTEN:-127.0.0.1:8080}
operator=${OVERROUND_OPERATOR_LISTEN:-127.0.0.1:8081}
store=${OVERROUND_STORE:-sqlite:./data/overround.db}
token=$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')
server=""
sim=""

fail() {
    echo "make run: $*" >&2
    exit 1
}

stop() {
    trap - INT TERM EXIT
    [ -z "$sim" ] || kill "$sim" 2>/dev/null || true
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

taken "$public" && fail "$public is taken; stop what listens there, or:" \
    "OVERROUND_LISTEN=127.0.0.1:9080 make run"
taken "$operator" && fail "$operator is taken; stop what listens there, or:" \
    "OVERROUND_OPERATOR_LISTEN=127.0.0.1:9081 make run"

mkdir -p data
log=data/server.log
export OVERROUND_OPERATOR_TOKEN=$token
build/overround serve --store "$store" --listen "$public" --operator-listen "$operator" \
    >"$log" 2>&1 &
server=$!

ready() {
    curl -fs -o /dev/null --max-time 2 "http://$operator/readyz"
}
for _ in $(seq 150); do
    ready && break
    kill -0 "$server" 2>/dev/null || { cat "$log" >&2; server=""; fail "the server ended"; }
    sleep 0.2
done
ready || fail "the server is not ready after 30 s; see $log"

build/overround sim --to "http://$operator" >data/sim.log 2>&1 &
sim=$!

# A selection that may be bet on right now: "event market specifiers outcome odds".
live_selection() {
    node -e '
const get = async (path) => (await fetch(process.argv[1] + path)).json();
const main = async () => {
    const { events } = await get("/v1/events?state=live&limit=50");
    for (const { id } of events.reverse()) { // the one that began last
        const { markets } = await get("/v1/events/" + id);
        for (const m of markets.filter((m) => m.status === "active"))
            for (const o of m.outcomes.filter((o) => o.active && Number(o.odds) < 10))
                return console.log(JSON.stringify({ event: id, market: m.market,
                    specifiers: m.specifiers, outcome: o.outcome, odds: o.odds }));
    }
};
main().catch(() => {});
' "http://$public"
}
leg=""
for _ in $(seq 100); do
    leg=$(live_selection)
    [ -z "$leg" ] || break
    kill -0 "$sim" 2>/dev/null || { cat data/sim.log >&2; sim=""; fail "the simulator ended"; }
    sleep 0.2
done
[ -n "$leg" ] || fail "no live event after 20 s; see data/sim.log"

fan="fan-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')@example.com"
json='-H "Content-Type: application/json"'
login='-H "Authorization: Bearer $TOKEN"'
key='-H "Idempotency-Key: $(date +%s%N)"'
bet="{\"stake\":\"10.00\",\"type\":\"single\",\"accept\":\"any\",\"legs\":[$leg]}"
account="{\"email\":\"$fan\",\"password\":\"correct horse battery\",\"currency\":\"EUR\""
account="$account,\"country\":\"GB\",\"date_of_birth\":\"1990-05-17\"}"

cat <<TEXT

Overround runs; a match day is being played into it.

  customers       http://$public
  operators       http://$operator
  operator token  $token
  log             $log

Register, deposit and bet, from another terminal:

TOKEN=\$(curl -s http://$public/v1/accounts $json -d '$account' | sed 's/.*"token":"\([^"]*\)".*/\1/')
curl -s http://$public/v1/wallet/deposits $login $key $json -d '{"amount":"100.00"}'
curl -s http://$public/v1/bets $login $key $json -d '$bet'

Ctrl-C stops it.
TEXT

wait -n || true
kill -0 "$server" 2>/dev/null || { tail -5 "$log" >&2; server=""; fail "the server ended"; }
sim=""
echo "The match day is over; the server goes on until Ctrl-C."
wait "$server" || { tail -5 "$log" >&2; fail "the server ended"; }
