#!/bin/bash
# The driver of deploy/release.sh for the chart (deploy/helm/overround): the canary
# track is its values canary.*, the weights are those of its HTTPRoutes.
#
#   deploy/release/helm.sh --release NAME --tag T [option]… VERB [N]
#     --release NAME       Helm's release, installed before
#     --namespace NS       its namespace (default)
#     --tag T, --digest D  the new image of the repository that the release has
#     --chart PATH         the chart of the new release (deploy/helm/overround)
#     --timeout 10m        how long pods may take to become ready
#     --helm CMD, --kubectl CMD
#
# version and shadow run the new image once, as Jobs with the environment of the
# stable track's bets; they need only its store.  settle has no canary: the new
# release pays nothing until promote.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
release="" namespace=default tag="" digest="" chart=$here/deploy/helm/overround
timeout=10m helm=helm kubectl=kubectl

die() { echo "helm.sh: $*" >&2; exit 1; }
usage() { sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }

while [ $# -gt 1 ]; do
    case $1 in
    --release) release=$2 ;;
    --namespace) namespace=$2 ;;
    --tag) tag=$2 ;;
    --digest) digest=$2 ;;
    --chart) chart=$2 ;;
    --timeout) timeout=$2 ;;
    --helm) helm=$2 ;;
    --kubectl) kubectl=$2 ;;
    *) break ;;
    esac
    shift 2
done
verb=${1:-}
[[ -n $release && -n $tag$digest && -n $verb ]] || usage

# What the release has stays, but for what is said here.
upgrade() { # OPTION…
    # shellcheck disable=SC2086
    $helm upgrade "$release" "$chart" --namespace "$namespace" --reset-then-reuse-values \
        --wait --timeout "$timeout" "$@" >&2
}

# Helm 3 calls it --atomic.
undo_option() {
    # shellcheck disable=SC2086
    if $helm upgrade --help | grep -q -- --rollback-on-failure; then
        echo --rollback-on-failure
    else
        echo --atomic
    fi
}

# ---- Jobs ---------------------------------------------------------------------

# Of the stable bets, as JSON.
of_bets() { # JSONPATH
    # shellcheck disable=SC2086
    $kubectl --namespace "$namespace" get deployment --output "jsonpath=$1" --selector \
        "app.kubernetes.io/instance=$release,app.kubernetes.io/component=bets,track=stable"
}

new_image() {
    local image
    image=$(of_bets '{.items[0].spec.template.spec.containers[0].image}')
    [ -n "$image" ] || die "no stable bets of $release in $namespace"
    image=${image%@*}
    [[ ${image##*/} != *:* ]] || image=${image%:*}
    if [ -n "$digest" ]; then echo "$image@$digest"; else echo "$image:$tag"; fi
}

or_none() { # JSON
    if [ -n "$1" ]; then echo "$1"; else echo '[]'; fi
}

manifest() { # NAME IMAGE ARGUMENTS
    local pod='{.items[0].spec.template.spec'
    cat <<YAML
apiVersion: batch/v1
kind: Job
metadata:
  name: $1
  namespace: $namespace
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 1800
  ttlSecondsAfterFinished: 600
  template:
    metadata:
      labels:
        app.kubernetes.io/name: $(of_bets '{.items[0].metadata.labels.app\.kubernetes\.io/name}')
        app.kubernetes.io/instance: $release
        app.kubernetes.io/component: job
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext: $(of_bets "$pod.securityContext}")
      imagePullSecrets: $(or_none "$(of_bets "$pod.imagePullSecrets}")")
      containers:
        - name: overround
          image: $2
          args: $3
          env: $(or_none "$(of_bets "$pod.containers[0].env}")")
          resources: {requests: {cpu: 100m, memory: 128Mi}}
          envFrom: $(or_none "$(of_bets "$pod.containers[0].envFrom}")")
          securityContext: $(of_bets "$pod.containers[0].securityContext}")
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
YAML
}

job_state() { # NAME
    # shellcheck disable=SC2086
    $kubectl --namespace "$namespace" get job "$1" \
        --output 'jsonpath={.status.conditions[*].type}'
}

# Prints what the new image says.  What it ends with is in what it says.
once() { # WHAT ARGUMENTS
    local job state
    job=$release-release-$1-$(date +%s)
    # shellcheck disable=SC2086
    manifest "$job" "$(new_image)" "$2" | $kubectl apply --filename - >&2
    until state=$(job_state "$job") && [[ $state =~ Complete|Failed ]]; do sleep 1; done
    # shellcheck disable=SC2086
    $kubectl --namespace "$namespace" logs "job/$job"
    # shellcheck disable=SC2086
    $kubectl --namespace "$namespace" delete job "$job" --wait=false >&2
}

# ---- verbs ----------------------------------------------------------------------

no_canary=(--set canary.enabled=false --set canary.weight=0
    --set-string canary.image.tag= --set-string canary.image.digest=)

case $verb in
version) once version '[--version]' ;;
shadow) once shadow '[shadow, --json]' ;;
deploy)
    upgrade --set canary.enabled=true --set canary.weight=0 \
        --set-string "canary.image.tag=$tag" --set-string "canary.image.digest=$digest"
    ;;
weight)
    [[ ${2:-} =~ ^([0-9]|[1-9][0-9]|100)$ ]] || usage
    upgrade --no-hooks --set "canary.weight=$2"
    ;;
promote)
    upgrade "$(undo_option)" --set-string "image.tag=$tag" --set-string "image.digest=$digest"
    upgrade --no-hooks "${no_canary[@]}"
    ;;
back)
    upgrade --no-hooks --set canary.weight=0
    upgrade --no-hooks "${no_canary[@]}"
    ;;
*) usage ;;
esac
