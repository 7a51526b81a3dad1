#!/bin/bash
# One consistent copy of the database to S3, audited, beside the server; and once a day
# the days that are over into the archive.  The keys are the box's own, of this hour.
set -euo pipefail

# shellcheck source=deploy/terraform/modules/asg/files/aws.sh
. "$(dirname "$0")/aws.sh"

role=$(imds iam/security-credentials/)
keys=$(imds "iam/security-credentials/$role")
AWS_ACCESS_KEY_ID=$(jq -r .AccessKeyId <<<"$keys")
AWS_SECRET_ACCESS_KEY=$(jq -r .SecretAccessKey <<<"$keys")
AWS_SESSION_TOKEN=$(jq -r .Token <<<"$keys")
AWS_REGION=$REGION
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION

overround() {
    podman run --rm --network host --read-only --cap-drop all --user 65532:65532 \
        --tmpfs /tmp --volume /var/lib/overround:/data \
        --env AWS_ACCESS_KEY_ID --env AWS_SECRET_ACCESS_KEY --env AWS_SESSION_TOKEN \
        --env AWS_REGION --env TMPDIR=/data/copy "$IMAGE" "$@"
}

# Its copy of the database is as large as that: on the disk, not in memory.
rm -rf /var/lib/overround/copy
install -d -o 65532 -g 65532 /var/lib/overround/copy
overround backup --to "$BOOKS" --store sqlite:/data/overround.db --temp /data/copy
[ "$(date +%H)" != "${ARCHIVE_HOUR:-04}" ] ||
    overround archive --to "$ARCHIVE" --store sqlite:/data/overround.db
