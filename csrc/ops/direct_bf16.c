/* direct_bf16.c: convolutions of Float images as sums over taps (direct.c) of products of bfloat16 numbers, for processors that have
 * instructions for them.
 *
 * Operands are copied to bfloat16 numbers in the order that the products want (kernels.h): `rows`, whose products with the columns of
 * `panels` give the result.
 *   forward, input   rows[y][x][block of inner channels][image][32]   panels[columns / 32][tap][block][32 x 32]: the weight
 *   weight           rows[y][x][block of images][channel][32]         panels[y][x][channels of y / 32][block][32 x 32]: y
 * In bf16x3 there are two of each, high and low parts, and each tap gives three products: high high + high low + low high.
 *
 * A product's rows stay in the L1 cache while it goes along the panels. Work is cut by the problem's size; a sum belongs to one task and
 * runs in one order.
 */
#include "conv.h"
#include "../kernels/kernels.h"
#include <string.h>

enum {
  SIDE = GT__BF16_SIDE, DEPTH = GT__BF16_DEPTH, TILE = GT__BF16_TILE,
  ROW = DEPTH / 2,           /* pairs in a row of a block */
  BLOCK = SIDE * ROW,        /* pairs in a block of a panel */
  PIECE = 16,                /* blocks of rows in one product, high and low parts counted: 32 KB of them stay in the L1 cache */
  GROUP = 256,               /* columns in one task */
  TASK_ROWS = 1024,          /* rows of the result (positions x images) in one task */
  TASKS = 16,                /* tasks are made smaller rather than fewer than this */
  SUMS_GROUP = 128, SUMS_CHANNELS = 256,   /* of y and x in one task of the weight form */
  PART = 128,                /* of a row of w in one task */
  CHUNK = 32 << 10           /* numbers rounded in one task, about */
};

static int64_t blocks_of(int64_t count) { return gt__ceil_div(count, DEPTH); }
static int64_t tiles_of(int64_t count) { return gt__ceil_div(count, TILE) * TILE; }
static int64_t parts_of(const geometry *g) { return g->precision == GT_BF16X3 ? 2 : 1; }

/* A product's list: each operand high and low, if there are parts. */
typedef struct list {
  const uint32_t *a[3 * PIECE], *b[3 * PIECE];
  int64_t count, a_low, b_low;          /* from a high part to its low part; 0: there is none */
} list;

static void add_to(list *l, const uint32_t *a, const uint32_t *b) {
  l->a[l->count] = a;
  l->b[l->count++] = b;
  if (!l->a_low) return;
  l->a[l->count] = a;
  l->b[l->count++] = b + l->b_low;
  l->a[l->count] = a + l->a_low;
  l->b[l->count++] = b;
}

/* ---- operands ------------------------------------------------------------------------------------------------------- */

typedef struct copy_job {
  uint32_t *to;
  const float *from;         /* [position][image][channel] */
  int64_t n, channels, part; /* part: from a high part to its low part, 0 for none */
  int64_t area, positions;   /* in all, in one task */
} copy_job;

/* [position][block of channels][image][32] */
static void rows_task(void *context, int64_t i) {
  const copy_job *job = context;
  int64_t blocks = blocks_of(job->channels), rows = tiles_of(job->n), block = rows * ROW;
  for (int64_t p = i * job->positions; p < gt__min(job->area, (i + 1) * job->positions); p++) {
    for (int64_t q = 0; q < blocks; q++) {
      uint32_t *to = job->to + (p * blocks + q) * block, *low = job->part ? to + job->part : NULL;
      gt__bf16()->pair_columns(to, low, job->from + p * job->n * job->channels + q * DEPTH, job->channels, job->n,
                               (int)gt__min(DEPTH, job->channels - q * DEPTH));
      memset(to + job->n * ROW, 0, (size_t)((rows - job->n) * ROW) * sizeof *to);
      if (low) memset(low + job->n * ROW, 0, (size_t)((rows - job->n) * ROW) * sizeof *to);
    }
  }
}

/* [position][block of images][channel][32] */
static void turned_task(void *context, int64_t i) {
  const copy_job *job = context;
  int64_t blocks = blocks_of(job->n), rows = tiles_of(job->channels), block = rows * ROW;
  for (int64_t p = i * job->positions; p < gt__min(job->area, (i + 1) * job->positions); p++) {
    for (int64_t q = 0; q < blocks; q++) {
      uint32_t *to = job->to + (p * blocks + q) * block, *low = job->part ? to + job->part : NULL;
      int64_t images = gt__min(DEPTH, job->n - q * DEPTH);
      for (int64_t c = 0; c < job->channels; c += SIDE) {
        float square[SIDE * DEPTH];
        int64_t channels = gt__min(SIDE, job->channels - c);
        gt__matrix()->transpose_f(square, DEPTH, job->from + (p * job->n + q * DEPTH) * job->channels + c, job->channels, images, channels);
        gt__bf16()->pair_columns(to + c * ROW, low ? low + c * ROW : NULL, square, DEPTH, channels, (int)images);
      }
      memset(to + job->channels * ROW, 0, (size_t)((rows - job->channels) * ROW) * sizeof *to);
      if (low) memset(low + job->channels * ROW, 0, (size_t)((rows - job->channels) * ROW) * sizeof *to);
    }
  }
}

/* [position][channels / 32][block of images][32 x 32] */
static void panels_task(void *context, int64_t i) {
  const copy_job *job = context;
  int64_t blocks = blocks_of(job->n), panels = gt__ceil_div(job->channels, SIDE), rows = gt__ceil_div(job->n, 2);
  size_t unused = (size_t)(blocks * BLOCK - rows * SIDE) * sizeof *job->to;
  for (int64_t p = i * job->positions; p < gt__min(job->area, (i + 1) * job->positions); p++) {
    for (int64_t j = 0; j < panels; j++) {
      uint32_t *to = job->to + (p * panels + j) * blocks * BLOCK, *low = job->part ? to + job->part : NULL;
      gt__bf16()->pair_rows(to, low, job->from + p * job->n * job->channels + j * SIDE, job->channels, job->n,
                            (int)gt__min(SIDE, job->channels - j * SIDE));
      memset(to + rows * SIDE, 0, unused);
      if (low) memset(low + rows * SIDE, 0, unused);
    }
  }
}

/* The numbers, in pairs, of one part of a copy. */
static int64_t rows_size(int64_t area, int64_t n, int64_t channels) { return area * blocks_of(channels) * tiles_of(n) * ROW; }
static int64_t turned_size(int64_t area, int64_t n, int64_t channels) { return area * blocks_of(n) * tiles_of(channels) * ROW; }
static int64_t panels_size(int64_t area, int64_t n, int64_t channels) { return area * gt__ceil_div(channels, SIDE) * blocks_of(n) * BLOCK; }

static void copy(gt__task task, uint32_t *to, const float *from, int64_t area, int64_t n, int64_t channels, int64_t part) {
  copy_job job = {.to = to, .from = from, .n = n, .channels = channels, .part = part, .area = area};
  job.positions = gt__max(1, CHUNK / (n * channels));
  gt__parallel(gt__ceil_div(area, job.positions), task, &job);
}

/* ---- weights -------------------------------------------------------------------------------------------------------------- */

typedef struct pack_job {
  uint32_t *to;
  const float *from;
  const geometry *g;
  bool input;                /* columns are channels of x, the inner channels those of y; else the other way round */
  int64_t inner, cols;
} pack_job;

/* One panel and one block of inner channels, all taps; low parts follow each panel's high parts. */
static void pack_task(void *context, int64_t i) {
  enum { TAPS = 16 };        /* at a time */
  const pack_job *job = context;
  const geometry *g = job->g;
  int64_t blocks = blocks_of(job->inner), q = i % blocks, j0 = i / blocks * SIDE, part = g->taps * blocks * BLOCK;
  int64_t inner = gt__min(DEPTH, job->inner - q * DEPTH), cols = gt__min(SIDE, job->cols - j0);
  int64_t j_step = job->input ? g->taps : g->c * g->taps, l_step = job->input ? g->c * g->taps : g->taps;
  uint32_t *to = job->to + i / blocks * parts_of(g) * part + q * BLOCK;
  for (int64_t t0 = 0; t0 < g->taps; t0 += TAPS) {
    float squares[TAPS][DEPTH][SIDE];
    int64_t taps = gt__min(TAPS, g->taps - t0);
    for (int64_t l = 0; l < inner; l++) {
      gt__matrix()->transpose_f(squares[0][l], DEPTH * SIDE, job->from + j0 * j_step + (q * DEPTH + l) * l_step + t0, j_step, cols, taps);
    }
    for (int64_t t = 0; t < taps; t++) {
      uint32_t *block = to + (t0 + t) * blocks * BLOCK, *low = g->precision == GT_BF16X3 ? block + part : NULL;
      int64_t used = gt__ceil_div(inner, 2) * SIDE;
      gt__bf16()->pair_rows(block, low, squares[t][0], SIDE, inner, (int)cols);
      memset(block + used, 0, (size_t)(BLOCK - used) * sizeof *block);
      if (low) memset(low + used, 0, (size_t)(BLOCK - used) * sizeof *block);
    }
  }
}

static void pack(void *to, void *context) {
  pack_job *job = context;
  job->to = to;
  gt__parallel(gt__ceil_div(job->cols, SIDE) * blocks_of(job->inner), pack_task, job);
}

/* ---- forward and input: results [y][x][image][column] --------------------------------------------------------------------- */

typedef struct taps_job {
  float *out;
  const uint32_t *rows, *weight;
  const geometry *g;
  bool input;
  int64_t inner, cols, out_h, out_w, in_h, in_w;
  int64_t phases_h, phases_w;           /* positions of one phase have the same taps, but for the borders */
  int64_t positions, position_chunks, images, image_chunks;   /* of one phase in one task */
  int64_t part, weight_part;
} taps_job;

static bool finds(const taps_job *job, tap t, int64_t y, int64_t x, int64_t *iy, int64_t *ix) {
  const geometry *g = job->g;
  gt__source *source = job->input ? gt__source_of_x : gt__source_of_y;
  *iy = source(y, t.i, g->sh, g->ph, g->dh, job->in_h);
  *ix = source(x, t.j, g->sw, g->pw, g->dw, job->in_w);
  return *iy >= 0 && *ix >= 0;
}

/* The result of some images at one position from the taps in a list: for each block of rows, along the panels. */
static void along_panels(gt__product_b *p, float *c, const taps_job *job, int64_t n0, int64_t n1, int64_t j0, int64_t j1) {
  const gt__bf16_kernels *kernels = gt__bf16();
  for (int64_t n = n0; n < n1; n += SIDE) {
    p->a_offset = n * ROW;
    for (int64_t j = j0; j < j1; j += SIDE) {
      p->b_offset = j / SIDE * parts_of(job->g) * job->weight_part;
      p->c = c + n * job->cols + j;
      kernels->block(p, (int)gt__min(SIDE, n1 - n), (int)gt__min(SIDE, j1 - j));
    }
  }
}

/* Some images of some positions of one phase, some columns. Taps and inner channels come in pieces whose weights stay in a core's
 * L2 cache while all positions use them. */
static void taps_task(void *context, int64_t task) {
  const taps_job *job = context;
  const geometry *g = job->g;
  int64_t n0 = task % job->image_chunks * job->images, chunk = task / job->image_chunks;
  int64_t s0 = chunk % job->position_chunks * job->positions, phase = chunk / job->position_chunks % (job->phases_h * job->phases_w);
  int64_t j0 = chunk / job->position_chunks / (job->phases_h * job->phases_w) * GROUP;
  int64_t fy = phase / job->phases_w, fx = phase % job->phases_w, width = gt__ceil_div(job->out_w - fx, job->phases_w);
  int64_t s1 = gt__min(s0 + job->positions, gt__ceil_div(job->out_h - fy, job->phases_h) * width);
  int64_t n1 = gt__min(g->n, n0 + job->images), j1 = gt__min(job->cols, j0 + GROUP);
  int64_t blocks = blocks_of(job->inner), step = tiles_of(g->n) * ROW, piece = PIECE / parts_of(g), next = 0;
  list l = {.a_low = job->part, .b_low = job->weight_part};
  gt__product_b p = {.c_row = job->cols, .a = l.a, .b = l.b, .a_block = step, .b_block = BLOCK};
  gt__bf16()->begin();
  do {
    tap taps[PIECE];
    int64_t count = 0;
    for (; next < g->taps && count < gt__max(1, piece / blocks); next++) {
      tap t = {next / g->kw, next % g->kw};
      if (job->input && ((fy + g->ph - t.i * g->dh) % g->sh || (fx + g->pw - t.j * g->dw) % g->sw)) continue;
      taps[count++] = t;
    }
    for (int64_t q = 0; q < blocks; q += piece, p.add = true) {
      p.depth = gt__min(piece, blocks - q);
      for (int64_t s = s0; s < s1; s++) {
        int64_t y = fy + s / width * job->phases_h, x = fx + s % width * job->phases_w, iy, ix;
        l.count = 0;
        for (int64_t t = 0; t < count; t++) {
          if (!finds(job, taps[t], y, x, &iy, &ix)) continue;
          add_to(&l, job->rows + ((iy * job->in_w + ix) * blocks + q) * step,
                 job->weight + ((taps[t].i * g->kw + taps[t].j) * blocks + q) * BLOCK);
        }
        p.count = l.count;
        if (p.count || !p.add) along_panels(&p, job->out + (y * job->out_w + x) * g->n * job->cols, job, n0, n1, j0, j1);
      }
    }
  } while (next < g->taps);
  gt__bf16()->end();
}

static int through_taps(float *out, const float *in, const gt_tensor *w, const geometry *g, gt__pass pass) {
  taps_job job = {.out = out, .g = g, .input = pass == GT__INPUT, .inner = g->c, .cols = g->o, .out_h = g->oh, .out_w = g->ow,
                  .in_h = g->h, .in_w = g->w, .phases_h = 1, .phases_w = 1};
  if (job.input) {
    job.inner = g->o, job.cols = g->c, job.out_h = g->h, job.out_w = g->w, job.in_h = g->oh, job.in_w = g->ow;
    job.phases_h = gt__min(g->sh, g->h), job.phases_w = gt__min(g->sw, g->w);
  }
  int64_t parts = parts_of(g), part = g->taps * blocks_of(job.inner) * BLOCK, size = rows_size(job.in_h * job.in_w, g->n, job.inner);
  pack_job weight = {.from = gt__f(w), .g = g, .input = job.input, .inner = job.inner, .cols = job.cols};
  gt__packed *packed;
  size_t bytes = (size_t)(gt__ceil_div(job.cols, SIDE) * parts * part) * sizeof(uint32_t);
  GT_TRY(gt__packed_get(&packed, w, gt__form(GT__BY_BF16, pass, g->precision), bytes, pack, &weight));
  gt__scratch s;
  int code = gt__scratch_alloc(&s, (size_t)(parts * size) * sizeof(uint32_t));
  if (!code) {
    if (parts > 1) job.part = size;
    job.weight_part = part;
    job.rows = s.ptr;
    job.weight = gt__packed_data(packed);
    copy(rows_task, s.ptr, in, job.in_h * job.in_w, g->n, job.inner, job.part);
    int64_t phases = job.phases_h * job.phases_w, groups = gt__ceil_div(job.cols, GROUP);
    int64_t positions = gt__ceil_div(job.out_h, job.phases_h) * gt__ceil_div(job.out_w, job.phases_w);
    job.images = gt__min(g->n, TASK_ROWS);
    job.image_chunks = gt__ceil_div(g->n, job.images);
    job.positions = gt__max(1, gt__min(TASK_ROWS / g->n, positions * groups * phases / TASKS));
    job.position_chunks = gt__ceil_div(positions, job.positions);
    gt__parallel(job.image_chunks * groups * phases * job.position_chunks, taps_task, &job);
    gt__scratch_free(&s);
  }
  gt__packed_put(packed);
  return code;
}

int gt__bf16_forward(float *y, const float *x, const gt_tensor *w, const geometry *g) { return through_taps(y, x, w, g, GT__FORWARD); }
int gt__bf16_input(float *x, const float *y, const gt_tensor *w, const geometry *g) { return through_taps(x, y, w, g, GT__INPUT); }

/* ---- weight: sums[chunk of positions][panel of o][tap][c][column] ------------------------------------------------------------ */

typedef struct sums_job {
  float *sums, *w;
  const uint32_t *x, *y;
  const geometry *g;
  int64_t x_part, y_part, channels, channel_chunks, positions, chunks;
  float beta, scale;
} sums_job;

/* One row of the kernel, some channels of x and of y, some positions: the panels of a list are used by all taps of the row. */
static void sums_task(void *context, int64_t task) {
  const sums_job *job = context;
  const geometry *g = job->g;
  int64_t i = task % g->kh, c0 = task / g->kh % job->channel_chunks * job->channels, rest = task / g->kh / job->channel_chunks;
  int64_t chunk = rest % job->chunks, j0 = rest / job->chunks * SUMS_GROUP;
  int64_t c1 = gt__min(g->c, c0 + job->channels), j1 = gt__min(g->o, j0 + SUMS_GROUP);
  int64_t panels = gt__ceil_div(g->o, SIDE), panel = g->taps * g->c * SIDE, s1 = gt__min(g->area, (chunk + 1) * job->positions);
  int64_t blocks = blocks_of(g->n), step = tiles_of(g->c) * ROW, piece = PIECE / parts_of(g), most = gt__max(1, piece / blocks);
  float *sums = job->sums + chunk * panels * panel + i * g->kw * g->c * SIDE;
  list l = {.a_low = job->x_part, .b_low = job->y_part};
  gt__product_b p = {.c_row = SIDE, .a = l.a, .b = l.b, .a_block = step, .b_block = BLOCK, .add = true};
  for (int64_t k = j0; k < j1; k += SIDE) {
    for (int64_t j = 0; j < g->kw; j++) {
      memset(sums + k / SIDE * panel + (j * g->c + c0) * SIDE, 0, (size_t)((c1 - c0) * SIDE) * sizeof *sums);
    }
  }
  const gt__bf16_kernels *kernels = gt__bf16();
  kernels->begin();
  for (int64_t s0 = chunk * job->positions; s0 < s1; s0 += most) {
    for (int64_t q = 0; q < blocks; q += piece) {
      p.depth = gt__min(piece, blocks - q);
      for (int64_t j = 0; j < g->kw; j++) {
        l.count = 0;
        for (int64_t s = s0; s < gt__min(s1, s0 + most); s++) {
          int64_t iy = gt__source_of_y(s / g->ow, i, g->sh, g->ph, g->dh, g->h);
          int64_t ix = gt__source_of_y(s % g->ow, j, g->sw, g->pw, g->dw, g->w);
          if (iy >= 0 && ix >= 0) add_to(&l, job->x + ((iy * g->w + ix) * blocks + q) * step, job->y + (s * panels * blocks + q) * BLOCK);
        }
        p.count = l.count;
        if (!p.count) continue;
        for (int64_t c = c0; c < c1; c += SIDE) {
          p.a_offset = c * ROW;
          for (int64_t k = j0; k < j1; k += SIDE) {
            p.b_offset = k / SIDE * blocks * BLOCK;
            p.c = sums + k / SIDE * panel + (j * g->c + c) * SIDE;
            kernels->block(&p, (int)gt__min(SIDE, c1 - c), (int)gt__min(SIDE, j1 - k));
          }
        }
      }
    }
  }
  kernels->end();
}

/* w[o][c][tap] = beta w + scale times the sums of all chunks: a part of the rows of w that belong to one panel. */
static void unpack_task(void *context, int64_t task) {
  const sums_job *job = context;
  const geometry *g = job->g;
  int64_t row = g->c * g->taps, parts = gt__ceil_div(row, PART), e0 = task % parts * PART, count = gt__min(PART, row - e0);
  int64_t j0 = task / parts * SIDE, cols = gt__min(SIDE, g->o - j0), all = gt__ceil_div(g->o, SIDE) * row * SIDE;
  float sum[PART][SIDE], turned[SIDE][PART];
  for (int64_t e = 0; e < count; e++) {
    const float *from = job->sums + j0 * row + ((e0 + e) % g->taps * g->c + (e0 + e) / g->taps) * SIDE;
    memcpy(sum[e], from, sizeof sum[e]);
    for (int64_t k = 1; k < job->chunks; k++) {
      for (int64_t j = 0; j < SIDE; j++) sum[e][j] += from[k * all + j];
    }
  }
  gt__matrix()->transpose_f(turned[0], PART, sum[0], SIDE, count, cols);
  for (int64_t j = 0; j < cols; j++) {
    float *w = job->w + (j0 + j) * row + e0;
    for (int64_t e = 0; e < count; e++) w[e] = job->beta == 0 ? job->scale * turned[j][e] : job->beta * w[e] + job->scale * turned[j][e];
  }
}

int gt__bf16_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale) {
  sums_job job = {.w = w, .g = g, .beta = (float)beta, .scale = (float)scale};
  int64_t groups = gt__ceil_div(g->o, SUMS_GROUP), panels = gt__ceil_div(g->o, SIDE);
  job.channels = gt__min(g->c, SUMS_CHANNELS);
  job.channel_chunks = gt__ceil_div(g->c, job.channels);
  int64_t wanted = gt__max(1, TASKS / (groups * g->kh * job.channel_chunks));
  job.positions = gt__ceil_div(g->area, wanted);
  job.chunks = gt__ceil_div(g->area, job.positions);
  int64_t x_size = turned_size(g->h * g->w, g->n, g->c), y_size = panels_size(g->area, g->n, g->o), parts = parts_of(g);
  int64_t sums = job.chunks * panels * g->taps * g->c * SIDE;
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(parts * (x_size + y_size)) * sizeof(uint32_t) + (size_t)sums * sizeof(float)));
  uint32_t *x_copy = s.ptr, *y_copy = x_copy + parts * x_size;
  job.sums = (float *)(y_copy + parts * y_size);
  if (parts > 1) job.x_part = x_size, job.y_part = y_size;
  copy(turned_task, x_copy, x, g->h * g->w, g->n, g->c, job.x_part);
  copy(panels_task, y_copy, y, g->area, g->n, g->o, job.y_part);
  job.x = x_copy, job.y = y_copy;
  gt__parallel(groups * job.chunks * job.channel_chunks * g->kh, sums_task, &job);
  gt__parallel(panels * gt__ceil_div(g->c * g->taps, PART), unpack_task, &job);
  gt__scratch_free(&s);
  return GT_OK;
}
