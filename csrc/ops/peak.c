/* peak.c: how fast this machine multiplies and adds at its best: on registers, on all threads. */
#include "../kernels/kernels.h"
#include "ops.h"

enum { TASKS_EACH = 8, ROUNDS = 20000 };  /* tasks for each thread; rounds of one, a fraction of a millisecond */

static void task(void *context, int64_t i) { ((float *)context)[i] = gt__matrix()->peak_f(ROUNDS); }

double gt_peak_flops(double seconds) {
  int threads = gt_threads(), tasks = threads * TASKS_EACH;
  gt__scratch results;
  if (gt__scratch_alloc(&results, (size_t)tasks * sizeof(float))) return 0;
  double best = 0, end = gt_seconds() + seconds, work = 2.0 * tasks * ROUNDS * (double)gt__matrix()->peak_width;
  do {
    double before = gt_seconds();
    gt__parallel(tasks, task, results.ptr);
    double speed = work / (gt_seconds() - before);
    if (speed > best) best = speed;
  } while (gt_seconds() < end);
  gt__scratch_free(&results);
  return best;
}
