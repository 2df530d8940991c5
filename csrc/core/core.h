/* core.h: what the C files share: error reporting, memory, the thread pool, tensor helpers. Internal: names begin gt__. */
#ifndef GANTRY_CORE_H
#define GANTRY_CORE_H
#include "../gantry.h"
#include <math.h>
#include <stdbool.h>

/* ---- errors (error.c) ---- */
/* Sets this thread's message and returns code: `return gt__fail(GT_ESHAPE, "conv: ...", ...)`. */
int gt__fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "2x3x4" of a tensor's shape into a buffer on the caller's stack. */
typedef struct { char text[160]; } gt__shape_text;
const char *gt__shape(gt__shape_text *buffer, const gt_tensor *t);
const char *gt__dtype_name(int dtype);          /* "Float" */
/* An index as Lua counts, for messages; any int64_t will do. */
static inline long long gt__from_one(int64_t i) { return i < INT64_MAX ? i + 1 : i; }
#define GT_TRY(call)                            \
  do {                                          \
    int gt_try_code_ = (call);                  \
    if (gt_try_code_) return gt_try_code_;      \
  } while (0)

/* ---- memory (pool.c) ---- */
/* A 64-byte aligned block of at least `bytes`, not cleared; NULL with a message where there is none. capacity, if not NULL,
 * receives the block's real size, which gt__pool_free wants back. */
void *gt__pool_alloc(size_t bytes, size_t *capacity);
void gt__pool_free(void *block, size_t capacity);
/* Large blocks (arena.c), with the pool's lock held: whole grains; NULL where there are none to be had. fresh: bytes of it that are no
 * memory yet. */
size_t gt__arena_size(size_t bytes);
void *gt__arena_take(size_t size, size_t *fresh);
bool gt__arena_give(void *at, size_t size);     /* false: it could not be noted */
double gt__arena_warm(void);                    /* bytes that are kept */
void gt__arena_trim(double keep);               /* gives memory back until at most so many are */
/* A temporary buffer. */
typedef struct { void *ptr; size_t capacity; } gt__scratch;
int gt__scratch_alloc(gt__scratch *s, size_t bytes);
void gt__scratch_free(gt__scratch *s);

/* ---- packed weights (packed.c) ---- */
/* A form of a tensor that a kernel made for itself, kept as long as the tensor's numbers are the same. `form` says which one it
 * is; fill(to, context) makes it, `bytes` of it. What is returned stays whole until gt__packed_put. */
typedef struct gt__packed gt__packed;
int gt__packed_get(gt__packed **packed, const gt_tensor *t, uint64_t form, size_t bytes, void (*fill)(void *to, void *context), void *context);
void *gt__packed_data(const gt__packed *packed);
void gt__packed_put(gt__packed *packed);
void gt__packed_drop(const gt_storage *s);      /* a storage that is flagged GT_PACKED ends, or its memory does */
/* ---- files as memory (map.c) ---- */
int gt__whole(const gt_storage *s, const char *what);            /* GT_EIO where the file of a mapped storage got shorter */
void gt__unmap(gt_storage *s);

/* ---- threads (threads.c) ---- */
/* Runs fn(context, i) for i in 0..n-1 on the pool and waits. Which thread runs which i is open, so fn must write only what
 * belongs to i; n is chosen from the problem's size, never from the number of threads. Nested calls, and calls while
 * another caller has the pool, run in the calling thread. */
typedef void (*gt__task)(void *context, int64_t i);
void gt__parallel(int64_t n, gt__task fn, void *context);
/* Background jobs: queued, run by idle pool threads between parallel sections, or by gt__job_wait itself. The caller owns
 * the struct until gt__job_wait returned. */
typedef struct gt__job {
  gt__task fn; void *context; int64_t i;
  struct gt__job *next;
  int state;                                    /* 0 idle, 1 queued, 2 running, 3 done */
} gt__job;
void gt__job_start(gt__job *job, gt__task fn, void *context, int64_t i);
void gt__job_wait(gt__job *job);
/* Elements one task of an element-wise loop takes: large enough to hide the cost of handing out, fixed for ever. */
enum { GT__CHUNK = 32768 };

/* ---- CPU and BLAS (cpu.c, blas.c) ---- */
enum { GT__CPU_GENERIC, GT__CPU_AVX2, GT__CPU_AVX512, GT__CPU_AMX };
int gt__cpu(void);
/* Row-major C[m x n] = beta C + alpha op(A) op(B), single-threaded, by OpenBLAS or, where it is missing, by plain loops.
 * ta, tb: 0 or 1 for transposed; lda, ldb, ldc: row strides in elements. */
void gt__sgemm(int ta, int tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
               float beta, float *c, int64_t ldc);
void gt__dgemm(int ta, int tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
               double beta, double *c, int64_t ldc);
/* The same, cut into tiles by size and run on the pool. */
void gt__sgemm_parallel(int ta, int tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                        float beta, float *c, int64_t ldc);
void gt__dgemm_parallel(int ta, int tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                        double beta, double *c, int64_t ldc);

/* ---- tensors (tensor.c) ---- */
int gt__usable(const gt_tensor *t, const char *what);            /* GT_ERELEASED if its memory was let go, GT_EIO if its file was */
int gt__want_real(const gt_tensor *t, const char *what);         /* usable, and Float or Double, else a message naming `what` */
int gt__want_same_type(const gt_tensor *a, const gt_tensor *b, const char *what);
int64_t gt__numel(const gt_tensor *t);
/* The most elements that a tensor, an expanded one too, can have: their counts and bytes are far from overflowing. */
#define GT__MOST ((int64_t)1 << 46)
int gt__want_shape(int rank, const int64_t *shape);              /* rank and sizes that a tensor can have */
bool gt__is_shape(const gt_tensor *t, int rank, const int64_t *shape);
static inline void *gt__data(const gt_tensor *t) {
  return t->store && t->store->ptr ? (char *)t->store->ptr + (size_t)t->offset * gt_dtype_size(t->dtype) : NULL;
}
static inline float *gt__f(const gt_tensor *t) { return t->store ? (float *)t->store->ptr + t->offset : NULL; }
static inline double *gt__d(const gt_tensor *t) { return t->store ? (double *)t->store->ptr + t->offset : NULL; }
static inline void gt__wrote(gt_tensor *t) {                     /* call after every write to t */
  if (t->store) __atomic_add_fetch(&t->store->version, 1, __ATOMIC_RELAXED);
}
/* A number that Lua gets (gt_storage_received). */
static inline double gt__for_lua(double x) { return x == x ? x : (double)NAN; }
/* A stack tensor for temporaries: gt_tensor tmp = gt__blank(dtype); ... gt__reset(&tmp). */
static inline gt_tensor gt__blank(int dtype) { gt_tensor t = {0}; t.dtype = dtype; return t; }
void gt__reset(gt_tensor *t);                                    /* drops the storage; t is empty again */
/* *out is t itself when contiguous, else `tmp` filled with a contiguous copy (reset tmp after use in both cases). */
int gt__contiguous(const gt_tensor **out, gt_tensor *tmp, const gt_tensor *t);
/* Gives a result whose own memory cannot be written to directly (overlaps an operand, or is not contiguous where the kernel
 * needs it) a stand-in: *out is r itself, resized, or tmp; gt__commit copies tmp back into r where it was used, and resets it. */
int gt__result(gt_tensor **out, gt_tensor *tmp, gt_tensor *r, int rank, const int64_t *shape, bool overlap);
int gt__commit(gt_tensor *r, gt_tensor *tmp, gt_tensor *out);
bool gt__overlaps(const gt_tensor *a, const gt_tensor *b);       /* may share an element (same storage, ranges meet) */
bool gt__shares(const gt_tensor *a, const gt_tensor *b);         /* same storage */
/* Whether r, once it has that shape, may share an element with a: a result that has to be enlarged may grow into an operand. */
bool gt__will_overlap(const gt_tensor *r, int rank, const int64_t *shape, const gt_tensor *a);

/* ---- counter-based random numbers (random.c) ---- */
uint64_t gt__counter64(uint64_t seed, uint64_t stream, uint64_t index);
static inline double gt__unit(uint64_t word) { return (double)(word >> 11) * 0x1p-53; }   /* [0, 1) */

/* Before a loop whose iterations are independent although the compiler cannot see it (a result may be its own operand). */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* loops that call maths functions stay scalar, and that is known */
#define GT__IVDEP _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define GT__IVDEP _Pragma("GCC ivdep")
#else
#define GT__IVDEP
#endif
#endif
