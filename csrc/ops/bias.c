/* bias.c: adding a bias to each channel, with the ReLU that may follow, and its gradients, for Float and Double: batch norm's passes
 * (channels.h) with a mean of 0 and a gain of 1. */
#include "ops.h"
#include "channels.h"
#include "layout.h"

/* x is N x C x ..., bias C numbers or NULL. */
static int want_bias(const char *what, const gt_tensor *x, const gt_tensor *bias) {
  gt__shape_text text;
  GT_TRY(gt__want_real(x, what));
  if (x->rank < 2) return gt__fail(GT_ESHAPE, "%s: the input is %s, wanted N x C or N x C x ...", what, gt__shape(&text, x));
  if (!bias) return GT_OK;
  GT_TRY(gt__want_real(bias, what));
  GT_TRY(gt__want_same_type(bias, x, what));
  if (gt__numel(bias) != x->shape[1]) {
    return gt__fail(GT_ESHAPE, "%s: the bias has %lld numbers, the input %lld channels", what, (long long)gt__numel(bias),
                    (long long)x->shape[1]);
  }
  return GT_OK;
}

/* The vectors of z = (x - 0) 1 + bias, where there is one. */
static int vectors(gt__channel_vectors *v, const gt__channels *s, const gt_tensor *bias) {
  const gt_tensor *flat;
  gt_tensor copy;
  GT_TRY(gt__channels_vectors(v, s));
  for (int64_t c = 0; c < s->c; c++) gt__channels_set(s, v->gain, c, 1);
  if (!bias) return GT_OK;
  GT_TRY(gt__contiguous(&flat, &copy, bias));
  for (int64_t c = 0; c < s->c; c++) gt__channels_set(s, v->bias, c, s->dtype == GT_FLOAT ? (double)gt__f(flat)[c] : gt__d(flat)[c]);
  gt__reset(&copy);
  return GT_OK;
}

int gt_add_bias(gt_tensor *y, const gt_tensor *x, const gt_tensor *bias, double slope) {
  static const char what[] = "add_bias";
  GT_TRY(gt__usable(bias, what));
  GT_TRY(want_bias(what, x, bias));
  GT_TRY(gt__want_same_type(y, x, what));
  gt_tensor x_copy, y_copy = gt__blank(x->dtype), *out = NULL;
  const gt_tensor *in;
  const bool inner = gt__goes_inner(x);
  gt__channels s;
  gt__channel_vectors v = {0};
  int code = gt__operand_in(inner, &in, &x_copy, x);
  if (!code) {
    bool overlap = (gt__will_overlap(y, x->rank, x->shape, x) && !gt_is_set_to(y, x)) || gt__will_overlap(y, x->rank, x->shape, bias);
    code = gt__result_in(inner, &out, &y_copy, y, x, overlap);
  }
  if (!code) {
    gt__channels_cut(&s, in);
    code = vectors(&v, &s, bias);
  }
  if (!code) {
    gt__channels_map(&s, GT__CHANNEL_MAP, gt__data(out), &v, gt__data(in), NULL, slope);
    code = gt__commit(y, &y_copy, out);
  }
  gt__scratch_free(&v.memory);
  gt__reset(&x_copy);
  gt__reset(&y_copy);
  return code;
}

/* gb = beta gb + scale sum, of s->c numbers */
static int put_sums(gt_tensor *gb, const double *sum, const gt__channels *s, double beta, double scale, bool overlap) {
  gt_tensor *out, tmp;
  const int rank = beta == 0 ? 1 : gb->rank;
  const int64_t *shape = beta == 0 ? &s->c : gb->shape;
  int code = gt__result(&out, &tmp, gb, rank, shape, overlap);
  if (!code && beta != 0 && out != gb) code = gt_copy(out, gb);
  for (int64_t c = 0; c < s->c && !code; c++) {
    if (s->dtype == GT_FLOAT) gt__f(out)[c] = (float)((beta == 0 ? 0 : beta * (double)gt__f(out)[c]) + scale * sum[c]);
    else gt__d(out)[c] = (beta == 0 ? 0 : beta * gt__d(out)[c]) + scale * sum[c];
  }
  if (!code) code = gt__commit(gb, &tmp, out);
  gt__reset(&tmp);
  return code;
}

/* x NULL: without an activation. */
static int gradients(const char *what, gt_tensor *gx, gt_tensor *gb, const gt_tensor *gy, const gt_tensor *x, const gt_tensor *bias, double slope,
                     double beta, double scale) {
  const gt_tensor *like = x ? x : gy, *in = NULL, *grad = NULL;
  GT_TRY(want_bias(what, like, bias));
  if (gb) GT_TRY(gt__want_same_type(gb, like, what));
  if (gb && beta != 0) GT_TRY(want_bias(what, like, gb));
  gt_tensor in_copy = gt__blank(like->dtype), grad_copy = gt__blank(like->dtype), gx_copy = gt__blank(like->dtype), *out = NULL;
  const bool inner = gt__goes_inner(like);
  gt__channels s;
  gt__channel_vectors v = {0};
  gt__scratch sums = {0};
  int code = gt__operand_in(inner, &in, &in_copy, like);
  if (!code && x) code = gt__operand_in(inner, &grad, &grad_copy, gy);
  if (!code && gx) {
    bool overlap = (gt__will_overlap(gx, x->rank, x->shape, x) && !gt_is_set_to(gx, x)) ||
                   (gt__will_overlap(gx, x->rank, x->shape, gy) && !gt_is_set_to(gx, gy)) || gt__will_overlap(gx, x->rank, x->shape, bias);
    code = gt__result_in(inner, &out, &gx_copy, gx, x, overlap);
  }
  if (!code) {
    gt__channels_cut(&s, in);
    code = vectors(&v, &s, bias);
  }
  if (!code && gb) code = gt__scratch_alloc(&sums, (size_t)(2 * s.c) * sizeof(double));
  if (!code && gb) {
    double *sum = sums.ptr;
    code = gt__channels_sums(&s, x ? GT__CHANNEL_PRODUCTS : GT__CHANNEL_SPREAD, sum, sum + s.c, &v, gt__data(in), x ? gt__data(grad) : NULL, slope);
  }
  if (!code && gx) {
    gt__channels_map(&s, GT__CHANNEL_GRADIENT, gt__data(out), &v, gt__data(in), gt__data(grad), slope);
    code = gt__commit(gx, &gx_copy, out);
  }
  if (!code && gb) code = put_sums(gb, sums.ptr, &s, beta, scale, gt__will_overlap(gb, 1, &s.c, like));
  gt__scratch_free(&sums);
  gt__scratch_free(&v.memory);
  gt__reset(&in_copy);
  gt__reset(&grad_copy);
  gt__reset(&gx_copy);
  return code;
}

int gt_bias_grad(gt_tensor *gb, const gt_tensor *gy, double beta, double scale) {
  GT_TRY(gt__usable(gb, "bias_grad"));
  return gradients("bias_grad", NULL, gb, gy, NULL, NULL, 1, beta, scale);
}

int gt_add_bias_grad(gt_tensor *gx, gt_tensor *gb, const gt_tensor *gy, const gt_tensor *x, const gt_tensor *bias, double slope, double beta,
                     double scale) {
  static const char what[] = "add_bias_grad";
  gt__shape_text a, b;
  GT_TRY(gt__usable(x, what));
  GT_TRY(gt__usable(bias, what));
  GT_TRY(gt__want_same_type(gy, x, what));
  if (gx) GT_TRY(gt__want_same_type(gx, x, what));
  if (!gt_same_shape(gy, x)) {
    return gt__fail(GT_ESHAPE, "%s: the gradient is %s, the input %s", what, gt__shape(&a, gy), gt__shape(&b, x));
  }
  return gradients(what, gx, gb, gy, x, bias, slope, beta, scale);
}
