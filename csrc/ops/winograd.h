/* winograd.h: what Winograd's forms share (winograd.c says how they work): a kernel in points, a grid of tiles, its rows. */
#ifndef GANTRY_WINOGRAD_H
#define GANTRY_WINOGRAD_H
#include "conv.h"
#include "../kernels/kernels.h"

enum {
  SIDE = 4, POINTS = 36, PHASES = 4, TAPS = 9,   /* of a tile of results; at most */
  KERNEL = 36,               /* taps of a kernel, at most */
  RUN = 4096,                /* numbers transformed at a time, of one tile */
  GROUP = GT__BLOCK_COLS,    /* channels side by side where each product takes a few of them */
  SKEW = 32,                 /* numbers between points, beyond what they hold: their addresses differ in the low bits */
  CHUNK = 8 << 20            /* numbers of v at a time, unless other things would take more memory instead */
};

extern const float gt__winograd_zeros[RUN];

/* What a kernel is in points. */
typedef struct plan {
  int64_t taps, side, points, stride, phases;    /* r, P, P^2, phases of a pixel */
  const gt__winograd_transforms *transforms;
} plan;

/* Results (4 ty + i, 4 tx + j) of a grid, i and j in 0..3, at out_step (4 ty + i) + out_y; their operands at in_step (4 ty + i) + in_y.
 * Either all phases of the operand are summed into one set of results, or there are several sets, each of one phase. */
typedef struct grid {
  plan p;
  const float *in;
  float *out;
  int64_t n, inner, cols, phases, sets;
  int64_t in_h, in_w, in_step, in_y[PHASES], in_x[PHASES];
  int64_t out_h, out_w, out_step, out_y[PHASES], out_x[PHASES];
  int64_t tiles_y, tiles_x;
  uint64_t empty[PHASES];    /* points at which the weights of a phase are 0: one bit each */
  /* Rows are cut into blocks: some tiles with all their images, or a part of the images of one tile. */
  int64_t tiles, images, parts;
} grid;

/* What a kernel's weights become, u[set][point][panel][phase][inner channel][column], or a part of it. */
typedef struct weights {
  float *to;
  const float *from;
  const geometry *g;
  plan p;
  bool input;                /* columns are channels of x, a set for each phase; else those of y, and one set */
  bool near;                 /* read soon: the caches are not passed by */
  int64_t phase;             /* all (-1), or one */
  int64_t first_panel, panels, first_inner, inner;  /* what it has of the columns and of the inner channels */
  int64_t point_step;        /* numbers between points */
} weights;

static inline bool gt__winograd_is_empty(const grid *a, int64_t phase, int64_t e) { return a->empty[phase] >> e & 1; }

/* Rows of a block in hand: tiles from tile0 on, of each the images from n0 on. */
typedef struct rows { int64_t tile0, tiles, n0, n, count; } rows;

/* What one task transforms of them: images n0 .. n0 + n - 1 of a tile, rows `row` .. row + n - 1 of those in hand, of a phase or set. */
typedef struct piece { int64_t tile, n0, n, row, phase; } piece;

int64_t gt__winograd_at_most(int64_t numbers);   /* gt__winograd_limit's, where that is fewer */
plan gt__winograd_plan(const geometry *g);
/* The points at which a phase's weights are 0, as it has a tap less than others: that of the last tap, or (flipped) of the first. */
uint64_t gt__winograd_empty(const plan *p, const geometry *g, int64_t phase, bool flipped);
/* The place among a kernel's taps of tap e of a phase, counted row by row; -1: the kernel has none there. */
int64_t gt__winograd_tap(const plan *p, const geometry *g, int64_t phase, int64_t e);
/* Cuts the rows of a grid into blocks of about `wanted` rows; returns how many there are. And block i of them. */
int64_t gt__winograd_cut(grid *a, int64_t wanted);
rows gt__winograd_block(const grid *a, int64_t i);
/* Numbers in points, at[point][group][row][channel of the group]: points `step` apart; each group has `group` of the channels, the last one
 * those that are left. */
typedef struct in_points { float *at; int64_t step, rows, channels, group; } in_points;

/* Rows from row0 on of some points for one tile and phase, but for empty points: images n0 .. n0 + n - 1. */
void gt__winograd_operand(const grid *a, const in_points *v, int64_t row0, int64_t tile, int64_t phase, int64_t n0, int64_t n);
/* Transforms from[]'s rows of channels, contiguous or gt__winograd_zeros, into rows from row0 on of the points that are not among `empty`. */
void gt__winograd_spread(gt__transform *transform, const in_points *v, int64_t points, uint64_t empty, int64_t row0, const float *const *from,
                         int64_t pixels, int64_t rows);
/* Makes inner channel l and a panel of the columns, both counted from the first. */
void gt__winograd_pack(const weights *u, int64_t l, int64_t at);
/* Columns j0 .. j0 + width - 1 of one tile's results from m[point][row][column], points m_step and rows m_row apart. */
void gt__winograd_result(const grid *a, const float *m, int64_t m_step, int64_t m_row, int64_t tile, int64_t set, int64_t n0, int64_t n, int64_t j0,
                         int64_t width);
/* Some columns at a time, with weights that are not kept (winograd_columns.c), and whether that is better. */
int gt__winograd_by_columns(grid *a, const weights *u);
bool gt__winograd_wants_columns(const grid *a, const weights *u);
/* Pieces of images of so many channels that each phase has, as many numbers as make a task; and piece i of all phases. */
int64_t gt__winograd_pieces(const rows *r, int64_t channels);
piece gt__winograd_piece(const rows *r, int64_t channels, int64_t i);
#endif
