/* canvas.c: the scenes' painter (canvas.h): distances, coverage, blending. */
#include "canvas.h"
#include <math.h>
#include <string.h>

static inline float clamp01(float v) { return v < 0 ? 0 : v > 1 ? 1 : v; }
static inline float fmin2(float a, float b) { return a < b ? a : b; }
static inline float fmax2(float a, float b) { return a > b ? a : b; }

float gt__sine(float x) {
  float q = x * x;
  return x * (1 - q * (1.f / 6) * (1 - q * (1.f / 20) * (1 - q * (1.f / 42))));
}

float gt__cosine(float x) {
  float q = x * x;
  return 1 - q * 0.5f * (1 - q * (1.f / 12) * (1 - q * (1.f / 30) * (1 - q * (1.f / 56))));
}

gt__rgb gt__mix(gt__rgb a, gt__rgb b, float t) { return (gt__rgb){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t}; }

gt__rgb gt__times(gt__rgb a, float f) { return (gt__rgb){clamp01(a.r * f), clamp01(a.g * f), clamp01(a.b * f)}; }

gt__rgb gt__hsv(float hue, float saturation, float value) {
  float h = (hue - floorf(hue)) * 6;
  float r = clamp01(fabsf(h - 3) - 1), g = clamp01(2 - fabsf(h - 2)), b = clamp01(2 - fabsf(h - 4));
  return (gt__rgb){value * (1 - saturation * (1 - r)), value * (1 - saturation * (1 - g)), value * (1 - saturation * (1 - b))};
}

size_t gt__canvas_floats(int h, int w) { return (size_t)h * w * 3 + (size_t)w * 2; }

void gt__canvas_open(gt__canvas *c, float *memory, int h, int w) {
  size_t plane = (size_t)h * w;
  int shorter = h < w ? h : w;
  memset(memory, 0, plane * 3 * sizeof *memory);
  for (int i = 0; i < 3; i++) c->plane[i] = memory + plane * i;
  c->near = memory + plane * 3;
  c->other = c->near + w;
  c->h = h;
  c->w = w;
  c->pixel = 2.f / (float)shorter;
  c->left = (0.5f - 0.5f * (float)w) * c->pixel;
  c->top = (0.5f - 0.5f * (float)h) * c->pixel;
}

void gt__canvas_bytes(uint8_t *out, const gt__canvas *c, int channels) {
  size_t plane = (size_t)c->h * c->w;
  if (channels == 1) {
    for (size_t i = 0; i < plane; i++)
      out[i] = (uint8_t)(clamp01(0.299f * c->plane[0][i] + 0.587f * c->plane[1][i] + 0.114f * c->plane[2][i]) * 255 + 0.5f);
    return;
  }
  for (int k = 0; k < 3; k++)
    for (size_t i = 0; i < plane; i++) out[plane * k + i] = (uint8_t)(clamp01(c->plane[k][i]) * 255 + 0.5f);
  if (channels == 4) memset(out + plane * 3, 255, plane);
}

gt__part gt__ellipse(float x, float y, float a, float b) { return (gt__part){.kind = GT__ELLIPSE, .x = x, .y = y, .a = a, .b = b, .c = 1}; }

gt__part gt__box(float x, float y, float a, float b, float corner) {
  corner = fmin2(corner, fmin2(a, b));
  return (gt__part){.kind = GT__BOX, .x = x, .y = y, .a = a, .b = b, .k = corner, .c = 1};
}

gt__part gt__stroke(float x, float y, float half, float sag, float thickness) {
  return (gt__part){.kind = GT__STROKE, .x = x, .y = y, .a = half, .b = thickness, .k = sag, .c = 1};
}

gt__part gt__lens(float x, float y, float half, float upper, float lower) {
  return (gt__part){.kind = GT__LENS, .x = x, .y = y, .a = half, .b = lower, .k = upper, .c = 1};
}

gt__part gt__quad(const float *xy) {
  gt__part p = {.kind = GT__QUAD, .c = 1};
  float area = 0;
  for (int i = 0; i < 4; i++) {
    int j = (i + 1) & 3;
    area += xy[2 * i] * xy[2 * j + 1] - xy[2 * j] * xy[2 * i + 1];
  }
  for (int i = 0; i < 4; i++) {
    int from = area >= 0 ? i : 3 - i;
    p.px[i] = xy[2 * from];
    p.py[i] = xy[2 * from + 1];
  }
  return p;
}

gt__part gt__turned(gt__part p, float angle) {
  p.c = gt__cosine(angle);
  p.s = gt__sine(angle);
  return p;
}

gt__part gt__with(gt__part p, int op) {
  p.op = op;
  return p;
}

gt__paint gt__flat(gt__rgb colour) { return (gt__paint){.from = colour, .to = colour, .alpha = 1}; }

gt__paint gt__fade(gt__rgb from, gt__rgb to, float x0, float y0, float x1, float y1) {
  gt__paint p = {.from = from, .to = to, .alpha = 1};
  float dx = x1 - x0, dy = y1 - y0, q = dx * dx + dy * dy;
  if (q > 0) {
    p.gx = dx / q;
    p.gy = dy / q;
    p.g0 = -(x0 * p.gx + y0 * p.gy);
  }
  return p;
}

/* d[i] = distance of the row's pixel i from p, for x = x0 + i dx at height y. */
static void distances(float *restrict d, const gt__part *p, float x0, float dx, float y, int n) {
  const float a = p->a, b = p->b, k = p->k, c = p->c, s = p->s, thin = p->thin;
  const float rx = x0 - p->x, ry = y - p->y;
  switch (p->kind) {
  case GT__ELLIPSE: {
    const float ia = 1 / a, ib = 1 / b;
    for (int i = 0; i < n; i++) {
      float qx = rx + (float)i * dx, u = (qx * c + ry * s) * ia, v = (ry * c - qx * s) * ib;
      u /= 1 + k * fmin2(fmax2(v, -1), 1);
      float f = sqrtf(u * u + v * v), g = sqrtf(u * u * ia * ia + v * v * ib * ib);
      d[i] = f * (f - 1) / (g + 1e-6f) - (f < 1e-3f ? fmin2(a, b) : 0);
    }
    break;
  }
  case GT__BOX:
    for (int i = 0; i < n; i++) {
      float qx = rx + (float)i * dx, u = fabsf(qx * c + ry * s) - a + k, v = fabsf(ry * c - qx * s) - b + k;
      float ou = fmax2(u, 0), ov = fmax2(v, 0);
      d[i] = sqrtf(ou * ou + ov * ov) + fmin2(fmax2(u, v), 0) - k;
    }
    break;
  case GT__STROKE: {
    const float ia = 1 / a;
    for (int i = 0; i < n; i++) {
      float qx = rx + (float)i * dx, u = qx * c + ry * s, v = ry * c - qx * s;
      float t = fmin2(fmax2(u * ia, -1), 1), slope = 2 * k * t * ia;
      float ex = u - t * a, e = v - k * t * t;
      d[i] = sqrtf(ex * ex + e * e / (1 + slope * slope)) - b * (1 - thin * t * t);
    }
    break;
  }
  case GT__LENS: {
    const float ia = 1 / a;
    for (int i = 0; i < n; i++) {
      float qx = rx + (float)i * dx, u = qx * c + ry * s, v = ry * c - qx * s;
      float t = u * ia, arch = 1 - t * t, s1 = 2 * k * t * ia, s2 = 2 * b * t * ia;
      float above = (k * arch - v) / sqrtf(1 + s1 * s1), below = (v - b * arch) / sqrtf(1 + s2 * s2);
      d[i] = fmax2(fmax2(above, below), fabsf(u) - a);
    }
    break;
  }
  default:
    for (int i = 0; i < n; i++) d[i] = -1e9f;
    for (int e = 0; e < 4; e++) {
      int j = (e + 1) & 3;
      float ex = p->px[j] - p->px[e], ey = p->py[j] - p->py[e], q = ex * ex + ey * ey;
      if (q < 1e-12f) continue;
      float inv = 1 / sqrtf(q), nx = ey * inv, ny = -ex * inv;
      float at = (x0 - p->px[e]) * nx + (y - p->py[e]) * ny, by = dx * nx;
      for (int i = 0; i < n; i++) d[i] = fmax2(d[i], at + (float)i * by);
    }
  }
}

/* What p covers: x0, y0, x1, y1. */
static void bounds(float *box, const gt__part *p) {
  if (p->kind == GT__QUAD) {
    box[0] = box[2] = p->px[0];
    box[1] = box[3] = p->py[0];
    for (int i = 1; i < 4; i++) {
      box[0] = fmin2(box[0], p->px[i]);
      box[2] = fmax2(box[2], p->px[i]);
      box[1] = fmin2(box[1], p->py[i]);
      box[3] = fmax2(box[3], p->py[i]);
    }
    return;
  }
  float u = p->a, v = p->b;
  if (p->kind == GT__ELLIPSE) u *= 1 + fabsf(p->k);
  if (p->kind == GT__STROKE) {
    u += p->b;
    v += fabsf(p->k);
  }
  if (p->kind == GT__LENS) v = fmax2(fabsf(p->k), fabsf(p->b));
  float ex = fabsf(p->c) * u + fabsf(p->s) * v, ey = fabsf(p->s) * u + fabsf(p->c) * v;
  box[0] = p->x - ex;
  box[1] = p->y - ey;
  box[2] = p->x + ex;
  box[3] = p->y + ey;
}

/* Turns distances into how much of each pixel is covered. */
static void coverage(float *restrict d, int n, float pixel, float soft, float alpha) {
  const float half = soft > 0.5f * pixel ? soft : 0.5f * pixel, inv = 0.5f / half;
  if (soft > 0)
    for (int i = 0; i < n; i++) {
      float t = clamp01(0.5f - d[i] * inv);
      d[i] = alpha * t * t * (3 - 2 * t);
    }
  else
    for (int i = 0; i < n; i++) d[i] = alpha * clamp01(0.5f - d[i] * inv);
}

static void blend(gt__canvas *c, int row, int first, int n, const gt__paint *p) {
  const float *restrict cover = c->near;
  size_t at = (size_t)row * c->w + first;
  float *restrict r = c->plane[0] + at, *restrict g = c->plane[1] + at, *restrict b = c->plane[2] + at;
  const float y = c->top + (float)row * c->pixel, x0 = c->left + (float)first * c->pixel, dx = c->pixel;
  const float dr = p->to.r - p->from.r, dg = p->to.g - p->from.g, db = p->to.b - p->from.b;
  const float t0 = p->g0 + p->gy * y + p->gx * x0, dt = p->gx * dx;
  const float ball = p->ball, iu = ball > 0 ? 1 / p->brx : 0, v = ball > 0 ? (y - p->by) / p->bry : 0;
  const float add = p->add ? 0 : 1;
  for (int i = 0; i < n; i++) {
    float t = clamp01(t0 + (float)i * dt), k = cover[i], light = 1;
    if (ball > 0) {
      /* A ball's normal against light from (-0.42, -0.55, 0.72). */
      float u = (x0 + (float)i * dx - p->bx) * iu, z = sqrtf(fmax2(1 - u * u - v * v, 0));
      light = 1 + ball * (0.72f * z - 0.42f * u - 0.55f * v - 0.62f);
    }
    r[i] += k * ((p->from.r + dr * t) * light - add * r[i]);
    g[i] += k * ((p->from.g + dg * t) * light - add * g[i]);
    b[i] += k * ((p->from.b + db * t) * light - add * b[i]);
  }
}

void gt__fill_shape(gt__canvas *c, const gt__part *parts, int n, const gt__paint *paint) {
  float box[4], more[4], margin = paint->soft + c->pixel;
  gt__part thick[8];
  float alpha = paint->alpha;
  bounds(box, parts);
  for (int i = 0; i < n; i++) {
    thick[i] = parts[i];
    /* A line thinner than a pixel is drawn a pixel thick and fainter. */
    if (parts[i].kind == GT__STROKE && parts[i].b < 0.5f * c->pixel && paint->soft == 0) {
      if (n == 1) alpha *= parts[i].b / (0.5f * c->pixel);
      thick[i].b = 0.5f * c->pixel;
    }
    if (i && parts[i].op == GT__ADD) {
      bounds(more, parts + i);
      for (int k = 0; k < 2; k++) {
        box[k] = fmin2(box[k], more[k]);
        box[k + 2] = fmax2(box[k + 2], more[k + 2]);
      }
    }
  }
  float inv = 1 / c->pixel, wf = (float)c->w, hf = (float)c->h;
  int x0 = (int)fmax2(0, fmin2(wf, floorf((box[0] - margin - c->left) * inv)));
  int x1 = (int)fmax2(0, fmin2(wf, floorf((box[2] + margin - c->left) * inv) + 2));
  int y0 = (int)fmax2(0, fmin2(hf, floorf((box[1] - margin - c->top) * inv)));
  int y1 = (int)fmax2(0, fmin2(hf, floorf((box[3] + margin - c->top) * inv) + 2));
  int width = x1 - x0;
  if (width <= 0) return;
  for (int row = y0; row < y1; row++) {
    float y = c->top + (float)row * c->pixel, x = c->left + (float)x0 * c->pixel;
    distances(c->near, thick, x, c->pixel, y, width);
    for (int k = 1; k < n; k++) {
      float *restrict d = c->near, *restrict o = c->other;
      distances(o, thick + k, x, c->pixel, y, width);
      if (parts[k].op == GT__ADD)
        for (int i = 0; i < width; i++) d[i] = fmin2(d[i], o[i]);
      else if (parts[k].op == GT__CUT)
        for (int i = 0; i < width; i++) d[i] = fmax2(d[i], -o[i]);
      else
        for (int i = 0; i < width; i++) d[i] = fmax2(d[i], o[i]);
    }
    coverage(c->near, width, c->pixel, paint->soft, alpha);
    blend(c, row, x0, width, paint);
  }
}

void gt__fill_part(gt__canvas *c, gt__part part, gt__paint paint) { gt__fill_shape(c, &part, 1, &paint); }
