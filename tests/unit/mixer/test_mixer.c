/* SPDX-License-Identifier: Apache-2.0 */
/* A mixer as a layer: values and gradients against a reference in double precision; steps, chunks
 * and the whole; resets and lengths; parameters and errors. */
#include "layer.h"

static minrnn_device *device;

enum { WIDTH = 6 };

static const struct variant {
    const char *mixer, *settings;
} variants[] = {
    {"mingru", ""},
    {"mingru", "bias=on project=on learned_init=on"},
    {"mingru", "expansion=2 candidate=g learned_init=on"},
    {"mingru", "expansion=1.5 candidate=g alg=log bias=on"},
    {"mingru", "expansion=2 candidate=g alg=log learned_init=on"},
    {"minlstm", ""},
    {"minlstm", "forget_offset=1.5 bias=on learned_init=on"},
    {"minlstm", "normalised=on"},
    {"minlstm", "expansion=2 candidate=g normalised=on bias=on learned_init=on forget_offset=-1"},
    {"minlstm", "expansion=2 candidate=g alg=log"},
    {"minlstm", "candidate=g alg=log normalised=on bias=on learned_init=on"},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static minrnn_mixer_config config_of(const struct variant *variant) {
    minrnn_mixer_config config;
    CHECK(minrnn_mixer_config_defaults(variant->mixer, &config));
    config.width = WIDTH;
    support_set(&config, variant->settings);
    return config;
}

static const char *title_of(const struct variant *variant) {
    static char title[128];
    snprintf(title, sizeof title, "%s %s", variant->mixer, variant->settings);
    return title;
}

/* What is tested here is tested of every mixer that there is. */
static void test_every_mixer(void **unused) {
    (void)unused;
    for (int i = 0; minrnn_mixer_name(i); i++) {
        int tested = 0;
        for (int v = 0; v < VARIANTS; v++) {
            tested += strcmp(variants[v].mixer, minrnn_mixer_name(i)) == 0;
        }
        if (tested == 0) {
            fail_msg("no variant is a %s", minrnn_mixer_name(i));
        }
    }
}

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

/* ---- values and gradients ---- */

/* The reference as a function of one vector (parameters | x | state), its value being
 * sum(y * dy) + sum(state_out * dstate_out): what dy and dstate_out are the gradient of. */
struct objective {
    const minrnn_mixer *mixer;
    const minrnn_mixer_config *config;
    const struct layer_data *data;
    int64_t parameters, io, states;
    double *point, *y, *state_out;
};

static double evaluate(struct objective *o) {
    const double *x = o->point + o->parameters;
    reference_forward(o->mixer, o->config, o->data, o->point, x, o->data->state ? x + o->io : NULL,
                      o->y, o->state_out);
    double sum = 0.0;
    for (int64_t i = 0; i < o->io; i++) {
        sum += o->y[i] * (double)o->data->dy[i];
    }
    for (int64_t i = 0; i < o->states; i++) {
        sum += o->state_out[i] * (double)o->data->dstate_out[i];
    }
    return sum;
}

/* Central differences in double precision: good to about 1e-9. */
static void differentiate(struct objective *o, int64_t from, int64_t count, float *gradient) {
    const double step = 1e-5;
    for (int64_t i = 0; i < count; i++) {
        double *value = &o->point[from + i];
        const double middle = *value;
        *value = middle + step;
        const double above = evaluate(o);
        *value = middle - step;
        const double below = evaluate(o);
        *value = middle;
        gradient[i] = (float)((above - below) / (2.0 * step));
    }
}

static void narrow(const double *x, int64_t count, float *y) {
    for (int64_t i = 0; i < count; i++) {
        y[i] = (float)x[i];
    }
}

static struct objective objective_make(const minrnn_mixer *mixer, const minrnn_mixer_config *config,
                                       const struct layer_data *data) {
    struct objective o = {.mixer = mixer, .config = config, .data = data};
    o.parameters = minrnn_mixer_parameters(mixer);
    o.io = data->batch * data->time * config->width;
    o.states = data->batch * minrnn_mixer_state_size(mixer);
    o.point = support_alloc((size_t)(o.parameters + o.io + o.states), sizeof *o.point);
    o.y = support_alloc((size_t)o.io, sizeof *o.y);
    o.state_out = support_alloc((size_t)o.states, sizeof *o.state_out);
    const float *const parts[] = {data->parameters, data->x, data->state};
    const int64_t sizes[] = {o.parameters, o.io, o.states};
    double *into = o.point;
    for (int i = 0; i < 3; i++) {
        for (int64_t k = 0; k < sizes[i] && parts[i]; k++) {
            into[k] = (double)parts[i][k];
        }
        into += sizes[i];
    }
    return o;
}

static void objective_free(struct objective *o) {
    free(o->point);
    free(o->y);
    free(o->state_out);
}

/* Each parameter tensor is measured by itself, against no less than a hundredth of the largest
 * gradient: one that nearly cancels keeps the rounding of its terms. */
static void compare_parameter_gradients(const char *title, const minrnn_mixer *mixer,
                                        const float *gradients, const float *expected) {
    double largest = 0.0;
    for (int64_t i = 0; i < minrnn_mixer_parameters(mixer); i++) {
        largest = fmax(largest, fabs((double)expected[i]));
    }
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        int64_t count = 1;
        for (int k = 0; k < info.dimensions; k++) {
            count *= info.shape[k];
        }
        expect_close(title, info.name, gradients + info.offset, expected + info.offset, count,
                     1e-2 * largest, 2e-5);
    }
}

static void compare_with_reference(const char *title, const minrnn_mixer *mixer,
                                   const minrnn_mixer_config *config,
                                   const struct layer_data *data) {
    struct objective o = objective_make(mixer, config, data);
    const int64_t most = o.parameters + o.io + o.states;
    float *expected = support_alloc((size_t)most, sizeof *expected);
    evaluate(&o);
    narrow(o.y, o.io, expected);
    for (int64_t i = 0; i < o.io; i++) {
        /* Past a length the layer's output is whatever the projection makes of zero. */
        const int64_t row = i / config->width;
        if (data->lengths && row % data->time >= data->lengths[row / data->time]) {
            expected[i] = data->y[i];
        }
    }
    expect_close(title, "y", data->y, expected, o.io, 0.0, 1e-5);
    narrow(o.state_out, o.states, expected);
    expect_close(title, "state_out", data->state_out, expected, o.states, 0.0, 1e-5);
    differentiate(&o, 0, o.parameters, expected);
    compare_parameter_gradients(title, mixer, data->gradients, expected);
    differentiate(&o, o.parameters, o.io, expected);
    expect_close(title, "dx", data->dx, expected, o.io, 0.0, 2e-5);
    if (data->state) {
        differentiate(&o, o.parameters + o.io, o.states, expected);
        expect_close(title, "dstate", data->dstate, expected, o.states, 1e-3, 2e-5);
    }
    free(expected);
    objective_free(&o);
}

/* With and without a carried state, resets and lengths. */
static void test_reference(void **unused) {
    (void)unused;
    enum { BATCH = 3, TIME = 7 };
    static const int32_t reset[BATCH * TIME] = {0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0,
                                                0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    static const int32_t lengths[BATCH] = {7, 4, 0};
    struct support_random random = {1};
    minrnn_device_info info;
    CHECK(minrnn_device_describe(device, &info));
    for (int v = 0; v < VARIANTS; v++) {
        const minrnn_mixer_config made = config_of(&variants[v]), *config = &made;
        minrnn_mixer *mixer;
        CHECK(minrnn_mixer_create(device, config, &mixer));
        const int64_t io = BATCH * TIME * config->width;
        const int64_t states = BATCH * minrnn_mixer_state_size(mixer);
        const int64_t count = minrnn_mixer_parameters(mixer);
        float *parameters = random_array(&random, count, 1.0f);
        float *x = random_array(&random, io, 2.0f);
        float *state = random_state(&random, states);
        float *dstate_out = random_array(&random, states, 1.0f);
        float *results = support_alloc((size_t)(2 * io + 2 * states + count), sizeof *results);
        for (int options = 0; options < 8; options++) { /* state 1, reset 2, lengths 4 */
            if (info.is_opencl && (options + v) % 4 != 0) {
                continue; /* each combination is a program to compile */
            }
            float *dy = random_array(&random, io, 1.0f);
            struct layer_data data = {
                .batch = BATCH,
                .time = TIME,
                .parameters = parameters,
                .x = x,
                .state = options & 1 ? state : NULL,
                .reset = options & 2 ? reset : NULL,
                .lengths = options & 4 ? lengths : NULL,
                .y = results,
                .dx = results + io,
                .state_out = results + 2 * io,
                .dstate = options & 1 ? results + 2 * io + states : NULL,
                .gradients = results + 2 * io + 2 * states,
                .dy = dy,
                .dstate_out = dstate_out,
            };
            memset(data.gradients, 0, (size_t)count * sizeof *data.gradients);
            for (int64_t i = 0; data.lengths && i < io; i++) {
                const int64_t row = i / config->width;
                dy[i] = row % TIME < lengths[row / TIME] ? dy[i] : 0.0f;
            }
            layer_run(device, mixer, config, &data);
            compare_with_reference(title_of(&variants[v]), mixer, config, &data);
            free(dy);
        }
        free(parameters);
        free(x);
        free(state);
        free(dstate_out);
        free(results);
        minrnn_mixer_destroy(mixer);
    }
}

/* ---- time in pieces ---- */

/* Copies steps from .. from + count - 1 of [batch, time, width] out of, or back into, `whole`. */
static void slice(const void *whole, void *part, int64_t batch, int64_t time, int64_t width,
                  int64_t from, int64_t count) {
    for (int64_t b = 0; b < batch; b++) {
        memcpy((char *)part + b * count * width * 4,
               (const char *)whole + (b * time + from) * width * 4, (size_t)(count * width) * 4);
    }
}

static void unslice(const void *part, void *whole, int64_t batch, int64_t time, int64_t width,
                    int64_t from, int64_t count) {
    for (int64_t b = 0; b < batch; b++) {
        memcpy((char *)whole + (b * time + from) * width * 4,
               (const char *)part + b * count * width * 4, (size_t)(count * width) * 4);
    }
}

enum { SPLIT_BATCH = 2, SPLIT_TIME = 23 };

/* One run over SPLIT_TIME steps in chunks that end at `ends`, forward, then backward from the last
 * chunk to the first, the states and their gradients handed on. */
struct split_run {
    minrnn_mixer *mixer;
    const minrnn_mixer_config *config;
    const float *parameters, *x, *dy, *state;
    const int32_t *reset;
    float *y, *dx, *gradients, *dstate;
};

static void run_split(const struct split_run *run, const int64_t *ends, int chunks) {
    const int64_t width = run->config->width;
    const int64_t states = SPLIT_BATCH * minrnn_mixer_state_size(run->mixer);
    const int64_t io = SPLIT_BATCH * SPLIT_TIME * width;
    float *carried = support_alloc((size_t)((chunks + 1) * states), sizeof *carried);
    float *dcarried = support_alloc((size_t)((chunks + 1) * states), sizeof *dcarried);
    float *buffer = support_alloc((size_t)(4 * io), sizeof *buffer);
    int32_t reset[SPLIT_BATCH * SPLIT_TIME];
    memcpy(carried, run->state, (size_t)states * sizeof *carried);
    memset(run->gradients, 0, (size_t)minrnn_mixer_parameters(run->mixer) * sizeof *run->gradients);
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 0; k < chunks; k++) {
            const int c = pass == 0 ? k : chunks - 1 - k;
            const int64_t from = c > 0 ? ends[c - 1] : 0;
            const int64_t count = ends[c] - from;
            struct layer_data data = {.batch = SPLIT_BATCH,
                                      .time = count,
                                      .parameters = run->parameters,
                                      .x = buffer,
                                      .y = buffer + io,
                                      .reset = reset,
                                      .state = carried + c * states,
                                      .state_out = carried + (c + 1) * states};
            slice(run->x, buffer, SPLIT_BATCH, SPLIT_TIME, width, from, count);
            slice(run->reset, reset, SPLIT_BATCH, SPLIT_TIME, 1, from, count);
            if (pass == 1) {
                slice(run->dy, buffer + 2 * io, SPLIT_BATCH, SPLIT_TIME, width, from, count);
                data.dy = buffer + 2 * io;
                data.dx = buffer + 3 * io;
                data.gradients = run->gradients;
                data.dstate_out = c + 1 < chunks ? dcarried + (c + 1) * states : NULL;
                data.dstate = dcarried + c * states;
            }
            layer_run(device, run->mixer, run->config, &data);
            unslice(pass == 0 ? buffer + io : buffer + 3 * io, pass == 0 ? run->y : run->dx,
                    SPLIT_BATCH, SPLIT_TIME, width, from, count);
        }
    }
    memcpy(run->dstate, dcarried, (size_t)states * sizeof *dcarried);
    free(carried);
    free(dcarried);
    free(buffer);
}

/* Single steps, and random chunks, forward and backward, against the whole. */
static void test_splits(void **unused) {
    (void)unused;
    struct support_random random = {2};
    for (int v = 0; v < VARIANTS; v++) {
        const minrnn_mixer_config config = config_of(&variants[v]);
        const char *title = title_of(&variants[v]);
        minrnn_mixer *mixer;
        CHECK(minrnn_mixer_create(device, &config, &mixer));
        const int64_t io = SPLIT_BATCH * SPLIT_TIME * config.width;
        const int64_t states = SPLIT_BATCH * minrnn_mixer_state_size(mixer);
        const int64_t count = minrnn_mixer_parameters(mixer);
        const int64_t results = 2 * io + count + states;
        int32_t reset[SPLIT_BATCH * SPLIT_TIME] = {0};
        reset[4] = reset[11] = reset[SPLIT_TIME] = reset[SPLIT_TIME + 20] = 1;
        float *parameters = random_array(&random, count, 1.0f);
        float *x = random_array(&random, io, 2.0f);
        float *dy = random_array(&random, io, 1.0f);
        float *state = random_state(&random, states);
        float *whole = support_alloc((size_t)results, sizeof *whole);
        float *split = support_alloc((size_t)results, sizeof *split);
        struct split_run run = {mixer,
                                &config,
                                parameters,
                                x,
                                dy,
                                state,
                                reset,
                                whole,
                                whole + io,
                                whole + 2 * io,
                                whole + 2 * io + count};
        run_split(&run, (const int64_t[]){SPLIT_TIME}, 1);
        run.y = split;
        run.dx = split + io;
        run.gradients = split + 2 * io;
        run.dstate = split + 2 * io + count;
        for (int attempt = 0; attempt < 3; attempt++) {
            int64_t ends[SPLIT_TIME];
            int chunks = 0;
            for (int64_t t = 0; t < SPLIT_TIME;) {
                t += attempt == 0 ? 1 : 1 + support_below(&random, 9);
                ends[chunks++] = t < SPLIT_TIME ? t : SPLIT_TIME;
            }
            run_split(&run, ends, chunks);
            expect_close(title, "y", split, whole, io, 0.0, 1e-5);
            expect_close(title, "dx", split + io, whole + io, io, 0.0, 1e-5);
            expect_close(title, "gradients", split + 2 * io, whole + 2 * io, count, 0.0, 1e-5);
            expect_close(title, "dstate", split + 2 * io + count, whole + 2 * io + count, states,
                         0.0, 1e-5);
        }
        free(parameters);
        free(x);
        free(dy);
        free(state);
        free(whole);
        free(split);
        minrnn_mixer_destroy(mixer);
    }
}

/* The state that goes out may not lie over the one that comes in; beside it, it may. */
static void test_states_apart(void **unused) {
    (void)unused;
    enum { BATCH = 2, TIME = 5 };
    const minrnn_mixer_config made = config_of(&variants[8]), *config = &made;
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

/* A caller that has no layer before this one leaves dx out: nothing else changes. */
static void test_without_dx(void **unused) {
    (void)unused;
    enum { BATCH = 2, TIME = 5 };
    const minrnn_mixer_config made = config_of(&variants[8]), *config = &made;
    struct support_random random = {3};
    minrnn_mixer *mixer;
    CHECK(minrnn_mixer_create(device, config, &mixer));
    const int64_t io = BATCH * TIME * config->width;
    const int64_t states = BATCH * minrnn_mixer_state_size(mixer);
    const int64_t count = minrnn_mixer_parameters(mixer);
    float *parameters = random_array(&random, count, 1.0f);
    float *x = random_array(&random, 2 * io, 2.0f);
    float *y = support_alloc((size_t)(2 * io + states), sizeof *y);
    float *gradients = support_alloc((size_t)(2 * count), sizeof *gradients);
    for (int k = 0; k < 2; k++) {
        layer_run(device, mixer, config,
                  &(struct layer_data){.batch = BATCH,
                                       .time = TIME,
                                       .parameters = parameters,
                                       .x = x,
                                       .y = y,
                                       .state_out = y + 2 * io,
                                       .dy = x + io,
                                       .gradients = gradients + k * count,
                                       .dx = k ? NULL : y + io});
    }
    expect_equal("without dx", "gradients", gradients + count, gradients, count);
    free(parameters);
    free(x);
    free(y);
    free(gradients);
    minrnn_mixer_destroy(mixer);
}

/* ---- parameters ---- */

/* Weights of gates and candidate, biases aside. */
static int64_t gate_weights(const char *name, int64_t width, float expansion) {
    minrnn_mixer_config config;
    char alpha[16];
    snprintf(alpha, sizeof alpha, "%g", (double)expansion);
    CHECK(minrnn_mixer_config_defaults(name, &config));
    CHECK(minrnn_mixer_set(&config, "expansion", alpha));
    config.width = width;
    minrnn_mixer *mixer;
    CHECK(minrnn_mixer_create(device, &config, &mixer));
    minrnn_parameter_info info = {0};
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        if (strcmp(info.name, "to_hidden_and_gate.weight") == 0) {
            break;
        }
    }
    assert_string_equal(info.name, "to_hidden_and_gate.weight");
    assert_int_equal(info.dimensions, 2);
    assert_int_equal(minrnn_mixer_state_size(mixer), (int64_t)((float)width * expansion));
    minrnn_mixer_destroy(mixer);
    return info.shape[0] * info.shape[1];
}

/* The paper's savings over GRU, 3 d_h (d_x + d_h), and LSTM, 4 d_h (d_x + d_h), in percent. */
static void test_parameter_ratios(void **unused) {
    (void)unused;
    static const double gru[] = {100.0 / 3.0, 200.0 / 9.0, 100.0 / 6.0, 40.0 / 3.0};
    static const double lstm[] = {37.5, 25.0, 18.75, 15.0};
    const int64_t width = 64;
    for (int alpha = 1; alpha <= 4; alpha++) {
        const int64_t inner = width * alpha;
        const double full = (double)(inner * (width + inner));
        const double a = 100.0 * (double)gate_weights("mingru", width, (float)alpha) / (3.0 * full);
        const double b =
            100.0 * (double)gate_weights("minlstm", width, (float)alpha) / (4.0 * full);
        print_message("alpha %d: minGRU %.1f %% of GRU, minLSTM %.2f %% of LSTM\n", alpha, a, b);
        assert_true(fabs(a - gru[alpha - 1]) < 1e-9);
        assert_true(fabs(b - lstm[alpha - 1]) < 1e-9);
    }
}

/* The tensors fill the parameters without gap or overlap; initial values keep to their bounds and
 * follow the seed. */
static void test_initialise(void **unused) {
    (void)unused;
    for (int v = 0; v < VARIANTS; v++) {
        const minrnn_mixer_config config = config_of(&variants[v]);
        minrnn_mixer *mixer;
        CHECK(minrnn_mixer_create(device, &config, &mixer));
        const int64_t total = minrnn_mixer_parameters(mixer);
        char *taken = support_alloc((size_t)total, 1);
        float *values = support_alloc((size_t)total, 3 * sizeof *values);
        const minrnn_tensor tensor = tensor_make(device, total, MINRNN_F32);
        for (int k = 0; k < 3; k++) {
            CHECK(minrnn_mixer_initialise(mixer, k < 2 ? 7 : 8, tensor));
            tensor_get(tensor, values + k * total, total);
        }
        expect_equal(title_of(&variants[v]), "the same seed", values, values + total, total);
        for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
            minrnn_parameter_info info;
            CHECK(minrnn_mixer_parameter(mixer, i, &info));
            assert_false(info.decays); /* the recurrence's own weights */
            int64_t count = 1;
            for (int k = 0; k < info.dimensions; k++) {
                count *= info.shape[k];
            }
            const bool normal = strcmp(info.name, "init_hidden_state") == 0;
            const bool out = strncmp(info.name, "to_out", 6) == 0;
            const int64_t fan_in = out ? minrnn_mixer_state_size(mixer) : WIDTH;
            const double bound = normal ? 7.0 : 1.0 / sqrt((double)fan_in);
            bool differs = false;
            for (int64_t k = info.offset; k < info.offset + count; k++) {
                assert_true(k < total && !taken[k]);
                taken[k] = 1;
                assert_true(fabs((double)values[k]) <= bound * (1.0 + 1e-6));
                differs = differs || values[k] != values[2 * total + k];
            }
            assert_true(differs);
        }
        assert_null(memchr(taken, 0, (size_t)total));
        minrnn_buffer_destroy(tensor.buffer);
        free(taken);
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
    const minrnn_mixer_config good = config_of(&variants[7]);
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
    bad = config_of(&variants[0]);
    support_set(&bad, "forget_offset=1");
    expect_refused("mingru with forget_offset", bad);
    bad = config_of(&variants[0]);
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
        cmocka_unit_test(test_reference),        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_states_apart),     cmocka_unit_test(test_without_dx),
        cmocka_unit_test(test_parameter_ratios), cmocka_unit_test(test_initialise),
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_every_mixer),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
