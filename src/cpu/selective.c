/* SPDX-License-Identifier: Apache-2.0 */
/* The selective scan. A thread takes a panel of channels of a sequence through all of time, a chunk
 * of steps at a time; loops run over the panel's channels. Channels past the last one are zeros in
 * a panel of full size: the compiler then knows how long its loops are. */
#include "cpu/vector_math.h"

enum { PANEL = 32, CHUNK = SELECTIVE_CHUNK, MOST_STATES = SELECTIVE_MOST_STATES };

#define LN2 0.693147181f
#define LOG2_E 1.44269504f

/* What both passes read. Rows are [batch, time]. */
struct selective {
    int64_t batch, time, width, states;
    const float *u, *p, *z, *bc, *a_log, *p_bias, *skip;
    const int32_t *reset, *lengths;
};

#define SELECTIVE_OF(args)                                                                         \
    {                                                                                              \
        .batch = (args)->batch, .time = (args)->time, .width = (args)->width,                      \
        .states = (args)->states, .u = given_f32((args)->u), .p = given_f32((args)->p),            \
        .z = given_f32((args)->z), .bc = given_f32((args)->bc), .a_log = given_f32((args)->a_log), \
        .p_bias = given_f32((args)->p_bias), .skip = given_f32((args)->skip),                      \
        .reset = i32((args)->reset), .lengths = i32((args)->lengths)                               \
    }

/* A panel of channels of a sequence. */
struct lane {
    const struct selective *s;
    int64_t sequence, length; /* steps in use */
    struct span channels;
    float bias[PANEL], skip[PANEL];
    float rate[MOST_STATES * PANEL]; /* A log2 e: a step's decay is 2^(step rate) */
};

/* A state, or a gradient of one: [states, PANEL]. */
struct states {
    float x[MOST_STATES * PANEL];
};

static int64_t length_of(const struct selective *s, int64_t sequence) {
    return s->lengths ? min_i64(s->time, max_i64(0, s->lengths[sequence])) : s->time;
}

/* The row of a step. */
static int64_t row_of(const struct lane *lane, int64_t t) {
    return lane->sequence * lane->s->time + t;
}

static bool is_cut(const struct lane *lane, int64_t t) {
    return lane->s->reset && lane->s->reset[row_of(lane, t)] != 0;
}

static void load_row(const struct lane *lane, const float *row, float panel[PANEL]) {
    for (int64_t c = 0; c < PANEL; c++) {
        panel[c] = c < lane->channels.count ? row[lane->channels.begin + c] : 0.0f;
    }
}

static void store_row(const struct lane *lane, const float panel[PANEL], float *row) {
    memcpy(row + lane->channels.begin, panel, (size_t)lane->channels.count * sizeof *row);
}

static void load_rows(const struct lane *lane, int64_t count, const float *rows, float *panels) {
    for (int64_t i = 0; i < count; i++) {
        load_row(lane, rows + i * lane->s->width, panels + i * PANEL);
    }
}

static void store_rows(const struct lane *lane, int64_t count, const float *panels, float *rows) {
    for (int64_t i = 0; i < count; i++) {
        store_row(lane, panels + i * PANEL, rows + i * lane->s->width);
    }
}

/* Rows of what a sequence has past its length become 0. */
static void clear_past(const struct lane *lane, float *rows) {
    for (int64_t t = lane->length; t < lane->s->time; t++) {
        memset(rows + row_of(lane, t) * lane->s->width + lane->channels.begin, 0,
               (size_t)lane->channels.count * sizeof *rows);
    }
}

/* From [batch, width, states], absent ones being 0, and back. */
static void load_states(const struct lane *lane, const float *from, float *panel) {
    const int64_t states = lane->s->states;
    const int64_t first = lane->sequence * lane->s->width + lane->channels.begin;
    memset(panel, 0, (size_t)(states * PANEL) * sizeof *panel);
    for (int64_t c = 0; from && c < lane->channels.count; c++) {
        for (int64_t n = 0; n < states; n++) {
            panel[n * PANEL + c] = from[(first + c) * states + n];
        }
    }
}

static void store_states(const struct lane *lane, const float *panel, float *to) {
    const int64_t states = lane->s->states;
    const int64_t first = lane->sequence * lane->s->width + lane->channels.begin;
    for (int64_t c = 0; to && c < lane->channels.count; c++) {
        for (int64_t n = 0; n < states; n++) {
            to[(first + c) * states + n] = panel[n * PANEL + c];
        }
    }
}

/* Where `carries` has a chunk's, [states, width]. */
static int64_t carry_of(const struct lane *lane, int64_t chunk) {
    const struct selective *s = lane->s;
    return (lane->sequence * selective_chunks(s->time) + chunk) * s->states * s->width;
}

static void open_lane(const struct selective *s, int64_t sequence, int64_t panel,
                      struct lane *lane) {
    lane->s = s;
    lane->sequence = sequence;
    lane->length = length_of(s, sequence);
    lane->channels = span_of(panel, s->width, PANEL);
    load_row(lane, s->p_bias, lane->bias);
    load_row(lane, s->skip, lane->skip);
    for (int64_t n = 0; n < s->states; n++) {
        for (int64_t c = 0; c < PANEL; c++) {
            const int64_t channel = lane->channels.begin + min_i64(c, lane->channels.count - 1);
            lane->rate[n * PANEL + c] = s->a_log[channel * s->states + n];
        }
#pragma omp simd
        for (int64_t c = 0; c < PANEL; c++) {
            lane->rate[n * PANEL + c] = -LOG2_E * exp_f32(lane->rate[n * PANEL + c]);
        }
    }
}

/* ---- a chunk ---- */

/* What its steps read and what follows from that alone. */
struct steps {
    int64_t first, count;
    float u[CHUNK * PANEL], z[CHUNK * PANEL];
    float slope[CHUNK * PANEL]; /* sigma(p + bias), the step's derivative */
    float step[CHUNK * PANEL];
    float fresh[CHUNK * PANEL]; /* step u */
    float gate[CHUNK * PANEL];  /* sigma(z) */
};

static void load_steps(const struct lane *lane, int64_t chunk, struct steps *steps) {
    const struct selective *s = lane->s;
    steps->first = chunk * CHUNK;
    steps->count = min_i64(CHUNK, lane->length - steps->first);
    const int64_t row = row_of(lane, steps->first) * s->width;
    load_rows(lane, steps->count, s->u + row, steps->u);
    load_rows(lane, steps->count, s->p + row, steps->step);
    load_rows(lane, steps->count, s->z + row, steps->z);
    for (int64_t i = 0; i < steps->count; i++) {
#pragma omp simd
        for (int64_t c = 0; c < PANEL; c++) {
            const int64_t at = i * PANEL + c;
            const float x = steps->step[at] + lane->bias[c], z = steps->z[at];
            const float ex = exp_negative_f32(-fabsf(x)), ez = exp_negative_f32(-fabsf(z));
            const struct reciprocals r = reciprocals_f32(1.0f + ex, 1.0f + ez);
            steps->slope[at] = sigmoid_of(x, ex, r.x).on;
            steps->gate[at] = sigmoid_of(z, ez, r.y).on;
            steps->step[at] = relu_f32(x) + log1p_f32(ex);
            steps->fresh[at] = steps->step[at] * steps->u[at];
        }
    }
}

/* One step: h, and sum = C h. */
static void advance(const struct lane *lane, const struct steps *steps, int64_t i,
                    float *restrict h, float *restrict sum) {
    const int64_t states = lane->s->states;
    const float *restrict b = lane->s->bc + row_of(lane, steps->first + i) * 2 * states;
    const float *restrict c = b + states;
    const float *restrict step = steps->step + i * PANEL, *restrict fresh =
                                                              steps->fresh + i * PANEL;
    memset(sum, 0, PANEL * sizeof *sum);
    for (int64_t n = 0; n < states; n++) {
        const float *restrict rate = lane->rate + n * PANEL;
        float *restrict state = h + n * PANEL;
        const float bn = b[n], cn = c[n];
#pragma omp simd
        for (int64_t k = 0; k < PANEL; k++) {
            const float a = exp2_negative_f32(step[k] * rate[k]);
            state[k] = a * state[k] + fresh[k] * bn;
            sum[k] += cn * state[k];
        }
    }
}

/* ---- forward ---- */

struct forward {
    struct selective s;
    const float *state;
    float *y, *carries, *state_out;
};

static void forward_chunk(const struct forward *f, const struct lane *lane, int64_t chunk,
                          float *restrict h) {
    struct steps steps;
    float sum[PANEL];
    load_steps(lane, chunk, &steps);
    for (int64_t i = 0; i < steps.count; i++) {
        const int64_t t = steps.first + i;
        if (is_cut(lane, t)) {
            memset(h, 0, (size_t)(lane->s->states * PANEL) * sizeof *h);
        }
        advance(lane, &steps, i, h, sum);
#pragma omp simd
        for (int64_t c = 0; c < PANEL; c++) {
            const int64_t at = i * PANEL + c;
            sum[c] = (sum[c] + lane->skip[c] * steps.u[at]) * (steps.z[at] * steps.gate[at]);
        }
        store_row(lane, sum, f->y + row_of(lane, t) * lane->s->width);
    }
}

static void forward_lane(const struct forward *f, int64_t sequence, int64_t panel) {
    struct lane lane;
    struct states h;
    open_lane(&f->s, sequence, panel, &lane);
    load_states(&lane, f->state, h.x);
    for (int64_t chunk = 0; chunk < ceil_div(lane.length, CHUNK); chunk++) {
        if (f->carries) {
            store_rows(&lane, f->s.states, h.x, f->carries + carry_of(&lane, chunk));
        }
        forward_chunk(f, &lane, chunk, h.x);
    }
    store_states(&lane, h.x, f->state_out);
    clear_past(&lane, f->y);
    memset(h.x, 0, sizeof h.x);
    for (int64_t chunk = ceil_div(lane.length, CHUNK);
         f->carries && chunk < selective_chunks(f->s.time); chunk++) {
        store_rows(&lane, f->s.states, h.x, f->carries + carry_of(&lane, chunk));
    }
}

static minrnn_status selective_forward(struct op_context *context,
                                       const struct selective_forward_args *args) {
    const struct forward f = {.s = SELECTIVE_OF(args),
                              .state = f32(args->state),
                              .y = given_f32(args->y),
                              .carries = f32(args->carries),
                              .state_out = f32(args->state_out)};
    const int64_t panels = ceil_div(f.s.width, PANEL), pieces = f.s.batch * panels;
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (pieces > 1)
    for (int64_t i = 0; i < pieces; i++) {
        forward_lane(&f, i / panels, i % panels);
    }
    return MINRNN_OK;
}

static bool forward_supports(const minrnn_device *device,
                             const struct selective_forward_args *args) {
    (void)device;
    return args->states <= MOST_STATES;
}

/* ---- backward ---- */

/* B and C have the gradients of all channels. A piece of work is a block of panels of a sequence,
 * which adds its own up in `dbc` [batch, time, blocks, 2 states]: with one block that is the
 * gradient itself. `shares` are the sequences' own of the parameters' gradients, a row being
 * a_log's, then p_bias's, then skip's. */
struct backward {
    struct selective s;
    const float *carries, *dy, *dstate_out;
    float *du, *dp, *dz, *dstate;
    int64_t block, blocks; /* panels of a block; blocks */
    float *dbc, *shares;
};

/* States that go back together: what a chunk keeps of them stays in the second cache. */
enum { TOGETHER = 16 };

/* What a lane adds up, and what goes back from chunk to chunk. */
struct gradients {
    struct states carry; /* of h after the step that is next */
    struct states a_log; /* of A, so far by ln 2: times `rate` it is a_log's */
    float bias[PANEL], skip[PANEL];
};

/* A chunk on its way back, `begin` being its first state of those that go together. */
struct chunk_back {
    struct steps steps;
    int64_t begin, states;
    float dsum[CHUNK * PANEL]; /* the gradient of sum = C h + skip u */
    float sum[CHUNK * PANEL];
    float fresh[CHUNK * PANEL]; /* sum of B times h's gradient */
    float decay[CHUNK * PANEL]; /* sum of rate a h_before times h's gradient */
    float a[CHUNK * TOGETHER * PANEL];
    float kept[CHUNK * TOGETHER * PANEL]; /* a h_before */
};

/* Walks some states through a step. */
static void walk_step(const struct lane *lane, struct chunk_back *at, int64_t i,
                      float *restrict h) {
    const float *restrict b =
        lane->s->bc + row_of(lane, at->steps.first + i) * 2 * lane->s->states + at->begin;
    const float *restrict c = b + lane->s->states;
    const float *restrict step = at->steps.step + i * PANEL;
    const float *restrict fresh = at->steps.fresh + i * PANEL;
    float *restrict sum = at->sum + i * PANEL;
    for (int64_t n = 0; n < at->states; n++) {
        const float *restrict rate = lane->rate + (at->begin + n) * PANEL;
        float *restrict a = at->a + (i * TOGETHER + n) * PANEL;
        float *restrict kept = at->kept + (i * TOGETHER + n) * PANEL;
        float *restrict state = h + n * PANEL;
        const float bn = b[n], cn = c[n];
#pragma omp simd
        for (int64_t k = 0; k < PANEL; k++) {
            a[k] = exp2_negative_f32(step[k] * rate[k]);
            kept[k] = a[k] * state[k];
            state[k] = kept[k] + fresh[k] * bn;
            sum[k] += cn * state[k];
        }
    }
}

/* Brings a step's gradients back to the step before; dbc is the step's row of B's. */
static void back_step(const struct lane *lane, struct chunk_back *at, int64_t i,
                      struct gradients *gradients, float *restrict dbc) {
    const float *restrict b =
        lane->s->bc + row_of(lane, at->steps.first + i) * 2 * lane->s->states + at->begin;
    const float *restrict c = b + lane->s->states;
    const float *restrict step = at->steps.step + i * PANEL;
    const float *restrict fresh = at->steps.fresh + i * PANEL;
    const float *restrict dsum = at->dsum + i * PANEL;
    float *restrict dfresh = at->fresh + i * PANEL, *restrict ddecay = at->decay + i * PANEL;
    for (int64_t n = 0; n < at->states; n++) {
        const float *restrict rate = lane->rate + (at->begin + n) * PANEL;
        const float *restrict a = at->a + (i * TOGETHER + n) * PANEL;
        const float *restrict kept = at->kept + (i * TOGETHER + n) * PANEL;
        float *restrict carry = gradients->carry.x + (at->begin + n) * PANEL;
        float *restrict da = gradients->a_log.x + (at->begin + n) * PANEL;
        const float bn = b[n], cn = c[n];
        float db = 0.0f, dc = 0.0f;
#pragma omp simd reduction(+ : db, dc)
        for (int64_t k = 0; k < PANEL; k++) {
            const float g = dsum[k] * cn + carry[k], decayed = g * kept[k];
            dc += dsum[k] * (kept[k] + fresh[k] * bn);
            db += g * fresh[k];
            dfresh[k] += g * bn;
            ddecay[k] += rate[k] * decayed;
            da[k] += step[k] * decayed;
            carry[k] = a[k] * g;
        }
        dbc[n] += db;
        dbc[lane->s->states + n] += dc;
    }
}

/* Some states of a chunk there and back; h is where they begin. */
static void states_back(const struct backward *b, const struct lane *lane, int64_t block,
                        struct chunk_back *at, float *restrict h, struct gradients *gradients) {
    for (int64_t i = 0; i < at->steps.count; i++) {
        if (is_cut(lane, at->steps.first + i)) {
            memset(h, 0, (size_t)(at->states * PANEL) * sizeof *h);
        }
        walk_step(lane, at, i, h);
    }
    for (int64_t i = at->steps.count - 1; i >= 0; i--) {
        const int64_t t = at->steps.first + i;
        const int64_t row = row_of(lane, t) * b->blocks + block;
        back_step(lane, at, i, gradients, b->dbc + row * 2 * b->s.states + at->begin);
        if (is_cut(lane, t)) {
            memset(gradients->carry.x + at->begin * PANEL, 0,
                   (size_t)(at->states * PANEL) * sizeof *h);
        }
    }
}

/* What lies between a chunk's sums and its outputs. */
static void begin_chunk(const struct backward *b, const struct lane *lane, int64_t chunk,
                        struct chunk_back *at) {
    load_steps(lane, chunk, &at->steps);
    load_rows(lane, at->steps.count, b->dy + row_of(lane, at->steps.first) * lane->s->width,
              at->dsum);
    memset(at->fresh, 0, sizeof at->fresh);
    memset(at->decay, 0, sizeof at->decay);
    for (int64_t i = 0; i < at->steps.count; i++) {
#pragma omp simd
        for (int64_t c = 0; c < PANEL; c++) {
            at->dsum[i * PANEL + c] *= at->steps.z[i * PANEL + c] * at->steps.gate[i * PANEL + c];
            at->sum[i * PANEL + c] = lane->skip[c] * at->steps.u[i * PANEL + c];
        }
    }
}

/* From them to du, dp and dz, which take the place of what is no longer needed. */
static void end_chunk(const struct backward *b, const struct lane *lane, struct chunk_back *at,
                      struct gradients *gradients) {
    struct steps *steps = &at->steps;
    const int64_t rows = row_of(lane, steps->first) * lane->s->width;
    float dy[CHUNK * PANEL];
    load_rows(lane, steps->count, b->dy + rows, dy);
    for (int64_t i = 0; i < steps->count; i++) {
#pragma omp simd
        for (int64_t c = 0; c < PANEL; c++) {
            const int64_t k = i * PANEL + c;
            const float gate = steps->gate[k];
            const float dstep = steps->u[k] * at->fresh[k] + LN2 * at->decay[k];
            const float dp = dstep * steps->slope[k];
            gradients->skip[c] += at->dsum[k] * steps->u[k];
            gradients->bias[c] += dp;
            steps->z[k] = dy[k] * at->sum[k] * (gate * (1.0f + steps->z[k] * (1.0f - gate)));
            steps->u[k] = at->dsum[k] * lane->skip[c] + steps->step[k] * at->fresh[k];
            steps->step[k] = dp;
        }
    }
    store_rows(lane, steps->count, steps->u, b->du + rows);
    store_rows(lane, steps->count, steps->step, b->dp + rows);
    store_rows(lane, steps->count, steps->z, b->dz + rows);
}

static void backward_chunk(const struct backward *b, const struct lane *lane, int64_t block,
                           int64_t chunk, struct chunk_back *at, struct gradients *gradients) {
    float h[TOGETHER * PANEL];
    const float *carries = b->carries + carry_of(lane, chunk);
    begin_chunk(b, lane, chunk, at);
    for (at->begin = 0; at->begin < b->s.states; at->begin += TOGETHER) {
        at->states = min_i64(TOGETHER, b->s.states - at->begin);
        load_rows(lane, at->states, carries + at->begin * b->s.width, h);
        states_back(b, lane, block, at, h, gradients);
    }
    end_chunk(b, lane, at, gradients);
}

/* Floats of a sequence's share of the parameters' gradients. */
static int64_t share_size(int64_t width, int64_t states) {
    return width * (states + 2);
}

static void store_share(const struct backward *b, const struct lane *lane,
                        struct gradients *gradients) {
    const int64_t width = b->s.width, states = b->s.states;
    float *share = b->shares + lane->sequence * share_size(width, states);
    for (int64_t c = 0; c < lane->channels.count; c++) {
        for (int64_t n = 0; n < states; n++) {
            share[(lane->channels.begin + c) * states + n] =
                LN2 * lane->rate[n * PANEL + c] * gradients->a_log.x[n * PANEL + c];
        }
    }
    store_row(lane, gradients->bias, share + width * states);
    store_row(lane, gradients->skip, share + width * (states + 1));
}

static void backward_lane(const struct backward *b, int64_t sequence, int64_t block,
                          int64_t panel) {
    struct lane lane = {0};
    struct gradients gradients = {0};
    struct chunk_back at = {0};
    open_lane(&b->s, sequence, panel, &lane);
    load_states(&lane, b->dstate_out, gradients.carry.x);
    for (int64_t chunk = ceil_div(lane.length, CHUNK) - 1; chunk >= 0; chunk--) {
        backward_chunk(b, &lane, block, chunk, &at, &gradients);
    }
    store_states(&lane, gradients.carry.x, b->dstate);
    store_share(b, &lane, &gradients);
    clear_past(&lane, b->du);
    clear_past(&lane, b->dp);
    clear_past(&lane, b->dz);
}

static void backward_block(const struct backward *b, int64_t sequence, int64_t block) {
    const int64_t row = 2 * b->s.states;
    for (int64_t t = 0; t < b->s.time; t++) {
        memset(b->dbc + ((sequence * b->s.time + t) * b->blocks + block) * row, 0,
               (size_t)row * sizeof *b->dbc);
    }
    const struct span panels = span_of(block, ceil_div(b->s.width, PANEL), b->block);
    for (int64_t i = 0; i < panels.count; i++) {
        backward_lane(b, sequence, block, panels.begin + i);
    }
}

/* Panels of a block: as many as leave a large machine enough pieces. */
static int64_t block_of(int64_t batch, int64_t width) {
    enum { PIECES = 64 };
    const int64_t panels = ceil_div(width, PANEL);
    return ceil_div(panels, min_i64(panels, ceil_div(PIECES, batch)));
}

static int64_t blocks_of(int64_t batch, int64_t width) {
    return ceil_div(ceil_div(width, PANEL), block_of(batch, width));
}

static int64_t selective_backward_scratch(const minrnn_device *device,
                                          const struct selective_backward_args *args) {
    (void)device;
    const int64_t blocks = blocks_of(args->batch, args->width);
    const int64_t partial = blocks > 1 ? args->batch * args->time * blocks * 2 * args->states : 0;
    return (args->batch * share_size(args->width, args->states) + partial) * F32_BYTES;
}

/* dbc = the sum over blocks, in their order. */
static void add_blocks(const struct op_context *context, const struct backward *b, float *dbc) {
    const int64_t width = 2 * b->s.states, rows = b->s.batch * b->s.time;
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const float *from = b->dbc + row * b->blocks * width;
        float *to = dbc + row * width;
        memcpy(to, from, (size_t)width * sizeof *to);
        for (int64_t block = 1; block < b->blocks; block++) {
#pragma omp simd
            for (int64_t n = 0; n < width; n++) {
                to[n] += from[block * width + n];
            }
        }
    }
}

static void add_shares(const struct op_context *context, const struct backward *b,
                       const struct selective_backward_args *args) {
    const int64_t width = b->s.width, states = b->s.states, share = share_size(width, states);
    CPU_NAME(add_partials)
    (context, b->s.batch, width * states, share, b->shares, given_f32(args->da_log));
    CPU_NAME(add_partials)
    (context, b->s.batch, width, share, b->shares + width * states, given_f32(args->dp_bias));
    CPU_NAME(add_partials)
    (context, b->s.batch, width, share, b->shares + width * (states + 1), given_f32(args->dskip));
}

static minrnn_status selective_backward(struct op_context *context,
                                        const struct selective_backward_args *args) {
    struct backward b = {.s = SELECTIVE_OF(args),
                         .carries = given_f32(args->carries),
                         .dy = given_f32(args->dy),
                         .dstate_out = f32(args->dstate_out),
                         .du = given_f32(args->du),
                         .dp = given_f32(args->dp),
                         .dz = given_f32(args->dz),
                         .dstate = f32(args->dstate),
                         .block = block_of(args->batch, args->width),
                         .blocks = blocks_of(args->batch, args->width),
                         .shares = given_f32(context->scratch)};
    float *dbc = given_f32(args->dbc);
    b.dbc = b.blocks > 1 ? b.shares + b.s.batch * share_size(b.s.width, b.s.states) : dbc;
    const int64_t pieces = b.s.batch * b.blocks;
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(dynamic) if (pieces > 1)
    for (int64_t i = 0; i < pieces; i++) {
        backward_block(&b, i / b.blocks, i % b.blocks);
    }
    if (b.blocks > 1) {
        add_blocks(context, &b, dbc);
    }
    add_shares(context, &b, args);
    return MINRNN_OK;
}

static bool backward_supports(const minrnn_device *device,
                              const struct selective_backward_args *args) {
    (void)device;
    return args->states <= MOST_STATES;
}

const struct selective_forward_op CPU_NAME(selective_forward_op) = {.run = selective_forward,
                                                                    .supports = forward_supports};
const struct selective_backward_op CPU_NAME(selective_backward_op) = {
    .run = selective_backward,
    .scratch = selective_backward_scratch,
    .supports = backward_supports};
