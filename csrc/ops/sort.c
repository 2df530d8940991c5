/* sort.c: stable sorting of the rows of a dimension, for all types: by radix, or by insertion where rows are short. */
#include "ops.h"
#include <string.h>

typedef struct {
  uint64_t key;
  int64_t place;
} item;

enum { SHORT_ROW = 32, TASK_ELEMENTS = 16384 };

/* Unsigned numbers in the elements' order; NaN is the largest in either direction, and -0 is 0. */
static uint64_t signed_key(int64_t x, int bits, bool descending) {
  uint64_t mask = ~(uint64_t)0 >> (64 - bits), key = ((uint64_t)x & mask) ^ ((uint64_t)1 << (bits - 1));
  return descending ? ~key & mask : key;
}

static uint64_t float_key(float x, bool descending) {
  if (x != x) return UINT32_MAX;
  if (x == 0) x = 0;
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;
  return descending ? (uint32_t)~bits : bits;
}

static uint64_t double_key(double x, bool descending) {
  if (x != x) return UINT64_MAX;
  if (x == 0) x = 0;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = bits >> 63 ? ~bits : bits | ((uint64_t)1 << 63);
  return descending ? ~bits : bits;
}

static uint64_t key_of(const void *p, int dtype, bool descending) {
  switch (dtype) {
    case GT_BYTE: return descending ? 255 - *(const uint8_t *)p : *(const uint8_t *)p;
    case GT_CHAR: return signed_key(*(const int8_t *)p, 8, descending);
    case GT_SHORT: return signed_key(*(const int16_t *)p, 16, descending);
    case GT_INT: return signed_key(*(const int32_t *)p, 32, descending);
    case GT_LONG: return signed_key(*(const int64_t *)p, 64, descending);
    case GT_FLOAT: return float_key(*(const float *)p, descending);
    default: return double_key(*(const double *)p, descending);
  }
}

static void insertion_sort(item *items, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    item x = items[i];
    int64_t j = i;
    for (; j > 0 && items[j - 1].key > x.key; j--) items[j] = items[j - 1];
    items[j] = x;
  }
}

/* Sorts by `digits` bytes of the keys, least first; the result is in the array that is returned. */
static item *radix_sort(item *from, item *to, int64_t n, int digits) {
  int64_t counts[8][256] = {{0}};
  for (int64_t i = 0; i < n; i++) {
    for (int d = 0; d < digits; d++) counts[d][from[i].key >> (8 * d) & 255]++;
  }
  for (int d = 0; d < digits; d++) {
    int64_t *count = counts[d], total = 0;
    if (count[from[0].key >> (8 * d) & 255] == n) continue; /* all alike */
    for (int v = 0; v < 256; v++) {
      int64_t c = count[v];
      count[v] = total;
      total += c;
    }
    for (int64_t i = 0; i < n; i++) to[count[from[i].key >> (8 * d) & 255]++] = from[i];
    item *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

typedef struct {
  const gt_tensor *a;
  gt_tensor *values, *index;
  int dim;
  int64_t n, k, rows, rows_per_task;
  bool descending;
  int failed;                              /* atomic */
} sorting;

static void sort_rows(void *context, int64_t task) {
  sorting *s = context;
  const gt_tensor *a = s->a;
  int64_t n = s->n, end = gt__min(s->rows, (task + 1) * s->rows_per_task);
  int64_t in_step = a->step[s->dim], out_step = s->values->step[s->dim];
  int size = (int)gt_dtype_size(a->dtype);
  gt__scratch scratch;
  if (gt__scratch_alloc(&scratch, 2 * (size_t)n * sizeof(item))) {
    __atomic_store_n(&s->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t row = task * s->rows_per_task; row < end; row++) {
    int64_t in = 0, out = 0, rest = row;
    for (int d = a->rank - 1; d >= 0; d--) {
      if (d == s->dim) continue;
      in += rest % a->shape[d] * a->step[d];
      out += rest % a->shape[d] * s->values->step[d];
      rest /= a->shape[d];
    }
    const char *source = (const char *)gt__data(a) + in * size;
    item *items = scratch.ptr;
    for (int64_t i = 0; i < n; i++) items[i] = (item){key_of(source + i * in_step * size, a->dtype, s->descending), i};
    if (n <= SHORT_ROW) {
      insertion_sort(items, n);
    } else {
      items = radix_sort(items, items + n, n, size);
    }
    char *values = (char *)gt__data(s->values) + out * size;
    int64_t *index = (int64_t *)gt__data(s->index) + out;
    for (int64_t i = 0; i < s->k; i++) {
      memcpy(values + i * out_step * size, source + items[i].place * in_step * size, (size_t)size);
      index[i * out_step] = items[i].place + 1;
    }
  }
  gt__scratch_free(&scratch);
}

int gt_sort(gt_tensor *values, gt_tensor *index, const gt_tensor *a, int dim, int64_t k, int descending) {
  GT_TRY(gt__usable(a, "sort"));
  GT_TRY(gt__want_dim(a, dim, "sort"));
  GT_TRY(gt__want_same_type(values, a, "sort: the values"));
  if (index->dtype != GT_LONG) return gt__fail(GT_ETYPE, "sort: the indices are a %sTensor, wanted a LongTensor", gt__dtype_name(index->dtype));
  if (k < 0 || k > a->shape[dim]) {
    return gt__fail(GT_EARG, "sort: %lld elements of %lld were asked for", (long long)k, (long long)a->shape[dim]);
  }
  int64_t shape[GT_MAX_RANK];
  for (int d = 0; d < a->rank; d++) shape[d] = d == dim ? k : a->shape[d];
  gt_tensor *out, *place, out_tmp = gt__blank(a->dtype), place_tmp = gt__blank(GT_LONG);
  GT_TRY(gt__result(&out, &out_tmp, values, a->rank, shape, gt__overlaps(values, a)));
  int code = gt__result(&place, &place_tmp, index, a->rank, shape, gt__overlaps(index, a) || gt__overlaps(index, values));
  if (code == GT_OK && gt__numel(out) > 0) {
    sorting s = {a, out, place, dim, a->shape[dim], k, gt__numel(a) / a->shape[dim], 1, descending != 0, 0};
    s.rows_per_task = gt__max(1, TASK_ELEMENTS / s.n);
    gt__parallel(gt__ceil_div(s.rows, s.rows_per_task), sort_rows, &s);
    if (s.failed) code = gt__fail(GT_ENOMEM, "sort: no memory for rows of %lld elements", (long long)s.n);
  }
  if (code) {
    gt__reset(&out_tmp);
    gt__reset(&place_tmp);
    return code;
  }
  code = gt__commit(values, &out_tmp, out);
  int code2 = gt__commit(index, &place_tmp, place);
  gt__wrote(values);
  gt__wrote(index);
  return code ? code : code2;
}
