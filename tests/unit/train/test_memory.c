/* SPDX-License-Identifier: Apache-2.0 */
/* Saving, loading and resuming when any one allocation fails: an error, nothing leaked (run it
 * under a sanitiser), and the file that was there is whole. */
#include "base/alloc.h"
#include "unit/files.h" /* after it: cmocka has a macro fail() */
#include "unit/models.h"

static minrnn_device *device;

struct job {
    minrnn_model *model;
    minrnn_trainer *trainer;
    const char *path;
};

static minrnn_status save_model(const struct job *job) {
    return minrnn_model_save(job->model, job->path);
}

static minrnn_status load_model(const struct job *job) {
    minrnn_model *model;
    const minrnn_status status = minrnn_model_load(device, job->path, &model);
    minrnn_model_destroy(model);
    return status;
}

static minrnn_status save_state(const struct job *job) {
    return minrnn_trainer_save(job->trainer, job->path);
}

static minrnn_status resume(const struct job *job) {
    minrnn_model *model;
    minrnn_trainer *trainer;
    const minrnn_status status = minrnn_trainer_resume(device, job->path, NULL, &model, &trainer);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    return status;
}

/* Fails allocation 1, 2, ... of the call until it has no more; returns how many it had. */
static long fail_each(minrnn_status (*call)(const struct job *job), const struct job *job) {
    struct bytes before = files_get(job->path);
    for (long n = 1;; n++) {
        mem_fail_at(n);
        const minrnn_status status = call(job);
        mem_fail_at(0);
        struct bytes after = files_get(job->path);
        assert_int_equal(after.size, before.size);
        assert_memory_equal(after.data, before.data, before.size);
        assert_int_equal(files_count(), 1);
        free(after.data);
        if (!status) {
            free(before.data);
            return n - 1;
        }
        expect_failure(status, MINRNN_OUT_OF_MEMORY, "");
    }
}

static void test_each_allocation(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(1);
    minrnn_trainer_config training;
    minrnn_trainer_config_defaults(&training);
    training.batch = 1;
    training.time = 4;
    struct job job = {.path = files_path("file")};
    job.model = model_make(device, &config);
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_vocabulary_create("abcdefghijklm", MODEL_VOCAB, true, &vocabulary));
    CHECK(minrnn_model_set_vocabulary(job.model, vocabulary));
    CHECK(minrnn_trainer_create(job.model, &training, &job.trainer));
    CHECK(save_model(&job));
    assert_true(fail_each(save_model, &job) > 5);
    assert_true(fail_each(load_model, &job) > 5);
    CHECK(save_state(&job));
    assert_true(fail_each(save_state, &job) > 5);
    assert_true(fail_each(resume, &job) > 5);
    minrnn_vocabulary_destroy(vocabulary);
    minrnn_trainer_destroy(job.trainer);
    minrnn_model_destroy(job.model);
}

int main(void) {
    if (minrnn_device_open("cpu", &device)) {
        fprintf(stderr, "%s\n", minrnn_error_text());
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation)};
    const int failed = cmocka_run_group_tests(tests, files_begin, files_end);
    minrnn_device_destroy(device);
    return failed;
}
