/* signals.c: SIGINT, SIGTERM and SIGHUP noted in a flag, so that a training loop can finish its step and save. */
#include "core.h"
#include <signal.h>

static volatile sig_atomic_t arrived;
static struct sigaction old_int, old_term, old_hup, unwatched_int;
static int caught;
static volatile sig_atomic_t watched;

/* The first signal asks politely; a second SIGINT finds the default action and ends the process, unless a prompt watches. */
static void note(int signal_number) {
  arrived++;
  if (signal_number == SIGINT && !watched) signal(SIGINT, SIG_DFL);
}

int gt_catch_signals(int on) {
  if (on && !caught) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    arrived = 0;
    if (sigaction(SIGINT, &action, &old_int) || sigaction(SIGTERM, &action, &old_term) || sigaction(SIGHUP, &action, &old_hup))
      return gt__fail(GT_EINTERNAL, "signals: the handlers could not be installed");
    if (old_hup.sa_handler == SIG_IGN) sigaction(SIGHUP, &old_hup, NULL); /* nohup */
    caught = 1;
  } else if (!on && caught) {
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    sigaction(SIGHUP, &old_hup, NULL);
    caught = 0;
  }
  return GT_OK;
}

int gt_watch_interrupts(int on) {
  if (on && !watched) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, &action, &unwatched_int)) return gt__fail(GT_EINTERNAL, "signals: the handler could not be installed");
    watched = 1;
  } else if (!on && watched) {
    sigaction(SIGINT, &unwatched_int, NULL);
    watched = 0;
  }
  return GT_OK;
}

int32_t gt_interrupted(void) { return arrived; }
void gt_clear_interrupt(void) { arrived = 0; }
