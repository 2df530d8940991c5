/* conv.c: convolution, its input form (the fractional-strided convolution) and its weight form, for Float and Double: checks of
 * shapes, and which way computes which. Images may have any strides; a way wants them contiguous or in the inner layout, and what
 * lies otherwise is copied. A result that already has its shape keeps its layout, a new one takes the layout of its operand. */
#include "conv.h"
#include "layout.h"

/* ---- ways ---------------------------------------------------------------------------------------------------------- */

static int forced_way = GT__BY_SHAPE;

void gt__convolve_by(int way) { forced_way = way; }

enum { FEW = 8, THIN = 4, IMAGES = 16, INPUT_IMAGES = 4, CHANNELS = 16, ROWS = 12, WEIGHT_ROWS = 8 };

/* Whether Winograd's way pays: tiles are full enough that its products (of all points and phases) are fewer by a third, and there are rows
 * for the blocks. Channels of x fill a product's depth, where the rest is lost; those of y, if few, are less lost than what other ways lose,
 * except to the input form, whose depth they are. */
static bool winograd_pays(const geometry *g, gt__pass pass) {
  int64_t tiles = gt__ceil_div(g->oh, 4) * gt__ceil_div(g->ow, 4), side = gt__ceil_div(g->kh, g->sh) + 3;
  return g->c >= CHANNELS && (g->o >= CHANNELS || pass != GT__INPUT) && g->n * tiles >= (pass == GT__WEIGHT ? WEIGHT_ROWS : ROWS) &&
         3 * tiles * side * side * g->sh * g->sw <= 2 * g->area * g->taps;
}

bool gt__can(int way, const geometry *g, int dtype, gt__pass pass) {
  if (g->precision == GT_REFERENCE) return way == GT__BY_REFERENCE;
  switch (way) {
  case GT__BY_UNROLLING: return true;
  case GT__BY_TAPS: return g->groups == 1;
  case GT__BY_WINOGRAD: return g->groups == 1 && dtype == GT_FLOAT && gt__winograd_can(g);
  case GT__BY_FEW: return g->groups == 1 && pass != GT__FORWARD && g->c <= FEW;
  case GT__BY_BF16: return g->groups == 1 && gt__has_parts(g->precision);
  default: return false;
  }
}

/* The fastest way by measurement (bench/conv.c). Few images waste rows of blocks and do not pay for putting the weights in order.
 * Precisions of bfloat16 parts go by the processor's own products of such numbers, except where most of their 32 inner channels would be
 * empty; where it has none, the other ways get rounded numbers. */
int gt__rule(const geometry *g, int dtype, gt__pass pass) {
  if (g->precision == GT_REFERENCE) return GT__BY_REFERENCE;
  if (g->groups != 1) return GT__BY_UNROLLING;
  bool thin = pass == GT__FORWARD && g->c <= THIN;
  if (gt__has_parts(g->precision) && gt__cpu() >= GT__CPU_AMX && !thin) return GT__BY_BF16;
  if (gt__can(GT__BY_WINOGRAD, g, dtype, pass) && winograd_pays(g, pass)) return GT__BY_WINOGRAD;
  if (g->n < (pass == GT__INPUT && g->c > FEW ? INPUT_IMAGES : IMAGES)) return GT__BY_UNROLLING;
  return gt__can(GT__BY_FEW, g, dtype, pass) ? GT__BY_FEW : GT__BY_TAPS;
}

/* What a table says for the shape (choice.c), else the rule. */
int gt__way_of(const geometry *g, int dtype, gt__pass pass) {
  if (forced_way != GT__BY_SHAPE && g->precision != GT_REFERENCE) {
    int way = gt__can(forced_way, g, dtype, pass) ? forced_way : GT__BY_TAPS;
    return gt__can(way, g, dtype, pass) ? way : GT__BY_UNROLLING;
  }
  int chosen = gt__chosen(g, dtype, pass);
  return chosen >= 0 ? chosen : gt__rule(g, dtype, pass);
}

/* How a way computes each pass. The forward and input forms take the weight as a tensor, the weight form has two images. */
typedef int images_f(float *, const float *, const gt_tensor *, const geometry *);
typedef int images_d(double *, const double *, const gt_tensor *, const geometry *);
static int reference_forward(float *y, const float *x, const gt_tensor *w, const geometry *g) { return gt__reference_forward(y, x, gt__f(w), g); }
static int reference_input(float *x, const float *y, const gt_tensor *w, const geometry *g) { return gt__reference_input(x, y, gt__f(w), g); }
static int unroll_forward_f(float *y, const float *x, const gt_tensor *w, const geometry *g) { return gt__unroll_forward_f(y, x, gt__f(w), g); }
static int unroll_forward_d(double *y, const double *x, const gt_tensor *w, const geometry *g) { return gt__unroll_forward_d(y, x, gt__d(w), g); }
static int unroll_input_f(float *x, const float *y, const gt_tensor *w, const geometry *g) { return gt__unroll_input_f(x, y, gt__f(w), g); }
static int unroll_input_d(double *x, const double *y, const gt_tensor *w, const geometry *g) { return gt__unroll_input_d(x, y, gt__d(w), g); }

static const struct {
  images_f *forward_f, *input_f;
  images_d *forward_d, *input_d;
  int (*weight_f)(float *, const float *, const float *, const geometry *, double, double);
  int (*weight_d)(double *, const double *, const double *, const geometry *, double, double);
} ways[GT__WAYS] = {
  [GT__BY_UNROLLING] = {unroll_forward_f, unroll_input_f, unroll_forward_d, unroll_input_d, gt__unroll_weight_f, gt__unroll_weight_d},
  [GT__BY_REFERENCE] = {.forward_f = reference_forward, .input_f = reference_input, .weight_f = gt__reference_weight},
  [GT__BY_TAPS] = {gt__direct_forward_f, gt__direct_input_f, gt__direct_forward_d, gt__direct_input_d, gt__direct_weight_f, gt__direct_weight_d},
  [GT__BY_WINOGRAD] = {.forward_f = gt__winograd_forward, .input_f = gt__winograd_input, .weight_f = gt__winograd_weight},
  [GT__BY_FEW] = {.input_f = gt__few_input_f, .input_d = gt__few_input_d, .weight_f = gt__few_weight_f, .weight_d = gt__few_weight_d},
  [GT__BY_BF16] = {.forward_f = gt__bf16_forward, .input_f = gt__bf16_input, .weight_f = gt__bf16_weight},
};
static bool wants_inner(int way) { return way != GT__BY_UNROLLING && way != GT__BY_REFERENCE; }
/* Whether a way is to be handed rounded images, and rounds the weight when it puts it in its order. */
static bool wants_rounded(int way, const geometry *g) { return gt__has_parts(g->precision) && way != GT__BY_BF16; }

/* One convolution: result, its images (y from x, x from y; or x and y), the weight or (weight form) the second images. */
static int compute(gt_tensor *r, const gt_tensor *a, const gt_tensor *b, const geometry *g, gt__pass pass, int way, double beta, double scale) {
  bool single = r->dtype == GT_FLOAT;
  switch (pass) {
  case GT__FORWARD: return single ? ways[way].forward_f(gt__f(r), gt__f(a), b, g) : ways[way].forward_d(gt__d(r), gt__d(a), b, g);
  case GT__INPUT: return single ? ways[way].input_f(gt__f(r), gt__f(a), b, g) : ways[way].input_d(gt__d(r), gt__d(a), b, g);
  case GT__WEIGHT: break;
  }
  if (single) return ways[way].weight_f(gt__f(r), gt__f(a), gt__f(b), g, beta, scale);
  return ways[way].weight_d(gt__d(r), gt__d(a), gt__d(b), g, beta, scale);
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
  if (s->precision < 0 || s->precision >= GT_PRECISIONS) {
    return gt__fail(GT_EARG, "%s: the precision is %d, wanted GT_FLOAT32 (0) to GT_REFERENCE (%d)", what, s->precision, GT_REFERENCE);
  }
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

static void describe(geometry *g, const int64_t x[4], const int64_t w[4], const int64_t y[4], const gt_conv_shape *s, int dtype) {
  *g = (geometry){
    .n = x[0], .c = x[1], .h = x[2], .w = x[3], .o = w[0], .kh = w[2], .kw = w[3], .oh = y[2], .ow = y[3], .groups = s->groups,
    .cg = x[1] / s->groups, .og = w[0] / s->groups, .sh = s->stride_h, .sw = s->stride_w, .ph = s->pad_h, .pw = s->pad_w,
    .dh = s->dil_h, .dw = s->dil_w, .precision = dtype == GT_FLOAT ? s->precision : GT_FLOAT32,
  };
  g->taps = g->kh * g->kw;
  g->area = g->oh * g->ow;
  if (g->oh <= 1) g->sh = 1; /* one output has no next one: fewer planes */
  if (g->ow <= 1) g->sw = 1;
  g->extra_rows = (g->kh - 1) * g->dh / g->sh;
  g->extra_cols = (g->kw - 1) * g->dw / g->sw;
  g->covered = g->h + g->ph <= (g->oh + g->extra_rows) * g->sh && g->w + g->pw <= (g->ow + g->extra_cols) * g->sw;
}

int gt__describe(geometry *g, const gt_conv_case *c) {
  const gt_conv_shape *s = &c->shape;
  GT_TRY(want_options("a convolution", s));
  GT_TRY(want_size("a convolution", "a kernel", c->kh, c->kw));
  GT_TRY(want_size("a convolution", "images", c->h, c->w));
  int64_t oh = out_size(c->h, s->pad_h, s->dil_h, c->kh, s->stride_h), ow = out_size(c->w, s->pad_w, s->dil_w, c->kw, s->stride_w);
  if (c->n < 1 || c->c < 1 || c->o < 1 || oh < 1 || ow < 1 || c->c % s->groups || c->o % s->groups) {
    return gt__fail(GT_ESHAPE, "a convolution: %dx%dx%dx%d with %d kernels of %dx%d has no result", c->n, c->c, c->h, c->w, c->o, c->kh, c->kw);
  }
  describe(g, (int64_t[]){c->n, c->c, c->h, c->w}, (int64_t[]){c->o, c->c / s->groups, c->kh, c->kw}, (int64_t[]){c->n, c->o, oh, ow}, s,
           c->dtype);
  return GT_OK;
}

static bool is_empty(const geometry *g) { return g->n == 0 || g->c == 0 || g->o == 0 || g->area == 0 || g->h == 0 || g->w == 0; }

/* ---- operands and results ------------------------------------------------------------------------------------------- */

static bool lies(const gt_tensor *t, bool inner) { return inner ? gt__lies_inner(t) : gt_is_contiguous(t); }

static int resize(gt_tensor *t, const int64_t shape[4], bool inner) {
  return inner ? gt_tensor_resize_inner(t, shape) : gt_tensor_resize(t, 4, shape);
}

typedef struct round_job { float *to; const float *from; int64_t count; bool both; } round_job;

static void round_task(void *context, int64_t i) {
  const round_job *job = context;
  int64_t at = i * GT__CHUNK;
  gt__bf16()->round(job->to + at, job->from + at, gt__min(GT__CHUNK, job->count - at), job->both);
}

/* *use is t, or `copy` in the layout that is wanted, its numbers rounded if that is wanted. */
static int operand(const gt_tensor **use, gt_tensor *copy, const gt_tensor *t, bool inner, bool rounded, const geometry *g) {
  bool there = lies(t, inner);
  *use = t;
  if (there && !rounded) return GT_OK;
  *use = copy;
  GT_TRY(resize(copy, t->shape, inner));
  if (!there) GT_TRY(gt_copy(copy, t));
  if (!rounded) return GT_OK;
  round_job job = {gt__f(copy), gt__f(there ? t : copy), gt__numel(t), g->precision == GT_BF16X3};
  gt__parallel(gt__ceil_div(job.count, GT__CHUNK), round_task, &job);
  return GT_OK;
}

/* Images r of a shape from images a and weight w. */
static int make_images(gt_tensor *r, const int64_t shape[4], const gt_tensor *a, const gt_tensor *w, const geometry *g, gt__pass pass) {
  int way = gt__way_of(g, a->dtype, pass);
  bool inner = wants_inner(way), rounded = wants_rounded(way, g), keeps = gt__is_shape(r, 4, shape), follows = gt_is_inner(a);
  if (is_empty(g)) {
    GT_TRY(keeps ? GT_OK : resize(r, shape, follows));
    return gt_fill(r, 0);
  }
  gt_tensor a_copy = gt__blank(a->dtype), w_copy = gt__blank(a->dtype), r_copy = gt__blank(a->dtype), *out = r;
  const gt_tensor *images, *weight;
  int code = operand(&images, &a_copy, a, inner, rounded, g);
  if (!code) code = operand(&weight, &w_copy, w, false, rounded && !inner, g);
  bool apart = !gt__will_overlap(r, 4, shape, a) && !gt__will_overlap(r, 4, shape, w);
  if (!code && !(apart && (keeps ? lies(r, inner) : follows == inner))) out = &r_copy;
  if (!code && !(keeps && out == r)) code = resize(out, shape, inner);
  if (!code) code = compute(out, images, weight, g, pass, way, 0, 1);
  if (!code && out == &r_copy) {
    if (!keeps) code = resize(r, shape, follows);
    if (!code) code = gt_copy(r, &r_copy);
  } else if (!code) {
    gt__wrote(r);
  }
  gt__reset(&r_copy);
  gt__reset(&w_copy);
  gt__reset(&a_copy);
  return code;
}

/* w = beta w + scale times the weight form of x and y. */
static int make_weight(gt_tensor *w, const int64_t shape[4], const gt_tensor *x, const gt_tensor *y, const geometry *g, double beta, double scale) {
  int way = gt__way_of(g, x->dtype, GT__WEIGHT);
  gt_tensor x_copy = gt__blank(x->dtype), y_copy = gt__blank(x->dtype), w_copy = gt__blank(x->dtype), *out = NULL;
  const gt_tensor *a, *b;
  int code = operand(&a, &x_copy, x, wants_inner(way), wants_rounded(way, g), g);
  if (!code) code = operand(&b, &y_copy, y, wants_inner(way), wants_rounded(way, g), g);
  if (!code) code = gt__result(&out, &w_copy, w, 4, shape, gt__will_overlap(w, 4, shape, x) || gt__will_overlap(w, 4, shape, y));
  if (!code && beta != 0 && out != w) code = gt_copy(out, w);
  if (!code && !is_empty(g)) code = compute(out, a, b, g, GT__WEIGHT, way, beta, scale);
  else if (!code) code = beta == 0 ? gt_fill(out, 0) : gt_unary(gt_unary_code("mul"), out, out, beta, 0);
  if (!code) code = gt__commit(w, &w_copy, out);
  gt__reset(&w_copy);
  gt__reset(&y_copy);
  gt__reset(&x_copy);
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
  describe(&g, x->shape, w->shape, shape, s, x->dtype);
  return make_images(y, shape, x, w, &g, GT__FORWARD);
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
  describe(&g, shape, w->shape, y->shape, s, y->dtype);
  return make_images(x, shape, y, w, &g, GT__INPUT);
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
  describe(&g, x->shape, shape, y->shape, s, x->dtype);
  return make_weight(w, shape, x, y, &g, beta, scale);
}
