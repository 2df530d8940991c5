/* scenes.h: what the built-in scenes share: their dice, and the painters of one picture. */
#ifndef GANTRY_SCENES_H
#define GANTRY_SCENES_H
#include "../core/core.h"
#include "canvas.h"

/* The numbers one picture is made of: draw k of picture `index` depends on (seed, kind, k, index) only. */
typedef struct { uint64_t seed, index, stream; } gt__dice;
int gt__dice_open(gt__dice *d, const char *function, int kind, double seed, double index);
static inline float gt__roll(gt__dice *d) {              /* [0, 1) in steps of 2^-24 */
  return (float)(gt__counter64(d->seed, d->stream++, d->index) >> 40) * 0x1p-24f;
}
static inline float gt__between(gt__dice *d, float a, float b) { return a + (b - a) * gt__roll(d); }
/* A colour of that hue, its value and saturation drawn from the ranges, in this order. (Arguments that draw would be evaluated
 * in an order that compilers choose.) */
static inline gt__rgb gt__tint(gt__dice *d, float hue, float s0, float s1, float v0, float v1) {
  float value = gt__between(d, v0, v1), saturation = gt__between(d, s0, s1);
  return gt__hsv(hue, saturation, value);
}

/* Refuses channels other than 1, 3, 4 and sides outside 8..4096. */
int gt__picture_size(const char *function, int channels, int h, int w);
/* Draws into channels x h x w bytes; the arguments have been checked. */
int gt__scene_bytes(uint8_t *out, int kind, uint64_t seed, uint64_t index, int channels, int h, int w);

void gt__face_paint(gt__canvas *c, const gt_face *face);
void gt__room_paint(gt__canvas *c, const gt_room *room);
#endif
