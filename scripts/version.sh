#!/bin/bash
# Version and commit of the build.
#   scripts/version.sh           "0.9.0 abcdef012345"
#   scripts/version.sh header    writes build/version.h, only if it changes
#
# The commit is OVERROUND_COMMIT if it is set (an image is built without .git),
# else git's, else "unknown".  The script adds "-dirty" if tracked files that go
# into the binary differ from the commit.  Build releases from a clean checkout,
# so that they never carry the mark.
set -eu
cd "$(dirname "$0")/.."

commit_of() {
    local commit
    commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || { echo unknown; return; }
    git diff --quiet HEAD -- src sql web VERSION Makefile || commit=$commit-dirty
    echo "$commit"
}

version=$(cat VERSION)
commit=${OVERROUND_COMMIT:-$(commit_of)}
for word in "$version" "$commit"; do # both go into C, JSON and labels as they are
    [[ $word =~ ^[0-9A-Za-z.+-]{1,64}$ ]] || { echo "version.sh: not \"$word\"" >&2; exit 1; }
done

case ${1:-} in
header)
    mkdir -p build
    new=build/version.h.$$
    printf '#define BUILD_VERSION "%s"\n#define BUILD_COMMIT "%s"\n' "$version" "$commit" >"$new"
    if cmp -s "$new" build/version.h; then rm "$new"; else mv "$new" build/version.h; fi
    ;;
'') echo "$version $commit" ;;
*) echo "usage: scripts/version.sh [header]" >&2 && exit 2 ;;
esac
