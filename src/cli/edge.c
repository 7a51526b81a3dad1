/* `overround edge`: configurations of edges, from one policy. */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "edge/edge.h"

#define POLICY_BYTES ((size_t)256 * 1024)
#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

struct edge_args { const char *target, *policy, *folder; };

static void put_targets(FILE *out)
{
    size_t n;
    const struct edge_target *targets = edge_targets(&n);

    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-12s %s (%s)\n", targets[i].name, targets[i].doc, targets[i].proven);
}

static const struct edge_target *target_named(const char *name)
{
    size_t n;
    const struct edge_target *targets = edge_targets(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

static int read_arguments(int argc, char **argv, struct edge_args *asked)
{
    const struct args_row rows[] = {
        ARGS_TEXT("--for", "TARGET", &asked->target, NULL),
        ARGS_TEXT("--policy", "FILE", &asked->policy, NULL),
        ARGS_TEXT("--out", "FOLDER", &asked->folder, NULL),
    };
    const struct args args = {
        .command = "edge",
        .usage = "usage: overround edge --for TARGET --policy edge.yaml [--out FOLDER]\n"
                 "       overround edge --policy edge.yaml     sees that it is well\n"
                 "       overround edge --schema               what edge.yaml may hold\n"
                 "       overround edge --targets              their names, one a line\n\n",
        .rows = rows, .n = LENGTH(rows), .put_end = put_targets,
    };
    int exit_code = args_read(&args, argc, argv);

    if (exit_code != ARGS_WELL)
        return exit_code;
    if (asked->policy == NULL || (asked->folder != NULL && asked->target == NULL) ||
        (asked->target != NULL && target_named(asked->target) == NULL))
        return args_help(&args, stderr);
    return ARGS_WELL;
}

static bool read_policy(const char *file, struct edge_policy *policy, struct arena *arena)
{
    struct str text, error = STR_NONE;

    if (!args_read_file(file, POLICY_BYTES, arena, &text)) {
        fprintf(stderr, "overround edge: cannot read %s, or it is larger than %zu KiB\n", file,
                POLICY_BYTES / 1024);
        return false;
    }
    if (edge_policy_read(policy, text, file, arena, &error))
        return true;
    fprintf(stderr, "overround edge: " STR_FMT "\n", STR_ARG(error));
    return false;
}

static bool write_target(const struct edge_target *target, const struct edge_policy *policy,
                         const char *folder)
{
    struct edge_out *out = edge_out_new();
    bool well = target->write(policy, out) &&
                (folder == NULL || edge_out_write(out, folder));

    if (!well)
        fprintf(stderr, "overround edge: %s: " STR_FMT "\n", target->name,
                STR_ARG(edge_out_fault(out)));
    else if (folder == NULL)
        edge_out_print(out, stdout);
    edge_out_free(out);
    return well;
}

static int print_schema(void)
{
    struct buf out;

    buf_init(&out, POLICY_BYTES);
    edge_schema(&out);
    (void)fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
    return 0;
}

static int print_targets(void)
{
    size_t n;
    const struct edge_target *targets = edge_targets(&n);

    for (size_t i = 0; i < n; i++)
        puts(targets[i].name);
    return 0;
}

int cli_edge(int argc, char **argv)
{
    struct edge_args asked = { NULL, NULL, NULL };
    const struct edge_target *target;
    struct edge_policy policy;
    struct arena arena;
    int exit_code;
    bool well;

    if (argc == 1 && strcmp(argv[0], "--schema") == 0)
        return print_schema();
    if (argc == 1 && strcmp(argv[0], "--targets") == 0)
        return print_targets();
    exit_code = read_arguments(argc, argv, &asked);
    if (exit_code != ARGS_WELL)
        return exit_code;
    target = asked.target != NULL ? target_named(asked.target) : NULL;
    arena_init(&arena, ARENA_BYTES);
    well = read_policy(asked.policy, &policy, &arena) &&
           (target == NULL || write_target(target, &policy, asked.folder));
    arena_fini(&arena);
    return well ? 0 : 1;
}
