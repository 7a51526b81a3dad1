/* Surrogate keys (net/cache_tag.h). */
#include "net/cache_tag.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
        || c == ':' || c == '.' || c == '_' || c == '-';
}

void cache_tag_event(struct buf *out, struct str event)
{
    buf_str(out, STR("event-"));
    for (size_t i = 0; i < event.n; i++)
        if (is_plain(event.p[i]))
            buf_char(out, event.p[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)event.p[i]);
}
