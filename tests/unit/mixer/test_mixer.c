/* SPDX-License-Identifier: Apache-2.0 */
/* What holds of every mixer of the list, with every setting it has: steps, chunks and the whole
 * agree; a length cuts a sequence short; a reset begins a new document; gradients are those of the
 * outputs. Values themselves are tests/golden's. */
#include "variants.h"

static minrnn_device *device;

/* ---- one mixer with random inputs ---- */

static float *random_array(struct support_random *random, int64_t count, float scale) {
    float *x = support_alloc((size_t)count, sizeof *x);
    support_fill(random, x, count, scale);
    return x;
}

/* A carried state: positive, as the log-space scan needs it. */
static float *random_state(struct support_random *random, int64_t count) {
    float *state = random_array(random, count, 1.0f);
    for (int64_t i = 0; i < count; i++) {
        state[i] = 1.5f + state[i];
    }
    return state;
}

static void expect_close(const char *title, const char *what, const float *a, const float *b,
                         int64_t count, double floor, double tolerance) {
    const double error = support_error(a, b, count, floor);
    if (!(error <= tolerance)) {
        fail_msg("%s: %s: relative error %.3g is above %.3g", title, what, error, tolerance);
    }
}

static void expect_equal(const char *title, const char *what, const void *a, const void *b,
                         int64_t count) {
    if (memcmp(a, b, (size_t)count * 4) != 0) {
        fail_msg("%s: %s: not the same bits", title, what);
    }
}

/* A mixer with parameters, and the inputs and results of one call: [batch, time, width] and
 * [batch, states]. */
struct bench {
    minrnn_mixer *mixer;
    const minrnn_mixer_config *config;
    const char *title;
    int64_t batch, time, io, states, count;
    float *parameters, *x, *state, *dy, *dstate_out;
    float *y, *dx, *state_out, *dstate, *gradients;
};

static void results_make(struct bench *bench) {
    bench->y = support_alloc((size_t)bench->io, sizeof(float));
    bench->dx = support_alloc((size_t)bench->io, sizeof(float));
    bench->state_out = support_alloc((size_t)bench->states, sizeof(float));
    bench->dstate = support_alloc((size_t)bench->states, sizeof(float));
    bench->gradients = support_alloc((size_t)bench->count, sizeof(float));
}

static void results_free(struct bench *bench) {
    free(bench->y);
    free(bench->dx);
    free(bench->state_out);
    free(bench->dstate);
    free(bench->gradients);
}

static struct bench bench_make(const struct variant *variant, struct support_random *random,
                               int64_t batch, int64_t time) {
    struct bench bench = {
        .config = &variant->config, .title = variant->title, .batch = batch, .time = time};
    CHECK(minrnn_mixer_create(device, bench.config, &bench.mixer));
    bench.io = batch * time * WIDTH;
    bench.states = batch * minrnn_mixer_state_size(bench.mixer);
    bench.count = minrnn_mixer_parameters(bench.mixer);
    bench.parameters = random_array(random, bench.count, 1.0f);
    bench.x = random_array(random, bench.io, 2.0f);
    bench.state = random_state(random, bench.states);
    bench.dy = random_array(random, bench.io, 1.0f);
    bench.dstate_out = random_array(random, bench.states, 1.0f);
    results_make(&bench);
    return bench;
}

static void bench_free(struct bench *bench) {
    results_free(bench);
    free(bench->parameters);
    free(bench->x);
    free(bench->state);
    free(bench->dy);
    free(bench->dstate_out);
    minrnn_mixer_destroy(bench->mixer);
}

/* Some steps of one sequence of a bench, run by themselves. */
struct piece {
    int64_t sequence, from, steps;
    const float *state;      /* NULL: the initial one */
    float *state_out;        /* NULL: not asked for */
    const float *dstate_out; /* NULL: zero */
    float *dstate;           /* NULL: not asked for */
    const int32_t *reset;    /* of the bench; NULL: none */
    bool is_forward;         /* alone */
};

/* Results go to where they lie in `into`; gradients are added. */
static void run_piece(const struct bench *bench, const struct piece *piece, struct bench *into) {
    const int64_t row = piece->sequence * bench->time + piece->from, at = row * WIDTH;
    float *unused = support_alloc((size_t)(bench->states / bench->batch), sizeof *unused);
    layer_run(device, bench->mixer, bench->config,
              &(struct layer_data){
                  .batch = 1,
                  .time = piece->steps,
                  .parameters = bench->parameters,
                  .x = bench->x + at,
                  .state = piece->state,
                  .reset = piece->reset ? piece->reset + row : NULL,
                  .y = into->y + at,
                  .state_out = piece->state_out ? piece->state_out : unused,
                  .dy = piece->is_forward ? NULL : bench->dy + at,
                  .dstate_out = piece->dstate_out,
                  .gradients = into->gradients,
                  .dx = into->dx + at,
                  .dstate = piece->dstate,
              });
    free(unused);
}

static void run_whole(struct bench *bench, const int32_t *reset, const int32_t *lengths) {
    layer_run(device, bench->mixer, bench->config,
              &(struct layer_data){
                  .batch = bench->batch,
                  .time = bench->time,
                  .parameters = bench->parameters,
                  .x = bench->x,
                  .state = bench->state,
                  .reset = reset,
                  .lengths = lengths,
                  .y = bench->y,
                  .state_out = bench->state_out,
                  .dy = bench->dy,
                  .dstate_out = bench->dstate_out,
                  .gradients = bench->gradients,
                  .dx = bench->dx,
                  .dstate = bench->dstate,
              });
}

static void compare_with_pieces(const struct bench *bench, const struct bench *pieces) {
    const char *title = bench->title;
    expect_close(title, "y", bench->y, pieces->y, bench->io, 0.0, 1e-5);
    expect_close(title, "state_out", bench->state_out, pieces->state_out, bench->states, 0.0, 1e-5);
    expect_close(title, "dx", bench->dx, pieces->dx, bench->io, 0.0, 1e-5);
    expect_close(title, "dstate", bench->dstate, pieces->dstate, bench->states, 0.0, 1e-5);
    expect_close(title, "gradients", bench->gradients, pieces->gradients, bench->count, 0.0, 1e-5);
}

/* Sequences of several lengths are what each would be by itself, without the steps past its length.
 * One of length 0 hands its state on, and the state's gradient back. */
static void test_lengths(void **unused) {
    (void)unused;
    enum { BATCH = 3, TIME = 7 };
    static const int32_t lengths[BATCH] = {7, 4, 0};
    struct support_random random = {4};
    for (int v = 0; v < variant_count; v++) {
        struct bench bench = bench_make(&variants[v], &random, BATCH, TIME), pieces = bench;
        const int64_t states = bench.states / BATCH;
        results_make(&pieces);
        for (int64_t b = 0; b < BATCH; b++) {
            const int64_t past = (b * TIME + lengths[b]) * WIDTH, end = (b + 1) * TIME * WIDTH;
            memset(bench.dy + past, 0, (size_t)(end - past) * sizeof(float));
        }
        run_whole(&bench, NULL, lengths);
        for (int64_t b = 0; b < 2; b++) {
            run_piece(&bench,
                      &(struct piece){.sequence = b,
                                      .steps = lengths[b],
                                      .state = bench.state + b * states,
                                      .state_out = pieces.state_out + b * states,
                                      .dstate_out = bench.dstate_out + b * states,
                                      .dstate = pieces.dstate + b * states},
                      &pieces);
        }
        memcpy(pieces.state_out + 2 * states, bench.state + 2 * states,
               (size_t)states * sizeof(float));
        memcpy(pieces.dstate + 2 * states, bench.dstate_out + 2 * states,
               (size_t)states * sizeof(float));
        for (int64_t row = 0; row < BATCH * TIME; row++) {
            /* Past a length the output is what the projection makes of zero. */
            if (row % TIME >= lengths[row / TIME]) {
                memcpy(pieces.y + row * WIDTH, bench.y + row * WIDTH, WIDTH * sizeof(float));
            }
        }
        compare_with_pieces(&bench, &pieces);
        results_free(&pieces);
        bench_free(&bench);
    }
}

/* A sequence with resets is its documents, each by itself: the first from the carried state, the
 * others from the initial one. */
static void test_resets(void **unused) {
    (void)unused;
    enum { BATCH = 2, TIME = 9 };
    static const int32_t reset[BATCH * TIME] = {0, 0, 1, 0, 0, 1, 1, 0, 0,
                                                0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct support_random random = {5};
    for (int v = 0; v < variant_count; v++) {
        struct bench bench = bench_make(&variants[v], &random, BATCH, TIME), pieces = bench;
        const int64_t states = bench.states / BATCH;
        results_make(&pieces);
        run_whole(&bench, reset, NULL);
        for (int64_t b = 0; b < BATCH; b++) {
            for (int64_t from = 0, end; from < TIME; from = end) {
                for (end = from + 1; end < TIME && !reset[b * TIME + end];) {
                    end++;
                }
                const bool is_first = from == 0, is_last = end == TIME;
                run_piece(
                    &bench,
                    &(struct piece){.sequence = b,
                                    .from = from,
                                    .steps = end - from,
                                    .state = is_first ? bench.state + b * states : NULL,
                                    .state_out = is_last ? pieces.state_out + b * states : NULL,
                                    .dstate_out = is_last ? bench.dstate_out + b * states : NULL,
                                    .dstate = is_first ? pieces.dstate + b * states : NULL},
                    &pieces);
            }
        }
        compare_with_pieces(&bench, &pieces);
        results_free(&pieces);
        bench_free(&bench);
    }
}

/* One sequence in chunks that end at `ends`: forward, then backward from the last chunk to the
 * first, the states and their gradients handed on. */
static void run_chunks(const struct bench *bench, int64_t sequence, const int32_t *reset,
                       const int64_t *ends, int chunks, struct bench *into) {
    const int64_t states = bench->states / bench->batch;
    const size_t bytes = (size_t)states * sizeof(float);
    float *carried = support_alloc((size_t)(chunks + 1), bytes);
    float *dcarried = support_alloc((size_t)(chunks + 1), bytes);
    memcpy(carried, bench->state + sequence * states, bytes);
    memcpy(dcarried + chunks * states, bench->dstate_out + sequence * states, bytes);
    for (int k = 0; k < 2 * chunks; k++) {
        const int c = k < chunks ? k : 2 * chunks - 1 - k;
        const int64_t from = c > 0 ? ends[c - 1] : 0;
        run_piece(bench,
                  &(struct piece){.sequence = sequence,
                                  .from = from,
                                  .steps = ends[c] - from,
                                  .state = carried + c * states,
                                  .state_out = carried + (c + 1) * states,
                                  .dstate_out = dcarried + (c + 1) * states,
                                  .dstate = dcarried + c * states,
                                  .reset = reset,
                                  .is_forward = k < chunks},
                  into);
    }
    memcpy(into->dstate + sequence * states, dcarried, bytes);
    memcpy(into->state_out + sequence * states, carried + chunks * states, bytes);
    free(carried);
    free(dcarried);
}

/* Single steps, and random chunks, forward and backward, against the whole. */
static void test_chunks(void **unused) {
    (void)unused;
    enum { BATCH = 2, TIME = 23 };
    static const int32_t reset[BATCH * TIME] = {[4] = 1, [11] = 1, [TIME] = 1, [TIME + 20] = 1};
    struct support_random random = {2};
    for (int v = 0; v < variant_count; v++) {
        struct bench bench = bench_make(&variants[v], &random, BATCH, TIME);
        run_whole(&bench, reset, NULL);
        for (int attempt = 0; attempt < 3; attempt++) {
            struct bench pieces = bench;
            int64_t ends[TIME];
            int chunks = 0;
            for (int64_t t = 0; t < TIME;) {
                t += attempt == 0 ? 1 : 1 + support_below(&random, 9);
                ends[chunks++] = t < TIME ? t : TIME;
            }
            results_make(&pieces);
            for (int64_t b = 0; b < BATCH; b++) {
                run_chunks(&bench, b, reset, ends, chunks, &pieces);
            }
            compare_with_pieces(&bench, &pieces);
            results_free(&pieces);
        }
        bench_free(&bench);
    }
}

/* ---- gradients ---- */

/* What dy and dstate_out are the gradient of. */
static double objective(struct bench *bench) {
    layer_run(device, bench->mixer, bench->config,
              &(struct layer_data){.batch = bench->batch,
                                   .time = bench->time,
                                   .parameters = bench->parameters,
                                   .x = bench->x,
                                   .state = bench->state,
                                   .y = bench->y,
                                   .state_out = bench->state_out});
    double sum = 0.0;
    for (int64_t i = 0; i < bench->io; i++) {
        sum += (double)bench->y[i] * (double)bench->dy[i];
    }
    for (int64_t i = 0; i < bench->states; i++) {
        sum += (double)bench->state_out[i] * (double)bench->dstate_out[i];
    }
    return sum;
}

/* The slope of the objective along `direction` (each element -1 or 1), by a central difference of
 * the device's own single-precision outputs: good to some parts in a thousand, unless a step
 * straddles a kink (g has one at 0). */
static double slope_along(struct bench *bench, float *values, const float *direction, int64_t count,
                          float step) {
    float *middle = support_alloc((size_t)count, sizeof *middle);
    memcpy(middle, values, (size_t)count * sizeof *middle);
    double sides[2];
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < count; i++) {
            values[i] = middle[i] + (side ? step : -step) * direction[i];
        }
        sides[side] = objective(bench);
    }
    memcpy(values, middle, (size_t)count * sizeof *middle);
    free(middle);
    return (sides[1] - sides[0]) / (2.0 * (double)step);
}

/* Along the gradient's own signs, where nothing cancels, and along random ones, where an element
 * that is wrong shows among those that are right. */
static void check_gradient(struct bench *bench, const char *what, float *values,
                           const float *gradient, int64_t count, struct support_random *random) {
    float *direction = support_alloc((size_t)count, sizeof *direction);
    double square = 0.0;
    for (int64_t i = 0; i < count; i++) {
        square += (double)gradient[i] * (double)gradient[i];
    }
    for (int attempt = 0; attempt < 4; attempt++) {
        double expected = 0.0, sum = 0.0;
        for (int64_t i = 0; i < count; i++) {
            const bool up = attempt ? support_below(random, 2) == 1 : gradient[i] > 0.0f;
            direction[i] = up ? 1.0f : -1.0f;
            expected += (double)gradient[i] * (double)direction[i];
            sum += fabs((double)gradient[i]);
        }
        const double bound = 0.03 * (attempt ? sqrt(square) : sum) + 5e-3;
        const double wide = slope_along(bench, values, direction, count, 0x1p-9f);
        const double narrow = slope_along(bench, values, direction, count, 0x1p-12f);
        if (!(fabs(wide - expected) <= bound) && !(fabs(narrow - expected) <= bound)) {
            fail_msg("%s: %s: slope %g, by differences %g and %g", bench->title, what, expected,
                     wide, narrow);
        }
    }
    free(direction);
}

static void test_gradients(void **unused) {
    (void)unused;
    struct support_random random = {6};
    for (int v = 0; v < variant_count; v++) {
        struct bench bench = bench_make(&variants[v], &random, 2, 7);
        run_whole(&bench, NULL, NULL);
        for (int i = 0; i < minrnn_mixer_tensor_count(bench.mixer); i++) {
            minrnn_parameter_info info;
            CHECK(minrnn_mixer_parameter(bench.mixer, i, &info));
            check_gradient(&bench, info.name, bench.parameters + info.offset,
                           bench.gradients + info.offset, elements_of(&info), &random);
        }
        check_gradient(&bench, "x", bench.x, bench.dx, bench.io, &random);
        check_gradient(&bench, "state", bench.state, bench.dstate, bench.states, &random);
        bench_free(&bench);
    }
}

/* ---- states and dx ---- */

/* The state that goes out may not lie over the one that comes in; beside it, it may. */
static void check_states_apart(const minrnn_mixer_config *config) {
    enum { BATCH = 2, TIME = 5 };
    minrnn_mixer *mixer;
    int64_t saved, temporary;
    CHECK(minrnn_mixer_create(device, config, &mixer));
    CHECK(minrnn_mixer_workspace(mixer, BATCH, TIME, &saved, &temporary));
    const int64_t io = BATCH * TIME * config->width;
    const int64_t states = BATCH * minrnn_mixer_state_size(mixer);
    const int64_t parameters = minrnn_mixer_parameters(mixer);
    minrnn_buffer *buffer;
    CHECK(minrnn_buffer_create(
        device, (uint64_t)(parameters + 2 * io + saved + temporary + 3 * states) * 4, &buffer));
    minrnn_mixer_tensors t = {.size = sizeof t, .parameters = {buffer, 0, MINRNN_F32}};
    minrnn_tensor *const next[] = {&t.x, &t.y, &t.saved, &t.temporary, &t.state};
    const int64_t sizes[] = {parameters, io, io, saved, temporary};
    minrnn_tensor at = t.parameters;
    for (int i = 0; i < 5; i++) {
        at.offset += sizes[i];
        *next[i] = at;
    }
    CHECK(minrnn_mixer_initialise(mixer, 1, t.parameters));
    for (int64_t apart = 0; apart <= states; apart += states / 2) {
        t.state_out = t.state;
        t.state_out.offset += apart;
        const minrnn_status status = minrnn_mixer_forward(mixer, BATCH, TIME, &t);
        assert_int_equal(status, apart < states ? MINRNN_INVALID_ARGUMENT : MINRNN_OK);
    }
    CHECK(minrnn_device_finish(device));
    minrnn_buffer_destroy(buffer);
    minrnn_mixer_destroy(mixer);
}

static void test_states_apart(void **unused) {
    (void)unused;
    for (int v = 0; v < variant_count; v++) {
        check_states_apart(&variants[v].config);
    }
}

/* A caller that has no layer before this one leaves dx out: nothing else changes. */
static void test_without_dx(void **unused) {
    (void)unused;
    struct support_random random = {3};
    for (int v = 0; v < variant_count; v++) {
        struct bench bench = bench_make(&variants[v], &random, 2, 5), without = bench;
        run_whole(&bench, NULL, NULL);
        results_make(&without);
        free(without.dx);
        without.dx = NULL;
        run_whole(&without, NULL, NULL);
        expect_equal(bench.title, "gradients", without.gradients, bench.gradients, bench.count);
        expect_equal(bench.title, "dstate", without.dstate, bench.dstate, bench.states);
        results_free(&without);
        bench_free(&bench);
    }
}

/* ---- parameters ---- */

/* The tensors fill the parameters without gap or overlap; initial values follow the seed. */
static void test_initialise(void **unused) {
    (void)unused;
    for (int v = 0; v < variant_count; v++) {
        minrnn_mixer *mixer;
        CHECK(minrnn_mixer_create(device, &variants[v].config, &mixer));
        const int64_t total = minrnn_mixer_parameters(mixer);
        char *taken = support_alloc((size_t)total, 1);
        float *values = support_alloc((size_t)total, 3 * sizeof *values);
        const minrnn_tensor tensor = tensor_make(device, total, MINRNN_F32);
        for (int k = 0; k < 3; k++) {
            CHECK(minrnn_mixer_initialise(mixer, k < 2 ? 7 : 8, tensor));
            tensor_get(tensor, values + k * total, total);
        }
        expect_equal(variants[v].title, "the same seed", values, values + total, total);
        assert_memory_not_equal(values, values + 2 * total, (size_t)total * sizeof *values);
        for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
            minrnn_parameter_info info;
            CHECK(minrnn_mixer_parameter(mixer, i, &info));
            for (int64_t k = info.offset; k < info.offset + elements_of(&info); k++) {
                assert_true(k < total && !taken[k] && isfinite(values[k]));
                taken[k] = 1;
            }
        }
        assert_null(memchr(taken, 0, (size_t)total));
        minrnn_buffer_destroy(tensor.buffer);
        free(taken);
        free(values);
        minrnn_mixer_destroy(mixer);
    }
}

int main(void) {
    device = support_open_device();
    find_variants(device);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks),       cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_resets),       cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_states_apart), cmocka_unit_test(test_without_dx),
        cmocka_unit_test(test_initialise),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
