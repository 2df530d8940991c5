/* threads.c: the one thread pool. Parallel sections hand out numbered tasks; idle workers run background jobs.
 *
 * A section belongs to one caller at a time; a second caller, or a nested call, runs its tasks itself. Because tasks are
 * numbered by the problem and write only their own part, the result never depends on who ran them. */
#include "core.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 256, SPIN = 2000 };

static struct {
  pthread_mutex_t lock;      /* guards everything below but `section` */
  pthread_cond_t wake, done, job_done;
  pthread_t workers[MAX_THREADS];
  int threads;               /* in use, the caller of a section included; 0: not started; atomic */
  int running;               /* worker threads that exist */
  uint64_t generation;       /* moves with every section; atomic */
  gt__task fn;
  void *context;
  int64_t count;
  int64_t next;              /* the next task to hand out; atomic */
  int active;                /* workers inside the current section */
  bool open;                 /* a section is being worked on */
  gt__job *first_job, *last_job;
  gt__job *current[MAX_THREADS]; /* what each worker runs, NULL for none */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER,
          .job_done = PTHREAD_COND_INITIALIZER};
static pthread_mutex_t section = PTHREAD_MUTEX_INITIALIZER; /* held by the caller whose section it is */
static _Thread_local bool inside;                           /* this thread is running a task */

static void work(gt__task fn, void *context, int64_t count) {
  inside = true;
  for (;;) {
    int64_t i = __atomic_fetch_add(&pool.next, 1, __ATOMIC_RELAXED);
    if (i >= count) break;
    fn(context, i);
  }
  inside = false;
}

/* Puts a job at the end of the list; called with the lock held. */
static void queue_job(gt__job *job) {
  job->state = 1;
  job->next = NULL;
  if (pool.last_job) pool.last_job->next = job;
  else pool.first_job = job;
  pool.last_job = job;
}

/* Takes the first queued job off the list; called with the lock held. */
static gt__job *take_job(void) {
  gt__job *job = pool.first_job;
  if (!job) return NULL;
  pool.first_job = job->next;
  if (!pool.first_job) pool.last_job = NULL;
  job->state = 2;
  return job;
}

/* Runs a job that was taken; called with the lock held, returns with it held. */
static void run_job(gt__job *job) {
  pthread_mutex_unlock(&pool.lock);
  bool was = inside;
  inside = true; /* what a job computes stays on its own thread */
  job->fn(job->context, job->i);
  inside = was;
  pthread_mutex_lock(&pool.lock);
  job->state = 3;
  pthread_cond_broadcast(&pool.job_done);
}

static void *worker(void *arg) {
  int self = (int)(intptr_t)arg;
  uint64_t seen = 0;
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    if (pool.open && pool.generation != seen) {
      seen = pool.generation;
      gt__task fn = pool.fn;
      void *context = pool.context;
      int64_t count = pool.count;
      __atomic_add_fetch(&pool.active, 1, __ATOMIC_RELAXED);
      pthread_mutex_unlock(&pool.lock);
      work(fn, context, count);
      pthread_mutex_lock(&pool.lock);
      if (__atomic_sub_fetch(&pool.active, 1, __ATOMIC_RELAXED) == 0) pthread_cond_signal(&pool.done);
      continue;
    }
    if (self >= pool.threads - 1) break; /* the pool was made smaller */
    gt__job *job = take_job();
    if (job) {
      pool.current[self] = job;
      run_job(job);
      pool.current[self] = NULL;
      continue;
    }
    /* Sections follow each other closely in a training step: look for the next one a moment before sleeping. */
    uint64_t before = pool.generation;
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPIN && __atomic_load_n(&pool.generation, __ATOMIC_RELAXED) == before; i++) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    }
    pthread_mutex_lock(&pool.lock);
    if (!(pool.open && pool.generation != seen) && !pool.first_job && self < pool.threads - 1) pthread_cond_wait(&pool.wake, &pool.lock);
  }
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

static int default_threads(void) {
  const char *text = getenv("GANTRY_THREADS");
  long n = text ? strtol(text, NULL, 10) : 0;
  if (n < 1) n = sysconf(_SC_NPROCESSORS_ONLN);
  return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int)n;
}

static int in_use(void) { return __atomic_load_n(&pool.threads, __ATOMIC_RELAXED); }
static void use(int threads) { __atomic_store_n(&pool.threads, threads, __ATOMIC_RELAXED); }

/* A worker that takes no signals from outside: handlers belong to the threads of whoever installed them. What an instruction of its own
 * raises it takes: blocked, that would end the process whatever the handler (map.c has one). */
static bool start_worker(int self) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGBUS), sigdelset(&all, SIGSEGV), sigdelset(&all, SIGFPE), sigdelset(&all, SIGILL);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(&pool.workers[self], NULL, worker, (void *)(intptr_t)self) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

/* Starts or stops workers so that `threads` are in use; called with the section and the lock held. */
static void set_workers(int threads) {
  use(threads);
  pthread_cond_broadcast(&pool.wake);
  while (pool.running > threads - 1) {
    pthread_t last = pool.workers[--pool.running];
    pthread_mutex_unlock(&pool.lock);
    pthread_join(last, NULL);
    pthread_mutex_lock(&pool.lock);
  }
  while (pool.running < threads - 1) {
    if (!start_worker(pool.running)) {
      use(pool.running + 1); /* the system has no more: go on with what there is */
      break;
    }
    pool.running++;
  }
}

/* fork() waits until the queue is whole. A child has none of its parent's workers: it starts its own when it first needs them,
 * and runs anew the jobs that they were in the middle of. */
static void before_fork(void) { pthread_mutex_lock(&pool.lock); }
static void after_fork_parent(void) { pthread_mutex_unlock(&pool.lock); }

static void after_fork_child(void) {
  pthread_mutex_init(&pool.lock, NULL);
  pthread_mutex_init(&section, NULL);
  pthread_cond_init(&pool.wake, NULL);
  pthread_cond_init(&pool.done, NULL);
  pthread_cond_init(&pool.job_done, NULL);
  use(0);
  pool.running = pool.active = 0;
  pool.open = false;
  for (int i = 0; i < MAX_THREADS; i++)
    if (pool.current[i]) queue_job(pool.current[i]), pool.current[i] = NULL;
}

static void start_once(void) {
  if (in_use()) return;
  pthread_mutex_lock(&pool.lock);
  if (in_use() == 0) {
    static bool registered;
    if (!registered) pthread_atfork(before_fork, after_fork_parent, after_fork_child);
    registered = true;
    set_workers(default_threads());
  }
  pthread_mutex_unlock(&pool.lock);
}

int32_t gt_threads(void) {
  start_once();
  return in_use();
}

int gt_set_threads(int n) {
  if (n < 1 || n > MAX_THREADS) return gt__fail(GT_EARG, "setnumthreads: got %d, wanted 1 to %d threads", n, MAX_THREADS);
  if (inside) return gt__fail(GT_EARG, "setnumthreads: called from inside a parallel section");
  start_once();
  pthread_mutex_lock(&section);
  pthread_mutex_lock(&pool.lock);
  set_workers(n);
  pthread_mutex_unlock(&pool.lock);
  pthread_mutex_unlock(&section);
  return GT_OK;
}

void gt__parallel(int64_t n, gt__task fn, void *context) {
  if (n <= 0) return;
  if (n > 1 && !inside) start_once();
  if (n == 1 || inside || in_use() == 1 || pthread_mutex_trylock(&section)) {
    for (int64_t i = 0; i < n; i++) fn(context, i);
    return;
  }
  pthread_mutex_lock(&pool.lock);
  pool.fn = fn;
  pool.context = context;
  pool.count = n;
  __atomic_store_n(&pool.next, 0, __ATOMIC_RELAXED);
  __atomic_add_fetch(&pool.generation, 1, __ATOMIC_RELAXED);
  pool.open = true;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  work(fn, context, n);
  /* All tasks are handed out; wait for workers that still run theirs. */
  pthread_mutex_lock(&pool.lock);
  pool.open = false;
  while (pool.active) {
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPIN && __atomic_load_n(&pool.active, __ATOMIC_RELAXED); i++) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    }
    pthread_mutex_lock(&pool.lock);
    if (pool.active) pthread_cond_wait(&pool.done, &pool.lock);
  }
  pthread_mutex_unlock(&pool.lock);
  pthread_mutex_unlock(&section);
}

void gt__job_start(gt__job *job, gt__task fn, void *context, int64_t i) {
  start_once();
  job->fn = fn;
  job->context = context;
  job->i = i;
  pthread_mutex_lock(&pool.lock);
  queue_job(job);
  pthread_cond_signal(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
}

void gt__job_wait(gt__job *job) {
  pthread_mutex_lock(&pool.lock);
  /* Rather than wait for a queued job, run what is queued, in order: with one thread nobody else does. */
  while (job->state == 1) run_job(take_job());
  while (job->state == 2) pthread_cond_wait(&pool.job_done, &pool.lock);
  job->state = 0;
  pthread_mutex_unlock(&pool.lock);
}
