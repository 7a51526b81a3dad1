/* `overround reference`: the manuals that the tables hold, as Markdown, and
 * what monitoring makes of them. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/metrics.h"
#include "bus/kafka.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/monitoring.h"
#include "model/refusal.h"

static void refusals_reference(FILE *out)
{
    unsigned n;
    const struct refusal_info *table = refusal_table(&n);

    fprintf(out, "# Refusals\n\nGenerated from `src/tbl/refusals.h` by `make docs`, in the"
            " ladder's order: permanent before transient.\nA *verdict* is stored under the"
            " idempotency key and given to every copy.\n*Members* are what the problem document"
            " has beside `type`, `title`, `status`, `detail` and `code`;\nthose with `?` only"
            " where they apply. The detail here is the one of an answer that has none of its"
            " own.\n\n"
            "| code | status | title | detail | members | verdict |\n|---|---|---|---|---|---|\n");
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "| `%s` | %d | %s | %s | %s | %s |\n", table[i].code, table[i].status,
                table[i].title, table[i].sentence, table[i].members,
                table[i].is_verdict ? "yes" : "");
}

/* The table at the head of docs/EVENTS.md. */
static void topics_reference(FILE *out)
{
    fprintf(out, "| topic | key | value | order | written by | read by |\n"
                 "|---|---|---|---|---|---|\n");
    for (int i = 0; i < TOPICS; i++) {
        const struct topic_info *topic = topic_info((enum topic)i);

        fprintf(out, "| `%s` | %s | %s | %s | %s | %s |\n", topic->name, topic->key,
                topic->value, topic->order, topic->writer, topic->reader);
    }
}

static const struct { const char *name; void (*put)(FILE *out); } manuals[] = {
    { "config", config_reference }, { "metrics", metrics_reference },
    { "refusals", refusals_reference }, { "topics", topics_reference },
    { "alerts", alerts_reference }, { "recording", recording_reference },
};

struct reference_args { const char *what, *folder; };

static const char *take_word(void *ctx, const char *word)
{
    struct reference_args *asked = ctx;
    const char **into = asked->what == NULL ? &asked->what : &asked->folder;

    if (*into != NULL)
        return "is one too many";
    *into = word;
    return NULL;
}

int cli_reference(int argc, char **argv)
{
    struct reference_args asked = { NULL, NULL };
    const struct args args = {
        .command = "reference",
        .usage = "usage: overround reference config|metrics|refusals|topics\n"
                 "       overround reference alerts|recording|check\n"
                 "       overround reference dashboards FOLDER\n",
        .word = take_word, .ctx = &asked,
    };
    int exit_code = args_read(&args, argc, argv);

    if (exit_code != ARGS_WELL)
        return exit_code;
    for (size_t i = 0; asked.what != NULL && asked.folder == NULL && i < LENGTH(manuals); i++) {
        if (strcmp(asked.what, manuals[i].name) != 0)
            continue;
        manuals[i].put(stdout);
        return 0;
    }
    if (asked.folder != NULL && strcmp(asked.what, "dashboards") == 0)
        return dashboards_reference(asked.folder) ? 0 : 1;
    if (asked.what != NULL && asked.folder == NULL && strcmp(asked.what, "check") == 0)
        return monitoring_check(stderr) ? 0 : 1;
    return args_help(&args, stderr);
}
