/* scenes.c: entry points of the built-in scenes: their dice, and drawing one picture into a byte tensor. */
#include "scenes.h"

enum { SMALLEST = 8, LARGEST = 4096 };

int gt__dice_open(gt__dice *d, const char *function, int kind, double seed, double index) {
  if (!(seed >= 0 && seed <= 9007199254740992.0) || seed != (double)(uint64_t)seed)
    return gt__fail(GT_EARG, "%s: seed %g, wanted a whole number from 0 to 2^53", function, seed);
  if (!(index >= 0 && index <= 9007199254740992.0) || index != (double)(uint64_t)index)
    return gt__fail(GT_EARG, "%s: index %g, wanted a whole number from 0 to 2^53", function, index);
  *d = (gt__dice){(uint64_t)seed, (uint64_t)index, 0x5ce0e000u + ((uint64_t)kind << 8)};
  return GT_OK;
}

int gt__picture_size(const char *function, int channels, int h, int w) {
  if (channels != 1 && channels != 3 && channels != 4) return gt__fail(GT_EARG, "%s: %d channels, wanted 1, 3 or 4", function, channels);
  if (h < SMALLEST || w < SMALLEST || h > LARGEST || w > LARGEST)
    return gt__fail(GT_EARG, "%s: %d x %d pixels, wanted sides of %d to %d", function, h, w, SMALLEST, LARGEST);
  return GT_OK;
}

/* One picture on a fresh canvas. */
static int draw(uint8_t *out, const gt_face *face, const gt_room *room, int channels, int h, int w) {
  gt__scratch memory;
  gt__canvas c;
  GT_TRY(gt__scratch_alloc(&memory, gt__canvas_floats(h, w) * sizeof(float)));
  gt__canvas_open(&c, memory.ptr, h, w);
  if (face) gt__face_paint(&c, face);
  else gt__room_paint(&c, room);
  gt__canvas_bytes(out, &c, channels);
  gt__scratch_free(&memory);
  return GT_OK;
}

int gt__scene_bytes(uint8_t *out, int kind, uint64_t seed, uint64_t index, int channels, int h, int w) {
  if (kind == GT_FACES) {
    gt_face face;
    GT_TRY(gt_face_at(&face, (double)seed, (double)index));
    return draw(out, &face, NULL, channels, h, w);
  }
  gt_room room;
  GT_TRY(gt_room_at(&room, (double)seed, (double)index, h, w));
  return draw(out, NULL, &room, channels, h, w);
}

/* Makes *out a contiguous byte tensor channels x h x w: r itself or tmp. */
static int canvas_tensor(gt_tensor **out, gt_tensor *tmp, const char *function, gt_tensor *r, int channels, int h, int w) {
  GT_TRY(gt__picture_size(function, channels, h, w));
  if (r->dtype != GT_BYTE)
    return gt__fail(GT_ETYPE, "%s: a %sTensor to draw into, wanted a ByteTensor", function, gt__dtype_name(r->dtype));
  return gt__result(out, tmp, r, 3, (const int64_t[]){channels, h, w}, false);
}

int gt_face_draw(gt_tensor *r, const gt_face *face, int channels, int h, int w) {
  gt_tensor *out, tmp = gt__blank(GT_BYTE);
  GT_TRY(canvas_tensor(&out, &tmp, "face_draw", r, channels, h, w));
  int code = draw(gt__data(out), face, NULL, channels, h, w);
  int done = gt__commit(r, &tmp, out);
  return code ? code : done;
}

int gt_room_draw(gt_tensor *r, const gt_room *room, int channels, int h, int w) {
  gt_tensor *out, tmp = gt__blank(GT_BYTE);
  GT_TRY(canvas_tensor(&out, &tmp, "room_draw", r, channels, h, w));
  int code = draw(gt__data(out), NULL, room, channels, h, w);
  int done = gt__commit(r, &tmp, out);
  return code ? code : done;
}

int gt_scene_draw(gt_tensor *r, int kind, double seed, double index, int channels, int h, int w) {
  gt__dice check;
  if (kind < 0 || kind >= GT_SCENES) return gt__fail(GT_EARG, "scene_draw: kind %d, wanted 0 (faces) or 1 (rooms)", kind);
  GT_TRY(gt__dice_open(&check, "scene_draw", kind, seed, index));
  gt_tensor *out, tmp = gt__blank(GT_BYTE);
  GT_TRY(canvas_tensor(&out, &tmp, "scene_draw", r, channels, h, w));
  int code = gt__scene_bytes(gt__data(out), kind, (uint64_t)seed, (uint64_t)index, channels, h, w);
  int done = gt__commit(r, &tmp, out);
  return code ? code : done;
}
