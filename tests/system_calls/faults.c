/* Preloaded into pupline by the tests: counts the library calls that touch one directory, and makes one of them go wrong.

   The plan, the count and a log of all calls are in one file that every process maps, so the calls of the coordinator
   and of its workers have one order. A call that the plan does not name reaches the system unchanged. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a call needs of the system, which decides the errors that it may meet. */
enum need {
    LOOKS = 1, READS = 2, WRITES = 4, NAMES = 8, OPENS = 16, OPENS_TO_WRITE = 32, SYNCS = 64, LOCKS = 128, MAPS = 256,
    STARTS = 512
};
enum action { NOTHING, FAIL, KILL, STOP, SHORTEN };
enum target { COORDINATOR = 1, WORKER = 2 };

struct entry {
    int32_t process;
    int32_t needs;
    char name[16];
    char path[104];
};

/* tests/system_calls/plan.py writes the same layout. */
struct plan {
    int32_t armed, coordinator, action, error, targets, needs;
    uint32_t at, until;     /* the calls `at` <= count < `until` go wrong */
    _Atomic uint32_t count; /* calls so far */
    _Atomic uint32_t struck, struck_at;
    uint32_t capacity;
    struct entry log[];
};

static struct plan *plan;
static char root[512];
static size_t root_length;

__attribute__((constructor)) static void map_plan(void) {
    const char *path = getenv("SYSTEM_CALL_PLAN"), *directory = getenv("SYSTEM_CALL_ROOT");
    if (!path || !directory || strlen(directory) >= sizeof root) return;
    strcpy(root, directory);
    root_length = strlen(root);
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0) return;
    off_t size = lseek(file, 0, SEEK_END);
    void *mapped = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) plan = mapped;
    syscall(SYS_close, file);
}

static int below_root(const char *path) {
    return !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == '\0');
}

/* The path of an open file, or "". */
static const char *path_of(int file, char *into, size_t size) {
    char link[48];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, into, size - 1);
    into[length > 0 ? length : 0] = '\0';
    return into;
}

/* Counts a call; the error that it shall return instead, 0 to go on, or -1 to do half of it. */
static int met(const char *name, int needs, const char *path) {
    if (!plan || !plan->armed) return 0;
    int process = (int)syscall(SYS_getpid), is_coordinator = process == plan->coordinator;
    uint32_t number = atomic_fetch_add(&plan->count, 1);
    if (number < plan->capacity) {
        struct entry *entry = &plan->log[number];
        entry->process = process;
        entry->needs = needs;
        strncpy(entry->name, name, sizeof entry->name - 1);
        const char *shown = strncmp(path, root, root_length) ? path : path + root_length;
        strncpy(entry->path, shown, sizeof entry->path - 1);
    }
    if (plan->action == NOTHING || number < plan->at || number >= plan->until) return 0;
    if (!(plan->targets & (is_coordinator ? COORDINATOR : WORKER)) || !(plan->needs & needs)) return 0;
    if (plan->action == SHORTEN && !(needs & WRITES)) return 0;
    if (plan->until - plan->at > UINT32_MAX / 2 && plan->action != FAIL && atomic_load(&plan->struck)) return 0;
    if (!atomic_fetch_add(&plan->struck, 1)) atomic_store(&plan->struck_at, number);
    if (plan->action == KILL) syscall(SYS_kill, process, SIGKILL);
    if (plan->action == STOP) syscall(SYS_kill, process, SIGSTOP);
    return plan->action == FAIL ? plan->error : plan->action == SHORTEN ? -1 : 0;
}

static int met_path(const char *name, int needs, int directory, const char *path) {
    char place[512];
    if (!plan || !plan->armed || !path) return 0;
    if (path[0] == '/') return below_root(path) ? met(name, needs, path) : 0;
    if (directory == AT_FDCWD || !below_root(path_of(directory, place, sizeof place))) return 0;
    size_t length = strlen(place);
    snprintf(place + length, sizeof place - length, "/%s", path);
    return met(name, needs, place);
}

static int met_file(const char *name, int needs, int file) {
    char path[512];
    if (!plan || !plan->armed || file < 0 || !below_root(path_of(file, path, sizeof path))) return 0;
    return met(name, needs, path);
}

#define REAL(type, name, ...)                                                  \
    static type (*real)(__VA_ARGS__);                                          \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define RETURN_ERROR(number, failed)                                           \
    do {                                                                       \
        int error_ = (number);                                                 \
        if (error_ > 0) {                                                      \
            errno = error_;                                                    \
            return failed;                                                     \
        }                                                                      \
    } while (0)

static int opening(int flags) {
    return OPENS | (flags & O_CREAT ? NAMES : 0) | ((flags & O_ACCMODE) == O_RDONLY ? 0 : OPENS_TO_WRITE);
}

#define OPEN(name)                                                             \
    int name(const char *path, int flags, ...) {                               \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        int mode = va_arg(rest, int);                                          \
        va_end(rest);                                                          \
        REAL(int, name, const char *, int, ...);                               \
        RETURN_ERROR(met_path("open", opening(flags), AT_FDCWD, path), -1);    \
        return real(path, flags, mode);                                        \
    }
#define OPENAT(name)                                                           \
    int name(int directory, const char *path, int flags, ...) {                \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        int mode = va_arg(rest, int);                                          \
        va_end(rest);                                                          \
        REAL(int, name, int, const char *, int, ...);                          \
        RETURN_ERROR(met_path("openat", opening(flags), directory, path), -1); \
        return real(directory, path, flags, mode);                             \
    }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

#define LOOK(name, kind)                                                       \
    int name(const char *path, struct kind *status) {                          \
        REAL(int, name, const char *, struct kind *);                          \
        RETURN_ERROR(met_path(#name, LOOKS, AT_FDCWD, path), -1);              \
        return real(path, status);                                             \
    }
#define LOOK_FILE(name, kind)                                                  \
    int name(int file, struct kind *status) {                                  \
        REAL(int, name, int, struct kind *);                                   \
        RETURN_ERROR(met_file(#name, READS, file), -1);                        \
        return real(file, status);                                             \
    }
#define LOOK_AT(name, kind)                                                    \
    int name(int directory, const char *path, struct kind *status, int flags) { \
        REAL(int, name, int, const char *, struct kind *, int);                \
        RETURN_ERROR(met_path(#name, LOOKS, directory, path), -1);             \
        return real(directory, path, status, flags);                           \
    }
LOOK(stat, stat) LOOK(stat64, stat64) LOOK(lstat, stat) LOOK(lstat64, stat64)
LOOK_FILE(fstat, stat) LOOK_FILE(fstat64, stat64) LOOK_AT(fstatat, stat) LOOK_AT(fstatat64, stat64)

#define READ(name, ...)                                                        \
    REAL(ssize_t, name, __VA_ARGS__);                                          \
    RETURN_ERROR(met_file(#name, READS, file), -1)
ssize_t read(int file, void *into, size_t size) {
    READ(read, int, void *, size_t);
    return real(file, into, size);
}
ssize_t pread(int file, void *into, size_t size, off_t at) {
    READ(pread, int, void *, size_t, off_t);
    return real(file, into, size, at);
}
ssize_t pread64(int file, void *into, size_t size, off64_t at) {
    READ(pread64, int, void *, size_t, off64_t);
    return real(file, into, size, at);
}

#define WRITE(name, ...)                                                       \
    REAL(ssize_t, name, __VA_ARGS__);                                          \
    int outcome = met_file(#name, WRITES, file);                               \
    RETURN_ERROR(outcome, -1);                                                 \
    if (outcome < 0 && size > 1) size /= 2
ssize_t write(int file, const void *from, size_t size) {
    WRITE(write, int, const void *, size_t);
    return real(file, from, size);
}
ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
    WRITE(pwrite, int, const void *, size_t, off_t);
    return real(file, from, size, at);
}
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    WRITE(pwrite64, int, const void *, size_t, off64_t);
    return real(file, from, size, at);
}

#define ON_FILE(name, needs)                                                   \
    int name(int file) {                                                       \
        REAL(int, name, int);                                                  \
        RETURN_ERROR(met_file(#name, needs, file), -1);                        \
        return real(file);                                                     \
    }
ON_FILE(fsync, SYNCS) ON_FILE(fdatasync, SYNCS) ON_FILE(syncfs, SYNCS)

#define RESIZE(name, kind)                                                     \
    int name(int file, kind size) {                                            \
        REAL(int, name, int, kind);                                            \
        RETURN_ERROR(met_file(#name, SYNCS, file), -1);                        \
        return real(file, size);                                               \
    }
RESIZE(ftruncate, off_t) RESIZE(ftruncate64, off64_t)

#define ON_PATH(name)                                                          \
    int name(const char *path) {                                               \
        REAL(int, name, const char *);                                         \
        RETURN_ERROR(met_path(#name, NAMES, AT_FDCWD, path), -1);              \
        return real(path);                                                     \
    }
ON_PATH(unlink) ON_PATH(rmdir)

int unlinkat(int directory, const char *path, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    RETURN_ERROR(met_path("unlinkat", NAMES, directory, path), -1);
    return real(directory, path, flags);
}
#define MODE(name)                                                             \
    int name(const char *path, mode_t mode) {                                  \
        REAL(int, name, const char *, mode_t);                                 \
        RETURN_ERROR(met_path(#name, NAMES, AT_FDCWD, path), -1);              \
        return real(path, mode);                                               \
    }
MODE(mkdir) MODE(chmod)
int mkdirat(int directory, const char *path, mode_t mode) {
    REAL(int, mkdirat, int, const char *, mode_t);
    RETURN_ERROR(met_path("mkdirat", NAMES, directory, path), -1);
    return real(directory, path, mode);
}
int fchmod(int file, mode_t mode) {
    REAL(int, fchmod, int, mode_t);
    RETURN_ERROR(met_file("fchmod", NAMES, file), -1);
    return real(file, mode);
}
int utimensat(int directory, const char *path, const struct timespec times[2], int flags) {
    REAL(int, utimensat, int, const char *, const struct timespec *, int);
    RETURN_ERROR(met_path("utimensat", NAMES, directory, path), -1);
    return real(directory, path, times, flags);
}

#define TWO(name)                                                              \
    int name(const char *from, const char *to) {                               \
        REAL(int, name, const char *, const char *);                           \
        RETURN_ERROR(met_path(#name, NAMES, AT_FDCWD, to), -1);                \
        return real(from, to);                                                 \
    }
TWO(rename) TWO(link) TWO(symlink)
int renameat(int old, const char *from, int new, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *);
    RETURN_ERROR(met_path("renameat", NAMES, new, to), -1);
    return real(old, from, new, to);
}
int linkat(int old, const char *from, int new, const char *to, int flags) {
    REAL(int, linkat, int, const char *, int, const char *, int);
    RETURN_ERROR(met_path("linkat", NAMES, new, to), -1);
    return real(old, from, new, to, flags);
}

DIR *opendir(const char *path) {
    REAL(DIR *, opendir, const char *);
    RETURN_ERROR(met_path("opendir", OPENS, AT_FDCWD, path), NULL);
    return real(path);
}
DIR *fdopendir(int file) {
    REAL(DIR *, fdopendir, int);
    RETURN_ERROR(met_file("fdopendir", READS, file), NULL);
    return real(file);
}
struct dirent *readdir(DIR *directory) {
    REAL(struct dirent *, readdir, DIR *);
    RETURN_ERROR(met_file("readdir", READS, dirfd(directory)), NULL);
    return real(directory);
}
struct dirent64 *readdir64(DIR *directory) {
    REAL(struct dirent64 *, readdir64, DIR *);
    RETURN_ERROR(met_file("readdir64", READS, dirfd(directory)), NULL);
    return real(directory);
}

int flock(int file, int operation) {
    REAL(int, flock, int, int);
    RETURN_ERROR(met_file("flock", LOCKS, file), -1);
    return real(file, operation);
}
#define CONTROL(name)                                                          \
    int name(int file, int command, ...) {                                     \
        va_list rest;                                                          \
        va_start(rest, command);                                               \
        void *argument = va_arg(rest, void *);                                 \
        va_end(rest);                                                          \
        REAL(int, name, int, int, ...);                                        \
        if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK) \
            RETURN_ERROR(met_file("fcntl", LOCKS, file), -1);                  \
        return real(file, command, argument);                                  \
    }
CONTROL(fcntl) CONTROL(fcntl64)

#define MAP(name, kind)                                                        \
    void *name(void *at, size_t size, int protection, int flags, int file, kind offset) { \
        REAL(void *, name, void *, size_t, int, int, int, kind);               \
        if (file >= 0) RETURN_ERROR(met_file("mmap", MAPS, file), MAP_FAILED); \
        return real(at, size, protection, flags, file, offset);                \
    }
MAP(mmap, off_t) MAP(mmap64, off64_t)

/* What a process starts: sockets, pipes, threads, processes. No path, and counted all the same. */
int socket(int domain, int type, int protocol) {
    REAL(int, socket, int, int, int);
    RETURN_ERROR(met("socket", STARTS, ""), -1);
    return real(domain, type, protocol);
}
int socketpair(int domain, int type, int protocol, int ends[2]) {
    REAL(int, socketpair, int, int, int, int *);
    RETURN_ERROR(met("socketpair", STARTS, ""), -1);
    return real(domain, type, protocol, ends);
}
int pipe2(int ends[2], int flags) {
    REAL(int, pipe2, int *, int);
    RETURN_ERROR(met("pipe2", STARTS, ""), -1);
    return real(ends, flags);
}
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int error = met("pthread_create", STARTS, "");
    if (error > 0) return error == EMFILE ? EAGAIN : error;
    return real(thread, attributes, start, argument);
}
