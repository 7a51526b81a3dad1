/*
 * Before the run: customers with money, and something to bet on.
 *
 * The state file keeps customers from one run to the next, one JSON object a
 * line, because registering pays for Argon2id:
 *
 *   {"customer":"17","email":"load-…@example.com","token":"…"}
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/load.h"
#include "model/money.h"

#define PASSWORD "load generator"
#define PATIENCE_US 60000000 /* without any progress */
#define PAUSE_MS 200         /* after "busy" or a lost connection */
#define LINE_BYTES 8192

/* ---- sweeps -------------------------------------------------------------- */

struct sweep_state {
    struct load *load;
    const struct load_sweep *sweep;
    uint32_t *queue;          /* a ring: to do, and to do again */
    uint32_t room, head, n;
    uint32_t left;            /* not done yet */
    int64_t pause_until_us, progress_us;
    int last_status;
    char last_why[200];
};

static void queue_put(struct sweep_state *s, uint32_t item)
{
    s->queue[(s->head + s->n++) % s->room] = item;
}

static bool sweep_next(void *ctx, struct buf *request, uint32_t *item)
{
    struct sweep_state *s = ctx;

    if (s->n == 0 || s->load->failed || clock_mono_us() < s->pause_until_us)
        return false;
    *item = s->queue[s->head];
    s->head = (s->head + 1) % s->room;
    s->n--;
    s->sweep->write(s->load, *item, request);
    return true;
}

static void sweep_answered(void *ctx, uint32_t item, int status, struct str body)
{
    struct sweep_state *s = ctx;

    if (s->load->failed)
        return;
    if (status != 0 && status != 429 && status != 503
        && s->sweep->take(s->load, item, status, body) == LOAD_DONE) {
        s->progress_us = clock_mono_us();
        s->left--;
        return;
    }
    s->last_status = status;
    (void)snprintf(s->last_why, sizeof(s->last_why), STR_FMT, STR_ARG(body));
    s->pause_until_us = clock_mono_us() + PAUSE_MS * 1000;
    queue_put(s, item);
}

static void on_sweep_tick(uv_timer_t *timer)
{
    struct sweep_state *s = timer->data;

    if (clock_mono_us() - s->progress_us > PATIENCE_US)
        load_fail(s->load, "cannot %s: %s (last status %d) at %s", s->sweep->what,
                  s->last_why[0] != '\0' ? s->last_why : "no connection",
                  s->last_status, s->load->options.url);
    load_pool_kick(s->load->pool);
}

void load_sweep_run(struct load *load, const struct load_sweep *sweep,
                    const uint32_t *items, uint32_t n)
{
    /* in the arena: an answer that is awaited no longer may still come */
    struct sweep_state *s = ARENA_NEW(&load->arena, struct sweep_state);
    uv_timer_t tick;

    if (n == 0 || load->failed)
        return;
    *s = (struct sweep_state){ .load = load, .sweep = sweep, .room = n, .left = n,
                               .progress_us = clock_mono_us() };
    s->queue = ARENA_ARRAY(&load->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++)
        queue_put(s, items == NULL ? i : items[i]);
    load_pool_source(load->pool, (struct load_source){ s, sweep_next, sweep_answered });
    CHECK(uv_timer_init(&load->loop, &tick) == 0);
    tick.data = s;
    CHECK(uv_timer_start(&tick, on_sweep_tick, 0, 50) == 0);
    while (!load->failed && s->left > 0)
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    (void)uv_run(&load->loop, UV_RUN_NOWAIT); /* tick is on this stack */
}

static void unexpected(struct load *load, const struct load_sweep *sweep, int status,
                       struct str body)
{
    load_fail(load, "cannot %s: %d %.300s", sweep->what, status,
              body.n == 0 ? "" : arena_cstr(&load->arena, body));
}

/* ---- the state file ------------------------------------------------------ */

static const char *text_of(struct load *load, json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? NULL : arena_cstr(&load->arena, str_of(text));
}

static void state_read(struct load *load)
{
    FILE *file;
    char *line;
    uint32_t n = 0;

    file = load->options.state == NULL ? NULL : fopen(load->options.state, "r");
    if (file == NULL)
        return;
    line = malloc(LINE_BYTES);
    CHECK(line != NULL);
    while (n < load->n_customers && fgets(line, LINE_BYTES, file) != NULL) {
        json_t *object = json_loads(line, 0, NULL);
        struct load_customer *customer = &load->customers[n];

        customer->id = text_of(load, object, "customer");
        customer->email = text_of(load, object, "email");
        customer->token = text_of(load, object, "token");
        if (customer->email != NULL)
            n++;
        json_decref(object);
    }
    free(line);
    (void)fclose(file);
}

static void state_write(struct load *load)
{
    const char *path = load->options.state;
    char *fresh;
    FILE *file;
    bool well = true;

    if (path == NULL || load->failed)
        return;
    fresh = (char *)(uintptr_t)arena_printf(&load->arena, "%s.new", path).p;
    file = fopen(fresh, "w");
    if (file == NULL) {
        load_fail(load, "cannot write the state file %s", fresh);
        return;
    }
    for (uint32_t i = 0; i < load->n_customers; i++) {
        const struct load_customer *customer = &load->customers[i];

        well = fprintf(file, "{\"customer\":\"%s\",\"email\":\"%s\",\"token\":\"%s\"}\n",
                       customer->id, customer->email, customer->token) > 0 && well;
    }
    well = fclose(file) == 0 && well;
    if (!well || rename(fresh, path) != 0)
        load_fail(load, "cannot write the state file %s", path);
}

/* ---- customers ----------------------------------------------------------- */

static void write_wallet(struct load *load, uint32_t item, struct buf *request)
{
    load_request(load, request, "GET", "/v1/wallet", load->customers[item].token, NULL,
                 STR_NONE);
}

static enum load_taken take_wallet(struct load *load, uint32_t item, int status,
                                   struct str body);
static const struct load_sweep wallets = { "read wallets", write_wallet, take_wallet };

static enum load_taken take_wallet(struct load *load, uint32_t item, int status,
                                   struct str body)
{
    struct load_customer *customer = &load->customers[item];

    if (status == 401)
        customer->token = NULL; /* run out, or another store */
    else if (status != 200
             || !load_amount(load_member(body, "balance"), &customer->balance_minor))
        unexpected(load, &wallets, status, body);
    return LOAD_DONE;
}

static void take_session(struct load *load, struct load_customer *customer,
                         struct str body)
{
    customer->id = arena_cstr(&load->arena, load_member(body, "customer"));
    customer->token = arena_cstr(&load->arena, load_member(body, "token"));
}

static void write_login(struct load *load, uint32_t item, struct buf *request)
{
    struct str body = arena_printf(&load->arena, "{\"email\":\"%s\",\"password\":\"%s\"}",
                                   load->customers[item].email, PASSWORD);

    load_request(load, request, "POST", "/v1/sessions", NULL, NULL, body);
}

static enum load_taken take_login(struct load *load, uint32_t item, int status,
                                  struct str body);
static const struct load_sweep logins = { "log in", write_login, take_login };

static enum load_taken take_login(struct load *load, uint32_t item, int status,
                                  struct str body)
{
    if (status == 201)
        take_session(load, &load->customers[item], body);
    else if (status == 401)
        load->customers[item].email = NULL; /* another store: register anew */
    else
        unexpected(load, &logins, status, body);
    return LOAD_DONE;
}

static void write_register(struct load *load, uint32_t item, struct buf *request)
{
    struct load_customer *customer = &load->customers[item];
    struct str body;

    if (customer->email == NULL)
        customer->email = arena_printf(&load->arena, "load-%s-%u@example.com",
                                       load->salt, item).p;
    body = arena_printf(&load->arena, "{\"email\":\"%s\",\"password\":\"%s\","
                        "\"currency\":\"EUR\",\"country\":\"DE\","
                        "\"date_of_birth\":\"1990-01-01\"}", customer->email, PASSWORD);
    load_request(load, request, "POST", "/v1/accounts", NULL, NULL, body);
}

static enum load_taken take_register(struct load *load, uint32_t item, int status,
                                     struct str body);
static const struct load_sweep registrations = {
    "register customers", write_register, take_register
};

static enum load_taken take_register(struct load *load, uint32_t item, int status,
                                     struct str body)
{
    struct load_customer *customer = &load->customers[item];

    if (status == 201) {
        take_session(load, customer, body);
        customer->balance_minor = 0;
    } else if (status == 409) {
        /* an earlier try got through although its answer did not */
        customer->email = arena_printf(&load->arena, "load-%s-%u-b@example.com",
                                       load->salt, item).p;
        return LOAD_AGAIN;
    } else {
        unexpected(load, &registrations, status, body);
    }
    return LOAD_DONE;
}

static void write_deposit(struct load *load, uint32_t item, struct buf *request)
{
    struct str key = arena_printf(&load->arena, "d-%s-%u", load->salt, item);
    struct str body = arena_printf(&load->arena, "{\"amount\":\"%s\"}",
                                   load->options.deposit);

    load_request(load, request, "POST", "/v1/wallet/deposits",
                 load->customers[item].token, key.p, body);
}

static enum load_taken take_deposit(struct load *load, uint32_t item, int status,
                                    struct str body);
static const struct load_sweep deposits = { "deposit", write_deposit, take_deposit };

static enum load_taken take_deposit(struct load *load, uint32_t item, int status,
                                    struct str body)
{
    if (status == 202)
        return LOAD_AGAIN;
    if (status != 201
        || !load_amount(load_member(body, "balance"), &load->customers[item].balance_minor))
        unexpected(load, &deposits, status, body);
    return LOAD_DONE;
}

/* ---- who needs what ------------------------------------------------------ */

enum need { NEED_WALLET, NEED_LOGIN, NEED_REGISTER, NEED_DEPOSIT };

static bool needs(const struct load *load, const struct load_customer *customer,
                  enum need need)
{
    switch (need) {
    case NEED_WALLET:
        return customer->token != NULL && customer->balance_minor == LOAD_UNKNOWN_BALANCE;
    case NEED_LOGIN:
        return customer->token == NULL && customer->email != NULL;
    case NEED_REGISTER:
        return customer->token == NULL;
    case NEED_DEPOSIT:
        return !load->options.deposits
            && customer->balance_minor < load->options.deposit_minor;
    }
    return false;
}

static void sweep_needs(struct load *load, enum need need, const struct load_sweep *sweep)
{
    uint32_t *items = calloc(load->n_customers, sizeof(*items)), n = 0;

    CHECK(items != NULL);
    for (uint32_t i = 0; i < load->n_customers; i++)
        if (needs(load, &load->customers[i], need))
            items[n++] = i;
    load_sweep_run(load, sweep, items, n);
    free(items);
}

void load_prepare(struct load *load)
{
    for (uint32_t i = 0; i < load->n_customers; i++)
        load->customers[i].balance_minor = LOAD_UNKNOWN_BALANCE;
    state_read(load);
    sweep_needs(load, NEED_WALLET, &wallets);
    sweep_needs(load, NEED_LOGIN, &logins);
    sweep_needs(load, NEED_REGISTER, &registrations);
    sweep_needs(load, NEED_WALLET, &wallets);
    state_write(load);
    sweep_needs(load, NEED_DEPOSIT, &deposits);
}

/* ---- selections ---------------------------------------------------------- */

static void write_list(struct load *load, uint32_t item, struct buf *request)
{
    (void)item;
    load_request(load, request, "GET", "/v1/events", NULL, NULL, STR_NONE);
}

static enum load_taken take_list(struct load *load, uint32_t item, int status,
                                 struct str body)
{
    json_t *document = json_loadb(body.p, body.n, 0, NULL), *event;
    size_t i;
    (void)item;

    if (status != 200 || document == NULL)
        load_fail(load, "cannot read /v1/events: %d", status);
    json_array_foreach(json_object_get(document, "events"), i, event) {
        const char *id = text_of(load, event, "id");

        if (id != NULL && load->n_events < LOAD_EVENTS)
            load->events[load->n_events++] = id;
    }
    json_decref(document);
    return LOAD_DONE;
}

static const struct load_sweep list = { "read /v1/events", write_list, take_list };

static void write_event(struct load *load, uint32_t item, struct buf *request)
{
    struct buf path;

    buf_init(&path, 1024);
    buf_str(&path, STR("/v1/events/"));
    for (const char *p = load->events[item]; *p != '\0'; p++) {
        if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z')
            || (*p >= 'a' && *p <= 'z') || strchr(":-_.", *p) != NULL)
            buf_char(&path, *p);
        else
            buf_printf(&path, "%%%02X", (unsigned)(unsigned char)*p);
    }
    buf_char(&path, '\0');
    load_request(load, request, "GET", path.p, NULL, NULL, STR_NONE);
    buf_fini(&path);
}

static void add_selection(struct load *load, const char *event, json_t *market,
                          json_t *outcome)
{
    json_t *active = json_object_get(outcome, "active"), *leg, *slip;
    const char *odds = json_string_value(json_object_get(outcome, "odds"));
    const char *specifiers = json_string_value(json_object_get(market, "specifiers"));
    char *text;

    if (load->n_selections == LOAD_SELECTIONS || odds == NULL || json_is_false(active))
        return;
    leg = json_pack("{ss, ss*, ss*, ss*, ss}", "event", event,
                    "market", json_string_value(json_object_get(market, "market")),
                    "specifiers", specifiers == NULL || specifiers[0] == '\0' ? NULL
                                                                              : specifiers,
                    "outcome", json_string_value(json_object_get(outcome, "outcome")),
                    "odds", odds);
    slip = json_pack("{ss, ss, ss, s[o]}", "stake", load->options.stake, "type", "single",
                     "accept", "any", "legs", leg);
    text = slip == NULL ? NULL : json_dumps(slip, JSON_COMPACT);
    if (text != NULL)
        load->selections[load->n_selections++] = arena_str(&load->arena, str_of(text));
    free(text);
    json_decref(slip);
}

static enum load_taken take_event(struct load *load, uint32_t item, int status,
                                  struct str body)
{
    json_t *document = status == 200 ? json_loadb(body.p, body.n, 0, NULL) : NULL;
    json_t *market, *outcome;
    size_t i, j;

    json_array_foreach(json_object_get(document, "markets"), i, market) {
        const char *state = json_string_value(json_object_get(market, "status"));

        if (state != NULL && strcmp(state, "active") != 0)
            continue;
        json_array_foreach(json_object_get(market, "outcomes"), j, outcome)
            add_selection(load, load->events[item], market, outcome);
    }
    json_decref(document);
    return LOAD_DONE;
}

static const struct load_sweep events = { "read events", write_event, take_event };

void load_find_selections(struct load *load)
{
    load->n_events = 0;
    load->n_selections = 0;
    load_sweep_run(load, &list, NULL, 1);
    load_sweep_run(load, &events, NULL, load->n_events);
}
