/* The operator h -> a * h + b on positive numbers, all as logarithms: h stays log h from step to
 * step (the paper's log-space form, appendix B.2, without its cumulative sums). Log 0 is -infinity.
 */
#define LOG_ELEMENTS

typedef struct {
    vfloat a, b; /* log a, log b */
} elem_t;

static inline elem_t elem(vfloat log_a, vfloat log_b) {
    const elem_t e = {log_a, log_b};
    return e;
}

static inline elem_t elem_identity(void) {
    return elem((vfloat)0.0f, (vfloat)-INFINITY);
}

static inline vfloat elem_apply(elem_t e, vfloat state) {
    return log_add(e.a + state, e.b);
}

static inline elem_t elem_cat(elem_t earlier, elem_t later) {
    return elem(earlier.a + later.a, elem_apply(later, earlier.b));
}

/* The element that gives `state` whatever was before. */
static inline elem_t elem_constant(vfloat state) {
    return elem((vfloat)-INFINITY, state);
}

/* How this operator keeps a state h. */
static inline vfloat state_from(vfloat h) {
    return log(h);
}

static inline vfloat state_value(vfloat state) {
    return exp(state);
}
