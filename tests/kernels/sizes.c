/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes that GPUs must train, planned for devices that need not be there: they fit the device's
 * memory, and no buffer is larger than it allows. The trainers are made of buffers that hold
 * nothing, so that what is counted is what would be allocated. */
#include "must.h"
#include "recorder.h"
#include "support.h"

enum { MIB = 1 << 20, T4_MEMORY = 14930, T4_LARGEST = 3732 }; /* the T4's own, in MiB */

/* What was made on a device. */
static uint64_t largest_made, all_made;
static const struct backend *recording;

static minrnn_status count_buffer(minrnn_device *device, uint64_t bytes, minrnn_buffer **buffer) {
    largest_made = bytes > largest_made ? bytes : largest_made;
    all_made += bytes;
    return recording->buffer_create(device, bytes, buffer);
}

/* Plans a run, makes it, and compares; returns the plan. */
static minrnn_memory make(minrnn_device *device, const minrnn_model_config *config,
                          const minrnn_trainer_config *training) {
    minrnn_memory memory;
    minrnn_model *model;
    minrnn_trainer *trainer;
    recording = device->backend;
    struct backend counting = *recording;
    counting.buffer_create = count_buffer;
    device->backend = &counting;
    CHECK(minrnn_trainer_memory(device, config, training, &memory));
    CHECK(minrnn_memory_check(device, &memory));
    largest_made = all_made = 0;
    CHECK(minrnn_model_create(device, config, 1, &model));
    CHECK(minrnn_trainer_create(model, training, &trainer));
    assert_int_equal(all_made, memory.total);
    assert_int_equal(largest_made, memory.largest);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    device->backend = recording;
    return memory;
}

/* The paper's Figure 1 at its longest and at a width of models in use: one mixer with its head. */
static void test_figure1(void **unused) {
    (void)unused;
    static const char *const mixers[] = {"mingru", "minlstm", "mamba"};
    for (int i = 0; i < 3; i++) {
        struct recorder t4 = recorder_of("t4");
        minrnn_model_config config;
        minrnn_trainer_config training;
        minrnn_model_config_defaults(&config);
        minrnn_trainer_config_defaults(&training);
        config.vocab = 16;
        config.width = 384;
        config.layers = 1;
        config.conv = 0;
        config.feed_forward = MINRNN_FEED_FORWARD_NONE;
        CHECK(minrnn_model_set(&config, "mixer", mixers[i]));
        CHECK(minrnn_model_set(&config, "expansion", "1"));
        training.batch = 64;
        training.time = 4096;
        t4.device.base.memory = (uint64_t)T4_MEMORY * MIB;
        assert_int_equal(t4.device.base.largest, (uint64_t)T4_LARGEST * MIB);
        const minrnn_memory memory = make(&t4.device.base, &config, &training);
        assert_true(memory.total <= (uint64_t)T4_MEMORY * MIB);
        assert_true(memory.largest <= (uint64_t)T4_LARGEST * MIB);
        /* In one buffer the workspace would be refused. */
        assert_true(memory.workspace > (uint64_t)T4_LARGEST * MIB);
        recorder_destroy(&t4);
    }
}

/* Apple's and Qualcomm's GPUs allow 1 GiB a buffer, which the preset's workspace is more than; some
 * small ones 256 MiB, which some of its parts are. */
static void test_preset(void **unused) {
    (void)unused;
    static const uint64_t allowed[] = {1024ull * MIB, 256ull * MIB};
    struct recorder small = recorder_of("intel");
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_model_config_defaults(&config);
    minrnn_trainer_config_defaults(&training);
    CHECK(minrnn_preset("shakespeare", &config, &training, NULL, NULL));
    config.vocab = 65;
    for (int i = 0; i < 2; i++) {
        small.device.base.largest = allowed[i];
        const minrnn_memory memory = make(&small.device.base, &config, &training);
        assert_true(memory.largest <= allowed[i]);
        assert_true(memory.workspace > allowed[0]);
    }
    recorder_destroy(&small);
}

/* What must lie in one buffer and cannot is refused by name, before anything is made. */
static void test_too_large(void **unused) {
    (void)unused;
    struct recorder t4 = recorder_of("t4");
    minrnn_device *device = &t4.device.base;
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_memory memory;
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_model_config_defaults(&config);
    minrnn_trainer_config_defaults(&training);
    config.vocab = 65;
    CHECK(minrnn_trainer_memory(device, &config, &training, &memory));
    CHECK(minrnn_model_create(device, &config, 1, &model));
    const uint64_t held = device->allocated;
    /* The feed-forward's: [rows, 4 * width]. */
    const uint64_t tensor = (uint64_t)(training.batch * training.time * 4 * config.width) * 4;
    assert_true(tensor > memory.moments);
    const struct {
        uint64_t largest;
        const char *part;
    } devices[] = {{memory.parameters - 4, "the parameters"},
                   {memory.gradients, "the moments"},
                   {memory.moments - 4, "the moments"},
                   {tensor - 4, "the largest tensor of the workspace"}};
    for (int i = 0; i < 4; i++) {
        device->largest = devices[i].largest;
        CHECK(minrnn_trainer_memory(device, &config, &training, &memory));
        assert_true(memory.largest > device->largest);
        assert_int_equal(minrnn_memory_check(device, &memory), MINRNN_OUT_OF_MEMORY);
        assert_non_null(strstr(minrnn_error_text(), devices[i].part));
        assert_int_equal(minrnn_trainer_create(model, &training, &trainer), MINRNN_OUT_OF_MEMORY);
        assert_non_null(strstr(minrnn_error_text(), devices[i].part));
        assert_non_null(strstr(minrnn_error_text(), "the trainer needs "));
        assert_int_equal(device->allocated, held);
    }
    device->largest = memory.parameters - 4;
    minrnn_model *second;
    assert_int_equal(minrnn_model_create(device, &config, 1, &second), MINRNN_OUT_OF_MEMORY);
    assert_non_null(strstr(minrnn_error_text(), "the model needs "));
    minrnn_model_destroy(model);
    recorder_destroy(&t4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figure1),
        cmocka_unit_test(test_preset),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
