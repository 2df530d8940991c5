/* kernels.h: the inner loops that exist once per CPU level, as tables of function pointers, one table per domain.
 *
 * A table is filled by a ladder: the generic C versions first, then what AVX2 has, then AVX-512 and AMX, as far as gt__cpu()
 * allows. At one level the bits of a result are always the same; between levels those of matrix products differ in rounding (fused
 * multiply-add, other blocks), those of the loops do not. Files named *_avx2.c, *_avx512.c and *_amx.c are compiled for those instructions and hold nothing else.
 */
#ifndef GANTRY_KERNELS_H
#define GANTRY_KERNELS_H
#include "../core/core.h"
#include "elementwise_ops.h"
#include "reduce_ops.h"

/* One block of a batch-reduce matrix product, the whole arithmetic of a convolution:
 *   c[rows x cols] = (add ? c : 0) + sum over t < count of a[t][rows x k] b[t][k x cols]
 * Element (r, l) of a[t] is a[t][a_offset + r a_row + l a_step], element (l, j) of b[t] is b[t][b_offset + l b_row + j], element
 * (r, j) of c is c[r c_row + j]. From `ahead` on, unless it is NULL, a cache line is fetched for each of the count x k terms, ahead_step
 * bytes apart: what later blocks will want. */
#define GT__PRODUCT(real) \
  struct { real *c; int64_t c_row; const real *const *a, *const *b; int64_t a_offset, a_row, a_step, b_offset, b_row, count, k; bool add; \
           const void *ahead; int64_t ahead_step; }
typedef GT__PRODUCT(float) gt__product_f;
typedef GT__PRODUCT(double) gt__product_d;

typedef struct gt__matrix_kernels {
  int rows_f, cols_f, rows_d, cols_d;     /* the largest block, at most GT__BLOCK_ROWS x GT__BLOCK_COLS */
  void (*block_f)(const gt__product_f *p, int rows, int cols);
  void (*block_d)(const gt__product_d *p, int rows, int cols);
  /* to[j to_row + i] = from[i from_row + j] for i < rows, j < cols */
  void (*transpose_f)(float *to, int64_t to_row, const float *from, int64_t from_row, int64_t rows, int64_t cols);
  void (*transpose_d)(double *to, int64_t to_row, const double *from, int64_t from_row, int64_t rows, int64_t cols);
  float (*peak_f)(int64_t rounds);        /* rounds x peak_width multiply-adds on registers (peak.inl) */
  int peak_width;
} gt__matrix_kernels;

enum { GT__BLOCK_ROWS = 6, GT__BLOCK_COLS = 64 };

/* Winograd's F(4, r) in two dimensions for r = 2 and 3 taps (winograd.inl), P = r + 3 points in each: to[] from from[], each `rows` runs of
 * `count` numbers, to_row and from_row apart; NULL among the results is not written. */
typedef struct gt__runs { int64_t rows, count, to_row, from_row; } gt__runs;
typedef void gt__transform(float *const *to, const float *const *from, const gt__runs *runs);
typedef struct gt__winograd_transforms {
  gt__transform *operand;                 /* P x P numbers of an operand into P x P */
  gt__transform *result;                  /* P x P sums of products into 4 x 4 results */
  gt__transform *gradient;                /* 4 x 4 gradients of results into P x P */
  gt__transform *weight;                  /* r x r taps into P x P, written past the caches */
  gt__transform *weight_near;             /* the same, to be read soon */
  gt__transform *weight_gradient;         /* P x P sums of products into r x r gradients of taps */
} gt__winograd_transforms;
typedef struct gt__winograd_kernels { gt__winograd_transforms taps2, taps3; } gt__winograd_kernels;

/* Loops over the numbers of many channels (channels.inl). A block is `rows` runs of `cols` numbers, the first numbers of runs `step`
 * apart. Either each column is a channel, with numbers of its own in every vector, or the whole block is one channel, whose numbers
 * stand first in them. Double is as wide as Float is: the same loops, on doubles. With
 *   z = (x - center) gain + bias,  y = z where z > 0, else slope z,  g = gy times the derivative of y by z: */
typedef struct gt__channel_block {
  int64_t rows, cols, step;
  void *out;
  const void *x, *gy;
  const void *center, *gain, *bias, *lift, *tilt, *scale;
  double *sum, *product;
  double slope;
} gt__channel_block;

enum {
  GT__CHANNEL_SPREAD,                     /* sum += x - center, product += (x - center)^2 */
  GT__CHANNEL_MAP,                        /* out = y */
  GT__CHANNEL_PRODUCTS,                   /* sum += g, product += g (x - center) */
  GT__CHANNEL_GRADIENT,                   /* out = (g - lift - (x - center) tilt) scale */
  GT__CHANNEL_LOOPS
};

/* r[i] = f(in[0][i], in[1][i], ...) for i < n, contiguous; r may be one of them (elementwise.inl). p and q: the operation's parameters. */
typedef void gt__each(void *r, const void *const *in, int64_t n, double p, double q);

/* Reductions (reduce.inl), by the steps of reduce_ops.h; s: the step's shift or exponent. */
enum { GT__LANES = 16 };
/* Element i of the row goes to lane i % GT__LANES. */
typedef void gt__fold_row(double *lanes, const void *row, int64_t n, double s);
/* total[c] takes in from[j step + c] for j < rows, in their order; shift[c] is its s. */
typedef void gt__fold_columns(double *total, const void *from, int64_t rows, int64_t columns, int64_t step, const double *shift);

/* An optimizer's update of n numbers (optim.inl). */
typedef struct gt__update { double beta1, beta2, eps, step; } gt__update;

/* Each pair is for float and for double. */
typedef struct gt__loop_kernels {
  gt__each *unary[GT__UNARY_CODES][2], *binary[GT__BINARY_CODES][2], *ternary[GT__TERNARY_CODES][2];
  gt__fold_row *rows[GT__FOLD_STEPS][2];
  gt__fold_columns *columns[GT__FOLD_STEPS][2];
  void (*dot[2])(double *lanes, const void *a, const void *b, int64_t n);          /* as a row of products */
  void (*channels[GT__CHANNEL_LOOPS][2][2])(const gt__channel_block *b);          /* [loop][1: columns are channels] */
  void (*adam[2])(void *x, void *m, void *v, const void *g, int64_t n, const gt__update *u);
  void (*rmsprop[2])(void *x, void *m, const void *g, int64_t n, const gt__update *u);
  double (*mixed_dot)(const double *w, const float *x, int64_t n);                /* the sum of w[i] x[i] */
  void (*mixed_add)(double *w, double d, const float *x, int64_t n);              /* w[i] += d x[i] */
} gt__loop_kernels;
/* Bfloat16 numbers: a float's sign, exponent and first 8 significant bits. They come in pairs, the first in the low half of a uint32_t,
 * pairs in blocks of GT__BF16_DEPTH inner numbers. Block q of a[t], at a[t] + a_offset + q a_block, is [row][16 pairs], its rows up to the
 * next multiple of GT__BF16_TILE readable; block q of b[t], at b[t] + b_offset + q b_block, is [16 pairs][GT__BF16_SIDE columns], unused
 * columns readable. Unused inner numbers are zero in both.
 *   c[rows x cols] = (add ? c : 0) + sum over t < count of a[t][rows x 32 depth] b[t][32 depth x cols]
 * Element (r, j) of c is c[r c_row + j]. Products are exact and sums are float32; numbers below 2^-126 may count as zero. */
typedef struct gt__product_b {
  float *c;
  int64_t c_row;
  const uint32_t *const *a, *const *b;
  int64_t a_offset, a_block, b_offset, b_block, count, depth;
  bool add;
} gt__product_b;

enum { GT__BF16_SIDE = 32, GT__BF16_DEPTH = 32, GT__BF16_TILE = 16 };

typedef struct gt__bf16_kernels {
  void (*begin)(void), (*end)(void);      /* around the blocks of a task, on its thread: takes and gives back what they need of it */
  void (*block)(const gt__product_b *p, int rows, int cols);    /* 1 to GT__BF16_SIDE each */
  /* Rounded numbers and, where low is not NULL, what they leave, rounded. to[rows][16 pairs] from pairs of columns of from[rows][cols],
   * zero beyond cols <= 32; to[rows / 2, rounded up][32] from pairs of its rows, zero beyond them and beyond cols <= 32. */
  void (*pair_columns)(uint32_t *to, uint32_t *low, const float *from, int64_t from_row, int64_t rows, int cols);
  void (*pair_rows)(uint32_t *to, uint32_t *low, const float *from, int64_t from_row, int64_t rows, int cols);
  void (*round)(float *to, const float *from, int64_t n, bool both);   /* as floats: the rounded number, or (both) the two parts' sum */
} gt__bf16_kernels;

/* The table of a level (at most gt__cpu()'s), and that of this processor. */
void gt__matrix_kernels_at(gt__matrix_kernels *table, int level);
const gt__matrix_kernels *gt__matrix(void);
void gt__winograd_kernels_at(gt__winograd_kernels *table, int level);
const gt__winograd_kernels *gt__winograd(void);
void gt__loop_kernels_at(gt__loop_kernels *table, int level);
const gt__loop_kernels *gt__loops(void);
void gt__bf16_kernels_at(gt__bf16_kernels *table, int level);
const gt__bf16_kernels *gt__bf16(void);
void gt__bf16_replace(const gt__bf16_kernels *table);     /* for tests: another table, which stays the caller's; NULL: this processor's */

/* The rungs of the ladders. */
void gt__matrix_generic(gt__matrix_kernels *table);
void gt__winograd_generic(gt__winograd_kernels *table);
void gt__loops_generic(gt__loop_kernels *table);
void gt__bf16_generic(gt__bf16_kernels *table);
#if defined(__x86_64__)
void gt__matrix_avx2(gt__matrix_kernels *table);
void gt__matrix_avx512(gt__matrix_kernels *table);
void gt__winograd_avx2(gt__winograd_kernels *table);
void gt__winograd_avx512(gt__winograd_kernels *table);
void gt__loops_avx2(gt__loop_kernels *table);
void gt__loops_avx512(gt__loop_kernels *table);
void gt__bf16_avx2(gt__bf16_kernels *table);
void gt__bf16_avx512(gt__bf16_kernels *table);
void gt__bf16_amx(gt__bf16_kernels *table);
#endif
#endif
