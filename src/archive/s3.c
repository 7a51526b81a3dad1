/* S3 over libcurl (s3.h). */
#include "archive/s3.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/aws_keys.h"
#include "archive/md5.h"
#include "base/clock.h"
#include "base/text.h"

#define S3_MAGIC 0x53333a2fu
#define PART_BYTES ((size_t)16 * 1024 * 1024)
#define PARTS_MAX 10000 /* the protocol's */
#define ANSWER_BYTES ((size_t)16 * 1024 * 1024)
#define ATTEMPTS 4
#define URL_BYTES 4096

/* Headers of answers that are kept, by what they say. */
enum {
    HEAD_CLASS, HEAD_RESTORE, HEAD_LOCK_MODE, HEAD_LOCK_UNTIL, HEAD_SUM, HEAD_MADE, HEAD_VERSION,
    HEAD_KEY_OF, HEAD_KEY_OF_CUSTOMER, HEAD_KEY_OF_GOOGLE, HEAD_SUM_GOOGLE, HEAD_MADE_GOOGLE,
    HEADS
};
#define META "overround-" /* of metadata that are ours */
static const char *const head_names[HEADS] = {
    [HEAD_CLASS] = "x-amz-storage-class:", [HEAD_RESTORE] = "x-amz-restore:",
    [HEAD_LOCK_MODE] = "x-amz-object-lock-mode:",
    [HEAD_LOCK_UNTIL] = "x-amz-object-lock-retain-until-date:",
    [HEAD_SUM] = "x-amz-meta-" META "sha256:", [HEAD_MADE] = "x-amz-meta-" META "made:",
    [HEAD_VERSION] = "x-amz-version-id:",
    [HEAD_KEY_OF] = "x-amz-server-side-encryption:", /* AES256, aws:kms, aws:kms:dsse */
    [HEAD_KEY_OF_CUSTOMER] = "x-amz-server-side-encryption-customer-algorithm:",
    [HEAD_KEY_OF_GOOGLE] = "x-goog-encryption-kms-key-name:",
    [HEAD_SUM_GOOGLE] = "x-goog-meta-" META "sha256:",
    [HEAD_MADE_GOOGLE] = "x-goog-meta-" META "made:",
};

struct s3 {
    uint32_t magic;
    CURL *curl;
    struct arena *arena;    /* errors */
    struct buf base;        /* scheme, host, and the bucket in a path */
    struct buf prefix;      /* "" or "archive/" */
    struct aws_keys *keys;
    struct buf user, sigv4; /* "key:secret", "aws:amz:region:s3" */
    const char *session;    /* of this request's key; "": none */
    size_t part_bytes;
    const char *storage_class, *lock_mode; /* of what is put; NULL: the store's */
    int64_t lock_days, locked_until_ms;
    char sum[SHA256_HEX];   /* of what is being put, */
    int64_t made_ms;        /* and since when it is; 0: since now */
    struct buf answer;      /* bodies that are not the caller's */
    struct buf etag;
    struct buf head[HEADS]; /* what s3_look() asks for */
    char reason[CURL_ERROR_SIZE];
    bool (*on_bytes)(void *ctx, struct str bytes);
    void *ctx;
    bool performs;          /* a request is under way */
    bool delivered;         /* on_bytes has got some */
    bool stopped;           /* by on_bytes */
    bool may_pass;          /* why the last request failed */
};

/* Between two requests. */
static void s3_check(const struct s3 *s3)
{
    CHECK(s3->magic == S3_MAGIC && !s3->performs); /* one handle, one request */
    CHECK(s3->keys != NULL && s3->curl != NULL);
    CHECK(s3->base.n > 0 && s3->base.p[s3->base.n - 1] == '/');
    CHECK(s3->prefix.n == 0 || s3->prefix.p[s3->prefix.n - 1] == '/');
    CHECK(s3->part_bytes > 0 && s3->lock_days >= 0 && s3->lock_mode != NULL);
}

void sha256_hex(struct str bytes, char hex[SHA256_HEX])
{
    unsigned char sum[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(sum, (const unsigned char *)bytes.p, bytes.n);
    (void)sodium_bin2hex(hex, SHA256_HEX, sum, sizeof(sum));
}

bool s3_may_pass(const struct s3 *s3)
{
    return s3->may_pass;
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

/* AWS_REGION, or SECOND_AWS_REGION. */
static const char *environment(const struct s3_options *options, const char *name)
{
    char whole[128];
    const char *value;

    (void)snprintf(whole, sizeof(whole), "%s%s", options->prefix != NULL ? options->prefix : "",
                   name);
    CHECK(strlen(whole) + 1 < sizeof(whole)); /* not cut */
    value = getenv(whole);
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
                                                     : environment(options, "AWS_ENDPOINT_URL");
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
    for (unsigned i = 0; i < HEADS; i++)
        buf_init(&s3->head[i], 256);
    s3->storage_class = options->storage_class;
    s3->lock_mode = options->lock_mode != NULL ? options->lock_mode : "COMPLIANCE";
    s3->lock_days = options->lock_days;
    s3->curl = curl_easy_init();
    CHECK(s3->curl != NULL);
    return s3;
}

struct s3 *s3_open(const struct s3_options *options, struct arena *arena, struct str *error)
{
    const char *region = environment(options, "AWS_REGION"),
               *prefix = options->prefix != NULL ? options->prefix : "";
    struct s3 *s3 = make(options, arena);
    struct str bucket;

    if (region == NULL)
        region = "us-east-1";
    if (!read_url(options->url, &bucket, &s3->prefix))
        *error = arena_printf(arena, "\"%s\" is not s3://BUCKET/PREFIX", options->url);
    else if (!make_base(s3, options, bucket, region))
        *error = STR("the endpoint is not http://HOST or https://HOST");
    else
        s3->keys = aws_keys_open(prefix, region, arena, error);
    if (s3->keys != NULL) {
        buf_printf(&s3->sigv4, "aws:amz:%s:s3%c", region, '\0');
        s3_check(s3);
        return s3;
    }
    s3_close(s3);
    return NULL;
}

void s3_close(struct s3 *s3)
{
    CHECK(s3->magic == S3_MAGIC && !s3->performs && s3->on_bytes == NULL);
    s3->magic = 0;
    curl_easy_cleanup(s3->curl);
    aws_keys_close(s3->keys);
    if (s3->user.n > 0)
        sodium_memzero(s3->user.p, s3->user.n);
    buf_fini(&s3->base);
    buf_fini(&s3->prefix);
    buf_fini(&s3->user);
    buf_fini(&s3->sigv4);
    buf_fini(&s3->answer);
    buf_fini(&s3->etag);
    for (unsigned i = 0; i < HEADS; i++)
        buf_fini(&s3->head[i]);
    free(s3);
}

/* ---- one request ----------------------------------------------------------- */

struct s3_request {
    const char *method;
    struct str key;      /* below the prefix; {NULL}: the bucket itself */
    const char *query;   /* sorted, encoded, each with its '='; NULL = none */
    struct str body;     /* of PUT and POST */
    bool is_object;      /* it makes one: its class, its lock */
};

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct s3 *s3 = ctx;
    long status = 0;

    CHECK(s3->magic == S3_MAGIC && one == 1);
    CHECK(s3->performs && !s3->stopped);
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

/* "name: value\r\n" -> value into `out`; false: it is another. */
static bool take_header(struct str line, const char *name, struct buf *out)
{
    size_t begin = strlen(name);

    if (line.n < begin || strncasecmp(line.p, name, begin) != 0)
        return false;
    while (line.n > begin && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    while (begin < line.n && line.p[begin] == ' ')
        begin++;
    buf_reset(out);
    buf_put(out, line.p + begin, line.n - begin);
    return true;
}

static size_t on_header(char *bytes, size_t one, size_t n, void *ctx)
{
    struct s3 *s3 = ctx;
    struct str line = { bytes, n };

    CHECK(s3->magic == S3_MAGIC && one == 1 && s3->performs);
    if (take_header(line, "etag:", &s3->etag))
        return n;
    for (unsigned i = 0; i < HEADS && !take_header(line, head_names[i], &s3->head[i]); i++)
        ;
    return n;
}

static void add_header(struct curl_slist **headers, const char *format, ...) PRINTF_LIKE(2, 3);

static void add_header(struct curl_slist **headers, const char *format, ...)
{
    char line[16384];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    *headers = curl_slist_append(*headers, line);
    CHECK(*headers != NULL);
}

static void add_sums(struct curl_slist **headers, const struct s3_request *request)
{
    unsigned char sum[MD5_BYTES];
    char text[sodium_base64_ENCODED_LEN(MD5_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    char hex[SHA256_HEX];

    CHECK(request->body.n == 0 || request->body.p != NULL);
    sha256_hex(request->body, hex);
    add_header(headers, "x-amz-content-sha256: %s", hex);
    if (request->body.p == NULL)
        return;
    md5(request->body, sum);
    (void)sodium_bin2base64(text, sizeof(text), sum, sizeof(sum), sodium_base64_VARIANT_ORIGINAL);
    add_header(headers, "Content-MD5: %s", text);
    add_header(headers, "Content-Type: application/octet-stream");
}

static void add_keeping(struct curl_slist **headers, const struct s3 *s3)
{
    struct buf until;

    if (s3->storage_class != NULL)
        add_header(headers, "x-amz-storage-class: %s", s3->storage_class);
    if (s3->lock_days == 0)
        return;
    CHECK(s3->lock_days > 0 && s3->locked_until_ms > 0);
    buf_init(&until, 64);
    clock_format(&until, s3->locked_until_ms);
    add_header(headers, "x-amz-object-lock-mode: %s", s3->lock_mode);
    add_header(headers, "x-amz-object-lock-retain-until-date: " STR_FMT,
               STR_ARG(buf_view(&until)));
    buf_fini(&until);
}

static struct curl_slist *headers_of(const struct s3 *s3, const struct s3_request *request)
{
    struct curl_slist *headers = NULL;

    CHECK(s3->session != NULL);
    add_sums(&headers, request);
    if (request->is_object) {
        CHECK(strspn(s3->sum, "0123456789abcdef") == SHA256_HEX - 1);
        add_keeping(&headers, s3);
        add_header(&headers, "x-amz-meta-" META "sha256: %s", s3->sum);
    }
    if (request->is_object && s3->made_ms > 0)
        add_header(&headers, "x-amz-meta-" META "made: %" PRId64, s3->made_ms);
    if (s3->session[0] != '\0')
        add_header(&headers, "x-amz-security-token: %s", s3->session);
    return headers;
}

static void put_address(struct s3 *s3, const struct s3_request *request, struct buf *url)
{
    buf_str(url, buf_view(&s3->base));
    CHECK(request->key.p != NULL || request->query != NULL);
    if (request->key.p != NULL) {
        put_encoded(url, buf_view(&s3->prefix), true);
        put_encoded(url, request->key, true);
    }
    if (request->query != NULL)
        buf_printf(url, "?%s", request->query);
    buf_char(url, '\0');
    CHECK(!url->overflow);
}

static void set_up(struct s3 *s3, const struct s3_request *request, struct curl_slist *headers,
                   const char *url)
{
    CURL *curl = s3->curl;

    CHECK(s3->user.n > 1 && s3->user.p[s3->user.n - 1] == '\0');
    CHECK(s3->sigv4.n > 1 && s3->sigv4.p[s3->sigv4.n - 1] == '\0');
    curl_easy_reset(curl);
    buf_reset(&s3->answer);
    buf_reset(&s3->etag);
    for (unsigned i = 0; i < HEADS; i++)
        buf_reset(&s3->head[i]);
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
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* 0: no answer. */
static long once(struct s3 *s3, const struct s3_request *request)
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

static enum s3_result failed(struct s3 *s3, const struct s3_request *request, long status,
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
 * else on the way that knows no such page, says nothing about it.  HEAD has no words. */
static bool is_absent(const struct s3 *s3, const struct s3_request *request, long status)
{
    return status == 404 && strcmp(request->method, "GET") == 0 &&
           str_eq(element(s3, "Code"), STR("NoSuchKey"));
}

static enum s3_result frozen(const struct s3 *s3, const struct s3_request *request,
                             struct str *error)
{
    struct str name = element(s3, "StorageClass");

    *error = arena_printf(s3->arena, STR_FMT " is in the storage class " STR_FMT " and must be"
                          " thawed before it can be read: overround object restore",
                          STR_ARG(request->key), STR_ARG(name.n > 0 ? name : STR("of archives")));
    return S3_FAILED;
}

static bool take_key(struct s3 *s3, struct str *error)
{
    const struct aws_key *key = aws_keys_now(s3->keys, clock_wall_ms(), error);

    if (key == NULL)
        return false;
    buf_reset(&s3->user);
    buf_printf(&s3->user, "%s:%s%c", key->id, key->secret, '\0');
    s3->session = key->session;
    CHECK(!s3->user.overflow && key->id[0] != '\0');
    return true;
}

/* By the store's clock; the next attempt has another. */
static bool has_ended(struct s3 *s3, long status)
{
    return (status == 400 || status == 403) &&
           str_eq(element(s3, "Code"), STR("ExpiredToken")) && aws_keys_expire(s3->keys);
}

/* What has begun to reach the caller is not asked for again. */
static enum s3_result perform(struct s3 *s3, const struct s3_request *request, struct str *error)
{
    long status = 0;

    s3_check(s3);
    CHECK(!request->is_object || s3->sum[0] != '\0');
    s3->may_pass = true;
    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        if (!take_key(s3, error))
            return S3_FAILED;
        s3->performs = true;
        status = once(s3, request);
        s3->performs = false;
        CHECK(status >= 0 && (!s3->stopped || s3->delivered));
        s3->may_pass = status == 0 || status == 429 || status / 100 == 5;
        if (s3->stopped || status / 100 == 2)
            return S3_OK;
        if (is_absent(s3, request, status))
            return S3_ABSENT;
        if ((!s3->may_pass && !has_ended(s3, status)) || s3->delivered)
            break;
        if (attempt < ATTEMPTS)
            (void)usleep(100000u << attempt);
    }
    if (str_eq(element(s3, "Code"), STR("InvalidObjectState")))
        return frozen(s3, request, error);
    return failed(s3, request, status, error);
}

/* ---- put --------------------------------------------------------------------- */

/* is_kept: with its class and its lock. */
static enum s3_result put_whole(struct s3 *s3, const char *key, struct str bytes, bool is_kept,
                                struct str *error)
{
    struct s3_request request = { .method = "PUT", .key = str_of(key), .body = bytes };

    request.is_object = is_kept;
    if (bytes.p == NULL)
        request.body.p = "";
    return perform(s3, &request, error);
}

enum s3_result s3_put(struct s3 *s3, const char *key, struct str bytes, struct str *error)
{
    return put_whole(s3, key, bytes, false, error);
}

struct upload {
    struct s3 *s3;
    struct str key;
    char id[1024];   /* encoded */
    struct buf done; /* the XML that names the parts */
    char *part;      /* memory of one */
    unsigned parts;  /* that were put */
    int64_t bytes;   /* of them */
};

static enum s3_result begin_upload(struct upload *upload, struct str *error)
{
    struct s3_request request = { .method = "POST", .key = upload->key, .query = "uploads=",
                               .body = STR(""), .is_object = true };
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
    struct s3_request request = { .method = "PUT", .key = upload->key, .query = query,
                               .body = { upload->part, n } };
    enum s3_result result;

    CHECK(number > 0 && number <= PARTS_MAX && upload->id[0] != '\0');
    CHECK(n > 0 && n <= upload->s3->part_bytes);
    CHECK(number == upload->parts + 1); /* none is left out */
    (void)snprintf(query, sizeof(query), "partNumber=%u&uploadId=%s", number, upload->id);
    result = perform(upload->s3, &request, error);
    if (result != S3_OK)
        return result;
    upload->parts++;
    upload->bytes += (int64_t)n;
    buf_printf(&upload->done, "<Part><PartNumber>%u</PartNumber><ETag>" STR_FMT
               "</ETag></Part>", number, STR_ARG(buf_view(&upload->s3->etag)));
    return result;
}

static enum s3_result end_upload(struct upload *upload, struct str *error)
{
    char query[sizeof(upload->id) + 64];
    struct s3_request request = { .method = "POST", .key = upload->key, .query = query };
    enum s3_result result;

    CHECK(upload->parts > 0 && upload->parts <= PARTS_MAX);
    CHECK(upload->bytes <= (int64_t)upload->parts * (int64_t)upload->s3->part_bytes);
    (void)snprintf(query, sizeof(query), "uploadId=%s", upload->id);
    buf_str(&upload->done, STR("</CompleteMultipartUpload>"));
    CHECK(!upload->done.overflow);
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
    struct s3_request request = { .method = "DELETE", .key = upload->key, .query = query };
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

/* A day is what a store may round by. */
static enum s3_result is_locked(struct s3 *s3, const char *key, struct str *error)
{
    struct s3_state state;
    enum s3_result result = s3_look(s3, key, &state, error);

    if (result != S3_OK || (strcmp(state.lock_mode, s3->lock_mode) == 0 &&
                            state.locked_until_ms >= s3->locked_until_ms - 86400000))
        return result;
    *error = arena_printf(s3->arena, "%s is there, but the store did not lock it: the bucket must"
                          " have object lock (docs/BACKUPS.md)", key);
    return S3_FAILED;
}

/* Of the whole file, from its beginning. */
static bool sum_file(struct s3 *s3, FILE *file, char *bytes)
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    size_t n;

    if (fseek(file, 0, SEEK_SET) != 0)
        return false;
    crypto_hash_sha256_init(&state);
    while ((n = fread(bytes, 1, s3->part_bytes, file)) > 0)
        crypto_hash_sha256_update(&state, (unsigned char *)bytes, n);
    crypto_hash_sha256_final(&state, sum);
    (void)sodium_bin2hex(s3->sum, SHA256_HEX, sum, sizeof(sum));
    return ferror(file) == 0;
}

enum s3_result s3_put_file(struct s3 *s3, const char *key, FILE *file, struct str *error)
{
    return s3_put_copy(s3, key, file, 0, error);
}

enum s3_result s3_put_copy(struct s3 *s3, const char *key, FILE *file, int64_t made_ms,
                           struct str *error)
{
    struct upload upload = { .s3 = s3, .key = str_of(key), .part = malloc(s3->part_bytes) };
    enum s3_result result = S3_FAILED;
    size_t n;

    CHECK(upload.part != NULL && file != NULL);
    buf_init(&upload.done, ANSWER_BYTES);
    s3->locked_until_ms = clock_wall_ms() + s3->lock_days * 86400000;
    s3->made_ms = made_ms;
    if (!sum_file(s3, file, upload.part) || fseek(file, 0, SEEK_SET) != 0 ||
        ((n = fread(upload.part, 1, s3->part_bytes, file)) == 0 && ferror(file) != 0))
        *error = arena_printf(s3->arena, "cannot read the file: %s", strerror(errno));
    else if (n < s3->part_bytes)
        result = put_whole(s3, key, (struct str){ upload.part, n }, true, error);
    else
        result = put_parts(&upload, file, n, error);
    if (result == S3_OK && s3->lock_days > 0)
        result = is_locked(s3, key, error);
    buf_fini(&upload.done);
    free(upload.part);
    return result;
}

/* ---- get and list ------------------------------------------------------------- */

enum s3_result s3_get(struct s3 *s3, const char *key,
                      bool (*on_bytes)(void *ctx, struct str bytes), void *ctx,
                      struct str *error)
{
    struct s3_request request = { .method = "GET", .key = str_of(key) };
    enum s3_result result;

    CHECK(on_bytes != NULL && s3->on_bytes == NULL);
    s3->on_bytes = on_bytes;
    s3->ctx = ctx;
    result = perform(s3, &request, error);
    s3->on_bytes = NULL;
    return result;
}

struct s3_listing {
    struct s3 *s3;
    bool (*on_object)(void *ctx, const struct s3_object *object);
    void *ctx;
};

static bool on_listed(void *ctx, const struct s3_object *object)
{
    const struct s3_listing *listing = ctx;
    struct str prefix = buf_view(&listing->s3->prefix);
    struct s3_object below = *object;

    if (below.key.n < prefix.n || (prefix.n > 0 && memcmp(below.key.p, prefix.p, prefix.n) != 0))
        return true;
    below.key.p += prefix.n;
    below.key.n -= prefix.n;
    return listing->on_object(listing->ctx, &below);
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
    CHECK(!next->overflow && next != query);
    buf_str(query, STR("list-type=2&prefix="));
    put_encoded(query, buf_view(&s3->prefix), false);
    put_encoded(query, str_of(prefix), false);
    buf_char(query, '\0');
}

enum s3_result s3_list(struct s3 *s3, const char *prefix,
                       bool (*on_object)(void *ctx, const struct s3_object *object), void *ctx,
                       struct str *error)
{
    struct s3_listing listing = { s3, on_object, ctx };
    enum s3_result result;
    struct buf query, next;

    buf_init(&query, URL_BYTES * 2);
    buf_init(&next, URL_BYTES);
    CHECK(on_object != NULL && s3->on_bytes == NULL);
    do {
        struct s3_request request = { .method = "GET" };

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

/* ---- archive classes ------------------------------------------------------------ */

bool s3_class_is_frozen(const char *storage_class)
{
    return strcmp(storage_class, "GLACIER") == 0 || strcmp(storage_class, "DEEP_ARCHIVE") == 0;
}

/* What is between the quotes behind name=, "" when it is not there. */
static struct str attribute(struct str header, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i + n + 2 <= header.n; i++) {
        const char *at = header.p + i + n + 2, *end;

        if (memcmp(header.p + i, name, n) != 0 || memcmp(at - 2, "=\"", 2) != 0)
            continue;
        end = memchr(at, '"', header.n - i - n - 2);
        return end == NULL ? STR_NONE : (struct str){ at, (size_t)(end - at) };
    }
    return STR_NONE;
}

bool s3_thaw_read(struct str header, struct s3_state *state)
{
    struct str ongoing = attribute(header, "ongoing-request");
    struct str expiry = attribute(header, "expiry-date");

    if (!str_eq(ongoing, STR("true")) && !str_eq(ongoing, STR("false")))
        return false;
    state->thaw = ongoing.n == 4 ? S3_THAWING : S3_THAWED;
    (void)snprintf(state->until, S3_WORD_BYTES, STR_FMT, STR_ARG(expiry));
    return true;
}

static void copy_head(const struct s3 *s3, unsigned i, char word[S3_WORD_BYTES])
{
    (void)snprintf(word, S3_WORD_BYTES, STR_FMT, STR_ARG(buf_view(&s3->head[i])));
}

static bool is_hex(struct str text, size_t n)
{
    for (size_t i = 0; i < text.n; i++)
        if (strchr("0123456789abcdef", text.p[i]) == NULL || text.p[i] == '\0')
            return false;
    return text.n == n;
}

/* 0: it is none, or too large for a time. */
static int64_t number(struct str text)
{
    int64_t n;

    return text.n <= 15 && text_number(text, INT64_MAX, &n) ? n : 0;
}

/* What tells whether two copies are the same.  A version "null" is of before there
 * were any, and would be written over. */
static void look_at_sums(const struct s3 *s3, struct s3_state *state)
{
    struct str sum = buf_view(&s3->head[HEAD_SUM]), made = buf_view(&s3->head[HEAD_MADE]),
               key_of = buf_view(&s3->head[HEAD_KEY_OF]);

    if (sum.n == 0)
        sum = buf_view(&s3->head[HEAD_SUM_GOOGLE]);
    if (made.n == 0)
        made = buf_view(&s3->head[HEAD_MADE_GOOGLE]);
    if (is_hex(sum, SHA256_HEX - 1))
        (void)snprintf(state->sha256, SHA256_HEX, STR_FMT, STR_ARG(sum));
    state->made_ms = number(made);
    if (!str_eq(buf_view(&s3->head[HEAD_VERSION]), STR("null")))
        copy_head(s3, HEAD_VERSION, state->version);
    state->etag_is_md5 = (key_of.n == 0 || str_eq(key_of, STR("AES256"))) &&
                         s3->head[HEAD_KEY_OF_CUSTOMER].n == 0 &&
                         s3->head[HEAD_KEY_OF_GOOGLE].n == 0;
}

enum s3_result s3_look(struct s3 *s3, const char *key, struct s3_state *state, struct str *error)
{
    struct s3_request request = { .method = "HEAD", .key = str_of(key) };
    enum s3_result result = perform(s3, &request, error);

    *state = (struct s3_state){ 0 };
    if (result != S3_OK)
        return result;
    look_at_sums(s3, state);
    copy_head(s3, HEAD_CLASS, state->storage_class);
    copy_head(s3, HEAD_LOCK_MODE, state->lock_mode);
    if (s3->head[HEAD_LOCK_UNTIL].n > 0 &&
        !clock_parse(buf_view(&s3->head[HEAD_LOCK_UNTIL]), &state->locked_until_ms))
        state->locked_until_ms = 0;
    if (!s3_thaw_read(buf_view(&s3->head[HEAD_RESTORE]), state) &&
        s3_class_is_frozen(state->storage_class))
        state->thaw = S3_FROZEN;
    return S3_OK;
}

enum s3_result s3_thaw(struct s3 *s3, const char *key, int64_t days, const char *tier,
                       struct str *error)
{
    struct s3_request request = { .method = "POST", .key = str_of(key), .query = "restore=" };
    enum s3_result result;
    struct buf body;

    CHECK(days > 0);
    buf_init(&body, 1024);
    buf_printf(&body, "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
               "<Days>%" PRId64 "</Days><GlacierJobParameters><Tier>%s</Tier>"
               "</GlacierJobParameters></RestoreRequest>", days, tier);
    request.body = buf_view(&body);
    result = perform(s3, &request, error);
    if (result == S3_FAILED && str_eq(element(s3, "Code"), STR("RestoreAlreadyInProgress")))
        result = S3_OK;
    buf_fini(&body);
    return result;
}
