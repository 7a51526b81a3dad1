#!/bin/bash
# A Kubernetes on this machine with Overround on it: three nodes, PostgreSQL with a
# synchronous standby and Kafka beside them, Traefik as the Gateway, nginx as the edge,
# Prometheus and Alertmanager, the chart of deploy/helm, and a match day.  As root.
#
#   scripts/kube.sh start [DIR]         starts everything; prints the addresses
#   scripts/kube.sh status [DIR]        nodes, pods, autoscalers
#   scripts/kube.sh rig DIR NUMBER      starts all but the chart and the match day
#   scripts/kube.sh upgrade DIR ARG…    helm upgrade, with the values that the rig needs
#   scripts/kube.sh failover [DIR]      kills the primary, promotes the standby
#   scripts/kube.sh stop [DIR]          stops everything, leaves nothing behind
#
# DIR is data/kube.  OVERROUND_LISTEN and OVERROUND_OPERATOR_LISTEN set the addresses of the
# edge (127.0.0.1:8080 and :8081); OVERROUND_KUBE_GATEWAY=no leaves Traefik out.
# DIR/kubeconfig is for kubectl.  scripts/kube/tools.sh builds the programs: the first start
# takes half an hour for that.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

public=${OVERROUND_LISTEN:-127.0.0.1:8080}
operator=${OVERROUND_OPERATOR_LISTEN:-127.0.0.1:8081}
bin=$(scripts/kube/tools.sh folder kubernetes)
helm=$(scripts/kube/tools.sh folder helm)/helm4

kubectl() { "$bin/kubectl" --kubeconfig "$dir/kubeconfig" "$@"; }
tell() { echo "$(date +%T) $*" >&2; }
began() { cat "$dir/$1"; }

# ---- the rig: what stands beside the chart --------------------------------------

stores() { # ADDRESS
    local a b
    export PG_HOST=$1 KAFKA_HOST=$1
    scripts/pg.sh start "$dir/pg-a" -c max_connections=400 >"$dir/pg-a.url"
    scripts/pg.sh standby "$dir/pg-b" "$dir/pg-a" >"$dir/pg-b.url"
    a=$(sed 's|.*@\(.*\)/.*|\1|' "$dir/pg-a.url")
    b=$(sed 's|.*@\(.*\)/.*|\1|' "$dir/pg-b.url")
    echo "postgres://postgres@$a,$b/postgres?target_session_attrs=read-write" >"$dir/store"
    echo a >"$dir/primary"
    echo "kafka://$(scripts/kafka.sh start "$dir/kafka")" >"$dir/bus"
}

background() { # NAME COMMAND…: its pid and output are in DIR/NAME.pid and .log
    local name=$1
    shift
    setsid "$@" </dev/null >"$dir/$name.log" 2>&1 9>&- &
    echo $! >"$dir/$name.pid"
}

# What an autoscaler asks is answered out of Prometheus.
monitoring() { # ADDRESS
    scripts/prometheus.sh start "$dir/prometheus" --interval 1s \
        --alertmanager http://127.0.0.1:9 >"$dir/prometheus.addresses"
    background targets node scripts/kube/targets.js "$dir/kubeconfig" "$bin/kubectl" \
        "$dir/prometheus/etc/targets/targets.json"
    background metrics_api node scripts/kube/metrics_api.js "$1:20443" \
        "$dir/a/pki/metrics.crt" "$dir/a/pki/metrics.key" \
        "$(head -1 "$dir/prometheus.addresses")"
    kubectl apply --server-side -f - >/dev/null <<END
apiVersion: v1
kind: Service
metadata: {name: metrics, namespace: kube-system}
spec: {ports: [{name: https, port: 443, targetPort: 20443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: metrics-1
  namespace: kube-system
  labels: {kubernetes.io/service-name: metrics}
addressType: IPv4
ports: [{name: https, port: 20443, protocol: TCP}]
endpoints: [{addresses: ["$1"], conditions: {ready: true}}]
END
    metrics_service v1beta2 custom.metrics.k8s.io
    metrics_service v1beta1 metrics.k8s.io
}

metrics_service() { # VERSION GROUP
    kubectl apply --server-side -f - >/dev/null <<END
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: $1.$2}
spec:
  group: $2
  version: $1
  groupPriorityMinimum: 100
  versionPriority: 100
  caBundle: "$(base64 -w0 "$dir/a/pki/ca.crt")"
  service: {name: metrics, namespace: kube-system, port: 443}
END
}

image() {
    local file=${OVERROUND_IMAGE:-build/image/overround.tar}
    [ -e "$file" ] || die "no $file: make image"
    scripts/kube/cluster.sh image "$dir/a" "$file"
}

gateway() {
    scripts/kube/tools.sh fetch traefik
    scripts/kube/gateway.sh start "$dir/gateway" "$dir/a" >"$dir/gateway.address"
}

rig() { # NUMBER
    local address=10.210.$1.1
    [ ! -e "$dir" ] || die "$dir is there: make kube-stop first"
    scripts/kube/tools.sh fetch kubernetes etcd helm
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    chmod 755 "$dir"
    trap stop EXIT
    trap 'exit 1' INT TERM
    echo "$1" >"$dir/number"
    tell "control plane and three nodes"
    scripts/kube/cluster.sh up "$dir/a" "or$1" "$1" 3
    ln -s "$dir/a/kubeconfig" "$dir/kubeconfig"
    tell "PostgreSQL, its standby, Kafka"
    stores "$address"
    tell "image, Gateway, monitoring"
    image
    [ "${OVERROUND_KUBE_GATEWAY:-yes}" = no ] || gateway
    monitoring "$address"
    od -An -N18 -tx1 /dev/urandom | tr -d ' \n' >"$dir/token"
    trap - EXIT INT TERM
}

# ---- the chart ----------------------------------------------------------------------

# What every release on a rig needs: the stores of this machine, by a Secret as an
# operator would have it.
secret() { # NAMESPACE
    kubectl get namespace "$1" >/dev/null 2>&1 || {
        kubectl create namespace "$1" >/dev/null
        kubectl label namespace "$1" pod-security.kubernetes.io/enforce=restricted >/dev/null
    }
    kubectl create secret generic overround -n "$1" --dry-run=client -o yaml \
        --from-literal=url="$(began store)" --from-literal=token="$(began token)" |
        kubectl apply --server-side -f - >/dev/null
}

release() { # ARGUMENT…
    secret overround
    "$helm" upgrade --install overround deploy/helm/overround --kubeconfig "$dir/kubeconfig" \
        --namespace overround --values scripts/kube/values.yaml \
        --set bus.url="$(began bus)" --wait --timeout 180s "$@"
}

service() { # NAME PORT
    local address
    address=$(kubectl get service "overround-$1" -n overround -o jsonpath='{.spec.clusterIP}')
    # Twice: what one process could not answer is sent again.
    echo "$address:$2,$address:$2"
}

edge() {
    local gateway
    gateway=$(began gateway.address)
    scripts/nginx.sh start "$dir/nginx" "$public" "$operator" \
        "bets_public=$gateway,$gateway" "web_public=$gateway,$gateway" \
        "feed_operator=$(service feed 8081)" "bets_operator=$(service bets 8081)" \
        "settle_operator=$(service settle 8081)" "web_operator=$(service web 8081)"
}

# Names of Services, as the cluster's DNS would have them.
names() {
    local address name
    kubectl get services -n overround --no-headers \
        -o custom-columns=A:.spec.clusterIP,N:.metadata.name | while read -r address name; do
        [ "$address" = None ] || scripts/kube/cluster.sh host "$dir/a" "$address" \
            "$name.overround.svc.cluster.local"
    done
}

start() {
    taken "$public" && die "$public is taken; OVERROUND_LISTEN=127.0.0.1:9080 make kube"
    taken "$operator" &&
        die "$operator is taken; OVERROUND_OPERATOR_LISTEN=127.0.0.1:9081 make kube"
    rig 1
    trap stop EXIT
    trap 'exit 1' INT TERM
    tell "the chart"
    release >"$dir/helm.log"
    names
    edge
    background sim build/overround sim --to "http://$operator" --token "$(began token)"
    trap - EXIT INT TERM
    describe
}

describe() {
    cat <<TEXT

Overround runs on Kubernetes; a match day is being played into it.

  customers       http://$public     (nginx -> Traefik's Gateway -> bets, web)
  operators       http://$operator     (nginx -> Services)
  operator token  $(began token)
  kubectl         export KUBECONFIG=$dir/kubeconfig   ($bin/kubectl)
  Prometheus      http://$(sed -n 1p "$dir/prometheus.addresses")
  Alertmanager    http://$(sed -n 2p "$dir/prometheus.addresses")
  PostgreSQL      $(began store)
  Kafka           $(began bus)

$(status)

make kube-stop ends it, and leaves nothing behind.
TEXT
}

status() {
    kubectl get nodes -o wide --no-headers | awk '{ print "  " $1, $2 }'
    kubectl get pods -A -o wide --no-headers | awk '{ print "  " $2, $3, $4, $8 }'
}

failover() {
    local from to
    from=$(began primary)
    to=$([ "$from" = a ] && echo b || echo a)
    [ -e "$dir/pg-$to/data/standby.signal" ] || die "pg-$to is no standby"
    scripts/pg.sh kill "$dir/pg-$from"
    scripts/pg.sh promote "$dir/pg-$to"
    echo "$to" >"$dir/primary"
}

stop() {
    local name
    trap - EXIT INT TERM
    [ -d "$dir" ] || die "no Kubernetes in $dir"
    for name in sim metrics_api targets; do
        [ ! -e "$dir/$name.pid" ] || kill "$(cat "$dir/$name.pid")" 2>/dev/null || true
    done
    [ ! -e "$dir/nginx" ] || scripts/nginx.sh stop "$dir/nginx" || true
    [ ! -e "$dir/gateway" ] || scripts/kube/gateway.sh stop "$dir/gateway"
    [ ! -e "$dir/prometheus" ] || scripts/prometheus.sh stop "$dir/prometheus" || true
    for name in "$dir"/[a-c]; do
        [ ! -e "$name/cluster" ] || scripts/kube/cluster.sh down "$name"
    done
    [ ! -e "$dir/kafka" ] || scripts/kafka.sh drop "$dir/kafka"
    for name in pg-b pg-a; do
        [ ! -e "$dir/$name/data" ] || scripts/pg.sh drop "$dir/$name"
    done
    rm -rf "$dir"
}

verb=${1:-}
shift || true
dir=${1:-data/kube}
shift || true
case $verb in
start) start ;;
rig) rig "$1" ;;
upgrade) release "$@" ;;
status) status ;;
failover) failover ;;
stop) stop ;;
*) sed -n '2,19s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
