/* Purging of three CDNs (edge/purge.h). */
#include "edge/purge.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "net/cache_tag.h"
#include "net/http_client.h"

#define BODY_BYTES ((size_t)1024 * 1024)
#define ANSWER_BYTES ((size_t)1024 * 1024)
#define SAID_BYTES 300       /* of an answer, in an error */
#define ATTEMPTS 4
#define PAUSE_US 250000u     /* before the second attempt; doubled each time */
#define KEYS_FASTLY 40       /* of 256: the longest keys fill 16 KiB of header then */
#define KEYS_CLOUDFLARE 30   /* the least of its plans */
#define EVENTS_CLOUDFRONT 500 /* two paths each; 3,000 may be in progress */
#define HEADERS 3

static const struct purge_target targets[] = {
    { "fastly", "https://api.fastly.com", "FASTLY_SERVICE_ID", { "FASTLY_API_TOKEN", NULL } },
    { "cloudflare", "https://api.cloudflare.com/client/v4", "CLOUDFLARE_ZONE_ID",
      { "CLOUDFLARE_API_TOKEN", NULL } },
    { "cloudfront", "https://cloudfront.amazonaws.com", "CLOUDFRONT_DISTRIBUTION_ID",
      { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY" } },
};

enum target { FASTLY, CLOUDFLARE, CLOUDFRONT }; /* their places in targets */

struct purge {
    const struct purge_ask *ask;
    enum target target;
    const char *id, *secret[2];
    struct http_client *client;
    struct arena *arena;
    struct buf answer;
    int64_t wait_s; /* that is left */
};

/* One request: what it purges is in a header or in the body. */
struct purge_call {
    const char *path, *type;
    struct buf body;
    const char *headers[HEADERS];
    size_t n_headers;
};

const struct purge_target *purge_target(const char *name)
{
    for (size_t i = 0; i < LENGTH(targets); i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static void add_header(struct purge *purge, struct purge_call *call, const char *name,
                       const char *value)
{
    CHECK(call->n_headers < HEADERS);
    call->headers[call->n_headers++] = arena_cstr(purge->arena,
        arena_printf(purge->arena, "%s: %s", name, value));
}

/* ---- what each wants -------------------------------------------------------- */

static size_t batch_of(enum target target)
{
    static const size_t most[] = { KEYS_FASTLY - 1, KEYS_CLOUDFLARE - 1, EVENTS_CLOUDFRONT };

    return most[target];
}

static void call_fastly(struct purge *purge, struct purge_call *call, const struct str *events,
                        size_t n)
{
    struct buf keys;

    call->path = arena_cstr(purge->arena,
                            arena_printf(purge->arena, "/service/%s/%s", purge->id,
                                         purge->ask->all ? "purge_all" : "purge"));
    add_header(purge, call, "Fastly-Key", purge->secret[0]);
    add_header(purge, call, "Accept", "application/json");
    if (purge->ask->all)
        return;
    buf_init(&keys, BODY_BYTES);
    buf_str(&keys, STR(CACHE_TAG_LISTS));
    for (size_t i = 0; i < n; i++) {
        buf_char(&keys, ' ');
        cache_tag_event(&keys, events[i]);
    }
    buf_char(&keys, '\0');
    CHECK(!keys.overflow);
    add_header(purge, call, "Surrogate-Key", keys.p);
    buf_fini(&keys);
}

static void call_cloudflare(struct purge *purge, struct purge_call *call, const struct str *events,
                            size_t n)
{
    struct jw w = jw_to(&call->body);
    struct buf key;

    call->path = arena_cstr(purge->arena,
                            arena_printf(purge->arena, "/zones/%s/purge_cache", purge->id));
    call->type = "application/json";
    add_header(purge, call, "Authorization",
               arena_cstr(purge->arena, arena_printf(purge->arena, "Bearer %s",
                                                     purge->secret[0])));
    jw_object(&w);
    if (purge->ask->all) {
        jw_put_bool(&w, "purge_everything", true);
        jw_object_end(&w);
        return;
    }
    buf_init(&key, BODY_BYTES);
    jw_key(&w, "tags");
    jw_array(&w);
    jw_str(&w, STR(CACHE_TAG_LISTS));
    for (size_t i = 0; i < n; i++) {
        buf_reset(&key);
        cache_tag_event(&key, events[i]);
        jw_str(&w, buf_view(&key));
    }
    jw_array_end(&w);
    jw_object_end(&w);
    buf_fini(&key);
}

/* "/v1/events/sr:match:1", or with %3A: a path may have come in either form. */
static void put_path(struct buf *out, struct str event, bool colons)
{
    buf_str(out, STR("<Path>/v1/events/"));
    for (size_t i = 0; i < event.n; i++) {
        char c = event.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
            || c == '.' || c == '_' || c == '-' || c == '~' || (c == ':' && colons);

        if (plain)
            buf_char(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    buf_str(out, STR("</Path>"));
}

static size_t put_paths(struct buf *out, const struct str *events, size_t n)
{
    size_t paths = 3;

    buf_str(out, STR("<Path>/v1/events</Path><Path>/v1/events?*</Path><Path>/v1/sports</Path>"));
    for (size_t i = 0; i < n; i++, paths++) {
        put_path(out, events[i], true);
        if (memchr(events[i].p, ':', events[i].n) == NULL)
            continue;
        put_path(out, events[i], false);
        paths++;
    }
    return paths;
}

/* The caller's reference makes one invalidation of all attempts at it. */
static void call_cloudfront(struct purge *purge, struct purge_call *call, const struct str *events,
                            size_t n)
{
    const char *session = environment("AWS_SESSION_TOKEN");
    unsigned char random[12];
    char reference[sizeof(random) * 2 + 1];
    struct buf paths;
    size_t n_paths = 1;

    buf_init(&paths, BODY_BYTES);
    if (purge->ask->all)
        buf_str(&paths, STR("<Path>/*</Path>"));
    else
        n_paths = put_paths(&paths, events, n);
    randombytes_buf(random, sizeof(random));
    (void)sodium_bin2hex(reference, sizeof(reference), random, sizeof(random));
    call->path = arena_cstr(purge->arena,
                            arena_printf(purge->arena, "/2020-05-31/distribution/%s/invalidation",
                                         purge->id));
    call->type = "text/xml";
    buf_printf(&call->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><InvalidationBatch "
               "xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><CallerReference>"
               "overround-%s</CallerReference><Paths><Items>" STR_FMT "</Items><Quantity>%zu"
               "</Quantity></Paths></InvalidationBatch>", reference,
               STR_ARG(buf_view(&paths)), n_paths);
    CHECK(!paths.overflow);
    buf_fini(&paths);
    http_client_sign(purge->client, "aws:amz:us-east-1:cloudfront", /* it has one region */
                     arena_cstr(purge->arena, arena_printf(purge->arena, "%s:%s", purge->secret[0],
                                                           purge->secret[1])));
    if (session != NULL)
        add_header(purge, call, "x-amz-security-token", session);
}

/* ---- one request -------------------------------------------------------------- */

/* Cloudflare's 200 may still say no. */
static bool says_success(struct str text)
{
    json_t *answer = json_loadb(text.p == NULL ? "" : text.p, text.n, 0, NULL);
    bool success = json_is_true(json_object_get(answer, "success"));

    json_decref(answer);
    return success;
}

static bool is_accepted(const struct purge *purge, int status)
{
    if (status / 100 != 2)
        return false;
    return purge->target != CLOUDFLARE || says_success(buf_view(&purge->answer));
}

/* The answer's beginning, on one line. */
static struct str said(const struct purge *purge)
{
    struct str text = buf_view(&purge->answer);
    char *line;

    if (text.n > SAID_BYTES)
        text.n = SAID_BYTES;
    line = arena_cstr(purge->arena, text);
    for (char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return str_of(line);
}

/* Waits before another attempt; false: the time for that is used up. */
static bool pause_before(struct purge *purge, unsigned attempt)
{
    int64_t asked_s = http_client_retry_after_s(purge->client);

    if (asked_s == 0) {
        (void)usleep(PAUSE_US << (attempt - 1));
        return true;
    }
    if (asked_s > purge->wait_s)
        return false;
    purge->wait_s -= asked_s;
    (void)sleep((unsigned)asked_s);
    return true;
}

static bool perform(struct purge *purge, const struct purge_call *call, struct str *error)
{
    const char *name = purge->ask->target->name;
    int status = 0;

    for (unsigned attempt = 1;; attempt++) {
        bool answered = http_client_request(purge->client, "POST", call->path, call->type,
                                            buf_view(&call->body), call->headers, call->n_headers,
                                            &status, &purge->answer);
        bool passing = !answered || status == 429 || status / 100 == 5;

        if (answered && is_accepted(purge, status))
            return true;
        *error = answered ? arena_printf(purge->arena, "%s answered %d to POST %s: " STR_FMT, name,
                                         status, call->path, STR_ARG(said(purge)))
                          : str_of(http_client_error(purge->client));
        if (!passing || attempt == ATTEMPTS)
            return false;
        if (!pause_before(purge, attempt)) {
            *error = arena_printf(purge->arena, STR_FMT " (asks to wait %lld s, %lld are left)",
                                  STR_ARG(*error),
                                  (long long)http_client_retry_after_s(purge->client),
                                  (long long)purge->wait_s);
            return false;
        }
    }
}

static bool purge_batch(struct purge *purge, const struct str *events, size_t n,
                        struct str *error)
{
    static void (*const make[])(struct purge *, struct purge_call *, const struct str *, size_t) = {
        call_fastly, call_cloudflare, call_cloudfront,
    };
    struct purge_call call = { 0 };
    bool done;

    buf_init(&call.body, BODY_BYTES);
    make[purge->target](purge, &call, events, n);
    CHECK(!call.body.overflow);
    done = perform(purge, &call, error);
    buf_fini(&call.body);
    return done;
}

/* ---- all of them ---------------------------------------------------------------- */

/* A name of the provider's: nothing that could end a path or a header. */
static bool is_name(const char *text)
{
    for (; *text != '\0'; text++)
        if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
              (*text >= '0' && *text <= '9') || *text == '-' || *text == '_'))
            return false;
    return true;
}

static bool is_safe_address(const char *api)
{
    static const char *const loopback[] = { "http://127.0.0.1", "http://localhost",
                                            "http://[::1]" };

    if (strncmp(api, "https://", 8) == 0)
        return api[8] != '\0';
    for (size_t i = 0; i < LENGTH(loopback); i++) {
        size_t n = strlen(loopback[i]);

        if (strncmp(api, loopback[i], n) == 0 && (api[n] == ':' || api[n] == '/' || api[n] == '\0'))
            return strchr(api + n, '@') == NULL;
    }
    return false;
}

static bool make_ready(struct purge *purge, const char *api, struct str *error)
{
    const struct purge_target *target = purge->ask->target;

    purge->id = purge->ask->id != NULL ? purge->ask->id : environment(target->id_name);
    if (purge->id == NULL || !is_name(purge->id)) {
        *error = purge->id == NULL ? arena_printf(purge->arena, "set --id or %s", target->id_name)
                                   : arena_printf(purge->arena, "\"%s\" is not an id", purge->id);
        return false;
    }
    for (size_t i = 0; i < 2 && target->secret[i] != NULL; i++) {
        purge->secret[i] = environment(target->secret[i]);
        if (purge->secret[i] == NULL || strpbrk(purge->secret[i], "\r\n") != NULL) {
            *error = arena_printf(purge->arena, "set %s", target->secret[i]);
            return false;
        }
    }
    if (!is_safe_address(api)) {
        *error = arena_printf(purge->arena, "\"%s\" is neither https nor on this machine", api);
        return false;
    }
    purge->client = http_client_new(api);
    if (purge->client == NULL)
        *error = STR("libcurl cannot start");
    return purge->client != NULL;
}

static bool purge_all(struct purge *purge, size_t *requests, struct str *error)
{
    size_t most = batch_of(purge->target), at = 0;

    do {
        size_t n = purge->ask->n_events - at < most ? purge->ask->n_events - at : most;

        if (!purge_batch(purge, purge->ask->events + at, n, error))
            return false;
        ++*requests;
        at += n;
    } while (at < purge->ask->n_events);
    return true;
}

bool purge_run(const struct purge_ask *ask, struct arena *arena, size_t *requests,
               struct str *error)
{
    struct purge purge = { .ask = ask, .target = (enum target)(ask->target - targets),
                           .arena = arena, .wait_s = ask->wait_s };
    bool done;

    CHECK(ask->all != (ask->n_events > 0) && sodium_init() >= 0);
    *requests = 0;
    buf_init(&purge.answer, ANSWER_BYTES);
    done = make_ready(&purge, ask->api != NULL ? ask->api : ask->target->api, error) &&
           purge_all(&purge, requests, error);
    if (!done)
        *error = arena_str(arena, *error); /* it may be the client's */
    http_client_free(purge.client);
    buf_fini(&purge.answer);
    return done;
}
