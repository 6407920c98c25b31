/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle itself: its gradients against finite differences of its own forward, and its forward
 * against values that can be seen by eye. */
#include "gradient.h"

#include <stdlib.h>

enum { BATCH = 3, TIME = 9, WIDTH = 2, MAX_GATES = 3 };
enum { STEPS = BATCH * TIME * WIDTH };

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

/* ---- GRU and LSTM ---- */

enum { CELL_GATES = 4, CELL_PARTS = 2, CELL_STEPS = BATCH * TIME * WIDTH };

struct recurrent {
    struct recurrent_forward_oracle forward;
    double x[CELL_STEPS * CELL_GATES]; /* what gates begin as */
    double weight[CELL_GATES * WIDTH * WIDTH];
    double bias_x[CELL_GATES * WIDTH], bias[CELL_GATES * WIDTH];
    double state[BATCH * CELL_PARTS * WIDTH], state_out[BATCH * CELL_PARTS * WIDTH];
    double gates[CELL_STEPS * CELL_GATES], kept[CELL_STEPS], h[CELL_STEPS];
    double dh[CELL_STEPS], dstate_out[BATCH * CELL_PARTS * WIDTH];
    int32_t reset[BATCH * TIME], lengths[BATCH];
};

static int recurrent_states(const struct recurrent *r) {
    return (int)(BATCH * recurrent_parts(r->forward.cell) * WIDTH);
}

static double recurrent_loss(void *user) {
    struct recurrent *r = user;
    memcpy(r->gates, r->x, sizeof r->gates);
    oracle_recurrent_forward(&r->forward);
    return dot(r->h, r->dh, CELL_STEPS) + dot(r->state_out, r->dstate_out, recurrent_states(r));
}

static void recurrent_prepare(struct recurrent *r, enum recurrent_cell cell, int options) {
    static const int32_t lengths[BATCH] = {TIME, 0, TIME - 3};
    struct check_random random = {.seed = (uint64_t)(100 + options)};
    fill_normal(&random, r->x, CELL_STEPS * CELL_GATES);
    fill_normal(&random, r->weight, CELL_GATES * WIDTH * WIDTH);
    fill_normal(&random, r->bias_x, CELL_GATES * WIDTH);
    fill_normal(&random, r->bias, CELL_GATES * WIDTH);
    fill_normal(&random, r->state, BATCH * CELL_PARTS * WIDTH);
    fill_normal(&random, r->dh, CELL_STEPS);
    fill_normal(&random, r->dstate_out, BATCH * CELL_PARTS * WIDTH);
    for (int i = 0; i < BATCH * TIME; i++) {
        r->reset[i] = random_chance(&random, 0.2);
    }
    memcpy(r->lengths, lengths, sizeof lengths);
    r->forward = (struct recurrent_forward_oracle){.batch = BATCH,
                                                   .time = TIME,
                                                   .width = WIDTH,
                                                   .cell = cell,
                                                   .reversed = options & 1,
                                                   .weight = r->weight,
                                                   .bias_x = r->bias_x,
                                                   .bias = r->bias,
                                                   .state = options & 2 ? r->state : NULL,
                                                   .reset = options & 4 ? r->reset : NULL,
                                                   .lengths = options & 8 ? r->lengths : NULL,
                                                   .gates = r->gates,
                                                   .kept = r->kept,
                                                   .h = r->h,
                                                   .state_out = r->state_out};
}

/* The weight's gradient from what backward gives: d of the products with the states that they saw.
 */
static void recurrent_weight_gradient(const struct recurrent *r, const double *d,
                                      const double *before, const double *kept, double *dweight) {
    const int rows = (int)recurrent_gates(r->forward.cell) * WIDTH;
    memset(dweight, 0, sizeof r->weight);
    for (int step = 0; step < BATCH * TIME; step++) {
        for (int i = 0; i < rows * WIDTH; i++) {
            const bool reset = r->forward.cell == RECURRENT_GRU_BEFORE && i >= 2 * WIDTH * WIDTH;
            dweight[i] +=
                d[step * rows + i / WIDTH] * (reset ? kept : before)[step * WIDTH + i % WIDTH];
        }
    }
}

static void recurrent_assert_gradients(struct recurrent *r) {
    const struct recurrent_forward_oracle *f = &r->forward;
    const int gates = (int)recurrent_gates(f->cell);
    double dgates[CELL_STEPS * CELL_GATES], dproduct[CELL_STEPS * CELL_GATES];
    double before[CELL_STEPS], dstate[BATCH * CELL_PARTS * WIDTH],
        dweight[CELL_GATES * WIDTH * WIDTH];
    double kept_gates[CELL_STEPS * CELL_GATES], kept[CELL_STEPS], h[CELL_STEPS];
    double dbias_x[CELL_GATES * WIDTH] = {0}, dbias[CELL_GATES * WIDTH] = {0};
    (void)recurrent_loss(r);
    /* Differences write these anew. */
    memcpy(kept_gates, r->gates, sizeof kept_gates);
    memcpy(kept, r->kept, sizeof kept);
    memcpy(h, r->h, sizeof h);
    struct recurrent_backward_oracle backward = {.batch = BATCH,
                                                 .time = TIME,
                                                 .width = WIDTH,
                                                 .cell = f->cell,
                                                 .reversed = f->reversed,
                                                 .weight = f->weight,
                                                 .state = f->state,
                                                 .reset = f->reset,
                                                 .lengths = f->lengths,
                                                 .gates = kept_gates,
                                                 .kept = kept,
                                                 .h = h,
                                                 .dh = r->dh,
                                                 .dstate_out = r->dstate_out,
                                                 .dgates = dgates,
                                                 .dproduct = dproduct,
                                                 .before = before,
                                                 .dstate = f->state ? dstate : NULL};
    oracle_recurrent_backward(&backward);
    const double *d = f->cell == RECURRENT_GRU ? dproduct : dgates;
    recurrent_weight_gradient(r, d, before, kept, dweight);
    for (int i = 0; i < CELL_STEPS * gates; i++) {
        dbias_x[i % (gates * WIDTH)] += dgates[i];
        dbias[i % (gates * WIDTH)] += d[i];
    }
    assert_gradient(recurrent_loss, r, r->x, dgates, CELL_STEPS * gates);
    assert_gradient(recurrent_loss, r, r->weight, dweight, gates * WIDTH * WIDTH);
    assert_gradient(recurrent_loss, r, r->bias_x, dbias_x, gates * WIDTH);
    assert_gradient(recurrent_loss, r, r->bias, dbias, gates * WIDTH);
    if (f->state) {
        assert_gradient(recurrent_loss, r, r->state, dstate, recurrent_states(r));
    }
}

static void test_recurrent_gradients(void **state) {
    (void)state;
    for (int i = 0; i < 16 * RECURRENT_CELLS; i++) {
        struct recurrent r;
        recurrent_prepare(&r, (enum recurrent_cell)(i / 16), i % 16);
        recurrent_assert_gradients(&r);
    }
}

/* One step of one channel from h = 2 (and c = 3), all weights 0 but that of the candidate, which
 * is 1. */
static void test_recurrent_by_hand(void **unused) {
    (void)unused;
    const double s = 1 / (1 + exp(-1.0)); /* every gate's pre-activation is 1 */
    const double n[RECURRENT_CELLS] = {tanh(1 + s * 2), tanh(1 + s * 2), tanh(1 + 2)};
    const double c = s * 3 + s * n[RECURRENT_LSTM];
    const double h[RECURRENT_CELLS] = {(1 - s) * n[0] + s * 2, (1 - s) * n[1] + s * 2, s * tanh(c)};
    const double kept[RECURRENT_CELLS] = {2, s * 2, c};
    for (int cell = 0; cell < RECURRENT_CELLS; cell++) {
        double weight[CELL_GATES] = {0, 0, 1, 0}, gates[CELL_GATES] = {1, 1, 1, 1};
        double state[CELL_PARTS] = {2, 3}, out[CELL_PARTS], last, keeps;
        struct recurrent_forward_oracle o = {.batch = 1,
                                             .time = 1,
                                             .width = 1,
                                             .cell = (enum recurrent_cell)cell,
                                             .weight = weight,
                                             .state = state,
                                             .gates = gates,
                                             .kept = &keeps,
                                             .h = &last,
                                             .state_out = out};
        oracle_recurrent_forward(&o);
        assert_true(fabs(last - h[cell]) < 1e-15 && fabs(keeps - kept[cell]) < 1e-15);
        assert_true(fabs(gates[2] - n[cell]) < 1e-15 && fabs(gates[1] - s) < 1e-15);
        assert_true(out[0] == last && (cell != RECURRENT_LSTM || out[1] == keeps));
    }
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

static double silu_loss(void *user) {
    (void)user;
    oracle_silu_forward(&(struct silu_forward_oracle){
        .rows = ROWS, .width = COLUMNS, .x = x, .bias = bias, .y = y});
    return dot(y, dy, CELLS);
}

static void test_silu_gradient(void **state) {
    (void)state;
    double dx[CELLS];
    prepare_layer(3);
    oracle_silu_backward(&(struct silu_backward_oracle){
        .rows = ROWS, .width = COLUMNS, .x = x, .bias = bias, .dy = dy, .dx = dx});
    assert_gradient(silu_loss, NULL, x, dx, CELLS);
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

/* Right is what no other logit is above, a tie included. */
static void test_cross_entropy_correct(void **state) {
    (void)state;
    const double logits[] = {1, 3, 2, 1, 3, 2, 2, 2, 1, 9, 9, 9};
    const int32_t targets[] = {1, 2, 0, -1};
    double loss[4], correct[4];
    oracle_cross_entropy(&(struct cross_entropy_oracle){.rows = 4,
                                                        .vocab = 3,
                                                        .logits = logits,
                                                        .targets = targets,
                                                        .loss = loss,
                                                        .correct = correct});
    assert_true(correct[0] == 1 && correct[1] == 0 && correct[2] == 1 && correct[3] == 0);
}

/* ---- convolution ---- */

enum { TAPS = 3, CARRIED = 2 * (TAPS - 1) * COLUMNS };

struct conv {
    int32_t reset[ROWS], lengths[2];
    double state[CARRIED], state_out[CARRIED], dstate_out[CARRIED], weight[COLUMNS * TAPS];
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
                                      .y = y,
                                      .state_out = conv->state_out});
    return dot(y, dy, CELLS) + dot(conv->state_out, conv->dstate_out, CARRIED);
}

static void test_conv_gradient(void **state) {
    (void)state;
    for (int round = 0; round < 16; round++) {
        struct conv conv = {.reset = {0, 0, 0, 0, round & 1, 0},
                            .lengths = {3, round >> 2},
                            .uses_x_as_residual = round & 2};
        double dx[CELLS], dweight[COLUMNS * TAPS] = {0}, dbias[COLUMNS] = {0}, dstate[CARRIED];
        struct check_random random = {.seed = 7};
        prepare_layer(5);
        fill_normal(&random, conv.state, CARRIED);
        fill_normal(&random, conv.dstate_out, CARRIED);
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
                                           .dstate_out = conv.dstate_out,
                                           .dx = dx,
                                           .dweight = dweight,
                                           .dbias = dbias,
                                           .dstate = dstate});
        assert_gradient(conv_loss, &conv, x, dx, CELLS);
        assert_gradient(conv_loss, &conv, conv.weight, dweight, COLUMNS * TAPS);
        assert_gradient(conv_loss, &conv, bias, dbias, COLUMNS);
        assert_gradient(conv_loss, &conv, conv.state, dstate, CARRIED);
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
        cmocka_unit_test(test_recurrent_gradients),
        cmocka_unit_test(test_recurrent_by_hand),
        cmocka_unit_test(test_g_gradient),
        cmocka_unit_test(test_gelu_gradients),
        cmocka_unit_test(test_silu_gradient),
        cmocka_unit_test(test_rmsnorm_gradient),
        cmocka_unit_test(test_cross_entropy_gradient),
        cmocka_unit_test(test_cross_entropy_correct),
        cmocka_unit_test(test_conv_gradient),
        cmocka_unit_test(test_conv_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
