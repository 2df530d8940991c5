/* maths.h: exp and tanh of floats in a form that compilers vectorise; within 1.3 units in the last place of the exact
 * value. Doubles use libm.
 *
 * The polynomials are those of Cephes (S. Moshier, expf and tanhf). */
#ifndef GANTRY_MATHS_H
#define GANTRY_MATHS_H
#include <math.h>
#include <stdint.h>
#include <string.h>

/* 2^n for n in -126..127 */
static inline float gt__power_of_two(int32_t n) {
  uint32_t bits = (uint32_t)(n + 127) << 23;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline float gt__exp_float(float x) {
  const float magic = 12582912.0f;         /* 1.5 * 2^23: adding it rounds to an integer, held in the low bits */
  x = x < -104.0f ? -104.0f : x;           /* less is 0, more than 89 infinity; NaN stays */
  x = x > 89.0f ? 89.0f : x;
  float shifted = x * 1.44269504088896341f + magic, n = shifted - magic;
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  int32_t k = (int32_t)(bits - 0x4B400000u);
  k = k < -152 ? -152 : k > 130 ? 130 : k; /* no effect but for NaN */
  float f = x - n * 0.693359375f - n * -2.12194440e-4f, y = 1.9875691500e-4f;
  y = y * f + 1.3981999507e-3f;
  y = y * f + 8.3334519073e-3f;
  y = y * f + 4.1665795894e-2f;
  y = y * f + 1.6666665459e-1f;
  y = y * f + 5.0000001201e-1f;
  y = y * f * f + f + 1.0f;
  return y * gt__power_of_two(k >> 1) * gt__power_of_two(k - (k >> 1));
}

static inline float gt__tanh_float(float x) {
  float a = fabsf(x), z = x * x, y = -5.70498872745e-3f;
  float large = 1.0f - 2.0f / (gt__exp_float(2.0f * a) + 1.0f);
  y = y * z + 2.06390887954e-2f;
  y = y * z - 5.37397155531e-2f;
  y = y * z + 1.33314422036e-1f;
  y = y * z - 3.33332819422e-1f;
  y = y * z * x + x;
  large = x < 0.0f ? -large : large;
  return a < 0.625f ? y : large;
}
#endif
