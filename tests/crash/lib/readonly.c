/*
 * A file system that turns read-only while it is in use: preloaded, it makes
 * writes to files fail with EROFS as long as the file named by
 * READONLY_WHILE exists.  Sockets and pipes are written as ever.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_read_only(int fd)
{
    const char *flag = getenv("READONLY_WHILE");
    struct stat about;

    return flag != NULL && access(flag, F_OK) == 0 && fstat(fd, &about) == 0 &&
           S_ISREG(about.st_mode);
}

#define REFUSE(fd) \
    if (is_read_only(fd)) { \
        errno = EROFS; \
        return -1; \
    }

#define WRITER(name, offset_type) \
    ssize_t name(int fd, const void *bytes, size_t n, offset_type at) \
    { \
        static ssize_t (*real)(int, const void *, size_t, offset_type); \
        if (real == NULL) \
            *(void **)&real = dlsym(RTLD_NEXT, #name); \
        REFUSE(fd) \
        return real(fd, bytes, n, at); \
    }
WRITER(pwrite, off_t)
WRITER(pwrite64, off64_t)

#define CUTTER(name, length_type) \
    int name(int fd, length_type length) \
    { \
        static int (*real)(int, length_type); \
        if (real == NULL) \
            *(void **)&real = dlsym(RTLD_NEXT, #name); \
        REFUSE(fd) \
        return real(fd, length); \
    }
CUTTER(ftruncate, off_t)
CUTTER(ftruncate64, off64_t)
