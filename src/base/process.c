/* Figures of this process, from Linux's /proc: proc(5). */
#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"

#define STAT_START 20 /* starttime is field 22, counted here from behind the name */

/* The whole of a small file, ended by a zero. */
static bool read_small(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, text, room - 1);
    (void)close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return true;
}

/* Where the n-th word begins, counted from 1; NULL: there are fewer. */
static const char *word_at(const char *text, unsigned n)
{
    while (text != NULL && --n > 0) {
        text = strchr(text, ' ');
        text = text == NULL ? NULL : text + 1;
    }
    return text;
}

static void memory(void)
{
    char text[256];
    const char *pages;

    if (!read_small("/proc/self/statm", text, sizeof(text)) || (pages = word_at(text, 2)) == NULL)
        return;
    metric_set(METRIC_PROCESS_MEMORY, STR_NONE,
               strtoll(pages, NULL, 10) * (int64_t)sysconf(_SC_PAGESIZE));
}

static void cpu(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    metric_set(METRIC_PROCESS_CPU, STR_NONE,
               ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                   usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Linux 6.2 and later say it at once; before, each has an entry. */
static int64_t count_files(void)
{
    struct stat stat_;
    int64_t n = 0;
    DIR *dir;

    if (stat("/proc/self/fd", &stat_) == 0 && stat_.st_size > 0)
        return stat_.st_size;
    dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n - 3; /* ".", ".." and the folder itself */
}

static void files(void)
{
    struct rlimit limit;
    int64_t n = count_files();

    if (n >= 0)
        metric_set(METRIC_PROCESS_FILES, STR_NONE, n);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metric_set(METRIC_PROCESS_FILES_MAX, STR_NONE, (int64_t)limit.rlim_cur);
}

/* Asked once: by a clock that is set, it would move. */
static void start(void)
{
    static int64_t start_ms;
    struct timespec since_boot;
    const char *ticks;
    char text[1024];

    if (start_ms == 0 && read_small("/proc/self/stat", text, sizeof(text)) &&
        strrchr(text, ')') != NULL &&
        (ticks = word_at(strrchr(text, ')') + 2, STAT_START)) != NULL &&
        clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0)
        start_ms = clock_wall_ms() - since_boot.tv_sec * 1000 - since_boot.tv_nsec / 1000000 +
                   strtoll(ticks, NULL, 10) * 1000 / sysconf(_SC_CLK_TCK);
    if (start_ms != 0)
        metric_set(METRIC_PROCESS_START, STR_NONE, start_ms);
}

void process_metrics(void)
{
    memory();
    cpu();
    files();
    start();
}

void process_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
