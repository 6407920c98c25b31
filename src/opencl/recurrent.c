/* SPDX-License-Identifier: Apache-2.0 */
/* GRU and LSTM: at every step the product with the weight, and a kernel for the cell; two of each
 * if the reset stands before the product. */
#include "opencl/plan.h"

static const char file[] = "recurrent.cl";

enum { MOST_PARTS = 2 };

/* A pass of a cell: its kernels, with the products before them forward and after them backward,
 * which are of these row blocks of the weight. */
struct pass {
    int count;
    struct {
        const char *kernel;
        int begin, blocks;
    } parts[MOST_PARTS];
};

static const struct pass forward_passes[RECURRENT_CELLS] = {
    [RECURRENT_GRU] = {1, {{"gru_forward", 0, 3}}},
    [RECURRENT_GRU_BEFORE] = {2, {{"gru_before_forward", 0, 2}, {"gru_before_candidate", 2, 1}}},
    [RECURRENT_LSTM] = {1, {{"lstm_forward", 0, 4}}},
};

static const struct pass backward_passes[RECURRENT_CELLS] = {
    [RECURRENT_GRU] = {1, {{"gru_backward", 0, 3}}},
    [RECURRENT_GRU_BEFORE] = {2, {{"gru_before_backward", 2, 1}, {"gru_before_reset", 0, 2}}},
    [RECURRENT_LSTM] = {1, {{"lstm_backward", 0, 4}}},
};

/* Rows for a row group: the device's choice on CPUs, else one, as the kernels have it. */
static minrnn_status plan_walk(struct cl_device *device, const char *name, int64_t rows,
                               int64_t width, struct plan *plan) {
    return plan_rows(device, file, name, rows, width, plan_loops(device) ? 0 : 1, plan);
}

static minrnn_status plan_pass(struct cl_device *device, const struct pass *pass, int64_t batch,
                               int64_t width, struct plan plans[MOST_PARTS]) {
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < pass->count && !status; i++) {
        status = plan_walk(device, pass->parts[i].kernel, batch, width, &plans[i]);
    }
    return status;
}

/* Takes the next `elements` of the scratch. */
static int64_t take(int64_t *total, int64_t elements) {
    enum { ALIGNMENT = 128 };
    const int64_t begin = *total;
    *total += round_up(elements, ALIGNMENT);
    return begin;
}

/* The rest of the scratch is the product's. */
static minrnn_status multiply(const struct op_context *context, int64_t used,
                              const struct gemm_args *product) {
    struct op_context own = *context;
    own.scratch = tensor_at(context->scratch, used);
    own.scratch_bytes -= used * F32_BYTES;
    return cl_gemm_op.run(&own, product);
}

static int64_t gemm_elements(const minrnn_device *device, const struct gemm_args *product) {
    return ceil_div(cl_gemm_op.scratch(device, product), F32_BYTES);
}

/* carry = from, and 0 where the first step is cut. */
static minrnn_status begin(struct cl_device *device, int64_t batch, int64_t elements, int64_t time,
                           bool reversed, minrnn_tensor from, minrnn_tensor reset,
                           minrnn_tensor lengths, minrnn_tensor carry) {
    struct plan plan;
    const minrnn_status status = plan_walk(device, "recurrent_begin", batch, elements, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(batch), ARG_LONG(plan.run),
                           ARG_LONG(elements), ARG_LONG(time), ARG_INT(reversed), ARG_TENSOR(from),
                           ARG_TENSOR(reset), ARG_TENSOR(lengths), ARG_TENSOR(carry));
}

/* ---- forward ---- */

/* Elements of the scratch. */
enum { ADDED = 4 };
struct forward_places {
    int64_t added;   /* [ADDED, width] */
    int64_t carry;   /* [batch, parts, width], if state_out is absent */
    int64_t again;   /* [batch, width] */
    int64_t product; /* [batch, row blocks, width] */
    int64_t own;     /* all of these */
};

static struct forward_places forward_places(const struct recurrent_forward_args *args) {
    const int64_t states = args->batch * args->width;
    const struct pass *pass = &forward_passes[args->cell];
    struct forward_places places = {0};
    places.added = take(&places.own, ADDED * args->width);
    places.carry = take(&places.own, recurrent_parts(args->cell) * states);
    places.again = take(&places.own, pass->count > 1 ? states : 0);
    places.product = take(&places.own, pass->parts[0].blocks * states);
    return places;
}

/* The product before part i: of the state, or of what the part before made of it. */
static struct gemm_args forward_product(const struct recurrent_forward_args *args, int i,
                                        minrnn_tensor scratch) {
    const struct forward_places places = forward_places(args);
    const struct pass *pass = &forward_passes[args->cell];
    const minrnn_tensor carry =
        args->state_out.buffer ? args->state_out : tensor_at(scratch, places.carry);
    return (struct gemm_args){
        .m = args->batch,
        .n = pass->parts[i].blocks * args->width,
        .k = args->width,
        .transpose_b = true,
        .a_row = (i == 0 ? recurrent_parts(args->cell) : 1) * args->width,
        .a = i == 0 ? carry : tensor_at(scratch, places.again),
        .b = tensor_at(args->weight, pass->parts[i].begin * args->width * args->width),
        .c = tensor_at(scratch, places.product),
    };
}

static int64_t recurrent_forward_scratch(const minrnn_device *device,
                                         const struct recurrent_forward_args *args) {
    int64_t gemm = 0;
    for (int i = 0; i < forward_passes[args->cell].count; i++) {
        const struct gemm_args product = forward_product(args, i, (minrnn_tensor){0});
        gemm = max_i64(gemm, gemm_elements(device, &product));
    }
    return (forward_places(args).own + gemm) * F32_BYTES;
}

static minrnn_status forward_step(struct op_context *context,
                                  const struct recurrent_forward_args *args, int64_t step,
                                  const struct plan plans[MOST_PARTS]) {
    const struct forward_places places = forward_places(args);
    const minrnn_tensor again = tensor_at(context->scratch, places.again);
    const struct gemm_args first = forward_product(args, 0, context->scratch);
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < forward_passes[args->cell].count && !status; i++) {
        const struct gemm_args product = forward_product(args, i, context->scratch);
        status = multiply(context, places.own, &product);
        if (!status) {
            status = LAUNCH(
                cl_device_of(context), plans[i].kernel, &plans[i].range, ARG_LONG(args->batch),
                ARG_LONG(plans[i].run), ARG_LONG(args->width), ARG_LONG(args->time), ARG_LONG(step),
                ARG_INT(args->reversed), ARG_TENSOR(product.c),
                ARG_TENSOR(tensor_at(context->scratch, places.added)), ARG_TENSOR(args->reset),
                ARG_TENSOR(args->lengths), ARG_TENSOR(args->gates), ARG_TENSOR(args->kept),
                ARG_TENSOR(args->h), ARG_TENSOR(first.a), ARG_TENSOR(again));
        }
    }
    return status;
}

static minrnn_status add_biases(struct op_context *context,
                                const struct recurrent_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status = plan_walk(device, "recurrent_added", ADDED, args->width, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(ADDED), ARG_LONG(plan.run),
                           ARG_LONG(args->width), ARG_LONG(recurrent_gates(args->cell)),
                           ARG_INT(args->cell == RECURRENT_GRU), ARG_TENSOR(args->bias_x),
                           ARG_TENSOR(args->bias),
                           ARG_TENSOR(tensor_at(context->scratch, forward_places(args).added)));
}

static minrnn_status recurrent_forward(struct op_context *context,
                                       const struct recurrent_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    const int64_t elements = recurrent_parts(args->cell) * args->width;
    struct plan plans[MOST_PARTS] = {{0}};
    minrnn_status status =
        plan_pass(device, &forward_passes[args->cell], args->batch, args->width, plans);
    status = status ? status : add_biases(context, args);
    status = status
                 ? status
                 : begin(device, args->batch, elements, args->time, args->reversed, args->state,
                         args->reset, args->lengths, forward_product(args, 0, context->scratch).a);
    for (int64_t step = 0; step < args->time && !status; step++) {
        status = forward_step(context, args, step, plans);
    }
    return status;
}

/* ---- backward ---- */

struct backward_places {
    int64_t carry; /* [batch, parts, width], if dstate is absent */
    int64_t again; /* [batch, width] */
    int64_t a;     /* [batch, gates, width] */
    int64_t own;
};

static struct backward_places backward_places(const struct recurrent_backward_args *args) {
    const int64_t states = args->batch * args->width;
    struct backward_places places = {0};
    places.carry = take(&places.own, recurrent_parts(args->cell) * states);
    places.again = take(&places.own, backward_passes[args->cell].count > 1 ? states : 0);
    places.a = take(&places.own, recurrent_gates(args->cell) * states);
    return places;
}

static minrnn_tensor carry_back(const struct recurrent_backward_args *args, minrnn_tensor scratch) {
    return args->dstate.buffer ? args->dstate : tensor_at(scratch, backward_places(args).carry);
}

/* The product after part i: the last one's is added to the gradient of the state. */
static struct gemm_args backward_product(const struct recurrent_backward_args *args, int i,
                                         minrnn_tensor scratch) {
    const struct backward_places places = backward_places(args);
    const struct pass *pass = &backward_passes[args->cell];
    const bool is_last = i == pass->count - 1;
    const int64_t begin = pass->parts[i].begin * args->width;
    return (struct gemm_args){
        .m = args->batch,
        .n = args->width,
        .k = pass->parts[i].blocks * args->width,
        .accumulate = is_last,
        .a_row = recurrent_gates(args->cell) * args->width,
        .c_row = (is_last ? recurrent_parts(args->cell) : 1) * args->width,
        .a = tensor_at(scratch, places.a + begin),
        .b = tensor_at(args->weight, begin * args->width),
        .c = is_last ? carry_back(args, scratch) : tensor_at(scratch, places.again),
    };
}

static int64_t recurrent_backward_scratch(const minrnn_device *device,
                                          const struct recurrent_backward_args *args) {
    int64_t gemm = 0;
    for (int i = 0; i < backward_passes[args->cell].count; i++) {
        const struct gemm_args product = backward_product(args, i, (minrnn_tensor){0});
        gemm = max_i64(gemm, gemm_elements(device, &product));
    }
    return (backward_places(args).own + gemm) * F32_BYTES;
}

static minrnn_status backward_step(struct op_context *context,
                                   const struct recurrent_backward_args *args, int64_t step,
                                   const struct plan plans[MOST_PARTS]) {
    const struct backward_places places = backward_places(args);
    const minrnn_tensor scratch = context->scratch;
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < backward_passes[args->cell].count && !status; i++) {
        const struct gemm_args product = backward_product(args, i, scratch);
        status =
            LAUNCH(cl_device_of(context), plans[i].kernel, &plans[i].range, ARG_LONG(args->batch),
                   ARG_LONG(plans[i].run), ARG_LONG(args->width), ARG_LONG(args->time),
                   ARG_LONG(step), ARG_INT(args->reversed), ARG_TENSOR(args->state),
                   ARG_TENSOR(args->reset), ARG_TENSOR(args->lengths), ARG_TENSOR(args->gates),
                   ARG_TENSOR(args->kept), ARG_TENSOR(args->h), ARG_TENSOR(args->dh),
                   ARG_TENSOR(args->dgates), ARG_TENSOR(args->dproduct), ARG_TENSOR(args->before),
                   ARG_TENSOR(tensor_at(scratch, places.a)), ARG_TENSOR(carry_back(args, scratch)),
                   ARG_TENSOR(tensor_at(scratch, places.again)));
        status = status ? status : multiply(context, places.own, &product);
    }
    return status;
}

static minrnn_status recurrent_backward(struct op_context *context,
                                        const struct recurrent_backward_args *args) {
    struct cl_device *device = cl_device_of(context);
    const int64_t elements = recurrent_parts(args->cell) * args->width;
    const minrnn_tensor none = {0};
    struct plan plans[MOST_PARTS] = {{0}};
    if (args->cell == RECURRENT_GRU && !args->dproduct.buffer) {
        return fail(MINRNN_INVALID_ARGUMENT, "recurrent_backward: tensor dproduct is missing");
    }
    minrnn_status status =
        plan_pass(device, &backward_passes[args->cell], args->batch, args->width, plans);
    status = status
                 ? status
                 : begin(device, args->batch, elements, args->time, args->reversed,
                         args->dstate_out, none, args->lengths, carry_back(args, context->scratch));
    for (int64_t step = args->time - 1; step >= 0 && !status; step--) {
        status = backward_step(context, args, step, plans);
    }
    return status;
}

const struct recurrent_forward_op cl_recurrent_forward_op = {.run = recurrent_forward,
                                                             .scratch = recurrent_forward_scratch};
const struct recurrent_backward_op cl_recurrent_backward_op = {
    .run = recurrent_backward, .scratch = recurrent_backward_scratch};
