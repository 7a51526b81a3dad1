/*
 * Sessions: who sends this request.
 *
 *   tokens: text -> seen      verified once, then found by its bytes
 *   epochs: account -> known  what the store said, and when
 *
 * A token is good while it is not expired and its epoch is the account's.
 * Placement leaves the epoch to its statement; reads compare it with what was
 * known at most 60 s ago (rule 15), or ask where other processes take requests,
 * too.  Epochs only grow, so a token older than the known epoch is over at once,
 * for everything.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "bets/inside.h"
#include "net/answer.h"

#define EPOCH_LIVES_US (60 * INT64_C(1000000))
#define PAGE_DEFAULT 50

struct seen {
    int64_t expires_ms;
    struct session session;
    struct seen *next;   /* the next younger */
    size_t bytes;
    char text[TOKEN_BYTES_MAX];
};

struct known {
    int64_t account, epoch, at_us;
    struct known *next;  /* the next younger */
};

struct sessions {
    struct map tokens, epochs;
    struct seen *seen, **seen_last;    /* oldest first: who gives way */
    struct known *known, **known_last;
};

struct sessions *sessions_new(void)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    CHECK(sessions != NULL);
    map_init(&sessions->tokens, LIMIT_SESSIONS);
    map_init(&sessions->epochs, LIMIT_ACCOUNT_CACHE);
    sessions->seen_last = &sessions->seen;
    sessions->known_last = &sessions->known;
    return sessions;
}

void sessions_free(struct sessions *sessions)
{
    struct seen *seen;
    struct known *known;

    if (sessions == NULL)
        return;
    while ((seen = sessions->seen) != NULL) {
        sessions->seen = seen->next;
        free(seen);
    }
    while ((known = sessions->known) != NULL) {
        sessions->known = known->next;
        free(known);
    }
    map_fini(&sessions->tokens);
    map_fini(&sessions->epochs);
    free(sessions);
}

static struct str bearer(const struct http_request *request)
{
    static const char scheme[] = "Bearer ";
    struct str value = http_header(request, "Authorization");

    if (value.n < sizeof(scheme) || strncasecmp(value.p, scheme, sizeof(scheme) - 1) != 0)
        return STR_NONE;
    value.p += sizeof(scheme) - 1;
    value.n -= sizeof(scheme) - 1;
    while (value.n > 0 && *value.p == ' ') {
        value.p++;
        value.n--;
    }
    return value;
}

/* Room for one more: new, or the oldest one's. */
static struct seen *seen_take(struct sessions *sessions)
{
    struct seen *seen = sessions->seen;

    if (seen == NULL || sessions->tokens.n < LIMIT_SESSIONS) {
        seen = malloc(sizeof(*seen));
        CHECK(seen != NULL);
        return seen;
    }
    sessions->seen = seen->next;
    if (sessions->seen == NULL)
        sessions->seen_last = &sessions->seen;
    (void)map_del(&sessions->tokens, (struct str){ seen->text, seen->bytes });
    return seen;
}

static const struct seen *remember(struct sessions *sessions, struct str text,
                                   const struct token *token,
                                   const struct currency *currency)
{
    struct seen *seen = seen_take(sessions);

    CHECK(text.n <= sizeof(seen->text));
    memcpy(seen->text, text.p, text.n);
    seen->bytes = text.n;
    seen->expires_ms = token->expires_ms;
    seen->session = (struct session){ token->customer, token->epoch, currency };
    seen->next = NULL;
    *sessions->seen_last = seen;
    sessions->seen_last = &seen->next;
    CHECK(map_put(&sessions->tokens, (struct str){ seen->text, seen->bytes }, seen));
    return seen;
}

static const struct seen *verify(struct bets *bets, struct str text, int64_t now_ms)
{
    const struct currency *currency;
    struct token token;

    if (!token_verify(bets->keys, text, now_ms, &token))
        return NULL;
    currency = currency_find(str_of(token.currency));
    if (currency == NULL)
        return NULL;
    return remember(bets->sessions, text, &token, currency);
}

static const struct known *known_epoch(const struct bets *bets, int64_t account)
{
    return map_get(&bets->sessions->epochs, MAP_KEY(&account));
}

bool session_known_epoch(const struct bets *bets, int64_t account, int64_t *epoch,
                         int64_t *at_us)
{
    const struct known *known = known_epoch(bets, account);

    if (known == NULL)
        return false;
    *epoch = known->epoch;
    *at_us = known->at_us;
    return true;
}

bool session_of(struct bets *bets, struct http_request *request, int64_t now_ms,
                struct session *session)
{
    struct str text = bearer(request);
    const struct seen *seen;
    const struct known *known;

    if (text.n == 0 || text.n > TOKEN_BYTES_MAX)
        return false;
    seen = map_get(&bets->sessions->tokens, text);
    if (seen == NULL)
        seen = verify(bets, text, now_ms);
    if (seen == NULL || seen->expires_ms <= now_ms)
        return false;
    known = known_epoch(bets, seen->session.account);
    if (known != NULL && known->epoch > seen->session.epoch)
        return false;
    *session = seen->session;
    return true;
}

struct str session_start(struct bets *bets, const struct session *session,
                         int64_t now_ms, struct arena *arena, int64_t *expires_ms)
{
    struct token token = {
        .customer = session->account,
        .epoch = session->epoch,
        .expires_ms = now_ms + bets->options.config->session_s * 1000,
    };

    memcpy(token.currency, session->currency->code, 3);
    *expires_ms = token.expires_ms;
    return token_sign(bets->keys, &token, arena);
}

static struct known *known_take(struct sessions *sessions)
{
    struct known *known = sessions->known;

    if (known == NULL || sessions->epochs.n < LIMIT_ACCOUNT_CACHE) {
        known = malloc(sizeof(*known));
        CHECK(known != NULL);
        return known;
    }
    sessions->known = known->next;
    if (sessions->known == NULL)
        sessions->known_last = &sessions->known;
    CHECK(map_del(&sessions->epochs, MAP_KEY(&known->account)) == known);
    return known;
}

void session_learn_epoch(struct bets *bets, int64_t account, int64_t epoch, int64_t now_us)
{
    struct sessions *sessions = bets->sessions;
    struct known *known = map_get(&sessions->epochs, MAP_KEY(&account));

    if (known != NULL) {
        /* A read that began before a log-out may answer after it. */
        if (epoch >= known->epoch) {
            known->epoch = epoch;
            known->at_us = now_us;
        }
        return;
    }
    known = known_take(sessions);
    *known = (struct known){ account, epoch, now_us, NULL };
    *sessions->known_last = known;
    sessions->known_last = &known->next;
    CHECK(map_put(&sessions->epochs, MAP_KEY(&known->account), known));
}

void session_drop(struct bets *bets, const struct http_request *request)
{
    struct str text = bearer(request);
    struct seen *seen = text.n == 0 ? NULL : map_get(&bets->sessions->tokens, text);

    /* It keeps its place in the line of those who give way. */
    if (seen != NULL)
        seen->expires_ms = 0;
}

/* ---- reads -------------------------------------------------------------- */

void reader_json(struct reader *reader, int status, struct str body)
{
    reader->bets->working--;
    answer_json(reader->request, status, body);
}

void reader_empty(struct reader *reader, int status)
{
    reader->bets->working--;
    answer_empty(reader->request, status);
}

void reader_refuse(struct reader *reader, enum refusal refusal, struct str detail)
{
    reader->bets->working--;
    answer_refusal(reader->request, refusal,
                   detail.n > 0 ? detail : bets_sentence(refusal), STR_NONE);
}

void reader_refuse_with(struct reader *reader, enum refusal refusal, struct str members)
{
    reader->bets->working--;
    answer_refusal(reader->request, refusal, bets_sentence(refusal), members);
}

static void on_rows(struct store_exec *exec, enum store_result result)
{
    struct reader *reader = exec->ctx;

    if (result != STORE_OK)
        reader_refuse(reader, REFUSE_BUSY, STR("The ledger cannot be read now."));
    else
        reader->rows(reader);
}

void reader_exec(struct reader *reader, struct statement_call call,
                 void (*rows)(struct reader *reader))
{
    reader_exec_all(reader, &call, 1, rows);
}

void reader_exec_all(struct reader *reader, const struct statement_call *calls, uint32_t n,
                     void (*rows)(struct reader *reader))
{
    CHECK(n >= 1 && n <= LENGTH(reader->exec.calls));
    if (!store_is_up(reader->bets->options.store)) {
        reader_refuse(reader, REFUSE_BUSY, STR("The ledger cannot be read now."));
        return;
    }
    reader->rows = rows;
    reader->exec = (struct store_exec){ .n = n, .arena = &reader->request->arena,
                                        .on_done = on_rows, .ctx = reader };
    memcpy(reader->exec.calls, calls, n * sizeof(*calls));
    store_exec(reader->bets->options.store, &reader->exec);
}

static void on_account(struct reader *reader)
{
    const struct store_exec *exec = &reader->exec;
    int64_t epoch;

    if (exec->rows == 0) {
        reader_refuse(reader, REFUSE_UNAUTHORIZED, STR_NONE);
        return;
    }
    epoch = EXEC_CELL(exec, 0, 5).i;
    session_learn_epoch(reader->bets, reader->session.account, epoch, clock_mono_us());
    if (epoch != reader->session.epoch) {
        session_drop(reader->bets, reader->request);
        reader_refuse(reader, REFUSE_UNAUTHORIZED, STR("The session is over."));
        return;
    }
    reader->then(reader);
}

void reader_start(struct bets *bets, struct http_request *request, bool fresh,
                  void *own, void (*then)(struct reader *reader))
{
    struct reader *reader = ARENA_NEW(&request->arena, struct reader);
    const struct known *known;

    *reader = (struct reader){ .bets = bets, .request = request, .then = then, .own = own };
    bets->working++;
    if (!session_of(bets, request, clock_wall_ms(), &reader->session)) {
        reader_refuse(reader, REFUSE_UNAUTHORIZED, STR_NONE);
        return;
    }
    known = known_epoch(bets, reader->session.account);
    /* Another process may have ended it since. */
    if (!fresh && !bets->options.shared && known != NULL
        && known->epoch == reader->session.epoch
        && clock_mono_us() - known->at_us < EPOCH_LIVES_US) {
        then(reader);
        return;
    }
    reader_exec(reader,
                (struct statement_call){ STATEMENT_ACCOUNT_GET,
                                         { VALUE_INT(reader->session.account) } },
                on_account);
}

bool id_read(struct str text, int64_t *id)
{
    return decimal_parse(text, 0, INT64_MAX, id) == DECIMAL_OK && *id > 0
        && memchr(text.p, '.', text.n) == NULL;
}

bool page_read(struct http_request *request, struct str *after, int64_t *limit,
               struct str *error)
{
    struct str text = http_query(request, "limit");

    *after = http_query(request, "after");
    *limit = PAGE_DEFAULT;
    if (text.p == NULL || (id_read(text, limit) && *limit <= LIMIT_PAGE_ROWS))
        return true;
    *error = arena_printf(&request->arena, "limit must be 1 to %d", LIMIT_PAGE_ROWS);
    return false;
}
