#!/bin/sh
# Builds libcurl and libpq with only the parts that Overround uses, from Debian's
# own source packages, security patches included.  Debian's builds bring Kerberos,
# LDAP, SASL, RTMP, SSH, GnuTLS and more: twenty of the forty libraries of a
# plain image, and most of the vulnerabilities ever found in them.  Names and
# versions of symbols stay the same, so the binary is compiled with Debian's
# headers, and only the image takes its libraries from here.
#
# As root in the build stage.  Leaves /usr/local/lib/libcurl.so.4 and
# libpq.so.5, and /usr/local/lib/from-source: "FILE PACKAGE SOURCE VERSION".
set -eu

work=/tmp/libraries
flags="-O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -ffile-prefix-map=$work=."
jobs=$(nproc)

# Debian's sources as they are configured for packages.
with_sources() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -e "$file" ] || sed -i 's/^Types: deb$/Types: deb deb-src/' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -e "$file" ] || sed 's/^deb /deb-src /' "$file" >>/tmp/sources.list
    done
    [ ! -e /tmp/sources.list ] || mv /tmp/sources.list /etc/apt/sources.list.d/src.list
    apt-get update -qq
}

# Unpacked and patched, in $work/SOURCE; sets version.  The newest that the
# mirror serves: a mirror may have a package some hours before its source, and
# then this says so (the SBOM names what was taken in any case).
source_of() { # SOURCE PACKAGE
    cd "$work"
    debian=$(dpkg-query -W -f '${source:Version}' "$2")
    for version in $(apt-cache showsrc "$1" | sed -n 's/^Version: //p' | sort -ruV); do
        apt-get source -qq "$1=$version" >/dev/null 2>source.log && break
        version=""
    done
    [ -n "$version" ] || { cat source.log >&2; exit 1; }
    [ "$version" = "$debian" ] ||
        echo "libraries.sh: warning: $1 $version is taken, $2 is $debian" >&2
    mv "$1"-*/ "$1"
}

record() { # FILE PACKAGE SOURCE
    echo "$1 $2 $3 $version" >>/usr/local/lib/from-source
}

# HTTP and HTTPS.  A patch that touches configure's sources would make make
# look for autoconf; the release's own configure is as good.
curl() {
    source_of curl libcurl4
    cd "$work/curl"
    touch aclocal.m4 && find . -name '*.in' -exec touch {} + && touch configure lib/curl_config.h.in
    ./configure --quiet --prefix=/usr/local --disable-static --enable-versioned-symbols \
        --with-openssl --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path \
        --disable-dict --disable-file --disable-ftp --disable-gopher --disable-imap \
        --disable-ldap --disable-ldaps --disable-mqtt --disable-pop3 --disable-rtsp \
        --disable-smb --disable-smtp --disable-telnet --disable-tftp --disable-ntlm \
        --disable-tls-srp --disable-alt-svc --disable-hsts --disable-doh --disable-netrc \
        --disable-manual --without-brotli --without-libidn2 --without-libpsl \
        --without-librtmp --without-libssh2 --without-nghttp2 --without-zlib --without-zstd \
        CFLAGS="$flags" >configure.log
    # Debian numbers the version of the symbols by itself: programs ask for its.
    symbols=$(objdump -p /usr/lib/*/libcurl.so.4 | grep -o 'CURL_OPENSSL_[0-9]*' | sort -u)
    sed -i "s/CURL_OPENSSL_[0-9]*/$symbols/" lib/libcurl.vers
    grep -q "$symbols" lib/libcurl.vers
    make -s -j"$jobs" -C lib >make.log
    install -m 755 lib/.libs/libcurl.so.4 /usr/local/lib/
    record libcurl.so.4 libcurl4 curl
}

# TLS and passwords; no Kerberos, no LDAP.
libpq() {
    source_of postgresql-15 libpq5
    cd "$work/postgresql-15"
    ./configure --quiet --prefix=/usr/local --with-openssl --without-gssapi --without-ldap \
        --without-icu --without-readline --without-zlib CFLAGS="$flags" >configure.log
    make -s -C src/backend generated-headers >make.log
    make -s -j"$jobs" -C src/interfaces/libpq all-shared-lib >>make.log
    install -m 755 src/interfaces/libpq/libpq.so.5 /usr/local/lib/
    record libpq.so.5 libpq5 postgresql-15
}

mkdir -p "$work"
with_sources
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    dpkg-dev libssl-dev ca-certificates >/dev/null
curl
libpq
ldconfig
rm -rf "$work" /var/lib/apt/lists/*
