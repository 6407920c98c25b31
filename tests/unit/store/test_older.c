/* SPDX-License-Identifier: Apache-2.0 */
/* Files of an older minrnn (data/README): they load, generate the same text, and a run that is
 * resumed from one goes where the older program's went. Its bits are those of the machine that it
 * ran on; elsewhere rounding may differ. Usage: test_older DIRECTORY */
#include "unit/files.h"

enum { LENGTH = 60, MORE_STEPS = 3 };
#define TOLERANCE 1e-4

static minrnn_device *device;
static const char *directory;

static const char *path_of(const char *name, const char *suffix) {
    static char paths[4][4096];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s%s", directory, name, suffix);
    return path;
}

/* ---- text ---- */

struct generated {
    char text[256];
    size_t used;
};

static bool append(void *user, const char *text, uint64_t bytes) {
    struct generated *generated = user;
    assert_true(generated->used + bytes < sizeof generated->text);
    memcpy(generated->text + generated->used, text, bytes);
    generated->used += bytes;
    return true;
}

static void test_text(void **state) {
    static const char prompt[] = "the ";
    struct generated generated = {"the ", 4};
    minrnn_model *model;
    minrnn_session *session;
    minrnn_sampling sampling;
    CHECK(minrnn_model_load(device, path_of(*state, ".safetensors"), &model));
    CHECK(minrnn_session_create(model, 1, 8, &session));
    minrnn_sampling_defaults(&sampling);
    sampling.temperature = 0.8f;
    sampling.seed = 1;
    CHECK(
        minrnn_generate(session, prompt, sizeof prompt - 1, LENGTH, &sampling, append, &generated));
    CHECK(append(&generated, "\n", 1) ? MINRNN_OK : MINRNN_IO_ERROR);
    files_expect(path_of(*state, ".txt"), generated.text);
    minrnn_session_destroy(session);
    minrnn_model_destroy(model);
}

/* ---- resuming ---- */

struct run {
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_text *text;
    float *parameters;
    minrnn_step_record record;
};

static void begin(struct run *run, const char *state) {
    CHECK(minrnn_trainer_resume(device, state, NULL, &run->model, &run->trainer));
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_model_get_vocabulary(run->model, &vocabulary));
    CHECK(minrnn_text_open(path_of("text", ".txt"), vocabulary, &run->text));
    minrnn_vocabulary_destroy(vocabulary);
    run->parameters =
        support_alloc((size_t)minrnn_model_parameters(run->model), sizeof *run->parameters);
}

/* As `minrnn train` does. */
static void step(struct run *run) {
    minrnn_trainer_config config;
    bool there;
    CHECK(minrnn_trainer_get_config(run->trainer, &config));
    const int64_t sequences = config.accumulation * config.batch;
    int32_t *tokens = support_alloc((size_t)(sequences * config.time), 2 * sizeof *tokens);
    int32_t *targets = tokens + sequences * config.time;
    CHECK(minrnn_text_batch(run->text, MINRNN_SPLIT_TRAIN, config.seed,
                            (uint64_t)minrnn_trainer_steps(run->trainer), sequences, config.time,
                            tokens, targets, NULL));
    CHECK(support_step(run->trainer, tokens, targets, NULL, NULL));
    CHECK(minrnn_trainer_record(run->trainer, true, &run->record, &there));
    assert_true(there);
    CHECK(minrnn_model_read(run->model, run->parameters));
    free(tokens);
}

static void end(struct run *run) {
    minrnn_trainer_destroy(run->trainer);
    minrnn_model_destroy(run->model);
    minrnn_text_destroy(run->text);
    free(run->parameters);
}

static void compare(const char *what, double error) {
    if (!(error <= TOLERANCE)) {
        fail_msg("%s: relative error %.3g is above %.3g", what, error, TOLERANCE);
    }
}

/* Steps on from the state, and one more beside a run that goes on from what the older program had
 * then: that step's update shows the moments too. */
static void test_resume(void **state) {
    struct run ours = {0}, older = {0};
    begin(&ours, path_of(*state, ".state"));
    begin(&older, path_of(*state, ".resumed"));
    const int64_t count = minrnn_model_parameters(older.model);
    assert_int_equal(minrnn_model_parameters(ours.model), count);
    for (int i = 0; i < MORE_STEPS; i++) {
        step(&ours);
    }
    assert_int_equal(minrnn_trainer_steps(ours.trainer), minrnn_trainer_steps(older.trainer));
    CHECK(minrnn_model_read(older.model, older.parameters));
    const size_t bytes = (size_t)count * sizeof *ours.parameters;
    print_message("%s: the bits are %sthose of the older program\n", (const char *)*state,
                  memcmp(ours.parameters, older.parameters, bytes) == 0 ? "" : "not ");
    compare("parameters", support_error(ours.parameters, older.parameters, count, 0.0));
    step(&ours);
    step(&older);
    compare("parameters a step on", support_error(ours.parameters, older.parameters, count, 0.0));
    compare("loss", support_error(&ours.record.loss, &older.record.loss, 1, 0.0));
    end(&ours);
    end(&older);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: test_older DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    device = support_open_device();
#define OF(test, name)                                                                             \
    { #test " " name, test, NULL, NULL, (void *)(uintptr_t)name }
    const struct CMUnitTest tests[] = {
        OF(test_text, "mingru"),   OF(test_text, "minlstm"),   OF(test_text, "foreign"),
        OF(test_resume, "mingru"), OF(test_resume, "minlstm"),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
