#!/bin/bash
# `make lint`: the book has one writer.  Reads a file of file:line:code, as lint.sh
# writes it, and prints the lines in which other files set a member of an event, a market,
# an outcome, a producer or the book's lists, or cast away the const that prevents it.
# First it tests itself on lines that it must find and lines that it must not.
set -u

writers='^src/model/book_(write|write_desk|memory)\.c:'
fields='status|match_status|odds_e4|fed_e4|active|listed|favourite|version|own_version|order'
fields+='|n_markets|n_events|n_outcomes|n_closed|n_producers|n_proposals|markets|last|outcomes|room'
fields+='|list|table|next|stopped_ts|heard_ts|heard_ms|start_ms|fixture|has_status|producer|told'
fields+='|rank|up|down_at|up_at|restarted_at|renamed_at|silence|live_by_ms|position|desk_sport'
path='(?:[a-z_0-9.\[\]]|->)*?'
# Not what an apply carries, nor the change that it returns, nor a mirror's own state.
arrow='(?<!\bapply)(?<!\bchange)->(?!image\.)'
after="$arrow$path\\b(?:$fields)(?:\\[[^\\]]*\\])? *(?:[-+*|&^]?=(?!=)|\\+\\+|--)"
before="(?:\\+\\+|--)[a-z_]+$arrow$path\\b(?:$fields)\\b(?!->|\\.|\\[)"
types='event|market|outcome|event_entry|market_entry|desk_setting|desk_price|desk_factor'
types+='|desk_proposal|proposal_entry|book_producer|book_heard'

find_all() { # FILE
    grep -E '^src/model/book[a-z_]*\.c:' "$1" | grep -vE "$writers" | grep -P "$after|$before" |
        sed -E 's|^([^:]+:[0-9]+):(.*)$|\1: book_write.c alone sets this:\2|'
    grep -E '^src/' "$1" | grep -vE "$writers" | grep -E "\\(struct ($types) \\*\\) *[(a-z&]" |
        sed -E 's|^([^:]+:[0-9]+):(.*)$|\1: a cast that takes const away from the book:\2|'
}

try=$(mktemp)
trap 'rm -f "$try"' EXIT
must='
src/model/book_feed.c:1:    market->status = MARKET_ACTIVE;
src/model/book_feed.c:2:    market->outcomes[i].odds_e4 = 0;
src/model/book_mirror.c:3:    apply->shard->position = 7;
src/model/book_mirror.c:4:    entry->event.version |= 1;
src/model/book_desk.c:5:    event->n_markets++;
src/model/book.c:6:    --book->n_events;
src/model/book_forget.c:7:    book->list[i]->order = order;
src/model/book_find.c:8:    ((struct market_entry *)market)->rank = 1;
src/web/event_json.c:9:    struct market *own = (struct market *)(uintptr_t)market;'
must_not='
src/model/book_write.c:1:    own->status = status;
src/model/book_find.c:2:    if (market->status == MARKET_ACTIVE)
src/model/book_find.c:3:    bool closed = market->status <= MARKET_SETTLED;
src/model/book_mirror.c:4:    change->markets = apply->shard->changed;
src/model/book_mirror.c:5:    shard->image.position = shard->position;
src/model/book_desk_settings.c:6:    next.version = apply->position;
src/model/book_desk.c:7:        .producer = message->producer,
src/store/sqlite.c:8:    row->status = status;'
for lines in "$must" "$must_not"; do
    echo "${lines#?}" >"$try"
    expected=$([ "$lines" = "$must" ] && wc -l <"$try" || echo 0)
    [ "$(find_all "$try" | sed 's|: .*||' | sort -u | wc -l)" -eq "$expected" ] ||
        echo "scripts/lint_book.sh:1: does not find what it must, or more: see its lines"
done

find_all "$1"
