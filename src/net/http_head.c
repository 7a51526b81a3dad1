/* The head of an answer (see net/http_head.h), written without printf: it is
 * on the path of every bet. */
#include "net/http_head.h"

#include <http_parser.h>
#include <time.h>

#include "base/clock.h"

/* Bytes into a fixed place; what does not fit sets full. */
struct head_writer { char *p; size_t n, room; bool full; };

static void put(struct head_writer *w, const char *p, size_t n)
{
    if (n > w->room - w->n) {
        w->full = true;
        return;
    }
    if (n > 0)
        memcpy(w->p + w->n, p, n);
    w->n += n;
}

static void put_text(struct head_writer *w, const char *z)
{
    put(w, z, strlen(z));
}

static void put_number(struct head_writer *w, size_t number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(w, digits + at, sizeof(digits) - at);
}

/* A line break in a value would be another header: it becomes a space. */
static void put_header(struct head_writer *w, const char *name, struct str value)
{
    size_t at;

    put_text(w, name);
    put(w, ": ", 2);
    at = w->n;
    put(w, value.p, value.n);
    for (; at < w->n; at++)
        if ((unsigned char)w->p[at] < ' ')
            w->p[at] = ' ';
    put(w, "\r\n", 2);
}

/* Made once a second. */
static void put_date(struct head_writer *w)
{
    static char line[64];
    static size_t line_n;
    static int64_t line_s = -1;
    int64_t now_s = clock_wall_ms() / 1000;
    time_t when = (time_t)now_s;
    struct tm tm;

    if (now_s != line_s && gmtime_r(&when, &tm) != NULL) {
        line_n = strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        line_s = now_s;
    }
    put(w, line, line_n);
}

/* What is found may be kept as its route says; whatever else is answered may
 * not: most of it is somebody's money, and the rest went wrong. */
static struct str cache_control(const struct http_head *head)
{
    bool is_found = head->status == 200 || head->status == 304;

    return is_found && head->caching.n > 0 ? head->caching : STR("no-store");
}

size_t http_head_write(const struct http_head *head, char *p, size_t room)
{
    struct head_writer w = { .p = p, .room = room };

    put_text(&w, "HTTP/1.1 ");
    put_number(&w, (size_t)head->status);
    put(&w, " ", 1);
    put_text(&w, http_status_str((enum http_status)head->status));
    put(&w, "\r\n", 2);
    put_date(&w);
    if (head->content_type != NULL && (head->body_n > 0 || head->is_head))
        put_header(&w, "Content-Type", str_of(head->content_type));
    if (head->status != 204 && head->status != 304) {
        put_text(&w, "Content-Length: ");
        put_number(&w, head->body_n);
        put(&w, "\r\n", 2);
    }
    if (head->close)
        put_text(&w, "Connection: close\r\n");
    else if (head->is_1_0)
        put_text(&w, "Connection: keep-alive\r\n");
    put_header(&w, "Cache-Control", cache_control(head));
    if (head->request_id.n > 0)
        put_header(&w, "X-Request-Id", head->request_id);
    for (size_t i = 0; i < head->n_headers; i++)
        put_header(&w, head->headers[i].name, head->headers[i].value);
    put(&w, "\r\n", 2);
    return w.full ? 0 : w.n;
}
