/* index.c: elements chosen by index tensors and masks: index_*, gather, scatter, masked_*, nonzero. All types.
 *
 * Indices are 1-based LongTensors and are checked before anything is written. Where an index occurs twice, the work is done
 * in order, so the last one wins and sums add up in order. */
#include "ops.h"
#include <string.h>

static int want_index(const gt_tensor *index, const char *name) {
  GT_TRY(gt__usable(index, name));
  if (index->dtype != GT_LONG)
    return gt__fail(GT_ETYPE, "%s: got a %sTensor for indices, wanted a LongTensor", name, gt__dtype_name(index->dtype));
  return GT_OK;
}

static int want_mask(const gt_tensor *mask, const char *name) {
  GT_TRY(gt__usable(mask, name));
  if (mask->dtype != GT_BYTE)
    return gt__fail(GT_ETYPE, "%s: got a %sTensor for the mask, wanted a ByteTensor", name, gt__dtype_name(mask->dtype));
  return GT_OK;
}

typedef struct {
  int64_t limit, bad;
  bool found;
} range;

static void check_range(void *const *data, const int64_t *step, int64_t n, const void *options) {
  range *c = *(range *const *)options;
  const int64_t *index = data[0];
  for (int64_t i = 0; i < n && !c->found; i++) {
    c->bad = index[i * step[0]];
    c->found = c->bad < 1 || c->bad > c->limit;
  }
}

static void walk(gt__iterator *it, gt__inner inner, const void *options) {
  gt__iterator_merge(it, true);
  gt__iterator_part(it, 0, it->count, NULL, inner, options);
}

/* All of index lies in 1..limit. */
static int want_range(const gt_tensor *index, int64_t limit, int dim, const char *name) {
  gt__iterator it;
  range c = {.limit = limit};
  const range *where = &c;
  gt__iterator_start(&it, index->rank, index->shape);
  gt__iterator_add(&it, index);
  walk(&it, check_range, &where);
  if (c.found)
    return gt__fail(GT_EARG, "%s: index %lld is outside 1..%lld of dimension %d", name, (long long)c.bad, (long long)limit, dim + 1);
  return GT_OK;
}

/* ---- slices --------------------------------------------------------------------------------------------------------------- */

#define ADD(name, type, wide)                                                                       \
  static void name(void *const *data, const int64_t *step, int64_t n, const void *options) {        \
    type *r = data[0];                                                                              \
    const type *a = data[1];                                                                        \
    const int64_t rs = step[0], as = step[1];                                                       \
    (void)options;                                                                                  \
    for (int64_t i = 0; i < n; i++) r[i * rs] = (type)((wide)r[i * rs] + (wide)a[i * as]);          \
  }
ADD(add_byte, uint8_t, uint64_t)
ADD(add_char, int8_t, uint64_t)
ADD(add_short, int16_t, uint64_t)
ADD(add_int, int32_t, uint64_t)
ADD(add_long, int64_t, uint64_t)
ADD(add_float, float, float)
ADD(add_double, double, double)
static const gt__inner add_inner[GT_DTYPES] = {add_byte, add_char, add_short, add_int, add_long, add_float, add_double};

/* r and a with their sizes in dimension dim replaced by 1: what one index copies. */
static void slices(gt__iterator *it, const gt_tensor *r, const gt_tensor *a, int dim) {
  int64_t shape[GT_MAX_RANK];
  gt_tensor slice = *r;
  memcpy(shape, r->shape, sizeof shape);
  shape[dim] = slice.shape[dim] = 1;
  gt__iterator_start(it, r->rank, shape);
  gt__iterator_add(it, &slice);
  if (a) {
    slice = *a;
    slice.shape[dim] = 1;
    gt__iterator_add(it, &slice);
  }
  gt__iterator_merge(it, false);
}

typedef struct {
  const gt__iterator *it;
  gt__inner inner;
  const int64_t *index;                    /* the i-th index belongs to slice i of the other operand */
  int64_t index_step, count, per_task, along[2]; /* bytes between slices of r and a */
  int chosen;                              /* the operand whose slices the index chooses: 0 or 1 */
} slice_context;

static void slice_task(void *context, int64_t task) {
  const slice_context *c = context;
  for (int64_t i = task * c->per_task, end = gt__min(i + c->per_task, c->count); i < end; i++) {
    int64_t moved[GT__OPERANDS] = {0};
    moved[c->chosen] = (c->index[i * c->index_step] - 1) * c->along[c->chosen];
    moved[1 - c->chosen] = i * c->along[1 - c->chosen];
    gt__iterator_part(c->it, 0, c->it->count, moved, c->inner, NULL);
  }
}

/* Runs inner on pairs of slices of r and a, on the pool or in order. */
static void run_slices(const gt_tensor *r, const gt_tensor *a, int dim, const gt_tensor *index, int chosen, gt__inner inner,
                       bool in_order) {
  gt__iterator it;
  const int64_t size = (int64_t)gt_dtype_size(r->dtype), count = index->shape[0];
  slices(&it, r, a, dim);
  if (it.count == 0) return;
  slice_context c = {.it = &it, .inner = inner, .index = gt__data(index), .index_step = index->step[0], .count = count, .chosen = chosen,
                     .along = {r->step[dim] * size, a->step[dim] * size}};
  c.per_task = in_order ? count : gt__max(1, GT__CHUNK / it.count);
  gt__parallel(gt__ceil_div(count, c.per_task), slice_task, &c);
}

int gt_index_select(gt_tensor *r, const gt_tensor *a, int dim, const gt_tensor *index) {
  gt_tensor *out, tmp;
  int64_t shape[GT_MAX_RANK];
  GT_TRY(gt__want_same_type(r, a, "index"));
  GT_TRY(want_index(index, "index"));
  GT_TRY(gt__want_dim(a, dim, "index"));
  if (index->rank > 1) return gt__fail(GT_ESHAPE, "index: got indices of %d dimensions, wanted one", index->rank);
  GT_TRY(want_range(index, a->shape[dim], dim, "index"));
  memcpy(shape, a->shape, sizeof shape);
  shape[dim] = gt__numel(index);
  GT_TRY(gt__result(&out, &tmp, r, a->rank, shape, gt__will_overlap(r, a->rank, shape, a) || gt__will_overlap(r, a->rank, shape, index)));
  if (gt__numel(out) > 0) run_slices(out, a, dim, index, 1, gt__move(gt_dtype_size(a->dtype)), false);
  return gt__commit(r, &tmp, out);
}

/* *use is t itself, or a contiguous copy in tmp where writing to r would change it (reset tmp after use in both cases). */
static int apart_from(const gt_tensor *r, const gt_tensor **use, gt_tensor *tmp, const gt_tensor *t) {
  *tmp = gt__blank(t->dtype);
  *use = t;
  if (!gt__overlaps(r, t)) return GT_OK;
  GT_TRY(gt_tensor_resize_as(tmp, t));
  int code = gt_copy(tmp, t);
  if (code) gt__reset(tmp);
  else *use = tmp;
  return code;
}

/* The operands of a write to r by indices: themselves, or copies where r's memory is theirs. */
typedef struct {
  const gt_tensor *index, *a;              /* a: NULL where there is none */
  gt_tensor index_tmp, a_tmp;
} sources;

static void drop_sources(sources *s) {
  gt__reset(&s->index_tmp);
  gt__reset(&s->a_tmp);
}

static int take_sources(sources *s, const gt_tensor *r, const gt_tensor *index, const gt_tensor *a) {
  s->a_tmp = gt__blank(r->dtype);
  s->a = NULL;
  GT_TRY(apart_from(r, &s->index, &s->index_tmp, index));
  int code = a ? apart_from(r, &s->a, &s->a_tmp, a) : GT_OK;
  if (code) drop_sources(s);
  return code;
}

/* The checks that writing to slices of r needs, and what is read meanwhile. */
static int want_slices(sources *s, const gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a, const char *name) {
  gt__shape_text text[2];
  GT_TRY(gt__usable(r, name));
  GT_TRY(want_index(index, name));
  GT_TRY(gt__want_dim(r, dim, name));
  GT_TRY(gt__writable(r, name));
  if (index->rank > 1) return gt__fail(GT_ESHAPE, "%s: got indices of %d dimensions, wanted one", name, index->rank);
  if (a) {
    GT_TRY(gt__want_same_type(r, a, name));
    bool fits = r->rank == a->rank && a->shape[dim] == gt__numel(index);
    for (int d = 0; d < r->rank && fits; d++) fits = d == dim || r->shape[d] == a->shape[d];
    if (!fits)
      return gt__fail(GT_ESHAPE, "%s: a source of size %s does not fit %lld indices into dimension %d of size %s", name,
                      gt__shape(&text[0], a), (long long)gt__numel(index), dim + 1, gt__shape(&text[1], r));
  }
  GT_TRY(want_range(index, r->shape[dim], dim, name));
  return take_sources(s, r, index, a);
}

int gt_index_copy(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a) {
  sources s;
  GT_TRY(want_slices(&s, r, dim, index, a, "indexCopy"));
  if (gt__numel(a) > 0) run_slices(r, s.a, dim, s.index, 0, gt__move(gt_dtype_size(r->dtype)), true);
  drop_sources(&s);
  gt__wrote(r);
  return GT_OK;
}

int gt_index_add(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a) {
  sources s;
  GT_TRY(want_slices(&s, r, dim, index, a, "indexAdd"));
  if (gt__numel(a) > 0) run_slices(r, s.a, dim, s.index, 0, add_inner[r->dtype], true);
  drop_sources(&s);
  gt__wrote(r);
  return GT_OK;
}

int gt_index_fill(gt_tensor *r, int dim, const gt_tensor *index, double value) {
  sources s;
  int code = GT_OK;
  GT_TRY(want_slices(&s, r, dim, index, NULL, "indexFill"));
  const int64_t *i = gt__data(s.index);
  for (int64_t k = 0, n = gt__numel(index); k < n && !code; k++) {
    gt_tensor one = *r; /* an uncounted view of one slice */
    one.offset += (i[k * s.index->step[0]] - 1) * r->step[dim];
    one.shape[dim] = 1;
    code = gt_fill(&one, value);
  }
  drop_sources(&s);
  gt__wrote(r);
  return code;
}

/* ---- gather and scatter --------------------------------------------------------------------------------------------------------
 * The walk is over index's positions; the tensor that the index chooses from or writes to takes part with its step along dim
 * set to 0, and the index says how far to go. */

typedef struct {
  int64_t step;                            /* along dim, of the tensor that is indexed */
} pick;

/* How far a masked copy has come in the tensor that is walked without gaps. */
typedef struct { char *at; } cursor;

#define BY_SIZE(bits)                                                                                                  \
  /* r[i] = a[i][index[i]] */                                                                                          \
  static void gather_##bits(void *const *data, const int64_t *step, int64_t n, const void *options) {                  \
    uint##bits##_t *r = data[0];                                                                                       \
    const uint##bits##_t *a = data[1];                                                                                 \
    const int64_t *index = data[2], along = ((const pick *)options)->step;                                             \
    for (int64_t i = 0; i < n; i++) r[i * step[0]] = a[i * step[1] + (index[i * step[2]] - 1) * along];                \
  }                                                                                                                    \
  /* r[i][index[i]] = a[i] */                                                                                          \
  static void scatter_##bits(void *const *data, const int64_t *step, int64_t n, const void *options) {                 \
    uint##bits##_t *r = data[0];                                                                                       \
    const uint##bits##_t *a = data[1];                                                                                 \
    const int64_t *index = data[2], along = ((const pick *)options)->step;                                             \
    for (int64_t i = 0; i < n; i++) r[i * step[0] + (index[i * step[2]] - 1) * along] = a[i * step[1]];                \
  }                                                                                                                    \
  /* where mask[i]: r[i] = element */                                                                                  \
  static void masked_fill_##bits(void *const *data, const int64_t *step, int64_t n, const void *options) {             \
    uint##bits##_t *r = data[0];                                                                                       \
    const uint8_t *mask = data[1];                                                                                     \
    const uint##bits##_t x = *(const uint##bits##_t *)options;                                                         \
    for (int64_t i = 0; i < n; i++)                                                                                    \
      if (mask[i * step[1]]) r[i * step[0]] = x;                                                                       \
  }                                                                                                                    \
  /* where mask[i]: r[i] = the next of the source */                                                                   \
  static void masked_copy_##bits(void *const *data, const int64_t *step, int64_t n, const void *options) {             \
    uint##bits##_t *r = data[0];                                                                                       \
    const uint8_t *mask = data[1];                                                                                     \
    cursor *c = *(cursor *const *)options;                                                                             \
    const uint##bits##_t *next = (const uint##bits##_t *)c->at;                                                        \
    for (int64_t i = 0; i < n; i++)                                                                                    \
      if (mask[i * step[1]]) r[i * step[0]] = *next++;                                                                 \
    c->at = (char *)next;                                                                                              \
  }                                                                                                                    \
  /* where mask[i]: the next of the destination = a[i] */                                                              \
  static void masked_select_##bits(void *const *data, const int64_t *step, int64_t n, const void *options) {           \
    const uint##bits##_t *a = data[0];                                                                                 \
    const uint8_t *mask = data[1];                                                                                     \
    cursor *c = *(cursor *const *)options;                                                                             \
    uint##bits##_t *next = (uint##bits##_t *)c->at;                                                                    \
    for (int64_t i = 0; i < n; i++)                                                                                    \
      if (mask[i * step[1]]) *next++ = a[i * step[0]];                                                                 \
    c->at = (char *)next;                                                                                              \
  }
BY_SIZE(8)
BY_SIZE(16)
BY_SIZE(32)
BY_SIZE(64)

#define PICK(size, name) ((size) == 1 ? name##_8 : (size) == 2 ? name##_16 : (size) == 4 ? name##_32 : name##_64)

#define SCATTER_ADD(name, type, wide)                                                                                  \
  static void name(void *const *data, const int64_t *step, int64_t n, const void *options) {                           \
    type *r = data[0];                                                                                                 \
    const type *a = data[1];                                                                                           \
    const int64_t *index = data[2], along = ((const pick *)options)->step;                                             \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type *to = r + i * step[0] + (index[i * step[2]] - 1) * along;                                                   \
      *to = (type)((wide)*to + (wide)a[i * step[1]]);                                                                  \
    }                                                                                                                  \
  }
SCATTER_ADD(scatter_add_byte, uint8_t, uint64_t)
SCATTER_ADD(scatter_add_char, int8_t, uint64_t)
SCATTER_ADD(scatter_add_short, int16_t, uint64_t)
SCATTER_ADD(scatter_add_int, int32_t, uint64_t)
SCATTER_ADD(scatter_add_long, int64_t, uint64_t)
SCATTER_ADD(scatter_add_float, float, float)
SCATTER_ADD(scatter_add_double, double, double)
static const gt__inner scatter_add_inner[GT_DTYPES] = {scatter_add_byte, scatter_add_char,  scatter_add_short, scatter_add_int,
                                                       scatter_add_long, scatter_add_float, scatter_add_double};

/* index has t's shape but for dimension dim, and its entries lie within that. */
static int want_indexed(const gt_tensor *t, int dim, const gt_tensor *index, const char *name) {
  gt__shape_text text[2];
  GT_TRY(gt__usable(t, name));
  GT_TRY(want_index(index, name));
  GT_TRY(gt__want_dim(t, dim, name));
  bool fits = t->rank == index->rank;
  for (int d = 0; d < t->rank && fits; d++) fits = d == dim || t->shape[d] == index->shape[d];
  if (!fits)
    return gt__fail(GT_ESHAPE, "%s: indices of size %s do not fit a tensor of size %s outside dimension %d", name,
                    gt__shape(&text[0], index),
                    gt__shape(&text[1], t), dim + 1);
  return want_range(index, t->shape[dim], dim, name);
}

/* t as the walk over index sees it: in index's shape, standing still along dim. */
static gt_tensor still(const gt_tensor *t, int dim) {
  gt_tensor view = *t;
  view.shape[dim] = 1;
  return view;
}

int gt_gather(gt_tensor *r, const gt_tensor *a, int dim, const gt_tensor *index) {
  gt_tensor *out, tmp;
  gt__iterator it;
  GT_TRY(gt__want_same_type(r, a, "gather"));
  GT_TRY(want_indexed(a, dim, index, "gather"));
  const bool overlap = gt__will_overlap(r, index->rank, index->shape, a) || gt__will_overlap(r, index->rank, index->shape, index);
  GT_TRY(gt__result(&out, &tmp, r, index->rank, index->shape, overlap));
  gt_tensor from = still(a, dim);
  pick options = {.step = a->step[dim]};
  gt__iterator_start(&it, index->rank, index->shape);
  gt__iterator_add(&it, out);
  gt__iterator_add(&it, &from);
  gt__iterator_add(&it, index);
  gt__iterator_merge(&it, false);
  gt__iterator_run(&it, PICK(it.size[0], gather), &options);
  return gt__commit(r, &tmp, out);
}

/* Walks index in order, with r standing still along dim, and `source` broadcast to index's shape. */
static void scatter(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *source, gt__inner inner) {
  gt__iterator it;
  gt_tensor to = still(r, dim);
  pick options = {.step = r->step[dim]};
  gt__iterator_start(&it, index->rank, index->shape);
  gt__iterator_add(&it, &to);
  gt__iterator_add(&it, source);
  gt__iterator_add(&it, index);
  walk(&it, inner, &options);
  gt__wrote(r);
}

static int scatter_from(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a, gt__inner inner, const char *name) {
  gt__shape_text text[2];
  sources s;
  GT_TRY(gt__want_same_type(r, a, name));
  GT_TRY(want_indexed(r, dim, index, name));
  GT_TRY(gt__writable(r, name));
  if (!gt_same_shape(a, index))
    return gt__fail(GT_ESHAPE, "%s: got a source of size %s for indices of size %s", name, gt__shape(&text[0], a),
                    gt__shape(&text[1], index));
  GT_TRY(take_sources(&s, r, index, a));
  scatter(r, dim, s.index, s.a, inner);
  drop_sources(&s);
  return GT_OK;
}

int gt_scatter(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a) {
  return scatter_from(r, dim, index, a, PICK(gt_dtype_size(r->dtype), scatter), "scatter");
}

int gt_scatter_add(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a) {
  return scatter_from(r, dim, index, a, scatter_add_inner[r->dtype], "scatterAdd");
}

int gt_scatter_fill(gt_tensor *r, int dim, const gt_tensor *index, double value) {
  gt_tensor one = gt__blank(r->dtype);
  sources s;
  GT_TRY(want_indexed(r, dim, index, "scatter"));
  GT_TRY(gt__writable(r, "scatter"));
  GT_TRY(take_sources(&s, r, index, NULL));
  int code = gt_tensor_resize(&one, 1, (int64_t[]){1});
  if (!code) code = gt_fill(&one, value);
  if (!code) scatter(r, dim, s.index, &one, PICK(gt_dtype_size(r->dtype), scatter));
  gt__reset(&one);
  drop_sources(&s);
  return code;
}

/* ---- masks ------------------------------------------------------------------------------------------------------------------------ */

static void count_set(void *const *data, const int64_t *step, int64_t n, const void *options) {
  int64_t *count = *(int64_t *const *)options;
  const uint8_t *mask = data[0];
  for (int64_t i = 0; i < n; i++) *count += mask[i * step[0]] != 0;
}

static int64_t set_in(const gt_tensor *mask) {
  int64_t count = 0, *where = &count;
  gt__iterator it;
  gt__iterator_start(&it, mask->rank, mask->shape);
  gt__iterator_add(&it, mask);
  walk(&it, count_set, &where);
  return count;
}

/* A walk over t and mask together, in order: the mask has t's count, and is seen in t's shape (by way of tmp where its
 * strides do not allow that, or t's memory is its own). */
static int with_mask(gt__iterator *it, gt_tensor *tmp, const gt_tensor *t, const gt_tensor *mask, const char *name) {
  gt__shape_text text[2];
  *tmp = gt__blank(GT_BYTE);
  GT_TRY(gt__usable(t, name));
  GT_TRY(want_mask(mask, name));
  if (gt__numel(mask) != gt__numel(t))
    return gt__fail(GT_ESHAPE, "%s: a mask of size %s does not fit size %s", name, gt__shape(&text[0], mask), gt__shape(&text[1], t));
  if ((!gt_same_shape(mask, t) || gt__overlaps(t, mask)) && gt__numel(t) > 0) {
    GT_TRY(gt_tensor_resize_as(tmp, t));
    int code = gt_copy(tmp, mask);
    if (code) {
      gt__reset(tmp);
      return code;
    }
    mask = tmp;
  }
  gt__iterator_start(it, t->rank, t->shape);
  gt__iterator_add(it, t);
  gt__iterator_add(it, mask);
  return GT_OK;
}

int gt_masked_fill(gt_tensor *r, const gt_tensor *mask, double value) {
  gt_tensor tmp;
  gt__iterator it;
  uint64_t element;
  GT_TRY(gt__writable(r, "maskedFill"));
  GT_TRY(with_mask(&it, &tmp, r, mask, "maskedFill"));
  gt__element(&element, r->dtype, value);
  gt__iterator_merge(&it, false);
  gt__iterator_run(&it, PICK(it.size[0], masked_fill), &element);
  gt__reset(&tmp);
  gt__wrote(r);
  return GT_OK;
}

int gt_masked_copy(gt_tensor *r, const gt_tensor *mask, const gt_tensor *a) {
  gt_tensor tmp, a_tmp = gt__blank(GT_FLOAT);
  const gt_tensor *flat = a;
  gt__iterator it;
  GT_TRY(gt__want_same_type(r, a, "maskedCopy"));
  GT_TRY(gt__writable(r, "maskedCopy"));
  GT_TRY(with_mask(&it, &tmp, r, mask, "maskedCopy"));
  int64_t count = set_in(mask);
  int code = GT_OK;
  if (count > gt__numel(a))
    code = gt__fail(GT_ESHAPE, "maskedCopy: the mask chooses %lld elements, the source has %lld", (long long)count,
                    (long long)gt__numel(a));
  if (!code && gt__overlaps(r, a)) {
    code = gt_tensor_resize_as(&a_tmp, a);
    if (!code) code = gt_copy(&a_tmp, a);
    flat = &a_tmp;
  } else if (!code) {
    code = gt__contiguous(&flat, &a_tmp, a);
  }
  if (!code) {
    cursor next = {gt__data(flat)}, *where = &next;
    walk(&it, PICK(it.size[0], masked_copy), &where);
    gt__wrote(r);
  }
  gt__reset(&tmp);
  gt__reset(&a_tmp);
  return code;
}

int gt_masked_select(gt_tensor *r, const gt_tensor *a, const gt_tensor *mask) {
  gt_tensor *out, tmp, mask_tmp;
  gt__iterator it;
  GT_TRY(gt__want_same_type(r, a, "maskedSelect"));
  GT_TRY(with_mask(&it, &mask_tmp, a, mask, "maskedSelect"));
  const int64_t count = set_in(mask);
  int code = gt__result(&out, &tmp, r, 1, &count, gt__will_overlap(r, 1, &count, a) || gt__will_overlap(r, 1, &count, mask));
  if (!code) {
    cursor next = {gt__data(out)}, *where = &next;
    if (count > 0) walk(&it, PICK(it.size[0], masked_select), &where);
    code = gt__commit(r, &tmp, out);
  }
  gt__reset(&mask_tmp);
  return code;
}

/* Writes the 1-based positions of nonzero elements: rows of rank numbers. */
int gt_nonzero(gt_tensor *r, const gt_tensor *a) {
  gt_tensor *out, tmp, mask = gt__blank(GT_BYTE);
  if (r->dtype != GT_LONG)
    return gt__fail(GT_ETYPE, "nonzero: got a %sTensor for the result, wanted a LongTensor", gt__dtype_name(r->dtype));
  int code = gt_compare(gt_compare_code("ne"), &mask, a, NULL, 0);
  const int64_t n = code ? 0 : gt__numel(&mask);
  int64_t shape[] = {code ? 0 : set_in(&mask), a->rank};
  const int rank = a->rank ? 2 : 0;
  if (!code && !(code = gt__result(&out, &tmp, r, rank, shape, gt__will_overlap(r, rank, shape, a)))) {
    const uint8_t *set = gt__data(&mask);
    int64_t *to = gt__data(out), at[GT_MAX_RANK] = {0};
    for (int64_t i = 0; i < n; i++) {
      if (set[i])
        for (int d = 0; d < a->rank; d++) *to++ = at[d] + 1;
      for (int d = a->rank - 1; d >= 0 && ++at[d] == a->shape[d]; d--) at[d] = 0;
    }
    code = gt__commit(r, &tmp, out);
  }
  gt__reset(&mask);
  return code;
}
