/* svm.c: linear support vector machines by dual coordinate descent with shrinking: Hsieh, Chang, Lin, Keerthi and Sundararajan 2008, "A
 * Dual Coordinate Descent Method for Large-scale Linear SVM", algorithms 1 and 3; what LIBLINEAR's solvers 1 and 3 do.
 *
 * Each class is solved for itself. Those of a group visit an example one after another, so that its row is fetched once for all of
 * them; which classes make a group depends on sizes alone, and no class sees another's numbers. */
#include "ops.h"
#include "../kernels/kernels.h"
#include <math.h>
#include <stdio.h>

enum { UPPER_BEFORE, LOWER_BEFORE, UPPER, LOWER, RUNNING, BOUNDS };    /* columns of bounds */
enum { GROUP = 5, NEAR = 384 * 1024 };                                 /* classes in a group at most; bytes of their weights */
static const double STILL = 1e-12;                                     /* a projected gradient that moves nothing */

typedef struct problem {
  double *w, *alpha, *bounds;
  uint8_t *active;
  const float *x;
  const double *squares;
  const int64_t *rows, *labels, *order;
  int64_t classes, features, examples, x_step, count, group;
  double diagonal, most, intercept;                                    /* of the dual: added to Q_ii; the largest alpha */
} problem;

/* Class k sees example i, whose row is x. */
static inline void visit(const problem *p, int64_t k, int64_t i, const float *x, const gt__loop_kernels *loops) {
  double *b = p->bounds + k * BOUNDS, *w = p->w + k * (p->features + 1), *alpha = p->alpha + k * p->examples + i;
  uint8_t *active = p->active + k * p->examples + i;
  if (b[RUNNING] == 0 || !*active) return;
  const double y = p->labels[i] == k + 1 ? 1 : -1, before = *alpha;
  const double g = y * (loops->mixed_dot(w, x, p->features) + w[p->features] * p->intercept) - 1 + before * p->diagonal;
  double projected = g;
  if (before <= 0) {
    if (g > b[UPPER_BEFORE]) {
      *active = 0;
      return;
    }
    if (g > 0) projected = 0;
  } else if (before >= p->most) {
    if (g < b[LOWER_BEFORE]) {
      *active = 0;
      return;
    }
    if (g < 0) projected = 0;
  }
  if (projected > b[UPPER]) b[UPPER] = projected;
  if (projected < b[LOWER]) b[LOWER] = projected;
  if (fabs(projected) <= STILL) return;
  double after = before - g / (p->squares[i] + p->diagonal);
  after = after < 0 ? 0 : after > p->most ? p->most : after;
  const double d = (after - before) * y;
  *alpha = after;
  loops->mixed_add(w, d, x, p->features);
  w[p->features] += d * p->intercept;
}

static void group(void *context, int64_t part) {
  const problem *p = context;
  const gt__loop_kernels *loops = gt__loops();
  const int64_t first = part * p->group, last = gt__min(first + p->group, p->classes);
  for (int64_t s = 0; s < p->count; s++) {
    const int64_t i = p->order[s] - 1;
    const float *x = p->x + (p->rows[i] - 1) * p->x_step;
    for (int64_t k = first; k < last; k++) visit(p, k, i, x, loops);
  }
}

/* A contiguous tensor of a type and sizes; columns < 0: a vector. */
static int want(const gt_tensor *t, const char *name, int dtype, int64_t rows, int64_t columns) {
  gt__shape_text text;
  GT_TRY(gt__usable(t, "svm_visit"));
  const int rank = columns < 0 ? 1 : 2;
  const bool fits = t->dtype == dtype && t->rank == rank && t->shape[0] == rows && (rank == 1 || t->shape[1] == columns);
  if (fits && gt_is_contiguous(t)) return GT_OK;
  char wanted[64];
  snprintf(wanted, sizeof wanted, rank == 1 ? "%lld" : "%lldx%lld", (long long)rows, (long long)columns);
  return gt__fail(GT_ESHAPE, "svm_visit: %s is %s %s, wanted contiguous %s %s", name, gt__dtype_name(t->dtype), gt__shape(&text, t),
                  gt__dtype_name(dtype), wanted);
}

static int want_within(const int64_t *numbers, int64_t n, const char *name, int64_t most) {
  for (int64_t i = 0; i < n; i++) {
    if (numbers[i] < 1 || numbers[i] > most) {
      return gt__fail(GT_EARG, "svm_visit: %s %lld is %lld, wanted 1 to %lld", name, (long long)(i + 1), (long long)numbers[i],
                      (long long)most);
    }
  }
  return GT_OK;
}

int gt_svm_visit(gt_tensor *w, gt_tensor *alpha, gt_tensor *active, gt_tensor *bounds, const gt_tensor *x, const gt_tensor *squares,
                 const gt_tensor *rows, const gt_tensor *labels, const gt_tensor *order, int64_t from, int64_t count, double c, int squared,
                 double intercept) {
  gt__shape_text text;
  GT_TRY(gt__usable(x, "svm_visit"));
  GT_TRY(gt__usable(w, "svm_visit"));
  GT_TRY(gt__usable(rows, "svm_visit"));
  GT_TRY(gt__usable(order, "svm_visit"));
  if (x->dtype != GT_FLOAT || x->rank != 2 || (x->shape[1] > 1 && x->step[1] != 1)) {
    return gt__fail(GT_ESHAPE, "svm_visit: x is %s %s, wanted Float with contiguous rows", gt__dtype_name(x->dtype), gt__shape(&text, x));
  }
  const int64_t classes = w->rank == 2 ? w->shape[0] : 0, features = x->shape[1], examples = rows->rank == 1 ? rows->shape[0] : 0;
  GT_TRY(want(w, "w", GT_DOUBLE, classes, features + 1));
  GT_TRY(want(alpha, "alpha", GT_DOUBLE, classes, examples));
  GT_TRY(want(active, "active", GT_BYTE, classes, examples));
  GT_TRY(want(bounds, "bounds", GT_DOUBLE, classes, BOUNDS));
  GT_TRY(want(squares, "squares", GT_DOUBLE, examples, -1));
  GT_TRY(want(rows, "rows", GT_LONG, examples, -1));
  GT_TRY(want(labels, "labels", GT_LONG, examples, -1));
  GT_TRY(want(order, "order", GT_LONG, order->rank == 1 ? order->shape[0] : 0, -1));
  if (from < 0 || count < 0 || from + count > order->shape[0]) {
    return gt__fail(GT_EARG, "svm_visit: %lld from %lld on, wanted at most %lld", (long long)count, (long long)from,
                    (long long)order->shape[0]);
  }
  if (!(c > 0) || !isfinite(c) || !isfinite(intercept)) return gt__fail(GT_EARG, "svm_visit: C is %g, wanted a number above 0", c);
  const int64_t *visited = (const int64_t *)gt__data(order) + from;
  GT_TRY(want_within(visited, count, "order", examples));
  GT_TRY(want_within(gt__data(rows), examples, "row", x->shape[0]));
  problem p = {.w = gt__d(w), .alpha = gt__d(alpha), .bounds = gt__d(bounds), .active = gt__data(active), .x = gt__f(x),
               .squares = gt__d(squares), .rows = gt__data(rows), .labels = gt__data(labels), .order = visited, .classes = classes,
               .features = features, .examples = examples, .x_step = x->step[0], .count = count, .diagonal = squared ? 0.5 / c : 0,
               .most = squared ? INFINITY : c, .intercept = intercept};
  p.group = gt__min(GROUP, gt__max(1, NEAR / (int64_t)((size_t)(features + 1) * sizeof(double))));
  const int64_t groups = (classes + p.group - 1) / p.group;
  if (count > 0 && groups > 0) {
    p.group = (classes + groups - 1) / groups; /* groups of about one size */
    gt__parallel((classes + p.group - 1) / p.group, group, &p);
    gt__wrote(w), gt__wrote(alpha), gt__wrote(active), gt__wrote(bounds);
  }
  return gt__usable(x, "svm_visit");
}
