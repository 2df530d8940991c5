/* linalg.c: matrix and vector products of any strides: r = beta * m + alpha * (product). */
#include "fold.h"

/* ---- products of matrices in memory ------------------------------------------------------------------------------------- */

/* A matrix as a product wants it: rows `lead` elements apart, or the transpose of such a one. */
typedef struct {
  const char *data;
  int64_t lead;
  int transposed;
} matrix;

static bool row_major(int64_t rows, int64_t columns, int64_t row_step, int64_t column_step) {
  return (columns == 1 || column_step == 1) && (rows == 1 || row_step >= gt__max(1, columns));
}

/* How a product can read dimensions d and d + 1 of t; false where neither lies as rows in memory. */
static bool readable(matrix *x, const gt_tensor *t, int d) {
  int64_t rows = t->shape[d], columns = t->shape[d + 1], rs = t->step[d], cs = t->step[d + 1];
  x->data = gt__data(t);
  x->transposed = !row_major(rows, columns, rs, cs);
  if (x->transposed && !row_major(columns, rows, cs, rs)) return false;
  if (x->transposed) x->lead = columns == 1 ? gt__max(1, rows) : cs;
  else x->lead = rows == 1 ? gt__max(1, columns) : rs;
  return true;
}

/* The same, by way of a contiguous copy in tmp where t cannot be read as it is (reset tmp after use). *use: t or tmp. */
static int operand(matrix *x, const gt_tensor **use, gt_tensor *tmp, const gt_tensor *t, int d) {
  *tmp = gt__blank(t->dtype);
  *use = t;
  if (readable(x, t, d)) return GT_OK;
  GT_TRY(gt_tensor_resize_as(tmp, t));
  int code = gt_copy(tmp, t);
  if (code) {
    gt__reset(tmp);
    return code;
  }
  *use = tmp;
  readable(x, tmp, d);
  return GT_OK;
}

/* c (rows n apart) = beta c + alpha a b. parallel: on the pool, cut by size; else on this thread. */
static void multiply(int dtype, bool parallel, int64_t m, int64_t n, int64_t k, double alpha, const matrix *a, const matrix *b,
                     double beta, char *c) {
  if (dtype == GT_DOUBLE)
    (parallel ? gt__dgemm_parallel : gt__dgemm)(a->transposed, b->transposed, m, n, k, alpha, (const double *)a->data, a->lead,
                                                (const double *)b->data, b->lead, beta, (double *)c, n);
  else
    (parallel ? gt__sgemm_parallel : gt__sgemm)(a->transposed, b->transposed, m, n, k, (float)alpha, (const float *)a->data, a->lead,
                                                (const float *)b->data, b->lead, (float)beta, (float *)c, n);
}

/* ---- the term beta * m --------------------------------------------------------------------------------------------------- */

/* Chooses where the result goes: r itself, resized, or a stand-in where r is not contiguous or is an operand of the product.
 * `in` is what the product reads. Checks types, and that m broadcasts to the shape. */
static int begin(const char *name, gt_tensor **out, gt_tensor *tmp, gt_tensor *r, double *beta, const gt_tensor *m,
                 const gt_tensor *const *in, int inputs, int rank, const int64_t *shape) {
  bool elsewhere = false;
  gt__shape_text text[2];
  gt_tensor wanted = {.rank = rank}, view;
  for (int d = 0; d < rank; d++) wanted.shape[d] = shape[d];
  for (int k = 0; k < inputs; k++) elsewhere |= gt__will_overlap(r, rank, shape, in[k]);
  if (m) GT_TRY(gt__usable(m, name));
  else *beta = 0;
  if (*beta != 0) {
    GT_TRY(gt__want_same_type(r, m, name));
    view = gt__blank(m->dtype);
    if (gt_expand(&view, m, rank, shape))
      return gt__fail(GT_ESHAPE, "%s: a term of size %s does not broadcast to the result's %s", name, gt__shape(&text[0], m),
                      gt__shape(&text[1], &wanted));
    gt__reset(&view);
    if (r == m && !gt_same_shape(r, &wanted))
      return gt__fail(GT_ESHAPE, "%s: the result has size %s and cannot replace a tensor of size %s in place", name,
                      gt__shape(&text[0], &wanted), gt__shape(&text[1], r));
    elsewhere |= gt__shares(r, m) && !gt__same_place(r, m);
  }
  if (gt_same_shape(r, &wanted)) GT_TRY(gt__writable(r, name));
  return gt__result(out, tmp, r, rank, shape, elsewhere);
}

/* out = m, where the product is going to be added to beta times it. */
static int load_term(gt_tensor *out, double beta, const gt_tensor *m) {
  gt_tensor view;
  if (beta == 0 || gt__numel(out) == 0 || gt__same_place(out, m)) return GT_OK;
  view = gt__blank(m->dtype);
  int code = gt_expand(&view, m, out->rank, out->shape);
  if (!code) code = gt_copy(out, &view);
  gt__reset(&view);
  return code;
}

/* out = beta * out, where there is no product to add. */
static int scale(gt_tensor *out, double beta) {
  if (beta == 0) return gt_fill(out, 0);
  return beta == 1 ? GT_OK : gt_unary(gt_unary_code("mul"), out, out, beta, 0);
}

static int finish(int code, gt_tensor *r, gt_tensor *tmp, gt_tensor *out) {
  if (!code) return gt__commit(r, tmp, out);
  gt__reset(tmp);
  return code;
}

static int want_product(const char *name, const gt_tensor *r, const gt_tensor *a, int a_rank, const gt_tensor *b, int b_rank) {
  gt__shape_text text[2];
  GT_TRY(gt__want_real(a, name));
  GT_TRY(gt__want_same_type(a, b, name));
  GT_TRY(gt__want_same_type(r, a, name));
  if (a->rank != a_rank || b->rank != b_rank)
    return gt__fail(GT_ESHAPE, "%s: got sizes %s and %s, wanted %d and %d dimensions", name, gt__shape(&text[0], a),
                    gt__shape(&text[1], b), a_rank, b_rank);
  return GT_OK;
}

static int misfit(const char *name, const gt_tensor *a, const gt_tensor *b) {
  gt__shape_text text[2];
  return gt__fail(GT_ESHAPE, "%s: sizes %s and %s do not fit", name, gt__shape(&text[0], a), gt__shape(&text[1], b));
}

/* ---- matrix times matrix ---------------------------------------------------------------------------------------------------- */

int gt_addmm(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *b) {
  const gt_tensor *in[] = {a, b};
  gt_tensor *out, tmp, a_tmp, b_tmp = gt__blank(GT_FLOAT);
  matrix x, y;
  GT_TRY(want_product("addmm", r, a, 2, b, 2));
  if (a->shape[1] != b->shape[0]) return misfit("addmm", a, b);
  const int64_t shape[] = {a->shape[0], b->shape[1]}, k = a->shape[1];
  GT_TRY(begin("addmm", &out, &tmp, r, &beta, m, in, 2, 2, shape));
  int code = load_term(out, beta, m);
  if (!code && (k == 0 || alpha == 0)) return finish(scale(out, beta), r, &tmp, out);
  if (!code && !(code = operand(&x, &in[0], &a_tmp, a, 0))) {
    if (!(code = operand(&y, &in[1], &b_tmp, b, 0)) && gt__numel(out) > 0)
      multiply(r->dtype, true, shape[0], shape[1], k, alpha, &x, &y, beta, gt__data(out));
    gt__reset(&a_tmp);
    gt__reset(&b_tmp);
  }
  return finish(code, r, &tmp, out);
}

/* ---- batches of products ------------------------------------------------------------------------------------------------------ */

typedef struct {
  matrix a, b;
  char *c;
  int64_t a_step, b_step, c_step;          /* bytes from one product to the next */
  int64_t m, n, k;
  double alpha, beta;
  int dtype;
  bool parallel;
} batch;

static void batch_task(void *context, int64_t i) {
  const batch *c = context;
  matrix a = c->a, b = c->b;
  a.data += i * c->a_step;
  b.data += i * c->b_step;
  multiply(c->dtype, c->parallel, c->m, c->n, c->k, c->alpha, &a, &b, c->beta, c->c + i * c->c_step);
}

static int want_batch(const char *name, const gt_tensor *r, const gt_tensor *a, const gt_tensor *b) {
  GT_TRY(want_product(name, r, a, 3, b, 3));
  return a->shape[0] != b->shape[0] || a->shape[2] != b->shape[1] ? misfit(name, a, b) : GT_OK;
}

/* out (a matrix, or one per product) = beta out + alpha a b for each product, one after the other where out is a matrix. */
static int run_batch(gt_tensor *out, double alpha, double beta, const gt_tensor *a, const gt_tensor *b) {
  enum { WORTH = 1 << 22 };                /* multiplications that are worth being cut */
  const gt_tensor *in[2];
  gt_tensor a_tmp, b_tmp;
  const int64_t count = a->shape[0], size = (int64_t)gt_dtype_size(a->dtype);
  const bool added = out->rank == 2;
  batch c = {.m = a->shape[1], .n = b->shape[2], .k = a->shape[2], .alpha = alpha, .beta = beta, .dtype = a->dtype};
  if (gt__numel(out) == 0) return GT_OK;
  if (c.k == 0 || count == 0 || alpha == 0) return scale(out, beta);
  GT_TRY(operand(&c.a, &in[0], &a_tmp, a, 1));
  int code = operand(&c.b, &in[1], &b_tmp, b, 1);
  if (!code) {
    c.c = gt__data(out);
    c.a_step = in[0]->step[0] * size;
    c.b_step = in[1]->step[0] * size;
    c.c_step = added ? 0 : out->step[0] * size;
    c.parallel = added || (double)c.m * (double)c.n * (double)c.k >= WORTH || count == 1;
    if (c.parallel)
      for (int64_t i = 0; i < count; i++) {
        batch_task(&c, i);
        if (added) c.beta = 1;
      }
    else gt__parallel(count, batch_task, &c);
  }
  gt__reset(&a_tmp);
  gt__reset(&b_tmp);
  return code;
}

int gt_baddbmm(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *b) {
  const gt_tensor *in[] = {a, b};
  gt_tensor *out, tmp;
  GT_TRY(want_batch("baddbmm", r, a, b));
  GT_TRY(begin("baddbmm", &out, &tmp, r, &beta, m, in, 2, 3, (int64_t[]){a->shape[0], a->shape[1], b->shape[2]}));
  int code = load_term(out, beta, m);
  if (!code) code = run_batch(out, alpha, beta, a, b);
  return finish(code, r, &tmp, out);
}

int gt_addbmm(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *b) {
  const gt_tensor *in[] = {a, b};
  gt_tensor *out, tmp;
  GT_TRY(want_batch("addbmm", r, a, b));
  GT_TRY(begin("addbmm", &out, &tmp, r, &beta, m, in, 2, 2, (int64_t[]){a->shape[1], b->shape[2]}));
  int code = load_term(out, beta, m);
  if (!code) code = run_batch(out, alpha, beta, a, b);
  return finish(code, r, &tmp, out);
}

/* ---- vectors -------------------------------------------------------------------------------------------------------------------- */

/* r[i] = beta * m[i] + alpha * total[i]: operands r, m, total (doubles). */
typedef struct { double alpha, beta; } weights;

#define WEIGH(name, real)                                                                                          \
  static void name(void *const *data, const int64_t *step, int64_t n, const void *options) {                       \
    real *r = data[0];                                                                                             \
    const real *m = data[1];                                                                                       \
    const double *total = data[2];                                                                                 \
    const weights *w = options;                                                                                    \
    for (int64_t i = 0; i < n; i++) {                                                                              \
      double term = w->beta == 0 ? 0 : w->beta * (double)m[i * step[1]];                                           \
      r[i * step[0]] = (real)(term + w->alpha * total[i * step[2]]);                                               \
    }                                                                                                              \
  }
WEIGH(weigh_float, float)
WEIGH(weigh_double, double)

/* total[i] = sum over j of a[i][j] x[j], in double; whole rows, or row by row where columns are contiguous. */
typedef struct {
  const gt_tensor *a, *x;
  double *total;
  int64_t per_task;
} rows_context;

#define ROWS(name, real)                                                                                           \
  static void name(void *context, int64_t task) {                                                                  \
    const rows_context *c = context;                                                                               \
    const int64_t rows = c->a->shape[0], n = c->a->shape[1], rs = c->a->step[0], cs = c->a->step[1], xs = c->x->step[0]; \
    const int64_t first = task * c->per_task, last = gt__min(first + c->per_task, rows);                           \
    const real *a = gt__data(c->a), *x = gt__data(c->x);                                                           \
    if (rs < cs) {                                                                                                 \
      for (int64_t i = first; i < last; i++) c->total[i] = 0;                                                      \
      for (int64_t j = 0; j < n; j++) {                                                                            \
        const double s = (double)x[j * xs];                                                                        \
        for (int64_t i = first; i < last; i++) c->total[i] += s * (double)a[i * rs + j * cs];                      \
      }                                                                                                            \
    } else {                                                                                                       \
      for (int64_t i = first; i < last; i++) {                                                                     \
        double lane[8] = {0};                                                                                      \
        int64_t j = 0;                                                                                             \
        if (cs == 1 && xs == 1)                                                                                    \
          for (; j + 8 <= n; j += 8)                                                                               \
            for (int k = 0; k < 8; k++) lane[k] += (double)a[i * rs + j + k] * (double)x[j + k];                   \
        for (; j < n; j++) lane[j & 7] += (double)a[i * rs + j * cs] * (double)x[j * xs];                          \
        c->total[i] = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));   \
      }                                                                                                            \
    }                                                                                                              \
  }
ROWS(rows_float, float)
ROWS(rows_double, double)

int gt_addmv(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *x) {
  const gt_tensor *in[] = {a, x};
  gt_tensor *out, tmp;
  gt__scratch scratch;
  GT_TRY(want_product("addmv", r, a, 2, x, 1));
  if (a->shape[1] != x->shape[0]) return misfit("addmv", a, x);
  const int64_t n = a->shape[0];
  GT_TRY(begin("addmv", &out, &tmp, r, &beta, m, in, 2, 1, &n));
  int code = load_term(out, beta, m);
  if (!code && n > 0 && !(code = gt__scratch_alloc(&scratch, (size_t)n * sizeof(double)))) {
    rows_context c = {a, x, scratch.ptr, gt__min(1024, gt__max(1, GT__CHUNK / gt__max(1, a->shape[1])))};
    if (a->step[0] < a->step[1]) c.per_task = 1024; /* neighbouring results share cache lines and pages */
    gt__parallel(gt__ceil_div(n, c.per_task), a->dtype == GT_DOUBLE ? rows_double : rows_float, &c);
    gt__iterator it = {.operands = 3, .rank = 1, .count = n, .shape = {n}, .step = {{1}, {1}, {1}},
                       .data = {gt__data(out), gt__data(out), scratch.ptr},
                       .size = {(int64_t)gt_dtype_size(out->dtype), (int64_t)gt_dtype_size(out->dtype), sizeof(double)}};
    weights w = {alpha, beta};
    gt__iterator_run(&it, a->dtype == GT_DOUBLE ? weigh_double : weigh_float, &w);
    gt__scratch_free(&scratch);
  }
  return finish(code, r, &tmp, out);
}

/* r[i] = beta * r[i] + alpha * x[i] * y[i]: operands r, x, y. */
#define OUTER(name, real)                                                                                          \
  static void name(void *const *data, const int64_t *step, int64_t n, const void *options) {                       \
    real *r = data[0];                                                                                             \
    const real *x = data[1], *y = data[2];                                                                         \
    const real alpha = (real)((const weights *)options)->alpha, beta = (real)((const weights *)options)->beta;     \
    if (beta == 0) GT__IVDEP for (int64_t i = 0; i < n; i++) r[i * step[0]] = alpha * x[i * step[1]] * y[i * step[2]];        \
    else GT__IVDEP for (int64_t i = 0; i < n; i++) r[i * step[0]] = beta * r[i * step[0]] + alpha * x[i * step[1]] * y[i * step[2]]; \
  }
OUTER(outer_float, float)
OUTER(outer_double, double)

int gt_addr(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *x, const gt_tensor *y) {
  const gt_tensor *in[] = {x, y};
  gt_tensor *out, tmp;
  gt__iterator it;
  GT_TRY(want_product("addr", r, x, 1, y, 1));
  const int64_t shape[] = {x->shape[0], y->shape[0]};
  GT_TRY(begin("addr", &out, &tmp, r, &beta, m, in, 2, 2, shape));
  int code = load_term(out, beta, m);
  if (!code) {
    weights w = {alpha, beta};
    gt_tensor column = *x; /* uncounted: x as a column */
    column.rank = 2;
    column.shape[1] = 1;
    column.step[1] = 0;
    gt__iterator_start(&it, 2, shape);
    gt__iterator_add(&it, out);
    gt__iterator_add(&it, &column);
    gt__iterator_add(&it, y);
    gt__iterator_merge(&it, false);
    gt__iterator_run(&it, r->dtype == GT_DOUBLE ? outer_double : outer_float, &w);
  }
  return finish(code, r, &tmp, out);
}

int gt_dot(double *result, const gt_tensor *a, const gt_tensor *b) {
  gt_tensor a_tmp, b_tmp = gt__blank(GT_FLOAT);
  const gt_tensor *x, *y;
  GT_TRY(gt__want_real(a, "dot"));
  GT_TRY(gt__want_same_type(a, b, "dot"));
  if (gt__numel(a) != gt__numel(b)) return misfit("dot", a, b);
  GT_TRY(gt__contiguous(&x, &a_tmp, a));
  int code = gt__contiguous(&y, &b_tmp, b);
  if (!code) code = gt__fold_dot(result, a->dtype, gt__data(x), gt__data(y), gt__numel(a));
  if (!code) *result = gt__for_lua(*result);
  gt__reset(&a_tmp);
  gt__reset(&b_tmp);
  return code;
}
