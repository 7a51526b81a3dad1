/*
 * Prometheus's rules from tbl/alerts.h.
 *
 * An objective becomes a recorded ratio of errors over each window, and two
 * alerts on how fast that burns the error budget of 30 days (the workbook's
 * figures: Beyer et al., The Site Reliability Workbook, chapter 5):
 *
 *   page    14.4 times over 1 h and 5 m (2 % of the budget), or
 *            6   times over 6 h and 30 m (5 %)
 *   ticket   3   times over 1 d and 2 h (10 %), or
 *            1   time  over 3 d and 6 h (10 %)
 *
 * Of events at least ten must have gone wrong within the hour before somebody
 * is woken: at night one in fifty is one.
 */
#include "cli/monitoring.h"

#include <ctype.h>

#include "base/metrics.h"
#include "cli/promql.h"

enum severity { PAGE, TICKET };

static const char *const severities[] = { "page", "ticket" };

enum rule_kind { RULE_SLO, RULE_SLO_TIME, RULE_RECORD, RULE_ALERT, RULE_FOREIGN };

static const struct rule {
    enum rule_kind kind;
    const char *name, *alert, *objective, *budget;
    const char *expr, *all; /* expr: bad, or late, of objectives */
    const char *summary, *wait;
    enum severity severity;
} rules[] = {
#define SLO(slo, alert_, objective_, budget_, bad, all_, burns) \
    { .kind = RULE_SLO, .name = #slo, .alert = #alert_, .objective = objective_, \
      .budget = budget_, .expr = bad, .all = all_, .summary = burns },
#define SLO_TIME(slo, alert_, objective_, budget_, late, burns) \
    { .kind = RULE_SLO_TIME, .name = #slo, .alert = #alert_, .objective = objective_, \
      .budget = budget_, .expr = late, .summary = burns },
#define RECORD(name_, expr_) { .kind = RULE_RECORD, .name = name_, .expr = expr_ },
#define ALERT(name_, severity_, wait_, expr_, summary_) \
    { .kind = RULE_ALERT, .name = #name_, .severity = severity_, .wait = wait_, .expr = expr_, \
      .summary = summary_ },
#define FOREIGN(name_, whose) { .kind = RULE_FOREIGN, .name = name_, .summary = whose },
#include "tbl/alerts.h"
#undef SLO
#undef SLO_TIME
#undef RECORD
#undef ALERT
#undef FOREIGN
};

static const char *const windows[] = { "5m", "30m", "1h", "2h", "6h", "1d", "3d" };

/* ---- YAML ------------------------------------------------------------------ */

/* A block of lines as they stand, each behind so many spaces; $W is the window. */
static void put_lines(FILE *out, const char *text, int indent, const char *window)
{
    bool begins = true;

    for (; *text != '\0'; text++) {
        if (begins)
            fprintf(out, "%*s", indent, "");
        begins = *text == '\n';
        if (text[0] == '$' && text[1] == 'W' && window != NULL) {
            fputs(window, out);
            text++;
        } else {
            fputc(*text, out);
        }
    }
    fputc('\n', out);
}

static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputc('\'', out);
        fputc(*text, out);
    }
    fputs("'\n", out);
}

/* GitHub's anchor of the heading "### Name". */
static void put_anchor(FILE *out, const char *name)
{
    fputs("          runbook_url: docs/OPERATE.md#", out);
    for (; *name != '\0'; name++)
        fputc(tolower((unsigned char)*name), out);
    fputc('\n', out);
}

static void put_group(FILE *out, const char *name)
{
    fprintf(out, "  - name: %s\n    rules:\n", name);
}

static void put_title(FILE *out)
{
    fputs("# Generated from src/tbl/alerts.h by `make docs`.\ngroups:\n", out);
}

/* ---- recorded --------------------------------------------------------------- */

static void put_ratio(FILE *out, const struct rule *slo, const char *window)
{
    fprintf(out, "      - record: slo:%s_errors:ratio_rate%s\n        expr: |-\n", slo->name,
            window);
    if (slo->kind == RULE_SLO_TIME) {
        fprintf(out, "          avg_over_time(slo:%s_late:bool[%s])\n", slo->name, window);
        return;
    }
    fputs("          (\n", out);
    put_lines(out, slo->expr, 12, window);
    fputs("          ) / (\n", out);
    put_lines(out, slo->all, 12, window);
    fputs("          )\n", out);
}

static void put_objective(FILE *out, const struct rule *slo)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "overround-slo-%s", slo->name);
    put_group(out, name);
    if (slo->kind == RULE_SLO_TIME) {
        fprintf(out, "      - record: slo:%s_late:bool\n        expr: |-\n", slo->name);
        put_lines(out, slo->expr, 10, NULL);
    }
    for (size_t i = 0; i < LENGTH(windows); i++)
        put_ratio(out, slo, windows[i]);
}

static bool is_objective(const struct rule *rule)
{
    return rule->kind == RULE_SLO || rule->kind == RULE_SLO_TIME;
}

void recording_reference(FILE *out)
{
    put_title(out);
    for (size_t i = 0; i < LENGTH(rules); i++)
        if (is_objective(&rules[i]))
            put_objective(out, &rules[i]);
    put_group(out, "overround-records");
    for (size_t i = 0; i < LENGTH(rules); i++) {
        if (rules[i].kind != RULE_RECORD)
            continue;
        fprintf(out, "      - record: %s\n        expr: |-\n", rules[i].name);
        put_lines(out, rules[i].expr, 10, NULL);
    }
}

/* ---- alerts ------------------------------------------------------------------ */

static void put_burn_pair(FILE *out, const struct rule *slo, const char *factor,
                          const char *wide, const char *narrow)
{
    fprintf(out, "            slo:%s_errors:ratio_rate%s > %s * %s\n", slo->name, wide, factor,
            slo->budget);
    fprintf(out, "            and slo:%s_errors:ratio_rate%s > %s * %s\n", slo->name, narrow,
            factor, slo->budget);
}

static void put_burn_expr(FILE *out, const struct rule *slo, enum severity severity)
{
    fputs("        expr: |-\n          ((\n", out);
    put_burn_pair(out, slo, severity == PAGE ? "14.4" : "3", severity == PAGE ? "1h" : "1d",
                  severity == PAGE ? "5m" : "2h");
    fputs("          ) or (\n", out);
    put_burn_pair(out, slo, severity == PAGE ? "6" : "1", severity == PAGE ? "6h" : "3d",
                  severity == PAGE ? "30m" : "6h");
    fputs("          ))\n", out);
    if (severity != PAGE || slo->kind == RULE_SLO_TIME)
        return;
    fputs("          and on () (3600 * (\n", out);
    put_lines(out, slo->expr, 12, "1h");
    fputs("          ) >= 10)\n", out);
}

static void put_burn(FILE *out, const struct rule *slo, enum severity severity)
{
    fprintf(out, "      - alert: %s\n", slo->alert);
    put_burn_expr(out, slo, severity);
    fprintf(out, "        for: %s\n        labels:\n          severity: %s\n          slo: %s\n",
            severity == PAGE ? "2m" : "15m", severities[severity], slo->name);
    fprintf(out, "        annotations:\n          summary: '%s: the error budget of %s %% burns %s"
            "'\n", slo->summary, slo->objective, severity == PAGE ? "fast" : "slowly");
    put_anchor(out, slo->alert);
}

static void put_alert(FILE *out, const struct rule *alert)
{
    fprintf(out, "      - alert: %s\n        expr: |-\n", alert->name);
    put_lines(out, alert->expr, 10, NULL);
    fprintf(out, "        for: %s\n        labels:\n          severity: %s\n", alert->wait,
            severities[alert->severity]);
    fputs("        annotations:\n          summary: ", out);
    put_quoted(out, alert->summary);
    put_anchor(out, alert->name);
}

void alerts_reference(FILE *out)
{
    put_title(out);
    put_group(out, "overround-objectives");
    for (size_t i = 0; i < LENGTH(rules); i++) {
        if (!is_objective(&rules[i]))
            continue;
        put_burn(out, &rules[i], PAGE);
        put_burn(out, &rules[i], TICKET);
    }
    put_group(out, "overround-alerts");
    for (size_t i = 0; i < LENGTH(rules); i++)
        if (rules[i].kind == RULE_ALERT)
            put_alert(out, &rules[i]);
}

/* ---- the tables agree ---------------------------------------------------------- */

struct table_check {
    FILE *out;
    bool well;
    bool charted[METRICS];
    bool foreign_used[LENGTH(rules)];
    bool panels; /* of dashboards now */
};

/* slo:NAME_errors:ratio_rateWINDOW and slo:NAME_late:bool. */
static bool is_of_objective(struct str name)
{
    char record[128];

    for (size_t i = 0; i < LENGTH(rules); i++) {
        if (!is_objective(&rules[i]))
            continue;
        (void)snprintf(record, sizeof(record), "slo:%s_late:bool", rules[i].name);
        if (rules[i].kind == RULE_SLO_TIME && str_eq(name, str_of(record)))
            return true;
        for (size_t w = 0; w < LENGTH(windows); w++) {
            (void)snprintf(record, sizeof(record), "slo:%s_errors:ratio_rate%s", rules[i].name,
                           windows[w]);
            if (str_eq(name, str_of(record)))
                return true;
        }
    }
    return false;
}

static bool is_known(struct table_check *check, struct str name)
{
    enum metric metric = metric_of_sample(name);

    if (metric != METRICS) {
        check->charted[metric] = check->charted[metric] || check->panels;
        return true;
    }
    for (size_t i = 0; i < LENGTH(rules); i++) {
        if ((rules[i].kind != RULE_RECORD && rules[i].kind != RULE_FOREIGN) ||
            !str_eq(name, str_of(rules[i].name)))
            continue;
        check->foreign_used[i] = true;
        return true;
    }
    return is_of_objective(name) || str_eq(name, STR("ALERTS"));
}

static void wrong(struct table_check *check, const char *what, struct str name)
{
    fprintf(check->out, "%s: " STR_FMT "\n", what, STR_ARG(name));
    check->well = false;
}

static void check_expr(void *ctx, const char *expr)
{
    struct table_check *check = ctx;
    struct str name;
    size_t at = 0;

    while (promql_series(expr, &at, &name))
        if (!is_known(check, name))
            wrong(check, "an expression names what is in no table", name);
}

static const struct uncharted { enum metric metric; const char *why; } uncharted[] = {
#define BOARD(name, title)
#define ROW(title)
#define PANEL(title, unit)
#define QUERY(legend, expr)
#define UNCHARTED(name, why) { METRIC_##name, why },
#include "tbl/panels.h"
#undef BOARD
#undef ROW
#undef PANEL
#undef QUERY
#undef UNCHARTED
};

static void check_charted(struct table_check *check)
{
    for (unsigned i = 0; i < METRICS; i++) {
        struct str name = str_of(metric_name(i));
        bool marked = false;

        for (size_t u = 0; u < LENGTH(uncharted); u++)
            marked = marked || uncharted[u].metric == i;
        if (!check->charted[i] && !marked)
            wrong(check, "on no dashboard, and not marked why", name);
        if (check->charted[i] && marked)
            wrong(check, "on a dashboard, but marked that it is not", name);
    }
}

bool monitoring_check(FILE *out)
{
    struct table_check check = { .out = out, .well = true };

    for (size_t i = 0; i < LENGTH(rules); i++) {
        if (rules[i].expr != NULL)
            check_expr(&check, rules[i].expr);
        if (rules[i].all != NULL)
            check_expr(&check, rules[i].all);
    }
    check.panels = true;
    dashboards_each(check_expr, &check);
    for (size_t i = 0; i < LENGTH(rules); i++)
        if (rules[i].kind == RULE_FOREIGN && !check.foreign_used[i])
            wrong(&check, "foreign, and nobody asks for it", str_of(rules[i].name));
    check_charted(&check);
    return check.well;
}
