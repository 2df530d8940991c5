/* packed.c: forms of weights that kernels made for themselves, kept while the weights do not change.
 *
 * A weight is used several times between two updates (real and generated images, one network's step and the other's), and
 * putting it in a kernel's order costs as much as a good part of the arithmetic. A form belongs to a storage and is good for one
 * version of it; it is made anew in the same memory when the version has moved, and dropped with the storage. Where several
 * callers want one form at once and it has to be made, all but the first get a private one. */
#include "core.h"
#include <pthread.h>
#include <string.h>

struct gt__packed {
  gt__packed *next;
  const gt_storage *store;   /* NULL: a private form, in no list */
  uint64_t version, form, used;
  int64_t offset, shape[GT_MAX_RANK];
  int rank, users;
  gt__scratch memory;
  size_t bytes;
};

enum { SHARE = 4 };          /* forms take at most this part of the memory limit, and else `most` bytes */
static const double most = 160e6;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gt__packed *first;
static uint64_t clock_now;
static double kept;          /* bytes of all in the list */

static bool is_of(const gt__packed *p, const gt_tensor *t, uint64_t form, size_t bytes) {
  return p->store == t->store && p->form == form && p->offset == t->offset && p->bytes == bytes && p->rank == t->rank &&
         !memcmp(p->shape, t->shape, (size_t)t->rank * sizeof *t->shape);
}

static void discard(gt__packed *p) {
  gt__scratch_free(&p->memory);
  gt__pool_free(p, sizeof *p);
}

static bool is_stale(const gt__packed *p) {
  return p->version != __atomic_load_n(&p->store->version, __ATOMIC_RELAXED) || (p->store->flags & GT_EXPOSED);
}

/* Takes out of the list what nobody uses: of one storage, or (NULL) what is no longer good, else the least recently used. Called with the
 * lock held; the caller discards what is returned, NULL when there is nothing. */
static gt__packed *take(const gt_storage *s) {
  gt__packed **at = NULL;
  for (gt__packed **p = &first; *p; p = &(*p)->next) {
    if ((*p)->users || (s && (*p)->store != s)) continue;
    if (!at || (is_stale(*p) && !is_stale(*at)) || (is_stale(*p) == is_stale(*at) && (*p)->used < (*at)->used)) at = p;
    if (s) break;
  }
  if (!at) return NULL;
  gt__packed *found = *at;
  *at = found->next;
  kept -= (double)found->bytes;
  return found;
}

void gt__packed_drop(const gt_storage *s) {
  for (;;) {
    pthread_mutex_lock(&lock);
    gt__packed *p = take(s);
    if (!p) /* what is still in use is no longer this storage's */
      for (gt__packed **q = &first; *q;) {
        if ((*q)->store != s) {
          q = &(*q)->next;
          continue;
        }
        kept -= (double)(*q)->bytes;
        (*q)->store = NULL;
        *q = (*q)->next;
      }
    pthread_mutex_unlock(&lock);
    if (!p) return;
    discard(p);
  }
}

/* Lets go of forms until those that are kept leave room for `bytes`. */
static void make_room(double bytes, double room) {
  for (;;) {
    pthread_mutex_lock(&lock);
    gt__packed *old = kept + bytes > room ? take(NULL) : NULL;
    pthread_mutex_unlock(&lock);
    if (!old) return;
    discard(old);
  }
}

static int fresh(gt__packed **packed, size_t bytes) {
  gt__packed *p = gt__pool_alloc(sizeof *p, NULL);
  if (!p) return GT_ENOMEM;
  *p = (gt__packed){.bytes = bytes, .users = 1};
  int code = gt__scratch_alloc(&p->memory, bytes);
  if (code) gt__pool_free(p, sizeof *p);
  else *packed = p;
  return code;
}

/* The form as it is in the list, in use by the caller from here on. *stale: it has to be made. NULL: there is none, or it has to be made
 * while others use it. */
static gt__packed *look_up(const gt_tensor *t, uint64_t form, size_t bytes, bool *stale) {
  for (gt__packed *p = first; p; p = p->next) {
    if (!is_of(p, t, form, bytes)) continue;
    *stale = is_stale(p);
    if (*stale && p->users) return NULL;
    p->users++;
    p->used = ++clock_now;
    return p;
  }
  return NULL;
}

int gt__packed_get(gt__packed **packed, const gt_tensor *t, uint64_t form, size_t bytes, void (*fill)(void *, void *), void *context) {
  bool stale = true;
  uint64_t version = __atomic_load_n(&t->store->version, __ATOMIC_RELAXED);
  pthread_mutex_lock(&lock);
  gt__packed *p = look_up(t, form, bytes, &stale);
  if (p && stale) p->version = ~(uint64_t)0; /* nobody else takes it before it is made */
  pthread_mutex_unlock(&lock);
  double room = gt_pool()->limit > 0 ? gt_pool()->limit / SHARE : most;
  if (!p) {
    make_room((double)bytes, room);
    GT_TRY(fresh(&p, bytes));
  }
  if (stale) fill(p->memory.ptr, context);
  pthread_mutex_lock(&lock);
  bool known = p->store != NULL; /* or another caller's form came in meanwhile: this one stays private */
  for (gt__packed *q = first; q && !known; q = q->next) known = is_of(q, t, form, bytes);
  if (!known && kept + (double)bytes <= room) {
    p->store = t->store;
    p->form = form, p->offset = t->offset, p->rank = t->rank;
    memcpy(p->shape, t->shape, (size_t)t->rank * sizeof *t->shape);
    p->used = ++clock_now;
    p->next = first;
    first = p;
    kept += (double)bytes;
    __atomic_or_fetch(&t->store->flags, GT_PACKED, __ATOMIC_RELAXED);
  }
  if (stale) p->version = version;
  pthread_mutex_unlock(&lock);
  *packed = p;
  return GT_OK;
}

void *gt__packed_data(const gt__packed *packed) { return packed->memory.ptr; }

void gt__packed_put(gt__packed *packed) {
  pthread_mutex_lock(&lock);
  packed->users--;
  bool over = !packed->store && !packed->users;
  pthread_mutex_unlock(&lock);
  if (over) discard(packed);
}
