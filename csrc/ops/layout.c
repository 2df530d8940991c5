/* layout.c: between the two orders of memory that images have: contiguous N x C x H x W, and the inner layout of the
 * convolutions, where memory runs [y][x][image][channel]. Small squares are transposed in registers. */
#include "ops.h"
#include "layout.h"
#include "../kernels/kernels.h"

enum { POSITIONS = 64 };     /* positions of an image transposed at a time */

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
