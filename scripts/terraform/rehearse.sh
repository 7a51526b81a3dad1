#!/bin/bash
# make rehearse-aws: applies root production to moto, a server that imitates AWS as far as it
# can, plans it again and destroys it.  tests/terraform/rehearsal.tsv names what moto cannot
# do, with the reason; anything else that fails, or that the second plan would change, is a
# failure.  Run it by hand: it takes some minutes.
#
#   scripts/terraform/rehearse.sh [FOLDER]    FOLDER keeps the copy, the logs, the state
#
# TF=tofu runs OpenTofu instead.  moto comes from PyPI (scripts/terraform/moto.txt).
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/terraform.sh
. scripts/terraform.sh library

moto=$(cache_of "moto-$(sha256sum <scripts/terraform/moto.txt | cut -c1-12)")
folder=${1:-$work/rehearsal}
root=$folder/deploy/terraform/roots/production
export TF_DATA_DIR=$folder/.data
variables=(-var account_id=123456789012 -var owner=operators@bets.example
    -var domain=bets.example -var edge_prefix_list=pl-00000001 -var edge_key=0123456789abcdef
    -var runbook=https://runbook.bets.example/OPERATE.md -var 'emails=["operators@bets.example"]')

fetch_moto() {
    /usr/bin/python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes \
        --target "$moto/lib" --requirement scripts/terraform/moto.txt
}

start_moto() {
    port=$(free_port)
    MOTO_IAM_LOAD_MANAGED_POLICIES=true PYTHONPATH=$moto/lib /usr/bin/python3 -m moto.server -H 127.0.0.1 -p "$port" \
        >"$folder/moto.log" 2>&1 &
    echo $! >"$folder/moto.pid"
    wait_for 120 taken "127.0.0.1:$port"
}

# Deletion protection and final copies are for real accounts; MSK's cluster never becomes
# active in moto, so nobody waits an hour for it.
loosen() {
    sed -i '/variable "deletion_protection"/,/^}/s/default *= true/default = false/' \
        "$folder"/deploy/terraform/modules/*/variables.tf
    printf 'resource "aws_rds_cluster" "this" {\n  skip_final_snapshot = true\n}\n' \
        >"$folder/deploy/terraform/modules/aurora/rehearse_override.tf"
    echo 'edge_function = null' >"$root/rehearsal.auto.tfvars" # moto has no store for its secret
    printf 'resource "aws_msk_cluster" "this" {\n  timeouts {\n    create = "5s"\n  }\n}\n' \
        >"$folder/deploy/terraform/modules/msk/rehearse_override.tf"
}

run() { # LOG COMMAND…
    local log=$folder/$1
    shift
    echo "$tf $1" >&2
    "$tf" -chdir="$root" "$@" >"$log" 2>&1
}

# Its zone is there before: it belongs to the house, not to a root.
zone() {
    local xmlns=https://route53.amazonaws.com/doc/2013-04-01/
    local reference="<CallerReference>1</CallerReference></CreateHostedZoneRequest>"
    local key=AWS4-HMAC-SHA256\ Credential=invented/20260101/us-east-1/route53/aws4_request
    curl -sf -X POST "http://127.0.0.1:$port/2013-04-01/hostedzone" \
        -H 'Content-Type: application/xml' \
        -H "Authorization: $key, SignedHeaders=host, Signature=0" \
        -d "<CreateHostedZoneRequest xmlns=\"$xmlns\"><Name>bets.example</Name>$reference" |
        sed -n 's|.*<Id>/hostedzone/\([A-Z0-9]*\)</Id>.*|\1|p' | grep .
}

ended() {
    kill "$(cat "$folder/moto.pid")" 2>/dev/null || true
}

have
configure
once "$moto" fetch_moto
copy "$(realpath -m --relative-to="$work" "$folder")"
loosen
start_moto
trap ended EXIT
override "$root" "http://127.0.0.1:$port"
zone_id=$(zone) || die "moto makes no zone: $folder/moto.log"
variables+=(-var "zone_id=$zone_id")
"$tf" -chdir="$root" get >/dev/null
status=0
run apply.log apply -auto-approve -input=false -lock=false "${variables[@]}" || status=$?
while IFS=$'\t' read -r what address _; do
    [ "$what" != unread ] || run forget.log state rm -lock=false "$address" || true
done <tests/terraform/rehearsal.tsv
run plan.log plan -input=false -lock=false -out="$folder/second" "${variables[@]}" ||
    die "the second plan failed: $folder/plan.log"
"$tf" -chdir="$root" show -json "$folder/second" >"$folder/second.json"
run destroy.log destroy -auto-approve -input=false -lock=false "${variables[@]}" || true
node scripts/terraform/rehearsed.mjs "$folder" "$status"
