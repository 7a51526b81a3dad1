/*
 * Where a server listens: "127.0.0.1:8080", "[::1]:0", "unix:/run/x.sock".
 *
 * A socket in the file system takes its name when it can be called already, in
 * the place of whoever had it before: so a successor can start beside the one
 * that goes, and no call finds nobody.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <sys/stat.h>
#include <uv.h>

#include "base/arena.h"

struct listening {
    int port;            /* 0: a socket in the file system */
    const char *path;    /* NULL: a port */
    dev_t device;        /* of the path, when it was ours */
    ino_t inode;
};

/* True for "unix:PATH"; then *path is behind the colon. */
bool address_is_path(const char *address, const char **path);
/* "host:port" and "[v6]:port"; *port points into address. */
bool address_split(const char *address, char *host, size_t room, const char **port) MUST_USE;

/* listener: initialised.  False: *error says why. */
bool listen_at(uv_tcp_t *listener, const char *address, int backlog, uv_connection_cb on_call,
               struct listening *listening, struct arena *arena, struct str *error) MUST_USE;
/* Takes the path away, if it is still ours. */
void listen_end(const struct listening *listening);

#endif
