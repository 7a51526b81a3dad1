#!/bin/bash
# Starts overround: fetches the image, the settings and (into memory) the secrets, then execs
# podman.  In a warm pool it pulls the image and waits: the group stops the instance there, and
# boots it again when needed.
set -euo pipefail

# shellcheck source=deploy/terraform/modules/asg/files/aws.sh
. "$(dirname "$0")/aws.sh"
run=${RUN:-/run/overround}

pull() {
    podman image exists "$IMAGE" && return
    registry_password | podman login --username AWS --password-stdin "${IMAGE%%/*}"
    podman pull --quiet "$IMAGE"
}

# OVERROUND_NAME=value a line, as docs/CONFIG.md names them.
environment() {
    local name value
    for name in "${!SETTING_@}"; do
        echo "OVERROUND_${name#SETTING_}=${!name}"
    done
    for name in "${!SECRET_@}"; do
        value=$(secret "${!name}") || { echo "cannot read secret ${!name}" >&2; return 1; }
        echo "OVERROUND_${name#SECRET_}=$value"
    done
}

pull
while state=$(imds autoscaling/target-lifecycle-state) && [[ $state == Warmed* ]]; do
    echo "in the warm pool: $state"
    sleep "${PAUSE_S:-10}"
done
mkdir -p "$run"
(umask 077 && environment >"$run/env.new")
mv "$run/env.new" "$run/env"
exec podman run --rm --replace --name overround --network host --read-only --cap-drop all \
    --security-opt no-new-privileges --user 65532:65532 --log-driver journald \
    --ulimit nofile=262144:262144 --env-file "$run/env" "$IMAGE" \
    serve --role "$ROLES" --listen 0.0.0.0:8080 --operator-listen 0.0.0.0:8081
