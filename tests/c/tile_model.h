/* tile_model.h: AMX's tile registers as the manual describes them (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2:
 * LDTILECFG, TILELOADD, TILESTORED, TILEZERO, TILERELEASE, TDPBF16PS), under the names of the compiler's intrinsics, so that a kernel
 * written with those runs, and its mistakes are found, on any machine. What a processor would refuse is counted in tile_faults.
 * Each thread has registers of its own. */
#ifndef GANTRY_TILE_MODEL
#define GANTRY_TILE_MODEL
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TILES = 8, TILE_ROWS = 16, TILE_BYTES = 64 };

typedef struct tile_state {
  int configured, rows[TILES], bytes[TILES];      /* bytes of a row */
  unsigned char data[TILES][TILE_ROWS][TILE_BYTES];
} tile_state;

static _Thread_local tile_state tiles;
static int tile_faults;      /* atomic */
static long tile_products;   /* atomic: TDPBF16PS instructions executed */

static inline int tile_check(int fine, const char *what) {
  if (!fine && __atomic_add_fetch(&tile_faults, 1, __ATOMIC_RELAXED) <= 5) fprintf(stderr, "tile model: %s\n", what);
  return fine;
}

static inline void tile_model_loadconfig(const void *memory) {
  unsigned char c[64];
  memcpy(c, memory, sizeof c);
  memset(&tiles, 0, sizeof tiles);
  if (c[0] == 0) return;
  int fine = tile_check(c[0] == 1, "LDTILECFG: no such palette") && tile_check(c[1] == 0, "LDTILECFG: start_row is not 0");
  for (int i = 2; i < 64; i++) {
    if (i < 16 || (i >= 32 && i < 48) || i >= 56) fine &= tile_check(c[i] == 0, "LDTILECFG: a reserved byte is set");
  }
  for (int t = 0; t < TILES; t++) {
    tiles.bytes[t] = c[16 + 2 * t] | c[17 + 2 * t] << 8;
    tiles.rows[t] = c[48 + t];
    fine &= tile_check(tiles.bytes[t] <= TILE_BYTES && tiles.rows[t] <= TILE_ROWS, "LDTILECFG: a tile is too large");
    fine &= tile_check(!tiles.bytes[t] == !tiles.rows[t], "LDTILECFG: a tile has rows or columns but not both");
  }
  tiles.configured = fine;
}

static inline void tile_model_release(void) { memset(&tiles, 0, sizeof tiles); }

static inline int tile_usable(int t) {
  return tile_check(tiles.configured, "a tile is used without a configuration") &&
         tile_check(t >= 0 && t < TILES && tiles.rows[t], "no such tile");
}

static inline void tile_zero(int t) {
  if (tile_usable(t)) memset(tiles.data[t], 0, sizeof tiles.data[t]);
}

static inline void tile_load(int t, const void *base, int64_t stride) {
  if (!tile_usable(t)) return;
  memset(tiles.data[t], 0, sizeof tiles.data[t]);
  for (int r = 0; r < tiles.rows[t]; r++) memcpy(tiles.data[t][r], (const char *)base + r * stride, (size_t)tiles.bytes[t]);
}

static inline void tile_store(int t, void *base, int64_t stride) {
  if (!tile_usable(t)) return;
  for (int r = 0; r < tiles.rows[t]; r++) memcpy((char *)base + r * stride, tiles.data[t][r], (size_t)tiles.bytes[t]);
}

/* Denormal operands count as zero and denormal results become zero. */
static inline float tile_flush(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }

/* The numbers of a tile of pairs: to[row][pair][which]. */
static inline void tile_numbers(float to[TILE_ROWS][TILE_BYTES / 4][2], int t) {
  for (int r = 0; r < TILE_ROWS; r++) {
    for (int k = 0; k < TILE_BYTES / 2; k++) {
      uint32_t bits = (uint32_t)(tiles.data[t][r][2 * k] | tiles.data[t][r][2 * k + 1] << 8) << 16;
      memcpy(&to[r][k / 2][k % 2], &bits, sizeof bits);
      to[r][k / 2][k % 2] = tile_flush(to[r][k / 2][k % 2]);
    }
  }
}

/* The product of two bfloat16 numbers is a float, unless it is too small: then the multiply-add has to be a fused one. */
static inline float tile_multiply_add(float a, float b, float sum) {
  float product = a * b;
  return tile_flush(fabsf(product) < 0x1p-120f && a != 0 && b != 0 ? fmaf(a, b, sum) : product + sum);
}

/* Sums of the first and of the second numbers of the pairs run apart, from zero, with fused multiply-adds; their sum is added to c. */
static inline void tile_dpbf16ps(int c, int a, int b) {
  if (!tile_usable(c) || !tile_usable(a) || !tile_usable(b)) return;
  __atomic_add_fetch(&tile_products, 1, __ATOMIC_RELAXED);
  if (!tile_check(c != a && c != b && a != b, "TDPBF16PS: a tile is named twice") ||
      !tile_check(tiles.rows[c] == tiles.rows[a] && tiles.bytes[c] == tiles.bytes[b] && tiles.bytes[a] == 4 * tiles.rows[b] &&
                  tiles.bytes[c] % 4 == 0, "TDPBF16PS: the tiles' sizes do not fit")) return;
  float x[TILE_ROWS][TILE_BYTES / 4][2], y[TILE_ROWS][TILE_BYTES / 4][2];
  tile_numbers(x, a), tile_numbers(y, b);
  for (int r = 0; r < tiles.rows[c]; r++) {
    for (int j = 0; j < tiles.bytes[c] / 4; j++) {
      float first = 0, second = 0, sum;
      for (int k = 0; k < tiles.bytes[a] / 4; k++) {
        first = tile_multiply_add(x[r][k][0], y[k][j][0], first);
        second = tile_multiply_add(x[r][k][1], y[k][j][1], second);
      }
      memcpy(&sum, tiles.data[c][r] + 4 * j, sizeof sum);
      sum = tile_flush(tile_flush(sum) + tile_flush(first + second));
      memcpy(tiles.data[c][r] + 4 * j, &sum, sizeof sum);
    }
  }
}

#define _tile_loadconfig(memory) tile_model_loadconfig(memory)
#define _tile_release() tile_model_release()
#define _tile_zero(t) tile_zero(t)
#define _tile_loadd(t, base, stride) tile_load(t, base, stride)
#define _tile_stream_loadd(t, base, stride) tile_load(t, base, stride)
#define _tile_stored(t, base, stride) tile_store(t, base, stride)
#define _tile_dpbf16ps(c, a, b) tile_dpbf16ps(c, a, b)
#endif
