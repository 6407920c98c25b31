/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle itself: its gradients against finite differences of its own forward, and its forward
 * against values that can be seen by eye. */
#include "check/op_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 3, TIME = 9, WIDTH = 2, MAX_GATES = 3 };
enum { STEPS = BATCH * TIME * WIDTH };

static void fill_normal(struct check_random *random, double *x, int count) {
    for (int i = 0; i < count; i++) {
        x[i] = (double)random_normal(random);
    }
}

static double dot(const double *a, const double *b, int count) {
    double total = 0;
    for (int i = 0; i < count; i++) {
        total += a[i] * b[i];
    }
    return total;
}

/* Compares `gradient` of loss(user) by x with central differences. */
static void assert_gradient(double (*loss)(void *user), void *user, double *x,
                            const double *gradient, int count) {
    const double step = 1e-5;
    for (int i = 0; i < count; i++) {
        const double kept = x[i];
        x[i] = kept + step;
        const double above = loss(user);
        x[i] = kept - step;
        const double below = loss(user);
        x[i] = kept;
        const double want = (above - below) / (2 * step);
        if (!(fabs(gradient[i] - want) <= 1e-7 * (1 + fabs(want)))) {
            fail_msg("element %d: gradient %.12g, differences %.12g", i, gradient[i], want);
        }
    }
}

/* ---- the scan ---- */

struct scan {
    struct scan_forward_oracle forward;
    double x[STEPS * MAX_GATES], b[STEPS], bias[WIDTH * MAX_GATES];
    double h0[BATCH * WIDTH], init[WIDTH], h[STEPS], h_last[BATCH * WIDTH];
    double dh[STEPS], dh_last[BATCH * WIDTH];
    int32_t reset[BATCH * TIME], lengths[BATCH];
};

static double scan_loss(void *user) {
    struct scan *scan = user;
    oracle_scan_forward(&scan->forward);
    return dot(scan->h, scan->dh, STEPS) + dot(scan->h_last, scan->dh_last, BATCH * WIDTH);
}

static void scan_prepare(struct scan *scan, uint64_t seed) {
    struct check_random random = {.seed = seed};
    fill_normal(&random, scan->x, STEPS * MAX_GATES);
    fill_normal(&random, scan->b, STEPS);
    fill_normal(&random, scan->bias, WIDTH * MAX_GATES);
    fill_normal(&random, scan->h0, BATCH * WIDTH);
    fill_normal(&random, scan->init, WIDTH);
    fill_normal(&random, scan->dh, STEPS);
    fill_normal(&random, scan->dh_last, BATCH * WIDTH);
    for (int i = 0; i < BATCH * TIME; i++) {
        scan->reset[i] = random_chance(&random, 0.2);
    }
    const int32_t lengths[BATCH] = {TIME, 0, TIME - 3};
    memcpy(scan->lengths, lengths, sizeof lengths);
}

/* The tensors in bits of `given`: bias, h0, init, reset, lengths. */
static void scan_options(struct scan *scan, int given) {
    const bool linear = scan->forward.cell == MINRNN_CELL_LINEAR;
    scan->forward.batch = BATCH;
    scan->forward.time = TIME;
    scan->forward.width = WIDTH;
    scan->forward.x = scan->x;
    scan->forward.b = linear ? scan->b : NULL;
    scan->forward.bias = !linear && (given & 1) ? scan->bias : NULL;
    scan->forward.h0 = given & 2 ? scan->h0 : NULL;
    scan->forward.init = given & 4 ? scan->init : NULL;
    scan->forward.reset = given & 8 ? scan->reset : NULL;
    scan->forward.lengths = given & 16 ? scan->lengths : NULL;
    scan->forward.h = scan->h;
    scan->forward.h_last = scan->h_last;
    for (int i = 0; i < STEPS && linear; i++) {
        scan->x[i] =
            scan->forward.alg == MINRNN_SCAN_LOG ? -fabs(scan->x[i]) - 1e-4 : tanh(scan->x[i]);
    }
}

static void scan_assert_gradients(struct scan *scan) {
    const struct scan_forward_oracle *f = &scan->forward;
    double dx[STEPS * MAX_GATES], db[STEPS], dh0[BATCH * WIDTH], dinit[BATCH * WIDTH];
    (void)scan_loss(scan);
    struct scan_backward_oracle backward = {
        .batch = BATCH,
        .time = TIME,
        .width = WIDTH,
        .alg = f->alg,
        .cell = f->cell,
        .candidate = f->candidate,
        .normalised = f->normalised,
        .reversed = f->reversed,
        .forget_offset = f->forget_offset,
        .x = f->x,
        .b = f->b,
        .bias = f->bias,
        .h0 = f->h0,
        .init = f->init,
        .reset = f->reset,
        .lengths = f->lengths,
        .h = scan->h,
        .dh = scan->dh,
        .dh_last = scan->dh_last,
        .dx = dx,
        .db = f->b ? db : NULL,
        .dh0 = f->h0 ? dh0 : NULL,
        .dinit = dinit,
    };
    double h[STEPS];
    memcpy(h, scan->h, sizeof h);
    backward.h = h; /* differences write scan->h anew */
    oracle_scan_backward(&backward);
    const int gates = (int)scan_gates(f->cell);
    assert_gradient(scan_loss, scan, scan->x, dx, STEPS * gates);
    if (f->b) {
        assert_gradient(scan_loss, scan, scan->b, db, STEPS);
    }
    if (f->h0) {
        assert_gradient(scan_loss, scan, scan->h0, dh0, BATCH * WIDTH);
    }
    if (f->init) {
        double total[WIDTH] = {0}; /* dinit is each sequence's share */
        for (int i = 0; i < BATCH * WIDTH; i++) {
            total[i % WIDTH] += dinit[i];
        }
        assert_gradient(scan_loss, scan, scan->init, total, WIDTH);
    }
}

static void test_scan_gradients(void **state) {
    (void)state;
    static struct scan scan;
    int checked = 0;
    for (int i = 0; i < 2 * 3 * 2 * 2 * 2; i++) {
        struct scan_forward_oracle options = {
            .alg = (minrnn_scan_alg)(i % 2),
            .cell = (minrnn_scan_cell)(i / 2 % 3),
            .candidate = (minrnn_candidate)(i / 6 % 2),
            .normalised = i / 12 % 2,
            .reversed = i / 24 % 2,
            .forget_offset = i % 5 ? 0 : 0.5f,
        };
        for (int given = 0; given < 32; given++) {
            scan_prepare(&scan, (uint64_t)(i * 32 + given));
            scan.forward = options;
            scan_options(&scan, given);
            scan_assert_gradients(&scan);
            checked++;
        }
    }
    assert_int_equal(checked, 48 * 32);
}

/* Two steps by hand: h = a h + b, cut in between, both directions. */
static void test_scan_by_hand(void **state) {
    (void)state;
    const double a[] = {0.5, 0.25}, b[] = {1, 2}, h0[] = {8}, init[] = {4};
    const int32_t cut[] = {0, 1};
    double h[2], last[1];
    struct scan_forward_oracle o = {.batch = 1,
                                    .time = 2,
                                    .width = 1,
                                    .x = a,
                                    .b = b,
                                    .h0 = h0,
                                    .init = init,
                                    .h = h,
                                    .h_last = last};
    oracle_scan_forward(&o);
    assert_true(h[0] == 5 && h[1] == 3.25 && last[0] == 3.25);
    o.reset = cut;
    oracle_scan_forward(&o);
    assert_true(h[0] == 5 && h[1] == 3 && last[0] == 3);
    o.reversed = true;
    oracle_scan_forward(&o);
    assert_true(h[1] == 4 && h[0] == 3 && last[0] == 3);
    o.reset = NULL;
    oracle_scan_forward(&o);
    assert_true(h[1] == 4 && h[0] == 3 && last[0] == 3);
    const double one[] = {0.5, 0.5};
    o.x = one;
    oracle_scan_forward(&o);
    assert_true(h[1] == 6 && h[0] == 4 && last[0] == 4);
}

/* The paper's definitions of both cells, from its sigma and g alone. */
static void test_cells(void **state) {
    (void)state;
    const double gru[] = {-0.7, 0.3}, lstm[] = {0.9, -0.4, 0.2}, h0[] = {0.6};
    const double z = 1 / (1 + exp(-0.3)), g = 1 / (1 + exp(0.7));
    const double f = 1 / (1 + exp(0.4)), i = 1 / (1 + exp(-0.2));
    double h[1];
    struct scan_forward_oracle o = {.batch = 1, .time = 1, .width = 1, .h0 = h0, .h = h};
    o.cell = MINRNN_CELL_MINGRU;
    o.x = gru;
    oracle_scan_forward(&o);
    assert_true(fabs(h[0] - ((1 - z) * 0.6 + z * -0.7)) < 1e-15);
    o.candidate = MINRNN_CANDIDATE_G;
    oracle_scan_forward(&o);
    assert_true(fabs(h[0] - ((1 - z) * 0.6 + z * g)) < 1e-15);
    o.cell = MINRNN_CELL_MINLSTM;
    o.x = lstm;
    oracle_scan_forward(&o);
    assert_true(fabs(h[0] - (f * 0.6 + i * 1.4)) < 1e-15);
    o.normalised = true;
    oracle_scan_forward(&o);
    assert_true(fabs(h[0] - (f * 0.6 + i * 1.4) / (f + i)) < 1e-15);
}

/* ---- layers: loss = sum of dy y; the gradient ops, from zero, against differences ---- */

enum { ROWS = 6, COLUMNS = 5, CELLS = ROWS * COLUMNS };

static double dy[2 * CELLS], y[2 * CELLS], x[2 * CELLS], bias[2 * COLUMNS], extra[CELLS];

static void prepare_layer(uint64_t seed) {
    struct check_random random = {.seed = seed};
    fill_normal(&random, dy, 2 * CELLS);
    fill_normal(&random, x, 2 * CELLS);
    fill_normal(&random, bias, 2 * COLUMNS);
    fill_normal(&random, extra, CELLS);
}

static double g_loss(void *user) {
    (void)user;
    oracle_g_forward(&(struct g_forward_oracle){.count = CELLS, .x = x, .y = y});
    return dot(y, dy, CELLS);
}

static void test_g_gradient(void **state) {
    (void)state;
    double dx[CELLS] = {0};
    prepare_layer(1);
    oracle_g_backward(&(struct g_backward_oracle){.count = CELLS, .x = x, .dy = dy, .dx = dx});
    assert_gradient(g_loss, NULL, x, dx, CELLS);
    const double points[] = {0, 2, -1e4, -1};
    double at[4];
    oracle_g_forward(&(struct g_forward_oracle){.count = 4, .x = points, .y = at});
    assert_true(at[0] == 0.5 && at[1] == 2.5 && at[2] == 0);
    assert_true(fabs(at[3] - 1 / (1 + exp(1.0))) < 1e-15);
}

static double gelu_loss(void *user) {
    (void)user;
    oracle_gelu_forward(&(struct gelu_forward_oracle){
        .rows = ROWS, .width = COLUMNS, .x = x, .bias = bias, .y = y});
    return dot(y, dy, CELLS);
}

static double geglu_loss(void *user) {
    (void)user;
    oracle_geglu_forward(&(struct geglu_forward_oracle){
        .rows = ROWS, .width = COLUMNS, .x = x, .bias = bias, .y = y});
    return dot(y, dy, CELLS);
}

static void test_gelu_gradients(void **state) {
    (void)state;
    double dx[2 * CELLS];
    prepare_layer(2);
    oracle_gelu_backward(&(struct gelu_backward_oracle){
        .rows = ROWS, .width = COLUMNS, .x = x, .bias = bias, .dy = dy, .dx = dx});
    assert_gradient(gelu_loss, NULL, x, dx, CELLS);
    oracle_geglu_backward(&(struct geglu_backward_oracle){
        .rows = ROWS, .width = COLUMNS, .x = x, .bias = bias, .dy = dy, .dx = dx});
    assert_gradient(geglu_loss, NULL, x, dx, 2 * CELLS);
    assert_true(fabs(oracle_normal_cdf(1.0) - 0.84134474606854293) < 1e-15);
}

static double rmsnorm_loss(void *user) {
    double *inverse = user;
    oracle_rmsnorm_forward(&(struct rmsnorm_forward_oracle){.rows = ROWS,
                                                            .width = COLUMNS,
                                                            .epsilon = 1e-3f,
                                                            .x = x,
                                                            .gain = bias,
                                                            .y = y,
                                                            .inverse = inverse});
    return dot(y, dy, CELLS);
}

static void test_rmsnorm_gradient(void **state) {
    (void)state;
    double dx[CELLS], dgain[COLUMNS] = {0}, inverse[ROWS], again[ROWS];
    prepare_layer(3);
    (void)rmsnorm_loss(inverse);
    oracle_rmsnorm_backward(&(struct rmsnorm_backward_oracle){.rows = ROWS,
                                                              .width = COLUMNS,
                                                              .x = x,
                                                              .gain = bias,
                                                              .inverse = inverse,
                                                              .dy = dy,
                                                              .dx = dx,
                                                              .dgain = dgain});
    assert_gradient(rmsnorm_loss, again, x, dx, CELLS);
    assert_gradient(rmsnorm_loss, again, bias, dgain, COLUMNS);
}

static double cross_entropy_loss(void *user) {
    const int32_t *targets = user;
    double loss[ROWS], total = 0;
    oracle_cross_entropy(&(struct cross_entropy_oracle){
        .rows = ROWS, .vocab = COLUMNS, .logits = x, .targets = targets, .loss = loss});
    for (int r = 0; r < ROWS; r++) {
        total += loss[r];
    }
    return total / 2;
}

static void test_cross_entropy_gradient(void **state) {
    (void)state;
    int32_t targets[ROWS] = {0, 4, -1, 2, 2, 1};
    double loss[ROWS], dlogits[CELLS];
    prepare_layer(4);
    oracle_cross_entropy(&(struct cross_entropy_oracle){.rows = ROWS,
                                                        .vocab = COLUMNS,
                                                        .scale = 0.5f,
                                                        .logits = x,
                                                        .targets = targets,
                                                        .loss = loss,
                                                        .dlogits = dlogits});
    assert_gradient(cross_entropy_loss, targets, x, dlogits, CELLS);
    assert_true(loss[2] == 0);
}

/* ---- convolution ---- */

enum { TAPS = 3 };

struct conv {
    int32_t reset[ROWS], lengths[2];
    double state[2 * (TAPS - 1) * COLUMNS], weight[COLUMNS * TAPS];
    bool uses_x_as_residual;
};

static double conv_loss(void *user) {
    struct conv *conv = user;
    oracle_conv_forward(
        &(struct conv_forward_oracle){.batch = 2,
                                      .time = ROWS / 2,
                                      .width = COLUMNS,
                                      .taps = TAPS,
                                      .x = x,
                                      .weight = conv->weight,
                                      .bias = bias,
                                      .residual = conv->uses_x_as_residual ? x : NULL,
                                      .state = conv->state,
                                      .reset = conv->reset,
                                      .lengths = conv->lengths,
                                      .y = y});
    return dot(y, dy, CELLS);
}

static void test_conv_gradient(void **state) {
    (void)state;
    for (int round = 0; round < 8; round++) {
        struct conv conv = {.reset = {0, 0, 0, 0, round & 1, 0},
                            .lengths = {3, round & 2 ? 2 : 0},
                            .uses_x_as_residual = round & 4};
        double dx[CELLS], dweight[COLUMNS * TAPS] = {0}, dbias[COLUMNS] = {0};
        struct check_random random = {.seed = 7};
        prepare_layer(5);
        fill_normal(&random, conv.state, 2 * (TAPS - 1) * COLUMNS);
        fill_normal(&random, conv.weight, COLUMNS * TAPS);
        oracle_conv_backward(
            &(struct conv_backward_oracle){.batch = 2,
                                           .time = ROWS / 2,
                                           .width = COLUMNS,
                                           .taps = TAPS,
                                           .x = x,
                                           .weight = conv.weight,
                                           .state = conv.state,
                                           .reset = conv.reset,
                                           .lengths = conv.lengths,
                                           .dy = dy,
                                           .dresidual = conv.uses_x_as_residual ? dy : NULL,
                                           .dx = dx,
                                           .dweight = dweight,
                                           .dbias = dbias});
        assert_gradient(conv_loss, &conv, x, dx, CELLS);
        assert_gradient(conv_loss, &conv, conv.weight, dweight, COLUMNS * TAPS);
        assert_gradient(conv_loss, &conv, bias, dbias, COLUMNS);
    }
}

/* One sequence in one call equals the same in two, the state carried, wherever it is cut. */
static void test_conv_chunks(void **state) {
    (void)state;
    enum { LENGTH = 8 };
    double input[LENGTH], weight[TAPS], whole[LENGTH], parts[LENGTH], carried[TAPS - 1];
    double whole_state[TAPS - 1], parts_state[TAPS - 1];
    const int32_t reset[LENGTH] = {0, 0, 0, 1, 0, 0, 0, 0};
    struct check_random random = {.seed = 8};
    fill_normal(&random, input, LENGTH);
    fill_normal(&random, weight, TAPS);
    struct conv_forward_oracle o = {.batch = 1,
                                    .time = LENGTH,
                                    .width = 1,
                                    .taps = TAPS,
                                    .x = input,
                                    .weight = weight,
                                    .reset = reset,
                                    .y = whole,
                                    .state_out = whole_state};
    oracle_conv_forward(&o);
    for (int cut = 1; cut < LENGTH; cut++) {
        o.x = input;
        o.reset = reset;
        o.y = parts;
        o.time = cut;
        o.state = NULL;
        o.state_out = carried;
        oracle_conv_forward(&o);
        o.x = input + cut;
        o.reset = reset + cut;
        o.y = parts + cut;
        o.time = LENGTH - cut;
        o.state = carried;
        o.state_out = parts_state;
        oracle_conv_forward(&o);
        assert_memory_equal(parts, whole, sizeof whole);
        assert_memory_equal(parts_state, whole_state, sizeof whole_state);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_gradients),
        cmocka_unit_test(test_scan_by_hand),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_g_gradient),
        cmocka_unit_test(test_gelu_gradients),
        cmocka_unit_test(test_rmsnorm_gradient),
        cmocka_unit_test(test_cross_entropy_gradient),
        cmocka_unit_test(test_conv_gradient),
        cmocka_unit_test(test_conv_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
