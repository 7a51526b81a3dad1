/*
 * Any bytes as a season's CSV.  Whatever comes: no crash, an error says what
 * is lacking, and every message made from a row is one that our own feed
 * takes.
 */
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"
#include "feed/replay.h"
#include "feed/uof.h"

#define ARENA_BYTES (64 * 1024 * 1024)
#define MESSAGE_BYTES (1024 * 1024)
#define INPUT_BYTES_MAX (64 * 1024)
#define MATCHES_MAX 20 /* of one input: the rest is more of the same */
#define NOW_MS 1795462088000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_taken(struct buf *xml)
{
    static struct uof_parser *parser; /* kept, as the server keeps it */
    struct message message;
    struct uof_error error;
    struct arena arena;

    if (parser == NULL)
        parser = uof_parser_new();
    CHECK(!xml->overflow);
    arena_init(&arena, LIMIT_REQUEST_ARENA_BYTES);
    CHECK(uof_parse(parser, buf_view(xml), false, &arena, &message, &error));
    CHECK(message.unknown == 0);
    arena_fini(&arena);
    buf_reset(xml);
}

static void play(const struct replay *replay, const struct replay_match *match,
                 struct buf *xml)
{
    static const enum replay_moment moments[] = {
        REPLAY_KICK_OFF, REPLAY_HALF_TIME, REPLAY_ENDED,
    };

    replay_fixture(xml, replay, match, NOW_MS, NOW_MS);
    is_taken(xml);
    if (replay_odds(xml, match, NOW_MS))
        is_taken(xml);
    buf_reset(xml);
    replay_stop(xml, match, NOW_MS);
    is_taken(xml);
    for (size_t i = 0; match->played && i < LENGTH(moments); i++) {
        replay_score(xml, match, moments[i], NOW_MS);
        is_taken(xml);
    }
    if (replay_settlement(xml, match, NOW_MS))
        is_taken(xml);
    buf_reset(xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size }, error = STR_NONE;
    struct replay replay;
    struct arena arena;
    struct buf xml;

    if (size > INPUT_BYTES_MAX)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    buf_init(&xml, MESSAGE_BYTES);
    if (replay_read(&replay, STR("season.csv"), text, &arena, &error)) {
        for (unsigned i = 0; i < replay.n && i < MATCHES_MAX; i++)
            play(&replay, &replay.matches[i], &xml);
    } else {
        CHECK(error.n > 0);
    }
    buf_fini(&xml);
    arena_fini(&arena);
    return 0;
}
