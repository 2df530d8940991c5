/* winograd_weight.c: the weight form by Winograd's way (winograd.c): for each point and phase a product of the transformed image and the
 * transformed gradient, summed over rows; then the points' sums become taps. A task takes some channels of x and of y through all points;
 * both lie in groups of channels, so that what a product reads lies together and the gradient's part of it stays in L1. Rows come in
 * chunks, whose sums are kept between them. */
#include "winograd.h"

enum {
  AT_HAND = 2 << 20,         /* numbers of v at a time, where rows come in several chunks */
  TAPS_AT_HAND = 2 << 20,    /* numbers of taps at a time, if there is more than a group of channels of them */
  INNER = 128,               /* rows of a product taken together */
  TASKS = 8, LEAST = 16,     /* with fewer tasks, they are of half as many channels of x, unless these are no more than so many */
  LINE = 16                  /* numbers in a cache line */
};

typedef struct weight_job {
  const grid *x;
  const geometry *g;
  const float *y;
  float *to;                 /* w = beta w + scale times the gradient */
  float beta, scale;
  rows r;
  in_points v, gv;           /* v: of the first phase; v_phase numbers to the next */
  int64_t v_phase;
  int64_t channels, blocks;  /* of x in a task; so many times */
  int64_t group0;            /* the first group of y's channels in hand */
  float *taps;               /* [group, from group0 on][block of x's channels][tap][channel of x][channel of y] */
  float *sums;               /* [task][point][channel of x][channel of y]; NULL: rows come in one chunk */
  bool first, last;          /* chunk */
  int failed;
} weight_job;

static void operand_task(void *context, int64_t i) {
  const weight_job *job = context;
  piece p = gt__winograd_piece(&job->r, job->g->c, i);
  in_points to = job->v;
  to.at += p.phase * job->v_phase;
  gt__winograd_operand(job->x, &to, p.row, p.tile, p.phase, p.n0, p.n);
}

static void gradient_task(void *context, int64_t i) {
  const weight_job *job = context;
  const geometry *g = job->g;
  piece p = gt__winograd_piece(&job->r, g->o, i);
  int64_t y0 = p.tile / job->x->tiles_x * SIDE, x0 = p.tile % job->x->tiles_x * SIDE;
  const float *from[SIDE * SIDE];
  for (int64_t e = 0; e < SIDE * SIDE; e++) {
    int64_t y = y0 + e / SIDE, x = x0 + e % SIDE;
    from[e] = y < g->oh && x < g->ow ? job->y + ((y * g->ow + x) * g->n + p.n0) * g->o : gt__winograd_zeros;
  }
  gt__winograd_spread(job->x->p.transforms->gradient, &job->gv, job->x->p.points, 0, p.row, from, SIDE * SIDE, p.n);
}

/* A part of the gradient: some channels of x, some of y, the taps of a phase. */
typedef struct part { int64_t c0, channels, j0, width, phase; } part;

static part part_of(const weight_job *job, int64_t i) {
  int64_t phases = job->x->phases, group = job->group0 + i / phases / job->blocks;
  part w = {.phase = i % phases, .c0 = i / phases % job->blocks * job->channels, .j0 = group * GROUP};
  w.channels = gt__min(job->channels, job->g->c - w.c0);
  w.width = gt__min(GROUP, job->g->o - w.j0);
  return w;
}

/* sums[channel of x][channel of y] of a point = (add ? sums : 0) + those of the rows at hand. Meanwhile the next point's rows are fetched:
 * a product reads too little at a time for the processor to do so. */
static void sum_rows(const weight_job *job, float *sums, const part *w, int64_t e, bool add) {
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t panel = kernels->cols_f, rows = job->r.count, group = w->c0 / GROUP * GROUP, group_width = gt__min(GROUP, job->v.channels - group);
  const float *v = job->v.at + w->phase * job->v_phase + e * job->v.step + group * rows, *gv = job->gv.at + e * job->gv.step + w->j0 * rows;
  const float *a, *b;
  const bool is_last = e + 1 == job->x->p.points;
  const float *ahead[2] = {is_last ? NULL : v + job->v.step, is_last ? NULL : gv + job->gv.step};
  int64_t left[2] = {rows * group_width, rows * w->width}, now = is_last ? 2 : 0;
  gt__product_f p = {.c_row = GROUP, .a = &a, .b = &b, .a_row = 1, .a_step = group_width, .b_row = w->width, .count = 1, .add = add,
                     .ahead_step = LINE * sizeof(float)};
  for (int64_t row = 0; row < rows; row += INNER, p.add = true) {
    p.k = gt__min(INNER, rows - row);
    a = v + row * group_width;
    b = gv + row * w->width;
    for (int64_t c = 0; c < w->channels; c += kernels->rows_f) {
      p.a_offset = w->c0 - group + c;
      for (int64_t j = 0; j < w->width; j += panel) {
        p.b_offset = j;
        p.c = sums + c * GROUP + j;
        p.ahead = now < 2 ? ahead[now] : NULL;
        kernels->block_f(&p, (int)gt__min(kernels->rows_f, w->channels - c), (int)gt__min(panel, w->width - j));
        if (!p.ahead) continue;
        ahead[now] += p.k * LINE, left[now] -= p.k * LINE;
        if (left[now] <= 0) now++;
      }
    }
  }
}

/* taps[tap][channel of x][channel of y] of a phase from sums[point][channel of x][channel of y]. */
static void to_taps(const weight_job *job, float *taps, const float *sums, const part *w) {
  const plan *p = &job->x->p;
  int64_t size = job->channels * GROUP;
  const float *from[POINTS];
  float *to[TAPS];
  for (int64_t e = 0; e < p->points; e++) from[e] = gt__winograd_is_empty(job->x, w->phase, e) ? gt__winograd_zeros : sums + e * size;
  for (int64_t e = 0; e < p->taps * p->taps; e++) {
    int64_t t = gt__winograd_tap(p, job->g, w->phase, e);
    to[e] = t < 0 ? NULL : taps + t * size;
  }
  p->transforms->weight_gradient(to, from, &(gt__runs){w->channels, w->width, GROUP, GROUP});
}

static void sums_task(void *context, int64_t i) {
  weight_job *job = context;
  const grid *a = job->x;
  const part w = part_of(job, i);
  int64_t size = job->channels * GROUP, kept = job->group0 * job->blocks * a->phases + i;
  gt__scratch s = {0};
  if (!job->sums && gt__scratch_alloc(&s, (size_t)(a->p.points * size) * sizeof(float))) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  float *sums = job->sums ? job->sums + kept * a->p.points * size : s.ptr;
  for (int64_t e = 0; e < a->p.points; e++) {
    if (!gt__winograd_is_empty(a, w.phase, e)) sum_rows(job, sums + e * size, &w, e, !job->first);
  }
  if (job->last) to_taps(job, job->taps + i / a->phases * job->g->taps * size, sums, &w);
  if (!job->sums) gt__scratch_free(&s);
}

/* w[channel of y][channel of x][tap] of one block and group. */
static void put_task(void *context, int64_t i) {
  const weight_job *job = context;
  const geometry *g = job->g;
  const part w = part_of(job, i * job->x->phases);
  int64_t size = job->channels * GROUP;
  float tile[GROUP * KERNEL];
  for (int64_t c = 0; c < w.channels; c++) {
    gt__matrix()->transpose_f(tile, g->taps, job->taps + i * g->taps * size + c * GROUP, size, g->taps, w.width);
    for (int64_t j = 0; j < w.width; j++) {
      float *to = job->to + ((w.j0 + j) * g->c + w.c0 + c) * g->taps;
      const float *from = tile + j * g->taps;
      for (int64_t t = 0; t < g->taps; t++) to[t] = (job->beta == 0 ? 0 : job->beta * to[t]) + job->scale * from[t];
    }
  }
}

int gt__winograd_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale) {
  plan p = gt__winograd_plan(g);
  grid a = {.p = p, .in = x, .n = g->n, .inner = g->c, .phases = p.phases, .in_h = g->h, .in_w = g->w, .in_step = p.stride,
            .tiles_y = gt__ceil_div(g->oh, SIDE), .tiles_x = gt__ceil_div(g->ow, SIDE)};
  for (int64_t phase = 0; phase < p.phases; phase++) {
    a.in_y[phase] = phase / p.stride - g->ph, a.in_x[phase] = phase % p.stride - g->pw;
    a.empty[phase] = gt__winograd_empty(&p, g, phase, false);
  }
  int64_t groups = gt__ceil_div(g->o, GROUP), channels = gt__min(GROUP, g->c);
  while (groups * gt__ceil_div(g->c, channels) * p.phases < TASKS && channels > LEAST) channels = gt__ceil_div(channels, 2);
  int64_t blocks = gt__ceil_div(g->c, channels), size = channels * GROUP, sums = groups * blocks * p.phases * p.points * size;
  /* All rows at once where they are not many, or fewer than the sums that would be kept between chunks. */
  int64_t of_v = p.points * p.phases * g->c, rows = g->n * a.tiles_y * a.tiles_x;
  bool whole = rows * of_v <= gt__winograd_at_most(CHUNK) || rows * (of_v + p.points * g->o) <= sums;
  int64_t chunks = gt__winograd_cut(&a, whole ? rows : gt__max(1, gt__winograd_at_most(AT_HAND) / of_v));
  int64_t together = gt__winograd_at_most(TAPS_AT_HAND) / (blocks * g->taps * size);
  together = gt__max(1, gt__min(groups, together));
  rows = gt__winograd_block(&a, 0).count;
  weight_job job = {.x = &a, .g = g, .y = y, .to = w, .beta = (float)beta, .scale = (float)scale, .v_phase = rows * g->c,
                    .v = {NULL, p.phases * rows * g->c + SKEW, rows, g->c, GROUP}, .gv = {NULL, rows * g->o + SKEW, rows, g->o, GROUP},
                    .channels = channels, .blocks = blocks};
  int64_t points = p.points * (job.v.step + job.gv.step), taps = together * blocks * g->taps * size;
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(points + taps + (chunks > 1 ? sums : 0)) * sizeof(float)));
  job.v.at = s.ptr;
  job.gv.at = job.v.at + p.points * job.v.step;
  job.taps = job.v.at + points;
  if (chunks > 1) job.sums = job.taps + taps;
  for (int64_t i = 0; i < chunks; i++) {
    job.r = gt__winograd_block(&a, i);
    job.first = i == 0, job.last = i + 1 == chunks;
    job.v.rows = job.gv.rows = job.r.count;
    gt__parallel(p.phases * gt__winograd_pieces(&job.r, g->c), operand_task, &job);
    gt__parallel(gt__winograd_pieces(&job.r, g->o), gradient_task, &job);
    for (job.group0 = 0; job.group0 < groups; job.group0 += together) {
      int64_t parts = gt__min(together, groups - job.group0) * blocks;
      gt__parallel(parts * p.phases, sums_task, &job);
      if (job.last && !job.failed) gt__parallel(parts, put_task, &job);
    }
  }
  gt__scratch_free(&s);
  return job.failed ? gt__fail(GT_ENOMEM, "conv: no memory for a block of sums") : GT_OK;
}
