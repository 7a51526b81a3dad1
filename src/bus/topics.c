/* The rows of tbl/topics.h. */
#include "bus/kafka.h"

static const struct topic_info topics[TOPICS] = {
#define TOPIC(NAME, name, divided, cleanup, retention, key, value, order, writer, reader) \
    { name, divided, cleanup, retention, key, value, order, writer, reader },
#include "tbl/topics.h"
#undef TOPIC
};

const struct topic_info *topic_info(enum topic topic)
{
    CHECK(topic < TOPICS);
    return &topics[topic];
}

struct str topic_name(enum topic topic)
{
    return str_of(topic_info(topic)->name);
}
