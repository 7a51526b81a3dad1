/* Where Kafka is and how librdkafka is set (see kafka_inside.h). */
#include <stdio.h>

#include "bus/kafka_inside.h"

#define PREFIX_BYTES 64
#define GATHER_BYTES "262144" /* are sent without waiting for more */
#define TEXT(n) TEXT_OF(n)
#define TEXT_OF(n) #n

struct setting { const char *name, *value; };

/* What librdkafka would do otherwise; kafka-conf may say something else. */
static const struct setting mild[] = {
    { "allow.auto.create.topics", "false" },
    { "compression.type", "lz4" },
    { "fetch.error.backoff.ms", "100" },
    { "fetch.wait.max.ms", "200" }, /* what is resumed waits for the fetch under way */
    { "heartbeat.interval.ms", "1500" },
    { "linger.ms", "2" },
    { "log.connection.close", "false" },
    { "queued.max.messages.kbytes", "16384" },
    { "reconnect.backoff.max.ms", "1000" },
    { "reconnect.backoff.ms", "50" },
    { "session.timeout.ms", "6000" },
    { "socket.keepalive.enable", "true" },
    { "socket.nagle.disable", "true" },
    { "socket.timeout.ms", "10000" },
    { "topic.metadata.refresh.interval.ms", "60000" },
};

/* What the promises of kafka.h stand on: nobody may change it. */
static const struct setting firm[] = {
    { "log.queue", "true" },
    { "message.max.bytes", TEXT(5000000) }, /* above LIMIT_RECORD_BYTES */
};
static const struct setting firm_producer[] = {
    { "acks", "all" },
    { "enable.idempotence", "true" },
    { "message.timeout.ms", "0" }, /* waits as long as it takes */
    { "partitioner", "murmur2_random" },
    { "statistics.interval.ms", "1000" },
};
static const struct setting firm_consumer[] = {
    { "auto.offset.reset", "earliest" },
    { "enable.auto.commit", "false" },
    { "enable.auto.offset.store", "false" },
    { "enable.partition.eof", "true" },
};
static const char *const reserved[] = {
    "bootstrap.servers", "metadata.broker.list", "client.id", "group.id", "group.instance.id",
    "request.required.acks", "partition.assignment.strategy", "transactional.id",
    "queue.buffering.max.messages", "queue.buffering.max.kbytes", "delivery.timeout.ms",
};

_Static_assert(LIMIT_RECORD_BYTES < 5000000, "message.max.bytes");

static bool is_in(const char *name, const struct setting *settings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(settings[i].name, name) == 0)
            return true;
    return false;
}

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < LENGTH(reserved); i++)
        if (strcmp(reserved[i], name) == 0)
            return true;
    return is_in(name, firm, LENGTH(firm)) ||
           is_in(name, firm_producer, LENGTH(firm_producer)) ||
           is_in(name, firm_consumer, LENGTH(firm_consumer));
}

/* ---- reading ------------------------------------------------------------ */

static bool is_prefix(struct str s)
{
    if (s.n > PREFIX_BYTES)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

        if (!good)
            return false;
    }
    return true;
}

static bool is_brokers(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("/?#@\\\"'", s.p[i]) != NULL)
            return false;
    return s.n > 0 && s.p[0] != ',' && s.p[s.n - 1] != ',';
}

static bool read_url(const char *url, struct arena *arena, struct kafka_conf *out,
                     struct str *error)
{
    struct str scheme = STR("kafka://"), brokers, prefix = STR_NONE;
    const char *slash;

    if (strncmp(url, scheme.p, scheme.n) != 0) {
        *error = STR("bus: kafka://HOST:PORT[,HOST:PORT…][/PREFIX] is expected");
        return false;
    }
    brokers = str_of(url + scheme.n);
    slash = memchr(brokers.p, '/', brokers.n);
    if (slash != NULL) {
        prefix = str_of(slash + 1);
        brokers.n = (size_t)(slash - brokers.p);
    }
    if (!is_brokers(brokers) || !is_prefix(prefix)) {
        *error = arena_printf(arena, "bus: %s is not kafka://HOST:PORT[,HOST:PORT…][/PREFIX]",
                              url);
        return false;
    }
    out->brokers = arena_cstr(arena, brokers);
    out->prefix = "";
    if (prefix.n > 0)
        out->prefix = arena_cstr(arena, arena_printf(arena, STR_FMT ".", STR_ARG(prefix)));
    return true;
}

/* Up to the next comma that is not behind a backslash. */
static char *take_item(const char **at, struct arena *arena)
{
    char *item = ARENA_ARRAY(arena, char, strlen(*at) + 1), *end = item;

    for (; **at != '\0' && **at != ','; (*at)++) {
        if (**at == '\\' && ((*at)[1] == ',' || (*at)[1] == '\\'))
            (*at)++;
        *end++ = **at;
    }
    if (**at == ',')
        (*at)++;
    *end = '\0';
    return item;
}

static bool read_settings(const char *text, struct arena *arena, struct kafka_conf *out,
                          struct str *error)
{
    size_t room = 1;

    for (const char *p = text; *p != '\0'; p++)
        room += *p == ',';
    out->names = ARENA_ARRAY(arena, const char *, room);
    out->values = ARENA_ARRAY(arena, const char *, room);
    while (*text != '\0') {
        char *item = take_item(&text, arena), *equal = strchr(item, '=');

        if (equal == NULL || equal == item) {
            *error = arena_printf(arena, "kafka-conf: NAME=VALUE is expected, not %s",
                                  equal == item ? "=…" : item);
            return false;
        }
        *equal = '\0';
        if (is_reserved(item)) {
            *error = arena_printf(arena, "kafka-conf: %s is not to be changed", item);
            return false;
        }
        out->names[out->n] = item;
        out->values[out->n++] = equal + 1;
    }
    return true;
}

bool kafka_conf_read(const char *url, const char *conf, struct arena *arena,
                     struct kafka_conf *out, struct str *error)
{
    *out = (struct kafka_conf){ 0 };
    return read_url(url, arena, out, error) &&
           read_settings(conf == NULL ? "" : conf, arena, out, error);
}

/* ---- instances ---------------------------------------------------------- */

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value,
                char error[KAFKA_ERROR_BYTES])
{
    return rd_kafka_conf_set(conf, name, value, error, KAFKA_ERROR_BYTES) == RD_KAFKA_CONF_OK;
}

static bool set_all(rd_kafka_conf_t *conf, const struct setting *settings, size_t n,
                    char error[KAFKA_ERROR_BYTES])
{
    for (size_t i = 0; i < n; i++)
        if (!set(conf, settings[i].name, settings[i].value, error))
            return false;
    return true;
}

static bool set_given(rd_kafka_conf_t *conf, const struct kafka_conf *given,
                      char error[KAFKA_ERROR_BYTES])
{
    for (size_t i = 0; i < given->n; i++)
        if (!set(conf, given->names[i], given->values[i], error))
            return false;
    return true;
}

static bool set_limits(rd_kafka_conf_t *conf, char error[KAFKA_ERROR_BYTES])
{
    char text[32];

    snprintf(text, sizeof(text), "%d", LIMIT_KAFKA_QUEUE);
    if (!set(conf, "queue.buffering.max.messages", text, error))
        return false;
    snprintf(text, sizeof(text), "%d", LIMIT_KAFKA_QUEUE_BYTES / 1024);
    return set(conf, "queue.buffering.max.kbytes", text, error);
}

static bool set_wait(rd_kafka_conf_t *conf, const struct kafka_instance *instance,
                     char error[KAFKA_ERROR_BYTES])
{
    char text[32];

    snprintf(text, sizeof(text), "%d", (int)instance->wait_ms);
    if (instance->wait_ms == 0)
        return true;
    if (instance->kind == KAFKA_PRODUCER)
        return set(conf, "linger.ms", text, error);
    return set(conf, "fetch.wait.max.ms", text, error) &&
           set(conf, "fetch.min.bytes", GATHER_BYTES, error);
}

static bool set_kind(rd_kafka_conf_t *conf, enum kafka_kind kind, const char *group,
                     char error[KAFKA_ERROR_BYTES])
{
    int events = RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS;

    if (kind == KAFKA_PRODUCER) {
        rd_kafka_conf_set_events(conf, events | RD_KAFKA_EVENT_DR);
        return set_all(conf, firm_producer, LENGTH(firm_producer), error) &&
               set_limits(conf, error);
    }
    rd_kafka_conf_set_events(conf, events | RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE |
                                       RD_KAFKA_EVENT_OFFSET_COMMIT);
    return set_all(conf, firm_consumer, LENGTH(firm_consumer), error) &&
           (group == NULL ||
            (set(conf, "group.id", group, error) &&
             set(conf, "partition.assignment.strategy", "cooperative-sticky", error)));
}

rd_kafka_t *kafka_conf_new(const struct kafka_conf *given, const struct kafka_instance *instance,
                           char error[KAFKA_ERROR_BYTES])
{
    bool sends = instance->kind == KAFKA_PRODUCER;
    rd_kafka_type_t type = sends ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk = NULL;

    if (set_all(conf, mild, LENGTH(mild), error) && set_wait(conf, instance, error) &&
        set_given(conf, given, error) && set_all(conf, firm, LENGTH(firm), error) &&
        set_kind(conf, instance->kind, instance->group, error) &&
        set(conf, "client.id", instance->client, error) &&
        (given->brokers == NULL || set(conf, "bootstrap.servers", given->brokers, error)))
        rk = rd_kafka_new(type, conf, error, KAFKA_ERROR_BYTES);
    if (rk == NULL)
        rd_kafka_conf_destroy(conf); /* else it is rk's */
    return rk;
}

bool kafka_check(const char *url, const char *conf, struct arena *arena, struct str *error)
{
    static const enum kafka_kind kinds[] = { KAFKA_PRODUCER, KAFKA_GROUP };
    char why[KAFKA_ERROR_BYTES];
    struct kafka_conf read;

    if (!kafka_conf_read(url, conf, arena, &read, error))
        return false;
    read.brokers = NULL; /* nothing is connected */
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        struct kafka_instance instance = { kinds[i], "check", "check", 0 };
        rd_kafka_t *rk = kafka_conf_new(&read, &instance, why);

        if (rk == NULL) {
            *error = arena_printf(arena, "kafka-conf: %s", why);
            return false;
        }
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    return true;
}
