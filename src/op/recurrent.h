/* SPDX-License-Identifier: Apache-2.0 */
/* The cells whose gates read the state before: what op_list.def's recurrent ops are sized by. */
#ifndef OP_RECURRENT_H
#define OP_RECURRENT_H

#include <stdint.h>

/* Row blocks of the gates are torch's: r, z, n of a GRU; i, f, g, o of an LSTM. */
enum recurrent_cell {
    RECURRENT_GRU,        /* resets after the product with the state, as torch.nn.GRU */
    RECURRENT_GRU_BEFORE, /* resets the state before the product, as the papers */
    RECURRENT_LSTM,
    RECURRENT_CELLS
};

/* Gates a channel has. */
static inline int64_t recurrent_gates(enum recurrent_cell cell) {
    return cell == RECURRENT_LSTM ? 4 : 3;
}

/* Parts of a state: h, and an LSTM's c behind it. */
static inline int64_t recurrent_parts(enum recurrent_cell cell) {
    return cell == RECURRENT_LSTM ? 2 : 1;
}

/* Whether the product's pre-activations have gradients of their own: only if the reset gate stands
 * between the product and the sum with the input's. */
static inline int64_t recurrent_products(enum recurrent_cell cell) {
    return cell == RECURRENT_GRU ? recurrent_gates(cell) : 0;
}

#endif
