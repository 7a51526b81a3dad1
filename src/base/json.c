/* JSON out into a buffer; strict objects in, through jansson. */
#include "base/json.h"

#include "base/clock.h"

struct jw jw_to(struct buf *out)
{
    return (struct jw){ out, false };
}

static void separate(struct jw *w)
{
    if (w->comma)
        buf_char(w->out, ',');
    w->comma = true;
}

static void open_container(struct jw *w, char c)
{
    separate(w);
    buf_char(w->out, c);
    w->comma = false;
}

static void close_container(struct jw *w, char c)
{
    buf_char(w->out, c);
    w->comma = true;
}

void jw_object(struct jw *w)
{
    open_container(w, '{');
}

void jw_object_end(struct jw *w)
{
    close_container(w, '}');
}

void jw_array(struct jw *w)
{
    open_container(w, '[');
}

void jw_array_end(struct jw *w)
{
    close_container(w, ']');
}

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static void put_quoted(struct buf *out, struct str s)
{
    static const char hex[] = "0123456789abcdef";
    size_t start = 0;

    buf_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (is_plain(c))
            continue;
        buf_put(out, s.p + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\') {
            buf_char(out, '\\');
            buf_char(out, (char)c);
        } else {
            buf_str(out, STR("\\u00"));
            buf_char(out, hex[c >> 4]);
            buf_char(out, hex[c & 15]);
        }
    }
    buf_put(out, s.p + start, s.n - start);
    buf_char(out, '"');
}

void jw_key(struct jw *w, const char *name)
{
    separate(w);
    buf_char(w->out, '"');
    buf_str(w->out, str_of(name)); /* our own: nothing to escape */
    buf_str(w->out, STR("\":"));
    w->comma = false;
}

void jw_str(struct jw *w, struct str s)
{
    separate(w);
    if (s.n == 0)
        buf_str(w->out, STR("\"\""));
    else
        put_quoted(w->out, s);
}

void jw_int(struct jw *w, int64_t n)
{
    separate(w);
    buf_int(w->out, n);
}

void jw_bool(struct jw *w, bool b)
{
    separate(w);
    buf_str(w->out, b ? STR("true") : STR("false"));
}

void jw_null(struct jw *w)
{
    separate(w);
    buf_str(w->out, STR("null"));
}

void jw_raw(struct jw *w, struct str json)
{
    separate(w);
    buf_str(w->out, json);
}

void buf_money(struct buf *out, int64_t minor, int exponent)
{
    int64_t scale = 1;
    uint64_t left = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
    char digits[24];

    CHECK(exponent >= 0 && exponent <= 18);
    for (int i = 0; i < exponent; i++)
        scale *= 10;
    if (minor < 0)
        buf_char(out, '-');
    buf_int(out, (int64_t)(left / (uint64_t)scale));
    if (exponent == 0)
        return;
    left %= (uint64_t)scale;
    for (int i = exponent; i-- > 0; left /= 10)
        digits[i] = (char)('0' + left % 10);
    buf_char(out, '.');
    buf_put(out, digits, (size_t)exponent);
}

void buf_odds(struct buf *out, int64_t odds_e4)
{
    int64_t part = odds_e4 % 10000;
    int width = part % 100 != 0 ? (part % 10 != 0 ? 4 : 3) : 2;

    CHECK(odds_e4 >= 0);
    for (int i = width; i < 4; i++)
        part /= 10;
    buf_int(out, odds_e4 / 10000);
    buf_char(out, '.');
    for (int64_t scale = width == 4 ? 1000 : width == 3 ? 100 : 10; scale > 0; scale /= 10)
        buf_char(out, (char)('0' + part / scale % 10));
}

void jw_money(struct jw *w, int64_t minor, int exponent)
{
    separate(w);
    buf_char(w->out, '"');
    buf_money(w->out, minor, exponent);
    buf_char(w->out, '"');
}

void jw_odds(struct jw *w, int64_t odds_e4)
{
    separate(w);
    buf_char(w->out, '"');
    buf_odds(w->out, odds_e4);
    buf_char(w->out, '"');
}

void jw_time(struct jw *w, int64_t wall_ms)
{
    separate(w);
    buf_char(w->out, '"');
    clock_format(w->out, wall_ms);
    buf_char(w->out, '"');
}

void jw_id(struct jw *w, int64_t id)
{
    separate(w);
    buf_char(w->out, '"');
    buf_int(w->out, id);
    buf_char(w->out, '"');
}

static const struct json_field *field_named(const struct json_field *fields, size_t n,
                                            const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* NULL, or what the field must be. */
static const char *take_value(const struct json_field *field, json_t *value)
{
    switch (field->kind) {
    case JSON_KIND_STRING_OR_NULL:
        if (json_is_null(value))
            return NULL;
        if (!json_is_string(value))
            return "a string or null";
        *(struct str *)field->into =
            (struct str){ json_string_value(value), json_string_length(value) };
        return NULL;
    case JSON_KIND_OBJECT:
        if (!json_is_object(value))
            return "an object";
        *(json_t **)field->into = value;
        return NULL;
    case JSON_KIND_STRING:
        if (!json_is_string(value))
            return "a string";
        *(struct str *)field->into =
            (struct str){ json_string_value(value), json_string_length(value) };
        return NULL;
    case JSON_KIND_BOOL:
        if (!json_is_boolean(value))
            return "true or false";
        *(bool *)field->into = json_is_true(value);
        return NULL;
    case JSON_KIND_ARRAY:
        if (!json_is_array(value))
            return "an array";
        *(json_t **)field->into = value;
        return NULL;
    case JSON_KIND_INT:
        if (!json_is_integer(value))
            return "an integer";
        *(int64_t *)field->into = json_integer_value(value);
        return NULL;
    }
    check_failed(__FILE__, __LINE__, "a kind of field");
}

bool json_fields(json_t *object, const char *where,
                 const struct json_field *fields, size_t n,
                 struct arena *arena, struct str *error)
{
    const char *name, *must;
    json_t *value;

    if (!json_is_object(object)) {
        *error = arena_printf(arena, "%s must be an object",
                              where[0] == '\0' ? "the body" : where);
        return false;
    }
    json_object_foreach (object, name, value) {
        const struct json_field *field = field_named(fields, n, name);

        if (field == NULL) {
            *error = arena_printf(arena, "unknown field %s%.64s", where, name);
            return false;
        }
        must = take_value(field, value);
        if (must != NULL) {
            *error = arena_printf(arena, "%s%s must be %s", where, name, must);
            return false;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (fields[i].required && json_object_get(object, fields[i].name) == NULL) {
            *error = arena_printf(arena, "%s%s is missing", where, fields[i].name);
            return false;
        }
    }
    return true;
}

json_t *json_read(struct str text, const struct json_field *fields, size_t n,
                  struct arena *arena, struct str *error)
{
    json_error_t fault;
    json_t *document = json_loadb(text.n == 0 ? "" : text.p, text.n,
                                  JSON_REJECT_DUPLICATES, &fault);

    if (document == NULL) {
        *error = arena_printf(arena, "line %d column %d: %s", fault.line, fault.column,
                              fault.text);
        return NULL;
    }
    if (!json_fields(document, "", fields, n, arena, error)) {
        json_decref(document);
        return NULL;
    }
    return document;
}

/* ---- members ------------------------------------------------------------ */

void jw_put_int(struct jw *w, const char *name, int64_t n)
{
    jw_key(w, name);
    jw_int(w, n);
}

void jw_put_str(struct jw *w, const char *name, struct str s)
{
    jw_key(w, name);
    jw_str(w, s);
}

void jw_put_bool(struct jw *w, const char *name, bool b)
{
    jw_key(w, name);
    jw_bool(w, b);
}
