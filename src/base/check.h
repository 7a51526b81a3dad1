/*
 * CHECK: our own mistakes.  Always on, aborts with the place and the claim.
 * What clients, networks and stores do wrong is a returned value instead.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED __attribute__((unused))

_Noreturn void check_failed(const char *file, int line, const char *claim);

#define CHECK(claim) \
    ((claim) ? (void)0 : check_failed(__FILE__, __LINE__, #claim))

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
