/* `overround reference`: the manuals that the tables hold, as Markdown, and
 * what monitoring makes of them. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/metrics.h"
#include "bus/kafka.h"
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

int cli_reference(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "config") == 0)
        config_reference(stdout);
    else if (argc == 1 && strcmp(argv[0], "metrics") == 0)
        metrics_reference(stdout);
    else if (argc == 1 && strcmp(argv[0], "refusals") == 0)
        refusals_reference(stdout);
    else if (argc == 1 && strcmp(argv[0], "topics") == 0)
        topics_reference(stdout);
    else if (argc == 1 && strcmp(argv[0], "alerts") == 0)
        alerts_reference(stdout);
    else if (argc == 1 && strcmp(argv[0], "recording") == 0)
        recording_reference(stdout);
    else if (argc == 2 && strcmp(argv[0], "dashboards") == 0)
        return dashboards_reference(argv[1]) ? 0 : 1;
    else if (argc == 1 && strcmp(argv[0], "check") == 0)
        return monitoring_check(stderr) ? 0 : 1;
    else {
        fprintf(stderr, "usage: overround reference config|metrics|refusals|topics\n"
                        "       overround reference alerts|recording|check\n"
                        "       overround reference dashboards FOLDER\n");
        return 2;
    }
    return 0;
}
