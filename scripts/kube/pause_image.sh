#!/bin/bash
# Writes an image of one static program as a docker archive: the sandboxes of a
# node run it.
#
#   scripts/kube/pause_image.sh PROGRAM FILE.tar
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/image"
cp "$1" "$work/tree/pause"
tar -C "$work/tree" --owner=0 --group=0 --mtime=@0 -cf "$work/image/layer.tar" pause
sum=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
cat >"$work/image/config.json" <<END
{"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/pause"], "User": "65535"},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$sum"]}}
END
cat >"$work/image/manifest.json" <<END
[{"Config": "config.json", "RepoTags": ["localhost/pause:1"], "Layers": ["layer.tar"]}]
END
tar -C "$work/image" -cf "$2" config.json layer.tar manifest.json
