/* SHA-1, for the WebSocket handshake alone (RFC 6455, 4.2.2): no secret and
 * no proof rests on it. */
#ifndef NET_SHA1_H
#define NET_SHA1_H

#include <stdint.h>

#include "base/str.h"

#define SHA1_BYTES 20

/* At most 119 bytes: two blocks. */
void sha1_short(struct str text, uint8_t digest[SHA1_BYTES]);

#endif
