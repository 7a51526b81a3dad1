/*
 * Experiments, for the customer's page: the arms go with every session, and
 * being told them is the exposure that reports count from.
 *
 * An exposure is written beside the answer, not before it: one that is lost
 * is written at the next visit, and the first one stands.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "who/inside.h"

#define MAGIC 0x6578706f /* "expo" */
#define ARENA_BYTES ((size_t)64 * 1024)

struct exposure_note {
    uint32_t magic;
    struct who *who;
    struct arena arena;
    struct store_exec exec;
};

static void on_written(struct store_exec *exec, enum store_result result)
{
    struct exposure_note *exposure = exec->ctx;

    CHECK(exposure->magic == MAGIC && exec == &exposure->exec);
    (void)result;
    exposure->magic = 0;
    who_end(exposure->who);
    arena_fini(&exposure->arena);
    free(exposure);
}

static void write_exposures(struct who *who, int64_t account, int64_t now_ms)
{
    const struct experiments *experiments = who->options.experiments;
    struct exposure_note *exposure = calloc(1, sizeof(*exposure));

    CHECK(exposure != NULL);
    CHECK(experiments->n <= LENGTH(exposure->exec.calls) && account > 0);
    exposure->magic = MAGIC;
    exposure->who = who;
    arena_init(&exposure->arena, ARENA_BYTES);
    for (uint32_t i = 0; i < experiments->n; i++) {
        const struct experiment *one = &experiments->list[i];

        exposure->exec.calls[i] = (struct statement_call){
            STATEMENT_EXPOSURE_ADD,
            { VALUE_STR(one->name), VALUE_INT(account), VALUE_INT(now_ms),
              VALUE_STR(experiment_arm_of(one, account)->name) },
        };
    }
    exposure->exec.n = experiments->n;
    exposure->exec.arena = &exposure->arena;
    exposure->exec.on_done = on_written;
    exposure->exec.ctx = exposure;
    who_begin(who);
    store_exec(who->options.store, &exposure->exec);
}

void arms_write(struct who *who, const struct session *session, struct jw *w)
{
    const struct experiments *experiments = who->options.experiments;
    int64_t now_ms = clock_wall_ms();

    CHECK(session->account > 0 && session->currency != NULL);
    jw_key(w, "experiments");
    if (experiments == NULL || experiments->n == 0) {
        jw_object(w);
        jw_object_end(w);
        return;
    }
    experiments_write(experiments, session->account, w);
    if (store_is_up(who->options.store))
        write_exposures(who, session->account, now_ms);
    if (who->options.on_exposed != NULL)
        who->options.on_exposed(who->options.exposed_ctx, session->account, session->currency,
                                 now_ms);
}

static void write_session(struct read_request *reader)
{
    struct buf *out = reader_out(reader);
    struct jw w = jw_to(out);
    struct where where = where_read(reader->who, reader->request, clock_wall_ms());

    jw_object(&w);
    jw_key(&w, "customer");
    jw_id(&w, reader->session.account);
    jw_key(&w, "currency");
    jw_str(&w, str_of(reader->session.currency->code));
    where_write_session(&w, &where);
    arms_write(reader->who, &reader->session, &w);
    jw_object_end(&w);
    reader_json(reader, 200, buf_view(out));
}

void who_get_session(struct who *who, struct http_request *request)
{
    reader_start(who, request, false, NULL, write_session);
}
