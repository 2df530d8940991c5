/* reduce.c: reductions over one dimension or all, sums that undo broadcasting, running sums, counts of non-finite numbers. */
#include "fold.h"
#include <math.h>
#include <string.h>

/* What a reduction is called, and the fold that makes it; some need a first fold, or look at p. */
enum { SUM, PROD, MEAN, MIN, MAX, VAR, STD, NORM, ALL, ANY, LOGSUMEXP, REDUCE_CODES };
static const char *const names[REDUCE_CODES] = {"sum", "prod", "mean", "min", "max", "var", "std", "norm", "all", "any", "logsumexp"};

int32_t gt_reduce_code(const char *name) {
  for (int i = 0; i < REDUCE_CODES; i++)
    if (!strcmp(names[i], name)) return i;
  return -1;
}

static int norm_step(double p) {
  if (p == 2) return GT__FOLD_squares;
  if (p == 1) return GT__FOLD_magnitudes;
  if (p == 0) return GT__FOLD_nonzeros;
  if (isinf(p)) return p > 0 ? GT__FOLD_largest_magnitude : GT__FOLD_smallest_magnitude;
  return GT__FOLD_powers;
}

static double norm_value(double total, double p) {
  if (p == 2) return sqrt(total);
  return p == 1 || p == 0 || isinf(p) ? total : pow(total, 1 / p);
}

/* out[results] = the reduction of the block. */
static int reduce_block(int op, double *out, const gt__block *b, double p) {
  const double length = (double)b->length;
  const int64_t results = b->outer * b->inner;
  gt__scratch shift;
  switch (op) {
  case SUM: return gt__fold(out, GT__FOLD_sum, b, NULL, 0);
  case PROD: return gt__fold(out, GT__FOLD_product, b, NULL, 0);
  case MIN: return gt__fold(out, GT__FOLD_smallest, b, NULL, 0);
  case MAX: return gt__fold(out, GT__FOLD_largest, b, NULL, 0);
  case MEAN:
    GT_TRY(gt__fold(out, GT__FOLD_sum, b, NULL, 0));
    for (int64_t i = 0; i < results; i++) out[i] /= length;
    return GT_OK;
  case ALL:
  case ANY:
    GT_TRY(gt__fold(out, GT__FOLD_nonzeros, b, NULL, 0));
    for (int64_t i = 0; i < results; i++) out[i] = op == ALL ? out[i] == length : out[i] > 0;
    return GT_OK;
  case NORM:
    GT_TRY(gt__fold(out, norm_step(p), b, NULL, p));
    for (int64_t i = 0; i < results; i++) out[i] = norm_value(out[i], p);
    return GT_OK;
  }
  GT_TRY(gt__scratch_alloc(&shift, (size_t)gt__max(1, results) * sizeof(double)));
  double *s = shift.ptr;
  int code;
  if (op == LOGSUMEXP) {
    code = gt__fold(s, GT__FOLD_largest, b, NULL, 0);
    for (int64_t i = 0; i < results && !code; i++)
      if (isinf(s[i])) s[i] = 0;
    if (!code) code = gt__fold(out, GT__FOLD_exponentials, b, s, 0);
    for (int64_t i = 0; i < results && !code; i++) out[i] = s[i] + log(out[i]);
  } else {
    const double freedom = p == 1 ? length : length - 1;
    code = gt__fold(s, GT__FOLD_sum, b, NULL, 0);
    for (int64_t i = 0; i < results && !code; i++) s[i] /= length;
    if (!code) code = gt__fold(out, GT__FOLD_deviations, b, s, 0);
    for (int64_t i = 0; i < results && !code; i++) {
      out[i] = freedom > 0 ? out[i] / freedom : NAN;
      if (op == STD) out[i] = sqrt(out[i]);
    }
  }
  gt__scratch_free(&shift);
  return code;
}

static int want_code(int op) {
  return op < 0 || op >= REDUCE_CODES ? gt__fail(GT_EARG, "reduce: there is no reduction %d", op) : GT_OK;
}

int gt_reduce_all(int op, double *result, const gt_tensor *a, double p) {
  const gt_tensor *flat;
  gt_tensor tmp;
  GT_TRY(want_code(op));
  GT_TRY(gt__want_real(a, names[op]));
  if ((op == MIN || op == MAX) && gt__numel(a) == 0) return gt__fail(GT_ESHAPE, "%s: an empty tensor has none", names[op]);
  GT_TRY(gt__contiguous(&flat, &tmp, a));
  gt__block b = {.data = gt__data(flat), .dtype = a->dtype, .outer = 1, .length = gt__numel(a), .inner = 1, .step = 1};
  int code = reduce_block(op, result, &b, p);
  if (!code) *result = gt__for_lua(*result);
  gt__reset(&tmp);
  return code;
}

/* The dimensions of more than one element, the outermost in memory first. Returns how many there are, or -1 where the elements do not
 * lie side by side. */
static int memory_order(const gt_tensor *a, int order[GT_MAX_RANK]) {
  int64_t expected = 1;
  int count = 0;
  for (int d = 0; d < a->rank; d++) {
    if (a->shape[d] == 1) continue;
    int at = count++;
    for (; at > 0 && a->step[order[at - 1]] < a->step[d]; at--) order[at] = order[at - 1];
    order[at] = d;
  }
  for (int k = count - 1; k >= 0; k--) {
    if (a->step[order[k]] != expected) return -1;
    expected *= a->shape[order[k]];
  }
  return count;
}

int gt_count_nonfinite(double *count, const gt_tensor *a) {
  const gt_tensor *flat = a;
  gt_tensor tmp = gt__blank(a->dtype);
  int order[GT_MAX_RANK];
  GT_TRY(gt__want_real(a, "count_nonfinite"));
  if (memory_order(a, order) < 0) GT_TRY(gt__contiguous(&flat, &tmp, a)); /* in which order they are counted is all the same */
  gt__block b = {.data = gt__data(flat), .dtype = a->dtype, .outer = 1, .length = gt__numel(a), .inner = 1, .step = 1};
  int code = gt__fold(count, GT__FOLD_nonfinite, &b, NULL, 0);
  gt__reset(&tmp);
  return code;
}

/* ---- one dimension ------------------------------------------------------------------------------------------------------ */

/* Merges dimensions from..to-1 of t into a count and a step; false where they do not lie evenly in memory. */
static bool merge(const gt_tensor *t, int from, int to, int64_t *count, int64_t *step) {
  *count = 1;
  *step = 1;
  for (int d = to - 1; d >= from; d--) {
    if (t->shape[d] == 1) continue;
    if (*count == 1) *step = t->step[d];
    else if (t->step[d] != *step * *count) return false;
    *count *= t->shape[d];
  }
  return true;
}

/* The block of t around `dim`. Where t's strides allow none, or reading rows would jump about, b describes a contiguous copy
 * in tmp (reset it after use). */
static int block_of(gt__block *b, gt_tensor *tmp, const gt_tensor *t, int dim) {
  const gt_tensor *use = t;
  *tmp = gt__blank(t->dtype);
  *b = (gt__block){.dtype = t->dtype, .length = t->shape[dim]};
  bool even = merge(t, 0, dim, &b->outer, &b->outer_step) && merge(t, dim + 1, t->rank, &b->inner, &b->inner_step);
  bool jumps = even && b->inner == 1 && t->step[dim] > b->outer_step && b->outer > 1 && gt__numel(t) > GT__CHUNK;
  if ((!even || jumps) && gt__numel(t) > 0) {
    GT_TRY(gt__contiguous(&use, tmp, t));
    merge(use, 0, dim, &b->outer, &b->outer_step);
    merge(use, dim + 1, use->rank, &b->inner, &b->inner_step);
  } else if (!even) {                         /* no elements, but perhaps results: the counts are all that matters */
    b->outer = b->inner = 1;
    for (int d = 0; d < dim; d++) b->outer *= t->shape[d];
    for (int d = dim + 1; d < t->rank; d++) b->inner *= t->shape[d];
  }
  b->step = use->step[dim];
  b->data = gt__data(use);
  return GT_OK;
}

/* The shape without dimension dim, or with size 1 there; a tensor keeps at least one dimension. */
static int reduced_shape(const gt_tensor *a, int dim, int keep, int64_t *shape) {
  int rank = 0;
  for (int d = 0; d < a->rank; d++) {
    if (d != dim) shape[rank++] = a->shape[d];
    else if (keep || a->rank == 1) shape[rank++] = 1;
  }
  return rank;
}

/* r = results, converted from doubles; r is contiguous. */
static void store(gt_tensor *r, const double *from) {
  gt__iterator it = {.operands = 2, .rank = 1, .count = gt__numel(r), .shape = {gt__numel(r)}, .step = {{1}, {1}},
                     .data = {gt__data(r), (char *)from}, .size = {(int64_t)gt_dtype_size(r->dtype), sizeof *from}};
  gt__iterator_run(&it, gt__convert(r->dtype, GT_DOUBLE), NULL);
}

/* Reduces the block into out (contiguous) and, where it is not NULL, positions into where. */
static int reduce_into(int op, gt_tensor *out, gt_tensor *where, const gt__block *b, double p) {
  gt__scratch results;
  if (b->outer * b->inner == 0) return GT_OK;
  GT_TRY(gt__scratch_alloc(&results, (size_t)(b->outer * b->inner) * sizeof(double)));
  int code = reduce_block(op, results.ptr, b, p);
  if (!code && where) gt__fold_find(gt__data(where), b, results.ptr);
  if (!code) store(out, results.ptr);
  gt__scratch_free(&results);
  return code;
}

int gt_reduce(int op, gt_tensor *r, gt_tensor *index, const gt_tensor *a, int dim, int keep, double p) {
  gt_tensor *out, *where = NULL, out_tmp, where_tmp = gt__blank(GT_LONG), tmp;
  int64_t shape[GT_MAX_RANK];
  gt__block b;
  GT_TRY(want_code(op));
  const char *name = names[op];
  GT_TRY(gt__want_real(a, name));
  GT_TRY(gt__want_same_type(r, a, name));
  GT_TRY(gt__want_dim(a, dim, name));
  if (index && op != MIN && op != MAX) return gt__fail(GT_EARG, "%s: has no positions to give", name);
  if (index) GT_TRY(gt__usable(index, name));
  if (index && index->dtype != GT_LONG)
    return gt__fail(GT_ETYPE, "%s: got a %sTensor for positions, wanted a LongTensor", name, gt__dtype_name(index->dtype));
  int rank = reduced_shape(a, dim, keep, shape);
  if ((op == MIN || op == MAX) && a->shape[dim] == 0) return gt__fail(GT_ESHAPE, "%s: dimension %d has size 0", name, dim + 1);
  GT_TRY(block_of(&b, &tmp, a, dim));
  int code = gt__result(&out, &out_tmp, r, rank, shape, gt__will_overlap(r, rank, shape, a));
  if (!code && index) code = gt__result(&where, &where_tmp, index, rank, shape, false);
  if (!code) code = reduce_into(op, out, where, &b, p);
  gt__reset(&tmp);
  if (!code && index) code = gt__commit(index, &where_tmp, where);
  if (!code) return gt__commit(r, &out_tmp, out);
  gt__reset(&out_tmp);
  gt__reset(&where_tmp);
  return code;
}

/* ---- sums that undo broadcasting ------------------------------------------------------------------------------------------ */

/* Runs of neighbouring dimensions that are all summed or all kept. */
typedef struct {
  int count;
  int64_t size[GT_MAX_RANK];
  bool summed[GT_MAX_RANK];
} runs;

static void add_run(runs *g, int64_t size, bool summed) {
  if (size == 1) return;
  if (g->count && g->summed[g->count - 1] == summed) {
    g->size[g->count - 1] *= size;
    return;
  }
  g->size[g->count] = size;
  g->summed[g->count++] = summed;
}

/* Sums the last summed run of `from` into doubles at `to`, and takes it off the list. */
static int sum_run(runs *g, double *to, const void *from, int dtype) {
  gt__block b = {.data = from, .dtype = dtype, .outer = 1, .inner = 1};
  runs left = {0};
  int last = g->count - 1;
  while (!g->summed[last]) b.inner *= g->size[last--];
  b.length = g->size[last];
  for (int k = 0; k < last; k++) b.outer *= g->size[k];
  b.step = b.inner_step = 1;
  if (b.inner > 1) b.step = b.inner;
  b.outer_step = b.length * b.inner;
  for (int k = 0; k < g->count; k++)
    if (k != last) add_run(&left, g->size[k], g->summed[k]);
  *g = left;
  return gt__fold(to, GT__FOLD_sum, &b, NULL, 0);
}

static bool any_summed(const runs *g) {
  for (int k = 0; k < g->count; k++)
    if (g->summed[k]) return true;
  return false;
}

/* The runs of a in the order of its memory, where sums over them come in the order of `out`; else in the order of its dimensions, as
 * they lie in *flat, which is then contiguous: a or tmp. */
static int runs_of(runs *g, const gt_tensor **flat, gt_tensor *tmp, const gt_tensor *a, const bool summed[GT_MAX_RANK]) {
  int order[GT_MAX_RANK], count = memory_order(a, order), kept = -1;
  *g = (runs){0};
  *flat = a;
  for (int k = 0; k < count; k++) {
    if (summed[order[k]]) continue;
    if (order[k] < kept) count = -1;
    else kept = order[k];
  }
  for (int k = 0; k < count; k++) add_run(g, a->shape[order[k]], summed[order[k]]);
  if (count >= 0) return GT_OK;
  for (int d = 0; d < a->rank; d++) add_run(g, a->shape[d], summed[d]);
  return gt__contiguous(flat, tmp, a);
}

/* out (contiguous) = sums over the runs of memory: one fold per summed run, from the inside out. */
static int sum_runs(gt_tensor *out, const void *from, int dtype, runs *g) {
  gt__scratch half[2] = {{0}, {0}};
  int code = GT_OK;
  for (int turn = 0; any_summed(g) && !code; turn ^= 1) {
    int64_t results = 1;
    int last = g->count - 1;
    while (!g->summed[last]) last--;
    for (int k = 0; k < g->count; k++) results *= k == last ? 1 : g->size[k];
    gt__scratch_free(&half[turn]);
    code = gt__scratch_alloc(&half[turn], (size_t)gt__max(1, results) * sizeof(double));
    if (!code) code = sum_run(g, half[turn].ptr, from, dtype);
    from = half[turn].ptr;
    dtype = GT_DOUBLE;
  }
  if (!code) store(out, from);
  gt__scratch_free(&half[0]);
  gt__scratch_free(&half[1]);
  return code;
}

int gt_sum_to(gt_tensor *r, const gt_tensor *a, int rank, const int64_t *shape) {
  gt_tensor *out, out_tmp, flat_tmp = gt__blank(a->dtype);
  const gt_tensor *flat;
  runs g;
  bool summed[GT_MAX_RANK] = {false}, any = false;
  GT_TRY(gt__want_real(a, "sum_to"));
  GT_TRY(gt__want_same_type(r, a, "sum_to"));
  gt_tensor wanted = {.rank = rank >= 0 && rank <= GT_MAX_RANK ? rank : 0};
  if (wanted.rank) memcpy(wanted.shape, shape, (size_t)wanted.rank * sizeof *shape);
  bool fits = rank >= 1 && rank <= a->rank;
  for (int d = 0; d < a->rank && fits; d++) {
    int to = d - (a->rank - rank);
    int64_t size = to < 0 ? 1 : shape[to];
    fits = size == a->shape[d] || size == 1;
    summed[d] = size != a->shape[d];
    any |= summed[d];
  }
  if (!fits) {
    gt__shape_text text[2];
    return gt__fail(GT_ESHAPE, "sum_to: size %s does not broadcast to %s", gt__shape(&text[0], &wanted), gt__shape(&text[1], a));
  }
  if (gt__same_place(r, a) && gt_same_shape(r, &wanted)) return GT_OK;
  GT_TRY(gt__result(&out, &out_tmp, r, rank, shape, gt__will_overlap(r, rank, shape, a)));
  int code;
  if (gt__numel(out) == 0) {
    code = GT_OK;
  } else if (!any) {
    code = gt_copy(out, a);
  } else if (!(code = runs_of(&g, &flat, &flat_tmp, a, summed))) {
    code = sum_runs(out, gt__data(flat), a->dtype, &g);
    gt__reset(&flat_tmp);
  }
  if (!code) return gt__commit(r, &out_tmp, out);
  gt__reset(&out_tmp);
  return code;
}

/* ---- running sums and products -------------------------------------------------------------------------------------------- */

int gt_cumulate(int op, gt_tensor *r, const gt_tensor *a, int dim) {
  gt_tensor *out, out_tmp, tmp;
  gt__block b;
  if (op != SUM && op != PROD) return gt__fail(GT_EARG, "cumulate: wanted the code of sum or prod, got %d", op);
  const char *name = op == SUM ? "cumsum" : "cumprod";
  GT_TRY(gt__want_real(a, name));
  GT_TRY(gt__want_same_type(r, a, name));
  GT_TRY(gt__want_dim(a, dim, name));
  bool elsewhere = gt__will_overlap(r, a->rank, a->shape, a) && !(gt__same_place(r, a) && gt_is_contiguous(a));
  GT_TRY(block_of(&b, &tmp, a, dim));
  int code = gt__result(&out, &out_tmp, r, a->rank, a->shape, elsewhere);
  if (!code && gt__numel(a) > 0) {
    int64_t r_step[] = {b.length * b.inner, b.inner, 1};
    gt__fold_running(gt__data(out), r_step, &b, op == PROD);
  }
  gt__reset(&tmp);
  if (!code) return gt__commit(r, &out_tmp, out);
  gt__reset(&out_tmp);
  return code;
}
