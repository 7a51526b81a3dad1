#!/bin/bash
# Builds the image: deploy/image/Containerfile by buildah, on a bare Debian and
# without a registry.  Run it as root; it leaves nothing mounted or running.
#
#   scripts/image.sh build     build/image/overround.tar, overround.spdx.json beside it;
#       does nothing if nothing has changed
#   scripts/image.sh again     compiles everything again and compares the digests
#   scripts/image.sh pack BINARY TAG OUT.tar   a binary of this machine with the libraries
#       that ldd names: to try a changed line in a cluster quickly
#   scripts/image.sh swap BINARY TAG OUT.tar   the image of `make image` with another
#       binary on top: another release, good or bad, for tests of releases
#   scripts/image.sh edge      build/image/overround-edge.tar: an edge node, above the image
#       of `make image` (deploy/edge/image); edge-again compares the digests
#   scripts/image.sh pack-edge OVERROUND.tar TAG OUT.tar   the same above any image, with
#       this machine's nginx
#
# The base is debootstrap's minbase from the mirror that this machine's apt
# uses.  The cache keeps it and the stage with compilers, under the versions that
# apt knows of the image's packages: after `apt-get update` brought a security fix,
# the next build starts from the beginning.
#
# OUT.tar is an OCI archive that is docker's as well: `podman load`, `docker
# load` and `ctr images import` take it as localhost/overround:TAG
# (an edge node: localhost/overround-edge:TAG).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

out=$root/build/image
name=localhost/overround
codename=bookworm
base_name=localhost/debian:$codename-minbase
work=""

# The same commit gives the same bytes: every time in them is the commit's.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

finish() {
    [ -n "$work" ] || return 0
    if [ -n "${mounted:-}" ]; then builder umount "$mounted" >/dev/null || true; fi
    if [ -d "$work/store/overlay" ]; then umount "$work/store/overlay" 2>/dev/null || true; fi
    rm -rf "$work"
}

# A folder for one run; buildah's blobs go there as well.
begin() {
    [ "$(id -u)" = 0 ] || die "an image holds root's files: run it as root"
    command -v buildah >/dev/null || die "buildah is missing: scripts/deps.sh image"
    mkdir -p "$out"
    work=$(mktemp -d "${TMPDIR:-/var/tmp}/overround-image-XXXXXX")
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
    builder config --user 65532:65532 --env PATH=/usr/bin --workingdir /data \
        --entrypoint '["/usr/bin/overround"]' --cmd '' --port 8080 --port 8081 --stop-signal SIGTERM \
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

# "URI SUITE" of each archive of Debian 12 that apt knows here.
archives() {
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(COMPONENT) $(CREATED_BY) $(REPO_URI)' |
        awk -v of=$codename '$1 == "Debian" && $3 == "main" && $4 == "Packages" &&
            ($2 == of || index($2, of "-") == 1) { print $5, $2 }' | sort -u
}

# What apt was told about connections and dates holds in the base as well.
base() { # a folder
    local mirror
    mirror=$(archives | awk -v of=$codename '$2 == of { print $1; exit }')
    [ -n "$mirror" ] || die "apt knows no archive of Debian $codename on this machine"
    debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        "$codename" "$1" "$mirror" >"$work/debootstrap.log" || {
        tail -5 "$work/debootstrap.log" "$1/debootstrap/debootstrap.log" >&2
        die "debootstrap failed"
    }
    archives | sed 's/^/deb /; s/$/ main/' >"$1/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(Check-|http|https|Retries)' \
        >"$1/etc/apt/apt.conf.d/99host" || true
    rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
}

# The base as an image in the store, once.
import_base() {
    local container
    base "$work/base"
    container=$(builder from scratch)
    builder copy -q "$container" "$work/base" / >/dev/null
    builder commit -q --rm "$container" "$base_name"
    rm -rf "$work/base"
}

# What the binary and the image are made of, as it stands.
context() { # FOLDER
    mkdir -p "$1"
    git ls-files -z -- Makefile VERSION src sql web scripts deploy/image |
        tar --null -T - -cf - | tar -C "$1" -xf -
    mkdir "$1/web/built"
    cp -r build/web/files build/web/pages.h "$1/web/built/"
    chmod -R u=rwX,go=rX "$1" # whatever the umask of who checked it out, and when
    find "$1" -exec touch -hd @0 {} +
}

stage() { # ARGUMENT…
    builder bud --isolation chroot --format oci --timestamp "$SOURCE_DATE_EPOCH" \
        --build-arg "BASE=$base_name" --build-arg "NODE=$base_name" \
        -f "$work/context/deploy/image/Containerfile" "$@" "$work/context" \
        >"$out/build.log" 2>&1 || { tail -30 "$out/build.log" >&2; die "see $out/build.log"; }
}

# The stage with compilers, by what is installed and how the two libraries are built.
packages_name() {
    { sed -n '/^build="/,/"$/p' scripts/deps.sh && cat deploy/image/libraries.sh; } | sha256sum |
        sed "s|^\(............\).*|$name-packages:\1|"
}

# The last stages are never cached.
compile() { # TAG OUT
    local version commit packages
    read -r version commit < <(scripts/version.sh)
    packages=$(packages_name)
    builder images -q "$packages" >/dev/null 2>&1 || stage --target packages -t "$packages"
    stage --build-arg "PACKAGES=$packages" --build-arg "VERSION=$version" \
        --build-arg "OVERROUND_COMMIT=$commit" \
        --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
        ${OVERROUND_SOURCE:+--build-arg "SOURCE=$OVERROUND_SOURCE"} -t "$name:$1"
    archive "$name:$1" "$1" "$2"
    builder rmi "$name:$1" >/dev/null
    builder rmi --prune >/dev/null
}

# By what apt would install now of what the image holds.
kept_store() {
    local key
    # shellcheck disable=SC2046
    key=$(apt-cache policy $(grep -v '^#' deploy/image/licences.tsv | cut -f1) |
        grep -E '^[^ ]|Candidate' | cat - <(driver "$work") | sha256sum | cut -c1-12)
    cache_of "image-$key"
}

prepare() {
    begin
    command -v debootstrap >/dev/null || die "debootstrap is missing: scripts/deps.sh image"
    [ -e build/web/pages.h ] || die "the pages are not built: make build/web/pages.h"
    context "$work/context"
    inputs=$( (cd "$work/context" && find . -type f -print0 | sort -z | xargs -0 sha256sum &&
        "$root/scripts/version.sh" && echo "$SOURCE_DATE_EPOCH") | sha256sum)
    kept=$(kept_store)
    inputs="${inputs%% *} $(basename "$kept")"
}

# What nobody has used for a week goes: it is a gigabyte.
drop_old() {
    local lock
    find "$(dirname "$kept")" -maxdepth 2 -path '*/image-*/.lock' -mtime +7 |
        while read -r lock; do
            flock -n "$lock" rm -rf "$(dirname "$lock")" || true
        done
}

with_store() {
    mkdir -p "$kept"
    store=$kept/store
    exec 8>"$kept/.lock" && flock 8
    drop_old
    builder images -q "$base_name" >/dev/null 2>&1 || import_base
}

build() {
    prepare
    if [ -e "$out/overround.tar" ] && [ "$(cat "$out/inputs" 2>/dev/null)" = "$inputs" ]; then
        echo "build/image/overround.tar is up to date"
        return
    fi
    with_store
    compile "$(cat VERSION)" "$out/overround.tar" | tee "$out/told"
    tar -xOf "$out/overround.tar" "$(layer_of "$out/overround.tar")" |
        tar -xzO usr/share/overround/overround.spdx.json >"$out/overround.spdx.json"
    echo "$inputs" >"$out/inputs"
}

layer_of() { # ARCHIVE
    tar -xOf "$1" manifest.json | sed -E 's/.*"Layers":\["([^"]*)".*/\1/'
}

again() {
    prepare
    [ "$(cat "$out/inputs" 2>/dev/null)" = "$inputs" ] || die "make image first"
    with_store
    compile "$(cat VERSION)" "$work/again.tar" | tee "$work/told"
    cmp "$work/again.tar" "$out/overround.tar" || die "the same sources gave another image"
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
    mounted=$container
    chroot "$at" /usr/bin/overround --version >/dev/null || die "$1 does not run in the image"
    builder umount "$container" >/dev/null
    mounted=""
    configure "$container" "$2" "$(revision_of "$1")"
    image=$(builder commit -q --timestamp "$SOURCE_DATE_EPOCH" --format oci "$container")
    archive "$image" "$2" "$3"
}

# ---- an edge node: deploy/edge/image ------------------------------------------------

edge_name=localhost/overround-edge

edge_context() { # FOLDER
    mkdir -p "$1"
    git ls-files -z -- VERSION web/package.json scripts/deps.sh deploy/image deploy/edge/image \
        deploy/edge/node | tar --null -T - -cf - | tar -C "$1" -xf -
    chmod -R u=rwX,go=rX "$1"
    find "$1" -exec touch -hd @0 {} +
}

# By what is installed, and in which versions.
edge_packages_name() {
    # shellcheck disable=SC2046
    { sed -n '/^edge_image="/,/"$/p' scripts/deps.sh &&
        apt-cache policy $(grep -v '^#' deploy/edge/image/licences.tsv | cut -f1) |
        grep -E '^[^ ]|Candidate'; } | sha256sum |
        sed "s|^\(............\).*|$edge_name-packages:\1|"
}

edge_stage() { # ARGUMENT…
    builder bud --isolation chroot --format oci --timestamp "$SOURCE_DATE_EPOCH" \
        --build-arg "BASE=$base_name" -f "$work/context/deploy/edge/image/Containerfile" \
        "$@" "$work/context" >"$out/edge.log" 2>&1 ||
        { tail -30 "$out/edge.log" >&2; die "see $out/edge.log"; }
}

compile_edge() { # OUT
    local version commit packages below
    read -r version commit < <(scripts/version.sh)
    packages=$(edge_packages_name)
    below=$(builder pull -q "oci-archive:$out/overround.tar")
    builder images -q "$packages" >/dev/null 2>&1 ||
        edge_stage --target packages --build-arg "OVERROUND=$below" -t "$packages"
    edge_stage --build-arg "PACKAGES=$packages" --build-arg "OVERROUND=$below" \
        --build-arg "VERSION=$version" --build-arg "OVERROUND_COMMIT=$commit" \
        --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
        ${OVERROUND_SOURCE:+--build-arg "SOURCE=$OVERROUND_SOURCE"} -t "$edge_name:$version"
    name=$edge_name
    archive "$name:$version" "$version" "$1"
    builder rm --all >/dev/null
    builder rmi "$name:$version" "$below" >/dev/null
    builder rmi --prune >/dev/null
}

prepare_edge() {
    begin
    command -v debootstrap >/dev/null || die "debootstrap is missing: scripts/deps.sh image"
    [ -e "$out/overround.tar" ] || die "there is no image to put it above: make image"
    edge_context "$work/context"
    inputs=$( (cd "$work/context" && find . -type f -print0 | sort -z | xargs -0 sha256sum &&
        sha256sum <"$out/overround.tar" && echo "$SOURCE_DATE_EPOCH" &&
        cd "$root" && edge_packages_name) | sha256sum)
    kept=$(kept_store)
}

edge() {
    prepare_edge
    if [ -e "$out/overround-edge.tar" ] && [ "$(cat "$out/edge-inputs" 2>/dev/null)" = "$inputs" ]
    then
        echo "build/image/overround-edge.tar is up to date"
        return
    fi
    with_store
    compile_edge "$out/overround-edge.tar"
    echo "$inputs" >"$out/edge-inputs"
}

edge_again() {
    prepare_edge
    [ "$(cat "$out/edge-inputs" 2>/dev/null)" = "$inputs" ] || die "make image-edge first"
    with_store
    compile_edge "$work/again.tar"
    cmp "$work/again.tar" "$out/overround-edge.tar" || die "the same sources gave another image"
}

pack_edge() { # OVERROUND.tar TAG OUT
    local container image at revision
    begin
    container=$(builder from "oci-archive:$1")
    at=$(builder mount "$container")
    mounted=$container
    revision=$(chroot "$at" /usr/bin/overround --version | sed -nE 's/.*\(commit (.*)\)$/\1/p')
    deploy/edge/image/rootfs.sh "$at" "$work/above"
    deploy/image/sbom.sh "$work/above" "$2" "$revision" "$at" >"$work/edge.spdx.json"
    install -m 644 "$work/edge.spdx.json" \
        "$work/above/usr/share/overround/overround-edge.spdx.json"
    cp -a "$work/above/." "$at/" # `buildah copy` would give all of it to root
    builder umount "$container" >/dev/null
    mounted=""
    configure "$container" "$2" "$revision"
    builder config --entrypoint '["/usr/bin/edge-node"]' --cmd run --port 8443 --workingdir / \
        --label org.opencontainers.image.title=overround-edge \
        --label overround.sbom=/usr/share/overround/overround-edge.spdx.json "$container"
    image=$(builder commit -q --timestamp "$SOURCE_DATE_EPOCH" --format oci "$container")
    name=$edge_name
    archive "$image" "$2" "$3"
}

usage() {
    echo "usage: scripts/image.sh build | again | pack BINARY TAG OUT.tar |" \
        "swap BINARY TAG OUT.tar | edge | edge-again | pack-edge OVERROUND.tar TAG OUT.tar" >&2
    exit 2
}

case ${1:-} in
build) build ;;
again) again ;;
pack) [ $# = 4 ] || usage; pack "$2" "$3" "$4" ;;
swap) [ $# = 4 ] || usage; swap "$2" "$3" "$4" ;;
edge) edge ;;
edge-again) edge_again ;;
pack-edge) [ $# = 4 ] || usage; pack_edge "$2" "$3" "$4" ;;
*) usage ;;
esac
