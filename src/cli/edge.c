/* `overround edge`: configurations of edges, from one policy. */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "edge/edge.h"

#define POLICY_BYTES ((size_t)256 * 1024)
#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

struct options { const char *target, *policy, *folder; };

static int usage(FILE *out)
{
    size_t n;
    const struct edge_target *targets = edge_targets(&n);

    fputs("usage: overround edge --for TARGET --policy edge.yaml [--out FOLDER]\n"
          "       overround edge --policy edge.yaml     sees that it is well\n"
          "       overround edge --schema               what edge.yaml may hold\n"
          "       overround edge --targets              their names, one a line\n\n", out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-12s %s (%s)\n", targets[i].name, targets[i].doc, targets[i].proven);
    return out == stderr ? 2 : 0;
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

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 0; i < argc; i += 2) {
        const char **into = strcmp(argv[i], "--for") == 0 ? &options->target :
                            strcmp(argv[i], "--policy") == 0 ? &options->policy :
                            strcmp(argv[i], "--out") == 0 ? &options->folder : NULL;

        if (into == NULL || i + 1 == argc)
            return false;
        *into = argv[i + 1];
    }
    return options->policy != NULL && (options->folder == NULL || options->target != NULL);
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
    struct options options = { NULL, NULL, NULL };
    const struct edge_target *target = NULL;
    struct edge_policy policy;
    struct arena arena;
    bool well;

    if (argc == 1 && strcmp(argv[0], "--help") == 0)
        return usage(stdout);
    if (argc == 1 && strcmp(argv[0], "--schema") == 0)
        return print_schema();
    if (argc == 1 && strcmp(argv[0], "--targets") == 0)
        return print_targets();
    if (!read_options(argc, argv, &options))
        return usage(stderr);
    if (options.target != NULL && (target = target_named(options.target)) == NULL)
        return usage(stderr);
    arena_init(&arena, ARENA_BYTES);
    well = read_policy(options.policy, &policy, &arena) &&
           (target == NULL || write_target(target, &policy, options.folder));
    arena_fini(&arena);
    return well ? 0 : 1;
}
