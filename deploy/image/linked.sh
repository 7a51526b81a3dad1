# shellcheck shell=sh disable=SC2154
# Functions that rootfs.sh and deploy/edge/image/rootfs.sh share: files and their packages.
# Set root, libs and linked before you source it; and base, to leave out what that image
# already has.

# "PACKAGE SOURCE VERSION" of a file, whether it is Debian's own or built from
# its source (libraries.sh).  dpkg knows either name of what /lib, a link to
# /usr/lib, holds.
package_of() { # FILE
    if built=$(grep -s "^$(basename "$1") " /usr/local/lib/from-source); then
        echo "${built#* }"
        return
    fi
    package=$({ dpkg-query -S "$1" || dpkg-query -S "${1#/usr}"; } 2>/dev/null |
        head -1 | cut -d: -f1)
    [ -n "$package" ] || { echo "linked.sh: no package has $1" >&2; exit 1; }
    dpkg-query -W -f '${Package} ${source:Package} ${Version}\n' "$package" | head -1
}

# What a package says of itself; for what was built here, as little as is true.
status_of() { # PACKAGE
    if built=$(grep -s "^[^ ]* $1 " /usr/local/lib/from-source); then
        # shellcheck disable=SC2086
        set -- $built
        printf 'Package: %s\nSource: %s\nVersion: %s\nArchitecture: %s\nDescription: %s\n' \
            "$2" "$3" "$4" "$(dpkg --print-architecture)" "built from Debian's source with less"
    else
        dpkg-query -s "$1" | grep -v '^Status:'
    fi
}

add() { # FILE NAME: under the name that the loader looks for
    [ -e "$libs/$2" ] && return
    [ -z "${base:-}" ] || [ ! -e "$base${libs#"$root"}/$2" ] || return 0
    real=$(readlink -f "$1")
    strip --strip-unneeded -o "$libs/$2" "$real"
    chmod 755 "$libs/$2"
    package=$(package_of "$real") || exit 1
    echo "$package ${libs#"$root"}/$2" >>"$linked"
}

# The shared objects that a program or a module needs.
add_needed() { # FILE
    ldd "$1" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | while read -r name file; do
        add "$file" "$name"
    done
}
