/* compare.c: comparisons of all types, with a tensor or with a number, to 0 and 1. */
#include "ops.h"
#include "../kernels/elementwise_ops.h"
#include <math.h>
#include <string.h>

#define NAMED_(name, type) compare_##name##_##type
#define NAMED(name, type) NAMED_(name, type)
#define TYPE uint8_t
#define TYPE_NAME byte
#include "../kernels/compare.inl"
#undef TYPE
#undef TYPE_NAME
#define TYPE int8_t
#define TYPE_NAME char
#include "../kernels/compare.inl"
#undef TYPE
#undef TYPE_NAME
#define TYPE int16_t
#define TYPE_NAME short
#include "../kernels/compare.inl"
#undef TYPE
#undef TYPE_NAME
#define TYPE int32_t
#define TYPE_NAME int
#include "../kernels/compare.inl"
#undef TYPE
#undef TYPE_NAME
#define TYPE int64_t
#define TYPE_NAME long
#include "../kernels/compare.inl"
#undef TYPE
#undef TYPE_NAME
#define TYPE float
#define TYPE_NAME float
#include "../kernels/compare.inl"
#undef TYPE
#undef TYPE_NAME
#define TYPE double
#define TYPE_NAME double
#include "../kernels/compare.inl"
#undef TYPE
#undef TYPE_NAME

#define CODE(name, operator) COMPARE_##name,
#define ENTRY(name, operator)                                                                                        \
  {#name, {compare_##name##_byte, compare_##name##_char, compare_##name##_short, compare_##name##_int, compare_##name##_long, \
           compare_##name##_float, compare_##name##_double}},
enum { GT_COMPARE_OPS(CODE) COMPARE_CODES };
static const struct {
  const char *name;
  gt__inner inner[GT_DTYPES];
} compare_ops[] = {GT_COMPARE_OPS(ENTRY)};

int32_t gt_compare_code(const char *name) {
  for (int i = 0; i < COMPARE_CODES; i++)
    if (!strcmp(compare_ops[i].name, name)) return i;
  return -1;
}

/* ---- comparison with a number ------------------------------------------------------------------------------------------
 * An integer type compares with a number that it may not hold, such as 2.5 or 300 for bytes. The comparison is turned into
 * one with an integer of the type, or its outcome is the same for all elements. */

static const double least[] = {0, INT8_MIN, INT16_MIN, INT32_MIN, -0x1p63};
static const double beyond[] = {256, 0x1p7, 0x1p15, 0x1p31, 0x1p63};   /* the largest, plus one */

/* True: compare with *value by *op. False: the outcome is *value for all. */
static bool integer_comparison(int dtype, int *op, double *value) {
  double v = *value, whole = floor(v);
  if (isnan(v)) {
    *value = *op == COMPARE_ne;
    return false;
  }
  if (v < least[dtype] || v >= beyond[dtype]) {
    bool above = v > 0;                     /* the number is above all elements */
    *value = *op == COMPARE_ne || (above ? *op == COMPARE_lt || *op == COMPARE_le : *op == COMPARE_gt || *op == COMPARE_ge);
    return false;
  }
  if (whole == v) return true;
  if (*op == COMPARE_eq || *op == COMPARE_ne) {
    *value = *op == COMPARE_ne;
    return false;
  }
  *op = *op == COMPARE_lt || *op == COMPARE_le ? COMPARE_le : COMPARE_gt;
  *value = whole;
  return true;
}

/* ---- the entry point -------------------------------------------------------------------------------------------------- */

typedef struct {
  gt__inner compare, convert;               /* convert: from bytes to the result's type, NULL where that is Byte */
  int64_t size;                             /* of an element of the operands */
  const uint64_t *number;                   /* compared with where there is no second operand */
} compare_options;

/* Compares by way of a buffer of bytes where the result has another type. */
static void compare_run(void *const *data, const int64_t *step, int64_t n, const void *options) {
  enum { BLOCK = 1024 };
  const compare_options *o = options;
  const char *a = data[1], *b = o->number ? (const char *)o->number : data[2];
  const int64_t as = step[1], bs = o->number ? 0 : step[2];
  if (!o->convert) {
    o->compare((void *[]){data[0], (void *)a, (void *)b}, (int64_t[]){step[0], as, bs}, n, NULL);
    return;
  }
  uint8_t block[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = gt__min(BLOCK, n - i);
    o->compare((void *[]){block, (void *)(a + i * as * o->size), (void *)(b + i * bs * o->size)}, (int64_t[]){1, as, bs}, m, NULL);
    o->convert((void *[]){(char *)data[0] + i * step[0] * o->size, block}, (int64_t[]){step[0], 1}, m, NULL);
  }
}

int gt_compare(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, double value) {
  const gt_tensor *in[] = {a, b};
  uint64_t number;
  gt__map m;
  if (op < 0 || op >= COMPARE_CODES) return gt__fail(GT_EARG, "compare: there is no comparison %d", op);
  const char *name = compare_ops[op].name;
  GT_TRY(gt__usable(r, name));
  GT_TRY(gt__usable(a, name));
  if (b) GT_TRY(gt__want_same_type(a, b, name));
  if (r->dtype != GT_BYTE && r->dtype != a->dtype)
    return gt__fail(GT_ETYPE, "%s: got a %sTensor for the result, wanted a ByteTensor or a %sTensor", name, gt__dtype_name(r->dtype),
                    gt__dtype_name(a->dtype));
  GT_TRY(gt__map_begin(&m, name, r, b ? 2 : 1, in));
  if (!b && a->dtype < GT_FLOAT && !integer_comparison(a->dtype, &op, &value)) {
    int code = gt_fill(m.out, value);
    int end = gt__map_end(&m, r);
    return code ? code : end;
  }
  if (!b) gt__element(&number, a->dtype, value);
  compare_options o = {.compare = compare_ops[op].inner[a->dtype], .size = (int64_t)gt_dtype_size(a->dtype), .number = b ? NULL : &number};
  if (r->dtype != GT_BYTE) o.convert = gt__convert(r->dtype, GT_BYTE);
  gt__iterator_run(&m.it, compare_run, &o);
  return gt__map_end(&m, r);
}
