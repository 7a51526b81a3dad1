#!/bin/bash
# `make lint`: style as a test.  Prints file:line: fault for each fault, and fails on any.
set -u
cd "$(dirname "$0")/.." || exit

found=$(mktemp)
code=$(mktemp)
build=build/lint
trap 'rm -f "$found" "$code"' EXIT

sources=$(find src tests bench -name node_modules -prune -o \
    \( -name '*.c' -o -name '*.h' \) -print | sort)
scripts=$(find scripts tests bench deploy .ci -name node_modules -prune -o \
    \( -name '*.sh' -o -path '.ci/run' \) -print | sort)
javascript=$(find tests bench scripts web/build.mjs -name node_modules -prune -o \
    \( -name '*.js' -o -name '*.mjs' \) -print | sort)
typescript=$(find web/src -name '*.ts' -o -name '*.tsx' -o -name '*.css' | sort)
texts=$(git ls-files | grep -vE '\.(csv|png|xml|bin)$|corpus/')

# report WHAT: takes file:line:text lines and adds them to what was found.
report() {
    sed -E "s|^([^:]+:[0-9]+):(.*)$|\1: $1:\2|" >>"$found"
}

# The code alone: file:line:text without comments and without what is in
# strings (an include's path stays).
# shellcheck disable=SC2086
awk '
FNR == 1 { inside = 0 }
{
    line = $0
    out = ""
    if (line ~ /^[ \t]*#[ \t]*include/) { print FILENAME ":" FNR ":" line; next }
    while (line != "") {
        if (inside) {
            end = index(line, "*/")
            if (end == 0) break
            line = substr(line, end + 2)
            inside = 0
        } else if (match(line, /^"([^"\\]|\\.)*"/) || match(line, /^\047([^\047\\]|\\.)*\047/)) {
            out = out "\"\""
            line = substr(line, RLENGTH + 1)
        } else if (substr(line, 1, 2) == "/*") {
            inside = 1
            line = substr(line, 3)
        } else if (substr(line, 1, 2) == "//") {
            break
        } else {
            out = out substr(line, 1, 1)
            line = substr(line, 2)
        }
    }
    print FILENAME ":" FNR ":" out
}' $sources >"$code"

# Width and size.
# shellcheck disable=SC2086
awk 'length($0) > 100 && FILENAME !~ /tbl\// {
    print FILENAME ":" FNR ":" length($0) " columns" }' $sources $javascript $typescript |
    report "line over 100"
# shellcheck disable=SC2086
wc -l $sources $scripts $javascript $typescript | awk '$2 != "total" && $1 > 1000 {
    print $2 ":1: file over 1000 lines: " $1 }' >>"$found"
# shellcheck disable=SC2086
grep -nP '\t' $sources /dev/null | report "a tab; indent with 4 spaces"
# shellcheck disable=SC2086
grep -nE ' +$' $sources /dev/null | report "space at the end of the line"

# Calls that have a safer form.
banned() {
    grep -E "(^|[^A-Za-z0-9_.>])($1) *\(" "$code" | grep -v '^[^:]*:[0-9]*:#' |
        report "banned call, use $2"
}
banned 'strcpy|strcat|stpcpy|strncpy|strncat' 'struct buf or arena_strdup() style copies'
banned 'sprintf|vsprintf' 'buf_printf() or snprintf()'
banned 'gets|scanf|sscanf|fscanf' 'fgets() and a parser with an error'
banned 'atoi|atol|atoll|atof|strtod|strtof|strtold' 'decimal_parse(), or strtoll() with its checks'
banned 'system|popen' 'posix_spawn() or uv_spawn()'
banned 'strtok|asctime|ctime|gmtime|localtime' 'the reentrant form, or base/clock.h'
banned 'rand|srand|random|srandom' 'randombytes_buf(), or a seeded generator of the caller'
banned 'alloca' 'the arena'

# Money is never floating point.
grep -E '^src/(model|bets|settle|store)/' "$code" |
    grep -E '(^|[^A-Za-z0-9_])(float|double|long double)([^A-Za-z0-9_]|$)' |
    report "floating point beside money, use integers or GMP"

# Which directories a directory may include, besides its own, base and tbl.
direction() {
    grep -E "^src/$1/[^:]*:[0-9]+: *# *include \"" "$code" |
        grep -vE "include \"($1|base|tbl${2:+|$2})/" |
        grep -vE 'include "(sql/|build/(web/|version\.h))' |
        report "$1 may not include this"
}
direction base ''
direction tbl ''
direction model ''
direction net ''
direction api 'model|net'
direction bus 'model'
direction topic 'model|bus|trace'
direction store 'model'
direction trace 'net'
direction feed 'model|bus|net|store|topic|api'
direction odds 'model|bus|store|topic'
direction desk 'model|bus|feed|net|store|api'
direction who 'model|store|net|api'
direction house 'model|bus|store|net|api'
direction bets 'model|bus|store|net|trace|who|house|api'
direction risk 'model|bus|store|net|api'
direction analytics 'model|bus|store|net|topic|api'
direction settle 'model|bus|store|net|analytics|trace|topic|api'
direction web 'model|bus|net|api'
direction archive 'model|store'
direction fanout 'web|net|bus|model|feed|api'
direction edge 'model|net|edge|api'
direction serve 'model|bus|topic|feed|odds|desk|who|house|bets|risk|analytics|settle|web|trace|net|store|api'
grep -E '^src/model/' "$code" |
    grep -E 'include <(uv|sys/|pthread|time|sqlite3|libpq)' | report "model is pure"
grep -E 'http_parser\.h' "$code" | grep -vE '^src/net/http' |
    report "http-parser is known to net/http alone"
grep -E 'sqlite3\.h|libpq-fe\.h' "$code" | grep -E '^src/' |
    grep -vE '^src/store/' | report "SQL lives in store"

# The book has one writer.
scripts/lint_book.sh "$code" >>"$found"

# Migrations that a process of the release before lives with.  The first six
# came before there was a release.
# shellcheck disable=SC2046
scripts/lint_sql.sh $(printf '%s\n' sql/*/*.sql | grep -vE '/000[1-6]_') >>"$found"

# What must not stay, and what is true on one machine only.
marker='TO''DO|FIX''ME|XX''X|HA''CK'
# shellcheck disable=SC2086
grep -nE "\b($marker)\b" $texts /dev/null 2>/dev/null | report "left-over marker"
# shellcheck disable=SC2086
grep -nF -e "$(dirname "$PWD")/" $texts /dev/null 2>/dev/null | report "path of this machine"
# shellcheck disable=SC2086
grep -nE '/(home|root|Users)/[a-z]' $texts /dev/null 2>/dev/null | report "path of a machine"

# Both compilers, with the Makefile's warnings.
objects() {
    # shellcheck disable=SC2001,SC2086
    for file in $sources; do
        case $file in
        *.h) continue ;;
        tests/fuzz/*) [ "$1" = clang ] || continue ;;
        esac
        echo "$build/$1/${file%.c}.o"
    done
}
compile() { # NAME VARIANT COMPILER
    local log=$build/$1.log
    mkdir -p "$build"
    # shellcheck disable=SC2046
    if ! make --no-print-directory -k -j2 VARIANT="$2" CC="$3" OUT="$build/$1" \
        $(objects "$1") >"$log" 2>&1; then
        grep -E '(error|warning):' "$log" | sort -u | sed "s/^/$3: /" >>"$found"
        grep -qE '(error|warning):' "$log" || tail -5 "$log" >>"$found"
    fi
}
compile gcc release gcc
compile clang clang clang-14

# Which file calls which, as the linker sees it; where documents lead.
node scripts/lint_links.js "$build/gcc" >>"$found"
node scripts/lint_docs.js >>"$found"
node scripts/lint_words.js >>"$found"

# Checks where money is: in a thousand lines of code forty.
for part in who bets house settle store model archive; do
    awk -F: -v part="src/$part/" -v least=40 '
        index($1, part) == 1 && $1 ~ /\.c$/ {
            lines++
            if ($0 ~ /[^A-Z_](CHECK|CHECK_DEAR)\(/) checks++
        }
        END {
            if (checks * 1000 < least * lines)
                print part ":1: " checks " checks in " lines " lines, fewer than " least " in 1000"
        }' "$code" >>"$found"
done

# The analysers; what they found nothing in is not asked again until it changes.
analysed=""
for file in $sources; do
    case $file in
    src/*.c) analysed="$analysed $build/analysed/${file%.c}.ok" ;;
    esac
done
# shellcheck disable=SC2086
make --no-print-directory -k -j2 VARIANT=release OUT="$build/gcc" $analysed \
    >"$build/analysed.log" 2>&1 ||
    grep -E '(error|warning):' "$build/analysed.log" | sort -u >>"$found"
mkdir -p "$build/cppcheck"
cppcheck -q -j2 --std=c17 --enable=warning,performance,portability --include=scripts/lint_cppcheck.h \
    --cppcheck-build-dir="$build/cppcheck" --suppressions-list=scripts/lint_cppcheck.txt \
    --template='{file}:{line}: cppcheck {id}: {message}' --template-location='' \
    -Isrc -I. src 2>>"$found"

# The pages' types.
if make --no-print-directory build/web/pages.h >"$build/web.log" 2>&1; then
    (cd web && node_modules/.bin/tsc --noEmit --pretty false) |
        sed -nE 's|^([^(]+)\(([0-9]+),[0-9]+\): |web/\1:\2: |p' >>"$found"
else
    tail -5 "$build/web.log" >>"$found"
fi

# The pages, the tests and the scripts: what is wrong though it compiles.
eslint=scripts/eslint
if [ ! $eslint/node_modules/.installed -ot $eslint/package-lock.json ] ||
    scripts/npm_ci.sh $eslint >"$build/eslint.log" 2>&1; then
    $eslint/node_modules/.bin/eslint -c $eslint/eslint.config.mjs -f "$PWD/$eslint/format.mjs" \
        web tests bench scripts 2>&1 | grep . >>"$found"
else
    tail -5 "$build/eslint.log" >>"$found"
fi

# shellcheck disable=SC2086
shellcheck -x -S warning -f gcc $scripts >>"$found"
for file in $javascript; do
    node --check "$file" 2>>"$found"
done

count=$(wc -l <"$found")
cat "$found"
if [ "$count" -gt 0 ]; then
    echo "lint: $count found"
    exit 1
fi
# shellcheck disable=SC2086
echo "lint: $(wc -l $sources | tail -1 | awk '{print $1}') lines of C are clean"
