/* test_kernels.c: every kernel of every level that this processor has against plain loops in double, on random and adversarial
 * sizes, and the direct convolution against unrolling. All levels run in one process. */
#include "../../csrc/kernels/kernels.h"
#include "../../csrc/ops/conv.h"
#include "test.h"

static const char *const levels[] = {"generic", "avx2", "avx512", "amx"};
enum { GUARD = 64 };         /* elements around a result that must stay as they were */

static double *numbers(int64_t n) {
  double *a = malloc((size_t)(n + 1) * sizeof *a);
  for (int64_t i = 0; i < n; i++) a[i] = test_uniform(-1, 1);
  return a;
}

/* ---- blocks of products: count x k terms, every stride its own, results guarded ------------------------------------- */

#define CHECK_BLOCK(name, real, product_t, block, most_rows, most_cols, unit)                                           \
  static void name(const gt__matrix_kernels *table, int level) {                                                        \
    for (int round = 0; round < 60; round++) {                                                                          \
      int rows = round < 12 ? 1 + round % table->most_rows : test_int(1, table->most_rows);                             \
      int cols = round % 3 == 0 ? table->most_cols : test_int(1, table->most_cols);                                     \
      int count = test_int(0, 5), k = test_int(0, 40), transposed = test_int(0, 1);                                     \
      int64_t a_row = transposed ? 1 : k + test_int(0, 9), a_step = transposed ? rows + test_int(0, 9) : 1;             \
      int64_t b_row = cols + test_int(0, 9), c_row = cols + test_int(0, 9), offset = test_int(0, 7);                    \
      int64_t a_size = offset + rows * a_row + k * a_step, b_size = offset + k * b_row, c_size = rows * c_row + 2 * GUARD; \
      double *a = numbers(a_size * 5), *b = numbers(b_size * 5), *c = numbers(c_size);                                  \
      real *ra = malloc((size_t)(a_size * 5 + 1) * sizeof *ra), *rb = malloc((size_t)(b_size * 5 + 1) * sizeof *rb);    \
      real *rc = malloc((size_t)c_size * sizeof *rc);                                                                   \
      for (int64_t i = 0; i < a_size * 5; i++) a[i] = ra[i] = (real)a[i];                                               \
      for (int64_t i = 0; i < b_size * 5; i++) b[i] = rb[i] = (real)b[i];                                               \
      for (int64_t i = 0; i < c_size; i++) c[i] = rc[i] = (real)c[i];                                                   \
      const real *as[5], *bs[5];                                                                                        \
      for (int t = 0; t < 5; t++) as[t] = ra + t * a_size, bs[t] = rb + t * b_size;                                     \
      product_t p = {.c = rc + GUARD, .c_row = c_row, .a = as, .b = bs, .a_offset = offset, .a_row = a_row, .a_step = a_step, \
                     .b_offset = offset, .b_row = b_row, .count = count, .k = k, .add = round % 2};                     \
      table->block(&p, rows, cols);                                                                                     \
      int bad = 0;                                                                                                      \
      for (int64_t i = 0; i < c_size; i++) {                                                                            \
        int64_t r = (i - GUARD) / c_row, j = (i - GUARD) % c_row;                                                       \
        double wanted = c[i], bound = 0;                                                                                \
        if (i >= GUARD && r < rows && j < cols) {                                                                       \
          double sum = 0;                                                                                               \
          for (int64_t t = 0; t < count; t++) {                                                                         \
            for (int64_t l = 0; l < k; l++) {                                                                           \
              sum += a[t * a_size + offset + r * a_row + l * a_step] * b[t * b_size + offset + l * b_row + j];          \
            }                                                                                                           \
          }                                                                                                             \
          wanted = sum + (p.add ? c[i] : 0);                                                                            \
          bound = 2 * unit * (count * k + 2);                                                                           \
        }                                                                                                               \
        bad += !(fabs((double)rc[i] - wanted) <= bound);                                                                \
      }                                                                                                                 \
      CHECK_MSG(bad == 0, "%s " #block " %dx%d, %d terms of %d: %d numbers differ", levels[level], rows, cols, count, k, bad); \
      free(a), free(b), free(c), free(ra), free(rb), free(rc);                                                          \
    }                                                                                                                   \
  }
CHECK_BLOCK(check_block_f, float, gt__product_f, block_f, rows_f, cols_f, 0x1p-24)
CHECK_BLOCK(check_block_d, double, gt__product_d, block_d, rows_d, cols_d, 0x1p-52)

/* ---- transposition --------------------------------------------------------------------------------------------------- */

#define CHECK_TRANSPOSE(name, real, transpose)                                                                          \
  static void name(const gt__matrix_kernels *table, int level) {                                                        \
    for (int round = 0; round < 40; round++) {                                                                          \
      int rows = test_int(0, 50), cols = test_int(0, 50), to_row = rows + test_int(0, 5), from_row = cols + test_int(0, 5); \
      int64_t to_size = (int64_t)cols * to_row, from_size = (int64_t)rows * from_row;                                   \
      real *to = malloc((size_t)(to_size + 1) * sizeof *to), *from = malloc((size_t)(from_size + 1) * sizeof *from);    \
      for (int64_t i = 0; i < to_size; i++) to[i] = -1;                                                                 \
      for (int64_t i = 0; i < from_size; i++) from[i] = (real)i;                                                        \
      table->transpose(to, to_row, from, from_row, rows, cols);                                                         \
      int bad = 0;                                                                                                      \
      for (int64_t i = 0; i < to_size; i++) {                                                                           \
        int64_t r = i % to_row, j = i / to_row;                                                                         \
        bad += to[i] != (r < rows ? from[r * from_row + j] : -1);                                                       \
      }                                                                                                                 \
      CHECK_MSG(bad == 0, "%s " #transpose " %dx%d: %d numbers differ", levels[level], rows, cols, bad);                \
      free(to), free(from);                                                                                             \
    }                                                                                                                   \
  }
CHECK_TRANSPOSE(check_transpose_f, float, transpose_f)
CHECK_TRANSPOSE(check_transpose_d, double, transpose_d)

/* ---- Winograd's transforms against their matrices, on runs of every length around a vector's -------------------------- */

typedef struct matrices { int points, taps; const double *bt, *at, *a, *g, *gt; } matrices;
static const matrices both[] = {
  {5, 2, (const double[]){2, -1, -2, 1, 0,  0, -2, -1, 1, 0,  0, 2, -3, 1, 0,  0, -1, 0, 1, 0,  0, 2, -1, -2, 1},
   (const double[]){1, 1, 1, 1, 0,  0, 1, -1, 2, 0,  0, 1, 1, 4, 0,  0, 1, -1, 8, 1},
   (const double[]){1, 0, 0, 0,  1, 1, 1, 1,  1, -1, 1, -1,  1, 2, 4, 8,  0, 0, 0, 1},
   (const double[]){1 / 2., 0,  -1 / 2., -1 / 2.,  -1 / 6., 1 / 6.,  1 / 6., 1 / 3.,  0, 1},
   (const double[]){1 / 2., -1 / 2., -1 / 6., 1 / 6., 0,  0, -1 / 2., 1 / 6., 1 / 3., 1}},
  {6, 3, (const double[]){4, 0, -5, 0, 1, 0,  0, -4, -4, 1, 1, 0,  0, 4, -4, -1, 1, 0,  0, -2, -1, 2, 1, 0,  0, 2, -1, -2, 1, 0,  0, 4, 0, -5, 0, 1},
   (const double[]){1, 1, 1, 1, 1, 0,  0, 1, -1, 2, -2, 0,  0, 1, 1, 4, 4, 0,  0, 1, -1, 8, -8, 1},
   (const double[]){1, 0, 0, 0,  1, 1, 1, 1,  1, -1, 1, -1,  1, 2, 4, 8,  1, -2, 4, -8,  0, 0, 0, 1},
   (const double[]){1 / 4., 0, 0,  -1 / 6., -1 / 6., -1 / 6.,  -1 / 6., 1 / 6., -1 / 6.,  1 / 24., 1 / 12., 1 / 6.,  1 / 24., -1 / 12., 1 / 6.,  0, 0, 1},
   (const double[]){1 / 4., -1 / 6., -1 / 6., 1 / 24., 1 / 24., 0,  0, -1 / 6., 1 / 6., 1 / 12., -1 / 12., 0,  0, -1 / 6., -1 / 6., 1 / 6., 1 / 6., 1}}};

/* The algorithm itself: At ((G w) * (Bt d)) is the correlation of d and w, for all unit vectors d and w; A and Gt are transposes. */
static void check_matrices(const matrices *m) {
  for (int d = 0; d < m->points; d++) {
    for (int w = 0; w < m->taps; w++) {
      for (int r = 0; r < 4; r++) {
        double sum = 0;
        for (int e = 0; e < m->points; e++) sum += m->at[r * m->points + e] * m->g[e * m->taps + w] * m->bt[e * m->points + d];
        CHECK_NEAR(sum, d == r + w, 1e-14);
      }
    }
  }
  for (int e = 0; e < m->points; e++) {
    for (int r = 0; r < 4; r++) CHECK(m->a[e * 4 + r] == m->at[r * m->points + e]);
    for (int w = 0; w < m->taps; w++) CHECK(m->gt[w * m->points + e] == m->g[e * m->taps + w]);
  }
}

static void check_transform(gt__transform *transform, const double *matrix, int in, int out, const char *name, int level) {
  enum { MOST = 70, ROWS = 3, GAP = 5, FROM = ROWS * (MOST + GAP), TO = FROM + 2 };
  static float from[36][FROM], to[36][TO];
  for (int count = 1; count < MOST; count++) {
    const float *from_runs[36];
    float *to_runs[36];
    int absent = test_int(0, 2) ? -1 : test_int(0, out * out - 1), bad = 0;
    const gt__runs runs = {test_int(1, ROWS), count, count + test_int(0, GAP), count + test_int(0, GAP)};
    for (int e = 0; e < in * in; e++) {
      from_runs[e] = from[e];
      for (int i = 0; i < FROM; i++) from[e][i] = (float)test_uniform(-1, 1);
    }
    for (int e = 0; e < out * out; e++) {
      to_runs[e] = e == absent ? NULL : to[e] + 1;
      for (int i = 0; i < TO; i++) to[e][i] = 7;
    }
    transform(to_runs, from_runs, &runs);
    for (int e = 0; e < out * out; e++) {
      for (int i = -1; i < TO - 1; i++) {
        double wanted = 7, bound = 0;
        if (e != absent && i >= 0 && i / runs.to_row < runs.rows && i % runs.to_row < count) {
          int at = i / (int)runs.to_row * (int)runs.from_row + i % (int)runs.to_row;
          wanted = 0;
          for (int k = 0; k < in * in; k++) {
            double term = matrix[e / out * in + k / in] * matrix[e % out * in + k % in] * (double)from[k][at];
            wanted += term;
            bound += 24 * 0x1p-24 * fabs(term);
          }
        }
        bad += !(fabs((double)to[e][i + 1] - wanted) <= bound);
      }
    }
    CHECK_MSG(bad == 0, "%s %s of %d: %d numbers differ", levels[level], name, count, bad);
  }
}

static void check_winograd(int level) {
  gt__winograd_kernels table;
  gt__winograd_kernels_at(&table, level);
  for (int k = 0; k < 2; k++) {
    const gt__winograd_transforms *t = k ? &table.taps3 : &table.taps2;
    const matrices *m = &both[k];
    check_transform(t->operand, m->bt, m->points, m->points, "operand", level);
    check_transform(t->result, m->at, m->points, 4, "result", level);
    check_transform(t->gradient, m->a, 4, m->points, "gradient", level);
    check_transform(t->weight, m->g, m->taps, m->points, "weight", level);
    check_transform(t->weight_gradient, m->gt, m->points, m->taps, "weight_gradient", level);
  }
}

/* ---- convolutions: each way against the sums written out in double --------------------------------------------------- */

typedef struct conv_case { int64_t n, c, h, w, o, kh, kw; gt_conv_shape s; } conv_case;

static double *doubles(const gt_tensor *t) {
  double *a = malloc((size_t)test_count(t) * sizeof *a);
  for (int64_t i = 0; i < test_count(t); i++) a[i] = test_at(t, i);
  return a;
}

/* Adds x w y over all terms, one of the three being the result; magnitude receives the sum of absolute values, plain the sum in
 * float, term by term. */
static void trilinear(int pass, double *r, double *magnitude, float *plain, const gt_tensor *x, const gt_tensor *w, const gt_tensor *y,
                      const gt_conv_shape *s) {
  int64_t c = x->shape[1], h = x->shape[2], width = x->shape[3], o = y->shape[1], oh = y->shape[2], ow = y->shape[3];
  int64_t kh = w->shape[2], kw = w->shape[3];
  double *xs = doubles(x), *ws = doubles(w), *ys = doubles(y);
  for (int64_t n = 0; n < x->shape[0]; n++) for (int64_t f = 0; f < o; f++) for (int64_t p = 0; p < oh; p++)
  for (int64_t q = 0; q < ow; q++) for (int64_t i = 0; i < kh; i++) for (int64_t j = 0; j < kw; j++) {
    int64_t a = p * s->stride_h - s->pad_h + i * s->dil_h, b = q * s->stride_w - s->pad_w + j * s->dil_w;
    if (a < 0 || a >= h || b < 0 || b >= width) continue;
    for (int64_t e = 0; e < c; e++) {
      int64_t at[3] = {((n * o + f) * oh + p) * ow + q, ((n * c + e) * h + a) * width + b, ((f * c + e) * kh + i) * kw + j};
      double term = pass == GT__FORWARD ? xs[at[1]] * ws[at[2]] : pass == GT__INPUT ? ys[at[0]] * ws[at[2]] : xs[at[1]] * ys[at[0]];
      r[at[pass]] += term;
      magnitude[at[pass]] += fabs(term);
      plain[at[pass]] += (float)term;
    }
  }
  free(xs), free(ws), free(ys);
}

static gt_tensor *inner_copy(const gt_tensor *t) {
  gt_tensor *r = gt_tensor_new(t->dtype);
  CHECK_OK(gt_tensor_resize_inner(r, t->shape));
  CHECK_OK(gt_copy(r, t));
  return r;
}

/* Every number is near as its terms' size allows, and the worst of Winograd's is at most 16 times as far off as plain float's. */
static void check_conv(const conv_case *t, int dtype, int way) {
  int64_t oh = (t->h + 2 * t->s.pad_h - t->s.dil_h * (t->kh - 1) - 1) / t->s.stride_h + 1;
  int64_t ow = (t->w + 2 * t->s.pad_w - t->s.dil_w * (t->kw - 1) - 1) / t->s.stride_w + 1;
  gt_tensor *x = test_new(dtype, 4, (int64_t[]){t->n, t->c, t->h, t->w}), *w = test_new(dtype, 4, (int64_t[]){t->o, t->c, t->kh, t->kw});
  gt_tensor *y = test_new(dtype, 4, (int64_t[]){t->n, t->o, oh, ow});
  test_fill(x, -1, 1), test_fill(w, -1, 1), test_fill(y, -1, 1);
  double unit = dtype == GT_FLOAT ? 0x1p-24 : 0x1p-53;
  for (int pass = 0; pass < 3; pass++) {
    gt_tensor *r = gt_tensor_new(dtype), *like = pass == GT__FORWARD ? y : pass == GT__INPUT ? x : w;
    int64_t count = test_count(like), bad = 0;
    double *sum = calloc((size_t)count, sizeof *sum), *magnitude = calloc((size_t)count, sizeof *magnitude);
    gt__convolve_by(way);
    /* Operands contiguous, one or both in the inner layout; a fresh result follows its operand. */
    gt_tensor *a = test_int(0, 1) ? inner_copy(x) : x, *b = test_int(0, 1) ? inner_copy(y) : y;
    if (pass == GT__FORWARD) CHECK_OK(gt_conv(r, a, w, &t->s));
    if (pass == GT__INPUT) CHECK_OK(gt_conv_input(r, b, w, &t->s, t->h, t->w));
    if (pass == GT__WEIGHT) CHECK_OK(gt_conv_weight(r, a, b, &t->s, t->kh, t->kw, 0, 1));
    if (pass != GT__WEIGHT) CHECK(pass == GT__FORWARD ? gt_is_inner(r) == gt_is_inner(a) : gt_is_inner(r) == gt_is_inner(b));
    gt_tensor *flat = gt_tensor_new(dtype);
    CHECK_OK(gt_tensor_resize_as(flat, r));
    CHECK_OK(gt_copy(flat, r));
    if (a != x) gt_tensor_free(a);
    if (b != y) gt_tensor_free(b);
    gt_tensor_free(r);
    r = flat;
    float *plain = calloc((size_t)count, sizeof *plain);
    trilinear(pass, sum, magnitude, plain, x, w, y, &t->s);
    double worst = 0, worst_plain = 0, most = 16 * unit * (way == GT__BY_TAPS || way == GT__BY_FEW ? 1 : 16);
    for (int64_t k = 0; k < count; k++) {
      bad += !(fabs(test_at(r, k) - sum[k]) <= most * (magnitude[k] + (way == GT__BY_TAPS || way == GT__BY_FEW ? unit : 4)));
      worst = fmax(worst, fabs(test_at(r, k) - sum[k])), worst_plain = fmax(worst_plain, fabs((double)plain[k] - sum[k]));
    }
    if (dtype == GT_FLOAT && t->c >= 16 && t->o >= 16 && t->n >= 12) {
      CHECK_MSG(worst <= 16 * worst_plain, "way %d pass %d: off by %.3g, plain float by %.3g", way, pass, worst, worst_plain);
    }
    free(plain);
    CHECK_MSG(bad == 0, "way %d pass %d n %d c %d %dx%d o %d kernel %dx%d stride %d,%d pad %d,%d dil %d,%d %s: %d of %d numbers differ",
              way, pass, (int)t->n, (int)t->c, (int)t->h, (int)t->w, (int)t->o, (int)t->kh, (int)t->kw, t->s.stride_h, t->s.stride_w,
              t->s.pad_h, t->s.pad_w, t->s.dil_h, t->s.dil_w, dtype == GT_FLOAT ? "float" : "double", (int)bad, (int)count);
    free(sum), free(magnitude);
    gt_tensor_free(r);
  }
  gt__convolve_by(GT__BY_SHAPE);
  gt_tensor_free(x), gt_tensor_free(w), gt_tensor_free(y);
}

static void check_convs(void) {
  static const conv_case cases[] = {
    {7, 3, 16, 16, 20, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}, {13, 65, 8, 8, 40, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}},
    {16, 64, 8, 8, 32, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}, {12, 20, 9, 7, 17, 5, 5, {2, 2, 2, 2, 1, 1, 1, 0}},
    {3, 16, 4, 4, 129, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}}, {2, 5, 3, 3, 4, 1, 1, {2, 2, 3, 3, 1, 1, 1, 0}},
    {1, 530, 4, 4, 8, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}}, {530, 3, 4, 4, 5, 2, 2, {1, 1, 0, 0, 1, 1, 1, 0}},
    {2, 4, 20, 70, 3, 2, 2, {1, 1, 0, 0, 1, 1, 1, 0}}, {4, 3, 12, 12, 6, 9, 9, {1, 1, 4, 4, 1, 1, 1, 0}},
    {5, 8, 4, 4, 6, 4, 4, {3, 3, 1, 1, 1, 1, 1, 0}}, {16, 33, 8, 8, 70, 5, 5, {2, 2, 2, 2, 1, 1, 1, 0}},
    {14, 40, 9, 9, 30, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    check_conv(&cases[i], GT_FLOAT, GT__BY_TAPS);
    check_conv(&cases[i], GT_DOUBLE, GT__BY_TAPS);
    check_conv(&cases[i], GT_FLOAT, GT__BY_SHAPE);
    check_conv(&cases[i], i % 2 ? GT_FLOAT : GT_DOUBLE, GT__BY_FEW);
    check_conv(&cases[i], GT_FLOAT, GT__BY_WINOGRAD);
  }
  /* Enough rows for Winograd's tasks to take some all the way: several tiles, and parts of the images of one. */
  static const conv_case large[] = {{660, 4, 32, 32, 3, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}, {140, 30, 16, 16, 30, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}};
  for (int i = 0; i < 2; i++) check_conv(&large[i], GT_FLOAT, GT__BY_WINOGRAD);
  for (int i = 0; i < 60; i++) {
    conv_case t = {.n = test_int(1, 14), .c = test_int(1, 20), .o = test_int(1, 20), .kh = test_int(1, 5), .kw = test_int(1, 5)};
    t.s = (gt_conv_shape){test_int(1, 3), test_int(1, 3), test_int(0, 3), test_int(0, 3), test_int(1, 2), test_int(1, 2), 1, 0};
    t.h = test_int(1, 12) + t.s.dil_h * (t.kh - 1), t.w = test_int(1, 12) + t.s.dil_w * (t.kw - 1);
    check_conv(&t, i % 4 ? GT_FLOAT : GT_DOUBLE, GT__BY_TAPS);
    t.c = test_int(1, 8);
    check_conv(&t, i % 4 ? GT_FLOAT : GT_DOUBLE, GT__BY_FEW);
    t.kh = t.kw = 4, t.s.stride_h = t.s.stride_w = 2, t.s.dil_h = t.s.dil_w = 1;
    t.h = test_int(4, 20), t.w = test_int(4, 20);
    check_conv(&t, GT_FLOAT, GT__BY_WINOGRAD);
    t.s.stride_h = t.s.stride_w = test_int(1, 2);
    t.kh = t.kw = t.s.stride_h == 1 ? test_int(2, 3) : test_int(3, 6);
    t.h = test_int(6, 20), t.w = test_int(6, 20);
    check_conv(&t, GT_FLOAT, GT__BY_WINOGRAD);
  }
}

/* The same bits at one and at several threads. */
static void check_threads(int way) {
  int64_t c = way == GT__BY_FEW ? 3 : 32;
  static const gt_conv_shape s = {2, 2, 1, 1, 1, 1, 1, 0};
  gt_tensor *x = test_new(GT_FLOAT, 4, (int64_t[]){16, c, 16, 16}), *w = test_new(GT_FLOAT, 4, (int64_t[]){80, c, 4, 4});
  gt_tensor *y = test_new(GT_FLOAT, 4, (int64_t[]){16, 80, 8, 8}), *r[6];
  test_fill(x, -1, 1), test_fill(w, -1, 1), test_fill(y, -1, 1);
  int threads = gt_threads();
  gt__convolve_by(way);
  for (int i = 0; i < 2; i++) {
    CHECK_OK(gt_set_threads(i ? 3 : 1));
    for (int k = 0; k < 3; k++) r[3 * i + k] = gt_tensor_new(GT_FLOAT);
    CHECK_OK(gt_conv(r[3 * i], x, w, &s));
    CHECK_OK(gt_conv_input(r[3 * i + 1], y, w, &s, 16, 16));
    CHECK_OK(gt_conv_weight(r[3 * i + 2], x, y, &s, 4, 4, 0, 1));
  }
  gt__convolve_by(GT__BY_SHAPE);
  for (int k = 0; k < 3; k++) {
    CHECK(!memcmp(r[k]->store->ptr, r[3 + k]->store->ptr, (size_t)test_count(r[k]) * sizeof(float)));
    gt_tensor_free(r[k]), gt_tensor_free(r[3 + k]);
  }
  CHECK_OK(gt_set_threads(threads));
  gt_tensor_free(x), gt_tensor_free(w), gt_tensor_free(y);
}

/* The largest difference between two tensors of one shape. */
static double apart(const gt_tensor *a, const gt_tensor *b) {
  double most = 0;
  for (int64_t k = 0; k < test_count(a); k++) most = fmax(most, fabs(test_at(a, k) - test_at(b, k)));
  return most;
}

/* What is cut into blocks and made in parts where numbers are millions, with few of them. */
static void check_blocks(void) {
  static const conv_case cases[] = {
    {7, 3, 16, 16, 20, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}, {13, 65, 8, 8, 70, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}},
    {12, 20, 9, 7, 130, 5, 5, {2, 2, 2, 2, 1, 1, 1, 0}}, {3, 130, 4, 4, 129, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}},
    {40, 5, 17, 18, 6, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}, {30, 5, 9, 9, 6, 3, 3, {1, 1, 0, 0, 1, 1, 1, 0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int64_t limit = 1; limit < 1 << 20; limit *= 40) {
      gt__winograd_limit(limit);
      check_conv(&cases[i], GT_FLOAT, GT__BY_WINOGRAD);
    }
  }
  gt__winograd_limit(0);
}

/* Weights that are many times as large as points are not kept so; and where rows come in several chunks, the weight form is what taps give. */
static void check_large_weights(void) {
  const gt_conv_shape shape = {2, 2, 1, 1, 1, 1, 1, 0};
  const int64_t n = 12, c = 260, o = 340;
  gt_tensor *x = test_new(GT_FLOAT, 4, (int64_t[]){n, c, 8, 8}), *y = test_new(GT_FLOAT, 4, (int64_t[]){n, o, 4, 4});
  gt_tensor *w = test_new(GT_FLOAT, 4, (int64_t[]){o, c, 4, 4});
  gt_tensor *whole = gt_tensor_new(GT_FLOAT), *r = gt_tensor_new(GT_FLOAT);
  test_fill(x, -1, 1), test_fill(y, -1, 1), test_fill(w, -1, 1);
  gt__convolve_by(GT__BY_WINOGRAD);
  const double live = gt_pool()->live;
  CHECK_OK(gt_conv(whole, x, w, &shape));
  CHECK(gt_pool()->live - live < 4e6);      /* nothing was kept: the form would be 33 MB */
  gt__convolve_by(GT__BY_TAPS);
  CHECK_OK(gt_conv(r, x, w, &shape));
  CHECK(apart(whole, r) < 1e-3);            /* of sums of 4160 terms: some 20 */
  CHECK_OK(gt_tensor_resize(x, 4, (int64_t[]){128, 64, 32, 32}));
  CHECK_OK(gt_tensor_resize(y, 4, (int64_t[]){128, 16, 16, 16}));
  test_fill(x, -1, 1), test_fill(y, -1, 1);
  gt__convolve_by(GT__BY_WINOGRAD);
  CHECK_OK(gt_conv_weight(whole, x, y, &shape, 4, 4, 0, 1));
  gt__convolve_by(GT__BY_TAPS);
  CHECK_OK(gt_conv_weight(r, x, y, &shape, 4, 4, 0, 1));
  CHECK(apart(whole, r) < 2e-2);            /* of sums of 32768 terms: some 60 */
  gt__convolve_by(GT__BY_SHAPE);
  gt_tensor *all[] = {x, y, w, whole, r};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

int main(void) {
  for (int level = 0; level <= gt__cpu(); level++) {
    gt__matrix_kernels table;
    gt__matrix_kernels_at(&table, level);
    CHECK(table.rows_f <= GT__BLOCK_ROWS && table.cols_f <= GT__BLOCK_COLS && GT__BLOCK_COLS % table.cols_f == 0);
    CHECK(table.rows_d <= GT__BLOCK_ROWS && table.cols_d <= GT__BLOCK_COLS && GT__BLOCK_COLS % table.cols_d == 0);
    check_block_f(&table, level);
    check_block_d(&table, level);
    check_transpose_f(&table, level);
    check_transpose_d(&table, level);
    check_winograd(level);
  }
  check_matrices(&both[0]);
  check_matrices(&both[1]);
  check_convs();
  check_blocks();
  check_large_weights();
  check_threads(GT__BY_TAPS);
  check_threads(GT__BY_WINOGRAD);
  check_threads(GT__BY_FEW);
  return test_report("kernels");
}
