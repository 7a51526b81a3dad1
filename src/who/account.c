/*
 * Accounts: register, log in, log out everywhere.
 *
 * Passwords are hashed by Argon2id on libuv's threads, behind a queue with a
 * limit: the loop never waits for one.  A log-in with an unknown email takes
 * as long as one with a wrong password, and says the same.
 */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "bets/inside.h"
#include "net/answer.h"

#define PASSWORD_BYTES_MIN 8
#define PASSWORD_BYTES_MAX 128
#define EMAIL_BYTES_MAX 254
#define EMAIL_LOCAL_MAX 64
#define AGE_MIN 18
#define FIRST_EPOCH 1 /* of a new account, as in the schema */

struct entry {
    struct bets *bets;
    struct http_request *request;
    struct session session;
    struct where where;
    struct str email, country, born; /* in the arena */
    struct str password;
    char hash[crypto_pwhash_STRBYTES];
    bool matches;                    /* log-in: the password is that of the hash */
    bool found;                      /* log-in: the email is known */
    uv_work_t work;
    void (*work_done)(struct entry *entry);
    struct store_exec exec;
};

/* Whose rate of registrations and log-ins it is. */
static struct str client_of(const struct entry *entry)
{
    return where_client(entry->bets, entry->request);
}

static void refuse_with(struct entry *entry, enum refusal refusal, struct str detail,
                        struct str members)
{
    struct bets *bets = entry->bets;
    struct http_request *request = entry->request;
    int status = refusal_info(refusal)->status;
    struct http_header headers[BETS_HEADERS];
    size_t n = bets_headers(bets->rates[request->rate],
                            status == 429 ? client_of(entry) : STR_NONE,
                            clock_mono_us(), status, &request->arena, headers);

    buf_reset(&bets->scratch);
    answer_refusal_body(&bets->scratch, refusal,
                        detail.n > 0 ? detail : bets_sentence(refusal), members);
    bets->working--;
    request->refused = refusal;
    http_respond(request, status, "application/problem+json", buf_view(&bets->scratch),
                 headers, n);
}

static void refuse(struct entry *entry, enum refusal refusal, struct str detail)
{
    refuse_with(entry, refusal, detail, STR_NONE);
}

/* Nobody registers from there. */
static void refuse_where(struct entry *entry)
{
    struct buf *members = &entry->bets->members;

    if (entry->where.is_stale) { /* a clock of the house's */
        refuse(entry, REFUSE_BUSY, STR_NONE);
        return;
    }
    buf_reset(members);
    where_write_refused(members, &entry->where);
    refuse_with(entry, entry->where.refusal, STR_NONE, buf_view(members));
}

static void malformed(struct entry *entry, const char *sentence)
{
    refuse(entry, REFUSE_MALFORMED, str_of(sentence));
}

/* 201 {customer, token, expires_at, country, betting, experiments}. */
static void answer_session(struct entry *entry)
{
    struct bets *bets = entry->bets;
    struct buf *out = &bets->scratch;
    struct jw w = jw_to(out);
    int64_t expires_ms;
    struct str token = session_start(bets, &entry->session, clock_wall_ms(),
                                     &entry->request->arena, &expires_ms);

    buf_reset(out);
    jw_object(&w);
    jw_key(&w, "customer");
    jw_id(&w, entry->session.account);
    jw_key(&w, "token");
    jw_str(&w, token);
    jw_key(&w, "expires_at");
    jw_time(&w, expires_ms);
    where_write_session(&w, &entry->where);
    arms_tell(bets, &entry->session, &w);
    jw_object_end(&w);
    bets->working--;
    answer_json(entry->request, 201, buf_view(out));
}

/* ---- hashing ------------------------------------------------------------ */

static bool hash_password(const struct bets *bets, struct str password,
                          char hash[crypto_pwhash_STRBYTES])
{
    const struct config *config = bets->options.config;

    return crypto_pwhash_str(hash, password.p, password.n,
                             (unsigned long long)config->password_passes,
                             (size_t)config->password_kib * 1024) == 0;
}

void account_prepare(struct bets *bets)
{
    /* Empty when the memory was not there: then nothing matches it either. */
    if (!hash_password(bets, STR("nobody has this one"), bets->no_password)) {
        bets->no_password[0] = '\0';
        log_error("account", "passwords cannot be hashed", "kib=%lld",
                  (long long)bets->options.config->password_kib);
    }
}

static void work_hash(uv_work_t *work)
{
    struct entry *entry = work->data;

    entry->matches = hash_password(entry->bets, entry->password, entry->hash);
}

static void work_verify(uv_work_t *work)
{
    struct entry *entry = work->data;

    entry->matches = crypto_pwhash_str_verify(entry->hash, entry->password.p,
                                              entry->password.n) == 0;
}

static void on_worked(uv_work_t *work, int status)
{
    struct entry *entry = work->data;

    CHECK(status == 0 && entry->bets->hashing > 0);
    entry->bets->hashing--;
    entry->work_done(entry);
}

static void start_work(struct entry *entry, uv_work_cb run, void (*done)(struct entry *))
{
    struct bets *bets = entry->bets;

    if (bets->hashing >= LIMIT_HASH_QUEUE) {
        refuse(entry, REFUSE_BUSY, STR("Too many log-ins at once."));
        return;
    }
    entry->work.data = entry;
    entry->work_done = done;
    CHECK(uv_queue_work(bets->options.loop, &entry->work, run, on_worked) == 0);
    bets->hashing++;
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
    return tm.tm_year + 1900 - year
        - (tm.tm_mon + 1 < month || (tm.tm_mon + 1 == month && tm.tm_mday < day));
}

static bool has_rate(struct entry *entry)
{
    return rates_take(entry->bets->rates[entry->request->rate], client_of(entry),
                      clock_mono_us());
}

static struct entry *entry_new(struct bets *bets, struct http_request *request)
{
    struct entry *entry = ARENA_NEW(&request->arena, struct entry);

    entry->bets = bets;
    entry->request = request;
    entry->where = where_read(bets, request, clock_wall_ms());
    bets->working++;
    return entry;
}

/* ---- register ------------------------------------------------------------ */

static void on_registered(struct store_exec *exec, enum store_result result)
{
    struct entry *entry = exec->ctx;

    switch (result) {
    case STORE_OK:
        answer_session(entry);
        return;
    case STORE_REJECTED:
        refuse(entry, REFUSE_ALREADY_EXISTS, STR("Log in, or take another email."));
        return;
    case STORE_UNAVAILABLE:
    case STORE_UNKNOWN: /* whoever tries again hears already_exists, and logs in */
        refuse(entry, REFUSE_BUSY, STR_NONE);
        return;
    }
    check_failed(__FILE__, __LINE__, "a result of the store");
}

static void on_new_hash(struct entry *entry)
{
    struct bets *bets = entry->bets;
    int64_t now_ms = clock_wall_ms();

    if (!entry->matches || !store_is_up(bets->options.store)) {
        refuse(entry, REFUSE_BUSY, STR_NONE);
        return;
    }
    entry->session.account = bets_make_id(bets, now_ms);
    entry->session.epoch = FIRST_EPOCH;
    entry->exec = (struct store_exec){
        .calls = {
            { STATEMENT_CUSTOMER_ADD,
              { VALUE_INT(entry->session.account), VALUE_STR(entry->email),
                VALUE_STR(str_of(entry->hash)), VALUE_STR(entry->country),
                VALUE_INT(now_ms), VALUE_STR(entry->born) } },
            { STATEMENT_ACCOUNT_ADD,
              { VALUE_INT(entry->session.account),
                VALUE_STR(str_of(entry->session.currency->code)) } },
            { STATEMENT_COUNTRY_SEEN,
              { VALUE_INT(entry->session.account), VALUE_STR(str_of(entry->where.country)),
                VALUE_INT(now_ms), VALUE_INT(1) } },
        },
        .n = entry->where.country[0] == '\0' ? 2 : 3, /* the last one only where it is known */
        .arena = &entry->request->arena,
        .on_done = on_registered,
        .ctx = entry,
    };
    store_exec(bets->options.store, &entry->exec);
}

/* The ladder of a registration; false: answered. */
static bool check_registration(struct entry *entry, struct str email, struct str currency)
{
    int year, month, day;

    entry->email = read_email(email, &entry->request->arena);
    entry->session.currency = currency_find(currency);
    if (entry->email.p == NULL)
        malformed(entry, "email must be an address such as ann@example.com");
    else if (!is_password(entry->password))
        malformed(entry, "password must have 8 to 128 bytes");
    else if (entry->session.currency == NULL)
        malformed(entry, "currency must be an ISO 4217 code such as EUR");
    else if (!country_is_code(entry->country))
        malformed(entry, "country must be an ISO 3166 code such as MT");
    else if (!clock_parse_date(entry->born, &year, &month, &day))
        malformed(entry, "date_of_birth must be a day such as 1990-12-31");
    else if (entry->where.refusal != REFUSE_NOTHING)
        refuse_where(entry);
    else if (age_at(year, month, day, clock_wall_ms()) < AGE_MIN)
        refuse(entry, REFUSE_UNDERAGE, STR_NONE);
    else
        return true;
    return false;
}

void bets_post_account(void *ctx, struct http_request *request)
{
    struct entry *entry = entry_new(ctx, request);
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
        refuse(entry, REFUSE_MALFORMED, error);
        return;
    }
    entry->password = arena_str(arena, password);
    entry->country = arena_str(arena, country);
    entry->born = arena_str(arena, born);
    well = check_registration(entry, email, currency);
    json_decref(document);
    if (!well)
        return;
    if (!has_rate(entry))
        refuse(entry, REFUSE_TOO_MANY_REQUESTS, STR_NONE);
    else
        start_work(entry, work_hash, on_new_hash);
}

/* ---- log in --------------------------------------------------------------- */

static void on_verified(struct entry *entry)
{
    if (!entry->matches || !entry->found) {
        refuse(entry, REFUSE_WRONG_CREDENTIALS, STR_NONE);
        return;
    }
    where_note(entry->bets, entry->session.account, &entry->where, clock_wall_ms());
    answer_session(entry);
}

/* Columns of CUSTOMER_BY_EMAIL. */
enum { C_ID, C_PASSWORD, C_COUNTRY, C_EPOCH, C_CURRENCY };

static void on_customer(struct store_exec *exec, enum store_result result)
{
    struct entry *entry = exec->ctx;
    struct str hash = str_of(entry->bets->no_password);

    if (result != STORE_OK) {
        refuse(entry, REFUSE_BUSY, STR_NONE);
        return;
    }
    if (exec->rows > 0) {
        const struct value *row = &EXEC_CELL(exec, 0, 0);

        entry->found = true;
        hash = row[C_PASSWORD].s;
        entry->session = (struct session){ row[C_ID].i, row[C_EPOCH].i,
                                           currency_find(row[C_CURRENCY].s) };
        CHECK(entry->session.currency != NULL);
    }
    if (hash.n >= sizeof(entry->hash))
        hash.n = 0; /* not one of ours: nothing matches it */
    memcpy(entry->hash, hash.p, hash.n);
    entry->hash[hash.n] = '\0';
    start_work(entry, work_verify, on_verified);
}

static void find_customer(struct entry *entry)
{
    entry->exec = (struct store_exec){
        .calls = { { STATEMENT_CUSTOMER_BY_EMAIL, { VALUE_STR(entry->email) } } },
        .n = 1,
        .arena = &entry->request->arena,
        .on_done = on_customer,
        .ctx = entry,
    };
    store_exec(entry->bets->options.store, &entry->exec);
}

void bets_post_session(void *ctx, struct http_request *request)
{
    struct entry *entry = entry_new(ctx, request);
    struct str email, password, error;
    const struct json_field fields[] = {
        { "email", JSON_KIND_STRING, true, &email },
        { "password", JSON_KIND_STRING, true, &password },
    };
    json_t *document = json_read(request->body, fields, LENGTH(fields), &request->arena,
                                 &error);

    if (document == NULL) {
        refuse(entry, REFUSE_MALFORMED, error);
        return;
    }
    entry->email = read_email(email, &request->arena);
    entry->password = arena_str(&request->arena, password);
    json_decref(document);
    if (!has_rate(entry))
        refuse(entry, REFUSE_TOO_MANY_REQUESTS, STR_NONE);
    else if (entry->email.p == NULL || !is_password(entry->password))
        refuse(entry, REFUSE_WRONG_CREDENTIALS, STR_NONE); /* nobody can have these */
    else if (!store_is_up(entry->bets->options.store))
        refuse(entry, REFUSE_BUSY, STR_NONE);
    else
        find_customer(entry);
}

/* ---- log out everywhere --------------------------------------------------- */

static void on_raised(struct reader *reader)
{
    if (reader->exec.rows > 0)
        session_learn_epoch(reader->bets, reader->session.account,
                            EXEC_CELL(&reader->exec, 0, 0).i, clock_mono_us());
    session_drop(reader->bets, reader->request);
    reader_empty(reader, 204);
}

static void raise_epoch(struct reader *reader)
{
    reader_exec(reader,
                (struct statement_call){ STATEMENT_EPOCH_RAISE,
                                         { VALUE_INT(reader->session.account) } },
                on_raised);
}

void bets_delete_session(void *bets, struct http_request *request)
{
    /* Fresh: a session that is over must not end the customer's new ones. */
    reader_start(bets, request, true, NULL, raise_epoch);
}
