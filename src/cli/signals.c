/* SPDX-License-Identifier: Apache-2.0 */
/* Notes signals that ask a run to end, for the loop to look at. */
#include "cli/signals.h"

#include "cli/report.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static const int asking[] = {SIGINT, SIGTERM, SIGHUP};
enum { ASKING = sizeof asking / sizeof *asking };

/* A signal handler can reach nothing else, and an action belongs to the process anyway. */
static volatile sig_atomic_t asked;
static struct sigaction old_actions[ASKING], old_pipe_action;
static bool changed[ASKING], pipe_changed;

static void on_signal(int number) {
    if (!asked) {
        asked = number;
    } else if (number != SIGHUP) {
        /* Not the default action: process 1 of a container has none. */
        _exit(EXIT_SIGNALLED + number);
    }
}

int signals_asked(void) {
    return (int)asked;
}

void signals_outlive_readers(void) {
    const struct sigaction action = {.sa_handler = SIG_IGN};
    pipe_changed = sigaction(SIGPIPE, &action, &old_pipe_action) == 0;
}

/* Without SA_RESTART: a write to a terminal that is stopped ends, and the run can save. */
void signals_catch(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    asked = 0;
    for (int i = 0; i < ASKING; i++) {
        changed[i] = sigaction(asking[i], NULL, &old_actions[i]) == 0 &&
                     old_actions[i].sa_handler != SIG_IGN &&
                     sigaction(asking[i], &action, NULL) == 0;
    }
}

void signals_restore(void) {
    for (int i = 0; i < ASKING; i++) {
        if (changed[i]) {
            (void)sigaction(asking[i], &old_actions[i], NULL);
            changed[i] = false;
        }
    }
    if (pipe_changed) {
        (void)sigaction(SIGPIPE, &old_pipe_action, NULL);
        pipe_changed = false;
    }
}
