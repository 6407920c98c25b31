/* SPDX-License-Identifier: Apache-2.0 */
/* The public scan of a device, against the oracle: every member of its structs reaches the op. The
 * ops themselves are checked with many more cases by tests/checkop, and the oracle by test_oracle.
 */
#include "check/op_check.h"
#include "op/scan_kinds.h"
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
    double *exact[TENSORS]; /* the inputs; what is right */
    int32_t *reset, *lengths;
};

/* A forget offset that is not 0, to be ignored by cells without that gate. */
static minrnn_scan_config config_of(const struct scan_kind *kind) {
    minrnn_scan_config config;
    minrnn_scan_config_defaults(&config);
    config.alg = kind->alg;
    config.cell = kind->cell;
    config.candidate = kind->candidate;
    config.normalised = kind->normalised;
    config.forget_offset = 1.5f;
    return config;
}

static bool is_log(const minrnn_scan_config *config) {
    return config->alg == MINRNN_SCAN_LOG;
}

static bool is_linear(const minrnn_scan_config *config) {
    return config->cell == MINRNN_CELL_LINEAR;
}

static const char *describe(const struct scan_case *c) {
    static char text[256];
    const minrnn_scan_config *config = &c->config;
    snprintf(text, sizeof text, "alg %d cell %d run %d%s%s%s %lldx%lldx%lld options %x seed %d",
             config->alg, config->cell, config->run, config->candidate ? " g" : "",
             config->normalised ? " normalised" : "", config->reversed ? " reversed" : "",
             (long long)config->batch, (long long)config->time, (long long)config->width,
             c->options, (int)c->seed);
    return text;
}

/* Number i of a stream, uniform in [low, high). */
static float draw(const struct scan_case *c, unsigned stream, uint64_t i, float low, float high) {
    struct support_random random = {(c->seed << 40) + ((uint64_t)stream << 32) + i};
    return low + (high - low) * 0.5f * (support_uniform(&random) + 1);
}

static void set_extents(const struct scan_case *c, size_t extent[TENSORS]) {
    const size_t width = (size_t)c->config.width;
    const size_t states = (size_t)c->config.batch * width;
    const size_t all = states * (size_t)c->config.time;
    const size_t gates = (size_t)scan_gates(c->config.cell);
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
        d.exact[t] = support_alloc(d.extent[t], sizeof(double));
        for (size_t i = 0; i < d.extent[t]; i++) {
            const float value = draw(c, (unsigned)t, i, low, high);
            d.input[t][i] =
                positive && is_linear(&c->config) && (t == X || t == B) ? logf(value) : value;
            d.exact[t][i] = (double)d.input[t][i];
        }
    }
    for (int t = INPUTS; t < TENSORS; t++) {
        d.exact[t] = support_alloc(d.extent[t], sizeof(double));
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
    for (int t = 0; t < TENSORS; t++) {
        free(d->exact[t]);
    }
    free(d->reset);
    free(d->lengths);
}

/* ---- what is right ---- */

static double *given(const struct data *d, enum tensor t) {
    return d->extent[t] ? d->exact[t] : NULL;
}

#define COMMON(c, d)                                                                               \
    .batch = (c)->config.batch, .time = (c)->config.time, .width = (c)->config.width,              \
    .alg = (c)->config.alg, .cell = (c)->config.cell, .candidate = (c)->config.candidate,          \
    .normalised = (c)->config.normalised, .reversed = (c)->config.reversed,                        \
    .forget_offset = (c)->config.forget_offset, .x = given(d, X), .b = given(d, B),                \
    .bias = given(d, BIAS_), .h0 = given(d, H0_), .init = given(d, INIT_), .reset = (d)->reset,    \
    .lengths = (d)->lengths, .h = given(d, H)

static void compute(const struct scan_case *c, const struct data *d) {
    struct scan_forward_oracle forward = {COMMON(c, d), .h_last = given(d, H_LAST)};
    struct scan_backward_oracle backward = {
        COMMON(c, d),       .dh = given(d, DH),   .dh_last = given(d, DH_LAST), .dx = given(d, DX),
        .db = given(d, DB), .dh0 = given(d, DH0), .dinit = given(d, DINIT)};
    oracle_scan_forward(&forward);
    oracle_scan_backward(&backward);
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
        const double error = relative_error(values, d.exact[t], d.extent[t]);
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

static bool is_opencl(void) {
    minrnn_device_info info;
    CHECK(minrnn_device_describe(device, &info));
    return info.is_opencl;
}

/* Every kind, run and direction; sizes and options change from case to case, so that each meets
 * several of the others. On OpenCL each case is programs to be built: there each kind meets one run
 * and direction. */
static void test_against_oracle(void **state) {
    static const int64_t times[] = {203, 1025, 1, 7, 2};
    static const int64_t widths[] = {16, 33, 1, 64, 3, 100, 16};
    static const unsigned options[] = {ALL_OPTIONS, 0, RESET | LENGTHS, INIT | RESET | LAST | BIAS,
                                       H0 | LENGTHS};
    (void)state;
    unsigned n = 0;
    for (int run = MINRNN_RUN_SERIAL; run <= MINRNN_RUN_CHUNK; run++) {
        for (int kind = 0; kind < SCAN_KINDS; kind++) {
            for (int reversed = 0; reversed < 2; reversed++, n++) {
                struct scan_case c = {config_of(&scan_kinds[kind]), options[(n * 3 + n / 5) % 5], 3,
                                      .seed = n};
                c.config.run = (minrnn_scan_run)run;
                c.config.reversed = reversed;
                c.config.batch = 1 + n % 3;
                c.config.time = times[(n + n / 5) % 5];
                c.config.width = widths[n % 7];
                if (!is_opencl() || (kind % 3 == run - MINRNN_RUN_SERIAL && kind % 2 == reversed)) {
                    check_case(&c);
                }
            }
        }
    }
}

/* Pre-activations where sigma, f / (f + i) and their logarithms would overflow if written down. */
static void test_extremes(void **state) {
    (void)state;
    for (int kind = 0; kind < SCAN_KINDS; kind++) {
        struct scan_case c = {config_of(&scan_kinds[kind]), RESET | INIT, 1000, .seed = 7};
        c.config.run = MINRNN_RUN_SERIAL;
        c.config.batch = 2;
        c.config.time = 130;
        c.config.width = 16;
        if (!is_linear(&c.config) && (!is_opencl() || kind == SCAN_KINDS - 1)) {
            check_case(&c);
        }
    }
}

/* Times longer than one launch of the serial run and of tile. */
static void test_long(void **state) {
    (void)state;
    for (int run = MINRNN_RUN_AUTO; run <= MINRNN_RUN_CHUNK; run++) {
        struct scan_case c = {config_of(&scan_kinds[SCAN_KIND_mingru]), RESET | H0 | INIT | LAST, 3,
                              .seed = 11};
        c.config.run = (minrnn_scan_run)run;
        c.config.batch = 1;
        c.config.time = 70000;
        c.config.width = 3;
        check_case(&c);
    }
}

static minrnn_tensor part(minrnn_tensor tensor, int64_t elements) {
    tensor.offset += tensor.buffer ? elements : 0;
    return tensor;
}

/* A sequence walked in three parts, the state handed on in place, gives the whole's h. */
static void test_parts(void **state) {
    (void)state;
    for (int kind = is_opencl() ? SCAN_KINDS - 2 : 0; kind < SCAN_KINDS; kind++) {
        struct scan_case c = {config_of(&scan_kinds[kind]), H0 | INIT | RESET | LAST, 3, .seed = 5};
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
            t.x = part(t.x, ends[i] * config.width * scan_gates(config.cell));
            t.b = part(t.b, ends[i] * config.width);
            t.h = part(t.h, ends[i] * config.width);
            t.reset = part(t.reset, ends[i]);
            t.h_last = t.h0;
            CHECK(minrnn_scan_forward(device, &config, &t));
        }
        float *h = get(o.tensor[H], d.extent[H]);
        float *last = get(o.tensor[H0_], d.extent[H0_]);
        if (!(relative_error(h, d.exact[H], d.extent[H]) <= 3e-6) ||
            !(relative_error(last, d.exact[H_LAST], d.extent[H_LAST]) <= 3e-6)) {
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
        struct scan_case c = {
            config_of(
                &scan_kinds[run == MINRNN_RUN_TILE ? SCAN_KIND_log_mingru : SCAN_KIND_mingru]),
            RESET | H0, 3, .seed = 9};
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
        cmocka_unit_test(test_against_oracle), cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_long),           cmocka_unit_test(test_parts),
        cmocka_unit_test(test_documents),
    };
    device = support_open_device();
    const int failures = cmocka_run_group_tests(tests, NULL, report);
    minrnn_device_destroy(device);
    return failures;
}
