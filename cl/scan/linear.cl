/* The linear cell: a and b are given (their logarithms where LOG_INPUTS). */
#define GATES 1

#ifdef LOG_INPUTS
#define PLAIN(v) exp(v)
#else
#define PLAIN(v) (v)
#endif

typedef struct {
    vfloat a, b; /* as given */
} pre_t;

static inline pre_t cell_load(const lane_t *lane, int s) {
    const pre_t p = {load_gate(lane, s, 0),
                     LOAD(lane->b + (size_t)time_of(lane, s) * lane->width)};
    return p;
}

static inline void cell_prefetch(const lane_t *lane, int s) {
    PREFETCH(lane->x + gate_index(lane, s, 0));
    PREFETCH(lane->b + gate_index(lane, s, 0));
}

static inline elem_t cell_elem(pre_t p) {
#ifdef LOG_ELEMENTS
    return elem(p.a, p.b);
#else
    return elem(PLAIN(p.a), PLAIN(p.b));
#endif
}

/* From lambda = dL/dh and the state before to the gradient of what is given. */
static inline pre_t cell_gradient(pre_t p, vfloat lambda, vfloat before) {
#ifdef LOG_INPUTS
    const pre_t d = {lambda * exp(p.a) * before, lambda * exp(p.b)};
#else
    const pre_t d = {lambda * before, lambda};
#endif
    return d;
}

static inline void cell_store(const lane_t *lane, __global float *dx, __global float *db, int s,
                              pre_t d) {
    STREAM(d.a, dx + gate_index(lane, s, 0));
    STREAM(d.b, db + gate_index(lane, s, 0));
}
