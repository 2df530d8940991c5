/* test_nn_ops.c: convolution, pooling, batch normalisation and the optimizers against plain loops written from their
 * definitions, on odd sizes, both types, other memory orders, and with one and several threads. */
#include "test.h"

static const double tolerance[2] = {2e-4, 1e-11};
static double tol(const gt_tensor *t) { return tolerance[t->dtype == GT_DOUBLE]; }

static void check_same(const gt_tensor *got, const gt_tensor *wanted, double within, const char *what) {
  CHECK_MSG(gt_same_shape(got, wanted), "%s", what);
  if (!gt_same_shape(got, wanted)) return;
  long bad = 0;
  for (int64_t k = 0; k < test_count(wanted); k++) bad += !test_is_near(test_at(got, k), test_at(wanted, k), within);
  CHECK_MSG(bad == 0, "%s: %ld of %ld numbers differ", what, bad, (long)test_count(wanted));
}

static double product(const gt_tensor *a, const gt_tensor *b) {
  double sum = 0;
  for (int64_t k = 0; k < test_count(a); k++) sum += test_at(a, k) * test_at(b, k);
  return sum;
}

/* ---- convolution ---------------------------------------------------------------------------------------------------- */

/* Calls visit for every product x[..] w[..] y[..] of the trilinear form: adds it into `into` (one of the three). */
static void trilinear(gt_tensor *into, const gt_tensor *x, const gt_tensor *w, const gt_tensor *y, const gt_conv_shape *s) {
  double *sum = calloc((size_t)test_count(into) + 1, sizeof *sum);
  int64_t cg = w->shape[1], og = w->shape[0] / s->groups;
  for (int64_t n = 0; n < y->shape[0]; n++)
    for (int64_t o = 0; o < y->shape[1]; o++)
      for (int64_t r = 0; r < y->shape[2]; r++)
        for (int64_t q = 0; q < y->shape[3]; q++)
          for (int64_t c = 0; c < cg; c++)
            for (int64_t i = 0; i < w->shape[2]; i++)
              for (int64_t j = 0; j < w->shape[3]; j++) {
                int64_t h = r * s->stride_h - s->pad_h + i * s->dil_h, v = q * s->stride_w - s->pad_w + j * s->dil_w;
                if (h < 0 || h >= x->shape[2] || v < 0 || v >= x->shape[3]) continue;
                int64_t xc = o / og * cg + c;
                int64_t xk = ((n * x->shape[1] + xc) * x->shape[2] + h) * x->shape[3] + v;
                int64_t wk = ((o * cg + c) * w->shape[2] + i) * w->shape[3] + j;
                int64_t yk = ((n * y->shape[1] + o) * y->shape[2] + r) * y->shape[3] + q;
                if (into == y) sum[yk] += test_at(x, xk) * test_at(w, wk);
                else if (into == x) sum[xk] += test_at(y, yk) * test_at(w, wk);
                else sum[wk] += test_at(x, xk) * test_at(y, yk);
              }
  for (int64_t k = 0; k < test_count(into); k++) test_put(into, k, sum[k]);
  free(sum);
}

typedef struct conv_case { int64_t n, c, h, w, o, kh, kw; gt_conv_shape s; } conv_case;

static int64_t out_size(int64_t in, int pad, int dil, int64_t kernel, int stride) {
  return (in + 2 * pad - dil * (kernel - 1) - 1) / stride + 1;
}

static void check_conv(const conv_case *t, int dtype, int layout) {
  char what[200];
  snprintf(what, sizeof what, "n %d c %d %dx%d o %d kernel %dx%d stride %dx%d pad %dx%d dil %dx%d groups %d dtype %d layout %d", (int)t->n,
           (int)t->c, (int)t->h, (int)t->w, (int)t->o, (int)t->kh, (int)t->kw, t->s.stride_h, t->s.stride_w, t->s.pad_h, t->s.pad_w,
           t->s.dil_h, t->s.dil_w, t->s.groups, dtype, layout);
  int64_t xs[] = {t->n, t->c, t->h, t->w}, ws[] = {t->o, t->c / t->s.groups, t->kh, t->kw};
  int64_t ys[] = {t->n, t->o, out_size(t->h, t->s.pad_h, t->s.dil_h, t->kh, t->s.stride_h),
                  out_size(t->w, t->s.pad_w, t->s.dil_w, t->kw, t->s.stride_w)};
  gt_tensor *x0 = test_new(dtype, 4, xs), *w0 = test_new(dtype, 4, ws), *y0 = test_new(dtype, 4, ys);
  test_fill(x0, -1, 1);
  test_fill(w0, -1, 1);
  test_fill(y0, -1, 1);
  gt_tensor *x = test_layout(x0, layout), *w = test_layout(w0, layout), *y = test_layout(y0, layout);
  gt_tensor *wanted_x = test_new(dtype, 4, xs), *wanted_w = test_new(dtype, 4, ws), *wanted_y = test_new(dtype, 4, ys);
  trilinear(wanted_y, x0, w0, wanted_y, &t->s);
  trilinear(wanted_x, wanted_x, w0, y0, &t->s);
  trilinear(wanted_w, x0, wanted_w, y0, &t->s);

  gt_tensor *gx = test_layout(x0, layout), *gw = test_layout(w0, layout), *gy = test_layout(y0, layout);
  CHECK_OK(gt_conv(gy, x, w, &t->s));
  check_same(gy, wanted_y, tol(x), what);
  CHECK_OK(gt_conv_input(gx, y, w, &t->s, t->h, t->w));
  check_same(gx, wanted_x, tol(x), what);
  CHECK_OK(gt_conv_weight(gw, x, y, &t->s, t->kh, t->kw, 0, 1));
  check_same(gw, wanted_w, 10 * tol(x), what);
  double inner = product(gy, y0), scale = 1 + fabs(inner);
  CHECK_MSG(fabs(inner - product(gx, x0)) < 20 * tol(x) * scale, "%s: x form is not the adjoint", what);
  CHECK_MSG(fabs(inner - product(gw, w0)) < 20 * tol(x) * scale, "%s: w form is not the adjoint", what);
  /* Accumulation: 0.5 w + 2 g. */
  for (int64_t k = 0; k < test_count(wanted_w); k++) test_put(wanted_w, k, 0.5 * test_at(wanted_w, k) + 2 * test_at(wanted_w, k));
  CHECK_OK(gt_conv_weight(gw, x, y, &t->s, t->kh, t->kw, 0.5, 2));
  check_same(gw, wanted_w, 30 * tol(x), what);
  gt_tensor *all[] = {x0, w0, y0, x, w, y, wanted_x, wanted_w, wanted_y, gx, gw, gy};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

static void test_conv(void) {
  static const conv_case cases[] = {
    {2, 3, 8, 8, 4, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}},  {3, 2, 7, 9, 5, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}},
    {2, 4, 11, 7, 6, 5, 5, {2, 2, 2, 2, 1, 1, 1, 0}}, {2, 3, 4, 4, 2, 4, 4, {1, 1, 0, 0, 1, 1, 1, 0}},
    {1, 3, 1, 1, 4, 1, 1, {1, 1, 0, 0, 1, 1, 1, 0}},  {2, 5, 6, 5, 3, 1, 1, {1, 1, 0, 0, 1, 1, 1, 0}},
    {2, 4, 9, 10, 6, 3, 2, {2, 3, 1, 0, 2, 1, 2, 0}}, {2, 6, 8, 8, 6, 3, 3, {1, 1, 1, 1, 1, 1, 6, 0}},
    {1, 2, 13, 5, 3, 3, 1, {3, 1, 2, 0, 3, 1, 1, 0}}, {2, 2, 5, 5, 2, 2, 2, {3, 4, 0, 0, 1, 1, 1, 0}},
    {2, 2, 6, 6, 3, 1, 1, {2, 2, 1, 1, 1, 1, 1, 0}},  {1, 1, 3, 40, 2, 2, 3, {1, 1, 3, 5, 1, 4, 1, 0}},
    {5, 3, 24, 24, 7, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}}, {1, 2, 50, 50, 3, 5, 4, {1, 1, 2, 1, 1, 1, 1, 0}},
    {40, 70, 4, 4, 5, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}}, {0, 3, 8, 8, 4, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int layout = 0; layout < 4; layout++) {
      check_conv(&cases[i], GT_FLOAT, layout);
      if (layout < 2) check_conv(&cases[i], GT_DOUBLE, layout);
    }
  }
  for (int i = 0; i < 60; i++) {
    conv_case t = {.n = test_int(1, 3), .o = 0, .h = test_int(4, 12), .w = test_int(4, 12), .kh = test_int(1, 4), .kw = test_int(1, 4)};
    t.s = (gt_conv_shape){.stride_h = test_int(1, 3), .stride_w = test_int(1, 3), .pad_h = test_int(0, 2), .pad_w = test_int(0, 2),
                          .dil_h = test_int(1, 2), .dil_w = test_int(1, 2), .groups = test_int(1, 2)};
    t.c = t.s.groups * test_int(1, 3);
    t.o = t.s.groups * test_int(1, 3);
    if (t.h + 2 * t.s.pad_h <= t.s.dil_h * (t.kh - 1) || t.w + 2 * t.s.pad_w <= t.s.dil_w * (t.kw - 1)) continue;
    check_conv(&t, i % 2 ? GT_FLOAT : GT_DOUBLE, i % 4);
  }
}

static void test_conv_errors(void) {
  gt_conv_shape s = {2, 2, 1, 1, 1, 1, 1, 0};
  gt_tensor *x = test_new(GT_FLOAT, 4, (int64_t[]){2, 3, 8, 8}), *w = test_new(GT_FLOAT, 4, (int64_t[]){64, 4, 4, 4});
  gt_tensor *y = test_new(GT_FLOAT, 4, (int64_t[]){2, 64, 4, 5}), *r = gt_tensor_new(GT_FLOAT), *d = gt_tensor_new(GT_DOUBLE);
  gt_tensor *w3 = test_new(GT_FLOAT, 4, (int64_t[]){64, 3, 4, 4}), *flat = test_new(GT_FLOAT, 2, (int64_t[]){2, 3});
  gt_tensor *tiny = test_new(GT_FLOAT, 4, (int64_t[]){2, 3, 1, 1});
  CHECK_FAILS(gt_conv(r, x, w, &s), GT_ESHAPE, "conv: x has 3 channels, the weight 64x4x4x4 wants 4");
  CHECK_FAILS(gt_conv(r, flat, w3, &s), GT_ESHAPE, "conv: x is 2x3, wanted 4 dimensions");
  CHECK_FAILS(gt_conv(r, tiny, w3, &s), GT_ESHAPE, "images of 1x1, padded by 1x1, are smaller than the kernel of 4x4");
  CHECK_FAILS(gt_conv(d, x, w3, &s), GT_ETYPE, "conv");
  CHECK_FAILS(gt_conv_input(r, y, w3, &s, 8, 8), GT_ESHAPE, "conv_input: y is 2x64x4x5, and images of 8x8 give 4x4");
  CHECK_FAILS(gt_conv_input(r, x, w3, &s, 8, 8), GT_ESHAPE, "conv_input: y has 3 channels");
  CHECK_FAILS(gt_conv_weight(r, x, y, &s, 4, 4, 0, 1), GT_ESHAPE, "conv_weight: y is 2x64x4x5");
  CHECK_FAILS(gt_conv_weight(w, x, x, &(gt_conv_shape){1, 1, 1, 1, 1, 1, 1, 0}, 3, 3, 1, 1), GT_ESHAPE,
              "conv_weight: the weight is 64x4x4x4");
  s.stride_h = 0;
  CHECK_FAILS(gt_conv(r, x, w3, &s), GT_EARG, "the stride is 0x2");
  gt_tensor *all[] = {x, w, y, r, d, w3, flat, tiny};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

static double activated(double z, double slope) { return z > 0 ? z : slope * z; }

static void check_bias(int rank, const int64_t *shape, int dtype, int layout, double slope) {
  int64_t c = shape[1], positions = 1;
  for (int d = 2; d < rank; d++) positions *= shape[d];
  gt_tensor *x0 = test_new(dtype, rank, shape), *g0 = test_new(dtype, rank, shape), *b = test_new(dtype, 1, &c);
  test_fill(x0, -1, 1);
  test_fill(g0, -1, 1);
  test_fill(b, -1, 1);
  gt_tensor *x = test_layout(x0, layout), *g = test_layout(g0, layout), *y = gt_tensor_new(dtype), *gx = gt_tensor_new(dtype);
  gt_tensor *gb = gt_tensor_new(dtype), *plain = gt_tensor_new(dtype);
  double *wanted = calloc((size_t)c, sizeof *wanted), *wanted_plain = calloc((size_t)c, sizeof *wanted_plain);
  CHECK_OK(gt_add_bias(y, x, b, slope));
  CHECK_OK(gt_add_bias_grad(gx, gb, g, x, b, slope, 0, 1));
  CHECK_OK(gt_bias_grad(plain, g, 0, 1));
  CHECK(gt_is_inner(y) == gt_is_inner(x) && gt_is_inner(gx) == gt_is_inner(x) && gt_same_shape(y, x) && gt_same_shape(gx, x));
  CHECK_OK(gt_add_bias(x, x, b, slope));
  long bad = 0;
  for (int64_t k = 0; k < test_count(x0); k++) {
    double z = test_at(x0, k) + test_at(b, k / positions % c), through = test_at(g0, k) * (z > 0 ? 1 : slope);
    bad += !test_is_near(test_at(y, k), activated(z, slope), 1e-6) + (test_at(x, k) != test_at(y, k));
    bad += fabs(z) > 1e-6 && !test_is_near(test_at(gx, k), through, 1e-6);
    wanted[k / positions % c] += test_at(gx, k);
    wanted_plain[k / positions % c] += test_at(g0, k);
  }
  CHECK_MSG(bad == 0, "%ld numbers differ", bad);
  double count = (double)test_count(x0) / (double)c;
  for (int64_t i = 0; i < c; i++) {
    CHECK_NEAR(test_at(gb, i) / count, wanted[i] / count, 1e-7);
    CHECK_NEAR(test_at(plain, i) / count, wanted_plain[i] / count, 1e-7);
  }
  CHECK_OK(gt_bias_grad(plain, g, 2, -0.5));
  CHECK_OK(gt_add_bias_grad(g, gb, g, x0, b, slope, 2, -0.5));   /* the gradient of x over that of y */
  for (int64_t i = 0; i < c; i++) {
    CHECK_NEAR(test_at(gb, i) / count, 1.5 * wanted[i] / count, 1e-6);
    CHECK_NEAR(test_at(plain, i) / count, 1.5 * wanted_plain[i] / count, 1e-6);
  }
  check_same(g, gx, 0, "add_bias_grad in place");
  free(wanted), free(wanted_plain);
  gt_tensor *all[] = {x0, g0, b, x, g, y, gx, gb, plain};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

static void test_bias(void) {
  for (int dtype = GT_FLOAT; dtype <= GT_DOUBLE; dtype++) {
    for (int layout = 0; layout < 5; layout++) {
      const double slope = (double[]){1, 0, 0.2, -0.5, 0.2}[layout];
      check_bias(4, (int64_t[]){3, 5, 4, 7}, dtype, layout, slope);
      check_bias(4, (int64_t[]){3, 5, 4, 7}, dtype, layout, 1);
      check_bias(4, (int64_t[]){17, 67, 5, 3}, dtype, layout, slope);
      check_bias(2, (int64_t[]){9, 3}, dtype, layout, slope);
    }
  }
  gt_tensor *x = test_new(GT_FLOAT, 2, (int64_t[]){2, 3}), *b = test_new(GT_FLOAT, 1, (int64_t[]){2});
  CHECK_FAILS(gt_add_bias(x, x, b, 1), GT_ESHAPE, "add_bias: the bias has 2 numbers, the input 3 channels");
  CHECK_FAILS(gt_add_bias_grad(x, NULL, b, x, b, 1, 0, 1), GT_ESHAPE, "add_bias_grad: the gradient is 2, the input 2x3");
  CHECK_FAILS(gt_bias_grad(b, b, 0, 1), GT_ESHAPE, "bias_grad: the input is 2, wanted N x C");
  gt_tensor_free(x), gt_tensor_free(b);
}

/* ---- pooling ---------------------------------------------------------------------------------------------------------- */

static int64_t pooled(int64_t in, int pad, int kernel, int stride, int ceil_mode) {
  double span = (double)(in + 2 * pad - kernel) / stride;
  int64_t out = (int64_t)(ceil_mode ? ceil(span) : floor(span)) + 1;
  return (out - 1) * stride >= in + pad ? out - 1 : out;
}

static void check_pool(const gt_pool_shape *s, int64_t h, int64_t w, int dtype, int layout) {
  gt_tensor *x0 = test_new(dtype, 4, (int64_t[]){2, 3, h, w});
  test_fill(x0, -1, 1);
  gt_tensor *x = test_layout(x0, layout), *y = gt_tensor_new(dtype), *index = gt_tensor_new(GT_LONG), *gx = test_layout(x0, layout);
  gt_tensor *picked = gt_tensor_new(dtype), *avg = gt_tensor_new(dtype);
  int64_t oh = pooled(h, s->pad_h, s->kh, s->stride_h, s->ceil_mode), ow = pooled(w, s->pad_w, s->kw, s->stride_w, s->ceil_mode);
  CHECK_OK(gt_max_pool(y, index, x, s));
  CHECK_OK(gt_avg_pool(avg, x, s));
  CHECK(y->shape[2] == oh && y->shape[3] == ow && gt_same_shape(avg, y) && gt_same_shape(index, y));
  for (int64_t k = 0; k < test_count(y); k++) {
    int64_t c = k % ow, r = k / ow % oh, plane = k / (ow * oh), best = -1, inside = 0, counted = 0;
    double sum = 0;
    for (int64_t i = 0; i < s->kh; i++)
      for (int64_t j = 0; j < s->kw; j++) {
        int64_t a = r * s->stride_h - s->pad_h + i, b = c * s->stride_w - s->pad_w + j;
        counted += a < h + s->pad_h && b < w + s->pad_w;
        if (a < 0 || a >= h || b < 0 || b >= w) continue;
        int64_t at = (plane * h + a) * w + b;
        inside++;
        sum += test_at(x0, at);
        if (best < 0 || test_at(x0, at) > test_at(x0, best)) best = at;
      }
    CHECK_NEAR(test_at(y, k), test_at(x0, best), 0);
    CHECK_NEAR(test_at(index, k), (double)(best - plane * h * w + 1), 0);
    CHECK_NEAR(test_at(avg, k), sum / (double)(s->include_pad ? counted : inside), 1e-6);
  }
  CHECK_OK(gt_max_pool_pick(picked, x, index));
  check_same(picked, y, 0, "max_pool_pick");
  gt_tensor *g = test_new(dtype, 4, y->shape);
  test_fill(g, -1, 1);
  CHECK_OK(gt_max_pool_grad(gx, g, index, h, w));
  CHECK_NEAR(product(gx, x0), product(g, y), 1e-5);
  CHECK_OK(gt_avg_pool_grad(gx, g, s, h, w));
  CHECK_NEAR(product(gx, x0), product(g, avg), 1e-5);
  gt_tensor *all[] = {x0, x, y, index, gx, picked, avg, g};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

static void test_pooling(void) {
  static const gt_pool_shape shapes[] = {
    {2, 2, 2, 2, 0, 0, 0, 0}, {3, 2, 2, 1, 1, 1, 0, 1}, {3, 3, 2, 2, 1, 1, 1, 1}, {3, 3, 2, 2, 1, 0, 1, 0},
    {2, 3, 3, 4, 0, 0, 1, 1}, {4, 4, 4, 4, 0, 0, 1, 0}, {1, 1, 1, 1, 0, 0, 0, 1},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    for (int layout = 0; layout < 4; layout++) check_pool(&shapes[i], 7 + (int64_t)i % 3, 9, layout % 2 ? GT_DOUBLE : GT_FLOAT, layout);
  }
  gt_tensor *x = test_new(GT_FLOAT, 4, (int64_t[]){1, 1, 2, 2}), *y = gt_tensor_new(GT_FLOAT), *index = gt_tensor_new(GT_LONG);
  test_fill(x, 0, 1);
  test_put(x, 2, NAN);
  CHECK_OK(gt_max_pool(y, index, x, &shapes[0]));
  CHECK(isnan(test_at(y, 0)) && test_at(index, 0) == 3);
  test_put(index, 0, 5);
  CHECK_FAILS(gt_max_pool_grad(x, y, index, 2, 2), GT_EARG, "position 5 is outside 1..4");
  CHECK_FAILS(gt_max_pool(y, index, x, &(gt_pool_shape){3, 3, 1, 1, 0, 0, 0, 0}), GT_ESHAPE, "smaller than the window");
  CHECK_FAILS(gt_avg_pool(y, x, &(gt_pool_shape){2, 2, 1, 1, 2, 0, 0, 0}), GT_EARG, "the padding is 2x0");
  gt_tensor_free(x);
  gt_tensor_free(y);
  gt_tensor_free(index);
}

/* ---- larger images ---------------------------------------------------------------------------------------------------- */

static void check_upsample(int64_t scale, int dtype, int layout) {
  enum { N = 3, C = 5, H = 4, W = 7 };
  gt_tensor *x0 = test_new(dtype, 4, (int64_t[]){N, C, H, W}), *g0 = test_new(dtype, 4, (int64_t[]){N, C, H * scale, W * scale});
  test_fill(x0, -1, 1);
  test_fill(g0, -1, 1);
  gt_tensor *x = test_layout(x0, layout), *g = test_layout(g0, layout), *y = gt_tensor_new(dtype), *gx = gt_tensor_new(dtype);
  CHECK_OK(gt_upsample_nearest(y, x, scale));
  CHECK(gt_same_shape(y, g0) && gt_is_inner(y) == gt_is_inner(x));
  for (int64_t k = 0; k < test_count(y); k++) {
    int64_t j = k % (W * scale), i = k / (W * scale) % (H * scale), plane = k / (H * W * scale * scale);
    CHECK_NEAR(test_at(y, k), test_at(x0, (plane * H + i / scale) * W + j / scale), 0);
  }
  CHECK_OK(gt_block_sum(gx, g, scale));
  CHECK(gt_same_shape(gx, x0) && gt_is_inner(gx) == gt_is_inner(g));
  CHECK_NEAR(product(gx, x0), product(g0, y), 1e-5);
  gt_tensor *all[] = {x0, g0, x, g, y, gx};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

static void test_upsample(void) {
  for (int64_t scale = 1; scale <= 3; scale++)
    for (int layout = 0; layout <= 4; layout++)
      for (int dtype = GT_FLOAT; dtype <= GT_DOUBLE; dtype++) check_upsample(scale, dtype, layout);
  gt_tensor *x = test_new(GT_FLOAT, 3, (int64_t[]){2, 3, 4}), *y = gt_tensor_new(GT_FLOAT), *d = gt_tensor_new(GT_DOUBLE);
  test_fill(x, -1, 1);
  CHECK_OK(gt_upsample_nearest(x, x, 2)); /* over its own operand */
  CHECK(x->shape[1] == 6 && x->shape[2] == 8 && test_at(x, 0) == test_at(x, 9));
  CHECK_FAILS(gt_block_sum(y, x, 4), GT_ESHAPE, "not whole blocks of 4x4");
  CHECK_FAILS(gt_upsample_nearest(y, x, 0), GT_EARG, "the scale is 0");
  CHECK_FAILS(gt_upsample_nearest(d, x, 2), GT_ETYPE, "wanted one type");
  CHECK_OK(gt_tensor_resize(x, 2, (int64_t[]){0, 3}));
  CHECK_OK(gt_upsample_nearest(y, x, 2));
  CHECK(y->shape[0] == 0 && y->shape[1] == 6);
  gt_tensor_free(x);
  gt_tensor_free(y);
  gt_tensor_free(d);
}

/* ---- batch normalisation ------------------------------------------------------------------------------------------------ */

static double column(const gt_tensor *x, int64_t c, int64_t i) {   /* the i-th number of channel c */
  int64_t positions = test_count(x) / (x->shape[0] * x->shape[1]);
  return test_at(x, (i / positions * x->shape[1] + c) * positions + i % positions);
}

/* The loss sum(g * batch_norm(x)), for gradients by differences. */
static double norm_loss(const gt_tensor *g, const gt_tensor *x, const gt_tensor *w, const gt_tensor *b, gt_tensor *rm, gt_tensor *rv,
                        int train, double slope) {
  gt_tensor *y = gt_tensor_new(x->dtype), *mean = gt_tensor_new(x->dtype), *invstd = gt_tensor_new(x->dtype);
  CHECK_OK(gt_batch_norm(y, mean, invstd, x, w, b, train ? NULL : rm, train ? NULL : rv, train, 0.1, 1e-5, slope));
  double loss = product(g, y);
  gt_tensor_free(y);
  gt_tensor_free(mean);
  gt_tensor_free(invstd);
  return loss;
}

static void check_norm(int rank, const int64_t *shape, int dtype, int layout, double slope) {
  int64_t c = shape[1];
  gt_tensor *x0 = test_new(dtype, rank, shape), *g0 = test_new(dtype, rank, shape);
  gt_tensor *w = test_new(dtype, 1, &c), *b = test_new(dtype, 1, &c), *rm = test_new(dtype, 1, &c), *rv = test_new(dtype, 1, &c);
  test_fill(x0, 3, 5);
  test_fill(g0, -1, 1);
  test_fill(w, 0.5, 1.5);
  test_fill(b, -1, 1);
  test_fill(rm, 3, 5);
  test_fill(rv, 0.5, 2);
  double old_mean = test_at(rm, 1), old_var = test_at(rv, 1);
  gt_tensor *x = test_layout(x0, layout), *g = test_layout(g0, layout), *y = test_layout(x0, layout), *gx = test_layout(x0, layout), *again = test_layout(x0, layout);
  gt_tensor *mean = gt_tensor_new(dtype), *invstd = gt_tensor_new(dtype), *gw = gt_tensor_new(dtype), *gb = gt_tensor_new(dtype);
  int64_t count = test_count(x0) / c;
  CHECK_OK(gt_batch_norm(y, mean, invstd, x, w, b, rm, rv, 1, 0.25, 1e-5, slope));
  long wrong = 0;
  double m = 0, v = 0, within = dtype == GT_FLOAT ? 2e-5 : 1e-11;
  for (int64_t i = 0; i < count; i++) m += column(x0, 1, i) / (double)count;
  for (int64_t i = 0; i < count; i++) v += pow(column(x0, 1, i) - m, 2);
  CHECK_NEAR(test_at(mean, 1), m, within);
  CHECK_NEAR(test_at(invstd, 1), 1 / sqrt(v / (double)count + 1e-5), within);
  CHECK_NEAR(test_at(rm, 1), 0.25 * m + 0.75 * old_mean, within);
  CHECK_NEAR(test_at(rv, 1), 0.25 * v / (double)(count - 1) + 0.75 * old_var, within);
  for (int64_t i = 0; i < count; i++) {
    double z = (column(x0, 1, i) - m) / sqrt(v / (double)count + 1e-5) * test_at(w, 1) + test_at(b, 1);
    wrong += !test_is_near(column(y, 1, i), activated(z, slope), 4 * within);
  }
  for (int train = 0; train < 2; train++) {
    CHECK_OK(gt_batch_norm(y, mean, invstd, x, w, b, train ? NULL : rm, train ? NULL : rv, train, 0.1, 1e-5, slope));
    CHECK_OK(gt_batch_norm_again(again, x, w, b, mean, invstd, slope));
    for (int64_t i = 0; i < count; i++) wrong += column(again, 1, i) != column(y, 1, i);
    CHECK_MSG(wrong == 0, "%ld results are not those of the first time", wrong);
    CHECK_OK(gt_batch_norm_grad(gx, gw, gb, g, x, w, b, NULL, mean, invstd, train, slope, 0, 1));
    CHECK_OK(gt_batch_norm_grad(NULL, gw, gb, g, x, w, b, NULL, mean, invstd, train, slope, 1, 0.5));
    long bad = 0;
    double mu = test_at(mean, 1), r = test_at(invstd, 1), sum = 0, products = 0, size = 0;   /* the formula, for channel 1 */
    for (int64_t i = 0; i < count; i++) {
      double normal = (column(x0, 1, i) - mu) * r, through = column(g0, 1, i) * (normal * test_at(w, 1) + test_at(b, 1) > 0 ? 1 : slope);
      sum += through, products += through * normal, size += fabs(through);
    }
    CHECK_NEAR(test_at(gw, 1) / size, 1.5 * products / size, 4 * within);
    CHECK_NEAR(test_at(gb, 1) / size, 1.5 * sum / size, 4 * within);
    for (int64_t i = 0; i < count; i++) {
      double normal = (column(x0, 1, i) - mu) * r, z = normal * test_at(w, 1) + test_at(b, 1), through = column(g0, 1, i) * (z > 0 ? 1 : slope);
      double wanted = test_at(w, 1) * r * (through - train * (sum + normal * products) / (double)count);
      bad += !(fabs(z) < within || test_is_near(column(gx, 1, i), wanted, 4 * within));
    }
    CHECK_MSG(bad == 0, "%ld numbers of the gradient differ", bad);
    CHECK_OK(gt_batch_norm_grad(again, NULL, NULL, g, x, w, b, b, mean, invstd, train, slope, 0, 1));   /* through another weight */
    for (int64_t i = 0; i < count; i++)
      bad += !test_is_near(column(again, 1, i), column(gx, 1, i) / test_at(w, 1) * test_at(b, 1), 4 * within);
    CHECK_MSG(bad == 0, "%ld numbers of the gradient through another weight differ", bad);
    if (dtype == GT_FLOAT || test_count(x0) > 2000) continue;
    gt_tensor *of[] = {x0, w, b}, *gradient[] = {gx, gw, gb};
    double here = norm_loss(g0, x0, w, b, rm, rv, train, slope);
    int kinks = 0;
    for (int i = 0; i < 3; i++) {
      for (int64_t k = 0; k < test_count(of[i]); k += 1 + test_count(of[i]) / 9) {
        double value = test_at(of[i], k), h = 1e-5, scale = i ? 1.5 : 1;
        test_put(of[i], k, value + h);
        double up = norm_loss(g0, x0, w, b, rm, rv, train, slope);
        test_put(of[i], k, value - h);
        double down = norm_loss(g0, x0, w, b, rm, rv, train, slope);
        test_put(of[i], k, value);
        if (slope != 1 && fabs(up - 2 * here + down) > 1e-8) kinks++;   /* that of the activation lies between */
        else CHECK_NEAR(test_at(gradient[i], k), scale * (up - down) / (2 * h), 1e-6);
      }
    }
    CHECK_MSG(kinks < 6, "%d kinks", kinks);
  }
  CHECK_OK(gt_batch_norm(x, mean, invstd, x, w, b, rm, rv, 0, 0.1, 1e-5, slope));   /* in place, evaluation, from the values above */
  for (int64_t i = 0; i < count; i++) {
    double wanted = (column(x0, 1, i) - test_at(rm, 1)) / sqrt(test_at(rv, 1) + 1e-5) * test_at(w, 1) + test_at(b, 1);
    wrong += !test_is_near(column(x, 1, i), activated(wanted, slope), 4 * within);
  }
  CHECK_MSG(wrong == 0, "%ld results differ", wrong);
  gt_tensor *all[] = {x0, g0, w, b, rm, rv, x, g, y, gx, again, mean, invstd, gw, gb};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

static void test_batch_norm(void) {
  for (int dtype = GT_FLOAT; dtype <= GT_DOUBLE; dtype++) {
    for (int layout = 0; layout < 5; layout++) {
      const double slope = (double[]){1, 0, 0.2, -0.5, 0.2}[layout];
      check_norm(4, (int64_t[]){3, 4, 5, 3}, dtype, layout, 1);
      check_norm(4, (int64_t[]){3, 65, 5, 3}, dtype, layout, slope);
      check_norm(4, (int64_t[]){20, 2, 40, 50}, dtype, layout, slope);
      check_norm(4, (int64_t[]){1, 5, 1, 200}, dtype, layout, slope);
      check_norm(2, (int64_t[]){6, 11}, dtype, layout, slope);
      check_norm(2, (int64_t[]){7, 1100}, dtype, layout, slope);
      check_norm(3, (int64_t[]){2, 3, 17}, dtype, layout, slope);
      check_norm(3, (int64_t[]){1, 2, 70000}, dtype, layout, slope);
    }
  }
  int64_t shape[4] = {2, 3, 4, 4}, three = 3;
  gt_tensor *x = test_new(GT_FLOAT, 4, shape), *v = test_new(GT_FLOAT, 1, &three), *four = test_new(GT_FLOAT, 1, shape + 2);
  gt_tensor *y = gt_tensor_new(GT_FLOAT), *mean = gt_tensor_new(GT_FLOAT), *invstd = gt_tensor_new(GT_FLOAT);
  test_fill(x, 0, 1);
  CHECK_OK(gt_batch_norm(y, mean, invstd, x, NULL, NULL, NULL, NULL, 1, 0.1, 1e-5, 1));
  CHECK_OK(gt_batch_norm_grad(y, NULL, NULL, x, x, NULL, NULL, NULL, mean, invstd, 1, 1, 0, 1));
  CHECK_FAILS(gt_batch_norm(y, mean, invstd, x, NULL, NULL, NULL, NULL, 0, 0.1, 1e-5, 1), GT_EARG, "needs the running mean");
  CHECK_FAILS(gt_batch_norm(y, mean, invstd, x, four, v, NULL, NULL, 1, 0.1, 1e-5, 1), GT_ESHAPE, "the weight is 4, wanted 3 numbers");
  CHECK_FAILS(gt_batch_norm(y, mean, invstd, v, v, v, NULL, NULL, 1, 0.1, 1e-5, 1), GT_ESHAPE, "the input is 3, wanted N x C");
  gt_tensor *all[] = {x, y, v, four, mean, invstd};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

/* ---- optimizers ------------------------------------------------------------------------------------------------------------ */

static void test_optimizers(void) {
  for (int dtype = GT_FLOAT; dtype <= GT_DOUBLE; dtype++) {
    for (int layout = 0; layout < 3; layout++) {
      int64_t shape[2] = {7, 9};
      gt_tensor *x0 = test_new(dtype, 2, shape), *g = test_new(dtype, 2, shape);
      gt_tensor *m0 = test_new(dtype, 2, shape), *v0 = test_new(dtype, 2, shape);
      test_fill(x0, -1, 1);
      test_fill(g, -1, 1);
      test_fill(m0, -1, 1);
      test_fill(v0, 0, 1);
      gt_tensor *x = test_layout(x0, layout), *m = test_layout(m0, layout), *v = test_layout(v0, layout), *y = test_layout(x0, layout);
      gt_tensor *n = test_layout(v0, layout);
      CHECK_OK(gt_adam(x, m, v, g, 0.5, 0.999, 1e-8, 0.01));
      CHECK_OK(gt_rmsprop(y, n, g, 0.9, 1e-8, 0.01));
      for (int64_t k = 0; k < 63; k++) {
        double d = test_at(g, k), first = 0.5 * test_at(m0, k) + 0.5 * d, second = 0.999 * test_at(v0, k) + 0.001 * d * d;
        double mean = 0.9 * test_at(v0, k) + 0.1 * d * d;
        CHECK_NEAR(test_at(m, k), first, 1e-6);
        CHECK_NEAR(test_at(v, k), second, 1e-6);
        CHECK_NEAR(test_at(x, k), test_at(x0, k) - 0.01 * first / (sqrt(second) + 1e-8), 1e-6);
        CHECK_NEAR(test_at(n, k), mean, 1e-6);
        CHECK_NEAR(test_at(y, k), test_at(x0, k) - 0.01 * d / (sqrt(mean) + 1e-8), 1e-6);
      }
      gt_tensor *few = test_new(dtype, 1, shape);
      CHECK_FAILS(gt_adam(x, m, v, few, 0.5, 0.999, 1e-8, 0.01), GT_ESHAPE, "adam: the parameters are 7x9, but 7 was given");
      gt_tensor *all[] = {x0, g, m0, v0, x, m, v, y, n, few};
      for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
    }
  }
}

/* ---- the same bits with any number of threads -------------------------------------------------------------------------------- */

static void test_threads(void) {
  gt_conv_shape s = {2, 2, 1, 1, 1, 1, 1, 0};
  gt_pool_shape p = {2, 2, 2, 2, 0, 0, 0, 0};
  int64_t c = 24, xs[] = {32, 24, 16, 16}, ws[] = {32, 24, 4, 4}, ys[] = {32, 32, 8, 8};
  enum { RESULTS = 10 };
  gt_tensor *x = test_new(GT_FLOAT, 4, xs), *w = test_new(GT_FLOAT, 4, ws), *y = test_new(GT_FLOAT, 4, ys), *v = test_new(GT_FLOAT, 1, &c);
  gt_tensor *r[2][RESULTS], *index = gt_tensor_new(GT_LONG);
  test_fill(x, -1, 1);
  test_fill(w, -1, 1);
  test_fill(y, -1, 1);
  test_fill(v, 0.5, 1);
  int before = gt_threads();
  for (int run = 0; run < 2; run++) {
    CHECK_OK(gt_set_threads(run ? 3 : 1));
    for (int i = 0; i < RESULTS; i++) r[run][i] = gt_tensor_new(GT_FLOAT);
    gt_tensor **out = r[run];
    CHECK_OK(gt_conv(out[0], x, w, &s));
    CHECK_OK(gt_conv_input(out[1], y, w, &s, 16, 16));
    CHECK_OK(gt_conv_weight(out[2], x, y, &s, 4, 4, 0, 1));
    CHECK_OK(gt_batch_norm(out[3], out[4], out[5], x, v, v, NULL, NULL, 1, 0.1, 1e-5, 1));
    CHECK_OK(gt_batch_norm_grad(out[6], out[7], NULL, x, out[3], v, v, NULL, out[4], out[5], 1, 0.2, 0, 1));
    CHECK_OK(gt_bias_grad(out[8], y, 0, 1));
    CHECK_OK(gt_max_pool(out[9], index, x, &p));
  }
  CHECK_OK(gt_set_threads(before));
  for (int i = 0; i < RESULTS; i++) {
    CHECK_MSG(!memcmp(r[0][i]->store->ptr, r[1][i]->store->ptr, (size_t)test_count(r[0][i]) * sizeof(float)), "result %d", i);
    gt_tensor_free(r[0][i]);
    gt_tensor_free(r[1][i]);
  }
  gt_tensor *all[] = {x, w, y, v, index};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

int main(void) {
  test_conv();
  test_conv_errors();
  test_bias();
  test_pooling();
  test_upsample();
  test_batch_norm();
  test_optimizers();
  test_threads();
  return test_report("nn_ops");
}
