/* optim.c: an optimizer's update of all its numbers in one pass: each is read and written once. Rounding is step by step
 * that of Torch7's optim, which did one tensor operation after the other. */
#include "ops.h"
#include <math.h>

typedef struct settings { double beta1, beta2, eps, step; } settings;

#define real float
#define FN(name) name##_f
#define SQRT sqrtf
#include "../kernels/optim.inl"
#undef real
#undef FN
#undef SQRT
#define real double
#define FN(name) name##_d
#define SQRT sqrt
#include "../kernels/optim.inl"

enum { MOST = 4 };

/* Checks that all tensors have the first one's type and count of elements and that the first `written` can be written to, and
 * gives their contiguous forms. */
typedef struct group {
  int count;
  gt_tensor *t[MOST], copy[MOST];
  const gt_tensor *use[MOST];
} group;

static void group_free(group *g) {
  for (int i = 0; i < g->count; i++) gt__reset(&g->copy[i]);
}

static int group_get(group *g, const char *what, int count, int written, gt_tensor *const *tensors) {
  gt__shape_text a, b;
  g->count = count;
  for (int i = 0; i < count; i++) {
    GT_TRY(gt__usable(tensors[i], what));
    g->t[i] = tensors[i];
    g->copy[i] = gt__blank(tensors[i]->dtype);
  }
  for (int i = 0; i < count; i++) {
    GT_TRY(gt__want_real(tensors[i], what));
    GT_TRY(gt__want_same_type(tensors[i], tensors[0], what));
    if (i < written) GT_TRY(gt__writable(tensors[i], what));
    if (gt__numel(tensors[i]) != gt__numel(tensors[0])) {
      return gt__fail(GT_ESHAPE, "%s: the parameters are %s, but %s was given with them", what, gt__shape(&a, tensors[0]),
                      gt__shape(&b, tensors[i]));
    }
  }
  for (int i = 0; i < count; i++) {
    int code = gt__contiguous(&g->use[i], &g->copy[i], tensors[i]);
    if (code) {
      group_free(g);
      return code;
    }
  }
  return GT_OK;
}

/* The first `written` tensors were changed; those that were copied go back. */
static int group_put(group *g, int written) {
  int code = GT_OK;
  for (int i = 0; i < written && !code; i++) {
    if (g->use[i] != g->t[i]) code = gt_copy(g->t[i], g->use[i]);
    else gt__wrote(g->t[i]);
  }
  group_free(g);
  return code;
}

int gt_adam(gt_tensor *x, gt_tensor *m, gt_tensor *v, const gt_tensor *g, double beta1, double beta2, double eps, double step) {
  gt_tensor *tensors[] = {x, m, v, (gt_tensor *)g};
  group p;
  GT_TRY(group_get(&p, "adam", 4, 3, tensors));
  settings s = {beta1, beta2, eps, step};
  if (x->dtype == GT_FLOAT) adam_f(gt__f(p.use[0]), gt__f(p.use[1]), gt__f(p.use[2]), gt__f(p.use[3]), gt__numel(x), &s);
  else adam_d(gt__d(p.use[0]), gt__d(p.use[1]), gt__d(p.use[2]), gt__d(p.use[3]), gt__numel(x), &s);
  return group_put(&p, 3);
}

int gt_rmsprop(gt_tensor *x, gt_tensor *m, const gt_tensor *g, double alpha, double eps, double lr) {
  gt_tensor *tensors[] = {x, m, (gt_tensor *)g};
  group p;
  GT_TRY(group_get(&p, "rmsprop", 3, 2, tensors));
  settings s = {alpha, 0, eps, lr};
  if (x->dtype == GT_FLOAT) rmsprop_f(gt__f(p.use[0]), gt__f(p.use[1]), gt__f(p.use[2]), gt__numel(x), &s);
  else rmsprop_d(gt__d(p.use[0]), gt__d(p.use[1]), gt__d(p.use[2]), gt__numel(x), &s);
  return group_put(&p, 2);
}
