/*
 * Grafana's dashboards (10 or later) from tbl/panels.h: four panels a row, each
 * with the help of the metrics that it shows.
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/metrics.h"
#include "cli/monitoring.h"
#include "cli/promql.h"

#define PANELS_A_ROW 4
#define WIDTH 24 /* of Grafana's grid */
#define HEIGHT 8
#define JSON_BYTES (1024 * 1024)
#define RANGE "$R" /* of tbl/panels.h */

enum item_kind { ITEM_BOARD, ITEM_ROW, ITEM_PANEL, ITEM_QUERY, ITEM_END };

static const struct item {
    enum item_kind kind;
    const char *title, *text; /* the name, the unit or the expression */
} items[] = {
#define BOARD(name, title_) { ITEM_BOARD, title_, name },
#define ROW(title_) { ITEM_ROW, title_, "" },
#define PANEL(title_, unit) { ITEM_PANEL, title_, unit },
#define QUERY(legend, expr) { ITEM_QUERY, legend, expr },
#define UNCHARTED(name, why)
#include "tbl/panels.h"
#undef BOARD
#undef ROW
#undef PANEL
#undef QUERY
#undef UNCHARTED
    { ITEM_END, "", "" },
};

void dashboards_each(void (*on_query)(void *ctx, const char *expr), void *ctx)
{
    for (size_t i = 0; i < LENGTH(items); i++)
        if (items[i].kind == ITEM_QUERY)
            on_query(ctx, items[i].text);
}

/* ---- a board as JSON ------------------------------------------------------- */

struct sheet {
    struct jw w;
    int id, column, y; /* of the next panel */
};

static void put_text(struct jw *w, const char *key, const char *text)
{
    jw_put_str(w, key, str_of(text));
}

static void put_source(struct jw *w)
{
    jw_key(w, "datasource");
    jw_object(w);
    put_text(w, "type", "prometheus");
    put_text(w, "uid", "${datasource}");
    jw_object_end(w);
}

static void put_place(struct sheet *sheet, int width, int height)
{
    struct jw *w = &sheet->w;

    jw_key(w, "gridPos");
    jw_object(w);
    jw_put_int(w, "h", height);
    jw_put_int(w, "w", width);
    jw_put_int(w, "x", sheet->column * (WIDTH / PANELS_A_ROW));
    jw_put_int(w, "y", sheet->y);
    jw_object_end(w);
}

static void new_line(struct sheet *sheet)
{
    if (sheet->column > 0)
        sheet->y += HEIGHT;
    sheet->column = 0;
}

static void put_row(struct sheet *sheet, const struct item *row)
{
    struct jw *w = &sheet->w;

    new_line(sheet);
    jw_object(w);
    jw_put_int(w, "id", sheet->id++);
    put_text(w, "type", "row");
    put_text(w, "title", row->title);
    jw_put_bool(w, "collapsed", false);
    put_place(sheet, WIDTH, 1);
    jw_key(w, "panels");
    jw_array(w);
    jw_array_end(w);
    jw_object_end(w);
    sheet->y++;
}

/* The range of rates, by Grafana's name. */
static void put_expr(struct jw *w, const char *expr)
{
    struct buf text;
    const char *at;

    buf_init(&text, 64 * 1024);
    while ((at = strstr(expr, RANGE)) != NULL) {
        buf_put(&text, expr, (size_t)(at - expr));
        buf_str(&text, STR("$__rate_interval"));
        expr = at + strlen(RANGE);
    }
    buf_str(&text, str_of(expr));
    jw_put_str(w, "expr", buf_view(&text));
    buf_fini(&text);
}

static void put_query(struct jw *w, const struct item *query, unsigned n)
{
    char id[] = { (char)('A' + (int)n), '\0' };

    jw_object(w);
    put_source(w);
    put_text(w, "refId", id);
    put_expr(w, query->text);
    put_text(w, "legendFormat", query->title);
    jw_object_end(w);
}

/* The help of each metric once, in the order of the queries. */
static void put_help(struct jw *w, const struct item *query)
{
    bool said[METRICS] = { false };
    struct buf text;

    buf_init(&text, 64 * 1024);
    for (; query->kind == ITEM_QUERY; query++) {
        struct str name;
        size_t at = 0;

        while (promql_series(query->text, &at, &name)) {
            enum metric metric = metric_of_sample(name);

            if (metric == METRICS || said[metric])
                continue;
            said[metric] = true;
            buf_printf(&text, "%s%s: %s", text.n > 0 ? "\n\n" : "", metric_name(metric),
                       metric_help(metric));
        }
    }
    jw_put_str(w, "description", buf_view(&text));
    buf_fini(&text);
}

static void put_field(struct jw *w, const char *unit)
{
    jw_key(w, "fieldConfig");
    jw_object(w);
    jw_key(w, "defaults");
    jw_object(w);
    put_text(w, "unit", unit);
    jw_object_end(w);
    jw_key(w, "overrides");
    jw_array(w);
    jw_array_end(w);
    jw_object_end(w);
}

static void put_panel(struct sheet *sheet, const struct item *panel)
{
    struct jw *w = &sheet->w;

    jw_object(w);
    jw_put_int(w, "id", sheet->id++);
    put_text(w, "type", "timeseries");
    put_text(w, "title", panel->title);
    put_help(w, panel + 1);
    put_source(w);
    put_place(sheet, WIDTH / PANELS_A_ROW, HEIGHT);
    put_field(w, panel->text);
    jw_key(w, "targets");
    jw_array(w);
    for (unsigned i = 0; panel[i + 1].kind == ITEM_QUERY; i++)
        put_query(w, &panel[i + 1], i);
    jw_array_end(w);
    jw_object_end(w);
    if (++sheet->column == PANELS_A_ROW)
        new_line(sheet);
}

/* ---- what is chosen on top ---------------------------------------------------- */

static void put_variable(struct jw *w, const char *name, const char *type, const char *query)
{
    put_text(w, "name", name);
    put_text(w, "label", name);
    put_text(w, "type", type);
    put_text(w, "query", query);
}

static void put_variables(struct jw *w, bool roles)
{
    jw_key(w, "templating");
    jw_object(w);
    jw_key(w, "list");
    jw_array(w);
    jw_object(w);
    put_variable(w, "datasource", "datasource", "prometheus");
    jw_object_end(w);
    if (roles) {
        jw_object(w);
        put_variable(w, "role", "query", "label_values(up{job=\"overround\"}, role)");
        put_source(w);
        jw_put_bool(w, "multi", true);
        jw_put_bool(w, "includeAll", true);
        put_text(w, "allValue", ".*");
        jw_put_int(w, "refresh", 2);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}

static void put_head(struct jw *w, const struct item *board)
{
    char uid[64];

    (void)snprintf(uid, sizeof(uid), "overround-%s", board->text);
    put_text(w, "uid", uid);
    put_text(w, "title", board->title);
    jw_key(w, "tags");
    jw_array(w);
    jw_str(w, STR("overround"));
    jw_array_end(w);
    jw_put_int(w, "schemaVersion", 39);
    jw_put_int(w, "version", 1);
    put_text(w, "refresh", "30s");
    jw_key(w, "time");
    jw_object(w);
    put_text(w, "from", "now-3h");
    put_text(w, "to", "now");
    jw_object_end(w);
}

static void put_board(struct buf *out, const struct item *board)
{
    struct sheet sheet = { .w = jw_to(out), .id = 1 };
    struct jw *w = &sheet.w;

    jw_object(w);
    put_head(w, board);
    put_variables(w, strcmp(board->text, "role") == 0);
    jw_key(w, "panels");
    jw_array(w);
    for (board++; board->kind != ITEM_BOARD && board->kind != ITEM_END; board++) {
        if (board->kind == ITEM_ROW)
            put_row(&sheet, board);
        else if (board->kind == ITEM_PANEL)
            put_panel(&sheet, board);
    }
    jw_array_end(w);
    jw_object_end(w);
}

/* ---- files ---------------------------------------------------------------------- */

static void indent(FILE *out, int depth)
{
    fprintf(out, "\n%*s", 2 * depth, "");
}

/* A line a member, so that a change is seen in its lines. */
static void write_spread(FILE *out, struct str json)
{
    bool string = false, escaped = false;
    int depth = 0;

    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        bool empty = i + 1 < json.n && (json.p[i + 1] == '}' || json.p[i + 1] == ']');

        if (!string && (c == '}' || c == ']') && json.p[i - 1] != '{' && json.p[i - 1] != '[')
            indent(out, --depth);
        fputc(c, out);
        if (c == '"' && !escaped)
            string = !string;
        escaped = c == '\\' && !escaped;
        if (string)
            continue;
        if ((c == '{' || c == '[') && !empty)
            indent(out, ++depth);
        else if (c == ',')
            indent(out, depth);
        else if (c == ':')
            fputc(' ', out);
    }
    fputc('\n', out);
}

static bool write_board(const char *folder, const struct item *board)
{
    char path[4096];
    struct buf json;
    bool well;
    FILE *out;

    (void)snprintf(path, sizeof(path), "%s/%s.json", folder, board->text);
    out = fopen(path, "w");
    if (out == NULL) {
        fprintf(stderr, "overround: %s: %s\n", path, strerror(errno));
        return false;
    }
    buf_init(&json, JSON_BYTES);
    put_board(&json, board);
    CHECK(!json.overflow);
    write_spread(out, buf_view(&json));
    buf_fini(&json);
    well = ferror(out) == 0;
    if (fclose(out) != 0 || !well) {
        fprintf(stderr, "overround: %s: cannot be written\n", path);
        return false;
    }
    return true;
}

bool dashboards_reference(const char *folder)
{
    for (size_t i = 0; i < LENGTH(items); i++)
        if (items[i].kind == ITEM_BOARD && !write_board(folder, &items[i]))
            return false;
    return true;
}
