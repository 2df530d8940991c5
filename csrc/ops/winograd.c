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
 * rows go through each of the three stages together, so that the weights are read once. Where they are very large, u, which is several
 * times as large as they are, is never there as a whole: some panels are made, used and forgotten.
 *
 * Work is cut by the problem's size; a sum belongs to one task and runs in one order.
 */
#include "winograd.h"
#include <string.h>

enum {
  NEAR = 512 << 10,          /* numbers of v and m that one task keeps in cache */
  ROWS_MIN = 24, TASKS_MIN = 4, /* with fewer rows at a time, or fewer tasks, all rows go through each stage together */
  LINE = 16,                 /* numbers in a cache line */
  TASK_ROWS = 528,           /* rows of a product in one task */
  LARGE = 8 << 20,           /* numbers of u beyond which it is made in parts ... */
  PART = 2 << 20             /* ... of so many, if there is more than a panel of them */
};

const float gt__winograd_zeros[RUN];

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

int64_t gt__winograd_bytes(const geometry *g) {
  plan p = gt__winograd_plan(g);
  return p.points * p.phases * g->c * g->o * (int64_t)sizeof(float);
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

/* ---- weights ------------------------------------------------------------------------------------------------------------ */

/* u, or a part of it: `panels` panels from the first_panel-th on, of all sets or (set not negative) of one. */
typedef struct weight_job {
  float *to;
  const float *from;
  const geometry *g;
  plan p;
  bool input;                /* columns are channels of x, a set for each phase; else those of y, and one set */
  int64_t panels, first_panel, set;
} weight_job;

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

static void pack_task(void *context, int64_t i) {
  const weight_job *job = context;
  const geometry *g = job->g;
  const plan *p = &job->p;
  int64_t panel = gt__matrix()->cols_f, inner = job->input ? g->o : g->c, cols = job->input ? g->c : g->o;
  int64_t panels = job->panels, l = i / panels, at = i % panels, j0 = (job->first_panel + at) * panel, width = gt__min(panel, cols - j0);
  int64_t j_step = job->input ? g->taps : g->c * g->taps, l_step = job->input ? g->c * g->taps : g->taps;
  float tile[KERNEL * GT__BLOCK_COLS] = {0}, *to[POINTS];
  const float *from[TAPS];
  gt__matrix()->transpose_f(tile, panel, job->from + j0 * j_step + l * l_step, j_step, width, g->taps);
  gt__round_f(tile, g->taps * panel, g->precision);
  for (int64_t phase = 0; phase < p->phases; phase++) {
    if (job->input && job->set >= 0 && phase != job->set) continue;
    int64_t set = job->input && job->set < 0 ? phase : 0, place = job->input ? 0 : phase, phases = job->input ? 1 : p->phases, all = p->taps * p->taps;
    for (int64_t e = 0; e < all; e++) {
      int64_t t = gt__winograd_tap(p, g, phase, job->input ? all - 1 - e : e);
      from[e] = t < 0 ? gt__winograd_zeros : tile + t * panel;
    }
    for (int64_t e = 0; e < p->points; e++) {
      to[e] = job->to + ((((set * p->points + e) * panels + at) * phases + place) * inner + l) * panel;
    }
    (job->set < 0 ? p->transforms->weight : p->transforms->weight_near)(to, from, panel);
  }
}

static void pack(void *to, void *context) {
  weight_job *job = context;
  job->to = to;
  gt__parallel(job->panels * (job->input ? job->g->o : job->g->c), pack_task, job);
}

/* ---- stages ------------------------------------------------------------------------------------------------------------- */

void gt__winograd_operand(const grid *a, float *v, int64_t v_step, int64_t tile, int64_t phase, int64_t n0, int64_t n) {
  int64_t y0 = tile / a->tiles_x * SIDE * a->in_step + a->in_y[phase], x0 = tile % a->tiles_x * SIDE * a->in_step + a->in_x[phase];
  const float *pixel[POINTS], *from[POINTS];
  float *to[POINTS];
  for (int64_t e = 0; e < a->p.points; e++) {
    int64_t y = y0 + e / a->p.side * a->in_step, x = x0 + e % a->p.side * a->in_step;
    bool inside = y >= 0 && y < a->in_h && x >= 0 && x < a->in_w;
    pixel[e] = inside ? a->in + ((y * a->in_w + x) * a->n + n0) * a->inner : NULL;
  }
  for (int64_t at = 0, numbers = n * a->inner; at < numbers; at += RUN) {
    for (int64_t e = 0; e < a->p.points; e++) {
      from[e] = pixel[e] ? pixel[e] + at : gt__winograd_zeros;
      to[e] = a->empty[phase] >> e & 1 ? NULL : v + e * v_step + at;
    }
    a->p.transforms->operand(to, from, gt__min(RUN, numbers - at));
  }
}

/* The results of one tile from m[point][row][column], points m_step apart. */
static void transform_result(const grid *a, const float *m, int64_t m_step, int64_t tile, int64_t set, int64_t n0, int64_t n) {
  int64_t y0 = tile / a->tiles_x * SIDE * a->out_step + a->out_y[set], x0 = tile % a->tiles_x * SIDE * a->out_step + a->out_x[set];
  const float *from[POINTS];
  float *pixel[SIDE * SIDE], *to[SIDE * SIDE];
  for (int64_t e = 0; e < SIDE * SIDE; e++) {
    int64_t y = y0 + e / SIDE * a->out_step, x = x0 + e % SIDE * a->out_step;
    pixel[e] = y < a->out_h && x < a->out_w ? a->out + ((y * a->out_w + x) * a->n + n0) * a->cols : NULL;
  }
  for (int64_t at = 0, numbers = n * a->cols; at < numbers; at += RUN) {
    for (int64_t e = 0; e < a->p.points; e++) from[e] = m + e * m_step + at;
    for (int64_t e = 0; e < SIDE * SIDE; e++) to[e] = pixel[e] ? pixel[e] + at : NULL;
    a->p.transforms->result(to, from, gt__min(RUN, numbers - at));
  }
}

/* Rows row0 .. row1 - 1 and columns j0 .. j1 - 1 of the products of one point of a set; v holds `count` rows of each phase. */
static void multiply(const grid *a, const weight_job *u, const float *v, float *m, int64_t set, int64_t e, int64_t count, int64_t row0,
                     int64_t row1, int64_t j0, int64_t j1) {
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t panel = kernels->cols_f, first = u->first_panel * panel, depth = a->phases * a->inner, place = u->set < 0 ? set : 0;
  const float *as[PHASES], *bs[PHASES], *weights = u->to + (place * a->p.points + e) * u->panels * panel * depth;
  gt__product_f p = {.c_row = a->cols, .a = as, .b = bs, .a_row = a->inner, .a_step = 1, .b_row = panel, .k = a->inner};
  for (int64_t phase = 0; phase < a->phases; phase++) {
    if (a->empty[set + phase] >> e & 1) continue;
    as[p.count] = v + phase * count * a->inner;
    bs[p.count++] = weights + phase * a->inner * panel;
  }
  for (int64_t j = j0; j < j1; j += panel) {
    p.b_offset = (j - first) * depth;
    /* The next panel, after the last one the next point's: a part of it by each block of rows. */
    const float *ahead = weights + (j - first + panel) * depth, *end = ahead + panel * depth;
    for (int64_t row = row0; row < row1; row += kernels->rows_f, ahead += p.count * p.k * LINE) {
      p.a_offset = row * a->inner;
      p.ahead = ahead < end ? ahead : NULL;
      p.c = m + row * a->cols + j;
      kernels->block_f(&p, (int)gt__min(kernels->rows_f, row1 - row), (int)gt__min(panel, j1 - j));
    }
  }
}

/* ---- some rows all the way ------------------------------------------------------------------------------------------------ */

typedef struct through_job { const grid *a; const weight_job *u; int failed; } through_job;

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
        gt__winograd_operand(a, v + (phase * r.count + t * r.n) * a->inner, v_step, r.tile0 + t, set + phase, r.n0, r.n);
      }
    }
    for (int64_t e = 0; e < a->p.points; e++) multiply(a, job->u, v + e * v_step, m + e * m_step, set, e, r.count, 0, r.count, 0, a->cols);
    for (int64_t t = 0; t < r.tiles; t++) transform_result(a, m + t * r.n * a->cols, m_step, r.tile0 + t, set, r.n0, r.n);
  }
  gt__scratch_free(&s);
}

/* ---- all rows through each stage -------------------------------------------------------------------------------------------- */

typedef struct staged_job {
  const grid *a;
  const weight_job *u;
  rows r;
  float *v, *m;
  int64_t v_step, m_step, set, images;  /* images transformed at a time */
  int64_t from, to;          /* columns of the products */
} staged_job;

static void operand_task(void *context, int64_t i) {
  const staged_job *job = context;
  const grid *a = job->a;
  int64_t parts = gt__ceil_div(job->r.n, job->images), n0 = i % parts * job->images, tile = i / parts % job->r.tiles;
  int64_t phase = i / parts / job->r.tiles;
  gt__winograd_operand(a, job->v + (phase * job->r.count + tile * job->r.n + n0) * a->inner, job->v_step, job->r.tile0 + tile,
                    job->set + phase, job->r.n0 + n0, gt__min(job->images, job->r.n - n0));
}

static void product_task(void *context, int64_t i) {
  const staged_job *job = context;
  int64_t count = job->r.count, blocks = gt__ceil_div(count, TASK_ROWS), groups = gt__ceil_div(job->to - job->from, GT__BLOCK_COLS);
  int64_t row0 = i % blocks * TASK_ROWS, e = i / blocks / groups, j0 = job->from + i / blocks % groups * GT__BLOCK_COLS;
  multiply(job->a, job->u, job->v + e * job->v_step, job->m + e * job->m_step, job->set, e, count, row0, gt__min(count, row0 + TASK_ROWS), j0,
           gt__min(job->to, j0 + GT__BLOCK_COLS));
}

static void products(staged_job *job, int64_t from, int64_t to) {
  job->from = from, job->to = to;
  gt__parallel(job->a->p.points * gt__ceil_div(to - from, GT__BLOCK_COLS) * gt__ceil_div(job->r.count, TASK_ROWS), product_task, job);
}

static void result_task(void *context, int64_t i) {
  const staged_job *job = context;
  int64_t parts = gt__ceil_div(job->r.n, job->images), n0 = i % parts * job->images, tile = i / parts;
  transform_result(job->a, job->m + (tile * job->r.n + n0) * job->a->cols, job->m_step, job->r.tile0 + tile, job->set, job->r.n0 + n0,
                   gt__min(job->images, job->r.n - n0));
}

int64_t gt__winograd_images(int64_t channels) { return gt__max(1, 2 * RUN / channels); }

/* Panels of one set that are made together; they start at whole tasks. */
static int64_t panels_of_part(const grid *a) {
  int64_t panel = gt__matrix()->cols_f, unit = GT__BLOCK_COLS / panel, numbers = a->p.points * a->phases * a->inner * panel * unit;
  return gt__max(1, PART / numbers) * unit;
}

/* u is there as a whole, or made in parts of what it says. */
static int staged(grid *a, const weight_job *u, bool in_parts) {
  int64_t blocks = gt__winograd_cut(a, gt__max(1, CHUNK / (a->p.points * a->phases * a->inner)));
  rows r = gt__winograd_block(a, 0);
  weight_job part = *u;
  staged_job job = {.a = a, .u = in_parts ? &part : u, .v_step = a->phases * r.count * a->inner + SKEW, .m_step = r.count * a->cols + SKEW};
  int64_t panel = gt__matrix()->cols_f, step = panels_of_part(a), numbers = a->p.points * a->phases * a->inner * panel * step;
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(a->p.points * (job.v_step + job.m_step) + (in_parts ? numbers : 0)) * sizeof(float)));
  job.v = s.ptr;
  job.m = job.v + a->p.points * job.v_step;
  for (int64_t i = 0; i < blocks * a->sets; i++) {
    job.r = gt__winograd_block(a, i / a->sets);
    job.set = i % a->sets;
    job.images = gt__winograd_images(a->inner);
    gt__parallel(a->phases * job.r.tiles * gt__ceil_div(job.r.n, job.images), operand_task, &job);
    if (!in_parts) products(&job, 0, a->cols);
    for (int64_t first = 0; first < u->panels && in_parts; first += step) {
      part.first_panel = first, part.panels = gt__min(step, u->panels - first), part.set = job.set;
      pack(job.m + a->p.points * job.m_step, &part);
      products(&job, first * panel, gt__min(a->cols, (first + part.panels) * panel));
    }
    job.images = gt__winograd_images(a->cols);
    gt__parallel(job.r.tiles * gt__ceil_div(job.r.n, job.images), result_task, &job);
  }
  gt__scratch_free(&s);
  return GT_OK;
}

/* All rows of a grid: products with u, which is made of w or kept from another time. */
static int through_points(grid *a, weight_job *u, const gt_tensor *w) {
  const geometry *g = u->g;
  int64_t unit = gt__matrix()->rows_f, near = NEAR / (a->p.points * (a->phases * a->inner + a->cols)) / unit * unit;
  bool by_stages = near < ROWS_MIN || a->n * a->tiles_y * a->tiles_x < TASKS_MIN * near;
  u->from = gt__f(w);
  u->panels = gt__ceil_div(a->cols, gt__matrix()->cols_f);
  u->set = -1;
  int64_t numbers = a->p.points * a->p.phases * u->panels * gt__matrix()->cols_f * a->inner;
  /* With one block of rows, each part of u is used once. */
  if (numbers > LARGE && a->n * a->tiles_y * a->tiles_x * a->p.points * a->phases * a->inner <= CHUNK) return staged(a, u, true);
  uint64_t form = gt__form(GT__BY_WINOGRAD, u->input ? GT__INPUT : GT__FORWARD, g->precision) | (uint64_t)u->p.stride << 8;
  gt__packed *kept;
  GT_TRY(gt__packed_get(&kept, w, form, (size_t)numbers * sizeof(float), pack, u));
  u->to = gt__packed_data(kept);
  through_job job = {.a = a, .u = u};
  int code = GT_OK;
  if (by_stages) code = staged(a, u, false);
  else gt__parallel(gt__winograd_cut(a, near), through_task, &job);
  gt__packed_put(kept);
  return job.failed ? gt__fail(GT_ENOMEM, "conv: no memory for a block of transformed images") : code;
}

/* ---- forward and input -------------------------------------------------------------------------------------------------- */

int gt__winograd_forward(float *y, const float *x, const gt_tensor *w, const geometry *g) {
  weight_job job = {.g = g, .p = gt__winograd_plan(g)};
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
  weight_job job = {.g = g, .p = gt__winograd_plan(g), .input = true};
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
