#!/bin/sh
# Collects what the edge node's image adds to Overround's: nginx with its modules, the rules
# of the firewall, a shell, the few programs that edge-node calls, and the libraries of all of
# these.  nginx loads modules by name while it runs, so ldd looks into each of them, too.
#
#   deploy/edge/image/rootfs.sh BASE FOLDER     BASE: the files of Overround's image
#
# Every file's time is SOURCE_DATE_EPOCH.  usr/share/overround/linked is BASE's list plus the
# added files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
base=$1
root=$2
libs=$root/usr/lib/$(uname -m)-linux-gnu
linked=$root/usr/share/overround/linked
# shellcheck source=deploy/image/linked.sh
. "$here/../../image/linked.sh"

put() { # FILE PATH
    mkdir -p "$root$(dirname "$2")"
    strip --strip-unneeded -o "$root$2" "$1" 2>/dev/null || cp -L "$1" "$root$2"
    chmod 755 "$root$2"
    package=$(package_of "$(readlink -f "$1")") || exit 1
    echo "$package $2" >>"$linked"
}

rm -rf "$root"
mkdir -p "$root/usr/bin" "$libs" "$root/usr/share/overround/edge" "$root/run/overround-edge" \
    "$root/var/cache/overround-edge" "$root/etc/overround" "$root/var/lib/dpkg/status.d"
cp "$base/usr/share/overround/linked" "$linked"

put /usr/sbin/nginx /usr/bin/nginx
put "$(command -v busybox)" /usr/bin/busybox
for module in geoip2 js modsecurity; do
    file=/usr/lib/nginx/modules/ngx_http_${module}_module.so
    put "$file" "$file"
    add_needed "$file"
done
add_needed /usr/sbin/nginx
sort -o "$linked" "$linked"
for name in sh awk cat cp cut date env grep head id kill ln ls mkdir mv nslookup rm sed sha256sum sleep \
    sort test tr true; do
    ln -s busybox "$root/usr/bin/$name"
done
ln -s usr/bin "$root/bin" # of #!/bin/sh

mkdir -p "$root/etc/modsecurity/crs" "$root/usr/share/modsecurity-crs/rules"
cp /etc/modsecurity/crs/crs-setup.conf "$root/etc/modsecurity/crs/"
cp /usr/share/modsecurity-crs/rules/REQUEST-* /usr/share/modsecurity-crs/rules/*.data \
    "$root/usr/share/modsecurity-crs/rules/"
cp "$here"/../node/* "$root/usr/share/overround/edge/"
cp "$here/edge-node" "$root/usr/bin/edge-node"
chmod -R u=rwX,go=rX "$root"
chmod 755 "$root/usr/bin/edge-node"

for package in $(cut -d' ' -f1 "$linked" | sort -u) modsecurity-crs; do
    [ -e "$base/var/lib/dpkg/status.d/$package" ] ||
        status_of "$package" >"$root/var/lib/dpkg/status.d/$package"
done
chown -R 0:0 "$root"
chown 65532:65532 "$root/run/overround-edge" "$root/var/cache/overround-edge"
find "$root" -exec touch -hd "@${SOURCE_DATE_EPOCH:-0}" {} +
