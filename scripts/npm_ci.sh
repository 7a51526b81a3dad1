#!/bin/bash
# npm_ci.sh FOLDER: installs exactly the packages in FOLDER/package-lock.json, and
# writes FOLDER/node_modules/.installed, which make and the tests look for.
set -eu
cd "$(dirname "$0")/../$1"

fail() {
    echo "$1: $2" >&2
    echo "The pages need Node >= 20 with npm; make PAGES=no builds a server without them." >&2
    exit 1
}

command -v npm >/dev/null || fail "$1" "npm is not installed."
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    fail "$1" "Node $(node --version) is too old."
echo "npm ci $1"
npm ci --no-audit --no-fund --loglevel=error || fail "$1" "npm ci failed."
touch node_modules/.installed
