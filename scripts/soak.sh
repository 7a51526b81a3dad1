#!/bin/bash
# A cluster under a steady load with one fault a minute, drawn at random from the
# seed; at the end the script proves every answer and audits the books.
#
#   scripts/soak.sh [MINUTES [SEED]]        default: 60 minutes, a seed from the clock
set -eu
cd "$(dirname "$0")/.."
exec node tests/cluster/soak.js "${1:-60}" ${2:+"$2"}
