#include "network/network.h"

#include "base/alloc.h"
#include "base/philox.h"

/* Inside the root, as the norms of the public implementations' PyTorch counterparts need none. */
static const float NORM_EPSILON = 1e-6f;

minrnn_status network_pass_create(struct network_pass *pass, const struct model_layout *layout) {
    *pass = (struct network_pass){.layout = layout};
    pass->blocks = mem_alloc((uint64_t)layout->config.layers, sizeof *pass->blocks);
    return pass->blocks ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

void network_pass_destroy(struct network_pass *pass) {
    mem_free(pass->blocks);
    pass->blocks = NULL;
}

int64_t network_conv_state(const struct model_layout *layout) {
    const minrnn_model_config *config = &layout->config;
    return config->conv > 1 ? (config->conv - 1) * config->width : 0;
}

int64_t network_mixer_state(const struct model_layout *layout) {
    return layout->mixer->state_size(&layout->config.mixer);
}

static int64_t rows_of(const struct network_pass *pass) {
    return pass->batch * pass->time;
}

static minrnn_tensor weight(const struct network_pass *pass, int index) {
    return layout_tensor(pass->layout, pass->parameters, index);
}

static minrnn_tensor gradient(const struct network_pass *pass, int index) {
    return layout_tensor(pass->layout, pass->gradients, index);
}

static minrnn_tensor brief_rows(struct network_pass *pass, int64_t width) {
    return arena_take(&pass->brief, rows_of(pass) * width);
}

/* Where a block writes the stream next: training keeps every one; inference writes over the old one
 * where the op allows it, else into the other of its two. */
static minrnn_tensor next_stream(struct network_pass *pass, minrnn_tensor x, bool in_place) {
    if (pass->training) {
        return arena_take(&pass->kept, rows_of(pass) * pass->layout->config.width);
    }
    if (in_place) {
        return x;
    }
    return x.offset == pass->streams[0].offset ? pass->streams[1] : pass->streams[0];
}

/* ---- matrix products: x [rows, in] with a weight [out, in] ---- */

static minrnn_status dense_forward(const struct network_pass *pass, int64_t in, int64_t out,
                                   minrnn_tensor x, int index, minrnn_tensor y) {
    return OP(gemm, pass->context, .m = rows_of(pass), .n = out, .k = in, .transpose_b = true,
              .a = x, .b = weight(pass, index), .c = y);
}

/* The weight's gradient is added to; dx is written. */
static minrnn_status dense_backward(const struct network_pass *pass, int64_t in, int64_t out,
                                    minrnn_tensor x, int index, minrnn_tensor dy,
                                    minrnn_tensor dx) {
    const int64_t rows = rows_of(pass);
    const minrnn_status status =
        OP(gemm, pass->context, .m = out, .n = in, .k = rows, .transpose_a = true,
           .accumulate = true, .a = dy, .b = x, .c = gradient(pass, index));
    return status ? status
                  : OP(gemm, pass->context, .m = rows, .n = in, .k = out, .a = dy,
                       .b = weight(pass, index), .c = dx);
}

static minrnn_status bias_backward(const struct network_pass *pass, int64_t width, int index,
                                   minrnn_tensor dy) {
    return OP(column_sum, pass->context, .rows = rows_of(pass), .width = width, .x = dy,
              .total = gradient(pass, index));
}

/* ---- norms and residual branches ---- */

static minrnn_status norm_forward(const struct network_pass *pass, minrnn_tensor x, int index,
                                  minrnn_tensor y, minrnn_tensor inverse) {
    return OP(rmsnorm_forward, pass->context, .rows = rows_of(pass),
              .width = pass->layout->config.width, .epsilon = NORM_EPSILON, .x = x,
              .gain = weight(pass, index), .y = y, .inverse = inverse);
}

static minrnn_status norm_backward(const struct network_pass *pass, minrnn_tensor x, int index,
                                   minrnn_tensor inverse, minrnn_tensor dy, bool accumulate,
                                   minrnn_tensor dx) {
    return OP(rmsnorm_backward, pass->context, .rows = rows_of(pass),
              .width = pass->layout->config.width, .accumulate = accumulate, .x = x,
              .gain = weight(pass, index), .inverse = inverse, .dy = dy, .dx = dx,
              .dgain = gradient(pass, index));
}

/* The dropout of a branch: 0 for the mixer's, 1 for the feed-forward's. */
static uint32_t dropout_site(int block, int branch) {
    return (uint32_t)PHILOX_SITE_DROPOUT + 2u * (uint32_t)block + (uint32_t)branch;
}

static minrnn_status branch_forward(const struct network_pass *pass, int block, int branch,
                                    minrnn_tensor y, int bias, minrnn_tensor x,
                                    minrnn_tensor x_out) {
    return OP(residual_forward, pass->context, .rows = rows_of(pass),
              .width = pass->layout->config.width,
              .dropout = pass->training ? pass->layout->config.dropout : 0.0f, .seed = pass->seed,
              .site = dropout_site(block, branch), .step = pass->step, .x = y,
              .bias = weight(pass, bias), .residual = x, .y = x_out);
}

/* The gradient of a branch's output: dx itself, or with dropout a temporary. */
static minrnn_status branch_backward(struct network_pass *pass, int block, int branch,
                                     minrnn_tensor dx, minrnn_tensor *dy) {
    const minrnn_model_config *config = &pass->layout->config;
    *dy = dx;
    if (config->dropout == 0.0f) {
        return MINRNN_OK;
    }
    *dy = brief_rows(pass, config->width);
    return OP(residual_backward, pass->context, .rows = rows_of(pass), .width = config->width,
              .dropout = config->dropout, .seed = pass->seed, .site = dropout_site(block, branch),
              .step = pass->step, .dy = dx, .dx = *dy);
}

/* ---- convolution ---- */

static minrnn_tensor state_at(minrnn_tensor states, int block, int64_t size) {
    return states.buffer && size > 0 ? tensor_at(states, block * size) : (minrnn_tensor){0};
}

/* y = conv(x) (+ x). */
static minrnn_status depthwise_forward(const struct network_pass *pass, int n, minrnn_tensor x,
                                       minrnn_tensor residual, minrnn_tensor y) {
    const struct block_layout *block = &pass->layout->blocks[n];
    const int64_t state = pass->batch * network_conv_state(pass->layout);
    return OP(conv_forward, pass->context, .batch = pass->batch, .time = pass->time,
              .width = pass->layout->config.width, .taps = pass->layout->config.conv, .x = x,
              .weight = weight(pass, block->conv_weight), .bias = weight(pass, block->conv_bias),
              .residual = residual, .state = state_at(pass->conv_in, n, state),
              .reset = pass->reset, .lengths = pass->lengths, .y = y,
              .state_out = state_at(pass->conv_out, n, state));
}

static minrnn_status conv_forward(struct network_pass *pass, int n, minrnn_tensor *x) {
    network_enter(pass, n, "convolution");
    const minrnn_model_config *config = &pass->layout->config;
    const struct block_layout *block = &pass->layout->blocks[n];
    const minrnn_tensor x_conv = next_stream(pass, *x, false);
    minrnn_status status;
    if (!config->conv_pointwise) {
        status = depthwise_forward(pass, n, *x, *x, x_conv);
    } else {
        const int64_t mark = pass->brief.used;
        const minrnn_tensor depthwise = brief_rows(pass, config->width);
        const minrnn_tensor pointwise = brief_rows(pass, config->width);
        status = depthwise_forward(pass, n, *x, (minrnn_tensor){0}, depthwise);
        status = status ? status
                        : dense_forward(pass, config->width, config->width, depthwise,
                                        block->point_weight, pointwise);
        status = status ? status
                        : OP(residual_forward, pass->context, .rows = rows_of(pass),
                             .width = config->width, .x = pointwise,
                             .bias = weight(pass, block->point_bias), .residual = *x, .y = x_conv);
        arena_release(&pass->brief, mark);
    }
    *x = x_conv;
    return status;
}

/* From dx, the gradient after the convolution, to dx_new, that before it. */
static minrnn_status conv_backward(struct network_pass *pass, int n, minrnn_tensor dx,
                                   minrnn_tensor dx_new) {
    network_enter(pass, n, "convolution");
    const minrnn_model_config *config = &pass->layout->config;
    const struct block_layout *block = &pass->layout->blocks[n];
    const struct block_kept *kept = &pass->blocks[n];
    const int64_t mark = pass->brief.used;
    minrnn_tensor dy = dx;
    minrnn_status status = MINRNN_OK;
    if (config->conv_pointwise) {
        const minrnn_tensor depthwise = brief_rows(pass, config->width);
        dy = brief_rows(pass, config->width);
        status = bias_backward(pass, config->width, block->point_bias, dx);
        status =
            status ? status : depthwise_forward(pass, n, kept->x, (minrnn_tensor){0}, depthwise);
        status = status ? status
                        : dense_backward(pass, config->width, config->width, depthwise,
                                         block->point_weight, dx, dy);
    }
    status = status ? status
                    : OP(conv_backward, pass->context, .batch = pass->batch, .time = pass->time,
                         .width = config->width, .taps = config->conv, .x = kept->x,
                         .weight = weight(pass, block->conv_weight), .reset = pass->reset,
                         .lengths = pass->lengths, .dy = dy, .dresidual = dx, .dx = dx_new,
                         .dweight = gradient(pass, block->conv_weight),
                         .dbias = gradient(pass, block->conv_bias));
    arena_release(&pass->brief, mark);
    return status;
}

/* ---- mixer ---- */

static struct mixer_call mixer_call_of(struct network_pass *pass, int n, struct arena *saved) {
    const struct model_layout *layout = pass->layout;
    const int64_t state = pass->batch * network_mixer_state(layout);
    return (struct mixer_call){
        .context = pass->context,
        .config = &layout->config.mixer,
        .batch = pass->batch,
        .time = pass->time,
        .parameters = weight(pass, layout->blocks[n].mixer),
        .gradients = gradient(pass, layout->blocks[n].mixer),
        .state = state_at(pass->mixer_in, n, state),
        .state_out = state_at(pass->mixer_out, n, state),
        .reset = pass->reset,
        .lengths = pass->lengths,
        .saved = saved,
        .temporary = &pass->brief,
    };
}

static minrnn_status mixer_forward(struct network_pass *pass, int n, minrnn_tensor *x) {
    network_enter(pass, n, "mixer");
    const struct block_layout *block = &pass->layout->blocks[n];
    struct block_kept *kept = &pass->blocks[n];
    const int64_t width = pass->layout->config.width;
    const int64_t mark = pass->brief.used;
    const minrnn_tensor normed = brief_rows(pass, width);
    const minrnn_tensor y = brief_rows(pass, width);
    const minrnn_tensor x_mixer = next_stream(pass, *x, true);
    kept->mixer_inverse = arena_take(&pass->kept, rows_of(pass));
    kept->mixer_start = pass->kept.used;
    struct mixer_call call = mixer_call_of(pass, n, &pass->kept);
    call.x = normed;
    call.y = y;
    minrnn_status status = norm_forward(pass, *x, block->mixer_norm, normed, kept->mixer_inverse);
    status = status ? status : pass->layout->mixer->forward(&call);
    status = status ? status : branch_forward(pass, n, 0, y, -1, *x, x_mixer);
    arena_release(&pass->brief, mark);
    *x = x_mixer;
    return status;
}

/* dx, the gradient after the branch, becomes that before it. */
static minrnn_status mixer_backward(struct network_pass *pass, int n, minrnn_tensor dx) {
    network_enter(pass, n, "mixer");
    const struct block_layout *block = &pass->layout->blocks[n];
    const struct block_kept *kept = &pass->blocks[n];
    const int64_t width = pass->layout->config.width;
    const int64_t mark = pass->brief.used;
    const minrnn_tensor normed = brief_rows(pass, width);
    const minrnn_tensor dnormed = brief_rows(pass, width);
    struct arena saved = {.base = pass->kept.base, .used = kept->mixer_start};
    struct mixer_call call = mixer_call_of(pass, n, &saved);
    call.x = normed;
    call.dx = dnormed;
    minrnn_status status = branch_backward(pass, n, 0, dx, &call.dy);
    status = status
                 ? status
                 : norm_forward(pass, kept->x_conv, block->mixer_norm, normed, kept->mixer_inverse);
    status = status ? status : pass->layout->mixer->backward(&call);
    status = status ? status
                    : norm_backward(pass, kept->x_conv, block->mixer_norm, kept->mixer_inverse,
                                    dnormed, true, dx);
    arena_release(&pass->brief, mark);
    return status;
}

/* ---- feed-forward ---- */

static minrnn_status activation_forward(const struct network_pass *pass, minrnn_tensor x,
                                        minrnn_tensor bias, minrnn_tensor y) {
    const minrnn_model_config *config = &pass->layout->config;
    const int64_t feed = layout_feed_width(config);
    return config->feed_forward == MINRNN_FEED_FORWARD_GELU
               ? OP(gelu_forward, pass->context, .rows = rows_of(pass), .width = feed, .x = x,
                    .bias = bias, .y = y)
               : OP(geglu_forward, pass->context, .rows = rows_of(pass), .width = feed, .x = x,
                    .bias = bias, .y = y);
}

static minrnn_status activation_backward(const struct network_pass *pass, minrnn_tensor x,
                                         minrnn_tensor bias, minrnn_tensor dy, minrnn_tensor dx) {
    const minrnn_model_config *config = &pass->layout->config;
    const int64_t feed = layout_feed_width(config);
    return config->feed_forward == MINRNN_FEED_FORWARD_GELU
               ? OP(gelu_backward, pass->context, .rows = rows_of(pass), .width = feed, .x = x,
                    .bias = bias, .dy = dy, .dx = dx)
               : OP(geglu_backward, pass->context, .rows = rows_of(pass), .width = feed, .x = x,
                    .bias = bias, .dy = dy, .dx = dx);
}

/* Channels that enter the activation: GEGLU takes two halves. */
static int64_t feed_entry(const minrnn_model_config *config) {
    const int64_t feed = layout_feed_width(config);
    return config->feed_forward == MINRNN_FEED_FORWARD_GEGLU ? 2 * feed : feed;
}

static minrnn_status feed_forward(struct network_pass *pass, int n, minrnn_tensor *x) {
    network_enter(pass, n, "feed-forward");
    const minrnn_model_config *config = &pass->layout->config;
    const struct block_layout *block = &pass->layout->blocks[n];
    struct block_kept *kept = &pass->blocks[n];
    const int64_t feed = layout_feed_width(config);
    const int64_t mark = pass->brief.used;
    const minrnn_tensor normed = brief_rows(pass, config->width);
    const minrnn_tensor activated = brief_rows(pass, feed);
    const minrnn_tensor y = brief_rows(pass, config->width);
    const minrnn_tensor x_out = next_stream(pass, *x, true);
    kept->feed_inverse = arena_take(&pass->kept, rows_of(pass));
    kept->feed_in = arena_take(&pass->kept, rows_of(pass) * feed_entry(config));
    minrnn_status status = norm_forward(pass, *x, block->feed_norm, normed, kept->feed_inverse);
    status = status ? status
                    : dense_forward(pass, config->width, feed_entry(config), normed,
                                    block->feed_in_weight, kept->feed_in);
    status = status ? status
                    : activation_forward(pass, kept->feed_in, weight(pass, block->feed_in_bias),
                                         activated);
    status = status
                 ? status
                 : dense_forward(pass, feed, config->width, activated, block->feed_out_weight, y);
    status = status ? status : branch_forward(pass, n, 1, y, block->feed_out_bias, *x, x_out);
    arena_release(&pass->brief, mark);
    *x = x_out;
    return status;
}

static minrnn_status feed_backward(struct network_pass *pass, int n, minrnn_tensor dx) {
    network_enter(pass, n, "feed-forward");
    const minrnn_model_config *config = &pass->layout->config;
    const struct block_layout *block = &pass->layout->blocks[n];
    const struct block_kept *kept = &pass->blocks[n];
    const int64_t width = config->width;
    const int64_t feed = layout_feed_width(config);
    const int64_t entry = feed_entry(config);
    const minrnn_tensor bias = weight(pass, block->feed_in_bias);
    const int64_t mark = pass->brief.used;
    const minrnn_tensor normed = brief_rows(pass, width);
    const minrnn_tensor dnormed = brief_rows(pass, width);
    const minrnn_tensor activated = brief_rows(pass, feed);
    const minrnn_tensor dactivated = brief_rows(pass, feed);
    const minrnn_tensor dentry = entry == feed ? dactivated : brief_rows(pass, entry);
    minrnn_tensor dy;
    minrnn_status status = branch_backward(pass, n, 1, dx, &dy);
    status = status ? status : bias_backward(pass, width, block->feed_out_bias, dy);
    status = status ? status : activation_forward(pass, kept->feed_in, bias, activated);
    status = status ? status
                    : dense_backward(pass, feed, width, activated, block->feed_out_weight, dy,
                                     dactivated);
    status = status ? status : activation_backward(pass, kept->feed_in, bias, dactivated, dentry);
    status = status ? status : bias_backward(pass, entry, block->feed_in_bias, dentry);
    status = status
                 ? status
                 : norm_forward(pass, kept->x_mixer, block->feed_norm, normed, kept->feed_inverse);
    status =
        status ? status
               : dense_backward(pass, width, entry, normed, block->feed_in_weight, dentry, dnormed);
    status = status ? status
                    : norm_backward(pass, kept->x_mixer, block->feed_norm, kept->feed_inverse,
                                    dnormed, true, dx);
    arena_release(&pass->brief, mark);
    return status;
}

/* ---- the whole ---- */

static minrnn_status block_forward(struct network_pass *pass, int n, minrnn_tensor *x) {
    const minrnn_model_config *config = &pass->layout->config;
    struct block_kept *kept = &pass->blocks[n];
    const int64_t mark = pass->kept.used;
    minrnn_status status = MINRNN_OK;
    kept->x = *x;
    if (config->conv > 0) {
        status = conv_forward(pass, n, x);
    }
    kept->x_conv = *x;
    status = status ? status : mixer_forward(pass, n, x);
    kept->x_mixer = *x;
    if (!status && config->feed_forward != MINRNN_FEED_FORWARD_NONE) {
        status = feed_forward(pass, n, x);
    }
    if (!pass->training) {
        arena_release(&pass->kept, mark);
    }
    return status;
}

static minrnn_status head_forward(struct network_pass *pass, minrnn_tensor logits) {
    network_enter(pass, -1, "head");
    const struct model_layout *layout = pass->layout;
    const int64_t mark = pass->brief.used;
    const minrnn_tensor normed = brief_rows(pass, layout->config.width);
    minrnn_status status = norm_forward(pass, pass->last, layout->norm, normed, pass->last_inverse);
    status = status ? status
                    : dense_forward(pass, layout->config.width, layout->config.vocab, normed,
                                    layout->head, logits);
    arena_release(&pass->brief, mark);
    return status;
}

minrnn_status network_forward(struct network_pass *pass, bool hidden_only, minrnn_tensor *logits) {
    const minrnn_model_config *config = &pass->layout->config;
    const int64_t rows = rows_of(pass);
    pass->kept.used = 0;
    pass->brief.used = 0;
    pass->phase = pass->training ? "forward" : "evaluation";
    network_enter(pass, -1, "embedding");
    if (!pass->training) {
        pass->streams[0] = arena_take(&pass->kept, rows * config->width);
        pass->streams[1] = arena_take(&pass->kept, rows * config->width);
    }
    *logits = hidden_only ? (minrnn_tensor){0} : arena_take(&pass->kept, rows * config->vocab);
    minrnn_tensor x =
        pass->training ? arena_take(&pass->kept, rows * config->width) : pass->streams[0];
    minrnn_status status = OP(embed_forward, pass->context, .rows = rows, .vocab = config->vocab,
                              .width = config->width, .tokens = pass->tokens,
                              .table = weight(pass, pass->layout->embedding), .y = x);
    for (int n = 0; !status && n < (int)config->layers; n++) {
        status = block_forward(pass, n, &x);
    }
    pass->last = x;
    pass->last_inverse = arena_take(&pass->kept, rows);
    return status || hidden_only ? status : head_forward(pass, *logits);
}

static minrnn_status head_backward(struct network_pass *pass, minrnn_tensor dlogits,
                                   minrnn_tensor dx) {
    network_enter(pass, -1, "head");
    const struct model_layout *layout = pass->layout;
    const int64_t width = layout->config.width;
    const int64_t mark = pass->brief.used;
    const minrnn_tensor normed = brief_rows(pass, width);
    const minrnn_tensor dnormed = brief_rows(pass, width);
    minrnn_status status = norm_forward(pass, pass->last, layout->norm, normed, pass->last_inverse);
    status = status ? status
                    : dense_backward(pass, width, layout->config.vocab, normed, layout->head,
                                     dlogits, dnormed);
    status = status ? status
                    : norm_backward(pass, pass->last, layout->norm, pass->last_inverse, dnormed,
                                    false, dx);
    arena_release(&pass->brief, mark);
    return status;
}

minrnn_status network_backward(struct network_pass *pass, minrnn_tensor dlogits) {
    const minrnn_model_config *config = &pass->layout->config;
    pass->brief.used = 0;
    pass->phase = "backward";
    minrnn_tensor dx = brief_rows(pass, config->width);
    minrnn_tensor dx_other = brief_rows(pass, config->width);
    minrnn_status status = head_backward(pass, dlogits, dx);
    for (int n = (int)config->layers - 1; !status && n >= 0; n--) {
        if (config->feed_forward != MINRNN_FEED_FORWARD_NONE) {
            status = feed_backward(pass, n, dx);
        }
        status = status ? status : mixer_backward(pass, n, dx);
        if (!status && config->conv > 0) {
            status = conv_backward(pass, n, dx, dx_other);
            const minrnn_tensor swap = dx;
            dx = dx_other;
            dx_other = swap;
        }
    }
    if (status) {
        return status;
    }
    network_enter(pass, -1, "embedding");
    return OP(embed_backward, pass->context, .rows = rows_of(pass), .vocab = config->vocab,
              .width = config->width, .order = pass->order, .start = pass->start, .dy = dx,
              .dtable = gradient(pass, pass->layout->embedding));
}
