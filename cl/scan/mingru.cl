/* SPDX-License-Identifier: Apache-2.0 */
/* minGRU: z = sigma(gate), h = (1 - z) * h_before + z * candidate(hidden).
 * lane.cl says what a cell gives. */
#define CELL_PARAMETERS GATED_PARAMETERS
#define CELL(cell, sequence, channel) GATED((cell), (sequence), (channel))
#define TARGET_PARAMETERS GATED_TARGET_PARAMETERS
#define TARGET(target, sequence, channel) GATED_TARGET((target), (sequence), (channel))

typedef gated_t cell_t;

typedef struct {
    vfloat hidden, gate; /* pre-activations */
} pre_t;

typedef pre_t gradient_t;
typedef gated_target_t target_t;

static inline pre_t cell_load(const cell_t *cell, const lane_t *lane, int s) {
    const pre_t p = {load_gate(cell, lane, s, 0), load_gate(cell, lane, s, 1)};
    return p;
}

static inline void cell_prefetch(const cell_t *cell, const lane_t *lane, int s) {
    prefetch_gates(cell, lane, s);
}

static inline elem_t cell_elem(pre_t p) {
#ifdef LOG_ELEMENTS
    return elem(-softplus(p.gate), log_candidate(p.hidden) - softplus(-p.gate));
#else
    const vfloat z = sigmoid(p.gate);
    return elem(1.0f - z, z * candidate(p.hidden));
#endif
}

static inline vfloat cell_output(const cell_t *cell, const lane_t *lane, int s, state_t state) {
    return state_leave(state);
}

static inline state_t cell_output_back(const cell_t *cell, const lane_t *lane, int s, vfloat dy) {
    return dy;
}

static inline gradient_t cell_gradient(pre_t p, vfloat dy, state_t lambda, state_t before) {
    const vfloat z = sigmoid(p.gate);
    const vfloat dc = lambda * z;
    const gradient_t d = {dc * candidate_slope(p.hidden),
                          dc * (1.0f - z) * (candidate(p.hidden) - before)};
    return d;
}

static inline void cell_store(const target_t *target, const lane_t *lane, int s, gradient_t d) {
    store_gate(target, lane, s, 0, d.hidden);
    store_gate(target, lane, s, 1, d.gate);
}

static inline void cell_share(const target_t *target, const lane_t *lane, int s, gradient_t d) {
}

static inline void cell_clear(const target_t *target, const lane_t *lane, int t) {
    clear_gates(target, lane, t);
}
