/* channels.h: passes over tensors with numbers for each channel: what batch norm and biases are made of. */
#ifndef GANTRY_CHANNELS_H
#define GANTRY_CHANNELS_H
#include "../kernels/kernels.h"

/* How the passes over x, N x C x ... and in the inner layout or contiguous, are cut. Where channels are neighbours in memory (the inner
 * layout, or one number an image), x is a matrix whose columns are channels, or, with few of them, several rows taken as one. Else x
 * is planes of one channel each. */
typedef struct gt__channels {
  int dtype;
  int64_t n, c, positions;
  bool columns;
  int64_t width;                           /* numbers in a vector: c, or the columns of a row */
  int64_t rows, rest;                      /* columns: rows of `width`, and channels left over; planes: images */
  int64_t segment;                         /* planes: numbers of one that a task takes */
  int64_t tile, per_part, tiles, parts;    /* a task takes `tile` of width and per_part of rows: one of tiles x parts */
} gt__channels;

void gt__channels_cut(gt__channels *s, const gt_tensor *x);

/* The vectors that a pass reads, as kernels.h has them; each is filled by gt__channels_set. scale is gain, unless somebody puts `own_scale`
 * in its place. */
typedef struct gt__channel_vectors {
  gt__scratch memory;
  void *center, *gain, *bias, *lift, *tilt, *own_scale;
  const void *scale;
} gt__channel_vectors;

int gt__channels_vectors(gt__channel_vectors *v, const gt__channels *s);
void gt__channels_set(const gt__channels *s, void *vector, int64_t c, double value);

/* GT__CHANNEL_SPREAD or GT__CHANNEL_PRODUCTS: sum[c], product[c] of each channel. gy may be NULL for the first. */
int gt__channels_sums(const gt__channels *s, int loop, double *sum, double *product, const gt__channel_vectors *v, const void *x, const void *gy,
                      double slope);
/* GT__CHANNEL_MAP or GT__CHANNEL_GRADIENT; out may be x or gy. */
void gt__channels_map(const gt__channels *s, int loop, void *out, const gt__channel_vectors *v, const void *x, const void *gy, double slope);
#endif
