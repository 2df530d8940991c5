/* gantry.h: the one public header of libgantry.so: types, functions, ownership, error codes.
 *
 * Conventions
 * - A function that can fail returns an int: 0, or one of the codes below, and leaves a message for gt_last_error() on the
 *   calling thread. Nothing here prints, exits or aborts on a caller's error. (Small numbers that are no codes are int32_t.)
 * - What failed with GT_ENOMEM may be called again once there is memory: it has not begun to add to, or to draw from, what it
 *   was given. Lua does so after collecting garbage.
 * - Outputs come first, then inputs, sizes and options. An output tensor is resized to the result's shape; where the shape
 *   is already right, its memory and strides are kept. Dimensions are 0-based here and 1-based in Lua.
 * - Whoever receives a pointer from a `_new` function owns one reference and gives it back with the matching `_free` or
 *   `_release`. No other function passes ownership, and no function keeps a pointer that it was given unless it says so.
 * - Every function may be called from several threads at once, on different tensors.
 *
 * The part between the two CDEF lines is what Lua sees: it is embedded in the library and handed to ffi.cdef, so it holds
 * no preprocessor lines.
 */
#ifndef GANTRY_H
#define GANTRY_H
#include <stddef.h>
#include <stdint.h>

/* Changes whenever a declaration in the CDEF part changes its meaning; Lua refuses a library with another number. */
#define GT_ABI 10

/* The error codes and their names: one list. */
#define GT_ERRORS(X)                                           \
  X(GT_OK, 0, "no error")                                      \
  X(GT_EARG, 1, "bad argument")                                \
  X(GT_ESHAPE, 2, "shapes do not fit")                         \
  X(GT_ETYPE, 3, "wrong tensor type")                          \
  X(GT_ENOMEM, 4, "out of memory")                             \
  X(GT_EIO, 5, "input or output failed")                       \
  X(GT_EFORMAT, 6, "malformed file")                           \
  X(GT_ERELEASED, 7, "tensor used after its memory was released") \
  X(GT_EINTERNAL, 8, "internal error")

#define GT_ERROR_ENUM(name, code, text) name = code,
enum { GT_ERRORS(GT_ERROR_ENUM) GT_ERROR_LAST };
#undef GT_ERROR_ENUM

#pragma GCC visibility push(default)
/* CDEF BEGIN */

/* ---- library ---------------------------------------------------------------------------------------------------- */

int gt_abi(void);
const char *gt_version(void);
const char *gt_cdef(void);                 /* this block, as text */
const char *gt_last_error(void);           /* message of the last failure on this thread; never NULL */
const char *gt_error_name(int code);       /* text of an error code */

/* ---- CPU, threads, BLAS ----------------------------------------------------------------------------------------- */

const char *gt_cpu_name(void);             /* the processor's brand string, or its architecture */
const char *gt_cpu_level(void);            /* "generic", "avx2", "avx512" or "amx": what kernels may use */
int32_t gt_threads(void);                  /* threads in use, the caller included */
int gt_set_threads(int n);                 /* 1..256; results do not depend on it */
double gt_peak_flops(double seconds);      /* multiplications and additions of floats a second on registers, all threads: the best of so long */
const char *gt_blas_name(void);            /* "OpenBLAS 0.3.21 SkylakeX", or "none (plain loops)"; loads it */
int32_t gt_interrupted(void);              /* how many of SIGINT, SIGTERM and SIGHUP arrived after gt_catch_signals(1) */
int gt_catch_signals(int on);              /* 1: note the signals instead of dying; 0: restore what was there */
int gt_watch_interrupts(int on);           /* 1: from here on SIGINT is noted however often it comes; 0: restore */
void gt_clear_interrupt(void);

/* ---- memory ----------------------------------------------------------------------------------------------------- */

typedef struct gt_pool_stats {
  double live;                             /* bytes handed out */
  double peak;                             /* largest value of live since the start or gt_pool_reset_peak() */
  double cached;                           /* bytes kept for reuse */
  double limit;                            /* a request that would take live beyond it fails; 0: none */
  double mapped;                           /* bytes obtained from the system so far, returned ones not subtracted */
  double allocations;                      /* requests so far */
} gt_pool_stats;

const gt_pool_stats *gt_pool(void);        /* always current; valid for ever */
void gt_pool_set_limit(double bytes);
void gt_pool_reset_peak(void);
void gt_pool_trim(void);                   /* gives cached blocks back to the system */

/* ---- element types, storages, tensors --------------------------------------------------------------------------- */

enum { GT_BYTE, GT_CHAR, GT_SHORT, GT_INT, GT_LONG, GT_FLOAT, GT_DOUBLE, GT_DTYPES };
enum { GT_MAX_RANK = 8 };
enum { GT_EXPOSED = 1, GT_RELEASED = 2, GT_FOREIGN = 4, GT_MAPPED = 8, GT_PACKED = 16 };

/* A counted block of elements. `version` moves with every write through the library. */
typedef struct gt_storage {
  void *ptr;                               /* 64-byte aligned; NULL when empty or released */
  int64_t count;                           /* elements */
  uint64_t version;
  size_t bytes;                            /* capacity */
  int32_t dtype;
  int32_t flags;                           /* GT_EXPOSED, GT_RELEASED, GT_FOREIGN: not the pool's; GT_MAPPED: a file's pages; GT_PACKED: kernels keep forms of it */
  int32_t refs;                            /* atomic */
  int32_t unused;
} gt_storage;

/* A strided view of a storage. Fields carry names that no tensor method has, since LuaJIT looks at fields first. */
typedef struct gt_tensor {
  gt_storage *store;                       /* a counted reference, or NULL (an empty tensor) */
  int64_t offset;                          /* of the first element, in elements */
  int64_t shape[8];
  int64_t step[8];                         /* strides, in elements; 0 repeats */
  int32_t rank;                            /* 0 is Torch's empty tensor */
  int32_t dtype;
} gt_tensor;

size_t gt_dtype_size(int dtype);

gt_storage *gt_storage_new(int dtype, int64_t count);      /* elements are not cleared; NULL on failure */
void gt_storage_retain(gt_storage *s);
void gt_storage_free(gt_storage *s);                       /* gives one reference back */
int gt_storage_resize(gt_storage *s, int64_t count);       /* keeps the elements that fit */
/* GT_ERELEASED or GT_EIO where the elements cannot be had; for who reads through ptr. what: for the message. */
int gt_storage_check(const gt_storage *s, const char *what);
void gt_storage_touch(gt_storage *s);                      /* moves the version: the caller wrote through ptr */
/* The same, for bytes that come from outside: each NaN becomes the one that arithmetic gives. LuaJIT keeps objects of its own in the bits
 * of the others, and would take such a number for one. */
void gt_storage_received(gt_storage *s);

gt_tensor *gt_tensor_new(int dtype);                       /* an empty tensor; NULL on failure */
void gt_tensor_free(gt_tensor *t);
int gt_tensor_release(gt_tensor *t);                       /* lets go of the storage now; later use is GT_ERELEASED */
int gt_tensor_resize(gt_tensor *t, int rank, const int64_t *shape);
int gt_tensor_resize_as(gt_tensor *t, const gt_tensor *like);
/* Makes t a view of s. step NULL: contiguous. A storage that is too small is enlarged, as Torch7's set did. */
int gt_tensor_set(gt_tensor *t, gt_storage *s, int64_t offset, int rank, const int64_t *shape, const int64_t *step);
/* Makes t, of its own type, a view of the bytes of a file from `offset` on, which is a multiple of an element's size. Pages are
 * read when they are touched and may be dropped again, so the file may be larger than memory; what is written to t stays in memory
 * and never reaches the file. Unmapped with the last reference. Where the file is made shorter meanwhile, using t is GT_EIO; what
 * was being read at that moment reads as zeros. While files are mapped a handler of SIGBUS sees to that. */
int gt_tensor_map(gt_tensor *t, const char *path, double offset, int rank, const int64_t *shape);
int gt_tensor_set_to(gt_tensor *t, const gt_tensor *src);  /* t becomes the same view as src; the types are equal */
int32_t gt_is_contiguous(const gt_tensor *t);
/* The inner layout: sizes read N x C x H x W, memory runs [H][W][N][C]; strides say so, those of dimensions of size 1 included. It is
 * what convolutions compute in; every other function takes it as the strides that it is. */
int32_t gt_is_inner(const gt_tensor *t);
int gt_tensor_resize_inner(gt_tensor *t, const int64_t *shape);     /* 4 sizes; as gt_tensor_resize, but in the inner layout */
/* r takes a's shape and layout where a is in the inner layout; else r is left as it is. For results that follow their operand. */
int gt_tensor_follow(gt_tensor *r, const gt_tensor *a);
double gt_numel(const gt_tensor *t);
int32_t gt_same_shape(const gt_tensor *a, const gt_tensor *b);
int32_t gt_is_set_to(const gt_tensor *a, const gt_tensor *b);  /* 1: same storage, offset, shape and strides */

/* Views: r shares t's storage. r may be t itself. */
int gt_narrow(gt_tensor *r, const gt_tensor *t, int dim, int64_t start, int64_t length);
int gt_select(gt_tensor *r, const gt_tensor *t, int dim, int64_t index);
int gt_transpose(gt_tensor *r, const gt_tensor *t, int dim1, int dim2);
int gt_permute(gt_tensor *r, const gt_tensor *t, int rank, const int *dims);
int gt_unfold(gt_tensor *r, const gt_tensor *t, int dim, int64_t size, int64_t step);
int gt_expand(gt_tensor *r, const gt_tensor *t, int rank, const int64_t *shape);  /* size-1 dims repeat; leading ones are added */
int gt_squeeze(gt_tensor *r, const gt_tensor *t, int dim);  /* dim -1: every dimension of size 1 */
int gt_unsqueeze(gt_tensor *r, const gt_tensor *t, int dim);
/* A view with another shape (one entry may be -1); GT_ESHAPE where strides do not allow it. */
int gt_view(gt_tensor *r, const gt_tensor *t, int rank, const int64_t *shape);

/* ---- filling, copying, element access: all types ---------------------------------------------------------------- */

int gt_fill(gt_tensor *r, double value);
int gt_copy(gt_tensor *r, const gt_tensor *a);              /* converts; equal element counts; r keeps its shape */
int gt_get(const gt_tensor *t, int rank, const int64_t *index, double *value);
int gt_put(gt_tensor *t, int rank, const int64_t *index, double value);
int gt_cat(gt_tensor *r, int n, const gt_tensor *const *parts, int dim);
/* Indices are 1-based LongTensors, as Torch7 programs keep them. */
int gt_index_select(gt_tensor *r, const gt_tensor *a, int dim, const gt_tensor *index);
int gt_index_copy(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a);
int gt_index_add(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a);
int gt_index_fill(gt_tensor *r, int dim, const gt_tensor *index, double value);
int gt_gather(gt_tensor *r, const gt_tensor *a, int dim, const gt_tensor *index);
int gt_scatter(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a);      /* r keeps its shape */
int gt_scatter_add(gt_tensor *r, int dim, const gt_tensor *index, const gt_tensor *a);
int gt_scatter_fill(gt_tensor *r, int dim, const gt_tensor *index, double value);
int gt_masked_fill(gt_tensor *r, const gt_tensor *mask, double value);                  /* mask: ByteTensor */
int gt_masked_copy(gt_tensor *r, const gt_tensor *mask, const gt_tensor *a);
int gt_masked_select(gt_tensor *r, const gt_tensor *a, const gt_tensor *mask);
int gt_nonzero(gt_tensor *r, const gt_tensor *a);           /* LongTensor n x rank, 1-based */

/* ---- element-wise: Float and Double ------------------------------------------------------------------------------
 * Operands broadcast by NumPy's rule; where that fails and counts are equal they pair in order, as in Torch7. r may be
 * one of the operands (then it must have the result's shape). Codes come from names: gt_unary_code("tanh"); -1: unknown.
 * p and q are the op's parameters (slope, bounds, exponent ...), ignored by ops that have none. */

int32_t gt_unary_code(const char *name);
int32_t gt_binary_code(const char *name);
int32_t gt_ternary_code(const char *name);
int32_t gt_compare_code(const char *name);
int32_t gt_reduce_code(const char *name);
int gt_unary(int op, gt_tensor *r, const gt_tensor *a, double p, double q);
int gt_binary(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, double p);
int gt_ternary(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, const gt_tensor *c, double p);
/* Comparisons: any type; r is a ByteTensor of 0 and 1, or of a's type where it already is that. b NULL: compare with value. */
int gt_compare(int op, gt_tensor *r, const gt_tensor *a, const gt_tensor *b, double value);

/* ---- reductions: Float and Double; sums run in double, in an order that depends on shape and layout only -------- */

int gt_reduce_all(int op, double *result, const gt_tensor *a, double p);
/* index: LongTensor for min, max (1-based positions), else NULL. keep: leave a dimension of size 1. */
int gt_reduce(int op, gt_tensor *r, gt_tensor *index, const gt_tensor *a, int dim, int keep, double p);
/* r = sum of a over the dimensions in which like has size 1 or lacks: the adjoint of broadcasting. r gets like's shape. */
int gt_sum_to(gt_tensor *r, const gt_tensor *a, int rank, const int64_t *shape);
int gt_cumulate(int op, gt_tensor *r, const gt_tensor *a, int dim);                      /* op: sum or prod */
int gt_count_nonfinite(double *count, const gt_tensor *a);

/* The first k elements of the rows of a dimension when they are sorted, and their 1-based places (a LongTensor); all types. Equal
 * elements keep their order, NaNs come last in either direction. */
int gt_sort(gt_tensor *values, gt_tensor *index, const gt_tensor *a, int dim, int64_t k, int descending);

/* ---- linear algebra: Float and Double ----------------------------------------------------------------------------- */

int gt_addmm(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *b);
int gt_addmv(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *x);
int gt_addr(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *x, const gt_tensor *y);
int gt_baddbmm(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *b);
int gt_addbmm(gt_tensor *r, double beta, const gt_tensor *m, double alpha, const gt_tensor *a, const gt_tensor *b);
int gt_dot(double *result, const gt_tensor *a, const gt_tensor *b);

/* ---- convolution: Float and Double ---------------------------------------------------------------------------------
 * The three partial derivatives of one trilinear form sum(y * conv(x, w)), cross-correlation as nn.SpatialConvolution:
 *   x: N x C x H x W,  w: O x C/groups x KH x KW,  y: N x O x OH x OW,  OH = (H + 2 pad_h - dil_h (KH-1) - 1) / stride_h + 1.
 * gt_conv gives y; gt_conv_input gives x for a stated H x W (it is the fractional-strided convolution; H x W carries the
 * output padding); gt_conv_weight adds scale times the weight form to beta times w. */

/* How exact the operands of Float convolutions are: 24-bit significands; two parts of 8 bits (x = high + low), of which three products are
 * summed; 8 bits; 24 bits in plain loops, one term after the other. Sums are float32 in all. Double is Double. */
enum { GT_FLOAT32, GT_BF16X3, GT_BFLOAT16, GT_REFERENCE, GT_PRECISIONS };

typedef struct gt_conv_shape {
  int32_t stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, groups, precision;
} gt_conv_shape;

int gt_conv(gt_tensor *y, const gt_tensor *x, const gt_tensor *w, const gt_conv_shape *s);
int gt_conv_input(gt_tensor *x, const gt_tensor *y, const gt_tensor *w, const gt_conv_shape *s, int64_t h, int64_t width);
/* w is resized to O x C/groups x kh x kw when beta is 0, else must have that shape. */
int gt_conv_weight(gt_tensor *w, const gt_tensor *x, const gt_tensor *y, const gt_conv_shape *s, int64_t kh, int64_t kw, double beta, double scale);

/* Which way computes a convolution is chosen by shape: by a rule, or by a table where one has an entry for that very shape. */
enum { GT_CONV_FORWARD, GT_CONV_INPUT, GT_CONV_WEIGHT };    /* gt_conv, gt_conv_input, gt_conv_weight */
typedef struct gt_conv_case {
  int32_t pass, dtype, n, c, h, w, o, kh, kw;               /* x: n x c x h x w, y: n x o x ..., kernel kh x kw */
  gt_conv_shape shape;
} gt_conv_case;

const char *gt_conv_way_name(int way);                      /* "unrolling", "taps" ...; NULL from the first number that is no way */
int32_t gt_conv_can(const gt_conv_case *c, int way);            /* 1 where this way can do it */
int32_t gt_conv_way(const gt_conv_case *c);                     /* the way that is taken; -1 where the sizes fit no convolution */

/* The table in use. A file has a line for each entry, and # before comments:
 *   LEVEL PRECISION PASS N C HxW O KHxKW STRIDE PAD WAY     avx512 float32 forward 128 64 32x32 128 4x4 2x2 1x1 winograd
 * LEVEL as gt_cpu_level(); PRECISION float32, bf16x3, bfloat16 or double; PASS forward, input or weight; stride and padding HxW.
 * Loading adds entries, later ones in place of earlier ones; those of other levels are checked and left out. Nothing is added where a line
 * is wrong: GT_EFORMAT, and the message begins with FILE:LINE. */
int gt_choices_load(const char *path);
int gt_choices_set(const gt_conv_case *c, int way);         /* one entry, for this processor's level; way -1: removes it */
void gt_choices_clear(void);
int32_t gt_choices_count(void);
uint64_t gt_choices_hash(void);                             /* names what the table says; 0 when it is empty */

/* y = x plus a number for each channel, x: N x C x ...; y may be x. slope: of the activation that follows in the same pass, as for
 * gt_batch_norm (1: none). Results follow x's layout. */
int gt_add_bias(gt_tensor *y, const gt_tensor *x, const gt_tensor *bias, double slope);
/* Its gradients from gy: of x, and of the bias: beta * old + scale * gradient. NULL: not wanted. */
int gt_add_bias_grad(gt_tensor *gx, gt_tensor *gb, const gt_tensor *gy, const gt_tensor *x, const gt_tensor *bias, double slope, double beta,
                     double scale);
int gt_bias_grad(gt_tensor *gb, const gt_tensor *gy, double beta, double scale);        /* slope 1: sums gy over all but dim 1 */

/* ---- pooling: N x C x H x W, Float and Double ----------------------------------------------------------------------- */

typedef struct gt_pool_shape {
  int32_t kh, kw, stride_h, stride_w, pad_h, pad_w, ceil_mode, include_pad;
} gt_pool_shape;

int gt_max_pool(gt_tensor *y, gt_tensor *index, const gt_tensor *x, const gt_pool_shape *s);  /* index: LongTensor, 1-based in H*W */
int gt_max_pool_grad(gt_tensor *gx, const gt_tensor *gy, const gt_tensor *index, int64_t h, int64_t w);
int gt_max_pool_pick(gt_tensor *y, const gt_tensor *x, const gt_tensor *index);         /* adjoint of gt_max_pool_grad */
int gt_avg_pool(gt_tensor *y, const gt_tensor *x, const gt_pool_shape *s);
int gt_avg_pool_grad(gt_tensor *gx, const gt_tensor *gy, const gt_pool_shape *s, int64_t h, int64_t w);

/* ---- larger images: ... x H x W, Float and Double. Results follow their operand's layout. --------------------------- */

int gt_upsample_nearest(gt_tensor *r, const gt_tensor *x, int64_t scale);               /* every pixel repeated scale x scale times */
int gt_block_sum(gt_tensor *r, const gt_tensor *x, int64_t scale);                      /* its adjoint: sums of blocks of pixels */

/* ---- batch normalisation: x is N x C or N x C x ..., statistics over all but dim 1 ----------------------------------
 * train 1: normalise with the batch's mean and biased variance, leave them in save_mean and save_invstd, and where
 * running_mean is not NULL move the running values by momentum (variance unbiased). train 0: normalise with the running
 * values, copied to save_mean / save_invstd. weight, bias: NULL for none.
 * slope 1: that is y. Else an activation follows in the same pass: z where z > 0, slope z elsewhere (0: ReLU, 0.2: a leaky one); its
 * gradient finds z anew from x, to the bit, so that nobody has to keep it. Results follow x's layout. */

int gt_batch_norm(gt_tensor *y, gt_tensor *save_mean, gt_tensor *save_invstd, const gt_tensor *x, const gt_tensor *weight,
                  const gt_tensor *bias, gt_tensor *running_mean, gt_tensor *running_var, int train, double momentum, double eps,
                  double slope);
/* y once more, to the bit, from what gt_batch_norm saved. */
int gt_batch_norm_again(gt_tensor *y, const gt_tensor *x, const gt_tensor *weight, const gt_tensor *bias, const gt_tensor *mean,
                        const gt_tensor *invstd, double slope);
/* gx NULL: not wanted; gw and gb NULL: not wanted, else beta * old + scale * gradient. weight and bias are what y came about by; through:
 * the weight that gx is made of, where that is another by now (NULL: weight). */
int gt_batch_norm_grad(gt_tensor *gx, gt_tensor *gw, gt_tensor *gb, const gt_tensor *gy, const gt_tensor *x, const gt_tensor *weight,
                       const gt_tensor *bias, const gt_tensor *through, const gt_tensor *mean, const gt_tensor *invstd, int train,
                       double slope, double beta, double scale);

/* ---- optimizers: one pass over contiguous or strided tensors of one shape -------------------------------------------- */

/* Torch7's Adam: m, v are moved; x -= step * m / (sqrt(v) + eps), step = lr sqrt(1-b2^t)/(1-b1^t) computed by the caller. */
int gt_adam(gt_tensor *x, gt_tensor *m, gt_tensor *v, const gt_tensor *g, double beta1, double beta2, double eps, double step);
int gt_rmsprop(gt_tensor *x, gt_tensor *m, const gt_tensor *g, double alpha, double eps, double lr);

/* ---- linear classifiers ---------------------------------------------------------------------------------------------
 * Linear support vector machines, one against the rest for each of K classes, by dual coordinate descent (Hsieh et al. 2008, "A Dual
 * Coordinate Descent Method for Large-scale Linear SVM", algorithm 3): a part of a pass over M examples.
 * w: Double K x (D + 1), the last column the intercept's weight; alpha: Double K x M; active: Byte K x M, 0 where an example is left out
 * (shrinking); bounds: Double K x 5: largest and smallest projected gradient of the last pass, those of this one so far (moved here), and
 * 0 where the class is done. x: Float N x D, whose rows are contiguous; squares: Double M, squared lengths of examples, the intercept's
 * part included; rows: Long M, the examples' rows in x, 1-based; labels: Long M, 1 .. K; order: Long, the examples to visit, 1-based, of
 * which `count` from position `from` (0-based) on are visited. squared: 1 for the squared hinge loss, 0 for the hinge loss. */
int gt_svm_visit(gt_tensor *w, gt_tensor *alpha, gt_tensor *active, gt_tensor *bounds, const gt_tensor *x, const gt_tensor *squares,
                 const gt_tensor *rows, const gt_tensor *labels, const gt_tensor *order, int64_t from, int64_t count, double c, int squared,
                 double intercept);

/* ---- random numbers ----------------------------------------------------------------------------------------------------
 * Torch7's generator: MT19937, one 32-bit word per uniform number. The struct is laid out as Torch7's was, so that saved
 * states of either can be read. */

typedef struct gt_generator {
  uint64_t initial_seed;
  int32_t left, seeded;
  uint64_t next;
  uint64_t state[624];
  double normal_x, normal_y, normal_rho;
  int32_t normal_is_valid, unused;
} gt_generator;

void gt_generator_seed(gt_generator *g, uint64_t seed);
double gt_random_word(gt_generator *g);                                     /* 0 .. 2^32-1 */
double gt_random_uniform(gt_generator *g, double a, double b);              /* [a, b) */
double gt_random_normal(gt_generator *g, double mean, double sd);
double gt_random_exponential(gt_generator *g, double lambda);
double gt_random_cauchy(gt_generator *g, double median, double sigma);
double gt_random_log_normal(gt_generator *g, double mean, double sd);
double gt_random_geometric(gt_generator *g, double p);
double gt_random_bernoulli(gt_generator *g, double p);
/* Fills any tensor in storage order of its elements: "uniform" a b, "normal" a b, "exponential" a, "bernoulli" a,
 * "cauchy" a b, "log_normal" a b, "geometric" a, "random" a..b (integers). */
int gt_random_fill(gt_generator *g, const char *kind, gt_tensor *r, double a, double b);
int gt_random_permutation(gt_generator *g, gt_tensor *r, int64_t n);        /* 1..n, Torch7's order of draws */
/* Counter-based numbers: the same (seed, stream, index) give the same word whatever was drawn before. */
double gt_counter_word(double seed, double stream, double index);           /* 0 .. 2^32-1 */
/* indices[0..n-1] (0-based) of positions start.. of an endless sequence of shuffled epochs over `size` items. */
int gt_epoch_indices(int64_t *indices, double seed, double start, int64_t n, int64_t size);

/* ---- files, terminals, time ------------------------------------------------------------------------------------------ */

/* Writes n parts one after another to a temporary name beside path, syncs, and renames: the old file or the whole new one. */
int gt_file_replace(const char *path, int n, const void *const *parts, const double *bytes);
/* Syncs a file that was written under a temporary name and renames it to path. */
int gt_file_commit(const char *temporary, const char *path);
int gt_file_read(void *into, const char *path, double offset, double bytes);
double gt_file_size(const char *path);                                      /* -1: not a regular file */
/* Takes the lock that a file stands for, until gt_file_unlock or the process's end, however it ends. *held: for gt_file_unlock,
 * or -1 where another holds it, whose process number is then in *holder (0: unknown). */
int gt_file_lock(int *held, double *holder, const char *path);
void gt_file_unlock(int held);
int32_t gt_terminal_columns(int fd);                                        /* 0: not a terminal */
int32_t gt_process(void);                                                   /* this process's number */
double gt_seconds(void);                                                    /* a clock that only goes forward */
/* Goes on hashing (FNV-1a, 64 bits) with the elements of t in logical order; start with *hash = 0. */
int gt_hash(uint64_t *hash, const gt_tensor *t);

/* ---- images and data: csrc/data ------------------------------------------------------------------------------------- */

/* The built-in scenes: picture `index` (0, 1, 2 ...) of a seed is the same bits everywhere, at any number of threads. */
enum { GT_FACES, GT_ROOMS, GT_SCENES };

/* Everything a face is drawn from. Colours are RGB in 0..1; what has no range stated is a factor around 1. */
typedef struct gt_face {
  float smile;                             /* 0 or 1; drawn for any value between */
  float glasses;                           /* 0 or 1 */
  float hair_length;                       /* 0 short .. 1 below the shoulders */
  float turn;                              /* of the head: -1 to the viewer's left .. 1 to the right */
  float skin;                              /* 0 light .. 1 dark */
  float hair_tone;                         /* 0 black, brown, red, blond .. 1 white */
  float skin_rgb[3], hair_rgb[3], background_rgb[3], clothes_rgb[3], eyes_rgb[3], glasses_rgb[3];
  float width, height;                     /* of the head */
  float eye_size, eye_gap, brow;           /* brow: thickness */
  float brow_tilt;                         /* -1 worried .. 1 stern */
  float mouth, nose;                       /* widths */
  float fringe;                            /* 0 high forehead .. 1 down to the brows */
  float parting;                           /* -1 left .. 1 right */
  float glasses_round;                     /* 0 square .. 1 round */
} gt_face;

int gt_face_at(gt_face *face, double seed, double index);

/* Where a thing is in the picture: x0 < x1 and y0 < y1 in 0..1 from the top left, cut off at the picture's edge. */
typedef struct gt_box {
  float present;                           /* 0 or 1; the rest is 0 where it is absent */
  float x0, y0, x1, y1;
} gt_box;

/* Everything a room is drawn from. Lengths are metres; the camera looks at the back wall. */
typedef struct gt_room {
  gt_box bed, window, lamp;
  float wall_rgb[3], floor_rgb[3], blanket_rgb[3], wood_rgb[3], lamp_rgb[3], rug_rgb[3];
  float sky;                               /* 0 day, 1 dusk, 2 night */
  float half_width, height, depth;         /* of the room */
  float camera_x, camera_y;                /* beside the middle; above the floor */
  float bed_kind;                          /* 0 head at the back wall, 1 at the left one, 2 at the right one */
  float bed_at;                            /* -1 left or front .. 1 right or back, in the room that is free */
  float window_wall;                       /* 0 back, 1 left, 2 right */
  float window_at, window_width, window_height;
  float lamp_kind;                         /* 0 on the floor, 1 on a table, 2 from the ceiling */
  float lamp_at;                           /* -1 .. 1 */
  float picture, rug;                      /* 0 or 1 */
} gt_room;

/* The room of an image of h x w: it is as wide, or as high, as the image's sides ask for. */
int gt_room_at(gt_room *room, double seed, double index, int h, int w);

/* Drawing into r, a ByteTensor channels x h x w; channels is 1, 3 or 4 (opaque). */
int gt_face_draw(gt_tensor *r, const gt_face *face, int channels, int h, int w);
int gt_room_draw(gt_tensor *r, const gt_room *room, int channels, int h, int w);
int gt_scene_draw(gt_tensor *r, int kind, double seed, double index, int channels, int h, int w);

/* Pictures in files. PNG and JPEG are told by their first bytes; a file that is broken, cut short or something else is
 * GT_EFORMAT, and the message begins with its name. JPEGs come the right way up (Exif). */

/* r, a ByteTensor, becomes channels x H x W; channels 0: what the file has (gray 1, RGB 3, with alpha 4). Alpha is laid over
 * the colour `background` (0xRRGGBB) unless 4 channels are asked for. */
int gt_image_load(gt_tensor *r, const char *path, int channels, double background);
/* a: ByteTensor H x W or C x H x W. The name's ending chooses the format; quality (1..100) is for JPEG. */
int gt_image_save(const char *path, const gt_tensor *a, int quality);
/* An animated PNG that repeats for ever. a: ByteTensor frames x C x H x W; each frame is shown for so many ms, 1..65535. */
int gt_image_save_animation(const char *path, const gt_tensor *a, int milliseconds);
int gt_image_check(const char *path);                       /* 0 where the whole file can be decoded */
/* r gets a's leading dimensions and h x w. a: H x W, C x H x W or N x C x H x W; Byte, Float or Double. filter: "simple" (the
 * nearest pixel), "bilinear", "bicubic" or "lanczos", all but the first widened where the picture shrinks. */
int gt_image_scale(gt_tensor *r, const gt_tensor *a, int h, int w, const char *filter);
/* lo..hi of a Float or Double tensor to 0..255 of a ByteTensor, rounded and cut off, and back. */
int gt_image_quantize(gt_tensor *r, const gt_tensor *a, double lo, double hi);
int gt_image_dequantize(gt_tensor *r, const gt_tensor *a, double lo, double hi);

/* What is known of a picture file once all of it was decoded. */
typedef struct gt_picture {
  int32_t code;                            /* 0, or the error code; then only reason is set */
  int32_t format;                          /* 0 neither, 1 PNG, 2 JPEG */
  int32_t height, width;                   /* the right way up */
  int32_t channels;                        /* 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha, after decoding */
  int32_t depth;                           /* bits of a channel, or of a palette's index, in the file */
  int32_t flags;                           /* GT_PALETTE ... */
  int32_t unused;
  uint64_t content[2];                     /* equal where the size and every pixel as RGBA are equal */
  char reason[240];                        /* "NAME: why" */
} gt_picture;
enum { GT_PALETTE = 1, GT_CMYK = 2, GT_TURNED = 4, GT_LACED = 8, GT_SEE_THROUGH = 16, GT_ONE_COLOUR = 32 };
/* Decodes n files whole, several at once. paths: n zero-terminated names one after another. Only a lack of memory is an error. */
int gt_pictures_look(gt_picture *pictures, const char *paths, int n);

/* Reads an idx file of bytes (MNIST's format), gzipped or not, into a ByteTensor of the file's shape. */
int gt_idx_read(gt_tensor *r, const char *path);

/* A loader turns numbered pictures of one source into bytes of one size; batches of them are made by background jobs. It may
 * be used from several threads. What it has made it keeps, up to cache_bytes. */
typedef struct gt_loader gt_loader;
typedef struct gt_batch gt_batch;
enum { GT_CROP, GT_STRETCH, GT_PAD };      /* shorter side fits, middle kept; both sides fit; centred, made smaller if it must */

typedef struct gt_load_options {
  int32_t channels, height, width;         /* of the pictures made; channels 1, 3 or 4 */
  int32_t fit;                             /* GT_CROP ... */
  double background;                       /* 0xRRGGBB under transparent pixels and around padded ones */
  int32_t flip;                            /* 1: each picture is mirrored or not by (augment_seed, position) */
  int32_t unused;
  double augment_seed;
  double cache_bytes;                      /* negative: a quarter of the machine's memory, at most 1 GB */
  /* 0..1. Pictures are made larger by (1 + crop)(1 + scale); (augment_seed, position) chooses the part that is shown: 1 to
   * 1 + scale times the size, anywhere, brought to the size. Without a position, and in gt_loader_get, all of it is shown. */
  double crop, scale;
  double lo, hi;                           /* what becomes 0 and 255 of Float and Double images */
} gt_load_options;

/* paths: n zero-terminated names one after another, copied. Files that do not begin as images do are left out: see
 * gt_loader_unreadable. All three return NULL on failure, and a counted loader else. */
gt_loader *gt_loader_files(const gt_load_options *options, const char *paths, double n);
/* images: Byte, Float or Double, N x C x H x W with any strides; the loader holds a reference to its storage, which must not be
 * resized. */
gt_loader *gt_loader_images(const gt_load_options *options, const gt_tensor *images);
gt_loader *gt_loader_scenes(const gt_load_options *options, int kind, double seed, double n);
void gt_loader_free(gt_loader *l);                          /* its batches stay usable until they are freed */
double gt_loader_size(const gt_loader *l);                  /* pictures numbered 0 .. size-1 */
double gt_loader_cached(const gt_loader *l);                /* bytes kept */
/* The number in `paths` of picture i: files that were left out have none. */
double gt_loader_origin(const gt_loader *l, double i);
/* How many files could not be read so far; the k-th one's message ("NAME: why"), valid until the loader is freed. Those found
 * when a loader was made come first, in order. */
int32_t gt_loader_unreadable(gt_loader *l);
const char *gt_loader_reason(gt_loader *l, int k);
/* Picture i alone, as a ByteTensor channels x height x width; an unreadable one is an error. */
int gt_loader_get(gt_tensor *r, gt_loader *l, double i);

/* One batch at a time: start, then wait. In a batch the place of an unreadable picture is taken by the next readable one. */
gt_batch *gt_batch_new(gt_loader *l);
void gt_batch_free(gt_batch *b);                            /* waits for jobs that still run */
/* indices: n picture numbers; positions: n numbers that decide on mirroring, parts and sizes, or NULL. Both are copied. */
int gt_batch_start(gt_batch *b, const int64_t *indices, const int64_t *positions, int n);
/* r becomes n x channels x height x width: Float or Double in -1..1 (v / 127.5 - 1), or Byte. */
int gt_batch_wait(gt_tensor *r, gt_batch *b);

/* CDEF END */
#pragma GCC visibility pop
#endif
