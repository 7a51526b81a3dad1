/* What is told of one partition: see told.h. */
#include "odds/told.h"

#include <stdlib.h>

struct step {
    struct step *next;
    struct told *told;
    int64_t position, offset;
    uint32_t left;          /* records that wait or are not acknowledged */
    bool open, forgotten;
};

/* A record that Kafka did not take; its bytes follow it. */
struct waiting {
    struct waiting *next;
    struct step *step;
    struct kafka_record record;
};

struct told {
    struct told_options options;
    struct step *first, **end;
    struct step *open;
    struct waiting *waiting, **waiting_end;
    size_t n_steps, n_waiting;
    size_t orphans;         /* steps that are forgotten, with records in flight */
};

struct told *told_new(const struct told_options *options)
{
    struct told *told = calloc(1, sizeof(*told));

    CHECK(told != NULL);
    told->options = *options;
    told->end = &told->first;
    told->waiting_end = &told->waiting;
    return told;
}

void told_free(struct told *told)
{
    if (told == NULL)
        return;
    told_forget(told);
    CHECK(told->orphans == 0);
    free(told);
}

/* ---- steps ---------------------------------------------------------------- */

void told_begin(struct told *told)
{
    struct step *step = calloc(1, sizeof(*step));

    CHECK(step != NULL && told->open == NULL);
    *step = (struct step){ .told = told, .open = true };
    *told->end = told->open = step;
    told->end = &step->next;
    told->n_steps++;
}

/* Of steps that ended together only the last is worth a word. */
static void finish(struct told *told)
{
    int64_t position = 0, offset = 0;
    bool any = false;

    while (told->first != NULL && told->first->left == 0 && !told->first->open) {
        struct step *step = told->first;

        told->first = step->next;
        if (told->first == NULL)
            told->end = &told->first;
        told->n_steps--;
        any = true;
        position = step->position;
        offset = step->offset > 0 ? step->offset : offset;
        free(step);
    }
    if (any)
        told->options.on_over(told->options.ctx, position, offset);
}

void told_end(struct told *told, int64_t position, int64_t offset)
{
    CHECK(told->open != NULL);
    told->open->position = position;
    told->open->offset = offset;
    told->open->open = false;
    told->open = NULL;
    finish(told);
}

static void release(struct step *step)
{
    CHECK(step->left > 0);
    if (--step->left == 0 && step->forgotten) {
        step->told->orphans--;
        free(step);
    }
}

static void on_done(void *ctx, bool sent)
{
    struct step *step = ctx;
    struct told *told = step->told;

    if (step->forgotten) {
        release(step);
        return;
    }
    if (!sent) {
        told->options.on_lost(told->options.ctx);
        CHECK(step->forgotten);
        release(step);
        return;
    }
    release(step);
    finish(told);
    told_push(told);
}

/* ---- records ---------------------------------------------------------------- */

static void keep(struct told *told, struct step *step, const struct kafka_record *record)
{
    struct waiting *waiting = malloc(sizeof(*waiting) + record->key.n + record->value.n);
    char *text;

    CHECK(waiting != NULL);
    text = (char *)(waiting + 1);
    *waiting = (struct waiting){ .step = step, .record = *record };
    if (record->key.n > 0)
        memcpy(text, record->key.p, record->key.n);
    if (record->value.n > 0)
        memcpy(text + record->key.n, record->value.p, record->value.n);
    waiting->record.key.p = text;
    waiting->record.value.p = text + record->key.n;
    *told->waiting_end = waiting;
    told->waiting_end = &waiting->next;
    told->n_waiting++;
}

void told_send(struct told *told, const struct kafka_record *record)
{
    struct kafka_record copy = *record;

    CHECK(told->open != NULL);
    copy.on_done = on_done;
    copy.ctx = told->open;
    told->open->left++;
    if (told->waiting != NULL || !kafka_send(told->options.kafka, &copy))
        keep(told, told->open, &copy);
}

void told_tick(struct told *told, const struct kafka_record *record)
{
    if (told->waiting == NULL)
        (void)!kafka_send(told->options.kafka, record);
}

static struct waiting *shift(struct told *told)
{
    struct waiting *waiting = told->waiting;

    told->waiting = waiting->next;
    if (told->waiting == NULL)
        told->waiting_end = &told->waiting;
    told->n_waiting--;
    return waiting;
}

void told_push(struct told *told)
{
    while (told->waiting != NULL && kafka_send(told->options.kafka, &told->waiting->record))
        free(shift(told));
}

void told_forget(struct told *told)
{
    struct step *step = told->first, *next;

    for (struct step *each = step; each != NULL; each = each->next) {
        each->forgotten = true;
        told->orphans++;
        each->left++; /* until what waits has let go of it */
    }
    while (told->waiting != NULL) {
        struct waiting *waiting = shift(told);

        release(waiting->step);
        free(waiting);
    }
    told->first = told->open = NULL;
    told->end = &told->first;
    told->n_steps = 0;
    for (; step != NULL; step = next) {
        next = step->next;
        release(step);
    }
}

size_t told_waiting(const struct told *told)
{
    return told->n_waiting + told->n_steps;
}
