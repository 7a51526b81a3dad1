/*
 * Any bytes as the file of --config.  Whatever comes: no crash; it is taken
 * with every setting in its range, or refused with a line that says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Settings of whoever runs this would outrank the file. */
static int open_file(void)
{
    CHECK(clearenv() == 0);
    return memfd_create("config", 0);
}

static void write_file(int fd, const uint8_t *data, size_t size)
{
    CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(write(fd, data, size) == (ssize_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char argument[64];
    char *arguments[] = { argument };
    struct str error = STR_NONE;
    struct config config;

    if (fd < 0)
        fd = open_file();
    CHECK(fd >= 0);
    write_file(fd, data, size);
    CHECK(snprintf(argument, sizeof(argument), "--config=/proc/self/fd/%d", fd) > 0);
    if (config_read(&config, 1, arguments, &error)) {
        CHECK(config.lanes >= 1 && config.lanes <= 64);
        CHECK(config.stake_min <= config.stake_max && config.stake_min >= 0);
        CHECK(config.session_s >= 1 && config.drain_s >= 0 && config.bet_rate >= 0);
        CHECK(config.store != NULL && config.listen != NULL);
    } else {
        CHECK(error.n > 0);
    }
    config_free(&config);
    return 0;
}
