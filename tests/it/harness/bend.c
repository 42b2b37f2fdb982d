// What one process believes of its machine: what time it is, and how long its disk takes. Loaded by LD_PRELOAD; the test
// writes the numbers into the file that BENT_BY names, and they hold from then on.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct bend {
    int64_t wall_ms;      // what its wall clock is ahead
    int64_t monotonic_ms; // what its monotonic clock is ahead
    int64_t disk_hangs;   // whether nothing gets to its disk
};

static volatile struct bend straight;

static volatile struct bend *bend(void) {
    static volatile struct bend *shared;
    if (!shared) {
        const char *path = getenv("BENT_BY");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *at = file < 0 ? MAP_FAILED : mmap(0, sizeof(struct bend), PROT_READ, MAP_SHARED, file, 0);
        shared = at == MAP_FAILED ? &straight : at;
        if (file >= 0) close(file);
    }
    return shared;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (failed) return (int)failed;
    int64_t by = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? bend()->wall_ms
               : clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME
                   ? bend()->monotonic_ms
                   : 0;
    int64_t ns = now->tv_nsec + by % 1000 * 1000000;
    now->tv_sec += by / 1000 + (ns >= 1000000000) - (ns < 0);
    now->tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
    return 0;
}

static void reach_the_disk(void) {
    struct timespec pause = {0, 5000000};
    while (bend()->disk_hangs) nanosleep(&pause, 0);
}

int fsync(int file) {
    reach_the_disk();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    reach_the_disk();
    return (int)syscall(SYS_fdatasync, file);
}
