/* Blocking HTTP over libcurl's easy interface (see net/http_client.h). */
#include "net/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>


#define URL_BYTES 4096
#define HEADER_BYTES 1024
#define CONNECT_TIMEOUT_S 5L
#define REQUEST_TIMEOUT_MS 60000L

struct http_client {
    CURL *curl;
    long timeout_ms;
    const atomic_bool *cancelled;
    curl_off_t retry_after_s;
    const char *sigv4, *user;
    char base[1024];
    char url[URL_BYTES];
    char why[CURL_ERROR_SIZE];
    char error[URL_BYTES + CURL_ERROR_SIZE + 64];
};

static size_t on_answer(char *p, size_t size, size_t n, void *ctx)
{
    struct buf *answer = ctx;

    buf_put(answer, p, size * n);
    return answer->overflow ? 0 : size * n;
}

/* Called some times a second; not 0 ends the request. */
static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const atomic_bool *cancelled = ctx;

    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(cancelled);
}

struct http_client *http_client_new(const char *base_url)
{
    struct http_client *client = calloc(1, sizeof(*client));
    size_t n = strlen(base_url);

    CHECK(client != NULL);
    while (n > 0 && base_url[n - 1] == '/')
        n--;
    if (n >= sizeof(client->base) || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(client);
        return NULL;
    }
    memcpy(client->base, base_url, n);
    client->curl = curl_easy_init();
    if (client->curl == NULL) {
        free(client);
        curl_global_cleanup();
        return NULL;
    }
    client->timeout_ms = REQUEST_TIMEOUT_MS;
    return client;
}

void http_client_limit(struct http_client *client, long timeout_ms, const atomic_bool *cancelled)
{
    CHECK(timeout_ms > 0);
    client->timeout_ms = timeout_ms;
    client->cancelled = cancelled;
}

void http_client_sign(struct http_client *client, const char *sigv4, const char *user)
{
    client->sigv4 = sigv4;
    client->user = user;
}

int64_t http_client_retry_after_s(const struct http_client *client)
{
    return client->retry_after_s;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    free(client);
}

const char *http_client_error(const struct http_client *client)
{
    return client->error;
}

/* Settings are made afresh; the connection stays. */
static CURLcode set_up(struct http_client *client, const char *method, struct str body,
                       const struct curl_slist *headers, struct buf *answer)
{
    CURL *curl = client->curl;
    CURLcode code = CURLE_OK;

    curl_easy_reset(curl);
#define SET(option, value) \
    do { if (code == CURLE_OK) code = curl_easy_setopt(curl, option, value); } while (0)
    SET(CURLOPT_URL, client->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    SET(CURLOPT_TIMEOUT_MS, client->timeout_ms);
    SET(CURLOPT_ERRORBUFFER, client->why);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_WRITEFUNCTION, on_answer);
    SET(CURLOPT_WRITEDATA, answer);
    if (body.n > 0 || strcmp(method, "POST") == 0) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        SET(CURLOPT_POSTFIELDS, body.n > 0 ? body.p : "");
    }
    if (client->sigv4 != NULL) {
        SET(CURLOPT_AWS_SIGV4, client->sigv4);
        SET(CURLOPT_USERPWD, client->user);
    }
    if (client->cancelled != NULL) {
        SET(CURLOPT_NOPROGRESS, 0L);
        SET(CURLOPT_XFERINFOFUNCTION, on_progress);
        SET(CURLOPT_XFERINFODATA, client->cancelled);
    }
    SET(CURLOPT_CUSTOMREQUEST, method);
    if (strcmp(method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
#undef SET
    return code;
}

static bool append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static bool make_headers(struct curl_slist **list, bool is_signed, const char *content_type,
                         const char *const *headers, size_t n_headers)
{
    char line[HEADER_BYTES];

    /* libcurl would wait for "100 Continue" before a body over 1 MB; and it would
     * sign the header that this takes away. */
    if (!is_signed && !append(list, "Expect:"))
        return false;
    if (content_type != NULL) {
        int n = snprintf(line, sizeof(line), "Content-Type: %s", content_type);

        if (n < 0 || (size_t)n >= sizeof(line) || !append(list, line))
            return false;
    } else if (!append(list, "Content-Type:")) {
        return false;
    }
    for (size_t i = 0; i < n_headers; i++)
        if (!append(list, headers[i]))
            return false;
    return true;
}

static bool failed(struct http_client *client, const char *method, const char *why)
{
    (void)snprintf(client->error, sizeof(client->error), "%s %s: %s", method,
                   client->url, why);
    return false;
}

bool http_client_request(struct http_client *client, const char *method, const char *path,
                         const char *content_type, struct str body,
                         const char *const *headers, size_t n_headers,
                         int *status, struct buf *answer)
{
    struct curl_slist *list = NULL;
    long code = 0;
    CURLcode result;
    int n;

    *status = 0;
    client->retry_after_s = 0;
    buf_reset(answer);
    client->why[0] = '\0';
    n = snprintf(client->url, sizeof(client->url), "%s%s", client->base, path);
    if (n < 0 || (size_t)n >= sizeof(client->url))
        return failed(client, method, "the address is too long");
    if (!make_headers(&list, client->sigv4 != NULL, content_type, headers, n_headers)) {
        curl_slist_free_all(list);
        return failed(client, method, "a header is too long");
    }
    result = set_up(client, method, body, list, answer);
    if (result == CURLE_OK)
        result = curl_easy_perform(client->curl);
    if (result == CURLE_OK)
        result = curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &code);
    if (result == CURLE_OK)
        result = curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &client->retry_after_s);
    curl_slist_free_all(list);
    if (result != CURLE_OK && answer->overflow)
        return failed(client, method, "the answer is too large");
    if (result != CURLE_OK)
        return failed(client, method, client->why[0] != '\0' ? client->why
                                                             : curl_easy_strerror(result));
    *status = (int)code;
    return true;
}
