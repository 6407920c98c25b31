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

void dense_forward(const struct layer_call *call, int64_t in, int64_t out, minrnn_tensor x,
                   int weight, minrnn_tensor y) {
    OP(gemm, call->context, .m = layer_rows(call), .n = out, .k = in, .transpose_b = true, .a = x,
       .b = layer_weight(call, weight), .c = y);
}

void dense_parameters_backward(const struct layer_call *call, int64_t in, int64_t out,
                               minrnn_tensor x, int weight, int bias, minrnn_tensor dy) {
    if (bias >= 0) {
        OP(dense_gradients, call->context, .rows = layer_rows(call), .inputs = in, .outputs = out,
           .x = x, .dy = dy, .dweight = layer_gradient(call, weight),
           .dbias = layer_gradient(call, bias));
        return;
    }
    OP(gemm, call->context, .m = out, .n = in, .k = layer_rows(call), .transpose_a = true,
       .accumulate = true, .a = dy, .b = x, .c = layer_gradient(call, weight));
}

void dense_input_backward(const struct layer_call *call, int64_t in, int64_t out, int weight,
                          minrnn_tensor dy, minrnn_tensor dx) {
    OP(gemm, call->context, .m = layer_rows(call), .n = in, .k = out, .a = dy,
       .b = layer_weight(call, weight), .c = dx);
}

void dense_backward(const struct layer_call *call, int64_t in, int64_t out, minrnn_tensor x,
                    int weight, int bias, minrnn_tensor dy, minrnn_tensor dx) {
    dense_parameters_backward(call, in, out, x, weight, bias, dy);
    dense_input_backward(call, in, out, weight, dy, dx);
}
