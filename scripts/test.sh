#!/bin/bash
# Every test, step by step, with the details in build/test/*.log; the last line
# is "N passed, N failed".  Steps can be named to run only those:
#   scripts/test.sh units api-sqlite
# --cluster: the steps that need Kafka, nginx, ClickHouse and S3; --all: all.
set -u
cd "$(dirname "$0")/.."

logs=build/test
mkdir -p "$logs"
export OVERROUND_DATA=${OVERROUND_DATA:-$(cd .. && pwd)/shared/data}
passed=0
failed=0
skipped=0
started=$SECONDS

say() { printf '%s\n' "$*"; }

# finish NAME PASSED FAILED SECONDS LOG
finish() {
    passed=$((passed + $2))
    failed=$((failed + $3))
    printf '%-28s %5d passed %4d failed %5d s\n' "$1" "$2" "$3" "$4"
    if [ "$3" -gt 0 ]; then
        say "--- $1 failed; from $5:"
        grep -aE -A 40 '^ *(not ok|Bail out|FAILED)|ERROR: |runtime error|^make.*Error|error:' \
            "$5" | head -200
        say "---"
    fi
}

# Builds first, so that a step's time is the tests' own.
build() {
    local name=$1
    shift
    local begin=$SECONDS
    if make --no-print-directory "$@" >"$logs/$name.log" 2>&1; then
        printf '%-28s %34d s\n' "$name" $((SECONDS - begin))
        return 0
    fi
    echo "FAILED: make $*" >>"$logs/$name.log"
    grep -q 'error:' "$logs/$name.log" || tail -20 "$logs/$name.log"
    finish "$name" 0 1 $((SECONDS - begin)) "$logs/$name.log"
    return 1
}

# Two at a time: one for each core of the smallest machine.
pairs() { # FUNCTION ARGUMENT: reads what the function's last argument is
    xargs -P 2 -I{} bash -c "$1 $2 {}"
}

# One cmocka program, a TAP document; into a file of its own.
unit() { # VARIANT FILE
    local name out status
    name=$(basename "$2" .c)
    out=$logs/unit/$name.out
    CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 "build/$1/unit/$name" >"$out" 2>&1
    status=$?
    [ "$status" -eq 0 ] || echo "FAILED: $2, exit $status" >>"$out"
}

# A program that dies is one failure.
units() {
    local name=$1 variant=$2 begin=$SECONDS log=$logs/$1.log
    local ok=0 bad=0 file out n
    build "build-$name" -j2 "VARIANT=$variant" units || return
    rm -rf "$logs/unit"
    mkdir -p "$logs/unit"
    printf '%s\n' tests/unit/*_test.c | pairs unit "$variant"
    : >"$log"
    for file in tests/unit/*_test.c; do
        out=$logs/unit/$(basename "$file" .c).out
        echo "# $file" >>"$log"
        cat "$out" >>"$log"
        ok=$((ok + $(grep -acE '^ok [0-9]' "$out")))
        n=$(grep -acE '^not ok [0-9]' "$out")
        [ "$n" -gt 0 ] || n=$(grep -ac '^FAILED: ' "$out")
        bad=$((bad + n))
    done
    finish "$name" "$ok" "$bad" $((SECONDS - begin)) "$log"
}

# One fuzz target for some seconds, beginning with its corpus.
fuzz_one() { # SECONDS FILE
    local name seeds log
    name=$(basename "$2" .c)
    log=$logs/fuzz/$name.out
    seeds=tests/fuzz/corpus/${name%_fuzz}
    [ -d "$seeds" ] || seeds=tests/fuzz/corpus/$name
    mkdir -p "$logs/corpus/$name"
    if [ ! -d "$seeds" ]; then
        echo "FAILED: $name has no corpus in tests/fuzz/corpus" >"$log"
    elif ! "build/fuzz/$name" -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$logs/crashes/$name-" \
        "$logs/corpus/$name" "$seeds" >"$log" 2>&1; then
        echo "FAILED: $name; the input is in $logs/crashes" >>"$log"
    fi
}

fuzz() {
    local begin=$SECONDS log=$logs/fuzz.log bad all
    build build-fuzz -j2 fuzz || return
    rm -rf "$logs/fuzz" "$logs/corpus"
    mkdir -p "$logs/fuzz" "$logs/corpus" "$logs/crashes"
    printf '%s\n' tests/fuzz/*_fuzz.c | pairs fuzz_one "${OVERROUND_FUZZ_SECONDS:-20}"
    cat "$logs"/fuzz/*.out >"$log"
    all=$(printf '%s\n' tests/fuzz/*_fuzz.c | wc -l)
    bad=$(grep -ac '^FAILED: ' "$log")
    finish fuzz $((all - bad)) "$bad" $((SECONDS - begin)) "$log"
}

# node_step NAME FILES…: node's test runner; cancelled counts as failed, and under CI so
# does skipped, unless the step says may_skip.  What is skipped is named.
node_step() {
    local name=$1 begin=$SECONDS log=$logs/$1.log status
    shift
    local jobs=()
    node --help | grep -q -- --test-concurrency && jobs=(--test-concurrency="${jobs_max:-2}")
    timeout "${step_limit:-900}" node --test --test-reporter=tap "${jobs[@]}" "$@" >"$log" 2>&1
    status=$?
    local ok=$(tap_count pass "$log") bad=$(tap_count fail "$log")
    bad=$((bad + $(tap_count cancelled "$log")))
    [ -z "${CI:-}" ] || [ -n "${may_skip:-}" ] || bad=$((bad + $(tap_count skipped "$log")))
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$status" -ne 124 ] || echo "FAILED: $name took over ${step_limit:-900} s" >>"$log"
    finish "$name" "$ok" "$bad" $((SECONDS - begin)) "$log"
    name_skipped "$log"
}

name_skipped() { # LOG
    local n
    n=$(tap_count skipped "$1")
    [ "$n" -gt 0 ] || return 0 # a suite of another shape is none
    skipped=$((skipped + n))
    say "    skipped, $n:"
    sed -n 's/^ *ok [0-9]* - \(.*\) # SKIP *\(.*\)$/      \1  (\2)/p' "$1"
}

tap_count() {
    sed -n "s/^# $1 \([0-9]*\)\$/\1/p" "$2" | tail -1 | grep . || echo 0
}

# One PostgreSQL for a step; the tests make a database each in it.
with_postgres() {
    local folder
    folder=$(mktemp -d "${TMPDIR:-/tmp}/overround-pg-XXXXXX")
    OVERROUND_TEST_PG=$(scripts/pg.sh start "$folder" -c max_connections=200 \
        2>"$logs/postgres.log" | tail -1)
    export OVERROUND_TEST_PG
    if [ -z "$OVERROUND_TEST_PG" ]; then
        echo "FAILED: scripts/pg.sh start" >>"$logs/postgres.log"
        finish postgres 0 1 0 "$logs/postgres.log"
        cat "$logs/postgres.log"
    else
        "$@"
        scripts/pg.sh stop "$folder" >/dev/null 2>&1
    fi
    unset OVERROUND_TEST_PG
    rm -rf "$folder"
}

api() { # STORE NAME
    OVERROUND_TEST_STORE=$1 node_step "$2" tests/api/*_test.js
}

# Against a RabbitMQ that the tests start, and several processes on PostgreSQL.
amqp() {
    OVERROUND_TEST_STORE=postgres node_step amqp tests/amqp/*_test.js
}

property() { # STORE
    OVERROUND_TEST_STORE=$1 node_step "property-$1" tests/property/*_test.js
}

# One Kafka for a step; its servers have topics of their own.
with_kafka() {
    local folder
    folder=$(mktemp -d "${TMPDIR:-/tmp}/overround-kafka-XXXXXX")
    rmdir "$folder"
    OVERROUND_TEST_KAFKA=$(scripts/kafka.sh start "$folder" 2>"$logs/kafka.log" | tail -1)
    export OVERROUND_TEST_KAFKA
    if [ -z "$OVERROUND_TEST_KAFKA" ]; then
        echo "FAILED: scripts/kafka.sh start" >>"$logs/kafka.log"
        finish kafka 0 1 0 "$logs/kafka.log"
        cat "$logs/kafka.log"
    else
        "$@"
    fi
    scripts/kafka.sh drop "$folder" >/dev/null 2>&1
    unset OVERROUND_TEST_KAFKA
}

# The api's own stories, each server a small cluster: all but those about
#   process, recovery   one process, started, driven and killed
#   sim                 the same, and its own log
#   schema              one process, while its store is changed under it
# and single cases that say oneProcess (tests/api/lib/shape.js).
api_cluster() {
    local apart='process|recovery|sim|schema'
    # shellcheck disable=SC2046
    OVERROUND_TEST_STORE=postgres OVERROUND_TEST_SHAPE=cluster jobs_max=1 step_limit=1800 \
        node_step api-cluster $(printf '%s\n' tests/api/*_test.js |
            grep -vE "/($apart)_test.js\$")
}

# One Kubernetes for a step, with PostgreSQL and Kafka beside it (scripts/kube.sh); each
# release has a namespace, a database and topics of its own.
with_kube() {
    local folder
    folder=$(mktemp -d "${TMPDIR:-/tmp}/overround-kube-XXXXXX")
    if ! scripts/kube.sh rig "$folder/rig" 9 >"$logs/kube-rig.log" 2>&1; then
        echo "FAILED: scripts/kube.sh rig" >>"$logs/kube-rig.log"
        finish kube-rig 0 1 0 "$logs/kube-rig.log"
        cat "$logs/kube-rig.log"
    else
        OVERROUND_TEST_KUBE=$folder/rig "$@"
        scripts/kube.sh stop "$folder/rig" >/dev/null
    fi
    rm -rf "$folder"
}

# What may happen to a release, and what may not come of it.  The store's failover is the
# last: the standby is the primary afterwards.
kube() {
    OVERROUND_TEST_STORE=postgres jobs_max=1 step_limit=3600 node_step kube \
        tests/kube/{gateway,edge_node,rollout,scale,alerts,clusters,spread,trouble}_test.js
}

# The customers' stories against the chart.
api_kube() {
    local customers='account|cashout|catalogue|exclusion|idempotency|limits|list|place|policy'
    customers="$customers|refusal|resettle|settle|stream|stream_ws|wallet"
    # shellcheck disable=SC2046
    OVERROUND_TEST_PG=$(cat "$OVERROUND_TEST_KUBE"/pg-a.url) OVERROUND_TEST_STORE=postgres \
        OVERROUND_TEST_SHAPE=kube jobs_max=1 step_limit=3600 \
        node_step api-kube $(printf '%s\n' tests/api/*_test.js | grep -E "/($customers)_test.js\$")
}

both_kube() {
    api_kube
    kube
}

# What needs more than one process, or a server of somebody else's.
cluster() {
    OVERROUND_TEST_STORE=postgres jobs_max=1 step_limit=1500 \
        node_step cluster tests/cluster/*_test.js
}

# The images, built, taken apart and run.
image() {
    scripts/deps.sh edge_box || return
    build build-image image-edge || return
    jobs_max=1 node_step image tests/image/*_test.js
}

# deploy/terraform, without an account.  A machine without terraform tries what needs none;
# the rest is skipped, by name.  OVERROUND_TERRAFORM=required makes that a failure: .ci/run
# says where.
terraform() {
    local lacks=""
    scripts/deps.sh terraform || return
    scripts/terraform.sh have 2>"$logs/terraform.log" || lacks=yes
    if [ -n "$lacks" ] && [ "${OVERROUND_TERRAFORM:-}" = required ]; then
        echo "FAILED: there is no terraform here, and this machine should have it" \
            >>"$logs/terraform.log"
        finish terraform 0 1 0 "$logs/terraform.log"
        return
    fi
    may_skip=$lacks jobs_max=1 step_limit=1800 node_step terraform tests/terraform/*_test.js
}

# Cloudflare's runtime, and the types of CDNs' interfaces.
edge_packages() {
    local log=$logs/edge-packages.log
    [ tests/edge/node_modules/.installed -ot tests/edge/package-lock.json ] || return 0
    scripts/npm_ci.sh tests/edge >"$log" 2>&1 && return 0
    echo "FAILED: npm ci in tests/edge" >>"$log"
    finish edge-packages 0 1 0 "$log"
    return 1
}

# The pages in Debian's Chromium; playwright-core without a browser of its own.
browser() {
    local begin=$SECONDS log=$logs/browser.log
    if [ tests/browser/node_modules/.installed -ot tests/browser/package-lock.json ] &&
        ! scripts/npm_ci.sh tests/browser >"$log" 2>&1; then
        echo "FAILED: npm ci in tests/browser" >>"$log"
        finish browser 0 1 $((SECONDS - begin)) "$log"
        return
    fi
    step_limit=300 node_step browser tests/browser/*_test.js
}

# Releases that are brought out, and go back, by deploy/release.sh.
release() {
    OVERROUND_TEST_STORE=postgres jobs_max=1 step_limit=1200 \
        node_step release tests/release/*_test.js
}

step() {
    case $1 in
    units) units units release ;;
    units-asan) units units-asan asan ;;
    fuzz) fuzz ;;
    api-sqlite) api sqlite api-sqlite ;;
    api-postgres) with_postgres api postgres api-postgres ;;
    property) property sqlite && with_postgres property postgres ;;
    amqp) with_postgres amqp ;;
    browser) browser ;;
    crash) jobs_max=1 step_limit=1200 node_step crash tests/crash/*_test.js ;;
    api-asan)
        build build-asan -j2 VARIANT=asan build/asan/overround || return
        OVERROUND_TEST_BINARY=build/asan/overround api sqlite api-asan
        ;;
    cluster) with_postgres with_kafka cluster ;;
    api-cluster) with_postgres with_kafka api_cluster ;;
    kube) with_kube both_kube ;;
    monitoring)
        scripts/deps.sh build test monitoring || return
        jobs_max=1 step_limit=1800 node_step monitoring tests/monitoring/*_test.js
        ;;
    chart) node_step chart tests/chart/*_test.js ;;
    release)
        scripts/deps.sh build cluster monitoring release || return
        build build-faults -j2 faults || return
        with_postgres with_kafka release
        ;;
    edge) # what stands before the public listener (deploy/edge)
        scripts/deps.sh build test cluster edge || return
        edge_packages || return
        # Four minutes where it is not built yet; a test says so where it cannot be had.
        scripts/go_tool.sh have caddy 2>/dev/null && scripts/go_tool.sh fetch caddy
        jobs_max=1 step_limit=1800 with_postgres with_kafka node_step edge tests/edge/*_test.js
        ;;
    image) image ;;
    terraform) terraform ;;
    kube-validate) # asked for by name: it needs scripts/kube/tools.sh fetch kubernetes etcd
        node_step kube-validate tests/kube/validate_test.js
        ;;
    *) say "no step $1; steps: $steps" && exit 2 ;;
    esac
}

export logs
export -f unit fuzz_one

steps="units units-asan fuzz api-sqlite api-postgres amqp property browser crash api-asan"
cluster_steps="image cluster api-cluster chart monitoring edge release terraform"
kube_steps="kube-validate kube"
case ${1:-} in
--cluster) steps=$cluster_steps && shift ;;
--kube) steps=$kube_steps && shift ;;
--all) steps="$steps $cluster_steps" && shift ;;
esac

if [ ! -d "$OVERROUND_DATA/football" ]; then
    say "The data is not at $OVERROUND_DATA; set OVERROUND_DATA to its folder."
    [ -z "${CI:-}" ] || failed=$((failed + 1))
fi
build build-overround -j2 build/overround
build build-helpers -j2 helpers
for name in ${*:-$steps}; do
    step "$name"
done

say "took $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s; details in $logs/"
[ "$skipped" -eq 0 ] || say "$skipped skipped, named above"
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
