#!/bin/bash
# What the machine of an edge node does for itself (deploy/edge/cloud-init.yaml).
#
#   edge.sh install      once, by cloud-init: addresses, secrets, certificate, countries,
#                        image; then the units
#   edge.sh start        the node in this process's place, by overround-edge.service
#   edge.sh leave        GET /edge/health is 503, until DNS leads nobody here any more
#   edge.sh certificate  asks for one by ACME, again until the name leads here
#   edge.sh countries    the country database anew, by a timer
#
# /etc/overround/edge.conf says what it is made of, in the shell's words:
#   IMAGE, IMAGE_SUM     a name in a registry; or an https: address of the archive that
#                        make image-edge made, and its SHA-256
#   DOMAIN, EMAIL        for ACME; without EMAIL /etc/overround/tls is the operator's
#   COUNTRIES            an https: address of a country database; empty: there is none
#   LEAVE_S              how long DNS goes on leading here: its health check's and its TTL
#   SECRET_ARN, CDN_ARN, REGION   in AWS: secrets of the Secrets Manager.  Elsewhere they
#                        are in /etc/overround/secrets already: edge, cdn
# OVERROUND_ETC, OVERROUND_STATE and OVERROUND_CACHE are other only in tests.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
etc=${OVERROUND_ETC:-/etc/overround}
state=${OVERROUND_STATE:-/var/lib/overround-edge}
cache=${OVERROUND_CACHE:-/var/cache/overround-edge}
run=${RUNTIME_DIRECTORY:-/run/overround-edge}
user=65532

# shellcheck disable=SC1091
. "$etc/edge.conf"

die() { echo "edge.sh: $*" >&2; exit 1; }

# Whole or not at all: nginx and edge-node look at files while they are written.
put() { # FILE MODE: from stdin
    local new
    new=$(mktemp "$1.XXXXXX")
    cat >"$new"
    chmod "$2" "$new"
    chown "$user:$user" "$new"
    mv "$new" "$1"
}

fetch() { # ADDRESS FILE
    curl -sSf --proto '=https,file' --retry 5 --retry-connrefused -m 600 -o "$2" "$1"
}

# ---- what the node is made of -----------------------------------------------------------

secrets() {
    mkdir -p "$etc/secrets"
    if [ -n "${SECRET_ARN:-}" ]; then
        # shellcheck source=deploy/terraform/modules/asg/files/aws.sh
        . "$here/aws.sh"
        secret "$SECRET_ARN" | put "$etc/secrets/edge" 0400
        [ -z "${CDN_ARN:-}" ] || secret "$CDN_ARN" | put "$etc/secrets/cdn" 0400
    fi
    chown -R "$user:$user" "$etc/secrets"
    chmod 0500 "$etc/secrets"
}

# An archive is loaded when its sum is right, and has the name that is in it.
image() {
    if [[ $IMAGE != https:* && $IMAGE != file:* ]]; then
        podman image exists "$IMAGE" || podman pull --quiet "$IMAGE" >/dev/null
        echo "$IMAGE" >"$state/image"
        return
    fi
    [ "$(cat "$state/image.sum" 2>/dev/null)" != "$IMAGE_SUM" ] || return 0
    fetch "$IMAGE" "$state/image.tar"
    echo "$IMAGE_SUM  $state/image.tar" | sha256sum --check --quiet ||
        die "$IMAGE is not what IMAGE_SUM says"
    podman load --quiet --input "$state/image.tar" | sed 's/^Loaded image[^:]*: *//' |
        tail -1 >"$state/image"
    echo "$IMAGE_SUM" >"$state/image.sum"
    rm "$state/image.tar"
}

countries() {
    [ -n "${COUNTRIES:-}" ] || return 0
    fetch "$COUNTRIES" "$state/country.new"
    # what every such file ends with (MaxMind DB 2.0)
    tail -c 131072 "$state/country.new" | grep -qaF MaxMind.com ||
        die "$COUNTRIES is no MaxMind DB"
    put "$state/country.mmdb" 0444 <"$state/country.new"
    rm "$state/country.new"
}

# Port 80 is ACME's alone.  The hook is called again whenever certbot renews it.
certificate() {
    [ -n "${EMAIL:-}" ] || return 0
    until certbot certonly --standalone --non-interactive --agree-tos --keep-until-expiring \
        --email "$EMAIL" --domain "$DOMAIN" --cert-name edge \
        --deploy-hook "$here/edge.sh renewed"; do
        sleep 60
    done
    renewed /etc/letsencrypt/live/edge
}

# The node looks at both every few seconds: it takes them up by itself.
renewed() { # FOLDER
    mkdir -p "$etc/tls"
    put "$etc/tls/tls.key" 0400 <"$1/privkey.pem"
    put "$etc/tls/tls.crt" 0444 <"$1/fullchain.pem"
}

install_all() {
    mkdir -p "$state" "$cache" "$etc/tls"
    chown "$user:$user" "$cache"
    chown -R "$user:$user" "$etc/tls"
    sysctl -q --system
    systemctl enable --now nftables.service
    nft -f /etc/nftables.conf
    secrets
    image
    countries
    certificate
    systemctl daemon-reload
    systemctl enable --now overround-edge.service overround-edge-countries.timer
}

# ---- while it runs ------------------------------------------------------------------------

start() {
    image
    chown "$user:$user" "$run"
    local secrets=() name files=${FILES-262144}
    for name in EDGE CDN; do
        [ ! -e "$etc/secrets/${name,,}" ] ||
            secrets+=(-e "OVERROUND_${name}_SECRET_FILE=/etc/overround/secrets/${name,,}")
    done
    exec podman run --rm --replace --name overround-edge --network host --read-only \
        --cap-drop all --security-opt no-new-privileges --user "$user:$user" \
        --log-driver "${LOG_DRIVER:-journald}" ${files:+--ulimit "nofile=$files:$files"} \
        --volume "$etc:/etc/overround:ro" --volume "$state:/var/lib/overround-edge:ro" \
        --volume "$run:/run/overround-edge" --volume "$cache:/var/cache/overround-edge" \
        "${secrets[@]}" "$(cat "$state/image")" run
}

leave() {
    podman exec overround-edge /usr/bin/edge-node leave
    sleep "${LEAVE_S:-90}"
}

case ${1:-} in
install) install_all ;;
start) start ;;
leave) leave ;;
certificate) certificate ;;
renewed) renewed "${RENEWED_LINEAGE:?}" ;;
countries) countries ;;
*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
