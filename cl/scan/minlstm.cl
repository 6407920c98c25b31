/* minLSTM: f = sigma(forget + offset), i = sigma(input), h = f * h_before + i * candidate(hidden);
 * NORMALISED: f / (f + i) and i / (f + i) in their place. */
#define GATES 3

typedef struct {
    vfloat hidden, forget, input; /* pre-activations */
} pre_t;

static inline pre_t cell_load(const lane_t *lane, int s) {
    const pre_t p = {load_gate(lane, s, 0), load_gate(lane, s, 1) + lane->forget_offset,
                     load_gate(lane, s, 2)};
    return p;
}

static inline void cell_prefetch(const lane_t *lane, int s) {
#pragma unroll
    for (int gate = 0; gate < GATES; gate++) {
        PREFETCH(lane->x + gate_index(lane, s, gate));
    }
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
    /* f / (f + i) is 0 / 0 where both underflow, so both are multiplied by (1 + e^-forget) *
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

/* From lambda = dL/dh and the state before to the pre-activations' gradient. */
static inline pre_t cell_gradient(pre_t p, vfloat lambda, vfloat before) {
    const gates_t g = cell_gates(p);
    const vfloat c = candidate(p.hidden);
#ifdef NORMALISED
    const vfloat difference = lambda * (c - before);
    const pre_t d = {lambda * g.input * candidate_slope(p.hidden), -difference * g.forget_slope,
                     difference * g.input_slope};
#else
    const pre_t d = {lambda * g.input * candidate_slope(p.hidden),
                     lambda * before * g.forget_slope, lambda * c * g.input_slope};
#endif
    return d;
}

static inline void cell_store(const lane_t *lane, __global float *dx, __global float *db, int s,
                              pre_t d) {
    STREAM(d.hidden, dx + gate_index(lane, s, 0));
    STREAM(d.forget, dx + gate_index(lane, s, 1));
    STREAM(d.input, dx + gate_index(lane, s, 2));
}
