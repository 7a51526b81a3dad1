/*
 * Rules hash: what grading does, as a fingerprint of its behaviour.
 *
 * BLAKE2b over the results of a fixed set of made-up slips and facts: singles,
 * multiples, systems with bankers; won, lost, void, halves, dead heats, open
 * legs; caps; facts withdrawn and cancelled; cash-out offers; stakes of
 * currencies with 0, 2 and 3 decimals.  Two binaries that pay differently
 * for one of them have different hashes, whatever their sources say; a release
 * is refused on that before it may pay (docs/RELEASES.md).
 */
#ifndef MODEL_RULES_HASH_H
#define MODEL_RULES_HASH_H

/* Of the rules of grading, RULES.md: raised with every change of them that is
 * wanted.  Bets keep the one they were placed under. */
#define RULES_VERSION 1

#define RULES_HASH_BYTES 24

/* "1-0123456789abcdef": the version and 64 bits of the hash.  Computed at the
 * first call (some milliseconds), the same text afterwards.  Any thread's, but
 * the first call before there are several. */
const char *rules_hash(void);

#endif
