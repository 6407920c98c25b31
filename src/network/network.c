/* SPDX-License-Identifier: Apache-2.0 */
/* The pass: input, branches, output, and back again. */
#include "network/network.h"

#include "base/alloc.h"
#include "layer/norm.h"

minrnn_status network_pass_create(struct network_pass *pass, struct op_context *context,
                                  const struct model_layout *layout) {
    const struct arena arena = arena_of(context->device);
    *pass =
        (struct network_pass){.context = context, .layout = layout, .kept = arena, .brief = arena};
    pass->branches = mem_alloc((uint64_t)layout->branch_count, sizeof *pass->branches);
    return pass->branches ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

void network_pass_destroy(struct network_pass *pass) {
    mem_free(pass->branches);
    pass->branches = NULL;
}

void network_enter(struct network_pass *pass, const char *phase, int block, const char *part) {
    if (!pass->context->status) {
        pass->phase = phase;
        pass->block = block;
        pass->part = part;
    }
}

static const char *forward_phase(const struct network_pass *pass) {
    return pass->training ? "forward" : "evaluation";
}

static int64_t rows_of(const struct network_pass *pass) {
    return pass->batch * pass->time;
}

static int64_t width_of(const struct network_pass *pass) {
    return pass->layout->config.width;
}

int64_t network_head_rows(const struct network_pass *pass) {
    return pass->head_rows > 0 ? pass->head_rows : rows_of(pass);
}

static minrnn_tensor brief_rows(struct network_pass *pass) {
    return arena_take(&pass->brief, rows_of(pass) * width_of(pass));
}

/* A parameter's view in a buffer of all parameters, or all gradients. */
static minrnn_tensor parameter_of(const struct network_pass *pass, minrnn_tensor all, int index) {
    return tensor_at(all, pass->layout->parameters[index].info.offset);
}

/* ---- calls of layers ---- */

static struct layer_call call_of(struct network_pass *pass, const struct layer *layer,
                                 struct arena *saved) {
    return (struct layer_call){
        .context = pass->context,
        .layer = layer,
        .batch = pass->batch,
        .time = pass->time,
        .parameters = pass->parameters,
        .gradients = pass->gradients,
        .saved = saved,
        .temporary = &pass->brief,
        .reset = pass->reset,
        .lengths = pass->lengths,
    };
}

static struct layer_dropout dropout_of(const struct network_pass *pass,
                                       const struct branch *branch) {
    const bool drops = pass->training && branch->dropout_site >= 0;
    return (struct layer_dropout){.probability = drops ? pass->layout->config.dropout : 0.0f,
                                  .seed = pass->seed,
                                  .site = (uint32_t)branch->dropout_site,
                                  .step = pass->step};
}

/* A branch's part of the states of all layers; absent if it has none. */
static minrnn_tensor state_of(const struct network_pass *pass, const struct branch *branch,
                              minrnn_tensor states) {
    return states.buffer && layer_state(&branch->layer, 1) > 0
               ? tensor_at(states, pass->batch * branch->state)
               : (minrnn_tensor){0};
}

static void norm(struct network_pass *pass, int64_t rows, minrnn_tensor x, int gain,
                 minrnn_tensor y, minrnn_tensor inverse) {
    norm_forward(pass->context, rows, width_of(pass), x, parameter_of(pass, pass->parameters, gain),
                 y, inverse);
}

static void norm_gradient(struct network_pass *pass, int64_t rows, minrnn_tensor x, int gain,
                          minrnn_tensor inverse, minrnn_tensor dy, bool accumulate,
                          minrnn_tensor dx) {
    norm_backward(pass->context, rows, width_of(pass), x,
                  parameter_of(pass, pass->parameters, gain), inverse, dy, accumulate, dx,
                  parameter_of(pass, pass->gradients, gain));
}

/* ---- branches ---- */

/* Where a branch writes the stream: training keeps every one; inference writes over the old one if
 * the layer does not read it any more, else into the other of its two. */
static minrnn_tensor next_stream(struct network_pass *pass, minrnn_tensor x, bool in_place) {
    if (pass->training) {
        return arena_take(&pass->kept, rows_of(pass) * width_of(pass));
    }
    if (in_place) {
        return x;
    }
    return x.offset == pass->streams[0].offset ? pass->streams[1] : pass->streams[0];
}

/* x is the stream, before and after. */
static void branch_forward(struct network_pass *pass, int n, minrnn_tensor *x) {
    const struct branch *branch = &pass->layout->branches[n];
    struct branch_kept *kept = &pass->branches[n];
    const int64_t mark = pass->kept.used, brief_mark = pass->brief.used;
    network_enter(pass, forward_phase(pass), branch->block, branch->part);
    struct layer_call call = call_of(pass, &branch->layer, &pass->kept);
    kept->x = call.x = call.residual = *x;
    call.adds = true;
    call.y = next_stream(pass, *x, branch->norm >= 0);
    call.dropout = dropout_of(pass, branch);
    call.state = state_of(pass, branch, pass->state_in);
    call.state_out = state_of(pass, branch, pass->state_out);
    if (branch->norm >= 0) {
        call.x = brief_rows(pass);
        kept->inverse = arena_take(&pass->kept, rows_of(pass));
        norm(pass, rows_of(pass), *x, branch->norm, call.x, kept->inverse);
    }
    kept->start = pass->kept.used;
    branch->layer.kind->forward(&call);
    arena_release(&pass->brief, brief_mark);
    if (!pass->training) {
        arena_release(&pass->kept, mark);
    }
    *x = call.y;
}

/* The gradient of a layer's output, from that of the stream: dx itself, or with dropout a
 * temporary.
 */
static minrnn_tensor dropout_backward(struct network_pass *pass, const struct branch *branch,
                                      minrnn_tensor dx) {
    const struct layer_dropout dropout = dropout_of(pass, branch);
    if (dropout.probability == 0.0f) {
        return dx;
    }
    const minrnn_tensor dy = brief_rows(pass);
    OP(residual_backward, pass->context, .rows = rows_of(pass), .width = width_of(pass),
       .dropout = dropout.probability, .seed = dropout.seed, .site = dropout.site,
       .step = dropout.step, .dy = dx, .dx = dy);
    return dy;
}

/* dx, the gradient of the stream after the branch, becomes that before it. */
static void normed_backward(struct network_pass *pass, int n, struct layer_call *call,
                            minrnn_tensor dx) {
    const struct branch *branch = &pass->layout->branches[n];
    const struct branch_kept *kept = &pass->branches[n];
    call->x = brief_rows(pass);
    call->dx = brief_rows(pass);
    call->dy = dropout_backward(pass, branch, dx);
    norm(pass, rows_of(pass), kept->x, branch->norm, call->x, kept->inverse);
    branch->layer.kind->backward(call);
    norm_gradient(pass, rows_of(pass), kept->x, branch->norm, kept->inverse, call->dx, true, dx);
}

/* The same for a layer that reads the stream itself, into `other`; the two change places. */
static void plain_backward(struct network_pass *pass, int n, struct layer_call *call,
                           minrnn_tensor *dx, minrnn_tensor *other) {
    const minrnn_tensor before = *other;
    call->x = pass->branches[n].x;
    call->adds = true;
    call->dy = dropout_backward(pass, &pass->layout->branches[n], *dx);
    call->dresidual = *dx;
    call->dx = before;
    call->layer->kind->backward(call);
    *other = *dx;
    *dx = before;
}

static void branch_backward(struct network_pass *pass, int n, minrnn_tensor *dx,
                            minrnn_tensor *other) {
    const struct branch *branch = &pass->layout->branches[n];
    const int64_t mark = pass->brief.used;
    network_enter(pass, "backward", branch->block, branch->part);
    struct arena saved = pass->kept;
    saved.used = pass->branches[n].start;
    struct layer_call call = call_of(pass, &branch->layer, &saved);
    if (branch->norm >= 0) {
        normed_backward(pass, n, &call, *dx);
    } else {
        plain_backward(pass, n, &call, dx, other);
    }
    arena_release(&pass->brief, mark);
}

/* ---- both ends ---- */

static minrnn_tensor input_forward(struct network_pass *pass) {
    network_enter(pass, forward_phase(pass), -1, "embedding");
    struct layer_call call = call_of(pass, &pass->layout->input, &pass->kept);
    call.tokens = pass->tokens;
    call.y =
        pass->training ? arena_take(&pass->kept, rows_of(pass) * width_of(pass)) : pass->streams[0];
    call.layer->kind->forward(&call);
    return call.y;
}

static void input_backward(struct network_pass *pass, minrnn_tensor dy) {
    network_enter(pass, "backward", -1, "embedding");
    struct layer_call call = call_of(pass, &pass->layout->input, &pass->kept);
    call.tokens = pass->tokens;
    call.order = pass->order;
    call.start = pass->start;
    call.dy = dy;
    call.without_dx = true;
    call.layer->kind->backward(&call);
}

/* Rows of `from` by their numbers, zeros for those below 0. */
static void gather(struct network_pass *pass, int64_t rows, minrnn_tensor numbers, int64_t of,
                   minrnn_tensor from, minrnn_tensor to) {
    OP(embed_forward, pass->context, .rows = rows, .vocab = of, .width = width_of(pass),
       .tokens = numbers, .table = from, .y = to);
}

static minrnn_tensor brief_head_rows(struct network_pass *pass) {
    return arena_take(&pass->brief, network_head_rows(pass) * width_of(pass));
}

/* The last stream at the head's rows. */
static minrnn_tensor head_input(struct network_pass *pass) {
    if (pass->head_rows == 0) {
        return pass->last;
    }
    const minrnn_tensor x = brief_head_rows(pass);
    gather(pass, pass->head_rows, pass->head_at, rows_of(pass), pass->last, x);
    return x;
}

static struct layer_call head_call(struct network_pass *pass) {
    struct layer_call call = call_of(pass, &pass->layout->output, &pass->kept);
    call.batch = 1;
    call.time = network_head_rows(pass);
    return call;
}

static void output_forward(struct network_pass *pass, minrnn_tensor logits) {
    network_enter(pass, forward_phase(pass), -1, "head");
    const int64_t mark = pass->brief.used;
    const minrnn_tensor x = head_input(pass);
    struct layer_call call = head_call(pass);
    call.x = brief_head_rows(pass);
    call.y = logits;
    norm(pass, call.time, x, pass->layout->norm, call.x, pass->last_inverse);
    call.layer->kind->forward(&call);
    arena_release(&pass->brief, mark);
}

/* `dx` [rows, width] is written. */
static void output_backward(struct network_pass *pass, minrnn_tensor dlogits, minrnn_tensor dx) {
    network_enter(pass, "backward", -1, "head");
    const int norm_index = pass->layout->norm;
    const int64_t mark = pass->brief.used;
    const minrnn_tensor x = head_input(pass);
    const minrnn_tensor dhead = pass->head_rows == 0 ? dx : brief_head_rows(pass);
    struct layer_call call = head_call(pass);
    call.x = brief_head_rows(pass);
    call.dx = brief_head_rows(pass);
    call.dy = dlogits;
    norm(pass, call.time, x, norm_index, call.x, pass->last_inverse);
    call.layer->kind->backward(&call);
    norm_gradient(pass, call.time, x, norm_index, pass->last_inverse, call.dx, false, dhead);
    if (pass->head_rows > 0) {
        gather(pass, rows_of(pass), pass->head_place, pass->head_rows, dhead, dx);
    }
    arena_release(&pass->brief, mark);
}

/* ---- the whole ---- */

minrnn_tensor network_forward(struct network_pass *pass, bool hidden_only) {
    const struct model_layout *layout = pass->layout;
    const int64_t rows = rows_of(pass);
    pass->kept.used = 0;
    pass->brief.used = 0;
    if (!pass->training) {
        pass->streams[0] = arena_take(&pass->kept, rows * width_of(pass));
        pass->streams[1] = arena_take(&pass->kept, rows * width_of(pass));
    }
    const minrnn_tensor logits =
        hidden_only ? (minrnn_tensor){0}
                    : arena_take(&pass->kept, network_head_rows(pass) * layout->config.vocab);
    minrnn_tensor x = input_forward(pass);
    for (int n = 0; n < layout->branch_count; n++) {
        branch_forward(pass, n, &x);
    }
    pass->last = x;
    pass->last_inverse = arena_take(&pass->kept, network_head_rows(pass));
    if (!hidden_only) {
        output_forward(pass, logits);
    }
    return logits;
}

void network_backward(struct network_pass *pass, minrnn_tensor dlogits) {
    pass->brief.used = 0;
    minrnn_tensor dx = brief_rows(pass);
    minrnn_tensor other = brief_rows(pass);
    output_backward(pass, dlogits, dx);
    for (int n = pass->layout->branch_count - 1; n >= 0; n--) {
        branch_backward(pass, n, &dx, &other);
    }
    input_backward(pass, dx);
}
