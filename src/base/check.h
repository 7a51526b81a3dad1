/*
 * CHECK: our own mistakes.  Always on, aborts with the place and the claim.
 * What clients, networks and stores do wrong is a returned value instead.
 *
 * CHECK_DEAR: what takes too long to be asked always.  In builds with
 * AddressSanitizer (VARIANT=asan, VARIANT=fuzz) it is a CHECK, else nothing.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED __attribute__((unused))

_Noreturn void check_failed(const char *file, int line, const char *claim);

#define CHECK(claim) \
    ((claim) ? (void)0 : check_failed(__FILE__, __LINE__, #claim))

#if defined(__SANITIZE_ADDRESS__)
#define CHECKS_DEAR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKS_DEAR 1
#endif
#endif
#ifndef CHECKS_DEAR
#define CHECKS_DEAR 0
#endif
#define CHECK_DEAR(claim) \
    (!CHECKS_DEAR || (claim) ? (void)0 : check_failed(__FILE__, __LINE__, #claim))

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
