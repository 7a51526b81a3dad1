/*
 * overround smoke --url URL --operator-url URL: one bet from the registration to
 * its payout, through the addresses that customers and the feed use.  For `helm
 * test`, and after any deployment.
 *
 * It works beside a live feed: its match is its own, and so is its producer
 * (99), which nobody else is and which has no address for recovery.  What
 * stays is a customer with 11.50 of play money, and a match that is over.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "net/http_client.h"
#include "net/edge_country.h"

#define PRODUCER 99
#define ADDRESS_MAX 46
#define ARENA_BYTES ((size_t)1024 * 1024)
#define PATIENCE_US INT64_C(60000000) /* for one step */
#define ALIVE_US INT64_C(2000000)
#define PAUSE_US 100000

struct smoke {
    const char *url, *bets_url, *operator_url, *token;
    const char *secret, *country, *address; /* as the edge; secret NULL or "": it is none */
    struct http_client *web, *bets, *feed;
    struct arena arena;
    struct buf answer;
    int64_t match, alive_us;
    const char *operator_header;
    char session[160], key[48], bet[80], signature[EDGE_COUNTRY_LINE];
    const char *step;
    int64_t since_us;
};

static bool fail(const struct smoke *smoke, const char *why)
{
    fprintf(stderr, "overround smoke: cannot %s: %s\n", smoke->step, why);
    return false;
}

/* Each step is said when it is done: the last line is where it stands. */
static void begin(struct smoke *smoke, const char *step)
{
    smoke->step = step;
    smoke->since_us = clock_mono_us();
}

static bool done(struct smoke *smoke)
{
    printf("%-20s %6lld ms\n", smoke->step,
           (long long)((clock_mono_us() - smoke->since_us) / 1000));
    (void)fflush(stdout);
    return true;
}

/* ---- one request ---------------------------------------------------------- */

/* What the edge would add: whatever --proxies is, the server finds the address. */
static size_t put_edge(struct smoke *smoke, const char **headers)
{
    edge_country_line(str_of(smoke->secret), smoke->country, str_of(smoke->address),
                      clock_wall_ms() / 1000, smoke->signature);
    headers[0] = smoke->signature;
    headers[1] = arena_printf(&smoke->arena, "X-Forwarded-For: %s, %s, %s, %s", smoke->address,
                              smoke->address, smoke->address, smoke->address).p;
    return 2;
}

/* 0: no answer.  Body NULL: none. */
static int send_request(struct smoke *smoke, struct http_client *client, const char *method,
                        const char *path, const char *body)
{
    bool is_feed = client == smoke->feed;
    const char *headers[4];
    size_t n = 0;
    int status = 0;

    if (!is_feed && smoke->secret != NULL && smoke->secret[0] != '\0')
        n = put_edge(smoke, headers);

    if (is_feed)
        headers[n++] = smoke->operator_header;
    if (!is_feed && smoke->session[0] != '\0')
        headers[n++] = smoke->session;
    if (!is_feed && smoke->key[0] != '\0')
        headers[n++] = smoke->key;
    if (!http_client_request(client, method, path, is_feed ? "application/xml" : "application/json",
                             body == NULL ? STR_NONE : str_of(body), headers, n, &status,
                             &smoke->answer))
        return 0;
    return status;
}

/* What the last answer was, for people. */
static const char *describe_answer(struct smoke *smoke, const struct http_client *client,
                                   int status)
{
    if (status == 0)
        return http_client_error(client);
    return arena_printf(&smoke->arena, "%d %.300s", status,
                        smoke->answer.n == 0 ? ""
                        : arena_cstr(&smoke->arena, buf_view(&smoke->answer))).p;
}

/* A member of the last answer, a text; "": it has none. */
static const char *member(struct smoke *smoke, const char *name)
{
    struct str answer = buf_view(&smoke->answer);
    json_t *document = json_loadb(answer.p, answer.n, 0, NULL);
    const char *text = json_string_value(json_object_get(document, name));
    const char *kept = text == NULL ? "" : arena_cstr(&smoke->arena, str_of(text));

    json_decref(document);
    return kept;
}

/* Again while nobody can answer: a process that is being replaced. */
static bool must(struct smoke *smoke, struct http_client *client, const char *method,
                 const char *path, const char *body, int wanted)
{
    for (;;) {
        int status = send_request(smoke, client, method, path, body);

        if (status == wanted)
            return true;
        if ((status != 0 && status != 202 && status != 503) ||
            clock_mono_us() - smoke->since_us > PATIENCE_US)
            return fail(smoke, describe_answer(smoke, client, status));
        (void)usleep(PAUSE_US);
    }
}

static void fresh_key(struct smoke *smoke)
{
    (void)snprintf(smoke->key, sizeof(smoke->key), "Idempotency-Key: smoke-%08x%08x",
                   randombytes_random(), randombytes_random());
}

/* ---- the feed ------------------------------------------------------------- */

static bool post_feed(struct smoke *smoke, const char *xml)
{
    return must(smoke, smoke->feed, "POST", "/v1/feed", xml, 202);
}

static bool post_alive(struct smoke *smoke, int subscribed)
{
    smoke->alive_us = clock_mono_us();
    return post_feed(smoke, arena_printf(&smoke->arena,
        "<alive product=\"%d\" timestamp=\"%lld\" subscribed=\"%d\"/>", PRODUCER,
        (long long)clock_wall_ms(), subscribed).p);
}

static bool post_odds(struct smoke *smoke)
{
    return post_feed(smoke, arena_printf(&smoke->arena,
        "<odds_change product=\"%d\" event_id=\"sr:match:%lld\" timestamp=\"%lld\"><odds>"
        "<market id=\"1\" status=\"1\"><outcome id=\"1\" odds=\"2.50\" active=\"1\"/>"
        "<outcome id=\"2\" odds=\"3.20\" active=\"1\"/>"
        "<outcome id=\"3\" odds=\"2.90\" active=\"1\"/></market></odds></odds_change>", PRODUCER,
        (long long)smoke->match, (long long)clock_wall_ms()).p);
}

/* The result, twice certain, and the match is over. */
static bool post_result(struct smoke *smoke)
{
    return post_feed(smoke, arena_printf(&smoke->arena,
        "<bet_settlement product=\"%d\" event_id=\"sr:match:%lld\" timestamp=\"%lld\""
        " certainty=\"2\"><outcomes><market id=\"1\"><outcome id=\"1\" result=\"1\"/>"
        "<outcome id=\"2\" result=\"0\"/><outcome id=\"3\" result=\"0\"/></market></outcomes>"
        "</bet_settlement>", PRODUCER, (long long)smoke->match,
        (long long)clock_wall_ms()).p) &&
        post_feed(smoke, arena_printf(&smoke->arena,
        "<odds_change product=\"%d\" event_id=\"sr:match:%lld\" timestamp=\"%lld\">"
        "<sport_event_status status=\"4\"/><odds><market id=\"1\" status=\"-3\"/></odds>"
        "</odds_change>", PRODUCER, (long long)smoke->match, (long long)clock_wall_ms()).p);
}

/* Between looks the producer lives on. */
static bool pause_alive(struct smoke *smoke)
{
    if (clock_mono_us() - smoke->since_us > PATIENCE_US)
        return false;
    (void)usleep(PAUSE_US);
    return clock_mono_us() - smoke->alive_us < ALIVE_US || post_alive(smoke, 1);
}

/* ---- steps ---------------------------------------------------------------- */

static bool register_customer(struct smoke *smoke)
{
    const char *body;

    begin(smoke, "register");
    body = arena_printf(&smoke->arena, "{\"email\":\"smoke-%08x%08x@example.com\",\"password\":"
                        "\"%08x%08x\",\"currency\":\"EUR\",\"country\":\"DE\","
                        "\"date_of_birth\":\"1990-01-01\"}", randombytes_random(),
                        randombytes_random(), randombytes_random(), randombytes_random()).p;
    if (!must(smoke, smoke->bets, "POST", "/v1/accounts", body, 201))
        return false;
    (void)snprintf(smoke->session, sizeof(smoke->session), "Authorization: Bearer %s",
                   member(smoke, "token"));
    return done(smoke);
}

static bool deposit(struct smoke *smoke)
{
    begin(smoke, "deposit 10.00");
    fresh_key(smoke);
    return must(smoke, smoke->bets, "POST", "/v1/wallet/deposits", "{\"amount\":\"10.00\"}", 201)
        && done(smoke);
}

static bool offer(struct smoke *smoke)
{
    const char *path = arena_printf(&smoke->arena, "/v1/events/sr:match:%lld",
                                    (long long)smoke->match).p;

    begin(smoke, "offer a match");
    if (!post_alive(smoke, 1) || !post_odds(smoke))
        return false;
    smoke->key[0] = '\0';
    while (send_request(smoke, smoke->web, "GET", path, NULL) != 200)
        if (!pause_alive(smoke))
            return fail(smoke, "it does not show up among the events");
    return done(smoke);
}

/* Its process may hear of the match a moment later than web. */
static bool place(struct smoke *smoke)
{
    const char *body = arena_printf(&smoke->arena, "{\"stake\":\"1.00\",\"type\":\"single\","
        "\"accept\":\"none\",\"legs\":[{\"event\":\"sr:match:%lld\",\"market\":\"1\","
        "\"outcome\":\"1\",\"odds\":\"2.50\"}]}", (long long)smoke->match).p;
    int status;

    begin(smoke, "bet 1.00 at 2.50");
    for (;;) {
        fresh_key(smoke);
        while ((status = send_request(smoke, smoke->bets, "POST", "/v1/bets", body)) == 202 ||
               status == 0 || status == 503)
            if (!pause_alive(smoke))
                break;
        if (status == 201)
            break;
        if (status != 422 && status != 409 && status != 404)
            return fail(smoke, describe_answer(smoke, smoke->bets, status));
        if (!pause_alive(smoke))
            return fail(smoke, describe_answer(smoke, smoke->bets, status));
    }
    (void)snprintf(smoke->bet, sizeof(smoke->bet), "/v1/bets/%s", member(smoke, "id"));
    smoke->key[0] = '\0';
    return done(smoke);
}

static bool settle(struct smoke *smoke)
{
    int status = 0;

    begin(smoke, "settle it");
    if (!post_result(smoke))
        return false;
    for (;;) {
        status = send_request(smoke, smoke->bets, "GET", smoke->bet, NULL);
        if (status == 200 && strcmp(member(smoke, "state"), "settled") == 0)
            break;
        if (!pause_alive(smoke))
            return fail(smoke, describe_answer(smoke, smoke->bets, status));
    }
    if (strcmp(member(smoke, "payout"), "2.50") != 0)
        return fail(smoke, describe_answer(smoke, smoke->bets, status));
    return done(smoke);
}

static bool wallet(struct smoke *smoke)
{
    begin(smoke, "be paid 2.50");
    if (!must(smoke, smoke->bets, "GET", "/v1/wallet", NULL, 200))
        return false;
    if (strcmp(member(smoke, "balance"), "11.50") != 0)
        return fail(smoke, describe_answer(smoke, smoke->bets, 200));
    return done(smoke);
}

static bool run_checks(struct smoke *smoke)
{
    static bool (*const steps[])(struct smoke *smoke) = {
        register_customer, deposit, offer, place, settle, wallet,
    };
    bool well = true;

    smoke->match = clock_wall_ms() * 1000 + (int64_t)randombytes_uniform(1000);
    for (size_t i = 0; i < LENGTH(steps) && well; i++)
        well = steps[i](smoke);
    begin(smoke, "say good-bye");
    return (smoke->alive_us == 0 || post_alive(smoke, 0)) && well;
}

/* ---- the command ------------------------------------------------------------ */

static int read_arguments(struct smoke *smoke, int argc, char **argv)
{
    const struct args_row rows[] = {
        ARGS_TEXT("--url", "URL", &smoke->url, "of the public listener (of web)"),
        ARGS_TEXT("--bets-url", "URL", &smoke->bets_url,
                  "of bets, where another address has them"),
        ARGS_TEXT("--operator-url", "URL", &smoke->operator_url,
                  "of the operator listener (of feed)"),
        ARGS_TEXT("--token", "TOKEN", &smoke->token,
                  "of an operator with role feed\n(OVERROUND_OPERATOR_TOKEN)"),
        ARGS_SAID("\nWhere the server wants the edge's signature (docs/EDGE.md), with its secret"
                  " in\nOVERROUND_EDGE_SECRET:\n"),
        ARGS_TEXT("--country", "CC", &smoke->country, "where it says that it is (XX)"),
        ARGS_TEXT("--address", "A", &smoke->address,
                  "its own, as the server sees it (127.0.0.1)"),
    };
    const struct args args = {
        .command = "smoke",
        .usage = "usage: overround smoke --url URL --operator-url URL [option …]\n\n",
        .rows = rows, .n = LENGTH(rows), .column = 22,
    };
    int exit_code;

    smoke->token = getenv("OVERROUND_OPERATOR_TOKEN");
    smoke->secret = getenv("OVERROUND_EDGE_SECRET");
    smoke->country = EDGE_COUNTRY_UNKNOWN;
    smoke->address = "127.0.0.1";
    exit_code = args_read(&args, argc, argv);
    if (exit_code != ARGS_WELL)
        return exit_code;
    if (smoke->bets_url == NULL)
        smoke->bets_url = smoke->url;
    return smoke->url != NULL && smoke->operator_url != NULL && smoke->token != NULL &&
           strlen(smoke->country) == 2 && strlen(smoke->address) < ADDRESS_MAX
               ? ARGS_WELL : args_help(&args, stderr);
}

int cli_smoke(int argc, char **argv)
{
    struct smoke smoke = { 0 };
    int exit_code = read_arguments(&smoke, argc, argv);
    bool well;

    if (exit_code != ARGS_WELL)
        return exit_code;
    CHECK(sodium_init() >= 0);
    arena_init(&smoke.arena, ARENA_BYTES);
    buf_init(&smoke.answer, LIMIT_RESPONSE_BYTES);
    smoke.operator_header = arena_printf(&smoke.arena, "Authorization: Bearer %s", smoke.token).p;
    smoke.web = http_client_new(smoke.url);
    smoke.bets = http_client_new(smoke.bets_url);
    smoke.feed = http_client_new(smoke.operator_url);
    well = smoke.web != NULL && smoke.bets != NULL && smoke.feed != NULL && run_checks(&smoke);
    http_client_free(smoke.web);
    http_client_free(smoke.bets);
    http_client_free(smoke.feed);
    buf_fini(&smoke.answer);
    arena_fini(&smoke.arena);
    if (well)
        printf("a bet was placed, settled and paid\n");
    return well ? 0 : 1;
}
