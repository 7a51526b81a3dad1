/*
 * Wanted: channels of the stream that are had from the origin, in lists by what
 * became of them, and what readers may be promised of them.  See fanout/upstream.h.
 */
#include "fanout/inside.h"

static struct wanted_list *list_of(struct upstream *upstream, const struct wanted *wanted)
{
    return wanted->line != NULL ? &wanted->line->holds : &upstream->lists[wanted->state];
}

static void list_remove(struct wanted_list *list, struct wanted *wanted)
{
    *(wanted->prev != NULL ? &wanted->prev->next : &list->first) = wanted->next;
    *(wanted->next != NULL ? &wanted->next->prev : &list->last) = wanted->prev;
    wanted->prev = wanted->next = NULL;
    list->n[wanted->channel->kind]--;
    list->bytes -= wanted->id_bytes;
}

static void list_append(struct wanted_list *list, struct wanted *wanted)
{
    wanted->prev = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = wanted;
    list->last = wanted;
    list->n[wanted->channel->kind]++;
    list->bytes += wanted->id_bytes;
}

static void list_prepend(struct wanted_list *list, struct wanted *wanted)
{
    wanted->next = list->first;
    *(list->first != NULL ? &list->first->prev : &list->last) = wanted;
    list->first = wanted;
    list->n[wanted->channel->kind]++;
    list->bytes += wanted->id_bytes;
}

void wanted_move(struct upstream *upstream, struct wanted *wanted, enum wanted_state state,
                 struct line *line)
{
    if (wanted->line != NULL && wanted->line != line)
        wanted->line->changed = true;
    list_remove(list_of(upstream, wanted), wanted);
    wanted->state = state;
    wanted->line = line;
    if (state == WANTED_QUEUED && was_there(wanted))
        list_prepend(list_of(upstream, wanted), wanted);
    else
        list_append(list_of(upstream, wanted), wanted);
    if (state == WANTED_MISSING)
        wanted->missing_ms = now_of(upstream);
    else if (state == WANTED_HELD)
        wanted->missing_ms = 0;
}

/* With its escapes, and a comma. */
static size_t id_bytes(struct str id)
{
    struct buf text;
    struct jw w;
    size_t n;

    buf_init(&text, 8 * LIMIT_ID_BYTES);
    w = jw_to(&text);
    jw_str(&w, id);
    n = text.n + 1;
    CHECK(!text.overflow);
    buf_fini(&text);
    return n;
}

void wanted_begin(struct upstream *upstream, struct wanted *wanted)
{
    wanted->id_bytes = id_bytes(channel_id(wanted->channel));
    list_append(&upstream->lists[WANTED_QUEUED], wanted);
    wanted_soon(upstream);
}

void wanted_end(struct upstream *upstream, struct wanted *wanted)
{
    if (wanted->line != NULL)
        wanted->line->changed = true;
    list_remove(list_of(upstream, wanted), wanted);
    for (size_t i = 0; i < upstream->n_lines; i++) {
        struct line_asked *asked = &upstream->lines[i]->asked;

        for (size_t k = 0; k < asked->n; k++)
            if (asked->of[k] == wanted)
                asked->of[k] = NULL;
    }
}

/* ---- what may be promised ------------------------------------------------ */

int64_t wanted_promise(const struct upstream *upstream)
{
    int64_t least = -1, most = 0;

    for (size_t i = 0; i < upstream->n_lines; i++) {
        const struct line *line = upstream->lines[i];

        if (line->clk > most)
            most = line->clk;
        if (list_n(&line->holds) > 0 && !line->asked.is_fetch &&
            (least < 0 || line->clk < least))
            least = line->clk;
    }
    return least < 0 ? most : least;
}

/* What readers have is to be asked for anew.  Of those that are queued they come first. */
static bool has_lost(const struct wanted_list *list)
{
    for (const struct wanted *wanted = list->first; wanted != NULL; wanted = wanted->next) {
        if (wanted->state == WANTED_QUEUED && !was_there(wanted))
            return false;
        if (wanted->state != WANTED_HELD && was_there(wanted))
            return true;
    }
    return false;
}

bool wanted_lacks(const struct upstream *upstream)
{
    if (has_lost(&upstream->lists[WANTED_QUEUED]))
        return true;
    for (size_t i = 0; i < upstream->n_lines; i++)
        if (upstream->lines[i]->asked.is_fetch && has_lost(&upstream->lines[i]->holds))
            return true;
    return false;
}

void wanted_mark(struct upstream *upstream)
{
    int64_t promise = wanted_promise(upstream);

    if (wanted_lacks(upstream) && promise > upstream->promised)
        promise = upstream->promised;
    upstream->promised = promise;
    clks_mark(&upstream->clks, upstream->order, promise, now_of(upstream));
}

void wanted_soon(struct upstream *upstream)
{
    if (!upstream->stopped)
        CHECK(uv_timer_start(&upstream->timer, upstream->on_look, 0, LOOK_MS) == 0);
}
