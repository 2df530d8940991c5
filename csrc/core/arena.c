/* arena.c: the memory of large blocks: addresses in one order, cut and joined again.
 *
 * A step's large blocks are of many sizes and live in turns. Kept by size, each size would hold its own memory at its own peak; here the
 * memory of one is the next one's, whatever their sizes. A block is taken where it fits most closely, and where the fewest pages are new;
 * neighbours that are free are joined. The system gives regions of huge pages, which become memory when they are written to (warm), and
 * are given back, but for their addresses, by arena_trim. Not thread-safe: the pool's lock is held. */
#include "core.h"
#include <string.h>
#include <sys/mman.h>

enum { GRAIN = 1 << 16, FIRST_ROOM = 256 };
static const size_t huge_page = (size_t)2 << 20, region = (size_t)256 << 20;

/* A free piece. warm: so many of its bytes were written to, as far as is known those at its beginning. */
typedef struct piece { char *at; size_t size, warm; } piece;

static piece *pieces;        /* in the order of addresses */
static int64_t count, room;
static double warm_bytes;    /* of all pieces */

static size_t round_up(size_t size, size_t unit) { return (size + unit - 1) & ~(unit - 1); }

static void *map(size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

/* Room for one more piece than there are. */
static bool has_room(void) {
  if (count < room) return true;
  int64_t more = room ? 2 * room : FIRST_ROOM;
  piece *p = map(round_up((size_t)more * sizeof *p, 4096));
  if (!p) return false;
  if (room) {
    memcpy(p, pieces, (size_t)count * sizeof *p);
    munmap(pieces, round_up((size_t)room * sizeof *p, 4096));
  }
  pieces = p;
  room = more;
  return true;
}

/* Adds a piece, joined to its neighbours; there is room. */
static void put(char *at, size_t size, size_t warm) {
  int64_t low = 0, high = count; /* the first piece behind it */
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (pieces[middle].at < at) low = middle + 1;
    else high = middle;
  }
  warm_bytes += (double)warm;
  if (low < count && at + size == pieces[low].at) {
    pieces[low].at = at;
    pieces[low].size += size, pieces[low].warm += warm;
  } else {
    memmove(pieces + low + 1, pieces + low, (size_t)(count++ - low) * sizeof *pieces);
    pieces[low] = (piece){at, size, warm};
  }
  if (low > 0 && pieces[low - 1].at + pieces[low - 1].size == pieces[low].at) {
    pieces[low - 1].size += pieces[low].size, pieces[low - 1].warm += pieces[low].warm;
    memmove(pieces + low, pieces + low + 1, (size_t)(--count - low) * sizeof *pieces);
  }
}

/* A region of whole huge pages with `size` bytes or more. */
static bool grow(size_t size) {
  if (!has_room()) return false;
  for (size_t bytes = size > region ? round_up(size, huge_page) : region;; bytes = round_up(size, huge_page)) {
    char *p = map(bytes + huge_page);
    if (p) {
      char *start = (char *)round_up((size_t)p, huge_page);
      if (start > p) munmap(p, (size_t)(start - p));
      if (p + huge_page > start) munmap(start + bytes, (size_t)(p + huge_page - start));
#ifdef MADV_HUGEPAGE
      madvise(start, bytes, MADV_HUGEPAGE);
#endif
      put(start, bytes, 0);
      return true;
    }
    if (bytes == round_up(size, huge_page)) return false;
  }
}

/* Where `size` bytes fit: with the fewest new pages, then most closely, then lowest. -1: nowhere. */
static int64_t best(size_t size) {
  int64_t found = -1;
  size_t fresh = 0;
  for (int64_t i = 0; i < count; i++) {
    if (pieces[i].size < size) continue;
    size_t its = pieces[i].warm < size ? size - pieces[i].warm : 0;
    if (found >= 0 && (its > fresh || (its == fresh && pieces[i].size >= pieces[found].size))) continue;
    found = i;
    fresh = its;
  }
  return found;
}

size_t gt__arena_size(size_t bytes) { return round_up(bytes, GRAIN); }

void *gt__arena_take(size_t size, size_t *fresh) {
  int64_t i = best(size);
  if (i < 0) {
    if (!grow(size)) return NULL;
    i = best(size);
  }
  piece *p = &pieces[i];
  char *at = p->at;
  size_t warm = p->warm < size ? p->warm : size;
  *fresh = size - warm;
  warm_bytes -= (double)warm;
  p->at += size, p->size -= size, p->warm -= warm;
  if (!p->size) memmove(p, p + 1, (size_t)(--count - i) * sizeof *p);
  return at;
}

bool gt__arena_give(void *at, size_t size) {
  if (!has_room()) return false;
  put(at, size, size);
  return true;
}

double gt__arena_warm(void) { return warm_bytes; }

void gt__arena_trim(double keep) {
  while (warm_bytes > keep) {
    piece *largest = NULL;
    for (int64_t i = 0; i < count; i++)
      if (pieces[i].warm && (!largest || pieces[i].warm > largest->warm)) largest = &pieces[i];
    if (!largest) return;
    madvise(largest->at, largest->size, MADV_DONTNEED);
    warm_bytes -= (double)largest->warm;
    largest->warm = 0;
  }
}
