/*
 * Arena: chunks of doubling size, newest first; the oldest one is kept by a
 * reset, so that a steady load allocates nothing.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_FIRST 8192 /* a bet, from its slip to its answer */
#define CHUNK_LARGEST (1024 * 1024)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of the bytes after this header */
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, size_t limit_bytes)
{
    CHECK(limit_bytes > 0);
    *arena = (struct arena){ .limit = limit_bytes };
}

static void add_chunk(struct arena *arena, size_t least)
{
    size_t size = arena->chunks == NULL ? CHUNK_FIRST : arena->chunks->size * 2;
    struct arena_chunk *chunk;

    if (size > CHUNK_LARGEST)
        size = CHUNK_LARGEST;
    if (size < least)
        size = least;
    CHECK(arena->used + size <= arena->limit + CHUNK_LARGEST);
    chunk = malloc(sizeof(*chunk) + size);
    CHECK(chunk != NULL);
    chunk->next = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    arena->at = chunk->bytes;
    arena->end = chunk->bytes + size;
}

/* Room for `bytes`, aligned, not cleared. */
static char *take_bytes(struct arena *arena, size_t bytes)
{
    size_t rounded = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    char *p;

    CHECK(rounded >= bytes && rounded <= arena->limit - arena->used);
    if (arena->at == NULL || (size_t)(arena->end - arena->at) < rounded)
        add_chunk(arena, rounded);
    p = arena->at;
    arena->at += rounded;
    arena->used += rounded;
    return p;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    char *p = take_bytes(arena, bytes);

    return memset(p, 0, bytes);
}

char *arena_cstr(struct arena *arena, struct str s)
{
    char *p = take_bytes(arena, s.n + 1);

    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

struct str arena_str(struct arena *arena, struct str s)
{
    return (struct str){ arena_cstr(arena, s), s.n };
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    int n;
    char *p;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(n >= 0);
    p = take_bytes(arena, (size_t)n + 1);
    va_start(args, format);
    (void)vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return (struct str){ p, (size_t)n };
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;

    if (chunk == NULL)
        return;
    while (chunk->next != NULL) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
    arena->chunks = chunk;
    arena->at = chunk->bytes;
    arena->end = chunk->bytes + chunk->size;
    arena->used = 0;
}

void arena_fini(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;

    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
    *arena = (struct arena){ .limit = arena->limit };
}
