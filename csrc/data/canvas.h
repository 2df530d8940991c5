/* canvas.h: a small antialiased painter for the built-in scenes. Shapes are signed distances (negative inside) combined by
 * union, cut and intersection; a pixel's coverage comes from its distance to the edge, so one description serves every size.
 * Only + - * / and sqrt are used per pixel: the same bits on every machine. */
#ifndef GANTRY_CANVAS_H
#define GANTRY_CANVAS_H
#include <stddef.h>
#include <stdint.h>

typedef struct { float r, g, b; } gt__rgb;

typedef struct {
  float *plane[3];                 /* h x w each, 0..1 */
  float *near, *other;             /* distances of one row */
  int h, w;
  float pixel;                     /* a pixel's side in scene units; the image's shorter side is 2 */
  float left, top;                 /* scene coordinates of the first pixel's centre; x runs right, y down */
} gt__canvas;

/* Floats that a canvas of h x w needs at `memory`. */
size_t gt__canvas_floats(int h, int w);
/* A black canvas. */
void gt__canvas_open(gt__canvas *c, float *memory, int h, int w);
/* Rounds to bytes: `channels` planes of h x w (1: luma, 3: RGB, 4: RGB and an opaque alpha). */
void gt__canvas_bytes(uint8_t *out, const gt__canvas *c, int channels);

enum { GT__ELLIPSE, GT__BOX, GT__STROKE, GT__LENS, GT__QUAD };
enum { GT__ADD, GT__CUT, GT__MEET };

/* One primitive, centred at (x, y) and turned by the angle whose cosine and sine are (c, s).
 * ELLIPSE: half axes a, b; k > 0 widens it downwards.   BOX: half sides a, b; corner radius k.
 * STROKE: the parabola y = k (x/a)^2 over |x| <= a, half thickness b, thinning by `thin` towards its ends.
 * LENS: between y = k (1 - (x/a)^2) and y = b (1 - (x/a)^2), k <= b.   QUAD: convex, corners px, py. */
typedef struct {
  int kind, op;
  float x, y, a, b, k, c, s, thin;
  float px[4], py[4];
} gt__part;

/* Colour runs from `from` to `to` along gx x + gy y + g0 in 0..1. ball > 0 shades as a ball lit from above left would be.
 * soft is the half width of a blurred edge (0: crisp). `add` adds light instead of covering. */
typedef struct {
  gt__rgb from, to;
  float gx, gy, g0;
  float alpha, soft;
  float ball, bx, by, brx, bry;
  int add;
} gt__paint;

gt__part gt__ellipse(float x, float y, float a, float b);
gt__part gt__box(float x, float y, float a, float b, float corner);
gt__part gt__stroke(float x, float y, float half, float sag, float thickness);
gt__part gt__lens(float x, float y, float half, float upper, float lower);
gt__part gt__quad(const float *xy);                  /* four corners, either way round */
gt__part gt__turned(gt__part p, float angle);        /* radians, |angle| < 1.6 */
gt__part gt__with(gt__part p, int op);
gt__paint gt__flat(gt__rgb colour);
gt__paint gt__fade(gt__rgb from, gt__rgb to, float x0, float y0, float x1, float y1);
void gt__fill_shape(gt__canvas *c, const gt__part *parts, int n, const gt__paint *paint);
void gt__fill_part(gt__canvas *c, gt__part part, gt__paint paint);

gt__rgb gt__hsv(float hue, float saturation, float value);        /* hue in turns */
gt__rgb gt__mix(gt__rgb a, gt__rgb b, float t);
gt__rgb gt__times(gt__rgb a, float f);
float gt__sine(float x);                                          /* |x| <= 1.6, to 1e-4 */
float gt__cosine(float x);
#endif
