/* What one partition publishes: see steps.h. */
#include "topic/steps.h"

#include <stdlib.h>

struct publish_step {
    struct publish_step *next;
    struct steps *steps;
    int64_t position, offset;
    uint32_t left;          /* records that wait or are not acknowledged */
    bool open, forgotten;
};

/* A record that Kafka did not take; its bytes follow it. */
struct waiting {
    struct waiting *next;
    struct publish_step *step;
    struct kafka_record record;
};

struct steps {
    struct steps_options options;
    struct publish_step *first, **end;
    struct publish_step *open;
    struct waiting *waiting, **waiting_end;
    size_t n_steps, n_waiting;
    size_t orphans;         /* steps that are forgotten, with records in flight */
};

struct steps *steps_new(const struct steps_options *options)
{
    struct steps *steps = calloc(1, sizeof(*steps));

    CHECK(steps != NULL);
    steps->options = *options;
    steps->end = &steps->first;
    steps->waiting_end = &steps->waiting;
    return steps;
}

void steps_free(struct steps *steps)
{
    if (steps == NULL)
        return;
    steps_forget(steps);
    CHECK(steps->orphans == 0);
    free(steps);
}

/* ---- steps ---------------------------------------------------------------- */

void steps_begin(struct steps *steps)
{
    struct publish_step *step = calloc(1, sizeof(*step));

    CHECK(step != NULL && steps->open == NULL);
    *step = (struct publish_step){ .steps = steps, .open = true };
    *steps->end = steps->open = step;
    steps->end = &step->next;
    steps->n_steps++;
}

/* Of steps that end together only the last is reported. */
static void finish(struct steps *steps)
{
    int64_t position = 0, offset = 0;
    bool any = false;

    while (steps->first != NULL && steps->first->left == 0 && !steps->first->open) {
        struct publish_step *step = steps->first;

        steps->first = step->next;
        if (steps->first == NULL)
            steps->end = &steps->first;
        steps->n_steps--;
        any = true;
        position = step->position;
        offset = step->offset > 0 ? step->offset : offset;
        free(step);
    }
    if (any)
        steps->options.on_acknowledged(steps->options.ctx, position, offset);
}

void steps_end(struct steps *steps, int64_t position, int64_t offset)
{
    CHECK(steps->open != NULL);
    steps->open->position = position;
    steps->open->offset = offset;
    steps->open->open = false;
    steps->open = NULL;
    finish(steps);
}

static void release(struct publish_step *step)
{
    CHECK(step->left > 0);
    if (--step->left == 0 && step->forgotten) {
        step->steps->orphans--;
        free(step);
    }
}

static void on_done(void *ctx, bool sent)
{
    struct publish_step *step = ctx;
    struct steps *steps = step->steps;

    if (step->forgotten) {
        release(step);
        return;
    }
    if (!sent) {
        steps->options.on_given_up(steps->options.ctx);
        CHECK(step->forgotten);
        release(step);
        return;
    }
    release(step);
    finish(steps);
    steps_resend(steps);
}

/* ---- records ---------------------------------------------------------------- */

static void keep(struct steps *steps, struct publish_step *step, const struct kafka_record *record)
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
    *steps->waiting_end = waiting;
    steps->waiting_end = &waiting->next;
    steps->n_waiting++;
}

void steps_send(struct steps *steps, const struct kafka_record *record)
{
    struct kafka_record copy = *record;

    CHECK(steps->open != NULL);
    copy.on_done = on_done;
    copy.ctx = steps->open;
    steps->open->left++;
    if (steps->waiting != NULL || !kafka_send(steps->options.kafka, &copy))
        keep(steps, steps->open, &copy);
}

void steps_send_loose(struct steps *steps, const struct kafka_record *record)
{
    if (steps->waiting == NULL)
        (void)!kafka_send(steps->options.kafka, record);
}

static struct waiting *shift(struct steps *steps)
{
    struct waiting *waiting = steps->waiting;

    steps->waiting = waiting->next;
    if (steps->waiting == NULL)
        steps->waiting_end = &steps->waiting;
    steps->n_waiting--;
    return waiting;
}

void steps_resend(struct steps *steps)
{
    while (steps->waiting != NULL && kafka_send(steps->options.kafka, &steps->waiting->record))
        free(shift(steps));
}

void steps_forget(struct steps *steps)
{
    struct publish_step *step = steps->first, *next;

    for (struct publish_step *each = step; each != NULL; each = each->next) {
        each->forgotten = true;
        steps->orphans++;
        each->left++; /* until what waits has let go of it */
    }
    while (steps->waiting != NULL) {
        struct waiting *waiting = shift(steps);

        release(waiting->step);
        free(waiting);
    }
    steps->first = steps->open = NULL;
    steps->end = &steps->first;
    steps->n_steps = 0;
    for (; step != NULL; step = next) {
        next = step->next;
        release(step);
    }
}

size_t steps_waiting(const struct steps *steps)
{
    return steps->n_waiting + steps->n_steps;
}
