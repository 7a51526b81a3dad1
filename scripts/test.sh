#!/bin/bash
# Runs every test, step by step, with the details in build/test/*.log; the last line
# is "N passed, N failed".  Name steps to run only those:
#   scripts/test.sh units api-sqlite
# --cluster: the steps that need Kafka, nginx, ClickHouse and S3; --all: all.
# --match WORD: runs only the files with WORD in their names, in the named steps (or in
# one step of each kind).
#
# Three steps run at a time (OVERROUND_TEST_LANES): one that computes, and two that
# mostly wait, for Kafka, a lease or a clock.  A step's lines appear together when it
# ends: passed, failed, seconds, and CPU seconds (without the programs that it started
# and left running, such as PostgreSQL).
set -u
cd "$(dirname "$0")/.." || exit

logs=build/test
mkdir -p "$logs"
export OVERROUND_DATA=${OVERROUND_DATA:-$(cd .. && pwd)/shared/data}
lanes=${OVERROUND_TEST_LANES:-3}
passed=0
failed=0
skipped=0
started=$SECONDS
match=""
ended="" # this step is told to end

say() { printf '%s\n' "$*"; }

# Seconds that this process's children were on a processor, those that have ended.
say_cpu() {
    local fields
    read -r fields <"/proc/$BASHPID/stat"
    # shellcheck disable=SC2086
    set -- ${fields##*) }
    printf '%-28s %34d s\n' "  on a processor" $(((${14} + ${15}) / ticks))
}
ticks=$(getconf CLK_TCK)

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

# The files of a folder that are asked for.
files() { # FOLDER PATTERN
    compgen -G "tests/$1/$2" | grep -E "/[^/]*${match}[^/]*\$" | sort
}

# One at a time: two makes in one folder would write the same files, and two apt-gets
# do not wait for each other.  Compilers and fuzzers, whom no clock watches, give way.
locked() {
    flock "$logs/.lock" "$@"
}

needs() { # GROUP…: packages of Debian
    locked scripts/deps.sh "$@"
}

build() {
    local name=$1 begin=$SECONDS
    shift
    [ -z "$ended" ] || return 1
    if locked nice -n 10 make --no-print-directory "$@" >"$logs/$name.log" 2>&1; then
        printf '%-28s %34d s\n' "$name" $((SECONDS - begin))
        return 0
    fi
    echo "FAILED: make $*" >>"$logs/$name.log"
    grep -q 'error:' "$logs/$name.log" || tail -20 "$logs/$name.log"
    finish "$name" 0 1 $((SECONDS - begin)) "$logs/$name.log"
    return 1
}

# N at a time.
abreast() { # N FUNCTION ARGUMENT: reads what the function's last argument is
    xargs -P "$1" -I{} bash -c "$2 $3 {}"
}

# Those first that wait longest, for PostgreSQL and for groups of Kafka.
longest_first() {
    awk '/(postgres|kafka|sim|worldcup)_test/ { print; next } { rest = rest $0 "\n" }
        END { printf "%s", rest }'
}

# One cmocka program, a TAP document; into a file of its own.
unit() { # VARIANT FILE
    local name out status
    name=$(basename "$2" .c)
    out=$logs/unit-$1/$name.out
    CMOCKA_MESSAGE_OUTPUT=TAP timeout 900 "build/$1/unit/$name" >"$out" 2>&1
    status=$?
    [ "$status" -eq 0 ] || echo "FAILED: $2, exit $status" >>"$out"
}

# A program that dies is one failure.
units() {
    local name=$1 variant=$2 begin log=$logs/$1.log
    local ok=0 bad=0 file out n all
    all=$(files unit '*_test.c')
    if [ -z "$match" ]; then
        build "build-$name" -j2 "VARIANT=$variant" units || return
    else
        # shellcheck disable=SC2046,SC2001
        build "build-$name" -j2 "VARIANT=$variant" \
            $(sed "s|^tests/\(.*\)\.c|build/$variant/\1|" <<<"$all") || return
    fi
    begin=$SECONDS
    rm -rf "$logs/unit-$variant"
    mkdir -p "$logs/unit-$variant"
    longest_first <<<"$all" | abreast 4 unit "$variant" # most of their time they wait
    : >"$log"
    for file in $all; do
        out=$logs/unit-$variant/$(basename "$file" .c).out
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
    elif ! nice -n 10 "build/fuzz/$name" -max_total_time="$1" -timeout=25 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$logs/crashes/$name-" \
        "$logs/corpus/$name" "$seeds" >"$log" 2>&1; then
        echo "FAILED: $name; the input is in $logs/crashes" >>"$log"
    fi
}

fuzz() {
    local begin log=$logs/fuzz.log bad all
    build build-fuzz -j2 fuzz || return
    begin=$SECONDS
    all=$(files fuzz '*_fuzz.c')
    rm -rf "$logs/fuzz" "$logs/corpus"
    mkdir -p "$logs/fuzz" "$logs/corpus" "$logs/crashes"
    abreast 2 fuzz_one "${OVERROUND_FUZZ_SECONDS:-12}" <<<"$all"
    cat "$logs"/fuzz/*.out >"$log"
    bad=$(grep -ac '^FAILED: ' "$log")
    finish fuzz $(($(wc -l <<<"$all") - bad)) "$bad" $((SECONDS - begin)) "$log"
}

# node_step NAME FILES…: node's test runner; cancelled counts as failed, and under CI so
# does skipped, unless the step says may_skip.  What is skipped is named.
node_step() {
    local name=$1 begin=$SECONDS log=$logs/$1.log status
    shift
    [ -z "$ended" ] || return 1
    local jobs=()
    node --help | grep -q -- --test-concurrency && jobs=(--test-concurrency="${jobs_max:-2}")
    timeout "${step_limit:-1800}" node --test --test-reporter=tap "${jobs[@]}" "$@" >"$log" 2>&1
    status=$?
    local ok bad
    ok=$(tap_count pass "$log")
    bad=$(tap_count fail "$log")
    bad=$((bad + $(tap_count cancelled "$log")))
    [ -z "${CI:-}" ] || [ -n "${may_skip:-}" ] || bad=$((bad + $(tap_count skipped "$log")))
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$status" -ne 124 ] || echo "FAILED: $name took over ${step_limit:-1800} s" >>"$log"
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

migrated_template() {
    psql -qc 'create database migrated' "$OVERROUND_TEST_PG" &&
        build/overround migrate --store "${OVERROUND_TEST_PG%/*}/migrated"
}

# One PostgreSQL for a step; the tests make a database each in it, by a template that is
# migrated once (tests/api/lib/store.js).
with_postgres() {
    local folder log=$logs/$step-postgres.log
    folder=$(mktemp -d "${TMPDIR:-/tmp}/overround-pg-XXXXXX")
    OVERROUND_TEST_PG=$(scripts/pg.sh start "$folder" -c max_connections=200 2>"$log" | tail -1)
    export OVERROUND_TEST_PG OVERROUND_TEST_PG_TEMPLATE=migrated
    if [ -n "$OVERROUND_TEST_PG" ] && ! migrated_template >>"$log" 2>&1; then
        echo "FAILED: a migrated template" >>"$log"
        finish "$step-postgres" 0 1 0 "$log"
        scripts/pg.sh stop "$folder" >/dev/null 2>&1
    elif [ -z "$OVERROUND_TEST_PG" ]; then
        echo "FAILED: scripts/pg.sh start" >>"$log"
        finish "$step-postgres" 0 1 0 "$log"
        cat "$log"
    else
        "$@"
        scripts/pg.sh stop "$folder" >/dev/null 2>&1
    fi
    unset OVERROUND_TEST_PG OVERROUND_TEST_PG_TEMPLATE
    rm -rf "$folder"
}

# Which of the api's stories a shape leaves out; all run on SQLite, and again under
# AddressSanitizer, which sees every parser.  What moves money runs in all four.
#   http, malformed    bytes that a listener refuses: they reach no store, and nginx would
#                      refuse them first
#   pages              files that are in the binary
#   load, verdict, sim programs of their own; sim on RabbitMQ and PostgreSQL: tests/amqp
#   help               prints what a command's options are
#   shadow             reads a store that is at rest: both stores, no shape
#   process, recovery  one process, started, driven and killed
#   schema             one process, while its store is changed under it
#   halves             one process with two stores (--ledger with Kafka: not tried)
# Single cases say oneProcess (tests/api/lib/shape.js).
left_out() { # STEP
    case $1 in
    api-postgres) echo 'http|malformed|pages|load|verdict|sim|help' ;;
    api-cluster) echo 'http|malformed|pages|load|verdict|sim|help|shadow|process|recovery|schema|halves' ;;
    *) echo none ;;
    esac
}

api_files() { # STEP
    files api '*_test.js' | grep -vE "/($(left_out "$1"))_test.js\$"
}

api() { # STORE NAME
    # shellcheck disable=SC2046
    OVERROUND_TEST_STORE=$1 node_step "$2" $(api_files "$2")
}

# Against a RabbitMQ that the tests start, and several processes on PostgreSQL.
amqp() {
    # shellcheck disable=SC2046
    OVERROUND_TEST_STORE=postgres node_step amqp $(files amqp '*_test.js')
}

property() { # STORE
    # shellcheck disable=SC2046
    OVERROUND_TEST_STORE=$1 node_step "property-$1" $(files property '*_test.js')
}

# One Kafka for a step; its servers have topics of their own.
with_kafka() {
    local folder log=$logs/$step-kafka.log
    folder=$(mktemp -d "${TMPDIR:-/tmp}/overround-kafka-XXXXXX")
    rmdir "$folder"
    OVERROUND_TEST_KAFKA=$(scripts/kafka.sh start "$folder" 2>"$log" | tail -1)
    export OVERROUND_TEST_KAFKA
    if [ -z "$OVERROUND_TEST_KAFKA" ]; then
        echo "FAILED: scripts/kafka.sh start" >>"$log"
        finish "$step-kafka" 0 1 0 "$log"
        cat "$log"
    else
        "$@"
    fi
    scripts/kafka.sh drop "$folder" >/dev/null 2>&1
    unset OVERROUND_TEST_KAFKA
}

# The api's own stories, each server a small cluster; most of their time they wait for it.
api_cluster() {
    # shellcheck disable=SC2046
    OVERROUND_TEST_STORE=postgres OVERROUND_TEST_SHAPE=cluster step_limit=3000 \
        node_step api-cluster $(api_files api-cluster)
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
    # shellcheck disable=SC2046
    OVERROUND_TEST_STORE=postgres jobs_max=1 step_limit=3000 \
        node_step cluster $(files cluster '*_test.js')
}

# The images, built, taken apart and run.
image() {
    needs edge_box || return
    build build-image image-edge || return
    # shellcheck disable=SC2046
    jobs_max=1 node_step image $(files image '*_test.js')
}

# deploy/terraform, without an account.  A machine without terraform tries what needs none;
# the rest is skipped, by name.  OVERROUND_TERRAFORM=required makes that a failure: .ci/run
# says where.
terraform() {
    local lacks=""
    needs terraform || return
    scripts/terraform.sh have 2>"$logs/terraform.log" || lacks=yes
    if [ -n "$lacks" ] && [ "${OVERROUND_TERRAFORM:-}" = required ]; then
        echo "FAILED: there is no terraform here, and this machine should have it" \
            >>"$logs/terraform.log"
        finish terraform 0 1 0 "$logs/terraform.log"
        return
    fi
    # shellcheck disable=SC2046
    may_skip=$lacks jobs_max=1 node_step terraform $(files terraform '*_test.js')
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
    # shellcheck disable=SC2046
    node_step browser $(files browser '*_test.js')
}

# Releases that are brought out, and go back, by deploy/release.sh.
release() {
    # shellcheck disable=SC2046
    OVERROUND_TEST_STORE=postgres jobs_max=1 node_step release $(files release '*_test.js')
}

# What stands before the public listener (deploy/edge).
edge() {
    # shellcheck disable=SC2046
    jobs_max=1 node_step edge $(files edge '*_test.js')
}

step() {
    # shellcheck disable=SC2046
    case $1 in
    units) units units release ;;
    units-asan) units units-asan asan ;;
    fuzz) fuzz ;;
    api-sqlite) api sqlite api-sqlite ;;
    api-postgres) with_postgres api postgres api-postgres ;;
    property) property sqlite && with_postgres property postgres ;;
    amqp) with_postgres amqp ;;
    browser) browser ;;
    crash) jobs_max=1 node_step crash $(files crash '*_test.js') ;;
    api-asan)
        build build-asan -j2 VARIANT=asan build/asan/overround || return
        OVERROUND_TEST_BINARY=build/asan/overround api sqlite api-asan
        ;;
    cluster) with_postgres with_kafka cluster ;;
    api-cluster) with_postgres with_kafka api_cluster ;;
    kube) with_kube both_kube ;;
    monitoring)
        needs build test monitoring || return
        jobs_max=1 node_step monitoring $(files monitoring '*_test.js')
        ;;
    chart) node_step chart $(files chart '*_test.js') ;;
    release)
        needs build cluster monitoring release || return
        build build-faults -j2 faults || return
        with_postgres with_kafka release
        ;;
    edge)
        needs build test cluster edge || return
        edge_packages || return
        # Four minutes where it is not built yet; a test says so where it cannot be had.
        scripts/go_tool.sh have caddy 2>/dev/null && scripts/go_tool.sh fetch caddy
        with_postgres with_kafka edge
        ;;
    image) image ;;
    terraform) terraform ;;
    kube-validate) # asked for by name: it needs scripts/kube/tools.sh fetch kubernetes etcd
        node_step kube-validate tests/kube/validate_test.js
        ;;
    *) say "no step $1; steps: $steps $cluster_steps $kube_steps" && exit 2 ;;
    esac
}

# What a step runs.
files_of() { # STEP
    case $1 in
    units*) files unit '*_test.c' ;;
    fuzz) files fuzz '*_fuzz.c' ;;
    api-*) api_files "$1" ;;
    kube-*) files kube '*_test.js' ;;
    *) files "$1" '*_test.js' ;;
    esac
}

# A step in a process of its own: what it says, and its counts, into files.
start() { # STEP
    local nice=0
    is_busy "$1" && nice=5 # who waits for an answer goes first
    rm -f "$logs/steps/$1.count"
    (
        trap 'ended=yes' TERM
        [ "$nice" = 0 ] || renice -n "$nice" -p "$BASHPID" >/dev/null 2>&1
        passed=0 failed=0 skipped=0 # its own, not those of the steps before
        step=$1
        step "$1"
        say_cpu
        echo "$passed $failed $skipped" >"$logs/steps/$1.count"
    ) >"$logs/steps/$1.out" 2>&1 &
    running[$!]=$1
}

# What it said, as it has ended.  One that was cut off, or tried nothing, has failed.
report() { # STEP
    local ok=0 bad=1 left=0
    cat "$logs/steps/$1.out"
    [ ! -s "$logs/steps/$1.count" ] || read -r ok bad left <"$logs/steps/$1.count"
    if [ $((ok + bad + left)) -eq 0 ]; then
        say "FAILED: $1 tried nothing"
        bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + left))
}

is_busy() { # STEP
    case " $busy_steps " in *" $1 "*) return 0 ;; esac
    return 1
}

# The next step into $next, "" while none may begin: one busy step beside those that wait,
# two when none of those is left.
choose() {
    local name works=0
    for name in "${running[@]}"; do
        ! is_busy "$name" || works=$((works + 1))
    done
    next=""
    if [ ${#busy[@]} -gt 0 ] && [ "$works" -lt $((${#waiting[@]} > 0 ? 1 : 2)) ]; then
        next=${busy[0]}
        busy=("${busy[@]:1}")
    elif [ ${#waiting[@]} -gt 0 ]; then
        next=${waiting[0]}
        waiting=("${waiting[@]:1}")
    fi
}

run_steps() {
    local pid
    while [ $((${#busy[@]} + ${#waiting[@]} + ${#running[@]})) -gt 0 ]; do
        while [ ${#running[@]} -lt "$lanes" ]; do
            choose
            [ -n "$next" ] || break
            start "$next"
        done
        wait -n -p pid
        report "${running[$pid]}"
        unset "running[$pid]"
    done
}

# Everything below a process, and it.
end_tree() { # PID
    local pid
    for pid in $(ps -o pid= --ppid "$1"); do
        end_tree "$pid"
    done
    kill -TERM "$1" 2>/dev/null
}

# Steps stop what they have started, PostgreSQL and Kafka too.
interrupted() {
    local pid
    for pid in "${!running[@]}"; do
        end_tree "$pid"
    done
    wait
    say "interrupted in: ${running[*]}"
    exit 130
}

export logs
export -f unit fuzz_one

steps="units units-asan fuzz api-sqlite api-postgres amqp property browser crash api-asan"
cluster_steps="cluster api-cluster edge release terraform monitoring image chart"
kube_steps="kube-validate kube"
busy_steps="units units-asan fuzz api-sqlite api-postgres property browser api-asan image chart"
each_kind="units fuzz api-sqlite property amqp browser crash $cluster_steps"
wanted=""
while [ $# -gt 0 ]; do
    case $1 in
    --cluster) wanted="$wanted $cluster_steps" ;;
    --kube) wanted="$wanted $kube_steps" ;;
    --all) wanted="$wanted $cluster_steps $steps" ;; # the longest first
    --match) match=${2:?a part of a file\'s name} && shift ;;
    *) wanted="$wanted $1" ;;
    esac
    shift
done
[ -z "$match" ] || steps=$each_kind
busy=()
waiting=()
for name in ${wanted:-$steps}; do
    if [ -n "$match" ] && [ -z "$(files_of "$name")" ]; then
        continue
    elif is_busy "$name"; then
        busy+=("$name")
    else
        waiting+=("$name")
    fi
done
declare -A running=() # process: step
mkdir -p "$logs/steps"
trap interrupted INT TERM

if [ ! -d "$OVERROUND_DATA/football" ]; then
    say "The data is not at $OVERROUND_DATA; set OVERROUND_DATA to its folder."
    [ -z "${CI:-}" ] || failed=$((failed + 1))
fi
if [ ${#busy[@]} -eq 0 ] && [ ${#waiting[@]} -eq 0 ]; then
    say "no test has $match in its name"
    exit 2
fi
build build-overround -j2 build/overround
build build-helpers -j2 helpers
run_steps

say "took $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s; details in $logs/"
[ "$skipped" -eq 0 ] || say "$skipped skipped, named above"
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
