/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of rows with a layer's weight [out, in]: x [rows, in] to y [rows, out]. */
#ifndef LAYER_DENSE_H
#define LAYER_DENSE_H

#include "layer/layer.h"

/* As torch initialises linear and convolution layers of that fan-in. Matrices decay, biases do not.
 */
struct parameter dense_weight(int64_t fan_in);
struct parameter dense_bias(int64_t fan_in);

/* y = x weight^T; `weight` is the index of the layer's parameter. */
void dense_forward(const struct layer_call *call, int64_t in, int64_t out, minrnn_tensor x,
                   int weight, minrnn_tensor y);

/* The gradients of the weight and, unless `bias` is -1, of the bias [out] are added to; dx is
 * written. */
void dense_backward(const struct layer_call *call, int64_t in, int64_t out, minrnn_tensor x,
                    int weight, int bias, minrnn_tensor dy, minrnn_tensor dx);

/* The two alone: the parameters' gradients, dx. */
void dense_parameters_backward(const struct layer_call *call, int64_t in, int64_t out,
                               minrnn_tensor x, int weight, int bias, minrnn_tensor dy);
void dense_input_backward(const struct layer_call *call, int64_t in, int64_t out, int weight,
                          minrnn_tensor dy, minrnn_tensor dx);

/* A part of a weight as a weight of its own: `out` rows from row `first` on. */
struct dense_part {
    int weight; /* the index of the layer's parameter */
    int64_t in, first, out;
};
void dense_part_forward(const struct layer_call *call, const struct dense_part *part,
                        minrnn_tensor x, minrnn_tensor y);
/* The gradient of the part is added to; dx is written or, with `accumulate`, added to. */
void dense_part_parameters_backward(const struct layer_call *call, const struct dense_part *part,
                                    minrnn_tensor x, minrnn_tensor dy);
void dense_part_input_backward(const struct layer_call *call, const struct dense_part *part,
                               minrnn_tensor dy, bool accumulate, minrnn_tensor dx);

#endif
