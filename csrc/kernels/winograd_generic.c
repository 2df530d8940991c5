/* winograd_generic.c: Winograd's transforms in plain C, for vectors of 16 bytes (SSE2, NEON). */
#include "kernels.h"
#include <string.h>

typedef float vec __attribute__((vector_size(16)));
#define LANES 4

static inline vec LOAD_PART(const float *p, int n) {
  vec v = {0};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
}
static inline void STORE_PART(float *p, vec v, int n) {
  for (int i = 0; i < n; i++) p[i] = v[i];
}
#define STREAM(p, v) memcpy(p, &(v), sizeof(v))
#define FENCE (void)0
#include "winograd.inl"

void gt__winograd_generic(gt__winograd_kernels *to) { *to = table; }
