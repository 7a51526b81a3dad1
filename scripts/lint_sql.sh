#!/bin/bash
# Migrations expand in one release and contract one later (docs/design/store.md,
# "Migrations"): prints file:line: fault for each statement that would break a
# process of the former release.
#
#   scripts/lint_sql.sh FILE…
#
# A file that contracts names the release that stopped using what it removes,
#   -- contracts: unused since 0.10.0
# and keeps older programs from starting: it sets meta's 'schema_oldest' to the
# schema version that came with that release.
set -eu

for file in "$@"; do
    marked=$(grep -cE '^-- contracts: unused since [0-9]+\.[0-9]+\.[0-9]+$' "$file" || true)
    if [ "$marked" -gt 0 ]; then
        grep -q "'schema_oldest'" "$file" ||
            echo "$file:1: it contracts and does not set schema_oldest"
        continue
    fi
    awk -v file="$file" '
    function look(text, line) {
        text = toupper(text)
        gsub(/[ \t]+/, " ", text)
        upper = text
        if (text ~ /DROP (TABLE|COLUMN|TYPE|FUNCTION|TRIGGER|VIEW)/ ||
            (text ~ /ALTER TABLE/ && text ~ /DROP [A-Z_]+( |$)/ &&
             text !~ /DROP (CONSTRAINT|DEFAULT|NOT NULL|EXPRESSION|IDENTITY)/))
            say(line, "takes something away")
        if (text ~ / RENAME /) say(line, "renames")
        if (text ~ /ALTER (COLUMN )?[A-Z_0-9"]+ (SET DATA )?TYPE /) say(line, "changes a type")
        if (text ~ /SET NOT NULL/) say(line, "SET NOT NULL refuses what the release before writes")
        if (text ~ /ALTER TABLE/ && text ~ /ADD (CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY|EXCLUDE)/)
            say(line, "a constraint refuses what the release before writes")
        if (match(text, /CREATE TABLE [A-Z_0-9]+/))
            fresh[substr(text, RSTART + 13, RLENGTH - 13)] = 1
        if (match(text, /CREATE UNIQUE INDEX .* ON [A-Z_0-9]+/) &&
            !(last_word(RSTART, RLENGTH) in fresh))
            say(line, "a unique index refuses what the release before writes")
        if (text ~ /ALTER TABLE/) {
            n = split(text, parts, / ADD (COLUMN )?/)
            for (i = 2; i <= n; i++)
                if (parts[i] ~ /NOT NULL/ && parts[i] !~ /DEFAULT|GENERATED/)
                    say(line, "a new column NOT NULL needs a DEFAULT")
        }
    }
    function last_word(start, length_, words, n) {
        n = split(substr(upper, start, length_), words, " ")
        return words[n]
    }
    function say(line, what) {
        print file ":" line ": " what "; expand now, contract a release later"
    }
    { sub(/--.*/, "") }
    /[^ \t]/ && statement == "" { first = FNR }
    {
        rest = $0
        while ((at = index(rest, ";")) > 0) {
            look(statement " " substr(rest, 1, at - 1), first)
            rest = substr(rest, at + 1)
            statement = ""
            first = FNR
        }
        if (statement != "" || rest ~ /[^ \t]/) statement = statement " " rest
    }
    END { look(statement, first) }' "$file"
done
