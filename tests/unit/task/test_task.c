/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and their loaders: the list, and that a loader gives what the text's own calls give. */
#include "unit/files.h"

enum { BATCH = 3, TIME = 5, ROWS = BATCH * TIME };

static const char first[] = "to be, or not to be: that is the question";
static const char second[] = "tea but not toast at ten";

static minrnn_text *text_of(const char *const *contents, int count,
                            const minrnn_vocabulary *vocabulary) {
    static const char *const names[] = {"one", "two", "three"};
    const char *paths[3];
    char kept[3][256];
    minrnn_text *text;
    for (int i = 0; i < count; i++) {
        snprintf(kept[i], sizeof kept[i], "%s", files_path(names[i]));
        files_put(kept[i], contents[i], strlen(contents[i]));
        paths[i] = kept[i];
    }
    CHECK(minrnn_text_open_files(paths, count, vocabulary, &text));
    return text;
}

static void test_list(void **unused) {
    (void)unused;
    assert_string_equal(minrnn_task_name(0), "text");
    int count = 0;
    while (minrnn_task_name(count)) {
        assert_non_null(minrnn_task_help(count));
        count++;
    }
    assert_null(minrnn_task_help(count));
    assert_null(minrnn_task_name(-1));
    assert_null(minrnn_task_help(-1));
}

/* What the text's own calls give, for a batch of a loader. */
static void expect_batch(const minrnn_batch *batch, const int32_t *tokens, const int32_t *targets,
                         const int32_t *reset) {
    assert_int_equal(batch->batch, BATCH);
    assert_int_equal(batch->time, TIME);
    assert_memory_equal(batch->tokens, tokens, ROWS * sizeof *tokens);
    assert_memory_equal(batch->targets, targets, ROWS * sizeof *targets);
    assert_null(batch->lengths);
    assert_int_equal(batch->reset != NULL, reset != NULL);
    if (reset) {
        assert_memory_equal(batch->reset, reset, ROWS * sizeof *reset);
    }
}

/* Of one text, of several, and of one with a validation text of its own. */
static void test_loader(void **unused) {
    (void)unused;
    const char *const contents[] = {first, second};
    for (int way = 0; way < 3; way++) {
        minrnn_text *text = text_of(contents, way == 1 ? 2 : 1, NULL), *validation = NULL;
        if (way == 2) {
            validation = text_of(contents, 1, minrnn_text_vocabulary(text));
        }
        const minrnn_split drawn = validation ? MINRNN_SPLIT_ALL : MINRNN_SPLIT_TRAIN;
        int32_t tokens[ROWS], targets[ROWS], reset[ROWS], *given = way == 1 ? reset : NULL;
        minrnn_task *task;
        minrnn_loader *loader;
        const minrnn_batch *batch;
        CHECK(minrnn_text_task(text, validation, &task));
        assert_int_equal(minrnn_task_vocab(task),
                         minrnn_vocabulary_size(minrnn_text_vocabulary(text)));
        CHECK(minrnn_loader_create(task, BATCH, TIME, &loader));
        for (uint64_t index = 0; index < 4; index++) {
            CHECK(minrnn_loader_draw(loader, 7, index, &batch));
            CHECK(minrnn_text_batch(text, drawn, 7, index, BATCH, TIME, tokens, targets, reset));
            expect_batch(batch, tokens, targets, given);
        }
        for (int split = MINRNN_SPLIT_TRAIN; split <= MINRNN_SPLIT_ALL; split++) {
            const bool apart = validation && split == MINRNN_SPLIT_VALIDATION;
            int64_t used = 1, expected = 0;
            for (uint64_t index = 0; used > 0; index++) {
                CHECK(minrnn_loader_window(loader, (minrnn_split)split, index, &batch, &used));
                CHECK(minrnn_text_window(apart ? validation : text,
                                         validation ? MINRNN_SPLIT_ALL : (minrnn_split)split, index,
                                         BATCH, TIME, tokens, targets, reset, &expected));
                assert_int_equal(used, expected);
                expect_batch(batch, tokens, targets, given);
            }
        }
        minrnn_loader_destroy(loader);
        minrnn_task_destroy(task);
        minrnn_text_destroy(validation);
        minrnn_text_destroy(text);
    }
}

/* A model is given the text's vocabulary. */
static void test_prepare(void **unused) {
    (void)unused;
    const char *const contents[] = {first};
    minrnn_text *text = text_of(contents, 1, NULL);
    minrnn_task *task;
    minrnn_device *device;
    minrnn_model *model;
    minrnn_model_config config;
    char kept[256];
    CHECK(minrnn_text_task(text, NULL, &task));
    CHECK(minrnn_device_open("cpu", &device));
    minrnn_model_config_defaults(&config);
    config.vocab = minrnn_task_vocab(task);
    config.width = 8;
    CHECK(minrnn_model_create(device, &config, 1, &model));
    CHECK(minrnn_task_prepare(task, model));
    assert_int_equal(support_vocabulary_of(model, kept, sizeof kept), SUPPORT_CHARACTERS);
    assert_string_equal(kept, minrnn_vocabulary_characters(minrnn_text_vocabulary(text)));
    assert_int_equal(minrnn_task_prepare(NULL, model), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_task_prepare(task, NULL), MINRNN_INVALID_ARGUMENT);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
    minrnn_task_destroy(task);
    minrnn_text_destroy(text);
}

#define REFUSED(call) assert_int_equal((call), MINRNN_INVALID_ARGUMENT)

static void test_errors(void **unused) {
    (void)unused;
    const char *const contents[] = {first};
    minrnn_text *text = text_of(contents, 1, NULL);
    minrnn_task *task = NULL;
    minrnn_loader *loader = NULL;
    const minrnn_batch *batch;
    int64_t used;
    REFUSED(minrnn_text_task(NULL, NULL, &task));
    REFUSED(minrnn_text_task(text, NULL, NULL));
    CHECK(minrnn_text_task(text, NULL, &task));
    REFUSED(minrnn_loader_create(NULL, 1, 1, &loader));
    REFUSED(minrnn_loader_create(task, 0, 1, &loader));
    REFUSED(minrnn_loader_create(task, 1, 0, &loader));
    REFUSED(minrnn_loader_create(task, INT32_MAX, 2, &loader));
    REFUSED(minrnn_loader_create(task, 1, 1, NULL));
    assert_null(loader);
    CHECK(minrnn_loader_create(task, 2, 100, &loader));
    REFUSED(minrnn_loader_draw(NULL, 1, 0, &batch));
    REFUSED(minrnn_loader_draw(loader, 1, 0, NULL));
    expect_failure(minrnn_loader_draw(loader, 1, 0, &batch), MINRNN_INVALID_ARGUMENT, "fewer than");
    REFUSED(minrnn_loader_window(NULL, MINRNN_SPLIT_ALL, 0, &batch, &used));
    REFUSED(minrnn_loader_window(loader, MINRNN_SPLIT_ALL, 0, NULL, &used));
    REFUSED(minrnn_loader_window(loader, MINRNN_SPLIT_ALL, 0, &batch, NULL));
    REFUSED(minrnn_loader_window(loader, (minrnn_split)4, 0, &batch, &used));
    expect_failure(minrnn_loader_window(loader, MINRNN_SPLIT_TEST, 0, &batch, &used),
                   MINRNN_INVALID_ARGUMENT, "text has no test split");
    assert_int_equal(minrnn_task_time(task) + minrnn_task_targets(task), 0);
    assert_int_equal(minrnn_task_measure(task), MINRNN_MEASURE_LOSS);
    CHECK(minrnn_loader_window(loader, MINRNN_SPLIT_ALL, 0, &batch, &used));
    assert_int_equal(used, strlen(first) - 1);
    assert_int_equal(minrnn_loader_bytes(2, 100), 2 * 100 * 3 * sizeof(int32_t));
    assert_int_equal(minrnn_loader_bytes(0, 100) + minrnn_loader_bytes(2, -1), 0);
    assert_int_equal(minrnn_task_vocab(NULL), 0);
    minrnn_loader_destroy(loader);
    minrnn_loader_destroy(NULL);
    minrnn_task_destroy(task);
    minrnn_task_destroy(NULL);
    minrnn_text_destroy(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_loader),
        cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
