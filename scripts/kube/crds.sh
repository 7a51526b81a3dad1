#!/bin/bash
# Definitions (CRDs) of the kinds that the chart uses and Kubernetes lacks, from the Go
# modules that publish them; this script pins versions and sums.
#
#   scripts/kube/crds.sh          fills a folder once, and prints it
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

# module version sum files
modules() {
    cat <<'TEXT'
sigs.k8s.io/gateway-api v1.6.3 h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc= config/crd/standard/gateway.networking.k8s.io_*.yaml
github.com/kedacore/keda/v2 v2.21.0 h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps= config/crd/bases/keda.sh_{scaledobjects,triggerauthentications}.yaml
github.com/prometheus-operator/prometheus-operator v0.85.0 h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s= example/prometheus-operator-crd/*_{podmonitors,servicemonitors,prometheusrules}.yaml
TEXT
}

folder=$(cache_of "crds-$(modules | sha256sum | cut -c1-12)")

# Go checks a module against its checksum database, and we against what we knew.
fill() {
    local go module version sum files told dir
    go=$(go_program 1.24 "$folder/go") || return 1
    modules | while read -r module version sum files; do
        told=$(cd / && GOFLAGS=-mod=mod "$go" mod download -json "$module@$version") || return 1
        grep -q "\"Sum\": \"$sum\"" <<<"$told" || { echo "$module has another sum"; return 1; }
        dir=$(sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p' <<<"$told")
        eval "install -m 644 '$dir'/$files '$folder'" || return 1
    done
    rm -rf "$folder/go"
}

once "$folder" fill
echo "$folder"
