/* test_sort.c: sorted rows of all types, dimensions and memory orders, against what sorting means. */
#include "test.h"
#include <math.h>
#include <stdbool.h>

/* Element i of the row along dim that element k of a tensor of the other sizes stands for. */
static int64_t in_row(int64_t k, int64_t inner, int64_t n, int64_t i) { return (k / inner * n + i) * inner + k % inner; }

static bool before(double x, double y, int descending) {
  if (isnan(x) || isnan(y)) return isnan(y) && !isnan(x);
  return descending ? x > y : x < y;
}

static void test_rows(int dtype) {
  for (int round = 0; round < 24; round++) {
    int64_t shape[] = {test_int(1, 4), test_int(1, round % 3 ? 90 : 5), test_int(1, 4)}, inner = 1;
    int dim = test_int(0, 2), descending = round & 1, bad = 0;
    for (int d = dim + 1; d < 3; d++) inner *= shape[d];
    int64_t n = shape[dim], k = test_int(0, (int)n);
    gt_tensor *plain = test_new(dtype, 3, shape);
    test_fill(plain, dtype == GT_BYTE ? 0 : -20, 20);
    for (int64_t i = 0, all = test_count(plain); i < all; i++) {
      double rounded = floor(test_at(plain, i));
      bool real = dtype == GT_FLOAT || dtype == GT_DOUBLE;
      test_put(plain, i, real && test_int(0, 9) == 0 ? NAN : real && test_int(0, 9) == 0 ? -INFINITY : real && rounded == 0 ? -0.0 : rounded);
    }
    gt_tensor *a = test_layout(plain, test_int(0, 3)), *values = gt_tensor_new(dtype), *index = gt_tensor_new(GT_LONG);
    CHECK_OK(gt_sort(values, index, a, dim, k, descending));
    CHECK(values->shape[dim] == k && index->shape[dim] == k);
    for (int64_t row = 0; row < test_count(a) / n && k > 0; row++) {
      for (int64_t i = 0; i < k; i++) {
        int64_t at = (int64_t)test_at(index, in_row(row, inner, k, i)) - 1;
        double v = test_at(values, in_row(row, inner, k, i)), source = test_at(a, in_row(row, inner, n, at));
        int64_t rank = 0;                  /* elements that have to stand before it */
        for (int64_t j = 0; j < n; j++) {
          double other = test_at(a, in_row(row, inner, n, j));
          rank += before(other, source, descending) || (!before(source, other, descending) && j < at);
        }
        bad += rank != i || !(v == source || (isnan(v) && isnan(source)));
      }
    }
    CHECK_MSG(bad == 0, "type %d, round %d: %d wrong", dtype, round, bad);
    gt_tensor_free(plain);
    gt_tensor_free(a);
    gt_tensor_free(values);
    gt_tensor_free(index);
  }
}

int main(void) {
  for (int dtype = 0; dtype < GT_DTYPES; dtype++) test_rows(dtype);
  int64_t n = 3;
  gt_tensor *a = test_new(GT_LONG, 1, &n), *index = gt_tensor_new(GT_LONG), *wrong = gt_tensor_new(GT_INT);
  int64_t *p = a->store->ptr;
  p[0] = INT64_MAX, p[1] = INT64_MIN, p[2] = INT64_MAX - 1;
  CHECK_OK(gt_sort(a, index, a, 0, 3, 0));  /* in place */
  p = a->store->ptr;
  CHECK(p[0] == INT64_MIN && p[1] == INT64_MAX - 1 && p[2] == INT64_MAX && test_at(index, 0) == 2);
  CHECK_FAILS(gt_sort(a, wrong, a, 0, 3, 0), GT_ETYPE, "LongTensor");
  CHECK_FAILS(gt_sort(a, index, a, 0, 4, 0), GT_EARG, "4 elements of 3");
  CHECK_FAILS(gt_sort(a, index, a, 1, 1, 0), GT_EARG, "");
  gt_tensor_free(a);
  gt_tensor_free(index);
  gt_tensor_free(wrong);
  return test_report("sort");
}
