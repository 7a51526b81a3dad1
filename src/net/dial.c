/* Calls to others: see net/dial.h. */
#include "net/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listen.h"

struct dial {
    uv_loop_t *loop;
    dial_done *on_done;   /* NULL: cancelled, or called */
    void *ctx;
    int fd, error;
    bool asks, polls;     /* a name is looked up; the socket is waited for */
    uv_getaddrinfo_t ask;
    uv_poll_t poll;
    uv_timer_t soon;      /* what failed at once is told from the loop */
};

static void free_timer(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct dial *dial = handle->data;

    if (dial->fd >= 0)
        (void)close(dial->fd);
    uv_close((uv_handle_t *)&dial->soon, free_timer);
}

/* With what it has; whoever asked hears of it, unless it was cancelled. */
static void end(struct dial *dial, int result)
{
    dial_done *done = dial->on_done;

    dial->on_done = NULL;
    if (result >= 0)
        dial->fd = -1;
    if (dial->polls)
        uv_close((uv_handle_t *)&dial->poll, on_poll_closed);
    else
        uv_close((uv_handle_t *)&dial->soon, free_timer);
    if (done != NULL)
        done(dial->ctx, result);
    else if (result >= 0)
        (void)close(result);
}

static void on_soon(uv_timer_t *timer)
{
    struct dial *dial = timer->data;

    end(dial, dial->error);
}

static void fail_soon(struct dial *dial, int error)
{
    dial->error = error;
    CHECK(uv_timer_start(&dial->soon, on_soon, 0, 0) == 0);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct dial *dial = poll->data;
    int error = 0;
    socklen_t n = sizeof(error);

    (void)events;
    if (status == 0 && getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    (void)uv_poll_stop(poll);
    end(dial, status != 0 ? status : error != 0 ? -error : dial->fd);
}

static void call(struct dial *dial, const struct sockaddr *name, socklen_t n)
{
    int on = 1, fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        fail_soon(dial, -errno);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if ((connect(fd, name, n) != 0 && errno != EINPROGRESS) ||
        uv_poll_init(dial->loop, &dial->poll, fd) != 0) {
        int error = errno;

        (void)close(fd);
        fail_soon(dial, error != 0 ? -error : UV_ECONNREFUSED);
        return;
    }
    dial->fd = fd;
    dial->polls = true;
    dial->poll.data = dial;
    CHECK(uv_poll_start(&dial->poll, UV_WRITABLE, on_writable) == 0);
}

static void on_name(uv_getaddrinfo_t *ask, int status, struct addrinfo *found)
{
    struct dial *dial = ask->data;

    dial->asks = false;
    if (dial->on_done == NULL)
        uv_close((uv_handle_t *)&dial->soon, free_timer);
    else if (status != 0)
        end(dial, status);
    else
        call(dial, found->ai_addr, found->ai_addrlen);
    uv_freeaddrinfo(found);
}

static void call_path(struct dial *dial, const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(name.sun_path)) {
        fail_soon(dial, UV_ENAMETOOLONG);
        return;
    }
    memcpy(name.sun_path, path, strlen(path));
    call(dial, (const struct sockaddr *)&name, sizeof(name));
}

static void call_port(struct dial *dial, const char *address)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    const char *port;
    char host[256];

    dial->ask.data = dial;
    if (!address_split(address, host, sizeof(host), &port) ||
        uv_getaddrinfo(dial->loop, &dial->ask, on_name, host, port, &hints) != 0)
        fail_soon(dial, UV_EAI_NONAME);
    else
        dial->asks = true;
}

struct dial *dial_new(uv_loop_t *loop, const char *address, dial_done *on_done, void *ctx)
{
    struct dial *dial = calloc(1, sizeof(*dial));
    const char *path;

    CHECK(dial != NULL);
    dial->loop = loop;
    dial->on_done = on_done;
    dial->ctx = ctx;
    dial->fd = -1;
    CHECK(uv_timer_init(loop, &dial->soon) == 0);
    dial->soon.data = dial;
    if (address_is_path(address, &path))
        call_path(dial, path);
    else
        call_port(dial, address);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    dial->on_done = NULL;
    if (dial->asks)
        (void)uv_cancel((uv_req_t *)&dial->ask);
    else
        end(dial, UV_ECANCELED);
}
