/* What the writers for CDNs share (edge/cdn.h). */
#include "edge/cdn.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

#define LINE_MOST 88
#define PIECE_BYTES 65536

const struct route *cdn_get(const struct edge_path *path)
{
    for (size_t i = 0; i < path->n_routes; i++)
        if (str_eq(path->routes[i]->method, STR("GET")))
            return path->routes[i];
    return NULL;
}

const struct caching_info *cdn_caching(const struct edge_path *path)
{
    const struct route *get = cdn_get(path);

    return caching_info(get == NULL ? CACHING_OF_NEVER : get->caching);
}

bool cdn_next_word(struct str *words, struct str *word)
{
    if (words->n == 0)
        return false;
    *word = text_until(words, ' ');
    return true;
}

bool cdn_is_within_kept(const struct edge_policy *policy, const struct edge_path *path)
{
    for (size_t i = 0; i < policy->n_paths; i++) {
        const struct edge_path *other = &policy->paths[i];

        if (other != path && other->has_part && cdn_caching(other)->is_kept &&
            path->before.n >= other->before.n &&
            memcmp(path->before.p, other->before.p, other->before.n) == 0)
            return true;
    }
    return false;
}

/* ---- constants of JavaScript ----------------------------------------------------- */

static void put_problems(struct buf *out)
{
    static const int statuses[] = { 403, 404, 405, 413, 451, 503 };

    buf_str(out, STR("const PROBLEMS = {\n"));
    for (size_t i = 0; i < LENGTH(statuses); i++) {
        buf_printf(out, "  %d: '", statuses[i]);
        edge_problem(out, statuses[i]);
        buf_str(out, STR("',\n"));
    }
    buf_str(out, STR("};\n"));
}

/* As a literal: its slashes escaped. */
static void put_pattern(struct buf *out, const struct edge_path *path)
{
    struct buf regex;

    buf_init(&regex, PIECE_BYTES);
    edge_regex(&regex, path);
    buf_char(out, '/');
    for (size_t i = 0; i < regex.n; i++) {
        if (regex.p[i] == '/')
            buf_char(out, '\\');
        buf_char(out, regex.p[i]);
    }
    buf_char(out, '/');
    buf_fini(&regex);
}

static void put_methods(struct buf *out, const struct edge_path *path,
                        void (*put_row)(struct buf *, const struct edge_path *,
                                        const struct route *))
{
    buf_printf(out, "{ allow: '" STR_FMT "'", STR_ARG(path->allow));
    for (size_t i = 0; i < path->n_routes; i++) {
        buf_printf(out, ", " STR_FMT ": ", STR_ARG(path->routes[i]->method));
        put_row(out, path, path->routes[i]);
    }
    buf_str(out, STR(" }"));
}

static void put_paths(struct buf *out, const struct edge_policy *policy,
                      void (*put_row)(struct buf *, const struct edge_path *,
                                      const struct route *))
{
    buf_str(out, STR("const EXACT = {\n"));
    for (size_t i = 0; i < policy->n_paths; i++)
        if (!policy->paths[i].has_part) {
            buf_printf(out, "  '" STR_FMT "': ", STR_ARG(policy->paths[i].pattern));
            put_methods(out, &policy->paths[i], put_row);
            buf_str(out, STR(",\n"));
        }
    buf_str(out, STR("};\nconst PARTS = [\n"));
    for (size_t i = 0; i < policy->n_paths; i++)
        if (policy->paths[i].has_part) {
            buf_str(out, STR("  ["));
            put_pattern(out, &policy->paths[i]);
            buf_str(out, STR(", "));
            put_methods(out, &policy->paths[i], put_row);
            buf_str(out, STR("],\n"));
        }
    buf_str(out, STR("];\n"));
}

/* Some to a line. */
static void put_words(struct buf *out, struct edge_words words, const char *format, size_t a_line)
{
    for (size_t i = 0; i < words.n; i++) {
        char text[320];

        (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(words.items[i]));
        buf_str(out, i % a_line == 0 ? STR("\n  ") : STR(" "));
        buf_str(out, str_of(format[0] == 'k' ? "" : "'"));
        for (char *p = text; *p != '\0'; p++)
            if (format[0] == 'l' && *p >= 'A' && *p <= 'Z')
                *p = (char)(*p + ('a' - 'A'));
        buf_str(out, str_of(text));
        buf_str(out, str_of(format + 1));
        buf_char(out, ',');
    }
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

void cdn_constants(struct buf *out, const struct edge_policy *policy,
                   void (*put_row)(struct buf *out, const struct edge_path *path,
                                   const struct route *route))
{
    put_problems(out);
    put_paths(out, policy, put_row);
    buf_str(out, STR("const REFUSED = {"));
    put_words(out, policy->refused, "k: true", 8);
    put_words(out, policy->allowed, "k: false", 8);
    buf_printf(out, "\n};\nconst UNKNOWN_REFUSED = %s;\nconst ELSEWHERE_REFUSED = %s;\n",
               truth(policy->countries.unknown == EDGE_REFUSED),
               truth(policy->countries.elsewhere == EDGE_REFUSED));
    buf_str(out, STR("const AGENTS = ["));
    put_words(out, policy->bots.agents, "l'", 4);
    buf_printf(out, "\n];\nconst UNNAMED_REFUSED = %s;\n",
               truth(policy->bots.unnamed == EDGE_REFUSED));
    buf_printf(out, "const CANARY_PERCENT = %lld;\nconst STICKY_COOKIE = %s;\n"
               "const COOKIE = '" STR_FMT "';\nconst SECRET = '" STR_FMT "'; // its name\n",
               (long long)policy->canary.percent, truth(policy->canary.sticky == EDGE_BY_COOKIE),
               STR_ARG(policy->canary.cookie), STR_ARG(policy->signing.secret));
}

/* ---- JSON -------------------------------------------------------------------------- */

void cdn_json(struct buf *out, const char *format, ...)
{
    char text[PIECE_BYTES];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CHECK(n >= 0 && (size_t)n < sizeof(text));
    for (int i = 0; i < n; i++)
        buf_char(out, text[i] == '\'' ? '"' : text[i]);
}

void cdn_comma(struct buf *json)
{
    if (json->n > 0 && json->p[json->n - 1] != '[' && json->p[json->n - 1] != '{')
        buf_char(json, ',');
}

/* How long a value is that begins with a bracket. */
static size_t value_length(struct str json)
{
    size_t depth = 0;
    bool in_text = false;

    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];

        if (in_text) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            return i + 1;
        }
    }
    return json.n;
}

static void break_line(struct buf *out, size_t depth)
{
    buf_char(out, '\n');
    for (size_t i = 0; i < depth; i++)
        buf_str(out, STR("  "));
}

static size_t put_text(struct buf *out, struct str json)
{
    size_t n = 1;

    while (n < json.n && json.p[n] != '"')
        n += json.p[n] == '\\' ? 2 : 1;
    buf_put(out, json.p, n + 1);
    return n + 1;
}

/* On one line; the blanks that a reader wants. */
static void put_short(struct buf *out, struct str json)
{
    for (size_t i = 0; i < json.n;) {
        if (json.p[i] == '"') {
            i += put_text(out, (struct str){ json.p + i, json.n - i });
            continue;
        }
        buf_char(out, json.p[i]);
        if (json.p[i] == ',' || json.p[i] == ':')
            buf_char(out, ' ');
        i++;
    }
}

void cdn_pretty(struct buf *out, struct str json)
{
    size_t depth = 0;

    for (size_t i = 0; i < json.n;) {
        struct str rest = { json.p + i, json.n - i };
        char c = json.p[i];
        size_t n = c == '[' || c == '{' ? value_length(rest) : 0;

        if (c == '"') {
            i += put_text(out, rest);
            continue;
        }
        if (n > 0 && (n == 2 || (depth > 0 && n + 2 * depth < LINE_MOST))) {
            put_short(out, (struct str){ rest.p, n });
            i += n;
            continue;
        }
        if (c == ']' || c == '}')
            break_line(out, --depth);
        buf_char(out, c);
        if (c == '[' || c == '{')
            break_line(out, ++depth);
        else if (c == ',')
            break_line(out, depth);
        else if (c == ':')
            buf_char(out, ' ');
        i++;
    }
    buf_char(out, '\n');
}
