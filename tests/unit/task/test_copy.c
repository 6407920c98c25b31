/* SPDX-License-Identifier: Apache-2.0 */
/* Selective copying: what its sequences are, how they are distributed, and which there are. */
#include "unit/files.h"

enum { ITEMS = 4, LENGTH = 20, SYMBOLS = 16, MARK = -1 };

struct variant {
    const char *name;
    int32_t noise, marker;
    int64_t positions;
};
static const struct variant variants[] = {{"release", SYMBOLS - 1, 0, LENGTH},
                                          {"s4", 0, SYMBOLS - 1, LENGTH + ITEMS}};
enum { VARIANTS = sizeof variants / sizeof *variants };

static minrnn_task_config config_of(const char *variant) {
    minrnn_task_config config;
    CHECK(minrnn_task_config_defaults("copy", &config));
    CHECK(minrnn_task_set(&config, "length", "20"));
    CHECK(minrnn_task_set(&config, "items", "4"));
    CHECK(minrnn_task_set(&config, "held_out", "10"));
    CHECK(minrnn_task_set(&config, "variant", variant));
    return config;
}

static minrnn_task *task_of(const minrnn_task_config *config) {
    minrnn_task *task;
    CHECK(minrnn_task_create(config, &task));
    return task;
}

/* Noise, data among it, then a marker for each, whose target is the data in its order. */
static void expect_sequence(const struct variant *variant, const int32_t *tokens,
                            const int32_t *targets) {
    int found = 0;
    for (int64_t t = 0; t < variant->positions; t++) {
        assert_int_equal(targets[t], MARK);
        if (tokens[t] != variant->noise) {
            assert_in_range(tokens[t], 1, SYMBOLS - 2);
            assert_true(found < ITEMS);
            assert_int_equal(targets[variant->positions + found++], tokens[t]);
        }
    }
    assert_int_equal(found, ITEMS);
    for (int64_t t = variant->positions; t < variant->positions + ITEMS; t++) {
        assert_int_equal(tokens[t], variant->marker);
    }
}

static void test_sequences(void **unused) {
    (void)unused;
    for (int v = 0; v < VARIANTS; v++) {
        const minrnn_task_config config = config_of(variants[v].name);
        minrnn_task *task = task_of(&config);
        const int64_t time = variants[v].positions + ITEMS;
        minrnn_loader *loader;
        const minrnn_batch *batch;
        assert_int_equal(minrnn_task_vocab(task), SYMBOLS);
        assert_int_equal(minrnn_task_time(task), time);
        assert_int_equal(minrnn_task_targets(task), ITEMS);
        assert_int_equal(minrnn_task_measure(task), MINRNN_MEASURE_ACCURACY);
        CHECK(minrnn_loader_create(task, 8, time, &loader));
        for (uint64_t index = 0; index < 50; index++) {
            CHECK(minrnn_loader_draw(loader, 3, index, &batch));
            assert_null(batch->reset);
            for (int64_t row = 0; row < 8; row++) {
                expect_sequence(&variants[v], batch->tokens + row * time,
                                batch->targets + row * time);
            }
        }
        minrnn_loader_destroy(loader);
        minrnn_task_destroy(task);
    }
}

/* Pearson's chi-squared of counts that should be equal, in standard deviations above its mean. */
static double deviation(const int64_t *counts, int bins, double expected) {
    double sum = 0;
    for (int i = 0; i < bins; i++) {
        const double difference = (double)counts[i] - expected;
        sum += difference * difference / expected;
    }
    return (sum - (bins - 1)) / sqrt(2.0 * (bins - 1));
}

/* Every position is as often data as every other, so is every pair of neighbours in place; every
 * token is as frequent as every other, wherever it stands; and sequences differ. */
static void test_distribution(void **unused) {
    (void)unused;
    enum { BATCH = 64, BATCHES = 500, DATA = SYMBOLS - 2 };
    const int64_t sequences = BATCH * BATCHES;
    for (int v = 0; v < VARIANTS; v++) {
        const minrnn_task_config config = config_of(variants[v].name);
        minrnn_task *task = task_of(&config);
        const int64_t time = minrnn_task_time(task), positions = variants[v].positions;
        int64_t places[LENGTH + ITEMS] = {0}, pairs[LENGTH + ITEMS] = {0},
                                tokens[ITEMS][DATA] = {{0}};
        minrnn_loader *loader;
        const minrnn_batch *batch;
        CHECK(minrnn_loader_create(task, BATCH, time, &loader));
        for (uint64_t index = 0; index < BATCHES; index++) {
            CHECK(minrnn_loader_draw(loader, 5, index, &batch));
            for (int64_t row = 0; row < BATCH; row++) {
                const int32_t *x = batch->tokens + row * time;
                for (int64_t t = 0; t < positions; t++) {
                    const bool here = x[t] != variants[v].noise;
                    places[t] += here;
                    pairs[t] += here && x[(t + 1) % positions] != variants[v].noise;
                }
                for (int i = 0; i < ITEMS; i++) {
                    tokens[i][batch->targets[row * time + positions + i] - 1]++;
                }
            }
        }
        const double share = (double)ITEMS / (double)positions;
        const double both = share * (ITEMS - 1) / (double)(positions - 1);
        assert_true(deviation(places, (int)positions, (double)sequences * share) < 4);
        assert_true(deviation(pairs, (int)positions, (double)sequences * both) < 4);
        for (int i = 0; i < ITEMS; i++) {
            assert_true(deviation(tokens[i], DATA, (double)sequences / DATA) < 4);
        }
        minrnn_loader_destroy(loader);
        minrnn_task_destroy(task);
    }
}

/* A sequence's numbers belong to it, not to the batch it is in; other seeds and splits have others.
 */
static void test_streams(void **unused) {
    (void)unused;
    const minrnn_task_config config = config_of("release");
    minrnn_task *task = task_of(&config);
    const int64_t time = minrnn_task_time(task);
    const size_t bytes = (size_t)time * sizeof(int32_t);
    minrnn_loader *one, *four;
    const minrnn_batch *a, *b;
    int64_t used;
    CHECK(minrnn_loader_create(task, 1, time, &one));
    CHECK(minrnn_loader_create(task, 4, time, &four));
    CHECK(minrnn_loader_draw(four, 7, 1, &b));
    CHECK(minrnn_loader_draw(one, 7, 6, &a));
    assert_memory_equal(a->tokens, b->tokens + 2 * time, bytes);
    assert_memory_equal(a->targets, b->targets + 2 * time, bytes);
    CHECK(minrnn_loader_draw(one, 8, 6, &a));
    assert_memory_not_equal(a->tokens, b->tokens + 2 * time, bytes);
    const minrnn_split splits[] = {MINRNN_SPLIT_VALIDATION, MINRNN_SPLIT_TEST, MINRNN_SPLIT_ALL};
    const int64_t sizes[] = {10, 10, 20};
    int32_t kept[3][20 * (LENGTH + ITEMS)];
    for (int s = 0; s < 3; s++) {
        int64_t total = 0;
        for (uint64_t index = 0;; index++) {
            CHECK(minrnn_loader_window(four, splits[s], index, &b, &used));
            assert_int_equal(used % time, 0);
            for (int64_t row = 0; row < 4 && used > 0; row++) {
                const bool there = row < used / time;
                assert_true(there || b->targets[row * time + time - 1] == MARK);
                if (there) {
                    memcpy(kept[s] + total++ * time, b->tokens + row * time, bytes);
                }
            }
            if (used == 0) {
                break;
            }
        }
        assert_int_equal(total, sizes[s]);
    }
    assert_memory_equal(kept[2], kept[0], 10 * bytes);
    assert_memory_equal(kept[2] + 10 * time, kept[1], 10 * bytes);
    for (int i = 0; i < 10; i++) {
        assert_memory_not_equal(kept[0] + i * time, kept[1] + i * time, bytes);
    }
    minrnn_task_config other = config; /* what is held out goes by a seed of its own */
    CHECK(minrnn_task_set(&other, "held_out_seed", "2"));
    minrnn_task *other_task = task_of(&other);
    minrnn_loader *other_loader;
    CHECK(minrnn_loader_create(other_task, 1, time, &other_loader));
    CHECK(minrnn_loader_window(other_loader, MINRNN_SPLIT_VALIDATION, 0, &a, &used));
    assert_memory_not_equal(a->tokens, kept[0], bytes);
    minrnn_loader_destroy(other_loader);
    minrnn_task_destroy(other_task);
    CHECK(minrnn_loader_window(four, MINRNN_SPLIT_ALL, UINT64_MAX, &b, &used));
    assert_int_equal(used, 0);
    expect_failure(minrnn_loader_window(four, MINRNN_SPLIT_TRAIN, 0, &b, &used),
                   MINRNN_INVALID_ARGUMENT, "has no end");
    minrnn_loader_destroy(one);
    minrnn_loader_destroy(four);
    minrnn_task_destroy(task);
}

/* What seed 0 gives, whatever computes. */
static void test_first_sequence(void **unused) {
    (void)unused;
    static const int32_t expected[VARIANTS][LENGTH + 2 * ITEMS] = {
        {15, 15, 15, 1, 15, 15, 15, 15, 15, 15, 13, 15, 15, 15, 3, 15, 15, 15, 15, 13, 0, 0, 0, 0},
        {0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 13, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 13, 15, 15, 15, 15}};
    for (int v = 0; v < VARIANTS; v++) {
        const minrnn_task_config config = config_of(variants[v].name);
        minrnn_task *task = task_of(&config);
        const int64_t time = minrnn_task_time(task);
        minrnn_loader *loader;
        const minrnn_batch *batch;
        CHECK(minrnn_loader_create(task, 1, time, &loader));
        CHECK(minrnn_loader_draw(loader, 0, 0, &batch));
        for (int64_t t = 0; t < time; t++) {
            if (batch->tokens[t] != expected[v][t]) {
                fail_msg("%s: token %d is %d", variants[v].name, (int)t, (int)batch->tokens[t]);
            }
        }
        minrnn_loader_destroy(loader);
        minrnn_task_destroy(task);
    }
}

/* As many items as positions: all of them are data. */
static void test_full(void **unused) {
    (void)unused;
    minrnn_task_config config = config_of("release");
    CHECK(minrnn_task_set(&config, "items", "20"));
    CHECK(minrnn_task_set(&config, "symbols", "3"));
    minrnn_task *task = task_of(&config);
    minrnn_loader *loader;
    const minrnn_batch *batch;
    CHECK(minrnn_loader_create(task, 1, 40, &loader));
    CHECK(minrnn_loader_draw(loader, 0, 0, &batch));
    for (int t = 0; t < 20; t++) {
        assert_int_equal(batch->tokens[t], 1);
        assert_int_equal(batch->targets[20 + t], 1);
    }
    minrnn_loader_destroy(loader);
    minrnn_task_destroy(task);
}

static void test_settings(void **unused) {
    (void)unused;
    minrnn_task_config config;
    minrnn_task *task = NULL;
    char text[MINRNN_SETTING_TEXT];
    int count = 0;
    for (; minrnn_task_setting("copy", count); count++) {
        CHECK(minrnn_task_config_defaults("copy", &config));
        CHECK(
            minrnn_task_get(&config, minrnn_task_setting("copy", count)->name, text, sizeof text));
        CHECK(minrnn_task_set(&config, minrnn_task_setting("copy", count)->name, text));
    }
    assert_true(count >= 6);
    assert_null(minrnn_task_setting("text", 0));
    assert_null(minrnn_task_setting("no such", 0));
    assert_null(minrnn_task_setting(NULL, 0));
    expect_failure(minrnn_task_config_defaults("no such", &config), MINRNN_INVALID_ARGUMENT,
                   "\"no such\"");
    CHECK(minrnn_task_config_defaults("copy", &config));
    expect_failure(minrnn_task_set(&config, "width", "3"), MINRNN_INVALID_ARGUMENT, "\"width\"");
    expect_failure(minrnn_task_set(&config, "symbols", "2"), MINRNN_INVALID_ARGUMENT, "3 to");
    CHECK(minrnn_task_set(&config, "items", "257"));
    expect_failure(minrnn_task_create(&config, &task), MINRNN_INVALID_ARGUMENT,
                   "257 items do not fit into a length of 256");
    assert_null(task);
    CHECK(minrnn_task_config_defaults("text", &config));
    expect_failure(minrnn_task_create(&config, &task), MINRNN_INVALID_ARGUMENT, "of its own");
    assert_int_equal(minrnn_task_create(NULL, &task), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_task_create(&config, NULL), MINRNN_INVALID_ARGUMENT);
    config.size = 0;
    expect_failure(minrnn_task_create(&config, &task), MINRNN_INVALID_ARGUMENT,
                   "minrnn_task_config_defaults sets it");
}

/* A loader's time is the task's. */
static void test_time(void **unused) {
    (void)unused;
    const minrnn_task_config config = config_of("release");
    minrnn_task *task = task_of(&config);
    minrnn_loader *loader;
    expect_failure(minrnn_loader_create(task, 1, 23, &loader), MINRNN_INVALID_ARGUMENT,
                   "sequences of copy have 24");
    minrnn_task_destroy(task);
}

/* The settings come back from the model; what is not understood is an error. */
static void test_kept_in_model(void **unused) {
    (void)unused;
    minrnn_task_config config = config_of("s4"), kept;
    minrnn_task *task = task_of(&config);
    minrnn_device *device;
    minrnn_model_config model_config;
    minrnn_model *model;
    CHECK(minrnn_device_open("cpu", &device));
    minrnn_model_config_defaults(&model_config);
    model_config.vocab = SYMBOLS;
    model_config.width = 8;
    CHECK(minrnn_model_create(device, &model_config, 1, &model));
    CHECK(minrnn_model_get_task(model, &kept));
    assert_string_equal(kept.name, "text");
    CHECK(minrnn_task_prepare(task, model));
    CHECK(minrnn_model_get_task(model, &kept));
    assert_int_equal(kept.size, sizeof kept);
    assert_memory_equal(&kept, &config, sizeof kept);
    CHECK(minrnn_model_set_metadata(model, "task", "copy length=30"));
    CHECK(minrnn_model_get_task(model, &kept));
    CHECK(minrnn_task_config_defaults("copy", &config)); /* what is not said is standard */
    CHECK(minrnn_task_set(&config, "length", "30"));
    assert_memory_equal(&kept, &config, sizeof kept);
    const char *const wrong[][2] = {{"", "must be"},
                                    {"juggle", "\"juggle\""},
                                    {"copy colour=3", "\"colour\""},
                                    {"copy length", "no setting"},
                                    {"copy length=0", "length"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(minrnn_model_set_metadata(model, "task", wrong[i][0]));
        expect_failure(minrnn_model_get_task(model, &kept), MINRNN_FORMAT_ERROR, wrong[i][1]);
    }
    char *longest = support_alloc(2001, 1);
    memset(longest, 'x', 2000);
    CHECK(minrnn_model_set_metadata(model, "task", longest));
    expect_failure(minrnn_model_get_task(model, &kept), MINRNN_FORMAT_ERROR, "too long");
    free(longest);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
    minrnn_task_destroy(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences), cmocka_unit_test(test_distribution),
        cmocka_unit_test(test_streams),   cmocka_unit_test(test_first_sequence),
        cmocka_unit_test(test_full),      cmocka_unit_test(test_settings),
        cmocka_unit_test(test_time),      cmocka_unit_test(test_kept_in_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
