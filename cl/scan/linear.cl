/* SPDX-License-Identifier: Apache-2.0 */
/* The linear cell: a and b are given (their logarithms if LOG_INPUTS). lane.cl says what a cell
 * gives. */
#ifdef LOG_INPUTS
#define PLAIN(v) exp(v)
#else
#define PLAIN(v) (v)
#endif

#define CELL_PARAMETERS                                                                            \
    __global const float *restrict x, ulong x_offset, __global const float *restrict b,            \
        ulong b_offset

#define CELL(cell, sequence, channel)                                                              \
    make_cell((cell), x + x_offset, b + b_offset, ((size_t)(sequence)*time) * width + (channel))

#define TARGET_PARAMETERS                                                                          \
    __global float *restrict dx, ulong dx_offset, __global float *restrict db, ulong db_offset

#define TARGET(target, sequence, channel)                                                          \
    make_target((target), dx + dx_offset, db + db_offset,                                          \
                ((size_t)(sequence)*time) * width + (channel))

typedef struct {
    __global const float *a, *b; /* [time, width], at the lane's sequence and channel */
} cell_t;

typedef struct {
    __global float *a, *b; /* likewise */
} target_t;

typedef struct {
    vfloat a, b; /* as given */
} pre_t;

typedef pre_t gradient_t;

static inline void make_cell(cell_t *cell, __global const float *a, __global const float *b,
                             size_t place) {
    cell->a = a + place;
    cell->b = b + place;
}

static inline void make_target(target_t *target, __global float *a, __global float *b,
                               size_t place) {
    target->a = a + place;
    target->b = b + place;
}

static inline size_t cell_index(const lane_t *lane, int s) {
    return time_of(lane, s) * lane->width;
}

static inline pre_t cell_load(const cell_t *cell, const lane_t *lane, int s) {
    const pre_t p = {LOAD(cell->a + cell_index(lane, s)), LOAD(cell->b + cell_index(lane, s))};
    return p;
}

static inline void cell_prefetch(const cell_t *cell, const lane_t *lane, int s) {
    PREFETCH(cell->a + cell_index(lane, s));
    PREFETCH(cell->b + cell_index(lane, s));
}

static inline elem_t cell_elem(pre_t p) {
#ifdef LOG_ELEMENTS
    return elem(p.a, p.b);
#else
    return elem(PLAIN(p.a), PLAIN(p.b));
#endif
}

static inline vfloat cell_output(const cell_t *cell, const lane_t *lane, int s, state_t state) {
    return state_leave(state);
}

static inline state_t cell_output_back(const cell_t *cell, const lane_t *lane, int s, vfloat dy) {
    return dy;
}

static inline gradient_t cell_gradient(pre_t p, vfloat dy, state_t lambda, state_t before) {
#ifdef LOG_INPUTS
    const gradient_t d = {lambda * exp(p.a) * before, lambda * exp(p.b)};
#else
    const gradient_t d = {lambda * before, lambda};
#endif
    return d;
}

static inline void cell_store(const target_t *target, const lane_t *lane, int s, gradient_t d) {
    STREAM(d.a, target->a + cell_index(lane, s));
    STREAM(d.b, target->b + cell_index(lane, s));
}

static inline void cell_share(const target_t *target, const lane_t *lane, int s, gradient_t d) {
}

static inline void cell_clear(const target_t *target, const lane_t *lane, int t) {
    STREAM((vfloat)0.0f, target->a + t * lane->width);
    STREAM((vfloat)0.0f, target->b + t * lane->width);
}
