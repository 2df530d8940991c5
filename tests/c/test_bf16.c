/* test_bf16.c: bfloat16 numbers. Rounding of every level against its definition; blocks of products of every level, AMX's on a model of
 * its registers wherever we are and on the registers themselves where the processor has them; convolutions of every precision, by every
 * way that has it, against sums in double. All in one process. */
#include "tile_model.h"
#include "../../csrc/kernels/kernels.h"
#include "../../csrc/ops/conv.h"
#include "test.h"
#define gt__bf16_amx model_bf16_amx
#include "../../csrc/kernels/bf16_amx.c"
#undef gt__bf16_amx
#undef EACH_BLOCK

enum { GUARD = 64, LEVELS = 5 };
static const char *const levels[LEVELS] = {"generic", "avx2", "avx512", "amx", "the model of AMX"};

/* The kernels of a level; those of the model last. */
static gt__bf16_kernels kernels_at(int level) {
  gt__bf16_kernels table;
  gt__bf16_kernels_at(&table, level < LEVELS - 1 ? level : gt__cpu() < GT__CPU_AVX512 ? gt__cpu() : GT__CPU_AVX512);
  if (level == LEVELS - 1) model_bf16_amx(&table);
  return table;
}
static bool is_here(int level) { return level <= gt__cpu() || level == LEVELS - 1; }

/* ---- rounding, by its definition ---------------------------------------------------------------------------------------- */

static uint32_t bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static float float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* The upper half of the nearest float whose lower half is zero; of two equally near ones that with an even upper half. */
static uint16_t rounded(float x) {
  uint32_t below = bits_of(x) & 0xffff0000, above = below + 0x10000;
  if (isnan(x)) return (uint16_t)(below >> 16 | 0x40);
  if (isinf(x)) return (uint16_t)(below >> 16);
  double beyond = isinf(float_of(above)) ? copysign(0x1p128, (double)x) : (double)float_of(above);
  double down = fabs((double)x - (double)float_of(below)), up = fabs(beyond - (double)x);
  return (uint16_t)((up < down || (up == down && (below >> 16 & 1)) ? above : below) >> 16);
}
static uint16_t rounded_rest(float x) {
  float high = float_of((uint32_t)rounded(x) << 16);
  return isfinite(high) ? rounded((float)((double)x - (double)high)) : 0;
}

static bool same_number(float a, float b) { return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b)); }

/* Any bits, or numbers around those of 8 bits, around the largest and the smallest. */
static float some_float(void) {
  uint32_t u = (uint32_t)test_word();
  static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
  if (test_int(0, 1)) u = (u & 0xffff0000) | lower[test_int(0, 5)];
  switch (test_int(0, 9)) {
  case 0: u = (u & 0x807fffff) | 0x7f000000; break;
  case 1: u = (u & 0x807fffff) | 0x7f800000; break;
  case 2: u &= 0x807fffff; break;
  }
  return float_of(u);
}

static void check_rounding(const gt__bf16_kernels *k, int level) {
  enum { MOST = 1 << 16 };
  static float from[MOST + 1], to[MOST + 1];
  static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
  long bad = 0;
  for (int round = 0; round < 12; round++) { /* every upper half with each of six lower ones, then anything */
    int64_t n = round < 6 ? MOST : test_int(1, 300);
    for (int64_t i = 0; i < n; i++) from[i] = round < 6 ? float_of((uint32_t)i << 16 | lower[round]) : some_float();
    for (int both = 0; both < 2; both++) {
      to[n] = 7;
      k->round(to, from, n, both);
      for (int64_t i = 0; i < n; i++) {
        float high = float_of((uint32_t)rounded(from[i]) << 16), low = float_of((uint32_t)rounded_rest(from[i]) << 16);
        bad += !same_number(to[i], both ? high + low : high);
        if (both && isfinite(high)) bad += !(fabs((double)to[i] - (double)from[i]) <= fabs((double)from[i]) * 0x1p-17 + 0x1p-134);
      }
      bad += to[n] != 7;
    }
  }
  CHECK_MSG(bad == 0, "%s: %ld numbers are rounded wrongly", levels[level], bad);
}

static uint16_t half_of(const uint32_t *pairs, int64_t at) { return (uint16_t)(pairs[at / 2] >> 16 * (at % 2)); }

static void check_pairs(const gt__bf16_kernels *k, int level) {
  for (int round = 0; round < 60; round++) {
    int rows = test_int(1, 40), cols = round % 4 ? test_int(1, 32) : 32, from_row = cols + test_int(0, 9);
    int64_t from_size = (int64_t)(rows - 1) * from_row + cols, sizes[2] = {rows * 16, (rows + 1) / 2 * 32};
    float *from = malloc((size_t)from_size * sizeof *from);
    for (int64_t i = 0; i < from_size; i++) from[i] = some_float();
    for (int by_rows = 0; by_rows < 2; by_rows++) {
      int64_t size = sizes[by_rows];
      uint32_t *to = malloc((size_t)(size + 1) * sizeof *to), *low = malloc((size_t)(size + 1) * sizeof *low);
      for (int parts = 1; parts < 3; parts++) {
        to[size] = low[size] = 7;
        (by_rows ? k->pair_rows : k->pair_columns)(to, parts == 2 ? low : NULL, from, from_row, rows, cols);
        long bad = (to[size] != 7) + (low[size] != 7);
        for (int64_t i = 0; i < 2 * size; i++) {
          int64_t r = by_rows ? i / 64 * 2 + i % 2 : i / 32, j = by_rows ? i % 64 / 2 : i % 32;
          bool used = r < rows && j < cols;
          bad += half_of(to, i) != (used ? rounded(from[r * from_row + j]) : 0);
          if (parts == 2) bad += half_of(low, i) != (used ? rounded_rest(from[r * from_row + j]) : 0);
        }
        CHECK_MSG(bad == 0, "%s pairs of %s %dx%d: %ld differ", levels[level], by_rows ? "rows" : "columns", rows, cols, bad);
      }
      free(to), free(low);
    }
    free(from);
  }
}

/* ---- blocks of products: every size, blocks and lists of every length, results guarded, operands in memory that ends with them ---- */

static double number(uint16_t half) { return (double)float_of((uint32_t)half << 16); }

/* Numbers of several magnitudes, some of them too small for a float's product. */
static uint16_t some_half(void) {
  return rounded((float)(test_uniform(-1, 1) * (test_int(0, 30) ? 1 : test_int(0, 1) ? 0x1p-70 : 0x1p-130)));
}

static void check_block(const gt__bf16_kernels *k, int level, int rows, int cols) {
  int count = test_int(0, 4), depth = test_int(1, 3), padded = (rows + 15) / 16 * 16, inner = depth * 32 - test_int(0, 31);
  int64_t a_block = padded * 16 + 16 * test_int(0, 2), b_block = 512 + 16 * test_int(0, 2), offset = 16 * test_int(0, 2);
  int64_t a_size = offset + (depth - 1) * a_block + padded * 16, b_size = offset + (depth - 1) * b_block + 512;
  int64_t c_row = cols + test_int(0, 1) * test_int(0, 40), c_size = (rows - 1) * c_row + cols + 2 * GUARD;
  uint32_t *a[4], *b[4];
  for (int t = 0; t < 4; t++) {
    a[t] = calloc((size_t)a_size, sizeof **a), b[t] = calloc((size_t)b_size, sizeof **b);
    for (int64_t l = 0; l < inner; l++) {
      for (int r = 0; r < padded; r++) a[t][offset + l / 32 * a_block + r * 16 + l % 32 / 2] |= (uint32_t)some_half() << 16 * (l % 2);
      for (int j = 0; j < 32; j++) b[t][offset + l / 32 * b_block + l % 32 / 2 * 32 + j] |= (uint32_t)some_half() << 16 * (l % 2);
    }
  }
  float *c = malloc((size_t)c_size * sizeof *c), *before = malloc((size_t)c_size * sizeof *before);
  for (int64_t i = 0; i < c_size; i++) c[i] = before[i] = (float)test_uniform(-1, 1);
  gt__product_b p = {.c = c + GUARD, .c_row = c_row, .a = (const uint32_t *const *)a, .b = (const uint32_t *const *)b, .a_offset = offset,
                     .a_block = a_block, .b_offset = offset, .b_block = b_block, .count = count, .depth = depth, .add = test_int(0, 1)};
  k->begin();
  k->block(&p, rows, cols);
  k->end();
  long bad = 0;
  for (int64_t i = 0; i < c_size; i++) {
    int64_t r = (i - GUARD) / c_row, j = (i - GUARD) % c_row;
    double wanted = (double)before[i], bound = 0;
    if (i >= GUARD && r < rows && j < cols) {
      double sum = p.add ? wanted : 0, magnitude = fabs(sum);
      for (int t = 0; t < count; t++) {
        for (int64_t l = 0; l < inner; l++) {
          double term = number(half_of(a[t] + offset + l / 32 * a_block + r * 16, l % 32)) *
                        number((uint16_t)(b[t][offset + l / 32 * b_block + l % 32 / 2 * 32 + j] >> 16 * (l % 2)));
          sum += term, magnitude += fabs(term);
        }
      }
      wanted = sum, bound = 0x1p-24 * magnitude * (count * depth * 16 + 4) + 0x1p-120;
    }
    bad += !(fabs((double)c[i] - wanted) <= bound);
  }
  CHECK_MSG(bad == 0, "%s block %dx%d, %d of %d x 32: %ld numbers differ", levels[level], rows, cols, count, depth, bad);
  for (int t = 0; t < 4; t++) free(a[t]), free(b[t]);
  free(c), free(before);
}

static void check_blocks(const gt__bf16_kernels *k, int level) {
  static const int sides[] = {1, 2, 15, 16, 17, 31, 32};
  for (int i = 0; i < 49; i++) check_block(k, level, sides[i / 7], sides[i % 7]);
  for (int i = 0; i < 30; i++) check_block(k, level, test_int(1, 32), test_int(1, 32));
  for (int i = 0; i < 10; i++) check_block(k, level, 32, 32);
}

/* ---- the model itself: what it computes, and that it finds mistakes --------------------------------------------------------- */

static void check_model(void) {
  unsigned char config[64] = {1};
  for (int t = 0; t < 8; t++) config[16 + 2 * t] = 64, config[48 + t] = 16;
  config[16] = 8, config[48] = 3;   /* tile 0: 3 rows of 2 sums, 1: 3 rows of 4 pairs, 2: 4 pairs of 2 columns */
  config[18] = 16, config[49] = 3;
  config[20] = 8, config[50] = 4;
  uint16_t a[3][8], b[4][2][2];
  float c[3][2];
  double wanted[3][2];
  for (int r = 0; r < 3; r++) for (int k = 0; k < 8; k++) a[r][k] = rounded((float)test_int(-8, 8));
  for (int k = 0; k < 8; k++) for (int j = 0; j < 2; j++) b[k / 2][j][k % 2] = rounded((float)test_int(-8, 8));
  for (int r = 0; r < 3; r++) for (int j = 0; j < 2; j++) {
    wanted[r][j] = c[r][j] = (float)test_int(-8, 8);
    for (int k = 0; k < 8; k++) wanted[r][j] += number(a[r][k]) * number(b[k / 2][j][k % 2]);
  }
  tile_model_loadconfig(config);
  tile_load(0, c, sizeof c[0]);
  tile_load(1, a, sizeof a[0]);
  tile_load(2, b, sizeof b[0]);
  tile_dpbf16ps(0, 1, 2);
  tile_store(0, c, sizeof c[0]);
  for (int r = 0; r < 3; r++) for (int j = 0; j < 2; j++) CHECK((double)c[r][j] == wanted[r][j]);
  CHECK(tile_faults == 0);
  /* A denormal number counts as zero, and a denormal product becomes zero. */
  uint16_t tiny[2][8] = {{0x0001, 0, 0x2000, 0}};
  uint16_t large[4][2][2] = {{{0x7f00, 0}}, {{0x0080, 0}}};
  tile_zero(0);
  tile_load(1, tiny, 0);
  tile_load(2, large, sizeof large[0]);
  tile_dpbf16ps(0, 1, 2);
  tile_store(0, c, sizeof c[0]);
  CHECK(c[0][0] == 0 && tile_faults == 0);
  fprintf(stderr, "(five lines of the tile model follow: the mistakes that it is to find)\n");
  tile_dpbf16ps(0, 1, 1);
  tile_dpbf16ps(0, 2, 1);
  config[40] = 1;
  tile_model_loadconfig(config);
  tile_load(0, c, 0);
  tile_model_release();
  tile_zero(3);
  CHECK(tile_faults == 5);
  tile_faults = 0;
}

/* ---- convolutions ------------------------------------------------------------------------------------------------------------- */

typedef struct conv_case { int64_t n, c, h, w, o, kh, kw; gt_conv_shape s; } conv_case;

/* One pass of x, w, y: sums and the sums of their terms' magnitudes, in double. */
static void sums_of(int pass, double *sum, double *magnitude, const gt_tensor *x, const gt_tensor *w, const gt_tensor *y,
                    const gt_conv_shape *s) {
  int64_t c = x->shape[1], h = x->shape[2], width = x->shape[3], o = y->shape[1], oh = y->shape[2], ow = y->shape[3];
  int64_t cg = w->shape[1], kh = w->shape[2], kw = w->shape[3], og = o / s->groups;
  const float *xs = x->store->ptr, *ws = w->store->ptr, *ys = y->store->ptr;
  for (int64_t n = 0; n < x->shape[0]; n++) for (int64_t f = 0; f < o; f++) for (int64_t p = 0; p < oh; p++)
  for (int64_t q = 0; q < ow; q++) for (int64_t i = 0; i < kh; i++) for (int64_t j = 0; j < kw; j++) {
    int64_t a = p * s->stride_h - s->pad_h + i * s->dil_h, b = q * s->stride_w - s->pad_w + j * s->dil_w;
    if (a < 0 || a >= h || b < 0 || b >= width) continue;
    for (int64_t e = 0; e < cg; e++) {
      int64_t at[3] = {((n * o + f) * oh + p) * ow + q, ((n * c + f / og * cg + e) * h + a) * width + b, ((f * cg + e) * kh + i) * kw + j};
      double numbers[3] = {(double)ys[at[0]], (double)xs[at[1]], (double)ws[at[2]]};
      double term = numbers[(pass + 1) % 3] * numbers[(pass + 2) % 3];
      sum[at[pass]] += term, magnitude[at[pass]] += fabs(term);
    }
  }
}

/* The most that a result may be off, in parts of the sum of its terms' magnitudes: two operands rounded to 8 bits, or to two times 8
 * with one product left out, or not at all, and sums in float32, of Winograd's ways too. docs/architecture.md states these. */
static double bound_of(int precision) {
  const double sums = 0x1p-16;
  return precision == GT_BFLOAT16 ? 0x1p-7 + 0x1p-16 + sums : precision == GT_BF16X3 ? 0x1p-15 + sums : sums;
}

/* The operands of one convolution and what its three passes give. */
typedef struct problem {
  conv_case t;
  gt_tensor *x, *w, *y;
  double *sum[3], *magnitude[3];
} problem;

static problem problem_of(const conv_case *t) {
  int64_t oh = (t->h + 2 * t->s.pad_h - t->s.dil_h * (t->kh - 1) - 1) / t->s.stride_h + 1;
  int64_t ow = (t->w + 2 * t->s.pad_w - t->s.dil_w * (t->kw - 1) - 1) / t->s.stride_w + 1;
  problem p = {.t = *t, .x = test_new(GT_FLOAT, 4, (int64_t[]){t->n, t->c, t->h, t->w}),
               .y = test_new(GT_FLOAT, 4, (int64_t[]){t->n, t->o, oh, ow}),
               .w = test_new(GT_FLOAT, 4, (int64_t[]){t->o, t->c / t->s.groups, t->kh, t->kw})};
  gt_tensor *all[3] = {p.y, p.x, p.w};
  for (int i = 0; i < 3; i++) {
    test_fill(all[i], -1, 1);
    p.sum[i] = calloc((size_t)test_count(all[i]), sizeof **p.sum), p.magnitude[i] = calloc((size_t)test_count(all[i]), sizeof **p.sum);
  }
  for (int pass = 0; pass < 3; pass++) sums_of(pass, p.sum[pass], p.magnitude[pass], p.x, p.w, p.y, &t->s);
  return p;
}

static void end_problem(problem *p) {
  for (int i = 0; i < 3; i++) free(p->sum[i]), free(p->magnitude[i]);
  gt_tensor_free(p->x), gt_tensor_free(p->w), gt_tensor_free(p->y);
}

/* All three passes; returns the largest of the roots of the mean squared errors, in parts of the root of the mean squared result. */
static double check_conv(const problem *p, int precision, int way, const char *name) {
  const conv_case *t = &p->t;
  gt_conv_shape s = t->s;
  s.precision = precision;
  double largest = 0;
  for (int pass = 0; pass < 3; pass++) {
    const gt_tensor *like = pass == GT__FORWARD ? p->y : pass == GT__INPUT ? p->x : p->w;
    gt_tensor *r = test_new(GT_FLOAT, 4, like->shape), *before = test_new(GT_FLOAT, 4, like->shape);
    double beta = pass == GT__WEIGHT && test_int(0, 1) ? 0.5 : 0, scale = beta != 0 ? 2 : 1, off = 0, all = 0;
    test_fill(before, -1, 1);
    CHECK_OK(gt_copy(r, before));
    gt__convolve_by(way);
    if (pass == GT__FORWARD) CHECK_OK(gt_conv(r, p->x, p->w, &s));
    if (pass == GT__INPUT) CHECK_OK(gt_conv_input(r, p->y, p->w, &s, t->h, t->w));
    if (pass == GT__WEIGHT) CHECK_OK(gt_conv_weight(r, p->x, p->y, &s, t->kh, t->kw, beta, scale));
    gt__convolve_by(GT__BY_SHAPE);
    /* Winograd's ways round what a tile's results share: a term may be a neighbour's. */
    double nearby = way == GT__BY_WINOGRAD || way == GT__BY_SHAPE ? 1 : 0;
    long bad = 0, count = test_count(r);
    const float *is = r->store->ptr, *was = before->store->ptr;
    for (int64_t i = 0; i < count; i++) {
      double wanted = beta * (double)was[i] + scale * p->sum[pass][i], error = fabs((double)is[i] - wanted);
      bad += !(error <= bound_of(precision) * (scale * p->magnitude[pass][i] + nearby) + 0x1p-23 * fabs((double)was[i]));
      off += error * error, all += wanted * wanted;
    }
    largest = fmax(largest, sqrt(off / all));
    CHECK_MSG(bad == 0, "%s precision %d way %d pass %d n %d c %d %dx%d o %d kernel %dx%d stride %d,%d pad %d,%d dil %d,%d groups %d: "
              "%ld of %ld differ", name, precision, way, pass, (int)t->n, (int)t->c, (int)t->h, (int)t->w, (int)t->o, (int)t->kh, (int)t->kw,
              s.stride_h, s.stride_w, s.pad_h, s.pad_w, s.dil_h, s.dil_w, s.groups, bad, count);
    gt_tensor_free(r), gt_tensor_free(before);
  }
  return largest;
}

static const conv_case cases[] = {
  {5, 3, 8, 8, 20, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}, {33, 35, 4, 4, 40, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}},
  {16, 32, 4, 4, 3, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}}, {2, 20, 9, 7, 17, 5, 5, {2, 2, 2, 2, 1, 1, 1, 0}},
  {3, 16, 4, 4, 70, 3, 3, {1, 1, 1, 1, 1, 1, 1, 0}}, {2, 5, 3, 3, 4, 1, 1, {2, 2, 3, 3, 1, 1, 1, 0}},
  {1, 530, 3, 3, 8, 2, 2, {1, 1, 0, 0, 1, 1, 1, 0}}, {530, 3, 3, 3, 2, 2, 2, {1, 1, 0, 0, 1, 1, 1, 0}},
  {2, 3, 20, 12, 3, 2, 2, {3, 1, 0, 0, 1, 1, 1, 0}}, {3, 100, 1, 1, 33, 4, 4, {1, 1, 3, 3, 1, 1, 1, 0}},
  {2, 6, 7, 7, 4, 9, 9, {1, 1, 4, 4, 1, 1, 1, 0}}, {2, 300, 2, 2, 270, 2, 2, {1, 1, 0, 0, 1, 1, 1, 0}},
};

/* Every precision by the ways that a processor without products of bfloat16 numbers takes, and by taps of such numbers with each level's
 * kernels: the same sums on all of them. */
static void check_convs(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    problem p = problem_of(&cases[i]);
    check_conv(&p, GT_REFERENCE, GT__BY_SHAPE, "reference");
    for (int precision = GT_BF16X3; precision <= GT_BFLOAT16; precision++) {
      check_conv(&p, precision, GT__BY_SHAPE, "by shape");
      check_conv(&p, precision, GT__BY_UNROLLING, "unrolled");
      check_conv(&p, precision, GT__BY_TAPS, "taps");
      check_conv(&p, precision, GT__BY_FEW, "few");
      check_conv(&p, precision, GT__BY_WINOGRAD, "Winograd");
      for (int level = 0; level < LEVELS; level++) {
        if (!is_here(level)) continue;
        gt__bf16_kernels table = kernels_at(level);
        gt__bf16_replace(&table);
        check_conv(&p, precision, GT__BY_BF16, levels[level]);
        gt__bf16_replace(NULL);
      }
    }
    end_problem(&p);
  }
  for (int i = 0; i < 40; i++) {
    conv_case t = {.n = test_int(1, 40), .c = test_int(1, 40), .o = test_int(1, 40), .kh = test_int(1, 5), .kw = test_int(1, 5)};
    t.s = (gt_conv_shape){test_int(1, 3), test_int(1, 3), test_int(0, 3), test_int(0, 3), test_int(1, 2), test_int(1, 2), 1, 0};
    t.h = test_int(1, 5) + t.s.dil_h * (t.kh - 1), t.w = test_int(1, 5) + t.s.dil_w * (t.kw - 1);
    problem p = problem_of(&t);
    check_conv(&p, i % 2 ? GT_BF16X3 : GT_BFLOAT16, GT__BY_BF16, "random");
    check_conv(&p, GT_REFERENCE, GT__BY_SHAPE, "reference");
    end_problem(&p);
    t.s.groups = test_int(2, 3);
    t.n = test_int(1, 8), t.c = test_int(1, 8) * t.s.groups, t.o = test_int(1, 8) * t.s.groups;
    p = problem_of(&t);
    check_conv(&p, 1 + i % 3, GT__BY_SHAPE, "groups");
    end_problem(&p);
  }
}

/* What the names promise, on a shape of the kind that matters: each about as exact as it says, and none much better. */
static void check_names(void) {
  static const conv_case t = {16, 64, 8, 8, 64, 4, 4, {2, 2, 1, 1, 1, 1, 1, 0}};
  int ways[] = {GT__BY_SHAPE, GT__BY_BF16, GT__BY_TAPS, GT__BY_WINOGRAD};
  problem p = problem_of(&t);
  double plain = check_conv(&p, GT_REFERENCE, GT__BY_SHAPE, "reference");
  for (int i = 0; i < 4; i++) {
    double coarse = check_conv(&p, GT_BFLOAT16, ways[i], "bfloat16"), fine = check_conv(&p, GT_BF16X3, ways[i], "bf16x3");
    double single = check_conv(&p, GT_FLOAT32, i == 1 ? GT__BY_SHAPE : ways[i], "float32");
    CHECK_MSG(coarse > 1e-3 && coarse < 4e-3, "bfloat16 way %d is off by %.3g", ways[i], coarse);
    CHECK_MSG(fine > 4e-7 && fine < 8e-6, "bf16x3 way %d is off by %.3g", ways[i], fine);
    CHECK_MSG(single < 16 * plain && single < fine, "float32 way %d is off by %.3g, plain loops by %.3g", ways[i], single, plain);
  }
  end_problem(&p);
}

/* The same bits at one and at several threads, on the model: each thread configures its registers and gives them back. */
static void check_threads(void) {
  static const gt_conv_shape s = {2, 2, 1, 1, 1, 1, 1, GT_BF16X3};
  gt_tensor *x = test_new(GT_FLOAT, 4, (int64_t[]){16, 20, 16, 16}), *w = test_new(GT_FLOAT, 4, (int64_t[]){33, 20, 4, 4});
  gt_tensor *y = test_new(GT_FLOAT, 4, (int64_t[]){16, 33, 8, 8}), *r[6];
  test_fill(x, -1, 1), test_fill(w, -1, 1), test_fill(y, -1, 1);
  int threads = gt_threads();
  gt__bf16_kernels table = kernels_at(LEVELS - 1);
  gt__bf16_replace(&table);
  gt__convolve_by(GT__BY_BF16);
  for (int i = 0; i < 2; i++) {
    CHECK_OK(gt_set_threads(i ? 3 : 1));
    for (int k = 0; k < 3; k++) r[3 * i + k] = gt_tensor_new(GT_FLOAT);
    CHECK_OK(gt_conv(r[3 * i], x, w, &s));
    CHECK_OK(gt_conv_input(r[3 * i + 1], y, w, &s, 16, 16));
    CHECK_OK(gt_conv_weight(r[3 * i + 2], x, y, &s, 4, 4, 0, 1));
  }
  gt__convolve_by(GT__BY_SHAPE);
  gt__bf16_replace(NULL);
  for (int k = 0; k < 3; k++) {
    CHECK(!memcmp(r[k]->store->ptr, r[3 + k]->store->ptr, (size_t)test_count(r[k]) * sizeof(float)));
    gt_tensor_free(r[k]), gt_tensor_free(r[3 + k]);
  }
  CHECK_OK(gt_set_threads(threads));
  CHECK(!tiles.configured);
  gt_tensor_free(x), gt_tensor_free(w), gt_tensor_free(y);
}

/* A weight's packed form is of one precision and of one version of the weight. */
static void check_packed(void) {
  gt_tensor *x = test_new(GT_FLOAT, 4, (int64_t[]){16, 16, 4, 4}), *w = test_new(GT_FLOAT, 4, (int64_t[]){16, 16, 3, 3}), *r[4];
  test_fill(x, -1, 1), test_fill(w, -1, 1);
  for (int turn = 0; turn < 2; turn++) {
    for (int precision = 0; precision < 4; precision++) {
      r[precision] = gt_tensor_new(GT_FLOAT);
      gt_conv_shape s = {1, 1, 1, 1, 1, 1, 1, precision};
      CHECK_OK(gt_conv(r[precision], x, w, &s));
    }
    double apart[4] = {0};
    for (int precision = 0; precision < 3; precision++) {
      for (int64_t i = 0; i < test_count(r[3]); i++) {
        apart[precision] = fmax(apart[precision], fabs(test_at(r[precision], i) - test_at(r[3], i)));
      }
    }
    CHECK_MSG(apart[0] < 1e-4 && apart[1] < 2e-4 && apart[2] > 2e-3 && apart[2] < 0.2, "off by %g, %g, %g", apart[0], apart[1], apart[2]);
    for (int precision = 0; precision < 4; precision++) gt_tensor_free(r[precision]);
    test_fill(w, -1, 1);
    gt_storage_touch(w->store);
  }
  gt_conv_shape s = {1, 1, 1, 1, 1, 1, 1, 4};
  CHECK_FAILS(gt_conv(x, x, w, &s), GT_EARG, "the precision is 4");
  gt_tensor_free(x), gt_tensor_free(w);
}

int main(void) {
  check_model();
  for (int level = 0; level < LEVELS; level++) {
    if (!is_here(level)) continue;
    gt__bf16_kernels table = kernels_at(level);
    check_rounding(&table, level);
    check_pairs(&table, level);
    check_blocks(&table, level);
  }
  check_convs();
  check_names();
  check_threads();
  check_packed();
  CHECK_MSG(tile_faults == 0 && tile_products > 0, "the tile model found %d mistakes", tile_faults);
  return test_report("bf16");
}
