/* S3 over libcurl (s3.h). */
#include "archive/s3.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define S3_MAGIC 0x53333a2fu
#define PART_BYTES ((size_t)16 * 1024 * 1024)
#define PARTS_MAX 10000 /* the protocol's */
#define ANSWER_BYTES ((size_t)16 * 1024 * 1024)
#define ATTEMPTS 4
#define URL_BYTES 4096

struct s3 {
    uint32_t magic;
    CURL *curl;
    struct arena *arena;    /* errors */
    struct buf base;        /* scheme, host, and the bucket in a path */
    struct buf prefix;      /* "" or "archive/" */
    struct buf user, sigv4; /* "key:secret", "aws:amz:region:s3" */
    const char *session;
    size_t part_bytes;
    struct buf answer;      /* bodies that are not the caller's */
    struct buf etag;
    char reason[CURL_ERROR_SIZE];
    bool (*on_bytes)(void *ctx, struct str bytes);
    void *ctx;
    bool delivered;         /* on_bytes has got some */
    bool stopped;           /* by on_bytes */
};

void sha256_hex(struct str bytes, char hex[SHA256_HEX])
{
    unsigned char sum[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(sum, (const unsigned char *)bytes.p, bytes.n);
    (void)sodium_bin2hex(hex, SHA256_HEX, sum, sizeof(sum));
}

/* ---- where ---------------------------------------------------------------- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
        || c == '-' || c == '.' || c == '_' || c == '~';
}

/* As the signature's canonical form wants it, once and for all. */
static void put_encoded(struct buf *out, struct str text, bool slashes)
{
    for (size_t i = 0; i < text.n; i++)
        if (is_plain(text.p[i]) || (slashes && text.p[i] == '/'))
            buf_char(out, text.p[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.p[i]);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

/* "s3://bucket/prefix" -> bucket and "prefix/". */
static bool read_url(const char *url, struct str *bucket, struct buf *prefix)
{
    const char *name, *end;
    size_t n;

    if (strncmp(url, "s3://", 5) != 0)
        return false;
    name = url + 5;
    end = strchr(name, '/');
    *bucket = (struct str){ name, end == NULL ? strlen(name) : (size_t)(end - name) };
    for (size_t i = 0; i < bucket->n; i++)
        if (!is_plain(bucket->p[i]) || bucket->p[i] == '~')
            return false;
    n = end == NULL ? 0 : strlen(end + 1);
    while (n > 0 && end[n] == '/')
        n--;
    if (n > 0) {
        buf_put(prefix, end + 1, n);
        buf_char(prefix, '/');
    }
    return bucket->n >= 3 && !prefix->overflow;
}

static bool make_base(struct s3 *s3, const struct s3_options *options, struct str bucket,
                      const char *region)
{
    const char *endpoint = options->endpoint != NULL ? options->endpoint
                                                     : environment("AWS_ENDPOINT_URL");
    bool is_virtual = options->virtual_host || endpoint == NULL;
    char amazon[256];
    const char *host;
    size_t n;

    (void)snprintf(amazon, sizeof(amazon), "https://s3.%s.amazonaws.com", region);
    if (endpoint == NULL)
        endpoint = amazon;
    host = strstr(endpoint, "://");
    if (host == NULL || (strncmp(endpoint, "http://", 7) != 0 &&
                         strncmp(endpoint, "https://", 8) != 0))
        return false;
    host += 3;
    n = strlen(host);
    while (n > 0 && host[n - 1] == '/')
        n--;
    buf_put(&s3->base, endpoint, (size_t)(host - endpoint));
    if (is_virtual)
        buf_printf(&s3->base, STR_FMT ".", STR_ARG(bucket));
    buf_put(&s3->base, host, n);
    buf_char(&s3->base, '/');
    if (!is_virtual)
        buf_printf(&s3->base, STR_FMT "/", STR_ARG(bucket));
    return n > 0 && !s3->base.overflow;
}

static struct s3 *make(const struct s3_options *options, struct arena *arena)
{
    struct s3 *s3 = calloc(1, sizeof(*s3));

    CHECK(s3 != NULL && sodium_init() >= 0);
    s3->magic = S3_MAGIC;
    s3->arena = arena;
    s3->part_bytes = options->part_bytes == 0 ? PART_BYTES : options->part_bytes;
    buf_init(&s3->base, URL_BYTES);
    buf_init(&s3->prefix, URL_BYTES);
    buf_init(&s3->user, URL_BYTES);
    buf_init(&s3->sigv4, 256);
    buf_init(&s3->answer, ANSWER_BYTES);
    buf_init(&s3->etag, 256);
    s3->curl = curl_easy_init();
    CHECK(s3->curl != NULL);
    return s3;
}

struct s3 *s3_open(const struct s3_options *options, struct arena *arena, struct str *error)
{
    const char *key = environment("AWS_ACCESS_KEY_ID"),
               *secret = environment("AWS_SECRET_ACCESS_KEY"),
               *region = environment("AWS_REGION");
    struct s3 *s3 = make(options, arena);
    struct str bucket;

    if (region == NULL)
        region = "us-east-1";
    if (key == NULL || secret == NULL)
        *error = STR("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    else if (!read_url(options->url, &bucket, &s3->prefix))
        *error = arena_printf(arena, "\"%s\" is not s3://BUCKET/PREFIX", options->url);
    else if (!make_base(s3, options, bucket, region))
        *error = STR("the endpoint is not http://HOST or https://HOST");
    else {
        buf_printf(&s3->user, "%s:%s%c", key, secret, '\0');
        buf_printf(&s3->sigv4, "aws:amz:%s:s3%c", region, '\0');
        s3->session = environment("AWS_SESSION_TOKEN");
        return s3;
    }
    s3_close(s3);
    return NULL;
}

void s3_close(struct s3 *s3)
{
    CHECK(s3->magic == S3_MAGIC);
    s3->magic = 0;
    curl_easy_cleanup(s3->curl);
    buf_fini(&s3->base);
    buf_fini(&s3->prefix);
    buf_fini(&s3->user);
    buf_fini(&s3->sigv4);
    buf_fini(&s3->answer);
    buf_fini(&s3->etag);
    free(s3);
}

/* ---- one request ----------------------------------------------------------- */

struct request {
    const char *method;
    struct str key;      /* below the prefix; {NULL}: the bucket itself */
    const char *query;   /* sorted, encoded, each with its '='; NULL = none */
    struct str body;     /* of PUT and POST */
};

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct s3 *s3 = ctx;
    long status = 0;

    (void)one;
    (void)curl_easy_getinfo(s3->curl, CURLINFO_RESPONSE_CODE, &status);
    if (s3->on_bytes == NULL || status / 100 != 2) {
        buf_put(&s3->answer, bytes, n);
        return s3->answer.overflow ? 0 : n;
    }
    s3->delivered = true;
    if (s3->on_bytes(s3->ctx, (struct str){ bytes, n }))
        return n;
    s3->stopped = true;
    return 0;
}

static size_t on_header(char *bytes, size_t one, size_t n, void *ctx)
{
    struct s3 *s3 = ctx;
    size_t end = n;

    (void)one;
    if (n < 5 || strncasecmp(bytes, "etag:", 5) != 0)
        return n;
    while (end > 5 && (bytes[end - 1] == '\n' || bytes[end - 1] == '\r'))
        end--;
    buf_reset(&s3->etag);
    for (size_t i = 5; i < end; i++)
        if (bytes[i] != ' ')
            buf_char(&s3->etag, bytes[i]);
    return n;
}

static struct curl_slist *headers_of(const struct s3 *s3, const struct request *request)
{
    struct curl_slist *headers = NULL;
    char hex[SHA256_HEX], line[128];

    sha256_hex(request->body, hex);
    (void)snprintf(line, sizeof(line), "x-amz-content-sha256: %s", hex);
    headers = curl_slist_append(headers, line);
    if (request->body.p != NULL)
        headers = curl_slist_append(headers, "Content-Type: application/octet-stream");
    if (s3->session != NULL) {
        struct buf token;

        buf_init(&token, 16384);
        buf_printf(&token, "x-amz-security-token: %s%c", s3->session, '\0');
        headers = curl_slist_append(headers, token.p);
        buf_fini(&token);
    }
    CHECK(headers != NULL);
    return headers;
}

static void put_address(struct s3 *s3, const struct request *request, struct buf *url)
{
    buf_str(url, buf_view(&s3->base));
    if (request->key.p != NULL) {
        put_encoded(url, buf_view(&s3->prefix), true);
        put_encoded(url, request->key, true);
    }
    if (request->query != NULL)
        buf_printf(url, "?%s", request->query);
    buf_char(url, '\0');
    CHECK(!url->overflow);
}

static void set_up(struct s3 *s3, const struct request *request, struct curl_slist *headers,
                   const char *url)
{
    CURL *curl = s3->curl;

    curl_easy_reset(curl);
    buf_reset(&s3->answer);
    buf_reset(&s3->etag);
    s3->reason[0] = '\0';
    s3->stopped = s3->delivered = false;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, s3->sigv4.p);
    curl_easy_setopt(curl, CURLOPT_USERPWD, s3->user.p);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, s3->reason);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L); /* a minute of silence */
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, s3);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, s3);
    if (request->body.p != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.p);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* 0: no answer. */
static long once(struct s3 *s3, const struct request *request)
{
    struct curl_slist *headers = headers_of(s3, request);
    struct buf url;
    long status = 0;

    buf_init(&url, URL_BYTES * 4);
    put_address(s3, request, &url);
    set_up(s3, request, headers, url.p);
    if (curl_easy_perform(s3->curl) == CURLE_OK || s3->stopped)
        (void)curl_easy_getinfo(s3->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    buf_fini(&url);
    return status;
}

static enum s3_result failed(struct s3 *s3, const struct request *request, long status,
                             struct str *error)
{
    struct str text = buf_view(&s3->answer);

    if (text.n > 300)
        text.n = 300;
    if (status == 0)
        *error = arena_printf(s3->arena, "%s " STR_FMT ": %s", request->method,
                              STR_ARG(request->key), s3->reason[0] != '\0' ? s3->reason
                                                                          : "no answer");
    else
        *error = arena_printf(s3->arena, "%s " STR_FMT ": status %ld " STR_FMT,
                              request->method, STR_ARG(request->key), status, STR_ARG(text));
    return S3_FAILED;
}

/* The text of the element `name` in the answer, "" when it is not there. */
static struct str element(const struct s3 *s3, const char *name)
{
    struct str text = buf_view(&s3->answer);
    size_t n = strlen(name);

    for (size_t i = 0; i + n + 2 <= text.n; i++) {
        const char *at = text.p + i, *end;

        if (at[0] != '<' || memcmp(at + 1, name, n) != 0 || at[n + 1] != '>')
            continue;
        at += n + 2;
        end = memchr(at, '<', text.n - (size_t)(at - text.p));
        return (struct str){ at, end == NULL ? 0 : (size_t)(end - at) };
    }
    return STR_NONE;
}

/* The store itself says so of the object: a bucket that is not there, or something
 * else on the way that knows no such page, says nothing about it. */
static bool is_absent(const struct s3 *s3, const struct request *request, long status)
{
    return status == 404 && strcmp(request->method, "GET") == 0 &&
           str_eq(element(s3, "Code"), STR("NoSuchKey"));
}

/* What has begun to reach the caller is not asked for again. */
static enum s3_result perform(struct s3 *s3, const struct request *request, struct str *error)
{
    long status = 0;

    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        status = once(s3, request);
        if (s3->stopped || status / 100 == 2)
            return S3_OK;
        if (is_absent(s3, request, status))
            return S3_ABSENT;
        if ((status != 0 && status != 429 && status / 100 != 5) || s3->delivered)
            break;
        if (attempt < ATTEMPTS)
            (void)usleep(100000u << attempt);
    }
    return failed(s3, request, status, error);
}

/* ---- put --------------------------------------------------------------------- */

enum s3_result s3_put(struct s3 *s3, const char *key, struct str bytes, struct str *error)
{
    struct request request = { .method = "PUT", .key = str_of(key), .body = bytes };

    if (bytes.p == NULL)
        request.body.p = "";
    return perform(s3, &request, error);
}

struct upload {
    struct s3 *s3;
    struct str key;
    char id[1024];   /* encoded */
    struct buf done; /* the XML that names the parts */
    char *part;      /* memory of one */
};

static enum s3_result begin_upload(struct upload *upload, struct str *error)
{
    struct request request = { .method = "POST", .key = upload->key, .query = "uploads=",
                               .body = STR("") };
    enum s3_result result = perform(upload->s3, &request, error);
    struct buf id;

    if (result != S3_OK)
        return result;
    buf_init(&id, sizeof(upload->id) - 1);
    put_encoded(&id, element(upload->s3, "UploadId"), false);
    (void)snprintf(upload->id, sizeof(upload->id), STR_FMT, STR_ARG(buf_view(&id)));
    result = id.n == 0 || id.overflow ? S3_FAILED : S3_OK;
    if (result != S3_OK)
        *error = STR("the answer names no UploadId");
    buf_fini(&id);
    buf_str(&upload->done, STR("<CompleteMultipartUpload>"));
    return result;
}

static enum s3_result put_part(struct upload *upload, unsigned number, size_t n,
                               struct str *error)
{
    char query[sizeof(upload->id) + 64];
    struct request request = { .method = "PUT", .key = upload->key, .query = query,
                               .body = { upload->part, n } };
    enum s3_result result;

    (void)snprintf(query, sizeof(query), "partNumber=%u&uploadId=%s", number, upload->id);
    result = perform(upload->s3, &request, error);
    if (result == S3_OK)
        buf_printf(&upload->done, "<Part><PartNumber>%u</PartNumber><ETag>" STR_FMT
                   "</ETag></Part>", number, STR_ARG(buf_view(&upload->s3->etag)));
    return result;
}

static enum s3_result end_upload(struct upload *upload, struct str *error)
{
    char query[sizeof(upload->id) + 64];
    struct request request = { .method = "POST", .key = upload->key, .query = query };
    enum s3_result result;

    (void)snprintf(query, sizeof(query), "uploadId=%s", upload->id);
    buf_str(&upload->done, STR("</CompleteMultipartUpload>"));
    request.body = buf_view(&upload->done);
    result = perform(upload->s3, &request, error);
    /* Trouble may come after the status line. */
    if (result == S3_OK && element(upload->s3, "ETag").n == 0)
        return failed(upload->s3, &request, 200, error);
    return result;
}

/* Its parts would be paid for until somebody looks. */
static void drop_upload(struct upload *upload)
{
    char query[sizeof(upload->id) + 64];
    struct request request = { .method = "DELETE", .key = upload->key, .query = query };
    struct str ignored;

    (void)snprintf(query, sizeof(query), "uploadId=%s", upload->id);
    if (perform(upload->s3, &request, &ignored) != S3_OK)
        return; /* the bucket's lifecycle rule ends it */
}

static enum s3_result put_parts(struct upload *upload, FILE *file, size_t n, struct str *error)
{
    enum s3_result result = begin_upload(upload, error);
    unsigned number = 0;

    if (result != S3_OK)
        return result;
    while (result == S3_OK && n > 0 && ++number <= PARTS_MAX) {
        result = put_part(upload, number, n, error);
        n = fread(upload->part, 1, upload->s3->part_bytes, file);
    }
    if (result == S3_OK && (n > 0 || ferror(file) != 0)) {
        *error = STR("the file is too large, or cannot be read");
        result = S3_FAILED;
    }
    if (result == S3_OK)
        result = end_upload(upload, error);
    if (result != S3_OK)
        drop_upload(upload);
    return result;
}

enum s3_result s3_put_file(struct s3 *s3, const char *key, FILE *file, struct str *error)
{
    struct upload upload = { .s3 = s3, .key = str_of(key), .part = malloc(s3->part_bytes) };
    enum s3_result result = S3_FAILED;
    size_t n;

    CHECK(upload.part != NULL);
    buf_init(&upload.done, ANSWER_BYTES);
    if (fseek(file, 0, SEEK_SET) != 0 ||
        ((n = fread(upload.part, 1, s3->part_bytes, file)) == 0 && ferror(file) != 0))
        *error = arena_printf(s3->arena, "cannot read the file: %s", strerror(errno));
    else if (n < s3->part_bytes)
        result = s3_put(s3, key, (struct str){ upload.part, n }, error);
    else
        result = put_parts(&upload, file, n, error);
    buf_fini(&upload.done);
    free(upload.part);
    return result;
}

/* ---- get and list ------------------------------------------------------------- */

enum s3_result s3_get(struct s3 *s3, const char *key,
                      bool (*on_bytes)(void *ctx, struct str bytes), void *ctx,
                      struct str *error)
{
    struct request request = { .method = "GET", .key = str_of(key) };
    enum s3_result result;

    s3->on_bytes = on_bytes;
    s3->ctx = ctx;
    result = perform(s3, &request, error);
    s3->on_bytes = NULL;
    return result;
}

struct listing {
    struct s3 *s3;
    bool (*on_key)(void *ctx, struct str key);
    void *ctx;
};

static bool on_listed(void *ctx, struct str key)
{
    const struct listing *listing = ctx;
    struct str prefix = buf_view(&listing->s3->prefix);

    if (key.n < prefix.n || (prefix.n > 0 && memcmp(key.p, prefix.p, prefix.n) != 0))
        return true;
    return listing->on_key(listing->ctx, (struct str){ key.p + prefix.n, key.n - prefix.n });
}

static void put_list_query(struct buf *query, struct s3 *s3, const char *prefix,
                           const struct buf *next)
{
    buf_reset(query);
    if (next->n > 0) {
        buf_str(query, STR("continuation-token="));
        put_encoded(query, buf_view(next), false);
        buf_char(query, '&');
    }
    buf_str(query, STR("list-type=2&prefix="));
    put_encoded(query, buf_view(&s3->prefix), false);
    put_encoded(query, str_of(prefix), false);
    buf_char(query, '\0');
}

enum s3_result s3_list(struct s3 *s3, const char *prefix,
                       bool (*on_key)(void *ctx, struct str key), void *ctx, struct str *error)
{
    struct listing listing = { s3, on_key, ctx };
    enum s3_result result;
    struct buf query, next;

    buf_init(&query, URL_BYTES * 2);
    buf_init(&next, URL_BYTES);
    do {
        struct request request = { .method = "GET" };

        put_list_query(&query, s3, prefix, &next);
        request.query = query.p;
        result = perform(s3, &request, error);
        if (result == S3_OK &&
            !s3_list_read(buf_view(&s3->answer), on_listed, &listing, &next)) {
            *error = STR("the answer is not a listing");
            result = S3_FAILED;
        }
    } while (result == S3_OK && next.n > 0);
    buf_fini(&query);
    buf_fini(&next);
    return result;
}
