/*
 * JSON Schema (2020-12) of edge.yaml, from the rows that the reader goes by.
 * What keys say together (src/edge/policy.c) is the reader's alone.
 */
#include "base/json.h"
#include "base/text.h"
#include "edge/edge.h"
#include "edge/inside.h"

#define SCHEMA_BYTES ((size_t)256 * 1024)

static void put_choices(struct jw *w, struct str rest)
{
    jw_key(w, "enum");
    jw_array(w);
    while (rest.n > 0)
        jw_str(w, text_until(&rest, '|'));
    jw_array_end(w);
}

static void put_words(struct jw *w, const struct edge_field *field)
{
    jw_put_str(w, "type", STR("array"));
    jw_put_int(w, "minItems", field->least);
    jw_put_int(w, "maxItems", field->most);
    jw_put_bool(w, "uniqueItems", true);
    jw_key(w, "items");
    jw_object(w);
    jw_put_str(w, "type", STR("string"));
    jw_put_str(w, "pattern", str_of(edge_kind_pattern(field->kind)));
    jw_put_int(w, "maxLength", 255);
    jw_object_end(w);
}

static void put_default(struct jw *w, const struct edge_field *field)
{
    struct str text = str_of(field->fallback);

    if (field->fallback == NULL)
        return;
    jw_key(w, "default");
    if (edge_kind_is_list(field->kind))
        jw_raw(w, STR("[]"));
    else if (field->kind == EDGE_KIND_OF_INT || field->kind == EDGE_KIND_OF_FLAG)
        jw_raw(w, text);
    else
        jw_str(w, text);
}

static void put_field(struct jw *w, const struct edge_field *field)
{
    jw_key(w, field->key);
    jw_object(w);
    jw_put_str(w, "description", str_of(field->doc));
    if (edge_kind_is_list(field->kind)) {
        put_words(w, field);
    } else if (field->kind == EDGE_KIND_OF_INT) {
        jw_put_str(w, "type", STR("integer"));
        jw_put_int(w, "minimum", field->least);
        jw_put_int(w, "maximum", field->most);
    } else if (field->kind == EDGE_KIND_OF_FLAG) {
        jw_put_str(w, "type", STR("boolean"));
    } else if (field->kind == EDGE_KIND_OF_CHOICE) {
        put_choices(w, str_of(field->among));
    } else {
        jw_put_str(w, "type", STR("string"));
        jw_put_int(w, "maxLength", field->most);
        jw_put_str(w, "pattern", str_of(edge_kind_pattern(field->kind)));
    }
    put_default(w, field);
    jw_object_end(w);
}

static void put_mapping(struct jw *w, const struct edge_section *section)
{
    size_t n;
    const struct edge_field *fields = edge_field_table(&n) + section->first;

    jw_put_str(w, "type", STR("object"));
    jw_put_bool(w, "additionalProperties", false);
    jw_key(w, "required");
    jw_array(w);
    for (size_t i = 0; i < section->n; i++)
        if (fields[i].fallback == NULL)
            jw_str(w, str_of(fields[i].key));
    jw_array_end(w);
    jw_key(w, "properties");
    jw_object(w);
    for (size_t i = 0; i < section->n; i++)
        put_field(w, &fields[i]);
    jw_object_end(w);
}

static void put_many(struct jw *w, const struct edge_section *section)
{
    jw_put_str(w, "type", STR("array"));
    jw_put_int(w, "minItems", section->least);
    jw_put_int(w, "maxItems", section->most);
    jw_key(w, "items");
    jw_object(w);
    put_mapping(w, section);
    jw_object_end(w);
}

static void put_each(struct jw *w, const struct edge_section *section)
{
    jw_put_str(w, "type", STR("object"));
    jw_put_bool(w, "additionalProperties", false);
    jw_key(w, "required");
    jw_array(w);
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++)
        if (rate_info(rate)->is_at_edge)
            jw_str(w, rate_info(rate)->name);
    jw_array_end(w);
    jw_key(w, "properties");
    jw_object(w);
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++) {
        if (!rate_info(rate)->is_at_edge)
            continue;
        jw_key(w, rate_info(rate)->name.p);
        jw_object(w);
        jw_put_str(w, "description", str_of(rate_info(rate)->doc));
        put_mapping(w, section);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void put_section(struct jw *w, const struct edge_section *section)
{
    jw_key(w, section->key);
    jw_object(w);
    jw_put_str(w, "description", str_of(section->doc));
    if (section->count == EDGE_ONE)
        put_mapping(w, section);
    else if (section->count == EDGE_MANY)
        put_many(w, section);
    else
        put_each(w, section);
    jw_object_end(w);
}

/* Two blanks for each level, a member a line; JSON of jw_*, without blanks. */
static void put_indented(struct buf *out, struct str json)
{
    bool inside = false; /* of a string */
    int level = 0;

    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        bool ends = !inside && (c == '}' || c == ']'), begins = !inside && (c == '{' || c == '[');
        bool is_empty = begins && (json.p[i + 1] == '}' || json.p[i + 1] == ']');

        inside ^= c == '"' && (i == 0 || json.p[i - 1] != '\\');
        level += begins - ends;
        if (ends && json.p[i - 1] != '{' && json.p[i - 1] != '[')
            buf_printf(out, "\n%*s", 2 * level, "");
        buf_char(out, c);
        if ((begins && !is_empty) || (!inside && c == ','))
            buf_printf(out, "\n%*s", 2 * level, "");
        else if (!inside && c == ':')
            buf_char(out, ' ');
    }
}

static void put_schema(struct buf *out)
{
    size_t n;
    const struct edge_section *sections = edge_section_table(&n);
    struct jw w = jw_to(out);

    jw_object(&w);
    jw_put_str(&w, "$schema", STR("https://json-schema.org/draft/2020-12/schema"));
    jw_put_str(&w, "title", STR("edge.yaml of Overround"));
    jw_put_str(&w, "description", STR("Generated by `overround edge --schema`."));
    jw_put_str(&w, "type", STR("object"));
    jw_put_bool(&w, "additionalProperties", false);
    jw_key(&w, "required");
    jw_array(&w);
    for (size_t i = 0; i < n; i++)
        if (sections[i].count == EDGE_EACH || sections[i].least > 0)
            jw_str(&w, str_of(sections[i].key));
    jw_array_end(&w);
    jw_key(&w, "properties");
    jw_object(&w);
    for (size_t i = 0; i < n; i++)
        put_section(&w, &sections[i]);
    jw_object_end(&w);
    jw_object_end(&w);
}

void edge_schema(struct buf *out)
{
    struct buf json;

    buf_init(&json, SCHEMA_BYTES);
    put_schema(&json);
    CHECK(!json.overflow);
    put_indented(out, buf_view(&json));
    buf_char(out, '\n');
    buf_fini(&json);
}
