/* SPDX-License-Identifier: Apache-2.0 */
/* How good the best evaluation was, and how a resumed run learns of it. */
#include "cli/best.h"

#include <inttypes.h>
#include <stdio.h>

enum { TO_HOLD = 2 };

static const char key[] = "best_evaluation";

static bool by_accuracy(const struct best *best) {
    return best->measure == MINRNN_MEASURE_ACCURACY;
}

double best_value(const struct best *best, const struct evaluation *evaluation) {
    return by_accuracy(best) ? evaluation->accuracy : evaluation->loss;
}

bool best_note(struct best *best, const struct evaluation *evaluation, int64_t step) {
    const double value = best_value(best, evaluation);
    const bool above = by_accuracy(best) ? value > best->value : value < best->value;
    const bool is_best = best->step < 0 || above;
    const bool has_enough = best->enough > 0 && evaluation->accuracy >= (double)best->enough;
    best->held = has_enough ? best->held + 1 : 0;
    if (is_best) {
        best->step = step;
        best->value = value;
    }
    return is_best;
}

bool best_is_enough(const struct best *best) {
    return best->held >= TO_HOLD;
}

minrnn_status best_keep(const struct best *best, minrnn_model *model) {
    char text[128];
    snprintf(text, sizeof text, "%.17g at step %" PRId64 ", held %" PRId64, best->value, best->step,
             best->held);
    return minrnn_model_set_metadata(model, key, text);
}

void best_restore(struct best *best, const minrnn_model *model) {
    const char *text = minrnn_model_metadata(model, key);
    struct best kept = *best;
    if (text && sscanf(text, "%lf at step %" SCNd64 ", held %" SCNd64, &kept.value, &kept.step,
                       &kept.held) == 3) {
        *best = kept;
    }
}
