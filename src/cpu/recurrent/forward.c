/* SPDX-License-Identifier: Apache-2.0 */
/* GRU and LSTM forward. A thread takes a block of sequences through all of time, so that what they
 * carry and the packed weight stay in its caches. */
#include "cpu/recurrent/walk.h"

/* ---- one step of one sequence ---- */

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

/* ---- the products with the state ---- */

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

/* ---- scratch ---- */

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

/* ---- a block of sequences ---- */

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

const struct recurrent_forward_op CPU_NAME(recurrent_forward_op) = {
    .run = recurrent_forward, .scratch = recurrent_forward_scratch};
