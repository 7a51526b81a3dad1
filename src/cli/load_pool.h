/*
 * Keep-alive HTTP connections of the load generator, on one loop.  A free
 * connection asks for the next request and sends it with one system call;
 * a lost one is made again.  One request in flight per connection.
 */
#ifndef CLI_LOAD_POOL_H
#define CLI_LOAD_POOL_H

#include <stdint.h>
#include <sys/socket.h>

#include <uv.h>

#include "base/buf.h"

struct load_pool;

struct load_source {
    void *ctx;
    /* Appends the bytes of the next request and says whose it is; false:
     * nothing to send now (load_pool_kick() asks again). */
    bool (*next)(void *ctx, struct buf *request, uint32_t *item);
    /* The answer; status 0: none came, and body says why. */
    void (*answered)(void *ctx, uint32_t item, int status, struct str body);
};

/* "http://127.0.0.1:8080".  NULL: *why is a literal. */
struct load_pool *load_pool_new(uv_loop_t *loop, const char *url, unsigned connections,
                                const char **why) MUST_USE;
/* What an address of that kind stands for; host: for the Host header.  False: none. */
bool load_pool_resolve(const char *url, struct sockaddr_storage *address, char *host,
                       size_t room) MUST_USE;
/* "127.0.0.1:8080", for the Host header. */
const char *load_pool_host(const struct load_pool *pool);
/* From whom requests come from now on.  Those of the source before that are still in
 * flight are given up: it is not told of them. */
void load_pool_source(struct load_pool *pool, struct load_source source);
/* Gives every free connection the chance to send. */
void load_pool_kick(struct load_pool *pool);
unsigned load_pool_in_flight(const struct load_pool *pool);
uint64_t load_pool_reconnects(const struct load_pool *pool);
/* Closes everything; free after the loop has run. */
void load_pool_close(struct load_pool *pool);
void load_pool_free(struct load_pool *pool);

#endif
