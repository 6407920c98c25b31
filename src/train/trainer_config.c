/* SPDX-License-Identifier: Apache-2.0 */
/* A trainer's settings: what its configuration holds, and the calls that reach it by name. */
#include "train/trainer_config.h"

#define MOST_STEPS 0x1p53 /* what a JSON number counts exactly */

_Static_assert(sizeof(minrnn_schedule) == sizeof(unsigned), "a choice is an unsigned");

static const char *const schedules[] = {"constant", "cosine", NULL};

#define AT(member) SETTING_AT(minrnn_trainer_config, member)
static const struct setting rows[] = {
    {SETTING_INTEGER("batch", 1, INT32_MAX, 32, "sequences at once"), AT(batch)},
    {SETTING_INTEGER("time", 1, INT32_MAX, 128, "tokens per sequence"), AT(time)},
    {SETTING_INTEGER("accumulation", 1, INT32_MAX, 1, "batches per step"), AT(accumulation)},
    {SETTING_INTEGER("steps", 1, MOST_STEPS, 1000, "where the cosine ends, wherever the run stops",
                     .option = "schedule-steps", .per_run = true),
     AT(steps)},
    {SETTING_REAL("rate", 0, INFINITY, 1e-3, "learning rate"), AT(rate)},
    {SETTING_REAL("min_rate", 0, INFINITY, 0, "rate at the end of the cosine"), AT(min_rate)},
    {SETTING_INTEGER("warmup", 0, MOST_STEPS, 0, "steps up to the full rate"), AT(warmup)},
    {SETTING_CHOICE("schedule", schedules, MINRNN_SCHEDULE_CONSTANT, "the rate after the warm-up"),
     AT(schedule)},
    {SETTING_REAL("beta1", 0, 1, 0.9, "AdamW: decay of the first moment", .below_high = true),
     AT(beta1)},
    {SETTING_REAL("beta2", 0, 1, 0.999, "AdamW: decay of the second moment", .below_high = true),
     AT(beta2)},
    {SETTING_REAL("epsilon", 0, INFINITY, 1e-8, "AdamW: added to the denominator",
                  .above_low = true),
     AT(epsilon)},
    {SETTING_REAL("weight_decay", 0, INFINITY, 0.01, "AdamW: decay of the weights"),
     AT(weight_decay)},
    {SETTING_REAL("clip", 0, INFINITY, 1, "largest norm of the gradient; 0: any"), AT(clip)},
    {SETTING_SEED("seed", 1, "seeds everything random"), AT(seed)},
    {SETTING_FLAG("check_numbers", 0, "name layer and op of the first NaN or infinity; slower",
                  .per_run = true),
     AT(check_numbers), .unsaved = true},
    {SETTING_INTEGER("targets", 0, INT32_MAX, 0, "positions that have a target, at most; 0: any"),
     AT(targets)},
};
const struct settings trainer_settings = SETTINGS("trainer", rows, minrnn_trainer_config);

void minrnn_trainer_config_init(minrnn_trainer_config *config, size_t size) {
    if (config) {
        minrnn_trainer_config own;
        settings_defaults(&trainer_settings, &own);
        settings_give(&trainer_settings, &own, config, size);
    }
}

const minrnn_setting *minrnn_trainer_setting(int index) {
    return settings_at(&trainer_settings, index);
}

minrnn_status minrnn_trainer_set(minrnn_trainer_config *config, const char *name,
                                 const char *value) {
    return settings_set(&trainer_settings, config, name, value);
}

minrnn_status minrnn_trainer_get(const minrnn_trainer_config *config, const char *name, char *value,
                                 size_t capacity) {
    return settings_get(&trainer_settings, config, name, value, capacity);
}

minrnn_status trainer_config_check(const minrnn_trainer_config *config) {
    const minrnn_status status = settings_check(&trainer_settings, config);
    if (status) {
        return status;
    }
    if (config->time > INT32_MAX / config->batch ||
        config->accumulation > INT32_MAX / (config->batch * config->time)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "trainer: batch %lld, time %lld, accumulation %lld: their product must be "
                    "below 2^31",
                    (long long)config->batch, (long long)config->time,
                    (long long)config->accumulation);
    }
    if (config->targets > config->time) {
        return fail(MINRNN_INVALID_ARGUMENT, "trainer: targets %lld must be at most time, %lld",
                    (long long)config->targets, (long long)config->time);
    }
    return MINRNN_OK;
}

minrnn_status trainer_config_take(const minrnn_trainer_config *given,
                                  minrnn_trainer_config *config) {
    settings_defaults(&trainer_settings, config);
    const minrnn_status status = settings_take(&trainer_settings, given, config);
    return status ? status : trainer_config_check(config);
}
