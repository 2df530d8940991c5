/* conv.c: the ways and precisions of a convolution beside each other, in turn in one process: medians of the time of each pass of the
 * layers of a 64x64 DCGAN, and `ratio NAME VALUE` lines, over unrolling with OpenBLAS.  usage: conv [ROUNDS] [BATCH ...] */
#include "../csrc/ops/conv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct layer { const char *name; int64_t c, o, size; } layer;
static const layer layers[] = {
  {"3_64_64", 3, 64, 64}, {"64_128_32", 64, 128, 32}, {"128_256_16", 128, 256, 16}, {"256_512_8", 256, 512, 8}};
static const char *const pass_names[] = {"forward", "input", "weight"};
static const struct { const char *name; int way, precision; } columns[] = {
  {"unrolled", GT__BY_UNROLLING, GT_FLOAT32}, {"taps", GT__BY_TAPS, GT_FLOAT32}, {"winograd", GT__BY_WINOGRAD, GT_FLOAT32},
  {"float32", GT__BY_SHAPE, GT_FLOAT32}, {"bf16x3", GT__BY_SHAPE, GT_BF16X3}, {"bfloat16", GT__BY_SHAPE, GT_BFLOAT16},
  {"bfloat16_products", GT__BY_BF16, GT_BFLOAT16}};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* With one thread, this process's own time: other programs then disturb less. */
static double now(void) {
  struct timespec t;
  clock_gettime(gt_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static double median(double *list, int n) {
  qsort(list, (size_t)n, sizeof *list, by_value);
  return list[n / 2];
}

/* Images as they are inside a network, or (layout false) a contiguous weight. */
static gt_tensor *fresh(int64_t a, int64_t b, int64_t c, int64_t d, bool inner) {
  gt_tensor *t = gt_tensor_new(GT_FLOAT);
  if (!t || (inner ? gt_tensor_resize_inner(t, (int64_t[]){a, b, c, d}) : gt_tensor_resize(t, 4, (int64_t[]){a, b, c, d}))) exit(2);
  float *p = gt__f(t);
  for (int64_t i = 0; i < gt__numel(t); i++) p[i] = (float)(rand() % 2001 - 1000) * 1e-3f;
  return t;
}

static double run(int column, int pass, gt_tensor *x, gt_tensor *w, gt_tensor *y) {
  const gt_conv_shape shape = {2, 2, 1, 1, 1, 1, 1, columns[column].precision};
  gt__convolve_by(columns[column].way);
  double start = now();
  int code = pass == GT__FORWARD ? gt_conv(y, x, w, &shape)
    : pass == GT__INPUT ? gt_conv_input(x, y, w, &shape, x->shape[2], x->shape[3])
    : gt_conv_weight(w, x, y, &shape, 4, 4, 0, 1);
  if (code) {
    fprintf(stderr, "conv: %s\n", gt_last_error());
    exit(2);
  }
  return now() - start;
}

int main(int argc, char **argv) {
  enum { MOST = 101 };
  int rounds = argc > 1 ? atoi(argv[1]) : 9;
  if (rounds < 1 || rounds > MOST) rounds = 9;
  const char *standard[] = {"128", "64", "16"};
  int batches = argc > 2 ? argc - 2 : 3;
  /* As in a training step, whose tensors are many times one pass's temporaries: no block goes back to the system in between. */
  gt_tensor *large = gt_tensor_new(GT_FLOAT);
  if (gt_tensor_resize(large, 1, (int64_t[]){1 << 28})) return 2;
  gt_tensor_free(large);
  printf("conv: %s, %s, %d threads\n", gt_cpu_name(), gt_cpu_level(), gt_threads());
  for (int b = 0; b < batches; b++) {
    int64_t n = atoi(argc > 2 ? argv[2 + b] : standard[b]);
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
      const layer *a = &layers[l];
      gt_tensor *x = fresh(n, a->c, a->size, a->size, true), *w = fresh(a->o, a->c, 4, 4, false);
      gt_tensor *y = fresh(n, a->o, a->size / 2, a->size / 2, true);
      for (int pass = 0; pass < 3; pass++) {
        double times[COLUMNS][MOST];
        for (int r = -1; r < rounds; r++) {
          for (int k = 0; k < COLUMNS; k++) {
            double t = run(k, pass, x, w, y);
            if (r >= 0) times[k][r] = t;
          }
        }
        double flops = 2.0 * 16 * (double)(n * a->c * a->o * a->size * a->size / 4), middle[COLUMNS];
        printf("  %s batch %lld %s:", a->name, (long long)n, pass_names[pass]);
        for (int k = 0; k < COLUMNS; k++) {
          middle[k] = median(times[k], rounds);
          printf(" %s %.2f ms (%.0f GFLOP/s)%s", columns[k].name, middle[k] * 1e3, flops / middle[k] * 1e-9, k + 1 < COLUMNS ? "," : "\n");
        }
        for (int k = 1; k < COLUMNS; k++) {
          printf("ratio conv_%s_b%lld_%s_%s_vs_unrolled %.3f\n", a->name, (long long)n, pass_names[pass], columns[k].name,
                 middle[k] / middle[0]);
        }
        fflush(stdout);
      }
      gt_tensor_free(x);
      gt_tensor_free(w);
      gt_tensor_free(y);
    }
  }
  return 0;
}
