#!/bin/bash
# Writes one consistent, audited copy of the database to S3 beside the running server; once a
# day it also archives finished days.  overround requests the box's keys from the instance's
# metadata: the container is on the host's network.
set -euo pipefail

# shellcheck source=deploy/terraform/modules/asg/files/aws.sh
. "$(dirname "$0")/aws.sh"

overround() {
    podman run --rm --network host --read-only --cap-drop all --user 65532:65532 \
        --tmpfs /tmp --volume /var/lib/overround:/data \
        --env "AWS_REGION=$REGION" --env TMPDIR=/data/copy "$IMAGE" "$@"
}

# Its copy of the database is as large as that: on the disk, not in memory.
rm -rf /var/lib/overround/copy
install -d -o 65532 -g 65532 /var/lib/overround/copy
overround backup --to "$BOOKS" --store sqlite:/data/overround.db --temp /data/copy
[ "$(date +%H)" != "${ARCHIVE_HOUR:-04}" ] ||
    overround archive --to "$ARCHIVE" --store sqlite:/data/overround.db
