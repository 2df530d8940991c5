/* batchnorm.c: batch normalisation and its gradients over N x C or N x C x ... (statistics over all but the second dimension), with
 * the ReLU that may follow. Images are taken as they lie, in the inner layout or contiguous (channels.h); results follow them. */
#include "ops.h"
#include "channels.h"
#include "layout.h"
#include <math.h>

/* Whether r, which gets x's shape, may share an element with a, other than being a itself: a number is written after its last
 * use, so in place is fine. */
static bool in_way(const gt_tensor *r, const gt_tensor *x, const gt_tensor *a) {
  return gt__will_overlap(r, x->rank, x->shape, a) && !gt_is_set_to(r, a);
}

/* A tensor of c numbers, read or written through a contiguous stand-in where it needs one. */
typedef struct channel_vector {
  gt_tensor *t;
  const gt_tensor *read;
  gt_tensor *write, copy;
  bool given;
} channel_vector;

static int vector_check(const char *what, const char *name, const gt_tensor *t, const gt_tensor *x, int64_t c) {
  gt__shape_text text;
  GT_TRY(gt__usable(t, what));
  GT_TRY(gt__want_same_type(t, x, what));
  if (gt__numel(t) != c) {
    return gt__fail(GT_ESHAPE, "%s: %s is %s, wanted %lld numbers, one for each channel", what, name, gt__shape(&text, t), (long long)c);
  }
  return GT_OK;
}

static int vector_in(channel_vector *v, const char *what, const char *name, const gt_tensor *t, const gt_tensor *x, int64_t c) {
  if (!t) return GT_OK;
  GT_TRY(vector_check(what, name, t, x, c));
  v->given = true;
  return gt__contiguous(&v->read, &v->copy, t);
}

/* keep: the old numbers matter, so t must have c of them; else t becomes a vector of c. */
static int vector_out(channel_vector *v, const char *what, const char *name, gt_tensor *t, const gt_tensor *x, int64_t c, bool keep) {
  if (!t) return GT_OK;
  if (keep) GT_TRY(vector_check(what, name, t, x, c));
  else GT_TRY(gt__want_same_type(t, x, what));
  v->t = t;
  v->given = true;
  const int rank = keep ? t->rank : 1;
  const int64_t *shape = keep ? t->shape : &c;
  GT_TRY(gt__result(&v->write, &v->copy, t, rank, shape, gt__will_overlap(t, rank, shape, x)));
  if (keep && v->write != t) GT_TRY(gt_copy(v->write, t));
  return GT_OK;
}

/* Whether the result, resized to x's shape, may run into one of the vectors. */
static bool vectors_in_way(const gt_tensor *r, const gt_tensor *x, const channel_vector *v, int count) {
  bool overlap = false;
  for (int i = 0; i < count; i++)
    if (v[i].given) overlap |= gt__will_overlap(r, x->rank, x->shape, v[i].t ? v[i].write : v[i].read);
  return overlap;
}

static int vector_done(channel_vector *v) { return v->t ? gt__commit(v->t, &v->copy, v->write) : GT_OK; }

/* Number c of a vector that is read, or written. */
static double number(const channel_vector *v, int64_t c, double absent) {
  if (!v->given) return absent;
  const gt_tensor *t = v->t ? v->write : v->read;
  return t->dtype == GT_FLOAT ? (double)gt__f(t)[c] : gt__d(t)[c];
}

static void put(const channel_vector *v, int64_t c, double x) {
  if (!v->given) return;
  if (v->write->dtype == GT_FLOAT) gt__f(v->write)[c] = (float)x;
  else gt__d(v->write)[c] = x;
}

static double rounded(int dtype, double x) { return dtype == GT_FLOAT ? (double)(float)x : x; }

static int want_images(const char *what, const gt_tensor *x) {
  gt__shape_text text;
  GT_TRY(gt__want_real(x, what));
  if (x->rank < 2) return gt__fail(GT_ESHAPE, "%s: the input is %s, wanted N x C or N x C x ...", what, gt__shape(&text, x));
  return GT_OK;
}

/* What the passes over the images leave and take, and the vectors of a call. */
typedef struct norm {
  gt__channels s;
  gt__channel_vectors vectors;
  gt__scratch memory;
  double *sum, *product;                   /* a channel's sums */
  const void *x;
  channel_vector *v;
  bool train;
  double momentum, eps, beta, scale;
} norm;

static int norm_begin(norm *n, const gt_tensor *x, channel_vector *v) {
  gt__channels_cut(&n->s, x);
  n->x = gt__data(x);
  n->v = v;
  GT_TRY(gt__scratch_alloc(&n->memory, (size_t)(2 * n->s.c) * sizeof(double)));
  n->sum = n->memory.ptr;
  n->product = n->sum + n->s.c;
  return gt__channels_vectors(&n->vectors, &n->s);
}

static void norm_free(norm *n) {
  gt__scratch_free(&n->memory);
  gt__scratch_free(&n->vectors.memory);
}

enum { TOGETHER = 512 };                   /* channels of a task where there is no more to do than a few divisions for each */

static void for_channels(norm *n, gt__task task) { gt__parallel(gt__ceil_div(n->s.c, TOGETHER), task, n); }

/* ---- forward --------------------------------------------------------------------------------------------------------- */

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, SAVE_MEAN, SAVE_INVSTD, VECTORS };

static int64_t numbers(const norm *n) { return n->s.n * n->s.positions; }

/* A channel's numbers are added as distances from its first one, which lies near the mean as far as double's digits are concerned. */
static double first_number(const norm *n, int64_t c) {
  const int64_t at = n->s.columns ? c : c * n->s.positions;
  if (numbers(n) == 0) return 0;
  return n->s.dtype == GT_FLOAT ? (double)((const float *)n->x)[at] : ((const double *)n->x)[at];
}

/* From the sums, or the running values, to what maps x, and to what is kept. */
static void statistics_task(void *context, int64_t i) {
  norm *n = context;
  channel_vector *v = n->v;
  const double count = (double)gt__max(1, numbers(n));
  for (int64_t c = i * TOGETHER, end = gt__min(c + TOGETHER, n->s.c); c < end; c++) {
    double mean, variance;
    if (n->train) {
      const double shift = n->sum[c] / count, spread = n->product[c] - shift * shift * count;
      mean = first_number(n, c) + shift;
      variance = spread < 0 ? 0 : spread / count; /* NaN stays */
      if (v[RUNNING_MEAN].given && numbers(n) > 0) {
        const double m = n->momentum, unbiased = variance * count / (count > 1 ? count - 1 : 1);
        put(&v[RUNNING_MEAN], c, m * mean + (1 - m) * number(&v[RUNNING_MEAN], c, 0));
        put(&v[RUNNING_VAR], c, m * unbiased + (1 - m) * number(&v[RUNNING_VAR], c, 0));
      }
    } else {
      mean = number(&v[RUNNING_MEAN], c, 0);
      variance = number(&v[RUNNING_VAR], c, 0);
    }
    const double invstd = rounded(n->s.dtype, 1 / sqrt(variance + n->eps));
    put(&v[SAVE_MEAN], c, mean);
    put(&v[SAVE_INVSTD], c, invstd);
    gt__channels_set(&n->s, n->vectors.center, c, mean);
    gt__channels_set(&n->s, n->vectors.gain, c, invstd * number(&v[WEIGHT], c, 1));
    gt__channels_set(&n->s, n->vectors.bias, c, number(&v[BIAS], c, 0));
  }
}

static int forward(gt_tensor *y, const gt_tensor *x, channel_vector v[VECTORS], bool train, double momentum, double eps, double slope) {
  gt_tensor x_copy = gt__blank(x->dtype), y_copy = gt__blank(x->dtype), *out = NULL;
  const gt_tensor *in;
  const bool inner = gt__goes_inner(x);
  norm n = {.train = train, .momentum = momentum, .eps = eps};
  int code = gt__operand_in(inner, &in, &x_copy, x);
  if (!code) code = gt__result_in(inner, &out, &y_copy, y, x, in_way(y, x, x) || vectors_in_way(y, x, v, VECTORS));
  if (!code) code = norm_begin(&n, in, v);
  if (!code && train) {
    for (int64_t c = 0; c < n.s.c; c++) gt__channels_set(&n.s, n.vectors.center, c, first_number(&n, c));
    code = gt__channels_sums(&n.s, GT__CHANNEL_SPREAD, n.sum, n.product, &n.vectors, n.x, NULL, 1);
  }
  if (!code) {
    for_channels(&n, statistics_task);
    gt__channels_map(&n.s, GT__CHANNEL_MAP, gt__data(out), &n.vectors, n.x, NULL, slope);
    code = gt__commit(y, &y_copy, out);
  }
  norm_free(&n);
  gt__reset(&y_copy);
  gt__reset(&x_copy);
  return code;
}

int gt_batch_norm(gt_tensor *y, gt_tensor *save_mean, gt_tensor *save_invstd, const gt_tensor *x, const gt_tensor *weight,
                  const gt_tensor *bias, gt_tensor *running_mean, gt_tensor *running_var, int train, double momentum, double eps,
                  double slope) {
  static const char what[] = "batch_norm";
  GT_TRY(want_images(what, x));
  GT_TRY(gt__want_same_type(y, x, what));
  if (!running_mean != !running_var) return gt__fail(GT_EARG, "batch_norm: one of the running mean and variance is missing");
  if (!train && !running_mean) return gt__fail(GT_EARG, "batch_norm: evaluation needs the running mean and variance");
  const int64_t channels = x->shape[1];
  channel_vector v[VECTORS] = {0};
  for (int i = 0; i < VECTORS; i++) v[i].copy = gt__blank(x->dtype);
  int code = vector_in(&v[WEIGHT], what, "the weight", weight, x, channels);
  if (!code) code = vector_in(&v[BIAS], what, "the bias", bias, x, channels);
  if (!code) code = vector_out(&v[RUNNING_MEAN], what, "the running mean", running_mean, x, channels, true);
  if (!code) code = vector_out(&v[RUNNING_VAR], what, "the running variance", running_var, x, channels, true);
  if (!code) code = vector_out(&v[SAVE_MEAN], what, "the saved mean", save_mean, x, channels, false);
  if (!code) code = vector_out(&v[SAVE_INVSTD], what, "the saved deviation", save_invstd, x, channels, false);
  if (!code) code = forward(y, x, v, train != 0, momentum, eps, slope);
  for (int i = SAVE_MEAN; i < VECTORS && !code; i++) code = vector_done(&v[i]);
  /* Evaluation only reads the running values. */
  for (int i = RUNNING_MEAN; i <= RUNNING_VAR && !code && train; i++) code = vector_done(&v[i]);
  for (int i = 0; i < VECTORS; i++) gt__reset(&v[i].copy);
  return code;
}

/* ---- backward -------------------------------------------------------------------------------------------------------- */

enum { G_WEIGHT, G_BIAS, G_THROUGH, G_MEAN, G_INVSTD, G_GW, G_GB, G_VECTORS };

static void read_task(void *context, int64_t i) {
  norm *n = context;
  channel_vector *v = n->v;
  for (int64_t c = i * TOGETHER, end = gt__min(c + TOGETHER, n->s.c); c < end; c++) {
    gt__channels_set(&n->s, n->vectors.center, c, number(&v[G_MEAN], c, 0));
    gt__channels_set(&n->s, n->vectors.gain, c, number(&v[G_INVSTD], c, 1) * number(&v[G_WEIGHT], c, 1));
    gt__channels_set(&n->s, n->vectors.bias, c, number(&v[G_BIAS], c, 0));
    if (v[G_THROUGH].given) gt__channels_set(&n->s, n->vectors.own_scale, c, number(&v[G_INVSTD], c, 1) * number(&v[G_THROUGH], c, 1));
  }
}

int gt_batch_norm_again(gt_tensor *y, const gt_tensor *x, const gt_tensor *weight, const gt_tensor *bias, const gt_tensor *mean,
                        const gt_tensor *invstd, double slope) {
  static const char what[] = "batch_norm_again";
  GT_TRY(want_images(what, x));
  GT_TRY(gt__want_same_type(y, x, what));
  if (!mean || !invstd) return gt__fail(GT_EARG, "batch_norm_again: the saved mean or deviation is missing");
  const int64_t channels = x->shape[1];
  channel_vector v[G_VECTORS] = {0};
  for (int i = 0; i < G_VECTORS; i++) v[i].copy = gt__blank(x->dtype);
  int code = vector_in(&v[G_WEIGHT], what, "the weight", weight, x, channels);
  if (!code) code = vector_in(&v[G_BIAS], what, "the bias", bias, x, channels);
  if (!code) code = vector_in(&v[G_MEAN], what, "the saved mean", mean, x, channels);
  if (!code) code = vector_in(&v[G_INVSTD], what, "the saved deviation", invstd, x, channels);
  gt_tensor x_copy = gt__blank(x->dtype), y_copy = gt__blank(x->dtype), *out = NULL;
  const gt_tensor *in;
  const bool inner = gt__goes_inner(x);
  norm n = {0};
  if (!code) code = gt__operand_in(inner, &in, &x_copy, x);
  if (!code) code = gt__result_in(inner, &out, &y_copy, y, x, in_way(y, x, x) || vectors_in_way(y, x, v, G_VECTORS));
  if (!code) code = norm_begin(&n, in, v);
  if (!code) {
    for_channels(&n, read_task);
    gt__channels_map(&n.s, GT__CHANNEL_MAP, gt__data(out), &n.vectors, n.x, NULL, slope);
    code = gt__commit(y, &y_copy, out);
  }
  norm_free(&n);
  gt__reset(&y_copy);
  gt__reset(&x_copy);
  for (int i = 0; i < G_VECTORS; i++) gt__reset(&v[i].copy);
  return code;
}

static double accumulated(const norm *n, const channel_vector *old, int64_t c, double gradient) {
  return (n->beta == 0 ? 0 : n->beta * number(old, c, 0)) + n->scale * gradient;
}

/* From the sums to the gradients of weight and bias, and to what the gradient of x takes from them. */
static void gradients_task(void *context, int64_t i) {
  norm *n = context;
  channel_vector *v = n->v;
  const double count = (double)gt__max(1, numbers(n));
  for (int64_t c = i * TOGETHER, end = gt__min(c + TOGETHER, n->s.c); c < end; c++) {
    const double invstd = number(&v[G_INVSTD], c, 1);
    put(&v[G_GW], c, accumulated(n, &v[G_GW], c, n->product[c] * invstd));
    put(&v[G_GB], c, accumulated(n, &v[G_GB], c, n->sum[c]));
    if (!n->train) continue;
    gt__channels_set(&n->s, n->vectors.lift, c, n->sum[c] / count);
    gt__channels_set(&n->s, n->vectors.tilt, c, n->product[c] * invstd * invstd / count);
  }
}

static int backward(gt_tensor *gx, const gt_tensor *gy, const gt_tensor *x, channel_vector v[G_VECTORS], bool train, double slope,
                    double beta, double scale) {
  gt_tensor x_copy = gt__blank(x->dtype), gy_copy = gt__blank(x->dtype), gx_copy = gt__blank(x->dtype), *out = NULL;
  const gt_tensor *in, *grad = NULL;
  const bool inner = gt__goes_inner(x), sums = train || v[G_GW].given || v[G_GB].given;
  norm n = {.train = train, .beta = beta, .scale = scale};
  int code = gt__operand_in(inner, &in, &x_copy, x);
  if (!code) code = gt__operand_in(inner, &grad, &gy_copy, gy);
  if (!code && gx) {
    bool overlap = in_way(gx, x, x) || in_way(gx, x, gy) || vectors_in_way(gx, x, v, G_VECTORS);
    code = gt__result_in(inner, &out, &gx_copy, gx, x, overlap);
  }
  if (!code) code = norm_begin(&n, in, v);
  if (!code) {
    if (v[G_THROUGH].given) n.vectors.scale = n.vectors.own_scale;
    for_channels(&n, read_task);
    if (sums) code = gt__channels_sums(&n.s, GT__CHANNEL_PRODUCTS, n.sum, n.product, &n.vectors, n.x, gt__data(grad), slope);
  }
  if (!code && sums) for_channels(&n, gradients_task);
  if (!code && gx) {
    gt__channels_map(&n.s, GT__CHANNEL_GRADIENT, gt__data(out), &n.vectors, n.x, gt__data(grad), slope);
    code = gt__commit(gx, &gx_copy, out);
  }
  norm_free(&n);
  gt__reset(&x_copy);
  gt__reset(&gy_copy);
  gt__reset(&gx_copy);
  return code;
}

int gt_batch_norm_grad(gt_tensor *gx, gt_tensor *gw, gt_tensor *gb, const gt_tensor *gy, const gt_tensor *x, const gt_tensor *weight,
                       const gt_tensor *bias, const gt_tensor *through, const gt_tensor *mean, const gt_tensor *invstd, int train, double slope,
                       double beta, double scale) {
  static const char what[] = "batch_norm_grad";
  gt__shape_text a, b;
  GT_TRY(want_images(what, x));
  GT_TRY(gt__want_same_type(gy, x, what));
  GT_TRY(gt__usable(gy, what));
  if (gx) GT_TRY(gt__want_same_type(gx, x, what));
  if (!mean || !invstd) return gt__fail(GT_EARG, "batch_norm_grad: the saved mean or deviation is missing");
  if (!gt_same_shape(gy, x)) {
    return gt__fail(GT_ESHAPE, "batch_norm_grad: the gradient is %s, the input %s", gt__shape(&a, gy), gt__shape(&b, x));
  }
  const int64_t channels = x->shape[1];
  channel_vector v[G_VECTORS] = {0};
  for (int i = 0; i < G_VECTORS; i++) v[i].copy = gt__blank(x->dtype);
  int code = vector_in(&v[G_WEIGHT], what, "the weight", weight, x, channels);
  if (!code) code = vector_in(&v[G_BIAS], what, "the bias", bias, x, channels);
  if (!code) code = vector_in(&v[G_THROUGH], what, "the weight to go through", through, x, channels);
  if (!code) code = vector_in(&v[G_MEAN], what, "the saved mean", mean, x, channels);
  if (!code) code = vector_in(&v[G_INVSTD], what, "the saved deviation", invstd, x, channels);
  if (!code) code = vector_out(&v[G_GW], what, "the weight's gradient", gw, x, channels, beta != 0);
  if (!code) code = vector_out(&v[G_GB], what, "the bias's gradient", gb, x, channels, beta != 0);
  if (!code) code = backward(gx, gy, x, v, train != 0, slope, beta, scale);
  for (int i = G_GW; i < G_VECTORS && !code; i++) code = vector_done(&v[i]);
  for (int i = 0; i < G_VECTORS; i++) gt__reset(&v[i].copy);
  return code;
}
