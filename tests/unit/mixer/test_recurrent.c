/* SPDX-License-Identifier: Apache-2.0 */
/* What GRU and LSTM have of their own: torch's tensors, their initial values, and that an input's
 * and a state's bias are two. */
#include "layer.h"

static minrnn_device *device;

enum { WIDTH = 24, INNER = 2 * WIDTH };

static minrnn_mixer *make(const char *name, const char *settings, minrnn_mixer_config *config) {
    minrnn_mixer *mixer;
    CHECK(minrnn_mixer_config_defaults(name, config));
    config->width = WIDTH;
    support_set(config, settings);
    CHECK(minrnn_mixer_create(device, config, &mixer));
    return mixer;
}

/* Names, order and shapes are those of the state dict, a projection after them. */
static void test_names(void **unused) {
    (void)unused;
    static const char *const mixers[] = {"gru", "lstm"};
    for (int m = 0; m < 2; m++) {
        const int64_t gates = (m == 0 ? 3 : 4) * INNER;
        const struct {
            const char *name;
            int dimensions;
            int64_t shape[2];
        } expected[] = {{"weight_ih_l0", 2, {gates, WIDTH}},  {"weight_hh_l0", 2, {gates, INNER}},
                        {"bias_ih_l0", 1, {gates}},           {"bias_hh_l0", 1, {gates}},
                        {"to_out.weight", 2, {WIDTH, INNER}}, {"to_out.bias", 1, {WIDTH}}};
        minrnn_mixer_config config;
        minrnn_mixer *mixer = make(mixers[m], "expansion=2 bias=on", &config);
        assert_int_equal(minrnn_mixer_tensor_count(mixer), 6);
        for (int i = 0; i < 6; i++) {
            minrnn_parameter_info info;
            CHECK(minrnn_mixer_parameter(mixer, i, &info));
            assert_string_equal(info.name, expected[i].name);
            assert_int_equal(info.dimensions, expected[i].dimensions);
            assert_int_equal(info.shape[0], expected[i].shape[0]);
            assert_int_equal(info.shape[1], expected[i].shape[1]);
            assert_false(info.decays);
        }
        minrnn_mixer_destroy(mixer);
    }
}

/* All within 1 / sqrt(inner), as torch's, and near it. */
static void test_initial_values(void **unused) {
    (void)unused;
    static const char *const mixers[] = {"gru", "lstm"};
    const double bound = 1.0 / sqrt((double)INNER);
    for (int m = 0; m < 2; m++) {
        minrnn_mixer_config config;
        minrnn_mixer *mixer = make(mixers[m], "expansion=2 bias=on", &config);
        const int64_t total = minrnn_mixer_parameters(mixer);
        float *values = support_alloc((size_t)total, sizeof *values);
        const minrnn_tensor tensor = tensor_make(device, total, MINRNN_F32);
        CHECK(minrnn_mixer_initialise(mixer, 7, tensor));
        tensor_get(tensor, values, total);
        for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
            minrnn_parameter_info info;
            CHECK(minrnn_mixer_parameter(mixer, i, &info));
            double largest = 0.0;
            for (int64_t k = 0; k < elements_of(&info); k++) {
                largest = fmax(largest, fabs((double)values[info.offset + k]));
            }
            assert_true(largest <= bound * (1.0 + 1e-6));
            assert_true(largest >= 0.8 * bound);
        }
        minrnn_buffer_destroy(tensor.buffer);
        free(values);
        minrnn_mixer_destroy(mixer);
    }
}

/* y of one step without a state before it, all parameters 0 but one bias of a gate's row block. */
static float output_with(const char *name, const char *tensor, int block) {
    minrnn_mixer_config config;
    minrnn_mixer *mixer = make(name, "bias=on", &config);
    const int64_t states = minrnn_mixer_state_size(mixer);
    float *parameters = support_alloc((size_t)minrnn_mixer_parameters(mixer), sizeof *parameters);
    float *x = support_alloc(WIDTH, sizeof *x), *y = support_alloc(WIDTH, sizeof *y);
    float *state = support_alloc((size_t)states, sizeof *state);
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        for (int64_t k = 0; k < WIDTH && strcmp(info.name, tensor) == 0; k++) {
            parameters[info.offset + block * WIDTH + k] = 1.0f;
        }
    }
    layer_run(
        device, mixer, &config,
        &(struct layer_data){
            .batch = 1, .time = 1, .parameters = parameters, .x = x, .y = y, .state_out = state});
    const float result = y[WIDTH - 1];
    free(parameters);
    free(x);
    free(y);
    free(state);
    minrnn_mixer_destroy(mixer);
    return result;
}

/* The bias of n counts whole if it is the input's, and times r = 1/2 if it is the state's. An
 * LSTM's add up: c = i g with i = 1/2, h = o tanh(c) with o = 1/2. */
static void test_two_biases(void **unused) {
    (void)unused;
    const double half = 0.5;
    const struct {
        const char *name, *tensor;
        double expected;
    } cases[] = {{"gru", "bias_ih_l0", half * tanh(1.0)},
                 {"gru", "bias_hh_l0", half * tanh(half)},
                 {"lstm", "bias_ih_l0", half * tanh(half * tanh(1.0))},
                 {"lstm", "bias_hh_l0", half * tanh(half * tanh(1.0))}};
    for (int i = 0; i < 4; i++) {
        const double y = (double)output_with(cases[i].name, cases[i].tensor, 2);
        if (!(fabs(y - cases[i].expected) <= 1e-6)) {
            fail_msg("%s, %s: %.7f, not %.7f", cases[i].name, cases[i].tensor, y,
                     cases[i].expected);
        }
    }
}

static void test_refused(void **unused) {
    (void)unused;
    minrnn_mixer_config config;
    minrnn_mixer *mixer = NULL;
    CHECK(minrnn_mixer_config_defaults("lstm", &config));
    assert_int_equal(minrnn_mixer_set(&config, "reset_gate", "before"), MINRNN_INVALID_ARGUMENT);
    config.width = WIDTH;
    support_set(&config, "expansion=0.01");
    assert_int_equal(minrnn_mixer_create(device, &config, &mixer), MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "times expansion 0.01 must give"));
    assert_null(mixer);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_initial_values),
        cmocka_unit_test(test_two_biases),
        cmocka_unit_test(test_refused),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
