/* blas.c: matrix products. OpenBLAS is opened at first use, told which kernels fit the processor, and run single-threaded
 * under our own pool; where it is missing, plain loops do the work.
 *
 * OpenBLAS chooses its kernels when it is loaded, and older versions take newer processors for very old ones. The variable
 * OPENBLAS_CORETYPE decides; a value that the user set is never changed. */
#include "core.h"
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*sgemm_function)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void (*dgemm_function)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sgemm_function blas_sgemm;
static dgemm_function blas_dgemm;
static char description[160];

static void load(void) {
  const char *wanted = gt__cpu() >= GT__CPU_AVX512 ? "SkylakeX" : gt__cpu() >= GT__CPU_AVX2 ? "Haswell" : NULL;
#if defined(__x86_64__)
  if (!wanted) wanted = "Prescott";
#endif
  bool ours = wanted && !getenv("OPENBLAS_CORETYPE");
  if (ours) setenv("OPENBLAS_CORETYPE", wanted, 1);
  const char *path = getenv("GANTRY_BLAS");
  void *library = path && *path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!path) {
    library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
  }
  if (ours) unsetenv("OPENBLAS_CORETYPE"); /* what this process starts later is not ours to steer */
  if (!library) {
    snprintf(description, sizeof description, "none (plain loops)");
    return;
  }
  *(void **)&blas_sgemm = dlsym(library, "cblas_sgemm");
  *(void **)&blas_dgemm = dlsym(library, "cblas_dgemm");
  void (*set_threads)(int);
  char *(*core_name)(void);
  char *(*config)(void);
  *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
  *(void **)&core_name = dlsym(library, "openblas_get_corename");
  *(void **)&config = dlsym(library, "openblas_get_config");
  if (!blas_sgemm || !blas_dgemm) {
    blas_sgemm = NULL;
    blas_dgemm = NULL;
    snprintf(description, sizeof description, "none (plain loops; the library found has no cblas_sgemm)");
    return;
  }
  if (set_threads) set_threads(1);
  char version[48] = "a BLAS";
  if (config) sscanf(config(), "%31s %15s", version, version + 32);
  if (config) snprintf(description, sizeof description, "%.31s %.15s %s", version, version + 32, core_name ? core_name() : "");
  else snprintf(description, sizeof description, "%s", version);
  if (ours && core_name && strcasecmp(core_name(), wanted)) {
    size_t n = strlen(description);
    snprintf(description + n, sizeof description - n, " (asked for %s)", wanted);
  }
}

const char *gt_blas_name(void) {
  pthread_once(&once, load);
  return description;
}

/* Plain loops, for machines without OpenBLAS; also what tests compare with. */
#define PLAIN_GEMM(name, real)                                                                                           \
  static void name(int ta, int tb, int64_t m, int64_t n, int64_t k, real alpha, const real *a, int64_t lda, const real *b, \
                   int64_t ldb, real beta, real *c, int64_t ldc) {                                                       \
    for (int64_t i = 0; i < m; i++) {                                                                                    \
      real *row = c + i * ldc;                                                                                           \
      for (int64_t j = 0; j < n; j++) row[j] = beta == 0 ? 0 : beta * row[j];                                            \
      for (int64_t p = 0; p < k; p++) {                                                                                  \
        real x = alpha * (ta ? a[p * lda + i] : a[i * lda + p]);                                                         \
        if (tb)                                                                                                          \
          for (int64_t j = 0; j < n; j++) row[j] += x * b[j * ldb + p];                                                  \
        else                                                                                                             \
          for (int64_t j = 0; j < n; j++) row[j] += x * b[p * ldb + j];                                                  \
      }                                                                                                                  \
    }                                                                                                                    \
  }
PLAIN_GEMM(plain_sgemm, float)
PLAIN_GEMM(plain_dgemm, double)

/* BLAS counts in int; matrices of more than 8 GB may have rows further apart than that. */
static bool countable(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc) {
  return k > 0 && (m | n | k | lda | ldb | ldc) <= INT_MAX;
}

void gt__sgemm(int ta, int tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
               float beta, float *c, int64_t ldc) {
  pthread_once(&once, load);
  if (m <= 0 || n <= 0) return;
  if (blas_sgemm && countable(m, n, k, lda, ldb, ldc))
    blas_sgemm(ROW_MAJOR, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
  else plain_sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void gt__dgemm(int ta, int tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
               double beta, double *c, int64_t ldc) {
  pthread_once(&once, load);
  if (m <= 0 || n <= 0) return;
  if (blas_dgemm && countable(m, n, k, lda, ldb, ldc))
    blas_dgemm(ROW_MAJOR, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
  else plain_dgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* Tiles of the result: fixed sizes, so that the bits do not depend on the number of threads. Wide results are cut along n,
 * tall ones along m; about 8 million multiplications are worth a task. */
typedef struct {
  int ta, tb;
  int64_t m, n, k, lda, ldb, ldc, tile_m, tile_n, tiles_n;
  double alpha, beta;
  const void *a, *b;
  void *c;
} gemm_job;

static int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

static int64_t cut(gemm_job *j) {
  const double worth = 8e6;
  j->tile_m = j->m;
  j->tile_n = j->n;
  double cost = (double)j->m * (double)j->n * (double)j->k;
  int64_t parts = cost < 2 * worth ? 1 : cost / worth > 16 ? 16 : (int64_t)(cost / worth);
  if (parts > 1) {
    if (j->n >= j->m) j->tile_n = round_up((j->n + parts - 1) / parts, 64);
    else j->tile_m = round_up((j->m + parts - 1) / parts, 64);
  }
  j->tiles_n = (j->n + j->tile_n - 1) / j->tile_n;
  return j->tiles_n * ((j->m + j->tile_m - 1) / j->tile_m);
}

#define PARALLEL_GEMM(name, tile, single, real)                                                                           \
  static void tile(void *context, int64_t i) {                                                                            \
    const gemm_job *j = context;                                                                                          \
    int64_t i0 = i / j->tiles_n * j->tile_m, j0 = i % j->tiles_n * j->tile_n;                                             \
    int64_t m = j->m - i0 < j->tile_m ? j->m - i0 : j->tile_m, n = j->n - j0 < j->tile_n ? j->n - j0 : j->tile_n;         \
    single(j->ta, j->tb, m, n, j->k, (real)j->alpha, (const real *)j->a + (j->ta ? i0 : i0 * j->lda), j->lda,             \
           (const real *)j->b + (j->tb ? j0 * j->ldb : j0), j->ldb, (real)j->beta, (real *)j->c + i0 * j->ldc + j0, j->ldc); \
  }                                                                                                                       \
  void name(int ta, int tb, int64_t m, int64_t n, int64_t k, real alpha, const real *a, int64_t lda, const real *b,       \
            int64_t ldb, real beta, real *c, int64_t ldc) {                                                               \
    gemm_job j = {.ta = ta, .tb = tb, .m = m, .n = n, .k = k, .lda = lda, .ldb = ldb, .ldc = ldc, .alpha = alpha,         \
                  .beta = beta, .a = a, .b = b, .c = c};                                                                  \
    if (m <= 0 || n <= 0) return;                                                                                         \
    gt__parallel(cut(&j), tile, &j);                                                                                      \
  }
PARALLEL_GEMM(gt__sgemm_parallel, sgemm_tile, gt__sgemm, float)
PARALLEL_GEMM(gt__dgemm_parallel, dgemm_tile, gt__dgemm, double)
