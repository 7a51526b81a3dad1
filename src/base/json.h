/*
 * JSON out (written straight into a buffer) and strict reading helpers over
 * jansson for JSON in.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/* Writer: commas are its business, nesting is the caller's. */
struct jw {
    struct buf *out;
    bool comma; /* the next value in this container needs one before it */
};

struct jw jw_to(struct buf *out);
void jw_object(struct jw *w);                /* {  */
void jw_object_end(struct jw *w);            /* }  */
void jw_array(struct jw *w);                 /* [  */
void jw_array_end(struct jw *w);             /* ]  */
void jw_key(struct jw *w, const char *name); /* "name": */
void jw_str(struct jw *w, struct str s);     /* escaped */
void jw_int(struct jw *w, int64_t n);
void jw_bool(struct jw *w, bool b);
void jw_null(struct jw *w);
void jw_raw(struct jw *w, struct str json);   /* a value made elsewhere */
void jw_money(struct jw *w, int64_t minor, int exponent); /* "10.00" */
void jw_odds(struct jw *w, int64_t odds_e4);  /* "2.35": at least two decimals */
void jw_time(struct jw *w, int64_t wall_ms);  /* RFC 3339 */
void jw_id(struct jw *w, int64_t id);         /* "123": ids are strings */

/* A member at once: its key, its value. */
void jw_put_int(struct jw *w, const char *name, int64_t n);
void jw_put_str(struct jw *w, const char *name, struct str s);
void jw_put_bool(struct jw *w, const char *name, bool b);

/* "10.00" and "2.35", without quotes. */
void buf_money(struct buf *out, int64_t minor, int exponent);
void buf_odds(struct buf *out, int64_t odds_e4);

/*
 * Strict objects: every field is named in a table, an unknown one is an
 * error that names it, and so is a missing required one or a wrong type.
 */
enum json_kind {
    JSON_KIND_STRING,
    JSON_KIND_BOOL,
    JSON_KIND_ARRAY,
    JSON_KIND_INT,
    JSON_KIND_OBJECT,
    JSON_KIND_STRING_OR_NULL, /* null: what it goes into stays as it is */
};

struct json_field {
    const char *name;
    enum json_kind kind;
    bool required;
    void *into; /* struct str* bool*, json_t** (borrowed), int64_t* */
};

/*
 * Parses text and fills the fields.  On failure *error (in arena) names the
 * field or the position, and NULL is returned; else the document, which owns
 * all borrowed strings: json_decref() it after use.
 */
json_t *json_read(struct str text, const struct json_field *fields, size_t n,
                  struct arena *arena, struct str *error) MUST_USE;
/* The same for an object inside a document; `where` prefixes the names. */
bool json_fields(json_t *object, const char *where,
                 const struct json_field *fields, size_t n,
                 struct arena *arena, struct str *error) MUST_USE;

#endif
