/* maths.h: functions of floats in a form that compilers vectorise, without a branch or a call. Doubles use libm.
 *
 * Largest distance from the exact value, in units in the last place (tests/c/test_loops.c measures them): exp 1.1, expm1 1.7, tanh 1.4,
 * log 0.9, log1p 2.6; where the result is denormal, one of the least float. The polynomials are those of Cephes (S. Moshier: expf, tanhf,
 * logf). */
#ifndef GANTRY_MATHS_H
#define GANTRY_MATHS_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* 2^n for n in -126..127 */
static inline float gt__power_of_two(int32_t n) {
  uint32_t bits = (uint32_t)(n + 127) << 23;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* e^x = (1 + y) 2^n: returns y. */
static inline float gt__exp_parts(float x, int32_t *n) {
  const float magic = 12582912.0f;         /* 1.5 * 2^23: adding it rounds to an integer, held in the low bits */
  float shifted = x * 1.44269504088896341f + magic, whole = shifted - magic;
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  int32_t k = (int32_t)(bits - 0x4B400000u);
  *n = k < -152 ? -152 : k > 130 ? 130 : k; /* no effect but for NaN */
  float f = x - whole * 0.693359375f - whole * -2.12194440e-4f, y = 1.9875691500e-4f;
  y = y * f + 1.3981999507e-3f;
  y = y * f + 8.3334519073e-3f;
  y = y * f + 4.1665795894e-2f;
  y = y * f + 1.6666665459e-1f;
  y = y * f + 5.0000001201e-1f;
  return y * f * f + f;
}

static inline float gt__exp_float(float x) {
  int32_t n;
  x = x < -104.0f ? -104.0f : x;           /* less is 0, more than 89 infinity; NaN stays */
  x = x > 89.0f ? 89.0f : x;
  float y = gt__exp_parts(x, &n) + 1.0f;
  return y * gt__power_of_two(n >> 1) * gt__power_of_two(n - (n >> 1));
}

static inline float gt__expm1_float(float x) {
  int32_t n;
  float clamped = x < -20.0f ? -20.0f : x; /* less is -1 */
  clamped = clamped > 88.0f ? 88.0f : clamped;
  float y = gt__exp_parts(clamped, &n), half = gt__power_of_two(n - 1), r = 2.0f * (half * y + (half - 0.5f));
  r = x > 88.0f ? gt__exp_float(x) : r;
  return y == 0.0f ? x : r;                /* -0 */
}

static inline float gt__log_float(float x) {
  bool small = x < 1.17549435e-38f;        /* denormal numbers are made normal */
  float scaled = small ? x * 8388608.0f : x;
  uint32_t bits;
  memcpy(&bits, &scaled, sizeof bits);
  uint32_t above = bits - 0x3F3504F3u;     /* mantissas from the square root of 1/2 on, so that f is near 0 */
  int32_t n = (int32_t)above >> 23;
  bits = (above & 0x007FFFFFu) + 0x3F3504F3u;
  float m;
  memcpy(&m, &bits, sizeof m);
  float f = m - 1.0f, e = (float)(n - (small ? 23 : 0)), z = f * f, y = 7.0376836292e-2f;
  y = y * f - 1.1514610310e-1f;
  y = y * f + 1.1676998740e-1f;
  y = y * f - 1.2420140846e-1f;
  y = y * f + 1.4249322787e-1f;
  y = y * f - 1.6668057665e-1f;
  y = y * f + 2.0000714765e-1f;
  y = y * f - 2.4999993993e-1f;
  y = y * f + 3.3333331174e-1f;
  y = y * f * z;
  y = y + e * -2.12194440e-4f;
  y = y - 0.5f * z;
  y = f + y + e * 0.693359375f;
  y = x == 0.0f ? -INFINITY : y;
  y = x < 0.0f ? NAN : y;
  return x < INFINITY ? y : x;             /* infinity, and NaN */
}

static inline float gt__log1p_float(float x) {
  float u = 1.0f + x, d = u - 1.0f, l = gt__log_float(u);
  float r = d == 0.0f ? x : l * (x / d);   /* what rounding took from u, log makes up for in proportion (W. Kahan) */
  return u < INFINITY ? r : u;
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
