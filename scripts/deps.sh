#!/bin/bash
# Installs the Debian packages that are missing, and only those: a second run
# does nothing.  Arguments: the groups to install (build, test, cluster,
# image, monitoring, release, kube, terraform, edge, edge_image,
# edge_box, bench, lint).
# shellcheck disable=SC2034 # the groups are read by name
set -eu

build="gcc make pkg-config libc6-dev libuv1-dev libhttp-parser-dev libjansson-dev
       libexpat1-dev libsodium-dev libsqlite3-dev libpq-dev libgmp-dev
       libcurl4-openssl-dev librabbitmq-dev librdkafka-dev libzstd-dev libyaml-dev curl"
test="clang-14 libclang-rt-14-dev libcmocka-dev postgresql-15 postgresql-client-15
      sqlite3 util-linux rabbitmq-server chromium"
cluster="zstd nginx pgbouncer clickhouse-server clickhouse-client default-jre-headless maven
         python3-pip"
monitoring="prometheus prometheus-alertmanager"
release="patch util-linux"
kube="containerd runc containernetworking-plugins nftables iproute2 dnsmasq-base openssl
      procps kmod"
edge="varnish varnish-modules haproxy nginx libnginx-mod-http-geoip2 libnginx-mod-http-js
      libnginx-mod-http-modsecurity modsecurity-crs openssl procps"
# What the edge node's image is taken from (deploy/edge/image).
edge_image="nginx libnginx-mod-http-geoip2 libnginx-mod-http-js libnginx-mod-http-modsecurity
            modsecurity-crs busybox-static ca-certificates binutils"
# What its machine starts with is tried by (deploy/edge/cloud-init.yaml).
edge_box="cloud-init nftables podman runc dnsmasq-base"
bench="nginx libnginx-mod-nchan nats-server iproute2"
terraform="jq curl python3-pip"
lint="clang-tidy-14 cppcheck shellcheck"
image="buildah podman runc debootstrap debian-archive-keyring"

missing=""
for group in "$@"; do
    for package in ${!group}; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || missing="$missing $package"
    done
done
[ -z "$missing" ] && exit 0

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq >&2
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
