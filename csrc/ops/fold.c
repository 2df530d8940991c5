/* fold.c: reduction of the middle dimension of an outer x length x inner block, on the thread pool.
 *
 * Long reductions are cut into segments whose results are combined in order. How the work is cut and in which order
 * elements are added follows from the three counts alone: long rows (inner is 1) add into lanes, columns add row by
 * row. */
#include "fold.h"
#include <math.h>

enum { TILE = 1024, SHORT_ROW = 2 * GT__LANES };
enum { ADD, MULTIPLY, LARGEST, SMALLEST };

#define real float
#define K(name) name##_float
#include "../kernels/positions.inl"
#undef real
#undef K
#define real double
#define K(name) name##_double
#include "../kernels/positions.inl"
#undef real
#undef K

#define STEP(name, first, expression, combine) {first, combine},
static const struct {
  double first;
  int combine;
} steps[] = {GT_REDUCE_STEPS(STEP)};

static inline double combined(int how, double a, double b) {
  switch (how) {
  case ADD: return a + b;
  case MULTIPLY: return a * b;
  case LARGEST: return b > a || b != b ? b : a;
  default: return b < a || b != b ? b : a;
  }
}

static inline const char *element(const gt__block *b, int64_t offset) {
  return (const char *)b->data + offset * (int64_t)gt_dtype_size(b->dtype);
}

typedef struct {
  const gt__block *b;
  const double *shift;
  double constant, *out;
  int step, wide;                          /* wide: 1 for double */
  int64_t tiles, rows, segments, units, per_task;
} fold_context;

/* One row, or one segment of it. */
static double fold_row(const fold_context *c, int64_t o, int64_t start, int64_t n) {
  const gt__block *b = c->b;
  const char *row = element(b, o * b->outer_step + start * b->step);
  double s = c->shift ? c->shift[o] : c->constant, lanes[GT__LANES];
  gt__fold_row *fold = gt__loops()->rows[c->step][c->wide];
  const int combine = steps[c->step].combine;
  for (int j = 0; j < GT__LANES; j++) lanes[j] = steps[c->step].first;
  if (b->step == 1) {
    fold(lanes, row, n, s);
  } else {
    double block[TILE];
    for (int64_t i = 0; i < n; i += TILE) {
      const char *from = row + i * b->step * (int64_t)gt_dtype_size(b->dtype);
      int64_t m = gt__min(TILE, n - i);
      (c->wide ? gather_double : gather_float)(block, from, m, b->step);
      fold(lanes, block, m, s);
    }
  }
  for (int half = GT__LANES / 2; half; half /= 2)
    for (int j = 0; j < half; j++) lanes[j] = combined(combine, lanes[j], lanes[j + half]);
  return lanes[0];
}

/* A unit is a tile of up to TILE neighbouring results, and one segment of the rows that they fold. */
static void fold_unit(const fold_context *c, int64_t unit) {
  const gt__block *b = c->b;
  int64_t segment = unit % c->segments, tile = unit / c->segments % c->tiles, o = unit / c->segments / c->tiles;
  int64_t start = segment * c->rows, n = gt__min(c->rows, b->length - start), results = b->outer * b->inner;
  double *out = c->out + segment * results + o * b->inner + tile * TILE;
  if (b->inner == 1 && b->length >= SHORT_ROW) {
    *out = fold_row(c, o, start, n);
    return;
  }
  double constants[TILE];
  const double *shift = c->shift ? c->shift + o * b->inner + tile * TILE : constants;
  int64_t columns = gt__min(TILE, b->inner - tile * TILE);
  for (int64_t k = 0; k < columns; k++) {
    constants[k] = c->constant;
    out[k] = steps[c->step].first;
  }
  gt__fold_columns *fold = gt__loops()->columns[c->step][c->wide];
  const char *from = element(b, o * b->outer_step + start * b->step + tile * TILE * b->inner_step);
  if (b->inner_step == 1) {
    fold(out, from, n, columns, b->step, shift);
    return;
  }
  double row[TILE];
  for (int64_t j = 0; j < n; j++, from += b->step * (int64_t)gt_dtype_size(b->dtype)) {
    (c->wide ? gather_double : gather_float)(row, from, columns, b->inner_step);
    fold(out, row, 1, columns, 0, shift);
  }
}

static void fold_task(void *context, int64_t i) {
  const fold_context *c = context;
  for (int64_t k = i * c->per_task, end = gt__min(k + c->per_task, c->units); k < end; k++) fold_unit(c, k);
}

int gt__fold(double *out, int step, const gt__block *b, const double *shift, double constant) {
  int64_t results = b->outer * b->inner;
  gt__block turned = *b;
  gt__scratch partial = {0};
  if (results == 0) return GT_OK;
  if (b->length == 0) {
    for (int64_t i = 0; i < results; i++) out[i] = steps[step].first;
    return GT_OK;
  }
  if (b->inner == 1 && b->length < SHORT_ROW) { /* many short rows are columns side by side */
    turned.inner = b->outer, turned.inner_step = b->outer_step;
    turned.outer = 1;
    b = &turned;
  }
  fold_context c = {.b = b, .shift = shift, .constant = constant, .out = out, .step = step, .wide = b->dtype == GT_DOUBLE};
  int64_t width = gt__min(b->inner, TILE);
  c.tiles = gt__ceil_div(b->inner, TILE);
  c.rows = GT__CHUNK / width;
  c.segments = gt__ceil_div(b->length, c.rows);
  c.units = b->outer * c.tiles * c.segments;
  c.per_task = gt__max(1, GT__CHUNK / (width * gt__min(b->length, c.rows)));
  if (c.segments > 1) {
    GT_TRY(gt__scratch_alloc(&partial, (size_t)(results * c.segments) * sizeof(double)));
    c.out = partial.ptr;
  }
  gt__parallel(gt__ceil_div(c.units, c.per_task), fold_task, &c);
  if (c.segments > 1) {
    for (int64_t i = 0; i < results; i++) out[i] = c.out[i];
    for (int64_t s = 1; s < c.segments; s++)
      for (int64_t i = 0; i < results; i++) out[i] = combined(steps[step].combine, out[i], c.out[s * results + i]);
    gt__scratch_free(&partial);
  }
  return GT_OK;
}

/* ---- positions and running values: units are tiles of results, whole in the middle dimension --------------------------- */

typedef struct {
  const gt__block *b;
  int64_t *index;
  const double *value;
  char *r;
  const int64_t *r_step;
  bool product;
  int64_t tiles, units, per_task;
} tile_context;

static void run_tiles(tile_context *c, gt__task task) {
  const gt__block *b = c->b;
  int64_t cost = gt__min(b->inner, TILE) * gt__max(1, b->length);
  c->tiles = gt__ceil_div(b->inner, TILE);
  c->units = b->outer * c->tiles;
  c->per_task = gt__max(1, GT__CHUNK / gt__max(1, cost));
  gt__parallel(gt__ceil_div(c->units, c->per_task), task, c);
}

static void find_task(void *context, int64_t i) {
  const tile_context *c = context;
  const gt__block *b = c->b;
  for (int64_t k = i * c->per_task, end = gt__min(k + c->per_task, c->units); k < end; k++) {
    int64_t o = k / c->tiles, first = k % c->tiles * TILE, at = o * b->inner + first;
    (b->dtype == GT_DOUBLE ? find_double : find_float)(c->index + at, element(b, o * b->outer_step + first * b->inner_step), b->length,
                                                       gt__min(TILE, b->inner - first), b->step, b->inner_step, c->value + at);
  }
}

void gt__fold_find(int64_t *index, const gt__block *b, const double *value) {
  tile_context c = {.b = b, .index = index, .value = value};
  run_tiles(&c, find_task);
}

static void running_task(void *context, int64_t i) {
  const tile_context *c = context;
  const gt__block *b = c->b;
  for (int64_t k = i * c->per_task, end = gt__min(k + c->per_task, c->units); k < end; k++) {
    double total[TILE];
    int64_t o = k / c->tiles, first = k % c->tiles * TILE, columns = gt__min(TILE, b->inner - first);
    int64_t at = (o * c->r_step[0] + first * c->r_step[2]) * (int64_t)gt_dtype_size(b->dtype);
    for (int64_t j = 0; j < columns; j++) total[j] = c->product ? 1 : 0;
    (b->dtype == GT_DOUBLE ? cumulate_double : cumulate_float)(c->r + at, element(b, o * b->outer_step + first * b->inner_step), total,
                                                               c->product, b->length, columns, c->r_step + 1,
                                                               (int64_t[]){b->step, b->inner_step});
  }
}

void gt__fold_running(void *r, const int64_t *r_step, const gt__block *b, bool product) {
  tile_context c = {.b = b, .r = r, .r_step = r_step, .product = product};
  run_tiles(&c, running_task);
}

/* ---- dot product ---------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *a, *b;
  double *out;
  int64_t n, size;
} dot_context;

static void dot_task(void *context, int64_t i) {
  const dot_context *c = context;
  double lanes[GT__LANES] = {0};
  int64_t start = i * GT__CHUNK, n = gt__min(GT__CHUNK, c->n - start);
  gt__loops()->dot[c->size == 8](lanes, c->a + start * c->size, c->b + start * c->size, n);
  for (int half = GT__LANES / 2; half; half /= 2)
    for (int j = 0; j < half; j++) lanes[j] += lanes[j + half];
  c->out[i] = lanes[0];
}

int gt__fold_dot(double *out, int dtype, const void *a, const void *b, int64_t n) {
  gt__scratch partial;
  int64_t tasks = gt__ceil_div(n, GT__CHUNK);
  *out = 0;
  if (n == 0) return GT_OK;
  GT_TRY(gt__scratch_alloc(&partial, (size_t)tasks * sizeof(double)));
  dot_context c = {a, b, partial.ptr, n, (int64_t)gt_dtype_size(dtype)};
  gt__parallel(tasks, dot_task, &c);
  for (int64_t i = 0; i < tasks; i++) *out += c.out[i];
  gt__scratch_free(&partial);
  return GT_OK;
}
