/* What the parts of the load generator share: see cli/load.h. */
#include <stdarg.h>

#include "cli/load.h"
#include "model/money.h"

void load_fail(struct load *load, const char *format, ...)
{
    va_list args;

    if (load->failed)
        return;
    load->failed = true;
    va_start(args, format);
    (void)vsnprintf(load->error, sizeof(load->error), format, args);
    va_end(args);
}

bool load_amount(struct str text, int64_t *minor)
{
    return money_parse(text, currency_find(STR("EUR")), minor) == DECIMAL_OK;
}

void load_request(const struct load *load, struct buf *out, const char *method,
                  const char *path, const char *token, const char *key, struct str body)
{
    buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path,
               load_pool_host(load->pool));
    if (token != NULL)
        buf_printf(out, "Authorization: Bearer %s\r\n", token);
    if (key != NULL)
        buf_printf(out, "Idempotency-Key: %s\r\n", key);
    if (body.n > 0)
        buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.n);
    buf_str(out, STR("\r\n"));
    buf_str(out, body);
}

struct str load_member(struct str json, const char *name)
{
    size_t n = strlen(name);
    const char *p = json.p, *end = json.p + json.n;

    while (p != NULL && p < end && (p = memchr(p, '"', (size_t)(end - p))) != NULL) {
        const char *value = p + n + 2, *close;

        if ((size_t)(end - p) > n + 4 && memcmp(p + 1, name, n) == 0 && p[n + 1] == '"'
            && *value == ':') {
            for (value++; value < end && *value == ' '; value++)
                continue;
            if (value < end && *value == '"') {
                close = memchr(value + 1, '"', (size_t)(end - value - 1));
                if (close != NULL)
                    return (struct str){ value + 1, (size_t)(close - value - 1) };
            }
        }
        p++;
    }
    return STR_NONE;
}
