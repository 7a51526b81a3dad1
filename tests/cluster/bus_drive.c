/*
 * Drives bus/kafka against a real broker, for bus_test.js:
 *
 *   bus_drive URL CONF send COUNT RATE   numbers to the topic feed; again from
 *                                        the last acknowledged where one failed
 *   bus_drive URL CONF read TOPIC        every partition, from the beginning
 *   bus_drive URL CONF join TOPIC GROUP  as a member of a group; commits what came
 *
 * A line says one thing: "ready", "up", "down", "full", "failed", "told N",
 * "end P", "assigned P", "revoked P", "lost P", "P NUMBER OFFSET", "left".
 * SIGTERM ends it in order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "bus/kafka.h"

#define TICK_MS 10
#define END_MS 5000

struct drive {
    uv_loop_t loop;
    uv_signal_t term;
    uv_timer_t timer;
    struct kafka *kafka;
    struct kafka_reader *reader;
    struct kafka_group *group;
    int64_t count, rate, next, told, allowed;
    uint8_t *acknowledged;
    bool ready, up, full, closing;
};

struct number { struct drive *drive; int64_t n; };

static void on_closed(void *ctx)
{
    struct drive *drive = ctx;

    uv_close((uv_handle_t *)&drive->timer, NULL);
    uv_close((uv_handle_t *)&drive->term, NULL);
}

static void on_left(void *ctx)
{
    struct drive *drive = ctx;

    puts("left");
    kafka_close(drive->kafka, END_MS, on_closed, drive);
}

static void finish(struct drive *drive)
{
    if (drive->closing)
        return;
    drive->closing = true;
    if (drive->reader != NULL)
        kafka_reader_close(drive->reader);
    if (drive->group != NULL)
        kafka_group_close(drive->group, on_left, drive);
    else
        kafka_close(drive->kafka, END_MS, on_closed, drive);
}

static void on_term(uv_signal_t *signal, int number)
{
    (void)number;
    finish(signal->data);
}

/* ---- sending ------------------------------------------------------------ */

static void on_done(void *ctx, bool sent)
{
    struct number *number = ctx;
    struct drive *drive = number->drive;

    if (sent) {
        drive->acknowledged[number->n] = 1;
    } else if (number->n < drive->next) {
        printf("failed %lld\n", (long long)number->n);
        drive->next = number->n < drive->told ? drive->told : number->n;
    }
    while (drive->told < drive->count && drive->acknowledged[drive->told])
        drive->told++;
    free(number);
    if (drive->told == drive->count && !drive->closing) {
        printf("told %lld\n", (long long)drive->told);
        finish(drive);
    }
}

static bool send_next(struct drive *drive)
{
    struct number *number = malloc(sizeof(*number));
    char text[24];
    bool taken;

    CHECK(number != NULL);
    *number = (struct number){ drive, drive->next };
    snprintf(text, sizeof(text), "%lld", (long long)drive->next);
    taken = kafka_send(drive->kafka, &(struct kafka_record){
        .topic = TOPIC_FEED, .key = str_of(text), .value = str_of(text),
        .partition = (int32_t)(drive->next % kafka_partitions(drive->kafka)),
        .position = drive->next + 1, .on_done = on_done, .ctx = number });
    if (taken)
        drive->next++;
    else
        free(number);
    return taken;
}

static void send_some(struct drive *drive)
{
    if (drive->count == 0 || drive->closing || kafka_partitions(drive->kafka) == 0)
        return;
    drive->allowed += drive->rate * TICK_MS / 1000;
    if (drive->allowed > drive->count)
        drive->allowed = drive->count;
    while (drive->next < drive->allowed) {
        if (send_next(drive)) {
            drive->full = false;
            continue;
        }
        if (!drive->full)
            puts("full");
        drive->full = true;
        return;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct drive *drive = timer->data;

    if (!drive->ready && kafka_partitions(drive->kafka) > 0) {
        drive->ready = true;
        printf("ready %u\n", kafka_partitions(drive->kafka));
    }
    if (drive->up != kafka_is_up(drive->kafka)) {
        drive->up = !drive->up;
        puts(drive->up ? "up" : "down");
    }
    send_some(drive);
    fflush(stdout);
}

/* ---- receiving ---------------------------------------------------------- */

static void on_message(void *ctx, const struct kafka_message *message)
{
    struct drive *drive = ctx;

    printf("%d %lld %lld %zu\n", (int)message->partition, (long long)message->position - 1,
           (long long)message->offset, message->value.n);
    if (drive->group != NULL)
        kafka_group_commit(drive->group, message->partition, message->offset + 1);
}

static void on_end(void *ctx, int32_t partition)
{
    (void)ctx;
    printf("end %d\n", (int)partition);
}

static void on_assigned(void *ctx, int32_t partition)
{
    struct drive *drive = ctx;

    printf("assigned %d\n", (int)partition);
    kafka_group_begin(drive->group, partition);
}

static void on_revoked(void *ctx, int32_t partition, bool lost)
{
    (void)ctx;
    printf("%s %d\n", lost ? "lost" : "revoked", (int)partition);
}

static enum topic topic_of(const char *name)
{
    for (int i = 0; i < TOPICS; i++)
        if (str_eq(topic_name((enum topic)i), str_of(name)))
            return (enum topic)i;
    CHECK(false);
}

static void begin(struct drive *drive, int argc, char **argv)
{
    const char *mode = argv[3];

    if (strcmp(mode, "send") == 0 && argc == 6) {
        drive->count = strtoll(argv[4], NULL, 10);
        drive->rate = strtoll(argv[5], NULL, 10);
        drive->acknowledged = calloc((size_t)drive->count, 1);
        CHECK(drive->count > 0 && drive->rate > 0 && drive->acknowledged != NULL);
    } else if (strcmp(mode, "read") == 0 && argc == 5) {
        drive->reader = kafka_reader_new(drive->kafka, &(struct kafka_reader_options){
            .topic = topic_of(argv[4]), .on_message = on_message, .on_end = on_end,
            .ctx = drive });
    } else {
        CHECK(strcmp(mode, "join") == 0 && argc == 6);
        drive->group = kafka_group_new(drive->kafka, &(struct kafka_group_options){
            .topic = topic_of(argv[4]), .name = argv[5], .on_assigned = on_assigned,
            .on_revoked = on_revoked, .on_message = on_message, .ctx = drive });
    }
}

int main(int argc, char **argv)
{
    struct drive drive = { .ready = false };

    CHECK(argc >= 5 && uv_loop_init(&drive.loop) == 0);
    uv_signal_init(&drive.loop, &drive.term);
    uv_timer_init(&drive.loop, &drive.timer);
    drive.term.data = drive.timer.data = &drive;
    drive.kafka = kafka_new(&(struct kafka_options){ .loop = &drive.loop, .url = argv[1],
                                                     .conf = argv[2], .partitions = 4,
                                                     .client = "drive" });
    CHECK(drive.kafka != NULL);
    begin(&drive, argc, argv);
    uv_signal_start(&drive.term, on_term, SIGTERM);
    uv_timer_start(&drive.timer, on_tick, TICK_MS, TICK_MS);
    uv_run(&drive.loop, UV_RUN_DEFAULT);
    kafka_free(drive.kafka);
    free(drive.acknowledged);
    fflush(stdout);
    return uv_loop_close(&drive.loop);
}
