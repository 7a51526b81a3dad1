/* SHA-1 (FIPS 180-4, 6.1) of a short text. */
#include "net/sha1.h"

#include "base/check.h"

#define BLOCK 64

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void mix(unsigned t, const uint32_t s[5], uint32_t *f, uint32_t *k)
{
    if (t < 20) {
        *f = (s[1] & s[2]) | (~s[1] & s[3]);
        *k = 0x5a827999;
    } else if (t < 40 || t >= 60) {
        *f = s[1] ^ s[2] ^ s[3];
        *k = t < 40 ? 0x6ed9eba1 : 0xca62c1d6;
    } else {
        *f = (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3]);
        *k = 0x8f1bbcdc;
    }
}

static void block(uint32_t state[5], const uint8_t *p)
{
    uint32_t w[80], s[5], f, k, next;

    for (unsigned t = 0; t < 16; t++)
        w[t] = (uint32_t)p[4 * t] << 24 | (uint32_t)p[4 * t + 1] << 16 |
               (uint32_t)p[4 * t + 2] << 8 | p[4 * t + 3];
    for (unsigned t = 16; t < 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    memcpy(s, state, sizeof(s));
    for (unsigned t = 0; t < 80; t++) {
        mix(t, s, &f, &k);
        next = rotate(s[0], 5) + f + s[4] + k + w[t];
        s[4] = s[3];
        s[3] = s[2];
        s[2] = rotate(s[1], 30);
        s[1] = s[0];
        s[0] = next;
    }
    for (unsigned i = 0; i < 5; i++)
        state[i] += s[i];
}

void sha1_short(struct str text, uint8_t digest[SHA1_BYTES])
{
    uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    uint8_t bytes[2 * BLOCK] = { 0 };
    size_t n = text.n < BLOCK - 8 ? BLOCK : 2 * BLOCK, bits = text.n * 8;

    CHECK(text.n <= 2 * BLOCK - 9);
    if (text.n > 0)
        memcpy(bytes, text.p, text.n);
    bytes[text.n] = 0x80;
    bytes[n - 2] = (uint8_t)(bits >> 8);
    bytes[n - 1] = (uint8_t)bits;
    for (size_t at = 0; at < n; at += BLOCK)
        block(state, bytes + at);
    for (unsigned i = 0; i < SHA1_BYTES; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
