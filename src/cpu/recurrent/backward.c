/* SPDX-License-Identifier: Apache-2.0 */
/* GRU and LSTM backward, from behind, by the same blocks of sequences as forward. */
#include "base/status.h"
#include "cpu/recurrent/walk.h"

/* ---- one step of one sequence ---- */

struct backward_row {
    const float *restrict gates;
    const float *restrict kept;
    const float *restrict dh;
    const float *restrict before;   /* h before */
    const float *restrict c_before; /* an LSTM's */
    float *restrict dgates;
    float *restrict dproduct;    /* a GRU's */
    float *restrict a;           /* what the product with the weight is of */
    float *restrict carry;       /* the gradient of h, then of h before but for that product */
    float *restrict c_carry;     /* of c, then of c before */
    const float *restrict again; /* a second product: the gradient of r h_before */
};

static void gru_gradient(int64_t width, const struct backward_row *at) {
    const float *restrict gates = at->gates, *restrict kept = at->kept, *restrict dh = at->dh;
    const float *restrict before = at->before;
    float *restrict dgates = at->dgates, *restrict dproduct = at->dproduct;
    float *restrict a = at->a, *restrict carry = at->carry;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const float r = gates[i], z = gates[width + i], n = gates[2 * width + i];
        const float d = dh[i] + carry[i];
        const float dn = d * (1.0f - z) * ((1.0f - n) * (1.0f + n));
        const float dz = d * (before[i] - n) * (z * (1.0f - z));
        const float dr = dn * kept[i] * (r * (1.0f - r));
        dgates[i] = dproduct[i] = a[i] = dr;
        dgates[width + i] = dproduct[width + i] = a[width + i] = dz;
        dgates[2 * width + i] = dn;
        dproduct[2 * width + i] = a[2 * width + i] = dn * r;
        carry[i] = d * z;
    }
}

/* The gates but r, which needs the product of dn. */
static void gru_before_gradient(int64_t width, const struct backward_row *at) {
    const float *restrict gates = at->gates, *restrict dh = at->dh, *restrict before = at->before;
    float *restrict dgates = at->dgates, *restrict a = at->a, *restrict carry = at->carry;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const float z = gates[width + i], n = gates[2 * width + i];
        const float d = dh[i] + carry[i];
        dgates[width + i] = a[width + i] = d * (before[i] - n) * (z * (1.0f - z));
        dgates[2 * width + i] = a[2 * width + i] = d * (1.0f - z) * ((1.0f - n) * (1.0f + n));
        carry[i] = d * z;
    }
}

/* r, from that product. */
static void gru_reset_gradient(int64_t width, const struct backward_row *at) {
    const float *restrict gates = at->gates, *restrict before = at->before;
    const float *restrict again = at->again;
    float *restrict dgates = at->dgates, *restrict a = at->a, *restrict carry = at->carry;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const float r = gates[i];
        dgates[i] = a[i] = again[i] * before[i] * (r * (1.0f - r));
        carry[i] += again[i] * r;
    }
}

static void lstm_gradient(int64_t width, const struct backward_row *at) {
    const float *restrict gates = at->gates, *restrict kept = at->kept, *restrict dh = at->dh;
    const float *restrict c_before = at->c_before;
    float *restrict dgates = at->dgates, *restrict a = at->a;
    float *restrict carry = at->carry, *restrict c_carry = at->c_carry;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const float in = gates[i], f = gates[width + i];
        const float g = gates[2 * width + i], out = gates[3 * width + i];
        const float c = tanh_f32(kept[i]);
        const float d = dh[i] + carry[i];
        const float dc = c_carry[i] + d * out * ((1.0f - c) * (1.0f + c));
        dgates[i] = a[i] = dc * g * (in * (1.0f - in));
        dgates[width + i] = a[width + i] = dc * c_before[i] * (f * (1.0f - f));
        dgates[2 * width + i] = a[2 * width + i] = dc * in * ((1.0f - g) * (1.0f + g));
        dgates[3 * width + i] = a[3 * width + i] = d * c * (out * (1.0f - out));
        carry[i] = 0.0f;
        c_carry[i] = dc * f;
    }
}

/* ---- scratch ---- */

/* In floats. */
struct backward_places {
    int64_t
        panels[MOST_PRODUCTS]; /* of the products' rows of the weight, as products_of has them */
    int64_t zeros;             /* [width] */
    int64_t a;                 /* [batch, gates, width] */
    int64_t carry, again;      /* [batch, panels_row] */
    int64_t c_carry;           /* [batch, width] */
    int64_t total;
};

static struct backward_places backward_places(const struct recurrent_backward_args *args) {
    const int64_t width = args->width, batch = args->batch;
    const struct products products = products_of(args->cell, width);
    struct backward_places places = {0};
    int64_t *total = &places.total;
    for (int i = 0; i < products.count; i++) {
        places.panels[i] = take(total, panels_floats(products.columns[i], width));
    }
    places.zeros = take(total, width);
    places.a = take(total, batch * recurrent_gates(args->cell) * width);
    places.carry = take(total, batch * panels_row(width));
    places.again = take(total, products.count > 1 ? batch * panels_row(width) : 0);
    places.c_carry = take(total, args->cell == RECURRENT_LSTM ? batch * width : 0);
    return places;
}

static int64_t recurrent_backward_scratch(const minrnn_device *device,
                                          const struct recurrent_backward_args *args) {
    (void)device;
    return backward_places(args).total * F32_BYTES;
}

/* ---- a block of sequences ---- */

struct backward {
    struct shape shape;
    const struct recurrent_backward_args *args;
    struct backward_places places;
    struct products products;
    struct panels panels[MOST_PRODUCTS];
    float *scratch;
};

/* Part `part` of the state before a step that comes after another one in `rows` [batch, time,
 * width]. */
static const float *before_of(const struct backward *b, int64_t sequence, int64_t step,
                              int64_t part, const float *rows) {
    const struct shape *shape = &b->shape;
    const float *given = f32(b->args->state);
    if (is_cut(shape, sequence, step) || (step == 0 && !given)) {
        return b->scratch + b->places.zeros;
    }
    return step == 0 ? given + (sequence * shape->parts + part) * shape->width
                     : rows + row_of(shape, sequence, step - 1) * shape->width;
}

static struct backward_row gradient_at(const struct backward *b, int64_t sequence, int64_t step) {
    const struct shape *shape = &b->shape;
    const int64_t width = shape->width, row = row_of(shape, sequence, step);
    const int64_t gates = row * shape->gates * width;
    const struct recurrent_backward_args *args = b->args;
    return (struct backward_row){
        .gates = given_f32(args->gates) + gates,
        .kept = given_f32(args->kept) + row * width,
        .dh = given_f32(args->dh) + row * width,
        .before = before_of(b, sequence, step, 0, given_f32(args->h)),
        .c_before = before_of(b, sequence, step, shape->parts - 1, given_f32(args->kept)),
        .dgates = given_f32(args->dgates) + gates,
        .dproduct = args->dproduct.buffer ? given_f32(args->dproduct) + gates : NULL,
        .a = b->scratch + b->places.a + sequence * shape->gates * width,
        .carry = b->scratch + b->places.carry + sequence * panels_row(width),
        .again = b->scratch + b->places.again + sequence * panels_row(width),
        .c_carry = b->scratch + b->places.c_carry + sequence * width,
    };
}

/* Does a row function for the sequences of a block that the step belongs to. */
static void each_gradient(const struct backward *b, struct span block, int64_t step,
                          void (*run)(int64_t width, const struct backward_row *at)) {
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        if (step < length_of(&b->shape, i)) {
            const struct backward_row at = gradient_at(b, i, step);
            run(b->shape.width, &at);
        }
    }
}

/* `before` as the step saw it. What goes back ends at a cut, and there is none past a length. */
static void settle_rows(const struct backward *b, struct span block, int64_t step) {
    const int64_t width = b->shape.width, gates = b->shape.gates;
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        float *a = b->scratch + b->places.a + i * gates * width;
        if (step >= length_of(&b->shape, i)) {
            clear(a, gates * width);
            continue;
        }
        const struct backward_row at = gradient_at(b, i, step);
        copy(at.before, given_f32(b->args->before) + row_of(&b->shape, i, step) * width, width);
        if (is_cut(&b->shape, i, step)) {
            clear(a, gates * width);
            clear(at.carry, width);
            if (b->shape.parts > 1) {
                clear(at.c_carry, width);
            }
        }
    }
}

/* The product number `which` of a block's gradients with the weight: `into` += a weight, or = it.
 */
static void multiply_back(const struct backward *b, struct span block, int which, bool accumulate,
                          int64_t into) {
    const int64_t width = b->shape.width, row = panels_row(width), gates = b->shape.gates;
    panels_multiply(&b->panels[which], block.count,
                    b->scratch + b->places.a + block.begin * gates * width +
                        b->products.begin[which],
                    gates * width, accumulate, b->scratch + into + block.begin * row, row);
}

/* From dstate_out to what is carried, and from that to dstate. */
static void begin_gradients(const struct backward *b, struct span block) {
    const int64_t width = b->shape.width, parts = b->shape.parts, row = panels_row(width);
    const float *given = f32(b->args->dstate_out);
    float *carry = b->scratch + b->places.carry, *c_carry = b->scratch + b->places.c_carry;
    clear(carry + block.begin * row, block.count * row);
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        load_part(given, i * parts * width, width, carry + i * row);
        if (parts > 1) {
            load_part(given, (i * parts + 1) * width, width, c_carry + i * width);
        }
    }
}

static void end_gradients(const struct backward *b, struct span block) {
    const int64_t width = b->shape.width, parts = b->shape.parts, row = panels_row(width);
    const struct recurrent_backward_args *args = b->args;
    const float *carry = b->scratch + b->places.carry, *c_carry = b->scratch + b->places.c_carry;
    float *out = f32(args->dstate);
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        store_part(carry + i * row, width, out, i * parts * width);
        if (parts > 1) {
            store_part(c_carry + i * width, width, out, (i * parts + 1) * width);
        }
        clear_past(&b->shape, i, b->shape.gates * width, given_f32(args->dgates));
        clear_past(&b->shape, i, width, given_f32(args->before));
        if (b->shape.cell == RECURRENT_GRU) {
            clear_past(&b->shape, i, b->shape.gates * width, given_f32(args->dproduct));
        }
    }
}

static void backward_block(const struct backward *b, struct span block) {
    const bool resets_before = b->products.count > 1;
    begin_gradients(b, block);
    for (int64_t step = longest_of(&b->shape, block) - 1; step >= 0; step--) {
        if (resets_before) {
            each_gradient(b, block, step, gru_before_gradient);
            multiply_back(b, block, 1, false, b->places.again);
            each_gradient(b, block, step, gru_reset_gradient);
        } else {
            each_gradient(b, block, step,
                          b->shape.cell == RECURRENT_LSTM ? lstm_gradient : gru_gradient);
        }
        settle_rows(b, block, step);
        multiply_back(b, block, 0, true, b->places.carry);
    }
    end_gradients(b, block);
}

static minrnn_status recurrent_backward(struct op_context *context,
                                        const struct recurrent_backward_args *args) {
    struct backward b = {.shape = SHAPE_OF(args),
                         .args = args,
                         .places = backward_places(args),
                         .products = products_of(args->cell, args->width),
                         .scratch = given_f32(context->scratch)};
    const int64_t width = args->width;
    const int64_t size = block_of(args->batch), blocks = ceil_div(args->batch, size);
    if (args->cell == RECURRENT_GRU && !args->dproduct.buffer) {
        return fail(MINRNN_INVALID_ARGUMENT, "recurrent_backward: tensor dproduct is missing");
    }
    for (int k = 0; k < b.products.count; k++) {
        b.panels[k] = panels_of(b.products.columns[k], width, b.scratch + b.places.panels[k]);
        panels_pack(context, &b.panels[k], given_f32(args->weight) + b.products.begin[k] * width,
                    width, 1);
    }
    clear(b.scratch + b.places.zeros, width);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(dynamic) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        backward_block(&b, span_of(i, args->batch, size));
    }
    return MINRNN_OK;
}

const struct recurrent_backward_op CPU_NAME(recurrent_backward_op) = {
    .run = recurrent_backward, .scratch = recurrent_backward_scratch};
