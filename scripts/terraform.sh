#!/bin/bash
# Tests deploy/terraform without an account: format, validation and tests of every module
# and root (mock_provider), and plans as JSON for tests/terraform.
#
#   scripts/terraform.sh have            exits 3 with a message if there is no terraform
#   scripts/terraform.sh check [NAME…]   fmt, validate, test; names of modules or roots
#   scripts/terraform.sh plan FOLDER [-var …]  prints its plan, made offline, as JSON;
#                                        FOLDER examples: of every module's example
#   scripts/terraform.sh docs [--check]  the READMEs' tables, from variables and outputs
#
# TF is the program: terraform, or tofu, which `scripts/go_tool.sh fetch tofu` builds.  The
# script looks for the provider in the plugin folders (OVERROUND_TF_PLUGINS names the folder that
# holds registry.terraform.io), or else installs it once by `init`.  It uses the provider in place
# (dev_overrides), because `init` would sum its 700 MB for each of two dozen folders.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

tf=${TF:-terraform}
tree=deploy/terraform
if [ "$tf" = tofu ] && ! command -v tofu >/dev/null; then
    tf=$(scripts/go_tool.sh path tofu 2>/dev/null || echo tofu)
fi
work=$PWD/build/${tf##*/}
address=registry.terraform.io/hashicorp/aws
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_CLI_ARGS=-no-color

have() {
    command -v "$tf" >/dev/null || { echo "terraform.sh: there is no $tf here" >&2; exit 3; }
}

# A folder with the aws provider's program of the release that versions.tf asks for.
provider() {
    local roots=("${OVERROUND_TF_PLUGINS:-}" "${TF_PLUGIN_CACHE_DIR:-}"
        "$HOME/.terraform.d/plugins" "$HOME/.terraform.d/plugin-cache"
        /opt/*plugins* /usr/local/share/terraform/plugins /usr/share/terraform/plugins)
    local folder
    for folder in "${roots[@]}"; do
        [ -d "$folder/$address" ] || continue
        find "$folder/$address/" -name 'terraform-provider-aws_v5.*' | sort -V | tail -1 |
            xargs -r dirname | grep . && return
    done
    install_provider >&2 || die "no aws provider, and init cannot install one"
    find "$(cache_of terraform-aws-5.100)/" -name 'terraform-provider-aws_v5.*' |
        head -1 | xargs dirname
}

install_provider() {
    local cache
    cache=$(cache_of terraform-aws-5.100)
    mkdir -p "$cache" "$work/install"
    cp "$tree/modules/kms/versions.tf" "$work/install/"
    TF_PLUGIN_CACHE_DIR=$cache "$tf" -chdir="$work/install" init -input=false
}

# Written once: the configuration of the program, which names the provider's folder.
configure() {
    mkdir -p "$work"
    export TF_CLI_CONFIG_FILE=$work/rc
    [ -s "$work/rc" ] && return
    local folder
    folder=$(provider)
    printf 'provider_installation {\n  dev_overrides {\n    "%s" = "%s"\n  }\n  direct {}\n}\n' \
        hashicorp/aws "$folder" >"$work/rc.$$"
    mv "$work/rc.$$" "$work/rc"
}

# The folder's own modules; providers are there.
modules() { # FOLDER DATA
    TF_DATA_DIR=$2 "$tf" -chdir="$1" get -test-directory=tests >/dev/null
}

# One module or root: its tests, and for a root `validate` too.  A line each.
one() { # FOLDER
    local folder=$1 name=${1#"$tree"/} log
    log=$work/log/${name//\//-}.log
    export TF_DATA_DIR=$work/data/$name
    mkdir -p "$TF_DATA_DIR" "$work/log"
    if modules "$folder" "$TF_DATA_DIR" >"$log" 2>&1 &&
        { [[ $name == modules/* ]] || "$tf" -chdir="$folder" validate >>"$log" 2>&1; } &&
        "$tf" -chdir="$folder" test >>"$log" 2>&1; then
        echo "ok - $name: $(grep -oE '[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)"
    else
        echo "not ok - $name"
        grep -vE 'dev_overrides|development overrides|^ *$' "$log" | tail -60 | sed 's/^/    /'
    fi
}

# Every module's example in one configuration, so that one look validates them all.
examples() { # FOLDER MODULES-FROM-THERE
    local name
    mkdir -p "$1"
    for name in deploy/terraform/modules/*/examples/*/; do
        name=${name#deploy/terraform/modules/}
        name=${name%/}
        printf 'module "%s" {\n  source = "%s"\n}\n' "${name//\/examples\//-}" "$2/$name"
    done >"$1/main.tf"
}

validate_examples() {
    examples "$work/examples" ../../../deploy/terraform/modules
    modules "$work/examples" "$work/data/examples"
    if TF_DATA_DIR=$work/data/examples "$tf" -chdir="$work/examples" validate \
        >"$work/log/examples.log" 2>&1; then
        echo "ok - validate: every module, by its examples"
    else
        echo "not ok - validate: the modules' examples"
        sed 's/^/    /' "$work/log/examples.log" | tail -60
    fi
}

# OpenTofu 1.12 reads the same tests but for two words: mocks have to stand in the file
# itself, and what a plan overrides is not named apart.  Its tests are a copy without them.
tests_of_tofu() { # FOLDER
    local file mocks=$1/mocks/aws.tfmock.hcl
    [ "${tf##*/}" = tofu ] || return 0
    grep -rlE 'source = "../../mocks"|override_during' "$1" --include='*.tftest.hcl' |
        while read -r file; do
            sed -i -e "/^ *source = \"..\/..\/mocks\"\$/{r $mocks
                d}" -e '/^ *override_during *= plan$/d' "$file"
        done
}

check() {
    local folders=() name unformatted n
    for name in "${@:-}"; do
        n=${#folders[@]}
        for folder in "$tree"/modules/${name:-*}/ "$tree"/roots/${name:-*}/; do
            [ -d "$folder" ] && folders+=("${folder%/}")
        done
        [ "${#folders[@]}" -gt "$n" ] || die "no module and no root $name"
    done
    have
    configure
    mkdir -p "$work/log"
    unformatted=$("$tf" fmt -check -recursive "$tree" tests/terraform) ||
        echo "not ok - fmt: $unformatted"
    [ -n "$unformatted" ] || echo "ok - fmt"
    [ $# -gt 0 ] || validate_examples
    if [ "${tf##*/}" = tofu ]; then
        copy tree
        folders=("${folders[@]/#/$work/tree/}")
        tree=$work/tree/$tree
    fi
    export -f one modules
    export tf tree work
    printf '%s\n' "${folders[@]}" | xargs -P 2 -I{} bash -euo pipefail -c 'one {}'
}

# override FOLDER [URL]: invented credentials for every provider block of the folder;
# with URL all services are there.
override() {
    local alias
    [ -e "$1/provider.tf" ] || cat >"$1/provider.tf" <<'END'
provider "aws" {
  region = "eu-central-1"
  default_tags {
    tags = { House = "house", Environment = "example", Owner = "tests" }
  }
}
END
    { echo; sed -n 's/^ *alias *= *"\(.*\)"$/\1/p' "$1/provider.tf"; } | while read -r alias; do
        echo 'provider "aws" {'
        [ -z "$alias" ] || echo "  alias = \"$alias\""
        printf '  %s\n' 'access_key = "invented"' 'secret_key = "invented"' \
            'skip_credentials_validation = true' 'skip_metadata_api_check = true' 's3_use_path_style = true' 'max_retries = 2'
        if [ -z "${2:-}" ]; then
            echo '  skip_requesting_account_id = true'
        else
            echo '  endpoints {'
            # shellcheck disable=SC2086
            printf "    %s = \"$2\"\n" $services
            echo '  }'
        fi
        echo '}'
    done >"$1/offline_override.tf"
}

# A copy of the tree, where overrides may lie beside the sources.
copy() { # NAME
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1/tests"
    cp -r deploy "$work/$1/"
    cp -r tests/terraform "$work/$1/tests/"
    tests_of_tofu "$work/$1/deploy/terraform"
}

# Offline: nothing is asked, for nothing here is read from an account.
plan() { # FOLDER, or examples
    local folder=$1 name=plan-${1//\//-}-$$ tree
    # shellcheck disable=SC2064
    trap "rm -rf '$work/$name'" EXIT
    have
    configure
    copy "$name"
    tree=$work/$name
    if [ "$folder" = examples ]; then
        folder=deploy/terraform/all
        mkdir "$tree/$folder"
        examples "$tree/$folder" ../modules
    fi
    override "$tree/$folder"
    export TF_DATA_DIR=$tree/.data
    {
        "$tf" -chdir="$tree/$folder" get
        "$tf" -chdir="$tree/$folder" plan -input=false -refresh=false -lock=false \
            -out="$tree/plan" "${variables[@]}"
    } >"$tree/log" 2>&1 || { tail -60 "$tree/log" >&2; exit 1; }
    "$tf" -chdir="$tree/$folder" show -json "$tree/plan"
}

# What the edge, the roots and their rehearsal use of AWS.
services="acm applicationautoscaling autoscaling budgets ce cloudfront cloudwatch ec2 ecr eks
    elbv2 events iam kafka kms lambda logs rds route53 s3 s3control secretsmanager shield sns
    sqs ssm sts wafv2"

[ "${1:-}" != library ] || return 0
[ $# -ge 1 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
verb=$1
shift
case $verb in
have) have ;;
check)
    mkdir -p build
    check "$@" | tee "$work.check"
    ! grep -q '^not ok' "$work.check"
    ;;
plan)
    variables=("${@:2}")
    plan "$1"
    ;;
docs) exec node scripts/terraform/docs.mjs "$@" ;;
*) die "no verb $verb" ;;
esac
