/* The operator h -> a * h + b. */

typedef struct {
    vfloat a, b;
} elem_t;

static inline elem_t elem(vfloat a, vfloat b) {
    const elem_t e = {a, b};
    return e;
}

static inline elem_t elem_identity(void) {
    return elem((vfloat)1.0f, (vfloat)0.0f);
}

static inline vfloat elem_apply(elem_t e, vfloat state) {
    return MAD(e.a, state, e.b);
}

static inline elem_t elem_cat(elem_t earlier, elem_t later) {
    return elem(earlier.a * later.a, elem_apply(later, earlier.b));
}

/* The element that gives `state` whatever was before. */
static inline elem_t elem_constant(vfloat state) {
    return elem((vfloat)0.0f, state);
}

/* How this operator keeps a state h. */
static inline vfloat state_from(vfloat h) {
    return h;
}

static inline vfloat state_value(vfloat state) {
    return state;
}
