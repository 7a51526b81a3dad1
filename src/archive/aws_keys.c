/* Keys by AWS's chain (aws_keys.h). */
#include "archive/aws_keys.h"

#include <curl/curl.h>
#include <expat.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define KEYS_MAGIC 0x4b657973u
#define EARLY_MS ((int64_t)300 * 1000) /* fetched again so long before they end */
#define AGAIN_MS ((int64_t)60 * 1000)  /* and, where that failed, as often */
#define ANSWER_BYTES ((size_t)64 * 1024)
#define TOKEN_BYTES ((size_t)16 * 1024)
#define ATTEMPTS 3
#define METADATA "http://169.254.169.254"
#define ROLES "/latest/meta-data/iam/security-credentials/"

enum source { FROM_ENVIRONMENT, FROM_STS, FROM_CONTAINER, FROM_INSTANCE };

struct aws_keys {
    uint32_t magic;
    enum source source;
    const char *prefix, *region;
    struct arena *arena;    /* errors */
    struct aws_key key;
    int64_t fetched_ms;     /* when it was last tried */
    bool is_over;
    struct buf answer;
    char reason[CURL_ERROR_SIZE];
};

static void keys_check(const struct aws_keys *keys)
{
    CHECK(keys->magic == KEYS_MAGIC && keys->prefix != NULL && keys->region != NULL);
    CHECK(keys->source >= FROM_ENVIRONMENT && keys->source <= FROM_INSTANCE);
    CHECK(keys->source == FROM_ENVIRONMENT || keys->fetched_ms > 0);
    CHECK(keys->key.id[0] != '\0' && keys->key.secret[0] != '\0');
    CHECK(keys->key.expires_ms >= 0);
}

/* ---- what is answered ---------------------------------------------------------- */

/* Printable, without blanks: it goes into a header. */
static bool take_word(char *to, size_t bytes, struct str word, bool may_be_empty)
{
    if (word.n >= bytes || (word.n == 0 && !may_be_empty))
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] <= ' ' || word.p[i] > '~')
            return false;
    if (word.n > 0)
        memcpy(to, word.p, word.n);
    to[word.n] = '\0';
    CHECK_DEAR(strlen(to) == word.n);
    return true;
}

/* A colon in an id would end it (curl's user). */
static bool take_key(struct aws_key *key, struct str id, struct str secret, struct str session,
                     struct str expires)
{
    *key = (struct aws_key){ 0 };
    return take_word(key->id, sizeof(key->id), id, false) && strchr(key->id, ':') == NULL &&
           take_word(key->secret, sizeof(key->secret), secret, false) &&
           take_word(key->session, sizeof(key->session), session, true) &&
           (expires.n == 0 || (clock_parse(expires, &key->expires_ms) && key->expires_ms > 0));
}

static struct str member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_string(value))
        return STR_NONE;
    return (struct str){ json_string_value(value), json_string_length(value) };
}

bool aws_key_read_json(struct str text, struct aws_key *key)
{
    json_t *object = text.n == 0 ? NULL : json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    bool well = json_is_object(object) &&
                take_key(key, member(object, "AccessKeyId"), member(object, "SecretAccessKey"),
                         member(object, "Token"), member(object, "Expiration"));

    json_decref(object);
    return well;
}

enum part { PART_ID, PART_SECRET, PART_SESSION, PART_EXPIRES, PARTS };
static const char *const part_names[PARTS] = {
    [PART_ID] = "AccessKeyId", [PART_SECRET] = "SecretAccessKey",
    [PART_SESSION] = "SessionToken", [PART_EXPIRES] = "Expiration",
};

struct answer_reader {
    XML_Parser parser;
    unsigned depth, credentials; /* the depth within <Credentials>; 0: not there */
    struct buf text, parts[PARTS];
    bool wrong;
};

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes UNUSED)
{
    struct answer_reader *reader = ctx;

    CHECK(reader->credentials <= reader->depth);
    reader->depth++;
    if (reader->credentials == 0 && strcmp(name, "Credentials") == 0)
        reader->credentials = reader->depth;
    buf_reset(&reader->text);
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct answer_reader *reader = ctx;

    for (unsigned i = 0; i < PARTS; i++) {
        if (reader->credentials == 0 || reader->depth != reader->credentials + 1 ||
            strcmp(name, part_names[i]) != 0)
            continue;
        reader->wrong = reader->wrong || reader->parts[i].n > 0 || reader->text.overflow;
        buf_str(&reader->parts[i], buf_view(&reader->text));
    }
    CHECK(reader->depth > 0);
    if (reader->depth-- == reader->credentials)
        reader->credentials = 0;
    buf_reset(&reader->text);
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
    buf_put(&((struct answer_reader *)ctx)->text, text, (size_t)n);
}

static void on_doctype(void *ctx, const XML_Char *name UNUSED, const XML_Char *system UNUSED,
                       const XML_Char *public UNUSED, int has_subset UNUSED)
{
    struct answer_reader *reader = ctx;

    reader->wrong = true;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

bool aws_key_read_sts(struct str xml, struct aws_key *key)
{
    struct answer_reader reader = { .parser = XML_ParserCreate("UTF-8") };
    bool well;

    CHECK(reader.parser != NULL && xml.n <= INT32_MAX);
    buf_init(&reader.text, AWS_SESSION_BYTES);
    for (unsigned i = 0; i < PARTS; i++)
        buf_init(&reader.parts[i], AWS_SESSION_BYTES);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    well = XML_Parse(reader.parser, xml.p, (int)xml.n, 1) == XML_STATUS_OK && !reader.wrong &&
           take_key(key, buf_view(&reader.parts[PART_ID]), buf_view(&reader.parts[PART_SECRET]),
                    buf_view(&reader.parts[PART_SESSION]), buf_view(&reader.parts[PART_EXPIRES])) &&
           key->session[0] != '\0';
    XML_ParserFree(reader.parser);
    buf_fini(&reader.text);
    for (unsigned i = 0; i < PARTS; i++)
        buf_fini(&reader.parts[i]);
    return well;
}

/* ---- one request ------------------------------------------------------------------ */

static const char *environment(const struct aws_keys *keys, const char *name)
{
    char whole[128];
    const char *value;

    (void)snprintf(whole, sizeof(whole), "%s%s", keys->prefix, name);
    value = getenv(whole);
    return value != NULL && *value != '\0' ? value : NULL;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct buf *answer = ctx;

    CHECK(one == 1);
    buf_put(answer, bytes, n);
    return answer->overflow ? 0 : n;
}

struct key_request {
    const char *method, *url, *header; /* NULL: none */
    const char *body;                  /* of POST */
};

static long once(struct aws_keys *keys, const struct key_request *request)
{
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    long status = 0;

    CHECK(curl != NULL && request->method != NULL && request->url != NULL);
    CHECK((request->body != NULL) == (strcmp(request->method, "POST") == 0));
    if (request->header != NULL)
        headers = curl_slist_append(NULL, request->header);
    buf_reset(&keys->answer);
    keys->reason[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* keys are asked for directly */
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, keys->reason);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, keys->source == FROM_INSTANCE ? 2L : 10L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &keys->answer);
    if (request->body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    if (curl_easy_perform(curl) == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

/* What is answered is in keys->answer.  No word of it is in *error: it may be a key. */
static bool request_key(struct aws_keys *keys, const struct key_request *request, struct str *error)
{
    long status = 0;

    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        status = once(keys, request);
        if (status == 200)
            return true;
        if (status != 0 && status != 429 && status / 100 != 5)
            break;
        if (attempt < ATTEMPTS)
            (void)usleep(100000u << attempt);
    }
    if (status == 0)
        *error = arena_printf(keys->arena, "%s: %s", request->url,
                              keys->reason[0] != '\0' ? keys->reason : "no answer");
    else
        *error = arena_printf(keys->arena, "%s: status %ld", request->url, status);
    return false;
}

static bool read_file(struct aws_keys *keys, const char *path, struct buf *text,
                      struct str *error)
{
    FILE *file = fopen(path, "rb");
    char bytes[4096];
    size_t n;

    while (file != NULL && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
        buf_put(text, bytes, n);
    if (file != NULL)
        (void)fclose(file);
    while (text->n > 0 && strchr("\r\n\t ", text->p[text->n - 1]) != NULL)
        text->n--;
    if (text->n > 0 && !text->overflow && memchr(text->p, '\n', text->n) == NULL)
        return true;
    *error = arena_printf(keys->arena, "%s: there is no token in it", path);
    return false;
}

/* ---- where they come from ----------------------------------------------------------- */

static void put_parameter(struct buf *body, const char *name, struct str value)
{
    buf_printf(body, "&%s=", name);
    for (size_t i = 0; i < value.n; i++)
        buf_printf(body, "%%%02X", (unsigned)(unsigned char)value.p[i]);
}

static bool no_key(struct aws_keys *keys, const char *what, struct str *error)
{
    *error = arena_printf(keys->arena, "%s: the answer is no key", what);
    return false;
}

/* AssumeRoleWithWebIdentity is not signed: the token is what proves. */
static bool fetch_sts(struct aws_keys *keys, struct aws_key *key, struct str *error)
{
    const char *endpoint = environment(keys, "AWS_ENDPOINT_URL_STS"),
               *name = environment(keys, "AWS_ROLE_SESSION_NAME");
    struct key_request request = { .method = "POST" };
    struct buf token, body, url;
    bool well;

    buf_init(&token, TOKEN_BYTES);
    buf_init(&body, TOKEN_BYTES * 4);
    buf_init(&url, 1024);
    if (endpoint != NULL)
        buf_printf(&url, "%s%c", endpoint, '\0');
    else
        buf_printf(&url, "https://sts.%s.amazonaws.com/%c", keys->region, '\0');
    well = read_file(keys, environment(keys, "AWS_WEB_IDENTITY_TOKEN_FILE"), &token, error);
    buf_str(&body, STR("Action=AssumeRoleWithWebIdentity&Version=2011-06-15"));
    put_parameter(&body, "RoleArn", str_of(environment(keys, "AWS_ROLE_ARN")));
    put_parameter(&body, "RoleSessionName", str_of(name != NULL ? name : "overround"));
    put_parameter(&body, "WebIdentityToken", buf_view(&token));
    buf_char(&body, '\0');
    CHECK(!body.overflow && !url.overflow);
    request.url = url.p;
    request.body = body.p;
    well = well && request_key(keys, &request, error) &&
           (aws_key_read_sts(buf_view(&keys->answer), key) || no_key(keys, "STS", error));
    buf_fini(&token);
    buf_fini(&body);
    buf_fini(&url);
    return well;
}

/* HTTPS, or what cannot be another machine: loopback, ECS's and EKS's agents. */
static bool is_near(const char *url)
{
    static const char *const near[] = {
        "https://", "http://localhost", "http://127.0.0.1", "http://[::1]",
        "http://169.254.170.2", "http://169.254.170.23", "http://[fd00:ec2::23]",
    };

    for (size_t i = 0; i < LENGTH(near); i++) {
        size_t n = strlen(near[i]);

        if (strncmp(url, near[i], n) == 0 && (i == 0 || strchr(":/", url[n]) != NULL))
            return true;
    }
    return false;
}

static bool fetch_container(struct aws_keys *keys, struct aws_key *key, struct str *error)
{
    const char *whole = environment(keys, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
               *below = environment(keys, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
               *file = environment(keys, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
               *token = environment(keys, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *url = whole != NULL ? whole : arena_cstr(keys->arena,
        arena_printf(keys->arena, "http://169.254.170.2%s", below));
    struct key_request request = { .method = "GET", .url = url };
    struct buf header;
    bool well = true;

    CHECK(whole != NULL || below != NULL); /* choose() saw one */
    if (!is_near(url)) {
        *error = arena_printf(keys->arena, "%s: keys are asked for by HTTPS, or on this machine",
                              url);
        return false;
    }
    buf_init(&header, TOKEN_BYTES);
    if (file != NULL || token != NULL)
        buf_str(&header, STR("Authorization: "));
    if (file != NULL)
        well = read_file(keys, file, &header, error);
    else if (token != NULL)
        buf_str(&header, str_of(token));
    buf_char(&header, '\0');
    request.header = header.n > 1 ? header.p : NULL;
    well = well && request_key(keys, &request, error) &&
           (aws_key_read_json(buf_view(&keys->answer), key) || no_key(keys, url, error));
    sodium_memzero(header.p, header.n);
    buf_fini(&header);
    return well;
}

/* A step of the metadata's; `tail` is below the endpoint. */
static bool ask_instance(struct aws_keys *keys, const char *method, const char *tail,
                         const char *header, struct str *error)
{
    const char *endpoint = environment(keys, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    char url[1024];
    size_t n;

    if (endpoint == NULL)
        endpoint = METADATA;
    n = strlen(endpoint);
    while (n > 0 && endpoint[n - 1] == '/')
        n--;
    if (snprintf(url, sizeof(url), "%.*s%s", (int)n, endpoint, tail) >= (int)sizeof(url)) {
        *error = STR("the address of the instance's metadata is too long");
        return false;
    }
    return request_key(keys, &(struct key_request){ .method = method, .url = url,
                                                    .header = header }, error);
}

static bool fetch_instance(struct aws_keys *keys, struct aws_key *key, struct str *error)
{
    char header[512], token[256], role[128], path[256];

    if (!ask_instance(keys, "PUT", "/latest/api/token",
                      "X-aws-ec2-metadata-token-ttl-seconds: 60", error))
        return false;
    if (!take_word(token, sizeof(token), buf_view(&keys->answer), false))
        return no_key(keys, "the instance's metadata", error);
    (void)snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s", token);
    if (!ask_instance(keys, "GET", ROLES, header, error))
        return false;
    if (!take_word(role, sizeof(role), buf_view(&keys->answer), false) ||
        strpbrk(role, "/?#%") != NULL)
        return no_key(keys, "the instance's role", error);
    (void)snprintf(path, sizeof(path), ROLES "%s", role);
    return ask_instance(keys, "GET", path, header, error) &&
           (aws_key_read_json(buf_view(&keys->answer), key) ||
            no_key(keys, "the instance's metadata", error));
}

static bool fetch(struct aws_keys *keys, int64_t now_ms, struct str *error)
{
    static bool (*const sources[])(struct aws_keys *, struct aws_key *, struct str *) = {
        [FROM_STS] = fetch_sts, [FROM_CONTAINER] = fetch_container,
        [FROM_INSTANCE] = fetch_instance,
    };
    struct aws_key key;
    bool well;

    CHECK(keys->source != FROM_ENVIRONMENT && now_ms > 0);
    keys->fetched_ms = now_ms;
    well = sources[keys->source](keys, &key, error);
    if (well)
        keys->key = key;
    keys->is_over = keys->is_over && !well;
    sodium_memzero(&key, sizeof(key));
    if (keys->answer.n > 0)
        sodium_memzero(keys->answer.p, keys->answer.n);
    return well;
}

/* ---- all ------------------------------------------------------------------------------ */

/* False: nothing says where keys are to be had. */
static bool choose(struct aws_keys *keys)
{
    const char *disabled = environment(keys, "AWS_EC2_METADATA_DISABLED");

    if (environment(keys, "AWS_ACCESS_KEY_ID") != NULL ||
        environment(keys, "AWS_SECRET_ACCESS_KEY") != NULL)
        keys->source = FROM_ENVIRONMENT;
    else if (environment(keys, "AWS_WEB_IDENTITY_TOKEN_FILE") != NULL &&
             environment(keys, "AWS_ROLE_ARN") != NULL)
        keys->source = FROM_STS;
    else if (environment(keys, "AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL ||
             environment(keys, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL)
        keys->source = FROM_CONTAINER;
    else
        keys->source = FROM_INSTANCE;
    return keys->source != FROM_INSTANCE ||
           (keys->prefix[0] == '\0' && (disabled == NULL || strcasecmp(disabled, "true") != 0));
}

static bool take_environment(struct aws_keys *keys)
{
    return take_key(&keys->key, str_of(environment(keys, "AWS_ACCESS_KEY_ID")),
                    str_of(environment(keys, "AWS_SECRET_ACCESS_KEY")),
                    str_of(environment(keys, "AWS_SESSION_TOKEN")), STR_NONE);
}

struct aws_keys *aws_keys_open(const char *prefix, const char *region, struct arena *arena,
                               struct str *error)
{
    struct aws_keys *keys = calloc(1, sizeof(*keys));
    bool is_chosen, well;

    CHECK(keys != NULL);
    *keys = (struct aws_keys){ .magic = KEYS_MAGIC, .prefix = prefix, .region = region,
                               .arena = arena };
    buf_init(&keys->answer, ANSWER_BYTES);
    is_chosen = choose(keys);
    if (is_chosen && keys->source != FROM_ENVIRONMENT)
        well = fetch(keys, clock_wall_ms(), error);
    else
        well = is_chosen && take_environment(keys);
    if (well)
        return keys;
    if (!is_chosen || keys->source == FROM_ENVIRONMENT)
        *error = arena_printf(arena, "set %sAWS_ACCESS_KEY_ID and %sAWS_SECRET_ACCESS_KEY",
                              prefix, prefix);
    else if (keys->source == FROM_INSTANCE)
        *error = arena_printf(arena, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give"
                              " the machine a role: " STR_FMT, STR_ARG(*error));
    aws_keys_close(keys);
    return NULL;
}

void aws_keys_close(struct aws_keys *keys)
{
    if (keys == NULL)
        return;
    CHECK(keys->magic == KEYS_MAGIC);
    buf_fini(&keys->answer);
    sodium_memzero(keys, sizeof(*keys));
    free(keys);
}

const struct aws_key *aws_keys_now(struct aws_keys *keys, int64_t now_ms, struct str *error)
{
    const struct aws_key *key = &keys->key;
    bool is_early = key->expires_ms == 0 || now_ms < key->expires_ms - EARLY_MS;
    bool is_good = !keys->is_over && (key->expires_ms == 0 || now_ms < key->expires_ms);

    keys_check(keys);
    if (keys->source == FROM_ENVIRONMENT || (is_early && is_good))
        return key;
    /* One that is still good is used until it is not. */
    if (is_good && now_ms < keys->fetched_ms + AGAIN_MS)
        return key;
    return fetch(keys, now_ms, error) || is_good ? key : NULL;
}

bool aws_keys_expire(struct aws_keys *keys)
{
    keys_check(keys);
    keys->is_over = true;
    return keys->source != FROM_ENVIRONMENT;
}
