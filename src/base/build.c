/* The only source that knows version and commit: a new commit compiles it alone. */
#include "base/build.h"

#include "build/version.h"

const char *build_version(void) { return BUILD_VERSION; }

const char *build_commit(void) { return BUILD_COMMIT; }
