/* random.c: Torch7's generator (Mersenne Twister MT19937, Matsumoto and Nishimura 1998) with its distributions, and the
 * counter-based generator that orders data and draws what must not disturb a run. */
#include "core.h"
#include <math.h>
#include <string.h>

enum { N = 624, M = 397 };

void gt_generator_seed(gt_generator *g, uint64_t seed) {
  memset(g, 0, sizeof *g);
  g->initial_seed = seed;
  g->state[0] = seed & 0xffffffffu;
  for (int j = 1; j < N; j++) g->state[j] = (1812433253u * (g->state[j - 1] ^ (g->state[j - 1] >> 30)) + (uint64_t)j) & 0xffffffffu;
  g->left = 1;
  g->seeded = 1;
}

static uint64_t twist(uint64_t u, uint64_t v) {
  uint64_t mixed = (u & 0x80000000u) | (v & 0x7fffffffu);
  return (mixed >> 1) ^ (v & 1 ? 0x9908b0dfu : 0);
}

static void next_state(gt_generator *g) {
  uint64_t *p = g->state;
  int i;
  g->left = N;
  g->next = 0;
  for (i = 0; i < N - M; i++) p[i] = p[i + M] ^ twist(p[i], p[i + 1]);
  for (; i < N - 1; i++) p[i] = p[i + M - N] ^ twist(p[i], p[i + 1]);
  p[i] = p[i + M - N] ^ twist(p[i], p[0]);
}

static uint32_t word(gt_generator *g) {
  if (--g->left <= 0) next_state(g);
  uint32_t y = (uint32_t)g->state[g->next++ % N];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

static double unit(gt_generator *g) { return word(g) * (1.0 / 4294967296.0); }

double gt_random_word(gt_generator *g) { return word(g); }
double gt_random_uniform(gt_generator *g, double a, double b) { return unit(g) * (b - a) + a; }

/* Box-Muller, two numbers from two uniforms, the second kept for the next call. */
double gt_random_normal(gt_generator *g, double mean, double sd) {
  if (!g->normal_is_valid) {
    g->normal_x = unit(g);
    g->normal_y = unit(g);
    g->normal_rho = sqrt(-2 * log(1 - g->normal_y));
    g->normal_is_valid = 1;
    return g->normal_rho * cos(2 * M_PI * g->normal_x) * sd + mean;
  }
  g->normal_is_valid = 0;
  return g->normal_rho * sin(2 * M_PI * g->normal_x) * sd + mean;
}

double gt_random_exponential(gt_generator *g, double lambda) { return -1 / lambda * log(1 - unit(g)); }
double gt_random_cauchy(gt_generator *g, double median, double sigma) { return median + sigma * tan(M_PI * (unit(g) - 0.5)); }
double gt_random_log_normal(gt_generator *g, double mean, double sd) { return exp(gt_random_normal(g, mean, sd)); }
double gt_random_geometric(gt_generator *g, double p) { return trunc(log(1 - unit(g)) / log(p)) + 1; }
double gt_random_bernoulli(gt_generator *g, double p) { return unit(g) <= p; }

static double integer_between(gt_generator *g, double a, double b) { return (double)(word(g) % (uint64_t)(b - a + 1)) + a; }

int gt_random_fill(gt_generator *g, const char *kind, gt_tensor *r, double a, double b) {
  static const struct {
    const char *name;
    double (*draw)(gt_generator *, double, double);
    double (*draw1)(gt_generator *, double);
  } kinds[] = {{"uniform", gt_random_uniform, NULL}, {"normal", gt_random_normal, NULL}, {"exponential", NULL, gt_random_exponential},
               {"cauchy", gt_random_cauchy, NULL}, {"log_normal", gt_random_log_normal, NULL}, {"geometric", NULL, gt_random_geometric},
               {"bernoulli", NULL, gt_random_bernoulli}, {"random", integer_between, NULL}};
  size_t k = 0, count = sizeof kinds / sizeof kinds[0];
  while (k < count && strcmp(kinds[k].name, kind)) k++;
  if (k == count) return gt__fail(GT_EARG, "random: no distribution is called '%s'", kind);
  GT_TRY(gt__usable(r, kind));
  if (kinds[k].draw == integer_between && !(b >= a && b - a < 0x1p63))
    return gt__fail(GT_EARG, "random: got the range %g..%g, wanted its end to be no less than its beginning", a, b);
  gt__scratch s;
  int64_t n = gt__numel(r), done = 0;
  if (n == 0) return GT_OK;
  /* Numbers are drawn in the order of the elements into a row of doubles, which gt_copy converts to r's type. */
  GT_TRY(gt__scratch_alloc(&s, (size_t)n * sizeof(double)));
  double *p = s.ptr;
  for (; done < n; done++) p[done] = kinds[k].draw ? kinds[k].draw(g, a, b) : kinds[k].draw1(g, a);
  if (gt_is_contiguous(r) && r->dtype == GT_DOUBLE) {
    memcpy(gt__data(r), p, (size_t)n * sizeof(double));
    gt__wrote(r);
  } else if (gt_is_contiguous(r) && r->dtype == GT_FLOAT) {
    float *q = gt__data(r);
    for (int64_t i = 0; i < n; i++) q[i] = (float)p[i];
    gt__wrote(r);
  } else {
    gt_storage row = {.ptr = p, .count = n, .bytes = s.capacity, .dtype = GT_DOUBLE, .flags = GT_FOREIGN, .refs = 1};
    gt_tensor source = {.store = &row, .shape = {n}, .step = {1}, .rank = 1, .dtype = GT_DOUBLE};
    int code = gt_copy(r, &source);
    gt__scratch_free(&s);
    return code;
  }
  gt__scratch_free(&s);
  return GT_OK;
}

int gt_random_permutation(gt_generator *g, gt_tensor *r, int64_t n) {
  if (n < 0) return gt__fail(GT_EARG, "randperm: got %lld, wanted a count of at least 0", (long long)n);
  GT_TRY(gt__usable(r, "randperm"));
  GT_TRY(gt__want_shape(1, &n));
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(n ? n : 1) * sizeof(double)));
  double *p = s.ptr;
  for (int64_t i = 0; i < n; i++) p[i] = (double)(i + 1);
  for (int64_t i = 0; i < n - 1; i++) {
    int64_t z = (int64_t)(word(g) % (uint64_t)(n - i));
    double t = p[i];
    p[i] = p[z + i];
    p[z + i] = t;
  }
  gt_storage row = {.ptr = p, .count = n, .bytes = s.capacity, .dtype = GT_DOUBLE, .flags = GT_FOREIGN, .refs = 1};
  gt_tensor source = {.store = &row, .shape = {n}, .step = {1}, .rank = 1, .dtype = GT_DOUBLE};
  int code = gt_tensor_resize(r, 1, &n);
  if (!code && n > 0) code = gt_copy(r, &source);
  gt__scratch_free(&s);
  return code;
}

/* SplitMix64's finaliser (Steele, Lea, Flood 2014), applied once for each part of the key. */
static uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t gt__counter64(uint64_t seed, uint64_t stream, uint64_t index) { return mix(mix(mix(seed) ^ stream) + index * 0xd1342543de82ef95u); }

double gt_counter_word(double seed, double stream, double index) {
  return (double)(gt__counter64((uint64_t)(int64_t)seed, (uint64_t)(int64_t)stream, (uint64_t)(int64_t)index) >> 32);
}

/* A keyed permutation of 0..size-1 by a small Feistel network with cycle walking (Black and Rogaway 2002): any position of
 * any epoch is found at once, so a run resumes anywhere without replaying. */
static uint64_t permute(uint64_t seed, uint64_t epoch, uint64_t i, uint64_t size) {
  int half = 1;
  while ((uint64_t)1 << (2 * half) < size) half++;
  uint64_t mask = ((uint64_t)1 << half) - 1;
  do {
    uint64_t left = i >> half, right = i & mask;
    for (uint64_t round = 0; round < 6; round++) {
      uint64_t t = left ^ (gt__counter64(seed, epoch * 8 + round, right) >> 16 & mask);
      left = right;
      right = t;
    }
    i = left << half | right;
  } while (i >= size);
  return i;
}

int gt_epoch_indices(int64_t *indices, double seed, double start, int64_t n, int64_t size) {
  if (size < 1 || start < 0) return gt__fail(GT_EARG, "epoch: %lld items from position %.0f; wanted at least one item", (long long)size, start);
  for (int64_t k = 0; k < n; k++) {
    uint64_t position = (uint64_t)start + (uint64_t)k;
    indices[k] = (int64_t)permute((uint64_t)(int64_t)seed, position / (uint64_t)size, position % (uint64_t)size, (uint64_t)size);
  }
  return GT_OK;
}
