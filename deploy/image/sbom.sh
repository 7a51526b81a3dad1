#!/bin/sh
# Lists the image's contents as SPDX 2.3: Overround, the Debian packages of
# every linked file, the libraries built from their sources, and the npm packages
# in the pages.  The same files give the same list in the same order.
#
#   deploy/image/sbom.sh ROOTFS VERSION COMMIT >overround.spdx.json
#   deploy/image/sbom.sh ROOTFS VERSION COMMIT BASE >overround-edge.spdx.json
#
# BASE: the files of Overround's image; the edge node's image adds ROOTFS to them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$1
version=$2
commit=$3
base=${4:-}
document=overround${base:+-edge}
linked=$root/usr/share/overround/linked
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)
architecture=$(dpkg --print-architecture)

licence_of() { # PACKAGE
    cat "$here/licences.tsv" ${base:+"$here/../edge/image/licences.tsv"} |
        awk -F'\t' -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }' || {
        echo "sbom.sh: the licence of $1 is in no licences.tsv" >&2
        exit 1
    }
}

id() { printf 'SPDXRef-%s' "$1" | tr -c 'A-Za-z0-9.\n-' '-'; }

# package NAME VERSION LICENCE PURL
package() {
    printf '    {"SPDXID": "%s", "name": "%s", "versionInfo": "%s",\n' "$(id "$1")" "$1" "$2"
    printf '     "downloadLocation": "NOASSERTION", "filesAnalyzed": false,\n'
    printf '     "licenseConcluded": "NOASSERTION", "licenseDeclared": "%s",\n' "$3"
    printf '     "copyrightText": "NOASSERTION", "externalRefs": [{"referenceCategory": '
    printf '"PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "%s"}]}' "$4"
}

# Lines "NAME VERSION PURL"; a "+" of a version is %2B in a purl.
names() {
    {
        cut -d' ' -f1-3 "$linked"
        dpkg-query -W -f '${Package} ${source:Package} ${Version}\n' ca-certificates \
            ${base:+modsecurity-crs}
    } | sort -u | while read -r name source its; do
        at=$(echo "$its" | sed 's/+/%2B/g; s/:/%3A/')
        more="arch=$architecture&distro=debian-12&upstream=$source"
        echo "$name $its pkg:deb/debian/$name@$at?$more"
    done
    sed -n '/"dependencies"/,/}/s/^ *"\([^"]*\)": "\([0-9.]*\)".*/\1 \2 pkg:npm\/\1@\2/p' \
        "$here/../../web/package.json"
}

file() { # PATH
    at=$root$1
    [ -e "$at" ] || at=$base$1
    printf '    {"SPDXID": "%s", "fileName": ".%s", "checksums": [\n' "$(id "File$1")" "$1"
    printf '      {"algorithm": "SHA1", "checksumValue": "%s"},\n' \
        "$(sha1sum "$at" | cut -d' ' -f1)"
    printf '      {"algorithm": "SHA256", "checksumValue": "%s"}],\n' \
        "$(sha256sum "$at" | cut -d' ' -f1)"
    printf '     "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}'
}

relation() { # FROM TYPE TO
    printf '    {"spdxElementId": "%s", "relationshipType": "%s", "relatedSpdxElement": "%s"}' \
        "$1" "$2" "$3"
}

cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "$document-$version",
  "documentNamespace": "https://spdx.org/spdxdocs/$document-$version-$commit-$architecture",
  "creationInfo": {"created": "$created", "creators": ["Tool: deploy/image/sbom.sh-$version"]},
  "hasExtractedLicensingInfos": [
    {"licenseId": "LicenseRef-Overround",
     "extractedText": "No licence has been published with the sources of Overround."},
    {"licenseId": "LicenseRef-Public-Domain",
     "extractedText": "Its authors have put it into the public domain."}
  ],
  "packages": [
END
package overround "$version" LicenseRef-Overround "pkg:generic/overround@$version?vcs_ref=$commit"
names | while read -r name its purl; do
    licence=$(licence_of "$name")
    printf ',\n'
    package "$name" "$its" "$licence" "$purl"
done
printf '\n  ],\n  "files": [\n'
file /usr/bin/overround
cut -d' ' -f4 "$linked" | while read -r path; do
    printf ',\n'
    file "$path"
done
printf '\n  ],\n  "relationships": [\n'
relation SPDXRef-DOCUMENT DESCRIBES SPDXRef-overround
printf ',\n'
relation "$(id File/usr/bin/overround)" GENERATED_FROM SPDXRef-overround
names | while read -r name _ _; do
    printf ',\n'
    relation SPDXRef-overround DEPENDS_ON "$(id "$name")"
done
while read -r name _ _ path; do
    printf ',\n'
    relation "$(id "File$path")" GENERATED_FROM "$(id "$name")"
done <"$linked"
printf '\n  ]\n}\n'
