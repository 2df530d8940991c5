/* test_memory.c: functions that add to, or draw from, what they are given fail for want of memory before they begin, at any
 * limit; called again they do what they would have done. */
#include "test.h"

/* Five tensors for a call to work on; the first ones are what it writes to. */
typedef struct { gt_tensor *t[5]; gt_generator generator; } bench;
typedef int (*call)(bench *b);

static gt_tensor *copy_of(const gt_tensor *a) {
  gt_tensor *c = test_new(a->dtype, a->rank, a->shape);
  CHECK_OK(gt_copy(c, a));
  return c;
}

static int same(const gt_tensor *a, const gt_tensor *b) {
  if (!gt_same_shape(a, b)) return 0;
  for (int64_t k = 0, n = test_count(a); k < n; k++)
    if (test_at(a, k) != test_at(b, k)) return 0;
  return 1;
}

static int tried, failed_first;

/* layout: that of the tensors that are written to; another one than contiguous makes functions take stand-ins. */
static void starve(const char *name, call f, const bench *from, int writes, int layout) {
  for (double room = 0;; room = room * 1.3 + 4096) {
    bench now = *from, calm = *from;
    for (int k = 0; k < 5 && from->t[k]; k++) {
      now.t[k] = k < writes ? test_layout(from->t[k], layout) : copy_of(from->t[k]);
      calm.t[k] = k < writes ? test_layout(from->t[k], layout) : copy_of(from->t[k]);
    }
    CHECK_OK(f(&calm));
    gt_pool_set_limit(gt_pool()->live + room);
    int code = f(&now);
    gt_pool_set_limit(0);
    CHECK_MSG(code == GT_OK || code == GT_ENOMEM, "%s: %s", name, gt_last_error());
    tried++;
    failed_first += code != GT_OK;
    if (code) CHECK_OK(f(&now));
    for (int k = 0; k < writes; k++) CHECK_MSG(same(now.t[k], calm.t[k]), "%s with %.0f bytes, layout %d", name, room, layout);
    CHECK_MSG(!memcmp(&now.generator, &calm.generator, sizeof now.generator), "%s: draws", name);
    for (int k = 0; k < 5 && from->t[k]; k++) gt_tensor_free(now.t[k]), gt_tensor_free(calm.t[k]);
    if (!code) return;
  }
}

static const gt_conv_shape two = {2, 2, 1, 1, 1, 1, 1, 0}, grouped = {1, 1, 2, 2, 1, 1, 2, 0};

static int add_weight(bench *b) { return gt_conv_weight(b->t[0], b->t[1], b->t[2], &two, 4, 4, 1, 0.5); }
static int add_grouped(bench *b) { return gt_conv_weight(b->t[0], b->t[1], b->t[2], &grouped, 5, 5, 1, 0.5); }
static int add_bias(bench *b) { return gt_add_bias(b->t[0], b->t[0], b->t[1], 0.2); }
static int add_bias_grad(bench *b) {
  gt_tensor *gx = gt_tensor_new(GT_FLOAT);
  int code = gx ? gt_add_bias_grad(gx, b->t[0], b->t[1], b->t[2], b->t[3], 0.2, 1, 0.5) : GT_ENOMEM;
  gt_tensor_free(gx);
  return code;
}
static int bias_grad(bench *b) { return gt_bias_grad(b->t[0], b->t[1], 1, 0.5); }
static int addmm(bench *b) { return gt_addmm(b->t[0], 0.5, b->t[0], 2, b->t[1], b->t[2]); }
static int addmv(bench *b) { return gt_addmv(b->t[0], 0.5, b->t[0], 2, b->t[1], b->t[2]); }
static int addr(bench *b) { return gt_addr(b->t[0], 0.5, b->t[0], 2, b->t[1], b->t[2]); }
static int baddbmm(bench *b) { return gt_baddbmm(b->t[0], 0.5, b->t[0], 2, b->t[1], b->t[2]); }
static int addbmm(bench *b) { return gt_addbmm(b->t[0], 0.5, b->t[0], 2, b->t[1], b->t[2]); }
static int norm(bench *b) {
  gt_tensor *y = gt_tensor_new(GT_FLOAT), *mean = gt_tensor_new(GT_FLOAT), *invstd = gt_tensor_new(GT_FLOAT);
  int code = y && mean && invstd ? gt_batch_norm(y, mean, invstd, b->t[2], NULL, NULL, b->t[0], b->t[1], 1, 0.1, 1e-5, 1) : GT_ENOMEM;
  gt_tensor_free(y), gt_tensor_free(mean), gt_tensor_free(invstd);
  return code;
}
static int norm_grad_with(bench *b, double slope) {
  gt_tensor *gx = gt_tensor_new(GT_FLOAT), *bias = b->t[4];
  int code = gx ? gt_batch_norm_grad(gx, b->t[0], b->t[1], b->t[2], b->t[2], b->t[3], bias, NULL, b->t[3], b->t[4], 1, slope, 1, 0.5) : GT_ENOMEM;
  gt_tensor_free(gx);
  return code;
}
static int norm_grad(bench *b) { return norm_grad_with(b, 1); }
static int norm_grad_activated(bench *b) { return norm_grad_with(b, 0.2); }
static int adam(bench *b) { return gt_adam(b->t[0], b->t[1], b->t[2], b->t[3], 0.9, 0.99, 1e-8, 0.1); }
static int rmsprop(bench *b) { return gt_rmsprop(b->t[0], b->t[1], b->t[2], 0.9, 1e-8, 0.1); }
static int in_place(bench *b) { return gt_binary(gt_binary_code("add"), b->t[0], b->t[0], b->t[1], 1); }
static int shifted(bench *b) { return gt_binary(gt_binary_code("mul"), b->t[1], b->t[1], b->t[0], 1); }
static int squared(bench *b) { return gt_unary(gt_unary_code("mul"), b->t[0], b->t[0], 3, 0); }
static int ternary(bench *b) { return gt_ternary(gt_ternary_code("addcmul"), b->t[0], b->t[0], b->t[1], b->t[1], 2); }
static int cumulate(bench *b) { return gt_cumulate(gt_reduce_code("sum"), b->t[0], b->t[0], 0); }
static int index_add(bench *b) { return gt_index_add(b->t[0], 0, b->t[1], b->t[2]); }
static int scatter_add(bench *b) { return gt_scatter_add(b->t[0], 0, b->t[1], b->t[2]); }
static int uniform(bench *b) { return gt_random_fill(&b->generator, "uniform", b->t[0], -1, 1); }
static int normal(bench *b) { return gt_random_fill(&b->generator, "normal", b->t[0], 0, 1); }
static int permutation(bench *b) { return gt_random_permutation(&b->generator, b->t[0], 5000); }

#define SHAPE(...) (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__}

static gt_tensor *random_of(int rank, const int64_t *shape) {
  gt_tensor *t = test_new(GT_FLOAT, rank, shape);
  test_fill(t, 0.5, 1.5);
  return t;
}

static void run(const char *name, call f, int writes, bench *b) {
  gt_generator_seed(&b->generator, 7);
  for (int layout = 0; layout < 3; layout++) starve(name, f, b, writes, layout);
  for (int k = 0; k < 5 && b->t[k]; k++) gt_tensor_free(b->t[k]);
}

#define RUN(f, writes, ...) run(#f, f, writes, &(bench){.t = {__VA_ARGS__}})

int main(void) {
  RUN(add_weight, 1, random_of(SHAPE(64, 48, 4, 4)), random_of(SHAPE(16, 48, 16, 16)), random_of(SHAPE(16, 64, 8, 8)));
  RUN(add_weight, 1, random_of(SHAPE(9, 3, 4, 4)), random_of(SHAPE(3, 3, 12, 12)), random_of(SHAPE(3, 9, 6, 6)));
  RUN(add_grouped, 1, random_of(SHAPE(32, 16, 5, 5)), random_of(SHAPE(8, 32, 9, 9)), random_of(SHAPE(8, 32, 9, 9)));
  RUN(add_bias, 1, random_of(SHAPE(5, 64, 20, 20)), random_of(SHAPE(64)));
  RUN(add_bias_grad, 1, random_of(SHAPE(64)), random_of(SHAPE(5, 64, 20, 20)), random_of(SHAPE(5, 64, 20, 20)), random_of(SHAPE(64)));
  RUN(bias_grad, 1, random_of(SHAPE(64)), random_of(SHAPE(5, 64, 20, 20)));
  RUN(addmm, 1, random_of(SHAPE(90, 70)), random_of(SHAPE(90, 50)), random_of(SHAPE(50, 70)));
  RUN(addmv, 1, random_of(SHAPE(900)), random_of(SHAPE(900, 50)), random_of(SHAPE(50)));
  RUN(addr, 1, random_of(SHAPE(90, 70)), random_of(SHAPE(90)), random_of(SHAPE(70)));
  RUN(baddbmm, 1, random_of(SHAPE(4, 30, 70)), random_of(SHAPE(4, 30, 50)), random_of(SHAPE(4, 50, 70)));
  RUN(addbmm, 1, random_of(SHAPE(30, 70)), random_of(SHAPE(4, 30, 50)), random_of(SHAPE(4, 50, 70)));
  RUN(norm, 2, random_of(SHAPE(64)), random_of(SHAPE(64)), random_of(SHAPE(8, 64, 12, 12)));
  RUN(norm_grad, 2, random_of(SHAPE(64)), random_of(SHAPE(64)), random_of(SHAPE(8, 64, 12, 12)), random_of(SHAPE(64)), random_of(SHAPE(64)));
  RUN(norm_grad_activated, 2, random_of(SHAPE(64)), random_of(SHAPE(64)), random_of(SHAPE(8, 64, 12, 12)), random_of(SHAPE(64)),
    random_of(SHAPE(64)));
  RUN(adam, 3, random_of(SHAPE(300, 40)), random_of(SHAPE(300, 40)), random_of(SHAPE(300, 40)), random_of(SHAPE(300, 40)));
  RUN(rmsprop, 2, random_of(SHAPE(300, 40)), random_of(SHAPE(300, 40)), random_of(SHAPE(300, 40)));
  RUN(in_place, 1, random_of(SHAPE(300, 40)), random_of(SHAPE(1, 40)));
  RUN(shifted, 2, random_of(SHAPE(300, 40)), random_of(SHAPE(300, 40)));
  RUN(squared, 1, random_of(SHAPE(300, 40)));
  RUN(ternary, 1, random_of(SHAPE(300, 40)), random_of(SHAPE(300, 40)));
  RUN(cumulate, 1, random_of(SHAPE(300, 40)));
  gt_tensor *rows = test_new(GT_LONG, 1, (int64_t[]){90}), *places = test_new(GT_LONG, 2, (int64_t[]){90, 40});
  for (int k = 0; k < 90; k++) test_put(rows, k, 1 + k % 7);
  for (int k = 0; k < 3600; k++) test_put(places, k, 1 + k % 13);
  RUN(index_add, 1, random_of(SHAPE(300, 40)), rows, random_of(SHAPE(90, 40)));
  RUN(scatter_add, 1, random_of(SHAPE(300, 40)), places, random_of(SHAPE(90, 40)));
  RUN(uniform, 1, random_of(SHAPE(300, 40)));
  RUN(normal, 1, random_of(SHAPE(301, 41)));
  RUN(permutation, 1, random_of(SHAPE(5000)));
  CHECK_MSG(failed_first > 20, "%d of %d calls were starved", failed_first, tried);
  return test_report("memory");
}
