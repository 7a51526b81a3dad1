/*
 * Configuration from three places.  The table is walked once a source; the
 * later source overrides: defaults, file, environment, arguments.
 */
#include "base/config.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"

#define ARENA_BYTES (1024 * 1024)
#define VALUE_MAX 1000000000000000
#define SECRET_MIN 16
#define SECRET_MAX 128
#define BLANKS " \t\r\n\v\f"

enum kind { TEXT, INT, E2 };

static const struct setting {
    enum kind kind;
    size_t offset;
    const char *name, *value, *unit, *doc;
} settings[] = {
#define CONFIG(kind, field, name, value, unit, doc) \
    { kind, offsetof(struct config, field), name, value, unit, doc },
#include "tbl/config.h"
#undef CONFIG
};

static const struct setting *setting_named(struct str name)
{
    for (size_t i = 0; i < LENGTH(settings); i++)
        if (str_eq(str_of(settings[i].name), name))
            return &settings[i];
    return NULL;
}

/* Digits with at most `decimals` decimals, scaled by 10^decimals. */
static bool parse_number(struct str text, int decimals, int64_t *n)
{
    bool point = false, digits = false;

    *n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '.' && !point && decimals > 0) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)c) || *n > VALUE_MAX || (point && decimals == 0))
            return false;
        *n = *n * 10 + (c - '0');
        decimals -= point;
        digits = true;
    }
    while (decimals-- > 0)
        *n *= 10;
    return digits && *n <= VALUE_MAX * 100;
}

static bool set(struct config *config, const struct setting *setting, struct str value,
                const char *source, struct str *error)
{
    char *field = (char *)config + setting->offset;

    if (setting->kind == TEXT) {
        *(const char **)(void *)field = arena_cstr(&config->arena, value);
        return true;
    }
    if (parse_number(value, setting->kind == E2 ? 2 : 0, (int64_t *)(void *)field))
        return true;
    *error = arena_printf(&config->arena, "%s: %s must be a number%s, not \"%.*s\"", source,
                          setting->name, setting->kind == E2 ? " with at most two decimals" : "",
                          (int)(value.n > 64 ? 64 : value.n), value.p == NULL ? "" : value.p);
    return false;
}

static bool read_defaults(struct config *config, struct str *error)
{
    for (size_t i = 0; i < LENGTH(settings); i++)
        if (!set(config, &settings[i], str_of(settings[i].value), "default", error))
            return false;
    return true;
}

/* OVERROUND_OPERATOR_LISTEN for operator-listen. */
static bool read_environment(struct config *config, struct str *error)
{
    for (size_t i = 0; i < LENGTH(settings); i++) {
        char name[64] = "OVERROUND_";
        size_t n = strlen(name);
        const char *value;

        for (const char *c = settings[i].name; *c != '\0' && n + 1 < sizeof(name); c++)
            name[n++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        name[n] = '\0';
        value = getenv(name);
        if (value != NULL && !set(config, &settings[i], str_of(value), name, error))
            return false;
    }
    return true;
}

static bool read_line(struct config *config, const char *path, int number, struct str line,
                      struct str *error)
{
    char source[300];
    const struct setting *setting;
    struct str name;

    line = text_trim(line, BLANKS);
    if (line.n == 0 || line.p[0] == '#')
        return true;
    (void)snprintf(source, sizeof(source), "%s line %d", path, number);
    if (!text_cut(&line, '=', &name)) {
        *error = arena_printf(&config->arena, "%s: expected name = value", source);
        return false;
    }
    setting = setting_named(text_trim(name, BLANKS));
    if (setting == NULL) {
        *error = arena_printf(&config->arena, "%s: unknown setting \"" STR_FMT "\"", source,
                              STR_ARG(name));
        return false;
    }
    return set(config, setting, text_trim(line, BLANKS), source, error);
}

static bool read_file(struct config *config, const char *path, struct str *error)
{
    FILE *file = fopen(path, "r");
    char line[4096];
    bool well = true;

    if (file == NULL) {
        *error = arena_printf(&config->arena, "--config: cannot open %s: %m", path);
        return false;
    }
    for (int number = 1; well && fgets(line, sizeof(line), file) != NULL; number++)
        well = read_line(config, path, number, str_of(line), error);
    fclose(file);
    return well;
}

static bool read_arguments(struct config *config, int argc, char **argv, struct str *error)
{
    for (int i = 0; i < argc; i++) {
        const struct setting *setting;
        struct str name = str_of(argv[i]), value;
        const char *equals = strchr(argv[i], '=');

        if (strcmp(argv[i], "--check") == 0) {
            config->check_only = true;
            continue;
        }
        if (name.n < 3 || strncmp(argv[i], "--", 2) != 0) {
            *error = arena_printf(&config->arena, "unexpected argument \"%s\"", argv[i]);
            return false;
        }
        if (equals != NULL)
            name.n = (size_t)(equals - argv[i]);
        name.p += 2;
        name.n -= 2;
        setting = setting_named(name);
        if (setting == NULL && !str_eq(name, STR("config"))) {
            *error = arena_printf(&config->arena, "unknown option \"%s\"", argv[i]);
            return false;
        }
        if (equals == NULL && i + 1 == argc) {
            *error = arena_printf(&config->arena, "%s needs a value", argv[i]);
            return false;
        }
        value = str_of(equals != NULL ? equals + 1 : argv[++i]);
        if (setting != NULL && !set(config, setting, value, "option", error))
            return false;
    }
    return true;
}

/* --config is looked for first: the file is weaker than the rest. */
static const char *file_argument(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0)
            return argv[i] + 9;
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            return argv[i + 1];
    }
    return getenv("OVERROUND_CONFIG");
}

static bool is_secret(const char *text)
{
    return strlen(text) >= SECRET_MIN && strlen(text) <= SECRET_MAX;
}

/* NULL: nothing is. */
static const char *wrong_edge(const struct config *config)
{
    bool lists = config->countries_allowed[0] != '\0' || config->countries_refused[0] != '\0';

    if (strstr(config->role, "bets") == NULL)
        return NULL; /* it does not ask, and need not be told the secret */
    if (config->edge_secret[0] == '\0')
        return config->edge_secret_former[0] != '\0'
            ? "edge-secret-former needs edge-secret"
            : lists ? "countries-allowed and countries-refused need edge-secret: nobody else"
                      " says where a request comes from" : NULL;
    if (!is_secret(config->edge_secret))
        return "edge-secret must have 16 to 128 characters";
    if (config->edge_secret_former[0] != '\0' && !is_secret(config->edge_secret_former))
        return "edge-secret-former must have 16 to 128 characters";
    return config->edge_skew_s < 1 || config->edge_skew_s > 3600
        ? "edge-skew-s must be 1 to 3600" : NULL;
}

static bool check(struct config *config, struct str *error)
{
    const char *wrong = NULL;

    if (config->lanes < 1 || config->lanes > 64)
        wrong = "lanes must be 1 to 64";
    else if (config->readers < 1 || config->readers > 64)
        wrong = "readers must be 1 to 64";
    else if (config->stake_min > config->stake_max)
        wrong = "stake-min is above stake-max";
    else if (config->password_kib < 8 || config->password_kib > 4 * 1024 * 1024)
        wrong = "password-kib must be 8 to 4194304";
    else if (config->password_passes < 1 || config->password_passes > 100)
        wrong = "password-passes must be 1 to 100";
    else if (config->session_s < 1)
        wrong = "session-s must be at least 1";
    else if (config->producer_silence_s < 1)
        wrong = "producer-silence-s must be at least 1";
    else if (config->recovery_timeout_s < 1)
        wrong = "recovery-timeout-s must be at least 1";
    else if (config->recovery_request_ms < 100 || config->recovery_request_ms > 600000)
        wrong = "recovery-request-ms must be 100 to 600000";
    else if (config->recovery_pause_ms < 10 || config->recovery_pause_ms > 600000)
        wrong = "recovery-pause-ms must be 10 to 600000";
    else if (config->recovery_url[0] != '\0' && strncmp(config->recovery_url, "http://", 7) != 0 &&
             strncmp(config->recovery_url, "https://", 8) != 0)
        wrong = "recovery-url must begin with http:// or https://";
    else if (strlen(config->recovery_url) > 900)
        wrong = "recovery-url is too long";
    else if (strlen(config->recovery_token) > 900)
        wrong = "recovery-token is too long";
    else if (config->live_delay_ms > 60000)
        wrong = "live-delay-ms must be at most 60000";
    if (wrong == NULL)
        wrong = wrong_edge(config);
    if (wrong != NULL)
        *error = str_of(wrong);
    return wrong == NULL;
}

bool config_read(struct config *config, int argc, char **argv, struct str *error)
{
    const char *path = file_argument(argc, argv);

    *config = (struct config){ .check_only = false };
    arena_init(&config->arena, ARENA_BYTES);
    return read_defaults(config, error) &&
           (path == NULL || read_file(config, path, error)) &&
           read_environment(config, error) &&
           read_arguments(config, argc, argv, error) &&
           check(config, error);
}

void config_free(struct config *config)
{
    arena_fini(&config->arena);
}

void config_help(FILE *out)
{
    for (size_t i = 0; i < LENGTH(settings); i++)
        fprintf(out, "  --%-20s %s (%s; default %s)\n", settings[i].name, settings[i].doc,
                settings[i].unit, settings[i].value[0] == '\0' ? "none" : settings[i].value);
}

void config_reference(FILE *out)
{
    fprintf(out, "# Settings\n\nGenerated from `src/tbl/config.h` by `make docs`.\n\n"
            "Each is `--name value`, `OVERROUND_NAME` in the environment, or `name = value` in"
            " the\nfile of `--config`; the first of these that gives it decides.  `--check`"
            " reads them\nand ends.\n\n"
            "| option | unit | default | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < LENGTH(settings); i++)
        fprintf(out, "| `--%s` | %s | `%s` | %s |\n", settings[i].name, settings[i].unit,
                settings[i].value, settings[i].doc);
}
