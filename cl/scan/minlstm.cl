/* SPDX-License-Identifier: Apache-2.0 */
/* minLSTM: f = sigma(forget + offset), i = sigma(input), h = f * h_before + i * candidate(hidden);
 * NORMALISED: f / (f + i) and i / (f + i) in their place. lane.cl says what a cell gives. */
#define CELL_PARAMETERS GATED_PARAMETERS, float forget_offset
#define CELL(cell, sequence, channel)                                                              \
    GATED(&(cell)->gated, (sequence), (channel)), make_cell((cell), forget_offset)
#define TARGET_PARAMETERS GATED_TARGET_PARAMETERS
#define TARGET(target, sequence, channel) GATED_TARGET((target), (sequence), (channel))

typedef struct {
    gated_t gated;
    float forget_offset;
} cell_t;

typedef struct {
    vfloat hidden, forget, input; /* pre-activations */
} pre_t;

typedef pre_t gradient_t;
typedef gated_target_t target_t;

static inline void make_cell(cell_t *cell, float forget_offset) {
    cell->forget_offset = forget_offset;
}

static inline pre_t cell_load(const cell_t *cell, const lane_t *lane, int s) {
    const pre_t p = {load_gate(&cell->gated, lane, s, 0),
                     load_gate(&cell->gated, lane, s, 1) + cell->forget_offset,
                     load_gate(&cell->gated, lane, s, 2)};
    return p;
}

static inline void cell_prefetch(const cell_t *cell, const lane_t *lane, int s) {
    prefetch_gates(&cell->gated, lane, s);
}

/* The two gates and their slopes: forget and input here are what multiplies the state before and
 * the candidate. Normalised, the two sum to 1 and move against each other: a gate's pre-activation
 * adds to its own and takes the same from the other. */
typedef struct {
    vfloat forget, input;
    vfloat forget_slope, input_slope; /* d forget / d its pre-activation, d input / d its own */
} gates_t;

static inline gates_t cell_gates(pre_t p) {
#ifdef NORMALISED
    /* f / (f + i) is 0 / 0 if both underflow, so both are multiplied by (1 + e^-forget) *
     * (1 + e^-input). Exponents beyond 60 are brought down together; that the 1 stays as it is then
     * changes the gates by less than e^-60. */
    const vfloat excess = fmax(-fmin(p.forget, p.input) - 60.0f, (vfloat)0.0f);
    const vfloat not_forget = exp(-p.forget - excess);
    const vfloat not_input = exp(-p.input - excess);
    const vfloat f = 1.0f + not_input;
    const vfloat i = 1.0f + not_forget;
    const vfloat scale = 1.0f / (f + i);
    const gates_t g = {f * scale, i * scale, f * scale * (not_forget * scale),
                       i * scale * (not_input * scale)};
#else
    const vfloat f = sigmoid(p.forget);
    const vfloat i = sigmoid(p.input);
    const gates_t g = {f, i, f * (1.0f - f), i * (1.0f - i)};
#endif
    return g;
}

static inline elem_t cell_elem(pre_t p) {
#if defined(LOG_ELEMENTS) && defined(NORMALISED)
    const vfloat d = softplus(-p.forget) - softplus(-p.input);
    return elem(-softplus(d), log_candidate(p.hidden) - softplus(-d));
#elif defined(LOG_ELEMENTS)
    return elem(-softplus(-p.forget), log_candidate(p.hidden) - softplus(-p.input));
#else
    const gates_t g = cell_gates(p);
    return elem(g.forget, g.input * candidate(p.hidden));
#endif
}

static inline vfloat cell_output(const cell_t *cell, const lane_t *lane, int s, state_t state) {
    return state_leave(state);
}

static inline state_t cell_output_back(const cell_t *cell, const lane_t *lane, int s, vfloat dy) {
    return dy;
}

static inline gradient_t cell_gradient(pre_t p, vfloat dy, state_t lambda, state_t before) {
    const gates_t g = cell_gates(p);
    const vfloat c = candidate(p.hidden);
#ifdef NORMALISED
    const vfloat difference = lambda * (c - before);
    const gradient_t d = {lambda * g.input * candidate_slope(p.hidden),
                          -difference * g.forget_slope, difference * g.input_slope};
#else
    const gradient_t d = {lambda * g.input * candidate_slope(p.hidden),
                          lambda * before * g.forget_slope, lambda * c * g.input_slope};
#endif
    return d;
}

static inline void cell_store(const target_t *target, const lane_t *lane, int s, gradient_t d) {
    store_gate(target, lane, s, 0, d.hidden);
    store_gate(target, lane, s, 1, d.forget);
    store_gate(target, lane, s, 2, d.input);
}

static inline void cell_share(const target_t *target, const lane_t *lane, int s, gradient_t d) {
}

static inline void cell_clear(const target_t *target, const lane_t *lane, int t) {
    clear_gates(target, lane, t);
}
