/* winograd.c: 4x4 kernels of stride 2, forward, input and weight form, by Winograd's F(4, 2) (kernels/winograd.inl), for Float.
 *
 * A pixel's row and column are even or odd in the padded image: four phases. Between one phase and the output the kernel is
 * 2x2 with stride 1, so y is a sum of four such convolutions, and each phase of x's gradient is one. A tile of 4x4 results takes
 * 5x5 numbers of its operand into 5x5 points, where 25 products replace 64: a matrix product for each point, over tiles and
 * images, summed over phases and channels. Orders of memory, all inside [y][x][image][channel] (direct.c):
 *   operand   v[point][phase][tile][image][inner channel]
 *   weights   u[set][point][panel][phase][inner channel][column]
 *   products  m[point][tile][image][column]
 * Work is cut by the problem's size; a sum belongs to one task and runs in one order.
 */
#include "conv.h"
#include "../kernels/kernels.h"
#include <string.h>

enum {
  POINTS = 25, PHASES = 4, TAPS = 16, SIDE = 4, POINT_SIDE = 5,
  RUN = 4096,                /* numbers transformed at a time, of one tile */
  CHUNK = 4 << 20,           /* numbers of v, at most, if there is more than a tile of them */
  TASK_ROWS = 528,           /* rows of a product in one task */
  INNER = 512                /* images taken together in the weight form */
};

static const float zeros[RUN];

bool gt__winograd_can(const geometry *g) {
  return g->groups == 1 && g->kh == 4 && g->kw == 4 && g->sh == 2 && g->sw == 2 && g->dh == 1 && g->dw == 1;
}

/* Results (4 ty + r, 4 tx + q) of a grid, r and q in 0..3, at out_step (4 ty + r) + out_y; their operands at in_step (4 ty + r) + in_y. */
typedef struct grid {
  const float *in, *weight;
  float *out, *v, *m;
  int64_t n, inner, cols, phases;
  int64_t in_h, in_w, in_step, in_y[PHASES], in_x[PHASES];
  int64_t out_h, out_w, out_step, out_y, out_x;
  int64_t tiles_x, tile0, tiles;          /* tiles in a row; first and number of those in hand */
} grid;

/* The pieces that tasks take of a tile's n x channels numbers. */
static int64_t pieces(int64_t numbers) { return gt__ceil_div(numbers, RUN); }

static void operand_task(void *context, int64_t i) {
  const grid *a = context;
  int64_t numbers = a->n * a->inner, at = i % pieces(numbers) * RUN, phase = i / pieces(numbers) % a->phases;
  int64_t tile = i / pieces(numbers) / a->phases, y0 = (a->tile0 + tile) / a->tiles_x * SIDE, x0 = (a->tile0 + tile) % a->tiles_x * SIDE;
  const float *from[POINTS];
  float *to[POINTS];
  for (int64_t e = 0; e < POINTS; e++) {
    int64_t y = (y0 + e / POINT_SIDE) * a->in_step + a->in_y[phase], x = (x0 + e % POINT_SIDE) * a->in_step + a->in_x[phase];
    bool inside = y >= 0 && y < a->in_h && x >= 0 && x < a->in_w;
    from[e] = inside ? a->in + (y * a->in_w + x) * numbers + at : zeros;
    to[e] = a->v + ((e * a->phases + phase) * a->tiles + tile) * numbers + at;
  }
  gt__winograd()->operand(to, from, gt__min(RUN, numbers - at));
}

static void product_task(void *context, int64_t i) {
  const grid *job = context;
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t rows = job->tiles * job->n, blocks = gt__ceil_div(rows, TASK_ROWS), groups = gt__ceil_div(job->cols, GT__BLOCK_COLS);
  int64_t row0 = i % blocks * TASK_ROWS, row1 = gt__min(rows, row0 + TASK_ROWS);
  int64_t e = i / blocks / groups, j0 = i / blocks % groups * GT__BLOCK_COLS, j1 = gt__min(job->cols, j0 + GT__BLOCK_COLS);
  int64_t panel = kernels->cols_f, panels = gt__ceil_div(job->cols, panel), depth = job->phases * job->inner;
  const float *a[PHASES], *b[PHASES];
  for (int64_t phase = 0; phase < job->phases; phase++) {
    a[phase] = job->v + (e * job->phases + phase) * rows * job->inner;
    b[phase] = job->weight + e * panels * panel * depth + phase * job->inner * panel;
  }
  gt__product_f p = {.c_row = job->cols, .a = a, .b = b, .a_row = job->inner, .a_step = 1, .b_row = panel,
                     .count = job->phases, .k = job->inner};
  for (int64_t row = row0; row < row1; row += kernels->rows_f) {
    p.a_offset = row * job->inner;
    for (int64_t j = j0; j < j1; j += panel) {
      p.c = job->m + (e * rows + row) * job->cols + j;
      p.b_offset = j * depth;
      kernels->block_f(&p, (int)gt__min(kernels->rows_f, row1 - row), (int)gt__min(panel, j1 - j));
    }
  }
}

static void result_task(void *context, int64_t i) {
  const grid *a = context;
  int64_t numbers = a->n * a->cols, at = i % pieces(numbers) * RUN;
  int64_t tile = i / pieces(numbers), y0 = (a->tile0 + tile) / a->tiles_x * SIDE, x0 = (a->tile0 + tile) % a->tiles_x * SIDE;
  const float *from[POINTS];
  float *to[SIDE * SIDE];
  for (int64_t e = 0; e < POINTS; e++) from[e] = a->m + (e * a->tiles + tile) * numbers + at;
  for (int64_t e = 0; e < SIDE * SIDE; e++) {
    int64_t y = (y0 + e / SIDE) * a->out_step + a->out_y, x = (x0 + e % SIDE) * a->out_step + a->out_x;
    to[e] = y < a->out_h && x < a->out_w ? a->out + (y * a->out_w + x) * numbers + at : NULL;
  }
  gt__winograd()->result(to, from, gt__min(RUN, numbers - at));
}

/* Tiles of which v is not larger than CHUNK, at least one. */
static int64_t tiles_at_once(const geometry *g, int64_t depth, int64_t tiles) {
  return gt__max(1, gt__min(tiles, CHUNK / (POINTS * g->n * depth)));
}

/* ---- weights ------------------------------------------------------------------------------------------------------------ */

typedef struct weight_job {
  float *to;
  const float *from;
  const geometry *g;
  bool input;                /* columns are channels of x, a set for each phase; else those of y, and one set */
  double beta, scale;
} weight_job;

static void pack_task(void *context, int64_t i) {
  const weight_job *job = context;
  const geometry *g = job->g;
  int64_t panel = gt__matrix()->cols_f, inner = job->input ? g->o : g->c, cols = job->input ? g->c : g->o;
  int64_t panels = gt__ceil_div(cols, panel), l = i / panels, j0 = i % panels * panel, width = gt__min(panel, cols - j0);
  int64_t j_step = job->input ? TAPS : g->c * TAPS, l_step = job->input ? g->c * TAPS : TAPS;
  float tile[TAPS * GT__BLOCK_COLS] = {0}, *to[POINTS];
  const float *from[4];
  gt__matrix()->transpose_f(tile, panel, job->from + j0 * j_step + l * l_step, j_step, width, TAPS);
  for (int64_t phase = 0; phase < PHASES; phase++) {
    int64_t set = job->input ? phase : 0, place = job->input ? 0 : phase, phases = job->input ? 1 : PHASES;
    for (int64_t e = 0; e < 4; e++) {
      int64_t u = job->input ? 1 - e / 2 : e / 2, v = job->input ? 1 - e % 2 : e % 2;
      from[e] = tile + ((2 * u + phase / 2) * 4 + 2 * v + phase % 2) * panel;
    }
    for (int64_t e = 0; e < POINTS; e++) {
      to[e] = job->to + ((((set * POINTS + e) * panels + j0 / panel) * phases + place) * inner + l) * panel;
    }
    gt__winograd()->weight(to, from, panel);
  }
}

/* w = beta w + scale times the taps of s[point][panel][phase][c][column] */
static void unpack_task(void *context, int64_t i) {
  const weight_job *job = context;
  const geometry *g = job->g;
  int64_t panel = gt__matrix()->cols_f, panels = gt__ceil_div(g->o, panel), c = i / panels, j0 = i % panels * panel;
  float tile[TAPS * GT__BLOCK_COLS], *to[4], beta = (float)job->beta, scale = (float)job->scale;
  const float *from[POINTS];
  for (int64_t phase = 0; phase < PHASES; phase++) {
    for (int64_t e = 0; e < POINTS; e++) from[e] = job->from + (((e * panels + j0 / panel) * PHASES + phase) * g->c + c) * panel;
    for (int64_t e = 0; e < 4; e++) to[e] = tile + ((2 * (e / 2) + phase / 2) * 4 + 2 * (e % 2) + phase % 2) * panel;
    gt__winograd()->weight_gradient(to, from, gt__min(panel, g->o - j0));
  }
  for (int64_t j = 0; j < gt__min(panel, g->o - j0); j++) {
    float *w = job->to + ((j0 + j) * g->c + c) * TAPS;
    for (int64_t t = 0; t < TAPS; t++) {
      float value = scale * tile[t * panel + j];
      w[t] = beta == 0 ? value : beta * w[t] + value;
    }
  }
}

/* ---- forward and input -------------------------------------------------------------------------------------------------- */

/* All tiles_y x tiles_x tiles of a grid. */
static void through_points(grid *a, const geometry *g, int64_t tiles_y) {
  int64_t tiles = tiles_y * a->tiles_x, most = tiles_at_once(g, a->phases * a->inner, tiles);
  for (a->tile0 = 0; a->tile0 < tiles; a->tile0 += most) {
    a->tiles = gt__min(most, tiles - a->tile0);
    gt__parallel(a->tiles * a->phases * pieces(a->n * a->inner), operand_task, a);
    gt__parallel(POINTS * gt__ceil_div(a->cols, GT__BLOCK_COLS) * gt__ceil_div(a->tiles * a->n, TASK_ROWS), product_task, a);
    gt__parallel(a->tiles * pieces(a->n * a->cols), result_task, a);
  }
}

/* The first r with 2 r + phase - pad >= 0. */
static int64_t first(int64_t pad, int64_t phase) { return pad > phase ? (pad - phase + 1) / 2 : 0; }
/* Tiles that hold the results from it to those of the last of `size` pixels. */
static int64_t tiles_of_phase(int64_t size, int64_t pad, int64_t phase) {
  return gt__ceil_div((size - 1 + pad - phase + 2) / 2 - first(pad, phase), SIDE);
}

int gt__winograd_forward(float *y, const float *x, const float *w, const geometry *g) {
  int64_t panels = gt__ceil_div(g->o, gt__matrix()->cols_f), tiles_y = gt__ceil_div(g->oh, SIDE), tiles_x = gt__ceil_div(g->ow, SIDE);
  int64_t x_size = g->n * g->c * g->h * g->w, y_size = g->n * g->o * g->area;
  int64_t rows = tiles_at_once(g, PHASES * g->c, tiles_y * tiles_x) * g->n;
  int64_t u_size = POINTS * panels * gt__matrix()->cols_f * PHASES * g->c, v_size = POINTS * PHASES * rows * g->c;
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(x_size + y_size + u_size + v_size + POINTS * rows * g->o) * sizeof(float)));
  float *inner_x = s.ptr, *inner_y = inner_x + x_size, *u = inner_y + y_size, *v = u + u_size;
  gt__to_inner_f(inner_x, x, g->n, g->c, g->h * g->w, g->c);
  weight_job pack = {.to = u, .from = w, .g = g};
  gt__parallel(panels * g->c, pack_task, &pack);
  grid a = {.in = inner_x, .weight = u, .out = inner_y, .v = v, .m = v + v_size, .n = g->n, .inner = g->c, .cols = g->o, .phases = PHASES,
            .in_h = g->h, .in_w = g->w, .in_step = 2, .out_h = g->oh, .out_w = g->ow, .out_step = 1, .tiles_x = tiles_x};
  for (int64_t phase = 0; phase < PHASES; phase++) a.in_y[phase] = phase / 2 - g->ph, a.in_x[phase] = phase % 2 - g->pw;
  through_points(&a, g, tiles_y);
  gt__from_inner_f(y, inner_y, g->n, g->o, g->area);
  gt__scratch_free(&s);
  return GT_OK;
}

int gt__winograd_input(float *x, const float *y, const float *w, const geometry *g) {
  int64_t panels = gt__ceil_div(g->c, gt__matrix()->cols_f), most = 1;
  for (int64_t phase = 0; phase < PHASES; phase++) {
    most = gt__max(most, tiles_of_phase(g->h, g->ph, phase / 2) * tiles_of_phase(g->w, g->pw, phase % 2));
  }
  int64_t x_size = g->n * g->c * g->h * g->w, y_size = g->n * g->o * g->area, rows = tiles_at_once(g, g->o, most) * g->n;
  int64_t set = POINTS * panels * gt__matrix()->cols_f * g->o, v_size = POINTS * rows * g->o;
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(x_size + y_size + PHASES * set + v_size + POINTS * rows * g->c) * sizeof(float)));
  float *inner_x = s.ptr, *inner_y = inner_x + x_size, *u = inner_y + y_size, *v = u + PHASES * set;
  gt__to_inner_f(inner_y, y, g->n, g->o, g->area, g->o);
  weight_job pack = {.to = u, .from = w, .g = g, .input = true};
  gt__parallel(panels * g->o, pack_task, &pack);
  for (int64_t phase = 0; phase < PHASES; phase++) {
    int64_t y0 = first(g->ph, phase / 2), x0 = first(g->pw, phase % 2);
    grid a = {.in = inner_y, .weight = u + phase * set, .out = inner_x, .v = v, .m = v + v_size, .n = g->n, .inner = g->o, .cols = g->c,
              .phases = 1, .in_h = g->oh, .in_w = g->ow, .in_step = 1, .in_y = {y0 - 1}, .in_x = {x0 - 1}, .out_h = g->h, .out_w = g->w,
              .out_step = 2, .out_y = 2 * y0 + phase / 2 - g->ph, .out_x = 2 * x0 + phase % 2 - g->pw,
              .tiles_x = tiles_of_phase(g->w, g->pw, phase % 2)};
    through_points(&a, g, tiles_of_phase(g->h, g->ph, phase / 2));
  }
  gt__from_inner_f(x, inner_x, g->n, g->c, g->h * g->w);
  gt__scratch_free(&s);
  return GT_OK;
}

/* ---- weight --------------------------------------------------------------------------------------------------------------- */

typedef struct sums_job {
  const grid *x;
  const float *y;            /* [panel of o][y][x][image][column] */
  float *v, *sums;           /* v[panel][point][tile][image][column]; sums[point][panel][phase][c][column] */
  const geometry *g;
  int64_t width, panels;     /* columns of a panel in memory */
  bool add;
} sums_job;

static void gradient_task(void *context, int64_t i) {
  const sums_job *job = context;
  const geometry *g = job->g;
  int64_t numbers = g->n * job->width, at = i % pieces(numbers) * RUN, tile = i / pieces(numbers) % job->x->tiles;
  int64_t panel = i / pieces(numbers) / job->x->tiles, place = job->x->tile0 + tile;
  const float *from[SIDE * SIDE];
  float *to[POINTS];
  for (int64_t e = 0; e < SIDE * SIDE; e++) {
    int64_t y = place / job->x->tiles_x * SIDE + e / SIDE, x = place % job->x->tiles_x * SIDE + e % SIDE;
    from[e] = y < g->oh && x < g->ow ? job->y + ((panel * g->oh + y) * g->ow + x) * numbers + at : zeros;
  }
  for (int64_t e = 0; e < POINTS; e++) to[e] = job->v + ((panel * POINTS + e) * job->x->tiles + tile) * numbers + at;
  gt__winograd()->gradient(to, from, gt__min(RUN, numbers - at));
}

/* One point and phase, some panels of o, all channels of x. */
static void sums_task(void *context, int64_t i) {
  const sums_job *job = context;
  const geometry *g = job->g;
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t rows = job->x->tiles * g->n, panel = kernels->cols_f, groups = gt__ceil_div(g->o, GT__BLOCK_COLS);
  int64_t j0 = i % groups * GT__BLOCK_COLS, cols = gt__min(GT__BLOCK_COLS, g->o - j0), phase = i / groups % PHASES, e = i / groups / PHASES;
  const float *a, *b;
  gt__product_f p = {.c_row = panel, .a = &a, .b = &b, .a_row = 1, .a_step = g->c, .b_row = job->width, .count = 1, .add = job->add};
  for (int64_t row = 0; row < rows; row += INNER, p.add = true) {
    p.k = gt__min(INNER, rows - row);
    a = job->x->v + ((e * PHASES + phase) * rows + row) * g->c;
    for (int64_t c = 0; c < g->c; c += kernels->rows_f) {
      p.a_offset = c;
      for (int64_t j = j0; j < j0 + cols; j += panel) {
        b = job->v + ((j / panel * POINTS + e) * rows + row) * job->width;
        p.c = job->sums + (((e * job->panels + j / panel) * PHASES + phase) * g->c + c) * panel;
        kernels->block_f(&p, (int)gt__min(kernels->rows_f, g->c - c), (int)gt__min(panel, j0 + cols - j));
      }
    }
  }
}

int gt__winograd_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale) {
  int64_t panel = gt__matrix()->cols_f, panels = gt__ceil_div(g->o, panel), width = gt__min(panel, g->o);
  int64_t tiles_x = gt__ceil_div(g->ow, SIDE), tiles = gt__ceil_div(g->oh, SIDE) * tiles_x;
  int64_t most = tiles_at_once(g, PHASES * g->c, tiles), rows = most * g->n;
  int64_t x_size = g->n * g->c * g->h * g->w, y_size = g->n * width * panels * g->area;
  int64_t sums_size = POINTS * panels * PHASES * g->c * panel, v_size = POINTS * PHASES * rows * g->c;
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(x_size + y_size + sums_size + v_size + POINTS * rows * width * panels) * sizeof(float)));
  float *inner_x = s.ptr, *sums = inner_x + x_size, *v = sums + sums_size, *inner_y = v + v_size;
  gt__to_inner_f(inner_x, x, g->n, g->c, g->h * g->w, g->c);
  gt__to_inner_f(inner_y, y, g->n, g->o, g->area, width);
  grid a = {.in = inner_x, .v = v, .n = g->n, .inner = g->c, .phases = PHASES, .in_h = g->h, .in_w = g->w, .in_step = 2,
            .tiles_x = tiles_x};
  for (int64_t phase = 0; phase < PHASES; phase++) a.in_y[phase] = phase / 2 - g->ph, a.in_x[phase] = phase % 2 - g->pw;
  sums_job job = {.x = &a, .y = inner_y, .v = inner_y + y_size, .sums = sums, .g = g, .width = width, .panels = panels};
  for (a.tile0 = 0; a.tile0 < tiles; a.tile0 += most, job.add = true) {
    a.tiles = gt__min(most, tiles - a.tile0);
    gt__parallel(a.tiles * PHASES * pieces(g->n * g->c), operand_task, &a);
    gt__parallel(panels * a.tiles * pieces(g->n * width), gradient_task, &job);
    gt__parallel(POINTS * PHASES * gt__ceil_div(g->o, GT__BLOCK_COLS), sums_task, &job);
  }
  weight_job unpack = {.to = w, .from = sums, .g = g, .beta = beta, .scale = scale};
  gt__parallel(panels * g->c, unpack_task, &unpack);
  gt__scratch_free(&s);
  return GT_OK;
}
