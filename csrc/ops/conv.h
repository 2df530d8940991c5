/* conv.h: what the files of the convolution share: its sizes, and the ways to compute it. */
#ifndef GANTRY_CONV_H
#define GANTRY_CONV_H
#include "ops.h"
#include "../kernels/kernels.h"

/* Sizes of one convolution; c, o are all channels, cg, og those of one group. */
typedef struct geometry {
  int64_t n, c, h, w, o, kh, kw, oh, ow, groups, cg, og;
  int64_t sh, sw, ph, pw, dh, dw;
  int64_t taps;              /* kh kw */
  int64_t area;              /* oh ow */
  int64_t extra_rows, extra_cols;   /* rows and columns of a phase plane beyond those of the output */
  bool covered;              /* every element of x has a tap */
  int precision;             /* GT_FLOAT32 ...; Double is always GT_FLOAT32 here */
} geometry;

/* Where along one axis tap i finds the operand of position at; -1 outside. Of y from x, and of x from y. */
typedef int64_t gt__source(int64_t at, int64_t i, int64_t stride, int64_t pad, int64_t dil, int64_t size);
static inline int64_t gt__source_of_y(int64_t at, int64_t i, int64_t stride, int64_t pad, int64_t dil, int64_t size) {
  int64_t s = at * stride - pad + i * dil;
  return s < size ? s : -1;
}
static inline int64_t gt__source_of_x(int64_t at, int64_t i, int64_t stride, int64_t pad, int64_t dil, int64_t size) {
  int64_t s = at + pad - i * dil;
  return s >= 0 && s % stride == 0 && s / stride < size ? s / stride : -1;
}

typedef struct tap { int64_t i, j; } tap;

/* The three passes: y from x and w, x from y and w, w from x and y. */
typedef enum { GT__FORWARD, GT__INPUT, GT__WEIGHT } gt__pass;

/* The ways to compute them. unroll.c does every shape, on contiguous images, and so do the plain loops of reference.c, in Float; the
 * others do one group, on images in the inner layout: taps as they are (direct.c), Winograd's for square kernels of stride 1 and 2 in
 * Float (winograd.c), the input and weight forms of few channels (few.c), and taps in bfloat16 numbers (direct_bf16.c). */
enum { GT__BY_UNROLLING, GT__BY_REFERENCE, GT__BY_TAPS, GT__BY_WINOGRAD, GT__BY_FEW, GT__BY_BF16, GT__WAYS, GT__BY_SHAPE = GT__WAYS };
/* Whether a way can do it; which one the rule and which one a table chooses (-1: none does); which one is taken. */
bool gt__can(int way, const geometry *g, int dtype, gt__pass pass);
int gt__rule(const geometry *g, int dtype, gt__pass pass);
int gt__chosen(const geometry *g, int dtype, gt__pass pass);
int gt__way_of(const geometry *g, int dtype, gt__pass pass);
/* The sizes of a convolution that has no tensors yet. */
int gt__describe(geometry *g, const gt_conv_case *c);
/* For tests and benchmarks: one way for all shapes that it can do, instead of the fastest for the shape. */
void gt__convolve_by(int way);

/* x[n][c][h][w], y[n][o][oh][ow], w[o][c/groups][kh][kw]; results first. The weight form is w = beta w + scale (...). */
int gt__unroll_forward_f(float *y, const float *x, const float *w, const geometry *g);
int gt__unroll_forward_d(double *y, const double *x, const double *w, const geometry *g);
int gt__unroll_input_f(float *x, const float *y, const float *w, const geometry *g);
int gt__unroll_input_d(double *x, const double *y, const double *w, const geometry *g);
int gt__unroll_weight_f(float *w, const float *x, const float *y, const geometry *g, double beta, double scale);
int gt__unroll_weight_d(double *w, const double *x, const double *y, const geometry *g, double beta, double scale);

/* x[h][w][n][c], y[oh][ow][n][o], w[o][c][kh][kw], one group. A weight comes as a contiguous tensor, since its packed form is kept with it. */
int gt__direct_forward_f(float *y, const float *x, const gt_tensor *w, const geometry *g);
int gt__direct_forward_d(double *y, const double *x, const gt_tensor *w, const geometry *g);
int gt__direct_input_f(float *x, const float *y, const gt_tensor *w, const geometry *g);
int gt__direct_input_d(double *x, const double *y, const gt_tensor *w, const geometry *g);
int gt__direct_weight_f(float *w, const float *x, const float *y, const geometry *g, double beta, double scale);
int gt__direct_weight_d(double *w, const double *x, const double *y, const geometry *g, double beta, double scale);

bool gt__winograd_can(const geometry *g);
/* For tests: blocks of so many numbers, if no fewer, that are otherwise of millions; 0: as otherwise. */
void gt__winograd_limit(int64_t numbers);
int gt__winograd_forward(float *y, const float *x, const gt_tensor *w, const geometry *g);
int gt__winograd_input(float *x, const float *y, const gt_tensor *w, const geometry *g);
int gt__winograd_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale);

int gt__few_input_f(float *x, const float *y, const gt_tensor *w, const geometry *g);
int gt__few_input_d(double *x, const double *y, const gt_tensor *w, const geometry *g);
int gt__few_weight_f(float *w, const float *x, const float *y, const geometry *g, double beta, double scale);
int gt__few_weight_d(double *w, const double *x, const double *y, const geometry *g, double beta, double scale);

/* As the other ways of contiguous images. */
int gt__reference_forward(float *y, const float *x, const float *w, const geometry *g);
int gt__reference_input(float *x, const float *y, const float *w, const geometry *g);
int gt__reference_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale);

/* For precisions of bfloat16 parts; the others round nothing and are handed rounded images. */
int gt__bf16_forward(float *y, const float *x, const gt_tensor *w, const geometry *g);
int gt__bf16_input(float *x, const float *y, const gt_tensor *w, const geometry *g);
int gt__bf16_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale);

/* Whether a precision means numbers of bfloat16 parts. */
static inline bool gt__has_parts(int precision) { return precision == GT_BF16X3 || precision == GT_BFLOAT16; }
/* Rounds numbers of a weight as the precision wants it, where a way puts them in its order. */
static inline void gt__round_f(float *numbers, int64_t n, int precision) {
  if (gt__has_parts(precision)) gt__bf16()->round(numbers, numbers, n, precision == GT_BF16X3);
}
static inline void gt__round_d(double *numbers, int64_t n, int precision) { (void)numbers, (void)n, (void)precision; }

/* The form of a packed weight (core.h): whose, for which pass, of which precision. */
static inline uint64_t gt__form(int way, gt__pass pass, int precision) { return ((uint64_t)precision << 4 | (uint64_t)way) << 2 | (uint64_t)pass; }
#endif
