/* channels.c: passes over tensors with numbers for each channel, in tasks that are cut by the sizes alone. A sum is made of its tasks'
 * sums, added in their order. */
#include "ops.h"
#include "channels.h"
#include "layout.h"
#include <string.h>

enum { NARROW = 64, TILE = 1024, LEAST_ROWS = 128 };

void gt__channels_cut(gt__channels *s, const gt_tensor *x) {
  *s = (gt__channels){.dtype = x->dtype, .n = x->shape[0], .c = x->shape[1], .positions = 1};
  for (int d = 2; d < x->rank; d++) s->positions *= x->shape[d];
  s->columns = s->positions == 1 || gt__lies_inner(x);
  if (s->n * s->c * s->positions == 0) return;
  if (s->columns) {
    const int64_t together = s->c < NARROW ? NARROW / s->c : 1, rows = s->n * s->positions;
    s->width = together * s->c;
    s->rows = rows / together;
    s->rest = rows % together * s->c;
    s->tile = gt__min(s->width, TILE);
    s->per_part = gt__max(LEAST_ROWS, GT__CHUNK / s->tile);
    s->parts = gt__max(1, gt__ceil_div(s->rows, s->per_part));
  } else {
    s->width = s->c;
    s->rows = s->n;
    s->segment = gt__min(s->positions, GT__CHUNK);
    s->tile = gt__min(s->c, gt__max(1, GT__CHUNK / s->positions));
    s->per_part = gt__max(1, GT__CHUNK / (s->tile * s->segment));
    s->parts = gt__ceil_div(s->rows, s->per_part) * gt__ceil_div(s->positions, s->segment);
  }
  s->tiles = gt__ceil_div(s->width, s->tile);
}

int gt__channels_vectors(gt__channel_vectors *v, const gt__channels *s) {
  const size_t bytes = (size_t)gt__max(s->width, s->c) * gt_dtype_size(s->dtype);
  GT_TRY(gt__scratch_alloc(&v->memory, 6 * bytes));
  char *p = v->memory.ptr;
  memset(p, 0, 6 * bytes);
  v->center = p, v->gain = p + bytes, v->bias = p + 2 * bytes, v->lift = p + 3 * bytes, v->tilt = p + 4 * bytes, v->own_scale = p + 5 * bytes;
  v->scale = v->gain;
  return GT_OK;
}

void gt__channels_set(const gt__channels *s, void *vector, int64_t c, double value) {
  for (int64_t i = c; i < gt__max(s->width, s->c); i += s->c) {
    if (s->dtype == GT_FLOAT) ((float *)vector)[i] = (float)value;
    else ((double *)vector)[i] = value;
  }
}

typedef struct pass {
  const gt__channels *s;
  void (*loop)(const gt__channel_block *b);
  gt__channel_block block;                 /* of the whole: what all tasks have in common */
  double *sums, *products;                 /* parts x width, or NULL */
} pass;

/* The block that lies `at` numbers behind the first, whose first channel is `channel`. */
static gt__channel_block block_at(const pass *p, int64_t at, int64_t channel, int64_t part) {
  const int64_t size = (int64_t)gt_dtype_size(p->s->dtype), sums = part * p->s->width + channel;
  gt__channel_block b = p->block;
  b.x = (const char *)b.x + at * size;
  if (b.gy) b.gy = (const char *)b.gy + at * size;
  if (b.out) b.out = (char *)b.out + at * size;
  b.center = (const char *)b.center + channel * size;
  b.gain = (const char *)b.gain + channel * size;
  b.bias = (const char *)b.bias + channel * size;
  b.lift = (const char *)b.lift + channel * size;
  b.tilt = (const char *)b.tilt + channel * size;
  b.scale = (const char *)b.scale + channel * size;
  if (p->sums) b.sum = p->sums + sums, b.product = p->products + sums;
  return b;
}

static void columns_task(const pass *p, int64_t part, int64_t tile) {
  const gt__channels *s = p->s;
  const int64_t first = part * s->per_part, column = tile * s->tile;
  gt__channel_block b = block_at(p, first * s->width + column, column, part);
  b.rows = gt__min(s->per_part, s->rows - first);
  b.cols = gt__min(s->tile, s->width - column);
  b.step = s->width;
  p->loop(&b);
  if (s->rest && part == s->parts - 1) {   /* there is one tile: rows were few enough to be taken together */
    b = block_at(p, s->rows * s->width, 0, part);
    b.rows = 1;
    b.cols = b.step = s->rest;
    p->loop(&b);
  }
}

static void planes_task(const pass *p, int64_t part, int64_t tile) {
  const gt__channels *s = p->s;
  const int64_t segments = gt__ceil_div(s->positions, s->segment), from = part % segments * s->segment;
  const int64_t image = part / segments * s->per_part, end = gt__min(s->c, (tile + 1) * s->tile);
  for (int64_t c = tile * s->tile; c < end; c++) {
    gt__channel_block b = block_at(p, (image * s->c + c) * s->positions + from, c, part);
    b.rows = gt__min(s->per_part, s->rows - image);
    b.cols = gt__min(s->segment, s->positions - from);
    b.step = s->c * s->positions;
    p->loop(&b);
  }
}

static void task(void *context, int64_t i) {
  const pass *p = context;
  (p->s->columns ? columns_task : planes_task)(p, i / p->s->tiles, i % p->s->tiles);
}

/* From the end: what the last pass left in the caches comes first. */
static void task_from_end(void *context, int64_t i) {
  const pass *p = context;
  task(context, p->s->parts * p->s->tiles - 1 - i);
}

static pass pass_of(const gt__channels *s, int loop, const gt__channel_vectors *v, const void *x, const void *gy, double slope) {
  return (pass){.s = s, .loop = gt__loops()->channels[loop][s->columns][s->dtype == GT_DOUBLE],
                .block = {.x = x, .gy = gy, .center = v->center, .gain = v->gain, .bias = v->bias, .lift = v->lift, .tilt = v->tilt,
                          .scale = v->scale, .slope = slope}};
}

int gt__channels_sums(const gt__channels *s, int loop, double *sum, double *product, const gt__channel_vectors *v, const void *x, const void *gy,
                      double slope) {
  pass p = pass_of(s, loop, v, x, gy, slope);
  gt__scratch memory;
  const int64_t count = s->parts * s->width;
  memset(sum, 0, (size_t)s->c * sizeof *sum);
  memset(product, 0, (size_t)s->c * sizeof *product);
  if (count == 0) return GT_OK;
  GT_TRY(gt__scratch_alloc(&memory, (size_t)(2 * count) * sizeof(double)));
  p.sums = memory.ptr;
  p.products = p.sums + count;
  memset(p.sums, 0, (size_t)(2 * count) * sizeof(double));
  gt__parallel(s->parts * s->tiles, task, &p);
  for (int64_t i = 0; i < count; i += s->c) {
    for (int64_t c = 0; c < s->c; c++) {
      sum[c] += p.sums[i + c];
      product[c] += p.products[i + c];
    }
  }
  gt__scratch_free(&memory);
  return GT_OK;
}

void gt__channels_map(const gt__channels *s, int loop, void *out, const gt__channel_vectors *v, const void *x, const void *gy, double slope) {
  pass p = pass_of(s, loop, v, x, gy, slope);
  p.block.out = out;
  gt__parallel(s->parts * s->tiles, task_from_end, &p);
}
