/* What is being worked on, and how often who may ask. */
#include "base/clock.h"
#include "who/inside.h"

bool who_has_rate(struct who *who, const struct http_request *request, struct str whom)
{
    CHECK((unsigned)request->rate < RATE_CLASSES);
    return rates_take(who->rates[request->rate], whom, clock_mono_us());
}

void who_begin(struct who *who)
{
    who->working++;
    CHECK(who->working > 0);
}

void who_end(struct who *who)
{
    CHECK(who->working > 0);
    who->working--;
}

bool who_is_idle(const struct who *who)
{
    CHECK(who->hashing <= who->working); /* each is of a request */
    return who->working == 0;
}
