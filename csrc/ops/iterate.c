/* iterate.c: the strided N-operand iterator, and element-wise maps with broadcasting built on it. */
#include "ops.h"
#include <string.h>

void gt__iterator_start(gt__iterator *it, int rank, const int64_t *shape) {
  it->operands = 0;
  it->rank = rank;
  it->count = rank ? 1 : 0;
  for (int d = 0; d < rank; d++) {
    it->shape[d] = shape[d];
    it->count *= shape[d];
  }
}

void gt__iterator_add(gt__iterator *it, const gt_tensor *t) {
  int k = it->operands++;
  it->data[k] = gt__data(t);
  it->size[k] = (int64_t)gt_dtype_size(t->dtype);
  for (int d = it->rank - 1, from = t->rank - 1; d >= 0; d--, from--)
    it->step[k][d] = from < 0 || t->shape[from] == 1 ? 0 : t->step[from];
}

static void move_dim(gt__iterator *it, int to, int from) {
  it->shape[to] = it->shape[from];
  for (int k = 0; k < it->operands; k++) it->step[k][to] = it->step[k][from];
}

static void swap_dims(gt__iterator *it, int a, int b) {
  int64_t t = it->shape[a];
  it->shape[a] = it->shape[b], it->shape[b] = t;
  for (int k = 0; k < it->operands; k++) {
    t = it->step[k][a];
    it->step[k][a] = it->step[k][b], it->step[k][b] = t;
  }
}

/* Whether dimension b continues dimension a for every operand. */
static bool continues(const gt__iterator *it, int a, int b) {
  for (int k = 0; k < it->operands; k++)
    if (it->step[k][a] != it->step[k][b] * it->shape[b]) return false;
  return true;
}

void gt__iterator_merge(gt__iterator *it, bool ordered) {
  int rank = 0;
  for (int d = 0; d < it->rank; d++)
    if (it->shape[d] != 1) move_dim(it, rank++, d);
  if (!ordered)
    for (int d = 1; d < rank; d++)
      for (int e = d; e > 0 && it->step[0][e - 1] < it->step[0][e]; e--) swap_dims(it, e - 1, e);
  int last = 0;
  for (int d = 1; d < rank; d++) {
    if (continues(it, last, d)) {
      it->shape[d] *= it->shape[last];
      move_dim(it, last, d);
    } else {
      move_dim(it, ++last, d);
    }
  }
  it->rank = last + 1;
  if (rank == 0) {
    it->shape[0] = 1;
    for (int k = 0; k < it->operands; k++) it->step[k][0] = 1;
  }
}

void gt__iterator_part(const gt__iterator *it, int64_t begin, int64_t end, const int64_t *moved, gt__inner inner, const void *options) {
  int64_t at[GT_MAX_RANK], offset[GT__OPERANDS], step[GT__OPERANDS];
  int last = it->rank - 1;
  if (begin >= end) return;
  for (int64_t d = last, rest = begin; d >= 0; d--) {
    at[d] = rest % it->shape[d];
    rest /= it->shape[d];
  }
  for (int k = 0; k < it->operands; k++) {
    offset[k] = 0;
    step[k] = it->step[k][last];
    for (int d = 0; d <= last; d++) offset[k] += at[d] * it->step[k][d];
    offset[k] *= it->size[k];
    if (moved) offset[k] += moved[k];
  }
  for (int64_t left = end - begin;;) {
    void *data[GT__OPERANDS];
    int64_t n = gt__min(it->shape[last] - at[last], left);
    for (int k = 0; k < it->operands; k++) data[k] = it->data[k] + offset[k];
    inner(data, step, n, options);
    left -= n;
    if (left == 0) return;
    /* The run ended at the end of its dimension: carry. */
    for (int k = 0; k < it->operands; k++) offset[k] -= at[last] * step[k] * it->size[k];
    at[last] = 0;
    for (int d = last - 1; d >= 0; d--) {
      for (int k = 0; k < it->operands; k++) offset[k] += it->step[k][d] * it->size[k];
      if (++at[d] < it->shape[d]) break;
      for (int k = 0; k < it->operands; k++) offset[k] -= it->shape[d] * it->step[k][d] * it->size[k];
      at[d] = 0;
    }
  }
}

typedef struct {
  const gt__iterator *it;
  gt__inner inner;
  const void *options;
} run_context;

static void run_chunk(void *context, int64_t i) {
  const run_context *c = context;
  gt__iterator_part(c->it, i * GT__CHUNK, gt__min((i + 1) * GT__CHUNK, c->it->count), NULL, c->inner, c->options);
}

void gt__iterator_run(const gt__iterator *it, gt__inner inner, const void *options) {
  run_context c = {it, inner, options};
  gt__parallel(gt__ceil_div(it->count, GT__CHUNK), run_chunk, &c);
}

/* ---- checks ------------------------------------------------------------------------------------------------------- */

/* Whether every step, from the smallest up, is beyond all that the smaller ones reach: then no two elements are one. */
static bool nested(const gt_tensor *r, int64_t *reach) {
  bool done[GT_MAX_RANK] = {false}, apart = true;
  *reach = 0;
  for (int k = 0; k < r->rank; k++) {
    int least = -1;
    for (int d = 0; d < r->rank; d++)
      if (!done[d] && (least < 0 || r->step[d] < r->step[least])) least = d;
    done[least] = true;
    if (r->shape[least] == 1) continue;
    if (r->step[least] <= *reach) apart = false;
    *reach += (r->shape[least] - 1) * r->step[least];
  }
  return apart;
}

/* Looks at every element's place, of which there are `places`. */
static int meet(bool *met, const gt_tensor *r, int64_t places) {
  gt__scratch seen;
  int64_t index[GT_MAX_RANK] = {0}, at = 0;
  GT_TRY(gt__scratch_alloc(&seen, (size_t)places / 8 + 1));
  uint8_t *bits = seen.ptr;
  memset(bits, 0, (size_t)places / 8 + 1);
  *met = false;
  for (int64_t left = gt__numel(r); left > 0 && !*met; left--) {
    *met = bits[at >> 3] & 1 << (at & 7);
    bits[at >> 3] |= (uint8_t)(1 << (at & 7));
    for (int d = r->rank - 1; d >= 0; d--) {
      at += r->step[d];
      if (++index[d] < r->shape[d]) break;
      at -= r->step[d] * r->shape[d];
      index[d] = 0;
    }
  }
  gt__scratch_free(&seen);
  return GT_OK;
}

int gt__writable(const gt_tensor *r, const char *name) {
  gt__shape_text text;
  int64_t reach;
  bool met;
  if (gt_is_contiguous(r) || gt__numel(r) == 0 || nested(r, &reach)) return GT_OK;
  for (int d = 0; d < r->rank; d++)
    if (r->step[d] == 0 && r->shape[d] > 1)
      return gt__fail(GT_EARG, "%s: cannot write to an expanded tensor (dimension %d of %s repeats one element); clone() it first",
                      name, d + 1, gt__shape(&text, r));
  GT_TRY(meet(&met, r, reach + 1));
  if (met)
    return gt__fail(GT_EARG, "%s: cannot write to a tensor of %s whose elements overlap in memory (an unfolded one); clone() it first", name,
                    gt__shape(&text, r));
  return GT_OK;
}

bool gt__same_place(const gt_tensor *a, const gt_tensor *b) {
  if (a->store != b->store || a->offset != b->offset || !gt_same_shape(a, b)) return false;
  for (int d = 0; d < a->rank; d++)
    if (a->shape[d] != 1 && a->step[d] != b->step[d]) return false;
  return true;
}

int gt__want_dim(const gt_tensor *t, int dim, const char *name) {
  gt__shape_text text;
  if (dim < 0 || dim >= t->rank)
    return gt__fail(GT_EARG, "%s: dimension %d is outside 1..%d of a tensor of size %s", name, dim + 1, t->rank, gt__shape(&text, t));
  return GT_OK;
}

/* ---- maps --------------------------------------------------------------------------------------------------------- */

/* NumPy's rule; false where it fails. An empty tensor (rank 0) goes with empty ones only. */
static bool broadcast(int n, const gt_tensor *const *in, int *rank, int64_t *shape) {
  *rank = in[0]->rank;
  for (int k = 1; k < n; k++) {
    if ((in[k]->rank == 0) != (in[0]->rank == 0)) return false;
    if (in[k]->rank > *rank) *rank = in[k]->rank;
  }
  for (int d = 0; d < *rank; d++) {
    shape[d] = 1;
    for (int k = 0; k < n; k++) {
      int from = d - (*rank - in[k]->rank);
      int64_t size = from < 0 ? 1 : in[k]->shape[from];
      if (size == 1 || size == shape[d]) continue;
      if (shape[d] != 1) return false;
      shape[d] = size;
    }
  }
  return true;
}

static int misfit(const char *name, int n, const gt_tensor *const *in) {
  gt__shape_text t[3];
  if (n == 2) return gt__fail(GT_ESHAPE, "%s: sizes %s and %s do not broadcast", name, gt__shape(&t[0], in[0]), gt__shape(&t[1], in[1]));
  return gt__fail(GT_ESHAPE, "%s: sizes %s, %s and %s do not broadcast", name, gt__shape(&t[0], in[0]), gt__shape(&t[1], in[1]),
                  gt__shape(&t[2], in[2]));
}

/* The shape of the result. Where broadcasting fails, or would change the size of a result that is an operand, operands with
 * equal counts pair in order, as in Torch7; then the shape is the result's own, or else the first operand's. */
static int result_shape(const char *name, const gt_tensor *r, int n, const gt_tensor *const *in, int *rank, int64_t *shape) {
  bool fits = broadcast(n, in, rank, shape), in_place = false, equal = true;
  for (int k = 0; k < n; k++) {
    in_place |= r == in[k];
    equal &= gt__numel(in[k]) == gt__numel(in[0]);
  }
  if (fits && (!in_place || gt__is_shape(r, *rank, shape))) return GT_OK;
  if (equal) {
    const gt_tensor *like = in_place ? r : in[0];
    *rank = like->rank;
    memcpy(shape, like->shape, (size_t)*rank * sizeof *shape);
    return GT_OK;
  }
  if (!fits) return misfit(name, n, in);
  gt_tensor whole = {.rank = *rank};
  memcpy(whole.shape, shape, (size_t)*rank * sizeof *shape);
  gt__shape_text t[2];
  return gt__fail(GT_ESHAPE, "%s: the result has size %s and cannot replace an operand of size %s in place", name, gt__shape(&t[0], &whole),
                  gt__shape(&t[1], r));
}

/* Whether t broadcasts to the shape. */
static bool reaches(const gt_tensor *t, int rank, const int64_t *shape) {
  if (t->rank > rank) return false;
  for (int d = rank - 1, from = t->rank - 1; from >= 0; d--, from--)
    if (t->shape[from] != 1 && t->shape[from] != shape[d]) return false;
  return true;
}

static void drop_inputs(gt__map *m) {
  for (int k = 0; k < m->inputs; k++) gt__reset(&m->input_tmp[k]);
}

/* Adds an input; one that only pairs in order is seen in the result's shape, as a contiguous copy where it must be. */
static int add_input(gt__map *m, int k, const gt_tensor *t) {
  const gt_tensor *flat;
  if (reaches(t, m->out->rank, m->out->shape)) {
    gt__iterator_add(&m->it, t);
    return GT_OK;
  }
  GT_TRY(gt__contiguous(&flat, &m->input_tmp[k], t));
  gt_tensor view = *flat;
  view.rank = m->out->rank;
  for (int64_t d = view.rank - 1, step = 1; d >= 0; d--) {
    view.shape[d] = m->out->shape[d];
    view.step[d] = step;
    step *= view.shape[d];
  }
  gt__iterator_add(&m->it, &view);
  return GT_OK;
}

/* The common case, at little cost: r and all inputs contiguous, of one shape, apart in memory or the same. */
static bool begin_plain(gt__map *m, gt_tensor *r, int inputs, const gt_tensor *const *in) {
  if (r->rank == 0 || !gt_is_contiguous(r)) return false;
  for (int k = 0; k < inputs; k++)
    if (in[k] != r && (!gt_same_shape(in[k], r) || !gt_is_contiguous(in[k]) || (in[k]->store == r->store && in[k]->offset != r->offset)))
      return false;
  const int64_t n = gt__numel(r);
  gt__iterator *it = &m->it;
  it->operands = inputs + 1;
  it->rank = 1;
  it->count = it->shape[0] = n;
  for (int k = 0; k <= inputs; k++) {
    const gt_tensor *t = k ? in[k - 1] : r;
    it->step[k][0] = 1;
    it->data[k] = gt__data(t);
    it->size[k] = (int64_t)gt_dtype_size(t->dtype);
  }
  m->out = r;
  return true;
}

int gt__map_begin(gt__map *m, const char *name, gt_tensor *r, int inputs, const gt_tensor *const *in) {
  int rank, code = GT_OK;
  int64_t shape[GT_MAX_RANK];
  bool overlap = false;
  m->inputs = 0;
  m->result_tmp.store = NULL;
  if (begin_plain(m, r, inputs, in)) return GT_OK;
  m->inputs = inputs;
  for (int k = 0; k < inputs; k++) {
    m->input_tmp[k] = gt__blank(in[k]->dtype);
    if (!gt__same_place(r, in[k])) overlap |= gt__overlaps(r, in[k]);
  }
  m->result_tmp = gt__blank(r->dtype);
  GT_TRY(result_shape(name, r, inputs, in, &rank, shape));
  bool resized = !gt__is_shape(r, rank, shape);
  if (!resized) GT_TRY(gt__writable(r, name));
  for (int k = 0; k < inputs && resized; k++) overlap |= gt__shares(r, in[k]); /* it may grow into an operand */
  if (overlap) {
    GT_TRY(gt__result(&m->out, &m->result_tmp, r, rank, shape, true));
  } else {
    GT_TRY(gt_tensor_resize(r, rank, shape));
    m->out = r;
  }
  gt__iterator_start(&m->it, rank, shape);
  gt__iterator_add(&m->it, m->out);
  for (int k = 0; k < inputs && !code; k++) code = add_input(m, k, in[k]);
  if (code) {
    drop_inputs(m);
    gt__reset(&m->result_tmp);
    return code;
  }
  gt__iterator_merge(&m->it, false);
  return GT_OK;
}

int gt__map_end(gt__map *m, gt_tensor *r) {
  drop_inputs(m);
  return gt__commit(r, &m->result_tmp, m->out);
}
