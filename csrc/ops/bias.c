/* bias.c: adding a bias to each channel, and its gradient, for Float and Double. */
#include "ops.h"

#define real float
#define FN(name) name##_f
#include "../kernels/bias.inl"
#undef real
#undef FN
#define real double
#define FN(name) name##_d
#include "../kernels/bias.inl"

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
