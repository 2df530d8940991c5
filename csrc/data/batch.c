/* batch.c: batches of a loader's pictures, made by background jobs while the caller computes, and handed over as tensors,
 * bytes or -1..1. Jobs write to bytes of the batch's own, so nothing that a program does to its tensors can meet them. */
#include "loader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gt_batch {
  gt_loader *loader;
  int n; /* pictures of the batch under way; 0: none */
  int per_job, jobs, room, job_room;
  int64_t *indices; /* n, then n positions or nothing */
  bool placed;
  gt__job *job;
  gt__scratch bytes;
  int code; /* the first failure; atomic */
  char message[400];
};

static size_t shown_bytes(const gt_loader *l) {
  return (size_t)l->options.channels * (size_t)l->options.height * (size_t)l->options.width;
}

/* One picture; where it cannot be read, the next one that can. */
static int fill(gt_batch *b, int k) {
  gt_loader *l = b->loader;
  uint8_t *out = (uint8_t *)b->bytes.ptr + (size_t)k * shown_bytes(l);
  const int64_t *position = b->placed ? b->indices + b->n + k : NULL;
  int64_t i = b->indices[k], tried = 0;
  int code = gt__loader_make(out, l, i, position);
  while (gt__loader_skips(l, code) && ++tried < l->size) {
    i = i + 1 < l->size ? i + 1 : 0;
    code = gt__loader_make(out, l, i, position);
  }
  if (gt__loader_skips(l, code)) {
    /* Another job may be about to note why; this one knows too. */
    char own[400];
    snprintf(own, sizeof own, "%s", gt_last_error());
    const char *reason = gt_loader_reason(l, 0);
    return gt__fail(code, "data: none of the %lld files can be read; the first: %s", (long long)l->size, reason[0] ? reason : own);
  }
  return code;
}

static void run(void *context, int64_t task) {
  gt_batch *b = context;
  for (int k = (int)task * b->per_job; k < b->n && k < ((int)task + 1) * b->per_job; k++) {
    int code = fill(b, k), none = GT_OK;
    if (code) {
      if (__atomic_compare_exchange_n(&b->code, &none, code, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        strncpy(b->message, gt_last_error(), sizeof b->message - 1);
      return;
    }
  }
}

static void settle(gt_batch *b) {
  for (int j = 0; b->n && j < b->jobs; j++) gt__job_wait(&b->job[j]);
}

gt_batch *gt_batch_new(gt_loader *l) {
  gt_batch *b = calloc(1, sizeof *b);
  if (!b) {
    gt__fail(GT_ENOMEM, "data: no memory for a batch");
    return NULL;
  }
  gt__loader_retain(l);
  b->loader = l;
  return b;
}

void gt_batch_free(gt_batch *b) {
  if (!b) return;
  settle(b);
  gt__scratch_free(&b->bytes);
  free(b->indices);
  free(b->job);
  gt_loader_free(b->loader);
  free(b);
}

/* Room for n pictures; what was there is kept where it is enough. */
static int reserve(gt_batch *b, int n, int jobs) {
  if (n > b->room) {
    gt__scratch_free(&b->bytes);
    b->room = 0;
    GT_TRY(gt__scratch_alloc(&b->bytes, (size_t)n * shown_bytes(b->loader)));
    int64_t *indices = realloc(b->indices, (size_t)n * 2 * sizeof *indices);
    if (!indices) return gt__fail(GT_ENOMEM, "data: no memory for a batch of %d", n);
    b->indices = indices;
    b->room = n;
  }
  if (jobs > b->job_room) {
    gt__job *job = calloc((size_t)jobs, sizeof *job);
    if (!job) return gt__fail(GT_ENOMEM, "data: no memory for a batch of %d", n);
    free(b->job);
    b->job = job;
    b->job_room = jobs;
  }
  return GT_OK;
}

int gt_batch_start(gt_batch *b, const int64_t *indices, const int64_t *positions, int n) {
  gt_loader *l = b->loader;
  if (b->n) return gt__fail(GT_EARG, "data: a batch was started twice without waiting for it");
  if (n < 1 || n > 1 << 20) return gt__fail(GT_EARG, "data: a batch of %d pictures, wanted 1 to %d", n, 1 << 20);
  for (int k = 0; k < n; k++)
    if (indices[k] < 0 || indices[k] >= l->size)
      return gt__fail(GT_EARG, "data: picture %lld is outside 1..%lld", (long long)indices[k] + 1, (long long)l->size);
  /* Short jobs: a thread that runs one joins the training step late. */
  int per_job = l->source == GT__FROM_FILES ? 1 : 4, jobs = (n + per_job - 1) / per_job;
  GT_TRY(reserve(b, n, jobs));
  b->placed = positions != NULL;
  memcpy(b->indices, indices, (size_t)n * sizeof *indices);
  if (b->placed) memcpy(b->indices + n, positions, (size_t)n * sizeof *positions);
  b->per_job = per_job;
  b->jobs = jobs;
  b->n = n;
  b->code = GT_OK;
  for (int j = 0; j < jobs; j++) gt__job_start(&b->job[j], run, b, j);
  return GT_OK;
}

typedef struct {
  gt_tensor *out;
  const uint8_t *bytes;
  int64_t n;
  double table[256];
} conversion;

static void convert(void *context, int64_t task) {
  const conversion *c = context;
  int64_t from = task * GT__CHUNK, to = from + GT__CHUNK < c->n ? from + GT__CHUNK : c->n;
  if (c->out->dtype == GT_FLOAT)
    for (int64_t i = from; i < to; i++) gt__f(c->out)[i] = (float)c->table[c->bytes[i]];
  else
    for (int64_t i = from; i < to; i++) gt__d(c->out)[i] = c->table[c->bytes[i]];
}

int gt_batch_wait(gt_tensor *r, gt_batch *b) {
  const gt_load_options *o = &b->loader->options;
  gt_tensor *out, tmp;
  if (!b->n) return gt__fail(GT_EARG, "data: no batch was started");
  settle(b);
  int n = b->n;
  b->n = 0;
  if (b->code) return gt__fail(b->code, "%s", b->message);
  if (r->dtype != GT_BYTE) GT_TRY(gt__want_real(r, "data: batch"));
  GT_TRY(gt__result(&out, &tmp, r, 4, (const int64_t[]){n, o->channels, o->height, o->width}, false));
  conversion c = {.out = out, .bytes = b->bytes.ptr, .n = n * (int64_t)shown_bytes(b->loader)};
  if (out->dtype == GT_BYTE) {
    memcpy(gt__data(out), c.bytes, (size_t)c.n);
    return gt__commit(r, &tmp, out);
  }
  gt__byte_table(c.table, -1, 1);
  gt__parallel((c.n + GT__CHUNK - 1) / GT__CHUNK, convert, &c);
  return gt__commit(r, &tmp, out);
}
