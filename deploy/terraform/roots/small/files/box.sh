#!/bin/bash
# The tasks of the box itself.
#   box.sh disk         finds SQLite's disk, formats it if it is new, mounts it
#   box.sh certificate  requests one, again until the name leads here
#   box.sh serve        execs overround
set -euo pipefail

# shellcheck source=deploy/terraform/modules/asg/files/aws.sh
. "$(dirname "$0")/aws.sh"
data=/var/lib/overround

# The disk that nothing of the system is on.
spare() {
    lsblk -dnpo NAME,TYPE | awk '$2 == "disk" { print $1 }' | while read -r disk; do
        lsblk -nro MOUNTPOINT "$disk" | grep -q . || echo "$disk"
    done | head -1
}

# How many of its first million bytes are not zero; fails where it cannot be read.
beginning() {
    dd if="$1" bs=1M count=1 status=none | tr -d '\0' | wc -c
}

disk() {
    local found signs bytes
    until found=$(spare) && [ -n "$found" ]; do
        sleep 2
    done
    # Formatted only if it was read and nothing is on it: it may have the books.
    signs=$(wipefs --noheadings "$found")
    bytes=$(beginning "$found")
    if [ -z "$signs" ] && [ "$bytes" = 0 ]; then
        mkfs.ext4 -q "$found"
    fi
    mkdir -p "$data"
    grep -q " $data " /etc/fstab ||
        echo "UUID=$(blkid -o value -s UUID "$found") $data ext4 noatime,nofail 0 2" >>/etc/fstab
    mount "$data"
    chown 65532:65532 "$data"
}

certificate() {
    until certbot --nginx --non-interactive --agree-tos --redirect --hsts \
        --email "$EMAIL" --domain "$DOMAIN"; do
        sleep 60
    done
}

pull() {
    podman image exists "$IMAGE" && return
    registry_password | podman login --username AWS --password-stdin "${IMAGE%%/*}"
    podman pull --quiet "$IMAGE"
}

serve() {
    pull
    mountpoint -q "$data"
    exec podman run --rm --replace --name overround --network host --read-only --cap-drop all \
        --security-opt no-new-privileges --user 65532:65532 --log-driver journald \
        --ulimit nofile=65536:65536 --volume "$data:/data" "$IMAGE" \
        serve --store sqlite:/data/overround.db --proxies 1
}

"$1"
