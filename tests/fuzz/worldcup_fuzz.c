/*
 * Any bytes as the World Cup's JSON and, behind a NUL, its bookings.
 * Whatever comes: no crash, an error says what is wrong, and what was read
 * can be played: every message is one that our own feed takes.
 */
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"
#include "feed/uof.h"
#include "feed/worldcup.h"

#define ARENA_BYTES (64 * 1024 * 1024)
#define INPUT_BYTES_MAX (64 * 1024)
#define NOW_MS 1795462088000
#define PLAYED_MAX 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_taken(void *ctx, struct str text)
{
    static struct uof_parser *parser; /* kept, as the server keeps it */
    struct message message;
    struct uof_error error;
    struct arena arena;

    (void)ctx;
    if (parser == NULL)
        parser = uof_parser_new();
    arena_init(&arena, LIMIT_REQUEST_ARENA_BYTES);
    CHECK(uof_parse(parser, text, false, &arena, &message, &error));
    CHECK(message.unknown == 0);
    arena_fini(&arena);
    return true;
}

/* Matches from 1900 to 2100 are one after another all the same. */
static void play(const struct worldcup *cup, struct arena *arena)
{
    struct sim_options options = {
        .seed = 1, .speed = 1000, .margin = SIM_MARGIN, .emit = is_taken,
    };
    struct sim_fixture *fixtures;
    struct sim *sim;
    int64_t at_ms;

    options.n_fixtures = worldcup_fixtures(cup, &(struct worldcup_choice){ .match = NULL },
                                           arena, &fixtures);
    options.n_fixtures = options.n_fixtures < PLAYED_MAX ? options.n_fixtures : PLAYED_MAX;
    options.fixtures = fixtures;
    sim = sim_new(&options, NOW_MS);
    CHECK(sim_begin(sim, NOW_MS));
    while (sim_next(sim, &at_ms))
        CHECK(sim_step(sim, NOW_MS + at_ms / 1000));
    sim_free(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *nul = size == 0 ? NULL : memchr(text, '\0', size);
    size_t n = nul == NULL ? size : (size_t)(nul - text);
    struct str error = STR_NONE;
    struct worldcup cup;
    struct arena arena;

    if (size > INPUT_BYTES_MAX)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    if (!worldcup_read(&cup, (struct str){ text, n }, 1, &arena, &error))
        CHECK(error.n > 0);
    else if (nul != NULL &&
             !worldcup_read_bookings(&cup, (struct str){ nul + 1, size - n - 1 }, &arena,
                                     &error))
        CHECK(error.n > 0);
    else
        play(&cup, &arena);
    arena_fini(&arena);
    return 0;
}
