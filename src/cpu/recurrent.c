/* SPDX-License-Identifier: Apache-2.0 */
/* GRU and LSTM. A thread takes a block of sequences through all of time, so that what they carry
 * and the packed weight stay in its caches. */
#include "base/status.h"
#include "cpu/panels.h"
#include "cpu/vector_math.h"

/* ---- what both passes see ---- */

struct shape {
    enum recurrent_cell cell;
    int64_t batch, time, width, gates, parts;
    bool reversed;
    const int32_t *reset, *lengths;
};

#define SHAPE_OF(args)                                                                             \
    {                                                                                              \
        .cell = (args)->cell, .batch = (args)->batch, .time = (args)->time,                        \
        .width = (args)->width, .gates = recurrent_gates((args)->cell),                            \
        .parts = recurrent_parts((args)->cell), .reversed = (args)->reversed,                      \
        .reset = i32((args)->reset), .lengths = i32((args)->lengths)                               \
    }

/* Steps in use of a sequence. */
static int64_t length_of(const struct shape *shape, int64_t sequence) {
    const int64_t length = shape->lengths ? shape->lengths[sequence] : shape->time;
    return min_i64(shape->time, max_i64(0, length));
}

/* The longest of a block. */
static int64_t longest_of(const struct shape *shape, struct span block) {
    int64_t longest = 0;
    for (int64_t i = 0; i < block.count; i++) {
        longest = max_i64(longest, length_of(shape, block.begin + i));
    }
    return longest;
}

/* Row of the [batch, time] tensors at a step that is in use. */
static int64_t row_of(const struct shape *shape, int64_t sequence, int64_t step) {
    const int64_t t = shape->reversed ? length_of(shape, sequence) - 1 - step : step;
    return sequence * shape->time + t;
}

/* Whether a document begins, or from behind ends, between the step and the one before it. */
static bool is_cut(const struct shape *shape, int64_t sequence, int64_t step) {
    const int64_t row = row_of(shape, sequence, step);
    return shape->reset &&
           (shape->reversed ? step > 0 && shape->reset[row + 1] : shape->reset[row] != 0);
}

/* Sequences that a thread takes together: a tile of the product at least, and no more than leave
 * other threads something to do. */
static int64_t block_of(int64_t batch) {
    enum { LEAST = 8, MOST = 32, PIECES = 16 };
    return min_i64(MOST, round_up(ceil_div(batch, PIECES), LEAST));
}

static void clear(float *x, int64_t count) {
    memset(x, 0, (size_t)count * sizeof *x);
}

static void copy(const float *from, float *to, int64_t count) {
    memcpy(to, from, (size_t)count * sizeof *to);
}

/* A part of a sequence's state, of `width` elements from `place` on; absent states are 0, or
 * nothing is written. */
static void load_part(const float *states, int64_t place, int64_t width, float *part) {
    if (states) {
        copy(states + place, part, width);
    } else {
        clear(part, width);
    }
}

static void store_part(const float *part, int64_t width, float *states, int64_t place) {
    if (states) {
        copy(part, states + place, width);
    }
}

/* Rows past the length, of `width` elements. */
static void clear_past(const struct shape *shape, int64_t sequence, int64_t width, float *x) {
    const int64_t length = length_of(shape, sequence);
    clear(x + (sequence * shape->time + length) * width, (shape->time - length) * width);
}

/* ---- forward: one step of one sequence ---- */

/* Where a sequence's row lies; `product` is that of the state, `added` the biases as pack_bias lays
 * them out. */
struct forward_row {
    const float *restrict product;
    const float *restrict added;
    float *restrict gates;
    float *restrict kept;
    float *restrict h;
    float *restrict state; /* h before, then h */
    float *restrict c;     /* an LSTM's, the same */
    float *restrict again; /* what a second product is of */
};

static void gru_row(int64_t width, const struct forward_row *at) {
    const float *restrict product = at->product, *restrict added = at->added;
    float *restrict gates = at->gates, *restrict kept = at->kept;
    float *restrict h = at->h, *restrict state = at->state;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const struct sigmoids g =
            sigmoids_f32(gates[i] + (product[i] + added[i]),
                         gates[width + i] + (product[width + i] + added[width + i]));
        const float m = product[2 * width + i] + added[3 * width + i];
        const float n = tanh_f32(gates[2 * width + i] + added[2 * width + i] + g.x * m);
        const float next = n + g.y * (state[i] - n);
        gates[i] = g.x;
        gates[width + i] = g.y;
        gates[2 * width + i] = n;
        kept[i] = m;
        h[i] = state[i] = next;
    }
}

/* The gates, and what the second product is of. */
static void gru_before_row(int64_t width, const struct forward_row *at) {
    const float *restrict product = at->product, *restrict added = at->added;
    float *restrict gates = at->gates, *restrict kept = at->kept;
    float *restrict again = at->again;
    const float *restrict state = at->state;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const struct sigmoids g =
            sigmoids_f32(gates[i] + (product[i] + added[i]),
                         gates[width + i] + (product[width + i] + added[width + i]));
        gates[i] = g.x;
        gates[width + i] = g.y;
        kept[i] = again[i] = g.x * state[i];
    }
}

/* The new state, from that product. */
static void gru_candidate_row(int64_t width, const struct forward_row *at) {
    const float *restrict product = at->product, *restrict added = at->added;
    float *restrict gates = at->gates, *restrict h = at->h, *restrict state = at->state;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const float n = tanh_f32(gates[2 * width + i] + (product[i] + added[2 * width + i]));
        const float next = n + gates[width + i] * (state[i] - n);
        gates[2 * width + i] = n;
        h[i] = state[i] = next;
    }
}

static void lstm_row(int64_t width, const struct forward_row *at) {
    const float *restrict product = at->product, *restrict added = at->added;
    float *restrict gates = at->gates, *restrict kept = at->kept;
    float *restrict h = at->h, *restrict state = at->state, *restrict c = at->c;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        const struct sigmoids in =
            sigmoids_f32(gates[i] + (product[i] + added[i]),
                         gates[width + i] + (product[width + i] + added[width + i]));
        const float g =
            tanh_f32(gates[2 * width + i] + (product[2 * width + i] + added[2 * width + i]));
        const float out =
            sigmoids_f32(gates[3 * width + i] + (product[3 * width + i] + added[3 * width + i]),
                         0.0f)
                .x;
        const float next = in.y * c[i] + in.x * g;
        gates[i] = in.x;
        gates[width + i] = in.y;
        gates[2 * width + i] = g;
        gates[3 * width + i] = out;
        kept[i] = c[i] = next;
        h[i] = state[i] = out * tanh_f32(next);
    }
}

/* ---- forward: the products with the state ---- */

/* A step's products in their order: all of the weight; or of a reset before the product the rows of
 * r and z, then those of n. */
enum { MOST_PRODUCTS = 2 };
struct products {
    int count;
    int64_t begin[MOST_PRODUCTS], columns[MOST_PRODUCTS]; /* rows of the weight */
};

static struct products products_of(enum recurrent_cell cell, int64_t width) {
    if (cell == RECURRENT_GRU_BEFORE) {
        return (struct products){2, {0, 2 * width}, {2 * width, width}};
    }
    return (struct products){1, {0}, {recurrent_gates(cell) * width}};
}

/* For one step alone packing the weight would take longer than the product, which is then gemm's.
 */
static bool packs(int64_t time) {
    return time > 1;
}

static struct gemm_args step_product(const struct products *products, int which, int64_t batch,
                                     int64_t width) {
    const int64_t columns = products->columns[which];
    return (struct gemm_args){.m = batch,
                              .n = columns,
                              .k = width,
                              .transpose_b = true,
                              .c_row = panels_row(products->columns[0])};
}

/* ---- forward: scratch ---- */

enum { ADDED = 4 };

/* Where what lies in the scratch, in floats; the rows of a block of sequences are its own. */
struct forward_places {
    int64_t added; /* [ADDED, width], by pack_added */
    int64_t panels[MOST_PRODUCTS];
    int64_t state, c, again; /* [batch, width]: carried, carried, r h_before */
    int64_t product;         /* [batch, panels_row] */
    int64_t gemm;            /* its scratch */
    int64_t total;
};

static int64_t take(int64_t *total, int64_t floats) {
    const int64_t begin = *total;
    *total += round_up(floats, VECTOR);
    return begin;
}

static struct forward_places forward_places(const minrnn_device *device,
                                            const struct recurrent_forward_args *args) {
    const int64_t width = args->width, states = args->batch * width;
    const struct products products = products_of(args->cell, width);
    struct forward_places places = {0};
    int64_t *total = &places.total;
    int64_t gemm = 0;
    places.added = take(total, ADDED * width);
    for (int i = 0; i < products.count; i++) {
        const struct gemm_args product = step_product(&products, i, args->batch, width);
        const int64_t bytes = CPU_NAME(gemm_op).scratch(device, &product);
        gemm = max_i64(gemm, packs(args->time) ? 0 : ceil_div(bytes, F32_BYTES));
        places.panels[i] =
            take(total, packs(args->time) ? panels_floats(width, products.columns[i]) : 0);
    }
    places.state = take(total, states);
    places.c = take(total, args->cell == RECURRENT_LSTM ? states : 0);
    places.again = take(total, products.count > 1 ? states : 0);
    places.product = take(total, args->batch * panels_row(products.columns[0]));
    places.gemm = take(total, gemm);
    return places;
}

static int64_t recurrent_forward_scratch(const minrnn_device *device,
                                         const struct recurrent_forward_args *args) {
    return forward_places(device, args).total * F32_BYTES;
}

/* ---- forward: a block of sequences ---- */

struct forward {
    struct shape shape;
    struct op_context *context;
    const struct recurrent_forward_args *args;
    struct forward_places places;
    struct products products;
    struct panels panels[MOST_PRODUCTS];
    float *scratch;
};

/* What a sequence carries, and where a row of its outputs lies. */
static struct forward_row row_at(const struct forward *f, int64_t sequence, int64_t row) {
    const int64_t width = f->shape.width;
    const struct forward_places *places = &f->places;
    return (struct forward_row){
        .product = f->scratch + places->product + sequence * panels_row(f->products.columns[0]),
        .added = f->scratch + places->added,
        .gates = given_f32(f->args->gates) + row * f->shape.gates * width,
        .kept = given_f32(f->args->kept) + row * width,
        .h = given_f32(f->args->h) + row * width,
        .state = f->scratch + places->state + sequence * width,
        .c = f->scratch + places->c + sequence * width,
        .again = f->scratch + places->again + sequence * width,
    };
}

/* The step's product number `which` for the rows of a block, of what lies at `from` in the scratch.
 */
static minrnn_status multiply(const struct forward *f, struct span block, int which, int64_t from) {
    const int64_t width = f->shape.width, c_row = panels_row(f->products.columns[0]);
    if (packs(f->shape.time)) {
        panels_multiply(&f->panels[which], block.count, f->scratch + from + block.begin * width,
                        width, false, f->scratch + f->places.product + block.begin * c_row, c_row);
        return MINRNN_OK;
    }
    struct op_context context = *f->context;
    struct gemm_args product = step_product(&f->products, which, block.count, width);
    product.a = tensor_at(context.scratch, from);
    product.b = tensor_at(f->args->weight, f->products.begin[which] * width);
    product.c = tensor_at(context.scratch, f->places.product);
    context.scratch = tensor_at(context.scratch, f->places.gemm);
    return CPU_NAME(gemm_op).run(&context, &product);
}

/* Does a row function for the sequences of a block that the step belongs to. */
static void each_row(const struct forward *f, struct span block, int64_t step,
                     void (*run)(int64_t width, const struct forward_row *at)) {
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        if (step < length_of(&f->shape, i)) {
            const struct forward_row at = row_at(f, i, row_of(&f->shape, i, step));
            run(f->shape.width, &at);
        }
    }
}

/* The state before a step is 0 at a cut. */
static void cut_rows(const struct forward *f, struct span block, int64_t step) {
    const int64_t width = f->shape.width;
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        if (step < length_of(&f->shape, i) && is_cut(&f->shape, i, step)) {
            const struct forward_row at = row_at(f, i, 0);
            clear(at.state, width);
            if (f->shape.parts > 1) {
                clear(at.c, width);
            }
        }
    }
}

static void begin_rows(const struct forward *f, struct span block) {
    const int64_t width = f->shape.width, parts = f->shape.parts;
    const float *given = f32(f->args->state);
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        const struct forward_row at = row_at(f, i, 0);
        load_part(given, i * parts * width, width, at.state);
        if (parts > 1) {
            load_part(given, (i * parts + 1) * width, width, at.c);
        }
    }
}

static void end_rows(const struct forward *f, struct span block) {
    const int64_t width = f->shape.width, parts = f->shape.parts;
    float *out = f32(f->args->state_out);
    for (int64_t i = block.begin; i < block.begin + block.count; i++) {
        const struct forward_row at = row_at(f, i, 0);
        store_part(at.state, width, out, i * parts * width);
        if (parts > 1) {
            store_part(at.c, width, out, (i * parts + 1) * width);
        }
        clear_past(&f->shape, i, f->shape.gates * width, given_f32(f->args->gates));
        clear_past(&f->shape, i, width, given_f32(f->args->kept));
        clear_past(&f->shape, i, width, given_f32(f->args->h));
    }
}

static minrnn_status forward_block(const struct forward *f, struct span block) {
    const bool resets_before = f->products.count > 1;
    minrnn_status status = MINRNN_OK;
    begin_rows(f, block);
    for (int64_t step = 0; step < longest_of(&f->shape, block) && !status; step++) {
        cut_rows(f, block, step);
        status = multiply(f, block, 0, f->places.state);
        if (resets_before && !status) {
            each_row(f, block, step, gru_before_row);
            status = multiply(f, block, 1, f->places.again);
        }
        if (!status) {
            each_row(f, block, step,
                     resets_before                     ? gru_candidate_row
                     : f->shape.cell == RECURRENT_LSTM ? lstm_row
                                                       : gru_row);
        }
    }
    end_rows(f, block);
    return status;
}

/* The sums of both biases; of a GRU's n, which has the reset between them, one and the other. */
static void pack_added(const struct forward *f) {
    const int64_t width = f->shape.width, gates = f->shape.gates;
    const float *of_x = f32(f->args->bias_x), *of_state = f32(f->args->bias);
    const int64_t apart = f->shape.cell == RECURRENT_GRU ? 2 * width : gates * width;
    float *added = f->scratch + f->places.added;
    clear(added, ADDED * width);
    for (int64_t i = 0; i < gates * width; i++) {
        added[i] = of_x ? of_x[i] : 0.0f;
        added[i < apart ? i : i + width] += of_state ? of_state[i] : 0.0f;
    }
}

static void pack_products(struct forward *f) {
    const int64_t width = f->shape.width;
    for (int k = 0; k < f->products.count; k++) {
        const float *weight = given_f32(f->args->weight) + f->products.begin[k] * width;
        f->panels[k] = panels_of(width, f->products.columns[k], f->scratch + f->places.panels[k]);
        panels_pack(f->context, &f->panels[k], weight, 1, width);
    }
}

static minrnn_status recurrent_forward(struct op_context *context,
                                       const struct recurrent_forward_args *args) {
    struct forward f = {.shape = SHAPE_OF(args),
                        .context = context,
                        .args = args,
                        .places = forward_places(context->device, args),
                        .products = products_of(args->cell, args->width),
                        .scratch = given_f32(context->scratch)};
    pack_added(&f);
    if (!packs(args->time)) {
        return forward_block(&f, (struct span){0, args->batch});
    }
    const int64_t size = block_of(args->batch), blocks = ceil_div(args->batch, size);
    pack_products(&f);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(dynamic) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        (void)forward_block(&f, span_of(i, args->batch, size));
    }
    return MINRNN_OK;
}

/* ---- backward: one step of one sequence ---- */

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

/* ---- backward: scratch ---- */

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

/* ---- backward: a block of sequences ---- */

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

const struct recurrent_forward_op CPU_NAME(recurrent_forward_op) = {
    .run = recurrent_forward, .scratch = recurrent_forward_scratch};
const struct recurrent_backward_op CPU_NAME(recurrent_backward_op) = {
    .run = recurrent_backward, .scratch = recurrent_backward_scratch};
