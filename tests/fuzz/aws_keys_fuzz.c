/*
 * What gives keys answers: JSON of the metadata and container services, XML of
 * STS.  The first byte chooses the reader.
 */
#include <stdint.h>

#include "archive/aws_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* It goes into a header, and into what curl splits at a colon. */
static void check_word(const char *word, size_t bytes)
{
    CHECK(strnlen(word, bytes) < bytes);
    for (; *word != '\0'; word++)
        CHECK(*word > ' ' && *word <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data + 1, size - 1 };
    struct aws_key key;

    if (size == 0)
        return 0;
    if (data[0] == 'x' ? !aws_key_read_sts(rest, &key) : !aws_key_read_json(rest, &key))
        return 0;
    CHECK(key.id[0] != '\0' && strchr(key.id, ':') == NULL && key.secret[0] != '\0');
    CHECK(key.expires_ms >= 0);
    check_word(key.id, sizeof(key.id));
    check_word(key.secret, sizeof(key.secret));
    check_word(key.session, sizeof(key.session));
    return 0;
}
