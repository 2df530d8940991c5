/* conv.c: convolution, its input form (the fractional-strided convolution) and its weight form, biases, for Float and Double.
 *
 * Each is computed in one of three ways (conv.h), chosen by shape. The one here does every shape and type: matrix products over
 * many images at once (kernels/conv.inl). A block of images or of output rows is unrolled
 * into columns, multiplied while it is still in cache, and put in place. A block belongs to one task; its size comes from the
 * problem's, so the bits of a result do not depend on the number of threads. A kernel as large as the image (the first
 * layer of a generator, the last of a discriminator) needs no unrolling: it is one product.
 */
#include "conv.h"
#include <string.h>

enum {
  BLOCK_BYTES = 1 << 20,     /* unrolled columns one task keeps at a time: about a core's L2 cache */
  BLOCK_ROWS = 1024,         /* inner dimension of one product in the forward pass */
  BLOCK_COLS_MIN = 256, BLOCK_COLS_MAX = 1024,
  WEIGHT_COLS = 512,         /* kernel elements one task of the weight form owns */
  WEIGHT_INNER = 512,        /* inner dimension of one product in the weight form */
  TASKS = 16                 /* blocks are made smaller rather than have fewer tasks than this */
};

/* How columns (image, output row, output column) are cut into blocks: whole images, or rows of one image. */
typedef struct blocks {
  int64_t images, rows;      /* of one block */
  int64_t per_image;         /* blocks in one image, when rows < oh */
  int64_t count;
} blocks;

static blocks cut_columns(const geometry *g, int64_t images, int64_t cols) {
  blocks b;
  if (cols >= g->area) {
    b.images = gt__max(1, cols / g->area);
    b.rows = g->oh;
    b.per_image = 1;
    b.count = gt__ceil_div(images, b.images);
  } else {
    b.images = 1;
    b.rows = gt__min(g->oh, gt__max(1, cols / g->ow));
    b.per_image = gt__ceil_div(g->oh, b.rows);
    b.count = images * b.per_image;
  }
  return b;
}

/* A kernel as large as the image, and one output position: x and y are matrices. */
static bool is_matrix(const geometry *g) {
  return g->groups == 1 && g->area == 1 && g->kh == g->h && g->kw == g->w && g->ph == 0 && g->pw == 0;
}

/* One channel of an image, sorted into sh * sw phase planes (conv.inl) that cover `rows` output rows: their elements ... */
static int64_t plane_size(const geometry *g, int64_t rows) {
  return g->sh * g->sw * (rows + g->extra_rows) * (g->ow + g->extra_cols);
}

/* ... and where the window of tap (i, j) begins in them. */
static int64_t window(const geometry *g, int64_t rows, int64_t i, int64_t j) {
  int64_t height = rows + g->extra_rows, width = g->ow + g->extra_cols;
  int64_t down = i * g->dh, right = j * g->dw;
  int64_t phase = down % g->sh * g->sw + right % g->sw;
  return (phase * height + down / g->sh) * width + right / g->sw;
}

static int forced_way = GT__BY_SHAPE;

void gt__convolve_by(int way) { forced_way = way; }

/* The fastest way by measurement (bench/conv.c). Few channels on either side waste vectors, few images waste rows of blocks and
 * do not pay for putting the weights in order. Winograd's way pays where tiles are full (100 products in place of 16 for each
 * result in a tile), taps where the unrolled columns would be read from far away. */
static int way_of(const geometry *g, int dtype, gt__pass pass) {
  if (is_matrix(g) || g->groups != 1) return GT__BY_UNROLLING;
  bool winograd = dtype == GT_FLOAT && gt__winograd_can(g);
  if (forced_way == GT__BY_WINOGRAD && !winograd) return GT__BY_TAPS;
  if (forced_way != GT__BY_SHAPE) return forced_way;
  if (g->c < 16 || g->o < 16) return GT__BY_UNROLLING;
  int64_t tiles = gt__ceil_div(g->oh, 4) * gt__ceil_div(g->ow, 4);
  if (winograd && g->n * tiles >= 32 && 100 * tiles <= 10 * g->area) return GT__BY_WINOGRAD;
  if (gt__cpu() == GT__CPU_AVX2 ? g->n >= 32 && pass == GT__INPUT : g->n >= 16) return GT__BY_TAPS;
  return GT__BY_UNROLLING;
}

#define real float
#define FN(name) name##_f
#define GEMM gt__sgemm
#define GEMM_PARALLEL gt__sgemm_parallel
#include "../kernels/conv.inl"
#undef real
#undef FN
#undef GEMM
#undef GEMM_PARALLEL
#define real double
#define FN(name) name##_d
#define GEMM gt__dgemm
#define GEMM_PARALLEL gt__dgemm_parallel
#include "../kernels/conv.inl"

/* ---- ways ---------------------------------------------------------------------------------------------------------- */

static int forward_f(float *y, const float *x, const float *w, const geometry *g) {
  int way = way_of(g, GT_FLOAT, GT__FORWARD);
  return way == GT__BY_WINOGRAD ? gt__winograd_forward(y, x, w, g)
    : way == GT__BY_TAPS ? gt__direct_forward_f(y, x, w, g) : conv_f(y, x, w, g);
}
static int forward_d(double *y, const double *x, const double *w, const geometry *g) {
  return way_of(g, GT_DOUBLE, GT__FORWARD) == GT__BY_TAPS ? gt__direct_forward_d(y, x, w, g) : conv_d(y, x, w, g);
}
static int input_f(float *x, const float *y, const float *w, const geometry *g) {
  int way = way_of(g, GT_FLOAT, GT__INPUT);
  return way == GT__BY_WINOGRAD ? gt__winograd_input(x, y, w, g)
    : way == GT__BY_TAPS ? gt__direct_input_f(x, y, w, g) : conv_input_f(x, y, w, g);
}
static int input_d(double *x, const double *y, const double *w, const geometry *g) {
  return way_of(g, GT_DOUBLE, GT__INPUT) == GT__BY_TAPS ? gt__direct_input_d(x, y, w, g) : conv_input_d(x, y, w, g);
}
static int weight_f(float *w, const float *x, const float *y, const geometry *g, double beta, double scale) {
  int way = way_of(g, GT_FLOAT, GT__WEIGHT);
  return way == GT__BY_WINOGRAD ? gt__winograd_weight(w, x, y, g, beta, scale)
    : way == GT__BY_TAPS ? gt__direct_weight_f(w, x, y, g, beta, scale) : conv_weight_f(w, x, y, g, beta, scale);
}
static int weight_d(double *w, const double *x, const double *y, const geometry *g, double beta, double scale) {
  bool taps = way_of(g, GT_DOUBLE, GT__WEIGHT) == GT__BY_TAPS;
  return taps ? gt__direct_weight_d(w, x, y, g, beta, scale) : conv_weight_d(w, x, y, g, beta, scale);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------- */

static int64_t out_size(int64_t in, int64_t pad, int64_t dil, int64_t kernel, int64_t stride) {
  int64_t span = in + 2 * pad - dil * (kernel - 1) - 1;
  return span < 0 ? 0 : span / stride + 1;
}

static int want_options(const char *what, const gt_conv_shape *s) {
  if (s->stride_h < 1 || s->stride_w < 1) {
    return gt__fail(GT_EARG, "%s: the stride is %dx%d, wanted 1 or more", what, s->stride_h, s->stride_w);
  }
  if (s->dil_h < 1 || s->dil_w < 1) {
    return gt__fail(GT_EARG, "%s: the dilation is %dx%d, wanted 1 or more", what, s->dil_h, s->dil_w);
  }
  if (s->pad_h < 0 || s->pad_w < 0) return gt__fail(GT_EARG, "%s: the padding is %dx%d, wanted 0 or more", what, s->pad_h, s->pad_w);
  if (s->groups < 1) return gt__fail(GT_EARG, "%s: %d groups, wanted 1 or more", what, s->groups);
  return GT_OK;
}

/* Sizes are products of an image's or a kernel's side, a stride or a dilation: none overflows below this. */
static int want_size(const char *what, const char *name, int64_t h, int64_t w) {
  if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX)
    return gt__fail(GT_EARG, "%s: %s of %lldx%lld, wanted 1 to %d", what, name, (long long)h, (long long)w, INT32_MAX);
  return GT_OK;
}

static int want_rank4(const char *what, const char *name, const gt_tensor *t) {
  gt__shape_text text;
  if (t->rank != 4) return gt__fail(GT_ESHAPE, "%s: %s is %s, wanted 4 dimensions", what, name, gt__shape(&text, t));
  return GT_OK;
}

/* Checks both operands' types and the options. */
static int want_pair(const char *what, const gt_tensor *a, const char *a_name, const gt_tensor *b, const char *b_name,
                     const gt_conv_shape *s) {
  GT_TRY(gt__want_real(a, what));
  GT_TRY(gt__want_real(b, what));
  GT_TRY(gt__want_same_type(a, b, what));
  GT_TRY(want_rank4(what, a_name, a));
  GT_TRY(want_rank4(what, b_name, b));
  return want_options(what, s);
}

static int want_weight(const char *what, const gt_tensor *w, const gt_conv_shape *s) {
  gt__shape_text text;
  if (w->shape[0] % s->groups) {
    return gt__fail(GT_ESHAPE, "%s: the weight %s does not divide into %d groups", what, gt__shape(&text, w), s->groups);
  }
  if (w->shape[2] < 1 || w->shape[3] < 1) return gt__fail(GT_ESHAPE, "%s: the kernel %s is empty", what, gt__shape(&text, w));
  return want_size(what, "a kernel", w->shape[2], w->shape[3]);
}

static void describe(geometry *g, const int64_t x[4], const int64_t w[4], const int64_t y[4], const gt_conv_shape *s) {
  *g = (geometry){
    .n = x[0], .c = x[1], .h = x[2], .w = x[3], .o = w[0], .kh = w[2], .kw = w[3], .oh = y[2], .ow = y[3], .groups = s->groups,
    .cg = x[1] / s->groups, .og = w[0] / s->groups, .sh = s->stride_h, .sw = s->stride_w, .ph = s->pad_h, .pw = s->pad_w,
    .dh = s->dil_h, .dw = s->dil_w,
  };
  g->taps = g->kh * g->kw;
  g->area = g->oh * g->ow;
  if (g->oh <= 1) g->sh = 1; /* one output has no next one: fewer planes */
  if (g->ow <= 1) g->sw = 1;
  g->extra_rows = (g->kh - 1) * g->dh / g->sh;
  g->extra_cols = (g->kw - 1) * g->dw / g->sw;
  g->covered = g->h + g->ph <= (g->oh + g->extra_rows) * g->sh && g->w + g->pw <= (g->ow + g->extra_cols) * g->sw;
}

static bool is_empty(const geometry *g) { return g->n == 0 || g->c == 0 || g->o == 0 || g->area == 0 || g->h == 0 || g->w == 0; }

/* Contiguous forms of two operands. */
typedef struct operands { const gt_tensor *a, *b; gt_tensor a_copy, b_copy; } operands;

static void operands_free(operands *p) {
  gt__reset(&p->a_copy);
  gt__reset(&p->b_copy);
}

static int operands_get(operands *p, const gt_tensor *a, const gt_tensor *b) {
  p->a_copy = gt__blank(a->dtype);
  p->b_copy = gt__blank(b->dtype);
  int code = gt__contiguous(&p->a, &p->a_copy, a);
  if (!code) code = gt__contiguous(&p->b, &p->b_copy, b);
  if (code) operands_free(p);
  return code;
}

/* ---- entry points --------------------------------------------------------------------------------------------------- */

int gt_conv(gt_tensor *y, const gt_tensor *x, const gt_tensor *w, const gt_conv_shape *s) {
  gt__shape_text text;
  GT_TRY(want_pair("conv", x, "x", w, "the weight", s));
  GT_TRY(want_weight("conv", w, s));
  if (x->shape[1] != w->shape[1] * s->groups) {
    return gt__fail(GT_ESHAPE, "conv: x has %lld channels, the weight %s wants %lld", (long long)x->shape[1], gt__shape(&text, w),
                    (long long)(w->shape[1] * s->groups));
  }
  int64_t shape[4] = {x->shape[0], w->shape[0], out_size(x->shape[2], s->pad_h, s->dil_h, w->shape[2], s->stride_h),
                      out_size(x->shape[3], s->pad_w, s->dil_w, w->shape[3], s->stride_w)};
  if (shape[2] < 1 || shape[3] < 1) {
    return gt__fail(GT_ESHAPE, "conv: images of %lldx%lld, padded by %dx%d, are smaller than the kernel of %lldx%lld (dilation %dx%d)",
                    (long long)x->shape[2], (long long)x->shape[3], s->pad_h, s->pad_w, (long long)w->shape[2],
                    (long long)w->shape[3], s->dil_h, s->dil_w);
  }
  GT_TRY(gt__want_same_type(y, x, "conv"));
  geometry g;
  describe(&g, x->shape, w->shape, shape, s);
  operands p;
  GT_TRY(operands_get(&p, x, w));
  gt_tensor *out, tmp = gt__blank(y->dtype);
  int code = gt__result(&out, &tmp, y, 4, shape, gt__will_overlap(y, 4, shape, x) || gt__will_overlap(y, 4, shape, w));
  if (!code) {
    if (is_empty(&g)) code = gt_fill(out, 0);
    else if (x->dtype == GT_FLOAT) code = forward_f(gt__f(out), gt__f(p.a), gt__f(p.b), &g);
    else code = forward_d(gt__d(out), gt__d(p.a), gt__d(p.b), &g);
  }
  if (!code) code = gt__commit(y, &tmp, out);
  gt__reset(&tmp);
  operands_free(&p);
  return code;
}

int gt_conv_input(gt_tensor *x, const gt_tensor *y, const gt_tensor *w, const gt_conv_shape *s, int64_t h, int64_t width) {
  gt__shape_text text;
  GT_TRY(want_pair("conv_input", y, "y", w, "the weight", s));
  GT_TRY(want_weight("conv_input", w, s));
  if (y->shape[1] != w->shape[0]) {
    return gt__fail(GT_ESHAPE, "conv_input: y has %lld channels, the weight %s wants %lld", (long long)y->shape[1],
                    gt__shape(&text, w), (long long)w->shape[0]);
  }
  GT_TRY(want_size("conv_input", "images", h, width));
  int64_t oh = out_size(h, s->pad_h, s->dil_h, w->shape[2], s->stride_h);
  int64_t ow = out_size(width, s->pad_w, s->dil_w, w->shape[3], s->stride_w);
  if (oh != y->shape[2] || ow != y->shape[3]) {
    return gt__fail(GT_ESHAPE, "conv_input: y is %s, and images of %lldx%lld give %lldx%lld", gt__shape(&text, y), (long long)h,
                    (long long)width, (long long)oh, (long long)ow);
  }
  int64_t shape[4] = {y->shape[0], w->shape[1] * s->groups, h, width};
  GT_TRY(gt__want_same_type(x, y, "conv_input"));
  geometry g;
  describe(&g, shape, w->shape, y->shape, s);
  operands p;
  GT_TRY(operands_get(&p, y, w));
  gt_tensor *out, tmp = gt__blank(x->dtype);
  int code = gt__result(&out, &tmp, x, 4, shape, gt__will_overlap(x, 4, shape, y) || gt__will_overlap(x, 4, shape, w));
  if (!code) {
    if (is_empty(&g)) code = gt_fill(out, 0);
    else if (y->dtype == GT_FLOAT) code = input_f(gt__f(out), gt__f(p.a), gt__f(p.b), &g);
    else code = input_d(gt__d(out), gt__d(p.a), gt__d(p.b), &g);
  }
  if (!code) code = gt__commit(x, &tmp, out);
  gt__reset(&tmp);
  operands_free(&p);
  return code;
}

int gt_conv_weight(gt_tensor *w, const gt_tensor *x, const gt_tensor *y, const gt_conv_shape *s, int64_t kh, int64_t kw, double beta,
                   double scale) {
  gt__shape_text text;
  GT_TRY(want_pair("conv_weight", x, "x", y, "y", s));
  if (x->shape[0] != y->shape[0]) {
    return gt__fail(GT_ESHAPE, "conv_weight: x has %lld images, y %lld", (long long)x->shape[0], (long long)y->shape[0]);
  }
  if (x->shape[1] % s->groups || y->shape[1] % s->groups) {
    return gt__fail(GT_ESHAPE, "conv_weight: %lld and %lld channels do not divide into %d groups", (long long)x->shape[1],
                    (long long)y->shape[1], s->groups);
  }
  GT_TRY(want_size("conv_weight", "a kernel", kh, kw));
  int64_t oh = out_size(x->shape[2], s->pad_h, s->dil_h, kh, s->stride_h);
  int64_t ow = out_size(x->shape[3], s->pad_w, s->dil_w, kw, s->stride_w);
  if (oh != y->shape[2] || ow != y->shape[3]) {
    return gt__fail(GT_ESHAPE, "conv_weight: y is %s, and x with a kernel of %lldx%lld gives %lldx%lld", gt__shape(&text, y),
                    (long long)kh, (long long)kw, (long long)oh, (long long)ow);
  }
  int64_t shape[4] = {y->shape[1], x->shape[1] / s->groups, kh, kw};
  GT_TRY(gt__want_same_type(w, x, "conv_weight"));
  if (beta != 0 && (!gt__is_shape(w, 4, shape))) {
    return gt__fail(GT_ESHAPE, "conv_weight: the weight is %s, the gradient %lldx%lldx%lldx%lld", gt__shape(&text, w),
                    (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)shape[3]);
  }
  geometry g;
  describe(&g, x->shape, shape, y->shape, s);
  operands p;
  GT_TRY(operands_get(&p, x, y));
  gt_tensor *out, tmp = gt__blank(w->dtype);
  int code = gt__result(&out, &tmp, w, 4, shape, gt__will_overlap(w, 4, shape, x) || gt__will_overlap(w, 4, shape, y));
  if (!code && beta != 0 && out != w) code = gt_copy(out, w);
  if (!code) {
    if (is_empty(&g) && x->dtype == GT_FLOAT) scale_all_f(gt__f(out), gt__numel(out), (float)beta);
    else if (is_empty(&g)) scale_all_d(gt__d(out), gt__numel(out), beta);
    else if (x->dtype == GT_FLOAT) code = weight_f(gt__f(out), gt__f(p.a), gt__f(p.b), &g, beta, scale);
    else code = weight_d(gt__d(out), gt__d(p.a), gt__d(p.b), &g, beta, scale);
  }
  if (!code) code = gt__commit(w, &tmp, out);
  gt__reset(&tmp);
  operands_free(&p);
  return code;
}

/* y and bias: y is N x C x ..., bias C numbers. Gives the number of images, channels and positions of each. */
static int want_bias(const char *what, const gt_tensor *y, const gt_tensor *bias, int64_t size[3]) {
  gt__shape_text text;
  GT_TRY(gt__want_real(y, what));
  if (y->rank < 2) return gt__fail(GT_ESHAPE, "%s: y is %s, wanted N x C or N x C x ...", what, gt__shape(&text, y));
  if (bias) {
    GT_TRY(gt__want_real(bias, what));
    GT_TRY(gt__want_same_type(bias, y, what));
    if (gt__numel(bias) != y->shape[1]) {
      return gt__fail(GT_ESHAPE, "%s: the bias has %lld numbers, y %lld channels", what, (long long)gt__numel(bias),
                      (long long)y->shape[1]);
    }
  }
  size[0] = y->shape[0];
  size[1] = y->shape[1];
  size[2] = 1;
  for (int d = 2; d < y->rank; d++) size[2] *= y->shape[d];
  return GT_OK;
}

int gt_add_bias(gt_tensor *y, const gt_tensor *bias) {
  int64_t size[3] = {0};
  GT_TRY(gt__usable(bias, "add_bias"));
  GT_TRY(want_bias("add_bias", y, bias, size));
  operands p;
  GT_TRY(operands_get(&p, y, bias));
  gt_tensor *out, tmp = gt__blank(y->dtype);
  int code = gt__result(&out, &tmp, y, y->rank, y->shape, gt__overlaps(y, bias));
  if (!code && gt__numel(y)) {
    if (y->dtype == GT_FLOAT) add_bias_f(gt__f(out), gt__f(p.a), gt__f(p.b), size);
    else add_bias_d(gt__d(out), gt__d(p.a), gt__d(p.b), size);
  }
  if (!code) code = gt__commit(y, &tmp, out);
  gt__reset(&tmp);
  operands_free(&p);
  return code;
}

int gt_bias_grad(gt_tensor *gb, const gt_tensor *gy, double beta, double scale) {
  int64_t size[3] = {0};
  GT_TRY(want_bias("bias_grad", gy, beta == 0 ? NULL : gb, size));
  GT_TRY(gt__want_same_type(gb, gy, "bias_grad"));
  gt_tensor copy = gt__blank(gy->dtype);
  const gt_tensor *from;
  GT_TRY(gt__contiguous(&from, &copy, gy));
  gt_tensor *out, tmp = gt__blank(gb->dtype);
  int rank = beta == 0 ? 1 : gb->rank;
  const int64_t *shape = beta == 0 ? &size[1] : gb->shape;
  int code = gt__result(&out, &tmp, gb, rank, shape, gt__will_overlap(gb, rank, shape, gy));
  if (!code && beta != 0 && out != gb) code = gt_copy(out, gb);
  if (!code && size[1]) {
    if (gy->dtype == GT_FLOAT) bias_grad_f(gt__f(out), gt__f(from), size, beta, scale);
    else bias_grad_d(gt__d(out), gt__d(from), size, beta, scale);
  }
  if (!code) code = gt__commit(gb, &tmp, out);
  gt__reset(&tmp);
  gt__reset(&copy);
  return code;
}
