/*
 * overround operator add NAME --role R[,R] | list | end NAME  [--store URL]
 *
 * Beside a live server, which reads the list every few seconds.  A token is
 * printed once; the store has its hash alone.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/store_url.h"
#include "serve/operators.h"
#include "store/halves.h"

#define TOKEN_BYTES 24
#define ARENA_BYTES (16 * 1024 * 1024)

struct operator_args {
    const char *verb, *name, *roles, *store;
};

static void put_roles(FILE *out)
{
    (void)fputs("\nroles:\n", out);
#define ROLE(name, text, includes, doc) fprintf(out, "  %-8s %s\n", text, doc);
#include "tbl/roles.h"
#undef ROLE
}

static int fail(struct str error)
{
    fprintf(stderr, "overround operator: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

/* Without a server the schema is brought up to date, as serve does. */
static struct db *open_store(const char *url, struct arena *arena, struct str *error)
{
    struct db *db = db_open(url, DB_WRITE, arena, error);
    unsigned applied;

    if (db == NULL)
        return db_open(url, DB_BESIDE, arena, error);
    if (db_is_postgres(db) || migrate(db, &applied, error))
        return db;
    db_close(db);
    return NULL;
}

static bool on_flag(void *ctx, const struct value *cells UNUSED)
{
    *(bool *)ctx = true;
    return true;
}

static int add(struct db *db, const struct operator_args *asked, struct arena *arena)
{
    static const char sql[] =
        "INSERT INTO operators (name, roles, token, created_ms) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, token = excluded.token,"
        " created_ms = excluded.created_ms, ended_ms = 0 WHERE operators.ended_ms > 0"
        " RETURNING created_ms";
    uint8_t bytes[TOKEN_BYTES], hash[OPERATOR_TOKEN_HASH_BYTES];
    char token[sodium_base64_ENCODED_LEN(TOKEN_BYTES,
                                         sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    unsigned roles;
    bool added = false;
    struct value params[4];
    struct str error;

    if (!operator_roles_parse(str_of(asked->roles), &roles))
        return fail(arena_printf(arena, "\"%s\" is no list of roles; see --help", asked->roles));
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(token, sizeof(token), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    operator_token_hash(str_of(token), hash);
    params[0] = VALUE_STR(str_of(asked->name));
    params[1] = VALUE_STR(operator_roles_text(roles, arena));
    params[2] = VALUE_STR(((struct str){ (const char *)hash, sizeof(hash) }));
    params[3] = VALUE_INT(clock_wall_ms());
    if (!db_query(db, sql, "ssbi", params, "i", on_flag, &added, &error))
        return fail(error);
    if (!added)
        return fail(arena_printf(arena, "there is an operator \"%s\"; end it first",
                                 asked->name));
    printf("operator %s token %s\n", asked->name, token);
    return 0;
}

static bool print_row(void *ctx UNUSED, const struct value *cells)
{
    char time[80];
    struct buf buf;
    struct jw w;

    buf_init(&buf, sizeof(time));
    w = jw_to(&buf);
    jw_time(&w, cells[3].i > 0 ? cells[3].i : cells[2].i);
    printf(STR_FMT " " STR_FMT " %s " STR_FMT "\n", STR_ARG(cells[0].s), STR_ARG(cells[1].s),
           cells[3].i > 0 ? "ended" : "since", STR_ARG(buf_view(&buf)));
    buf_fini(&buf);
    return true;
}

static int list(struct db *db)
{
    struct str error;

    if (!db_query(db, "SELECT name, roles, created_ms, ended_ms FROM operators ORDER BY name",
                  "", NULL, "ssii", print_row, NULL, &error))
        return fail(error);
    return 0;
}

static int end(struct db *db, const struct operator_args *asked, struct arena *arena)
{
    struct value params[] = { VALUE_STR(str_of(asked->name)), VALUE_INT(clock_wall_ms()) };
    bool ended = false;
    struct str error;

    if (!db_query(db, "UPDATE operators SET ended_ms = $2 WHERE name = $1 AND ended_ms = 0"
                      " RETURNING ended_ms", "si", params, "i", on_flag, &ended, &error))
        return fail(error);
    if (!ended)
        return fail(arena_printf(arena, "there is no operator \"%s\"", asked->name));
    printf("operator %s ended\n", asked->name);
    return 0;
}

static const char *take_word(void *ctx, const char *word)
{
    struct operator_args *asked = ctx;

    if (asked->verb == NULL)
        asked->verb = word;
    else if (asked->name == NULL)
        asked->name = word;
    else
        return "is one too many";
    return NULL;
}

static bool is_complete(const struct operator_args *asked)
{
    const char *verb = asked->verb;
    bool is_list, is_add;

    if (verb == NULL || asked->store == NULL || *asked->store == '\0')
        return false;
    is_list = strcmp(verb, "list") == 0;
    is_add = strcmp(verb, "add") == 0;
    return (is_list || is_add || strcmp(verb, "end") == 0) &&
           (asked->name == NULL) == is_list && (asked->roles != NULL) == is_add;
}

static int read_arguments(int argc, char **argv, struct operator_args *asked)
{
    const struct args_row rows[] = {
        ARGS_TEXT("--store", "URL", &asked->store, NULL),
        ARGS_TEXT("--role", "ROLE", &asked->roles, NULL),
    };
    const struct args args = {
        .command = "operator",
        .usage = "usage: overround operator add NAME --role ROLE[,ROLE] [--store URL]\n"
                 "       overround operator list [--store URL]\n"
                 "       overround operator end NAME [--store URL]\n",
        .rows = rows, .n = LENGTH(rows), .put_end = put_roles, .word = take_word, .ctx = asked,
    };
    int exit_code;

    *asked = (struct operator_args){ .store = store_url_set("OVERROUND_STORE") };
    exit_code = args_read(&args, argc, argv);
    return exit_code == ARGS_WELL && !is_complete(asked) ? args_help(&args, stderr) : exit_code;
}

static int run_operator(const struct operator_args *asked, struct arena *arena)
{
    struct str error = STR_NONE;
    struct db *db;
    int exit_code;

    if (asked->name != NULL && (!operator_name_is_well(str_of(asked->name)) ||
                                strcmp(asked->name, "root") == 0))
        return fail(STR("a name has 1 to 64 letters, digits and ._@- and is not root"));
    db = open_store(asked->store, arena, &error);
    if (db == NULL)
        return fail(error);
    if (!halves_need(db, STORE_JOURNAL, &error))
        exit_code = fail(error);
    else if (strcmp(asked->verb, "add") == 0)
        exit_code = add(db, asked, arena);
    else
        exit_code = asked->name == NULL ? list(db) : end(db, asked, arena);
    db_close(db);
    return exit_code;
}

int cli_operator(int argc, char **argv)
{
    struct operator_args asked;
    struct arena arena;
    int exit_code = read_arguments(argc, argv, &asked);

    if (exit_code != ARGS_WELL)
        return exit_code;
    CHECK(sodium_init() >= 0);
    arena_init(&arena, ARENA_BYTES);
    exit_code = run_operator(&asked, &arena);
    arena_fini(&arena);
    return exit_code;
}
