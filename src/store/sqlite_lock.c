/*
 * The exclusive lock on a SQLite file.
 *
 * SQLite's own locks are POSIX record locks, which a process loses as soon
 * as it closes any descriptor of the file.  So a descriptor once opened here
 * is never closed, only unlocked: the table below keeps one per file for the
 * life of the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "store/sqlite_internal.h"

struct sqlite_lock {
    struct sqlite_lock *next;
    dev_t device;
    ino_t inode;
    int fd;
    unsigned holders;
    bool serving;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sqlite_lock *locks;

static struct sqlite_lock *find(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return NULL;
    for (struct sqlite_lock *lock = locks; lock != NULL; lock = lock->next)
        if (lock->device == status.st_dev && lock->inode == status.st_ino)
            return lock;
    return NULL;
}

/* `sqlite:./data/x.db` on a fresh machine: one missing directory is made. */
static void make_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory;

    if (slash == NULL || slash == path)
        return;
    directory = strndup(path, (size_t)(slash - path));
    CHECK(directory != NULL);
    (void)mkdir(directory, 0750); /* opening the file says what is wrong */
    free(directory);
}

static struct sqlite_lock *open_file(const char *path)
{
    struct sqlite_lock *lock;
    struct stat status;
    int fd;

    make_directory(path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return NULL;
    CHECK(fstat(fd, &status) == 0);
    lock = calloc(1, sizeof(*lock));
    CHECK(lock != NULL);
    *lock = (struct sqlite_lock){ .next = locks, .device = status.st_dev,
                                  .inode = status.st_ino, .fd = fd };
    locks = lock;
    return lock;
}

static struct sqlite_lock *lock_take(const char *path, bool serves, struct arena *arena,
                                     struct str *error)
{
    struct sqlite_lock *lock = find(path);

    if (lock == NULL)
        lock = open_file(path);
    if (lock == NULL) {
        *error = arena_printf(arena, "cannot open %s for writing: %s", path,
                              strerror(errno));
        return NULL;
    }
    if ((serves && lock->serving) ||
        (lock->holders == 0 && flock(lock->fd, LOCK_EX | LOCK_NB) != 0)) {
        *error = arena_printf(arena, "another server is using %s: stop it first", path);
        return NULL;
    }
    CHECK(lock->fd >= 0 && (!lock->serving || !serves));
    lock->holders++;
    lock->serving = lock->serving || serves;
    return lock;
}

struct sqlite_lock *sqlite_lock_take(const char *path, bool serves, struct arena *arena,
                                     struct str *error)
{
    struct sqlite_lock *lock;

    pthread_mutex_lock(&mutex);
    lock = lock_take(path, serves, arena, error);
    pthread_mutex_unlock(&mutex);
    return lock;
}

void sqlite_lock_drop(struct sqlite_lock *lock, bool serves)
{
    pthread_mutex_lock(&mutex);
    CHECK(lock->holders > 0 && (!serves || lock->serving));
    lock->holders--;
    if (serves)
        lock->serving = false;
    CHECK(lock->holders > 0 || !lock->serving);
    if (lock->holders == 0)
        CHECK(flock(lock->fd, LOCK_UN) == 0);
    pthread_mutex_unlock(&mutex);
}
