/*
 * What this binary was built from.  No date: the same sources give the same
 * bytes.  The Makefile writes build/version.h (scripts/version.sh).
 */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

const char *build_version(void); /* "0.9.0", the file VERSION */
/* "abcdef012345": the commit, twelve digits; "-dirty" behind it when what the
 * binary is made of differed from it; "unknown" where nobody could say. */
const char *build_commit(void);

#endif
