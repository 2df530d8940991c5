/* elementwise.c: unary, binary and ternary element-wise operations on Float and Double tensors. */
#include "ops.h"
#include "../kernels/elementwise_ops.h"
#include "../kernels/maths.h"
#include <string.h>
#include <tgmath.h>

typedef struct { double p, q; } parameters;

#define real float
#define K(name) name##_float
#define EXP(x) gt__exp_float(x)
#define TANH(x) gt__tanh_float(x)
#include "../kernels/elementwise.inl"
#undef real
#undef K
#undef EXP
#undef TANH
#define real double
#define K(name) name##_double
#define EXP(x) exp(x)
#define TANH(x) tanh(x)
#include "../kernels/elementwise.inl"
#undef real
#undef K

typedef struct {
  const char *name;
  gt__inner inner[2];    /* float, double */
} operation;

#define UNARY_CODE(name, expression) UNARY_##name,
#define UNARY_ENTRY(name, expression) {#name, {unary_##name##_float, unary_##name##_double}},
#define BINARY_ENTRY(name, expression) {#name, {binary_##name##_float, binary_##name##_double}},
#define TERNARY_ENTRY(name, expression) {#name, {ternary_##name##_float, ternary_##name##_double}},

enum { GT_UNARY_OPS(UNARY_CODE) UNARY_CODES };
static const operation unary_ops[] = {GT_UNARY_OPS(UNARY_ENTRY)};
static const operation binary_ops[] = {GT_BINARY_OPS(BINARY_ENTRY)};
static const operation ternary_ops[] = {GT_TERNARY_OPS(TERNARY_ENTRY)};

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static int find(const char *name, const operation *list, int count) {
  for (int i = 0; i < count; i++)
    if (!strcmp(list[i].name, name)) return i;
  return -1;
}

int32_t gt_unary_code(const char *name) { return find(name, unary_ops, COUNT(unary_ops)); }
int32_t gt_binary_code(const char *name) { return find(name, binary_ops, COUNT(binary_ops)); }
int32_t gt_ternary_code(const char *name) { return find(name, ternary_ops, COUNT(ternary_ops)); }

static int map(const operation *list, int count, int op, gt_tensor *r, int inputs, const gt_tensor *const *in, double p, double q) {
  gt__map m;
  parameters options = {p, q};
  if (op < 0 || op >= count) return gt__fail(GT_EARG, "element-wise: there is no operation %d with %d operands", op, inputs);
  const char *name = list[op].name;
  GT_TRY(gt__want_real(r, name));
  for (int k = 0; k < inputs; k++) {
    GT_TRY(gt__want_real(in[k], name));
    GT_TRY(gt__want_same_type(r, in[k], name));
  }
  GT_TRY(gt__map_begin(&m, name, r, inputs, in));
  gt__iterator_run(&m.it, list[op].inner[r->dtype == GT_DOUBLE], &options);
  return gt__map_end(&m, r);
}

/* The operation that gives x^p exactly as well as pow does, and faster. */
static int power(double *p) {
  if (*p == 2) return UNARY_square;
  if (*p == 3) return UNARY_cube;
  if (*p == 1) return UNARY_copy;
  if (*p == 0.5) return UNARY_sqrt;
  if (*p == -1) return UNARY_cinv;
  if (*p == 0) {
    *p = 1;
    return UNARY_fill;
  }
  return UNARY_pow;
}

int gt_unary(int op, gt_tensor *r, const gt_tensor *a, double p, double q) {
  if (op == UNARY_pow) op = power(&p);
  return map(unary_ops, COUNT(unary_ops), op, r, 1, &a, p, q);
}

int gt_binary(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, double p) {
  const gt_tensor *in[] = {a, b};
  return map(binary_ops, COUNT(binary_ops), op, r, 2, in, p, 0);
}

int gt_ternary(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, const gt_tensor *c, double p) {
  const gt_tensor *in[] = {a, b, c};
  return map(ternary_ops, COUNT(ternary_ops), op, r, 3, in, p, 0);
}
