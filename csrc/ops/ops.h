/* ops.h: what the op files share: the N-operand iterator, element-wise maps built on it, and the conversion kernels. */
#ifndef GANTRY_OPS_H
#define GANTRY_OPS_H
#include "../core/core.h"

/* ---- the iterator (iterate.c) ----
 * Walks up to four operands of one shape, each with strides of its own (0 repeats), and hands runs along one dimension to
 * an inner loop. Dimensions that lie evenly in memory for all operands are merged, so contiguous operands are one run. */
enum { GT__OPERANDS = 4 };

typedef struct {
  int operands, rank;                    /* rank is at least 1 once merged */
  int64_t count;                         /* elements */
  int64_t shape[GT_MAX_RANK];
  int64_t step[GT__OPERANDS][GT_MAX_RANK]; /* in elements of the operand */
  char *data[GT__OPERANDS];
  int64_t size[GT__OPERANDS];            /* of an element, in bytes */
} gt__iterator;

/* data[k][i * step[k]] for i in 0..n-1; operand 0 is the result. */
typedef void (*gt__inner)(void *const *data, const int64_t *step, int64_t n, const void *options);

void gt__iterator_start(gt__iterator *it, int rank, const int64_t *shape);
/* Adds t, whose shape broadcasts to the iterator's, aligned at the last dimension. */
void gt__iterator_add(gt__iterator *it, const gt_tensor *t);
/* Merges dimensions. ordered: the walk keeps the row order of the shape; else the order of operand 0's memory. */
void gt__iterator_merge(gt__iterator *it, bool ordered);
/* All of it, on the thread pool in pieces of GT__CHUNK. */
void gt__iterator_run(const gt__iterator *it, gt__inner inner, const void *options);
/* Elements begin..end-1 of the walk, on this thread; moved[k], where not NULL, is added to operand k's address (bytes). */
void gt__iterator_part(const gt__iterator *it, int64_t begin, int64_t end, const int64_t *moved, gt__inner inner, const void *options);

/* ---- maps: r[i] = f(in[0][i], in[1][i], ...) with broadcasting (iterate.c) ---- */
typedef struct {
  gt__iterator it;
  int inputs;
  gt_tensor *out, result_tmp, input_tmp[3];
} gt__map;

/* Finds the result's shape, resizes r or prepares a stand-in for it, and fills the iterator. `name` is for messages. After
 * success the caller runs m->it and calls gt__map_end. */
int gt__map_begin(gt__map *m, const char *name, gt_tensor *r, int inputs, const gt_tensor *const *in);
int gt__map_end(gt__map *m, gt_tensor *r);

/* An error where writing to r would write one element twice (an expanded or unfolded view): in what order, and so what is there
 * in the end, would depend on the number of threads. */
int gt__writable(const gt_tensor *r, const char *name);
/* a and b have the same storage, offset and strides: element i of one is element i of the other. */
bool gt__same_place(const gt_tensor *a, const gt_tensor *b);
int gt__want_dim(const gt_tensor *t, int dim, const char *name);

/* ---- conversion (copy.c) ---- */
gt__inner gt__convert(int to, int from);            /* operand 0 of type `to` from operand 1 of type `from` */
/* The bytes of `value` as an element of the type, repeated at the address. */
void gt__element(void *element, int dtype, double value);
/* An inner loop that copies elements of `size` bytes. */
gt__inner gt__move(size_t size);

static inline int64_t gt__min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t gt__max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t gt__ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
#endif
