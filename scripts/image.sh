#!/bin/bash
# The image: deploy/image/Containerfile by buildah, on a bare Debian and
# without a registry.  As root; nothing stays mounted or running.
#
#   scripts/image.sh pack BINARY TAG OUT.tar   a binary of this machine with what ldd
#       names: the loop of somebody who changes a line and looks at it in a cluster
#   scripts/image.sh swap BINARY TAG OUT.tar   the image of `make image` with another
#       binary on top: a release that is to be told from it, good or bad
#
# OUT.tar is an OCI archive that is docker's as well: `podman load`, `docker
# load` and `ctr images import` take it as localhost/overround:TAG.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

out=$root/build/image
name=localhost/overround
work=""

# The same commit gives the same bytes: every time in them is the commit's.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

finish() {
    [ -z "$work" ] || rm -rf "$work"
}

# A folder for one run; buildah's blobs go there as well.
begin() {
    [ "$(id -u)" = 0 ] || die "an image holds root's files: run it as root"
    command -v buildah >/dev/null || die "buildah is missing: scripts/deps.sh image"
    mkdir -p "$out"
    work=$(mktemp -d "$out/work-XXXXXX")
    export TMPDIR=$work
    trap finish EXIT
}

# overlay where this file system has it.
driver() { # FOLDER
    local at=$1/overlay-tried found=vfs
    mkdir -p "$at"/{lower,upper,work,merged}
    if mount -t overlay overlay "$at/merged" \
        -o "lowerdir=$at/lower,upperdir=$at/upper,workdir=$at/work" 2>/dev/null; then
        umount "$at/merged"
        found=overlay
    fi
    rm -rf "$at"
    echo "$found"
}

builder() { # ARGUMENT…: in a store of this run, unless OVERROUND_IMAGE_STORE names one
    local store=${store:-$work/store}
    [ -n "${storage:-}" ] || storage=$(driver "$work")
    buildah --storage-driver "$storage" --root "$store" --runroot "$store-run" "$@"
}

# What the Containerfile says of the image, for one that is put together here.
configure() { # CONTAINER TAG REVISION
    builder config --user 65532:65532 --workingdir /data --entrypoint '["/usr/bin/overround"]' \
        --cmd '' --port 8080 --port 8081 --stop-signal SIGTERM \
        --label org.opencontainers.image.title=overround \
        --label "org.opencontainers.image.version=$2" \
        --label "org.opencontainers.image.revision=$3" "$1"
}

# archive IMAGE TAG FILE: the manifest is named for containerd and for docker, too.
archive() {
    local dir=$work/oci manifest blobs config layer layers=""
    rm -rf "$dir"
    builder push -q "$1" "oci:$dir:$name:$2"
    manifest=$(sed -E 's/.*"digest":"sha256:([0-9a-f]+)".*/\1/' "$dir/index.json")
    mapfile -t blobs < <(grep -o '"digest":"sha256:[0-9a-f]*"' "$dir/blobs/sha256/$manifest" |
        sed -E 's/.*:([0-9a-f]+)"/\1/')
    config=${blobs[0]}
    for layer in "${blobs[@]:1}"; do
        layers="$layers${layers:+,}\"blobs/sha256/$layer\""
    done
    printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s"],"Layers":[%s]}]' \
        "$config" "$name:$2" "$layers" >"$dir/manifest.json"
    sed -i "s|\"annotations\":{|&\"io.containerd.image.name\":\"$name:$2\",|" "$dir/index.json"
    tar -C "$dir" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        -cf "$3.new" blobs index.json manifest.json oci-layout
    mv "$3.new" "$3"
    told "$dir" "$manifest" "$2" "${blobs[@]:1}"
}

# told DIR MANIFEST TAG LAYER…
told() {
    local dir=$1 manifest=$2 tag=$3 packed=0 unpacked=0 layer
    shift 3
    for layer in "$@"; do
        packed=$((packed + $(stat -c %s "$dir/blobs/sha256/$layer")))
        unpacked=$((unpacked + $(gzip -dc "$dir/blobs/sha256/$layer" | wc -c)))
    done
    echo "$name:$tag sha256:$manifest" \
        "$((packed / 1000000)) MB packed, $((unpacked / 1000000)) MB unpacked"
}

# The binary's own word for what it was built from.
revision_of() { # BINARY
    "$1" --version | sed -nE 's/.*\(commit (.*)\)$/\1/p'
}

pack() { # BINARY TAG OUT
    local container image
    begin
    deploy/image/rootfs.sh "$1" "$work/root"
    container=$(builder from scratch)
    builder copy -q "$container" "$work/root" / >/dev/null
    configure "$container" "$2" "$(revision_of "$1")"
    image=$(builder commit -q --timestamp "$SOURCE_DATE_EPOCH" --format oci "$container")
    archive "$image" "$2" "$3"
}

# The binary as a layer of its own; what it needs must be in the image already.
swap() { # BINARY TAG OUT
    local container image at
    [ -e "$out/overround.tar" ] || die "there is no image to put it into: make image"
    begin
    strip -o "$work/overround" "$1"
    touch -d "@$SOURCE_DATE_EPOCH" "$work/overround"
    container=$(builder from "oci-archive:$out/overround.tar")
    builder copy -q "$container" "$work/overround" /usr/bin/overround >/dev/null
    at=$(builder mount "$container")
    chroot "$at" /usr/bin/overround --version >/dev/null || die "$1 does not run in the image"
    builder umount "$container" >/dev/null
    configure "$container" "$2" "$(revision_of "$1")"
    image=$(builder commit -q --timestamp "$SOURCE_DATE_EPOCH" --format oci "$container")
    archive "$image" "$2" "$3"
}

usage() {
    echo "usage: scripts/image.sh pack BINARY TAG OUT.tar | swap BINARY TAG OUT.tar" >&2
    exit 2
}

case ${1:-} in
pack) [ $# = 4 ] || usage; pack "$2" "$3" "$4" ;;
swap) [ $# = 4 ] || usage; swap "$2" "$3" "$4" ;;
*) usage ;;
esac
