/* SPDX-License-Identifier: Apache-2.0 */
/* What a step did, and whether that is finite. */
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>

minrnn_step_record trainer_record_of(const struct step_slot *slot) {
    return (minrnn_step_record){
        .step = slot->step,
        .loss = slot->results[0],
        .gradient_norm = sqrtf(slot->results[1]),
        .rate = slot->rate,
        .seconds = slot->last.fence.passed,
    };
}

bool trainer_is_finite(const minrnn_step_record *record, char text[FAILURE_CAPACITY]) {
    const bool finite = isfinite(record->loss) && isfinite(record->gradient_norm);
    if (!finite) {
        snprintf(text, FAILURE_CAPACITY,
                 "the loss of step %lld is %g, the norm of its gradient %g; check_numbers finds "
                 "the layer and the op",
                 (long long)record->step, (double)record->loss, (double)record->gradient_norm);
    }
    return finite;
}
