/* pool.c: all memory of tensors and temporaries: 64-byte aligned blocks in size classes, kept for reuse, with counters.
 *
 * A training step asks for the same sizes again and again, and fresh pages cost as much as the arithmetic on them, so freed
 * blocks are kept by class and handed out again. Classes are spaced an eighth of a power of two apart (at most 12.5% waste).
 * Blocks of 2 MB and more are whole huge pages, which costs memory (not counted as live) and saves time.
 * What is cached in large blocks is never more than what was live at the peak of the recent past. */
#include "core.h"
#include <pthread.h>
#include <sys/mman.h>

enum { MIN_SHIFT = 6, STEPS = 8, CLASSES = (48 - MIN_SHIFT) * STEPS };
static const size_t small_page = 4096, huge_page = (size_t)2 << 20, map_from = (size_t)1 << 20, slab_bytes = (size_t)1 << 18;
static const size_t wide_from = (size_t)16 << 20;

typedef struct block { struct block *next; size_t size; } block;  /* what a cached block holds */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *free_lists[CLASSES];
static gt_pool_stats stats;
static double cached_large; /* of stats.cached, the bytes in blocks that can be given back */
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

static void *map_block(size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
  if (size >= huge_page) madvise(p, size, MADV_HUGEPAGE);
#endif
  stats.mapped += (double)size;
  return p;
}

static size_t round_up(size_t size, size_t page) { return (size + page - 1) & ~(page - 1); }

/* What a large block takes of the system: whole huge pages from the size of one on. */
static size_t mapped_size(size_t size) { return round_up(size, size >= huge_page ? huge_page : small_page); }

static void *fresh_block(size_t size) {
  if (size >= map_from) return map_block(mapped_size(size));
  if ((size_t)(slab_end - slab) < size) {
    /* What is left of the old slab is smaller than one small block of this class; it is forgotten. */
    size_t bytes = round_up(size > slab_bytes / 4 ? size * 4 : slab_bytes, small_page);
    char *p = map_block(bytes);
    if (!p) return NULL;
    slab = p;
    slab_end = p + bytes;
  }
  void *p = slab;
  slab += size;
  return p;
}

/* Gives cached large blocks back until at most `keep` bytes of them are left. Called with the lock held. */
static void trim(double keep) {
  for (int c = CLASSES - 1; c >= 0 && cached_large > keep; c--) {
    while (free_lists[c] && free_lists[c]->size >= map_from && cached_large > keep) {
      block *b = free_lists[c];
      size_t size = b->size;
      free_lists[c] = b->next;
      stats.cached -= (double)size;
      cached_large -= (double)size;
      munmap(b, mapped_size(size));
    }
  }
}

void *gt__pool_alloc(size_t bytes, size_t *capacity) {
  if (bytes > (size_t)GT__MOST) {
    gt__fail(GT_ENOMEM, "out of memory: %.3g GB were asked for", (double)bytes / 1e9);
    return NULL;
  }
  size_t size;
  int c = class_of(bytes, &size);
  pthread_mutex_lock(&lock);
  if (stats.limit > 0 && stats.live + (double)size > stats.limit) {
    double live = stats.live, limit = stats.limit;
    pthread_mutex_unlock(&lock);
    gt__fail(GT_ENOMEM, "out of memory: %.1f MB more than the %.1f MB in use would pass the limit of %.1f MB", (double)bytes / 1e6, live / 1e6,
             limit / 1e6);
    return NULL;
  }
  /* A very large block may be larger than what was asked for, where memory is not short: better than fresh pages. */
  for (int wider = c + 1; size >= wide_from && stats.limit == 0 && !free_lists[c] && wider <= c + STEPS && wider < CLASSES; wider++) {
    if (!free_lists[wider]) continue;
    size = free_lists[wider]->size;
    c = wider;
  }
  void *p = free_lists[c];
  if (p) {
    free_lists[c] = ((block *)p)->next;
    stats.cached -= (double)size;
    if (size >= map_from) cached_large -= (double)size;
  } else {
    p = fresh_block(size);
    if (!p) {
      trim(0);
      p = fresh_block(size);
    }
  }
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
  size_t size;
  int c = class_of(capacity, &size);
  pthread_mutex_lock(&lock);
  *(block *)p = (block){free_lists[c], size};
  free_lists[c] = p;
  stats.live -= (double)size;
  stats.cached += (double)size;
  if (size >= map_from) {
    cached_large += (double)size;
    if (cached_large > stats.peak) trim(stats.peak / 2);
  }
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
  trim(0);
  pthread_mutex_unlock(&lock);
}
