/* SPDX-License-Identifier: Apache-2.0 */
/* The cycle that faults are injected into: open a device, train, save, resume, train on, load,
 * generate. */
#ifndef TESTS_FAULTS_CYCLE_H
#define TESTS_FAULTS_CYCLE_H

#include <minrnn/minrnn.h>

struct cycle_setup {
    const char *text;          /* what it learns */
    const char *state, *model; /* where it saves */
    const char *other;         /* where a trainer that has failed is asked to save */
    const char *kept;          /* a folder of programs */
    const char *mixer;         /* of its model */
};

enum { CYCLE_STEPS = 3, CYCLE_LENGTH = 3 };

struct cycle_result {
    minrnn_status status; /* of the first call that failed */
    char error[8192];     /* its text */
    /* Of a cycle without a failure: its numbers, to be compared to the bit. */
    minrnn_step_record records[CYCLE_STEPS];
    double evaluation;
    /* Events made by each step, held after it, and held once its record was taken. */
    int events_made[CYCLE_STEPS], events[CYCLE_STEPS], events_after[CYCLE_STEPS];
    char generated[CYCLE_LENGTH * 8 + 1];
    /* A trainer that failed at a step, and then saved or trained on as if nothing had happened. */
    bool went_on;
};

/* Runs the cycle on `device`, or if that is NULL on one that it opens, named by MINRNN_DEVICE.
 * After a failure the handles that there are get some more calls, before they are destroyed.
 * Allocates nothing itself. */
void cycle_run(const struct cycle_setup *paths, uint64_t seed, minrnn_device *device,
               struct cycle_result *result);

#endif
