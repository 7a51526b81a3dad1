/* Connections of the load generator (see cli/load_pool.h). */
#include "cli/load_pool.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "net/http_response.h"

#define READ_BYTES ((size_t)64 * 1024)
#define REQUEST_BYTES ((size_t)LIMIT_FEED_BODY_BYTES + LIMIT_HEADER_BYTES)
#define RECONNECT_MS 50

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_FREE, LINK_BUSY, LINK_CLOSING };

struct pool_link {
    struct load_pool *pool;
    enum link_state state;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct http_response *response;
    struct buf request;
    uint32_t item;
    bool again;          /* connect again at once: the server said "close" */
    struct pool_link *next_free;
};

struct load_pool {
    uv_loop_t *loop;
    uv_timer_t reconnect;
    struct sockaddr_storage address;
    char host[300];
    struct load_source source;
    struct pool_link *links, *free;
    unsigned n_links, in_flight;
    uint64_t reconnects;
    bool closing;
    char read[READ_BYTES];
};

static void link_connect(struct pool_link *link);

static bool parse_url(const char *url, char *host, size_t room, char *port, size_t port_room)
{
    const char *at, *end, *colon;
    size_t n, port_n;

    if (strncmp(url, "http://", 7) != 0)
        return false;
    at = url + 7;
    end = at + strcspn(at, "/");
    colon = end;
    while (colon > at && *colon != ':' && *colon != ']')
        colon--;
    if (*colon != ':' || colon == at)
        colon = end;
    n = (size_t)(colon - at);
    if (n >= 2 && at[0] == '[' && at[n - 1] == ']') {
        at++;
        n -= 2;
    }
    port_n = colon == end ? 0 : (size_t)(end - colon - 1);
    if (n == 0 || n >= room || port_n >= port_room)
        return false;
    memcpy(host, at, n);
    host[n] = '\0';
    memcpy(port, colon + (colon != end), port_n);
    port[port_n] = '\0';
    if (port_n == 0)
        (void)snprintf(port, port_room, "80");
    return true;
}

bool load_pool_resolve(const char *url, struct sockaddr_storage *address, char *host,
                       size_t room)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    char name[256], port[8];

    if (!parse_url(url, name, sizeof(name), port, sizeof(port))
        || getaddrinfo(name, port, &hints, &found) != 0)
        return false;
    memcpy(address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    (void)snprintf(host, room, "%s:%s", name, port);
    return true;
}

/* ---- a link's life ------------------------------------------------------- */

static void link_free_up(struct pool_link *link)
{
    link->state = LINK_FREE;
    link->next_free = link->pool->free;
    link->pool->free = link;
}

static void link_unfree(struct pool_link *link)
{
    struct pool_link **at = &link->pool->free;

    while (*at != link)
        at = &(*at)->next_free;
    *at = link->next_free;
}

static void on_closed(uv_handle_t *handle)
{
    struct pool_link *link = handle->data;

    link->state = LINK_DOWN;
    if (link->pool->closing)
        return;
    if (link->again)
        link_connect(link);
    else
        (void)uv_timer_again(&link->pool->reconnect);
}

/* Closes the link; a request in flight gets no answer. */
static void link_down(struct pool_link *link, bool again, const char *why)
{
    bool was_busy = link->state == LINK_BUSY;
    struct load_pool *pool = link->pool;

    if (link->state == LINK_CLOSING || link->state == LINK_DOWN)
        return;
    if (link->state == LINK_FREE)
        link_unfree(link);
    link->state = LINK_CLOSING;
    link->again = again;
    uv_close((uv_handle_t *)&link->tcp, on_closed);
    if (was_busy) {
        pool->in_flight--;
        pool->source.answered(pool->source.ctx, link->item, 0, str_of(why));
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct pool_link *link = handle->data;

    (void)suggested;
    *buf = uv_buf_init(link->pool->read, (unsigned)READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct pool_link *link = stream->data;
    struct load_pool *pool = link->pool;

    if (n == 0 || link->state == LINK_CLOSING)
        return;
    if (n < 0 || link->state != LINK_BUSY) {
        link_down(link, n == UV_EOF && link->state == LINK_FREE,
                  n < 0 ? uv_strerror((int)n) : "bytes that nobody asked for");
        return;
    }
    switch (http_response_feed(link->response, buf->base, (size_t)n)) {
    case HTTP_RESPONSE_MORE:
        return;
    case HTTP_RESPONSE_BAD:
        link_down(link, false, http_response_why(link->response));
        return;
    case HTTP_RESPONSE_DONE:
        break;
    }
    pool->in_flight--;
    link_free_up(link);
    if (!http_response_keeps_alive(link->response))
        link_down(link, true, "");
    pool->source.answered(pool->source.ctx, link->item,
                          http_response_status(link->response),
                          http_response_body(link->response));
    load_pool_kick(pool);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct pool_link *link = connect->data;

    if (link->state != LINK_CONNECTING)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read) != 0) {
        link_down(link, false, "");
        return;
    }
    (void)uv_tcp_nodelay(&link->tcp, 1);
    link_free_up(link);
    load_pool_kick(link->pool);
}

static void link_connect(struct pool_link *link)
{
    struct load_pool *pool = link->pool;

    CHECK(uv_tcp_init(pool->loop, &link->tcp) == 0);
    link->tcp.data = link;
    link->connect.data = link;
    link->state = LINK_CONNECTING;
    pool->reconnects++;
    if (uv_tcp_connect(&link->connect, &link->tcp, (struct sockaddr *)&pool->address,
                       on_connected) != 0)
        link_down(link, false, "");
}

static void on_reconnect(uv_timer_t *timer)
{
    struct load_pool *pool = timer->data;

    (void)uv_timer_stop(timer);
    for (unsigned i = 0; i < pool->n_links && !pool->closing; i++)
        if (pool->links[i].state == LINK_DOWN)
            link_connect(&pool->links[i]);
}

/* ---- requests ------------------------------------------------------------ */

static void on_written(uv_write_t *write, int status)
{
    struct pool_link *link = write->data;

    if (status < 0 && status != UV_ECANCELED)
        link_down(link, false, uv_strerror(status));
}

static void link_send(struct pool_link *link)
{
    uv_buf_t buf = uv_buf_init(link->request.p, (unsigned)link->request.n);
    int sent;

    http_response_start(link->response);
    link->state = LINK_BUSY;
    link->pool->in_flight++;
    sent = uv_try_write((uv_stream_t *)&link->tcp, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        link_down(link, false, uv_strerror(sent));
        return;
    }
    if (sent == (int)buf.len)
        return;
    buf.base += sent < 0 ? 0 : sent;
    buf.len -= sent < 0 ? 0 : (size_t)sent;
    link->write.data = link;
    if (uv_write(&link->write, (uv_stream_t *)&link->tcp, &buf, 1, on_written) != 0)
        link_down(link, false, "cannot write");
}

void load_pool_kick(struct load_pool *pool)
{
    while (pool->free != NULL && !pool->closing) {
        struct pool_link *link = pool->free;

        buf_reset(&link->request);
        if (!pool->source.next(pool->source.ctx, &link->request, &link->item))
            return;
        CHECK(!link->request.overflow && link->request.n > 0);
        pool->free = link->next_free;
        link_send(link);
    }
}

/* ---- the pool ------------------------------------------------------------ */

struct load_pool *load_pool_new(uv_loop_t *loop, const char *url, unsigned connections,
                                const char **why)
{
    struct load_pool *pool = calloc(1, sizeof(*pool));

    CHECK(pool != NULL && connections > 0);
    pool->loop = loop;
    if (!load_pool_resolve(url, &pool->address, pool->host, sizeof(pool->host))) {
        *why = "give an address such as http://127.0.0.1:8080";
        free(pool);
        return NULL;
    }
    pool->links = calloc(connections, sizeof(*pool->links));
    CHECK(pool->links != NULL);
    pool->n_links = connections;
    CHECK(uv_timer_init(loop, &pool->reconnect) == 0);
    pool->reconnect.data = pool;
    CHECK(uv_timer_start(&pool->reconnect, on_reconnect, 0, RECONNECT_MS) == 0);
    for (unsigned i = 0; i < connections; i++) {
        struct pool_link *link = &pool->links[i];

        link->pool = pool;
        buf_init(&link->request, REQUEST_BYTES);
        link->response = http_response_new();
    }
    return pool;
}

const char *load_pool_host(const struct load_pool *pool)
{
    return pool->host;
}

/* Closes links whose answer nobody waits for any more; they are made again. */
static void give_up(struct load_pool *pool)
{
    for (unsigned i = 0; i < pool->n_links; i++) {
        struct pool_link *link = &pool->links[i];

        if (link->state != LINK_BUSY)
            continue;
        link->state = LINK_CLOSING;
        link->again = true;
        uv_close((uv_handle_t *)&link->tcp, on_closed);
        pool->in_flight--;
    }
    CHECK(pool->in_flight == 0);
}

void load_pool_source(struct load_pool *pool, struct load_source source)
{
    give_up(pool);
    pool->source = source;
}

unsigned load_pool_in_flight(const struct load_pool *pool)
{
    return pool->in_flight;
}

uint64_t load_pool_reconnects(const struct load_pool *pool)
{
    return pool->reconnects <= pool->n_links ? 0 : pool->reconnects - pool->n_links;
}

void load_pool_close(struct load_pool *pool)
{
    pool->closing = true;
    for (unsigned i = 0; i < pool->n_links; i++)
        link_down(&pool->links[i], false, "the generator stops");
    uv_close((uv_handle_t *)&pool->reconnect, NULL);
}

void load_pool_free(struct load_pool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < pool->n_links; i++) {
        buf_fini(&pool->links[i].request);
        http_response_free(pool->links[i].response);
    }
    free(pool->links);
    free(pool);
}
