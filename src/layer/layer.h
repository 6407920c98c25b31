/* SPDX-License-Identifier: Apache-2.0 */
/* What a network is made of: layers, each a const table that computes through the op table alone.
 * A mixer, a convolution, a feed-forward, an input and an output are all of this kind. */
#ifndef LAYER_LAYER_H
#define LAYER_LAYER_H

#include "layer/parameter.h"
#include "layer/setting.h"
#include "op/arena.h"
#include "op/op.h"

/* What a kind can do beyond a batch of sequences that begin with no memory. */
enum layer_feature {
    LAYER_RESETS = 1,         /* documents that begin inside a sequence */
    LAYER_LENGTHS = 2,        /* sequences shorter than the batch's time */
    LAYER_STREAMS = 4,        /* a state carried in and out: T calls of one step equal one of T */
    LAYER_CHUNKS = 8,         /* the same for any split of the time */
    LAYER_STATE_GRADIENT = 16 /* the gradient of the state that came in */
};

struct layer_kind;

/* A layer in its place. */
struct layer {
    const struct layer_kind *kind;
    const void *settings;               /* the kind's own */
    int64_t width;                      /* channels of x, and of y unless the kind says otherwise */
    const struct parameter *parameters; /* its own, offsets counting from all of the model's */
    int parameter_count;
};

/* Dropout of a layer's output, element i being drawn by (seed, site, step, i). */
struct layer_dropout {
    float probability; /* 0: none */
    uint64_t seed;
    uint32_t site, step;
};

/* One forward or backward call, rows being [batch, time]. An absent tensor is not given. While its
 * context plans, no tensor has a buffer: flags say what decides the way a layer goes.
 *
 * The kind takes what it keeps for backward from `saved`, in an order that backward repeats, and
 * what it needs for the duration of the call from `temporary`, released before it returns. Errors
 * stay in the context (op_context). */
struct layer_call {
    struct op_context *context;
    const struct layer *layer;
    int64_t batch, time;
    minrnn_tensor parameters, gradients; /* all of the model's */
    struct arena *saved, *temporary;

    /* Forward: y = f(x), or with `adds` y = residual + dropout(f(x)); y may be the residual if x is
     * not. */
    minrnn_tensor x, y;
    bool adds;
    minrnn_tensor residual;
    struct layer_dropout dropout;
    minrnn_tensor state, state_out; /* [batch, state elements]; optional, never the same */
    minrnn_tensor reset, lengths;   /* i32 [batch, time], i32 [batch]; optional */
    minrnn_tensor tokens;           /* i32 [rows]: of an input, both ways */

    /* Backward: dy is the gradient of f(x); dx is f's or, with `adds`, that plus dresidual. */
    minrnn_tensor dy, dx, dresidual;
    bool without_dx; /* nobody asks for it, and it is not written */
    bool y_is_kept;  /* forward's y is there for backward too; said to both */
    minrnn_tensor dstate_out, dstate;
    minrnn_tensor order, start; /* i32 [rows], [vocab + 1]: rows sorted by token, of an input */
};

struct layer_kind {
    const char *name;
    unsigned features;
    /* What lies in a configuration's room for it; NULL: nothing, the network fills `settings`. */
    const struct settings *settings;
    /* What no row can say, every value by itself being allowed; NULL: nothing. */
    minrnn_status (*check)(int64_t width, const void *settings);
    /* Appends its parameters. */
    void (*parameters)(const struct layer *layer, struct parameter_list *list);
    /* Elements of one stream's carried state, `longest` being the most steps that it will see.
     * NULL: it carries none. */
    int64_t (*state)(const struct layer *layer, int64_t longest);
    void (*forward)(const struct layer_call *call);
    void (*backward)(const struct layer_call *call);
};

/* Elements of a layer's carried state, of one stream. */
int64_t layer_state(const struct layer *layer, int64_t longest);

/* MINRNN_INVALID_ARGUMENT naming the kind and what it lacks, unless it has the feature. */
minrnn_status layer_require(const struct layer *layer, enum layer_feature feature);

static inline int64_t layer_rows(const struct layer_call *call) {
    return call->batch * call->time;
}

/* The layer's own parameter number `index` and its gradient; absent for -1. */
minrnn_tensor layer_weight(const struct layer_call *call, int index);
minrnn_tensor layer_gradient(const struct layer_call *call, int index);

/* [rows, width] for the duration of the call. */
minrnn_tensor layer_take_rows(const struct layer_call *call, int64_t width);

/* The end of a forward: what the call asks for of f (+ bias, if index is not -1). f may be y. */
void layer_finish(const struct layer_call *call, minrnn_tensor f, int bias);

extern const struct layer_kind layer_conv, layer_feed_forward, layer_input, layer_output;

#endif
