/* test_copy.c: fills, copies with conversion, single elements, concatenation and comparisons, for all types, random shapes and
 * memory orders. */
#include "test.h"

enum { CASES = 40 };
static const char *const compare_names[] = {"lt", "le", "gt", "ge", "eq", "ne"};

static int random_shape(int64_t *shape) {
  int rank = test_int(1, 4);
  for (int d = 0; d < rank; d++) shape[d] = test_int(0, 20) == 0 ? 0 : test_int(1, 9);
  return rank;
}

/* A tensor of random numbers in a random memory order. */
static gt_tensor *random_tensor(int dtype, int rank, const int64_t *shape, double low, double high) {
  gt_tensor *t = test_new(dtype, rank, shape);
  test_fill(t, low, high);
  gt_tensor *laid = test_layout(t, test_int(0, 3));
  gt_tensor_free(t);
  return laid;
}

/* What an element of one type becomes in another. */
static double converted(double x, int to) {
  int64_t i = isnan(x) || fabs(x) >= 0x1p63 ? INT64_MIN : (int64_t)x;
  switch (to) {
    case GT_BYTE: return (uint8_t)i;
    case GT_CHAR: return (int8_t)i;
    case GT_SHORT: return (int16_t)i;
    case GT_INT: return (int32_t)i;
    case GT_LONG: return (double)i;
    case GT_FLOAT: return (float)x;
    default: return x;
  }
}

static void test_copies(void) {
  for (int from = 0; from < GT_DTYPES; from++)
    for (int to = 0; to < GT_DTYPES; to++)
      for (int i = 0; i < 4; i++) {
        int64_t shape[8], flat;
        int rank = random_shape(shape), bad = 0;
        gt_tensor *a = random_tensor(from, rank, shape, from == GT_BYTE ? 0 : -120, 120), *r = random_tensor(to, rank, shape, 0, 1);
        flat = test_count(a);
        if (i == 3) CHECK_OK(gt_tensor_resize(r, 1, &flat)); /* equal counts in another shape */
        CHECK_OK(gt_copy(r, a));
        for (int64_t k = 0; k < flat; k++) bad += test_at(r, k) != converted(test_at(a, k), to);
        CHECK_MSG(bad == 0, "from type %d to %d: %d wrong", from, to, bad);
        gt_tensor_free(a);
        gt_tensor_free(r);
      }
  const double odd[] = {300, -1, 1e10, -1e10, 1e30, -1e30, NAN, INFINITY, 2.9, -2.9};
  gt_tensor *a = test_new(GT_DOUBLE, 1, (int64_t[]){10});
  for (int to = 0; to < GT_FLOAT; to++) {
    gt_tensor *r = test_new(to, 1, (int64_t[]){10});
    for (int64_t k = 0; k < 10; k++) test_put(a, k, odd[k]);
    CHECK_OK(gt_copy(r, a));
    for (int64_t k = 0; k < 10; k++) CHECK_MSG(test_at(r, k) == converted(odd[k], to), "%g to type %d is %g", odd[k], to, test_at(r, k));
    gt_tensor_free(r);
  }
  gt_tensor_free(a);
  /* large transposed copies go by tiles */
  for (int i = 0; i < 6; i++) {
    int64_t shape[] = {test_int(1, 3), test_int(30, 100), test_int(30, 100)};
    int to = i % 2 ? GT_DOUBLE : GT_BYTE, from = i < 3 ? to : GT_FLOAT, bad = 0;
    gt_tensor *t = test_new(from, 3, shape);
    test_fill(t, 0, 200);
    gt_tensor *turned = test_layout(t, 1), *r = test_new(to, 3, shape);
    CHECK_OK(gt_copy(r, turned));
    for (int64_t k = 0, n = test_count(t); k < n; k++) bad += test_at(r, k) != converted(test_at(t, k), to);
    CHECK_MSG(bad == 0, "%d wrong", bad);
    gt_tensor_free(t), gt_tensor_free(turned), gt_tensor_free(r);
  }
  /* a Long survives Long to Long exactly */
  gt_tensor *l = test_new(GT_LONG, 1, (int64_t[]){2}), *m = test_new(GT_LONG, 1, (int64_t[]){2});
  ((int64_t *)l->store->ptr)[0] = INT64_MAX, ((int64_t *)l->store->ptr)[1] = INT64_MIN + 1;
  CHECK_OK(gt_copy(m, l));
  CHECK(!memcmp(l->store->ptr, m->store->ptr, 16));
  gt_tensor_free(l), gt_tensor_free(m);
}

static void test_elements(void) {
  for (int dtype = 0; dtype < GT_DTYPES; dtype++) {
    gt_tensor *t = random_tensor(dtype, 2, (int64_t[]){3, 5}, 0, 100);
    double value = 0;
    CHECK_OK(gt_put(t, 2, (int64_t[]){2, 1}, 42));
    CHECK_OK(gt_get(t, 2, (int64_t[]){2, 1}, &value));
    CHECK(value == 42 && test_at(t, 11) == 42);
    CHECK_FAILS(gt_put(t, 2, (int64_t[]){3, 0}, 1), GT_EARG, "outside");
    CHECK_FAILS(gt_put(t, 1, (int64_t[]){0}, 1), GT_ESHAPE, "");
    uint64_t version = t->store->version;
    CHECK_OK(gt_fill(t, 7));
    CHECK(t->store->version > version);
    for (int64_t k = 0; k < 15; k++) CHECK(test_at(t, k) == 7);
    gt_tensor_free(t);
  }
}

static void test_cat(void) {
  for (int i = 0; i < CASES; i++) {
    int64_t shape[8], total = 0, want = 1;
    int rank = random_shape(shape), dim = test_int(0, rank - 1), dtype = test_int(0, GT_DTYPES - 1), bad = 0;
    gt_tensor *parts[3], *r = gt_tensor_new(dtype), *empty = gt_tensor_new(dtype);
    for (int k = 0; k < 3; k++) {
      shape[dim] = test_int(0, 4);
      total += shape[dim];
      parts[k] = random_tensor(dtype, rank, shape, 0, 100);
    }
    CHECK_OK(gt_cat(r, 4, (const gt_tensor *[]){parts[0], empty, parts[1], parts[2]}, dim));
    shape[dim] = total;
    for (int d = 0; d < rank; d++) want *= shape[d];
    CHECK(test_count(r) == want && r->shape[dim] == total);
    for (int64_t k = 0; k < want; k++) {
      int64_t inner = 1, j = k;
      for (int d = dim + 1; d < rank; d++) inner *= shape[d];
      int64_t at = j / inner % total, before = j / inner / total, which = 0;
      while (at >= parts[which]->shape[dim]) at -= parts[which++]->shape[dim];
      bad += test_at(r, k) != test_at(parts[which], (before * parts[which]->shape[dim] + at) * inner + j % inner);
    }
    CHECK_MSG(bad == 0, "%d wrong", bad);
    for (int k = 0; k < 3; k++) gt_tensor_free(parts[k]);
    gt_tensor_free(r), gt_tensor_free(empty);
  }
  gt_tensor *v = random_tensor(GT_FLOAT, 1, (int64_t[]){3}, 0, 1), *w = test_new(GT_FLOAT, 1, (int64_t[]){4}), *r = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_cat(r, 2, (const gt_tensor *[]){v, v}, 1)); /* vectors as columns */
  CHECK(r->rank == 2 && r->shape[0] == 3 && r->shape[1] == 2 && test_at(r, 2) == test_at(v, 1) && test_at(r, 3) == test_at(v, 1));
  CHECK_FAILS(gt_cat(r, 2, (const gt_tensor *[]){v, w}, 1), GT_ESHAPE, "cat: sizes 3 and 4");
  CHECK_OK(gt_cat(v, 2, (const gt_tensor *[]){v, v}, 0)); /* the result is a part */
  CHECK(v->shape[0] == 6 && test_at(v, 5) == test_at(v, 2));
  gt_tensor_free(v), gt_tensor_free(w), gt_tensor_free(r);
}

static double compared(int op, double x, double y) {
  return op == 0 ? x < y : op == 1 ? x <= y : op == 2 ? x > y : op == 3 ? x >= y : op == 4 ? x == y : x != y;
}

static void test_compare(void) {
  const double numbers[] = {3, 2.5, -1, 300, 1e30, -1e30, 0};
  for (int dtype = 0; dtype < GT_DTYPES; dtype++)
    for (int op = 0; op < 6; op++) {
      const int code = gt_compare_code(compare_names[op]);
      int64_t shape[8];
      int rank = random_shape(shape), bad = 0;
      gt_tensor *a = random_tensor(dtype, rank, shape, 0, 5), *b = random_tensor(dtype, rank, shape, 0, 5);
      gt_tensor *r = gt_tensor_new(GT_BYTE), *same = random_tensor(dtype, rank, shape, 0, 1);
      if (dtype >= GT_FLOAT && test_count(a)) CHECK_OK(gt_unary(gt_unary_code("floor"), a, a, 0, 0)), test_put(a, 0, NAN);
      CHECK_OK(gt_compare(code, r, a, b, 0));
      CHECK_OK(gt_compare(code, same, a, b, 0));
      for (int64_t k = 0, n = test_count(a); k < n; k++) {
        double want = compared(op, test_at(a, k), test_at(b, k));
        bad += test_at(r, k) != want || test_at(same, k) != want;
      }
      for (size_t v = 0; v < sizeof numbers / sizeof *numbers; v++) {
        CHECK_OK(gt_compare(code, r, a, NULL, numbers[v]));
        CHECK_OK(gt_compare(code, same, a, NULL, numbers[v]));
        for (int64_t k = 0, n = test_count(a); k < n; k++) {
          double want = compared(op, test_at(a, k), numbers[v]);
          bad += test_at(r, k) != want || test_at(same, k) != want;
        }
      }
      CHECK_MSG(bad == 0, "%s of type %d: %d wrong", compare_names[op], dtype, bad);
      gt_tensor_free(a), gt_tensor_free(b), gt_tensor_free(r), gt_tensor_free(same);
    }
  gt_tensor *a = test_new(GT_FLOAT, 1, (int64_t[]){2}), *r = test_new(GT_LONG, 1, (int64_t[]){2});
  CHECK_FAILS(gt_compare(0, r, a, NULL, 0), GT_ETYPE, "lt: got a LongTensor");
  gt_tensor_free(a), gt_tensor_free(r);
}

int main(void) {
  test_copies();
  test_elements();
  test_cat();
  test_compare();
  return test_report("test_copy");
}
