/* rooms.c: the built-in rooms: a box seen from its front, with a bed, a window and a lamp in it, each there or not, and the box
 * that each takes up in the picture. The painter also runs without a canvas, to find those boxes. */
#include "scenes.h"
#include <math.h>

typedef struct {
  float x, y;
} point;

/* What is being drawn on, and the room as the camera sees it: x right, y down from the eye, z into the picture. */
typedef struct {
  gt__canvas *c; /* NULL: only find the boxes */
  const gt_room *room;
  float focal, floor, ceiling; /* y of floor and ceiling */
  gt_box *box;                 /* grows with what is drawn, where not NULL */
  float wide, high;            /* half the picture, in scene units */
} stage;

static gt__rgb colour(const float *c) { return (gt__rgb){c[0], c[1], c[2]}; }
static void keep(float *c, gt__rgb v) {
  c[0] = v.r;
  c[1] = v.g;
  c[2] = v.b;
}
static const gt__rgb white = {1, 1, 1}, black = {0, 0, 0};

static stage stage_of(gt__canvas *c, const gt_room *room, int h, int w) {
  int shorter = h < w ? h : w;
  stage s = {.c = c, .room = room, .focal = 1.95f, .wide = (float)w / (float)shorter, .high = (float)h / (float)shorter};
  s.floor = room->camera_y;
  s.ceiling = room->camera_y - room->height;
  return s;
}

static point project(const stage *s, float x, float y, float z) {
  float k = s->focal / z;
  return (point){(x - 0.55f * s->room->camera_x) * k - 0.45f * s->room->camera_x * s->focal / s->room->depth, y * k + 0.04f};
}

static void grow(const stage *s, float x0, float y0, float x1, float y1) {
  if (!s->box) return;
  float at[4] = {0.5f + 0.5f * x0 / s->wide, 0.5f + 0.5f * y0 / s->high, 0.5f + 0.5f * x1 / s->wide, 0.5f + 0.5f * y1 / s->high};
  for (int i = 0; i < 4; i++) at[i] = at[i] < 0 ? 0 : at[i] > 1 ? 1 : at[i];
  gt_box *b = s->box;
  if (b->x1 <= b->x0) {
    *b = (gt_box){1, at[0], at[1], at[2], at[3]};
    return;
  }
  b->x0 = at[0] < b->x0 ? at[0] : b->x0;
  b->y0 = at[1] < b->y0 ? at[1] : b->y0;
  b->x1 = at[2] > b->x1 ? at[2] : b->x1;
  b->y1 = at[3] > b->y1 ? at[3] : b->y1;
}

static void quad(const stage *s, point a, point b, point c, point d, gt__paint paint) {
  float xy[8] = {a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y}, x0 = a.x, x1 = a.x, y0 = a.y, y1 = a.y;
  for (int i = 1; i < 4; i++) {
    x0 = xy[2 * i] < x0 ? xy[2 * i] : x0;
    x1 = xy[2 * i] > x1 ? xy[2 * i] : x1;
    y0 = xy[2 * i + 1] < y0 ? xy[2 * i + 1] : y0;
    y1 = xy[2 * i + 1] > y1 ? xy[2 * i + 1] : y1;
  }
  if (paint.soft == 0) grow(s, x0, y0, x1, y1);
  if (s->c) gt__fill_part(s->c, gt__quad(xy), paint);
}

static void ellipse(const stage *s, float x, float y, float a, float b, gt__paint paint) {
  if (paint.soft == 0) grow(s, x - a, y - b, x + a, y + b);
  if (s->c) gt__fill_part(s->c, gt__ellipse(x, y, a, b), paint);
}

static void block(const stage *s, float x0, float y0, float x1, float y1, float corner, gt__paint paint) {
  if (paint.soft == 0) grow(s, x0, y0, x1, y1);
  if (s->c) gt__fill_part(s->c, gt__box((x0 + x1) * 0.5f, (y0 + y1) * 0.5f, (x1 - x0) * 0.5f, (y1 - y0) * 0.5f, corner), paint);
}

static gt__paint blurred(gt__rgb c, float alpha, float soft) {
  gt__paint p = gt__flat(c);
  p.alpha = alpha;
  p.soft = soft;
  return p;
}

static gt__paint light(gt__rgb c, float alpha, float soft) {
  gt__paint p = blurred(c, alpha, soft);
  p.add = 1;
  return p;
}

static gt__paint shade(point a, point b, gt__rgb c, float from, float to) {
  return gt__fade(gt__times(c, from), gt__times(c, to), a.x, a.y, b.x, b.y);
}

/* A blurred line of dark between two points: where surfaces meet. */
static void crease(const stage *s, point a, point b, float width, float alpha) {
  float ex = b.x - a.x, ey = b.y - a.y, n = sqrtf(ex * ex + ey * ey);
  if (!s->c || n < 1e-4f) return;
  gt__part p = gt__box((a.x + b.x) * 0.5f, (a.y + b.y) * 0.5f, n * 0.5f, 0.004f, 0);
  p.c = ex / n;
  p.s = ey / n;
  gt__fill_part(s->c, p, blurred((gt__rgb){0.08f, 0.05f, 0.07f}, alpha, width));
}

/* The sides of a cuboid that the camera sees; y runs from `high` (smaller) to `low`. */
static void cuboid(const stage *s, float x0, float x1, float high, float low, float z0, float z1, gt__rgb c) {
  point a = project(s, x0, high, z0), b = project(s, x1, high, z0), d = project(s, x0, low, z0), e = project(s, x1, low, z0);
  point fa = project(s, x0, high, z1), fb = project(s, x1, high, z1), fd = project(s, x0, low, z1), fe = project(s, x1, low, z1);
  if (fa.x < a.x) quad(s, a, fa, fd, d, shade(a, fa, c, 0.62f, 0.5f));
  if (fb.x > b.x) quad(s, b, fb, fe, e, shade(b, fb, c, 0.74f, 0.6f));
  if (fa.y < a.y) quad(s, a, b, fb, fa, shade(fa, a, c, 0.93f, 1.08f));
  quad(s, a, b, e, d, shade(a, d, c, 0.86f, 0.66f));
}

/* The shadow on the floor of what stands on x0..x1, z0..z1. */
static void ground(const stage *s, float x0, float x1, float z0, float z1) {
  quad(s, project(s, x0, s->floor, z0), project(s, x1, s->floor, z0), project(s, x1, s->floor, z1), project(s, x0, s->floor, z1),
       blurred((gt__rgb){0.07f, 0.04f, 0.05f}, 0.5f, 0.09f));
}

static void shell(const stage *s) {
  const gt_room *r = s->room;
  gt__rgb wall = colour(r->wall_rgb), wood = colour(r->floor_rgb), roof = gt__mix(wall, white, 0.7f), board = gt__mix(wall, white, 0.75f);
  float h = r->half_width, n = 1.1f, d = r->depth;
  point ftl = project(s, -h, s->ceiling, d), ftr = project(s, h, s->ceiling, d), fbl = project(s, -h, s->floor, d),
        fbr = project(s, h, s->floor, d);
  point ntl = project(s, -h, s->ceiling, n), ntr = project(s, h, s->ceiling, n), nbl = project(s, -h, s->floor, n),
        nbr = project(s, h, s->floor, n);
  if (s->c) gt__fill_part(s->c, gt__box(0, 0, s->wide + 1, s->high + 1, 0), gt__flat(wall));
  quad(s, ntl, ntr, ftr, ftl, gt__fade(gt__times(roof, 0.95f), gt__times(roof, 0.8f), 0, -s->high, 0, ftl.y));
  quad(s, nbl, nbr, fbr, fbl, gt__fade(gt__times(wood, 0.72f), gt__times(wood, 1.08f), 0, fbl.y, 0, s->high));
  for (int i = 0; i < 12; i += 2) { /* floor boards */
    float x0 = -h + 2 * h * (float)i / 12, x1 = -h + 2 * h * (float)(i + 1) / 12;
    gt__paint p = gt__flat(gt__times(wood, 0.6f));
    p.alpha = 0.16f;
    quad(s, project(s, x0, s->floor, n), project(s, x1, s->floor, n), project(s, x1, s->floor, d), project(s, x0, s->floor, d), p);
  }
  quad(s, ntl, ftl, fbl, nbl, gt__fade(gt__times(wall, 0.9f), gt__times(wall, 0.72f), -s->wide, 0, ftl.x, 0));
  quad(s, ntr, ftr, fbr, nbr, gt__fade(gt__times(wall, 0.64f), gt__times(wall, 0.8f), ftr.x, 0, s->wide, 0));
  quad(s, ftl, ftr, fbr, fbl, gt__fade(gt__times(wall, 1.05f), gt__times(wall, 0.86f), ftl.x, ftl.y, fbr.x, fbr.y));
  float skirt = s->floor - 0.12f; /* skirting boards */
  quad(s, project(s, -h, skirt, d), project(s, h, skirt, d), fbr, fbl, gt__flat(gt__times(board, 0.95f)));
  quad(s, project(s, -h, skirt, n), project(s, -h, skirt, d), fbl, nbl, gt__flat(gt__times(board, 0.8f)));
  quad(s, project(s, h, skirt, n), project(s, h, skirt, d), fbr, nbr, gt__flat(gt__times(board, 0.72f)));
  crease(s, ftl, fbl, 0.09f, 0.2f);
  crease(s, ftr, fbr, 0.09f, 0.2f);
  crease(s, ftl, ftr, 0.07f, 0.16f);
  crease(s, fbl, fbr, 0.05f, 0.3f);
}

/* A point on a wall: u along it (metres from its middle, rightwards or away), v downwards from the eye. */
static point on_wall(const stage *s, int wall, float u, float v) {
  const gt_room *r = s->room;
  if (wall == 0) return project(s, u, v, r->depth);
  return project(s, wall == 1 ? -r->half_width : r->half_width, v, r->depth - 1.25f + u);
}

static void panel(const stage *s, int wall, float u0, float v0, float u1, float v1, gt__paint p) {
  quad(s, on_wall(s, wall, u0, v0), on_wall(s, wall, u1, v0), on_wall(s, wall, u1, v1), on_wall(s, wall, u0, v1), p);
}

static void window(stage *s) {
  static const gt__rgb high[] = {{0.36f, 0.65f, 0.95f}, {0.42f, 0.36f, 0.66f}, {0.04f, 0.06f, 0.20f}};
  static const gt__rgb low[] = {{0.84f, 0.94f, 1.0f}, {1.0f, 0.66f, 0.42f}, {0.17f, 0.20f, 0.42f}};
  static const gt__rgb hills[] = {{0.45f, 0.70f, 0.38f}, {0.38f, 0.26f, 0.40f}, {0.05f, 0.07f, 0.15f}};
  const gt_room *r = s->room;
  int wall = (int)r->window_wall, sky = (int)r->sky;
  float half = 0.5f * r->window_width, free = (wall ? 1.05f : r->half_width - 0.15f) - half - 0.1f;
  float u = r->window_at * (free > 0 ? free : 0), v0 = s->ceiling + 0.42f, v1 = v0 + r->window_height, f = 0.085f;
  gt__rgb frame = {0.96f, 0.95f, 0.93f};
  float dim = wall == 2 ? 0.78f : wall == 1 ? 0.86f : 1;
  point top = on_wall(s, wall, u, v0), bottom = on_wall(s, wall, u, v1);
  panel(s, wall, u - half - f, v0 - f, u + half + f, v1 + f, blurred(black, 0.3f, 0.05f));
  panel(s, wall, u - half - f, v0 - f, u + half + f, v1 + f, gt__flat(gt__times(frame, dim)));
  panel(s, wall, u - half, v0, u + half, v1, gt__fade(high[sky], low[sky], 0, top.y, 0, bottom.y));
  gt_box *box = s->box;
  s->box = NULL;
  if (sky != 1) { /* a cloud, or the moon */
    float k = s->focal / r->depth;
    point m = on_wall(s, wall, u + half * 0.3f, v0 + r->window_height * 0.3f);
    float a = (sky == 0 ? 0.26f : 0.12f) * k * (wall ? 0.5f : 1) * r->window_width / 1.3f, b = sky == 0 ? 0.09f * k : 0.12f * k;
    ellipse(s, m.x, m.y, a, b, gt__flat(sky == 0 ? white : (gt__rgb){0.98f, 0.95f, 0.8f}));
    if (sky == 0) ellipse(s, m.x - a * 0.3f, m.y - b * 0.7f, a * 0.5f, b, gt__flat(white));
  }
  float mid = v1 - r->window_height * 0.22f;
  quad(s, on_wall(s, wall, u - half, mid), on_wall(s, wall, u + half, mid + 0.12f), on_wall(s, wall, u + half, v1),
       on_wall(s, wall, u - half, v1), gt__flat(hills[sky]));
  s->box = box;
  panel(s, wall, u - 0.03f, v0, u + 0.03f, v1, gt__flat(gt__times(frame, dim * 0.97f)));
  float bar = v0 + r->window_height * 0.5f;
  panel(s, wall, u - half, bar - 0.03f, u + half, bar + 0.03f, gt__flat(gt__times(frame, dim * 0.97f)));
  panel(s, wall, u - half - f - 0.06f, v1 + f * 0.5f, u + half + f + 0.06f, v1 + f + 0.05f, gt__flat(gt__times(frame, dim * 0.9f)));
  /* What falls in: on the floor before it. */
  if (sky < 2 && wall == 0) {
    gt__rgb beam = sky ? (gt__rgb){1, 0.62f, 0.35f} : (gt__rgb){1, 0.97f, 0.86f};
    float z0 = r->depth - 1.9f, z1 = r->depth - 0.75f, lean = -0.35f;
    quad(s, project(s, u - half + lean, s->floor, z0), project(s, u + half + lean, s->floor, z0), project(s, u + half, s->floor, z1),
         project(s, u - half, s->floor, z1), light(beam, 0.16f, 0.05f));
  }
}

static void picture(const stage *s, float u) {
  const gt_room *r = s->room;
  float v = s->ceiling + 0.95f;
  gt__rgb tint = colour(r->blanket_rgb), art = gt__mix(tint, white, 0.72f);
  panel(s, 0, u - 0.34f, v - 0.26f, u + 0.34f, v + 0.3f, blurred(black, 0.3f, 0.04f));
  panel(s, 0, u - 0.34f, v - 0.28f, u + 0.34f, v + 0.28f, gt__flat(gt__times(colour(r->wood_rgb), 0.8f)));
  panel(s, 0, u - 0.28f, v - 0.22f, u + 0.28f, v + 0.22f, gt__flat(art));
  point m = on_wall(s, 0, u + 0.08f, v);
  float k = s->focal / r->depth;
  ellipse(s, m.x, m.y - 0.03f * k, 0.11f * k, 0.11f * k, gt__flat(colour(r->rug_rgb)));
  panel(s, 0, u - 0.28f, v + 0.08f, u + 0.28f, v + 0.22f, gt__flat(gt__times(tint, 0.9f)));
}

static void rug(const stage *s) {
  const gt_room *r = s->room;
  float z = r->depth - 2.0f, x = 0.15f * r->half_width * (r->bed_at < 0 ? 1 : -1);
  point m = project(s, x, s->floor, z), left = project(s, x - 1.15f, s->floor, z), near = project(s, x, s->floor, z - 0.6f);
  float a = m.x - left.x, b = (near.y - m.y) * 0.85f;
  gt__rgb c = colour(r->rug_rgb);
  ellipse(s, m.x, m.y + 0.01f, a, b, blurred(black, 0.25f, 0.03f));
  ellipse(s, m.x, m.y, a, b, gt__fade(gt__times(c, 0.85f), gt__times(c, 1.05f), 0, m.y - b, 0, m.y + b));
  ellipse(s, m.x, m.y, a * 0.82f, b * 0.8f, gt__flat(gt__mix(c, white, 0.45f)));
  ellipse(s, m.x, m.y, a * 0.7f, b * 0.67f, gt__fade(gt__times(c, 0.88f), gt__times(c, 1.02f), 0, m.y - b, 0, m.y + b));
}

/* The bed's place on the floor: half of its extent in x and its depth range. */
static void bed_place(const stage *s, float *x, float *half, float *z0, float *z1) {
  const gt_room *r = s->room;
  if (r->bed_kind == 0) {
    *half = 0.78f;
    *x = r->bed_at * (r->half_width - 0.9f);
    *z1 = r->depth - 0.02f;
    *z0 = *z1 - 2.0f;
  } else {
    *half = 1.0f;
    *x = (r->half_width - 1.03f) * (r->bed_kind == 1 ? -1 : 1);
    *z1 = r->depth - 0.1f - 0.35f * (1 - r->bed_at) * 0.5f;
    *z0 = *z1 - 1.3f;
  }
}

static void pillow(const stage *s, point a, point b, gt__rgb c) {
  block(s, a.x, a.y, b.x, b.y, (b.y - a.y) * 0.45f, gt__fade(c, gt__times(c, 0.78f), a.x, a.y, a.x + 0.02f, b.y));
}

static void bed(const stage *s) {
  const gt_room *r = s->room;
  gt__rgb wood = colour(r->wood_rgb), sheet = {0.96f, 0.95f, 0.93f}, blanket = colour(r->blanket_rgb),
          fold = gt__mix(blanket, white, 0.55f);
  float x, half, z0, z1, fl = s->floor, top = fl - 0.56f;
  bed_place(s, &x, &half, &z0, &z1);
  ground(s, x - half - 0.05f, x + half + 0.05f, z0 - 0.08f, z1);
  if (r->bed_kind == 0) {
    cuboid(s, x - half - 0.04f, x + half + 0.04f, fl - 1.12f, fl, z1 - 0.08f, z1, wood);
    cuboid(s, x - half, x + half, fl - 0.36f, fl - 0.06f, z0, z1 - 0.08f, wood);
    cuboid(s, x - half, x + half, top, fl - 0.3f, z0, z1 - 0.08f, sheet);
    for (int i = -1; i <= 1; i += 2) {
      float m = x + (float)i * half * 0.5f;
      pillow(s, project(s, m - 0.32f, top - 0.24f, z1 - 0.3f), project(s, m + 0.32f, top + 0.03f, z1 - 0.3f), sheet);
    }
    cuboid(s, x - half - 0.03f, x + half + 0.03f, top - 0.05f, fl - 0.2f, z0 - 0.04f, z1 - 0.78f, blanket);
    point a = project(s, x - half - 0.03f, top - 0.055f, z1 - 0.78f), b = project(s, x + half + 0.03f, top - 0.055f, z1 - 0.78f);
    point c = project(s, x + half + 0.03f, top - 0.055f, z1 - 1.1f), d = project(s, x - half - 0.03f, top - 0.055f, z1 - 1.1f);
    quad(s, a, b, c, d, shade(a, d, fold, 0.9f, 1.0f));
  } else {
    float side = r->bed_kind == 1 ? -1.f : 1.f, head = x + side * half, foot = x - side * half;
    float lo = head < foot ? head : foot, hi = head < foot ? foot : head;
    if (side < 0) cuboid(s, lo, lo + 0.08f, fl - 1.05f, fl, z0, z1, wood);
    else cuboid(s, hi - 0.08f, hi, fl - 1.05f, fl, z0, z1, wood);
    cuboid(s, lo, hi, fl - 0.36f, fl - 0.06f, z0, z1, wood);
    cuboid(s, lo, hi, top, fl - 0.3f, z0, z1, sheet);
    float p = head - side * 0.38f;
    pillow(s, project(s, p - 0.24f, top - 0.22f, z1 - 0.35f), project(s, p + 0.24f, top + 0.03f, z1 - 0.35f), sheet);
    pillow(s, project(s, p - 0.26f, top - 0.22f, z0 + 0.3f), project(s, p + 0.26f, top + 0.05f, z0 + 0.3f), sheet);
    float from = head - side * 0.75f, hem = head - side * 1.02f;
    float b0 = from < foot ? from : foot - 0.03f, b1 = from < foot ? foot + 0.03f : from;
    cuboid(s, b0, b1, top - 0.05f, fl - 0.18f, z0 - 0.04f, z1 + 0.02f, blanket);
    float f0 = from < hem ? from : hem, f1 = from < hem ? hem : from;
    point a = project(s, f0, top - 0.055f, z0 - 0.04f), b = project(s, f1, top - 0.055f, z0 - 0.04f);
    point c = project(s, f1, top - 0.055f, z1), d = project(s, f0, top - 0.055f, z1);
    quad(s, a, b, c, d, shade(d, a, fold, 0.9f, 1.0f));
  }
}

/* Where the lamp or the night table stands: in the wider gap beside the bed, or anywhere without one. */
static float beside(const stage *s) {
  const gt_room *r = s->room;
  float x, half, z0, z1, edge = r->half_width - 0.32f;
  if (!r->bed.present) return r->lamp_at * edge;
  bed_place(s, &x, &half, &z0, &z1);
  float right = edge - (x + half), left = (x - half) + edge, t = 0.5f + 0.5f * r->lamp_at;
  if (right >= left) return x + half + 0.3f + t * (right > 0.3f ? right - 0.3f : 0);
  return x - half - 0.3f - t * (left > 0.3f ? left - 0.3f : 0);
}

static void table(const stage *s, float x) {
  float z1 = s->room->depth - 0.03f, z0 = z1 - 0.42f;
  gt__rgb wood = colour(s->room->wood_rgb);
  ground(s, x - 0.28f, x + 0.28f, z0 - 0.05f, z1);
  cuboid(s, x - 0.26f, x + 0.26f, s->floor - 0.52f, s->floor, z0, z1, wood);
  point a = project(s, x - 0.2f, s->floor - 0.42f, z0), b = project(s, x + 0.2f, s->floor - 0.24f, z0);
  block(s, a.x, a.y, b.x, b.y, 0.01f, gt__flat(gt__times(wood, 0.95f)));
  float k = s->focal / z0;
  ellipse(s, (a.x + b.x) * 0.5f, (a.y + b.y) * 0.5f, 0.025f * k, 0.025f * k, gt__flat(gt__times(wood, 0.45f)));
}

/* A shade `wide` at the bottom and narrower at the top, lit from inside. */
static void lampshade(const stage *s, float x, float top, float bottom, float z, float wide, float narrow) {
  gt__rgb c = colour(s->room->lamp_rgb), hot = gt__mix(c, (gt__rgb){1, 0.98f, 0.88f}, 0.78f);
  point a = project(s, x - narrow, top, z), b = project(s, x + narrow, top, z), d = project(s, x + wide, bottom, z),
        e = project(s, x - wide, bottom, z);
  quad(s, a, b, d, e, gt__fade(c, hot, 0, a.y, 0, e.y));
}

static void glow(const stage *s, float x, float y, float z, float reach) {
  point m = project(s, x, y, z);
  float k = s->focal / z * reach;
  ellipse(s, m.x, m.y, k * 0.35f, k * 0.35f, light((gt__rgb){1, 0.8f, 0.45f}, s->room->sky == 2 ? 0.36f : 0.26f, k * 0.62f));
}

static void lamp(const stage *s, float x) {
  const gt_room *r = s->room;
  gt__rgb metal = {0.30f, 0.27f, 0.26f};
  if (r->lamp_kind == 2) {
    float z = r->depth - 1.5f, hang = s->ceiling + 0.62f, at = r->lamp_at * 0.6f * r->half_width;
    glow(s, at, hang + 0.1f, z, 1.0f);
    point a = project(s, at, s->ceiling, z), b = project(s, at, hang, z);
    block(s, a.x - 0.011f, a.y, b.x + 0.011f, b.y, 0, gt__flat(metal));
    lampshade(s, at, hang - 0.02f, hang + 0.32f, z, 0.36f, 0.12f);
  } else if (r->lamp_kind == 1) {
    float z = r->depth - 0.25f, foot = s->floor - 0.52f;
    glow(s, x, foot - 0.45f, z, 1.0f);
    point a = project(s, x, foot - 0.35f, z), b = project(s, x, foot, z);
    float k = s->focal / z;
    ellipse(s, b.x, b.y - 0.1f * k, 0.085f * k, 0.11f * k,
            gt__fade(gt__times(colour(r->rug_rgb), 1.1f), gt__times(colour(r->rug_rgb), 0.6f), b.x - 0.05f, a.y, b.x + 0.1f, b.y));
    block(s, a.x - 0.012f, a.y, b.x + 0.012f, b.y - 0.15f * k, 0, gt__flat(metal));
    lampshade(s, x, foot - 0.68f, foot - 0.3f, z, 0.27f, 0.16f);
  } else {
    float z = r->depth - 0.4f, head = s->floor - 1.72f;
    ground(s, x - 0.2f, x + 0.2f, z - 0.2f, z + 0.2f);
    glow(s, x, head + 0.2f, z, 1.25f);
    point a = project(s, x, head + 0.3f, z), b = project(s, x, s->floor, z);
    float k = s->focal / z;
    ellipse(s, b.x, b.y, 0.19f * k, 0.05f * k, gt__fade(gt__times(metal, 1.3f), gt__times(metal, 0.8f), b.x - 0.1f, 0, b.x + 0.1f, 0));
    block(s, a.x - 0.02f * k, a.y, b.x + 0.02f * k, b.y, 0,
          gt__fade(gt__times(metal, 1.5f), gt__times(metal, 0.8f), b.x - 0.01f, 0, b.x + 0.02f, 0));
    lampshade(s, x, head, head + 0.4f, z, 0.32f, 0.19f);
  }
}

static void paint(gt__canvas *c, const gt_room *room, int h, int w, gt_box *found) {
  stage s = stage_of(c, room, h, w);
  float x = beside(&s);
  shell(&s);
  if (room->picture > 0) {
    float side = room->window.present && room->window_wall == 0 ? (room->window_at < 0 ? 1.f : -1.f) * room->half_width * 0.62f : 0;
    if (!room->window.present || room->window_wall != 0 || room->window_width < room->half_width * 0.85f) picture(&s, side);
  }
  if (room->window.present > 0) {
    s.box = found;
    window(&s);
    s.box = NULL;
  }
  if (room->rug > 0) rug(&s);
  if (room->lamp.present && room->lamp_kind == 1) table(&s, x);
  if (room->lamp.present > 0 && room->lamp_kind != 2) {
    s.box = found ? found + 2 : NULL;
    lamp(&s, x);
    s.box = NULL;
  }
  if (room->bed.present > 0) {
    s.box = found ? found + 1 : NULL;
    bed(&s);
    s.box = NULL;
  }
  if (room->lamp.present > 0 && room->lamp_kind == 2) {
    s.box = found ? found + 2 : NULL;
    lamp(&s, x);
  }
}

int gt_room_at(gt_room *r, double seed, double index, int h, int w) {
  static const gt__rgb woods[] = {
      {0.36f, 0.22f, 0.14f}, {0.55f, 0.36f, 0.22f}, {0.72f, 0.53f, 0.35f}, {0.86f, 0.74f, 0.58f}, {0.55f, 0.54f, 0.53f}};
  gt__dice dice;
  GT_TRY(gt__dice_open(&dice, "room_at", GT_ROOMS, seed, index));
  GT_TRY(gt__picture_size("room_at", 3, h, w));
  *r = (gt_room){0};
  r->bed.present = gt__roll(&dice) < 0.7f;
  r->window.present = gt__roll(&dice) < 0.7f;
  r->lamp.present = gt__roll(&dice) < 0.7f;
  float hue = gt__roll(&dice), warm = gt__roll(&dice), tint = gt__roll(&dice);
  keep(r->wall_rgb, gt__hsv(hue, 0.10f + 0.30f * tint, gt__between(&dice, 0.70f, 0.95f)));
  int plank = (int)(gt__roll(&dice) * 4.99f), board = (int)(gt__roll(&dice) * 3.99f);
  keep(r->floor_rgb, gt__times(woods[plank], gt__between(&dice, 0.85f, 1.1f)));
  keep(r->wood_rgb, gt__times(woods[board], gt__between(&dice, 0.8f, 1.1f)));
  hue += gt__between(&dice, 0.2f, 0.8f);
  keep(r->blanket_rgb, gt__tint(&dice, hue, 0.4f, 0.8f, 0.45f, 0.9f));
  hue += gt__between(&dice, 0.25f, 0.75f);
  keep(r->rug_rgb, gt__tint(&dice, hue, 0.35f, 0.65f, 0.5f, 0.85f));
  keep(r->lamp_rgb, gt__tint(&dice, 0.06f + 0.09f * warm, 0.3f, 0.75f, 0.8f, 0.97f));
  float sky = gt__roll(&dice);
  r->sky = sky < 0.55f ? 0 : sky < 0.77f ? 1 : 2;
  float aspect = (float)w / (float)h;
  r->half_width = gt__between(&dice, 1.6f, 1.95f) * (aspect > 1 ? aspect : 1);
  r->height = gt__between(&dice, 2.45f, 2.75f) * (aspect < 1 ? 1 / aspect : 1);
  r->depth = gt__between(&dice, 4.4f, 5.0f);
  r->camera_x = gt__between(&dice, -0.5f, 0.5f);
  r->camera_y = gt__between(&dice, 1.25f, 1.5f) + (aspect < 1 ? 0.6f * (1 / aspect - 1) : 0);
  r->bed_kind = (float)(int)(gt__roll(&dice) * 3);
  r->bed_at = gt__between(&dice, -1, 1);
  float at = gt__roll(&dice);
  r->window_wall = at < 0.7f ? 0 : at < 0.85f ? 1 : 2;
  r->window_at = gt__between(&dice, -1, 1);
  r->window_width = gt__between(&dice, 0.95f, 1.6f);
  r->window_height = gt__between(&dice, 0.9f, 1.15f);
  r->lamp_kind = (float)(int)(gt__roll(&dice) * 3);
  r->lamp_at = gt__between(&dice, -1, 1);
  r->picture = gt__roll(&dice) < 0.5f;
  r->rug = gt__roll(&dice) < 0.55f;
  /* What would hardly be seen is not there; the lamp's place may depend on that. */
  gt_box *const things[] = {&r->window, &r->bed, &r->lamp};
  for (int hidden = 1; hidden;) {
    gt_box found[3] = {{0}};
    hidden = 0;
    paint(NULL, r, h, w, found);
    for (int i = 0; i < 3; i++) {
      bool seen = found[i].x1 - found[i].x0 > 0.05f && found[i].y1 - found[i].y0 > 0.05f;
      hidden |= things[i]->present > 0 && !seen;
      *things[i] = seen ? found[i] : (gt_box){0};
    }
  }
  return GT_OK;
}

void gt__room_paint(gt__canvas *c, const gt_room *room) { paint(c, room, c->h, c->w, NULL); }
