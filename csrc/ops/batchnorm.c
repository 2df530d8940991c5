/* batchnorm.c: batch normalisation and its gradients over N x C or N x C x ... (statistics over all but the second dimension).
 *
 * Sums run in double, in an order that depends on the sizes only. A task owns whole channels: no sum is split between tasks,
 * and the pass that applies what the first one found finds the channel in cache.
 */
#include "ops.h"
#include <math.h>
#include <string.h>

/* x is n x c x positions; a task takes per_task channels. Statistics and parameters have c numbers, NULL where not wanted. */
typedef struct sizes {
  int64_t n, c, positions, per_task;
} sizes;

enum { LANES = 8 };          /* numbers of a run, or channels, taken side by side */
typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

static double fold(const lanes *v) {
  const lanes s = *v;
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

#define real float
#define FN(name) name##_f
#include "../kernels/batchnorm.inl"
#undef real
#undef FN
#define real double
#define FN(name) name##_d
#include "../kernels/batchnorm.inl"

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

static float *in_f(const channel_vector *v) { return v->given ? gt__f(v->read) : NULL; }
static double *in_d(const channel_vector *v) { return v->given ? gt__d(v->read) : NULL; }
static float *out_f(const channel_vector *v) { return v->given ? gt__f(v->write) : NULL; }
static double *out_d(const channel_vector *v) { return v->given ? gt__d(v->write) : NULL; }

static int describe(sizes *s, const char *what, const gt_tensor *x) {
  gt__shape_text text;
  GT_TRY(gt__want_real(x, what));
  if (x->rank < 2) return gt__fail(GT_ESHAPE, "%s: the input is %s, wanted N x C or N x C x ...", what, gt__shape(&text, x));
  *s = (sizes){.n = x->shape[0], .c = x->shape[1], .positions = 1};
  for (int d = 2; d < x->rank; d++) s->positions *= x->shape[d];
  int64_t per_task = GT__CHUNK / gt__max(1, s->n * s->positions);
  s->per_task = gt__max(s->positions == 1 ? LANES : 1, per_task);
  return GT_OK;
}

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, SAVE_MEAN, SAVE_INVSTD, VECTORS };

static int forward(gt_tensor *y, const gt_tensor *x, channel_vector v[VECTORS], const sizes *s, bool train, double momentum, double eps) {
  gt_tensor x_copy = gt__blank(x->dtype), y_copy = gt__blank(x->dtype), *out = NULL;
  const gt_tensor *in;
  int code = gt__contiguous(&in, &x_copy, x);
  if (!code) code = gt__result(&out, &y_copy, y, x->rank, x->shape, in_way(y, x, x) || vectors_in_way(y, x, v, VECTORS));
  if (!code) {
    if (x->dtype == GT_FLOAT) {
      forward_job_f job = {gt__f(out), out_f(&v[SAVE_MEAN]), out_f(&v[SAVE_INVSTD]), out_f(&v[RUNNING_MEAN]), out_f(&v[RUNNING_VAR]),
                           gt__f(in), in_f(&v[WEIGHT]), in_f(&v[BIAS]), s, train, momentum, eps};
      gt__parallel(gt__ceil_div(s->c, s->per_task), forward_task_f, &job);
    } else {
      forward_job_d job = {gt__d(out), out_d(&v[SAVE_MEAN]), out_d(&v[SAVE_INVSTD]), out_d(&v[RUNNING_MEAN]), out_d(&v[RUNNING_VAR]),
                           gt__d(in), in_d(&v[WEIGHT]), in_d(&v[BIAS]), s, train, momentum, eps};
      gt__parallel(gt__ceil_div(s->c, s->per_task), forward_task_d, &job);
    }
  }
  if (!code) code = gt__commit(y, &y_copy, out);
  gt__reset(&y_copy);
  gt__reset(&x_copy);
  return code;
}

int gt_batch_norm(gt_tensor *y, gt_tensor *save_mean, gt_tensor *save_invstd, const gt_tensor *x, const gt_tensor *weight,
                  const gt_tensor *bias, gt_tensor *running_mean, gt_tensor *running_var, int train, double momentum, double eps) {
  static const char what[] = "batch_norm";
  sizes s;
  GT_TRY(describe(&s, what, x));
  GT_TRY(gt__want_same_type(y, x, what));
  if (!running_mean != !running_var) return gt__fail(GT_EARG, "batch_norm: one of the running mean and variance is missing");
  if (!train && !running_mean) return gt__fail(GT_EARG, "batch_norm: evaluation needs the running mean and variance");
  channel_vector v[VECTORS] = {0};
  for (int i = 0; i < VECTORS; i++) v[i].copy = gt__blank(x->dtype);
  int code = vector_in(&v[WEIGHT], what, "the weight", weight, x, s.c);
  if (!code) code = vector_in(&v[BIAS], what, "the bias", bias, x, s.c);
  if (!code) code = vector_out(&v[RUNNING_MEAN], what, "the running mean", running_mean, x, s.c, true);
  if (!code) code = vector_out(&v[RUNNING_VAR], what, "the running variance", running_var, x, s.c, true);
  if (!code) code = vector_out(&v[SAVE_MEAN], what, "the saved mean", save_mean, x, s.c, false);
  if (!code) code = vector_out(&v[SAVE_INVSTD], what, "the saved deviation", save_invstd, x, s.c, false);
  if (!code) code = forward(y, x, v, &s, train != 0, momentum, eps);
  for (int i = SAVE_MEAN; i < VECTORS && !code; i++) code = vector_done(&v[i]);
  /* Evaluation only reads the running values. */
  for (int i = RUNNING_MEAN; i <= RUNNING_VAR && !code && train; i++) code = vector_done(&v[i]);
  for (int i = 0; i < VECTORS; i++) gt__reset(&v[i].copy);
  return code;
}

enum { G_WEIGHT, G_MEAN, G_INVSTD, G_GW, G_GB, G_VECTORS };

static int backward(gt_tensor *gx, const gt_tensor *gy, const gt_tensor *x, channel_vector v[G_VECTORS], const sizes *s, bool train,
                    double beta, double scale) {
  gt_tensor x_copy = gt__blank(x->dtype), gy_copy = gt__blank(x->dtype), gx_copy = gt__blank(x->dtype), *out = NULL;
  const gt_tensor *in, *grad;
  int code = gt__contiguous(&in, &x_copy, x);
  if (!code) code = gt__contiguous(&grad, &gy_copy, gy);
  if (!code && gx) {
    bool overlap = in_way(gx, x, x) || in_way(gx, x, gy) || vectors_in_way(gx, x, v, G_VECTORS);
    code = gt__result(&out, &gx_copy, gx, x->rank, x->shape, overlap);
  }
  if (!code) {
    if (x->dtype == GT_FLOAT) {
      backward_job_f job = {out ? gt__f(out) : NULL, out_f(&v[G_GW]), out_f(&v[G_GB]), gt__f(grad), gt__f(in), in_f(&v[G_WEIGHT]),
                            in_f(&v[G_MEAN]), in_f(&v[G_INVSTD]), s, train, beta, scale};
      gt__parallel(gt__ceil_div(s->c, s->per_task), backward_task_f, &job);
    } else {
      backward_job_d job = {out ? gt__d(out) : NULL, out_d(&v[G_GW]), out_d(&v[G_GB]), gt__d(grad), gt__d(in), in_d(&v[G_WEIGHT]),
                            in_d(&v[G_MEAN]), in_d(&v[G_INVSTD]), s, train, beta, scale};
      gt__parallel(gt__ceil_div(s->c, s->per_task), backward_task_d, &job);
    }
  }
  if (!code && gx) code = gt__commit(gx, &gx_copy, out);
  gt__reset(&x_copy);
  gt__reset(&gy_copy);
  gt__reset(&gx_copy);
  return code;
}

int gt_batch_norm_grad(gt_tensor *gx, gt_tensor *gw, gt_tensor *gb, const gt_tensor *gy, const gt_tensor *x, const gt_tensor *weight,
                       const gt_tensor *mean, const gt_tensor *invstd, int train, double beta, double scale) {
  static const char what[] = "batch_norm_grad";
  gt__shape_text a, b;
  sizes s;
  GT_TRY(describe(&s, what, x));
  GT_TRY(gt__want_same_type(gy, x, what));
  GT_TRY(gt__usable(gy, what));
  if (gx) GT_TRY(gt__want_same_type(gx, x, what));
  if (!mean || !invstd) return gt__fail(GT_EARG, "batch_norm_grad: the saved mean or deviation is missing");
  if (!gt_same_shape(gy, x)) {
    return gt__fail(GT_ESHAPE, "batch_norm_grad: the gradient is %s, the input %s", gt__shape(&a, gy), gt__shape(&b, x));
  }
  channel_vector v[G_VECTORS] = {0};
  for (int i = 0; i < G_VECTORS; i++) v[i].copy = gt__blank(x->dtype);
  int code = vector_in(&v[G_WEIGHT], what, "the weight", weight, x, s.c);
  if (!code) code = vector_in(&v[G_MEAN], what, "the saved mean", mean, x, s.c);
  if (!code) code = vector_in(&v[G_INVSTD], what, "the saved deviation", invstd, x, s.c);
  if (!code) code = vector_out(&v[G_GW], what, "the weight's gradient", gw, x, s.c, beta != 0);
  if (!code) code = vector_out(&v[G_GB], what, "the bias's gradient", gb, x, s.c, beta != 0);
  if (!code) code = backward(gx, gy, x, v, &s, train != 0, beta, scale);
  for (int i = G_GW; i < G_VECTORS && !code; i++) code = vector_done(&v[i]);
  for (int i = 0; i < G_VECTORS; i++) gt__reset(&v[i].copy);
  return code;
}
