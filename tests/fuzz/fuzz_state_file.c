/* SPDX-License-Identifier: Apache-2.0 */
/* Training states: any bytes either resume, to a run that can be saved, resumed again to the same
 * state and stepped, or are refused. A file may ask for batches of any size, which is for the
 * allocator to refuse. */
#include "harness.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    (void)fuzz_device();
    return 0;
}

/* One step on tokens 0, if that is little work. Parameters and moments may be anything. A NaN ends
 * the run and is not saved. */
static void step(minrnn_trainer *trainer) {
    enum { MOST = 256 };
    static const int32_t tokens[MOST];
    minrnn_trainer_config config;
    MUST_WORK(minrnn_trainer_get_config(trainer, &config));
    if (config.batch * config.time * config.accumulation > MOST) {
        return;
    }
    const int64_t before = minrnn_trainer_steps(trainer);
    minrnn_batch batch;
    minrnn_batch_defaults(&batch);
    batch.batch = config.batch * config.accumulation;
    batch.time = config.time;
    batch.tokens = batch.targets = tokens;
    minrnn_status status = minrnn_trainer_step(trainer, &batch);
    MUST(status == MINRNN_OK || (status == MINRNN_NOT_FINITE && config.check_numbers));
    minrnn_step_record record;
    bool there = false;
    if (!status) {
        status = minrnn_trainer_record(trainer, true, &record, &there);
        MUST(status == MINRNN_NOT_FINITE || (status == MINRNN_OK && there));
        MUST(status || (record.step == before + 1 && minrnn_trainer_steps(trainer) == before + 1));
    }
    const minrnn_status saving = minrnn_trainer_save(trainer, fuzz_path("stepped"));
    MUST(saving == MINRNN_NOT_FINITE || (saving == MINRNN_OK && !status));
}

/* The caller may change the number of steps, have numbers checked, and nothing else. */
static void resume_with(const char *path, minrnn_trainer_config config, minrnn_status expected) {
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    MUST(minrnn_trainer_resume(fuzz_device(), path, &config, &model, &trainer) == expected);
    if (trainer) {
        step(trainer);
    }
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

static void must_resume_again(const char *saved) {
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    minrnn_trainer_config config;
    const char *saved_again = fuzz_path("saved again");
    MUST_WORK(minrnn_trainer_resume(fuzz_device(), saved, NULL, &model, &trainer));
    MUST_WORK(minrnn_trainer_save(trainer, saved_again));
    fuzz_must_equal(saved, saved_again);
    MUST_WORK(minrnn_trainer_get_config(trainer, &config));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    config.steps = 7;
    config.check_numbers = true;
    resume_with(saved, config, MINRNN_OK);
    config.seed ^= 1;
    resume_with(saved, config, MINRNN_INVALID_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_put("input", data, size);
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    const minrnn_status status = minrnn_trainer_resume(fuzz_device(), path, NULL, &model, &trainer);
    fuzz_check_failure(status);
    if (status) {
        MUST(!model && !trainer);
        MUST(minrnn_device_allocated(fuzz_device()) == 0);
        return 0;
    }
    const char *saved = fuzz_path("saved");
    const minrnn_status saving = minrnn_trainer_save(trainer, saved);
    MUST(saving == MINRNN_OK || saving == MINRNN_NOT_FINITE);
    if (!saving) {
        must_resume_again(saved);
    }
    step(trainer);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    MUST(minrnn_device_allocated(fuzz_device()) == 0);
    return 0;
}
