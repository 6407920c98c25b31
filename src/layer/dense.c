/* SPDX-License-Identifier: Apache-2.0 */
/* A dense layer as matrix products: forward, and both gradients. */
#include "layer/dense.h"

struct parameter dense_weight(int64_t fan_in) {
    return (struct parameter){.info = {.decays = true},
                              .role = PARAMETER_MATRIX,
                              .draw = draw_uniform,
                              .scale = parameter_linear_bound(fan_in)};
}

struct parameter dense_bias(int64_t fan_in) {
    return (struct parameter){
        .role = PARAMETER_BIAS, .draw = draw_uniform, .scale = parameter_linear_bound(fan_in)};
}

static minrnn_tensor rows_of(const struct dense_part *part, minrnn_tensor all) {
    return tensor_at(all, part->first * part->in);
}

void dense_part_forward(const struct layer_call *call, const struct dense_part *part,
                        minrnn_tensor x, minrnn_tensor y) {
    OP(gemm, call->context, .m = layer_rows(call), .n = part->out, .k = part->in,
       .transpose_b = true, .a = x, .b = rows_of(part, layer_weight(call, part->weight)), .c = y);
}

void dense_part_parameters_backward(const struct layer_call *call, const struct dense_part *part,
                                    minrnn_tensor x, minrnn_tensor dy) {
    OP(gemm, call->context, .m = part->out, .n = part->in, .k = layer_rows(call),
       .transpose_a = true, .accumulate = true, .a = dy, .b = x,
       .c = rows_of(part, layer_gradient(call, part->weight)));
}

void dense_part_input_backward(const struct layer_call *call, const struct dense_part *part,
                               minrnn_tensor dy, bool accumulate, minrnn_tensor dx) {
    OP(gemm, call->context, .m = layer_rows(call), .n = part->in, .k = part->out,
       .accumulate = accumulate, .a = dy, .b = rows_of(part, layer_weight(call, part->weight)),
       .c = dx);
}

void dense_forward(const struct layer_call *call, int64_t in, int64_t out, minrnn_tensor x,
                   int weight, minrnn_tensor y) {
    dense_part_forward(call, &(struct dense_part){weight, in, 0, out}, x, y);
}

void dense_parameters_backward(const struct layer_call *call, int64_t in, int64_t out,
                               minrnn_tensor x, int weight, int bias, minrnn_tensor dy) {
    if (bias >= 0) {
        OP(dense_gradients, call->context, .rows = layer_rows(call), .inputs = in, .outputs = out,
           .x = x, .dy = dy, .dweight = layer_gradient(call, weight),
           .dbias = layer_gradient(call, bias));
        return;
    }
    dense_part_parameters_backward(call, &(struct dense_part){weight, in, 0, out}, x, dy);
}

void dense_input_backward(const struct layer_call *call, int64_t in, int64_t out, int weight,
                          minrnn_tensor dy, minrnn_tensor dx) {
    dense_part_input_backward(call, &(struct dense_part){weight, in, 0, out}, dy, false, dx);
}

void dense_backward(const struct layer_call *call, int64_t in, int64_t out, minrnn_tensor x,
                    int weight, int bias, minrnn_tensor dy, minrnn_tensor dx) {
    dense_parameters_backward(call, in, out, x, weight, bias, dy);
    dense_input_backward(call, in, out, weight, dy, dx);
}
