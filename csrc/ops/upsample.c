/* upsample.c: images whose every pixel is repeated, and the sums of blocks of pixels, the other's adjoint. Images are taken as they
 * lie, in the inner layout or contiguous; results follow them. */
#include "ops.h"
#include "layout.h"
#include <string.h>

/* Of the smaller images; scale: how many times larger the others are in each direction. */
typedef struct geometry {
  int64_t planes, h, w, m, scale;
} geometry;

#define real float
#define FN(name) name##_f
#include "../kernels/upsample.inl"
#undef real
#undef FN
#define real double
#define FN(name) name##_d
#include "../kernels/upsample.inl"

static int want(const char *what, const gt_tensor *r, const gt_tensor *x, int64_t scale) {
  gt__shape_text text;
  GT_TRY(gt__want_real(x, what));
  GT_TRY(gt__want_same_type(r, x, what));
  if (x->rank < 2) return gt__fail(GT_ESHAPE, "%s: the input is %s, wanted ... x H x W", what, gt__shape(&text, x));
  if (scale < 1 || scale > INT32_MAX) return gt__fail(GT_EARG, "%s: the scale is %lld, wanted at least 1", what, (long long)scale);
  return GT_OK;
}

/* What both do: `like` has the result's sizes, small those of the smaller images. */
static int apply(gt_tensor *r, const gt_tensor *x, gt_tensor *like, const gt_tensor *small, int64_t scale, bool sum) {
  const bool inner = gt__goes_inner(x);
  const int64_t h = small->shape[small->rank - 2], w = small->shape[small->rank - 1], rest = gt__numel(small) / gt__max(1, h * w);
  const geometry g = {.planes = inner ? 1 : rest, .h = h, .w = w, .m = inner ? rest : 1, .scale = scale};
  gt_tensor x_copy, r_copy = gt__blank(r->dtype), *out;
  const gt_tensor *in;
  int code = gt__operand_in(inner, &in, &x_copy, x);
  if (!code) code = gt__result_in(inner, &out, &r_copy, r, like, gt__will_overlap(r, like->rank, like->shape, x));
  if (!code && gt__numel(small) > 0) {
    if (x->dtype == GT_FLOAT) run_f(&g, gt__f(out), gt__f(in), sum ? sum_task_f : repeat_task_f);
    else run_d(&g, gt__d(out), gt__d(in), sum ? sum_task_d : repeat_task_d);
  }
  if (!code) code = gt__commit(r, &r_copy, out);
  gt__reset(&x_copy);
  gt__reset(&r_copy);
  return code;
}

int gt_upsample_nearest(gt_tensor *r, const gt_tensor *x, int64_t scale) {
  GT_TRY(want("upsample_nearest", r, x, scale));
  gt_tensor like = *x;
  like.store = NULL;
  like.shape[x->rank - 2] *= scale;
  like.shape[x->rank - 1] *= scale;
  return apply(r, x, &like, x, scale, false);
}

int gt_block_sum(gt_tensor *r, const gt_tensor *x, int64_t scale) {
  gt__shape_text text;
  GT_TRY(want("block_sum", r, x, scale));
  gt_tensor like = *x;
  like.store = NULL;
  if (x->shape[x->rank - 2] % scale || x->shape[x->rank - 1] % scale)
    return gt__fail(GT_ESHAPE, "block_sum: images of %s are not whole blocks of %lldx%lld", gt__shape(&text, x), (long long)scale, (long long)scale);
  like.shape[x->rank - 2] /= scale;
  like.shape[x->rank - 1] /= scale;
  return apply(r, x, &like, &like, scale, true);
}
