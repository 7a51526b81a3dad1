/* Requests that read: see reader.h. */
#include "who/reader.h"

#include "api/answer.h"
#include "base/clock.h"
#include "who/inside.h"

#define EPOCH_LIVES_US (60 * INT64_C(1000000))
#define PAGE_DEFAULT 50
#define MAGIC 0x72646572 /* "rder" */

/* The request is the caller's again only until it is answered: once. */
static void reader_end(struct read_request *reader)
{
    CHECK(reader->magic == MAGIC);
    reader->magic = 0;
    who_end(reader->who);
}

struct buf *reader_out(struct read_request *reader)
{
    CHECK(reader->magic == MAGIC);
    buf_reset(&reader->who->scratch);
    return &reader->who->scratch;
}

void reader_json(struct read_request *reader, int status, struct str body)
{
    reader_end(reader);
    answer_json(reader->request, status, body);
}

void reader_empty(struct read_request *reader, int status)
{
    reader_end(reader);
    answer_empty(reader->request, status);
}

void reader_refuse(struct read_request *reader, enum refusal refusal, struct str detail)
{
    reader_end(reader);
    answer_refusal(reader->request, refusal,
                   detail.n > 0 ? detail : refusal_sentence(refusal), STR_NONE);
}

void reader_refuse_with(struct read_request *reader, enum refusal refusal, struct str members)
{
    reader_end(reader);
    answer_refusal(reader->request, refusal, refusal_sentence(refusal), members);
}

static void on_rows(struct store_exec *exec, enum store_result result)
{
    struct read_request *reader = exec->ctx;

    CHECK(reader->magic == MAGIC && exec == &reader->exec);
    if (result != STORE_OK)
        reader_refuse(reader, REFUSE_BUSY, STR("The ledger cannot be read now."));
    else
        reader->rows(reader);
}

void reader_exec(struct read_request *reader, struct statement_call call,
                 void (*rows)(struct read_request *reader))
{
    reader_exec_all(reader, &call, 1, rows);
}

void reader_exec_all(struct read_request *reader, const struct statement_call *calls, uint32_t n,
                     void (*rows)(struct read_request *reader))
{
    CHECK(n >= 1 && n <= LENGTH(reader->exec.calls) && rows != NULL);
    CHECK(reader->magic == MAGIC);
    if (!store_is_up(reader->who->options.store)) {
        reader_refuse(reader, REFUSE_BUSY, STR("The ledger cannot be read now."));
        return;
    }
    reader->rows = rows;
    reader->exec = (struct store_exec){ .n = n, .arena = &reader->request->arena,
                                        .on_done = on_rows, .ctx = reader };
    memcpy(reader->exec.calls, calls, n * sizeof(*calls));
    store_exec(reader->who->options.store, &reader->exec);
}

static void on_account(struct read_request *reader)
{
    const struct store_exec *exec = &reader->exec;
    int64_t epoch;

    if (exec->rows == 0) {
        reader_refuse(reader, REFUSE_UNAUTHORIZED, STR_NONE);
        return;
    }
    epoch = EXEC_INT(exec, 0, ACCOUNT_GET_EPOCH);
    session_learn_epoch(reader->who, reader->session.account, epoch, clock_mono_us());
    CHECK(epoch > 0);
    if (epoch != reader->session.epoch) {
        session_drop(reader->who, reader->request);
        reader_refuse(reader, REFUSE_UNAUTHORIZED, STR("The session is over."));
        return;
    }
    reader->then(reader);
}

void reader_start(struct who *who, struct http_request *request, bool fresh,
                  void *own, void (*then)(struct read_request *reader))
{
    struct read_request *reader = ARENA_NEW(&request->arena, struct read_request);
    int64_t epoch, at_us;

    CHECK(then != NULL);
    *reader = (struct read_request){ .magic = MAGIC, .who = who, .request = request, .then = then,
                               .own = own };
    who_begin(who);
    if (!session_of(who, request, clock_wall_ms(), &reader->session)) {
        reader_refuse(reader, REFUSE_UNAUTHORIZED, STR_NONE);
        return;
    }
    /* Another process may have ended it since. */
    if (!fresh && !who->options.shared &&
        session_known_epoch(who, reader->session.account, &epoch, &at_us) &&
        epoch == reader->session.epoch && clock_mono_us() - at_us < EPOCH_LIVES_US) {
        then(reader);
        return;
    }
    reader_exec(reader,
                (struct statement_call){ STATEMENT_ACCOUNT_GET,
                                         { VALUE_INT(reader->session.account) } },
                on_account);
}

bool reader_id(struct str text, int64_t *id)
{
    return decimal_parse(text, 0, INT64_MAX, id) == DECIMAL_OK && *id > 0
        && memchr(text.p, '.', text.n) == NULL;
}

bool reader_page(struct http_request *request, struct str *after, int64_t *limit,
                 struct str *error)
{
    struct str text = http_query(request, "limit");

    *after = http_query(request, "after");
    *limit = PAGE_DEFAULT;
    if (text.p == NULL || (reader_id(text, limit) && *limit <= LIMIT_PAGE_ROWS))
        return true;
    *error = arena_printf(&request->arena, "limit must be 1 to %d", LIMIT_PAGE_ROWS);
    return false;
}
