/* winograd.h: what Winograd's forms share (winograd.c says how they work): a kernel in points, a grid of tiles, its rows. */
#ifndef GANTRY_WINOGRAD_H
#define GANTRY_WINOGRAD_H
#include "conv.h"
#include "../kernels/kernels.h"

enum {
  SIDE = 4, POINTS = 36, PHASES = 4, TAPS = 9,   /* of a tile of results; at most */
  KERNEL = 36,               /* taps of a kernel, at most */
  RUN = 4096,                /* numbers transformed at a time, of one tile */
  SKEW = 32,                 /* numbers between points, beyond what they hold: their addresses differ in the low bits */
  CHUNK = 8 << 20            /* numbers of v, at most, if there is more than a tile of them */
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

/* Rows of a block in hand: tiles from tile0 on, of each the images from n0 on. */
typedef struct rows { int64_t tile0, tiles, n0, n, count; } rows;

plan gt__winograd_plan(const geometry *g);
/* The points at which a phase's weights are 0, as it has a tap less than others: that of the last tap, or (flipped) of the first. */
uint64_t gt__winograd_empty(const plan *p, const geometry *g, int64_t phase, bool flipped);
/* The place among a kernel's taps of tap e of a phase, counted row by row; -1: the kernel has none there. */
int64_t gt__winograd_tap(const plan *p, const geometry *g, int64_t phase, int64_t e);
/* Cuts the rows of a grid into blocks of about `wanted` rows; returns how many there are. And block i of them. */
int64_t gt__winograd_cut(grid *a, int64_t wanted);
rows gt__winograd_block(const grid *a, int64_t i);
/* v[point][row][channel], points v_step apart, for one tile and phase, but for empty points: images n0 .. n0 + n - 1. */
void gt__winograd_operand(const grid *a, float *v, int64_t v_step, int64_t tile, int64_t phase, int64_t n0, int64_t n);
/* Images that make a run of numbers long enough for a task. */
int64_t gt__winograd_images(int64_t channels);
#endif
