/* optim.inl: the optimizers' loops, once for float and once for double. Rounding is step by step that of Torch7's optim, which did one
 * tensor operation after the other. */

static void FN(adam)(void *parameters, void *first, void *second, const void *gradient, int64_t n, const gt__update *u) {
  real *restrict x = parameters, *restrict m = first, *restrict v = second;
  const real *restrict g = gradient;
  const real beta1 = (real)u->beta1, rest1 = (real)(1 - u->beta1), beta2 = (real)u->beta2, rest2 = (real)(1 - u->beta2);
  const real eps = (real)u->eps, step = (real)-u->step;
  for (int64_t j = 0; j < n; j++) {
    m[j] = beta1 * m[j] + rest1 * g[j];
    v[j] = beta2 * v[j] + rest2 * g[j] * g[j];
    x[j] += step * m[j] / (SQRT(v[j]) + eps);
  }
}

/* beta1: of the mean of squares */
static void FN(rmsprop)(void *parameters, void *mean, const void *gradient, int64_t n, const gt__update *u) {
  real *restrict x = parameters, *restrict m = mean;
  const real *restrict g = gradient;
  const real alpha = (real)u->beta1, rest = (real)(1 - u->beta1), eps = (real)u->eps, step = (real)-u->step;
  for (int64_t j = 0; j < n; j++) {
    m[j] = alpha * m[j] + rest * g[j] * g[j];
    x[j] += step * g[j] / (SQRT(m[j]) + eps);
  }
}
