/*
 * A disk that forgets: an SQLite VFS over the default one.
 *
 * Every file remembers what its unsynced sectors held before.  A power cut
 * makes all further writes fail; afterwards each unsynced sector either has
 * arrived or not, by chance, and a file's growth goes with its sectors.
 *
 * Shared by the tests that need a failing disk: include it in one file.
 */
#ifndef TESTS_CRASH_VFS_SHIM_H
#define TESTS_CRASH_VFS_SHIM_H

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/check.h"

#define SHIM_SECTOR 512

struct shim_sector {
    struct shim_sector *next;
    int64_t number;
    char before[SHIM_SECTOR];
};

/* One file, for all connections and for as long as the test runs. */
struct shim_file {
    struct shim_file *next;
    char path[512];
    int64_t synced_bytes; /* its size when it was synced last */
    struct shim_sector *unsynced[4096];
};

enum shim_sync { SHIM_SYNC_FULL, SHIM_SYNC_NORMAL, SHIM_SYNC_OFF };

static struct shim {
    pthread_mutex_t mutex;
    sqlite3_vfs vfs, *real;
    struct shim_file *files;
    enum shim_sync sync;
    int fail_code;        /* of every write; SQLITE_OK = they succeed */
    bool fail_syncs;      /* writes succeed, syncs do not */
    int64_t writes_left;  /* until the power goes; < 0 = it stays */
    bool cut;
} shim = { .mutex = PTHREAD_MUTEX_INITIALIZER, .writes_left = -1 };

struct shim_handle {
    sqlite3_file base;
    struct shim_file *file; /* NULL: not a file of the database */
    bool is_log;
    sqlite3_file *real;
};

static struct shim_sector **shim_slot(struct shim_file *file, int64_t number)
{
    struct shim_sector **slot = &file->unsynced[number % 4096];

    while (*slot != NULL && (*slot)->number != number)
        slot = &(*slot)->next;
    return slot;
}

/* Before a sector changes for the first time since the last sync. */
static void shim_remember(struct shim_handle *handle, int64_t from, int64_t to)
{
    for (int64_t n = from / SHIM_SECTOR; n * SHIM_SECTOR < to; n++) {
        struct shim_sector **slot = shim_slot(handle->file, n);

        if (*slot != NULL)
            continue;
        *slot = calloc(1, sizeof(**slot));
        CHECK(*slot != NULL);
        (*slot)->number = n;
        (void)handle->real->pMethods->xRead(handle->real, (*slot)->before, SHIM_SECTOR,
                                            n * SHIM_SECTOR); /* short: zeros */
    }
}

static void shim_forget(struct shim_file *file)
{
    for (size_t i = 0; i < 4096; i++) {
        while (file->unsynced[i] != NULL) {
            struct shim_sector *sector = file->unsynced[i];

            file->unsynced[i] = sector->next;
            free(sector);
        }
    }
}

static int64_t shim_size(struct shim_handle *handle)
{
    sqlite3_int64 size = 0;

    (void)handle->real->pMethods->xFileSize(handle->real, &size);
    return size;
}

/* Counts down to the cut.  SQLITE_OK: the disk still takes writes. */
static int shim_disk(void)
{
    if (shim.writes_left == 0)
        shim.cut = true;
    if (shim.cut)
        return SQLITE_IOERR;
    if (shim.writes_left > 0)
        shim.writes_left--;
    return shim.fail_code;
}

static int shim_close(sqlite3_file *base)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xClose(handle->real);
}

static int shim_read(sqlite3_file *base, void *p, int n, sqlite3_int64 at)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xRead(handle->real, p, n, at);
}

static int shim_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at)
{
    struct shim_handle *handle = (struct shim_handle *)base;
    int code;

    if (handle->file == NULL)
        return handle->real->pMethods->xWrite(handle->real, p, n, at);
    pthread_mutex_lock(&shim.mutex);
    code = shim_disk();
    if (code == SQLITE_OK) {
        shim_remember(handle, at, at + n);
        code = handle->real->pMethods->xWrite(handle->real, p, n, at);
    }
    pthread_mutex_unlock(&shim.mutex);
    return code == SQLITE_IOERR ? SQLITE_IOERR_WRITE : code;
}

static int shim_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct shim_handle *handle = (struct shim_handle *)base;
    int code;

    if (handle->file == NULL)
        return handle->real->pMethods->xTruncate(handle->real, size);
    pthread_mutex_lock(&shim.mutex);
    code = shim_disk();
    if (code == SQLITE_OK) {
        shim_remember(handle, size, shim_size(handle));
        code = handle->real->pMethods->xTruncate(handle->real, size);
    }
    pthread_mutex_unlock(&shim.mutex);
    return code == SQLITE_IOERR ? SQLITE_IOERR_TRUNCATE : code;
}

/* What synchronous=OFF (no sync at all) or NORMAL (none of the log at a
 * commit) would leave out: the store insists on FULL, so the disk cheats. */
static bool shim_ignores_sync(const struct shim_handle *handle)
{
    return shim.sync == SHIM_SYNC_OFF || (shim.sync == SHIM_SYNC_NORMAL && handle->is_log);
}

static int shim_sync(sqlite3_file *base, int flags)
{
    struct shim_handle *handle = (struct shim_handle *)base;
    int code;

    (void)flags;
    if (handle->file == NULL)
        return SQLITE_OK;
    pthread_mutex_lock(&shim.mutex);
    code = shim.fail_syncs ? SQLITE_IOERR : shim_disk();
    if (code == SQLITE_OK && !shim_ignores_sync(handle)) {
        shim_forget(handle->file); /* the real disk need not be troubled */
        handle->file->synced_bytes = shim_size(handle);
    }
    pthread_mutex_unlock(&shim.mutex);
    return code == SQLITE_IOERR ? SQLITE_IOERR_FSYNC : code;
}

static int shim_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xFileSize(handle->real, size);
}

static int shim_lock(sqlite3_file *base, int level)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xLock(handle->real, level);
}

static int shim_unlock(sqlite3_file *base, int level)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xUnlock(handle->real, level);
}

static int shim_reserved(sqlite3_file *base, int *out)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xCheckReservedLock(handle->real, out);
}

static int shim_control(sqlite3_file *base, int op, void *arg)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    /* These would write beside xWrite. */
    if (op == SQLITE_FCNTL_CHUNK_SIZE || op == SQLITE_FCNTL_SIZE_HINT)
        return SQLITE_OK;
    return handle->real->pMethods->xFileControl(handle->real, op, arg);
}

static int shim_sector_size(sqlite3_file *base)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xSectorSize(handle->real);
}

static int shim_traits(sqlite3_file *base)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xDeviceCharacteristics(handle->real);
}

static int shim_shm_map(sqlite3_file *base, int page, int bytes, int extend,
                        void volatile **out)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xShmMap(handle->real, page, bytes, extend, out);
}

static int shim_shm_lock(sqlite3_file *base, int at, int n, int flags)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xShmLock(handle->real, at, n, flags);
}

static void shim_shm_barrier(sqlite3_file *base)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    handle->real->pMethods->xShmBarrier(handle->real);
}

static int shim_shm_unmap(sqlite3_file *base, int remove)
{
    struct shim_handle *handle = (struct shim_handle *)base;

    return handle->real->pMethods->xShmUnmap(handle->real, remove);
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2, /* no xFetch: every byte passes through here */
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_traits,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static struct shim_file *shim_find(const char *path, int64_t size)
{
    struct shim_file *file;

    for (file = shim.files; file != NULL; file = file->next)
        if (strcmp(file->path, path) == 0)
            return file;
    file = calloc(1, sizeof(*file));
    CHECK(file != NULL && strlen(path) < sizeof(file->path));
    memcpy(file->path, path, strlen(path));
    file->synced_bytes = size;
    file->next = shim.files;
    shim.files = file;
    return file;
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                     int *out_flags)
{
    struct shim_handle *handle = (struct shim_handle *)base;
    int code;

    (void)vfs;
    memset(handle, 0, sizeof(*handle));
    handle->real = (sqlite3_file *)(handle + 1);
    code = shim.real->xOpen(shim.real, name, handle->real, flags, out_flags);
    if (handle->real->pMethods == NULL)
        return code;
    handle->base.pMethods = &shim_methods;
    handle->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    if (code == SQLITE_OK && name != NULL &&
        (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0) {
        pthread_mutex_lock(&shim.mutex);
        handle->file = shim_find(name, shim_size(handle));
        pthread_mutex_unlock(&shim.mutex);
    }
    return code;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    int code;

    (void)vfs;
    pthread_mutex_lock(&shim.mutex);
    code = shim_disk();
    if (code == SQLITE_OK) {
        struct shim_file *file = shim_find(name, 0);

        shim_forget(file);
        file->synced_bytes = 0;
        code = shim.real->xDelete(shim.real, name, sync);
    }
    pthread_mutex_unlock(&shim.mutex);
    return code == SQLITE_IOERR ? SQLITE_IOERR_DELETE : code;
}

/* From now on the disk is ours. */
static void shim_register(void)
{
    shim.real = sqlite3_vfs_find(NULL);
    CHECK(shim.real != NULL);
    shim.vfs = *shim.real;
    shim.vfs.zName = "shim";
    shim.vfs.szOsFile = (int)sizeof(struct shim_handle) + shim.real->szOsFile;
    shim.vfs.xOpen = shim_open;
    shim.vfs.xDelete = shim_delete;
    shim.vfs.pNext = NULL;
    CHECK(sqlite3_vfs_register(&shim.vfs, 1) == SQLITE_OK);
}

/* Every write fails with this code, until it is SQLITE_OK again. */
static UNUSED void shim_fail_writes(int code)
{
    pthread_mutex_lock(&shim.mutex);
    shim.fail_code = code;
    pthread_mutex_unlock(&shim.mutex);
}

static UNUSED void shim_fail_syncs(bool fail)
{
    pthread_mutex_lock(&shim.mutex);
    shim.fail_syncs = fail;
    pthread_mutex_unlock(&shim.mutex);
}

/* The power goes after this many more writes and syncs. */
static UNUSED void shim_cut_after(int64_t writes)
{
    pthread_mutex_lock(&shim.mutex);
    shim.writes_left = writes;
    shim.cut = false;
    pthread_mutex_unlock(&shim.mutex);
}

static UNUSED bool shim_is_cut(void)
{
    bool cut;

    pthread_mutex_lock(&shim.mutex);
    cut = shim.cut;
    pthread_mutex_unlock(&shim.mutex);
    return cut;
}

/* What the platters hold of one file; every connection is closed. */
static void shim_settle_file(struct shim_file *file, uint64_t (*chance)(void))
{
    int fd = open(file->path, O_RDWR | O_CLOEXEC);
    int64_t size = file->synced_bytes;

    if (fd < 0)
        return;
    for (size_t i = 0; i < 4096; i++) {
        for (struct shim_sector *s = file->unsynced[i]; s != NULL; s = s->next) {
            int64_t end = (s->number + 1) * SHIM_SECTOR;

            if (chance() % 2 == 0)
                CHECK(pwrite(fd, s->before, SHIM_SECTOR, s->number * SHIM_SECTOR) ==
                      SHIM_SECTOR);
            else if (end > size)
                size = end;
        }
    }
    CHECK(ftruncate(fd, size) == 0);
    (void)close(fd);
    shim_forget(file);
    file->synced_bytes = size;
}

/* After the cut, with everything closed: the disk as it is found again. */
static UNUSED void shim_power_on(uint64_t (*chance)(void))
{
    pthread_mutex_lock(&shim.mutex);
    for (struct shim_file *file = shim.files; file != NULL; file = file->next)
        shim_settle_file(file, chance);
    shim.writes_left = -1;
    shim.cut = false;
    pthread_mutex_unlock(&shim.mutex);
}

#endif
