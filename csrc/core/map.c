/* map.c: storages whose memory is a file's pages, and what happens where the file gets shorter under them.
 *
 * A page that the file no longer has is a SIGBUS for whoever touches it: a job of the loader, an op on any thread, compiled Lua
 * code that reads through a pointer. Guarding copies alone would leave out the others, and a handler that jumps out of an op would
 * leave its locks and memory behind. So while there are mappings a handler puts empty pages where the fault was, marks the
 * mapping as torn, and lets the read go on. gt__usable, which every op asks about its operands, compares the file's size with
 * the mapping (a kept descriptor: the name may be another file by now) and refuses a torn one, and the loader asks again after each
 * picture: what was read while the file shrank never becomes a batch.
 *
 * The list is written under a lock and read by the handler without one: entries are published last, retired first, and used
 * again but never freed. A fault outside of the mappings goes to the handler that was there before. */
#include "core.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct mapping {
  uintptr_t from, to;    /* the pages; to is 0 where the entry is free; atomic */
  int torn;              /* atomic */
  int fd;
  double size;           /* the file's, at least */
  char *path;
  struct mapping *next;
} mapping;

static mapping *first; /* atomic */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static int count, watching; /* under the lock */

static uintptr_t page_of(uintptr_t at) { return at & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1); }

static mapping *find(uintptr_t at) {
  for (mapping *m = __atomic_load_n(&first, __ATOMIC_ACQUIRE); m; m = m->next) {
    uintptr_t to = __atomic_load_n(&m->to, __ATOMIC_ACQUIRE), from = __atomic_load_n(&m->from, __ATOMIC_ACQUIRE);
    if (from <= at && at < to && __atomic_load_n(&m->to, __ATOMIC_ACQUIRE) == to) return m; /* not in use anew meanwhile */
  }
  return NULL;
}

static void mend(int number, siginfo_t *about, void *context) {
  int kept = errno;
  uintptr_t at = (uintptr_t)about->si_addr, page = page_of(at);
  mapping *m = find(at);
  if (m && mmap((void *)page, m->to - page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
               MAP_FAILED)
    __atomic_store_n(&m->torn, 1, __ATOMIC_RELEASE);
  else if (before.sa_flags & SA_SIGINFO)
    before.sa_sigaction(number, about, context);
  else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    before.sa_handler(number);
  else
    signal(SIGBUS, SIG_DFL); /* the instruction runs again and ends the process */
  errno = kept;
}

/* Installs the handler for the first mapping and takes it out after the last. Where a program has put its own in place of ours
 * meanwhile, that one stays. */
static void watch(int more) {
  count += more;
  if (count > 0 && !watching) {
    struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    watching = sigaction(SIGBUS, &action, &before) == 0;
  } else if (count == 0 && watching) {
    struct sigaction now;
    if (sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == mend) {
      sigaction(SIGBUS, &before, NULL);
      watching = 0;
    }
  }
}

/* Notes the mapping from..to of fd, which it owns from here on. */
static int add(uintptr_t from, uintptr_t to, int fd, double size, const char *path) {
  char *name = strdup(path);
  pthread_mutex_lock(&lock);
  mapping *m = first;
  while (m && m->to) m = m->next;
  bool fresh = !m && name && (m = calloc(1, sizeof *m));
  if (m && name) {
    __atomic_store_n(&m->from, from, __ATOMIC_RELEASE);
    m->torn = 0;
    m->fd = fd;
    m->size = size;
    m->path = name;
    __atomic_store_n(&m->to, to, __ATOMIC_RELEASE);
    if (fresh) {
      m->next = first;
      __atomic_store_n(&first, m, __ATOMIC_RELEASE);
    }
    watch(1);
  }
  pthread_mutex_unlock(&lock);
  if (m && name) return GT_OK;
  free(name);
  return gt__fail(GT_ENOMEM, "%s: no memory to map it", path);
}

void gt__unmap(gt_storage *s) {
  mapping *m = find((uintptr_t)s->ptr);
  if (!m) return;
  pthread_mutex_lock(&lock);
  mapping old = *m;
  m->path = NULL;
  __atomic_store_n(&m->to, 0, __ATOMIC_RELEASE);
  watch(-1);
  pthread_mutex_unlock(&lock);
  munmap((void *)old.from, old.to - old.from);
  close(old.fd);
  free(old.path);
}

int gt__whole(const gt_storage *s, const char *what) {
  struct stat about;
  mapping *m = find((uintptr_t)s->ptr);
  if (!m) return GT_OK;
  if (fstat(m->fd, &about) == 0 && (double)about.st_size < m->size)
    return gt__fail(GT_EIO, "%s: %s was made shorter while it was in use: it has %.0f bytes, wanted %.0f", what, m->path,
                    (double)about.st_size, m->size);
  if (__atomic_load_n(&m->torn, __ATOMIC_ACQUIRE))
    return gt__fail(GT_EIO, "%s: %s could not be read while it was in use: it was shortened for a time, or its disk failed", what, m->path);
  return GT_OK;
}

static gt_storage *map_file(const char *path, uint64_t offset, int dtype, int64_t n) {
  gt_storage *s = gt__pool_alloc(sizeof *s, NULL);
  if (!s) return NULL;
  *s = (gt_storage){.count = n, .dtype = dtype, .refs = 1, .flags = GT_FOREIGN | GT_MAPPED};
  s->bytes = (size_t)n * gt_dtype_size(dtype);
  /* A mapping begins at a page; the storage where the elements do, in the same page. */
  size_t skip = (size_t)(offset - page_of(offset)), length = s->bytes + skip;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  void *base = MAP_FAILED;
  /* A private mapping that reserves no memory: only pages that somebody writes to take any. */
  if (fd >= 0) base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, (off_t)(offset - skip));
  if (base == MAP_FAILED) gt__fail(GT_EIO, "%s: cannot be mapped: %s", path, strerror(errno));
  uintptr_t from = (uintptr_t)base, whole_pages = page_of(from + length - 1) + (uintptr_t)sysconf(_SC_PAGESIZE);
  if (base == MAP_FAILED || add(from, whole_pages, fd, (double)offset + (double)s->bytes, path)) {
    if (base != MAP_FAILED) munmap(base, length);
    if (fd >= 0) close(fd);
    gt__pool_free(s, sizeof *s);
    return NULL;
  }
  s->ptr = (char *)base + skip;
  return s;
}

int gt_tensor_map(gt_tensor *t, const char *path, double offset, int rank, const int64_t *shape) {
  double n = 1, size = gt_file_size(path), element = (double)gt_dtype_size(t->dtype);
  if (size < 0) return gt__fail(GT_EIO, "%s: there is no such file, or it is not a regular one", path);
  if (rank < 1 || rank > GT_MAX_RANK) return gt__fail(GT_EARG, "map: %d dimensions, wanted 1 to %d", rank, GT_MAX_RANK);
  for (int d = 0; d < rank; d++) n *= (double)shape[d];
  if (!(offset >= 0) || !(n >= 1) || (uint64_t)offset % (uint64_t)element)
    return gt__fail(GT_EARG, "map: %.0f elements from byte %.0f, wanted some, from a multiple of %.0f", n, offset, element);
  if (offset + n * element > size)
    return gt__fail(GT_EFORMAT, "%s: ends after %.0f bytes, wanted %.0f", path, size, offset + n * element);
  gt_storage *s = map_file(path, (uint64_t)offset, t->dtype, (int64_t)n);
  if (!s) return GT_EIO;
  int code = gt_tensor_set(t, s, 0, rank, shape, NULL);
  gt_storage_free(s);
  return code;
}
