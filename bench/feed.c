/*
 * The feed's claim: UOF bytes to an updated book, selections a second on one
 * core, against expat alone on the same bytes.
 *
 * Some 20 MB of odds_change messages in the shape of the published samples
 * (score, clock, periods, statistics, probabilities): 400 events, 40 markets
 * each.  A message lists all markets of its event in their order, or, three
 * times in four, about half of them.  Both sides keep one parser and reset
 * it for each message; they alternate five times and medians are told.  Time
 * is the process's CPU time: one thread that never waits.
 */
#include <expat.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "feed/uof.h"
#include "model/book.h"

#define EVENTS 400
#define MARKETS 40
#define BYTES_AIM (20 * 1024 * 1024)
#define MESSAGES_MAX 8192
#define ROUNDS 5

struct load {
    struct buf bytes;
    size_t ends[MESSAGES_MAX]; /* offset after each message */
    unsigned n_messages;
    uint64_t selections;
    uint64_t random;
};

/* SplitMix64: the same bytes in every run. */
static uint64_t draw(struct load *load, uint64_t below)
{
    uint64_t z = (load->random += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

static void write_outcome(struct load *load, int id)
{
    buf_printf(&load->bytes,
               "      <outcome id=\"%d\" odds=\"%u.%02u\" probabilities=\"0.%06u\" "
               "active=\"1\"/>\n",
               id, 1 + (unsigned)draw(load, 9), 1 + (unsigned)draw(load, 99),
               (unsigned)draw(load, 1000000));
    load->selections++;
}

/* 1x2, then totals and Asian handicaps by line, as a match has them. */
static void write_market(struct load *load, unsigned i)
{
    static const int sides[3][3] = { { 1, 2, 3 }, { 12, 13, 0 }, { 1714, 1715, 0 } };
    unsigned kind = i % 5 == 0 ? 0 : 1 + i % 2;

    if (kind == 0)
        buf_printf(&load->bytes,
                   "    <market favourite=\"1\" status=\"1\" cashout_status=\"1\" id=\"%u\" "
                   "specifiers=\"goalnr=%u\">\n",
                   1 + i, i / 5 + 1);
    else
        buf_printf(&load->bytes,
                   "    <market favourite=\"1\" status=\"1\" cashout_status=\"1\" id=\"%u\" "
                   "specifiers=\"%s=%u.5\">\n",
                   kind == 1 ? 18u : 16u, kind == 1 ? "total" : "hcp", i / 2);
    for (unsigned k = 0; k < 3 && sides[kind][k] != 0; k++)
        write_outcome(load, sides[kind][k]);
    buf_str(&load->bytes, STR("    </market>\n"));
}

static void write_message(struct load *load, unsigned event, int64_t timestamp)
{
    bool whole = timestamp < EVENTS || draw(load, 4) == 0;

    buf_printf(&load->bytes,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<odds_change product=\"1\" event_id=\"sr:match:%u\" timestamp=\"%" PRId64 "\" "
               "odds_change_reason=\"1\">\n"
               "  <sport_event_status status=\"1\" reporting=\"1\" match_status=\"7\" "
               "home_score=\"%u\" away_score=\"%u\">\n"
               "    <clock match_time=\"%u:%02u\" stopped=\"false\"/>\n"
               "    <period_scores>\n"
               "      <period_score match_status_code=\"6\" number=\"1\" home_score=\"1\" "
               "away_score=\"0\"/>\n"
               "    </period_scores>\n"
               "    <statistics>\n      <corners home=\"6\" away=\"4\"/>\n    </statistics>\n"
               "  </sport_event_status>\n  <odds betting_status=\"1\">\n",
               40000000 + event, 1653576646190 + timestamp, (unsigned)draw(load, 4),
               (unsigned)draw(load, 4), (unsigned)draw(load, 90), (unsigned)draw(load, 60));
    for (unsigned i = 0; i < MARKETS; i++)
        if (whole || draw(load, 2) == 0)
            write_market(load, i);
    buf_str(&load->bytes, STR("  </odds>\n</odds_change>\n"));
}

static void load_write(struct load *load)
{
    buf_init(&load->bytes, 2 * (size_t)BYTES_AIM);
    while (load->bytes.n < BYTES_AIM) {
        unsigned i = load->n_messages;

        CHECK(i < MESSAGES_MAX);
        write_message(load, i < EVENTS ? i : (unsigned)draw(load, EVENTS), i);
        load->ends[load->n_messages++] = load->bytes.n;
    }
    CHECK(!load->bytes.overflow);
}

static struct str load_message(const struct load *load, unsigned i)
{
    size_t from = i == 0 ? 0 : load->ends[i - 1];

    return (struct str){ load->bytes.p + from, load->ends[i] - from };
}

static int64_t cpu_us(void)
{
    struct timespec at;

    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at) == 0);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void on_start(void *ctx UNUSED, const XML_Char *name UNUSED,
                     const XML_Char **attributes UNUSED)
{
}

static void on_end(void *ctx UNUSED, const XML_Char *name UNUSED)
{
}

static int64_t run_expat(const struct load *load)
{
    XML_Parser expat = XML_ParserCreate(NULL);
    int64_t start = cpu_us();

    CHECK(expat != NULL);
    for (unsigned i = 0; i < load->n_messages; i++) {
        struct str bytes = load_message(load, i);

        CHECK(XML_ParserReset(expat, NULL) == XML_TRUE);
        XML_SetElementHandler(expat, on_start, on_end);
        CHECK(XML_Parse(expat, bytes.p, (int)bytes.n, XML_TRUE) == XML_STATUS_OK);
    }
    start = cpu_us() - start;
    XML_ParserFree(expat);
    return start;
}

static int64_t run_ours(const struct load *load)
{
    struct uof_parser *parser = uof_parser_new();
    struct book *book = book_new();
    struct arena arena;
    struct message message;
    struct uof_error error;
    struct book_change change;
    int64_t start = cpu_us();

    arena_init(&arena, 32 * 1024 * 1024);
    for (unsigned i = 0; i < load->n_messages; i++) {
        CHECK(uof_parse(parser, load_message(load, i), false, &arena, &message, &error));
        CHECK(book_apply(book, &message, i + 1, &change) == BOOK_OK);
        arena_reset(&arena);
    }
    start = cpu_us() - start;
    CHECK(book_counts(book).events == EVENTS);
    CHECK(book_counts(book).markets == EVENTS * MARKETS);
    arena_fini(&arena);
    book_free(book);
    uof_parser_free(parser);
    return start;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static double median_rate(int64_t *us, uint64_t selections)
{
    qsort(us, ROUNDS, sizeof(*us), by_value);
    return (double)selections * 1e6 / (double)us[ROUNDS / 2];
}

int main(void)
{
    static struct load load;
    int64_t ours_us[ROUNDS], expat_us[ROUNDS];
    double ours, peer;

    load_write(&load);
    for (unsigned i = 0; i < ROUNDS; i++) {
        expat_us[i] = run_expat(&load);
        ours_us[i] = run_ours(&load);
    }
    ours = median_rate(ours_us, load.selections);
    peer = median_rate(expat_us, load.selections);
    printf("feed: uof to book  %.0f selections/s | expat alone %.0f selections/s | ratio %.2f\n",
           ours, peer, ours / peer);
    buf_fini(&load.bytes);
    return 0;
}
