/*
 * Faults: see faults.h.
 */
#include "feed/faults.h"

#include "base/text.h"
#include "feed/script.h"

#define HELD_BYTES_MAX (1024 * 1024)
#define SECONDS_MAX 1000000
#define PRODUCER_MAX 1000
#define RESTART_SAID_MS 100 /* "not subscribed" still gets through */

void faults_init(struct faults *faults, const struct faults_options *options,
                 bool (*emit)(void *ctx, struct str message), void *ctx)
{
    *faults = (struct faults){
        .options = *options, .dice = options->seed ^ 0x5bf03635u, .emit = emit, .ctx = ctx,
    };
    buf_init(&faults->held, HELD_BYTES_MAX);
}

void faults_fini(struct faults *faults)
{
    buf_fini(&faults->held);
}

static bool is_silent(const struct faults *faults, int64_t at_ms, int producer)
{
    const struct faults_options *options = &faults->options;

    for (unsigned i = 0; i < options->n_silent; i++) {
        const struct faults_silence *silence = &options->silent[i];

        if (silence->producer == producer && at_ms >= silence->at_ms &&
            at_ms < silence->at_ms + silence->for_ms)
            return true;
    }
    return options->restart_ms > 0 && at_ms > options->restart_ms + RESTART_SAID_MS &&
           at_ms < options->restart_ms + FAULTS_RESTART_MS;
}

static bool is_lost_snapshot(struct faults *faults, int producer, enum faults_kind kind)
{
    uint64_t bit = (uint64_t)1 << (producer & 63);

    if (kind != FAULTS_SNAPSHOT || !faults->options.drop_snapshot ||
        (faults->dropped & bit) != 0)
        return false;
    faults->dropped |= bit;
    return true;
}

/* One roll for each question, whether it is asked or not: the same seed
 * deals the same to the same messages. */
static bool happens(struct faults *faults, unsigned percent)
{
    return dice_unit(&faults->dice) * 100 < percent;
}

bool faults_flush(struct faults *faults)
{
    bool ok = faults->held.n == 0 || faults->emit(faults->ctx, buf_view(&faults->held));

    buf_reset(&faults->held);
    return ok;
}

bool faults_pass(struct faults *faults, int64_t at_ms, int producer, enum faults_kind kind,
                 struct str message)
{
    bool twice, late;

    if (is_silent(faults, at_ms, producer) || is_lost_snapshot(faults, producer, kind))
        return true;
    twice = kind == FAULTS_OTHER && happens(faults, faults->options.duplicate_pct);
    late = kind == FAULTS_OTHER && happens(faults, faults->options.reorder_pct);
    if (late && faults->held.n == 0) {
        buf_str(&faults->held, message);
        CHECK(!faults->held.overflow);
        return true;
    }
    if (!faults->emit(faults->ctx, message) || (twice && !faults->emit(faults->ctx, message)))
        return false;
    return faults_flush(faults);
}

static bool read_part(struct str *rest, int64_t most, int64_t *number)
{
    struct str part;

    return text_cut(rest, ':', &part) && text_number(part, most, number);
}

bool faults_silence_parse(const char *text, struct faults_silence *silence)
{
    struct str rest = str_of(text);
    int64_t producer, at_s, for_s;

    if (!read_part(&rest, PRODUCER_MAX, &producer) || !read_part(&rest, SECONDS_MAX, &at_s) ||
        !text_positive(rest, SECONDS_MAX, &for_s) || producer == 0)
        return false;
    *silence = (struct faults_silence){ (int)producer, at_s * 1000, for_s * 1000 };
    return true;
}
