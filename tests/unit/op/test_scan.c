/* SPDX-License-Identifier: Apache-2.0 */
/* The scan of a device, against the recurrence written out in double precision. */
#include "support.h"

static minrnn_device *device;

/* ---- cases ---- */

enum option { BIAS = 1, H0 = 2, INIT = 4, RESET = 8, LENGTHS = 16, LAST = 32, ALL_OPTIONS = 63 };

struct scan_case {
    minrnn_scan_config config;
    unsigned options;
    float amplitude; /* of the pre-activations */
    uint64_t seed;
};

/* Tensors of a case in the order of the arrays below. */
enum tensor {
    X,
    B,
    BIAS_,
    H0_,
    INIT_,
    DH,
    DH_LAST,
    INPUTS,
    H = INPUTS,
    H_LAST,
    DX,
    DB,
    DH0,
    DINIT,
    TENSORS
};
static const char *const names[TENSORS] = {"x", "b",      "bias", "h0", "init", "dh",   "dh_last",
                                           "h", "h_last", "dx",   "db", "dh0",  "dinit"};

struct data {
    size_t extent[TENSORS]; /* 0: absent */
    float *input[INPUTS];
    double *output[TENSORS]; /* what is right, outputs only */
    int32_t *reset, *lengths;
};

static bool is_log(const minrnn_scan_config *config) {
    return config->alg == MINRNN_SCAN_LOG;
}

static bool is_linear(const minrnn_scan_config *config) {
    return config->cell == MINRNN_CELL_LINEAR;
}

static const char *describe(const struct scan_case *c) {
    static char text[256];
    static const char *const cells[] = {"linear", "mingru", "minlstm"};
    static const char *const runs[] = {"auto", "serial", "tile", "chunk"};
    snprintf(text, sizeof text, "%s %s %s%s%s%s %lldx%lldx%lld%s%s%s%s%s%s amplitude %g seed %d",
             is_log(&c->config) ? "log" : "linear", cells[c->config.cell], runs[c->config.run],
             c->config.candidate ? " g" : "", c->config.normalised ? " normalised" : "",
             c->config.reversed ? " reversed" : "", (long long)c->config.batch,
             (long long)c->config.time, (long long)c->config.width,
             c->options & BIAS ? " bias" : "", c->options & H0 ? " h0" : "",
             c->options & INIT ? " init" : "", c->options & RESET ? " reset" : "",
             c->options & LENGTHS ? " lengths" : "", c->options & LAST ? " last" : "",
             (double)c->amplitude, (int)c->seed);
    return text;
}

/* Number i of a stream, uniform in [low, high). */
static float draw(const struct scan_case *c, unsigned stream, uint64_t i, float low, float high) {
    struct support_random random = {(c->seed << 40) + ((uint64_t)stream << 32) + i};
    return low + (high - low) * 0.5f * (support_uniform(&random) + 1);
}

static int64_t gates_of(const minrnn_scan_config *config) {
    return config->cell == MINRNN_CELL_MINLSTM ? 3 : config->cell == MINRNN_CELL_MINGRU ? 2 : 1;
}

static void set_extents(const struct scan_case *c, size_t extent[TENSORS]) {
    const size_t width = (size_t)c->config.width;
    const size_t states = (size_t)c->config.batch * width;
    const size_t all = states * (size_t)c->config.time;
    const size_t gates = (size_t)gates_of(&c->config);
    const bool linear = is_linear(&c->config);
    extent[X] = extent[DX] = all * gates;
    extent[B] = extent[DB] = linear ? all : 0;
    extent[BIAS_] = c->options & BIAS && !linear ? width * gates : 0;
    extent[H0_] = extent[DH0] = c->options & H0 ? states : 0;
    extent[INIT_] = c->options & INIT ? width : 0;
    extent[DINIT] = c->options & (INIT | RESET) ? states : 0;
    extent[H] = extent[DH] = all;
    extent[H_LAST] = extent[DH_LAST] = c->options & LAST ? states : 0;
}

/* Random inputs. a of the linear cell lies in (0, 1); the log operator needs positive b, h0, init.
 */
static struct data make_data(const struct scan_case *c) {
    struct data d = {.reset = NULL};
    const float amplitude = c->amplitude;
    const bool positive = is_log(&c->config);
    set_extents(c, d.extent);
    for (int t = 0; t < INPUTS; t++) {
        float low = -1, high = 1;
        if (t == X && !is_linear(&c->config)) {
            low = -amplitude;
            high = amplitude;
        } else if ((t == X && is_linear(&c->config)) ||
                   (positive && (t == B || t == H0_ || t == INIT_))) {
            low = 0.01f;
        }
        d.input[t] = support_alloc(d.extent[t], sizeof(float));
        for (size_t i = 0; i < d.extent[t]; i++) {
            const float value = draw(c, (unsigned)t, i, low, high);
            d.input[t][i] =
                positive && is_linear(&c->config) && (t == X || t == B) ? logf(value) : value;
        }
    }
    for (int t = INPUTS; t < TENSORS; t++) {
        d.output[t] = support_alloc(d.extent[t], sizeof(double));
    }
    const size_t rows = (size_t)(c->config.batch * c->config.time);
    d.reset = support_alloc(rows, sizeof(int32_t));
    d.lengths = support_alloc((size_t)c->config.batch, sizeof(int32_t));
    for (size_t i = 0; i < rows; i++) {
        d.reset[i] = c->options & RESET && draw(c, 100, i, 0, 1) < 0.1f;
    }
    for (int64_t i = 0; i < c->config.batch; i++) {
        const float share = draw(c, 101, (uint64_t)i, -0.2f, 1.2f);
        const float clamped = fminf(fmaxf(share, 0), 1);
        d.lengths[i] = c->options & LENGTHS ? (int32_t)(clamped * (float)c->config.time)
                                            : (int32_t)c->config.time;
    }
    return d;
}

static void free_data(struct data *d) {
    for (int t = 0; t < INPUTS; t++) {
        free(d->input[t]);
    }
    for (int t = INPUTS; t < TENSORS; t++) {
        free(d->output[t]);
    }
    free(d->reset);
    free(d->lengths);
}

/* ---- the recurrence in double precision ---- */

static double sigma(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static double soft_plus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* a and b of a step, and their slopes by each pre-activation p. */
struct step {
    double a, b;
    double da[3], db[3];
};

static struct step linear_step(const minrnn_scan_config *config, double a, double b) {
    if (is_log(config)) {
        return (struct step){exp(a), exp(b), {exp(a)}, {0, exp(b)}};
    }
    return (struct step){a, b, {1}, {0, 1}};
}

static struct step gated_step(const minrnn_scan_config *config, const double p[3]) {
    const bool g = config->candidate == MINRNN_CANDIDATE_G;
    const double c = !g ? p[0] : p[0] >= 0 ? p[0] + 0.5 : sigma(p[0]);
    const double slope = !g || p[0] >= 0 ? 1 : sigma(p[0]) * sigma(-p[0]);
    if (config->cell == MINRNN_CELL_MINGRU) {
        const double z = sigma(p[1]), a = sigma(-p[1]);
        return (struct step){a, z * c, {0, -z * a}, {z * slope, z * a * c}};
    }
    const double forget = p[1] + (double)config->forget_offset;
    if (!config->normalised) {
        const double f = sigma(forget), i = sigma(p[2]);
        return (struct step){
            f, i * c, {0, f * sigma(-forget), 0}, {i * slope, 0, i * sigma(-p[2]) * c}};
    }
    const double d = soft_plus(-forget) - soft_plus(-p[2]);
    const double f = sigma(-d), i = sigma(d), both = f * i;
    return (struct step){f,
                         i * c,
                         {0, both * sigma(-forget), -both * sigma(-p[2])},
                         {i * slope, -both * sigma(-forget) * c, both * sigma(-p[2]) * c}};
}

/* What one sequence and channel reads. */
struct channel {
    const struct scan_case *c;
    const struct data *d;
    int64_t sequence, index;
    int64_t steps;
};

static size_t at(const struct channel *k, int64_t t, int64_t gate, int64_t gates) {
    const minrnn_scan_config *config = &k->c->config;
    return (size_t)(((k->sequence * config->time + t) * gates + gate) * config->width + k->index);
}

static size_t state_at(const struct channel *k) {
    return (size_t)(k->sequence * k->c->config.width + k->index);
}

static int64_t time_at(const struct channel *k, int64_t s) {
    return k->c->config.reversed ? k->steps - 1 - s : s;
}

static bool cut_at(const struct channel *k, int64_t s) {
    const int32_t *reset = k->d->reset + k->sequence * k->c->config.time;
    const int64_t t = time_at(k, s);
    return k->c->config.reversed ? s > 0 && reset[t + 1] : reset[t];
}

static double initial_of(const struct channel *k) {
    return k->d->extent[INIT_] ? (double)k->d->input[INIT_][k->index] : 0;
}

static double first_of(const struct channel *k) {
    return k->d->extent[H0_] ? (double)k->d->input[H0_][state_at(k)] : initial_of(k);
}

static struct step step_at(const struct channel *k, int64_t s) {
    const minrnn_scan_config *config = &k->c->config;
    const int64_t gates = gates_of(config), t = time_at(k, s);
    double p[3] = {0};
    for (int64_t gate = 0; gate < gates; gate++) {
        p[gate] = (double)k->d->input[X][at(k, t, gate, gates)];
        if (k->d->extent[BIAS_]) {
            p[gate] += (double)k->d->input[BIAS_][gate * config->width + k->index];
        }
    }
    if (is_linear(config)) {
        return linear_step(config, p[0], (double)k->d->input[B][at(k, t, 0, 1)]);
    }
    return gated_step(config, p);
}

static double before_at(const struct channel *k, int64_t s) {
    return cut_at(k, s) ? initial_of(k)
           : s > 0      ? k->d->output[H][at(k, time_at(k, s - 1), 0, 1)]
                        : first_of(k);
}

static void walk_forward(const struct channel *k) {
    double state = first_of(k);
    for (int64_t s = 0; s < k->steps; s++) {
        const struct step step = step_at(k, s);
        state = step.a * (cut_at(k, s) ? initial_of(k) : state) + step.b;
        k->d->output[H][at(k, time_at(k, s), 0, 1)] = state;
    }
    if (k->d->extent[H_LAST]) {
        k->d->output[H_LAST][state_at(k)] = state;
    }
}

static void walk_backward(const struct channel *k) {
    const int64_t gates = gates_of(&k->c->config);
    double carry = k->d->extent[DH_LAST] ? (double)k->d->input[DH_LAST][state_at(k)] : 0;
    double share = 0;
    for (int64_t s = k->steps - 1; s >= 0; s--) {
        const int64_t t = time_at(k, s);
        const struct step step = step_at(k, s);
        const double lambda = (double)k->d->input[DH][at(k, t, 0, 1)] + carry;
        const double before = before_at(k, s);
        for (int64_t gate = 0; gate < gates; gate++) {
            k->d->output[DX][at(k, t, gate, gates)] =
                lambda * (step.da[gate] * before + step.db[gate]);
        }
        if (k->d->extent[DB]) {
            k->d->output[DB][at(k, t, 0, 1)] = lambda * step.db[1];
        }
        carry = step.a * lambda;
        if (cut_at(k, s)) {
            share += carry;
            carry = 0;
        }
    }
    if (k->d->extent[DH0]) {
        k->d->output[DH0][state_at(k)] = carry;
    } else {
        share += carry;
    }
    if (k->d->extent[DINIT]) {
        k->d->output[DINIT][state_at(k)] = share;
    }
}

static void compute(const struct scan_case *c, const struct data *d) {
    for (int64_t sequence = 0; sequence < c->config.batch; sequence++) {
        for (int64_t channel = 0; channel < c->config.width; channel++) {
            const struct channel k = {c, d, sequence, channel, d->lengths[sequence]};
            walk_forward(&k);
            walk_backward(&k);
        }
    }
}

/* ---- the device ---- */

/* Every tensor lies at an odd offset between sentinels. */
enum { MARGIN = 5 };
static const float sentinel = 12345.0f;

static minrnn_tensor put(const void *values, size_t count, minrnn_dtype type) {
    minrnn_buffer *buffer = NULL;
    if (!count) {
        return (minrnn_tensor){0};
    }
    float *padded = support_alloc(count + 2 * MARGIN, sizeof(float));
    for (size_t i = 0; i < count + 2 * MARGIN; i++) {
        padded[i] = sentinel;
    }
    if (values) {
        memcpy(padded + MARGIN, values, count * sizeof(float));
    }
    CHECK(minrnn_buffer_create(device, (count + 2 * MARGIN) * sizeof(float), &buffer));
    CHECK(minrnn_buffer_write(buffer, 0, padded, (count + 2 * MARGIN) * sizeof(float)));
    free(padded);
    return (minrnn_tensor){buffer, MARGIN, type};
}

/* The tensor's values, to be freed; its sentinels must be there still. */
static float *get(minrnn_tensor tensor, size_t count) {
    float *padded = support_alloc(count + 2 * MARGIN, sizeof(float));
    CHECK(minrnn_buffer_read(tensor.buffer, 0, padded, (count + 2 * MARGIN) * sizeof(float)));
    for (size_t i = 0; i < MARGIN; i++) {
        assert_true(padded[i] == sentinel && padded[MARGIN + count + i] == sentinel);
    }
    memmove(padded, padded + MARGIN, count * sizeof(float));
    return padded;
}

struct on_device {
    minrnn_tensor tensor[TENSORS];
    minrnn_tensor reset, lengths, scratch;
};

static struct on_device upload(const struct scan_case *c, const struct data *d) {
    struct on_device o = {0};
    uint64_t bytes = 0;
    for (int t = 0; t < TENSORS; t++) {
        o.tensor[t] = put(t < INPUTS ? d->input[t] : NULL, d->extent[t], MINRNN_F32);
    }
    if (c->options & RESET) {
        o.reset = put(d->reset, (size_t)(c->config.batch * c->config.time), MINRNN_I32);
    }
    if (c->options & LENGTHS) {
        o.lengths = put(d->lengths, (size_t)c->config.batch, MINRNN_I32);
    }
    CHECK(minrnn_scan_scratch(device, &c->config, &bytes));
    o.scratch = put(NULL, (size_t)bytes / sizeof(float), MINRNN_F32);
    return o;
}

static void release(struct on_device *o) {
    for (int t = 0; t < TENSORS; t++) {
        minrnn_buffer_destroy(o->tensor[t].buffer);
    }
    minrnn_buffer_destroy(o->reset.buffer);
    minrnn_buffer_destroy(o->lengths.buffer);
    minrnn_buffer_destroy(o->scratch.buffer);
}

static minrnn_scan_tensors tensors_of(const struct on_device *o) {
    const minrnn_tensor *t = o->tensor;
    return (minrnn_scan_tensors){
        .size = sizeof(minrnn_scan_tensors),
        .x = t[X],
        .b = t[B],
        .bias = t[BIAS_],
        .h0 = t[H0_],
        .init = t[INIT_],
        .reset = o->reset,
        .lengths = o->lengths,
        .h = t[H],
        .h_last = t[H_LAST],
        .dh = t[DH],
        .dh_last = t[DH_LAST],
        .dx = t[DX],
        .db = t[DB],
        .dh0 = t[DH0],
        .dinit = t[DINIT],
        .scratch = o->scratch,
    };
}

/* ---- comparisons ---- */

/* max|a - b| / max|b|, NaN if there is one. */
static double relative_error(const float *a, const double *b, size_t count) {
    double error = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs((double)a[i] - b[i]);
        if (!(difference <= error)) {
            error = difference;
        }
        if (isnan(difference)) {
            return NAN;
        }
        largest = fmax(largest, fabs(b[i]));
    }
    return error == 0 ? 0 : error / largest;
}

static double worst[TENSORS];

static void check_case(const struct scan_case *c) {
    /* Gradients add up more terms than states do. */
    static const double bound[TENSORS] = {
        [H] = 3e-6, [H_LAST] = 3e-6, [DX] = 1e-5, [DB] = 1e-5, [DH0] = 1e-5, [DINIT] = 1e-5};
    struct data d = make_data(c);
    compute(c, &d);
    struct on_device o = upload(c, &d);
    const minrnn_scan_tensors tensors = tensors_of(&o);
    if (minrnn_scan_forward(device, &c->config, &tensors) ||
        minrnn_scan_backward(device, &c->config, &tensors)) {
        fail_msg("%s: %s", describe(c), minrnn_error_text());
    }
    for (int t = INPUTS; t < TENSORS; t++) {
        if (!d.extent[t]) {
            continue;
        }
        float *values = get(o.tensor[t], d.extent[t]);
        const double error = relative_error(values, d.output[t], d.extent[t]);
        free(values);
        worst[t] = fmax(worst[t], error);
        if (!(error <= bound[t])) {
            fail_msg("%s: %s is off by %g", describe(c), names[t], error);
        }
    }
    release(&o);
    free_data(&d);
}

/* ---- tests ---- */

/* Operators, cells and candidates that go together. */
#define KIND(...)                                                                                  \
    { .size = sizeof(minrnn_scan_config), __VA_ARGS__ }
static const minrnn_scan_config kinds[] = {
    KIND(.cell = MINRNN_CELL_LINEAR),
    KIND(.cell = MINRNN_CELL_LINEAR, .alg = MINRNN_SCAN_LOG),
    KIND(.cell = MINRNN_CELL_MINGRU),
    KIND(.cell = MINRNN_CELL_MINGRU, .candidate = MINRNN_CANDIDATE_G),
    KIND(.cell = MINRNN_CELL_MINGRU, .candidate = MINRNN_CANDIDATE_G, .alg = MINRNN_SCAN_LOG),
    KIND(.cell = MINRNN_CELL_MINLSTM),
    KIND(.cell = MINRNN_CELL_MINLSTM, .candidate = MINRNN_CANDIDATE_G),
    KIND(.cell = MINRNN_CELL_MINLSTM, .normalised = true, .forget_offset = 1.5f),
    KIND(.cell = MINRNN_CELL_MINLSTM, .normalised = true, .candidate = MINRNN_CANDIDATE_G),
    KIND(.cell = MINRNN_CELL_MINLSTM, .candidate = MINRNN_CANDIDATE_G, .alg = MINRNN_SCAN_LOG),
    KIND(.cell = MINRNN_CELL_MINLSTM, .candidate = MINRNN_CANDIDATE_G, .alg = MINRNN_SCAN_LOG,
         .normalised = true, .forget_offset = -0.5f),
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Every kind, run and direction; sizes and options change from case to case, so that each meets
 * several of the others. */
static void test_against_double(void **state) {
    static const int64_t times[] = {203, 1025, 1, 7, 2};
    static const int64_t widths[] = {16, 33, 1, 64, 3, 100, 16};
    static const unsigned options[] = {ALL_OPTIONS, 0, RESET | LENGTHS, INIT | RESET | LAST | BIAS,
                                       H0 | LENGTHS};
    (void)state;
    unsigned n = 0;
    for (int run = MINRNN_RUN_SERIAL; run <= MINRNN_RUN_CHUNK; run++) {
        for (int kind = 0; kind < KINDS; kind++) {
            for (int reversed = 0; reversed < 2; reversed++, n++) {
                struct scan_case c = {kinds[kind], options[(n * 3 + n / 5) % 5], 3, .seed = n};
                c.config.run = (minrnn_scan_run)run;
                c.config.reversed = reversed;
                c.config.batch = 1 + n % 3;
                c.config.time = times[(n + n / 5) % 5];
                c.config.width = widths[n % 7];
                check_case(&c);
            }
        }
    }
}

/* Pre-activations where sigma, f / (f + i) and their logarithms would overflow if written down. */
static void test_extremes(void **state) {
    (void)state;
    for (int kind = 2; kind < KINDS; kind++) {
        struct scan_case c = {kinds[kind], RESET | INIT, 1000, .seed = 7};
        c.config.run = MINRNN_RUN_SERIAL;
        c.config.batch = 2;
        c.config.time = 130;
        c.config.width = 16;
        check_case(&c);
    }
}

/* Times longer than one launch of the serial run and of tile. */
static void test_long(void **state) {
    (void)state;
    for (int run = MINRNN_RUN_AUTO; run <= MINRNN_RUN_CHUNK; run++) {
        struct scan_case c = {kinds[2], RESET | H0 | INIT | LAST, 3, .seed = 11};
        c.config.run = (minrnn_scan_run)run;
        c.config.batch = 1;
        c.config.time = 70000;
        c.config.width = 3;
        check_case(&c);
    }
}

/* The walks above differentiate by hand; here differences of the double-precision loss do. */
static void test_differences(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct scan_case c = {kinds[kind], ALL_OPTIONS, 2, .seed = 3};
        c.config.batch = 2;
        c.config.time = 9;
        c.config.width = 2;
        c.config.reversed = kind % 2;
        struct data d = make_data(&c);
        compute(&c, &d);
        const int pairs[][2] = {{X, DX}, {B, DB}, {H0_, DH0}};
        for (int pair = 0; pair < 3; pair++) {
            const int t = pairs[pair][0], dt = pairs[pair][1];
            for (size_t i = 0; i < d.extent[t]; i++) {
                const float value = d.input[t][i];
                const float step = 0x1p-8f;
                double loss[2] = {0}, width = 0;
                const double slope = d.output[dt][i];
                for (int side = 0; side < 2; side++) {
                    d.input[t][i] = side ? value + step : value - step;
                    width += (side ? 1 : -1) * (double)d.input[t][i];
                    compute(&c, &d);
                    for (size_t j = 0; j < d.extent[H]; j++) {
                        loss[side] += d.output[H][j] * (double)d.input[DH][j];
                    }
                    for (size_t j = 0; j < d.extent[H_LAST]; j++) {
                        loss[side] += d.output[H_LAST][j] * (double)d.input[DH_LAST][j];
                    }
                }
                d.input[t][i] = value;
                const double difference = (loss[1] - loss[0]) / width;
                /* The candidate g has a kink at 0, which a step may straddle. */
                const bool kink = t == X && c.config.candidate && fabsf(value) < 1.2f;
                if (!(fabs(difference - slope) <= (kink ? 0.5 : 1e-3))) {
                    fail_msg("%s: %s[%zu] is %g, by differences %g", describe(&c), names[dt], i,
                             slope, difference);
                }
                compute(&c, &d);
            }
        }
        free_data(&d);
    }
}

static minrnn_tensor part(minrnn_tensor tensor, int64_t elements) {
    tensor.offset += tensor.buffer ? elements : 0;
    return tensor;
}

/* A sequence walked in three parts, the state handed on in place, gives the whole's h. */
static void test_parts(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct scan_case c = {kinds[kind], H0 | INIT | RESET | LAST, 3, .seed = 5};
        c.config.batch = 1;
        c.config.time = 100;
        c.config.width = 33;
        c.config.run = (minrnn_scan_run)(MINRNN_RUN_SERIAL + kind % 3);
        struct data d = make_data(&c);
        compute(&c, &d);
        struct on_device o = upload(&c, &d);
        const int64_t ends[] = {0, 1, 40, 100};
        for (int i = 0; i < 3; i++) {
            minrnn_scan_config config = c.config;
            minrnn_scan_tensors t = tensors_of(&o);
            config.time = ends[i + 1] - ends[i];
            t.x = part(t.x, ends[i] * config.width * gates_of(&config));
            t.b = part(t.b, ends[i] * config.width);
            t.h = part(t.h, ends[i] * config.width);
            t.reset = part(t.reset, ends[i]);
            t.h_last = t.h0;
            CHECK(minrnn_scan_forward(device, &config, &t));
        }
        float *h = get(o.tensor[H], d.extent[H]);
        float *last = get(o.tensor[H0_], d.extent[H0_]);
        if (!(relative_error(h, d.output[H], d.extent[H]) <= 3e-6) ||
            !(relative_error(last, d.output[H_LAST], d.extent[H_LAST]) <= 3e-6)) {
            fail_msg("%s: in parts", describe(&c));
        }
        free(h);
        free(last);
        release(&o);
        free_data(&d);
    }
}

/* What comes before a reset does not move a bit after it, and any run gives the same bits again. */
static void test_documents(void **state) {
    (void)state;
    enum { TIME = 160, BORDER = 90, WIDTH = 20 };
    for (int run = MINRNN_RUN_SERIAL; run <= MINRNN_RUN_CHUNK; run++) {
        struct scan_case c = {kinds[run == MINRNN_RUN_TILE ? 4 : 2], RESET | H0, 3, .seed = 9};
        c.config.batch = 1;
        c.config.time = TIME;
        c.config.width = WIDTH;
        c.config.run = (minrnn_scan_run)run;
        struct data d = make_data(&c);
        memset(d.reset, 0, TIME * sizeof(int32_t));
        d.reset[BORDER] = 1;
        float *h[2];
        for (int pass = 0; pass < 2; pass++) {
            for (size_t i = 0; i < BORDER * WIDTH * 2; i++) {
                d.input[X][i] += (float)pass;
            }
            struct on_device o = upload(&c, &d);
            const minrnn_scan_tensors tensors = tensors_of(&o);
            CHECK(minrnn_scan_forward(device, &c.config, &tensors));
            h[pass] = get(o.tensor[H], d.extent[H]);
            release(&o);
        }
        assert_memory_not_equal(h[0], h[1], BORDER * WIDTH * sizeof(float));
        assert_memory_equal(h[0] + BORDER * WIDTH, h[1] + BORDER * WIDTH,
                            (TIME - BORDER) * WIDTH * sizeof(float));
        free(h[0]);
        free(h[1]);
        free_data(&d);
    }
}

static int report(void **state) {
    (void)state;
    for (int t = INPUTS; t < TENSORS; t++) {
        printf("worst relative error of %s: %.2g\n", names[t], worst[t]);
    }
    assert_int_equal(minrnn_device_allocated(device), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences), cmocka_unit_test(test_against_double),
        cmocka_unit_test(test_extremes),    cmocka_unit_test(test_long),
        cmocka_unit_test(test_parts),       cmocka_unit_test(test_documents),
    };
    device = support_open_device();
    const int failures = cmocka_run_group_tests(tests, NULL, report);
    minrnn_device_destroy(device);
    return failures;
}
