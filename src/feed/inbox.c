/* Commands of processes that do not write the log: see inbox.h. */
#include "feed/inbox.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"

#define LOOK_MS 50
#define LOOK_ROWS 16
#define SEEK_ROWS 256 /* more than a leader takes between two looks */
#define TICKET_BYTES 8 /* 16 hex digits */
#define PARSE_BYTES (LIMIT_FEED_BODY_BYTES * 16)
#define COMMAND_BYTES (LIMIT_FEED_BODY_BYTES * 2)
#define ARENA_BYTES (64 * 1024)

/* One that was put in here, until its ticket is read in the log. */
struct inbox_command {
    struct inbox_command *next;
    struct inbox *inbox;
    char ticket[TICKET_BYTES * 2 + 1];
    void (*on_done)(void *ctx, bool durable, int64_t position); /* NULL: told */
    void *ctx;
    uint64_t since_ms;
    struct store_exec exec;
    struct arena arena;
    bool sending;
};

struct inbox {
    struct inbox_options options;
    struct uof_parser *parser;
    uv_timer_t timer;
    struct inbox_command *commands;
    unsigned n_commands;
    /* of a leader */
    struct store_exec look, drop;
    struct arena rows;    /* bodies, until what was taken is done */
    struct arena nothing; /* of `drop`, which has no rows */
    int64_t round;        /* when `look` was asked */
    unsigned taken;       /* in the log's queue */
    bool looking, dropping, draining;
    /* of who seeks */
    struct store_exec seek;
    struct arena sought;
    int64_t sought_to;    /* positions up to it were looked at */
    bool seeking;
};

struct inbox *inbox_new(const struct inbox_options *options)
{
    struct inbox *inbox = calloc(1, sizeof(*inbox));

    CHECK(inbox != NULL);
    inbox->options = *options;
    inbox->parser = uof_parser_new();
    arena_init(&inbox->rows, LIMIT_ROWS_BYTES);
    arena_init(&inbox->nothing, ARENA_BYTES);
    arena_init(&inbox->sought, LIMIT_ROWS_BYTES);
    uv_timer_init(options->loop, &inbox->timer);
    inbox->timer.data = inbox;
    return inbox;
}

/* ---- put ------------------------------------------------------------------ */

static void command_free(struct inbox_command *command)
{
    arena_fini(&command->arena);
    free(command);
}

/* Off the list, once it is told and the store has answered. */
static void release(struct inbox_command *command)
{
    struct inbox_command **at = &command->inbox->commands;

    if (command->sending || command->on_done != NULL)
        return;
    while (*at != command)
        at = &(*at)->next;
    *at = command->next;
    command->inbox->n_commands--;
    command_free(command);
}

static void command_done(struct inbox_command *command, bool durable, int64_t position)
{
    void (*on_done)(void *, bool, int64_t) = command->on_done;

    if (!durable)
        metric_add(METRIC_FEED_REFUSED, STR("busy"), 1);
    command->on_done = NULL;
    on_done(command->ctx, durable, position);
}

/* An answer that was lost may hide a commit: its ticket will tell. */
static void on_put(struct store_exec *exec, enum store_result result)
{
    struct inbox_command *command = exec->ctx;
    bool refused = result == STORE_OK ? exec->rows == 0 : result != STORE_UNKNOWN;

    command->sending = false;
    if (refused && command->on_done != NULL)
        command_done(command, false, 0);
    release(command);
}

static void send_command(struct inbox_command *command, struct str body)
{
    struct store_exec *exec = &command->exec;

    *exec = (struct store_exec){ .n = 1, .arena = &command->arena, .on_done = on_put,
                                 .ctx = command };
    exec->calls[0] = (struct statement_call){ STATEMENT_INBOX_ADD,
        { VALUE_STR(body), VALUE_INT(clock_wall_ms()), VALUE_INT(LIMIT_INBOX) } };
    command->sending = true;
    store_exec(command->inbox->options.store, exec);
}

static struct inbox_command *command_new(struct inbox *inbox, const struct feed_item *item)
{
    struct inbox_command *command = calloc(1, sizeof(*command));
    uint8_t random[TICKET_BYTES];

    CHECK(command != NULL);
    command->inbox = inbox;
    command->on_done = item->on_done;
    command->ctx = item->ctx;
    command->since_ms = uv_now(inbox->options.loop);
    arena_init(&command->arena, COMMAND_BYTES);
    randombytes_buf(random, sizeof(random));
    (void)sodium_bin2hex(command->ticket, sizeof(command->ticket), random, sizeof(random));
    command->next = inbox->commands;
    inbox->commands = command;
    inbox->n_commands++;
    return command;
}

/* The entry, if that is what it is. */
static bool read_desk(struct inbox *inbox, struct str body, struct arena *arena,
                      struct message *message, struct uof_error *error)
{
    *error = (struct uof_error){ .text = "not an entry of the desk" };
    return uof_parse(inbox->parser, body, true, arena, message, error) &&
           message->type == MESSAGE_DESK;
}

static void put_message(struct inbox *inbox, const struct feed_item *item,
                        const struct message *message)
{
    struct inbox_command *command = command_new(inbox, item);
    struct buf xml;

    message->desk->ticket = str_of(command->ticket);
    buf_init(&xml, LIMIT_FEED_BODY_BYTES);
    uof_desk_compose(&xml, message);
    CHECK(!xml.overflow);
    send_command(command, arena_str(&command->arena, buf_view(&xml)));
    buf_fini(&xml);
}

enum feed_result inbox_put(struct inbox *inbox, const struct feed_item *item,
                           struct uof_error *error)
{
    struct arena arena;
    struct message message;
    enum feed_result result = FEED_MALFORMED;

    if (inbox->n_commands >= LIMIT_INBOX)
        return FEED_BUSY;
    arena_init(&arena, PARSE_BYTES);
    if (read_desk(inbox, item->body, &arena, &message, error)) {
        put_message(inbox, item, &message);
        result = FEED_TAKEN;
    }
    arena_fini(&arena);
    return result;
}

void inbox_seen(struct inbox *inbox, struct str ticket, int64_t position)
{
    if (ticket.n == 0)
        return;
    for (struct inbox_command *at = inbox->commands; at != NULL; at = at->next) {
        if (at->on_done == NULL || !str_eq(ticket, str_of(at->ticket)))
            continue;
        command_done(at, true, position);
        release(at);
        return;
    }
}

static void give_up_late(struct inbox *inbox)
{
    uint64_t now_ms = uv_now(inbox->options.loop);
    struct inbox_command *next;

    for (struct inbox_command *at = inbox->commands; at != NULL; at = next) {
        next = at->next;
        if (at->on_done == NULL || now_ms - at->since_ms < INBOX_WAIT_MS)
            continue;
        log_warn("feed", "no leader took a command of the desk in time", "ticket=%s",
                 at->ticket);
        command_done(at, false, 0);
        release(at);
    }
}

/* ---- taken, by the leader --------------------------------------------------- */

static void on_dropped(struct store_exec *exec, enum store_result result)
{
    struct inbox *inbox = exec->ctx;

    (void)result; /* what is still there is found again */
    inbox->dropping = false;
}

/* What can never be an entry must not be read for ever. */
static void drop(struct inbox *inbox, int64_t id, const struct uof_error *error)
{
    if (inbox->dropping)
        return; /* the next look finds it */
    log_error("feed", "a row of the inbox is no command, and was dropped", "id=%lld error='%s'",
              (long long)id, error->text);
    inbox->dropping = true;
    arena_reset(&inbox->nothing);
    inbox->drop = (struct store_exec){ .n = 1, .arena = &inbox->nothing,
                                       .on_done = on_dropped, .ctx = inbox };
    inbox->drop.calls[0] = (struct statement_call){ STATEMENT_INBOX_DROP, { VALUE_INT(id) } };
    store_exec(inbox->options.store, &inbox->drop);
}

/* Not durable: it is still in its row, or it is in the log. */
static void on_appended(void *ctx, bool durable, int64_t position)
{
    struct inbox *inbox = ctx;

    (void)durable;
    (void)position;
    CHECK(inbox->taken > 0);
    inbox->taken--;
}

static void take_row(struct inbox *inbox, int64_t id, struct str body)
{
    struct feed_item item = { .body = body, .own = true, .inbox = id,
                              .on_done = on_appended, .ctx = inbox };
    struct uof_error error;
    struct arena arena;
    struct message message;

    arena_init(&arena, PARSE_BYTES);
    if (!read_desk(inbox, body, &arena, &message, &error))
        drop(inbox, id, &error);
    else if (inbox->options.log.take(inbox->options.log.feed, &item, &error))
        inbox->taken++;
    arena_fini(&arena);
}

/* Rows seen before the log was read again may be in it by now. */
static void on_looked(struct store_exec *exec, enum store_result result)
{
    struct inbox *inbox = exec->ctx;
    const struct inbox_log *log = &inbox->options.log;

    inbox->looking = false;
    if (result != STORE_OK || inbox->draining || log->round(log->feed) != inbox->round)
        return;
    for (uint32_t i = 0; i < exec->rows && log->is_busy(log->feed) == NULL; i++)
        take_row(inbox, EXEC_INT(exec, i, INBOX_READ_ID), EXEC_TEXT(exec, i, INBOX_READ_BODY));
}

static void read_inbox(struct inbox *inbox)
{
    int64_t round = inbox->options.log.round(inbox->options.log.feed);

    if (round == 0 || inbox->looking || inbox->draining || inbox->taken > 0)
        return;
    inbox->round = round;
    inbox->looking = true;
    arena_reset(&inbox->rows);
    inbox->look = (struct store_exec){ .n = 1, .arena = &inbox->rows, .on_done = on_looked,
                                       .ctx = inbox };
    inbox->look.calls[0] = (struct statement_call){ STATEMENT_INBOX_READ,
                                                    { VALUE_INT(LOOK_ROWS) } };
    store_exec(inbox->options.store, &inbox->look);
}

/* ---- sought, by who does not read the log ----------------------------------- */

static void on_found(struct inbox *inbox, int64_t position, struct str body)
{
    struct uof_error error;
    struct arena arena;
    struct message message;

    arena_init(&arena, PARSE_BYTES);
    if (read_desk(inbox, body, &arena, &message, &error))
        inbox_seen(inbox, message.desk->ticket, position);
    arena_fini(&arena);
}

/* Newest first. */
static void on_sought(struct store_exec *exec, enum store_result result)
{
    struct inbox *inbox = exec->ctx;
    int64_t newest = inbox->sought_to;

    inbox->seeking = false;
    if (result != STORE_OK)
        return;
    for (uint32_t i = 0; i < exec->rows; i++) {
        int64_t position = EXEC_INT(exec, i, DESK_LIST_POS);

        if (position <= inbox->sought_to)
            break;
        newest = position > newest ? position : newest;
        on_found(inbox, position, EXEC_TEXT(exec, i, DESK_LIST_BODY));
    }
    inbox->sought_to = newest;
}

static void seek(struct inbox *inbox)
{
    if (!inbox->options.seeks || inbox->seeking || inbox->commands == NULL)
        return;
    inbox->seeking = true;
    arena_reset(&inbox->sought);
    inbox->seek = (struct store_exec){ .n = 1, .arena = &inbox->sought, .on_done = on_sought,
                                       .ctx = inbox };
    inbox->seek.calls[0] = (struct statement_call){ STATEMENT_DESK_LIST,
        { VALUE_INT(INT64_MAX), VALUE_INT(SEEK_ROWS) } };
    store_exec(inbox->options.store, &inbox->seek);
}

static void on_timer(uv_timer_t *timer)
{
    struct inbox *inbox = timer->data;

    give_up_late(inbox);
    read_inbox(inbox);
    seek(inbox);
}

void inbox_start(struct inbox *inbox)
{
    uv_timer_start(&inbox->timer, on_timer, LOOK_MS, LOOK_MS);
}

/* ---- the end ---------------------------------------------------------------- */

bool inbox_idle(const struct inbox *inbox)
{
    return inbox->commands == NULL;
}

void inbox_drain(struct inbox *inbox)
{
    inbox->draining = true;
}

void inbox_stop(struct inbox *inbox)
{
    inbox->draining = true;
    uv_close((uv_handle_t *)&inbox->timer, NULL);
}

void inbox_free(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    CHECK(!inbox->looking && !inbox->dropping && !inbox->seeking && inbox->taken == 0 &&
          inbox_idle(inbox));
    arena_fini(&inbox->rows);
    arena_fini(&inbox->nothing);
    arena_fini(&inbox->sought);
    uof_parser_free(inbox->parser);
    free(inbox);
}
