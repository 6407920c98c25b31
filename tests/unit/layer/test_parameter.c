/* SPDX-License-Identifier: Apache-2.0 */
/* Where parameters lie, how they begin, and what a layer that cannot do something says. */
#include "layer/layer.h"
#include "support.h"

static struct parameter made(bool decays, float rate_factor, float rate_cap) {
    return (struct parameter){.info = {.decays = decays},
                              .draw = draw_uniform,
                              .scale = 0.5f,
                              .rate_factor = rate_factor,
                              .rate_cap = rate_cap};
}

static void expect_stretch(const struct parameter_stretch *stretch, int64_t begin, int64_t count,
                           bool decays, float rate_factor, float rate_cap) {
    assert_int_equal(stretch->begin, begin);
    assert_int_equal(stretch->count, count);
    assert_int_equal(stretch->decays, decays);
    assert_true(stretch->rate_factor == rate_factor);
    assert_true(stretch->rate_cap == rate_cap);
}

static void test_places(void **unused) {
    (void)unused;
    struct parameter_list list = {0};
    assert_int_equal(parameter_add(&list, "bias", SHAPE(3), made(false, 0, 0)), 0);
    assert_int_equal(parameter_add(&list, "weight", SHAPE(3, 5), made(true, 0, 0)), 1);
    assert_int_equal(parameter_add(&list, "slow", SHAPE(2, 1, 4), made(false, 0.1f, 0)), 2);
    assert_int_equal(parameter_add(&list, "other", SHAPE(7), made(true, 0, 0)), 3);
    assert_int_equal(parameter_add(&list, "capped", SHAPE(2), made(true, 0, 1e-3f)), 4);
    assert_int_equal(parameter_add(&list, "gain", SHAPE(1), made(false, 0, 0)), 5);
    const int ranks[] = {1, 2, 3, 1, 1, 1};
    const int64_t offsets[] = {24, 0, 28, 15, 22, 27};
    const struct parameter_places places = parameters_place(list.parameters, list.count);
    for (int i = 0; i < list.count; i++) {
        assert_int_equal(list.parameters[i].info.dimensions, ranks[i]);
        assert_int_equal(list.parameters[i].info.offset, offsets[i]);
    }
    assert_string_equal(list.parameters[2].info.name, "slow");
    assert_int_equal(places.total, 36);
    assert_int_equal(places.stretch_count, 4);
    expect_stretch(&places.stretches[0], 0, 22, true, 0, 0);
    expect_stretch(&places.stretches[1], 22, 2, true, 0, 1e-3f);
    expect_stretch(&places.stretches[2], 24, 4, false, 0, 0);
    expect_stretch(&places.stretches[3], 28, 8, false, 0.1f, 0);
}

/* Each parameter draws by its own function, from a stream of its own. */
static void test_draws(void **unused) {
    (void)unused;
    enum { COUNT = 4000 };
    struct parameter_list list = {0};
    parameter_draw *const draws[] = {draw_constant, draw_uniform, draw_uniform, draw_normal};
    for (int i = 0; i < 4; i++) {
        parameter_add(&list, "p", SHAPE(COUNT),
                      (struct parameter){.draw = draws[i], .scale = 0.5f});
    }
    const int64_t total = parameters_place(list.parameters, list.count).total;
    float *values = support_alloc((size_t)total, sizeof *values);
    double squares[4] = {0};
    int same = 0;
    parameters_draw(list.parameters, list.count, 7, values);
    for (int i = 0; i < COUNT; i++) {
        for (int p = 0; p < 4; p++) {
            squares[p] += (double)values[p * COUNT + i] * (double)values[p * COUNT + i] / COUNT;
        }
        assert_true(values[i] == 0.5f);
        assert_true(fabsf(values[COUNT + i]) <= 0.5f);
        same += values[COUNT + i] == values[2 * COUNT + i];
    }
    assert_true(same < 5);
    assert_true(fabs(squares[1] - 0.25 / 3) < 0.005); /* seven standard errors */
    assert_true(fabs(squares[3] - 0.25) < 0.04);
    free(values);
}

static void test_features(void **unused) {
    (void)unused;
    const struct layer_kind kind = {.name = "lookahead", .features = LAYER_LENGTHS | LAYER_CHUNKS};
    const struct layer layer = {.kind = &kind};
    assert_int_equal(layer_state(&layer, 10), 0);
    assert_int_equal(layer_require(&layer, LAYER_LENGTHS), MINRNN_OK);
    assert_int_equal(layer_require(&layer, LAYER_RESETS), MINRNN_INVALID_ARGUMENT);
    assert_string_equal(minrnn_error_text(),
                        "lookahead does not support documents that begin inside a sequence");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
