/* view.c: tensors that show another tensor's memory in another shape: narrow, select, transpose, unfold, expand, view. */
#include "core.h"
#include <string.h>

static int want_dim(const gt_tensor *t, int dim, const char *what) {
  GT_TRY(gt__usable(t, what));
  if (dim < 0 || dim >= t->rank)
    return gt__fail(GT_EARG, "%s: dimension %d is outside 1..%d", what, dim + 1, t->rank);
  return GT_OK;
}

/* r becomes the view (a copy of a tensor's fields, whose store is not counted). */
static int become(gt_tensor *r, const gt_tensor *view) {
  GT_TRY(gt__want_shape(view->rank, view->shape));
  return gt_tensor_set_to(r, view);
}

static void remove_dim(gt_tensor *t, int dim) {
  for (int d = dim; d < t->rank - 1; d++) {
    t->shape[d] = t->shape[d + 1];
    t->step[d] = t->step[d + 1];
  }
  t->rank--;
}

int gt_narrow(gt_tensor *r, const gt_tensor *t, int dim, int64_t start, int64_t length) {
  GT_TRY(want_dim(t, dim, "narrow"));
  if (start < 0 || length < 0 || start > t->shape[dim] - length)
    return gt__fail(GT_EARG, "narrow: %lld elements from %lld on are outside 1..%lld of dimension %d", (long long)length, gt__from_one(start),
                    (long long)t->shape[dim], dim + 1);
  gt_tensor v = *t;
  v.offset += start * v.step[dim];
  v.shape[dim] = length;
  return become(r, &v);
}

int gt_select(gt_tensor *r, const gt_tensor *t, int dim, int64_t index) {
  GT_TRY(want_dim(t, dim, "select"));
  if (t->rank == 1) return gt__fail(GT_ESHAPE, "select: a 1-dimensional tensor has no slices; index it for a number");
  if (index < 0 || index >= t->shape[dim])
    return gt__fail(GT_EARG, "select: index %lld is outside 1..%lld of dimension %d", gt__from_one(index), (long long)t->shape[dim], dim + 1);
  gt_tensor v = *t;
  v.offset += index * v.step[dim];
  remove_dim(&v, dim);
  return become(r, &v);
}

int gt_transpose(gt_tensor *r, const gt_tensor *t, int dim1, int dim2) {
  GT_TRY(want_dim(t, dim1, "transpose"));
  GT_TRY(want_dim(t, dim2, "transpose"));
  gt_tensor v = *t;
  v.shape[dim1] = t->shape[dim2], v.step[dim1] = t->step[dim2];
  v.shape[dim2] = t->shape[dim1], v.step[dim2] = t->step[dim1];
  return become(r, &v);
}

int gt_permute(gt_tensor *r, const gt_tensor *t, int rank, const int *dims) {
  GT_TRY(gt__usable(t, "permute"));
  if (rank != t->rank) return gt__fail(GT_ESHAPE, "permute: got %d dimensions for a tensor of %d", rank, t->rank);
  gt_tensor v = *t;
  int seen = 0;
  for (int d = 0; d < rank; d++) {
    GT_TRY(want_dim(t, dims[d], "permute"));
    if (seen & 1 << dims[d]) return gt__fail(GT_EARG, "permute: dimension %d is named twice", dims[d] + 1);
    seen |= 1 << dims[d];
    v.shape[d] = t->shape[dims[d]];
    v.step[d] = t->step[dims[d]];
  }
  return become(r, &v);
}

int gt_unfold(gt_tensor *r, const gt_tensor *t, int dim, int64_t size, int64_t step) {
  GT_TRY(want_dim(t, dim, "unfold"));
  if (t->rank == GT_MAX_RANK) return gt__fail(GT_ESHAPE, "unfold: a tensor has at most %d dimensions", GT_MAX_RANK);
  if (size < 1 || size > t->shape[dim])
    return gt__fail(GT_EARG, "unfold: windows of %lld do not fit the %lld of dimension %d", (long long)size, (long long)t->shape[dim], dim + 1);
  if (step < 1) return gt__fail(GT_EARG, "unfold: got step %lld, wanted at least 1", (long long)step);
  gt_tensor v = *t;
  v.shape[t->rank] = size;
  v.step[t->rank] = t->step[dim];
  v.shape[dim] = (t->shape[dim] - size) / step + 1;
  v.step[dim] = (step < t->shape[dim] ? step : t->shape[dim]) * t->step[dim];
  v.rank++;
  return become(r, &v);
}

int gt_expand(gt_tensor *r, const gt_tensor *t, int rank, const int64_t *shape) {
  GT_TRY(gt__usable(t, "expand"));
  gt__shape_text text;
  if (rank < t->rank || rank > GT_MAX_RANK || t->rank == 0)
    return gt__fail(GT_ESHAPE, "expand: a tensor of size %s cannot become %d-dimensional", gt__shape(&text, t), rank);
  gt_tensor v = *t;
  v.rank = rank;
  for (int d = rank - 1, from = t->rank - 1; d >= 0; d--, from--) {
    int64_t have = from >= 0 ? t->shape[from] : 1, want = shape[d] == -1 ? have : shape[d];
    if (have != want && have != 1)
      return gt__fail(GT_ESHAPE, "expand: size %s has %lld in dimension %d, which cannot become %lld", gt__shape(&text, t), (long long)have, d + 1,
                      (long long)want);
    if (want < 0) return gt__fail(GT_ESHAPE, "expand: size %lld of dimension %d is negative", (long long)want, d + 1);
    v.shape[d] = want;
    v.step[d] = from < 0 || have != want ? 0 : t->step[from];
  }
  return become(r, &v);
}

int gt_squeeze(gt_tensor *r, const gt_tensor *t, int dim) {
  GT_TRY(gt__usable(t, "squeeze"));
  if (dim >= 0) GT_TRY(want_dim(t, dim, "squeeze"));
  gt_tensor v = *t;
  for (int d = v.rank - 1; d >= 0; d--)
    if ((dim < 0 || d == dim) && v.shape[d] == 1 && v.rank > 1) remove_dim(&v, d);
  return become(r, &v);
}

int gt_unsqueeze(gt_tensor *r, const gt_tensor *t, int dim) {
  GT_TRY(gt__usable(t, "unsqueeze"));
  if (dim < 0 || dim > t->rank) return gt__fail(GT_EARG, "unsqueeze: dimension %d is outside 1..%d", dim + 1, t->rank + 1);
  if (t->rank == GT_MAX_RANK) return gt__fail(GT_ESHAPE, "unsqueeze: a tensor has at most %d dimensions", GT_MAX_RANK);
  if (t->rank == 0) return gt__fail(GT_ESHAPE, "unsqueeze: the tensor is empty");
  gt_tensor v = *t;
  for (int d = t->rank; d > dim; d--) {
    v.shape[d] = t->shape[d - 1];
    v.step[d] = t->step[d - 1];
  }
  v.shape[dim] = 1;
  v.step[dim] = dim < t->rank ? t->shape[dim] * t->step[dim] : 1;
  v.rank++;
  return become(r, &v);
}

int gt_view(gt_tensor *r, const gt_tensor *t, int rank, const int64_t *shape) {
  GT_TRY(gt__usable(t, "view"));
  if (rank < 1 || rank > GT_MAX_RANK) return gt__fail(GT_ESHAPE, "view: got %d dimensions, wanted 1 to %d", rank, GT_MAX_RANK);
  gt_tensor v = *t;
  gt__shape_text text, wanted;
  int64_t n = gt__numel(t);
  double known = 1; /* exact as far as it can be equal to n */
  int open = -1;
  v.rank = rank;
  for (int d = 0; d < rank; d++) {
    v.shape[d] = shape[d];
    if (shape[d] == -1 && open < 0) open = d;
    else if (shape[d] < 0) return gt__fail(GT_EARG, "view: size %lld of dimension %d; at most one may be -1, none less", (long long)shape[d], d + 1);
    else known *= (double)shape[d];
  }
  const bool divides = known > 0 && known <= (double)GT__MOST && n % (int64_t)known == 0;
  if (open >= 0 && divides) v.shape[open] = n / (int64_t)known;
  if (open >= 0 ? !divides : known != (double)n)
    return gt__fail(GT_ESHAPE, "view: size %s (%lld elements) cannot be seen as %s", gt__shape(&text, t), (long long)n, gt__shape(&wanted, &v));
  GT_TRY(gt__want_shape(rank, v.shape));
  if (n == 0) {
    int64_t step = 1;
    for (int d = rank - 1; d >= 0; d--) v.step[d] = step, step *= v.shape[d] ? v.shape[d] : 1;
    return become(r, &v);
  }
  /* Dimensions of size 1 say nothing; what is left is cut into runs that lie evenly in memory, each to be divided anew. */
  int64_t size[GT_MAX_RANK], step[GT_MAX_RANK];
  int left = 0, d = rank - 1;
  for (int from = 0; from < t->rank; from++)
    if (t->shape[from] != 1) size[left] = t->shape[from], step[left++] = t->step[from];
  while (left > 0) {
    int64_t base = step[left - 1], run = size[--left], used = 1;
    while (left > 0 && step[left - 1] == run * base) run *= size[--left];
    for (; d >= 0 && used < run; d--) {
      v.step[d] = used * base;
      used *= v.shape[d];
    }
    if (used != run)
      return gt__fail(GT_ESHAPE, "view: the strides of this %s tensor do not allow %s; use reshape() or contiguous() first", gt__shape(&text, t),
                      gt__shape(&wanted, &v));
  }
  for (; d >= 0; d--) v.step[d] = d + 1 < rank ? v.step[d + 1] * v.shape[d + 1] : 1; /* leading dimensions of size 1 */
  return become(r, &v);
}
