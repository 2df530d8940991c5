/* layout.c: between the two orders of memory that images have: contiguous N x C x H x W, and the inner layout of the
 * convolutions, where memory runs [y][x][image][channel]. Small squares are transposed in registers. */
#include "ops.h"
#include "layout.h"
#include "../kernels/kernels.h"

enum { POSITIONS = 64, FEW = 4, TOGETHER = 16 };  /* positions of an image transposed at a time; images, where channels are few */

#define real float
#define FN(name) name##_f
#define TRANSPOSE transpose_f
#include "../kernels/layout.inl"
#undef real
#undef FN
#undef TRANSPOSE
#define real double
#define FN(name) name##_d
#define TRANSPOSE transpose_d
#include "../kernels/layout.inl"

bool gt__lies_inner(const gt_tensor *t) {
  if (t->rank != 4) return false;
  int64_t n = t->shape[0], c = t->shape[1], w = t->shape[3];
  return (c == 1 || t->step[1] == 1) && (n == 1 || t->step[0] == c) && (w == 1 || t->step[3] == n * c) &&
         (t->shape[2] == 1 || t->step[2] == w * n * c);
}

bool gt__goes_inner(const gt_tensor *t) { return gt__lies_inner(t) && (gt_is_inner(t) || !gt_is_contiguous(t)); }

static bool lies_in(bool inner, const gt_tensor *t) { return inner ? gt__lies_inner(t) : gt_is_contiguous(t) != 0; }

static int resize_in(bool inner, gt_tensor *t, const gt_tensor *x) {
  return inner ? gt_tensor_resize_inner(t, x->shape) : gt_tensor_resize_as(t, x);
}

int gt__operand_in(bool inner, const gt_tensor **use, gt_tensor *copy, const gt_tensor *t) {
  *copy = gt__blank(t->dtype);
  *use = t;
  if (lies_in(inner, t)) return GT_OK;
  *use = copy;
  GT_TRY(resize_in(inner, copy, t));
  return gt_copy(copy, t);
}

int gt__result_in(bool inner, gt_tensor **out, gt_tensor *tmp, gt_tensor *r, const gt_tensor *x, bool overlap) {
  const bool keeps = gt_same_shape(r, x);
  *tmp = gt__blank(r->dtype);
  *out = overlap || (keeps && !lies_in(inner, r)) ? tmp : r;
  GT_TRY(gt__usable(r, "result"));
  return keeps && *out == r ? GT_OK : resize_in(inner, *out, x);
}

bool gt__reorder(gt_tensor *r, const gt_tensor *a) {
  if (r->dtype != a->dtype || (r->dtype != GT_FLOAT && r->dtype != GT_DOUBLE) || a->rank != 4 || !gt_same_shape(r, a)) return false;
  bool to_inner = gt_is_contiguous(a) && gt__lies_inner(r);
  if (!to_inner && !(gt_is_contiguous(r) && gt__lies_inner(a))) return false;
  int64_t n = a->shape[0], c = a->shape[1], area = a->shape[2] * a->shape[3];
  if (n * c * area == 0) return false;
  if (r->dtype == GT_FLOAT) reorder_f(gt__f(r), gt__f(a), n, c, area, to_inner);
  else reorder_d(gt__d(r), gt__d(a), n, c, area, to_inner);
  return true;
}
