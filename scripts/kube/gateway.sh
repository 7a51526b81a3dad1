#!/bin/bash
# Traefik as the Gateway API controller for a cluster of cluster.sh.  It runs outside the
# cluster, on a free loopback port, with the administrator's kubeconfig.
#
#   scripts/kube/gateway.sh start DIR CLUSTER    prints HOST:PORT; the Gateway is
#                                                overround/gateway, class traefik
#   scripts/kube/gateway.sh stop DIR
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../lib.sh"

# Traefik takes a token where it runs outside of the cluster.
token() {
    kubectl create serviceaccount gateway -n kube-system >/dev/null
    kubectl create clusterrolebinding gateway --clusterrole=cluster-admin \
        --serviceaccount=kube-system:gateway >/dev/null
    kubectl create token gateway -n kube-system --duration=24h
}

classes() { # PORT
    local one
    for one in "$("$here/crds.sh")"/gateway.networking.k8s.io_*.yaml; do
        kubectl apply --server-side -f "$one"
    done >/dev/null
    kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null
    kubectl apply --server-side -f - >/dev/null <<END
apiVersion: v1
kind: Namespace
metadata: {name: overround, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik}
spec: {controllerName: traefik.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway, namespace: overround}
spec:
  gatewayClassName: traefik
  listeners:
    - {name: http, port: $1, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
END
}

start() { # CLUSTER
    local port config=$1/kubeconfig provider=--providers.kubernetesgateway server
    mkdir -p "$dir"
    kubectl() { "$bin/kubectl" --kubeconfig "$config" "$@"; }
    port=$(free_port)
    classes "$port"
    server=$(sed -n 's/.*server: "\([^"]*\)".*/\1/p' "$config")
    token >"$dir/token"
    setsid "$("$here/tools.sh" folder traefik)/traefik" \
        --entrypoints.web.address="127.0.0.1:$port" \
        --entrypoints.web.transport.respondingtimeouts.readtimeout=0s \
        --providers.providersthrottleduration=200ms \
        $provider $provider.endpoint="$server" $provider.token="$(cat "$dir/token")" \
        $provider.certauthfilepath="$1/pki/ca.crt" \
        --serverstransport.maxidleconnsperhost=200 --log.level=INFO \
        </dev/null >"$dir/log" 2>&1 9>&- &
    echo $! >"$dir/pid"
    wait_for 60 taken "127.0.0.1:$port"
    echo "127.0.0.1:$port"
}

[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
verb=$1 dir=$2
bin=$("$here/tools.sh" folder kubernetes)
case $verb in
start) start "$3" ;;
stop)
    kill "$(cat "$dir/pid")" 2>/dev/null || true
    rm -rf "$dir"
    ;;
*) die "no verb $verb" ;;
esac
