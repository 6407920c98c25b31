/* SPDX-License-Identifier: Apache-2.0 */
/* Warm-up, then cosine or a constant. */
#include "train/schedule.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

float schedule_rate(const minrnn_trainer_config *config, int64_t step) {
    if (step <= config->warmup) {
        return (float)((double)config->rate * (double)step / (double)config->warmup);
    }
    if (config->schedule == MINRNN_SCHEDULE_CONSTANT) {
        return config->rate;
    }
    const int64_t length = config->steps - config->warmup;
    const double progress =
        length > 0 ? fmin((double)(step - config->warmup) / (double)length, 1.0) : 1.0;
    const double share = 0.5 * (1.0 + cos(PI * progress));
    return (float)((double)config->min_rate +
                   share * ((double)config->rate - (double)config->min_rate));
}
