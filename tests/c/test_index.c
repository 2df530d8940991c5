/* test_index.c: elements chosen by indices and masks, for all types and random memory orders, against plain loops. */
#include "test.h"

static gt_tensor *random_tensor(int dtype, int rank, const int64_t *shape, double low, double high) {
  gt_tensor *t = test_new(dtype, rank, shape);
  test_fill(t, low, high);
  gt_tensor *laid = test_layout(t, test_int(0, 3));
  gt_tensor_free(t);
  return laid;
}

/* A LongTensor of numbers in 1..limit. */
static gt_tensor *random_index(int rank, const int64_t *shape, int64_t limit) {
  gt_tensor *t = test_new(GT_LONG, rank, shape);
  for (int64_t k = 0, n = test_count(t); k < n; k++) test_put(t, k, (double)test_int(1, (int)limit));
  gt_tensor *laid = test_layout(t, test_int(0, 2));
  gt_tensor_free(t);
  return laid;
}

/* The position in row order of element k's row and column, with index i in dimension dim, in a tensor whose size there is n. */
static int64_t moved(int64_t k, int64_t size, int64_t inner, int64_t i, int64_t n) {
  return (k / inner / size * n + i) * inner + k % inner;
}

static void test_slices(int dtype) {
  for (int round = 0; round < 12; round++) {
    int64_t shape[] = {test_int(1, 5), test_int(1, 5), test_int(0, 6)}, inner = 1, count = test_int(0, 7);
    int dim = test_int(0, 1), bad = 0;
    for (int d = dim + 1; d < 3; d++) inner *= shape[d];
    int64_t n = shape[dim];
    gt_tensor *a = random_tensor(dtype, 3, shape, 0, 100), *index = random_index(1, &count, n), *r = gt_tensor_new(dtype);
    CHECK_OK(gt_index_select(r, a, dim, index));
    CHECK(r->shape[dim] == count);
    for (int64_t k = 0, all = test_count(r); k < all; k++)
      bad += test_at(r, k) != test_at(a, moved(k, count, inner, (int64_t)test_at(index, k / inner % count) - 1, n));
    CHECK_MSG(bad == 0, "index: %d wrong", bad);

    shape[dim] = count;
    gt_tensor *b = random_tensor(dtype, 3, shape, 0, 5), *copied = test_layout(a, 2);
    gt_tensor *added = test_layout(a, 1), *filled = test_layout(a, 3);
    gt_tensor *want_copied = test_layout(a, 0), *want_added = test_layout(a, 0), *want_filled = test_layout(a, 0);
    CHECK_OK(gt_index_copy(copied, dim, index, b));
    CHECK_OK(gt_index_add(added, dim, index, b));
    CHECK_OK(gt_index_fill(filled, dim, index, 3));
    for (int64_t k = 0, all = test_count(b); k < all; k++) {
      int64_t at = moved(k, count, inner, (int64_t)test_at(index, k / inner % count) - 1, n);
      test_put(want_copied, at, test_at(b, k));
      test_put(want_added, at, test_at(want_added, at) + test_at(b, k));
      test_put(want_filled, at, 3);
    }
    for (int64_t k = 0, all = test_count(a); k < all; k++) {
      bad += test_at(copied, k) != test_at(want_copied, k) || test_at(filled, k) != test_at(want_filled, k);
      bad += !test_is_near(test_at(added, k), test_at(want_added, k), 1e-5);
    }
    CHECK_MSG(bad == 0, "indexCopy, indexAdd or indexFill: %d wrong", bad);
    gt_tensor *all[] = {a, index, r, b, copied, added, filled, want_copied, want_added, want_filled};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
  }
}

static void test_gather(int dtype) {
  for (int round = 0; round < 12; round++) {
    int64_t shape[] = {test_int(1, 5), test_int(1, 5), test_int(1, 6)}, picked[3], inner = 1;
    int dim = test_int(0, 2), bad = 0;
    for (int d = dim + 1; d < 3; d++) inner *= shape[d];
    memcpy(picked, shape, sizeof shape);
    int64_t n = shape[dim], size = picked[dim] = test_int(0, 7);
    gt_tensor *a = random_tensor(dtype, 3, shape, 0, 100), *index = random_index(3, picked, n), *r = gt_tensor_new(dtype);
    CHECK_OK(gt_gather(r, a, dim, index));
    CHECK(gt_same_shape(r, index));
    for (int64_t k = 0, all = test_count(r); k < all; k++)
      bad += test_at(r, k) != test_at(a, moved(k, size, inner, (int64_t)test_at(index, k) - 1, n));
    CHECK_MSG(bad == 0, "gather: %d wrong", bad);

    gt_tensor *b = random_tensor(dtype, 3, picked, 0, 5), *put = test_layout(a, 2), *added = test_layout(a, 1), *filled = test_layout(a, 3);
    gt_tensor *want_put = test_layout(a, 0), *want_added = test_layout(a, 0), *want_filled = test_layout(a, 0);
    CHECK_OK(gt_scatter(put, dim, index, b));
    CHECK_OK(gt_scatter_add(added, dim, index, b));
    CHECK_OK(gt_scatter_fill(filled, dim, index, 3));
    for (int64_t k = 0, all = test_count(b); k < all; k++) {
      int64_t at = moved(k, size, inner, (int64_t)test_at(index, k) - 1, n);
      test_put(want_put, at, test_at(b, k));
      test_put(want_added, at, test_at(want_added, at) + test_at(b, k));
      test_put(want_filled, at, 3);
    }
    for (int64_t k = 0, all = test_count(a); k < all; k++) {
      bad += test_at(put, k) != test_at(want_put, k) || test_at(filled, k) != test_at(want_filled, k);
      bad += !test_is_near(test_at(added, k), test_at(want_added, k), 1e-5);
    }
    CHECK_MSG(bad == 0, "scatter, scatterAdd or fill: %d wrong", bad);
    gt_tensor *all[] = {a, index, r, b, put, added, filled, want_put, want_added, want_filled};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
  }
}

static void test_masks(int dtype) {
  for (int round = 0; round < 12; round++) {
    int64_t shape[] = {test_int(1, 5), test_int(0, 5), test_int(1, 6)}, flat, count = 0, next = 0;
    int bad = 0;
    gt_tensor *a = random_tensor(dtype, 3, shape, 0, 100), *bits = test_new(GT_BYTE, 3, shape), *r = gt_tensor_new(dtype);
    gt_tensor *where = gt_tensor_new(GT_LONG);
    flat = test_count(a);
    for (int64_t k = 0; k < flat; k++) test_put(bits, k, test_int(0, 1)), count += test_at(bits, k) != 0;
    gt_tensor *mask = test_layout(bits, test_int(0, 3));
    if (round % 3 == 0) CHECK_OK(gt_view(mask, bits, 1, &flat));
    gt_tensor *b = random_tensor(dtype, 1, &count, 0, 5), *filled = test_layout(a, 2), *copied = test_layout(a, 1);
    CHECK_OK(gt_masked_fill(filled, mask, 9));
    CHECK_OK(gt_masked_copy(copied, mask, b));
    CHECK_OK(gt_masked_select(r, a, mask));
    CHECK(test_count(r) == count);
    for (int64_t k = 0; k < flat; k++) {
      int set = test_at(bits, k) != 0;
      bad += test_at(filled, k) != (set ? 9 : test_at(a, k)) || test_at(copied, k) != (set ? test_at(b, next) : test_at(a, k));
      if (set) bad += test_at(r, next++) != test_at(a, k);
    }
    CHECK_OK(gt_nonzero(where, bits));
    CHECK(test_count(where) == 3 * count);
    next = 0;
    for (int64_t k = 0; k < flat; k++) {
      if (test_at(bits, k) == 0) continue;
      bad += test_at(where, 3 * next) != (double)(k / shape[2] / shape[1] + 1) ||
             test_at(where, 3 * next + 1) != (double)(k / shape[2] % shape[1] + 1) ||
             test_at(where, 3 * next + 2) != (double)(k % shape[2] + 1);
      next++;
    }
    CHECK_MSG(bad == 0, "masks: %d wrong", bad);
    gt_tensor *all[] = {a, bits, r, where, mask, b, filled, copied};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
  }
}

static void test_errors(void) {
  gt_tensor *a = random_tensor(GT_FLOAT, 2, (int64_t[]){4, 3}, 0, 1), *r = gt_tensor_new(GT_FLOAT);
  gt_tensor *mask = test_new(GT_BYTE, 1, (int64_t[]){5});
  gt_tensor *index = test_new(GT_LONG, 1, (int64_t[]){2}), *same = test_new(GT_LONG, 2, (int64_t[]){2, 3});
  test_put(index, 0, 1), test_put(index, 1, 5);
  for (int64_t k = 0; k < 6; k++) test_put(same, k, k == 3 ? 0 : 1);
  double before = test_at(a, 0);
  CHECK_FAILS(gt_index_select(r, a, 0, index), GT_EARG, "index: index 5 is outside 1..4 of dimension 1");
  CHECK_FAILS(gt_index_select(r, a, 2, index), GT_EARG, "dimension 3");
  CHECK_FAILS(gt_index_select(r, a, 0, mask), GT_ETYPE, "ByteTensor for indices");
  CHECK_FAILS(gt_index_fill(a, 0, index, 7), GT_EARG, "outside");
  CHECK(test_at(a, 0) == before); /* nothing is written before all is checked */
  CHECK_FAILS(gt_gather(r, a, 0, same), GT_EARG, "gather: index 0 is outside");
  CHECK_FAILS(gt_gather(r, a, 1, same), GT_ESHAPE, "gather");
  CHECK_FAILS(gt_masked_fill(a, mask, 1), GT_ESHAPE, "maskedFill");
  CHECK_FAILS(gt_masked_select(r, a, index), GT_ETYPE, "LongTensor for the mask");
  gt_tensor *ones = test_new(GT_BYTE, 2, (int64_t[]){4, 3}), *few = random_tensor(GT_FLOAT, 1, (int64_t[]){5}, 0, 1);
  test_fill(ones, 1, 1);
  CHECK_FAILS(gt_masked_copy(a, ones, few), GT_ESHAPE, "12 elements, the source has 5");
  CHECK_FAILS(gt_index_select(a, a, 1, index), GT_EARG, "1..3");
  test_put(index, 1, 3);
  gt_tensor *a0 = test_layout(a, 0);
  CHECK_OK(gt_index_select(a, a, 1, index)); /* the result is the operand */
  CHECK(a->shape[1] == 2 && test_at(a, 3) == test_at(a0, 5));
  gt_tensor *all[] = {a, r, mask, index, same, ones, few, a0};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

int main(void) {
  for (int dtype = 0; dtype < GT_DTYPES; dtype++) {
    test_slices(dtype);
    test_gather(dtype);
    test_masks(dtype);
  }
  test_errors();
  return test_report("test_index");
}
