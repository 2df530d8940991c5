/* elementwise_ops.h: the element-wise operations: X(name, expression), in the type `real`.
 *
 * Operands are x, y, z; p and q are parameters. Maths functions are those of <tgmath.h>, so `log2` means log2f for float; those in
 * capitals are maths.h's, for loops that then vectorise. Conditions are written so that a NaN operand gives NaN where PyTorch's does. STEP(c)
 * is 1 or 0 as a real. */
#ifndef GANTRY_ELEMENTWISE_OPS_H
#define GANTRY_ELEMENTWISE_OPS_H

#define GT_UNARY_OPS(X)                                                                   \
  X(copy, x)                                                                              \
  X(fill, p)                                                                              \
  X(neg, -x)                                                                              \
  X(abs, fabs(x))                                                                         \
  X(sign, x > 0 ? (real)1 : x < 0 ? (real)-1 : x)                                         \
  X(exp, EXP(x))                                                                          \
  X(expm1, EXPM1(x))                                                                      \
  X(log, LOG(x))                                                                          \
  X(log1p, LOG1P(x))                                                                      \
  X(log2, log2(x))                                                                        \
  X(log10, log10(x))                                                                      \
  X(sqrt, sqrt(x))                                                                        \
  X(rsqrt, 1 / sqrt(x))                                                                   \
  X(square, x *x)                                                                         \
  X(cube, x *x *x)                                                                        \
  X(cinv, 1 / x)                                                                          \
  X(sin, sin(x))                                                                          \
  X(cos, cos(x))                                                                          \
  X(tan, tan(x))                                                                          \
  X(asin, asin(x))                                                                        \
  X(acos, acos(x))                                                                        \
  X(atan, atan(x))                                                                        \
  X(sinh, sinh(x))                                                                        \
  X(cosh, cosh(x))                                                                        \
  X(tanh, TANH(x))                                                                        \
  X(erf, erf(x))                                                                          \
  X(sigmoid, 1 / (1 + EXP(-x)))                                                           \
  X(log_sigmoid, (x < 0 ? x : 0) - LOG1P(EXP(-fabs(x))))                                  \
  X(relu, x <= 0 ? 0 : x)                                                                 \
  X(leaky_relu, x > 0 ? x : p * x)                                                        \
  X(elu, x > 0 ? x : p *EXPM1(x))                                                         \
  X(softplus, p *x > q ? x : LOG1P(EXP(p *x)) / p)                                        \
  X(threshold, x <= p ? q : x)                                                            \
  X(clamp, x < p ? p : x > q ? q : x)                                                     \
  X(clamp_min, x < p ? p : x)                                                             \
  X(clamp_max, x > p ? p : x)                                                             \
  X(floor, floor(x))                                                                      \
  X(ceil, ceil(x))                                                                        \
  X(round, round(x))                                                                      \
  X(trunc, trunc(x))                                                                      \
  X(frac, x - trunc(x))                                                                   \
  X(add, x + p)                                                                           \
  X(mul, x *p)                                                                            \
  X(div, x / p)                                                                           \
  X(affine, p *x + q)                                                                     \
  X(pow, pow(x, p))                                                                       \
  X(rpow, pow(p, x))                                                                      \
  X(rdiv, p / x)                                                                          \
  X(rsub, p - x)                                                                          \
  X(fmod, fmod(x, p))                                                                     \
  X(remainder, REMAINDER(x, p))                                                           \
  X(lt, STEP(x < p))                                                                      \
  X(le, STEP(x <= p))                                                                     \
  X(gt, STEP(x > p))                                                                      \
  X(ge, STEP(x >= p))                                                                     \
  X(eq, STEP(x == p))                                                                     \
  X(ne, STEP(x != p))

/* bce: Torch7's BCECriterion per element, x a probability, y the target, p its epsilon (1e-12), in double.
 * bce_with_logits: max(x, 0) - x y + log(1 + exp(-|x|)), which overflows nowhere.
 * NAME_grad(g, ...): g times the derivative of NAME at its input, or (sigmoid, tanh) at its output. bce_grad and
 * bce_with_logits_grad are the derivatives by x of (x, y). */
#define GT_BINARY_OPS(X)                                                                  \
  X(add, x + p * y)                                                                       \
  X(sub, x - p * y)                                                                       \
  X(mul, x *y)                                                                            \
  X(div, x / y)                                                                           \
  X(pow, pow(x, y))                                                                       \
  X(atan2, atan2(x, y))                                                                   \
  X(max, x > y || x != x ? x : y)                                                         \
  X(min, x < y || x != x ? x : y)                                                         \
  X(fmod, fmod(x, y))                                                                     \
  X(remainder, REMAINDER(x, y))                                                           \
  X(lt, STEP(x < y))                                                                      \
  X(le, STEP(x <= y))                                                                     \
  X(gt, STEP(x > y))                                                                      \
  X(ge, STEP(x >= y))                                                                     \
  X(eq, STEP(x == y))                                                                     \
  X(ne, STEP(x != y))                                                                     \
  X(sigmoid_grad, x *y *(1 - y))                                                          \
  X(tanh_grad, x *(1 - y * y))                                                            \
  X(relu_grad, y <= 0 ? 0 : x)                                                            \
  X(leaky_relu_grad, y > 0 ? x : p * x)                                                   \
  X(threshold_grad, y <= p ? 0 : x)                                                       \
  X(clamp_min_grad, y >= p ? x : 0)                                                       \
  X(clamp_max_grad, y <= p ? x : 0)                                                       \
  X(abs_grad, y > 0 ? x : y < 0 ? -x : 0)                                                 \
  X(elu_grad, y > 0 ? x : x *p *EXP(y))                                                   \
  X(softplus_grad, x / (1 + EXP(-p * y)))                                                 \
  X(log_sigmoid_grad, x / (1 + EXP(y)))                                                   \
  X(bce, (real) - (log((double)x + p) * y + log(1 - (double)x + p) * (1 - y)))            \
  X(bce_grad, (real)(((double)x - y) / ((1 - (double)x + p) * ((double)x + p))))          \
  X(bce_with_logits, (x < 0 ? 0 : x) - x * y + LOG1P(EXP(-fabs(x))))                      \
  X(bce_with_logits_grad, 1 / (1 + EXP(-x)) - y)

#define GT_TERNARY_OPS(X)                                                                 \
  X(addcmul, x + p * y * z)                                                               \
  X(addcdiv, x + p * y / z)                                                               \
  X(where, x != 0 ? y : z)                                                                \
  X(lerp, x + z * (y - x))

/* Codes: places in the lists, and in the kernels' tables. */
#define GT__UNARY_CODE(name, expression) GT__UNARY_##name,
#define GT__BINARY_CODE(name, expression) GT__BINARY_##name,
#define GT__TERNARY_CODE(name, expression) GT__TERNARY_##name,
enum { GT_UNARY_OPS(GT__UNARY_CODE) GT__UNARY_CODES };
enum { GT_BINARY_OPS(GT__BINARY_CODE) GT__BINARY_CODES };
enum { GT_TERNARY_OPS(GT__TERNARY_CODE) GT__TERNARY_CODES };
#undef GT__UNARY_CODE
#undef GT__BINARY_CODE
#undef GT__TERNARY_CODE

#define GT_COMPARE_OPS(X)                                                                 \
  X(lt, <)                                                                                \
  X(le, <=)                                                                               \
  X(gt, >)                                                                                \
  X(ge, >=)                                                                               \
  X(eq, ==)                                                                               \
  X(ne, !=)

#endif
