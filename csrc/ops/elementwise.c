/* elementwise.c: unary, binary and ternary element-wise operations on Float and Double tensors. */
#include "ops.h"
#include "../kernels/kernels.h"
#include <string.h>

enum { UNARY, BINARY, TERNARY };

#define NAME(name, expression) #name,
static const char *const unary_names[] = {GT_UNARY_OPS(NAME)}, *const binary_names[] = {GT_BINARY_OPS(NAME)};
static const char *const ternary_names[] = {GT_TERNARY_OPS(NAME)};
static const char *const *const names[] = {unary_names, binary_names, ternary_names};
static const int counts[] = {GT__UNARY_CODES, GT__BINARY_CODES, GT__TERNARY_CODES};

static int find(int kind, const char *name) {
  for (int i = 0; i < counts[kind]; i++)
    if (!strcmp(names[kind][i], name)) return i;
  return -1;
}

int32_t gt_unary_code(const char *name) { return find(UNARY, name); }
int32_t gt_binary_code(const char *name) { return find(BINARY, name); }
int32_t gt_ternary_code(const char *name) { return find(TERNARY, name); }

typedef struct call {
  gt__each *each;
  gt__inner move;                          /* copies elements of the operands' size */
  int64_t size;
  int inputs;
  double p, q;
} call;

/* The kernels take contiguous memory: what is not is brought to and from small blocks that are. */
static void run(void *const *data, const int64_t *step, int64_t n, const void *options) {
  enum { BLOCK = 512 };
  const call *c = options;
  const void *from[3];
  bool plain = step[0] == 1;
  for (int k = 0; k < c->inputs; k++) {
    from[k] = data[k + 1];
    plain &= step[k + 1] == 1;
  }
  if (plain) {
    c->each(data[0], from, n, c->p, c->q);
    return;
  }
  double block[4][BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = gt__min(BLOCK, n - i);
    void *to = step[0] == 1 ? (char *)data[0] + i * c->size : (void *)block[0];
    for (int k = 1; k <= c->inputs; k++) {
      char *operand = (char *)data[k] + i * step[k] * c->size;
      from[k - 1] = step[k] == 1 ? operand : (char *)block[k];
      if (step[k] == 1 || (step[k] == 0 && i > 0)) continue; /* a number that repeats is there already */
      c->move((void *[]){block[k], operand}, (int64_t[]){1, step[k]}, m, NULL);
    }
    c->each(to, from, m, c->p, c->q);
    if (step[0] != 1) c->move((void *[]){(char *)data[0] + i * step[0] * c->size, block[0]}, (int64_t[]){step[0], 1}, m, NULL);
  }
}

static int map(int kind, int op, gt_tensor *r, const gt_tensor *const *in, double p, double q) {
  gt__map m;
  const int inputs = kind + 1;
  if (op < 0 || op >= counts[kind]) return gt__fail(GT_EARG, "element-wise: there is no operation %d with %d operands", op, inputs);
  const char *name = names[kind][op];
  GT_TRY(gt__want_real(r, name));
  for (int k = 0; k < inputs; k++) {
    GT_TRY(gt__want_real(in[k], name));
    GT_TRY(gt__want_same_type(r, in[k], name));
  }
  const int wide = r->dtype == GT_DOUBLE;
  const gt__loop_kernels *loops = gt__loops();
  const size_t size = gt_dtype_size(r->dtype);
  call c = {.move = gt__move(size), .size = (int64_t)size, .inputs = inputs, .p = p, .q = q};
  c.each = kind == UNARY ? loops->unary[op][wide] : kind == BINARY ? loops->binary[op][wide] : loops->ternary[op][wide];
  GT_TRY(gt__map_begin(&m, name, r, inputs, in));
  gt__iterator_run(&m.it, run, &c);
  return gt__map_end(&m, r);
}

/* The operation that gives x^p exactly as well as pow does, and faster. */
static int power(double *p) {
  if (*p == 2) return GT__UNARY_square;
  if (*p == 3) return GT__UNARY_cube;
  if (*p == 1) return GT__UNARY_copy;
  if (*p == 0.5) return GT__UNARY_sqrt;
  if (*p == -1) return GT__UNARY_cinv;
  if (*p == 0) {
    *p = 1;
    return GT__UNARY_fill;
  }
  return GT__UNARY_pow;
}

int gt_unary(int op, gt_tensor *r, const gt_tensor *a, double p, double q) {
  if (op == GT__UNARY_pow) op = power(&p);
  return map(UNARY, op, r, &a, p, q);
}

int gt_binary(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, double p) {
  const gt_tensor *in[] = {a, b};
  return map(BINARY, op, r, in, p, 0);
}

int gt_ternary(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, const gt_tensor *c, double p) {
  const gt_tensor *in[] = {a, b, c};
  return map(TERNARY, op, r, in, p, 0);
}
