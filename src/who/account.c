/*
 * Accounts: register, log in, log out everywhere.
 *
 * Passwords are hashed by Argon2id on libuv's threads, behind a queue with a
 * limit: the loop never waits for one.  A log-in with an unknown email takes
 * as long as one with a wrong password, and says the same.
 */
#include <time.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/log.h"
#include "who/inside.h"

#define PASSWORD_BYTES_MIN 8
#define PASSWORD_BYTES_MAX 128
#define EMAIL_BYTES_MAX 254
#define EMAIL_LOCAL_MAX 64
#define AGE_MIN 18
#define MEMBERS_BYTES 256
#define MAGIC 0x61636374 /* "acct" */
#define FIRST_EPOCH 1 /* of a new account, as in the schema */

struct visit {
    uint32_t magic;                  /* it comes back through void * */
    struct who *who;
    struct http_request *request;
    struct session session;
    struct where where;
    struct str email, country, born; /* in the arena */
    struct str password;
    char hash[crypto_pwhash_STRBYTES];
    bool matches;                    /* log-in: the password is that of the hash */
    bool found;                      /* log-in: the email is known */
    uv_work_t work;
    void (*work_done)(struct visit *visit);
    struct store_exec exec;
};

/* Whose rate of registrations and log-ins it is. */
static struct str client_of(const struct visit *visit)
{
    return where_client(visit->who, visit->request);
}

static void refuse_with(struct visit *visit, enum refusal refusal, struct str detail,
                        struct str members)
{
    struct who *who = visit->who;
    struct http_request *request = visit->request;
    int status = refusal_info(refusal)->status;

    buf_reset(&who->scratch);
    answer_refusal_body(&who->scratch, refusal,
                        detail.n > 0 ? detail : refusal_sentence(refusal), members);
    who_end(who);
    answer_label(request, refusal);
    refuse_respond(who, request, status == 429 ? client_of(visit) : STR_NONE, status,
                   "application/problem+json", buf_view(&who->scratch));
}

static void refuse(struct visit *visit, enum refusal refusal, struct str detail)
{
    refuse_with(visit, refusal, detail, STR_NONE);
}

/* Nobody registers from there. */
static void refuse_where(struct visit *visit)
{
    struct buf members;

    if (visit->where.is_stale) { /* a clock of the house's */
        refuse(visit, REFUSE_BUSY, STR_NONE);
        return;
    }
    CHECK(visit->where.refusal != REFUSE_NOTHING);
    buf_init(&members, MEMBERS_BYTES);
    where_write_refused(&members, &visit->where);
    refuse_with(visit, visit->where.refusal, STR_NONE, buf_view(&members));
    buf_fini(&members);
}

static void malformed(struct visit *visit, const char *sentence)
{
    refuse(visit, REFUSE_MALFORMED, str_of(sentence));
}

/* 201 {customer, token, expires_at, country, betting, experiments}. */
static void answer_session(struct visit *visit)
{
    struct who *who = visit->who;
    struct buf *out = &who->scratch;
    struct jw w = jw_to(out);
    int64_t expires_ms;
    struct str token = session_start(who, &visit->session, clock_wall_ms(),
                                     &visit->request->arena, &expires_ms);

    buf_reset(out);
    CHECK(visit->session.account > 0 && visit->session.epoch >= FIRST_EPOCH);
    CHECK(expires_ms > 0 && token.n <= TOKEN_BYTES_MAX);
    jw_object(&w);
    jw_key(&w, "customer");
    jw_id(&w, visit->session.account);
    jw_key(&w, "token");
    jw_str(&w, token);
    jw_key(&w, "expires_at");
    jw_time(&w, expires_ms);
    where_write_session(&w, &visit->where);
    arms_write(who, &visit->session, &w);
    jw_object_end(&w);
    who_end(who);
    answer_json(visit->request, 201, buf_view(out));
}

/* ---- hashing ------------------------------------------------------------ */

static bool hash_password(const struct who *who, struct str password,
                          char hash[crypto_pwhash_STRBYTES])
{
    const struct config *config = who->options.config;

    return crypto_pwhash_str(hash, password.p, password.n,
                             (unsigned long long)config->password_passes,
                             (size_t)config->password_kib * 1024) == 0;
}

void account_prepare(struct who *who)
{
    /* Empty when the memory was not there: then nothing matches it either. */
    if (!hash_password(who, STR("nobody has this one"), who->no_password)) {
        who->no_password[0] = '\0';
        log_error("account", "passwords cannot be hashed", "kib=%lld",
                  (long long)who->options.config->password_kib);
    }
}

static void work_hash(uv_work_t *work)
{
    struct visit *visit = work->data;

    CHECK(visit->magic == MAGIC);
    visit->matches = hash_password(visit->who, visit->password, visit->hash);
}

static void work_verify(uv_work_t *work)
{
    struct visit *visit = work->data;

    CHECK(visit->magic == MAGIC);
    visit->matches = crypto_pwhash_str_verify(visit->hash, visit->password.p,
                                              visit->password.n) == 0;
}

static void on_worked(uv_work_t *work, int status)
{
    struct visit *visit = work->data;

    CHECK(visit->magic == MAGIC);
    CHECK(status == 0);
    CHECK(visit->who->hashing > 0);
    visit->who->hashing--;
    visit->work_done(visit);
}

static void start_work(struct visit *visit, uv_work_cb run, void (*done)(struct visit *))
{
    struct who *who = visit->who;

    CHECK(who->hashing <= LIMIT_HASH_QUEUE);
    CHECK(visit->password.n <= PASSWORD_BYTES_MAX);
    if (who->hashing >= LIMIT_HASH_QUEUE) {
        refuse(visit, REFUSE_BUSY, STR("Too many log-ins at once."));
        return;
    }
    visit->work.data = visit;
    visit->work_done = done;
    CHECK(uv_queue_work(who->options.loop, &visit->work, run, on_worked) == 0);
    who->hashing++;
}

/* ---- what people write --------------------------------------------------- */

/* Lower case, or p = NULL.  Says what cannot be an address, no more: only a
 * letter to it proves that it is one. */
static struct str read_email(struct str text, struct arena *arena)
{
    struct str email = arena_str(arena, text);
    char *at = NULL, *p = (char *)(uintptr_t)email.p;
    bool dot = false;

    if (email.n < 3 || email.n > EMAIL_BYTES_MAX)
        return STR_NONE;
    for (size_t i = 0; i < email.n; i++) {
        if (p[i] <= ' ' || p[i] > '~' || (p[i] == '@' && at != NULL))
            return STR_NONE;
        if (p[i] == '@')
            at = &p[i];
        else if (p[i] == '.' && at != NULL)
            dot = true;
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] - 'A' + 'a');
    }
    if (at == NULL || at == p || at - p > EMAIL_LOCAL_MAX || !dot || at[1] == '.'
        || p[email.n - 1] == '.' || p[email.n - 1] == '@')
        return STR_NONE;
    return email;
}

static bool is_password(struct str password)
{
    return password.n >= PASSWORD_BYTES_MIN && password.n <= PASSWORD_BYTES_MAX;
}

/* Whole years on the day of now_ms, UTC. */
static int age_at(int year, int month, int day, int64_t now_ms)
{
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;

    CHECK(gmtime_r(&now, &tm) != NULL);
    CHECK(month >= 1 && month <= 12 && day >= 1);
    return tm.tm_year + 1900 - year
        - (tm.tm_mon + 1 < month || (tm.tm_mon + 1 == month && tm.tm_mday < day));
}

static bool has_rate(struct visit *visit)
{
    return who_has_rate(visit->who, visit->request, client_of(visit));
}

static struct visit *visit_new(struct who *who, struct http_request *request)
{
    struct visit *visit = ARENA_NEW(&request->arena, struct visit);

    visit->magic = MAGIC;
    visit->who = who;
    visit->request = request;
    visit->where = where_read(who, request, clock_wall_ms());
    who_begin(who);
    return visit;
}

/* ---- register ------------------------------------------------------------ */

static void on_registered(struct store_exec *exec, enum store_result result)
{
    struct visit *visit = exec->ctx;

    CHECK(visit->magic == MAGIC);
    switch (result) {
    case STORE_OK:
        answer_session(visit);
        return;
    case STORE_REJECTED:
        refuse(visit, REFUSE_ALREADY_EXISTS, STR("Log in, or take another email."));
        return;
    case STORE_UNAVAILABLE:
    case STORE_UNKNOWN: /* whoever tries again hears already_exists, and logs in */
        refuse(visit, REFUSE_BUSY, STR_NONE);
        return;
    }
    check_failed(__FILE__, __LINE__, "a result of the store");
}

static void on_new_hash(struct visit *visit)
{
    struct who *who = visit->who;
    int64_t now_ms = clock_wall_ms();

    if (!visit->matches || !store_is_up(who->options.store)) {
        refuse(visit, REFUSE_BUSY, STR_NONE);
        return;
    }
    CHECK(visit->session.account == 0 && visit->session.currency != NULL);
    visit->session.account = ids_next(&who->ids, now_ms);
    visit->session.epoch = FIRST_EPOCH;
    visit->exec = (struct store_exec){
        .calls = {
            { STATEMENT_CUSTOMER_ADD,
              { VALUE_INT(visit->session.account), VALUE_STR(visit->email),
                VALUE_STR(str_of(visit->hash)), VALUE_STR(visit->country),
                VALUE_INT(now_ms), VALUE_STR(visit->born) } },
            { STATEMENT_ACCOUNT_ADD,
              { VALUE_INT(visit->session.account),
                VALUE_STR(str_of(visit->session.currency->code)) } },
            { STATEMENT_COUNTRY_SEEN,
              { VALUE_INT(visit->session.account), VALUE_STR(str_of(visit->where.country)),
                VALUE_INT(now_ms), VALUE_INT(1) } },
        },
        .n = visit->where.country[0] == '\0' ? 2 : 3, /* the last one only where it is known */
        .arena = &visit->request->arena,
        .on_done = on_registered,
        .ctx = visit,
    };
    store_exec(who->options.store, &visit->exec);
}

/* The ladder of a registration; false: answered. */
static bool check_registration(struct visit *visit, struct str email, struct str currency)
{
    int year, month, day;

    visit->email = read_email(email, &visit->request->arena);
    visit->session.currency = currency_find(currency);
    if (visit->email.p == NULL)
        malformed(visit, "email must be an address such as ann@example.com");
    else if (!is_password(visit->password))
        malformed(visit, "password must have 8 to 128 bytes");
    else if (visit->session.currency == NULL)
        malformed(visit, "currency must be an ISO 4217 code such as EUR");
    else if (!country_is_code(visit->country))
        malformed(visit, "country must be an ISO 3166 code such as MT");
    else if (!clock_parse_date(visit->born, &year, &month, &day))
        malformed(visit, "date_of_birth must be a day such as 1990-12-31");
    else if (visit->where.refusal != REFUSE_NOTHING)
        refuse_where(visit);
    else if (age_at(year, month, day, clock_wall_ms()) < AGE_MIN)
        refuse(visit, REFUSE_UNDERAGE, STR_NONE);
    else
        return true;
    return false;
}

void who_post_account(struct who *who, struct http_request *request)
{
    struct visit *visit = visit_new(who, request);
    struct arena *arena = &request->arena;
    struct str email, password, currency, country, born, error;
    const struct json_field fields[] = {
        { "email", JSON_KIND_STRING, true, &email },
        { "password", JSON_KIND_STRING, true, &password },
        { "currency", JSON_KIND_STRING, true, &currency },
        { "country", JSON_KIND_STRING, true, &country },
        { "date_of_birth", JSON_KIND_STRING, true, &born },
    };
    json_t *document = json_read(request->body, fields, LENGTH(fields), arena, &error);
    bool well;

    if (document == NULL) {
        refuse(visit, REFUSE_MALFORMED, error);
        return;
    }
    visit->password = arena_str(arena, password);
    visit->country = arena_str(arena, country);
    visit->born = arena_str(arena, born);
    well = check_registration(visit, email, currency);
    json_decref(document);
    if (!well)
        return;
    if (!has_rate(visit))
        refuse(visit, REFUSE_TOO_MANY_REQUESTS, STR_NONE);
    else
        start_work(visit, work_hash, on_new_hash);
}

/* ---- log in --------------------------------------------------------------- */

static void on_verified(struct visit *visit)
{
    CHECK(!visit->found || visit->session.account > 0);
    if (!visit->matches || !visit->found) {
        refuse(visit, REFUSE_WRONG_CREDENTIALS, STR_NONE);
        return;
    }
    where_note(visit->who, visit->session.account, &visit->where, clock_wall_ms());
    answer_session(visit);
}

static void on_customer(struct store_exec *exec, enum store_result result)
{
    struct visit *visit = exec->ctx;
    struct str hash = str_of(visit->who->no_password);

    CHECK(visit->magic == MAGIC);
    if (result != STORE_OK) {
        refuse(visit, REFUSE_BUSY, STR_NONE);
        return;
    }
    if (exec->rows > 0) {
        const struct value *row = &EXEC_CELL(exec, 0, 0);

        visit->found = true;
        hash = CELL_TEXT(row, CUSTOMER_BY_EMAIL_PASSWORD);
        visit->session = (struct session){
            CELL_INT(row, CUSTOMER_BY_EMAIL_ID), CELL_INT(row, CUSTOMER_BY_EMAIL_EPOCH),
            currency_find(CELL_TEXT(row, CUSTOMER_BY_EMAIL_CURRENCY)),
        };
        CHECK(visit->session.currency != NULL);
    }
    if (hash.n >= sizeof(visit->hash))
        hash.n = 0; /* not one of ours: nothing matches it */
    CHECK(hash.n < sizeof(visit->hash) && !visit->matches);
    memcpy(visit->hash, hash.p, hash.n);
    visit->hash[hash.n] = '\0';
    start_work(visit, work_verify, on_verified);
}

static void find_customer(struct visit *visit)
{
    visit->exec = (struct store_exec){
        .calls = { { STATEMENT_CUSTOMER_BY_EMAIL, { VALUE_STR(visit->email) } } },
        .n = 1,
        .arena = &visit->request->arena,
        .on_done = on_customer,
        .ctx = visit,
    };
    store_exec(visit->who->options.store, &visit->exec);
}

void who_post_session(struct who *who, struct http_request *request)
{
    struct visit *visit = visit_new(who, request);
    struct str email, password, error;
    const struct json_field fields[] = {
        { "email", JSON_KIND_STRING, true, &email },
        { "password", JSON_KIND_STRING, true, &password },
    };
    json_t *document = json_read(request->body, fields, LENGTH(fields), &request->arena,
                                 &error);

    if (document == NULL) {
        refuse(visit, REFUSE_MALFORMED, error);
        return;
    }
    visit->email = read_email(email, &request->arena);
    visit->password = arena_str(&request->arena, password);
    json_decref(document);
    if (!has_rate(visit))
        refuse(visit, REFUSE_TOO_MANY_REQUESTS, STR_NONE);
    else if (visit->email.p == NULL || !is_password(visit->password))
        refuse(visit, REFUSE_WRONG_CREDENTIALS, STR_NONE); /* nobody can have these */
    else if (!store_is_up(visit->who->options.store))
        refuse(visit, REFUSE_BUSY, STR_NONE);
    else
        find_customer(visit);
}

/* ---- log out everywhere --------------------------------------------------- */

static void on_raised(struct read_request *reader)
{
    if (reader->exec.rows > 0)
        session_learn_epoch(reader->who, reader->session.account,
                            EXEC_INT(&reader->exec, 0, EPOCH_RAISE_EPOCH), clock_mono_us());
    session_drop(reader->who, reader->request);
    reader_empty(reader, 204);
}

static void raise_epoch(struct read_request *reader)
{
    reader_exec(reader,
                (struct statement_call){ STATEMENT_EPOCH_RAISE,
                                         { VALUE_INT(reader->session.account) } },
                on_raised);
}

void who_delete_session(struct who *who, struct http_request *request)
{
    /* Fresh: a session that is over must not end the customer's new ones. */
    reader_start(who, request, true, NULL, raise_epoch);
}
