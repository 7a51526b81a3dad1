#!/bin/bash
# A cluster under a steady load with one fault a minute, drawn at random by the
# seed; at the end every answer is proven and the books are audited.
#
#   scripts/soak.sh [MINUTES [SEED]]        60 minutes, a seed by the clock
set -eu
cd "$(dirname "$0")/.."
exec node tests/cluster/soak.js "${1:-60}" ${2:+"$2"}
