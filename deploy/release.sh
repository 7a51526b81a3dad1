#!/bin/bash
# Rolls out a release in steps: the canary track runs the new release, then gets
# 1, 10, 50, 100 % of new requests and connections.  Each step lasts until
# `overround verdict` says promote.  If it says roll back, or waits too long, the
# script gives all traffic back to the stable track and removes the canary.
# docs/RELEASES.md describes the steps, the checks and the reasons.
#
#   deploy/release.sh --driver 'deploy/release/helm.sh …' --prometheus URL [option]…
#     --driver CMD        the script calls it with a verb (see below)
#     --prometheus URL    the Prometheus that scrapes both tracks
#     --stable, --canary  label matchers of the tracks (role=~"bets|web",track="canary")
#     --steps '1 10 50 100'   percents, the last is 100
#     --window 5m         each step lasts at least so long
#     --limit 1h          rolls back if a step would wait longer
#     --min-bets N        the canary's bets in each step (500)
#     --store URL         audits this ledger at each step
#     --expect-rules H    the release is meant to change the grading rules to H
#     --verdict 'OPTION…' further options of overround verdict
#     --overround CMD     the program that computes the verdict (overround)
#     --keep              leaves everything as it is if you interrupt the script
#     --deploy, --shadow, --set-weight, --promote, --back, --version CMD
#                         replace the driver's verbs; {} is the percent
#
# Verbs of a driver; each exits 0 when it is done, and may be called again:
#   version     prints `overround --version` of the new release
#   deploy      the canary runs the new release, is ready, and gets no traffic
#   shadow      prints `overround shadow --json` of the new release on the live store
#   weight N    N percent of new requests and connections go to the canary
#   promote     the stable track runs the new release and gets all traffic; no canary
#   back        the stable track, as it was, gets all traffic; no canary
#
# Exit: 0 promoted, 20 rolled back, 1 failed, 2 usage, 130 interrupted (and rolled
# back).  Interrupted or killed, call it again: it begins with the first step.
set -uo pipefail

driver="" prometheus="" store="" expect="" more="" keep="" overround=overround
stable='role=~"bets|web",track="stable"' canary='role=~"bets|web",track="canary"'
steps="1 10 50 100"
window=5m limit=1h min_bets=500
declare -A instead=()

usage() { sed -n '2,37s/^# \{0,1\}//p' "$0"; exit 2; }
say() { printf '%(%H:%M:%S)T  %s\n' -1 "$*"; }
fail() { say "release: $*" >&2; exit 1; }

seconds_of() { # 20s, 5m, 1h
    local n=${1%[smhd]}
    [[ $1 =~ ^[1-9][0-9]*[smhd]$ ]] || { echo "not a span: $1" >&2; return 1; }
    case $1 in
    *s) echo "$n" ;;
    *m) echo $((n * 60)) ;;
    *h) echo $((n * 3600)) ;;
    *d) echo $((n * 86400)) ;;
    esac
}

while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=yes && shift && continue ;;
    --help) usage ;;
    esac
    [ $# -ge 2 ] || usage
    case $1 in
    --driver) driver=$2 ;;
    --prometheus) prometheus=$2 ;;
    --stable) stable=$2 ;;
    --canary) canary=$2 ;;
    --steps) steps=$2 ;;
    --window) window=$2 ;;
    --limit) limit=$2 ;;
    --min-bets) min_bets=$2 ;;
    --store) store=$2 ;;
    --expect-rules) expect=$2 ;;
    --verdict) more=$2 ;;
    --overround) overround=$2 ;;
    --set-weight) instead[weight]=$2 ;;
    --deploy | --shadow | --promote | --back | --version) instead[${1#--}]=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[[ -n $prometheus && " $steps" =~ ^(\ [1-9][0-9]?)*\ 100$ ]] || usage
window_s=$(seconds_of "$window") && limit_s=$(seconds_of "$limit") || exit 2

# ---- verbs -------------------------------------------------------------------

do_verb() { # VERB [PERCENT]
    local command=${instead[$1]:-}
    if [ -n "$command" ]; then
        command=${command//\{\}/${2:-}}
    elif [ -n "$driver" ]; then
        command="$driver $1 ${2:-}"
    else
        echo "release: neither --driver nor --$1" >&2
        return 1
    fi
    # A signal to this script's group is this script's to answer.
    setsid -w bash -c "$command" </dev/null
}

# ---- what came of it -----------------------------------------------------------

folder=$(mktemp -d "${TMPDIR:-/tmp}/overround-release-XXXXXX")
trap 'rm -rf "$folder"' EXIT
log=$folder/steps
: >"$log"
began=$SECONDS
deployed=""

note() { # STEP SECONDS VERDICT REASON
    local reason=$4
    [ ${#reason} -le 150 ] || reason=${reason:0:150}…
    printf '%-10s %6s s  %-10s %s\n' "$1" "$2" "$3" "$reason" >>"$log"
}

table() {
    printf '\n%-10s %8s  %-10s %s\n' step took verdict reason
    cat "$log"
    printf '\n'
}

back() { # REASON
    say "rolling back: $1"
    if [ -n "$deployed" ] && ! do_verb back; then
        table
        fail "it could not be rolled back: all traffic must go to the stable track by hand"
    fi
    note back $((SECONDS - began)) "roll back" "$1"
    table
    say "rolled back in $((SECONDS - began)) s: $1"
    exit 20
}

on_signal() {
    trap '' INT TERM
    [ -z "$nap" ] || kill "$nap" 2>/dev/null
    wait # a verb that has begun comes to its end
    if [ -n "$keep" ]; then
        say "interrupted; everything stays as it is (--keep)"
    else
        (back "interrupted")
    fi
    exit 130
}
trap on_signal INT TERM

# So that a signal is answered at once, and not when the child has ended.
run() { "$@" & wait $!; }

nap=""
pause() { # SECONDS
    sleep "$1" &
    nap=$!
    wait "$nap"
    nap=""
}

# ---- steps ----------------------------------------------------------------------

reason_of() { # FILE: the reasons of a verdict that is not promote, on a line
    grep -E '^(roll back|wait): ' "$1" | sed -E 's/^(roll back|wait): //' | paste -sd';' |
        sed 's/;/; /g'
}

judge() { # MIN_BETS SPAN_S AGO_S
    local options=(--prometheus "$prometheus" --stable "$stable" --canary "$canary"
        --window "${2}s" --min-bets "$1" --shadow "$folder/shadow.json")
    [ -z "$store" ] || options+=(--store "$store")
    [ -z "$expect" ] || options+=(--expect-rules "$expect")
    [ "$3" = 0 ] || options+=(--stable-ago "${3}s")
    # shellcheck disable=SC2086
    $overround verdict "${options[@]}" $more >"$folder/verdict" 2>"$folder/error"
}

# Looked at until it is promote; else back.
hold() { # STEP MIN_BETS
    local start=$SECONDS span ago=0 code failed=0 least=$window_s
    [ "$1" != "0 %" ] || least=$(((window_s + 3) / 4))
    pause "$least"
    while :; do
        span=$((SECONDS - start))
        [ "$1" != "100 %" ] || ago=$span
        run judge "$2" "$span" "$ago"
        code=$?
        case $code in
        0)
            say "$1: promote ($(awk '$1 == "bets" { print $3 " bets of the canary beside " $2 }' \
                "$folder/verdict"), in $span s)"
            note "$1" "$span" promote ""
            return
            ;;
        20)
            sed 's/^/    /' "$folder/verdict"
            note "$1" "$span" "roll back" "$(reason_of "$folder/verdict")"
            back "$(reason_of "$folder/verdict")"
            ;;
        10)
            say "$1: wait: $(reason_of "$folder/verdict")"
            failed=0
            ;;
        *)
            say "$1: no verdict: $(tail -1 "$folder/error")"
            failed=$((failed + 1))
            [ "$failed" -lt 5 ] || back "no verdict can be had: $(tail -1 "$folder/error")"
            ;;
        esac
        if [ $((SECONDS - start)) -ge "$limit_s" ]; then
            note "$1" "$span" wait "$(reason_of "$folder/verdict")"
            back "after $limit there was no verdict: $(reason_of "$folder/verdict")"
        fi
        pause $(((window_s + 3) / 4))
    done
}

say "new release: $(do_verb version || echo "it does not run")" | tee "$folder/version"
grep -q 'overround [0-9]' "$folder/version" || fail "the new release does not say its version"

say "deploying the canary, without traffic"
deployed=yes
run do_verb deploy || back "the canary could not be deployed, or is not ready"

say "shadow grading by the new release"
run do_verb shadow >"$folder/shadow.json" 2>"$folder/error" || true
if ! grep -q '"differences":' "$folder/shadow.json"; then
    back "shadow grading failed: $(tail -1 "$folder/error")"
fi
told='.*"settled":([0-9]+),"open":([0-9]+).*"differences":([0-9]+).*'
say "shadow grading: $(sed -E "s/$told/\1 settled and \2 open bets, \3 differences/" \
    "$folder/shadow.json")"

hold "0 %" 0
for step in $steps; do
    say "$step %: of new requests and connections go to the canary"
    run do_verb weight "$step" || back "the weight could not be set"
    hold "$step %" "$min_bets"
done

say "promoting: the stable track gets the new release"
if ! run do_verb promote; then
    back "the stable track did not become ready with the new release"
fi
note promote $((SECONDS - began)) promote ""
table
say "promoted in $((SECONDS - began)) s"
