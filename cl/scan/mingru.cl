/* minGRU: z = sigma(gate), h = (1 - z) * h_before + z * candidate(hidden). */
#define GATES 2

typedef struct {
    vfloat hidden, gate; /* pre-activations */
} pre_t;

static inline pre_t cell_load(const lane_t *lane, int s) {
    const pre_t p = {load_gate(lane, s, 0), load_gate(lane, s, 1)};
    return p;
}

static inline void cell_prefetch(const lane_t *lane, int s) {
#pragma unroll
    for (int gate = 0; gate < GATES; gate++) {
        PREFETCH(lane->x + gate_index(lane, s, gate));
    }
}

static inline elem_t cell_elem(pre_t p) {
#ifdef LOG_ELEMENTS
    return elem(-softplus(p.gate), log_candidate(p.hidden) - softplus(-p.gate));
#else
    const vfloat z = sigmoid(p.gate);
    return elem(1.0f - z, z * candidate(p.hidden));
#endif
}

/* From lambda = dL/dh and the state before to the pre-activations' gradient. */
static inline pre_t cell_gradient(pre_t p, vfloat lambda, vfloat before) {
    const vfloat z = sigmoid(p.gate);
    const vfloat dc = lambda * z;
    const pre_t d = {dc * candidate_slope(p.hidden),
                     dc * (1.0f - z) * (candidate(p.hidden) - before)};
    return d;
}

static inline void cell_store(const lane_t *lane, __global float *dx, __global float *db, int s,
                              pre_t d) {
    STREAM(d.hidden, dx + gate_index(lane, s, 0));
    STREAM(d.gate, dx + gate_index(lane, s, 1));
}
