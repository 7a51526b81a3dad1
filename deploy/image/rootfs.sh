#!/bin/sh
# What the image holds, and nothing more: the binary, the shared objects it
# needs, the loader, what glibc needs to resolve names, the CA bundle, who it
# runs as, and places to mount data at.  Every file's time is
# SOURCE_DATE_EPOCH, so that the same files give the same layer.
#
#   deploy/image/rootfs.sh BINARY FOLDER
#
# usr/share/overround/linked lists "PACKAGE SOURCE VERSION PATH" of each shared
# object; the packages' own records are in var/lib/dpkg/status.d, where
# scanners look.
set -eu

binary=$1
root=$2
libs=$root/usr/lib/$(gcc -print-multiarch 2>/dev/null || echo "$(uname -m)-linux-gnu")
linked=$root/usr/share/overround/linked

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
    [ -n "$package" ] || { echo "rootfs.sh: no package has $1" >&2; exit 1; }
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
    real=$(readlink -f "$1")
    strip --strip-unneeded -o "$libs/$2" "$real"
    chmod 755 "$libs/$2"
    package=$(package_of "$real") || exit 1
    echo "$package ${libs#"$root"}/$2" >>"$linked"
}

rm -rf "$root"
mkdir -p "$root/usr/bin" "$libs" "$root/usr/share/overround" "$root/etc/ssl/certs" \
    "$root/usr/lib/ssl" "$root/var/lib/dpkg/status.d" "$root/data" "$root/tmp"
ln -s usr/lib "$root/lib"
strip -o "$root/usr/bin/overround" "$binary"
chmod 755 "$root/usr/bin/overround"

ldd "$binary" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | while read -r name file; do
    add "$file" "$name"
done
# What is loaded by name while it runs: names of hosts, and ends of threads.
libc=$(ldd "$binary" | awk '$1 == "libc.so.6" { print $3 }')
for name in libresolv.so.2 libnss_dns.so.2 libnss_files.so.2 libgcc_s.so.1; do
    add "${libc%/*}/$name" "$name"
done
loader=$(ldd "$binary" | awk '$2 != "=>" && $1 ~ /ld-linux/ { print $1 }')
mkdir -p "$root${loader%/*}"
cp -L "$loader" "$root$loader"
chmod 755 "$root$loader"
echo "$(package_of "$(readlink -f "$loader")") $loader" >>"$linked"
sort -o "$linked" "$linked"

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
cp -L /etc/os-release "$root/etc/os-release"
printf 'root:x:0:0::/:/\noverround:x:65532:65532::/data:/\n' >"$root/etc/passwd"
printf 'root:x:0:\noverround:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
for package in $(cut -d' ' -f1 "$linked" | sort -u) ca-certificates; do
    status_of "$package" >"$root/var/lib/dpkg/status.d/$package"
done

chmod 1777 "$root/tmp"
chown -R 0:0 "$root"
chown 65532:65532 "$root/data"
find "$root" -exec touch -hd "@${SOURCE_DATE_EPOCH:-0}" {} +
