/* Training states: any bytes either resume, to a run that can be saved, resumed again to the same
 * state and stepped, or are refused. A file may ask for batches of any size, which is for the
 * allocator to refuse. */
#include "harness.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    (void)fuzz_device();
    return 0;
}

/* One step on tokens 0, where that is little work. Parameters and moments may be anything. */
static void step(minrnn_trainer *trainer, const minrnn_trainer_config *config) {
    enum { MOST = 256 };
    static const int32_t tokens[MOST];
    const int64_t before = minrnn_trainer_steps(trainer);
    if (config->batch * config->time * config->accumulation > MOST) {
        return;
    }
    MUST_WORK(minrnn_trainer_step(trainer, tokens, tokens, NULL, NULL));
    minrnn_step_record record;
    bool there = false;
    const minrnn_status status = minrnn_trainer_record(trainer, true, &record, &there);
    MUST(status == MINRNN_NOT_FINITE || (status == MINRNN_OK && there));
    MUST(status == MINRNN_NOT_FINITE || record.step == before + 1);
    MUST(minrnn_trainer_steps(trainer) == before + 1);
}

/* The caller may change the number of steps and nothing else. */
static void resume_with(const char *path, minrnn_trainer_config config, minrnn_status expected) {
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    MUST(minrnn_trainer_resume(fuzz_device(), path, &config, &model, &trainer) == expected);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_put("input", data, size);
    minrnn_model *model = NULL, *model_again = NULL;
    minrnn_trainer *trainer = NULL, *trainer_again = NULL;
    const minrnn_status status = minrnn_trainer_resume(fuzz_device(), path, NULL, &model, &trainer);
    fuzz_check_failure(status);
    if (status) {
        MUST(!model && !trainer);
        MUST(minrnn_device_allocated(fuzz_device()) == 0);
        return 0;
    }
    const char *saved = fuzz_path("saved"), *saved_again = fuzz_path("saved again");
    MUST_WORK(minrnn_trainer_save(trainer, saved));
    MUST_WORK(minrnn_trainer_resume(fuzz_device(), saved, NULL, &model_again, &trainer_again));
    MUST_WORK(minrnn_trainer_save(trainer_again, saved_again));
    fuzz_must_equal(saved, saved_again);
    minrnn_trainer_config config;
    MUST_WORK(minrnn_trainer_get_config(trainer_again, &config));
    step(trainer_again, &config);
    config.steps = 7;
    resume_with(saved, config, MINRNN_OK);
    config.seed ^= 1;
    resume_with(saved, config, MINRNN_INVALID_ARGUMENT);
    minrnn_trainer_destroy(trainer);
    minrnn_trainer_destroy(trainer_again);
    minrnn_model_destroy(model);
    minrnn_model_destroy(model_again);
    MUST(minrnn_device_allocated(fuzz_device()) == 0);
    return 0;
}
