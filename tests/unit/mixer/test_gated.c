/* SPDX-License-Identifier: Apache-2.0 */
/* What minGRU and minLSTM have of their own: the paper's numbers of parameters, their initial
 * values, and configurations that are refused. */
#include "layer.h"

static minrnn_device *device;

static minrnn_mixer *make(const char *name, int64_t width, const char *settings) {
    minrnn_mixer_config config;
    minrnn_mixer *mixer;
    CHECK(minrnn_mixer_config_defaults(name, &config));
    config.width = width;
    support_set(&config, settings);
    CHECK(minrnn_mixer_create(device, &config, &mixer));
    return mixer;
}

/* ---- parameters ---- */

/* Weights of gates and candidate; `parts` is that of the state. */
static int64_t gate_weights(const char *name, int64_t width, int alpha, int64_t parts) {
    char settings[32];
    snprintf(settings, sizeof settings, "expansion=%d", alpha);
    minrnn_mixer *mixer = make(name, width, settings);
    int64_t count = 0;
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        count += strncmp(info.name, "to_out", 6) == 0 ? 0 : elements_of(&info);
    }
    assert_int_equal(minrnn_mixer_state_size(mixer), parts * width * alpha);
    minrnn_mixer_destroy(mixer);
    return count;
}

/* The paper's savings over GRU and LSTM, whose counts are 3 and 4 d_h (d_x + d_h), in percent. */
static void test_parameter_ratios(void **unused) {
    (void)unused;
    static const double gru[] = {100.0 / 3.0, 200.0 / 9.0, 100.0 / 6.0, 40.0 / 3.0};
    static const double lstm[] = {37.5, 25.0, 18.75, 15.0};
    const int64_t width = 64;
    for (int alpha = 1; alpha <= 4; alpha++) {
        const int64_t of_gru = gate_weights("gru", width, alpha, 1);
        const int64_t of_lstm = gate_weights("lstm", width, alpha, 2);
        const int64_t full = width * alpha * (width + width * alpha);
        assert_int_equal(of_gru, 3 * full);
        assert_int_equal(of_lstm, 4 * full);
        const double a = 100.0 * (double)gate_weights("mingru", width, alpha, 1) / (double)of_gru;
        const double b = 100.0 * (double)gate_weights("minlstm", width, alpha, 1) / (double)of_lstm;
        print_message("alpha %d: minGRU %.1f %% of GRU, minLSTM %.2f %% of LSTM\n", alpha, a, b);
        assert_true(fabs(a - gru[alpha - 1]) < 1e-9);
        assert_true(fabs(b - lstm[alpha - 1]) < 1e-9);
    }
}

/* Weights and biases keep to +-1 / sqrt(fan-in), as torch.nn.Linear's, and come near it; the
 * recurrence's own weights do not decay. */
static void test_initial_values(void **unused) {
    (void)unused;
    enum { SEED = 7, WIDTH = 24, INNER = 2 * WIDTH };
    static const char *const mixers[] = {"mingru", "minlstm"};
    for (int m = 0; m < 2; m++) {
        minrnn_mixer *mixer = make(mixers[m], WIDTH, "expansion=2 bias=on learned_init=on");
        const int64_t total = minrnn_mixer_parameters(mixer);
        float *values = support_alloc((size_t)total, sizeof *values);
        const minrnn_tensor tensor = tensor_make(device, total, MINRNN_F32);
        CHECK(minrnn_mixer_initialise(mixer, SEED, tensor));
        tensor_get(tensor, values, total);
        assert_int_equal(minrnn_mixer_tensor_count(mixer), 5);
        for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
            minrnn_parameter_info info;
            CHECK(minrnn_mixer_parameter(mixer, i, &info));
            assert_false(info.decays);
            const bool normal = strcmp(info.name, "init_hidden_state") == 0;
            const bool out = strncmp(info.name, "to_out", 6) == 0;
            const double bound = normal ? 5.0 : 1.0 / sqrt(out ? INNER : WIDTH);
            double largest = 0.0;
            for (int64_t k = 0; k < elements_of(&info); k++) {
                largest = fmax(largest, fabs((double)values[info.offset + k]));
            }
            assert_true(largest <= bound * (1.0 + 1e-6));
            assert_true(largest >= (normal ? 1.0 : 0.8 * bound));
        }
        minrnn_buffer_destroy(tensor.buffer);
        free(values);
        minrnn_mixer_destroy(mixer);
    }
}

/* ---- errors ---- */

static void expect_refused(const char *what, minrnn_mixer_config config) {
    minrnn_mixer *mixer = NULL;
    const minrnn_status status = minrnn_mixer_create(device, &config, &mixer);
    if (status != MINRNN_INVALID_ARGUMENT || mixer != NULL || minrnn_error_text()[0] == '\0') {
        fail_msg("%s: %s, \"%s\"", what, minrnn_status_name(status), minrnn_error_text());
    }
}

/* What single values may be is unit/layer/test_setting.c's; this is what a configuration may be. */
static void test_refused(void **unused) {
    (void)unused;
    minrnn_mixer_config good, gru;
    CHECK(minrnn_mixer_config_defaults("minlstm", &good));
    CHECK(minrnn_mixer_config_defaults("mingru", &gru));
    good.width = gru.width = 6;
    minrnn_mixer_config bad = good;
    snprintf(bad.name, sizeof bad.name, "maxgru");
    expect_refused("unknown name", bad);
    assert_non_null(strstr(minrnn_error_text(), "maxgru"));
    memset(bad.name, 'x', sizeof bad.name); /* no end */
    expect_refused("name without end", bad);
    bad = good;
    bad.width = 0;
    expect_refused("width 0", bad);
    bad.width = -4;
    expect_refused("width -4", bad);
    bad.width = INT64_MAX;
    expect_refused("width too large", bad);
    bad = good;
    support_set(&bad, "expansion=0.01");
    expect_refused("no inner channel", bad);
    bad = good;
    support_set(&bad, "alg=log");
    expect_refused("log with the plain candidate", bad);
    bad = gru;
    support_set(&bad, "forget_offset=1");
    expect_refused("mingru with forget_offset", bad);
    bad = gru;
    support_set(&bad, "normalised=on");
    expect_refused("mingru normalised", bad);
    assert_non_null(strstr(minrnn_error_text(), "mixer mingru has no forget gate"));
    bad = good;
    memset(bad.settings, 0x7F, sizeof bad.settings);
    expect_refused("settings that are noise", bad);
    bad = good;
    bad.size = 0;
    expect_refused("size 0", bad);

    minrnn_mixer *mixer;
    int64_t saved, temporary;
    assert_int_equal(minrnn_mixer_create(NULL, &good, &mixer), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_create(device, NULL, &mixer), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_create(device, &good, NULL), MINRNN_INVALID_ARGUMENT);
    minrnn_mixer_destroy(NULL);
    CHECK(minrnn_mixer_create(device, &good, &mixer));
    assert_int_equal(minrnn_mixer_workspace(mixer, 0, 1, &saved, &temporary),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_workspace(mixer, 1, -1, &saved, &temporary),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_forward(mixer, 1, 1, NULL), MINRNN_INVALID_ARGUMENT);
    const minrnn_mixer_tensors unsized = {0};
    assert_int_equal(minrnn_mixer_forward(mixer, 1, 1, &unsized), MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "minrnn_mixer_tensors_defaults sets it"));
    minrnn_mixer_tensors none;
    minrnn_mixer_tensors_defaults(&none);
    assert_int_equal(minrnn_mixer_forward(mixer, 1, 1, &none), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_backward(mixer, 1, 1, &none), MINRNN_INVALID_ARGUMENT);
    minrnn_parameter_info info;
    assert_int_equal(minrnn_mixer_parameter(mixer, minrnn_mixer_tensor_count(mixer), &info),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_parameter(mixer, -1, &info), MINRNN_INVALID_ARGUMENT);
    minrnn_mixer_destroy(mixer);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_ratios),
        cmocka_unit_test(test_initial_values),
        cmocka_unit_test(test_refused),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
