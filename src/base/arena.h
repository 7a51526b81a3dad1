/*
 * Arena: memory that lives and dies together (a request, a message, a batch).
 * Bump allocation in chunks; nothing is freed alone.  The limit given at
 * init is a promise of the caller: passing it is our mistake and aborts.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/check.h"
#include "base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *at, *end;             /* free room of the newest chunk */
    size_t used, limit;         /* bytes */
};

void arena_init(struct arena *arena, size_t limit_bytes);
/* Zeroed memory, aligned for any type.  Never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes);
struct str arena_str(struct arena *arena, struct str s);    /* a copy */
char *arena_cstr(struct arena *arena, struct str s);        /* with a NUL */
struct str arena_printf(struct arena *arena, const char *format, ...)
    PRINTF_LIKE(2, 3);
void arena_reset(struct arena *arena); /* keeps one chunk for the next use */
void arena_fini(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, n) \
    ((type *)arena_alloc((arena), sizeof(type) * (n)))

#endif
