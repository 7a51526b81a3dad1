#!/bin/bash
# Builds Go programs that tests need and Debian lacks, once, from published modules into
# the cache: the go.mod and go.sum under scripts/go pin every module, and Go checks the
# sums.  Caddy takes four minutes of one core, OpenTofu nine.
#
#   scripts/go_tool.sh have NAME     exits 3 with a message if the program is not built and there
#                                    is no Go to build it; under CI it fetches a Go
#   scripts/go_tool.sh fetch NAME    builds it: caddy or tofu
#   scripts/go_tool.sh path NAME     prints the program's path; exits 3 if it is not built
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

package() { # NAME
    case $1 in
    caddy) echo github.com/caddyserver/caddy/v2/cmd/caddy ;;
    tofu) echo github.com/opentofu/opentofu/cmd/tofu ;;
    *) die "no tool $1" ;;
    esac
}

# Without it OpenTofu calls itself a version under development.
flags() { # NAME
    [ "$1" != tofu ] || echo "-X github.com/opentofu/opentofu/version.dev=no"
}

[ $# -eq 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
name=$2
what=$(package "$name")
out=$(cache_of "$name-$(go_pinned "$here/go/$name")")
case $1 in
have)
    [ -e "$out/.complete" ] || [ -n "${CI:-}" ] || new_enough 1.26 ||
        { echo "$(basename "$0"): $name is not built, and there is no Go 1.26 here" >&2; exit 3; }
    ;;
fetch) once "$out" go_install "$here/go/$name" "$out" "$(flags "$name")" "$what" ;;
path)
    [ -e "$out/.complete" ] || { echo "$(basename "$0"): $name is not built" >&2; exit 3; }
    echo "$out/$name"
    ;;
*) die "no verb $1" ;;
esac
