/* The only main(): finds the subcommand. */
#include <stdio.h>
#include <string.h>

#include "base/build.h"
#include "base/config.h"
#include "cli/cli.h"
#include "fanout/fanout.h"
#include "model/rules_hash.h"
#include "serve/serve.h"

static const struct command {
    const char *name, *arguments, *does;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", "[--store URL] [--listen A:P] …", "takes the feed, serves customers", serve_main },
    { "sim", "[--matches N] [--speed X] [--seed S]", "plays matches into a server", cli_sim },
    { "replay", "FILE.csv [--speed X]", "plays a real season into a server", cli_replay },
    { "grade", "< slips.jsonl", "exact payouts, one line each", cli_grade },
    { "load", "--rate R --seconds S …", "load generator, open loop", cli_load },
    { "audit", "--store URL [--textfile FILE]", "proves the books", cli_audit },
    { "shadow", "--store URL [--last N]", "grades again what was paid, compares", cli_shadow },
    { "verdict", "--prometheus URL --stable S --canary S", "on a release: promote, wait, roll back",
      cli_verdict },
    { "migrate", "--store URL", "brings the schema up to date", cli_migrate },
    { "operator", "add NAME --role R[,R] | list | end NAME", "who may use the operator listener",
      cli_operator },
    { "erase", "CUSTOMER [--keep-years N] | --due", "closes an account, erases who it was",
      cli_erase },
    { "archive", "--to s3://BUCKET/PREFIX [--verify | --drop]", "days that are over, elsewhere",
      cli_archive },
    { "backup", "--to s3://BUCKET/PREFIX", "the whole SQLite database to an object store",
      cli_backup },
    { "object", "put FILE s3://… | get | sync | restore", "one file to an object store and back",
      cli_object },
    { "purge", "--for CDN --event ID … | --all", "takes events out of a CDN's cache", cli_purge },
    { "smoke", "--url URL --operator-url URL …", "one bet, placed, settled and paid", cli_smoke },
    { "sleep", "SECONDS", "waits: the preStop hook of an image without a shell", cli_sleep },
    { "edge", "--for TARGET --policy edge.yaml", "what a CDN or edge node is configured with",
      cli_edge },
    { "fanout", "--origin ADDRESS --listen ADDRESS", "the stream of an edge node", fanout_main },
    { "reference", "config|metrics|refusals", "prints a reference", cli_reference },
};

static int usage(FILE *out)
{
    fprintf(out, "usage: overround COMMAND [option …]\n\n");
    for (size_t i = 0; i < LENGTH(commands); i++)
        fprintf(out, "  %-10s %-38s %s\n", commands[i].name, commands[i].arguments,
                commands[i].does);
    fprintf(out, "\n  --version  version, commit, hash of the rules of grading\n\n"
                 "settings of serve:\n");
    config_help(out);
    return out == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("overround %s, rules %s (commit %s)\n", build_version(), rules_hash(),
               build_commit());
        return 0;
    }
    for (size_t i = 0; i < LENGTH(commands); i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (argc > 2 && strcmp(argv[2], "--help") == 0 && commands[i].run == serve_main)
            return usage(stdout);
        return commands[i].run(argc - 2, argv + 2);
    }
    fprintf(stderr, "overround: no command \"%s\"; see overround --help\n", argv[1]);
    return 2;
}
