/* What may happen to money: see event_kind.h. */
#include "model/event_kind.h"

struct event_info {
    int number;
    const char *name;
};

static const struct event_info events[] = {
#define EVENT(number, name, text, ref) { number, text },
#include "tbl/events.h"
#undef EVENT
};

const char *event_name(int event)
{
    for (size_t i = 0; i < LENGTH(events); i++)
        if (events[i].number == event)
            return events[i].name;
    return NULL;
}

int event_find(struct str name)
{
    for (size_t i = 0; i < LENGTH(events); i++)
        if (str_eq(str_of(events[i].name), name))
            return events[i].number;
    return 0;
}

enum bet_state event_state(int event)
{
    switch (event) {
    case EVENT_BET_SETTLED:
    case EVENT_BET_RESETTLED:
        return BET_SETTLED;
    case EVENT_BET_CASHED_OUT:
        return BET_CASHED_OUT;
    default:
        return BET_ACCEPTED;
    }
}

bool event_turns(int event)
{
    return event == EVENT_BET_SETTLED || event == EVENT_BET_CASHED_OUT ||
           event == EVENT_BET_REOPENED;
}
