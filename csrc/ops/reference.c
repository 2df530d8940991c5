/* reference.c: convolution as its definition has it, for Float: every shape, on contiguous images, each sum in float32 and term by term:
 * a tap's channels, then the next tap's; an image's positions, then the next image's. What the other ways are measured against, and what
 * to use where one is in doubt. */
#include "conv.h"

typedef struct job {
  float *out;
  const float *first, *second;           /* operands */
  const geometry *g;
  float beta, scale;
} job;

/* y[n][o] = sum over i, j and the group's c of x[n][c][...] w[o][c][i][j] */
static void forward_task(void *context, int64_t task) {
  const job *a = context;
  const geometry *g = a->g;
  int64_t n = task / g->o, o = task % g->o;
  const float *x = a->first + (n * g->c + o / g->og * g->cg) * g->h * g->w, *w = a->second + o * g->cg * g->taps;
  for (int64_t p = 0; p < g->area; p++) {
    float sum = 0;
    for (int64_t t = 0; t < g->taps; t++) {
      int64_t iy = gt__source_of_y(p / g->ow, t / g->kw, g->sh, g->ph, g->dh, g->h);
      int64_t ix = gt__source_of_y(p % g->ow, t % g->kw, g->sw, g->pw, g->dw, g->w);
      if (iy < 0 || ix < 0) continue;
      for (int64_t c = 0; c < g->cg; c++) sum += x[(c * g->h + iy) * g->w + ix] * w[c * g->taps + t];
    }
    a->out[task * g->area + p] = sum;
  }
}

/* x[n][c] = sum over i, j and the group's o of y[n][o][...] w[o][c][i][j] */
static void input_task(void *context, int64_t task) {
  const job *a = context;
  const geometry *g = a->g;
  int64_t n = task / g->c, c = task % g->c, first = c / g->cg * g->og;
  const float *y = a->first + (n * g->o + first) * g->area, *w = a->second + (first * g->cg + c % g->cg) * g->taps;
  for (int64_t p = 0; p < g->h * g->w; p++) {
    float sum = 0;
    for (int64_t t = 0; t < g->taps; t++) {
      int64_t oy = gt__source_of_x(p / g->w, t / g->kw, g->sh, g->ph, g->dh, g->oh);
      int64_t ox = gt__source_of_x(p % g->w, t % g->kw, g->sw, g->pw, g->dw, g->ow);
      if (oy < 0 || ox < 0) continue;
      for (int64_t o = 0; o < g->og; o++) sum += y[(o * g->oh + oy) * g->ow + ox] * w[o * g->cg * g->taps + t];
    }
    a->out[task * g->h * g->w + p] = sum;
  }
}

/* w[o][c][i][j] = beta w + scale times the sum over n and the positions of y of x[n][c][...] y[n][o][...] */
static void weight_task(void *context, int64_t task) {
  const job *a = context;
  const geometry *g = a->g;
  int64_t o = task / g->cg, c = o / g->og * g->cg + task % g->cg;
  for (int64_t t = 0; t < g->taps; t++) {
    float sum = 0, *w = a->out + task * g->taps + t;
    for (int64_t n = 0; n < g->n; n++) {
      const float *x = a->first + (n * g->c + c) * g->h * g->w, *y = a->second + (n * g->o + o) * g->area;
      for (int64_t oy = 0; oy < g->oh; oy++) {
        int64_t iy = gt__source_of_y(oy, t / g->kw, g->sh, g->ph, g->dh, g->h);
        for (int64_t ox = 0; ox < g->ow && iy >= 0; ox++) {
          int64_t ix = gt__source_of_y(ox, t % g->kw, g->sw, g->pw, g->dw, g->w);
          if (ix >= 0) sum += x[iy * g->w + ix] * y[oy * g->ow + ox];
        }
      }
    }
    *w = a->beta == 0 ? a->scale * sum : a->beta * *w + a->scale * sum;
  }
}

int gt__reference_forward(float *y, const float *x, const float *w, const geometry *g) {
  gt__parallel(g->n * g->o, forward_task, &(job){.out = y, .first = x, .second = w, .g = g});
  return GT_OK;
}

int gt__reference_input(float *x, const float *y, const float *w, const geometry *g) {
  gt__parallel(g->n * g->c, input_task, &(job){.out = x, .first = y, .second = w, .g = g});
  return GT_OK;
}

int gt__reference_weight(float *w, const float *x, const float *y, const geometry *g, double beta, double scale) {
  gt__parallel(g->o * g->cg, weight_task, &(job){.out = w, .first = x, .second = y, .g = g, .beta = (float)beta, .scale = (float)scale});
  return GT_OK;
}
