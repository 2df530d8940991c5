/* winograd_weight.c: the weight form by Winograd's way (winograd.c): for each point, phase and panel of y's channels a product of the
 * transformed gradient and the transformed image, summed over rows; then the points' sums become taps. Rows come in chunks; a sum's parts
 * are INNER rows each, whatever the chunks are. */
#include "winograd.h"

enum {
  AT_HAND = 4 << 20,         /* numbers of v at a time, where rows come in several chunks */
  LINE = 16,                 /* numbers in a cache line */
  INNER = 512,               /* rows of a product taken together */
  CHANNELS = 96              /* of x in one task, where all its rows are at hand */
};

/* Where the gradient goes. */
typedef struct gradient {
  float *to;
  const geometry *g;
  plan p;
  int64_t panels;
  const uint64_t *empty;     /* points that say nothing of a phase's taps: those at which its weights are 0 */
  double beta, scale;
} gradient;

/* w[j0 + j][c][tap] = beta w + scale times the taps of sums, `width` of j; phases phase_step apart, points point_step. */
static void unpack(const gradient *job, const float *sums, int64_t phase_step, int64_t point_step, int64_t c, int64_t j0, int64_t width) {
  const geometry *g = job->g;
  const plan *p = &job->p;
  float tile[KERNEL * GT__BLOCK_COLS], *to[TAPS], nowhere[GT__BLOCK_COLS], beta = (float)job->beta, scale = (float)job->scale;
  const float *from[POINTS];
  for (int64_t phase = 0; phase < p->phases; phase++) {
    for (int64_t e = 0; e < p->points; e++) {
      from[e] = job->empty[phase] >> e & 1 ? gt__winograd_zeros : sums + e * point_step + phase * phase_step;
    }
    for (int64_t e = 0; e < p->taps * p->taps; e++) {
      int64_t t = gt__winograd_tap(p, g, phase, e);
      to[e] = t < 0 ? nowhere : tile + t * GT__BLOCK_COLS;
    }
    p->transforms->weight_gradient(to, from, width);
  }
  for (int64_t j = 0; j < width; j++) {
    float *w = job->to + ((j0 + j) * g->c + c) * g->taps;
    for (int64_t t = 0; t < g->taps; t++) {
      float value = scale * tile[t * GT__BLOCK_COLS + j];
      w[t] = beta == 0 ? value : beta * w[t] + value;
    }
  }
}

typedef struct sums_job {
  const grid *x;
  rows r;
  const float *y;
  float *v, *gv, *sums;      /* v[point][phase][row][c], gv[point][row][o]; sums[point][panel][phase][c][column] */
  const gradient *weights;
  int64_t v_step, gv_step, images, blocks;
  bool add;
  int failed;
} sums_job;

static void operand_task(void *context, int64_t i) {
  const sums_job *job = context;
  const grid *a = job->x;
  int64_t parts = gt__ceil_div(job->r.n, job->images), n0 = i % parts * job->images, tile = i / parts % job->r.tiles;
  int64_t phase = i / parts / job->r.tiles;
  gt__winograd_operand(a, job->v + (phase * job->r.count + tile * job->r.n + n0) * a->inner, job->v_step, job->r.tile0 + tile, phase,
                       job->r.n0 + n0, gt__min(job->images, job->r.n - n0));
}

static void gradient_task(void *context, int64_t i) {
  const sums_job *job = context;
  const geometry *g = job->weights->g;
  int64_t parts = gt__ceil_div(job->r.n, job->images), n0 = i % parts * job->images, n = gt__min(job->images, job->r.n - n0), tile = i / parts;
  int64_t y0 = (job->r.tile0 + tile) / job->x->tiles_x * SIDE, x0 = (job->r.tile0 + tile) % job->x->tiles_x * SIDE;
  const float *from[SIDE * SIDE];
  float *to[POINTS];
  for (int64_t at = 0, numbers = n * g->o; at < numbers; at += RUN) {
    for (int64_t e = 0; e < SIDE * SIDE; e++) {
      int64_t y = y0 + e / SIDE, x = x0 + e % SIDE;
      from[e] = y < g->oh && x < g->ow ? job->y + ((y * g->ow + x) * g->n + job->r.n0 + n0) * g->o + at : gt__winograd_zeros;
    }
    for (int64_t e = 0; e < job->x->p.points; e++) to[e] = job->gv + e * job->gv_step + (tile * job->r.n + n0) * g->o + at;
    job->x->p.transforms->gradient(to, from, gt__min(RUN, numbers - at));
  }
}

/* sums[c - c0][column] for one point, phase and panel: channels c0 .. c1 - 1, columns from j on. What lies from `ahead` to `end` is fetched
 * meanwhile; returns how far that came. */
static const float *sum_rows(const sums_job *job, float *sums, int64_t e, int64_t phase, int64_t c0, int64_t c1, int64_t j, bool add,
                             const float *ahead, const float *end) {
  const gt__matrix_kernels *kernels = gt__matrix();
  const geometry *g = job->weights->g;
  int64_t count = job->r.count, panel = kernels->cols_f;
  const float *a, *b;
  gt__product_f p = {.c_row = panel, .a = &a, .b = &b, .a_row = 1, .a_step = g->c, .b_row = g->o, .b_offset = j, .count = 1, .add = add};
  for (int64_t row = 0; row < count; row += INNER, p.add = true) {
    p.k = gt__min(INNER, count - row);
    a = job->v + e * job->v_step + (phase * count + row) * g->c;
    b = job->gv + e * job->gv_step + row * g->o;
    for (int64_t c = c0; c < c1; c += kernels->rows_f) {
      p.a_offset = c;
      p.c = sums + (c - c0) * panel;
      p.ahead = ahead < end ? ahead : NULL;
      kernels->block_f(&p, (int)gt__min(kernels->rows_f, c1 - c), (int)gt__min(panel, g->o - j));
      if (p.ahead) ahead += p.k * LINE;
    }
  }
  return ahead;
}

/* One point, some panels of o, all channels of x: phase after phase, each one's rows fetched while the one before is in hand. */
static void sums_task(void *context, int64_t i) {
  const sums_job *job = context;
  const geometry *g = job->weights->g;
  int64_t panel = gt__matrix()->cols_f, panels = job->weights->panels, groups = gt__ceil_div(g->o, GT__BLOCK_COLS);
  int64_t j0 = i % groups * GT__BLOCK_COLS, phases = job->x->phases, e = i / groups, size = job->r.count * g->c;
  for (int64_t phase = 0; phase < phases; phase++) {
    if (job->x->empty[phase] >> e & 1) continue;
    const float *next = job->v + e * job->v_step + (phase + 1) * size, *end = next + (phase + 1 < phases ? size : 0);
    for (int64_t j = j0; j < gt__min(g->o, j0 + GT__BLOCK_COLS); j += panel) {
      float *sums = job->sums + ((e * panels + j / panel) * phases + phase) * g->c * panel;
      next = sum_rows(job, sums, e, phase, 0, g->c, j, job->add, next, end);
    }
  }
}

static void unpack_task(void *context, int64_t i) {
  const sums_job *job = context;
  const geometry *g = job->weights->g;
  int64_t panel = gt__matrix()->cols_f, panels = job->weights->panels, c = i / panels, at = i % panels, phases = job->x->phases;
  unpack(job->weights, job->sums + (at * phases * g->c + c) * panel, g->c * panel, panels * phases * g->c * panel, c, at * panel,
         gt__min(panel, g->o - at * panel));
}

/* Some channels of x and one panel of o, all points and phases, where all rows are at hand: the sums stay in cache. */
static void whole_task(void *context, int64_t i) {
  sums_job *job = context;
  const geometry *g = job->weights->g;
  int64_t panel = gt__matrix()->cols_f, phases = job->x->phases, c0 = i % job->blocks * CHANNELS, c1 = gt__min(g->c, c0 + CHANNELS);
  int64_t j = i / job->blocks * panel, block = CHANNELS * panel;
  gt__scratch s;
  if (gt__scratch_alloc(&s, (size_t)(job->x->p.points * phases * block) * sizeof(float))) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  float *sums = s.ptr;
  for (int64_t e = 0; e < job->x->p.points; e++) {
    for (int64_t phase = 0; phase < phases; phase++) {
      if (job->x->empty[phase] >> e & 1) continue;
      sum_rows(job, sums + (e * phases + phase) * block, e, phase, c0, c1, j, false, NULL, NULL);
    }
  }
  for (int64_t c = c0; c < c1; c++) unpack(job->weights, sums + (c - c0) * panel, block, phases * block, c, j, gt__min(panel, g->o - j));
  gt__scratch_free(&s);
}

/* Tiles of a chunk that are at hand together: so many that a sum's parts are the same as if all were. */
static int64_t tiles_at_hand(const grid *a) {
  if (a->parts > 1) return a->tiles;
  int64_t unit = 1;
  while (unit < a->tiles && unit * a->n % INNER) unit++;
  return gt__min(a->tiles, gt__max(1, AT_HAND / (a->p.points * a->phases * a->inner * a->n * unit)) * unit);
}

int gt__winograd_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale) {
  plan p = gt__winograd_plan(g);
  int64_t panel = gt__matrix()->cols_f, panels = gt__ceil_div(g->o, panel);
  gradient weights = {.to = w, .g = g, .p = p, .panels = panels, .beta = beta, .scale = scale};
  grid a = {.p = p, .in = x, .n = g->n, .inner = g->c, .phases = p.phases, .in_h = g->h, .in_w = g->w, .in_step = p.stride,
            .tiles_y = gt__ceil_div(g->oh, SIDE), .tiles_x = gt__ceil_div(g->ow, SIDE)};
  for (int64_t phase = 0; phase < p.phases; phase++) {
    a.in_y[phase] = phase / p.stride - g->ph, a.in_x[phase] = phase % p.stride - g->pw;
    a.empty[phase] = gt__winograd_empty(&p, g, phase, false);
  }
  weights.empty = a.empty;
  int64_t chunks = gt__winograd_cut(&a, gt__max(1, CHUNK / (p.points * p.phases * g->c)));
  int64_t tiles = chunks == 1 ? a.tiles : tiles_at_hand(&a), count = gt__min(tiles, a.tiles_y * a.tiles_x) * a.images;
  sums_job job = {.x = &a, .y = y, .weights = &weights, .v_step = p.phases * count * g->c + SKEW, .gv_step = count * g->o + SKEW};
  job.blocks = gt__ceil_div(g->c, CHANNELS);
  int64_t sums = chunks == 1 ? 0 : p.points * panels * panel * p.phases * g->c;
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(p.points * (job.v_step + job.gv_step) + sums) * sizeof(float)));
  job.v = s.ptr;
  job.gv = job.v + p.points * job.v_step;
  job.sums = job.gv + p.points * job.gv_step;
  for (int64_t i = 0; i < chunks; i++) {
    const rows all = gt__winograd_block(&a, i);
    for (int64_t tile = 0; tile < all.tiles; tile += tiles, job.add = true) {
      job.r = all;
      job.r.tile0 += tile;
      job.r.tiles = gt__min(tiles, all.tiles - tile);
      job.r.count = job.r.tiles * all.n;
      job.images = gt__winograd_images(g->c);
      gt__parallel(p.phases * job.r.tiles * gt__ceil_div(job.r.n, job.images), operand_task, &job);
      job.images = gt__winograd_images(g->o);
      gt__parallel(job.r.tiles * gt__ceil_div(job.r.n, job.images), gradient_task, &job);
      if (chunks == 1) gt__parallel(panels * job.blocks, whole_task, &job);
      else gt__parallel(p.points * gt__ceil_div(g->o, GT__BLOCK_COLS), sums_task, &job);
    }
  }
  if (chunks > 1) gt__parallel(panels * g->c, unpack_task, &job);
  gt__scratch_free(&s);
  return job.failed ? gt__fail(GT_ENOMEM, "conv: no memory for a block of sums") : GT_OK;
}
