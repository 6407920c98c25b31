/* SPDX-License-Identifier: Apache-2.0 */
/* Causal depthwise convolution over time. Taps are taken four at a time: weights are laid out
 * [taps, width] in scratch, padded with zeros to a multiple of four, and inputs that are not there
 * are a row of zeros. */
#include "cpu/ops.h"

#include <string.h>

enum { GROUP = 4 };

struct conv {
    int64_t batch, time, width, taps, groups;
    const float *x, *state, *dy, *dstate_out;
    const int32_t *reset, *lengths;
    float *weight; /* [groups * GROUP, width] */
    float *zeros;  /* [width] */
};

#define CONV_OF(args)                                                                              \
    {                                                                                              \
        .batch = (args)->batch, .time = (args)->time, .width = (args)->width,                      \
        .taps = (args)->taps, .groups = ceil_div((args)->taps, GROUP), .x = f32((args)->x),        \
        .state = f32((args)->state), .reset = i32((args)->reset), .lengths = i32((args)->lengths)  \
    }

/* Floats of scratch that weight and zeros take. */
static int64_t layout_size(int64_t width, int64_t taps) {
    return (ceil_div(taps, GROUP) * GROUP + 1) * width;
}

static void lay_out(struct conv *conv, const float *weight, float *scratch) {
    conv->weight = scratch;
    conv->zeros = scratch + conv->groups * GROUP * conv->width;
    memset(scratch, 0, (size_t)layout_size(conv->width, conv->taps) * sizeof *scratch);
    for (int64_t tap = 0; tap < conv->taps; tap++) {
        for (int64_t c = 0; c < conv->width; c++) {
            conv->weight[tap * conv->width + c] = weight[c * conv->taps + tap];
        }
    }
}

static int64_t length_of(const struct conv *conv, int64_t sequence) {
    return conv->lengths ? min_i64(conv->time, max_i64(0, conv->lengths[sequence])) : conv->time;
}

static bool begins(const struct conv *conv, int64_t sequence, int64_t t) {
    return conv->reset && conv->reset[sequence * conv->time + t] != 0;
}

/* The earliest time whose input still counts at t: back to the first tap, or to a reset. */
static int64_t earliest_input(const struct conv *conv, int64_t sequence, int64_t t) {
    const int64_t first = t - (conv->taps - 1);
    for (int64_t u = t; u > first && u >= 0; u--) {
        if (begins(conv, sequence, u)) {
            return u;
        }
    }
    return first;
}

/* The input row at time t, which may lie before the chunk. */
static const float *input_row(const struct conv *conv, int64_t sequence, int64_t t,
                              int64_t earliest) {
    if (t >= earliest && t >= 0) {
        return conv->x + (sequence * conv->time + t) * conv->width;
    }
    if (t >= earliest && conv->state) {
        return conv->state + ((sequence + 1) * (conv->taps - 1) + t) * conv->width;
    }
    return conv->zeros;
}

struct rows {
    const float *row[GROUP];
};

/* The inputs of taps GROUP * group and on, at time t. */
static struct rows input_rows(const struct conv *conv, int64_t sequence, int64_t t, int64_t group,
                              int64_t earliest) {
    struct rows rows;
    for (int64_t i = 0; i < GROUP; i++) {
        const int64_t tap = group * GROUP + i;
        rows.row[i] = tap < conv->taps
                          ? input_row(conv, sequence, t - (conv->taps - 1) + tap, earliest)
                          : conv->zeros;
    }
    return rows;
}

/* The first time that input t (negative: of the state) no longer reaches: past the last tap, a
 * length, or a reset. */
static int64_t latest_output(const struct conv *conv, int64_t sequence, int64_t t, int64_t length) {
    const int64_t end = min_i64(length, t + conv->taps);
    int64_t u = max_i64(t + 1, 0);
    while (u < end && !begins(conv, sequence, u)) {
        u++;
    }
    return u;
}

/* The output gradients that reach input t by taps GROUP * group and on. */
static struct rows gradient_rows(const struct conv *conv, int64_t sequence, int64_t t,
                                 int64_t group, int64_t end) {
    struct rows rows;
    for (int64_t i = 0; i < GROUP; i++) {
        const int64_t tap = group * GROUP + i;
        const int64_t u = t + (conv->taps - 1) - tap;
        rows.row[i] = tap < conv->taps && u >= 0 && u < end
                          ? conv->dy + (sequence * conv->time + u) * conv->width
                          : conv->zeros;
    }
    return rows;
}

/* The gradient of the state that goes out, as far as input t is in it: if `end` is the length, no
 * reset cuts it off. */
static const float *state_gradient(const struct conv *conv, int64_t sequence, int64_t t,
                                   int64_t length, int64_t end) {
    const int64_t kept = conv->taps - 1, j = t - (length - kept);
    return conv->dstate_out && j >= 0 && end == length
               ? conv->dstate_out + (sequence * kept + j) * conv->width
               : conv->zeros;
}

/* y = base + bias + sum of weight * row; y may be base. */
static void weigh(int64_t width, const float *weight, struct rows rows, const float *base,
                  const float *bias, float *y) {
    const float *w0 = weight, *w1 = w0 + width, *w2 = w1 + width, *w3 = w2 + width;
    const float *x0 = rows.row[0], *x1 = rows.row[1], *x2 = rows.row[2], *x3 = rows.row[3];
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
        y[c] = base[c] + bias[c] + w0[c] * x0[c] + w1[c] * x1[c] + w2[c] * x2[c] + w3[c] * x3[c];
    }
}

/* dweight += dy * row */
static void correlate(int64_t width, const float *restrict dy, struct rows rows,
                      float *restrict dweight) {
    float *d0 = dweight, *d1 = d0 + width, *d2 = d1 + width, *d3 = d2 + width;
    const float *x0 = rows.row[0], *x1 = rows.row[1], *x2 = rows.row[2], *x3 = rows.row[3];
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
        d0[c] += dy[c] * x0[c];
        d1[c] += dy[c] * x1[c];
        d2[c] += dy[c] * x2[c];
        d3[c] += dy[c] * x3[c];
    }
}

/* ---- forward ---- */

static void forward_row(const struct conv *conv, int64_t row, const float *bias,
                        const float *residual, float *y) {
    const int64_t sequence = row / conv->time;
    const int64_t t = row % conv->time;
    const int64_t width = conv->width;
    float *out = y + row * width;
    if (t >= length_of(conv, sequence)) {
        memset(out, 0, (size_t)width * sizeof *out);
        return;
    }
    const int64_t earliest = earliest_input(conv, sequence, t);
    for (int64_t group = 0; group < conv->groups; group++) {
        const float *base = residual ? residual + row * width : conv->zeros;
        weigh(width, conv->weight + group * GROUP * width,
              input_rows(conv, sequence, t, group, earliest), group == 0 ? base : out,
              group == 0 && bias ? bias : conv->zeros, out);
    }
}

/* The last taps - 1 inputs in use, cut as the next step's would be if it began no document. */
static void write_state(const struct conv *conv, int64_t sequence, float *state_out) {
    const int64_t length = length_of(conv, sequence);
    const int64_t kept = conv->taps - 1;
    const size_t bytes = (size_t)conv->width * sizeof(float);
    int64_t earliest = length - kept;
    for (int64_t t = length - 1; t >= 0 && t > length - 1 - kept && earliest == length - kept;
         t--) {
        earliest = begins(conv, sequence, t) ? t : earliest;
    }
    for (int64_t j = 0; j < kept; j++) {
        memcpy(state_out + (sequence * kept + j) * conv->width,
               input_row(conv, sequence, length - kept + j, earliest), bytes);
    }
}

static int64_t conv_forward_scratch(const minrnn_device *device,
                                    const struct conv_forward_args *args) {
    (void)device;
    return layout_size(args->width, args->taps) * (int64_t)sizeof(float);
}

static minrnn_status conv_forward(struct op_context *context,
                                  const struct conv_forward_args *args) {
    struct conv conv = CONV_OF(args);
    lay_out(&conv, f32(args->weight), f32(context->scratch));
    const float *bias = f32(args->bias);
    const float *residual = f32(args->residual);
    float *y = f32(args->y);
    const int64_t rows = conv.batch * conv.time;
    const int64_t size = row_block(conv.width);
    const int64_t blocks = ceil_div(rows, size);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            forward_row(&conv, row, bias, residual, y);
        }
    }
    if (args->state_out.buffer) {
        for (int64_t sequence = 0; sequence < conv.batch; sequence++) {
            write_state(&conv, sequence, f32(args->state_out));
        }
    }
    return MINRNN_OK;
}

/* ---- backward ---- */

/* dx of one row, and the row's share of dweight [groups * GROUP, width] and dbias after it. */
static void backward_row(const struct conv *conv, int64_t row, const float *dresidual, float *dx,
                         float *dweight) {
    const int64_t sequence = row / conv->time;
    const int64_t t = row % conv->time;
    const int64_t width = conv->width;
    const int64_t length = length_of(conv, sequence);
    float *out = dx + row * width;
    if (t >= length) {
        memset(out, 0, (size_t)width * sizeof *out);
        return;
    }
    const float *dy = conv->dy + row * width;
    const float *base = dresidual ? dresidual + row * width : conv->zeros;
    const int64_t earliest = earliest_input(conv, sequence, t);
    const int64_t end = latest_output(conv, sequence, t, length);
    const float *dstate_out = state_gradient(conv, sequence, t, length, end);
    for (int64_t group = 0; group < conv->groups; group++) {
        weigh(width, conv->weight + group * GROUP * width,
              gradient_rows(conv, sequence, t, group, end), group == 0 ? base : out,
              group == 0 ? dstate_out : conv->zeros, out);
        correlate(width, dy, input_rows(conv, sequence, t, group, earliest),
                  dweight + group * GROUP * width);
    }
    float *dbias = dweight + conv->groups * GROUP * width;
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
        dbias[c] += dy[c];
    }
}

/* The gradient of the state that came in, of one sequence. */
static void write_dstate(const struct conv *conv, int64_t sequence, float *dstate) {
    const int64_t width = conv->width, kept = conv->taps - 1;
    const int64_t length = length_of(conv, sequence);
    for (int64_t t = -kept; t < 0; t++) {
        float *out = dstate + ((sequence + 1) * kept + t) * width;
        const int64_t end = latest_output(conv, sequence, t, length);
        const float *base = state_gradient(conv, sequence, t, length, end);
        for (int64_t group = 0; group < conv->groups; group++) {
            weigh(width, conv->weight + group * GROUP * width,
                  gradient_rows(conv, sequence, t, group, end), group == 0 ? base : out,
                  conv->zeros, out);
        }
    }
}

/* Floats of dweight and dbias of one block of rows. */
static int64_t share_size(int64_t width, int64_t taps) {
    return (ceil_div(taps, GROUP) * GROUP + 1) * width;
}

static void add_totals(const struct conv *conv, const float *total, float *dweight, float *dbias) {
    for (int64_t c = 0; c < conv->width; c++) {
        for (int64_t tap = 0; tap < conv->taps; tap++) {
            dweight[c * conv->taps + tap] += total[tap * conv->width + c];
        }
        dbias[c] += total[conv->groups * GROUP * conv->width + c];
    }
}

static int64_t conv_backward_scratch(const minrnn_device *device,
                                     const struct conv_backward_args *args) {
    (void)device;
    const int64_t rows = args->batch * args->time;
    const int64_t blocks = ceil_div(rows, sum_block(rows));
    const int64_t floats =
        layout_size(args->width, args->taps) + (blocks + 1) * share_size(args->width, args->taps);
    return floats * (int64_t)sizeof(float);
}

static minrnn_status conv_backward(struct op_context *context,
                                   const struct conv_backward_args *args) {
    struct conv conv = CONV_OF(args);
    conv.dy = f32(args->dy);
    conv.dstate_out = f32(args->dstate_out);
    lay_out(&conv, f32(args->weight), f32(context->scratch));
    const float *dresidual = f32(args->dresidual);
    float *dx = f32(args->dx);
    const int64_t share = share_size(conv.width, conv.taps);
    const int64_t rows = conv.batch * conv.time;
    const int64_t size = sum_block(rows);
    const int64_t blocks = ceil_div(rows, size);
    float *total = f32(context->scratch) + layout_size(conv.width, conv.taps);
    float *shares = total + share;
    memset(total, 0, (size_t)((blocks + 1) * share) * sizeof *total);
    const bool shared = threads_repay(blocks, rows * conv.width);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (shared)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            backward_row(&conv, row, dresidual, dx, shares + i * share);
        }
    }
    CPU_NAME(add_partials)(context, blocks, share, share, shares, total);
    add_totals(&conv, total, f32(args->dweight), f32(args->dbias));
    for (int64_t sequence = 0; args->dstate.buffer && sequence < conv.batch; sequence++) {
        write_dstate(&conv, sequence, f32(args->dstate));
    }
    return MINRNN_OK;
}

const struct conv_forward_op CPU_NAME(conv_forward_op) = {.run = conv_forward,
                                                          .scratch = conv_forward_scratch};
const struct conv_backward_op CPU_NAME(conv_backward_op) = {.run = conv_backward,
                                                            .scratch = conv_backward_scratch};
