#!/bin/bash
# Prints the user data of an edge node's machine, from deploy/edge/cloud-init.yaml:
#
#   scripts/edge_cloud_init.sh NAME=VALUE…
#
#   POLICY     the file edge.yaml; its node must have port 443 and the run, cache and
#              certificate that docs/EDGE.md names
#   IMAGE, IMAGE_SUM, DOMAIN, EMAIL, COUNTRIES, LEAVE_S   see deploy/edge/box/edge.sh
#   SECRET     a file with the key that signs the country.  Everybody with access to the machine
#              at the provider can read user data.  If others than the operator have access, pass
#              an empty file and put /etc/overround/secrets/edge on the machine by another way
#
# terraform's templatefile fills in the same names (deploy/terraform/modules/edge-node).
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$here/scripts/lib.sh"
overround=${OVERROUND:-$here/build/overround}
box=$here/deploy/edge/box

[ $# -gt 0 ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 2; }
# shellcheck disable=SC2034 # fill() reads them by name
POLICY="" IMAGE="" IMAGE_SUM="" DOMAIN="" EMAIL="" COUNTRIES="" LEAVE_S=90 SECRET=""
for pair in "$@"; do
    case $pair in
    POLICY=* | IMAGE=* | IMAGE_SUM=* | DOMAIN=* | EMAIL=* | COUNTRIES=* | LEAVE_S=* | SECRET=*)
        printf -v "${pair%%=*}" '%s' "${pair#*=}"
        ;;
    *) die "${pair%%=*} is none of the names" ;;
    esac
done
[ -n "$POLICY" ] || die "POLICY: which edge.yaml?"
[ -n "$IMAGE" ] || die "IMAGE: which?"
[[ $IMAGE != https:* ]] || [[ $IMAGE_SUM =~ ^[0-9a-f]{64}$ ]] || die "IMAGE_SUM: its SHA-256"
[ ! -x "$overround" ] || "$overround" edge --policy "$POLICY" >/dev/null

conf() {
    local name
    for name in IMAGE IMAGE_SUM DOMAIN EMAIL COUNTRIES LEAVE_S; do
        printf '%s=%q\n' "$name" "${!name}"
    done
}

plain() { base64 -w0; }
packed() { gzip -9n | base64 -w0; }

text=$(cat "$here/deploy/edge/cloud-init.yaml")
fill() { # NAME: from stdin
    text=${text//"\${$1}"/$(cat)}
}
fill policy < <(plain <"$POLICY")
fill conf < <(conf | plain)
fill secret < <([ -z "$SECRET" ] || plain <"$SECRET")
fill edge_sh < <(packed <"$box/edge.sh")
fill aws_sh < <(packed <"$here/deploy/terraform/modules/asg/files/aws.sh")
fill node_service < <(plain <"$box/overround-edge.service")
fill countries_service < <(plain <"$box/overround-edge-countries.service")
fill countries_timer < <(plain <"$box/overround-edge-countries.timer")
fill nftables < <(plain <"$box/nftables.conf")
printf '%s\n' "$text"
