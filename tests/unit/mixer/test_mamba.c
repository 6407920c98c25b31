/* SPDX-License-Identifier: Apache-2.0 */
/* What Mamba's block has of its own: mamba_ssm's tensors and their number, their initial values,
 * what it keeps for backward, and configurations that are refused. */
#include "layer.h"

static minrnn_device *device;

static minrnn_mixer *make(int64_t width, const char *settings) {
    minrnn_mixer_config config;
    minrnn_mixer *mixer;
    CHECK(minrnn_mixer_config_defaults("mamba", &config));
    config.width = width;
    support_set(&config, settings);
    CHECK(minrnn_mixer_create(device, &config, &mixer));
    return mixer;
}

/* Names and shapes are those of the state dict. */
static void test_names(void **unused) {
    (void)unused;
    enum { WIDTH = 24, INNER = 2 * WIDTH, RANK = 2, STATES = 5, TAPS = 3 };
    static const struct {
        const char *name;
        int dimensions;
        int64_t shape[3];
        bool decays;
    } expected[] = {{"in_proj.weight", 2, {2 * INNER, WIDTH}, true},
                    {"conv1d.weight", 3, {INNER, 1, TAPS}, true},
                    {"conv1d.bias", 1, {INNER}, false},
                    {"x_proj.weight", 2, {RANK + 2 * STATES, INNER}, true},
                    {"dt_proj.weight", 2, {INNER, RANK}, true},
                    {"dt_proj.bias", 1, {INNER}, false},
                    {"A_log", 2, {INNER, STATES}, false},
                    {"D", 1, {INNER}, false},
                    {"out_proj.weight", 2, {WIDTH, INNER}, true}};
    enum { TENSORS = sizeof expected / sizeof *expected };
    minrnn_mixer *mixer = make(WIDTH, "states=5 taps=3");
    assert_int_equal(minrnn_mixer_tensor_count(mixer), TENSORS);
    for (int i = 0; i < TENSORS; i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        assert_string_equal(info.name, expected[i].name);
        assert_int_equal(info.dimensions, expected[i].dimensions);
        assert_memory_equal(info.shape, expected[i].shape, sizeof expected[i].shape);
        assert_int_equal(info.decays, expected[i].decays);
    }
    assert_int_equal(minrnn_mixer_state_size(mixer), (TAPS - 1 + STATES) * INNER);
    minrnn_mixer_destroy(mixer);
}

/* As many parameters as mamba_ssm's module has. */
static void test_counts(void **unused) {
    (void)unused;
    static const int64_t counts[][2] = {{64, 32640}, {384, 963840}};
    for (int i = 0; i < 2; i++) {
        minrnn_mixer *mixer = make(counts[i][0], "");
        assert_int_equal(minrnn_mixer_parameters(mixer), counts[i][1]);
        minrnn_mixer_destroy(mixer);
    }
}

/* ---- initial values ---- */

struct values {
    minrnn_mixer *mixer;
    float *all;
};

static struct values initial(int64_t width, const char *settings) {
    struct values values = {make(width, settings), NULL};
    const int64_t total = minrnn_mixer_parameters(values.mixer);
    const minrnn_tensor tensor = tensor_make(device, total, MINRNN_F32);
    values.all = support_alloc((size_t)total, sizeof *values.all);
    CHECK(minrnn_mixer_initialise(values.mixer, 7, tensor));
    tensor_get(tensor, values.all, total);
    minrnn_buffer_destroy(tensor.buffer);
    return values;
}

static void values_free(struct values *values) {
    minrnn_mixer_destroy(values->mixer);
    free(values->all);
}

/* The tensor of that name. */
static const float *tensor_of(const struct values *values, const char *name,
                              minrnn_parameter_info *info) {
    for (int i = 0; i < minrnn_mixer_tensor_count(values->mixer); i++) {
        CHECK(minrnn_mixer_parameter(values->mixer, i, info));
        if (strcmp(info->name, name) == 0) {
            return values->all + info->offset;
        }
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Within torch's bound of that fan-in, and near it. */
static void check_bound(const struct values *values, const char *name, double fan_in) {
    minrnn_parameter_info info;
    const float *x = tensor_of(values, name, &info);
    double largest = 0.0;
    for (int64_t k = 0; k < elements_of(&info); k++) {
        largest = fmax(largest, fabs((double)x[k]));
    }
    assert_true(largest * sqrt(fan_in) <= 1.0 + 1e-6);
    assert_true(largest * sqrt(fan_in) >= 0.9);
}

static void test_initial_values(void **unused) {
    (void)unused;
    enum { WIDTH = 64, INNER = 128, RANK = 4, TAPS = 4 };
    struct values values = initial(WIDTH, "");
    minrnn_parameter_info info;
    check_bound(&values, "in_proj.weight", WIDTH);
    check_bound(&values, "conv1d.weight", TAPS);
    check_bound(&values, "conv1d.bias", TAPS);
    check_bound(&values, "x_proj.weight", INNER);
    check_bound(&values, "dt_proj.weight", RANK);
    check_bound(&values, "out_proj.weight", INNER);
    const float *a_log = tensor_of(&values, "A_log", &info);
    for (int64_t k = 0; k < elements_of(&info); k++) {
        assert_true(a_log[k] == (float)log((double)(k % info.shape[1] + 1)));
    }
    const float *skip = tensor_of(&values, "D", &info);
    for (int64_t k = 0; k < elements_of(&info); k++) {
        assert_true(skip[k] == 1.0f);
    }
    values_free(&values);
}

/* The steps at first, which are the softplus of the bias: their least, largest and middle. */
static void check_steps(const char *settings, double least, double largest, double slack) {
    struct values values = initial(512, settings);
    minrnn_parameter_info info;
    const float *bias = tensor_of(&values, "dt_proj.bias", &info);
    double low = INFINITY, high = 0.0, sum = 0.0;
    for (int64_t k = 0; k < elements_of(&info); k++) {
        const double step = log1p(exp((double)bias[k]));
        low = fmin(low, step);
        high = fmax(high, step);
        sum += log(step);
    }
    const double middle = 0.5 * (log(least) + log(largest));
    assert_true(low >= least * (1.0 - 1e-5) && low <= least * slack);
    assert_true(high <= largest * (1.0 + 1e-5) && high >= largest / slack);
    assert_true(fabs(sum / (double)elements_of(&info) - middle) <=
                0.1 * log(largest / least) + 1e-5);
    values_free(&values);
}

static void test_initial_steps(void **unused) {
    (void)unused;
    check_steps("", 0.001, 0.1, 1.1);
    check_steps("dt_min=0.5 dt_max=2", 0.5, 2.0, 1.1);
    check_steps("dt_min=1e-7 dt_max=1e-6", 1e-4, 1e-4, 1.0 + 1e-5); /* none is smaller */
}

/* ---- memory, errors ---- */

/* At most 6 floats a channel and token. */
static void test_saved(void **unused) {
    (void)unused;
    enum { WIDTH = 384, BATCH = 2, TIME = 256 };
    minrnn_mixer *mixer = make(WIDTH, "");
    int64_t saved, temporary;
    CHECK(minrnn_mixer_workspace(mixer, BATCH, TIME, &saved, &temporary));
    const double floats = (double)saved / (BATCH * TIME * 2 * WIDTH);
    print_message("kept for backward: %.2f floats an inner channel and token\n", floats);
    assert_true(floats <= 6.0);
    minrnn_mixer_destroy(mixer);
}

static void expect_refused(const char *settings, const char *text) {
    minrnn_mixer_config config;
    minrnn_mixer *mixer = NULL;
    CHECK(minrnn_mixer_config_defaults("mamba", &config));
    config.width = 8;
    support_set(&config, settings);
    assert_int_equal(minrnn_mixer_create(device, &config, &mixer), MINRNN_INVALID_ARGUMENT);
    assert_null(mixer);
    if (!strstr(minrnn_error_text(), text)) {
        fail_msg("\"%s\" does not say \"%s\"", minrnn_error_text(), text);
    }
}

static void test_refused(void **unused) {
    (void)unused;
    minrnn_mixer_config config;
    expect_refused("dt_min=0.2", "dt_min 0.2 is above dt_max 0.1");
    expect_refused("rank=9", "rank 9 is above width 8");
    expect_refused("expansion=0.01", "times expansion 0.01 must give");
    CHECK(minrnn_mixer_config_defaults("mamba", &config));
    assert_int_equal(minrnn_mixer_set(&config, "states", "65"), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_set(&config, "taps", "0"), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_set(&config, "dt_min", "0"), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_mixer_set(&config, "bias", "on"), MINRNN_INVALID_ARGUMENT);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),          cmocka_unit_test(test_counts),
        cmocka_unit_test(test_initial_values), cmocka_unit_test(test_initial_steps),
        cmocka_unit_test(test_saved),          cmocka_unit_test(test_refused),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
