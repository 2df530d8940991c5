/* faces.c: the built-in faces: what each one looks like, and how it is drawn. Light falls from above left; the head is a ball
 * on which the features sit at angles, so that turning the head moves and foreshortens them as it would. */
#include "scenes.h"

static float lerp(float a, float b, float t) { return a + (b - a) * t; }
static const gt__rgb white = {1, 1, 1};
static gt__rgb colour(const float *c) { return (gt__rgb){c[0], c[1], c[2]}; }
static void keep(float *c, gt__rgb v) {
  c[0] = v.r;
  c[1] = v.g;
  c[2] = v.b;
}

/* A colour along a list of n stops. */
static gt__rgb along(const gt__rgb *stops, int n, float t) {
  float at = t * (float)(n - 1);
  int i = (int)at;
  if (i > n - 2) i = n - 2;
  return gt__mix(stops[i], stops[i + 1], at - (float)i);
}

int gt_face_at(gt_face *f, double seed, double index) {
  static const gt__rgb skins[] = {{1.00f, 0.87f, 0.77f}, {0.97f, 0.79f, 0.65f}, {0.89f, 0.68f, 0.51f},
                                  {0.74f, 0.52f, 0.37f}, {0.55f, 0.36f, 0.25f}, {0.41f, 0.26f, 0.19f}};
  static const gt__rgb hairs[] = {{0.09f, 0.08f, 0.10f}, {0.24f, 0.15f, 0.11f}, {0.45f, 0.26f, 0.14f}, {0.66f, 0.29f, 0.12f},
                                  {0.86f, 0.62f, 0.26f}, {0.97f, 0.85f, 0.55f}, {0.88f, 0.88f, 0.90f}};
  static const gt__rgb irises[] = {{0.22f, 0.13f, 0.09f}, {0.42f, 0.27f, 0.12f}, {0.30f, 0.45f, 0.20f}, {0.16f, 0.42f, 0.62f}};
  static const gt__rgb frames[] = {{0.10f, 0.10f, 0.12f}, {0.42f, 0.18f, 0.10f}, {0.62f, 0.10f, 0.16f}, {0.12f, 0.20f, 0.45f}};
  gt__dice dice;
  GT_TRY(gt__dice_open(&dice, "face_at", GT_FACES, seed, index));
  f->smile = gt__roll(&dice) < 0.5f ? 0 : 1;
  f->glasses = gt__roll(&dice) < 0.5f ? 0 : 1;
  f->hair_length = gt__roll(&dice);
  f->turn = 2 * gt__roll(&dice) - 1;
  f->skin = gt__roll(&dice);
  f->hair_tone = gt__roll(&dice);
  keep(f->skin_rgb, along(skins, 6, f->skin));
  keep(f->hair_rgb, along(hairs, 7, f->hair_tone));
  float hue = gt__roll(&dice);
  keep(f->background_rgb, gt__tint(&dice, hue, 0.24f, 0.52f, 0.76f, 0.96f));
  hue += gt__between(&dice, 0.25f, 0.75f);
  keep(f->clothes_rgb, gt__tint(&dice, hue, 0.45f, 0.75f, 0.45f, 0.9f));
  keep(f->eyes_rgb, along(irises, 4, gt__roll(&dice)));
  keep(f->glasses_rgb, frames[(int)(gt__roll(&dice) * 4)]);
  f->width = gt__between(&dice, 0.93f, 1.07f);
  f->height = gt__between(&dice, 0.95f, 1.05f);
  f->eye_size = gt__between(&dice, 0.9f, 1.12f);
  f->eye_gap = gt__between(&dice, 0.93f, 1.07f);
  f->brow = gt__between(&dice, 0.7f, 1.3f);
  f->brow_tilt = gt__between(&dice, -1, 1);
  f->mouth = gt__between(&dice, 0.88f, 1.12f);
  f->nose = gt__between(&dice, 0.85f, 1.15f);
  f->fringe = gt__roll(&dice);
  f->parting = gt__between(&dice, -1, 1);
  f->glasses_round = gt__roll(&dice) < 0.5f ? 0 : 1;
  return GT_OK;
}

/* The head's place and size, and the features' colours: what the parts below share. */
typedef struct {
  const gt_face *f;
  float x, y, rx, ry; /* the skull */
  float yaw, side;    /* of the head, in radians; its sine */
  gt__rgb skin, shadow, hair, ink;
} look;

/* The horizontal place of what sits on the head at `angle`, and its width there against its width in front. */
static float place(const look *l, float angle, float *narrow) {
  float at = angle + l->yaw;
  at = at < -1.5f ? -1.5f : at > 1.5f ? 1.5f : at;
  if (narrow) *narrow = gt__cosine(at);
  return l->x + l->rx * gt__sine(at);
}

static gt__paint ball(const look *l, gt__rgb c, float strength) {
  gt__paint p = gt__flat(c);
  p.ball = strength;
  p.bx = l->x + 0.06f * l->side;
  p.by = l->y;
  p.brx = l->rx * 1.25f;
  p.bry = l->ry * 1.2f;
  return p;
}

static gt__paint blurred(gt__rgb c, float alpha, float soft) {
  gt__paint p = gt__flat(c);
  p.alpha = alpha;
  p.soft = soft;
  return p;
}

static void behind(gt__canvas *c, const look *l) {
  const gt_face *f = l->f;
  float end = lerp(-0.05f, 1.15f, f->hair_length), lean = -0.05f * l->side;
  if (f->hair_length < 0.12f) return;
  float wide = l->rx * lerp(1.0f, 1.2f, f->hair_length);
  gt__part mane[2] = {gt__ellipse(l->x + lean, l->y - 0.12f, l->rx * 1.17f, l->ry * 1.08f),
                      gt__box(l->x + lean, (end + l->y - 0.15f) * 0.5f, wide, (end - l->y + 0.15f) * 0.5f, 0.26f)};
  gt__paint p = gt__fade(gt__times(l->hair, 0.95f), gt__times(l->hair, 0.6f), 0, l->y - 0.2f, 0, 0.9f);
  gt__fill_shape(c, mane, 2, &p);
}

static void body(gt__canvas *c, const look *l) {
  gt__rgb cloth = colour(l->f->clothes_rgb);
  float neck = l->x + 0.03f * l->side, chin = l->y + l->ry;
  gt__part shoulders = gt__box(0, 1.28f, 0.80f, 0.44f, 0.34f);
  gt__paint p = gt__fade(gt__times(cloth, 1.12f), gt__times(cloth, 0.72f), -0.5f, 0.8f, 0.6f, 1.3f);
  gt__fill_part(c, shoulders, p);
  gt__fill_part(c, gt__ellipse(neck, 0.86f, 0.29f, 0.13f), gt__flat(gt__times(cloth, 0.62f)));
  p = gt__fade(gt__times(l->shadow, 0.86f), l->shadow, 0, chin - 0.06f, 0, chin + 0.2f);
  gt__fill_part(c, gt__box(neck, 0.72f, 0.2f, 0.24f, 0.16f), p);
}

static void skull(gt__canvas *c, const look *l) {
  const gt_face *f = l->f;
  for (int i = -1; i <= 1; i += 2) {
    float x = l->x + (float)i * l->rx * 0.97f, show = 0.5f - 0.5f * (float)i * l->side;
    if (f->hair_length > 0.45f) continue;
    gt__fill_part(c, gt__ellipse(x, l->y + 0.1f, 0.06f + 0.055f * show, 0.14f), ball(l, gt__times(l->skin, 0.92f), 0.5f));
    gt__fill_part(c, gt__ellipse(x, l->y + 0.1f, 0.03f + 0.025f * show, 0.08f), blurred(l->shadow, 0.7f, 0.03f));
  }
  gt__part head = gt__ellipse(l->x, l->y, l->rx, l->ry);
  head.k = -0.1f;
  gt__fill_part(c, head, ball(l, l->skin, 0.42f));
  /* Cheeks. */
  gt__rgb blush = gt__mix(l->skin, (gt__rgb){0.93f, 0.30f, 0.28f}, 0.55f);
  for (int i = -1; i <= 1; i += 2) {
    float narrow, x = place(l, (float)i * 0.62f, &narrow);
    if (narrow > 0.25f) gt__fill_part(c, gt__ellipse(x, l->y + 0.3f, 0.06f * narrow + 0.01f, 0.05f), blurred(blush, 0.45f, 0.1f));
  }
}

static void eyes(gt__canvas *c, const look *l) {
  const gt_face *f = l->f;
  gt__rgb pale = {0.985f, 0.985f, 0.97f}, iris = colour(f->eyes_rgb), brow = gt__mix(gt__times(l->hair, 0.7f), l->ink, 0.35f);
  float y = l->y + 0.06f;
  for (int i = -1; i <= 1; i += 2) {
    float narrow, x = place(l, (float)i * 0.44f * f->eye_gap, &narrow), thin = 0.25f + 0.75f * narrow / 0.905f;
    float rx = 0.135f * f->eye_size * thin, ry = 0.15f * f->eye_size, look_x = x + 0.03f * l->side;
    gt__fill_part(c, gt__ellipse(x, y, rx * 1.1f, ry * 1.08f), blurred(l->shadow, 0.65f, 0.045f));
    gt__part open[2] = {gt__ellipse(x, y, rx, ry), gt__with(gt__ellipse(x, y + 0.02f, rx * 1.15f, ry), GT__MEET)};
    gt__paint p = gt__fade(gt__times(pale, 0.86f), pale, 0, y - ry, 0, y - ry * 0.2f);
    gt__fill_shape(c, open, 2, &p);
    float r = 0.088f * f->eye_size;
    gt__part in[2] = {gt__ellipse(look_x, y + 0.008f, r * (0.4f + 0.6f * thin), r * 1.04f), gt__with(open[0], GT__MEET)};
    p = gt__fade(gt__times(iris, 0.55f), gt__times(iris, 1.35f), 0, y - r, 0, y + r);
    gt__fill_shape(c, in, 2, &p);
    gt__fill_part(c, gt__ellipse(look_x, y + 0.008f, r * 0.56f * (0.4f + 0.6f * thin), r * 0.58f), gt__flat(l->ink));
    gt__fill_part(c, gt__ellipse(look_x - r * 0.34f, y - r * 0.36f, r * 0.27f, r * 0.29f), gt__flat(white));
    /* The upper lid's line, and the brow. */
    gt__part lid = gt__stroke(x, y - ry * 0.98f, rx * 1.02f, ry * 0.62f, 0.021f);
    lid.thin = 0.5f;
    gt__fill_part(c, lid, gt__flat(l->ink));
    gt__part line = gt__turned(gt__stroke(x + (float)i * 0.01f, y - ry - 0.105f - 0.02f * f->smile, rx * 1.12f, 0.045f, 0.031f * f->brow),
                               (float)i * (0.06f - 0.13f * f->brow_tilt));
    line.thin = 0.45f;
    gt__fill_part(c, line, gt__flat(brow));
  }
}

static void nose(gt__canvas *c, const look *l) {
  float x = l->x + l->rx * 1.12f * l->side * 0.96f, y = l->y + 0.235f, w = 0.068f * l->f->nose;
  gt__rgb lit = gt__mix(l->skin, white, 0.35f);
  gt__fill_part(c, gt__ellipse(x + 0.015f, y + 0.03f, w * 1.0f, 0.035f), blurred(gt__times(l->shadow, 0.88f), 0.85f, 0.04f));
  gt__fill_part(c, gt__ellipse(x, y, w, 0.05f), ball(l, gt__times(l->skin, 1.04f), 0.4f));
  gt__fill_part(c, gt__ellipse(x - w * 0.25f, y - 0.02f, w * 0.3f, 0.016f), blurred(lit, 0.7f, 0.02f));
}

static void mouth(gt__canvas *c, const look *l) {
  const gt_face *f = l->f;
  float narrow, x = place(l, 0, &narrow), y = l->y + 0.445f, s = f->smile;
  gt__rgb lips = gt__mix(gt__times(l->skin, 0.8f), (gt__rgb){0.74f, 0.16f, 0.2f}, 0.55f);
  float half = lerp(0.15f, 0.25f, s) * f->mouth * (0.3f + 0.7f * narrow);
  if (s > 0.05f) {
    float drop = 0.215f * s;
    y -= 0.05f * s;
    gt__part open = gt__lens(x, y, half, 0.035f * s, drop);
    gt__part rim = gt__lens(x, y - 0.012f, half * 1.1f, 0.01f, drop * 1.2f);
    gt__fill_part(c, rim, gt__flat(lips));
    gt__fill_part(c, open, gt__flat((gt__rgb){0.36f, 0.06f, 0.09f}));
    gt__part tongue[2] = {gt__ellipse(x, y + drop, half * 0.5f, drop * 0.38f), gt__with(open, GT__MEET)};
    gt__paint p = gt__flat((gt__rgb){0.86f, 0.36f, 0.38f});
    gt__fill_shape(c, tongue, 2, &p);
    gt__part teeth[2] = {open, gt__with(gt__lens(x, y, half * 1.05f, -0.01f, drop * 0.55f), GT__MEET)};
    p = gt__flat((gt__rgb){0.99f, 0.98f, 0.95f});
    gt__fill_shape(c, teeth, 2, &p);
  } else {
    gt__part lower = gt__lens(x, y, half, 0, 0.062f), upper = gt__lens(x, y, half, -0.04f, 0.005f);
    gt__fill_part(c, lower, gt__flat(gt__mix(lips, (gt__rgb){1, 0.75f, 0.7f}, 0.16f)));
    gt__fill_part(c, upper, gt__flat(lips));
    gt__part line = gt__stroke(x, y + 0.004f, half, -0.006f, 0.016f);
    line.thin = 0.5f;
    gt__fill_part(c, line, gt__flat(gt__times(lips, 0.5f)));
  }
}

static void hair(gt__canvas *c, const look *l) {
  const gt_face *f = l->f;
  float front = l->x + l->rx * 0.56f * l->side, lean = -0.05f * l->side, side = f->parting < 0 ? -1 : 1;
  float line = l->y + lerp(-0.50f, -0.33f, f->fringe); /* height of the hairline */
  float sweep = side * (0.10f + 0.22f * f->parting * side);
  int n = 4;
  gt__part cap[6] = {gt__ellipse(l->x + lean, l->y - 0.1f, l->rx * 1.11f, l->ry * 1.03f),
                     gt__with(gt__ellipse(l->x, l->y - 0.9f, 1.15f, 1.1f), GT__MEET),
                     gt__with(gt__turned(gt__ellipse(front - 0.10f * side, line + 0.80f, 0.585f, 0.80f), sweep), GT__CUT),
                     gt__with(gt__turned(gt__ellipse(front + 0.16f * side, line + 0.74f, 0.47f, 0.66f), -0.5f * sweep), GT__CUT)};
  if (f->hair_length > 0.3f) { /* locks at the sides */
    float end = lerp(0.0f, 1.1f, f->hair_length), top = l->y - 0.35f;
    for (int i = -1; i <= 1; i += 2) {
      float x = l->x + lean + (float)i * l->rx * 1.03f, w = 0.12f - 0.05f * (float)i * l->side;
      cap[n++] = gt__turned(gt__box(x, (top + end) * 0.5f, w, (end - top) * 0.5f, 0.12f), (float)i * -0.05f);
    }
  }
  /* A soft shadow of the hair on the forehead, then the hair. */
  gt__part dark[5] = {cap[0], cap[1], cap[2], cap[3], gt__with(gt__ellipse(l->x, l->y, l->rx * 0.98f, l->ry * 0.98f), GT__MEET)};
  for (int i = 0; i < 4; i++) dark[i].y += 0.045f;
  gt__paint p = blurred(gt__times(l->shadow, 0.8f), 0.55f, 0.05f);
  gt__fill_shape(c, dark, 5, &p);
  p = ball(l, l->hair, 0.5f);
  p.from = gt__times(l->hair, 1.2f);
  p.to = gt__times(l->hair, 0.74f);
  p.gy = 1 / 1.4f;
  p.g0 = 0.9f / 1.4f;
  p.bry = l->ry * (1.2f + 0.6f * f->hair_length);
  gt__fill_shape(c, cap, n, &p);
  /* A band of light across the crown. */
  gt__part shine[2] = {gt__stroke(l->x - 0.08f + lean, l->y - 0.7f, 0.36f, 0.13f, 0.02f), gt__with(cap[0], GT__MEET)};
  p = blurred(gt__mix(l->hair, white, 0.5f), 0.38f, 0.06f);
  gt__fill_shape(c, shine, 2, &p);
}

/* The arms of the glasses, each in sight from its rim back to the ear or the hair; then the rims. */
static gt__part rim_of(const look *l, int i, float *x) {
  float narrow, thin;
  *x = place(l, (float)i * 0.45f, &narrow);
  thin = 0.25f + 0.75f * narrow / 0.9f;
  return gt__box(*x, l->y + 0.075f, 0.215f * thin, 0.2f, lerp(0.07f, 0.2f, l->f->glasses_round));
}

static void arms(gt__canvas *c, const look *l) {
  gt__paint p = gt__flat(colour(l->f->glasses_rgb));
  p.alpha = l->f->glasses;
  for (int i = -1; i <= 1; i += 2) {
    float x, side = (float)i;
    gt__part rim = rim_of(l, i, &x);
    float ear = l->x + side * l->rx * 0.97f, edge = x + side * rim.a;
    if ((ear - edge) * side > 0.02f) gt__fill_part(c, gt__box((ear + edge) * 0.5f, rim.y - 0.04f, (ear - edge) * side * 0.5f, 0.02f, 0), p);
  }
}

static void glasses(gt__canvas *c, const look *l) {
  gt__rgb frame = colour(l->f->glasses_rgb);
  float alpha = l->f->glasses, half = 0.019f, bridge[2], y = 0;
  for (int i = -1; i <= 1; i += 2) {
    float x;
    gt__part lens = rim_of(l, i, &x), rim[2];
    y = lens.y;
    rim[0] = gt__box(x, y, lens.a + half, lens.b + half, lens.k);
    rim[1] = gt__with(gt__box(x, y, lens.a - half, lens.b - half, lens.k - half), GT__CUT);
    gt__paint p = gt__flat((gt__rgb){0.85f, 0.93f, 1.0f});
    p.alpha = 0.13f * alpha;
    gt__fill_part(c, rim[1], p);
    gt__part streak[2] = {rim[1], gt__with(gt__turned(gt__box(x - lens.a * 0.5f, y - lens.b * 0.2f, 0.022f, 0.4f, 0), 0.6f), GT__MEET)};
    p = gt__flat(white);
    p.alpha = 0.3f * alpha;
    gt__fill_shape(c, streak, 2, &p);
    p = gt__fade(gt__times(frame, 1.35f), gt__times(frame, 0.85f), 0, y - lens.b, 0, y + lens.b);
    p.alpha = alpha;
    gt__fill_shape(c, rim, 2, &p);
    bridge[i > 0] = x - (float)i * lens.a;
  }
  gt__paint p = gt__flat(frame);
  p.alpha = alpha;
  gt__fill_part(c, gt__stroke((bridge[0] + bridge[1]) * 0.5f, y - 0.05f, (bridge[1] - bridge[0]) * 0.5f, 0.03f, 0.02f), p);
}

void gt__face_paint(gt__canvas *whole, const gt_face *f) {
  gt__canvas zoomed = *whole, *c = &zoomed; /* the head fills the frame */
  c->pixel *= 0.9f;
  c->left *= 0.9f;
  c->top = c->top * 0.9f + 0.02f;
  look l = {.f = f, .rx = 0.62f * f->width, .ry = 0.74f * f->height, .yaw = 0.42f * f->turn};
  l.side = gt__sine(l.yaw);
  l.x = 0.05f * l.side;
  l.y = 0.02f;
  l.skin = colour(f->skin_rgb);
  l.shadow = gt__mix(gt__times(l.skin, 0.74f), (gt__rgb){0.55f, 0.2f, 0.16f}, 0.14f);
  l.hair = colour(f->hair_rgb);
  l.ink = (gt__rgb){0.09f, 0.06f, 0.07f};
  gt__rgb wall = colour(f->background_rgb);
  float reach = 0.5f * c->pixel * (float)(c->w > c->h ? c->w : c->h) + 1;
  gt__paint p = gt__fade(gt__times(wall, 1.06f), gt__times(wall, 0.8f), 0, -1, 0, 1);
  gt__fill_part(c, gt__box(0, 0, reach, reach, 0), p);
  gt__fill_part(c, gt__ellipse(-0.2f, -0.3f, 0.35f, 0.35f), blurred(gt__mix(wall, white, 0.55f), 0.5f, 0.75f));
  behind(c, &l);
  body(c, &l);
  skull(c, &l);
  nose(c, &l);
  mouth(c, &l);
  eyes(c, &l);
  if (f->glasses > 0) arms(c, &l);
  hair(c, &l);
  if (f->glasses > 0) glasses(c, &l);
}
