/* test_linalg.c: matrix and vector products of all strides against plain loops; the term that is added to them. */
#include "test.h"

static gt_tensor *random_tensor(int dtype, int rank, const int64_t *shape, double low, double high) {
  gt_tensor *t = test_new(dtype, rank, shape);
  test_fill(t, low, high);
  gt_tensor *laid = test_layout(t, test_int(0, 3));
  gt_tensor_free(t);
  return laid;
}

enum { NONE, SEPARATE, IN_PLACE, ROW, TERMS };

/* The term m of a product of the given shape, and the result r; of kinds NONE (r holds NaN that must not show), SEPARATE,
 * IN_PLACE (m is r) and ROW (m broadcasts). want: what beta * m contributes, in doubles. */
static gt_tensor *term(int kind, int dtype, int rank, const int64_t *shape, gt_tensor **r, double *beta, gt_tensor **want) {
  gt_tensor *m = NULL;
  *beta = kind == NONE ? 0 : 0.5;
  *want = test_new(GT_DOUBLE, rank, shape);
  test_fill(*want, 0, 0);
  *r = random_tensor(dtype, rank, shape, -1, 1);
  if (kind == NONE)
    for (int64_t k = 0; k < test_count(*r); k++) test_put(*r, k, NAN);
  if (kind == SEPARATE) m = random_tensor(dtype, rank, shape, -1, 1);
  if (kind == IN_PLACE) m = *r;
  if (kind == ROW) m = random_tensor(dtype, 1, shape + rank - 1, -1, 1);
  for (int64_t k = 0; m && k < test_count(*want); k++) test_put(*want, k, 0.5 * test_at(m, kind == ROW ? k % shape[rank - 1] : k));
  return m;
}

/* want += alpha * a b, for `count` products; the result is one matrix for all where added. */
static void multiply(gt_tensor *want, double alpha, const gt_tensor *a, const gt_tensor *b, int64_t count, int64_t m, int64_t n,
                     int64_t k, int added) {
  for (int64_t c = 0; c < count; c++)
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        int64_t at = ((added ? 0 : c) * m + i) * n + j;
        for (int64_t p = 0; p < k; p++) sum += test_at(a, (c * m + i) * k + p) * test_at(b, (c * k + p) * n + j);
        test_put(want, at, test_at(want, at) + alpha * sum);
      }
}

static void compare(const char *name, const gt_tensor *r, const gt_tensor *want) {
  int bad = !gt_same_shape(r, want);
  double tolerance = r->dtype == GT_FLOAT ? 1e-5 : 1e-12;
  for (int64_t k = 0, n = test_count(want); k < n && !bad; k++) bad += !test_is_near(test_at(r, k), test_at(want, k), tolerance);
  CHECK_MSG(!bad, "%s", name);
}

static void release(gt_tensor *r, gt_tensor *m, gt_tensor *want, gt_tensor *a, gt_tensor *b) {
  if (m != r) gt_tensor_free(m);
  gt_tensor_free(r), gt_tensor_free(want), gt_tensor_free(a), gt_tensor_free(b);
}

static void test_products(int dtype) {
  for (int round = 0; round < 80; round++) {
    int64_t m = test_int(1, 12), n = test_int(1, 12), k = test_int(0, 10), count = test_int(1, 5);
    int kind = round % TERMS;
    double beta, alpha = round % 7 == 3 ? 0 : 1.5;
    if (round % 11 == 0) m = 1;
    if (round % 13 == 0) n = 1;
    if (round % 17 == 0) count = 0;
    gt_tensor *r, *want, *a = random_tensor(dtype, 2, (int64_t[]){m, k}, -1, 1), *b = random_tensor(dtype, 2, (int64_t[]){k, n}, -1, 1);
    gt_tensor *t = term(kind, dtype, 2, (int64_t[]){m, n}, &r, &beta, &want);
    CHECK_OK(gt_addmm(r, beta, t, alpha, a, b));
    multiply(want, alpha, a, b, 1, m, n, k, 0);
    compare("addmm", r, want);
    release(r, t, want, a, b);

    a = random_tensor(dtype, 3, (int64_t[]){count, m, k}, -1, 1), b = random_tensor(dtype, 3, (int64_t[]){count, k, n}, -1, 1);
    t = term(kind, dtype, 3, (int64_t[]){count, m, n}, &r, &beta, &want);
    CHECK_OK(gt_baddbmm(r, beta, t, alpha, a, b));
    multiply(want, alpha, a, b, count, m, n, k, 0);
    compare("baddbmm", r, want);
    if (t != r) gt_tensor_free(t);
    gt_tensor_free(r), gt_tensor_free(want);
    t = term(kind, dtype, 2, (int64_t[]){m, n}, &r, &beta, &want);
    CHECK_OK(gt_addbmm(r, beta, t, alpha, a, b));
    multiply(want, alpha, a, b, count, m, n, k, 1);
    compare("addbmm", r, want);
    release(r, t, want, a, b);

    a = random_tensor(dtype, 2, (int64_t[]){m, k}, -1, 1), b = random_tensor(dtype, 1, &k, -1, 1);
    t = term(kind, dtype, 1, &m, &r, &beta, &want);
    CHECK_OK(gt_addmv(r, beta, t, alpha, a, b));
    multiply(want, alpha, a, b, 1, m, 1, k, 0);
    compare("addmv", r, want);
    release(r, t, want, a, b);

    a = random_tensor(dtype, 1, &m, -1, 1), b = random_tensor(dtype, 1, &n, -1, 1);
    t = term(kind, dtype, 2, (int64_t[]){m, n}, &r, &beta, &want);
    CHECK_OK(gt_addr(r, beta, t, alpha, a, b));
    multiply(want, alpha, a, b, 1, m, n, 1, 0);
    compare("addr", r, want);
    release(r, t, want, a, b);
  }
}

static void test_dot(int dtype) {
  for (int round = 0; round < 20; round++) {
    int64_t shape[] = {test_int(1, 40), test_int(0, 30)}, flat = shape[0] * shape[1];
    gt_tensor *a = random_tensor(dtype, 2, shape, -1, 1), *b = random_tensor(dtype, round % 2 ? 2 : 1, round % 2 ? shape : &flat, -1, 1);
    double value, want = 0;
    for (int64_t k = 0; k < flat; k++) want += test_at(a, k) * test_at(b, k);
    CHECK_OK(gt_dot(&value, a, b));
    CHECK_NEAR(value, want, 1e-11);
    gt_tensor_free(a), gt_tensor_free(b);
  }
}

/* A square matrix times itself into itself; large products, with the same bits at one thread and two. */
static void test_large(void) {
  gt_tensor *a = random_tensor(GT_FLOAT, 2, (int64_t[]){9, 9}, -1, 1), *want = test_new(GT_DOUBLE, 2, (int64_t[]){9, 9});
  test_fill(want, 0, 0);
  multiply(want, 1, a, a, 1, 9, 9, 9, 0);
  CHECK_OK(gt_addmm(a, 0, NULL, 1, a, a));
  compare("a = a a", a, want);
  gt_tensor_free(a), gt_tensor_free(want);
  gt_tensor *b = test_new(GT_FLOAT, 2, (int64_t[]){300, 400}), *c = test_new(GT_FLOAT, 2, (int64_t[]){400, 500}), *r[2], *v[2];
  gt_tensor *x = gt_tensor_new(GT_FLOAT), *turned = gt_tensor_new(GT_FLOAT);
  double dots[2];
  test_fill(b, -1, 1), test_fill(c, -1, 1);
  CHECK_OK(gt_select(x, c, 1, 7));
  CHECK_OK(gt_transpose(turned, b, 0, 1));
  for (int i = 0; i < 2; i++) {
    CHECK_OK(gt_set_threads(i + 1));
    r[i] = gt_tensor_new(GT_FLOAT), v[i] = gt_tensor_new(GT_FLOAT);
    CHECK_OK(gt_addmm(r[i], 0, NULL, 1, b, c));
    CHECK_OK(gt_addmv(v[i], 0, NULL, 1, b, x));
    for (int64_t k = 0; k < 300; k += 13) CHECK_NEAR(test_at(v[i], k), test_at(r[i], k * 500 + 7), 1e-4);
    CHECK_OK(gt_addmv(v[i], 0, NULL, 1, turned, v[i])); /* the result is the operand, and changes its size */
    CHECK(v[i]->shape[0] == 400);
    CHECK_OK(gt_dot(&dots[i], c, c));
  }
  CHECK(!memcmp(r[0]->store->ptr, r[1]->store->ptr, 300 * 500 * sizeof(float)));
  CHECK(!memcmp(v[0]->store->ptr, v[1]->store->ptr, 400 * sizeof(float)));
  CHECK(dots[0] == dots[1]);
  gt_tensor *all[] = {b, c, r[0], r[1], v[0], v[1], x, turned};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

static void test_errors(void) {
  gt_tensor *a = random_tensor(GT_FLOAT, 2, (int64_t[]){4, 3}, 0, 1), *b = random_tensor(GT_FLOAT, 2, (int64_t[]){4, 3}, 0, 1);
  gt_tensor *c = random_tensor(GT_FLOAT, 2, (int64_t[]){3, 5}, 0, 1), *r = gt_tensor_new(GT_FLOAT);
  gt_tensor *d = test_new(GT_DOUBLE, 2, (int64_t[]){3, 5});
  gt_tensor *bias = random_tensor(GT_FLOAT, 1, (int64_t[]){5}, 0, 1);
  CHECK_FAILS(gt_addmm(r, 0, NULL, 1, a, b), GT_ESHAPE, "addmm: sizes 4x3 and 4x3 do not fit");
  CHECK_FAILS(gt_addmm(r, 0, NULL, 1, a, bias), GT_ESHAPE, "wanted 2 and 2 dimensions");
  CHECK_FAILS(gt_addmm(r, 0, NULL, 1, a, d), GT_ETYPE, "DoubleTensor");
  CHECK_FAILS(gt_addmm(r, 1, b, 1, a, c), GT_ESHAPE, "addmm: a term of size 4x3 does not broadcast to the result's 4x5");
  CHECK_FAILS(gt_addmm(bias, 1, bias, 1, a, c), GT_ESHAPE, "in place");
  CHECK_FAILS(gt_addmv(r, 0, NULL, 1, a, bias), GT_ESHAPE, "addmv");
  gt_tensor *all[] = {a, b, c, r, d, bias};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

int main(void) {
  for (int dtype = GT_FLOAT; dtype <= GT_DOUBLE; dtype++) {
    test_products(dtype);
    test_dot(dtype);
  }
  test_large();
  test_errors();
  return test_report("test_linalg");
}
