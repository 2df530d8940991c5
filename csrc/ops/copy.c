/* copy.c: fill, copy with conversion between all types, single elements, concatenation. */
#include "ops.h"
#include "layout.h"
#include <string.h>

/* ---- conversion loops ------------------------------------------------------------------------------------------------ */

/* What x86 makes of a real that no 64-bit integer holds, NaN included: the smallest one. */
static inline int64_t integer_of(double x) { return x > -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }

#define NAMED_(from, to) convert_##from##_to_##to
#define NAMED(from, to) NAMED_(from, to)
#define INTEGER_OF(x) x
#define FROM uint8_t
#define FROM_NAME byte
#include "../kernels/convert.inl"
#undef FROM
#undef FROM_NAME
#define FROM int8_t
#define FROM_NAME char
#include "../kernels/convert.inl"
#undef FROM
#undef FROM_NAME
#define FROM int16_t
#define FROM_NAME short
#include "../kernels/convert.inl"
#undef FROM
#undef FROM_NAME
#define FROM int32_t
#define FROM_NAME int
#include "../kernels/convert.inl"
#undef FROM
#undef FROM_NAME
#define FROM int64_t
#define FROM_NAME long
#include "../kernels/convert.inl"
#undef FROM
#undef FROM_NAME
#undef INTEGER_OF
#define INTEGER_OF(x) integer_of((double)x)
#define FROM float
#define FROM_NAME float
#include "../kernels/convert.inl"
#undef FROM
#undef FROM_NAME
#define FROM double
#define FROM_NAME double
#include "../kernels/convert.inl"
#undef FROM
#undef FROM_NAME
#undef INTEGER_OF

/* Same-size elements without conversion: move (operand 1 to operand 0), fill (one element, in options, to operand 0) and
 * transpose (a tile of rows, TILE elements apart, to columns). */
enum { TILE = 64 };

#define BY_SIZE(bits)                                                                                                   \
  static void move_##bits(void *const *data, const int64_t *step, int64_t n, const void *options) {                    \
    uint##bits##_t *r = data[0];                                                                                        \
    const uint##bits##_t *a = data[1];                                                                                  \
    const int64_t rs = step[0], as = step[1];                                                                           \
    (void)options;                                                                                                      \
    if (rs == 1 && as == 1) memcpy(r, a, (size_t)n * sizeof *r);                                                        \
    else GT__IVDEP for (int64_t i = 0; i < n; i++) r[i * rs] = a[i * as];                                               \
  }                                                                                                                     \
  static void fill_##bits(void *const *data, const int64_t *step, int64_t n, const void *options) {                    \
    uint##bits##_t *r = data[0];                                                                                        \
    const uint##bits##_t x = *(const uint##bits##_t *)options;                                                          \
    const int64_t rs = step[0];                                                                                         \
    if (rs == 1) for (int64_t i = 0; i < n; i++) r[i] = x;                                                              \
    else for (int64_t i = 0; i < n; i++) r[i * rs] = x;                                                                 \
  }                                                                                                                     \
  /* r[j * row_step + i] = tile[i * TILE + j], i < columns, j < rows */                                                 \
  static void transpose_##bits(void *to, int64_t row_step, const void *tile, int64_t rows, int64_t columns) {           \
    uint##bits##_t *r = to;                                                                                             \
    const uint##bits##_t *a = tile;                                                                                     \
    for (int64_t j = 0; j < rows; j++)                                                                                  \
      for (int64_t i = 0; i < columns; i++) r[j * row_step + i] = a[i * TILE + j];                                      \
  }
BY_SIZE(8)
BY_SIZE(16)
BY_SIZE(32)
BY_SIZE(64)

/* The one of four functions that fits the size. */
#define PICK(size, name) ((size) == 1 ? name##_8 : (size) == 2 ? name##_16 : (size) == 4 ? name##_32 : name##_64)

gt__inner gt__move(size_t size) { return PICK(size, move); }

#define ROW(from)                                                                                                    \
  {convert_##from##_to_byte, convert_##from##_to_char, convert_##from##_to_short, convert_##from##_to_int,           \
   convert_##from##_to_long, convert_##from##_to_float, convert_##from##_to_double}
static const gt__inner conversions[GT_DTYPES][GT_DTYPES] = {ROW(byte), ROW(char), ROW(short), ROW(int), ROW(long), ROW(float), ROW(double)};

gt__inner gt__convert(int to, int from) { return to == from ? gt__move(gt_dtype_size(to)) : conversions[from][to]; }

void gt__element(void *element, int dtype, double value) {
  void *data[] = {element, &value};
  int64_t step[] = {1, 1};
  gt__convert(dtype, GT_DOUBLE)(data, step, 1, NULL);
}

/* ---- fill and single elements ------------------------------------------------------------------------------------- */

int gt_fill(gt_tensor *r, double value) {
  uint64_t element;
  gt__iterator it;
  GT_TRY(gt__usable(r, "fill"));
  gt__element(&element, r->dtype, value);
  gt_tensor once = *r; /* uncounted: an element that is repeated is written once */
  for (int d = 0; d < r->rank; d++)
    if (r->step[d] == 0 && r->shape[d] > 1) once.shape[d] = 1;
  gt__iterator_start(&it, once.rank, once.shape);
  gt__iterator_add(&it, &once);
  gt__iterator_merge(&it, false);
  gt__iterator_run(&it, PICK(it.size[0], fill), &element);
  gt__wrote(r);
  return GT_OK;
}

int gt_put(gt_tensor *t, int rank, const int64_t *index, double value) {
  double old;
  GT_TRY(gt_get(t, rank, index, &old)); /* the checks are the same */
  int64_t at = 0;
  for (int d = 0; d < rank; d++) at += index[d] * t->step[d];
  gt__element((char *)gt__data(t) + (size_t)at * gt_dtype_size(t->dtype), t->dtype, value);
  gt__wrote(t);
  return GT_OK;
}

/* ---- copies whose operands lie in different orders ---------------------------------------------------------------------
 * Where r runs along the last dimension and a along another one, both are walked in tiles: a tile is read along a's
 * dimension, turned in a small buffer, and written along r's, so that every cache line is used whole. */

typedef struct {
  const gt__iterator *it;
  gt__inner convert;
  int across;                               /* the dimension in which a is contiguous */
  int64_t tiles_across, tiles_along, tiles, per_task;
} turn_context;

static void turn_tile(const turn_context *c, int64_t i) {
  const gt__iterator *it = c->it;
  const int along = it->rank - 1, across = c->across;
  char *r = it->data[0];
  const char *a = it->data[1];
  int64_t i0 = i % c->tiles_along * TILE, rest = i / c->tiles_along;
  int64_t j0 = rest % c->tiles_across * TILE, step[] = {1, 1};
  uint64_t tile[TILE * TILE];
  rest /= c->tiles_across;
  for (int d = along - 1; d >= 0; d--) {
    if (d == across) continue;
    int64_t at = rest % it->shape[d];
    rest /= it->shape[d];
    r += at * it->step[0][d] * it->size[0];
    a += at * it->step[1][d] * it->size[1];
  }
  r += (i0 + j0 * it->step[0][across]) * it->size[0];
  a += (i0 * it->step[1][along] + j0) * it->size[1];
  int64_t columns = gt__min(TILE, it->shape[along] - i0), rows = gt__min(TILE, it->shape[across] - j0);
  for (int64_t k = 0; k < columns; k++) {
    void *data[] = {(char *)tile + k * TILE * it->size[0], (char *)a + k * it->step[1][along] * it->size[1]};
    c->convert(data, step, rows, NULL);
  }
  PICK(it->size[0], transpose)(r, it->step[0][across], tile, rows, columns);
}

static void turn_task(void *context, int64_t i) {
  const turn_context *c = context;
  for (int64_t k = i * c->per_task, end = gt__min(k + c->per_task, c->tiles); k < end; k++) turn_tile(c, k);
}

/* Does the copy by tiles and returns true, where that is worth while. */
static bool turn(const gt__iterator *it, gt__inner convert) {
  enum { LEAST = 8 };
  int along = it->rank - 1, across = -1;
  if (it->step[0][along] != 1 || it->step[1][along] <= 1 || it->shape[along] < LEAST) return false;
  for (int d = 0; d < along; d++)
    if (it->step[1][d] == 1 && it->shape[d] >= LEAST) across = d;
  if (across < 0) return false;
  turn_context c = {.it = it, .convert = convert, .across = across, .per_task = GT__CHUNK / (TILE * TILE)};
  c.tiles_along = gt__ceil_div(it->shape[along], TILE);
  c.tiles_across = gt__ceil_div(it->shape[across], TILE);
  c.tiles = it->count / it->shape[along] / it->shape[across] * c.tiles_along * c.tiles_across;
  gt__parallel(gt__ceil_div(c.tiles, c.per_task), turn_task, &c);
  return true;
}

/* r and a have equal counts; one is seen in the other's shape where strides allow, else a is copied first. */
static int copy_in_order(gt_tensor *r, const gt_tensor *a) {
  gt_tensor view = gt__blank(a->dtype), tmp;
  const gt_tensor *flat;
  int code = gt_view(&view, a, r->rank, r->shape);
  if (!code) {
    code = gt_copy(r, &view);
  } else {
    GT_TRY(gt__contiguous(&flat, &tmp, a));
    code = gt_view(&view, flat, r->rank, r->shape);
    if (!code) code = gt_copy(r, &view);
    gt__reset(&tmp);
  }
  gt__reset(&view);
  return code;
}

int gt_copy(gt_tensor *r, const gt_tensor *a) {
  gt__shape_text wanted, got;
  gt__iterator it;
  GT_TRY(gt__usable(r, "copy"));
  GT_TRY(gt__usable(a, "copy"));
  if (gt__numel(r) != gt__numel(a))
    return gt__fail(GT_ESHAPE, "copy: a source of size %s (%lld elements) does not fill size %s (%lld elements)", gt__shape(&got, a),
                    (long long)gt__numel(a), gt__shape(&wanted, r), (long long)gt__numel(r));
  GT_TRY(gt__writable(r, "copy"));
  if (gt__numel(r) == 0 || gt__same_place(r, a)) return GT_OK;
  if (gt__overlaps(r, a)) {
    gt_tensor tmp = gt__blank(a->dtype);
    GT_TRY(gt_tensor_resize_as(&tmp, a));
    int code = gt_copy(&tmp, a);
    if (!code) code = gt_copy(r, &tmp);
    gt__reset(&tmp);
    return code;
  }
  if (!gt_same_shape(r, a)) return copy_in_order(r, a);
  if (gt__reorder(r, a)) {
    gt__wrote(r);
    return GT_OK;
  }
  gt__inner convert = gt__convert(r->dtype, a->dtype);
  gt__iterator_start(&it, r->rank, r->shape);
  gt__iterator_add(&it, r);
  gt__iterator_add(&it, a);
  gt__iterator_merge(&it, false);
  if (!turn(&it, convert)) gt__iterator_run(&it, convert, NULL);
  gt__wrote(r);
  return GT_OK;
}

/* ---- concatenation -------------------------------------------------------------------------------------------------- */

/* Size of a part in dimension d; dimensions that it lacks at the end have size 1. */
static int64_t size_in(const gt_tensor *t, int d) { return d < t->rank ? t->shape[d] : 1; }

static int cat_shape(const gt_tensor *r, int n, const gt_tensor *const *parts, int dim, int *rank, int64_t *shape) {
  const gt_tensor *first = NULL;
  gt__shape_text text[2];
  *rank = 0;
  if (dim < 0 || dim >= GT_MAX_RANK) return gt__fail(GT_EARG, "cat: dimension %d is outside 1..%d", dim + 1, GT_MAX_RANK);
  for (int k = 0; k < n; k++) {
    GT_TRY(gt__want_same_type(r, parts[k], "cat"));
    if (parts[k]->rank == 0) continue; /* an empty tensor adds nothing, as in Torch7 */
    if (parts[k]->rank > *rank) *rank = parts[k]->rank;
    if (dim >= *rank) *rank = dim + 1;
  }
  for (int k = 0; k < n; k++) {
    const gt_tensor *t = parts[k];
    if (t->rank == 0) continue;
    for (int d = 0; d < *rank; d++) {
      if (!first) shape[d] = size_in(t, d);
      else if (d == dim) shape[d] += size_in(t, d);
      else if (shape[d] != size_in(t, d))
        return gt__fail(GT_ESHAPE, "cat: sizes %s and %s (argument %d) differ outside dimension %d", gt__shape(&text[0], first),
                        gt__shape(&text[1], t), k + 1, dim + 1);
    }
    first = first ? first : t;
  }
  return GT_OK;
}

int gt_cat(gt_tensor *r, int n, const gt_tensor *const *parts, int dim) {
  int rank, code = GT_OK;
  int64_t shape[GT_MAX_RANK], start = 0;
  bool overlap = false;
  gt_tensor *out, tmp;
  GT_TRY(cat_shape(r, n, parts, dim, &rank, shape));
  for (int k = 0; k < n; k++) overlap |= gt__will_overlap(r, rank, shape, parts[k]);
  GT_TRY(gt__result(&out, &tmp, r, rank, shape, overlap));
  for (int k = 0; k < n && !code; k++) {
    if (parts[k]->rank == 0) continue;
    gt_tensor part = *parts[k], place = *out; /* uncounted views */
    for (; part.rank < rank; part.rank++) part.shape[part.rank] = 1, part.step[part.rank] = 1;
    place.offset += start * place.step[dim];
    place.shape[dim] = part.shape[dim];
    start += part.shape[dim];
    code = gt_copy(&place, &part);
  }
  if (code) {
    gt__reset(&tmp);
    return code;
  }
  return gt__commit(r, &tmp, out);
}
