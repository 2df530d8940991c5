/* packed.c: forms of weights that kernels made for themselves, kept while the weights do not change.
 *
 * A weight is used several times between two updates (real and generated images, one network's step and the other's), and
 * putting it in a kernel's order costs as much as a good part of the arithmetic. A form belongs to a storage and is good for one
 * version of it; it is made anew in the same memory when the version has moved, and dropped with the storage. Where several
 * callers want one form at once and it has to be made, all but the first get a private one.
 *
 * Training uses each version of a weight equally often. So a form's memory goes when the form has been used as often as the versions
 * before were: one that is used once between two updates takes memory only while it is used. Where that guess is wrong it is made again. */
#include "core.h"
#include <pthread.h>
#include <string.h>

struct gt__packed {
  gt__packed *next;
  const gt_storage *store;   /* NULL: a private form, in no list */
  uint64_t version, form, used;
  int64_t uses, expected, fewer; /* of this version; of one (0: not known); versions in a row that were used less */
  bool brief;                /* there is no room to keep it */
  int64_t offset, shape[GT_MAX_RANK];
  int rank, users;
  gt__scratch memory;
  size_t bytes;
};

enum { SHARE = 4,            /* forms take at most this part of the memory limit, and else `most` bytes */
       PATIENCE = 16 };      /* versions after which less use is no exception */
static const double most = 160e6;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gt__packed *first;
static uint64_t clock_now;
static double kept;          /* bytes of all in the list that have memory */

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

/* Takes a form's memory; the form itself stays known. Called with the lock held. */
static gt__scratch take_memory(gt__packed *p) {
  gt__scratch memory = p->memory;
  if (memory.ptr) kept -= (double)p->bytes;
  p->memory.ptr = NULL;
  return memory;
}

/* Takes a form of a storage that nobody uses out of the list. Called with the lock held; the caller discards it. */
static gt__packed *take(const gt_storage *s) {
  for (gt__packed **p = &first; *p; p = &(*p)->next) {
    gt__packed *found = *p;
    if (found->users || found->store != s) continue;
    *p = found->next;
    if (found->memory.ptr) kept -= (double)found->bytes;
    return found;
  }
  return NULL;
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
        if ((*q)->memory.ptr) kept -= (double)(*q)->bytes;
        (*q)->store = NULL;
        *q = (*q)->next;
      }
    pthread_mutex_unlock(&lock);
    if (!p) return;
    discard(p);
  }
}

/* Lets go of the memory of forms that nobody uses until those that are kept leave room for `bytes`: first of what is no longer good, then of
 * what was used least recently. */
static void make_room(double bytes, double room) {
  for (;;) {
    gt__scratch memory = {0};
    pthread_mutex_lock(&lock);
    if (kept + bytes > room) {
      gt__packed *old = NULL;
      for (gt__packed *p = first; p; p = p->next) {
        if (p->users || !p->memory.ptr) continue;
        if (!old || (is_stale(p) && !is_stale(old)) || (is_stale(p) == is_stale(old) && p->used < old->used)) old = p;
      }
      if (old) memory = take_memory(old);
    }
    pthread_mutex_unlock(&lock);
    if (!memory.ptr) return;
    gt__scratch_free(&memory);
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

/* Another version of a form: how often was the last one used? */
static void begin_version(gt__packed *p) {
  if (p->uses >= p->expected) p->expected = p->uses, p->fewer = 0;
  else if (++p->fewer >= PATIENCE) p->expected = p->uses, p->fewer = 0;
  p->uses = 0;
}

/* The form as it is in the list, in use by the caller from here on. *stale: it has to be made. NULL: there is none, or it has to be made
 * while others use it. */
static gt__packed *look_up(const gt_tensor *t, uint64_t form, size_t bytes, bool *stale) {
  for (gt__packed *p = first; p; p = p->next) {
    if (!is_of(p, t, form, bytes)) continue;
    bool other = is_stale(p);
    *stale = other || !p->memory.ptr;
    if (*stale && p->users) return NULL;
    if (other) begin_version(p);
    p->uses++;
    p->users++;
    p->used = ++clock_now;
    return p;
  }
  return NULL;
}

/* Memory for a form of the list that lost its own; the caller is its only user. */
static int refill(gt__packed *p, double room) {
  make_room((double)p->bytes, room);
  int code = gt__scratch_alloc(&p->memory, p->bytes);
  pthread_mutex_lock(&lock);
  if (code) p->users--;
  else if (p->store) kept += (double)p->bytes, p->brief = kept > room;
  bool over = code && !p->store;
  pthread_mutex_unlock(&lock);
  if (over) discard(p);
  return code;
}

int gt__packed_get(gt__packed **packed, const gt_tensor *t, uint64_t form, size_t bytes, void (*fill)(void *, void *), void *context) {
  bool stale = true;
  uint64_t version = __atomic_load_n(&t->store->version, __ATOMIC_RELAXED);
  pthread_mutex_lock(&lock);
  gt__packed *p = look_up(t, form, bytes, &stale);
  bool known = p != NULL;
  if (p && stale) p->version = ~(uint64_t)0; /* nobody else takes it before it is made */
  pthread_mutex_unlock(&lock);
  double room = gt_pool()->limit > 0 ? gt_pool()->limit / SHARE : most;
  if (!known) {
    make_room((double)bytes, room);
    GT_TRY(fresh(&p, bytes));
  } else if (!p->memory.ptr) {
    GT_TRY(refill(p, room));
  }
  if (stale) fill(p->memory.ptr, context);
  pthread_mutex_lock(&lock);
  for (gt__packed *q = first; q && !known; q = q->next) known = is_of(q, t, form, bytes); /* another caller's: this one stays private */
  if (!known && kept + (double)bytes <= room) {
    p->store = t->store;
    p->form = form, p->offset = t->offset, p->rank = t->rank;
    memcpy(p->shape, t->shape, (size_t)t->rank * sizeof *t->shape);
    p->used = ++clock_now;
    p->uses = 1;
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
  gt__scratch done = {0};
  pthread_mutex_lock(&lock);
  packed->users--;
  bool over = !packed->store && !packed->users;
  if (packed->store && !packed->users && (packed->brief || (packed->expected && packed->uses >= packed->expected))) {
    done = take_memory(packed);
  }
  pthread_mutex_unlock(&lock);
  gt__scratch_free(&done);
  if (over) discard(packed);
}
