/* optim.c: an optimizer's update of all its numbers in one pass: each is read and written once. */
#include "ops.h"
#include "../kernels/kernels.h"

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

typedef struct job {
  const group *p;
  const gt__update *u;
} job;

/* Where task i's numbers of a tensor begin. */
static void *part(const group *p, int tensor, int64_t i) {
  return (char *)gt__data(p->use[tensor]) + i * GT__CHUNK * (int64_t)gt_dtype_size(p->use[tensor]->dtype);
}

static int64_t part_size(const group *p, int64_t i) { return gt__min(GT__CHUNK, gt__numel(p->use[0]) - i * GT__CHUNK); }

static void adam_task(void *context, int64_t i) {
  const job *c = context;
  const group *p = c->p;
  gt__loops()->adam[p->t[0]->dtype == GT_DOUBLE](part(p, 0, i), part(p, 1, i), part(p, 2, i), part(p, 3, i), part_size(p, i), c->u);
}

static void rmsprop_task(void *context, int64_t i) {
  const job *c = context;
  const group *p = c->p;
  gt__loops()->rmsprop[p->t[0]->dtype == GT_DOUBLE](part(p, 0, i), part(p, 1, i), part(p, 2, i), part_size(p, i), c->u);
}

/* Checks, runs the task on all parts, and puts back what was copied. */
static int update(const char *what, int count, int written, gt_tensor *const *tensors, gt__task task, const gt__update *u) {
  group p;
  GT_TRY(group_get(&p, what, count, written, tensors));
  job c = {.p = &p, .u = u};
  gt__parallel(gt__ceil_div(gt__numel(tensors[0]), GT__CHUNK), task, &c);
  return group_put(&p, written);
}

int gt_adam(gt_tensor *x, gt_tensor *m, gt_tensor *v, const gt_tensor *g, double beta1, double beta2, double eps, double step) {
  return update("adam", 4, 3, (gt_tensor *[]){x, m, v, (gt_tensor *)g}, adam_task, &(gt__update){beta1, beta2, eps, step});
}

int gt_rmsprop(gt_tensor *x, gt_tensor *m, const gt_tensor *g, double alpha, double eps, double lr) {
  return update("rmsprop", 3, 2, (gt_tensor *[]){x, m, (gt_tensor *)g}, rmsprop_task, &(gt__update){.beta1 = alpha, .eps = eps, .step = lr});
}
