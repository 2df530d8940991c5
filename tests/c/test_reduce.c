/* test_reduce.c: reductions, sums that undo broadcasting, running sums and matrix products against plain loops, for random
 * shapes and memory orders; the same bits whatever the threads and strides. */
#include "test.h"

static const char *const names[] = {"sum", "prod", "mean", "min", "max", "var", "std", "norm", "all", "any", "logsumexp"};
enum { NAMES = sizeof names / sizeof *names, LONGEST = 4096 };

static gt_tensor *random_tensor(int dtype, int rank, const int64_t *shape, double low, double high) {
  gt_tensor *t = test_new(dtype, rank, shape);
  test_fill(t, low, high);
  gt_tensor *laid = test_layout(t, test_int(0, 4));
  gt_tensor_free(t);
  return laid;
}

/* The reduction of n numbers; p == 1 makes a variance biased. */
static double reduced(const char *name, const double *x, int64_t n, double p) {
  double sum = 0, product = 1, least = INFINITY, most = -INFINITY, powers = 0, set = 0, exponentials = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i], product *= x[i], least = fmin(least, x[i]), most = fmax(most, x[i]), set += x[i] != 0;
    powers += p == 0 ? x[i] != 0 : pow(fabs(x[i]), p);
    exponentials += exp(x[i]);
  }
  for (int64_t i = 0; i < n; i++) squares += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
  double variance = p == 1 ? squares / (double)n : n > 1 ? squares / (double)(n - 1) : NAN;
  if (!strcmp(name, "sum")) return sum;
  if (!strcmp(name, "prod")) return product;
  if (!strcmp(name, "mean")) return n ? sum / (double)n : NAN;
  if (!strcmp(name, "min")) return least;
  if (!strcmp(name, "max")) return most;
  if (!strcmp(name, "var")) return variance;
  if (!strcmp(name, "std")) return sqrt(variance);
  if (!strcmp(name, "all")) return set == (double)n;
  if (!strcmp(name, "any")) return set > 0;
  if (!strcmp(name, "logsumexp")) return log(exponentials);
  return p == 0 ? powers : isinf(p) ? n == 0 ? 0 : fmax(fabs(least), fabs(most)) : pow(powers, 1 / p);
}

static void test_one_dimension(int dtype, const char *name) {
  const int op = gt_reduce_code(name);
  const double ps[] = {2, 1, 0, 3, INFINITY}, tolerance = dtype == GT_FLOAT ? 1e-6 : 1e-12;
  double x[LONGEST];
  int extreme = !strcmp(name, "min") || !strcmp(name, "max");
  CHECK_MSG(op >= 0, "%s", name);
  for (int i = 0; i < 30; i++) {
    int64_t shape[4], inner = 1, n;
    int rank = test_int(1, 4), dim = test_int(0, rank - 1), keep = test_int(0, 1), bad = 0, wide = test_int(0, 4);
    for (int d = 0; d < rank; d++) shape[d] = test_int(0, 15) ? test_int(1, 7) : 0;
    if (wide == 0) shape[dim] = test_int(10, 300);
    if (wide == 1) shape[rank - 1] = test_int(30, 1200);
    double p = ps[i % 5];
    n = shape[dim];
    for (int d = dim + 1; d < rank; d++) inner *= shape[d];
    gt_tensor *a = random_tensor(dtype, rank, shape, 0.5, 1.5), *r = gt_tensor_new(dtype), *index = gt_tensor_new(GT_LONG);
    if (!strcmp(name, "all") || !strcmp(name, "any"))
      for (int64_t k = 0; k < test_count(a); k++) test_put(a, k, test_int(0, 3) == 0);
    if (extreme)
      for (int64_t k = 0; k < test_count(a); k++) test_put(a, k, test_int(-5, 5));
    if (extreme && n == 0) {
      CHECK_FAILS(gt_reduce(op, r, NULL, a, dim, keep, p), GT_ESHAPE, "size 0");
    } else {
      CHECK_OK(gt_reduce(op, r, extreme ? index : NULL, a, dim, keep, p));
      CHECK(r->rank == (keep || rank == 1 ? rank : rank - 1));
      if (keep) CHECK(r->shape[dim] == 1);
      for (int64_t k = 0, results = test_count(r); k < results; k++) {
        int64_t base = k / inner * n * inner + k % inner;
        for (int64_t j = 0; j < n; j++) x[j] = test_at(a, base + j * inner);
        double want = reduced(name, x, n, p);
        bad += !test_is_near(test_at(r, k), want, tolerance);
        if (extreme) {
          int64_t first = 0;
          while (x[first] != want) first++;
          bad += test_at(index, k) != (double)(first + 1);
        }
      }
      CHECK_MSG(bad == 0, "%s over dimension %d of %d (%ld elements), p %g: %d wrong", name, dim + 1, rank, (long)n, p, bad);
    }
    gt_tensor_free(a), gt_tensor_free(r), gt_tensor_free(index);
  }
}

static void test_all(int dtype, const char *name) {
  const int op = gt_reduce_code(name);
  double x[LONGEST], value;
  for (int i = 0; i < 20; i++) {
    int64_t shape[] = {test_int(0, 8), test_int(1, 40), test_int(1, 9)};
    gt_tensor *a = random_tensor(dtype, 3, shape, 0.9, 1.1);
    int64_t n = test_count(a);
    for (int64_t k = 0; k < n; k++) x[k] = test_at(a, k);
    if (n == 0 && (!strcmp(name, "min") || !strcmp(name, "max"))) {
      CHECK_FAILS(gt_reduce_all(op, &value, a, 2), GT_ESHAPE, "empty");
    } else {
      CHECK_OK(gt_reduce_all(op, &value, a, 2));
      CHECK_MSG(test_is_near(value, reduced(name, x, n, 2), 1e-11), "%s of %ld elements is %.17g, not %.17g", name, (long)n, value,
                reduced(name, x, n, 2));
    }
    gt_tensor_free(a);
  }
}

/* NaN wins; an infinity does not spoil logsumexp; counts of what is not finite. */
static void test_special(void) {
  double value;
  gt_tensor *a = test_new(GT_FLOAT, 2, (int64_t[]){5, 40}), *r = gt_tensor_new(GT_FLOAT), *index = gt_tensor_new(GT_LONG);
  test_fill(a, -1, 1);
  test_put(a, 47, NAN), test_put(a, 49, NAN), test_put(a, 130, INFINITY);
  for (int dim = 0; dim < 2; dim++)
    for (int high = 0; high < 2; high++) {
      CHECK_OK(gt_reduce(gt_reduce_code(high ? "max" : "min"), r, index, a, dim, 0, 0));
      int64_t at = dim ? 1 : 7;
      CHECK(isnan(test_at(r, at)) && test_at(index, at) == (dim ? 8 : 2));
      CHECK(!isnan(test_at(r, 0)));
    }
  CHECK_OK(gt_reduce_all(gt_reduce_code("max"), &value, a, 0));
  CHECK(isnan(value));
  for (int layout = 0; layout < 4; layout++) {
    gt_tensor *other = test_layout(a, layout);
    CHECK_OK(gt_count_nonfinite(&value, other));
    CHECK(value == 3);
    gt_tensor_free(other);
  }
  for (int64_t k = 0; k < 200; k++) test_put(a, k, k < 40 ? -INFINITY : 1000);
  CHECK_OK(gt_reduce(gt_reduce_code("logsumexp"), r, NULL, a, 1, 0, 0));
  CHECK(test_at(r, 0) == -INFINITY);
  CHECK_NEAR(test_at(r, 1), 1000 + log(40), 1e-6);
  CHECK_FAILS(gt_reduce(gt_reduce_code("sum"), r, NULL, a, 2, 0, 0), GT_EARG, "sum: dimension 3 is outside 1..2");
  CHECK_FAILS(gt_reduce(gt_reduce_code("max"), r, r, a, 0, 0, 0), GT_ETYPE, "LongTensor");
  CHECK_OK(gt_reduce(gt_reduce_code("sum"), a, NULL, a, 0, 0, 0)); /* the result is the operand */
  CHECK(a->rank == 1 && a->shape[0] == 40 && test_at(a, 3) == -INFINITY);
  gt_tensor_free(a), gt_tensor_free(r), gt_tensor_free(index);
}

static void test_sum_to(int dtype) {
  for (int i = 0; i < 100; i++) {
    int64_t shape[4], to[4];
    int rank = test_int(1, 4), drop = test_int(0, rank - 1), bad = 0;
    for (int d = 0; d < rank; d++) {
      shape[d] = test_int(0, 20) ? test_int(1, 12) : 0;
      if (d >= drop) to[d - drop] = test_int(0, 1) ? shape[d] : 1;
    }
    gt_tensor *a = random_tensor(dtype, rank, shape, -1, 1), *want = test_new(GT_DOUBLE, rank - drop, to);
    gt_tensor *r = i % 3 == 0 ? random_tensor(dtype, rank - drop, to, 0, 1) : gt_tensor_new(dtype);
    test_fill(want, 0, 0);
    for (int64_t k = 0, n = test_count(a); k < n; k++) {
      int64_t rest = k, at = 0, step = 1;
      for (int d = rank - 1; d >= drop; d--) {
        at += to[d - drop] == 1 ? 0 : rest % shape[d] * step;
        step *= to[d - drop];
        rest /= shape[d];
      }
      test_put(want, at, test_at(want, at) + test_at(a, k));
    }
    CHECK_OK(gt_sum_to(r, a, rank - drop, to));
    CHECK(gt_same_shape(r, want));
    for (int64_t k = 0, n = test_count(want); k < n; k++) bad += !test_is_near(test_at(r, k), test_at(want, k), 3e-6);
    CHECK_MSG(bad == 0, "%d wrong", bad);
    gt_tensor_free(a), gt_tensor_free(want), gt_tensor_free(r);
  }
  gt_tensor *a = test_new(dtype, 2, (int64_t[]){2, 3}), *r = gt_tensor_new(dtype);
  CHECK_FAILS(gt_sum_to(r, a, 1, (int64_t[]){2}), GT_ESHAPE, "sum_to: size 2 does not broadcast to 2x3");
  gt_tensor_free(a), gt_tensor_free(r);
}

static void test_cumulate(int dtype) {
  for (int i = 0; i < 30; i++) {
    int64_t shape[] = {test_int(1, 6), test_int(0, 9), test_int(1, 20)}, inner = 1;
    int dim = test_int(0, 2), bad = 0, product = i % 2;
    for (int d = dim + 1; d < 3; d++) inner *= shape[d];
    gt_tensor *a = random_tensor(dtype, 3, shape, 0.5, 1.5), *a0 = test_layout(a, 0), *r = i % 3 ? gt_tensor_new(dtype) : a;
    CHECK_OK(gt_cumulate(gt_reduce_code(product ? "prod" : "sum"), r, a, dim));
    for (int64_t k = 0, n = test_count(a0); k < n; k++) {
      double want = product;
      for (int64_t j = k - k / inner % shape[dim] * inner; j <= k; j += inner) want = product ? want * test_at(a0,
          j) : want + test_at(a0, j);
      bad += !test_is_near(test_at(r, k), want, 3e-6);
    }
    CHECK_MSG(bad == 0, "%d wrong", bad);
    if (r != a) gt_tensor_free(r);
    gt_tensor_free(a), gt_tensor_free(a0);
  }
}

/* Large enough for many pieces: the same bits with one thread and two, for a tensor and its contiguous copy. */
static void test_bits(void) {
  gt_tensor *a = test_new(GT_FLOAT, 3, (int64_t[]){90, 40, 50}), *r[3], *tall = gt_tensor_new(GT_FLOAT);
  test_fill(a, -1, 2);
  gt_tensor *turned = test_layout(a, 1);
  for (size_t op = 0; op < NAMES; op++)
    for (int dim = -1; dim < 3; dim++) {
      double all[3];
      for (int i = 0; i < 3; i++) {
        r[i] = gt_tensor_new(GT_FLOAT);
        CHECK_OK(gt_set_threads(1 + i % 2));
        if (dim < 0) CHECK_OK(gt_reduce_all(gt_reduce_code(names[op]), &all[i], i == 2 ? turned : a, 2));
        else CHECK_OK(gt_reduce(gt_reduce_code(names[op]), r[i], NULL, i == 2 ? turned : a, dim, 0, 2));
      }
      if (dim < 0) CHECK_MSG(!memcmp(&all[0], &all[1], 8) && !memcmp(&all[0], &all[2], 8), "%s", names[op]);
      for (int i = 1; i < 3 && dim >= 0; i++)
        CHECK_MSG(!memcmp(r[0]->store->ptr, r[i]->store->ptr, (size_t)test_count(r[0]) * 4), "%s over dimension %d", names[op], dim + 1);
      for (int i = 0; i < 3; i++) gt_tensor_free(r[i]);
    }
  /* columns of a tall matrix go by segments of rows */
  CHECK_OK(gt_view(tall, a, 2, (int64_t[]){60000, 3}));
  r[0] = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_reduce(gt_reduce_code("sum"), r[0], NULL, tall, 0, 0, 0));
  for (int c = 0; c < 3; c++) {
    double sum = 0;
    for (int64_t j = 0; j < 60000; j++) sum += test_at(tall, 3 * j + c);
    CHECK_NEAR(test_at(r[0], c), sum, 1e-7);
  }
  gt_tensor_free(a), gt_tensor_free(turned), gt_tensor_free(tall), gt_tensor_free(r[0]);
}

int main(void) {
  for (int dtype = GT_FLOAT; dtype <= GT_DOUBLE; dtype++) {
    for (size_t i = 0; i < NAMES; i++) {
      test_one_dimension(dtype, names[i]);
      test_all(dtype, names[i]);
    }
    test_sum_to(dtype);
    test_cumulate(dtype);
  }
  test_special();
  test_bits();
  return test_report("test_reduce");
}
