/* test_loops.c: the loops of every level that this processor has. Each gives the generic one's bits, on every length around a vector's,
 * on unaligned memory and on numbers of every kind, and writes nowhere else; the generic ones agree with plain loops in double.
 * --time: also how fast they are, and what a training step makes of them. */
#include "../../csrc/kernels/kernels.h"
#include "../../csrc/kernels/maths.h"
#include "test.h"
#include <time.h>

static const char *const levels[] = {"generic", "avx2", "avx512", "amx"};
enum { MOST = 300, GUARD = 16 };

/* An array of floats or doubles, with guards around its n elements, at an odd place of memory. */
typedef struct array {
  char *memory, *data;
  int64_t n;
  size_t size;
} array;

static array array_new(bool wide, int64_t n) {
  array a = {.n = n, .size = wide ? sizeof(double) : sizeof(float)};
  a.memory = malloc((size_t)(n + 2 * GUARD + 16) * a.size);
  a.data = a.memory + (size_t)(GUARD + test_int(0, 15)) * a.size;
  memset(a.memory, 0x7f, (size_t)(n + 2 * GUARD + 16) * a.size);
  return a;
}

static void array_free(array *a) { free(a->memory); }
static double at(const array *a, int64_t i) { return a->size == 8 ? ((const double *)a->data)[i] : (double)((const float *)a->data)[i]; }
static void set(array *a, int64_t i, double x) {
  if (a->size == 8) ((double *)a->data)[i] = x;
  else ((float *)a->data)[i] = (float)x;
}

/* Numbers of every kind: special 0: between -2 and 2. */
static void array_fill(array *a, bool special) {
  static const double kinds[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1e-42, -1e-42, 1e30, -1e30, 1, -1, 88.8, -88.8, -104.5, 0.5, 2};
  for (int64_t i = 0; i < a->n; i++) {
    double x = test_uniform(-2, 2);
    if (special && test_int(0, 2) == 0) x = kinds[test_int(0, 15)];
    if (special && test_int(0, 3) == 0) x *= pow(10, test_int(-6, 6));
    set(a, i, x);
  }
}

static array array_copy(const array *a) {
  array b = array_new(a->size == 8, a->n);
  memcpy(b.data, a->data, (size_t)a->n * a->size);
  return b;
}

/* The same bits (any NaN for a NaN) in n elements, and untouched guards around them. */
static bool same(const array *a, const array *b) {
  for (int64_t i = 0; i < a->n; i++) {
    double x = at(a, i), y = at(b, i);
    if (x != x ? y == y : memcmp(&x, &y, sizeof x) != 0) return false;
  }
  for (size_t i = 0; i < GUARD * a->size; i++)
    if (a->data[-1 - (int64_t)i] != 0x7f || a->data[(size_t)a->n * a->size + i] != 0x7f) return false;
  return true;
}

/* ---- element-wise ------------------------------------------------------------------------------------------------------- */

static const int lengths[] = {0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 257};
#define LENGTHS ((int)(sizeof lengths / sizeof *lengths))

static void check_each(gt__each *each, gt__each *plain, bool wide, const char *name, int level) {
  bool ok = true;
  for (int i = 0; i < LENGTHS; i++) {
    const int64_t n = lengths[i];
    array in[3], r = array_new(wide, n), wanted = array_new(wide, n);
    for (int k = 0; k < 3; k++) in[k] = array_new(wide, n), array_fill(&in[k], i % 2);
    const void *from[] = {in[0].data, in[1].data, in[2].data};
    const double p = test_uniform(-2, 2), q = p + test_uniform(0, 1);
    plain(wanted.data, from, n, p, q);
    each(r.data, from, n, p, q);
    ok &= same(&r, &wanted);
    each(in[0].data, from, n, p, q);       /* in place */
    ok &= same(&in[0], &wanted);
    for (int k = 0; k < 3; k++) array_free(&in[k]);
    array_free(&r), array_free(&wanted);
  }
  CHECK_MSG(ok, "%s %s %s", levels[level], name, wide ? "double" : "float");
}

#define NAME(name, expression) #name,
static const char *const unary[] = {GT_UNARY_OPS(NAME)}, *const binary[] = {GT_BINARY_OPS(NAME)}, *const ternary[] = {GT_TERNARY_OPS(NAME)};

static void check_maps(const gt__loop_kernels *k, const gt__loop_kernels *generic, int level) {
  for (int wide = 0; wide < 2; wide++) {
    for (int op = 0; op < GT__UNARY_CODES; op++) check_each(k->unary[op][wide], generic->unary[op][wide], wide, unary[op], level);
    for (int op = 0; op < GT__BINARY_CODES; op++) check_each(k->binary[op][wide], generic->binary[op][wide], wide, binary[op], level);
    for (int op = 0; op < GT__TERNARY_CODES; op++) check_each(k->ternary[op][wide], generic->ternary[op][wide], wide, ternary[op], level);
  }
}

/* ---- reductions --------------------------------------------------------------------------------------------------------- */

#define STEP_NAME(name, first, expression, combine) #name,
static const char *const steps[] = {GT_REDUCE_STEPS(STEP_NAME)};

static void check_folds(const gt__loop_kernels *k, const gt__loop_kernels *generic, int level) {
  for (int wide = 0; wide < 2; wide++) {
    for (int step = 0; step < GT__FOLD_STEPS; step++) {
      bool ok = true;
      for (int i = 0; i < LENGTHS; i++) {
        const int64_t n = lengths[i], rows = test_int(0, 9), gap = n + test_int(0, 5);
        array a = array_new(wide, rows * gap + n), lanes = array_new(true, GT__LANES), total = array_new(true, n), shift = array_new(true, n);
        array_fill(&a, i % 2), array_fill(&lanes, false), array_fill(&total, false), array_fill(&shift, false);
        array wanted_lanes = array_copy(&lanes), wanted_total = array_copy(&total);
        generic->rows[step][wide]((double *)wanted_lanes.data, a.data, n, 0.5);
        k->rows[step][wide]((double *)lanes.data, a.data, n, 0.5);
        generic->columns[step][wide]((double *)wanted_total.data, a.data, rows, n, gap, (double *)shift.data);
        k->columns[step][wide]((double *)total.data, a.data, rows, n, gap, (double *)shift.data);
        ok &= same(&lanes, &wanted_lanes) && same(&total, &wanted_total);
        array_free(&a), array_free(&lanes), array_free(&total), array_free(&shift), array_free(&wanted_lanes), array_free(&wanted_total);
      }
      CHECK_MSG(ok, "%s %s %s", levels[level], steps[step], wide ? "double" : "float");
    }
    array a = array_new(wide, MOST), b = array_new(wide, MOST), lanes = array_new(true, GT__LANES);
    array_fill(&a, false), array_fill(&b, false), array_fill(&lanes, false);
    array wanted = array_copy(&lanes);
    k->dot[wide]((double *)lanes.data, a.data, b.data, MOST - 3);
    for (int i = 0; i < MOST - 3; i++) ((double *)wanted.data)[i % GT__LANES] += at(&a, i) * at(&b, i);
    CHECK(same(&lanes, &wanted));
    array_free(&a), array_free(&b), array_free(&lanes), array_free(&wanted);
  }
}

/* ---- channels: batch norm and biases ------------------------------------------------------------------------------------- */

static bool near(double got, double wanted, double magnitude, bool wide) {
  return fabs(got - wanted) <= (wide ? 1e-14 : 4e-6) * (magnitude + 1e-3);
}

static void check_channels(const gt__loop_kernels *k, const gt__loop_kernels *generic, int level, bool wide, bool columns, int64_t cols, double slope) {
  const int64_t rows = test_int(0, 11), step = cols + test_int(0, 4), size = rows * step + cols, channels = columns ? cols : 1;
  array x = array_new(wide, size), gy = array_new(wide, size), out = array_new(wide, size), v[6];
  array sum = array_new(true, channels), product = array_new(true, channels);
  array_fill(&x, false), array_fill(&gy, false), array_fill(&out, false), array_fill(&sum, false), array_fill(&product, false);
  for (int i = 0; i < 6; i++) v[i] = array_new(wide, channels), array_fill(&v[i], false);
  for (int loop = 0; loop < GT__CHANNEL_LOOPS; loop++) {
    array got[3] = {array_copy(&out), array_copy(&sum), array_copy(&product)}, wanted[3] = {array_copy(&out), array_copy(&sum), array_copy(&product)};
    gt__channel_block b = {rows, cols, step, wanted[0].data, x.data, gy.data, v[0].data, v[1].data, v[2].data, v[3].data, v[4].data,
                           v[5].data, (double *)wanted[1].data, (double *)wanted[2].data, slope};
    generic->channels[loop][columns][wide](&b);
    b.out = got[0].data, b.sum = (double *)got[1].data, b.product = (double *)got[2].data;
    k->channels[loop][columns][wide](&b);
    bool ok = same(&got[0], &wanted[0]) && same(&got[1], &wanted[1]) && same(&got[2], &wanted[2]);
    for (int64_t c = 0; c < channels && ok; c++) {
      double s = at(&sum, c), p = at(&product, c);
      for (int64_t i = 0; i < rows * cols; i++) {
        if (columns && i % cols != c) continue;
        const int64_t place = i / cols * step + i % cols;
        const double d = at(&x, place) - at(&v[0], c), z = d * at(&v[1], c) + at(&v[2], c), g = at(&gy, place) * (z > 0 ? 1 : slope);
        const double r = got[0].size == 8 ? ((double *)got[0].data)[place] : (double)((float *)got[0].data)[place];
        const bool kink = fabs(z) < 1e-5;  /* rounding may decide */
        if (loop == GT__CHANNEL_SPREAD) s += d, p += d * d;
        if (loop == GT__CHANNEL_PRODUCTS) s += g, p += g * d;
        if (loop == GT__CHANNEL_MAP) ok &= near(r, z > 0 ? z : slope * z, 10, wide);
        if (loop == GT__CHANNEL_GRADIENT) ok &= kink || near(r, (g - at(&v[3], c) - d * at(&v[4], c)) * at(&v[5], c), 40, wide);
        if (kink && loop == GT__CHANNEL_PRODUCTS) s = p = NAN;
      }
      ok &= s != s || near(at(&got[1], c), s, 4 * (double)(rows * cols), wide);
      ok &= p != p || near(at(&got[2], c), p, 16 * (double)(rows * cols), wide);
    }
    for (int64_t i = 0; i < size && ok; i++) /* what lies between the runs */
      if (i % step >= cols || i >= rows * step) ok &= at(&got[0], i) == at(&out, i);
    CHECK_MSG(ok, "%s loop %d columns %d %lld x %lld slope %g %s", levels[level], loop, columns, (long long)rows, (long long)cols, slope,
              wide ? "double" : "float");
    for (int i = 0; i < 3; i++) array_free(&got[i]), array_free(&wanted[i]);
  }
  for (int i = 0; i < 6; i++) array_free(&v[i]);
  array_free(&x), array_free(&gy), array_free(&out), array_free(&sum), array_free(&product);
}

/* ---- optimizers ----------------------------------------------------------------------------------------------------------- */

static void check_optimizers(const gt__loop_kernels *k, const gt__loop_kernels *generic, int level) {
  const gt__update u = {0.5, 0.999, 1e-8, 0.01};
  for (int wide = 0; wide < 2; wide++) {
    for (int i = 0; i < LENGTHS; i++) {
      array start[3], got[3], wanted[3], g = array_new(wide, lengths[i]);
      array_fill(&g, false);
      bool ok = true;
      for (int j = 0; j < 3; j++) {
        start[j] = array_new(wide, lengths[i]);
        array_fill(&start[j], false);
        if (j) for (int64_t e = 0; e < lengths[i]; e++) set(&start[j], e, fabs(at(&start[j], e)));
      }
      for (int which = 0; which < 2; which++) {
        for (int j = 0; j < 3; j++) got[j] = array_copy(&start[j]), wanted[j] = array_copy(&start[j]);
        if (which) {
          generic->adam[wide](wanted[0].data, wanted[1].data, wanted[2].data, g.data, lengths[i], &u);
          k->adam[wide](got[0].data, got[1].data, got[2].data, g.data, lengths[i], &u);
        } else {
          generic->rmsprop[wide](wanted[0].data, wanted[1].data, g.data, lengths[i], &u);
          k->rmsprop[wide](got[0].data, got[1].data, g.data, lengths[i], &u);
        }
        for (int j = 0; j < 3; j++) ok &= same(&got[j], &wanted[j]), array_free(&got[j]), array_free(&wanted[j]);
      }
      CHECK_MSG(ok, "%s optimizers %d %s", levels[level], lengths[i], wide ? "double" : "float");
      for (int j = 0; j < 3; j++) array_free(&start[j]);
      array_free(&g);
    }
  }
}

/* ---- double weights and rows of floats ----------------------------------------------------------------------------------- */

static void check_mixed(const gt__loop_kernels *k, const gt__loop_kernels *generic, int level) {
  for (int i = 0; i < LENGTHS; i++) {
    const int64_t n = lengths[i];
    array w = array_new(true, n), x = array_new(false, n);
    array_fill(&w, false), array_fill(&x, false);
    double sum = 0, got = k->mixed_dot((double *)w.data, (float *)x.data, n), wanted = generic->mixed_dot((double *)w.data, (float *)x.data, n);
    for (int64_t j = 0; j < n; j++) sum += at(&w, j) * at(&x, j);
    CHECK_MSG(memcmp(&got, &wanted, sizeof got) == 0 && fabs(got - sum) <= 1e-13 * (double)(n + 1), "%s mixed_dot %d", levels[level], lengths[i]);
    array r = array_copy(&w), plain = array_copy(&w);
    k->mixed_add((double *)r.data, 0.3, (float *)x.data, n);
    for (int64_t j = 0; j < n; j++) set(&plain, j, at(&w, j) + 0.3 * at(&x, j));
    CHECK_MSG(same(&r, &plain), "%s mixed_add %d", levels[level], lengths[i]);
    array_free(&w), array_free(&x), array_free(&r), array_free(&plain);
  }
}

/* ---- accuracy -------------------------------------------------------------------------------------------------------------- */

/* Distance in units in the last place of the exact value. */
static double distance(float got, double exact) {
  if (exact != exact) return got == got;
  if (isinf((float)exact) || isinf(got)) return got == (float)exact ? 0 : INFINITY;
  int exponent;
  frexp(exact, &exponent);
  return fabs((double)got - exact) / fmax(ldexp(1, exponent - 24), 0x1p-149);
}

static void check_accuracy(float (*f)(float), double (*exact)(double), double most, const char *name) {
  double worst = 0;
  float worst_at = 0;
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 4001) {
    float x;
    uint32_t word = (uint32_t)bits;
    memcpy(&x, &word, sizeof x);
    double d = distance(f(x), exact((double)x));
    if (d > worst) worst = d, worst_at = x;
  }
  for (int i = 0; i < 100000; i++) {
    float x = (float)test_uniform(-3, 3);
    double d = distance(f(x), exact((double)x));
    if (d > worst) worst = d, worst_at = x;
  }
  CHECK_MSG(worst <= most, "%s is off by %.2f units in the last place at %.9g, more than %.1f", name, worst, (double)worst_at, most);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static float sigmoid_float(float x) {
  float r;
  gt__loops()->unary[GT__UNARY_sigmoid][0](&r, (const void *[]){&x}, 1, 0, 0);
  return x < -87 ? (float)sigmoid((double)x) : r; /* a denormal result's digits are lost in e^-x */
}
static double softplus(double x) { return x > 40 ? x : log1p(exp(x)); }
static float softplus_float(float x) {
  float r;
  gt__loops()->unary[GT__UNARY_softplus][0](&r, (const void *[]){&x}, 1, 1, 40);
  return r;
}

/* ---- time --------------------------------------------------------------------------------------------------------------------- */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

/* Median of the processor's seconds that `run` takes. */
#define TIME(seconds, times, run)                        \
  do {                                                   \
    double list_[31];                                    \
    for (int i_ = -2; i_ < 21; i_++) {                   \
      double start_ = now();                             \
      for (int j_ = 0; j_ < (times); j_++) run;          \
      if (i_ >= 0) list_[i_] = (now() - start_) / times; \
    }                                                    \
    qsort(list_, 21, sizeof *list_, by_value);           \
    seconds = list_[10];                                 \
  } while (0)

static void time_loops(void) {
  static const struct { const char *name; int kind, op; int streams; } cases[] = {
    {"leaky_relu", 1, GT__UNARY_leaky_relu, 2}, {"leaky_relu_grad", 2, GT__BINARY_leaky_relu_grad, 3}, {"add", 2, GT__BINARY_add, 3},
    {"tanh", 1, GT__UNARY_tanh, 2}, {"exp", 1, GT__UNARY_exp, 2}, {"log", 1, GT__UNARY_log, 2}, {"softplus", 1, GT__UNARY_softplus, 2},
    {"sigmoid", 1, GT__UNARY_sigmoid, 2}, {"sum", 3, GT__FOLD_sum, 1}, {"nonfinite", 3, GT__FOLD_nonfinite, 1}, {"adam", 4, 0, 7}};
  static const int64_t sizes[] = {4096, 131072, 1 << 23};
  float *a[4];
  for (int i = 0; i < 4; i++) {
    a[i] = aligned_alloc(64, (size_t)sizes[2] * sizeof(float));
    for (int64_t j = 0; j < sizes[2]; j++) a[i][j] = (float)test_uniform(i < 2 ? -2 : 0.1, 2);
  }
  printf("gigabytes a second that loops move, one thread, for 4 Ki, 128 Ki and 8 Mi floats\n");
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    for (int level = 0; level <= gt__cpu() && level <= GT__CPU_AVX512; level++) {
      gt__loop_kernels k;
      gt__loop_kernels_at(&k, level);
      printf("  %-16s %-8s", cases[c].name, levels[level]);
      for (int s = 0; s < 3; s++) {
        double seconds = 0, lanes[GT__LANES] = {0};
        const int64_t n = sizes[s];
        const int times = (int)((1 << 23) / n);
        const void *in[] = {a[0], a[1]};
        const gt__update u = {0.5, 0.999, 1e-8, 1e-4};
        if (cases[c].kind == 1) TIME(seconds, times, k.unary[cases[c].op][0](a[2], in, n, 0.2, 40));
        if (cases[c].kind == 2) TIME(seconds, times, k.binary[cases[c].op][0](a[2], in, n, 0.2, 0));
        if (cases[c].kind == 3) TIME(seconds, times, k.rows[cases[c].op][0](lanes, a[0], n, 0));
        if (cases[c].kind == 4) TIME(seconds, times, k.adam[0](a[0], a[1], a[3], a[2], n, &u));
        printf(" %8.1f", (double)(cases[c].streams * n) * 4e-9 / seconds);
      }
      printf("\n");
    }
  }
  for (int i = 0; i < 4; i++) free(a[i]);
}

/* Batch norm with its activation in a training step of a 64x64 DCGAN at batch 64. */
static void time_batch_norm(void) {
  static const int64_t shapes[][2] = {{128, 16}, {256, 8}, {512, 4}, {64, 32}};
  printf("milliseconds of batch norm with its activation, one thread, batch 64: forward and backward, in the inner layout and in NCHW\n");
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const int64_t shape[] = {64, shapes[i][0], shapes[i][1], shapes[i][1]}, c = shapes[i][0];
    gt_tensor *w = test_new(GT_FLOAT, 1, &c), *b = test_new(GT_FLOAT, 1, &c), *mean = test_new(GT_FLOAT, 1, &c), *invstd = test_new(GT_FLOAT, 1, &c);
    gt_tensor *gw = test_new(GT_FLOAT, 1, &c), *gb = test_new(GT_FLOAT, 1, &c);
    test_fill(w, 0.5, 1.5), test_fill(b, -0.5, 0.5);
    printf("  %lld x %lld x %lld:", (long long)c, (long long)shape[2], (long long)shape[3]);
    for (int inner = 1; inner >= 0; inner--) {
      gt_tensor *x = gt_tensor_new(GT_FLOAT), *y = gt_tensor_new(GT_FLOAT), *g = gt_tensor_new(GT_FLOAT), *gx = gt_tensor_new(GT_FLOAT);
      gt_tensor *all[] = {x, y, g, gx};
      for (int t = 0; t < 4; t++) {
        CHECK_OK(inner ? gt_tensor_resize_inner(all[t], shape) : gt_tensor_resize(all[t], 4, shape));
        for (int64_t e = 0; e < test_count(x); e++) ((float *)all[t]->store->ptr)[e] = (float)test_uniform(-1, 1);
      }
      double forward, backward;
      TIME(forward, 1, gt_batch_norm(y, mean, invstd, x, w, b, NULL, NULL, 1, 0.1, 1e-5, 0.2));
      TIME(backward, 1, gt_batch_norm_grad(gx, gw, gb, g, x, w, b, NULL, mean, invstd, 1, 0.2, 0, 1));
      printf("  %.2f %.2f", forward * 1e3, backward * 1e3);
      for (int t = 0; t < 4; t++) gt_tensor_free(all[t]);
    }
    printf("\n");
    gt_tensor *all[] = {w, b, mean, invstd, gw, gb};
    for (int t = 0; t < 6; t++) gt_tensor_free(all[t]);
  }
}

int main(int argc, char **argv) {
  gt__loop_kernels generic;
  gt__loop_kernels_at(&generic, GT__CPU_GENERIC);
  for (int level = 0; level <= gt__cpu(); level++) {
    gt__loop_kernels k;
    gt__loop_kernels_at(&k, level);
    check_maps(&k, &generic, level);
    check_folds(&k, &generic, level);
    check_optimizers(&k, &generic, level);
    check_mixed(&k, &generic, level);
    for (int i = 0; i < LENGTHS; i++) {
      const double slope = (double[]){1, 0, 0.2, -0.5}[i % 4];
      for (int wide = 0; wide < 2; wide++) {
        check_channels(&k, &generic, level, wide, true, lengths[i], slope);
        check_channels(&k, &generic, level, wide, false, lengths[i], slope);
        check_channels(&k, &generic, level, wide, i % 2, test_int(0, MOST), slope);
      }
    }
  }
  check_accuracy(gt__exp_float, exp, 1.1, "exp");
  check_accuracy(gt__expm1_float, expm1, 1.7, "expm1");
  check_accuracy(gt__log_float, log, 0.9, "log");
  check_accuracy(gt__log1p_float, log1p, 2.6, "log1p");
  check_accuracy(gt__tanh_float, tanh, 1.4, "tanh");
  check_accuracy(sigmoid_float, sigmoid, 2.6, "sigmoid");
  check_accuracy(softplus_float, softplus, 3, "softplus");
  if (argc > 1 && !strcmp(argv[1], "--time")) {
    CHECK_OK(gt_set_threads(1));
    time_loops();
    time_batch_norm();
  }
  return test_report("loops");
}
