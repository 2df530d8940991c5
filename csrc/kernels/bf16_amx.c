/* bf16_amx.c: blocks of products of bfloat16 numbers in AMX's tile registers.
 *
 * A tile is 16 rows of 64 bytes: 16 rows of 16 pairs of a, 16 pairs of 16 columns of b, or 16 x 16 sums. TDPBF16PS multiplies two of
 * the former into one of the latter in 16 cycles, but its result may be used only after 52, and loading a tile from the L1 cache takes
 * 8: so four sums are in work at a time, and 2 x 2 tiles share what is loaded (Intel's optimization manual, chapter on AMX). Blocks of
 * one tile across or down have two sets of sums and take turns.
 *
 * The caller keeps the rows of a (32 rows, 512 inner numbers: 32 KB) while it goes along the columns, so b, which streams by, is loaded
 * with the hint not to displace them. */
#include "kernels.h"
#if defined(__x86_64__) || defined(GANTRY_TILE_MODEL)
#ifndef GANTRY_TILE_MODEL
#include <immintrin.h>
#endif

enum { SIDE = 16, PAIRS = GT__BF16_DEPTH / 2 };
enum { A_ROW = 4 * PAIRS, B_ROW = 4 * GT__BF16_SIDE, SUM_ROW = 4 * GT__BF16_SIDE }; /* bytes */

/* What LDTILECFG reads: palette 1, all eight tiles whole. */
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} config __attribute__((aligned(64))) = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

static void begin(void) { _tile_loadconfig(&config); }
static void end(void) { _tile_release(); }

typedef struct sums { float set[2][GT__BF16_SIDE][GT__BF16_SIDE]; } sums;

/* The next line runs once for every block of GT__BF16_DEPTH inner numbers, with its a and b. */
#define EACH_BLOCK                                                                                                       \
  for (int64_t t = 0; t < p->count; t++)                                                                                 \
    for (const uint32_t *a = p->a[t] + p->a_offset, *b = p->b[t] + p->b_offset, *last = a + p->depth * p->a_block; a != last; \
         a += p->a_block, b += p->b_block)

/* Tiles 0 to 3 are the sums, by rows; 4 and 5 rows of a; 6 and 7 columns of b. Sums go to c, or, where c is not a whole block, to s. */
static void two_by_two(const gt__product_b *p, float *c, int64_t c_row, bool add) {
  int64_t row = c_row * (int64_t)sizeof *c;
  if (add) {
    _tile_loadd(0, c, row);
    _tile_loadd(1, c + SIDE, row);
    _tile_loadd(2, c + SIDE * c_row, row);
    _tile_loadd(3, c + SIDE * c_row + SIDE, row);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  EACH_BLOCK {
    _tile_loadd(4, a, A_ROW);
    _tile_stream_loadd(6, b, B_ROW);
    _tile_dpbf16ps(0, 4, 6);
    _tile_stream_loadd(7, b + SIDE, B_ROW);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + SIDE * PAIRS, A_ROW);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, row);
  _tile_stored(1, c + SIDE, row);
  _tile_stored(2, c + SIDE * c_row, row);
  _tile_stored(3, c + SIDE * c_row + SIDE, row);
}

/* One tile across: tiles 0 and 1 hold the rows' sums over every second block, 2 and 3 those over the others. */
static void two_by_one(const gt__product_b *p, sums *s) {
  bool odd = false;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  EACH_BLOCK {
    _tile_loadd(4, a, A_ROW);
    _tile_loadd(5, a + SIDE * PAIRS, A_ROW);
    _tile_loadd(6, b, B_ROW);
    if (odd) {
      _tile_dpbf16ps(2, 4, 6);
      _tile_dpbf16ps(3, 5, 6);
    } else {
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 5, 6);
    }
    odd = !odd;
  }
  _tile_stored(0, s->set[0][0], SUM_ROW);
  _tile_stored(1, s->set[0][SIDE], SUM_ROW);
  _tile_stored(2, s->set[1][0], SUM_ROW);
  _tile_stored(3, s->set[1][SIDE], SUM_ROW);
}

/* One tile down, one or two across. */
static void one_by_some(const gt__product_b *p, sums *s, bool two) {
  bool odd = false;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  EACH_BLOCK {
    _tile_loadd(4, a, A_ROW);
    _tile_loadd(6, b, B_ROW);
    if (odd) _tile_dpbf16ps(2, 4, 6);
    else _tile_dpbf16ps(0, 4, 6);
    if (two) {
      _tile_loadd(7, b + SIDE, B_ROW);
      if (odd) _tile_dpbf16ps(3, 4, 7);
      else _tile_dpbf16ps(1, 4, 7);
    }
    odd = !odd;
  }
  _tile_stored(0, s->set[0][0], SUM_ROW);
  _tile_stored(1, &s->set[0][0][SIDE], SUM_ROW);
  _tile_stored(2, s->set[1][0], SUM_ROW);
  _tile_stored(3, &s->set[1][0][SIDE], SUM_ROW);
}

static void block(const gt__product_b *p, int rows, int cols) {
  if (rows == GT__BF16_SIDE && cols == GT__BF16_SIDE) {
    two_by_two(p, p->c, p->c_row, p->add);
    return;
  }
  sums s __attribute__((aligned(64)));
  int sets = 2;
  if (rows > SIDE && cols > SIDE) {
    two_by_two(p, s.set[0][0], GT__BF16_SIDE, false);
    sets = 1;
  } else if (rows > SIDE) {
    two_by_one(p, &s);
  } else {
    one_by_some(p, &s, cols > SIDE);
  }
  for (int r = 0; r < rows; r++) {
    float *c = p->c + r * p->c_row;
    for (int j = 0; j < cols; j++) {
      float sum = sets == 2 ? s.set[0][r][j] + s.set[1][r][j] : s.set[0][r][j];
      c[j] = p->add ? c[j] + sum : sum;
    }
  }
}

void gt__bf16_amx(gt__bf16_kernels *table) {
  table->begin = begin;
  table->end = end;
  table->block = block;
}
#endif
