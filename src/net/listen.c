/* Listening sockets: see net/listen.h. */
#include "net/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_MODE 0666 /* the folder says who may */

bool address_is_path(const char *address, const char **path)
{
    static const char scheme[] = "unix:";

    if (strncmp(address, scheme, sizeof(scheme) - 1) != 0)
        return false;
    *path = address + sizeof(scheme) - 1;
    return true;
}

bool address_split(const char *address, char *host, size_t room, const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - address);

    if (colon == NULL || colon[1] == '\0')
        return false;
    if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
        address++;
        n -= 2;
    }
    if (n >= room)
        return false;
    memcpy(host, address, n);
    host[n] = '\0';
    *port = colon + 1;
    return true;
}

/* ---- a port ------------------------------------------------------------------ */

/* 0, or libuv's error; EAI_NONAME: it is no address. */
static int listen_port(uv_tcp_t *listener, const char *address, int backlog,
                       uv_connection_cb on_call, struct listening *listening)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    int n = (int)sizeof(bound), result;
    const char *port;
    char host[256];

    if (!address_split(address, host, sizeof(host), &port) ||
        getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found) != 0)
        return UV_EAI_NONAME;
    result = uv_tcp_bind(listener, found->ai_addr, 0);
    freeaddrinfo(found);
    if (result == 0)
        result = uv_listen((uv_stream_t *)listener, backlog, on_call);
    if (result == 0)
        result = uv_tcp_getsockname(listener, (struct sockaddr *)&bound, &n);
    if (result != 0)
        return result;
    listening->port = ntohs(bound.ss_family == AF_INET6
                                ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                : ((struct sockaddr_in *)&bound)->sin_port);
    return 0;
}

/* ---- a path ------------------------------------------------------------------ */

/* The descriptor, or libuv's error. */
static int bind_path(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int n = snprintf(name.sun_path, sizeof(name.sun_path), "%s.new", path);
    int fd, error;

    if (n < 0 || (size_t)n >= sizeof(name.sun_path))
        return UV_ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)unlink(name.sun_path);
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 &&
        chmod(name.sun_path, SOCKET_MODE) == 0)
        return fd;
    error = -errno;
    (void)close(fd);
    return error;
}

static int take_path(const char *path, struct listening *listening)
{
    char fresh[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct stat stat_of;

    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (stat(fresh, &stat_of) != 0 || rename(fresh, path) != 0)
        return -errno;
    listening->path = path;
    listening->device = stat_of.st_dev;
    listening->inode = stat_of.st_ino;
    return 0;
}

static int listen_path(uv_tcp_t *listener, const char *path, int backlog,
                       uv_connection_cb on_call, struct listening *listening)
{
    int fd = bind_path(path), result;

    if (fd < 0)
        return fd;
    result = uv_tcp_open(listener, fd);
    if (result != 0) {
        (void)close(fd);
        return result;
    }
    result = uv_listen((uv_stream_t *)listener, backlog, on_call);
    return result != 0 ? result : take_path(path, listening);
}

bool listen_at(uv_tcp_t *listener, const char *address, int backlog, uv_connection_cb on_call,
               struct listening *listening, struct arena *arena, struct str *error)
{
    const char *path;
    int result;

    *listening = (struct listening){ .port = 0 };
    if (address_is_path(address, &path))
        result = listen_path(listener, path, backlog, on_call, listening);
    else
        result = listen_port(listener, address, backlog, on_call, listening);
    if (result == 0)
        return true;
    if (result == UV_EAI_NONAME)
        *error = arena_printf(arena, "cannot listen on '%s': give an address and a "
                              "port, as 127.0.0.1:8080", address);
    else
        *error = arena_printf(arena, "cannot listen on %s: %s", address, uv_strerror(result));
    return false;
}

void listen_end(const struct listening *listening)
{
    struct stat now;

    if (listening->path == NULL || stat(listening->path, &now) != 0)
        return;
    if (now.st_dev == listening->device && now.st_ino == listening->inode)
        (void)unlink(listening->path);
}
