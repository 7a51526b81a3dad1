#!/bin/sh
# Collects the image's files, and nothing more: the binary, the shared objects it
# needs, the loader, what glibc needs to resolve names, the CA bundle, the user it
# runs as, and the folders for mounted data.  Every file's time is
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

# shellcheck source=deploy/image/linked.sh
. "$(dirname "$0")/linked.sh"

rm -rf "$root"
mkdir -p "$root/usr/bin" "$libs" "$root/usr/share/overround" "$root/etc/ssl/certs" \
    "$root/usr/lib/ssl" "$root/var/lib/dpkg/status.d" "$root/data" "$root/tmp"
ln -s usr/lib "$root/lib"
strip -o "$root/usr/bin/overround" "$binary"
chmod 755 "$root/usr/bin/overround"

add_needed "$binary"
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
