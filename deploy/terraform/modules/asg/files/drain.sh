#!/bin/bash
# Waits until the group ends this instance, or spot takes it back.  By then the load balancer
# has removed it; the script drains the process (SIGTERM) and reports to the group.
set -euo pipefail

# shellcheck source=deploy/terraform/modules/asg/files/aws.sh
. "$(dirname "$0")/aws.sh"

going() {
    [ "$(imds autoscaling/target-lifecycle-state)" = Terminated ] && return
    imds spot/instance-action >/dev/null
}

until going; do
    sleep "${PAUSE_S:-5}"
done
echo "going: draining for at most $DRAIN_S s"
timeout "$((DRAIN_S + 30))" systemctl stop overround.service || echo "was not drained in time" >&2
until [ "$(imds autoscaling/target-lifecycle-state)" = Terminated ]; do
    sleep "${PAUSE_S:-5}" # spot: two minutes, in which the group ends it by itself
done
drained
echo "drained"
