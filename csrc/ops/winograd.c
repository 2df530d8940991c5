/* winograd.c: square kernels of stride 1 and 2, forward, input and weight form, by Winograd's F(4, r) (kernels/winograd.inl), for Float.
 *
 * With stride 2 a pixel's row and column are even or odd in the padded image: four phases, one with stride 1. Between one phase and the
 * output the kernel has r x r taps with stride 1 (r is half the kernel, rounded up; missing taps are 0), so y is a sum of such
 * convolutions, and each phase of x's gradient is one. A tile of 4 x 4 results takes P x P numbers of its operand, P = r + 3, into as
 * many points, where P^2 products replace 16 r^2: a matrix product for each point, over tiles and images, summed over phases and
 * channels. Where a kernel's size is odd, some phases have a tap less: their weights are 0 at a row, a column or both of their points,
 * whose products are left out. Orders of memory, all inside [y][x][image][channel]:
 *   operand   v[point][phase][row][inner channel]      row: tile and image
 *   weights   u[set][point][panel][phase][inner channel][column]
 *   products  m[point][row][column]
 * Where the weights are small, a task takes some rows all the way, and v and m stay in its core's L2 cache. Where they are large, all
 * rows go through each of the three stages together, so that the weights are read once. Where they are very large, or rows few, u, which is
 * several times as large as they are, is never there as a whole (winograd_columns.c).
 *
 * Work is cut by the problem's size; a sum belongs to one task and runs in one order.
 */
#include "winograd.h"
#include <string.h>

enum {
  NEAR = 512 << 10,          /* numbers of v and m that one task keeps in cache */
  ROWS_MIN = 24, TASKS_MIN = 4, /* with fewer rows at a time, or fewer tasks, all rows go through each stage together */
  LINE = 16,                 /* numbers in a cache line */
  TASK_ROWS = 528            /* rows of a product in one task */
};

const float gt__winograd_zeros[RUN];

static int64_t limit = INT64_MAX;

void gt__winograd_limit(int64_t numbers) { limit = numbers ? numbers : INT64_MAX; }
int64_t gt__winograd_at_most(int64_t numbers) { return gt__min(limit, numbers); }

plan gt__winograd_plan(const geometry *g) {
  plan p = {.taps = gt__ceil_div(g->kh, g->sh), .stride = g->sh, .phases = g->sh * g->sh};
  p.side = p.taps + SIDE - 1;
  p.points = p.side * p.side;
  p.transforms = p.taps == 2 ? &gt__winograd()->taps2 : &gt__winograd()->taps3;
  return p;
}

bool gt__winograd_can(const geometry *g) {
  int64_t taps = gt__ceil_div(g->kh, g->sh);
  return g->groups == 1 && g->kh == g->kw && g->sh == g->sw && g->sh <= 2 && g->dh == 1 && g->dw == 1 && (taps == 2 || taps == 3);
}

rows gt__winograd_block(const grid *a, int64_t i) {
  rows r = {.tile0 = i / a->parts * a->tiles, .n0 = i % a->parts * a->images};
  r.tiles = gt__min(a->tiles, a->tiles_y * a->tiles_x - r.tile0);
  r.n = gt__min(a->images, a->n - r.n0);
  r.count = r.tiles * r.n;
  return r;
}

int64_t gt__winograd_cut(grid *a, int64_t wanted) {
  int64_t unit = gt__matrix()->rows_f, tiles = a->tiles_y * a->tiles_x;
  a->tiles = gt__max(1, gt__min(tiles, wanted / a->n));
  a->images = a->n;
  if (wanted < a->n) a->images = gt__ceil_div(gt__ceil_div(a->n, gt__ceil_div(a->n, wanted)), unit) * unit;
  a->parts = gt__ceil_div(a->n, a->images);
  return gt__ceil_div(tiles, a->tiles) * a->parts;
}

static int64_t images_of_piece(int64_t channels) { return gt__max(1, 2 * RUN / channels); }

int64_t gt__winograd_pieces(const rows *r, int64_t channels) { return r->tiles * gt__ceil_div(r->n, images_of_piece(channels)); }

piece gt__winograd_piece(const rows *r, int64_t channels, int64_t i) {
  int64_t images = images_of_piece(channels), parts = gt__ceil_div(r->n, images), n0 = i % parts * images, tile = i / parts % r->tiles;
  return (piece){r->tile0 + tile, r->n0 + n0, gt__min(images, r->n - n0), tile * r->n + n0, i / parts / r->tiles};
}

/* ---- weights ------------------------------------------------------------------------------------------------------------ */

int64_t gt__winograd_tap(const plan *p, const geometry *g, int64_t phase, int64_t e) {
  int64_t i = p->stride * (e / p->taps) + phase / p->stride, j = p->stride * (e % p->taps) + phase % p->stride;
  return i < g->kh && j < g->kw ? i * g->kw + j : -1;
}

uint64_t gt__winograd_empty(const plan *p, const geometry *g, int64_t phase, bool flipped) {
  int64_t last = p->stride * (p->taps - 1), zero = flipped ? 0 : p->side - 1;
  bool rows = last + phase / p->stride >= g->kh, columns = last + phase % p->stride >= g->kw;
  uint64_t points = 0;
  for (int64_t e = 0; e < p->points; e++) {
    if ((rows && e / p->side == zero) || (columns && e % p->side == zero)) points |= (uint64_t)1 << e;
  }
  return points;
}

void gt__winograd_pack(const weights *u, int64_t l, int64_t at) {
  const geometry *g = u->g;
  const plan *p = &u->p;
  int64_t panel = gt__matrix()->cols_f, cols = u->input ? g->c : g->o, j0 = (u->first_panel + at) * panel, width = gt__min(panel, cols - j0);
  int64_t j_step = u->input ? g->taps : g->c * g->taps, l_step = u->input ? g->c * g->taps : g->taps;
  float tile[KERNEL * GT__BLOCK_COLS], *to[POINTS];
  const float *from[TAPS];
  if (width < panel) memset(tile, 0, (size_t)(g->taps * panel) * sizeof *tile);
  gt__matrix()->transpose_f(tile, panel, u->from + j0 * j_step + (u->first_inner + l) * l_step, j_step, width, g->taps);
  gt__round_f(tile, g->taps * panel, g->precision);
  for (int64_t phase = 0; phase < p->phases; phase++) {
    if (u->phase >= 0 && phase != u->phase) continue;
    int64_t set = u->input && u->phase < 0 ? phase : 0, place = u->input || u->phase >= 0 ? 0 : phase, all = p->taps * p->taps;
    int64_t phases = u->input || u->phase >= 0 ? 1 : p->phases;
    for (int64_t e = 0; e < all; e++) {
      int64_t t = gt__winograd_tap(p, g, phase, u->input ? all - 1 - e : e);
      from[e] = t < 0 ? gt__winograd_zeros : tile + t * panel;
    }
    for (int64_t e = 0; e < p->points; e++) {
      to[e] = u->to + (set * p->points + e) * u->point_step + ((at * phases + place) * u->inner + l) * panel;
    }
    (u->near ? p->transforms->weight_near : p->transforms->weight)(to, from, &(gt__runs){.rows = 1, .count = panel});
  }
}

static void pack_task(void *context, int64_t i) {
  const weights *u = context;
  gt__winograd_pack(u, i / u->panels, i % u->panels);
}

static void pack(void *to, void *context) {
  weights *u = context;
  u->to = to;
  gt__parallel(u->panels * u->inner, pack_task, u);
}

/* ---- stages ------------------------------------------------------------------------------------------------------------- */

void gt__winograd_spread(gt__transform *transform, const in_points *v, int64_t points, uint64_t empty, int64_t row0, const float *const *from,
                         int64_t pixels, int64_t rows) {
  /* One run of all rows, or a run for each row of a group. */
  bool joined = v->group >= v->channels;
  int64_t channels = joined ? rows * v->channels : v->channels, unit = joined ? RUN : v->group, together = joined ? 1 : gt__max(1, RUN / channels);
  const float *at[POINTS];
  float *to[POINTS];
  for (int64_t row = 0; row < (joined ? 1 : rows); row += together) {
    for (int64_t c = 0; c < channels; c += unit) {
      gt__runs runs = {.rows = gt__min(together, rows - row), .count = gt__min(unit, channels - c), .from_row = channels};
      runs.to_row = runs.count;
      for (int64_t e = 0; e < pixels; e++) at[e] = from[e] == gt__winograd_zeros ? from[e] : from[e] + row * channels + c;
      int64_t place = joined ? row0 * v->channels + c : c * v->rows + (row0 + row) * runs.count;
      for (int64_t e = 0; e < points; e++) to[e] = empty >> e & 1 ? NULL : v->at + e * v->step + place;
      transform(to, at, &runs);
    }
  }
}

void gt__winograd_operand(const grid *a, const in_points *v, int64_t row0, int64_t tile, int64_t phase, int64_t n0, int64_t n) {
  int64_t y0 = tile / a->tiles_x * SIDE * a->in_step + a->in_y[phase], x0 = tile % a->tiles_x * SIDE * a->in_step + a->in_x[phase];
  const float *pixel[POINTS];
  for (int64_t e = 0; e < a->p.points; e++) {
    int64_t y = y0 + e / a->p.side * a->in_step, x = x0 + e % a->p.side * a->in_step;
    bool inside = y >= 0 && y < a->in_h && x >= 0 && x < a->in_w;
    pixel[e] = inside ? a->in + ((y * a->in_w + x) * a->n + n0) * a->inner : gt__winograd_zeros;
  }
  gt__winograd_spread(a->p.transforms->operand, v, a->p.points, a->empty[phase], row0, pixel, a->p.points, n);
}

void gt__winograd_result(const grid *a, const float *m, int64_t m_step, int64_t m_row, int64_t tile, int64_t set, int64_t n0, int64_t n, int64_t j0,
                         int64_t width) {
  int64_t y0 = tile / a->tiles_x * SIDE * a->out_step + a->out_y[set], x0 = tile % a->tiles_x * SIDE * a->out_step + a->out_x[set];
  const float *from[POINTS];
  float *pixel[SIDE * SIDE], *to[SIDE * SIDE];
  for (int64_t e = 0; e < SIDE * SIDE; e++) {
    int64_t y = y0 + e / SIDE * a->out_step, x = x0 + e % SIDE * a->out_step;
    pixel[e] = y < a->out_h && x < a->out_w ? a->out + ((y * a->out_w + x) * a->n + n0) * a->cols + j0 : NULL;
  }
  /* One run of all rows, in pieces, or one for each row. */
  bool joined = width == m_row && width == a->cols;
  gt__runs runs = {.rows = joined ? 1 : n, .to_row = a->cols, .from_row = m_row};
  for (int64_t at = 0, numbers = joined ? n * width : width; at < numbers; at += RUN) {
    runs.count = gt__min(RUN, numbers - at);
    for (int64_t e = 0; e < a->p.points; e++) from[e] = m + e * m_step + at;
    for (int64_t e = 0; e < SIDE * SIDE; e++) to[e] = pixel[e] ? pixel[e] + at : NULL;
    a->p.transforms->result(to, from, &runs);
  }
}

/* Rows row0 .. row1 - 1 and columns j0 .. j1 - 1 of the products of one point of a set; v holds `count` rows of each phase. */
static void multiply(const grid *a, const weights *u, const float *v, float *m, int64_t set, int64_t e, int64_t count, int64_t row0,
                     int64_t row1, int64_t j0, int64_t j1) {
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t panel = kernels->cols_f, depth = a->phases * a->inner;
  const float *as[PHASES], *bs[PHASES], *from = u->to + (set * a->p.points + e) * u->point_step;
  gt__product_f p = {.c_row = a->cols, .a = as, .b = bs, .a_row = a->inner, .a_step = 1, .b_row = panel, .k = a->inner, .ahead_step = LINE * sizeof(float)};
  for (int64_t phase = 0; phase < a->phases; phase++) {
    if (gt__winograd_is_empty(a, set + phase, e)) continue;
    as[p.count] = v + phase * count * a->inner;
    bs[p.count++] = from + phase * a->inner * panel;
  }
  for (int64_t j = j0; j < j1; j += panel) {
    p.b_offset = j * depth;
    /* The next panel, after the last one the next point's: a part of it by each block of rows. */
    const float *ahead = from + (j + panel) * depth, *end = ahead + panel * depth;
    for (int64_t row = row0; row < row1; row += kernels->rows_f, ahead += p.count * p.k * LINE) {
      p.a_offset = row * a->inner;
      p.ahead = ahead < end ? ahead : NULL;
      p.c = m + row * a->cols + j;
      kernels->block_f(&p, (int)gt__min(kernels->rows_f, row1 - row), (int)gt__min(panel, j1 - j));
    }
  }
}

/* ---- some rows all the way ------------------------------------------------------------------------------------------------ */

typedef struct through_job { const grid *a; const weights *u; int failed; } through_job;

static void through_task(void *context, int64_t i) {
  through_job *job = context;
  const grid *a = job->a;
  rows r = gt__winograd_block(a, i);
  int64_t v_step = a->phases * r.count * a->inner + SKEW, m_step = r.count * a->cols + SKEW;
  gt__scratch s;
  if (gt__scratch_alloc(&s, (size_t)(a->p.points * (v_step + m_step)) * sizeof(float))) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  float *v = s.ptr, *m = v + a->p.points * v_step;
  for (int64_t set = 0; set < a->sets; set++) {
    for (int64_t phase = 0; phase < a->phases; phase++) {
      for (int64_t t = 0; t < r.tiles; t++) {
        const in_points to = {v + phase * r.count * a->inner, v_step, r.count, a->inner, a->inner};
        gt__winograd_operand(a, &to, t * r.n, r.tile0 + t, set + phase, r.n0, r.n);
      }
    }
    for (int64_t e = 0; e < a->p.points; e++) multiply(a, job->u, v + e * v_step, m + e * m_step, set, e, r.count, 0, r.count, 0, a->cols);
    for (int64_t t = 0; t < r.tiles; t++) gt__winograd_result(a, m + t * r.n * a->cols, m_step, a->cols, r.tile0 + t, set, r.n0, r.n, 0, a->cols);
  }
  gt__scratch_free(&s);
}

/* ---- all rows through each stage -------------------------------------------------------------------------------------------- */

typedef struct staged_job {
  const grid *a;
  const weights *u;
  rows r;
  float *v, *m;
  int64_t v_step, m_step, set;
} staged_job;

static void operand_task(void *context, int64_t i) {
  const staged_job *job = context;
  const grid *a = job->a;
  piece p = gt__winograd_piece(&job->r, a->inner, i);
  const in_points to = {job->v + p.phase * job->r.count * a->inner, job->v_step, job->r.count, a->inner, a->inner};
  gt__winograd_operand(a, &to, p.row, p.tile, job->set + p.phase, p.n0, p.n);
}

static void product_task(void *context, int64_t i) {
  const staged_job *job = context;
  int64_t count = job->r.count, blocks = gt__ceil_div(count, TASK_ROWS), groups = gt__ceil_div(job->a->cols, GT__BLOCK_COLS);
  int64_t row0 = i % blocks * TASK_ROWS, e = i / blocks / groups, j0 = i / blocks % groups * GT__BLOCK_COLS;
  multiply(job->a, job->u, job->v + e * job->v_step, job->m + e * job->m_step, job->set, e, count, row0, gt__min(count, row0 + TASK_ROWS), j0,
           gt__min(job->a->cols, j0 + GT__BLOCK_COLS));
}

static void result_task(void *context, int64_t i) {
  const staged_job *job = context;
  int64_t cols = job->a->cols;
  piece p = gt__winograd_piece(&job->r, cols, i);
  gt__winograd_result(job->a, job->m + p.row * cols, job->m_step, cols, p.tile, job->set, p.n0, p.n, 0, cols);
}

static int staged(grid *a, const weights *u) {
  int64_t blocks = gt__winograd_cut(a, gt__max(1, gt__winograd_at_most(CHUNK) / (a->p.points * a->phases * a->inner)));
  rows r = gt__winograd_block(a, 0);
  staged_job job = {.a = a, .u = u, .v_step = a->phases * r.count * a->inner + SKEW, .m_step = r.count * a->cols + SKEW};
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(a->p.points * (job.v_step + job.m_step)) * sizeof(float)));
  job.v = s.ptr;
  job.m = job.v + a->p.points * job.v_step;
  for (int64_t i = 0; i < blocks * a->sets; i++) {
    job.r = gt__winograd_block(a, i / a->sets);
    job.set = i % a->sets;
    gt__parallel(a->phases * gt__winograd_pieces(&job.r, a->inner), operand_task, &job);
    gt__parallel(a->p.points * gt__ceil_div(a->cols, GT__BLOCK_COLS) * gt__ceil_div(job.r.count, TASK_ROWS), product_task, &job);
    gt__parallel(gt__winograd_pieces(&job.r, a->cols), result_task, &job);
  }
  gt__scratch_free(&s);
  return GT_OK;
}

/* All rows of a grid: products with u, which is made of w or kept from another time. */
static int through_points(grid *a, weights *u, const gt_tensor *w) {
  const geometry *g = u->g;
  int64_t unit = gt__matrix()->rows_f, near = NEAR / (a->p.points * (a->phases * a->inner + a->cols)) / unit * unit;
  bool by_stages = near < ROWS_MIN || a->n * a->tiles_y * a->tiles_x < TASKS_MIN * near;
  u->from = gt__f(w);
  u->panels = gt__ceil_div(a->cols, gt__matrix()->cols_f);
  u->inner = a->inner;
  u->phase = -1;
  u->point_step = a->phases * a->inner * u->panels * gt__matrix()->cols_f;
  if (gt__winograd_wants_columns(a, u)) return gt__winograd_by_columns(a, u);
  uint64_t form = gt__form(GT__BY_WINOGRAD, u->input ? GT__INPUT : GT__FORWARD, g->precision) | (uint64_t)u->p.stride << 8;
  gt__packed *kept;
  GT_TRY(gt__packed_get(&kept, w, form, (size_t)(a->sets * a->p.points * u->point_step) * sizeof(float), pack, u));
  u->to = gt__packed_data(kept);
  through_job job = {.a = a, .u = u};
  int code = GT_OK;
  if (by_stages) code = staged(a, u);
  else gt__parallel(gt__winograd_cut(a, near), through_task, &job);
  gt__packed_put(kept);
  return job.failed ? gt__fail(GT_ENOMEM, "conv: no memory for a block of transformed images") : code;
}

/* ---- forward and input -------------------------------------------------------------------------------------------------- */

int gt__winograd_forward(float *y, const float *x, const gt_tensor *w, const geometry *g) {
  weights job = {.g = g, .p = gt__winograd_plan(g)};
  grid a = {.p = job.p, .in = x, .out = y, .n = g->n, .inner = g->c, .cols = g->o, .phases = job.p.phases, .sets = 1,
            .in_h = g->h, .in_w = g->w, .in_step = job.p.stride, .out_h = g->oh, .out_w = g->ow, .out_step = 1,
            .tiles_y = gt__ceil_div(g->oh, SIDE), .tiles_x = gt__ceil_div(g->ow, SIDE)};
  for (int64_t phase = 0; phase < a.phases; phase++) {
    a.in_y[phase] = phase / a.p.stride - g->ph, a.in_x[phase] = phase % a.p.stride - g->pw;
    a.empty[phase] = gt__winograd_empty(&a.p, g, phase, false);
  }
  return through_points(&a, &job, w);
}

/* The first q with stride q + phase - pad >= 0. */
static int64_t first(int64_t pad, int64_t phase, int64_t stride) { return pad > phase ? gt__ceil_div(pad - phase, stride) : 0; }

/* Tiles that hold the results from it to those of the last of `size` pixels. */
static int64_t tiles_of_phase(int64_t size, int64_t pad, int64_t phase, int64_t stride) {
  return gt__ceil_div(gt__max(0, (size - 1 + pad - phase + stride) / stride - first(pad, phase, stride)), SIDE);
}

int gt__winograd_input(float *x, const float *y, const gt_tensor *w, const geometry *g) {
  weights job = {.g = g, .p = gt__winograd_plan(g), .input = true};
  int64_t stride = job.p.stride;
  grid a = {.p = job.p, .in = y, .out = x, .n = g->n, .inner = g->o, .cols = g->c, .phases = 1, .sets = job.p.phases,
            .in_h = g->oh, .in_w = g->ow, .in_step = 1, .out_h = g->h, .out_w = g->w, .out_step = stride};
  for (int64_t phase = 0; phase < a.sets; phase++) {
    int64_t down = phase / stride, right = phase % stride, y0 = first(g->ph, down, stride), x0 = first(g->pw, right, stride);
    a.in_y[phase] = y0 - (a.p.taps - 1), a.in_x[phase] = x0 - (a.p.taps - 1);
    a.empty[phase] = gt__winograd_empty(&a.p, g, phase, true);
    a.out_y[phase] = stride * y0 + down - g->ph, a.out_x[phase] = stride * x0 + right - g->pw;
    a.tiles_y = gt__max(a.tiles_y, tiles_of_phase(g->h, g->ph, down, stride));
    a.tiles_x = gt__max(a.tiles_x, tiles_of_phase(g->w, g->pw, right, stride));
  }
  return through_points(&a, &job, w);
}
