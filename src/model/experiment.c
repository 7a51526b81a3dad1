/* Experiments: the setting, and the draw (see experiment.h). */
#include "model/experiment.h"

#include "base/map.h"
#include "base/text.h"

#define BUCKETS 10000
#define WEIGHT_MAX 1000000

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return text.n > 0 && text.n <= EXPERIMENT_NAME_BYTES;
}

static const char *read_arm(struct experiment *experiment, struct str text)
{
    struct experiment_arm arm = { 0 };

    arm.name = text_until(&text, ':');
    if (!is_name(arm.name))
        return "an arm's name must be 1 to 32 of a-z, 0-9, _ and -";
    if (!text_positive(text, WEIGHT_MAX, &arm.weight))
        return "an arm needs a weight behind :, 1 to 1000000";
    for (uint32_t i = 0; i < experiment->n_arms; i++)
        if (str_eq(experiment->arms[i].name, arm.name))
            return "an arm stands there twice";
    if (experiment->n_arms == EXPERIMENT_ARMS_MAX)
        return "at most 8 arms";
    experiment->arms[experiment->n_arms++] = arm;
    return NULL;
}

static void share_buckets(struct experiment *experiment)
{
    int64_t all = 0, sum = 0;

    for (uint32_t i = 0; i < experiment->n_arms; i++)
        all += experiment->arms[i].weight;
    CHECK(all > 0);
    for (uint32_t i = 0; i < experiment->n_arms; i++) {
        sum += experiment->arms[i].weight;
        experiment->arms[i].below = (uint32_t)(sum * BUCKETS / all);
        CHECK(i == 0 || experiment->arms[i].below >= experiment->arms[i - 1].below);
    }
    CHECK(experiment->arms[experiment->n_arms - 1].below == BUCKETS); /* everybody has one */
}

static const char *read_experiment(struct experiments *experiments, struct str text)
{
    struct experiment experiment = { 0 };
    bool ends_with_slash = text.n > 0 && text.p[text.n - 1] == '/';
    const char *wrong = NULL;

    experiment.name = text_until(&text, '=');
    if (!is_name(experiment.name))
        return "the name before = must be 1 to 32 of a-z, 0-9, _ and -";
    if (experiments_find(experiments, experiment.name) != NULL)
        return "it stands there twice";
    while (wrong == NULL && text.n > 0)
        wrong = read_arm(&experiment, text_until(&text, '/'));
    if (wrong != NULL)
        return wrong;
    if (experiment.n_arms < 2 || ends_with_slash)
        return "two arms are needed at least";
    if (experiments->n == EXPERIMENTS_MAX)
        return "at most 4 experiments at a time";
    share_buckets(&experiment);
    experiments->list[experiments->n++] = experiment;
    return NULL;
}

bool experiments_read(struct experiments *experiments, struct str text, struct arena *arena,
                      struct str *error)
{
    bool ends_with_comma = text.n > 0 && text.p[text.n - 1] == ',';

    *experiments = (struct experiments){ .n = 0 };
    while (text.n > 0) {
        struct str one = text_until(&text, ',');
        const char *wrong = read_experiment(experiments, one);

        if (wrong != NULL) {
            *error = arena_printf(arena, "experiments: \"%.*s\": %s; write"
                                  " slip=control:50/quick:50,…",
                                  one.n > 100 ? 100 : (int)one.n, one.n == 0 ? "" : one.p, wrong);
            return false;
        }
    }
    if (ends_with_comma)
        *error = STR("experiments: nothing stands behind the last comma");
    return !ends_with_comma;
}

const struct experiment *experiments_find(const struct experiments *experiments,
                                          struct str name)
{
    for (uint32_t i = 0; i < experiments->n; i++)
        if (str_eq(experiments->list[i].name, name))
            return &experiments->list[i];
    return NULL;
}

/* The name, a zero byte, the id's eight bytes from the lowest on. */
static uint32_t bucket_of(struct str name, int64_t account)
{
    char text[EXPERIMENT_NAME_BYTES + 9];
    size_t n = name.n;

    CHECK(n <= EXPERIMENT_NAME_BYTES);
    memcpy(text, name.p, n);
    text[n++] = '\0';
    for (unsigned i = 0; i < 8; i++)
        text[n++] = (char)((uint64_t)account >> (8 * i) & 0xff);
    return (uint32_t)(hash_stable((struct str){ text, n }) % BUCKETS);
}

const struct experiment_arm *experiment_arm_of(const struct experiment *experiment,
                                               int64_t account)
{
    uint32_t bucket = bucket_of(experiment->name, account), i = 0;

    CHECK(experiment->n_arms >= 2 && bucket < BUCKETS);
    while (experiment->arms[i].below <= bucket)
        i++;
    CHECK(i < experiment->n_arms);
    return &experiment->arms[i];
}

void experiments_write(const struct experiments *experiments, int64_t account, struct jw *w)
{
    jw_object(w);
    for (uint32_t i = 0; i < experiments->n; i++) {
        const struct experiment *experiment = &experiments->list[i];
        char name[EXPERIMENT_NAME_BYTES + 1] = "";

        CHECK(experiment->name.n > 0 && experiment->name.n < sizeof(name));
        memcpy(name, experiment->name.p, experiment->name.n);
        jw_key(w, name);
        jw_str(w, experiment_arm_of(experiment, account)->name);
    }
    jw_object_end(w);
}
