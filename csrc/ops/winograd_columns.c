/* winograd_columns.c: the forward and input form by Winograd's way (winograd.c) where the weights as points, several times as large as they
 * are, are more than the caches hold, or there are too few rows for them to be worth keeping. A task takes all rows at hand through the
 * products with a group of columns: it makes the weights of a group of inner channels just before it multiplies by them, in its core's L2
 * cache, where those of one point then stay in L1 for all rows. The sums of products are in L2 too, unless rows are many. */
#include "winograd.h"
#include <string.h>

enum {
  AHEAD = 32,                /* bytes of the next point's operand that are fetched with each term of a product */
  LARGE = 8 << 20,           /* numbers of u beyond which it is not kept ... */
  HUGE = 24 << 20,           /* ... even if rows come in several blocks, for each of which it is made again; */
  FEW_ROWS = 128, SOME = 1 << 18, /* and those beyond which it is not kept for so few rows: reading it takes as long as making it */
  TASKS_MIN = 2,             /* with fewer groups of columns, the ways that cut rows have more tasks */
  MOST = 16 << 20            /* numbers of v at a time, if there is more than a tile of them */
};

typedef struct columns_job {
  const grid *a;
  const weights *u;
  rows r;
  float *v;                  /* v[set][point][phase][group][row][inner channel of the group], of some sets from set0 on */
  int64_t v_step, set0;
  int failed;
} columns_job;

static void operand_task(void *context, int64_t i) {
  const columns_job *job = context;
  const grid *a = job->a;
  piece p = gt__winograd_piece(&job->r, a->inner, i);
  int64_t set = p.phase / a->phases, phase = p.phase % a->phases;
  const in_points to = {job->v + set * a->p.points * job->v_step + phase * job->r.count * a->inner, job->v_step, job->r.count, a->inner, GROUP};
  gt__winograd_operand(a, &to, p.row, p.tile, job->set0 + p.phase, p.n0, p.n);
}

/* m[row][column] of one point = (add ? m : 0) + the products of v and b, both of the phase and the inner channels that u has. Meanwhile the
 * rows at `next` are fetched. */
static void multiply(const weights *u, float *m, const float *v, const float *b, int64_t rows, int64_t width, bool add, const float *next) {
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t panel = kernels->cols_f, fetched = 0;
  gt__product_f p = {.c_row = GROUP, .a = &v, .b = &b, .a_row = u->inner, .a_step = 1, .b_row = panel, .count = 1, .k = u->inner, .add = add,
                     .ahead_step = AHEAD};
  for (int64_t row = 0; row < rows; row += kernels->rows_f) {
    p.a_offset = row * u->inner;
    for (int64_t j = 0; j < width; j += panel, fetched += u->inner * AHEAD / (int64_t)sizeof(float)) {
      p.b_offset = j * u->inner;
      p.c = m + row * GROUP + j;
      p.ahead = fetched < rows * u->inner ? next + fetched : NULL;
      kernels->block_f(&p, (int)gt__min(kernels->rows_f, rows - row), (int)gt__min(panel, width - j));
    }
  }
}

static void columns_task(void *context, int64_t i) {
  columns_job *job = context;
  const grid *a = job->a;
  weights u = *job->u;
  int64_t panel = gt__matrix()->cols_f, groups = gt__ceil_div(a->cols, GROUP), set = job->set0 + i / groups, j0 = i % groups * GROUP;
  int64_t width = gt__min(GROUP, a->cols - j0), rows = job->r.count, m_step = rows * GROUP + SKEW;
  u.near = true;
  u.first_panel = j0 / panel, u.panels = gt__ceil_div(width, panel);
  u.point_step = gt__min(GROUP, a->inner) * u.panels * panel + SKEW;
  gt__scratch s;
  if (gt__scratch_alloc(&s, (size_t)(a->p.points * (u.point_step + m_step)) * sizeof(float))) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  float *m = s.ptr;
  u.to = m + a->p.points * m_step;
  uint64_t begun = 0;        /* points that have products */
  for (u.first_inner = 0; u.first_inner < a->inner; u.first_inner += GROUP) {
    u.inner = gt__min(GROUP, a->inner - u.first_inner);
    for (int64_t phase = 0; phase < a->phases; phase++) {
      u.phase = set + phase;
      for (int64_t l = 0; l < u.inner; l++) {
        for (int64_t at = 0; at < u.panels; at++) gt__winograd_pack(&u, l, at);
      }
      const float *v = job->v + i / groups * a->p.points * job->v_step + (phase * a->inner + u.first_inner) * rows;
      for (int64_t e = 0; e < a->p.points; e++, v += job->v_step) {
        if (gt__winograd_is_empty(a, set + phase, e)) continue;
        multiply(&u, m + e * m_step, v, u.to + e * u.point_step, rows, width, begun >> e & 1, e + 1 < a->p.points ? v + job->v_step : v);
        begun |= (uint64_t)1 << e;
      }
    }
  }
  for (int64_t e = 0; e < a->p.points; e++) {
    if (!(begun >> e & 1)) memset(m + e * m_step, 0, (size_t)(rows * GROUP) * sizeof *m);
  }
  for (int64_t t = 0; t < job->r.tiles; t++) {
    gt__winograd_result(a, m + t * job->r.n * GROUP, m_step, GROUP, job->r.tile0 + t, set, job->r.n0, job->r.n, j0, width);
  }
  gt__scratch_free(&s);
}

/* Numbers of v for so many rows of one set; whether those of all rows and sets are at hand together. */
static int64_t numbers_of_v(const grid *a, int64_t rows) { return rows * a->p.points * a->phases * a->inner; }
static bool whole(const grid *a) { return a->sets * numbers_of_v(a, a->n * a->tiles_y * a->tiles_x) <= gt__winograd_at_most(MOST); }

bool gt__winograd_wants_columns(const grid *a, const weights *u) {
  int64_t numbers = a->sets * a->p.points * u->point_step, rows = a->n * a->tiles_y * a->tiles_x;
  if (numbers > gt__winograd_at_most(HUGE)) return true;
  return whole(a) && a->sets * gt__ceil_div(a->cols, GROUP) >= TASKS_MIN && numbers > gt__winograd_at_most(rows > FEW_ROWS ? LARGE : SOME);
}

int gt__winograd_by_columns(grid *a, const weights *u) {
  int64_t together = whole(a) ? a->sets : 1; /* all sets together give more tasks */
  int64_t blocks = gt__winograd_cut(a, gt__max(1, gt__winograd_at_most(MOST) / (together * numbers_of_v(a, 1))));
  int64_t rows = gt__winograd_block(a, 0).count;
  columns_job job = {.a = a, .u = u, .v_step = a->phases * rows * a->inner + SKEW};
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(together * a->p.points * job.v_step) * sizeof(float)));
  job.v = s.ptr;
  for (int64_t i = 0; i < blocks; i++) {
    job.r = gt__winograd_block(a, i);
    for (job.set0 = 0; job.set0 < a->sets; job.set0 += together) {
      gt__parallel(together * a->phases * gt__winograd_pieces(&job.r, a->inner), operand_task, &job);
      gt__parallel(together * gt__ceil_div(a->cols, GROUP), columns_task, &job);
    }
  }
  gt__scratch_free(&s);
  return job.failed ? gt__fail(GT_ENOMEM, "conv: no memory for a block of products") : GT_OK;
}
