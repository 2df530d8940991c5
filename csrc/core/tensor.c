/* tensor.c: strided tensors: their life, shapes and the helpers that ops use on operands and results. */
#include "core.h"
#include <string.h>

/* What a released tensor points to: shared, never freed, always GT_RELEASED. */
static gt_storage released_store = {.flags = GT_RELEASED, .refs = 1 << 30};

bool gt__shares(const gt_tensor *a, const gt_tensor *b) { return a->store && a->store == b->store; }

gt_tensor *gt_tensor_new(int dtype) {
  if (dtype < 0 || dtype >= GT_DTYPES) {
    gt__fail(GT_EARG, "tensor: there is no type %d", dtype);
    return NULL;
  }
  gt_tensor *t = gt__pool_alloc(sizeof *t, NULL);
  if (t) *t = gt__blank(dtype);
  return t;
}

static void set_store(gt_tensor *t, gt_storage *s) {
  gt_storage *old = t->store;
  if (s == old) return;
  if (s && s != &released_store) gt_storage_retain(s);
  t->store = s;
  if (old && old != &released_store) gt_storage_free(old);
}

void gt__reset(gt_tensor *t) {
  set_store(t, NULL);
  t->rank = 0;
  t->offset = 0;
}

void gt_tensor_free(gt_tensor *t) {
  if (!t) return;
  set_store(t, NULL);
  gt__pool_free(t, sizeof *t);
}

int gt_tensor_release(gt_tensor *t) {
  set_store(t, &released_store);
  return GT_OK;
}

int gt__usable(const gt_tensor *t, const char *what) {
  if (!t) return gt__fail(GT_EARG, "%s: an operand is missing (nil), wanted a tensor", what);
  if (t->store && t->store->flags & GT_RELEASED)
    return gt__fail(GT_ERELEASED, "%s: the tensor's memory was released (at the end of a training step, or by hand); clone() what has to outlive it", what);
  return t->store && t->store->flags & GT_MAPPED ? gt__whole(t->store, what) : GT_OK;
}

int gt__want_real(const gt_tensor *t, const char *what) {
  GT_TRY(gt__usable(t, what));
  if (t->dtype != GT_FLOAT && t->dtype != GT_DOUBLE)
    return gt__fail(GT_ETYPE, "%s: got a %sTensor, wanted a FloatTensor or a DoubleTensor", what, gt__dtype_name(t->dtype));
  return GT_OK;
}

int gt__want_same_type(const gt_tensor *a, const gt_tensor *b, const char *what) {
  GT_TRY(gt__usable(a, what));
  GT_TRY(gt__usable(b, what));
  if (a->dtype != b->dtype)
    return gt__fail(GT_ETYPE, "%s: got a %sTensor and a %sTensor, wanted one type; convert with :typeAs()", what, gt__dtype_name(a->dtype),
                    gt__dtype_name(b->dtype));
  return GT_OK;
}

int64_t gt__numel(const gt_tensor *t) {
  if (t->rank == 0) return 0;
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= t->shape[d];
  return n;
}

double gt_numel(const gt_tensor *t) { return t ? (double)gt__numel(t) : 0; }

int32_t gt_is_contiguous(const gt_tensor *t) {
  if (!t) return 0;
  int64_t expected = 1;
  for (int d = t->rank - 1; d >= 0; d--) {
    if (t->shape[d] == 1) continue;
    if (t->step[d] != expected) return gt__numel(t) == 0;
    expected *= t->shape[d];
  }
  return 1;
}

static void inner_steps(const int64_t *shape, int64_t *step) {
  int64_t c = shape[1] ? shape[1] : 1, n = shape[0] ? shape[0] : 1, w = shape[3] ? shape[3] : 1;
  step[1] = 1, step[0] = c, step[3] = n * c, step[2] = w * n * c;
}

int gt_is_inner(const gt_tensor *t) {
  int64_t step[4];
  if (t->rank != 4) return 0;
  inner_steps(t->shape, step);
  return !memcmp(step, t->step, sizeof step);
}

bool gt__is_shape(const gt_tensor *t, int rank, const int64_t *shape) {
  return t->rank == rank && (rank == 0 || !memcmp(t->shape, shape, (size_t)rank * sizeof *shape));
}

int32_t gt_same_shape(const gt_tensor *a, const gt_tensor *b) { return a && b && gt__is_shape(a, b->rank, b->shape); }

int32_t gt_is_set_to(const gt_tensor *a, const gt_tensor *b) {
  return a && b && gt__shares(a, b) && a->offset == b->offset && gt_same_shape(a, b) &&
         !memcmp(a->step, b->step, (size_t)a->rank * sizeof a->step[0]);
}

/* Elements of the storage from offset on that the view reaches; 0 for a view without elements. Exact up to GT__MOST. */
static int64_t extent(int rank, const int64_t *shape, const int64_t *step) {
  int64_t last = 0;
  if (rank == 0) return 0;
  for (int d = 0; d < rank; d++) {
    if (shape[d] == 0) return 0;
    last += (shape[d] - 1) * step[d];
  }
  return last + 1;
}

int gt__want_shape(int rank, const int64_t *shape) {
  if (rank < 0 || rank > GT_MAX_RANK) return gt__fail(GT_ESHAPE, "a tensor has at most %d dimensions, got %d", GT_MAX_RANK, rank);
  double n = 1; /* sizes of 0 left out: strides are products of the others */
  for (int d = 0; d < rank; d++) {
    if (shape[d] < 0) return gt__fail(GT_ESHAPE, "size %lld of dimension %d is negative", (long long)shape[d], d + 1);
    if (shape[d]) n *= (double)shape[d];
  }
  if (n > (double)GT__MOST) return gt__fail(GT_ENOMEM, "out of memory: a tensor of %.3g elements", n);
  return GT_OK;
}

/* That a view reaches no further than GT__MOST elements into its storage. */
static int want_extent(int64_t offset, int rank, const int64_t *shape, const int64_t *step) {
  double last = (double)offset;
  for (int d = 0; d < rank; d++) last += (double)(shape[d] > 1 ? shape[d] - 1 : 1) * (double)step[d];
  if (last >= (double)GT__MOST) return gt__fail(GT_ENOMEM, "out of memory: a storage of %.3g elements", last);
  return GT_OK;
}

static void contiguous_steps(int rank, const int64_t *shape, int64_t *step) {
  int64_t n = 1;
  for (int d = rank - 1; d >= 0; d--) {
    step[d] = n;
    n *= shape[d] ? shape[d] : 1;
  }
}

/* Sees to it that the storage reaches `need` elements from the tensor's offset. Comes before the shape is changed: a tensor that
 * could not have more memory is as it was. */
static int reserve(gt_tensor *t, int64_t need) {
  if (need == 0) return GT_OK;
  if (!t->store) {
    gt_storage *s = gt_storage_new(t->dtype, t->offset + need);
    if (!s) return GT_ENOMEM;
    t->store = s;
  } else if (t->offset + need > t->store->count) {
    return gt_storage_resize(t->store, t->offset + need);
  }
  return GT_OK;
}

int gt_tensor_resize(gt_tensor *t, int rank, const int64_t *shape) {
  int64_t n = rank > 0;
  GT_TRY(gt__usable(t, "resize"));
  GT_TRY(gt__want_shape(rank, shape));
  if (gt__is_shape(t, rank, shape)) return GT_OK;
  for (int d = 0; d < rank; d++) n *= shape[d];
  if (t->offset > GT__MOST - n) return gt__fail(GT_ENOMEM, "out of memory: a storage of %.3g elements", (double)t->offset + (double)n);
  GT_TRY(reserve(t, n));
  if (rank > 0) memmove(t->shape, shape, (size_t)rank * sizeof *shape);
  t->rank = rank;
  contiguous_steps(rank, t->shape, t->step);
  return GT_OK;
}

int gt_tensor_resize_inner(gt_tensor *t, const int64_t *shape) {
  if (gt__is_shape(t, 4, shape) && gt_is_inner(t)) return gt__usable(t, "resize");
  GT_TRY(gt_tensor_resize(t, 4, shape));
  int64_t n = gt__numel(t);
  GT_TRY(reserve(t, n)); /* it may have been an expanded view of that shape */
  inner_steps(t->shape, t->step);
  return GT_OK;
}

int gt_tensor_follow(gt_tensor *r, const gt_tensor *a) {
  return gt_is_inner(a) ? gt_tensor_resize_inner(r, a->shape) : GT_OK;
}

int gt_tensor_resize_as(gt_tensor *t, const gt_tensor *like) {
  GT_TRY(gt__usable(like, "resize"));
  return gt_tensor_resize(t, like->rank, like->shape);
}

int gt_tensor_set(gt_tensor *t, gt_storage *s, int64_t offset, int rank, const int64_t *shape, const int64_t *step) {
  gt_tensor view = {.store = s, .offset = offset, .rank = rank, .dtype = t->dtype};
  GT_TRY(gt__usable(&view, "set"));
  GT_TRY(gt__want_shape(rank, shape));
  if (s && s->dtype != t->dtype)
    return gt__fail(GT_ETYPE, "set: got a %sStorage for a %sTensor", gt__dtype_name(s->dtype), gt__dtype_name(t->dtype));
  if (offset < 0) return gt__fail(GT_EARG, "set: offset %lld is negative", (long long)offset);
  for (int d = 0; d < rank; d++) {
    if (step && step[d] < 0) return gt__fail(GT_ESHAPE, "set: stride %lld of dimension %d is negative", (long long)step[d], d + 1);
    view.shape[d] = shape[d];
    view.step[d] = step ? step[d] : 0;
  }
  if (!step) contiguous_steps(rank, view.shape, view.step);
  GT_TRY(want_extent(offset, rank, view.shape, view.step));
  GT_TRY(reserve(&view, extent(rank, view.shape, view.step)));
  gt_storage *made = s ? NULL : view.store;
  set_store(t, view.store);
  gt_storage_free(made); /* t holds its own reference */
  *t = view;
  return GT_OK;
}

int gt_tensor_set_to(gt_tensor *t, const gt_tensor *src) {
  if (!t || !src) return gt__fail(GT_EARG, "set: a tensor is missing (nil)");
  if (t->dtype != src->dtype)
    return gt__fail(GT_ETYPE, "set: got a %sTensor for a %sTensor", gt__dtype_name(src->dtype), gt__dtype_name(t->dtype));
  GT_TRY(gt__usable(src, "set"));
  gt_tensor copy = *src;
  set_store(t, src->store);
  copy.store = t->store;
  *t = copy;
  return GT_OK;
}

int gt_get(const gt_tensor *t, int rank, const int64_t *index, double *value) {
  GT_TRY(gt__usable(t, "index"));
  if (rank != t->rank) return gt__fail(GT_ESHAPE, "index: got %d indices for a tensor of %d dimensions", rank, t->rank);
  int64_t at = t->offset;
  for (int d = 0; d < rank; d++) {
    if (index[d] < 0 || index[d] >= t->shape[d])
      return gt__fail(GT_EARG, "index: %lld is outside 1..%lld of dimension %d", gt__from_one(index[d]), (long long)t->shape[d], d + 1);
    at += index[d] * t->step[d];
  }
  if (rank == 0 || !t->store || !t->store->ptr) return gt__fail(GT_ESHAPE, "index: the tensor is empty");
  switch (t->dtype) {
  case GT_BYTE: *value = ((uint8_t *)t->store->ptr)[at]; break;
  case GT_CHAR: *value = ((int8_t *)t->store->ptr)[at]; break;
  case GT_SHORT: *value = ((int16_t *)t->store->ptr)[at]; break;
  case GT_INT: *value = ((int32_t *)t->store->ptr)[at]; break;
  case GT_LONG: *value = (double)((int64_t *)t->store->ptr)[at]; break;
  case GT_FLOAT: *value = gt__for_lua(((float *)t->store->ptr)[at]); break;
  case GT_DOUBLE: *value = gt__for_lua(((double *)t->store->ptr)[at]); break;
  }
  return GT_OK;
}

/* ---- operands and results --------------------------------------------------------------------------------------- */

int gt__contiguous(const gt_tensor **out, gt_tensor *tmp, const gt_tensor *t) {
  *tmp = gt__blank(t->dtype);
  if (gt_is_contiguous(t)) {
    *out = t;
    return GT_OK;
  }
  GT_TRY(gt_tensor_resize_as(tmp, t));
  int code = gt_copy(tmp, t);
  if (code) gt__reset(tmp);
  else *out = tmp;
  return code;
}

int gt__result(gt_tensor **out, gt_tensor *tmp, gt_tensor *r, int rank, const int64_t *shape, bool overlap) {
  *tmp = gt__blank(r->dtype);
  if (overlap || (gt__is_shape(r, rank, shape) && !gt_is_contiguous(r))) {
    GT_TRY(gt__usable(r, "result"));
    GT_TRY(gt_tensor_resize(tmp, rank, shape));
    *out = tmp;
    return GT_OK;
  }
  *out = r;
  return gt_tensor_resize(r, rank, shape);
}

int gt__commit(gt_tensor *r, gt_tensor *tmp, gt_tensor *out) {
  int code = GT_OK;
  if (out == tmp) {
    code = gt_same_shape(r, tmp) ? GT_OK : gt_tensor_follow(r, tmp);
    if (!code) code = gt_tensor_resize_as(r, tmp);
    if (!code && gt__numel(tmp) > 0) code = gt_copy(r, tmp);
    gt__reset(tmp);
  } else {
    gt__wrote(r);
  }
  return code;
}

bool gt__overlaps(const gt_tensor *a, const gt_tensor *b) {
  if (!gt__shares(a, b)) return false;
  int64_t ea = extent(a->rank, a->shape, a->step), eb = extent(b->rank, b->shape, b->step);
  return ea > 0 && eb > 0 && a->offset < b->offset + eb && b->offset < a->offset + ea;
}

bool gt__will_overlap(const gt_tensor *r, int rank, const int64_t *shape, const gt_tensor *a) {
  return gt__is_shape(r, rank, shape) ? gt__overlaps(r, a) : r == a || gt__shares(r, a);
}
