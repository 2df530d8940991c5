/* test.h: the harness of the C tests. Each test_*.c is a program of its own: it calls CHECK..., ends with
 * `return test_report("name")`, prints `name: N passed, N failed` and exits with 1 where a check failed. */
#ifndef GANTRY_TEST_H
#define GANTRY_TEST_H
#include "../../csrc/gantry.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long test_passed, test_failed;

#define CHECK(condition) test_check((condition) != 0, __FILE__, __LINE__, #condition, "")
/* With a printf message that is shown on failure. */
#define CHECK_MSG(condition, ...)                                                       \
  do {                                                                                  \
    char test_text_[256];                                                               \
    snprintf(test_text_, sizeof test_text_, __VA_ARGS__);                               \
    test_check((condition) != 0, __FILE__, __LINE__, #condition, test_text_);           \
  } while (0)
/* A gantry call that must succeed, and one that must fail with a code and a message that contains `text`. */
#define CHECK_OK(call) test_code((call), GT_OK, "", __FILE__, __LINE__, #call)
#define CHECK_FAILS(call, code, text) test_code((call), (code), (text), __FILE__, __LINE__, #call)
/* Numbers equal to `tolerance`, relative above 1 and absolute below; NaN equals NaN, an infinity equals itself. */
#define CHECK_NEAR(got, wanted, tolerance) test_near((got), (wanted), (tolerance), __FILE__, __LINE__, #got)

static inline void test_check(int ok, const char *file, int line, const char *what, const char *text) {
  if (ok) { test_passed++; return; }
  test_failed++;
  if (test_failed <= 20) fprintf(stderr, "%s:%d: failed: %s %s\n", file, line, what, text);
}

static inline void test_code(int got, int wanted, const char *text, const char *file, int line, const char *what) {
  char message[400];
  snprintf(message, sizeof message, "gave %s (%s)", gt_error_name(got), got ? gt_last_error() : "");
  test_check(got == wanted && (!wanted || strstr(gt_last_error(), text)), file, line, what, message);
}

static inline int test_is_near(double got, double wanted, double tolerance) {
  if (isnan(wanted)) return isnan(got);
  if (isinf(wanted) || isinf(got)) return got == wanted;
  return fabs(got - wanted) <= tolerance * (fabs(wanted) > 1 ? fabs(wanted) : 1);
}

static inline void test_near(double got, double wanted, double tolerance, const char *file, int line, const char *what) {
  char message[120];
  snprintf(message, sizeof message, "is %.17g, not %.17g", got, wanted);
  test_check(test_is_near(got, wanted, tolerance), file, line, what, message);
}

static inline int test_report(const char *name) {
  printf("%s: %ld passed, %ld failed\n", name, test_passed, test_failed);
  return test_failed ? 1 : 0;
}

/* ---- random numbers of the tests' own: a 64-bit mixer, the same on every machine ---- */
static uint64_t test_state = 1;

static inline uint64_t test_word(void) {
  uint64_t z = (test_state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}
static inline double test_uniform(double low, double high) { return low + (high - low) * (double)(test_word() >> 11) * 0x1p-53; }
static inline int test_int(int low, int high) { return low + (int)(test_word() % (uint64_t)(high - low + 1)); }

/* ---- tensors ---- */
/* Offset, in elements of the storage, of the k-th element in row order. */
static inline int64_t test_offset(const gt_tensor *t, int64_t k) {
  int64_t at = t->offset;
  for (int d = t->rank - 1; d >= 0; d--) {
    at += k % t->shape[d] * t->step[d];
    k /= t->shape[d];
  }
  return at;
}

/* The k-th element in row order, whatever the strides and the type; and writing it. */
static inline double test_at(const gt_tensor *t, int64_t k) {
  const void *data = t->store->ptr;
  int64_t at = test_offset(t, k);
  switch (t->dtype) {
    case GT_BYTE: return ((const uint8_t *)data)[at];
    case GT_CHAR: return ((const int8_t *)data)[at];
    case GT_SHORT: return ((const int16_t *)data)[at];
    case GT_INT: return ((const int32_t *)data)[at];
    case GT_LONG: return (double)((const int64_t *)data)[at];
    case GT_FLOAT: return ((const float *)data)[at];
    default: return ((const double *)data)[at];
  }
}

static inline void test_put(gt_tensor *t, int64_t k, double value) {
  void *data = t->store->ptr;
  int64_t at = test_offset(t, k);
  switch (t->dtype) {
    case GT_BYTE: ((uint8_t *)data)[at] = (uint8_t)value; break;
    case GT_CHAR: ((int8_t *)data)[at] = (int8_t)value; break;
    case GT_SHORT: ((int16_t *)data)[at] = (int16_t)value; break;
    case GT_INT: ((int32_t *)data)[at] = (int32_t)value; break;
    case GT_LONG: ((int64_t *)data)[at] = (int64_t)value; break;
    case GT_FLOAT: ((float *)data)[at] = (float)value; break;
    default: ((double *)data)[at] = value; break;
  }
}

static inline int64_t test_count(const gt_tensor *t) { return (int64_t)gt_numel(t); }

/* A new tensor of the shape, its elements not set: test_new(GT_FLOAT, 2, (int64_t[]){2, 3}). */
static inline gt_tensor *test_new(int dtype, int rank, const int64_t *shape) {
  gt_tensor *t = gt_tensor_new(dtype);
  if (!t || gt_tensor_resize(t, rank, shape)) {
    fprintf(stderr, "test_new: %s\n", gt_last_error());
    exit(2);
  }
  return t;
}

static inline void test_fill(gt_tensor *t, double low, double high) {
  for (int64_t k = 0, n = test_count(t); k < n; k++) test_put(t, k, test_uniform(low, high));
}

/* The same elements in another memory order; kind 0 contiguous, 1 transposed (last two dimensions), 2 every second
 * element of a larger block, 3 narrowed in the first dimension, 4 the inner layout (of images; anything else is contiguous). */
static inline gt_tensor *test_layout(const gt_tensor *a, int kind) {
  gt_tensor *t = gt_tensor_new(a->dtype);
  int64_t shape[8] = {0}, step[8] = {0}, n = 1, offset = 0;
  int order[8];
  for (int d = 0; d < a->rank; d++) order[d] = d, shape[d] = a->shape[d];
  if (kind == 1 && a->rank > 1) order[a->rank - 1] = a->rank - 2, order[a->rank - 2] = a->rank - 1;
  if (kind == 4 && a->rank == 4) order[0] = 2, order[1] = 3, order[2] = 0, order[3] = 1;
  for (int d = a->rank - 1; d >= 0; d--) {
    step[order[d]] = n * (kind == 2 ? 2 : 1);
    n *= shape[order[d]];
  }
  if (kind == 3 && a->rank > 0) offset = step[0];
  gt_storage *s = gt_storage_new(a->dtype, 2 * n + offset + 1);
  if (!s || gt_tensor_set(t, s, offset, a->rank, shape, step)) {
    fprintf(stderr, "test_layout: %s\n", gt_last_error());
    exit(2);
  }
  gt_storage_free(s);
  if (n) memset(t->store->ptr, 0x7f, (size_t)(2 * n + offset + 1) * gt_dtype_size(a->dtype));
  for (int64_t k = 0, count = test_count(a); k < count; k++) test_put(t, k, test_at(a, k));
  return t;
}

#endif
