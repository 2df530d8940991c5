/* test_ops.c: element-wise operations against one element at a time, for random shapes and memory orders; results that are
 * operands; accuracy; threads. */
#include "test.h"

static const double nan_ = NAN;

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

static gt_tensor *clone(const gt_tensor *t) { return test_layout(t, 0); }

/* ---- what the operations mean ------------------------------------------------------------------------------------- */

static double remainder_of(double x, double y) { return x - floor(x / y) * y; }

static double unary(const char *n, double x, double p, double q) {
#define IS(name) (!strcmp(n, name))
  if (IS("copy")) return x;
  if (IS("fill")) return p;
  if (IS("neg")) return -x;
  if (IS("abs")) return fabs(x);
  if (IS("sign")) return x > 0 ? 1 : x < 0 ? -1 : 0;
  if (IS("exp")) return exp(x);
  if (IS("expm1")) return expm1(x);
  if (IS("log")) return log(x);
  if (IS("log1p")) return log1p(x);
  if (IS("log2")) return log2(x);
  if (IS("log10")) return log10(x);
  if (IS("sqrt")) return sqrt(x);
  if (IS("rsqrt")) return pow(x, -0.5);
  if (IS("square")) return x * x;
  if (IS("cube")) return x * x * x;
  if (IS("cinv")) return 1 / x;
  if (IS("sin")) return sin(x);
  if (IS("cos")) return cos(x);
  if (IS("tan")) return tan(x);
  if (IS("asin")) return asin(x);
  if (IS("acos")) return acos(x);
  if (IS("atan")) return atan(x);
  if (IS("sinh")) return sinh(x);
  if (IS("cosh")) return cosh(x);
  if (IS("tanh")) return tanh(x);
  if (IS("erf")) return erf(x);
  if (IS("sigmoid")) return 1 / (1 + exp(-x));
  if (IS("log_sigmoid")) return -log1p(exp(-x));
  if (IS("relu")) return fmax(x, 0);
  if (IS("leaky_relu")) return x > 0 ? x : p * x;
  if (IS("elu")) return x > 0 ? x : p * (exp(x) - 1);
  if (IS("softplus")) return x * p > q ? x : log(1 + exp(p * x)) / p;
  if (IS("threshold")) return x > p ? x : q;
  if (IS("clamp")) return fmin(fmax(x, p), q);
  if (IS("clamp_min")) return fmax(x, p);
  if (IS("clamp_max")) return fmin(x, p);
  if (IS("floor")) return floor(x);
  if (IS("ceil")) return ceil(x);
  if (IS("round")) return round(x);
  if (IS("trunc")) return trunc(x);
  if (IS("frac")) return fmod(x, 1);
  if (IS("add")) return x + p;
  if (IS("mul")) return x * p;
  if (IS("div")) return x / p;
  if (IS("affine")) return p * x + q;
  if (IS("pow")) return pow(x, p);
  if (IS("rpow")) return pow(p, x);
  if (IS("rdiv")) return p / x;
  if (IS("rsub")) return p - x;
  if (IS("fmod")) return fmod(x, p);
  if (IS("remainder")) return remainder_of(x, p);
  if (IS("lt")) return x < p;
  if (IS("le")) return x <= p;
  if (IS("gt")) return x > p;
  if (IS("ge")) return x >= p;
  if (IS("eq")) return x == p;
  if (IS("ne")) return x != p;
  return NAN;
}

static double binary(const char *n, double x, double y, double p) {
  if (IS("add")) return x + p * y;
  if (IS("sub")) return x - p * y;
  if (IS("mul")) return x * y;
  if (IS("div")) return x / y;
  if (IS("pow")) return pow(x, y);
  if (IS("atan2")) return atan2(x, y);
  if (IS("max")) return fmax(x, y);
  if (IS("min")) return fmin(x, y);
  if (IS("fmod")) return fmod(x, y);
  if (IS("remainder")) return remainder_of(x, y);
  if (IS("lt")) return x < y;
  if (IS("le")) return x <= y;
  if (IS("gt")) return x > y;
  if (IS("ge")) return x >= y;
  if (IS("eq")) return x == y;
  if (IS("ne")) return x != y;
  if (IS("sigmoid_grad")) return x * y * (1 - y);
  if (IS("tanh_grad")) return x * (1 - y * y);
  if (IS("relu_grad")) return y > 0 ? x : 0;
  if (IS("leaky_relu_grad")) return y > 0 ? x : p * x;
  if (IS("threshold_grad")) return y > p ? x : 0;
  if (IS("clamp_min_grad")) return y >= p ? x : 0;
  if (IS("clamp_max_grad")) return y <= p ? x : 0;
  if (IS("abs_grad")) return x * ((y > 0) - (y < 0));
  if (IS("elu_grad")) return y > 0 ? x : x * p * exp(y);
  if (IS("softplus_grad")) return x / (1 + exp(-p * y));
  if (IS("log_sigmoid_grad")) return x / (1 + exp(y));
  if (IS("bce")) return -(log(x + p) * y + log(1 - x + p) * (1 - y));
  if (IS("bce_grad")) return (x - y) / ((1 - x + p) * (x + p));
  if (IS("bce_with_logits")) return log(1 + exp(x)) - x * y;
  if (IS("bce_with_logits_grad")) return 1 / (1 + exp(-x)) - y;
  return NAN;
}

static double ternary(const char *n, double x, double y, double z, double p) {
  if (IS("addcmul")) return x + p * y * z;
  if (IS("addcdiv")) return x + p * y / z;
  if (IS("where")) return x != 0 ? y : z;
  if (IS("lerp")) return (1 - z) * x + z * y;
  return NAN;
}

static const char *const unary_names[] = {
  "copy", "fill", "neg", "abs", "sign", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "square", "cube",
  "cinv", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "erf", "sigmoid", "log_sigmoid", "relu",
  "leaky_relu", "elu", "softplus", "threshold", "clamp", "clamp_min", "clamp_max", "floor", "ceil", "round", "trunc", "frac",
  "add", "mul", "div", "affine", "pow", "rpow", "rdiv", "rsub", "fmod", "remainder", "lt", "le", "gt", "ge", "eq", "ne"};
static const char *const binary_names[] = {
  "add", "sub", "mul", "div", "pow", "atan2", "max", "min", "fmod", "remainder", "lt", "le", "gt", "ge", "eq", "ne",
  "sigmoid_grad", "tanh_grad", "relu_grad", "leaky_relu_grad", "threshold_grad", "clamp_min_grad", "clamp_max_grad", "abs_grad",
  "elu_grad", "softplus_grad", "log_sigmoid_grad", "bce", "bce_grad", "bce_with_logits", "bce_with_logits_grad"};
static const char *const ternary_names[] = {"addcmul", "addcdiv", "where", "lerp"};

/* Arguments at which the function is defined. */
static void domain(const char *n, double *low, double *high) {
  *low = -3;
  *high = 3;
  if (strstr(n, "log") == n && !IS("log1p") && !IS("log_sigmoid") && !IS("log_sigmoid_grad")) *low = 0.1;
  if (strstr(n, "bce") == n || IS("sqrt") || IS("rsqrt") || IS("pow") || IS("rpow") || IS("fmod") || IS("remainder")) *low = 0.1;
  if (IS("asin") || IS("acos")) *low = -1, *high = 1;
  if (IS("bce") || IS("bce_grad")) *high = 0.9;
  if (IS("log1p")) *low = -0.9;
}

/* ---- tests ------------------------------------------------------------------------------------------------------------ */

static void test_unary(int dtype, const char *name) {
  const int op = gt_unary_code(name);
  const double tolerance = dtype == GT_FLOAT ? 4e-6 : 1e-12, p = (float)0.7, q = (float)1.9;
  double low, high;
  domain(name, &low, &high);
  CHECK_MSG(op >= 0, "%s", name);
  for (int i = 0; i < 6; i++) {
    int64_t shape[8];
    int rank = random_shape(shape);
    gt_tensor *a = random_tensor(dtype, rank, shape, low, high), *before = clone(a);
    gt_tensor *r = i % 3 == 0 ? gt_tensor_new(dtype) : i % 3 == 1 ? random_tensor(dtype, rank, shape, 0, 1) : a;
    CHECK_OK(gt_unary(op, r, a, p, q));
    CHECK(gt_same_shape(r, before));
    int bad = 0;
    for (int64_t k = 0, n = test_count(before); k < n; k++)
      bad += !test_is_near(test_at(r, k), unary(name, test_at(before, k), p, q), tolerance);
    CHECK_MSG(bad == 0, "%s of %s: %d wrong", name, dtype == GT_FLOAT ? "Float" : "Double", bad);
    if (r != a) gt_tensor_free(r);
    gt_tensor_free(a);
    gt_tensor_free(before);
  }
}

/* The k-th element of t seen in r's shape, by NumPy's rule. */
static double broadcast_at(const gt_tensor *t, const gt_tensor *r, int64_t k) {
  int64_t at = t->offset;
  for (int d = r->rank - 1, from = t->rank - 1; d >= 0; d--, from--) {
    int64_t i = k % r->shape[d];
    k /= r->shape[d];
    if (from >= 0 && t->shape[from] != 1) at += i * t->step[from];
  }
  return t->dtype == GT_FLOAT ? ((float *)t->store->ptr)[at] : ((double *)t->store->ptr)[at];
}

/* A shape that broadcasts to `shape`. */
static int smaller_shape(int64_t *to, int rank, const int64_t *shape) {
  int drop = test_int(0, 2) ? 0 : test_int(0, rank - 1);
  for (int d = drop; d < rank; d++) to[d - drop] = test_int(0, 3) ? shape[d] : 1;
  return rank - drop;
}

static void test_binary(int dtype, const char *name) {
  const int op = gt_binary_code(name);
  const double tolerance = dtype == GT_FLOAT ? 1e-5 : 1e-12, p = (float)0.7;
  double low, high;
  domain(name, &low, &high);
  CHECK_MSG(op >= 0, "%s", name);
  for (int i = 0; i < 8; i++) {
    int64_t shape[8], other[8];
    int rank = random_shape(shape), other_rank = i % 2 ? rank : smaller_shape(other, rank, shape);
    gt_tensor *a = random_tensor(dtype, rank, shape, low, high), *b = random_tensor(dtype, other_rank, i % 2 ? shape : other, low, high);
    if (i == 5) gt_tensor_set_to(b, a);
    gt_tensor *a0 = clone(a), *b0 = clone(b), *r = i % 4 < 2 ? gt_tensor_new(dtype) : a;
    CHECK_OK(gt_binary(op, r, a, b, p));
    CHECK(gt_same_shape(r, a0));
    int bad = 0;
    for (int64_t k = 0, n = test_count(a0); k < n; k++)
      bad += !test_is_near(test_at(r, k), binary(name, test_at(a0, k), broadcast_at(b0, a0, k), p), tolerance);
    CHECK_MSG(bad == 0, "%s: %d wrong", name, bad);
    if (r != a) gt_tensor_free(r);
    gt_tensor_free(a), gt_tensor_free(b), gt_tensor_free(a0), gt_tensor_free(b0);
  }
}

static void test_ternary(int dtype, const char *name) {
  const int op = gt_ternary_code(name);
  CHECK_MSG(op >= 0, "%s", name);
  for (int i = 0; i < 8; i++) {
    int64_t shape[8], s1[8], s2[8];
    int rank = random_shape(shape), r1 = smaller_shape(s1, rank, shape), r2 = smaller_shape(s2, rank, shape);
    gt_tensor *a = random_tensor(dtype, rank, shape, 1, 3), *b = random_tensor(dtype, r1, s1, 1, 3);
    gt_tensor *c = random_tensor(dtype, r2, s2, 1, 3);
    if (!strcmp(name, "where"))
      for (int64_t k = 0; k < test_count(a); k++) test_put(a, k, test_int(0, 1));
    gt_tensor *a0 = clone(a), *r = i % 2 ? gt_tensor_new(dtype) : a;
    CHECK_OK(gt_ternary(op, r, a, b, c, 0.5));
    int bad = 0;
    for (int64_t k = 0, n = test_count(a0); k < n; k++)
      bad += !test_is_near(test_at(r, k), ternary(name, test_at(a0, k), broadcast_at(b, a0, k), broadcast_at(c, a0, k), 0.5), 1e-5);
    CHECK_MSG(bad == 0, "%s: %d wrong", name, bad);
    if (r != a) gt_tensor_free(r);
    gt_tensor_free(a), gt_tensor_free(b), gt_tensor_free(c), gt_tensor_free(a0);
  }
}
#undef IS

static double one(const char *name, int dtype, double x, double p, double q) {
  gt_tensor *t = test_new(dtype, 1, (int64_t[]){1});
  double value = 0;
  test_put(t, 0, x);
  CHECK_OK(gt_unary(gt_unary_code(name), t, t, p, q));
  CHECK_OK(gt_get(t, 1, (int64_t[]){0}, &value));
  gt_tensor_free(t);
  return value;
}

static double two(const char *name, double x, double y, double p) {
  gt_tensor *a = test_new(GT_FLOAT, 1, (int64_t[]){1}), *b = test_new(GT_FLOAT, 1, (int64_t[]){1});
  test_put(a, 0, x);
  test_put(b, 0, y);
  CHECK_OK(gt_binary(gt_binary_code(name), a, a, b, p));
  double value = test_at(a, 0);
  gt_tensor_free(a);
  gt_tensor_free(b);
  return value;
}

/* Large arguments, NaN, exponents with a short cut. */
static void test_edges(void) {
  const char *keeps_nan[] = {"relu", "clamp", "clamp_min", "clamp_max", "sigmoid", "tanh", "log_sigmoid", "softplus", "leaky_relu"};
  for (size_t i = 0; i < sizeof keeps_nan / sizeof *keeps_nan; i++)
    CHECK_MSG(isnan(one(keeps_nan[i], GT_FLOAT, nan_, 1, 2)), "%s", keeps_nan[i]);
  CHECK(isnan(two("max", nan_, 1, 0)) && isnan(two("max", 1, nan_, 0)) && isnan(two("min", nan_, 1, 0)) && isnan(two("min", 1, nan_, 0)));
  for (int dtype = GT_FLOAT; dtype <= GT_DOUBLE; dtype++) {
    CHECK(one("sigmoid", dtype, 1000, 0, 0) == 1 && one("sigmoid", dtype, -1000, 0, 0) == 0);
    CHECK(one("log_sigmoid", dtype, -1000, 0, 0) == -1000 && one("log_sigmoid", dtype, 1000, 0, 0) == 0);
    CHECK(one("softplus", dtype, 1000, 1, 20) == 1000 && one("softplus", dtype, -1000, 1, 20) == 0);
    CHECK(one("softplus", dtype, 1000, 1, 2000) == INFINITY); /* the threshold is what keeps it from overflowing */
    CHECK(one("pow", dtype, nan_, 0, 0) == 1 && one("pow", dtype, 3, 2, 0) == 9 && one("pow", dtype, 4, 0.5, 0) == 2);
    CHECK(one("pow", dtype, 4, -1, 0) == 0.25 && one("pow", dtype, -3, 3, 0) == -27 && one("pow", dtype, -3, 1, 0) == -3);
    CHECK(one("round", dtype, 2.5, 0, 0) == 3 && one("round", dtype, -2.5, 0, 0) == -3);
    CHECK(one("remainder", dtype, -7, 3, 0) == 2 && one("fmod", dtype, -7, 3, 0) == -1 && one("remainder", dtype, 7, -3, 0) == -2);
  }
  CHECK(two("bce_with_logits", 1000, 0, 0) == 1000 && two("bce_with_logits", -1000, 1, 0) == 1000);
  CHECK(two("bce_with_logits", 1000, 1, 0) == 0);
  CHECK_NEAR(two("bce", 0, 1, 1e-12), 27.6310211, 1e-6);
  CHECK(gt_unary_code("nonsense") == -1 && gt_binary_code("nonsense") == -1 && gt_ternary_code("nonsense") == -1 &&
        gt_compare_code("sum") == -1);
}

/* exp and tanh of floats are our own: within two units in the last place, over their whole range. */
static void test_accuracy(void) {
  enum { N = 40000 };
  gt_tensor *x = test_new(GT_FLOAT, 1, (int64_t[]){N}), *r = gt_tensor_new(GT_FLOAT);
  for (int which = 0; which < 2; which++) {
    double worst = 0;
    for (int64_t k = 0; k < N; k++) test_put(x, k, which ? -12 + 24.0 * (double)k / N : -87 + 175.0 * (double)k / N);
    CHECK_OK(gt_unary(gt_unary_code(which ? "tanh" : "exp"), r, x, 0, 0));
    for (int64_t k = 0; k < N; k++) {
      double want = which ? tanh(test_at(x, k)) : exp(test_at(x, k)), unit = ldexp(1, (want == 0 ? -126 : ilogb(want)) - 23);
      worst = fmax(worst, fabs(test_at(r, k) - want) / unit);
    }
    CHECK_MSG(worst < 2, "%s is off by %g units", which ? "tanh" : "exp", worst);
  }
  CHECK(one("exp", GT_FLOAT, 1000, 0, 0) == INFINITY && one("exp", GT_FLOAT, -1000, 0, 0) == 0 && isnan(one("exp", GT_FLOAT, nan_, 0, 0)));
  CHECK(one("exp", GT_FLOAT, 0, 0, 0) == 1 && one("tanh", GT_FLOAT, 50, 0, 0) == 1 && one("tanh", GT_FLOAT, -INFINITY, 0, 0) == -1);
  gt_tensor_free(x), gt_tensor_free(r);
}

static void test_errors(void) {
  gt_tensor *a = test_new(GT_FLOAT, 2, (int64_t[]){2, 3}), *b = test_new(GT_FLOAT, 1, (int64_t[]){4}), *c = test_new(GT_FLOAT, 1,
      (int64_t[]){3});
  gt_tensor *d = test_new(GT_DOUBLE, 2, (int64_t[]){2, 3}), *e = gt_tensor_new(GT_FLOAT), *l = test_new(GT_LONG, 1, (int64_t[]){2});
  gt_tensor *six = test_new(GT_FLOAT, 2, (int64_t[]){6, 1});
  const int add = gt_binary_code("add"), relu = gt_unary_code("relu");
  for (int64_t k = 0; k < 6; k++) test_put(a, k, (double)k), test_put(six, k, 10 * (double)k);
  test_fill(c, 0, 1);
  CHECK_FAILS(gt_binary(add, e, a, b, 1), GT_ESHAPE, "add: sizes 2x3 and 4 do not broadcast");
  CHECK_FAILS(gt_binary(add, c, c, a, 1), GT_ESHAPE, "in place");
  CHECK_FAILS(gt_binary(add, e, a, d, 1), GT_ETYPE, "DoubleTensor");
  CHECK_FAILS(gt_unary(relu, l, l, 0, 0), GT_ETYPE, "LongTensor");
  CHECK_FAILS(gt_unary(-1, a, a, 0, 0), GT_EARG, "");
  CHECK_FAILS(gt_copy(a, b), GT_ESHAPE, "copy");
  /* equal counts pair in order, in place too */
  CHECK_OK(gt_binary(add, a, a, six, 1));
  for (int64_t k = 0; k < 6; k++) CHECK_NEAR(test_at(a, k), 11 * (double)k, 0);
  CHECK(a->rank == 2 && a->shape[0] == 2);
  /* an expanded result is refused, an expanded operand is not */
  CHECK_OK(gt_expand(e, c, 2, (int64_t[]){2, 3}));
  CHECK_FAILS(gt_unary(relu, e, a, 0, 0), GT_EARG, "expanded");
  CHECK_FAILS(gt_copy(e, a), GT_EARG, "expanded");
  CHECK_OK(gt_unary(relu, a, e, 0, 0));
  for (int64_t k = 0; k < 6; k++) CHECK(test_at(a, k) == test_at(c, k % 3));
  /* so is one whose elements overlap; windows that only touch, or lie within each other without meeting, are not */
  gt_tensor *long_one = test_new(GT_FLOAT, 1, (int64_t[]){1000}), *u = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_unfold(u, long_one, 0, 3, 2));
  CHECK_FAILS(gt_unary(relu, u, u, 0, 0), GT_EARG, "overlap in memory");
  CHECK_FAILS(gt_copy(u, a), GT_ESHAPE, "copy");
  CHECK_OK(gt_fill(u, 2));
  CHECK_OK(gt_transpose(u, u, 0, 1));
  CHECK_FAILS(gt_binary(add, u, u, u, 1), GT_EARG, "overlap in memory");
  CHECK_OK(gt_narrow(u, u, 0, 1, 2)); /* the second and third of each window of three: 1 2 3 4 ... */
  CHECK_OK(gt_unary(relu, u, u, 0, 0));
  CHECK_OK(gt_unfold(u, long_one, 0, 3, 3));
  CHECK_OK(gt_unary(relu, u, u, 0, 0));
  CHECK_OK(gt_tensor_set(u, long_one->store, 0, 2, (int64_t[]){2, 3}, (int64_t[]){3, 2})); /* 0 2 4, 3 5 7 */
  CHECK_OK(gt_unary(relu, u, u, 0, 0));
  CHECK_OK(gt_tensor_set(u, long_one->store, 0, 2, (int64_t[]){3, 4}, (int64_t[]){3, 2})); /* 6 twice */
  CHECK_FAILS(gt_unary(relu, u, u, 0, 0), GT_EARG, "overlap in memory");
  gt_tensor_free(long_one);
  gt_tensor_free(u);
  /* a result that overlaps an operand elsewhere: x[2..7] = x[1..6] + 1 */
  gt_tensor *x = test_new(GT_FLOAT, 1, (int64_t[]){8}), *v = gt_tensor_new(GT_FLOAT), *w = gt_tensor_new(GT_FLOAT);
  for (int64_t k = 0; k < 8; k++) test_put(x, k, (double)k);
  CHECK_OK(gt_narrow(v, x, 0, 1, 7));
  CHECK_OK(gt_narrow(w, x, 0, 0, 7));
  CHECK_OK(gt_unary(gt_unary_code("add"), v, w, 1, 0));
  for (int64_t k = 1; k < 8; k++) CHECK(test_at(x, k) == (double)k);
  CHECK_OK(gt_copy(v, w));
  for (int64_t k = 1; k < 8; k++) CHECK(test_at(x, k) == (double)(k - 1));
  /* released memory */
  CHECK_OK(gt_tensor_release(x));
  CHECK_FAILS(gt_unary(relu, x, x, 0, 0), GT_ERELEASED, "");
  CHECK_FAILS(gt_fill(x, 1), GT_ERELEASED, "");
  gt_tensor *all[] = {a, b, c, d, e, l, six, x, v, w};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

/* Large enough to be cut into many pieces: the same bits with one thread and with two. */
static void test_threads(void) {
  int64_t shape[] = {300, 700};
  gt_tensor *a = test_new(GT_FLOAT, 2, shape), *row = test_new(GT_FLOAT, 1, shape + 1);
  test_fill(a, -3, 3);
  test_fill(row, -3, 3);
  gt_tensor *turned = test_layout(a, 1), *r[2];
  for (int i = 0; i < 2; i++) {
    r[i] = gt_tensor_new(GT_FLOAT);
    CHECK_OK(gt_set_threads(i + 1));
    CHECK_OK(gt_unary(gt_unary_code("tanh"), r[i], turned, 0, 0));
    CHECK_OK(gt_binary(gt_binary_code("mul"), r[i], r[i], row, 0));
    CHECK_OK(gt_ternary(gt_ternary_code("addcmul"), r[i], r[i], a, row, 0.3));
  }
  CHECK(!memcmp(r[0]->store->ptr, r[1]->store->ptr, 300 * 700 * sizeof(float)));
  for (int64_t k = 0; k < 300 * 700; k += 997)
    CHECK_NEAR(test_at(r[0], k), tanh(test_at(a, k)) * test_at(row, k % 700) + 0.3 * test_at(a, k) * test_at(row, k % 700), 1e-5);
  gt_tensor_free(a), gt_tensor_free(row), gt_tensor_free(turned), gt_tensor_free(r[0]), gt_tensor_free(r[1]);
}

#define FOR_EACH(names, call)                                              \
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {              \
    call(GT_FLOAT, names[i]);                                              \
    call(GT_DOUBLE, names[i]);                                             \
  }

int main(void) {
  FOR_EACH(unary_names, test_unary)
  FOR_EACH(binary_names, test_binary)
  FOR_EACH(ternary_names, test_ternary)
  test_edges();
  test_accuracy();
  test_errors();
  test_threads();
  return test_report("test_ops");
}
