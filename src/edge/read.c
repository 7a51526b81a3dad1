/*
 * edge.yaml, over libyaml's events (0.2.5; https://pyyaml.org/wiki/LibYAML).
 *
 * The file is a mapping of sections (tbl/edge.h), and of each it is known what
 * may stand where, so nothing is nested deeper than that: the first event that
 * does not belong where it stands ends the reading.  Aliases, tags and second
 * documents are refused, and so is a key that is there twice.
 */
#include "edge/inside.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "base/text.h"

#define WHERE_BYTES 128
#define NUMBER_MAX INT64_C(999999999999)
#define FIELDS_MAX 64 /* of one section: bits of a word */

struct yaml {
    yaml_parser_t parser;
    yaml_event_t event;     /* the one that is looked at */
    struct edge_policy *policy;
    struct arena *arena;
    const char *file;
    char where[WHERE_BYTES]; /* "origins[1].port" */
    struct str *error;
};

/* ---- what is wrong, and where ---------------------------------------------- */

static void where(struct yaml *r, const char *format, ...) PRINTF_LIKE(2, 3);

static void where(struct yaml *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(r->where, sizeof(r->where), format, args);
    va_end(args);
}

static bool fault_at(struct yaml *r, size_t line, const char *why)
{
    *r->error = arena_printf(r->arena, "%s:%zu: %s%s%s", r->file, line, r->where,
                             r->where[0] == '\0' ? "" : ": ", why);
    return false;
}

static size_t line_of(const struct yaml *r)
{
    return r->event.start_mark.line + 1;
}

static bool fault(struct yaml *r, const char *why)
{
    return fault_at(r, line_of(r), why);
}

/* ---- events ------------------------------------------------------------------ */

static bool next(struct yaml *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return fault_at(r, r->parser.problem_mark.line + 1,
                        r->parser.problem == NULL ? "is not YAML" : r->parser.problem);
    if (r->event.type == YAML_ALIAS_EVENT)
        return fault(r, "an alias is not read");
    if (r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.tag != NULL)
        return fault(r, "a tag is not read");
    return true;
}

static bool next_is(struct yaml *r, yaml_event_type_t type, const char *why)
{
    return next(r) && (r->event.type == type || fault(r, why));
}

/* A copy of the scalar that is looked at. */
static struct str text_of(struct yaml *r)
{
    struct str text = { (const char *)r->event.data.scalar.value, r->event.data.scalar.length };

    return arena_str(r->arena, text);
}

/* The next key of a mapping; false with *end: there is none, or a fault. */
static bool next_key(struct yaml *r, bool *end, struct str *key)
{
    *end = false;
    if (!next(r))
        return false;
    if (r->event.type == YAML_MAPPING_END_EVENT) {
        *end = true;
        return false;
    }
    if (r->event.type != YAML_SCALAR_EVENT)
        return fault(r, "a key is a word");
    *key = text_of(r);
    return true;
}

/* ---- values -------------------------------------------------------------------- */

static bool all_are(struct str text, const char *others)
{
    for (size_t i = 0; i < text.n; i++)
        if (!isalnum((unsigned char)text.p[i]) &&
            (text.p[i] == '\0' || strchr(others, text.p[i]) == NULL))
            return false;
    return true;
}

static bool is_address(struct str text, int family)
{
    char z[INET6_ADDRSTRLEN];
    unsigned char bytes[16];

    if (text.n >= sizeof(z) || !all_are(text, ".:"))
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    return inet_pton(family, z, bytes) == 1;
}

static bool is_host(struct str text)
{
    bool begins = true; /* a label */

    if (text.n > 0 && memchr(text.p, ':', text.n) != NULL)
        return is_address(text, AF_INET6);
    if (text.n == 0 || !all_are(text, ".-"))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char after = i + 1 == text.n ? '.' : text.p[i + 1];

        if (text.p[i] == '.' ? begins : text.p[i] == '-' && (begins || after == '.'))
            return false;
        begins = text.p[i] == '.';
    }
    return !begins;
}

static bool is_name(struct str text)
{
    return text.n > 0 && isalpha((unsigned char)text.p[0]) && all_are(text, "_-");
}

/* Absolute, without "//" and a slash at its end; or empty. */
static bool is_filename(struct str text)
{
    if (text.n == 0)
        return true;
    if (text.p[0] != '/' || text.p[text.n - 1] == '/' || !all_are(text, "/._-"))
        return false;
    return memmem(text.p, text.n, "//", 2) == NULL;
}

static bool is_country(struct str text)
{
    return text.n == 2 && isupper((unsigned char)text.p[0]) && isupper((unsigned char)text.p[1]);
}

static bool parse_int(struct str text, int64_t *n)
{
    return text_number(text, NUMBER_MAX, n) && (text.n == 1 || text.p[0] != '0');
}

/* "192.0.2.0/24". */
static bool is_network(struct str text)
{
    struct str address;
    int64_t n;

    if (!text_cut(&text, '/', &address) || !parse_int(text, &n))
        return false;
    return (n <= 32 && is_address(address, AF_INET)) || (n <= 128 && is_address(address, AF_INET6));
}

/* Words with one blank between them. */
static bool is_agent(struct str text)
{
    if (text.n == 0 || !all_are(text, "._/;+- "))
        return false;
    return text.p[0] != ' ' && text.p[text.n - 1] != ' ' &&
           memmem(text.p, text.n, "  ", 2) == NULL;
}

static bool is_word_of(enum edge_kind kind, struct str text)
{
    switch (kind) {
    case EDGE_KIND_OF_HOST: return is_host(text);
    case EDGE_KIND_OF_NAME: return is_name(text);
    case EDGE_KIND_OF_FILENAME: return is_filename(text);
    case EDGE_KIND_OF_COUNTRIES: return is_country(text);
    case EDGE_KIND_OF_NETWORKS: return is_network(text);
    case EDGE_KIND_OF_AGENTS: return is_agent(text);
    default: return false;
    }
}

static const char *const wanted[] = {
    [EDGE_KIND_OF_HOST] = "must be a host's name or an address",
    [EDGE_KIND_OF_NAME] = "must be a letter, then letters, digits, - and _",
    [EDGE_KIND_OF_FILENAME] = "must be an absolute path of letters, digits, ., _ and -, or empty",
    [EDGE_KIND_OF_COUNTRIES] = "must be a country's two capital letters",
    [EDGE_KIND_OF_NETWORKS] = "must be a network such as 192.0.2.0/24 or 2001:db8::/32",
    [EDGE_KIND_OF_AGENTS] = "must be words of letters, digits and . _ / ; + -",
};

static struct str lower(struct arena *arena, struct str text)
{
    char *copy = arena_cstr(arena, text);

    for (size_t i = 0; i < text.n; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return (struct str){ copy, text.n };
}

static bool set_number(struct yaml *r, const struct edge_field *field, struct str text,
                       int64_t *into)
{
    char why[96];

    if (parse_int(text, into) && *into >= field->least && *into <= field->most)
        return true;
    (void)snprintf(why, sizeof(why), "must be a number from %lld to %lld",
                   (long long)field->least, (long long)field->most);
    return fault(r, why);
}

static bool set_choice(struct yaml *r, const struct edge_field *field, struct str text,
                       int64_t *into)
{
    struct str rest = str_of(field->among);
    char why[96];

    for (int64_t at = 0; rest.n > 0; at++) {
        if (str_eq(text_until(&rest, '|'), text)) {
            *into = at;
            return true;
        }
    }
    (void)snprintf(why, sizeof(why), "must be one of %s", field->among);
    return fault(r, why);
}

static bool set_flag(struct yaml *r, struct str text, bool *into)
{
    *into = str_eq(text, STR("true"));
    return *into || str_eq(text, STR("false")) || fault(r, "must be true or false");
}

static bool set_word(struct yaml *r, const struct edge_field *field, struct str text,
                     struct str *into)
{
    char why[96];

    if (!is_word_of(field->kind, text))
        return fault(r, wanted[field->kind]);
    if ((int64_t)text.n > field->most) {
        (void)snprintf(why, sizeof(why), "is longer than %lld", (long long)field->most);
        return fault(r, why);
    }
    *into = field->kind == EDGE_KIND_OF_HOST ? lower(r->arena, text) : text;
    return true;
}

static bool set_scalar(struct yaml *r, const struct edge_field *field, struct str text,
                       void *into)
{
    switch (field->kind) {
    case EDGE_KIND_OF_INT: return set_number(r, field, text, into);
    case EDGE_KIND_OF_CHOICE: return set_choice(r, field, text, into);
    case EDGE_KIND_OF_FLAG: return set_flag(r, text, into);
    default: return set_word(r, field, text, into);
    }
}

static bool is_among(const struct edge_words *words, struct str text)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(words->items[i], text))
            return true;
    return false;
}

static bool read_list(struct yaml *r, const struct edge_field *field, struct edge_words *words)
{
    char why[96];

    if (!next_is(r, YAML_SEQUENCE_START_EVENT, "must be a list"))
        return false;
    words->items = ARENA_ARRAY(r->arena, struct str, (size_t)field->most);
    for (;;) {
        struct str text;

        if (!next(r))
            return false;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (r->event.type != YAML_SCALAR_EVENT)
            return fault(r, "must be a list of words");
        text = text_of(r);
        if (!is_word_of(field->kind, text) || text.n > 255)
            return fault(r, wanted[field->kind]);
        if (is_among(words, text))
            return fault(r, "has a word twice");
        if ((int64_t)words->n == field->most)
            return fault(r, "has too many words");
        words->items[words->n++] = text;
    }
    if ((int64_t)words->n >= field->least)
        return true;
    (void)snprintf(why, sizeof(why), "has fewer than %lld words", (long long)field->least);
    return fault(r, why);
}

static bool read_value(struct yaml *r, const struct edge_field *field, void *into)
{
    if (edge_kind_is_list(field->kind))
        return read_list(r, field, into);
    return next_is(r, YAML_SCALAR_EVENT, "must be one word") &&
           set_scalar(r, field, text_of(r), into);
}

/* ---- mappings ------------------------------------------------------------------- */

static const struct edge_field *field_of(const struct edge_section *section, size_t i)
{
    size_t n;

    return &edge_field_table(&n)[section->first + i];
}

/* The defaults of what was not there; `line` is where it ought to have been. */
static bool fill(struct yaml *r, const struct edge_section *section, void *base, uint64_t seen,
                 size_t line, const char *name)
{
    for (size_t i = 0; i < section->n; i++) {
        const struct edge_field *field = field_of(section, i);

        if ((seen >> i & 1) != 0)
            continue;
        where(r, "%s.%s", name, field->key);
        if (field->fallback == NULL)
            return fault_at(r, line, "is missing");
        if (!edge_kind_is_list(field->kind) &&
            !set_scalar(r, field, str_of(field->fallback), (char *)base + field->at))
            return false;
    }
    return true;
}

/* What stands behind the mapping's beginning.  `name` is the mapping's. */
static bool read_fields(struct yaml *r, const struct edge_section *section, void *base,
                        const char *name)
{
    size_t line = line_of(r), i;
    uint64_t seen = 0;
    struct str key;
    bool end;

    CHECK(section->n <= FIELDS_MAX);
    *(unsigned *)base = (unsigned)line;
    while (next_key(r, &end, &key)) {
        where(r, "%s." STR_FMT, name, STR_ARG(key));
        for (i = 0; i < section->n && !str_eq(key, str_of(field_of(section, i)->key)); i++)
            continue;
        if (i == section->n)
            return fault(r, "there is no such key");
        if ((seen >> i & 1) != 0)
            return fault(r, "is there twice");
        seen |= (uint64_t)1 << i;
        if (!read_value(r, field_of(section, i), (char *)base + field_of(section, i)->at))
            return false;
        where(r, "%s", name);
    }
    return end && fill(r, section, base, seen, line, name);
}

static bool read_one(struct yaml *r, const struct edge_section *section)
{
    void *base = (char *)r->policy + section->at;

    return next_is(r, YAML_MAPPING_START_EVENT, "must be a mapping") &&
           read_fields(r, section, base, section->key);
}

static bool read_many(struct yaml *r, const struct edge_section *section)
{
    size_t *n = (size_t *)(void *)((char *)r->policy + section->n_at);
    char *items = arena_alloc(r->arena, section->size * (size_t)section->most);
    char name[WHERE_BYTES / 2];

    *(void **)(void *)((char *)r->policy + section->at) = items;
    if (!next_is(r, YAML_SEQUENCE_START_EVENT, "must be a list of mappings"))
        return false;
    for (;;) {
        where(r, "%s", section->key);
        if (!next(r))
            return false;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return (int64_t)*n >= section->least || fault(r, "has too few entries");
        (void)snprintf(name, sizeof(name), "%s[%zu]", section->key, *n);
        where(r, "%s", name);
        if (r->event.type != YAML_MAPPING_START_EVENT)
            return fault(r, "must be a mapping");
        if ((int64_t)*n == section->most)
            return fault(r, "is one too many");
        if (!read_fields(r, section, items + *n * section->size, name))
            return false;
        (*n)++;
    }
}

/* The class of that name, if it is one of the edge's. */
static enum rate_class class_of(struct str name)
{
    enum rate_class rate = 0;

    while (rate < RATE_CLASSES &&
           (!rate_info(rate)->is_at_edge || !str_eq(rate_info(rate)->name, name)))
        rate++;
    return rate;
}

static bool read_each(struct yaml *r, const struct edge_section *section)
{
    char *items = (char *)r->policy + section->at, name[WHERE_BYTES / 2];
    uint64_t seen = 0;
    struct str key;
    bool end;

    if (!next_is(r, YAML_MAPPING_START_EVENT, "must be a mapping"))
        return false;
    while (next_key(r, &end, &key)) {
        enum rate_class rate = class_of(key);

        (void)snprintf(name, sizeof(name), "%s." STR_FMT, section->key, STR_ARG(key));
        where(r, "%s", name);
        if (rate == RATE_CLASSES)
            return fault(r, "there is no such class");
        if ((seen >> rate & 1) != 0)
            return fault(r, "is there twice");
        seen |= (uint64_t)1 << rate;
        if (!next_is(r, YAML_MAPPING_START_EVENT, "must be a mapping") ||
            !read_fields(r, section, items + rate * section->size, name))
            return false;
    }
    for (enum rate_class rate = 0; end && rate < RATE_CLASSES; rate++) {
        where(r, "%s." STR_FMT, section->key, STR_ARG(rate_info(rate)->name));
        if (rate_info(rate)->is_at_edge && (seen >> rate & 1) == 0)
            return fault(r, "is missing");
    }
    return end;
}

static bool read_section(struct yaml *r, const struct edge_section *section)
{
    switch (section->count) {
    case EDGE_ONE: return read_one(r, section);
    case EDGE_MANY: return read_many(r, section);
    case EDGE_EACH: return read_each(r, section);
    }
    return false;
}

/* ---- the file --------------------------------------------------------------------- */

/* A section that is not there: all its defaults, if it may be. */
static bool absent(struct yaml *r, const struct edge_section *section)
{
    where(r, "%s", section->key);
    if (section->count == EDGE_MANY && section->least == 0)
        return true;
    if (section->count == EDGE_ONE && section->least == 0)
        return fill(r, section, (char *)r->policy + section->at, 0, line_of(r), section->key);
    return fault(r, "is missing");
}

static bool read_sections(struct yaml *r)
{
    size_t n, i;
    const struct edge_section *sections = edge_section_table(&n);
    uint64_t seen = 0;
    struct str key;
    bool end;

    CHECK(n <= FIELDS_MAX);
    while (next_key(r, &end, &key)) {
        where(r, STR_FMT, STR_ARG(key));
        for (i = 0; i < n && !str_eq(key, str_of(sections[i].key)); i++)
            continue;
        if (i == n)
            return fault(r, "there is no such section");
        if ((seen >> i & 1) != 0)
            return fault(r, "is there twice");
        seen |= (uint64_t)1 << i;
        if (!read_section(r, &sections[i]))
            return false;
        r->where[0] = '\0';
    }
    for (i = 0; end && i < n; i++)
        if ((seen >> i & 1) == 0 && !absent(r, &sections[i]))
            return false;
    r->where[0] = '\0';
    return end;
}

static bool read_all(struct yaml *r)
{
    unsigned line = 0;
    const char *key = "";

    if (!next_is(r, YAML_STREAM_START_EVENT, "is empty") ||
        !next_is(r, YAML_DOCUMENT_START_EVENT, "is empty") ||
        !next_is(r, YAML_MAPPING_START_EVENT, "the file must be a mapping of sections") ||
        !read_sections(r) || !next_is(r, YAML_DOCUMENT_END_EVENT, "something follows") ||
        !next_is(r, YAML_STREAM_END_EVENT, "a second document follows"))
        return false;
    if (edge_policy_finish(r->policy, r->arena, &line, &key, r->error))
        return true;
    *r->error = arena_printf(r->arena, "%s:%u: %s: " STR_FMT, r->file, line, key,
                             STR_ARG(*r->error));
    return false;
}

bool edge_policy_read(struct edge_policy *policy, struct str text, const char *file,
                      struct arena *arena, struct str *error)
{
    struct yaml r = { .policy = policy, .arena = arena, .file = file, .error = error };
    bool well;

    *policy = (struct edge_policy){ 0 };
    CHECK(yaml_parser_initialize(&r.parser) == 1);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
    well = read_all(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return well;
}
