/* pool.c: all memory of tensors and temporaries: 64-byte aligned blocks, kept for reuse, with counters.
 *
 * A training step asks for the same sizes again and again, and fresh pages cost as much as the arithmetic on them, so what was freed is
 * handed out again. Small blocks are kept by size class (an eighth of a power of two apart: at most 12.5% waste), large ones are cut
 * from the arena (arena.c). What is kept for large blocks is never more than what was live at the peak of the recent past. */
#include "core.h"
#include <pthread.h>
#include <sys/mman.h>

enum { MIN_SHIFT = 6, STEPS = 8, CLASSES = (48 - MIN_SHIFT) * STEPS };
static const size_t small_page = 4096, large_from = (size_t)1 << 20, slab_bytes = (size_t)1 << 18;

typedef struct block { struct block *next; } block;  /* what a cached block holds */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *free_lists[CLASSES];
static gt_pool_stats stats;
static double cached_small;
static char *slab, *slab_end; /* small blocks are cut from slabs that are never given back */

/* fork() waits until the lists are whole, so that the child can go on with them. */
static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork_parent(void) { pthread_mutex_unlock(&lock); }
static void after_fork_child(void) { pthread_mutex_init(&lock, NULL); }
__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(before_fork, after_fork_parent, after_fork_child); }

/* Index of the smallest class that holds `bytes`, and that class's size. */
static int class_of(size_t bytes, size_t *size) {
  bytes = (bytes + 63) & ~(size_t)63;
  if (bytes <= (size_t)1 << MIN_SHIFT) { *size = (size_t)1 << MIN_SHIFT; return 0; }
  int shift = 63 - __builtin_clzll((unsigned long long)(bytes - 1)); /* 2^shift < bytes <= 2^(shift+1) */
  size_t base = (size_t)1 << shift, step = base / STEPS < 64 ? 64 : base / STEPS;
  size_t k = (bytes - base + step - 1) / step;
  *size = base + k * step;
  return (shift - MIN_SHIFT) * STEPS + (int)k;
}

static size_t round_up(size_t size, size_t page) { return (size + page - 1) & ~(page - 1); }

static void *small_block(size_t size) {
  if ((size_t)(slab_end - slab) < size) {
    /* What is left of the old slab is smaller than one small block of this class; it is forgotten. */
    size_t bytes = round_up(size > slab_bytes / 4 ? size * 4 : slab_bytes, small_page);
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    stats.mapped += (double)bytes;
    slab = p;
    slab_end = p + bytes;
  }
  void *p = slab;
  slab += size;
  return p;
}

static void *large_block(size_t size) {
  size_t fresh;
  void *p = gt__arena_take(size, &fresh);
  if (!p) {
    gt__arena_trim(0);
    p = gt__arena_take(size, &fresh);
  }
  if (p) stats.mapped += (double)fresh;
  return p;
}

/* Called with the lock held. */
static void count_cached(void) { stats.cached = cached_small + gt__arena_warm(); }

void *gt__pool_alloc(size_t bytes, size_t *capacity) {
  if (bytes > (size_t)GT__MOST) {
    gt__fail(GT_ENOMEM, "out of memory: %.3g GB were asked for", (double)bytes / 1e9);
    return NULL;
  }
  size_t size;
  bool large = bytes > large_from;
  int c = large ? 0 : class_of(bytes, &size);
  if (large) size = gt__arena_size(bytes);
  pthread_mutex_lock(&lock);
  if (stats.limit > 0 && stats.live + (double)size > stats.limit) {
    double live = stats.live, limit = stats.limit;
    pthread_mutex_unlock(&lock);
    gt__fail(GT_ENOMEM, "out of memory: %.1f MB more than the %.1f MB in use would pass the limit of %.1f MB", (double)bytes / 1e6, live / 1e6,
             limit / 1e6);
    return NULL;
  }
  void *p;
  if (large) {
    p = large_block(size);
  } else if ((p = free_lists[c])) {
    free_lists[c] = ((block *)p)->next;
    cached_small -= (double)size;
  } else {
    p = small_block(size);
  }
  count_cached();
  if (p) {
    stats.live += (double)size;
    stats.allocations += 1;
    if (stats.live > stats.peak) stats.peak = stats.live;
  }
  double live = stats.live;
  pthread_mutex_unlock(&lock);
  if (!p) {
    gt__fail(GT_ENOMEM, "out of memory: no %.1f MB to be had beside the %.1f MB in use", (double)bytes / 1e6, live / 1e6);
    return NULL;
  }
  if (capacity) *capacity = size;
  return p;
}

void gt__pool_free(void *p, size_t capacity) {
  if (!p) return;
  size_t size = capacity;
  bool large = capacity > large_from;
  int c = large ? 0 : class_of(capacity, &size);
  pthread_mutex_lock(&lock);
  stats.live -= (double)size;
  if (large) {
    if (!gt__arena_give(p, size)) munmap(p, size);
    else if (gt__arena_warm() > stats.peak) gt__arena_trim(stats.peak / 2);
  } else {
    *(block *)p = (block){free_lists[c]};
    free_lists[c] = p;
    cached_small += (double)size;
  }
  count_cached();
  pthread_mutex_unlock(&lock);
}

int gt__scratch_alloc(gt__scratch *s, size_t bytes) {
  s->ptr = gt__pool_alloc(bytes ? bytes : 1, &s->capacity);
  return s->ptr ? GT_OK : GT_ENOMEM;
}

void gt__scratch_free(gt__scratch *s) {
  gt__pool_free(s->ptr, s->capacity);
  s->ptr = NULL;
}

const gt_pool_stats *gt_pool(void) { return &stats; }

void gt_pool_set_limit(double bytes) {
  pthread_mutex_lock(&lock);
  stats.limit = bytes > 0 ? bytes : 0;
  pthread_mutex_unlock(&lock);
}

void gt_pool_reset_peak(void) {
  pthread_mutex_lock(&lock);
  stats.peak = stats.live;
  pthread_mutex_unlock(&lock);
}

void gt_pool_trim(void) {
  pthread_mutex_lock(&lock);
  gt__arena_trim(0);
  count_cached();
  pthread_mutex_unlock(&lock);
}
